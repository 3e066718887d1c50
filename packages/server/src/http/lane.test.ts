import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { count, HANDLERS, listening, RawClient } from "./lane.test.support.ts";

const GET = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

test("a request in pieces, or an odd one, goes to node:http, whatever was answered before on its connection", async (t) => {
  const { port, server } = await listening();
  t.after(() => server.close());
  const client = new RawClient(port);
  client.send(GET);
  await client.until((received) => count(received, "OK") === 2);
  client.send(GET.slice(0, 20));
  await sleep(20);
  client.send(GET.slice(20) + GET);
  await client.until((received) => count(received, "200 OK") === 3);
  client.send("GET /health HTTP/1.0\r\n\r\n");
  const received = await client.until(() => false);
  assert.equal(count(received, "HTTP/1.1 200 OK"), 4);
  assert.ok(client.isClosed);
});

test("requests that are pipelined are answered in order, and who does not read the answers has to wait", async (t) => {
  let asked = 0;
  const { port, server } = await listening({
    handlers: {
      ...HANDLERS,
      query: async (context) => {
        asked++;
        // The first takes longest.
        if (asked < 5) await sleep(20 - 5 * asked);
        await HANDLERS.query?.(context);
      },
      labels: ({ response }) => {
        asked++;
        response.end("l".repeat(1 << 18));
      },
    },
  });
  t.after(() => server.close());
  const ordered = new RawClient(port);
  const numbers = Array.from({ length: 200 }, (_, i) => i);
  ordered.send(numbers.map((i) => `GET /api/v1/query?query=n${i}n HTTP/1.1\r\nHost: x\r\n\r\n`).join(""));
  const received = await ordered.until((text) => text.includes('"n199n"'));
  assert.deepEqual(
    [...received.matchAll(/"query":\["n(\d+)n"\]/g)].map((match) => Number(match[1])),
    numbers,
  );
  ordered.socket.destroy();

  asked = 0;
  const greedy = new RawClient(port);
  greedy.socket.pause();
  greedy.send("GET /api/v1/labels HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300));
  await sleep(300);
  // What the system holds of answers that nobody reads, but far from all.
  assert.ok(asked > 0 && asked < 150, `${asked} answered`);
  greedy.socket.resume();
  await greedy.until((text) => text.length > 300 << 18);
  assert.equal(asked, 300);
  greedy.socket.destroy();
});

test("whoever hangs up ends its request", async (t) => {
  let aborted = 0;
  const { port, server, metrics } = await listening({
    handlers: {
      query: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            aborted++;
            reject(signal.reason);
          });
        }),
    },
  });
  t.after(() => server.close());
  const clients = Array.from({ length: 50 }, () => new RawClient(port));
  for (const client of clients) client.send("GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  const started = metrics.getOrCreateCounter('vm_http_requests_total{path="/api/v1/query"}');
  while (started.get() < 50) await sleep(2);
  clients.forEach((client, i) => {
    if (i % 2 === 0) client.socket.destroy();
    else client.socket.resetAndDestroy();
  });
  while (aborted < 50) await sleep(2);
  assert.equal(metrics.getOrCreateCounter('vm_cancelled_queries_total{by="client"}').get(), 50);
});

test("many connections, each kept for several requests, and none left behind", async (t) => {
  const { port, server, metrics } = await listening();
  t.after(() => server.close());
  const clients = Array.from({ length: 300 }, () => new RawClient(port));
  for (let round = 1; round <= 3; round++) {
    for (const client of clients) client.send(GET);
    await Promise.all(clients.map((client) => client.until((text) => count(text, "HTTP/1.1 200 OK") === round)));
  }
  assert.equal(metrics.getOrCreateCounter("vm_tcplistener_accepts_total").get(), 300);
  assert.equal(metrics.getOrCreateCounter('vm_http_requests_total{path="/health"}').get(), 900);
  // Those that are idle do not keep the server from closing.
  const startMs = performance.now();
  await server.close();
  await Promise.all(clients.map((client) => client.until(() => false)));
  assert.ok(clients.every((client) => client.isClosed));
  assert.ok(performance.now() - startMs < 10_000);
});

test("a request under way is answered when the server closes, and its connection closed then", async (t) => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const { port, server } = await listening({
    maxShutdownMs: 20_000,
    handlers: {
      query: async ({ response }) => {
        await gate;
        response.end("late");
      },
    },
  });
  t.after(() => server.close());
  const client = new RawClient(port);
  client.send("GET /api/v1/query?query=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  await sleep(50);
  const closed = server.close();
  open();
  await closed;
  assert.match(await client.until(() => false), /\r\n\r\nlate$/);
  assert.ok(client.isClosed);
});

test("connections that send nothing are refused, idle ones closed", async (t) => {
  const { port, server } = await listening({ idleTimeoutMs: 1_000 });
  t.after(() => server.close());
  const silent = new RawClient(port);
  const idle = new RawClient(port);
  idle.send(GET);
  assert.match(await idle.until(() => false), /Keep-Alive: timeout=1\r\n/);
  assert.ok(idle.isClosed);
  assert.match(await silent.until(() => false), /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assert.ok(silent.isClosed);
});

test("a header with a line break in it is a fault of ours, not a second header", async (t) => {
  const { port, server } = await listening();
  t.after(() => server.close());
  const client = new RawClient(port);
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const received = await client.until((text) => text.includes("\r\n\r\n"));
  assert.match(received, /^HTTP\/1\.1 500 /);
  assert.doesNotMatch(received, /Injected/);
  client.socket.destroy();
});
