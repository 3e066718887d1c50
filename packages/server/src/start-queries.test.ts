/** Queries over real sockets: which arguments and limits reach the database, and what its answers look like. */
import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Labels } from "@nyanza/tsdb";
import type { MemoryDatabase } from "./api/memory-database.ts";
import { ask, FORM, withServer } from "./start.test.support.ts";

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

test("slow requests that read data are logged, and implicit conversions if that is wanted", () =>
  withServer(
    ["-search.logSlowQueryDuration=1ms", "-search.logImplicitConversion"],
    async ({ database, log, metrics, port }) => {
      database.gate = new Promise((resolve) => setTimeout(resolve, 50));
      await ask(port, "/api/v1/query?query=slow");
      for (const [i, path] of ["/api/v1/series?match[]=m", "/api/v1/labels", "/api/v1/export?match[]=m"].entries()) {
        database.gate = new Promise((resolve) => setTimeout(resolve, 50));
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
