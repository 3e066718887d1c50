import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import type { QueryResult } from "../result.ts";
import type { SampleCursor, SearchRequest, Source } from "../source.ts";
import { harness, ZERO_MS } from "../testing/harness.ts";
import { MemorySource } from "../testing/memory-source.ts";
import {
  evaluatePromInstant,
  evaluatePromRange,
  type PromInstantOptions,
  type PromOptions,
  type PromRangeOptions,
} from "./eval.ts";

const MINUTE_MS = 60_000;

/** Times in minutes from the harness' first sample; samples are a minute apart. */
function open(text: string): {
  source: Source;
  at(minutes: number, query: string, options?: Partial<PromInstantOptions>): Promise<string[]>;
  range(from: number, to: number, query: string, options?: Partial<PromRangeOptions>): Promise<string[]>;
} {
  const { source } = harness(text, MINUTE_MS);
  const ms = (minutes: number): number => ZERO_MS + minutes * MINUTE_MS;
  return {
    source,
    at: async (minutes, query, options) =>
      show(await evaluatePromInstant(query, { source, nowMs: 0, timeMs: ms(minutes), ...options })),
    range: async (from, to, query, options) =>
      show(
        await evaluatePromRange(query, {
          source,
          nowMs: 0,
          startMs: ms(from),
          endMs: ms(to),
          stepMs: MINUTE_MS,
          ...options,
        }),
      ),
  };
}

/** `labels value@minute …`, the minute left out for vectors. */
function show({ kind, series, text }: QueryResult): string[] {
  if (kind === "string") return [`"${text}"`];
  return series.map(({ labels, timestamps, values }) => {
    const points = [...values].map((value, i) =>
      kind === "matrix" ? `${value}@${((timestamps[i] as number) - ZERO_MS) / MINUTE_MS}` : `${value}`,
    );
    return `${kind === "scalar" ? "scalar" : labels} ${points.join(" ")}`;
  });
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { status, message, line, column } = error as InputError;
    return `${status} ${message}${line > 0 ? ` at ${line}:${column}` : ""}`;
  }
  return "none";
}

test("a selector sees the last sample of (t - lookback, t]", async () => {
  const { at, range } = open(`m{a="1"} 1 _ NaN stale 5`);
  assert.deepEqual(await at(0, "m"), [`m{a="1"} 1`]);
  assert.deepEqual(await at(-1, "m"), []);
  assert.deepEqual(await at(2, "m"), [`m{a="1"} NaN`], "NaN is a value");
  assert.deepEqual(await at(3, "m"), [], "the marker ends the series");
  assert.deepEqual(await at(8.999, "m"), [`m{a="1"} 5`]);
  assert.deepEqual(await at(9, "m"), [], "open on the left");
  assert.deepEqual(await at(5, "m", { lookbackMs: MINUTE_MS }), []);
  assert.deepEqual(await range(0, 5, "m"), [`m{a="1"} 1@0 1@1 NaN@2 5@4 5@5`]);
  assert.deepEqual(await range(0, 2, "m", { stepMs: 90_000 }), [`m{a="1"} 1@0 1@1.5`], "the end is not on the grid");
});

test("a dot of a filter matches line breaks", async () => {
  const { at } = open(`m{a="x\\ny"} 1\nm{a="xy"} 2`);
  assert.deepEqual(await at(0, 'm{a=~"x.*"}'), [`m{a="x\\ny"} 1`, `m{a="xy"} 2`]);
  assert.deepEqual(await at(0, 'm{a=~"x.y"}'), [`m{a="x\\ny"} 1`]);
  assert.deepEqual(await at(0, 'm{a!~".+"}'), []);
  assert.deepEqual(await at(0, 'm{a=~"(?-s:x.*)"}'), [`m{a="xy"} 2`]);
  assert.deepEqual(await at(0, 'count_over_time(m{a=~"x[^z].|xy"}[1m])'), [`{a="x\\ny"} 1`, `{a="xy"} 1`]);
});

test("offset and @ say when a selector looks", async () => {
  const { at, range } = open("m 0 1 2 3 4 5 6 7 8 9");
  assert.deepEqual(await at(4, "m offset 2m"), ["m 2"]);
  assert.deepEqual(await at(4, "m offset -2m"), ["m 6"]);
  const seconds = ZERO_MS / 1000 + 60;
  assert.deepEqual(await range(7, 9, `m @ ${seconds}`), ["m 1@7 1@8 1@9"]);
  assert.deepEqual(await range(7, 9, `m @ ${seconds} offset -1m`), ["m 2@7 2@8 2@9"]);
  assert.deepEqual(await range(7, 9, "m @ start()"), ["m 7@7 7@8 7@9"]);
  assert.deepEqual(await range(7, 9, "m - m @ end()"), ["{} -2@7 -1@8 0@9"]);
  assert.deepEqual(await range(7, 9, "sum_over_time(m[2m] @ end())"), ["{} 17@7 17@8 17@9"]);
  assert.deepEqual(await at(4, "timestamp(m offset 1m) - time()"), ["{} -60"]);
});

test("windows are (t - range, t], markers left out", async () => {
  const { at, range } = open("m_total 1 stale 4 8 _ 16");
  assert.deepEqual(await at(3, "count_over_time(m_total[2m])"), ["{} 2"]);
  assert.deepEqual(await at(3, "count_over_time(m_total[3m1ms])"), ["{} 3"]);
  assert.deepEqual(await at(1, "count_over_time(m_total[1m])"), [], "a marker alone is nothing");
  assert.deepEqual(await range(0, 5, "last_over_time(m_total[1m])"), ["m_total 1@0 4@2 8@3 16@5"]);
  assert.deepEqual(await at(3, "m_total[10m] offset 1m"), ["m_total 1@0 4@2"], "samples as they are, at their times");
  assert.deepEqual(await range(2, 3, "quantile_over_time(scalar(m_total) / 8, m_total[4m])"), ["{} 2.5@2 8@3"]);
});

test("subqueries lie on multiples of their step", async () => {
  const { at, range } = open("m 0 1 2 3 4 5 6 7 8 9");
  assert.deepEqual(await at(5.5, "m[3m:1m]"), ["m 3@3 4@4 5@5"]);
  assert.deepEqual(await at(5, "m[3m:1m]"), ["m 3@3 4@4 5@5"], "open on the left");
  assert.deepEqual(await at(5.5, "m[3m:] offset 1m"), ["m 2@2 3@3 4@4"], "a minute is the default step");
  assert.deepEqual(await at(5, "m[4m:]", { subqueryStepMs: 2 * MINUTE_MS }), ["m 2@2 4@4"]);
  assert.deepEqual(await range(4, 6, "sum_over_time((-m)[2m:1m])"), ["{} -7@4 -9@5 -11@6"]);
  assert.deepEqual(await at(5.2, "sum_over_time(m[10s:1m])"), [], "no multiple in the window");
  assert.match(await refusal(at(0, "m[1y:1ms]")), /^422 subquery: needs \d+ points .* -search.maxPointsSubquery/);
});

test("labels that become equal", async () => {
  const { at, range } = open(`a{x="1"} 1 stale\nb{x="1"} _ 2`);
  assert.deepEqual(await range(0, 1, `-{__name__=~"a|b"}`), [`{x="1"} -1@0 -2@1`], "not at the same time: one series");
  const both = open(`a{x="1"} 1\nb{x="1"} 2`);
  const message = "422 vector cannot contain metrics with the same labelset";
  assert.equal(await refusal(both.at(0, `-{__name__=~"a|b"}`)), message);
  assert.equal(await refusal(range(0, 1, `max_over_time({__name__=~"a|b"}[10s])`)), message, "windows are stricter");
  assert.deepEqual(await at(0, `+{__name__=~"a|b"}`), [`a{x="1"} 1`]);
});

test("kinds of answers", async () => {
  const { at, range } = open("m 1 2");
  assert.deepEqual(await at(0, "1 + 1"), ["scalar 2"]);
  assert.deepEqual(await at(0, "(-scalar(m))"), ["scalar -1"]);
  assert.deepEqual(await at(0, "vector(1)"), ["{} 1"]);
  assert.deepEqual(await at(0, `("text")`), [`"text"`]);
  assert.deepEqual(await range(0, 1, "scalar(m)"), ["{} 1@0 2@1"]);
  assert.equal(
    await refusal(range(0, 1, "m[5m]")),
    '400 invalid expression type "range vector" for range query, must be Scalar or instant Vector at 1:1',
  );
  assert.match(await refusal(range(0, 1, `"text"`)), /^400 invalid expression type "string" for range query/);
});

test("order of answers", async () => {
  const { at, range } = open(`b{x="1"} 3\na{x="2"} 1\na{y="1"} 2\n`);
  assert.deepEqual(await at(0, `{__name__=~"a|b"}`), [`a{x="2"} 1`, `a{y="1"} 2`, `b{x="1"} 3`]);
  assert.deepEqual(await at(0, `(sort_desc({__name__=~"a|b"}))`), [`b{x="1"} 3`, `a{y="1"} 2`, `a{x="2"} 1`]);
  assert.deepEqual(await at(0, `topk(2, {__name__=~"a|b"})`), [`b{x="1"} 3`, `a{y="1"} 2`]);
  assert.deepEqual(await range(0, 0, `topk(2, {__name__=~"a|b"})`), [`a{y="1"} 2@0`, `b{x="1"} 3@0`]);
});

test("ranges as Prometheus refuses them", async () => {
  const { range } = open("m 1");
  assert.match(await refusal(range(0, 1, "m", { stepMs: 0 })), /^400 zero or negative query resolution step widths/);
  assert.match(await refusal(range(1, 0, "m")), /^400 end timestamp must not be before start time/);
  assert.equal(
    await refusal(range(0, 11_001, "m")),
    "400 exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
  );
  assert.equal(await refusal(range(0, 11_000, "m")), "none");
});

test("annotations name the place", async () => {
  const { source } = open("gauge 1 2");
  const options = { source, nowMs: 0, timeMs: ZERO_MS + MINUTE_MS };
  const { infos, warnings } = await evaluatePromInstant(" sum(\n  rate(gauge[5m]))", options);
  assert.deepEqual(infos, [
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "gauge" (2:8)',
  ]);
  assert.equal(warnings, undefined);
});

test("what is pinned is read once", async () => {
  const { source, range } = open("m 1 2 3 4\nn 1 1 1 1");
  let searches: SearchRequest[] = [];
  const counting = new Proxy(source, {
    get: (target, name) =>
      name === "search"
        ? async (request: SearchRequest): Promise<SampleCursor> => {
            searches.push(request);
            return await target.search(request);
          }
        : Reflect.get(target, name),
  });
  const ask = async (query: string): Promise<number[]> => {
    searches = [];
    await range(0, 3, query, { source: counting });
    return searches.map(({ minMs, maxMs }) => (maxMs - minMs + 1) / MINUTE_MS);
  };
  assert.deepEqual(await ask("m"), [8]);
  assert.deepEqual(await ask("sum(rate(m[2m] @ end()) + 1)"), [2]);
  assert.deepEqual(await ask("n + max_over_time(m[1m:1m] @ end())"), [8, 5]);
});

test("what a query may use", async () => {
  const { source, at } = open(`m{a="1",t="x"} 1\nm{a="2",t="y"} 2`);
  assert.deepEqual(await at(0, "m", { extraFilters: [[{ label: "t", op: "=", value: "y" }]] }), [`m{a="2",t="y"} 2`]);
  assert.match(await refusal(at(0, "m", { limits: { maxUniqueTimeseries: 1 } })), /^422 /);
  assert.match(await refusal(at(0, "m", { limits: { maxSamplesPerQuery: 1 } })), /-search.maxSamplesPerQuery=1;/);
  assert.match(await refusal(at(0, "m", { limits: { maxMemoryPerQuery: 8 } })), /-search.maxMemoryPerQuery=8;/);
  assert.match(await refusal(at(0, "m", { limits: { maxResponseSeries: 1 } })), /-search.maxResponseSeries=1;/);
  const options: PromOptions = { source, nowMs: 0, signal: AbortSignal.abort(new Error("enough")) };
  assert.match(await refusal(evaluatePromInstant("m", { ...options, timeMs: ZERO_MS })), /enough/);
});

/** Whole numbers in a column with gaps, NaN and staleness markers. */
const samples = fc.array(
  fc.oneof(fc.integer({ min: -5, max: 5 }).map(String), fc.constantFrom("_", "_", "NaN", "stale")),
  { minLength: 1, maxLength: 40 },
);

test("a query over a range is the query at each of its times", async () => {
  const queries = [
    "m",
    "m offset 3m",
    "timestamp(m)",
    "sum_over_time(m[3m30s])",
    "rate(m[4m] offset -1m)",
    "max_over_time((m * 2)[5m:2m])",
    "quantile_over_time(0.3, m[6m])",
    "absent_over_time(m[2m])",
    "count(m @ 1704067320) + count_over_time(m[1h] @ 1704067500)",
    "predict_linear(m[5m] @ 1704067500, 60)",
    `info(m, {__name__="n"})`,
  ];
  await fc.assert(
    fc.asyncProperty(
      samples,
      fc.constantFrom(...queries),
      fc.integer({ min: 20, max: 200 }),
      async (m, query, step) => {
        const { source } = harness(`m{job="a"} ${m.join(" ")}\nn{job="a",v="1"} 1 1 _ _ _ _ _ _ 1 stale 1`, MINUTE_MS);
        const startMs = ZERO_MS - 2 * MINUTE_MS;
        const stepMs = step * 1000;
        const range = { source, nowMs: 0, startMs, endMs: startMs + 20 * stepMs, stepMs };
        const expected = new Map<string, string[]>();
        for (let timeMs = startMs; timeMs <= range.endMs; timeMs += stepMs) {
          const { series } = await evaluatePromInstant(query, { source, nowMs: 0, timeMs });
          for (const { labels, values } of series) {
            const list = expected.get(`${labels}`) ?? [];
            expected.set(`${labels}`, list);
            list.push(`${timeMs} ${values[0]}`);
          }
        }
        const { series } = await evaluatePromRange(query, range);
        const got = series.map(({ labels, timestamps, values }) => [
          `${labels}`,
          [...timestamps].map((ms, i) => `${ms} ${values[i]}`),
        ]);
        assert.deepEqual(new Map(got as [string, string[]][]), expected);
      },
    ),
    { numRuns: 300 },
  );
});

test("windows over long series let the event loop run", async () => {
  const source = new MemorySource();
  const count = 50_000;
  source.add(
    Labels.from([["__name__", "m"]]),
    Array.from({ length: count }, (_, i) => i * 1000),
    new Float64Array(count).fill(1),
  );
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 20);
  const started = performance.now();
  const query = evaluatePromRange("quantile_over_time(0.5, m[12h])", {
    source,
    nowMs: 0,
    startMs: 0,
    endMs: count * 1000,
    stepMs: 5000,
    signal: controller.signal,
  });
  await assert.rejects(query, /enough/);
  assert.ok(performance.now() - started < 2000);
});

test("the length of a text may be allowed to be more than the parser's default", async () => {
  const { at } = open("m 1");
  const long = `m ${" ".repeat(1 << 16)}`;
  assert.match(await refusal(at(0, long)), /want at most 65536/);
  assert.deepEqual(await at(0, long, { maxQueryLength: 1 << 17 }), ["m 1"]);
});

test("an aggregate's memory follows its groups, not its series", async () => {
  const { range } = open(Array.from({ length: 100 }, (_, i) => `m_total{i="${i}",g="${i % 2}"} 0 60 _ 180`).join("\n"));
  // A hundred columns of four points are 3,200 bytes.
  const limits = { maxMemoryPerQuery: 1000 };
  for (const inner of ["m_total", "rate(m_total[2m])", "max_over_time((m_total)[2m:1m])"]) {
    if (!inner.includes(":")) assert.match(await refusal(range(0, 3, inner, { limits })), /maxMemoryPerQuery/, inner);
    for (const query of [`sum by (g) (${inner})`, `max(${inner})`, `topk(2, (${inner}))`, `limitk(3, ${inner})`]) {
      const want = await range(0, 3, query);
      assert.ok(want.length > 0, query);
      if (!inner.includes(":")) assert.deepEqual(await range(0, 3, query, { limits }), want, query);
    }
    assert.match(await refusal(range(0, 3, `quantile(0.5, ${inner})`, { limits })), /maxMemoryPerQuery/, inner);
  }
  assert.match(await refusal(range(0, 3, "topk(50, m_total)", { limits })), /maxMemoryPerQuery/);
});

test("series that become equal are refused inside of aggregates too", async () => {
  const { at } = open(
    'a_total{x="1"} 0 60\nb_total{x="2"} 0 60\na_total{x="2"} 0 60\na_total{x="2",__type__="counter"} 0 60',
  );
  const refused = "422 vector cannot contain metrics with the same labelset";
  assert.equal(await refusal(at(1, 'sum(rate({__name__=~".+_total",__type__=""}[2m]))')), refused);
  assert.equal(await refusal(at(1, "sum(rate(a_total[2m]))")), refused);
  assert.deepEqual(await at(1, 'count(rate(a_total{__type__=""}[2m]))'), ["{} 2"]);
  assert.deepEqual(await at(1, 'count(last_over_time({__name__=~".+_total"}[2m]))'), ["{} 4"]);
});

test("samples are counted if somebody asks", async () => {
  const { source } = open('m{i="1"} 0 1 2 3 4\nm{i="2"} 0 _ _ _ _');
  const counted = async (query: string) => {
    const range = { startMs: ZERO_MS, endMs: ZERO_MS + 4 * MINUTE_MS, stepMs: MINUTE_MS };
    const { stats } = await evaluatePromRange(query, {
      source,
      nowMs: 0,
      lookbackMs: 2 * MINUTE_MS,
      stats: true,
      ...range,
    });
    const { evaluation } = stats;
    assert.ok(evaluation !== undefined);
    const { preparationMs, evaluationMs, sortMs, stepTimestamps } = evaluation;
    assert.ok(preparationMs >= 0 && evaluationMs > 0 && sortMs >= 0);
    assert.deepEqual([stepTimestamps[0], stepTimestamps.length], [ZERO_MS, 5]);
    return [evaluation.samples, [...evaluation.samplesPerStep].join(" "), evaluation.peakSamples];
  };
  assert.deepEqual(await counted("m"), [7, "2 2 1 1 1", 7]);
  assert.deepEqual(await counted("sum(m)"), [7, "2 2 1 1 1", 7]);
  // The second series' only sample is in two windows.
  assert.deepEqual((await counted("count_over_time(m[2m])")).slice(0, 2), [11, "2 3 2 2 2"]);
  assert.deepEqual((await counted(`m @ ${ZERO_MS / 1000}`)).slice(0, 2), [10, "2 2 2 2 2"]);
  assert.deepEqual((await counted("max_over_time(m[2m:1m])")).slice(0, 2), [13, "2 4 3 2 2"]);
  assert.deepEqual(await counted("1"), [0, "0 0 0 0 0", 5]);
  const plain = await evaluatePromInstant("m", { source, nowMs: 0, timeMs: ZERO_MS });
  assert.equal(plain.stats.evaluation, undefined);
});
