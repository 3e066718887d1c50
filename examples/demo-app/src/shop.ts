/**
 * The shop: a small HTTP service over node:http. Its database is a timer that takes as long as one, fails as often, and slows down when
 * many ask at once.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { counter } from "@nyanza/metrics";
import { type AppMetrics, BusinessMetrics, CacheMetrics, instrumentCache } from "@nyanza/metrics/otel";

/** Answers with the text of a 200. @throws HttpError for any other status */
type Handler = (id: string, body: string) => Promise<string> | string;

class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The paths there are. Metrics are labelled with these, never with what a client made up. */
export const PATHS: readonly string[] = ["/api/users", "/api/orders", "/api/products", "/api/sessions"];

const TYPES = ["boats", "nets", "lanterns", "maps"] as const;
const PRODUCTS_MAX = 36;
const STOCK_FULL = 400;
const CACHED_MAX = 25;
const BODY_CHARS_MAX = 10_000;

/** Call it once, after `startMetrics`: it makes instruments. */
export function createShop(app: AppMetrics): RequestListener {
  // Orders, carts and inventory.
  const business = new BusinessMetrics({ currency: "EUR" });
  // A Map that counts its hits and misses and takes its own time. Evictions are ours to tell.
  const cacheMetrics = new CacheMetrics("products");
  const cache = instrumentCache(new Map<string, string>(), cacheMetrics);
  // A native metric: its labels are part of its type, and a bound handle costs a few nanoseconds to count on.
  const emails = counter("shop_emails_total", { help: "E-mails sent.", labelNames: ["kind"] });
  const receipts = emails.with({ kind: "receipt" });
  const greetings = emails.with({ kind: "greeting" });

  const sessions = new Set<string>();
  const stock = new Map<string, number>();
  const setStock = (type: string, level: number): void => {
    stock.set(type, level);
    business.updateInventory(type, level);
  };
  for (const type of TYPES) setStock(type, STOCK_FULL);

  const read: Handler = (id) => askDatabase(12, `{"id":${Number(id)}}`);
  const write: Handler = () => askDatabase(35, "done");

  const readProduct: Handler = async (id, body) => {
    if (Number(id) >= PRODUCTS_MAX) throw new HttpError(404, "no such product");
    const cached = cache.get(id);
    if (cached !== undefined) return cached;
    const product = await read(id, body);
    cache.set(id, product);
    if (cache.size > CACHED_MAX) {
      cache.delete(cache.keys().next().value ?? "");
      cacheMetrics.recordEviction();
    }
    return product;
  };

  const changeProduct: Handler = (id, body) => {
    cache.delete(id);
    return write(id, body);
  };

  const placeOrder: Handler = async (id, body) => {
    const startMs = performance.now();
    const quantity = readQuantity(body);
    business.recordCartSize(quantity);
    await askDatabase(60, "");
    const type = TYPES[Number(id) % TYPES.length] ?? TYPES[0];
    const level = (stock.get(type) ?? 0) - quantity;
    // Sold out: the lorry with more is there at once.
    setStock(type, level > 0 ? level : STOCK_FULL);
    business.recordOrder({ productType: type, amount: quantity * 19.9, durationMs: performance.now() - startMs });
    receipts.inc();
    return "ordered";
  };

  const addUser: Handler = async (id, body) => {
    const user = await write(id, body);
    greetings.inc();
    return user;
  };

  const logIn: Handler = () => {
    const session = randomUUID();
    sessions.add(session);
    app.recordUserLogin();
    return session;
  };

  const logOut: Handler = (session) => {
    if (!sessions.delete(session)) throw new HttpError(404, "no such session");
    app.recordUserLogout();
    return "good-bye";
  };

  const handlers = new Map<string, Handler>([
    ["GET /", () => "A shop that measures itself.\n"],
    ["GET /api/users", read],
    ["POST /api/users", addUser],
    ["PUT /api/users", write],
    ["DELETE /api/users", write],
    ["GET /api/products", readProduct],
    ["POST /api/products", write],
    ["PUT /api/products", changeProduct],
    ["DELETE /api/products", changeProduct],
    ["GET /api/orders", read],
    ["POST /api/orders", placeOrder],
    ["PUT /api/orders", write],
    ["DELETE /api/orders", write],
    ["POST /api/sessions", logIn],
    ["DELETE /api/sessions", logOut],
  ]);

  const answer = async (request: IncomingMessage): Promise<string> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://shop");
    const handler = handlers.get(`${request.method} ${pathname}`);
    if (handler === undefined) throw new HttpError(404, "no such page");
    return await handler(searchParams.get("id") ?? "", await readBody(request));
  };
  return (request, response) => {
    answer(request).then(
      (text) => response.writeHead(200, { "content-type": "text/plain" }).end(text),
      (error: Error) => {
        const status = error instanceof HttpError ? error.status : 500;
        response.writeHead(status, { "content-type": "text/plain" }).end(error.message);
      },
    );
  };
}

let asking = 0;

/** Most answers take about `typicalMs` while few ask, one in a hundred ten times as long, and one in fifty never comes. */
async function askDatabase(typicalMs: number, text: string): Promise<string> {
  const isSlow = Math.random() < 0.01;
  asking++;
  await sleep(typicalMs * (0.5 + 2 * Math.random() ** 2) * (1 + asking / 8) * (isSlow ? 10 : 1));
  asking--;
  if (Math.random() < 0.02) throw new Error("the database does not answer");
  return text;
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > BODY_CHARS_MAX) throw new HttpError(413, `a body has at most ${BODY_CHARS_MAX} characters`);
  }
  return body;
}

function readQuantity(body: string): number {
  const quantity = Number(/^\{"quantity":(\d{1,2})[,}]/.exec(body)?.[1] ?? 0);
  if (quantity > 0) return quantity;
  throw new HttpError(400, 'an order is {"quantity":1, …}');
}
