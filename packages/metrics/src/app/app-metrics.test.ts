import assert from "node:assert/strict";
import { test } from "node:test";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import fc from "fast-check";
import { AppMetrics, type RequestRecord } from "./app-metrics.ts";
import { CpuUsage } from "./cpu-usage.ts";
import { Readings } from "./manual-reader.test.support.ts";

const request: RequestRecord = { method: "GET", path: "/users/:id", statusCode: 200, durationMs: 20, sizeBytes: 512 };

test("AppMetrics: seven instruments with their names, units and bounds", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  app.recordRequest({ ...request, statusCode: 404 });
  app.recordUserLogin();
  const instruments = await readings.instruments();
  assert.deepEqual(
    [...instruments].map(([name, { unit }]) => `${name} ${unit}`),
    [
      "http_requests_total {requests}",
      "http_errors_total {errors}",
      "http_request_duration_seconds s",
      "http_request_size_bytes By",
      "active_users {users}",
      "process_memory_bytes By",
      "process_cpu_usage 1",
    ],
  );
  assert.deepEqual(
    instruments.get("http_request_duration_seconds")?.bounds,
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  );
  assert.deepEqual(instruments.get("http_request_size_bytes")?.bounds, [100, 1000, 10000, 100000, 1000000, 10000000]);
  await readings.close();
});

test("AppMetrics: requests, errors from 400 on, seconds, bytes, users", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  for (const statusCode of [200, 200, 399, 400, 500]) app.recordRequest({ ...request, statusCode });
  app.recordRequest({ ...request, sizeBytes: undefined });
  const of = (status: number) => `method=GET,path=/users/:id,status_code=${status}`;
  assert.deepEqual(await readings.values("http_requests_total"), {
    [of(200)]: 3,
    [of(399)]: 1,
    [of(400)]: 1,
    [of(500)]: 1,
  });
  assert.deepEqual(await readings.values("http_errors_total"), { [of(400)]: 1, [of(500)]: 1 });
  assert.deepEqual((await readings.points("http_request_duration_seconds")).get(of(200)), { count: 3, sum: 0.06 });
  assert.deepEqual((await readings.points("http_request_size_bytes")).get(of(200)), { count: 2, sum: 1024 });
  app.recordUserLogin();
  app.recordUserLogin();
  app.recordUserLogout();
  assert.deepEqual(await readings.values("active_users"), { "": 1 });
  await readings.close();
});

test("AppMetrics: memory and CPU are those of the process, until closed", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  const memory = (await readings.values("process_memory_bytes"))[""] as number;
  assert.ok(Math.abs(memory - process.memoryUsage.rss()) < 50e6 && memory > 10e6, String(memory));
  const cpu = (await readings.values("process_cpu_usage"))[""] as number;
  assert.ok(cpu > 0 && cpu < 64, String(cpu));
  app.close();
  app.close();
  await readings.close();
  const other = new Readings();
  const closed = new AppMetrics({ meter: other.meter });
  closed.close();
  assert.deepEqual(await other.values("process_memory_bytes"), {});
  closed.recordRequest(request);
  assert.equal((await other.points("http_requests_total")).size, 1);
  await other.close();
});

test("CpuUsage: a ratio over windows of a second at least", () => {
  let nowMs = 4000;
  let micros = 1_000_000;
  const usage = new CpuUsage(
    () => nowMs,
    () => ({ user: micros * 0.75, system: micros * 0.25 }),
  );
  const read = (afterMs: number, busyMs: number): number => {
    nowMs += afterMs;
    micros += busyMs * 1000;
    return usage.read();
  };
  assert.equal(read(10, 10), 0.25, "the average since the process started");
  assert.equal(read(990, 490), 0.5, "the first second");
  assert.equal(read(999, 900), 0.5, "less than a second later");
  assert.equal(read(1, 1100), 2, "two cores");
  assert.equal(read(0, 0), 2, "another reader, at the same moment");
  assert.equal(read(500, 500), 2, "and one half a second later: the same window for all who ask within a second");
  assert.equal(
    read(9_500, 0),
    0.05,
    "the window goes on from where the last ended, so nothing is lost between readers",
  );
});

test("AppMetrics: hostile values are left out and counted, never thrown", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  for (const durationMs of [Number.NaN, -1, Number.POSITIVE_INFINITY, "12" as never, undefined as never, 1n as never]) {
    app.recordRequest({ ...request, durationMs });
  }
  for (const sizeBytes of [Number.NaN, -1, Number.POSITIVE_INFINITY, null as never])
    app.recordRequest({ ...request, sizeBytes });
  app.recordRequest(undefined as never);
  app.recordRequest(7 as never);
  const of = "method=GET,path=/users/:id,status_code=200";
  assert.deepEqual(await readings.values("http_requests_total"), { [of]: 10 });
  assert.deepEqual(await readings.values("http_request_duration_seconds"), { [of]: 4 });
  assert.deepEqual(await readings.values("http_request_size_bytes"), { [of]: 6 });
  assert.deepEqual(await readings.values("metrics_dropped_values_total"), {
    "instrument=http_request_duration_seconds": 6,
    "instrument=http_request_size_bytes": 4,
    "instrument=http_requests_total": 2,
  });
  await readings.close();
});

test("AppMetrics: hostile labels are folded", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  const record = (method: unknown, path: unknown, statusCode: unknown) =>
    app.recordRequest({ ...request, method: method as string, path: path as string, statusCode: statusCode as number });
  record("__proto__", "__proto__", 200);
  record("get", 'a"b\n\\', 200);
  record(Symbol("x"), Symbol("y"), Number.NaN);
  record({ toString: () => assert.fail("called") }, null, "200");
  record("POST", "/\ud800/", 99);
  record("POST", `/${"x".repeat(10_000_000)}`, 1000);
  record("POST", 7, 200.5);
  assert.deepEqual(await readings.values("http_requests_total"), {
    "method=_OTHER,path=__proto__,status_code=200": 1,
    'method=GET,path=a"b\n\\,status_code=200': 1,
    "method=_OTHER,path=(invalid),status_code=0": 2,
    "method=POST,path=/\ufffd/,status_code=0": 1,
    [`method=POST,path=/${"x".repeat(199)},status_code=0`]: 1,
    "method=POST,path=7,status_code=0": 1,
  });
  await readings.close();
});

test("AppMetrics: any number of paths is a bounded number of series", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter, pathsMax: 50 });
  for (let i = 0; i < 20_000; i++) app.recordRequest({ ...request, path: `/${i}` });
  app.recordRequest({ ...request, path: "/7" });
  const requests = await readings.values("http_requests_total");
  assert.equal(Object.keys(requests).length, 51);
  assert.equal(requests["method=GET,path=other,status_code=200"], 19_950);
  assert.equal(requests["method=GET,path=/7,status_code=200"], 2);
  await readings.close();
});

test("AppMetrics: anything at all", async () => {
  const readings = new Readings();
  const app = new AppMetrics({ meter: readings.meter });
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withSparseArray: true, withNullPrototype: true }),
      fc.anything(),
      (a, b) => {
        app.recordRequest({ method: a, path: b, statusCode: a, durationMs: b, sizeBytes: a } as never);
        app.recordRequest(a as never);
      },
    ),
    { numRuns: 300 },
  );
  for (const { sum } of (await readings.points("http_request_duration_seconds")).values() as Iterable<{
    sum: number;
  }>) {
    assert.ok(Number.isFinite(sum));
  }
  await readings.close();
});

test("AppMetrics: without a meter provider it says so", () => {
  const warnings: string[] = [];
  const ignore = () => undefined;
  const logger = {
    error: ignore,
    warn: (text: string) => warnings.push(text),
    info: ignore,
    debug: ignore,
    verbose: ignore,
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  try {
    new AppMetrics().recordRequest(request);
  } finally {
    diag.disable();
  }
  assert.match(warnings.join("\n"), /AppMetrics: no meter provider .* startMetrics/);
});
