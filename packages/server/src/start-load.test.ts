/** Queries while the server has more to do than places to do it in: who is seen, who goes first, who can be ended. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, FORM, type Reply, type TestServer, withServer } from "./start.test.support.ts";

interface Listed {
  readonly id: string;
  readonly duration: string;
  readonly remote_addr: string;
  readonly query: string;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly path: string;
  readonly state: "waiting" | "running";
  readonly waited: string;
}

const LIST = "/api/v1/status/active_queries";
const CANCEL = `${LIST}/cancel`;

async function list(port: number): Promise<Listed[]> {
  const { status, text } = await ask(port, LIST);
  assert.equal(status, 200);
  const answer = JSON.parse(text) as { status: string; data: Listed[] };
  assert.equal(answer.status, "ok");
  return answer.data;
}

async function waitFor(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(2);
}

/** Queries wait for what `open` lets through. */
function close(database: TestServer["database"]): () => void {
  let open = (): void => {};
  database.gate = new Promise((resolve) => {
    open = resolve;
  });
  return open;
}

const cancel = (port: number, id: string): Promise<Reply> => ask(port, `${CANCEL}?id=${id}`, { method: "POST" });

test("active queries: what is at work and what waits, as it came, with what it asks for", () =>
  withServer(["-search.maxConcurrentRequests=4"], async ({ database, port }) => {
    assert.deepEqual(await list(port), []);
    const open = close(database);
    const ask1 = ask(port, "/prometheus/api/v1/query_range?query=%22%3Ca%5C%22%22&start=100&end=200&step=5");
    await waitFor(async () => (await list(port)).length === 1);
    const others = [
      ask(port, "/api/v1/query", {
        body: "query=instant&time=77",
        headers: { ...FORM, "x-forwarded-for": '10.9.8.7"' },
      }),
      ask(port, "/api/v1/series?match[]=up&match[]=down&start=50&end=60"),
      ask(port, "/api/v1/query_range?query=promql&start=1&end=2&step=1&dialect=promql"),
    ];
    await waitFor(async () => (await list(port)).length === 4);
    const waiting = ask(port, `/api/v1/export?match[]=${"w".repeat(20_000)}`);
    await waitFor(async () => (await list(port)).length === 5);
    const listed = await list(port);
    const first = listed[0] as Listed;
    assert.match(first.id, /^[0-9A-F]{16}$/);
    assert.equal(new Set(listed.map(({ id }) => id)).size, 5);
    assert.match(first.duration, /^\d+\.\d{3}s$/);
    assert.match(first.remote_addr, /^127\.0\.0\.1:\d+$/);
    const { query, start, end, step, path, state } = first;
    assert.deepEqual([query, start, end, step], ['"<a\\""', 100_000, 200_000, 5_000]);
    assert.deepEqual([path, state], ["/prometheus/api/v1/query_range", "running"]);
    const instant = listed.find((one) => one.query === "instant");
    assert.deepEqual([instant?.start, instant?.end, instant?.step], [77_000, 77_000, 300_000]);
    assert.match(instant?.remote_addr ?? "", /^127\.0\.0\.1:\d+, X-Forwarded-For: 10\.9\.8\.7"$/);
    const series = listed.find((one) => one.query === "up or down");
    assert.deepEqual([series?.start, series?.end, series?.step], [50_000, 60_000, 0]);
    const promql = listed.find((one) => one.query === "promql");
    assert.deepEqual([promql?.start, promql?.end, promql?.step], [1_000, 2_000, 1_000]);
    const last = listed[4] as Listed;
    assert.deepEqual([last.state, last.start, last.duration], ["waiting", 0, "0.000s"]);
    assert.equal(last.query.length, 16_385);
    assert.ok(Number.parseFloat(last.waited) >= 0);
    // The same list at the other path, and no less readable on another site's page, as VictoriaMetrics'.
    const alias = await ask(port, `/prometheus${LIST}`);
    assert.equal(alias.headers["access-control-allow-origin"], "*");
    assert.equal((JSON.parse(alias.text) as { data: unknown[] }).data.length, 5);
    open();
    await Promise.all([ask1, waiting, ...others]);
    assert.deepEqual(await list(port), []);
  }));

test("a cancelled query is answered at once, and the next one has its place", () =>
  withServer(["-search.maxConcurrentRequests=1"], async ({ database, log, metrics, port }) => {
    const open = close(database);
    const first = ask(port, "/api/v1/query_range?query=first");
    await waitFor(() => database.asked.length === 1);
    const second = ask(port, "/api/v1/query?query=second&dialect=promql");
    const third = ask(port, "/api/v1/export?match[]=third");
    await waitFor(async () => (await list(port)).length === 3);
    const idOf = async (query: string): Promise<string> =>
      (await list(port)).find((one) => one.query === query)?.id as string;

    // One that waits leaves the queue.
    const reply = await cancel(port, await idOf("third"));
    assert.equal(reply.status, 200);
    assert.equal((JSON.parse(reply.text) as { data: Listed }).data.query, "third");
    assert.equal((await third).status, 422);
    assert.match((await third).text, /^the request was cancelled at \/api\/v1\/status\/active_queries\/cancel\n$/);

    // One at work is answered, also by id in a form and in lower case; the next begins.
    const id = await idOf("first");
    const cancelled = await ask(port, `/prometheus${CANCEL}`, { body: `id=${id.toLowerCase()}`, headers: FORM });
    assert.equal(cancelled.status, 200);
    assert.equal((await first).status, 422);
    assert.deepEqual(JSON.parse((await first).text), {
      status: "error",
      errorType: "422",
      error: "the request was cancelled at /api/v1/status/active_queries/cancel",
    });
    await waitFor(() => database.asked.length === 2);
    assert.ok(
      log.some((line) => line.includes(`cancelled by "127.0.0.1": path=/api/v1/query_range, query="first", id=${id}`)),
    );

    // Prometheus' words in its dialect.
    await cancel(port, await idOf("second"));
    assert.equal((await second).status, 499);
    const { errorType, error } = JSON.parse((await second).text) as Record<string, string>;
    assert.equal(errorType, "canceled");
    assert.match(error ?? "", /^query was canceled in expression evaluation: /);

    assert.equal((await cancel(port, id)).status, 404);
    assert.deepEqual(await list(port), []);
    assert.equal(metrics.getOrCreateCounter('vm_cancelled_queries_total{by="command"}').get(), 3);
    open();
    assert.equal((await ask(port, "/api/v1/query?query=next")).status, 200);
  }));

test("cancelling: what is no id, no query and no POST is told so", () =>
  withServer(["-httpAuth.username=u"], async ({ port }) => {
    const headers = { authorization: `Basic ${Buffer.from("u:").toString("base64")}` };
    const refused = async (path: string, status: number, message: RegExp, method = "POST"): Promise<void> => {
      const reply = await ask(port, path, { method, headers });
      assert.equal(reply.status, status, `${path}: ${reply.text}`);
      assert.match((JSON.parse(reply.text) as { error: string }).error, message);
    };
    await refused(CANCEL, 400, /^missing `id` arg/);
    await refused(`${CANCEL}?id=`, 400, /^missing `id` arg/);
    for (const id of ["1", "__proto__", "0".repeat(17), "-000000000000001", "%00", "x".repeat(5000)]) {
      await refused(`${CANCEL}?id=${id}`, 400, /^argument id: want 16 hexadecimal digits/);
    }
    await refused(`${CANCEL}?id=00000000DEADBEEF`, 404, /^no active query has the id "00000000DEADBEEF"/);
    await refused(`${CANCEL}?id=00000000DEADBEEF`, 405, /^want POST, got GET/, "GET");
    assert.equal((await ask(port, `${CANCEL}?id=00000000DEADBEEF`, { method: "POST" })).status, 401);
    assert.equal((await ask(port, LIST)).status, 401);
  }));

test("instant queries pass the ranges that wait, and are not kept out by those at work", () =>
  withServer(
    ["-search.maxConcurrentRequests=4", "-search.maxQueueDuration=50ms"],
    async ({ database, metrics, port }) => {
      const open = close(database);
      const ranges = Array.from({ length: 3 }, () => ask(port, "/api/v1/query_range?query=range"));
      await waitFor(() => database.asked.length === 3);
      const refused = await ask(port, "/api/v1/query_range?query=refused");
      assert.equal(refused.status, 429);
      assert.equal(refused.headers["retry-after"], "10");
      assert.match(
        refused.text,
        /no turn in 0\.05 seconds: 3 requests are at work, 3 of at most 3 ranges and exports; see -search/,
      );
      const instant = ask(port, "/api/v1/query?query=instant");
      await waitFor(() => database.asked.length === 4);
      const late = await ask(port, "/api/v1/labels");
      assert.deepEqual([late.status, late.headers["retry-after"]], [429, "10"]);
      open();
      assert.deepEqual(
        (await Promise.all([...ranges, instant])).map(({ status }) => status),
        [200, 200, 200, 200],
      );
      const page = metrics.writePrometheus();
      for (const [name, value] of [
        ["capacity", 4],
        ["current", 0],
        ["waiting", 0],
        ["limit_reached_total", 2],
        ["limit_timeout_total", 2],
      ]) {
        assert.ok(page.includes(`vm_concurrent_select_${name} ${value}\n`), `${name}: ${value}`);
      }
    },
  ));

test("a query's time runs from when it came: waiting is no way to have more", () =>
  withServer(["-search.maxConcurrentRequests=1"], async ({ database, port }) => {
    const open = close(database);
    const first = ask(port, "/api/v1/query?query=first");
    await waitFor(() => database.asked.length === 1);
    const second = ask(port, "/api/v1/query?query=second&timeout=30ms");
    await waitFor(async () => (await list(port)).length === 2);
    await sleep(40);
    open();
    assert.equal((await first).status, 200);
    assert.equal((await second).status, 422);
    assert.match((await second).text, /took longer than 0\.03 seconds/);
    assert.equal(database.asked.length, 1);
  }));

test("clients that hang up leave nothing behind, waiting or at work", () =>
  withServer(["-search.maxConcurrentRequests=8"], async ({ database, metrics, port }) => {
    const open = close(database);
    const clients = Array.from({ length: 200 }, (_, n) => {
      const path = n % 2 === 0 ? "/api/v1/query_range?query=x" : "/api/v1/query?query=x";
      const outgoing = httpRequest({ host: "127.0.0.1", port, path, agent: false });
      outgoing.on("error", () => {});
      outgoing.end();
      return outgoing;
    });
    await waitFor(async () => (await list(port)).length === clients.length);
    for (const client of clients) client.destroy();
    await waitFor(async () => (await list(port)).length === 0);
    const page = metrics.writePrometheus();
    assert.ok(page.includes("vm_concurrent_select_current 0\n"));
    assert.ok(page.includes("vm_concurrent_select_waiting 0\n"));
    assert.ok(page.includes(`vm_cancelled_queries_total{by="client"} ${clients.length}\n`));
    open();
    assert.equal((await ask(port, "/api/v1/query?query=next")).status, 200);
  }));

test("at shutdown those that wait are told so", () =>
  withServer(
    ["-search.maxConcurrentRequests=1", "-http.maxGracefulShutdownDuration=100ms"],
    async ({ database, port, server }) => {
      close(database);
      const first = ask(port, "/api/v1/query?query=first");
      await waitFor(() => database.asked.length === 1);
      const second = httpRequest({ host: "127.0.0.1", port, path: "/api/v1/query?query=second", agent: false });
      second.end();
      await waitFor(async () => (await list(port)).length === 2);
      const stopped = server.stop();
      const [response] = (await once(second, "response")) as [{ statusCode: number; resume(): void }];
      response.resume();
      assert.equal(response.statusCode, 503);
      assert.equal((await first).status, 503);
      await stopped;
    },
  ));

test("top queries: the latest by number, time and memory", () =>
  withServer(["-search.queryStats.minQueryDuration=0s"], async ({ database, port }) => {
    const top = async (args: string): Promise<Record<string, unknown>> => {
      const { headers, status, text } = await ask(port, `/api/v1/status/top_queries${args}`);
      assert.deepEqual([status, headers["content-type"]], [200, "application/json"], text);
      return JSON.parse(text) as Record<string, unknown>;
    };
    assert.deepEqual(await top(""), {
      topN: "20",
      maxLifetime: "10m0s",
      "search.queryStats.lastQueriesCount": 20_000,
      "search.queryStats.minQueryDuration": "0s",
      "search.queryStats.minQueryMemoryUsage": 0,
      topByCount: [],
      topByAvgDuration: [],
      topBySumDuration: [],
      topByAvgMemoryUsage: [],
    });
    const answerWith = (memoryBytes: number): void => {
      database.result = { kind: "vector", series: [], stats: { seriesFetched: 1, memoryBytes }, isPartial: false };
    };
    answerWith(10);
    for (let i = 0; i < 3; i++) await ask(port, "/api/v1/query?query=often");
    answerWith(1001);
    await ask(port, "/api/v1/query_range?query=%22%3Clarge%22&start=100000&end=103600.5&step=60");
    answerWith(2000);
    await ask(port, "/api/v1/query_range?query=%22%3Clarge%22&start=100000&end=103600&step=60");
    database.gate = new Promise((resolve) => setTimeout(resolve, 50));
    database.failure = new Error("broken");
    await ask(port, "/prometheus/api/v1/query?query=slow&dialect=promql");
    const answer = await top("?topN=2&maxLifetime=1h");
    assert.deepEqual([answer["topN"], answer["maxLifetime"]], ["2", "1h0m0s"]);
    assert.deepEqual(answer["topByCount"], [
      { query: "often", timeRangeSeconds: 0, count: 3 },
      { query: '"<large"', timeRangeSeconds: 3600, count: 2 },
    ]);
    for (const [name, member] of [
      ["topByAvgDuration", "avgDurationSeconds"],
      ["topBySumDuration", "sumDurationSeconds"],
    ] as const) {
      const [first, second, ...more] = answer[name] as Record<string, number | string>[];
      assert.deepEqual([first?.["query"], first?.["count"], more.length], ["slow", 1, 0]);
      assert.ok((first?.[member] as number) >= (second?.[member] as number));
    }
    assert.deepEqual((answer["topByAvgMemoryUsage"] as unknown[])[0], {
      query: '"<large"',
      timeRangeSeconds: 3600,
      avgMemoryBytes: 1501,
      count: 2,
    });
    assert.deepEqual((await top("?topN=0"))["topByCount"], []);
    assert.equal(((await top("?topN=99999999"))["topByCount"] as unknown[]).length, 3);
    assert.deepEqual((await top("?topN=-1"))["topByCount"], []);
    await sleep(2);
    assert.deepEqual((await top("?maxLifetime=1ms"))["topByCount"], []);
    for (const bad of ["topN=x", "topN=1.5", "maxLifetime=x", "maxLifetime=-1m", "maxLifetime=0"]) {
      assert.equal((await ask(port, `/api/v1/status/top_queries?${bad}`)).status, 400, bad);
    }
  }));

test("queries that need much memory are logged and counted", () =>
  withServer(["-search.logQueryMemoryUsage=1KiB"], async ({ database, log, metrics, port }) => {
    for (const memoryBytes of [1023, 1024]) {
      database.result = { kind: "vector", series: [], stats: { seriesFetched: 1, memoryBytes }, isPartial: false };
      await ask(port, "/api/v1/query?query=large");
    }
    const lines = log.filter((line) => line.includes("-search.logQueryMemoryUsage"));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /-search\.logQueryMemoryUsage=1024: 1024 bytes; query="large"/);
    assert.equal(metrics.getOrCreateCounter("vm_memory_intensive_queries_total").get(), 1);
  }));
