/**
 * The shop's customers: each logs in, looks around, orders now and then, and logs out. How many there are follows the hour of a
 * day that lasts five minutes, so that every graph has a shape.
 */
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

const DAY_MS = 5 * 60_000;
const CUSTOMERS_AT_NIGHT = 12;
const CUSTOMERS_AT_NOON = 32;
/** Between two clicks of one customer. */
const THINK_MS_MAX = 1000;
const VISIT_MS_MAX = 40_000;

/** What customers do, and how often of a hundred times. */
const HABITS: readonly (readonly [share: number, method: string, path: string])[] = [
  [38, "GET", "/api/products"],
  [14, "GET", "/api/users"],
  [12, "GET", "/api/orders"],
  [12, "POST", "/api/orders"],
  [6, "PUT", "/api/orders"],
  [4, "DELETE", "/api/orders"],
  [4, "POST", "/api/users"],
  [4, "PUT", "/api/users"],
  [1, "DELETE", "/api/users"],
  [3, "PUT", "/api/products"],
  [1, "POST", "/api/products"],
  [1, "DELETE", "/api/products"],
];

export interface Customers {
  /** They log out and go; resolves when the last one has. */
  leave(): Promise<void>;
}

/** Lets customers come to the shop at `url` until they are asked to leave. */
export function sendCustomers(url: string): Customers {
  const closing = new AbortController();
  // Every customer who thinks listens to it, and there are more than the ten that Node takes for a leak.
  setMaxListeners(CUSTOMERS_AT_NOON + 1, closing.signal);
  const present = new Set<Promise<void>>();
  // It is early morning: the graphs begin by rising.
  const startMs = performance.now();
  const admit = (): void => {
    const height = (1 - Math.cos(((performance.now() - startMs) / DAY_MS + 0.1) * 2 * Math.PI)) / 2;
    const wanted = CUSTOMERS_AT_NIGHT + (CUSTOMERS_AT_NOON - CUSTOMERS_AT_NIGHT) * height;
    if (present.size >= wanted) return;
    const visit = visitShop(url, closing.signal).finally(() => present.delete(visit));
    present.add(visit);
  };
  const timer = setInterval(admit, 200);
  return {
    leave: async () => {
      clearInterval(timer);
      closing.abort();
      await Promise.all(present);
    },
  };
}

async function visitShop(url: string, closing: AbortSignal): Promise<void> {
  const session = await send("POST", `${url}/api/sessions`);
  const endMs = performance.now() + Math.random() * VISIT_MS_MAX;
  while (performance.now() < endMs && !closing.aborted) {
    await sleep(Math.random() * THINK_MS_MAX, null, { signal: closing }).catch(() => {});
    if (!closing.aborted) await doSomething(url);
  }
  await send("DELETE", `${url}/api/sessions?id=${session}`);
}

async function doSomething(url: string): Promise<void> {
  const [, method, path] = pickHabit();
  const body = method === "GET" || method === "DELETE" ? null : JSON.stringify(writeOrder());
  await send(method, `${url}${path}?id=${Math.floor(Math.random() ** 2 * 40)}`, body);
}

function pickHabit(): (typeof HABITS)[number] {
  let rest = Math.random() * 100;
  return HABITS.find(([share]) => (rest -= share) < 0) ?? (HABITS[0] as (typeof HABITS)[number]);
}

/** Now and then somebody orders nothing, which the shop refuses. */
function writeOrder(): unknown {
  const quantity = Math.random() < 0.08 ? 0 : 1 + Math.floor(Math.random() * 4);
  return { quantity, note: "x".repeat(Math.floor(Math.random() ** 3 * 4000)) };
}

/** The answer's text; "" when nobody answered: customers come back, programs that test them go on. */
async function send(method: string, url: string, body: string | null = null): Promise<string> {
  try {
    const response = await fetch(url, { method, body });
    return await response.text();
  } catch {
    return "";
  }
}
