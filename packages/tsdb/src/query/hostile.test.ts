/**
 * Queries made to exhaust the process, in both dialects: what is too much is refused, in words that say what, before it has cost anything; what
 * is merely much lets the event loop run and stops when it is told to.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";
import { assertPausesEvery, assertSettlesWithin } from "../base/patience.test.support.ts";
import { evaluateInstant, evaluateRange } from "./eval.ts";
import type { QueryLimits } from "./limits.ts";
import { evaluatePromInstant, evaluatePromRange } from "./prom/eval.ts";
import type { QueryResult } from "./result.ts";
import { MemorySource } from "./testing/memory-source.ts";

/** From text to error. */
const REFUSAL_MS_MAX = 50;
/** The engine pauses every 8 ms; the rest is what cannot be divided, and the garbage collector, with room for a slow machine. */
const TURN_MS_MAX = 80;
/** So many that most of what is asked of them takes longer than that without a pause. */
const MANY_SERIES = 30_000;

const NOW_MS = 1_704_067_200_000;

interface Asked {
  readonly limits?: Partial<QueryLimits>;
  readonly signal?: AbortSignal;
  /** A range of so many points instead of one time. */
  readonly points?: number;
}

type Ask = (source: MemorySource, query: string, asked?: Asked) => Promise<QueryResult>;

const metricsql: Ask = (source, query, { points = 1, ...asked } = {}) =>
  points === 1
    ? evaluateInstant(query, { source, nowMs: NOW_MS, timeMs: NOW_MS, stepMs: 60_000, ...asked })
    : evaluateRange(query, { source, nowMs: NOW_MS, ...rangeOf(points), mayAlign: false, ...asked });

const promql: Ask = (source, query, { points = 1, ...asked } = {}) =>
  points === 1
    ? evaluatePromInstant(query, { source, nowMs: NOW_MS, timeMs: NOW_MS, ...asked })
    : evaluatePromRange(query, { source, nowMs: NOW_MS, ...rangeOf(points), ...asked });

const BOTH: readonly Ask[] = [metricsql, promql];

function rangeOf(points: number): { startMs: number; endMs: number; stepMs: number } {
  return { startMs: NOW_MS - (points - 1) * 1000, endMs: NOW_MS, stepMs: 1000 };
}

function seriesOf(name: string, count: number, more: readonly (readonly [string, string])[] = []): MemorySource {
  const source = new MemorySource({ batchSeries: 1024 });
  for (let i = 0; i < count; i++) {
    const labels = Labels.from([["__name__", name], ["i", `${i}`], ["g", `${i % 10}`], ["le", `${i}`], ...more]);
    source.add(labels, [NOW_MS - 15_000, NOW_MS], Float64Array.of(i, i + 1));
  }
  return source;
}

const few = seriesOf("m", 10, [["s", "a".repeat(1000)]]);

async function refuse(query: string, message: RegExp, asked: Asked = {}, dialects = BOTH): Promise<void> {
  for (const ask of dialects) {
    const attempt = async (): Promise<void> => {
      await assert.rejects(ask(few, query, asked), (error: unknown) => {
        assert.ok(
          error instanceof InputError,
          `${query.slice(0, 100)}: ${error instanceof Error ? error.stack : error}`,
        );
        assert.match(error.message, message, query.slice(0, 100));
        assert.ok(error.message.length < 500, "an error does not repeat the query");
        return true;
      });
    };
    await assertSettlesWithin(REFUSAL_MS_MAX, attempt, query);
  }
}

/** `call(call(… m …))` */
const nested = (times: number, head: string, tail: string, inside = "m"): string =>
  head.repeat(times) + inside + tail.repeat(times);

test("texts that nest, or do not end", async () => {
  const deep = /want at most 500 levels|more than 500 levels/;
  for (const count of [600, 16_000, 64_000]) {
    await refuse("(".repeat(count), deep);
    await refuse(`${"-".repeat(count)}m`, deep);
  }
  await refuse(nested(600, "(", ")"), deep);
  await refuse(nested(600, "abs(", ")"), deep);
  await refuse(nested(600, "sum by (i) (", ")"), deep);
  await refuse(nested(600, "max_over_time(", "[5m:1m])"), deep);
  await refuse(nested(600, "m + (", ")"), deep);
  await refuse(`m${" ^ m".repeat(3000)}`, deep);
  for (const text of ["{", "[", '"', "m[", "m{", "`", "m{a=", "m @ ", "m offset ", ")", "}", "]", ","]) {
    await refuse(text.repeat(64_000 / text.length), /./);
  }
  await refuse(`m[${"(".repeat(5000)}`, /./);
  await refuse(`m offset ${"-".repeat(10_000)}5m`, /./, {}, [metricsql]);
});

test("templates that explode", async () => {
  const chain = (first: string, next: (before: string, i: number) => string, last: string): string =>
    `WITH (${first}${Array.from({ length: 60 }, (_, i) => `, ${next(`t${i}`, i + 1)}`).join("")}) ${last}`;
  const ours = [metricsql];
  const large = /templates expand to too much/;
  await refuse(
    chain("t0 = m", (t, i) => `t${i} = ${t} + ${t}`, "t60"),
    large,
    {},
    ours,
  );
  await refuse(
    chain("t0 = m", (t, i) => `t${i} = ${t} * on (i) group_left (*) prefix "x" ${t}`, "t60"),
    large,
    {},
    ours,
  );
  await refuse(
    chain("t0(x) = x", (t, i) => `t${i}(x) = ${t}(${t}(x))`, "t60(m)"),
    /500 levels|too much/,
    {},
    ours,
  );
  await refuse(
    chain('t0 = "xxxxxxxxxx"', (t, i) => `t${i} = ${t} + ${t}`, "m{a=t60}"),
    /too much|string/,
    {},
    ours,
  );
  await refuse("WITH (".repeat(2000), /./, {}, ours);
  await refuse(`${"WITH (x = m) ".repeat(1200)}x`, /500 levels/, {}, ours);
  assert.equal(
    (await metricsql(few, "WITH (f(x) = f(x) + 1) m")).series.length,
    10,
    "a definition does not see itself",
  );
  await refuse("WITH (f(x) = f(x) + 1) f(m)", /unknown function/, {}, ours);
});

test("durations and times beyond all bounds", async () => {
  const subquery = /-search\.maxPointsSubqueryPerTimeseries=100000/;
  await refuse("max_over_time(m[1y:1ms])", subquery);
  await refuse("max_over_time(m[200y:1s])", subquery);
  await refuse("max_over_time(max_over_time(m[1d:1s])[1d:1s])", subquery);
  const tooLong = /2\^53 milliseconds|at most 1\.8e308|out of range|bad number|out of bounds/;
  for (const text of ["1e308", "1e308s", "99999999999y", "1e20", "9".repeat(400)]) {
    await refuse(`max_over_time(m[${text}])`, tooLong);
    await refuse(`m offset ${text}`, tooLong);
  }
  await refuse("max_over_time(m[5m:1e-9])", /./, {}, [promql]);
  await refuse("m @ 1e300", /timestamp out of bounds/, {}, [promql]);
  const points = { points: 100_000 };
  await refuse("m", /-search\.maxPointsPerTimeseries=30000/, points, [metricsql]);
  await refuse("m", /exceeded maximum resolution of 11,000 points/, points, [promql]);
  for (const ask of BOTH) {
    for (const query of ["m offset 290y", "m offset -290y", "m @ 9e9", "m @ -9e9", "max_over_time(m[200y] @ 9e9)"]) {
      assert.ok((await ask(few, query)).series.length <= 10, query);
    }
  }
});

test("regexes that nest repeats", async () => {
  const refused = /regex/;
  const patterns = [
    "(.{1,1000}){1,1000}",
    "x{1000}{1000}",
    nested(7, "(", "{10})", "a"),
    "(".repeat(8000),
    "(a|".repeat(3000),
  ];
  for (const pattern of patterns) {
    await refuse(`m{s=~"${pattern}"}`, refused);
    await refuse(`label_replace(m, "x", "$1", "s", "${pattern}")`, refused);
    await refuse(`label_match(m, "s", "${pattern}")`, refused, {}, [metricsql]);
    await refuse(`label_transform(m, "s", "${pattern}", "x")`, refused, {}, [metricsql]);
  }
  const many = Array.from({ length: 40 }, (_, i) => `s=~"(a${i}|[b-y]{2,30}){20}"`).join(",");
  await refuse(`m{${many}}`, refused);
  for (const ask of BOTH) {
    const slow = async (): Promise<void> => {
      for (const pattern of ["(a*)*b", "(a|aa)+b", `${"(.*)".repeat(20)}b`]) {
        assert.equal((await ask(few, `m{s=~"${pattern}"}`)).series.length, 0, pattern);
        assert.equal((await ask(few, `label_replace(m, "x", "$1", "s", "${pattern}")`)).series.length, 10, pattern);
      }
    };
    await assertPausesEvery(TURN_MS_MAX, slow, "backtracking");
  }
});

test("labels do not grow without bounds", async () => {
  const length = /want at most 16384 characters in a value|makes a text of more than 16384 characters/;
  await refuse(nested(12, "label_replace(", `,"s","${"$1".repeat(16)}","s","(.*)")`), length);
  await refuse(nested(20, "label_join(", `,"s",""${',"s"'.repeat(8)})`), length);
  await refuse(`label_join(m,"x",""${',"s"'.repeat(3000)})`, length);
  await refuse(`label_replace(m,"x","${"$1".repeat(5000)}","s","(.*)")`, length);
  const ours = [metricsql];
  await refuse(nested(30, "label_transform(", `,"s","a","${"a".repeat(100)}")`), length, {}, ours);
  await refuse(`label_graphite_group(alias(m, "${"a".repeat(1000)}")${", 0".repeat(1000)})`, length, {}, ours);
  const many = Array.from({ length: 1001 }, (_, i) => `, "l${i}", "x"`).join("");
  await refuse(`label_set(m${many})`, /want at most 1000 a series/, {}, ours);
  const doubled = Array.from(
    { length: 9 },
    (_, i) => `, t${i + 1} = t${i} * on (i) group_left (*) prefix "p${i}" t${i}`,
  );
  const joined = `WITH (t0 = m${doubled.join("")}) t9`;
  // Evaluated until it is too much: 256 selectors, and labels that double with each of eight joins.
  await assert.rejects(metricsql(few, joined), /want at most 1000 a series/);
  const memory = /need more than -search\.maxMemoryPerQuery=20000 bytes/;
  await refuse('label_join(m,"x","","s","s")', memory, { limits: { maxMemoryPerQuery: 20_000 } });
});

test("each limit is kept, and its flag is named", async () => {
  const over = (flag: string, value: number): RegExp => new RegExp(`-search\\.${flag}=${value}`);
  const under = (limits: Partial<QueryLimits>): Asked => ({ limits });
  await refuse("m", /want at most 5|-search\.maxUniqueTimeseries=5/, under({ maxUniqueTimeseries: 5 }));
  await refuse("m", over("maxSamplesPerQuery", 5), under({ maxSamplesPerQuery: 5 }));
  await refuse("sum_over_time(m[1h])", over("maxSamplesPerSeries", 1), under({ maxSamplesPerSeries: 1 }));
  await refuse('count_values("x", m)', over("maxSeriesPerAggrFunc", 5), under({ maxSeriesPerAggrFunc: 5 }));
  await refuse("m", over("maxResponseSeries", 5), under({ maxResponseSeries: 5 }));
  const five = under({ maxPointsSubqueryPerTimeseries: 5 });
  await refuse("max_over_time(m[1h:1m])", over("maxPointsSubqueryPerTimeseries", 5), five);
  await refuse("m", /-search\.maxPointsPerTimeseries=5|resolution of 5 points/, {
    points: 10,
    ...under({ maxPointsPerTimeseries: 5 }),
  });
});

test("what waits for its other side counts as memory", async () => {
  const memory = /-search\.maxMemoryPerQuery=/;
  // Ten series of fifty points are 4000 bytes.
  const asked = { points: 50, limits: { maxMemoryPerQuery: 10_000 } };
  for (const ask of BOTH) {
    assert.equal((await ask(few, "sum(m) + sum(m) + sum(m) + sum(m)", asked)).series.length, 1);
    assert.equal((await ask(few, "m + 1 + 1 + 1", asked)).series.length, 10);
  }
  await refuse("m + (m + m)", memory, asked);
  await refuse(`m${" or (m".repeat(20)}${")".repeat(20)}`, memory, asked);
  await refuse("m * on (g) group_left () sum by (g) (m)", memory, { ...asked, limits: { maxMemoryPerQuery: 5000 } });
  await refuse("union(m, m, m)", memory, asked, [metricsql]);
  await refuse(
    `(${"1, ".repeat(3000)}1)`,
    /-search\.maxMemoryPerQuery=/,
    { points: 30_000, limits: { maxMemoryPerQuery: 1e8 } },
    [metricsql],
  );
  await refuse('histogram_quantiles("q", 0.1, 0.2, 0.3, m)', memory, asked, [metricsql]);
});

test("long chains are evaluated as they are read", async () => {
  for (const ask of BOTH) {
    const sum = await ask(few, `sum(m)${" + 1".repeat(4000)}`);
    assert.deepEqual([...(sum.series[0]?.values ?? [])], [55 + 4000]);
    const same = await ask(few, `m${" > bool m".repeat(1000)}`);
    assert.equal(same.series.length, 10);
  }
});

test("what is not supported is said to be", async () => {
  const theirs = [promql];
  for (const name of ["avg", "count", "sum", "stddev", "stdvar"]) {
    await refuse(`histogram_${name}(m)`, /native histograms, which are not supported/, {}, theirs);
  }
  await refuse("start_timestamp(m)", /not supported, start timestamps are not stored/, {}, theirs);
  await refuse("m @st", /@st is not supported/, {}, theirs);
  await refuse("rate(m[5m] anchored)", /modifier "anchored" is not supported/, {}, theirs);
  await refuse("m smoothed", /modifier "smoothed" is not supported/, {}, theirs);
  await refuse("m >/ 5", /native histograms, which are not supported/, {}, theirs);
});

const MUCH: readonly string[] = [
  ...[
    "big + big",
    "big > big",
    "big and big",
    "big or big",
    "big unless big",
    "big * on (g) group_left () sum by (g) (big)",
  ],
  ...[
    "-big",
    "abs(big)",
    "sort(big)",
    'label_replace(big, "x", "$1$1", "i", "(.*)")',
    'label_join(big, "x", "", "i", "i")',
  ],
  ...["histogram_quantile(0.5, big)", "histogram_quantile(0.5, sum by (le) (big))", 'count_values("v", big)'],
  ...["topk(9999, big)", "quantile(0.5, big)", "sum by (i) (big)", "big == 5", "hour(big)"],
];

const MUCH_OF_OURS: readonly string[] = [
  ...["union(big, big)", "big default big", "big if big", 'sort_by_label_numeric(big, "i")', "buckets_limit(9, big)"],
  ...[
    "drop_common_labels(big)",
    'label_match(big, "i", "(1|2)*")',
    "outliersk(9, big)",
    "topk_avg(9, big)",
    "limitk(9, big)",
  ],
];

test("what takes long lets others run", { timeout: 120_000 }, async () => {
  const source = seriesOf("big", MANY_SERIES);
  for (const ask of BOTH) {
    for (const query of ask === metricsql ? MUCH.concat(MUCH_OF_OURS) : MUCH) {
      await assertPausesEvery(TURN_MS_MAX, async () => void (await ask(source, query)), query);
    }
  }
});

/** One series with a sample a second. */
function longSeries(samples: number, valueAt: (i: number) => number): MemorySource {
  const source = new MemorySource();
  const times = Array.from({ length: samples }, (_, i) => NOW_MS - (samples - 1 - i) * 1000);
  source.add(
    Labels.from([["__name__", "long"]]),
    times,
    Float64Array.from(times, (_, i) => valueAt(i)),
  );
  return source;
}

/** Of one series, every one of whose windows is looked at. */
const LONG_OF_OURS: readonly string[] = [
  "mad_over_time(long[1h])",
  "mode_over_time(long[1h])",
  'quantiles_over_time("phi", 0.1, 0.9, long[1h])',
  "histogram_over_time(long[1h])",
  'aggr_over_time(("median_over_time", "max_over_time"), long[1h])',
  "quantile_over_time(0.5, (long + 1)[1h:1s])",
];

test("the windows of one series let others run, and stop when told to", { timeout: 120_000 }, async () => {
  const source = longSeries(6000, (i) => (i * 7919) % 10_009);
  const points = 800;
  for (const ask of BOTH) {
    for (const query of ["quantile_over_time(0.5, long[1h])", ...(ask === metricsql ? LONG_OF_OURS : [])]) {
      await assertPausesEvery(TURN_MS_MAX, async () => void (await ask(source, query, { points })), query);
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error("that is enough")), 20);
      await assert.rejects(ask(source, query, { points, signal: controller.signal }), /that is enough/, query);
    }
  }
});

test("the windows of one series hold the same, however many queries look at them at a time", async () => {
  const [points, step] = [600, 97];
  // Gaps, which are cut out, and drops, which are removed, put columns where all queries put theirs.
  const sources = [3, 7, 11].map((n) => longSeries(3000, (i) => (i % (10 * n) === 0 ? NaN : (i * n) % 101)));
  const queries = [
    "mad_over_time(long[10m])",
    'count_values_over_time("v", long[10m])',
    "quantile_over_time(0.3, long[10m])",
    "increase_prometheus(long[10m])",
    "rollup_candlestick(long[10m])",
    "deriv(long[10m])",
  ];
  const all = queries.flatMap((query) => sources.map((source) => ({ query, source })));
  const answers = await Promise.all(all.map(({ query, source }) => metricsql(source, query, { points })));
  for (const [n, { query, source }] of all.entries()) {
    const { series } = answers[n] as QueryResult;
    assert.ok(series.length > 0, query);
    for (let k = 0; k < points; k += step) {
      // A range of one window is short work, done in one go.
      const timeMs = NOW_MS - (points - 1 - k) * 1000;
      const one = { source, nowMs: NOW_MS, startMs: timeMs, endMs: timeMs + 1000, stepMs: 1000, mayAlign: false };
      const pair = await evaluateRange(query, one);
      for (const { labels, timestamps, values } of pair.series) {
        if (timestamps[0] !== timeMs) continue;
        const found = series.find((other) => other.labels.toString() === labels.toString());
        const at = found?.timestamps.indexOf(timeMs) ?? -1;
        assert.equal(found?.values[at], values[0], `${query} at ${timeMs}: ${labels}`);
      }
    }
  }
});

test("what takes long stops when told to", { timeout: 120_000 }, async () => {
  // So many that none is done before the second turn of the loop, on a fast machine either.
  const source = seriesOf("big", 60_000);
  for (const ask of BOTH) {
    for (const query of ["big + big", "sort(big)", "histogram_quantile(0.5, big)", "big or big", "sum by (i) (big)"]) {
      const controller = new AbortController();
      let turns = 0;
      const stop = (): void => {
        if (++turns < 2) setImmediate(stop);
        else controller.abort(new Error("that is enough"));
      };
      setImmediate(stop);
      await assert.rejects(ask(source, query, { signal: controller.signal }), /that is enough/, query);
    }
  }
});
