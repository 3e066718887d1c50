/** What a request decides: grids, alignment, limits, order, cancellation; and the source as the evaluator uses it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";
import { parse } from "../metricsql/parse.ts";
import { evaluateInstant, evaluateRange } from "./eval.ts";
import type { SampleCursor, SearchRequest, Source } from "./source.ts";
import { harness, ZERO_MS } from "./testing/harness.ts";
import { MemorySource } from "./testing/memory-source.ts";

const at = harness(`
  m{k="1"}  1 2 3 4 5 6 7 8
  m{k="2"}  8 7 6 5 4 3 2 1
`);
const { source } = at;
const END_MS = ZERO_MS + 7 * 15_000;

async function refused(promise: Promise<unknown>, status: number, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof InputError, `${error}`);
    assert.equal(error.status, status);
    assert.match(error.message, message);
    return true;
  });
}

test("an instant query answers a vector at its time", async () => {
  const result = await evaluateInstant("m * 2", { source, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000 });
  assert.equal(result.kind, "vector");
  assert.deepEqual(
    result.series.map(({ labels, timestamps, values }) => [`${labels}`, ...timestamps, ...values]),
    [
      ['{k="1"}', END_MS, 16],
      ['{k="2"}', END_MS, 2],
    ],
  );
  assert.deepEqual(result.stats, { seriesFetched: 2, samplesRead: 16, memoryBytes: 24 });
  assert.equal(result.isPartial, false);
});

test("a tree does as well as a text", async () => {
  const options = { source, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000 };
  assert.deepEqual(await evaluateInstant(parse("sum(m)"), options), await evaluateInstant("sum(m)", options));
});

test("a filter on one side of an operator spares reading on the other", async () => {
  const options = { source, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000 };
  const read = async (query: string) => (await evaluateInstant(query, options)).stats.seriesFetched;
  assert.equal(await read('m{k="1"} / m'), 2);
  assert.equal(await read('m / on (k) sum(m{k="2"}) by (k)'), 2);
  assert.equal(await read('m{k="1"} / on () group_left () sum(m)'), 3);
  assert.equal(await read('m{k="1"} or m'), 3);
});

test("m[window] answers raw samples, markers and all, open on the left", async () => {
  const marked = harness("s 1 2 stale 4");
  const options = { source: marked.source, nowMs: END_MS, timeMs: ZERO_MS + 45_000, stepMs: 300_000 };
  const result = await evaluateInstant("s[45s]", options);
  assert.equal(result.kind, "matrix");
  assert.deepEqual(
    [...(result.series[0]?.timestamps ?? [])],
    [15_000, 30_000, 45_000].map((ms) => ZERO_MS + ms),
  );
  const values = result.series[0]?.values as Float64Array;
  assert.deepEqual([values[0], values[2]], [2, 4]);
  assert.equal(new BigUint64Array(values.slice().buffer)[1], 0x7ff0000000000002n);
  const shifted = await evaluateInstant("s[15s] offset 15s", options);
  assert.deepEqual([...(shifted.series[0]?.timestamps ?? [])], [ZERO_MS + 30_000]);
  // A colon without a step changes nothing.
  assert.deepEqual((await evaluateInstant("s[45s:]", options)).series, result.series);
});

test("q[window:step] answers a range", async () => {
  const options = { source, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000 };
  const result = await evaluateInstant("sum(m)[30s:15s]", options);
  assert.equal(result.kind, "matrix");
  assert.deepEqual([...(result.series[0]?.timestamps ?? [])], [END_MS - 30_000, END_MS - 15_000, END_MS]);
  // Without a step of its own it has the query's.
  assert.deepEqual(await evaluateInstant("sum(m)[30s]", { ...options, stepMs: 15_000 }), result);
});

test("ranges of 50 points and more are moved to multiples of the step", async () => {
  const range = async (points: number, mayAlign?: boolean): Promise<number[]> => {
    const startMs = ZERO_MS + 7;
    const options = { source, nowMs: END_MS, startMs, endMs: startMs + (points - 1) * 1000, stepMs: 1000 };
    const result = await evaluateRange("1", mayAlign === undefined ? options : { ...options, mayAlign });
    const { timestamps } = result.series[0] as { timestamps: Float64Array };
    return [timestamps.length, (timestamps[0] as number) - ZERO_MS];
  };
  assert.deepEqual(await range(49), [49, 7]);
  assert.deepEqual(await range(50), [50, 0]);
  assert.deepEqual(await range(50, false), [50, 7]);
});

test("a range that ends before it starts lasts five minutes", async () => {
  const options = { source, nowMs: END_MS, startMs: ZERO_MS, endMs: 0, stepMs: 60_000 };
  assert.equal((await evaluateRange("1", options)).series[0]?.values.length, 6);
});

test("points that may still change repeat the last one before", async () => {
  const options = { source, nowMs: END_MS, startMs: ZERO_MS, endMs: END_MS, stepMs: 15_000, latencyOffsetMs: 30_000 };
  const held = await evaluateRange('m{k="1"}', options);
  assert.deepEqual([...(held.series[0]?.values ?? [])], [1, 2, 3, 4, 5, 6, 6, 6]);
  assert.deepEqual((await evaluateRange('m{k="1"}', { ...options, mayAlign: false })).series, held.series);
  // A range that goes on into the future is left as it is.
  const future = await evaluateRange('m{k="1"}', { ...options, endMs: END_MS + 30_000 });
  assert.deepEqual([...(future.series[0]?.values ?? [])].slice(0, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
  const instant = { source, nowMs: END_MS, timeMs: END_MS - 1, stepMs: 300_000, latencyOffsetMs: 30_000 };
  const result = await evaluateInstant('m{k="1"}', instant);
  assert.deepEqual([result.series[0]?.timestamps[0], result.series[0]?.values[0]], [END_MS - 1, 6]);
  assert.equal((await evaluateInstant('m{k="1"}', { ...instant, mayAlign: false })).series[0]?.values[0], 7);
});

test("the latency offset touches small steps only", async () => {
  const options = { source, nowMs: END_MS, startMs: ZERO_MS, endMs: END_MS, stepMs: 15_000, latencyOffsetMs: 30_000 };
  const last = async (latencyStepMaxMs: number) =>
    (await evaluateRange('m{k="1"}', { ...options, latencyStepMaxMs })).series[0]?.values[7];
  assert.equal(await last(15_000), 8);
  assert.equal(await last(15_001), 6);
});

test("rollups over expressions without a window can be refused", async () => {
  const options = { refusesImplicit: true };
  for (const query of [
    "rate(sum(m))",
    "1 + sum(rate(m + 1))",
    "quantile_over_time(0.5, (m > 1) offset 5m)",
    "abs(m @ rate(abs(m)))",
  ]) {
    await refused(at.range(query, options), 400, /without a window.*-search\.disableImplicitConversion/);
    await refused(at.instant(query, options), 400, /-search\.disableImplicitConversion/);
    const heard: string[] = [];
    // The last one then has no single series to tell the time by.
    await at.instant(query, { onImplicit: (message) => heard.push(message) }).catch(() => []);
    assert.equal(heard.length, 1, query);
    assert.match(heard[0] as string, /without a window.*\(line 1, column \d+\)$/);
  }
  for (const query of [
    "rate(m)",
    "rate(m offset 5m)",
    "rate(sum(m)[1m:])",
    "rate(sum(m)[1m])",
    "timestamp(sum(m))",
    "sum(m)",
  ]) {
    await at.range(query, options);
  }
});

test("the lookback of a plain selector is the step or the scrape interval", async () => {
  const one = harness("s 5 _ _ _ _ _ _ _ _");
  // Of a lone sample the interval is taken for the step, 15 s, and half as much again hides jitter.
  assert.deepEqual(await one.range("s"), ["s 5 5 _ _ _ _ _ _ _"]);
  assert.deepEqual(await one.range("s", { stepMs: 60_000 }), ["s 5 5 _"]);
  assert.deepEqual(await one.instant("s", { stepMs: 300_000 }), ["s 5"]);
  assert.deepEqual(await one.instant("s", { stepMs: 60_000 }), []);
  // LookbackDelta caps it.
  assert.deepEqual(await one.instant("s", { stepMs: 300_000, lookbackMs: 60_000 }), []);
  // -search.minStalenessInterval raises it.
  assert.deepEqual(await one.range("s", { minStalenessMs: 60_000 }), ["s 5 5 5 5 _ _ _ _ _"]);
  assert.deepEqual(await one.range("s", { minStalenessMs: 60_000, lookbackMs: 30_000 }), ["s 5 5 _ _ _ _ _ _ _"]);
});

test("order: by labels, unless the top of the query has one of its own", async () => {
  const order = async (query: string): Promise<string[]> =>
    (await at.instant(query)).map((line) => line.split(" ")[0] as string);
  assert.deepEqual(await order("m"), ['m{k="1"}', 'm{k="2"}']);
  assert.deepEqual(await order("sort(m)"), ['m{k="2"}', 'm{k="1"}']);
  assert.deepEqual(await order("topk(2, m)"), ['m{k="1"}', 'm{k="2"}']);
  assert.deepEqual(await order('m{k="2"} or m'), ['m{k="2"}', 'm{k="1"}']);
  assert.deepEqual(await order("abs(sort(m))"), ['{k="1"}', '{k="2"}']);
});

test("equal label sets in an answer are refused", async () => {
  await refused(at.range('label_del(m, "k")'), 422, /duplicate output timeseries: m/);
});

test("values are rounded on request", async () => {
  assert.deepEqual(await at.instant('m{k="1"} / 3', { roundDigits: 2 }), ['{k="1"} 2.67']);
  assert.deepEqual(await at.instant('m{k="1"} * -33', { roundDigits: -1 }), ['{k="1"} -260']);
});

test("extra filters hold for every selector", async () => {
  const extraFilters = [[{ label: "k", op: "=" as const, value: "1" }]];
  assert.deepEqual(await at.instant("m + m", { extraFilters }), ['{k="1"} 16']);
  assert.deepEqual(await at.instant('m{k="2"}', { extraFilters }), []);
});

test("graphite patterns select by name", async () => {
  const names = harness("a.b1.c 1\na.b2.c 2\na.b1.c.d 3\naxb1.c 4");
  const found = async (pattern: string): Promise<string[]> => names.instant(`{__graphite__="${pattern}"}`);
  assert.deepEqual(await found("a.*.c"), ["a.b1.c 1", "a.b2.c 2"]);
  assert.deepEqual(await found("a.b[1].c"), ["a.b1.c 1"]);
  assert.deepEqual(await found("a.{b2,x}.c"), ["a.b2.c 2"]);
});

test("limits are refused with the flag that raises them", async () => {
  const range = { source, nowMs: END_MS, startMs: ZERO_MS, endMs: END_MS, stepMs: 15_000 };
  await refused(evaluateRange("m", { ...range, stepMs: 1 }), 422, /-search\.maxPointsPerTimeseries=30000/);
  await refused(
    evaluateRange("m", { ...range, limits: { maxUniqueTimeseries: 1 } }),
    422,
    /at most 1|maxUniqueTimeseries/,
  );
  await refused(
    evaluateRange("m", { ...range, limits: { maxSamplesPerQuery: 3 } }),
    422,
    /-search\.maxSamplesPerQuery=3/,
  );
  await refused(
    evaluateRange("m", { ...range, limits: { maxMemoryPerQuery: 100 } }),
    422,
    /-search\.maxMemoryPerQuery/,
  );
  await refused(
    evaluateRange("m", { ...range, limits: { maxResponseSeries: 1 } }),
    422,
    /-search\.maxResponseSeries=1/,
  );
  await refused(evaluateRange("max_over_time(sum(m)[1d:1ms])", range), 422, /-search\.maxPointsSubqueryPerTimeseries/);
  await refused(
    evaluateRange('count_values("v", m)', { ...range, limits: { maxSeriesPerAggrFunc: 2 } }),
    422,
    /maxSeriesPerAggrFunc/,
  );
  for (const query of ["m", "rate(m[1m])", "sum(m)"]) {
    const limits = { maxSamplesPerSeries: 7 };
    await refused(evaluateRange(query, { ...range, limits }), 422, /8 of them .*-search\.maxSamplesPerSeries=7/);
  }
  const raw = { source, nowMs: END_MS, timeMs: END_MS, stepMs: 15_000, limits: { maxSamplesPerSeries: 3 } };
  await refused(evaluateInstant("m[1m]", raw), 422, /4 of them .*-search\.maxSamplesPerSeries=3/);
  await refused(evaluateRange("m", { ...range, stepMs: 0 }), 400, /step: want more than 0 ms/);
});

test("what the query says wrong has its place", async () => {
  await refused(at.range("sum(\n  nosuch(m))"), 422, /unknown function "nosuch".*line 2, column 3/);
  await refused(at.range("m{"), 400, /./);
  await refused(at.range("summ(m)"), 422, /did you mean "sum"/);
});

test("nesting is bounded, whoever built the tree", async () => {
  let expr = parse("m");
  for (let i = 0; i < 20_000; i++)
    expr = { kind: "function", pos: 0, name: "abs", args: [expr], keepMetricNames: false };
  const options = { source, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000 };
  await refused(evaluateInstant(expr, options), 422, /nested/);
});

test("names of functions are never looked up on objects", async () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    await assert.rejects(at.range(`${name}(m)`), InputError, name);
  }
});

test("a cancelled query stops with the signal's reason and closes its cursor", async () => {
  const reason = new Error("client went away");
  const controller = new AbortController();
  let closed = 0;
  const slow: Source = {
    ...emptySource,
    search: async (request: SearchRequest): Promise<SampleCursor> => {
      const cursor = await source.search(request);
      return {
        seriesCount: cursor.seriesCount,
        isPartial: false,
        next: async () => {
          controller.abort(reason);
          return cursor.next();
        },
        close: () => {
          closed++;
        },
      };
    },
  };
  const options = { source: slow, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000, signal: controller.signal };
  await assert.rejects(evaluateInstant("sum(m)", options), reason);
  assert.equal(closed, 1);
});

test("a long query lets the event loop run", async () => {
  const big = new MemorySource({ batchSeries: 512 });
  const timestamps = Float64Array.from({ length: 2000 }, (_, i) => ZERO_MS + i * 1000);
  for (let n = 0; n < 300; n++)
    big.add(
      Labels.from([
        ["__name__", "big"],
        ["n", `${n}`],
      ]),
      timestamps,
      timestamps,
    );
  let ticks = 0;
  const counter = setInterval(() => ticks++, 1);
  await evaluateRange("sum(quantile_over_time(0.5, big[5m]))", {
    source: big,
    nowMs: END_MS,
    startMs: ZERO_MS,
    endMs: ZERO_MS + 1_999_000,
    stepMs: 10_000,
  });
  clearInterval(counter);
  assert.ok(ticks > 3, `the loop turned ${ticks} times`);
});

test("a partial answer of the source makes the query's partial", async () => {
  const partial: Source = {
    ...emptySource,
    search: async () => ({ seriesCount: 0, isPartial: true, next: async () => null, close: () => {} }),
  };
  const options = { source: partial, nowMs: END_MS, timeMs: END_MS, stepMs: 300_000 };
  assert.equal((await evaluateInstant("sum(m)", options)).isPartial, true);
  assert.equal((await evaluateInstant("m[5m]", options)).isPartial, true);
});

test("NaNs that are no markers are not read", async () => {
  const odd = new MemorySource();
  const values = Float64Array.of(1, Number.NaN, 3);
  odd.add(Labels.from([["__name__", "odd"]]), [ZERO_MS, ZERO_MS + 15_000, ZERO_MS + 30_000], values);
  const options = { source: odd, nowMs: END_MS, timeMs: ZERO_MS + 30_000, stepMs: 300_000 };
  assert.deepEqual([...((await evaluateInstant("count_over_time(odd[1m])", options)).series[0]?.values ?? [])], [2]);
  const between = { ...options, timeMs: ZERO_MS + 15_000 };
  assert.deepEqual([...((await evaluateInstant("odd", between)).series[0]?.values ?? [])], [1]);
});

/** Series whose neighbours have the same times or others, in batches of two. */
const MANY = harness(
  Array.from({ length: 24 }, (_, i) => {
    const isWhole = i % 8 < 4;
    const samples = Array.from({ length: 40 }, (_, k) =>
      !isWhole && (k * 7 + i) % 11 === 0 ? "_" : String((k * (i + 3)) % 29),
    );
    return `m{k="${i}",odd="${i % 2}"} ${samples.join(" ")}`;
  }).join("\n"),
);

test("what a series answers does not depend on its neighbours", async () => {
  // Late enough that a subquery finds no point without a value in the series that have no gaps.
  const startMs = ZERO_MS + 32 * 15_000;
  for (const query of [
    "rate(m{}[1m])",
    "sum_over_time(m{}[45s])",
    "m{}",
    "delta(m{}[50s:5s])",
    "count_over_time(last_over_time(m{}[15s])[45s:15s])",
  ]) {
    const alone: string[] = [];
    for (let i = 0; i < 24; i++) alone.push(...(await MANY.range(query.replace("{}", `{k="${i}"}`), { startMs })));
    assert.deepEqual((await MANY.range(query, { startMs })).sort(), alone.sort(), query);
  }
});

test("queries that run at once answer what they answer alone", async () => {
  // Each batch is awaited: the queries take turns, on grids of different lengths.
  const endMs = ZERO_MS + 20 * 15_000;
  const asked = [
    ["sum by (odd) (rate(m[1m]))", {}],
    ["avg by (odd) (avg_over_time(m[2m]))", {}],
    ["max(max_over_time(m[45s]))", { endMs }],
    ["min by (odd) (m)", { stepMs: 5_000 }],
    ["count(increase(m[1m]) > 3)", {}],
    ["sum(last_over_time(m[30s]))", { endMs, stepMs: 1_000 }],
    ["sum by (odd) (rate(m[1m]))", { startMs: endMs }],
  ] as const;
  const ask = ([query, options]: (typeof asked)[number]): Promise<string[]> => MANY.range(query, options);
  const alone: string[][] = [];
  for (const one of asked) alone.push(await ask(one));
  assert.deepEqual(await Promise.all(asked.map(ask)), alone);
});

const emptySource: Source = {
  search: async () => ({ seriesCount: 0, isPartial: false, next: async () => null, close: () => {} }),
  series: async () => ({ items: [], isPartial: false }),
  labelNames: async () => ({ items: [], isPartial: false }),
  labelValues: async () => ({ items: [], isPartial: false }),
};
