/** A listener with a few handlers that tell what they were asked, and raw bytes sent to it. */
import { connect, type Socket } from "node:net";
import { MetricSet } from "@nyanza/metrics";
import { InputError } from "@nyanza/tsdb";
import { createLoggers } from "../process/logger.ts";
import { ActiveRequests } from "./active-requests.ts";
import { ByteBudget } from "./body.ts";
import type { Handler, Handlers } from "./context.ts";
import { RequestQueue } from "./queue.ts";
import { type Answer, StreamedAnswer, sendBody, sendStatus } from "./response.ts";
import { HttpServer, type HttpServerOptions } from "./server.ts";

const TEXT: Answer = { contentType: "text/plain; charset=utf-8" };
/** Long enough for chunks and for a slow reader to be noticed. */
const LONG = Buffer.from("0123456789abcdef".repeat(8 << 10));

/** Says what it was asked. */
const echo: Handler = ({ args, path, request, response }) => {
  const { headers, method, url } = request;
  const said = { method, url, path, query: args.getAll("query"), headers };
  sendBody(request, response, { contentType: "application/json" }, JSON.stringify(said));
};

export const HANDLERS: Partial<Handlers> = {
  health: ({ request, response }) => sendBody(request, response, TEXT, "OK"),
  query: echo,
  robots: ({ response }) => sendStatus(response, 204),
  favicon: ({ request, response }) => sendBody(request, response, TEXT, "ä, which is no ASCII"),
  labels: ({ request, response }) => sendBody(request, response, TEXT, "compressible ".repeat(500)),
  series: async (context) => {
    const answer = new StreamedAnswer(context, TEXT);
    for (let i = 0; i < 3; i++) await answer.write(LONG, () => {});
    await answer.end(Buffer.from("end"), () => {});
  },
  seriesCount: () => {
    throw new InputError("no <count>", 422);
  },
  landing: ({ response }) => {
    response.setHeader("Location", "/x\r\nInjected: yes");
    response.end();
  },
};

export interface Listening {
  readonly port: number;
  readonly server: HttpServer;
  readonly metrics: MetricSet;
}

export async function listening(options: Partial<HttpServerOptions> = {}): Promise<Listening> {
  const metrics = new MetricSet();
  const logger = createLoggers({
    level: "PANIC",
    format: "default",
    timezone: "UTC",
    hasTimestamps: false,
    errorsPerSecond: 0,
    warnsPerSecond: 0,
    output: { write: () => true },
  })("http");
  const server = new HttpServer({
    addresses: ["127.0.0.1:0"],
    isIpv6Enabled: false,
    pathPrefix: "",
    maxConnections: 10_000,
    connTimeoutMs: 0,
    idleTimeoutMs: 60_000,
    maxShutdownMs: 1_000,
    isCompressionEnabled: true,
    isCorsEnabled: true,
    auth: { username: "", password: () => "", keys: {} as HttpServerOptions["auth"]["keys"] },
    body: { budget: new ByteBudget(1 << 20), stallMs: 1_000 },
    queryQueue: new RequestQueue({ capacity: 100, maxWaitMs: 10_000, status: 429, flags: "" }),
    activeRequests: new ActiveRequests(),
    handlers: HANDLERS,
    metrics,
    logger,
    ...options,
  });
  const [address = ""] = await server.listen();
  return { port: Number(address.split(":").at(-1)), server, metrics };
}

/** A connection whose bytes are kept. */
export class RawClient {
  readonly socket: Socket;
  received = "";
  isClosed = false;
  #onNews: () => void = () => {};

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.setNoDelay(true);
    this.socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
      this.#onNews();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
      this.#onNews();
    });
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Resolves when `isThere` or the connection is closed; after `maxMs` at the latest. */
  async until(isThere: (received: string) => boolean, maxMs = 20_000): Promise<string> {
    const endMs = performance.now() + maxMs;
    while (!this.isClosed && !isThere(this.received) && performance.now() < endMs) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, endMs - performance.now());
        this.#onNews = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.received;
  }
}

export const count = (text: string, part: string): number => text.split(part).length - 1;
