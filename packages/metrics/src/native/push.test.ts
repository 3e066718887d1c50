import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { MetricSet } from "./metric-set.ts";
import { type PushClock, type PushOptions, pushMetrics } from "./push.ts";
import { PushError, parseRetryAfter } from "./push-request.ts";

test("a push is text, compressed, with the extra labels that a sample lacks", () =>
  withReceiver(async (receiver) => {
    const set = new MetricSet();
    set.getOrCreateCounter("orders_total").add(3);
    set.getOrCreateCounter('orders_total{job="own"}').add(4);
    set.getOrCreateCounter('orders_total{note=",job=",zone="b"}').add(5);
    const pusher = pushMetrics(`${receiver.url}?extra=1`, {
      ...quiet(set),
      extraLabels: { job: "shop", zone: 'a"\n' },
      headers: { "x-tenant": "7" },
    });
    await pusher.push();
    const [{ method, path, headers, body }] = receiver.requests as [Received];
    assert.deepEqual([method, path], ["POST", "/write?extra=1"]);
    assert.equal(headers["content-encoding"], "gzip");
    assert.equal(headers["x-tenant"], "7");
    assert.deepEqual(
      body.split("\n").filter((line) => line.startsWith("orders")),
      [
        'orders_total{job="shop",zone="a\\"\\n"} 3',
        'orders_total{zone="a\\"\\n",job="own"} 4',
        'orders_total{job="shop",note=",job=",zone="b"} 5',
      ],
    );
    await pusher.close({ flush: false });
  }));

test("a user and password go into a header, and into nothing that is shown", () =>
  withReceiver(async (receiver) => {
    const set = new MetricSet();
    const url = new URL(`${receiver.url}?token=hidden`);
    url.username = "ann";
    url.password = "geheim%3A";
    receiver.answer = (response) => response.writeHead(400).end("no such tenant\nsecond line");
    const pusher = pushMetrics(url, quiet(set));
    const error = await pusher.push().catch((failed: unknown) => failed);
    assert.ok(error instanceof PushError);
    assert.equal(error.message, `push to ${receiver.url}: want a status 2xx, got 400: no such tenant`);
    assert.equal(error.status, 400);
    const { authorization } = (receiver.requests[0] as Received).headers;
    assert.equal(authorization, `Basic ${Buffer.from("ann:geheim:").toString("base64")}`);
    assert.doesNotMatch(set.writePrometheus(), /geheim|hidden/);
    assert.match(set.writePrometheus(), new RegExp(`^metrics_push_errors_total\\{url="${receiver.url}"\\} 1$`, "m"));
    await pusher.close({ flush: false });
  }));

test("URLs, labels and options that make no sense are refused at once, without the password", () => {
  for (const url of ["", "host:8428", "http//ann:geheim@host/", "ftp://ann:geheim@host/", "http://ann:geheim@/"]) {
    assert.throws(
      () => pushMetrics(url, quiet()),
      (error: unknown) => error instanceof TypeError && !error.message.includes("geheim"),
      url,
    );
  }
  const refuses = (options: PushOptions, kind: typeof TypeError | typeof RangeError): void =>
    assert.throws(() => pushMetrics("http://127.0.0.1:9/", { ...quiet(), ...options }), kind, JSON.stringify(options));
  for (const name of ["a-b", "", "__name__", "1a"]) refuses({ extraLabels: { [name]: "x" } }, TypeError);
  refuses({ headers: { authorization: "Bearer a\nb" } }, TypeError);
  for (const value of [0, -1, Number.NaN, 2 ** 31]) {
    refuses({ intervalMs: value }, RangeError);
    refuses({ timeoutMs: value }, RangeError);
  }
  refuses({ retries: 1.5 }, RangeError);
});

test("429 and 5xx are tried again with the values of then, each attempt counted", () =>
  withReceiver(async (receiver) => {
    const set = new MetricSet();
    const orders = set.getOrCreateCounter("orders_total");
    const statuses = [503, 429, 204];
    receiver.answer = (response) => {
      orders.inc();
      response.writeHead(statuses.shift() as number).end();
    };
    const clock = new ManualClock();
    const pusher = pushMetrics(receiver.url, { ...quiet(set), clock, random: () => 0 });
    const pushed = pusher.push();
    await clock.advanceWhenWaiting(250);
    await clock.advanceWhenWaiting(500);
    await pushed;
    assert.deepEqual(
      receiver.requests.map(({ body }) => /^orders_total (\d)$/m.exec(body)?.[1]),
      ["0", "1", "2"],
    );
    assert.match(set.writePrometheus(), /^metrics_push_total\{.*\} 3$/m);
    assert.match(set.writePrometheus(), /^metrics_push_errors_total\{.*\} 2$/m);
    assert.match(set.writePrometheus(), /^metrics_push_duration_seconds_count\{.*\} 3$/m);
    await pusher.close({ flush: false });
  }));

test("other refusals, and redirects, are not tried again", () =>
  withReceiver(async (receiver) => {
    for (const status of [301, 307, 400, 401, 413]) {
      receiver.requests.length = 0;
      receiver.answer = (response) => response.writeHead(status, { location: "http://127.0.0.1:9/" }).end();
      const pusher = pushMetrics(receiver.url, quiet());
      await assert.rejects(pusher.push(), { status, isTemporary: false });
      await pusher.close({ flush: false });
      assert.equal(receiver.requests.length, 1);
    }
  }));

test("a receiver that is not there is an error, and the next interval pushes again", async () => {
  const clock = new ManualClock();
  const errors: Error[] = [];
  let fails: unknown = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:8428") });
  let pushes = 0;
  const pusher = pushMetrics("http://127.0.0.1:8428/write", {
    ...quiet(),
    clock,
    retries: 0,
    onError: (error) => {
      errors.push(error);
      throw new Error("of the handler");
    },
    fetch: async () => {
      if (fails !== null) throw fails;
      pushes++;
      return new Response(null, { status: 204 });
    },
  });
  clock.advance(10_000);
  await until(() => errors.length === 1);
  const { message } = errors[0] as Error;
  assert.equal(message, "push to http://127.0.0.1:8428/write: connect ECONNREFUSED 127.0.0.1:8428");
  fails = null;
  clock.advance(10_000);
  await until(() => pushes === 1);
  await pusher.close({ flush: false });
  assert.equal(errors.length, 1);
});

test("a port where nobody listens", async () => {
  const url = await withReceiver(async (receiver) => receiver.url);
  const pusher = pushMetrics(url, { ...quiet(), retries: 0 });
  await assert.rejects(pusher.push(), /^PushError: push to http:.*: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
  await pusher.close({ flush: false });
});

test("pushes never overlap: who asks meanwhile shares the next one", () =>
  withReceiver(async (receiver) => {
    const held: ServerResponse[] = [];
    receiver.answer = (response) => held.push(response);
    const clock = new ManualClock();
    const pusher = pushMetrics(receiver.url, { ...quiet(), clock, timeoutMs: 1e9 });
    const first = pusher.push();
    const second = pusher.push();
    assert.equal(pusher.push(), second);
    clock.advance(50_000);
    await until(() => held.length === 1);
    held.shift()?.end();
    await first;
    await until(() => held.length === 1);
    held.shift()?.end();
    await second;
    assert.equal(receiver.requests.length, 2);
    await pusher.close({ flush: false });
  }));

test("Retry-After holds the ticks back", () =>
  withReceiver(async (receiver) => {
    receiver.answer = (response) => response.writeHead(429, { "retry-after": "25" }).end();
    const clock = new ManualClock();
    const errors: Error[] = [];
    const pusher = pushMetrics(receiver.url, { ...quiet(), clock, onError: (error) => errors.push(error) });
    clock.advance(10_000);
    await until(() => errors.length === 1);
    clock.advance(10_000);
    clock.advance(10_000);
    assert.equal(receiver.requests.length, 1);
    clock.advance(10_000);
    await until(() => errors.length === 2);
    await pusher.close({ flush: false });
    assert.equal(receiver.requests.length, 2);
  }));

test("parseRetryAfter", () => {
  const nowMs = Date.parse("2026-01-01T00:00:00Z");
  const same = (header: string | null, ms: number) => assert.equal(parseRetryAfter(header, nowMs), ms, String(header));
  same(null, 0);
  same("", 0);
  same("soon", 0);
  same("2", 2000);
  same("Thu, 01 Jan 2026 00:00:07 GMT", 7000);
  same("Thu, 01 Jan 2020 00:00:07 GMT", 0);
  same("999999999999", 300_000);
});

test("an answer that does not come is given up after timeoutMs", () =>
  withReceiver(async (receiver) => {
    receiver.answer = () => {};
    const pusher = pushMetrics(receiver.url, { ...quiet(), timeoutMs: 30, retries: 0 });
    await assert.rejects(pusher.push(), /: no answer within 30 ms$/);
    await pusher.close({ flush: false });
  }));

test("close pushes once more, and reports what that meets", () =>
  withReceiver(async (receiver) => {
    const set = new MetricSet();
    const pusher = pushMetrics(receiver.url, quiet(set));
    set.getOrCreateCounter("late_total").inc();
    await pusher.close();
    await pusher.close();
    assert.equal(receiver.requests.length, 1);
    assert.match((receiver.requests[0] as Received).body, /^late_total 1$/m);
    await assert.rejects(pusher.push(), /closed/);

    receiver.answer = (response) => response.writeHead(503).end();
    const errors: Error[] = [];
    await pushMetrics(receiver.url, { ...quiet(), onError: (error) => errors.push(error) }).close();
    assert.deepEqual([receiver.requests.length, errors.length], [2, 1]);
  }));

test("close ends the wait before a retry; without flush it ends the request too", () =>
  withReceiver(async (receiver) => {
    receiver.answer = (response) => response.writeHead(503).end();
    const clock = new ManualClock();
    const waiting = pushMetrics(receiver.url, { ...quiet(), clock });
    const failed = assert.rejects(waiting.push(), { status: 503 });
    await clock.whenWaiting();
    await waiting.close({ flush: false });
    await failed;
    receiver.answer = () => {};
    const hanging = pushMetrics(receiver.url, quiet());
    const ended = assert.rejects(hanging.push(), /the pusher was closed/);
    await until(() => receiver.requests.length === 2);
    await hanging.close({ flush: false });
    await ended;
  }));

test("metrics that cannot be collected are an error of that push", () =>
  withReceiver(async (receiver) => {
    const pusher = pushMetrics(receiver.url, { ...quiet(), collect: () => Promise.reject(new Error("no shelf")) });
    await assert.rejects(pusher.push(), /no shelf/);
    await pusher.close({ flush: false });
    assert.equal(receiver.requests.length, 0);
  }));

test("metrics that never come hold up neither the next push nor the end", async () => {
  const clock = new ManualClock();
  const pusher = pushMetrics("http://127.0.0.1:8428/write", {
    ...quiet(),
    clock,
    collect: () => new Promise(() => {}),
  });
  const late = assert.rejects(pusher.push(), { message: "push: the metrics were not collected within 10000 ms" });
  clock.advance(10_000);
  await late;
  const calledOff = assert.rejects(pusher.push(), /the pusher was closed/);
  await pusher.close({ flush: false });
  await calledOff;
});

/** Nothing but the set. The first tick comes after the test. */
function quiet(set: MetricSet = new MetricSet()): PushOptions {
  return { set, processMetrics: false };
}

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Receiver {
  readonly url: string;
  readonly requests: Received[];
  answer: (response: ServerResponse) => unknown;
}

async function withReceiver<T>(use: (receiver: Receiver) => Promise<T>): Promise<T> {
  const requests: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const bytes = Buffer.concat(chunks);
      const body = (headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
      requests.push({ method, path, headers, body });
      receiver.answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/write`;
  const receiver: Receiver = { url, requests, answer: (response) => response.writeHead(204).end() };
  try {
    return await use(receiver);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Stands still until told. */
class ManualClock implements PushClock {
  #nowMs = 0;
  readonly #timers = new Map<() => void, number>();

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const run = (): void => callback();
    this.#timers.set(run, this.#nowMs + delayMs);
    return () => this.#timers.delete(run);
  }

  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a[1] - b[1])[0];
      if (next === undefined || next[1] > untilMs) break;
      this.#timers.delete(next[0]);
      this.#nowMs = next[1];
      next[0]();
    }
    this.#nowMs = untilMs;
  }

  /** Until a retry waits: a timer sooner than the tick's 10 s and an attempt's 10 s. */
  async whenWaiting(): Promise<void> {
    await until(() => [...this.#timers.values()].some((atMs) => atMs - this.#nowMs < 1000));
  }

  async advanceWhenWaiting(byMs: number): Promise<void> {
    await this.whenWaiting();
    this.advance(byMs);
  }
}

/** Waits a turn of the event loop at a time. The bound only turns a hang into a failure: no machine is that slow. */
async function until(isTrue: () => boolean): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!isTrue()) {
    assert.ok(performance.now() < endMs, "it never came true");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
