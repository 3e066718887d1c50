/** What goes wrong over real sockets: a database that fails, queries that take too long, clients that are gone. */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { ask, type Reply, withServer } from "./start.test.support.ts";

test("faults of the database are 500 without its secrets, and logged with them", () =>
  withServer([], async ({ database, log, port }) => {
    database.failure = new Error("disk on fire at /secret/path");
    for (const [path, sending] of [
      ["/api/v1/query?query=x", {}],
      ["/api/v1/labels", {}],
      ["/api/v1/export?match[]=x", {}],
      ["/api/v1/import/prometheus", { body: "x 1\n" }],
      ["/internal/force_flush", {}],
    ] as const) {
      const reply = await ask(port, path, sending);
      assert.equal(reply.status, 500, path);
      assert.ok(!reply.text.includes("secret"), path);
    }
    assert.ok(log.some((line) => line.startsWith("error\t") && line.includes("disk on fire")));
    database.failure = null;
    assert.equal((await ask(port, "/api/v1/query?query=x")).status, 200);
  }));

test("a fault in the middle of an export breaks the connection: nobody takes a part for the whole", () =>
  withServer([], async ({ database, port }) => {
    const lines = Array.from({ length: 3000 }, (_, i) => `m{i="${i}",pad="${"x".repeat(100)}"} ${i} ${i + 1}\n`).join(
      "",
    );
    assert.equal((await ask(port, "/api/v1/import/prometheus", { body: lines })).status, 204);
    const whole = await ask(port, "/api/v1/export?match[]=m");
    assert.equal(whole.text.trim().split("\n").length, 3000);
    const original = database.export.bind(database);
    database.export = async (request) => {
      const cursor = await original(request);
      let left = 2000;
      return {
        seriesCount: cursor.seriesCount,
        isPartial: false,
        close: () => cursor.close(),
        next: async () => {
          if (left-- === 0) throw new Error("broken block");
          return cursor.next();
        },
      };
    };
    await assert.rejects(ask(port, "/api/v1/export?match[]=m"));
  }));

test("a query is aborted when its time is up or its client is gone", () =>
  withServer([], async ({ database, port }) => {
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const late = await ask(port, "/api/v1/query?query=x&timeout=50ms");
    assert.equal(late.status, 422);
    assert.match(late.text, /longer than 0\.05 seconds/);
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /api/v1/query?query=y HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    const signal = database.asked[1]?.options.signal as AbortSignal;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    open();
  }));

test("requests of a connection are aborted one by one", () =>
  withServer([], async ({ database, port }) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const get = (path: string): Promise<Reply> => ask(port, path, { agent });
    const gate = database.gate;
    assert.equal((await get("/api/v1/query?query=a")).status, 200);
    assert.equal((await get("/api/v1/query?query=b")).status, 200);
    database.gate = new Promise(() => {});
    assert.equal((await get("/api/v1/query?query=c&timeout=20ms")).status, 422);
    database.gate = gate;
    assert.equal((await get("/api/v1/query?query=d")).status, 200);
    agent.destroy();

    // Pipelined: the first one's time is up while the second one is at work.
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const socket = connect(port, "127.0.0.1");
    const query = (text: string): string => `GET /api/v1/query?query=${text} HTTP/1.1\r\nHost: x\r\n\r\n`;
    socket.write(query("e&timeout=20ms") + query("f"));
    await new Promise((resolve) => socket.once("data", resolve));
    open();
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    const aborted = database.asked.map(({ text, options }) => `${text} ${options.signal.aborted}`);
    assert.deepEqual(aborted.slice(-4), ["c true", "d false", "e true", "f false"]);
  }));

test("too many queries wait, then get 429 with Retry-After", () =>
  withServer(["-search.maxConcurrentRequests=1", "-search.maxQueueDuration=50ms"], async ({ database, port }) => {
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = ask(port, "/api/v1/query?query=x");
    await new Promise((resolve) => setTimeout(resolve, 30));
    const second = await ask(port, "/api/v1/query?query=x");
    assert.equal(second.status, 429);
    assert.equal(second.headers["retry-after"], "10");
    assert.equal(JSON.parse(second.text).errorType, "429");
    open();
    assert.equal((await first).status, 200);
  }));
