/** The whole server over real sockets, on a database that evaluates nothing: what HTTP promises, faults included. */
import assert from "node:assert/strict";
import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { MetricSet } from "@nyanza/metrics";
import { InputError, Labels } from "@nyanza/tsdb";
import { encodeSnappy, encodeWriteRequest } from "@nyanza/tsdb/ingest";
import type { InstantQuery, RangeQuery } from "./api/database.ts";
import { MemoryDatabase } from "./api/memory-database.ts";
import { parseFlags } from "./flags/parse.ts";
import { FLAGS } from "./flags/table.ts";
import { OverloadError } from "./http/errors.ts";
import { ROUTES } from "./http/routes.ts";
import { createLoggers } from "./process/logger.ts";
import { type RunningServer, startServer } from "./start.ts";

interface TestServer {
  readonly database: MemoryDatabase;
  readonly port: number;
  readonly server: RunningServer;
  readonly log: string[];
  readonly metrics: MetricSet;
}

async function withServer(args: readonly string[], use: (server: TestServer) => Promise<void>): Promise<void> {
  const database = new MemoryDatabase();
  const log: string[] = [];
  const loggers = createLoggers({
    level: "INFO",
    format: "default",
    timezone: "UTC",
    hasTimestamps: false,
    errorsPerSecond: 0,
    warnsPerSecond: 0,
    output: { write: (line) => log.push(line) },
  });
  const metrics = new MetricSet();
  const flags = parseFlags(FLAGS, ["-httpListenAddr=127.0.0.1:0", "-selfScrapeInterval=0", ...args], {});
  const server = await startServer({ flags, loggers, metrics, openDatabase: async () => database });
  try {
    const port = Number((server.addresses[0] as string).split(":").at(-1));
    await use({ database, port, server, log, metrics });
  } finally {
    await server.stop();
    assert.ok(database.isClosed);
  }
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

interface Sending {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
  readonly agent?: Agent;
}

function ask(port: number, path: string, sending: Sending = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { agent = false, body, headers = {}, method = body === undefined ? "GET" : "POST" } = sending;
    const outgoing = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: response.statusCode as number,
          headers: response.headers,
          body: bytes,
          text: bytes.toString("utf8"),
        });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };

test("query answers are VictoriaMetrics' JSON, byte by byte", () =>
  withServer([], async ({ database, port }) => {
    database.result = {
      kind: "vector",
      series: [
        {
          labels: Labels.from([
            ["__name__", "foo"],
            ["z", '"q\\x<&>é'],
            ["a", "b"],
          ]),
          timestamps: Float64Array.of(1_700_000_000_123),
          values: Float64Array.of(1.5e21),
        },
        { labels: Labels.empty, timestamps: Float64Array.of(1_700_000_000_000), values: Float64Array.of(1e-9) },
      ],
      stats: { seriesFetched: 10 },
      isPartial: false,
    };
    const vector = await ask(port, "/api/v1/query?query=foo");
    assert.equal(vector.status, 200);
    assert.equal(vector.headers["content-type"], "application/json");
    assert.match(
      vector.text,
      /^\{"status":"success","isPartial":false,"data":\{"resultType":"vector","result":\[\{"metric":\{"__name__":"foo","a":"b","z":"\\"q\\\\x\\u003c&>é"\},"value":\[1700000000\.123,"1500000000000000000000"\]\},\{"metric":\{\},"value":\[1700000000,"0\.000000001"\]\}\]\},"stats":\{"seriesFetched": "10","executionTimeMsec": \d+\}\}$/,
    );
    database.result = {
      kind: "matrix",
      series: [
        {
          labels: Labels.from([["__name__", "m"]]),
          timestamps: Float64Array.of(1000, 2500),
          values: Float64Array.of(Infinity, -0.5),
        },
      ],
      stats: { seriesFetched: 1 },
      isPartial: true,
    };
    const matrix = await ask(port, "/prometheus/api/v1/query_range?query=m&start=1&end=3&step=1s");
    assert.match(
      matrix.text,
      /"isPartial":true,"data":\{"resultType":"matrix","result":\[\{"metric":\{"__name__":"m"\},"values":\[\[1,"\+Inf"\],\[2\.5,"-0\.5"\]\]\}\]\}/,
    );
  }));

test("query arguments reach the database, from URL and form", () =>
  withServer(["-search.maxUniqueTimeseries=7"], async ({ database, port }) => {
    const body = "query=from_form&time=1700000000.5&step=30s&extra_label=a=b&extra_filters[]={c=~'d'}&round_digits=2";
    assert.equal((await ask(port, "/api/v1/query?query=from_url", { body, headers: FORM })).status, 200);
    const { options, text } = database.asked[0] as (typeof database.asked)[0];
    assert.equal(text, "from_form");
    assert.ok("timeMs" in options);
    assert.equal(options.timeMs, 1_700_000_000_500);
    assert.equal(options.stepMs, 30_000);
    assert.equal(options.maxSeries, 7);
    assert.equal(options.roundDigits, 2);
    assert.deepEqual(options.extraFilters, [
      [
        { label: "c", op: "=~", value: "d" },
        { label: "a", op: "=", value: "b" },
      ],
    ]);
    await ask(port, "/api/v1/query_range?query=x&start=100&end=50&step=10&nocache=1");
    const range = database.asked[1]?.options;
    assert.ok(range !== undefined && "startMs" in range);
    assert.deepEqual([range.startMs, range.endMs, range.stepMs, range.mayAlign], [100_000, 400_000, 10_000, false]);
  }));

test("a query says which dialect it is in, and promql has Prometheus' arguments", () =>
  withServer(
    ["-search.maxPointsPerTimeseries=20000", "-search.latencyOffset=30s", "-memory.allowedBytes=4MiB"],
    async ({ port, database }) => {
      const status = async (path: string): Promise<number> => (await ask(port, path)).status;
      assert.equal(await status("/api/v1/query?query=x"), 200);
      assert.equal(await status("/api/v1/query?query=x&dialect=metricsql&limit=1&lookback_delta=1s"), 200);
      assert.deepEqual(
        database.asked.splice(0).map(({ options }) => [options.dialect, options.lookbackMs, options.mayAlign]),
        [
          ["metricsql", undefined, true],
          ["metricsql", undefined, true],
        ],
      );
      const promql = "dialect=promql&extra_label=a=b&lookback_delta=90s";
      assert.equal(await status(`/api/v1/query?query=x&time=1700000000.123&${promql}`), 200);
      assert.equal(await status(`/api/v1/query_range?query=x&start=100&end=200.5&step=1m&${promql}`), 200);
      assert.equal(await status("/api/v1/query_range?query=x&start=100&end=200.5&step=0.5&dialect=promql"), 200);
      const [instant, range, plain] = database.asked.map(({ options }) => options);
      const { signal, nowMs, stepMs, trace, ...kept } = instant as InstantQuery;
      assert.equal(trace, null);
      assert.deepEqual(kept, {
        dialect: "promql",
        tenant: { accountId: 0, projectId: 0 },
        timeMs: 1_700_000_000_123,
        lookbackMs: 90_000,
        latencyOffsetMs: 0,
        mayAlign: false,
        stats: false,
        maxQueryLength: 16_384,
        maxSeries: 300_000,
        maxSamples: 1_000_000_000,
        maxPointsPerSeries: 11_000,
        maxSubqueryPoints: 100_000,
        maxSamplesPerSeries: 30_000_000,
        maxAggregateSeries: 1_000_000,
        maxResponseSeries: 0,
        maxMemoryBytes: 1 << 20,
        maxPushdownValues: 100,
        minStalenessMs: 0,
        latencyStepMaxMs: 60_000,
        refusesImplicit: false,
        extraFilters: [[{ label: "a", op: "=", value: "b" }]],
      });
      const { startMs, endMs, stepMs: rangeStepMs } = range as RangeQuery;
      assert.deepEqual([startMs, endMs, rangeStepMs], [100_000, 200_500, 60_000], "not aligned");
      assert.deepEqual([plain?.lookbackMs, plain?.stepMs], [300_000, 500]);

      const refused = async (path: string, message: RegExp): Promise<void> => {
        const reply = await ask(port, path);
        assert.equal(reply.status, 400, path);
        assert.match((JSON.parse(reply.text) as { error: string }).error, message, path);
      };
      await refused("/api/v1/query?query=x&dialect=logql", /argument dialect: want metricsql or promql, got "logql"/);
      await refused("/api/v1/query?query=x&dialect=promql&limit=-1", /invalid parameter "limit"/);
      await refused(
        "/api/v1/query?query=x&dialect=promql&lookback_delta=x",
        /error parsing lookback delta duration: cannot parse "x" to a valid duration/,
      );
      const ranges = "/api/v1/query_range?dialect=promql&query=x";
      await refused(`${ranges}&end=2&step=1`, /invalid parameter "start": cannot parse "" to a valid timestamp/);
      await refused(
        `${ranges}&start=2&end=1&step=1`,
        /invalid parameter "end": end timestamp must not be before start time/,
      );
      await refused(`${ranges}&start=1&end=2`, /invalid parameter "step": cannot parse "" to a valid duration/);
      await refused(`${ranges}&start=1&end=2&step=0`, /invalid parameter "step": zero or negative query resolution/);
    },
  ));

test("in promql errors have Prometheus' names and statuses", () =>
  withServer(["-search.maxQueryDuration=50ms"], async ({ database, port }) => {
    const path = "/api/v1/query?query=x&dialect=promql&stats=all";
    const fail = async (failure: Error): Promise<unknown[]> => {
      database.failure = failure;
      const { headers, status, text } = await ask(port, path);
      database.failure = null;
      const { errorType, error } = JSON.parse(text) as { errorType: string; error: string };
      return [status, errorType, error, headers["retry-after"]];
    };
    const failures: [Error, unknown[]][] = [
      [
        new InputError("1:2: parse error: x", 400, 1, 2),
        [400, "bad_data", 'invalid parameter "query": 1:2: parse error: x'],
      ],
      [new InputError("too many points"), [400, "bad_data", "too many points"]],
      [new InputError("too many samples", 422), [422, "execution", "too many samples"]],
      [new OverloadError(503, "busy", 3), [503, "unavailable", "busy", "3"]],
      [new Error("a bug"), [500, "internal", "internal error; see the server's log"]],
    ];
    for (const [failure, want] of failures) {
      const got = await fail(failure);
      assert.deepEqual(got.slice(0, want.length), want);
    }
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const { status, text } = await ask(port, path);
    open();
    assert.equal(status, 503);
    assert.match(
      text,
      /"errorType":"timeout","error":"query timed out in expression evaluation: .*-search\.maxQueryDuration/,
    );
  }));

test("slow requests that read data are logged, and implicit conversions if that is wanted", () =>
  withServer(
    ["-search.logSlowQueryDuration=1ms", "-search.logImplicitConversion"],
    async ({ database, log, metrics, port }) => {
      database.gate = new Promise((resolve) => setTimeout(resolve, 5));
      await ask(port, "/api/v1/query?query=slow");
      for (const [i, path] of ["/api/v1/series?match[]=m", "/api/v1/labels", "/api/v1/export?match[]=m"].entries()) {
        database.gate = new Promise((resolve) => setTimeout(resolve, 5));
        await ask(port, path);
        const [name, match] = path.split("?match[]=") as [string, string | undefined];
        const line = log.findLast((text) => text.includes("slow query")) ?? "";
        assert.match(
          line,
          /-search\.logSlowQueryDuration=0\.001s: remoteAddr="127\.0\.0\.1", duration=0\.\d+ seconds; /,
        );
        assert.ok(line.includes(`path=${name}, query=""${match === undefined ? "" : ', match[]="m"'}`), line);
        assert.equal(metrics.getOrCreateCounter("vm_slow_queries_total").get(), i + 2);
      }
      assert.ok(log.some((line) => line.includes('path=/api/v1/query, query="slow"')));
      database.asked[0]?.options.onImplicit?.("rate over an expression");
      assert.ok(log.at(-1)?.includes('query="slow" requires implicit conversion: rate over an expression'));
    },
  ));

test("-search.dialect is for requests that name none", () =>
  withServer(["-search.dialect=promql", "-search.maxLookback=1m"], async ({ port, database }) => {
    await ask(port, "/api/v1/query?query=x");
    await ask(port, "/api/v1/query?query=x&dialect=metricsql");
    assert.deepEqual(
      database.asked.map(({ options }) => [options.dialect, options.lookbackMs]),
      [
        ["promql", 60_000],
        ["metricsql", 60_000],
      ],
    );
  }));

test("answers of scalars and strings, and what is said beside the values", () =>
  withServer(["-search.dialect=promql"], async ({ port, database }) => {
    const answer = async (path: string): Promise<string> =>
      (await ask(port, path)).text.replace(/"executionTimeMsec": \d+/, '"executionTimeMsec": 0');
    const stats = { stats: { seriesFetched: 0 }, isPartial: false };
    const end = '"stats":{"seriesFetched": "0","executionTimeMsec": 0}';
    const point = { labels: Labels.empty, timestamps: Float64Array.of(1500), values: Float64Array.of(Number.NaN) };
    database.result = { kind: "scalar", series: [point], ...stats };
    assert.equal(
      await answer("/api/v1/query?query=x"),
      `{"status":"success","isPartial":false,"data":{"resultType":"scalar","result":[1.5,"NaN"]},${end}}`,
    );
    database.result = { kind: "string", series: [], text: 'a"b', ...stats };
    assert.equal(
      await answer("/api/v1/query?query=x&time=2.5"),
      `{"status":"success","isPartial":false,"data":{"resultType":"string","result":[2.5,"a\\"b"]},${end}}`,
    );
    const infos = Array.from({ length: 12 }, (_, i) => `PromQL info: ${i}`);
    database.result = { kind: "vector", series: [point, point], warnings: ["PromQL warning: w"], infos, ...stats };
    const { warnings, infos: shown, data } = JSON.parse(await answer("/api/v1/query?query=x&limit=1"));
    assert.equal(data.result.length, 1);
    assert.deepEqual(warnings, ["PromQL warning: w", "results truncated due to limit"]);
    assert.deepEqual(shown, [...infos.slice(0, 10), "2 more info annotations omitted"]);
  }));

test("bad arguments and bad queries are 4xx with a message, never 5xx", () =>
  withServer([], async ({ database, port }) => {
    const refused = async (path: string, status: number, message: RegExp): Promise<void> => {
      const reply = await ask(port, path);
      assert.equal(reply.status, status, `${path}: ${reply.text}`);
      assert.match(reply.text, message, path);
      if (path.startsWith("/api/v1/") && !path.startsWith("/api/v1/export")) {
        const parsed = JSON.parse(reply.text) as { status: string; errorType: string };
        assert.equal(parsed.status, "error");
        assert.equal(parsed.errorType, String(status));
      }
    };
    await refused("/api/v1/query", 400, /missing `query` arg/);
    await refused("/api/v1/query?query=", 400, /missing `query` arg/);
    await refused("/api/v1/query?query=x&time=abc", 400, /argument time: want a time/);
    await refused("/api/v1/query?query=x&step=abc", 400, /argument step: want a duration/);
    await refused("/api/v1/query?query=x&timeout=-1", 400, /argument timeout/);
    await refused("/api/v1/query?query=x&extra_label=x", 400, /extra_label: want name=value/);
    await refused("/api/v1/series", 400, /missing `match\[\]` arg/);
    await refused("/api/v1/series?match[]=sum(x)", 400, /want a series selector/);
    await refused("/api/v1/series?match[]={a=", 400, /match\[\]/);
    await refused("/api/v1/labels?limit=x", 400, /limit: want a whole number/);
    await refused("/api/v1/export", 400, /missing `match\[\]` arg/);
    await refused("/api/v1/export?match[]=x&format=xml", 400, /argument format/);
    await refused("/nosuch", 400, /unsupported path requested: "\/nosuch"/);
    await refused("/%zz", 400, /bad % escape/);
    await refused("/vmui/../../etc/passwd", 404, /./);
    await refused("/vmui/%2e%2e%2f%2e%2e%2fpackage.json", 404, /./);
    const long = await ask(port, "/api/v1/query", { body: `query=${"x".repeat(16_385)}`, headers: FORM });
    assert.equal(long.status, 400);
    assert.match(long.text, /too long query: 16385 bytes, at most 16384/);
    assert.equal(database.asked.length, 0);
  }));

test("flags that limit queries reach the database", () =>
  withServer(["-memory.allowedBytes=1GiB"], async ({ database, port }) => {
    await ask(port, "/api/v1/query_range?query=x");
    assert.deepEqual(pickLimits(database), [
      300_000,
      1e9,
      30_000,
      100_000,
      3e7,
      1e6,
      0,
      2 ** 28,
      100,
      0,
      60_000,
      false,
      true,
    ]);
  }).then(() =>
    withServer(
      [
        "-search.maxUniqueTimeseries=0",
        "-search.maxSamplesPerQuery=0",
        "-search.maxPointsPerTimeseries=1",
        "-search.maxPointsSubqueryPerTimeseries=2",
        "-search.maxSamplesPerSeries=0",
        "-search.maxSeriesPerAggrFunc=0",
        "-search.maxResponseSeries=3",
        "-search.maxMemoryPerQuery=4KiB",
        "-search.maxBinaryOpPushdownLabelValues=7",
        "-search.minStalenessInterval=5s",
        "-search.maxStepForPointsAdjustment=6s",
        "-search.disableImplicitConversion",
        "-search.disableCache",
      ],
      async ({ database, port }) => {
        await ask(port, "/api/v1/query_range?query=x");
        assert.deepEqual(pickLimits(database), [
          Infinity,
          Infinity,
          1,
          2,
          Infinity,
          Infinity,
          3,
          4096,
          7,
          5000,
          6000,
          true,
          false,
        ]);
      },
    ),
  ));

function pickLimits({ asked }: MemoryDatabase): unknown[] {
  const options = asked[0]?.options;
  assert.ok(options !== undefined);
  const { maxSeries, maxSamples, maxPointsPerSeries, maxSubqueryPoints, maxSamplesPerSeries } = options;
  const { maxAggregateSeries, maxResponseSeries, maxMemoryBytes, maxPushdownValues } = options;
  const { minStalenessMs, latencyStepMaxMs } = options;
  const limits = [maxSeries, maxSamples, maxPointsPerSeries, maxSubqueryPoints, maxSamplesPerSeries];
  limits.push(
    maxAggregateSeries,
    maxResponseSeries,
    maxMemoryBytes,
    maxPushdownValues,
    minStalenessMs,
    latencyStepMaxMs,
  );
  return [...limits, options.refusesImplicit, options.mayAlign];
}

test("a query's text can be prettified and expanded", () =>
  withServer(["-search.maxQueryLen=200"], async ({ database, port }) => {
    const get = async (path: string, query: string): Promise<Reply> => {
      const reply = await ask(port, `${path}${path.includes("?") ? "&" : "?"}query=${encodeURIComponent(query)}`);
      assert.equal(reply.status, 200, reply.text);
      return reply;
    };
    const pretty = await get("/prettify-query", "sum by(a)(x{b='<c>'})");
    assert.equal(pretty.headers["content-type"], "application/json");
    assert.equal(pretty.text, '{"status":"success","query":"sum(x{b=\\u0027\\u003cc>\\u0027}) by (a)"}');
    const broken = JSON.parse((await get("/prometheus/prettify-query", "sum(")).text) as Record<string, string>;
    assert.deepEqual(Object.keys(broken), ["status", "msg"]);
    assert.equal(broken["status"], "error");
    assert.match(broken["msg"] as string, /line 1, column 5: want an expression/);

    const expanded = await get("/expand-with-exprs?format=json", 'WITH (f(x) = x{a="b"} / y) f(m)');
    assert.equal(expanded.text, '{"status":"success","expr":"m{a=\\"b\\"} / y{a=\\"b\\"}"}');
    const refused = JSON.parse((await get("/expand-with-exprs?format=json", "{x}")).text) as Record<string, string>;
    assert.deepEqual(Object.keys(refused), ["status", "error"]);
    assert.equal(
      (await get("/expand-with-exprs?format=json", "")).text,
      '{"status":"error","error":"query string cannot be empty"}',
    );
    const page = await get("/expand-with-exprs", 'WITH (x = "</textarea>") {a=x}');
    assert.equal(page.headers["content-type"], "text/html; charset=utf-8");
    assert.match(page.text, /\n{a=&#34;&#60;\/textarea&#62;&#34;}<\/textarea>/);
    assert.match((await get("/expand-with-exprs", "")).text, /<form>/);

    for (const path of ["/prettify-query", "/expand-with-exprs"]) {
      const long = await ask(port, path, { body: `query=${"x".repeat(201)}`, headers: FORM });
      assert.equal(long.status, 400);
      assert.match(long.text, /201 bytes, at most 200; see the -search\.maxQueryLen flag/);
    }
    assert.equal(database.asked.length, 0);
  }));

test("a PromQL query can be formatted and taken apart", () =>
  withServer(["-search.maxQueryLen=200"], async ({ database, port }) => {
    const get = async (path: string, query: string): Promise<unknown> => {
      const byGet = await ask(port, `/api/v1/${path}?query=${encodeURIComponent(query)}`);
      const byPost = await ask(port, `/prometheus/api/v1/${path}`, {
        body: `query=${encodeURIComponent(query)}`,
        headers: FORM,
      });
      assert.equal(byGet.status, 200, byGet.text);
      assert.equal(byGet.headers["content-type"], "application/json");
      assert.equal(byPost.text, byGet.text);
      const { status, data } = JSON.parse(byGet.text) as { status: string; data: unknown };
      assert.equal(status, "success");
      return data;
    };
    assert.equal(
      await get("format_query", "sum(rate(m{b='<',a='c'}[300]offset-1h))by(x)"),
      'sum by (x) (rate(m{a="c",b="<"}[5m] offset -1h))',
    );
    assert.deepEqual(await get("parse_query", "-foo{a!='b'} @ end() == bool on (x) topk(2, time() * y)"), {
      type: "binaryExpr",
      op: "==",
      bool: true,
      lhs: {
        type: "unaryExpr",
        op: "-",
        expr: {
          ...{ type: "vectorSelector", name: "foo", offset: 0, offsetExpr: null, timestamp: null, startOrEnd: "end" },
          matchers: [
            { name: "a", type: "!=", value: "b" },
            { name: "__name__", type: "=", value: "foo" },
          ],
          ...{ anchored: false, smoothed: false },
        },
      },
      rhs: {
        ...{
          type: "aggregation",
          op: "topk",
          param: { type: "numberLiteral", val: "2" },
          grouping: [],
          without: false,
        },
        expr: {
          ...{ type: "binaryExpr", op: "*", bool: false, matching: null },
          lhs: {
            type: "call",
            func: { name: "time", argTypes: [], variadic: 0, returnType: "scalar" },
            args: [],
          },
          rhs: {
            ...{ type: "vectorSelector", name: "y", offset: 0, offsetExpr: null, timestamp: null, startOrEnd: null },
            matchers: [{ name: "__name__", type: "=", value: "y" }],
            ...{ anchored: false, smoothed: false },
          },
        },
      },
      matching: {
        ...{ card: "one-to-one", labels: ["x"], on: true, include: [] },
        fillValues: { lhs: null, rhs: null },
      },
    });
    const literal = (val: string, duration: boolean) => ({ type: "numberLiteral", val, duration });
    const selector = {
      ...{ type: "matrixSelector", name: "x", matchers: [{ name: "__name__", type: "=", value: "x" }] },
      ...{ offset: 0, offsetExpr: null, timestamp: 1500, startOrEnd: null, anchored: false, smoothed: false },
    };
    assert.deepEqual(await get("parse_query", "x[2*(1m)] @ 1.5"), {
      ...selector,
      range: 120_000,
      rangeExpr: {
        ...{ type: "durationExpr", op: "*", lhs: literal("2", false), wrapped: false },
        rhs: { type: "durationExpr", op: "+", lhs: null, rhs: literal("60", true), wrapped: true },
      },
    });
    const subquery = (await get("parse_query", "(x)[1h:(step() + 1s)]")) as Record<string, unknown>;
    assert.deepEqual([subquery["range"], subquery["step"], subquery["rangeExpr"]], [3_600_000, 0, null]);
    assert.deepEqual(subquery["stepExpr"], {
      ...{ type: "durationExpr", op: "+", rhs: literal("1", true), wrapped: true },
      lhs: { type: "durationExpr", op: "step", lhs: null, rhs: null, wrapped: false },
    });
    for (const path of ["format_query", "parse_query"]) {
      const refused = await ask(port, `/api/v1/${path}?query=${encodeURIComponent("rate(x)")}`);
      assert.equal(refused.status, 400);
      assert.deepEqual(JSON.parse(refused.text), {
        status: "error",
        errorType: "bad_data",
        error:
          'invalid parameter "query": 1:6: parse error: expected type range vector in call to function "rate", got instant vector',
      });
      const long = await ask(port, `/api/v1/${path}`, { body: `query=${"x".repeat(201)}`, headers: FORM });
      assert.equal(long.status, 400);
      assert.match(long.text, /201 bytes, at most 200; see the -search\.maxQueryLen flag/);
    }
    assert.equal(database.asked.length, 0);
  }));

test("every route refuses the methods it does not list, and OPTIONS tells them", () =>
  withServer([], async ({ port }) => {
    for (const route of ROUTES) {
      const path = route.path.replace("{name}", "job").replace("*", "x");
      for (const method of ["GET", "POST", "PUT", "DELETE", "PATCH"]) {
        if (route.methods.includes(method)) continue;
        const reply = await ask(port, path, { method });
        assert.equal(reply.status, 405, `${method} ${path}`);
        assert.equal(reply.headers.allow, route.methods.join(", "));
      }
      assert.equal((await ask(port, path, { method: "OPTIONS" })).status, 204, path);
    }
  }));

test("every route that is not public asks for the password when there is one", () =>
  withServer(["-httpAuth.username=u", "-httpAuth.password=p", "-flagsAuthKey=k"], async ({ port }) => {
    const basic = { authorization: `Basic ${Buffer.from("u:p").toString("base64")}` };
    const wrong = { authorization: `Basic ${Buffer.from("u:q").toString("base64")}` };
    for (const route of ROUTES) {
      const path = route.path.replace("{name}", "job").replace("*", "x");
      const method = route.methods.includes("GET") ? "GET" : "POST";
      const isPublic = route.auth === "public";
      assert.equal((await ask(port, path, { method })).status === 401, !isPublic, path);
      assert.equal((await ask(port, path, { method, headers: wrong })).status === 401, !isPublic, path);
      const hasOwnKey = route.auth === "flagsAuthKey";
      assert.equal((await ask(port, path, { method, headers: basic })).status === 401, hasOwnKey, path);
    }
    assert.equal((await ask(port, "/flags?authKey=k")).status, 200);
    assert.equal((await ask(port, "/flags?authKey=x")).status, 401);
    assert.ok(!(await ask(port, "/flags?authKey=k")).text.includes('"p"'));
  }));

test("text exposition and JSON lines are stored; bad lines are skipped and counted", () =>
  withServer([], async ({ database, log, metrics, port }) => {
    const text = 'up{job="a"} 1 1700000000000\nbad line here {{{\nup{job="b"} 2.5 1700000000001\n';
    assert.equal(
      (await ask(port, "/api/v1/import/prometheus?extra_label=job=z&extra_label=dc=x", { body: text })).status,
      204,
    );
    assert.deepEqual(database.stored.get('up{dc="x",job="z"}')?.samples, [
      [1_700_000_000_000, 1],
      [1_700_000_000_001, 2.5],
    ]);
    const json = '{"metric":{"__name__":"j","__proto__":"p"},"values":[1,null],"timestamps":[1,2]}\n{"metric":\n';
    const packed = { body: gzipSync(json), headers: { "content-encoding": "gzip" } };
    assert.equal((await ask(port, "/prometheus/api/v1/import", packed)).status, 204);
    assert.equal(database.stored.get('j{__proto__="p"}')?.samples.length, 2);
    const page = metrics.writePrometheus();
    assert.match(page, /vm_rows_inserted_total\{type="prometheus"\} 2\n/);
    assert.match(page, /vm_rows_invalid_total\{type="prometheus"\} 1\n/);
    assert.match(page, /vm_rows_invalid_total\{type="vmimport"\} 1\n/);
    assert.equal(log.filter((line) => /skipped 1 bad rows/.test(line)).length, 2);
    const push = await ask(port, "/api/v1/import/prometheus/metrics/job/cron/instance/i", { body: "x 1\n" });
    assert.equal(push.status, 200);
    assert.ok(database.stored.has('x{instance="i",job="cron"}'));
  }));

test("remote write: broken bodies are 400 in either codec, the handshake is answered", () =>
  withServer(["-maxInsertRequestSize=1000"], async ({ database, port }) => {
    for (const [body, headers] of [
      ["", {}],
      ["xx", {}],
      ["\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", {}],
      ["xx", { "content-encoding": "zstd" }],
      ["xx", { "content-encoding": "snappy" }],
      ["x".repeat(1001), {}],
    ] as const) {
      const reply = await ask(port, "/api/v1/write", { body: Buffer.from(body, "latin1"), headers: { ...headers } });
      assert.equal(reply.status, 400, reply.text);
      assert.ok(reply.text.length > 10);
    }
    const message = encodeWriteRequest([
      { labels: [["a", "b"]] as const, timestamps: [1000], values: Float64Array.of(1) },
    ]);
    const snappy = encodeSnappy(message);
    assert.equal((await ask(port, "/api/v1/write", { body: snappy })).status, 204);
    assert.deepEqual([...database.stored.values()][0]?.samples, [[1000, 1]]);
    assert.equal((await ask(port, "/api/v1/write?extra_label=c=d", { body: snappy })).status, 204);
    assert.ok(database.stored.has('{a="b",c="d"}'));
    assert.equal((await ask(port, "/api/v1/write?get_vm_proto_version=1")).text, "1");
    const headers = { "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request" };
    assert.equal((await ask(port, "/api/v1/write", { body: snappy, headers })).status, 415);
  }));

test("-usePromCompatibleNaming holds for every protocol", () =>
  withServer(["-usePromCompatibleNaming"], async ({ database, port }) => {
    const json = '{"metric":{"__name__":"a.b:c","d-e":"f.g","1x":"y"},"values":[1],"timestamps":[1]}';
    assert.equal((await ask(port, "/api/v1/import", { body: json })).status, 204);
    const labels = [
      ["__name__", "0.é"],
      ["x.y", "z.z"],
    ] as const;
    const body = encodeSnappy(encodeWriteRequest([{ labels, timestamps: [1], values: Float64Array.of(1) }]));
    assert.equal((await ask(port, "/api/v1/write", { body })).status, 204);
    assert.deepEqual([...database.stored.keys()], ['a_b:c{1x="y",d_e="f.g"}', '0__{x_y="z.z"}']);
  }));

test("slow senders do not keep others out", () =>
  withServer(["-maxConcurrentInserts=1", "-insert.maxQueueDuration=1s"], async ({ port }) => {
    const sockets = Array.from({ length: 5 }, (_, i) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      const path = i % 2 === 0 ? "/api/v1/write" : "/api/v1/import/prometheus";
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx`);
      return socket;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await ask(port, "/api/v1/import/prometheus", { body: "x 1\n" })).status, 204);
    for (const socket of sockets) socket.destroy();
  }));

test("OpenTelemetry: stored, answered in kind; bodies that are not what their header says are 400", () =>
  withServer([], async ({ database, port }) => {
    const point = { timeUnixNano: "1700000000000000000", asDouble: 1.5 };
    const metric = { name: "temp.c", gauge: { dataPoints: [point] } };
    const attributes = [{ key: "service.name", value: { stringValue: "boat" } }];
    const body = JSON.stringify({
      resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: [metric] }] }],
    });
    const headers = { "content-type": "application/json; charset=utf-8" };
    for (const path of ["/opentelemetry/v1/metrics", "/v1/metrics", "/opentelemetry/api/v1/push"]) {
      const reply = await ask(port, path, { body, headers });
      assert.deepEqual([reply.status, reply.text], [200, "{}"], path);
      assert.equal(reply.headers["content-type"], "application/json");
    }
    const series = [...database.stored.values()][0];
    assert.equal(series?.labels.get("service.name"), "boat");
    assert.equal(series?.samples.length, 3);
    const empty = await ask(port, "/v1/metrics", { body: "", headers: { "content-type": "application/x-protobuf" } });
    assert.deepEqual([empty.status, empty.body.length], [200, 0]);
    assert.equal((await ask(port, "/v1/metrics", { body })).status, 400);
    assert.equal((await ask(port, "/v1/metrics", { body: "\n\x05abc", headers })).status, 400);
    assert.equal((await ask(port, "/v1/metrics", { body: '{"resourceMetrics":[', headers })).status, 400);
  }));

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

test("large answers stream, compressed when the client takes it", () =>
  withServer([], async ({ database, port }) => {
    const count = 20_000;
    database.result = {
      kind: "matrix",
      series: [
        {
          labels: Labels.from([["__name__", "big"]]),
          timestamps: Float64Array.from({ length: count }, (_, i) => i * 1000),
          values: Float64Array.from({ length: count }, (_, i) => i / 3),
        },
      ],
      stats: { seriesFetched: 1 },
      isPartial: false,
    };
    const plain = await ask(port, "/api/v1/query_range?query=x");
    assert.equal(JSON.parse(plain.text).data.result[0].values.length, count);
    assert.equal(plain.headers["content-encoding"], undefined);
    const packed = await ask(port, "/api/v1/query_range?query=x", { headers: { "accept-encoding": "gzip, br" } });
    assert.equal(packed.headers["content-encoding"], "gzip");
    const timing = /"executionTimeMsec": \d+/;
    assert.equal(gunzipSync(packed.body).toString().replace(timing, ""), plain.text.replace(timing, ""));
    const head = await ask(port, "/api/v1/query_range?query=x", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
  }));

test("answers under way at the same time stay apart, also when some clients hang up", () =>
  withServer(["-search.maxConcurrentRequests=16"], async ({ database, port }) => {
    database.queryRange = async (text) => ({
      kind: "matrix",
      series: Array.from({ length: 20 }, () => ({
        labels: Labels.from([["of", text]]),
        timestamps: Float64Array.from({ length: 1000 }, (_, i) => i * 1000),
        values: new Float64Array(1000).fill(Number(text)),
      })),
      stats: { seriesFetched: 20 },
      isPartial: false,
    });
    const path = (n: number): string => `/api/v1/query_range?query=${n}`;
    const hangUp = (n: number): Promise<void> =>
      new Promise((resolve) => {
        const outgoing = httpRequest({ host: "127.0.0.1", port, path: path(n), agent: false }, (response) => {
          response.once("data", () => response.destroy());
          response.once("close", () => resolve());
        });
        outgoing.end();
      });
    for (let round = 0; round < 3; round++) {
      const replies = await Promise.all(
        Array.from({ length: 12 }, async (_, n) => (n % 3 === 0 ? await hangUp(n) : await ask(port, path(n)))),
      );
      for (const [n, reply] of replies.entries()) {
        if (reply === undefined) continue;
        const { result } = JSON.parse(reply.text).data;
        assert.equal(result.length, 20);
        const wanted = Array.from({ length: 1000 }, (_, i) => [i, String(n)]);
        for (const series of result) assert.deepEqual(series, { metric: { of: String(n) }, values: wanted });
      }
    }
  }));

test("status pages, placeholders and the health of a stopping server", () =>
  withServer(["-http.pathPrefix=/n"], async ({ port, server }) => {
    for (const [path, body] of [
      ["/n/health", "OK"],
      ["/n/-/healthy", "VictoriaMetrics is Healthy.\n"],
      ["/n/-/ready", "VictoriaMetrics is Ready.\n"],
      ["/n/ready", "OK"],
      ["/n/api/v1/query_exemplars", '{"status":"success","data":[]}'],
      ["/n/api/v1/rules", '{"status":"success","data":{"groups":[]}}'],
      ["/n/api/v1/alerts", '{"status":"success","data":{"alerts":[]}}'],
      ["/n/api/v1/metadata", '{"status":"success","data":{}}'],
    ] as const) {
      const reply = await ask(port, path);
      assert.deepEqual([reply.status, reply.text], [200, body], path);
    }
    assert.match((await ask(port, "/n/api/v1/status/buildinfo")).text, /"version":"2\.24\.0"/);
    assert.match((await ask(port, "/n/metrics")).text, /vm_test_series 0\n[\s\S]*process_/);
    assert.match((await ask(port, "/n/flags")).text, /-http\.pathPrefix="\/n"\n/);
    assert.equal((await ask(port, "/health")).status, 400);
    assert.equal((await ask(port, "/n/vmui?x=1")).headers.location, "vmui/?x=1");
    const landing = await ask(port, "/n/");
    assert.match(landing.text, /vmui/);
    assert.match(String(landing.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(landing.headers["x-content-type-options"], "nosniff");
    await server.stop();
  }));

test("deletes: by POST only, of what match[] says, in the range, with a key of their own", () =>
  withServer(["-deleteAuthKey=secret"], async ({ database, port }) => {
    const path = "/api/v1/admin/tsdb/delete_series?authKey=secret&match[]=a&match[]=b{c=%22d%22}";
    const post = (more: string) => ask(port, `${path}${more}`, { method: "POST" });
    assert.equal((await ask(port, path)).status, 405);
    assert.equal((await ask(port, path.replace("secret", "guess"), { method: "POST" })).status, 401);
    assert.equal((await ask(port, "/api/v1/admin/tsdb/delete_series?authKey=secret", { method: "POST" })).status, 400);
    assert.equal((await post("&start=20&end=10")).status, 400);
    assert.equal(database.deleted.length, 0);
    const reply = await post("");
    assert.deepEqual([reply.status, reply.text], [204, ""]);
    assert.equal((await ask(port, `/prometheus${path}&start=10&end=20.5`, { method: "POST" })).status, 204);
    const [all, range] = database.deleted;
    assert.deepEqual([all?.minMs, all?.maxMs, all?.groups.length], [0, Number.MAX_SAFE_INTEGER, 2]);
    assert.deepEqual([range?.minMs, range?.maxMs], [10_000, 20_500]);
    assert.equal(range?.maxSeries, 1_000_000);
  }));

test("snapshots: made, listed, deleted, in VictoriaMetrics' words; their key guards all of them", () =>
  withServer(["-snapshotAuthKey=secret"], async ({ database, port }) => {
    const call = async (path: string): Promise<[number, unknown]> => {
      const reply = await ask(port, `${path}${path.includes("?") ? "&" : "?"}authKey=secret`);
      return [reply.status, JSON.parse(reply.text)];
    };
    assert.equal((await ask(port, "/snapshot/create")).status, 401);
    assert.equal((await ask(port, "/api/v1/admin/tsdb/snapshot")).status, 401);
    assert.deepEqual(await call("/snapshot/list"), [200, { status: "ok", snapshots: [] }]);
    const [, made] = (await call("/snapshot/create")) as [number, { status: string; snapshot: string }];
    assert.equal(made.status, "ok");
    const [, prometheus] = (await call("/api/v1/admin/tsdb/snapshot")) as [number, { data: { name: string } }];
    const names = [made.snapshot, prometheus.data.name];
    assert.deepEqual(await call("/snapshot/list"), [200, { status: "ok", snapshots: names }]);
    assert.deepEqual(await call(`/snapshot/delete?snapshot=${names[0]}`), [200, { status: "ok" }]);
    const missing = { status: "error", msg: `cannot find snapshot "${names[0]}"` };
    assert.deepEqual(await call(`/snapshot/delete?snapshot=${names[0]}`), [500, missing]);
    assert.deepEqual(await call("/snapshot/delete_all"), [200, { status: "ok" }]);
    assert.deepEqual(await call("/snapshot/list"), [200, { status: "ok", snapshots: [] }]);
    database.failure = new Error("no space");
    assert.deepEqual(await call("/snapshot/create"), [500, { status: "error", msg: "no space" }]);
  }));

test("a stop lets requests under way finish and takes no new ones", () =>
  withServer([], async ({ database, port, server }) => {
    let open = (): void => {};
    database.gate = new Promise((resolve) => {
      open = resolve;
    });
    const underWay = ask(port, "/api/v1/import/prometheus", { body: "x 1\n" });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const stopped = server.stop();
    await new Promise((resolve) => setTimeout(resolve, 30));
    await assert.rejects(ask(port, "/health"));
    open();
    assert.equal((await underWay).status, 204);
    await stopped;
    assert.equal(database.stored.size, 1);
  }));

test("malformed HTTP is 400 and the next connection works", () =>
  withServer([], async ({ port }) => {
    for (const bytes of [
      "garbage\r\n\r\n",
      "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nHost: x\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00",
    ]) {
      const reply = await new Promise<string>((resolve) => {
        const socket = connect(port, "127.0.0.1");
        let text = "";
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("close", () => resolve(text)).on("error", () => {});
        socket.end(bytes, "latin1");
      });
      assert.match(reply, /^(HTTP\/1\.1 400 Bad Request|$)/);
    }
    assert.equal((await ask(port, "/health")).status, 200);
  }));

test("while the storage is being opened health is answered, all else is refused for now, and a signal ends it", async () => {
  const loggers = createLoggers({
    level: "INFO",
    format: "default",
    timezone: "UTC",
    hasTimestamps: false,
    errorsPerSecond: 0,
    warnsPerSecond: 0,
    output: { write: (line) => log.push(line) },
  });
  const log: string[] = [];
  const flags = parseFlags(FLAGS, ["-httpListenAddr=127.0.0.1:0", "-selfScrapeInterval=0"], {});
  const stopping = new AbortController();
  for (const isStopped of [false, true]) {
    log.length = 0;
    const { signal } = stopping;
    let finishOpening = (_database: MemoryDatabase): void => {};
    const opening = new Promise<MemoryDatabase>((resolve, reject) => {
      finishOpening = resolve;
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    const server = startServer({ flags, loggers, signal, openDatabase: () => opening });
    while (!log.some((line) => line.includes("listening at"))) await new Promise((resolve) => setImmediate(resolve));
    const port = Number(/listening at 127\.0\.0\.1:(\d+)/.exec(log.join(""))?.[1]);
    const status = async (path: string, method = "GET"): Promise<[number, string | null]> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      await answer.text();
      return [answer.status, answer.headers.get("retry-after")];
    };
    assert.deepEqual(await status("/health"), [200, null]);
    assert.deepEqual(await status("/-/healthy"), [200, null]);
    assert.deepEqual(await status("/metrics"), [200, null]);
    for (const path of ["/-/ready", "/ready", "/api/v1/query?query=1", "/api/v1/labels", "/internal/force_flush"]) {
      assert.deepEqual(await status(path), [503, "1"], path);
    }
    assert.deepEqual(await status("/api/v1/import/prometheus", "POST"), [503, "1"]);
    assert.deepEqual(await status("/nowhere"), [400, null]);
    if (isStopped) {
      stopping.abort(new Error("stopped"));
      await assert.rejects(server, /stopped/);
      await assert.rejects(status("/health"));
    } else {
      finishOpening(new MemoryDatabase());
      const { stop } = await server;
      for (const path of ["/-/ready", "/ready", "/api/v1/labels", "/internal/force_flush"]) {
        assert.deepEqual(await status(path), [200, null], path);
      }
      await stop();
    }
  }
});
