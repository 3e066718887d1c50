/** Queries whose series are worked on in shares answer as those that see them one by one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { evaluateRange } from "../eval.ts";
import { evaluatePromRange } from "../prom/eval.ts";
import { randomPromql } from "../prom/testing/random-promql.test.support.ts";
import type { QueryResult } from "../result.ts";
import type { Source } from "../source.ts";
import { SCRAPE_MS, ZERO_MS } from "../testing/harness.ts";
import { MemorySource } from "../testing/memory-source.ts";
import {
  EVERYTHING,
  type RandomSeries,
  randomAggregates,
  randomQueries,
  randomSeries,
  randomSource,
} from "../testing/random-queries.test.support.ts";
import { isClose } from "../testing/random-series.test.support.ts";
import { SharingSource } from "../testing/sharing-source.ts";
import { QueryTrace } from "../trace.ts";

const SEED = 20261123;
const SHARES = [1, 2, 3, 7];
const RANGE = {
  startMs: ZERO_MS - SCRAPE_MS,
  endMs: ZERO_MS + 20 * SCRAPE_MS,
  // Columns long enough to be worth telling.
  stepMs: 7_000,
  nowMs: ZERO_MS,
  mayAlign: false,
};

type Evaluate = (text: string, source: Source) => Promise<QueryResult>;

const metricsql: Evaluate = (text, source) => evaluateRange(text, { source, ...RANGE });
const promql: Evaluate = (text, source) => {
  const time = (ms: number): string => `${ms / 1000}`;
  return evaluatePromRange(text.replaceAll("START", time(RANGE.startMs)).replaceAll("END", time(RANGE.endMs)), {
    source,
    ...RANGE,
  });
};

/** An answer, or what refuses one. */
async function answerOf(evaluate: Evaluate, text: string, source: Source): Promise<QueryResult | string> {
  try {
    return await evaluate(text, source);
  } catch (error) {
    assert.ok(error instanceof InputError, `${text}: ${(error as Error).stack}`);
    return error.message;
  }
}

/** @param digits what values may differ by, of themselves; 0: not in a bit */
function assertSame(got: QueryResult | string, want: QueryResult | string, digits: number, text: string): void {
  if (typeof got === "string" || typeof want === "string") {
    assert.equal(typeof got === "string" ? got : "an answer", typeof want === "string" ? want : "an answer", text);
    return;
  }
  assert.deepEqual(
    got.series.map(({ labels }) => String(labels)),
    want.series.map(({ labels }) => String(labels)),
    text,
  );
  got.series.forEach(({ timestamps, values }, i) => {
    const other = want.series[i] as QueryResult["series"][number];
    assert.deepEqual([...timestamps], [...other.timestamps], text);
    for (const [k, value] of values.entries()) {
      const wanted = other.values[k] as number;
      const isSame = digits === 0 ? Object.is(value, wanted) : isClose(value, wanted, 1e4, digits);
      assert.ok(isSame, `${text}: point ${k} of ${other.labels}: ${value}, alone ${wanted}`);
    }
  });
  assert.deepEqual(got.warnings, want.warnings, text);
  assert.deepEqual(got.infos, want.infos, text);
  assert.equal(got.stats.samplesRead, want.stats.samplesRead, text);
  assert.equal(got.stats.seriesFetched, want.stats.seriesFetched, text);
}

async function compare(
  evaluate: Evaluate,
  value: fc.Arbitrary<number>,
  texts: fc.Arbitrary<string>,
  digits: number,
  numRuns: number,
): Promise<void> {
  let own = 0;
  let others = 0;
  await fc.assert(
    fc.asyncProperty(randomSeries(value), texts, async (list: RandomSeries[], text) => {
      const alone = await answerOf(evaluate, text, randomSource(list));
      for (const count of SHARES) {
        const source = new SharingSource(randomSource(list), count);
        const shared = await answerOf(evaluate, text, source);
        assertSame(shared, alone, digits, `${text} in ${count} shares`);
        assertSame(await answerOf(evaluate, text, source), shared, 0, `${text} in ${count} shares, twice`);
        own += source.own;
        others += source.others;
      }
    }),
    { seed: SEED, numRuns },
  );
  assert.ok(own > 50 && others > 50, `${own} and ${others} shares`);
}

/** No sum of which is much smaller than what it is the sum of. */
const moderate = fc.integer({ min: 1, max: 2 ** 30 }).map((v) => v / 2 ** 20 + 1 / 3);
const odd = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -9, max: 9 }) },
  { weight: 1, arbitrary: fc.constantFrom(Infinity, -Infinity, -0, NaN) },
);
/** Aggregates that may come in shares, over what is read of selectors. */
const folds = { ...EVERYTHING, aggregates: ["sum", "avg", "count", "stddev", "stdvar", "geomean", "sum2"] };
const exact = { ...EVERYTHING, aggregates: ["min", "max", "count", "group"] };

test("aggregates in shares are those of all series, but for the last digits", async () => {
  await compare(metricsql, moderate, randomAggregates(folds), 1e-12, 300);
  const rollups = fc
    .tuple(
      fc.constantFrom(...folds.aggregates),
      fc.constantFrom("", "by (x)", "without (y)"),
      fc.constantFrom("rate", "avg_over_time", "increase", "rollup"),
    )
    .map(([name, group, rollup]) => `${name}(${rollup}({__name__=~"a|b"}[1m])) ${group}`);
  await compare(metricsql, moderate, rollups, 1e-12, 200);
});

test("extremes and counts in shares are the same to the bit, whatever the values", async () => {
  await compare(metricsql, odd, randomAggregates(exact), 0, 300);
});

test("columns that are read in shares are the same to the bit", async () => {
  const rollups = fc.constantFrom(
    "rate",
    "avg_over_time",
    "stddev_over_time",
    "rollup",
    "last_over_time",
    "quantile_over_time",
  );
  const texts = fc
    .tuple(rollups, fc.constantFrom("a", '{__name__=~"a|b"}', 'b{x!="3"}'), fc.constantFrom("", " keep_metric_names"))
    .map(([name, text, keep]) => `${name}(${name.startsWith("quantile") ? "0.3, " : ""}${text}[1m])${keep}`);
  await compare(metricsql, odd, texts, 0, 200);
});

test("random queries answer the same when their leaves come in shares", async () => {
  const whole = fc.integer({ min: -3, max: 9 });
  await compare(metricsql, whole, randomQueries({ ...EVERYTHING, isExplicit: true }, 2), 1e-9, 300);
});

const promFold = fc
  .tuple(
    fc.constantFrom("sum", "avg", "count", "group", "min", "max", "stddev", "stdvar"),
    fc.constantFrom("", "by (x)", "by (__name__)", "without (z)", "without (x, y, z)"),
    fc.constantFrom(
      '{__name__=~"a|b"}',
      "a",
      'rate({__name__=~"a|b"}[1m])',
      "rate(a[1m])",
      "last_over_time(b[40s])",
      'quantile_over_time(0.3, {x="1"}[1m])',
      "increase(a[1m] offset 15s)",
    ),
  )
  .map(([op, group, arg]) => `${op} ${group} (${arg})`);

test("PromQL: aggregations in shares are those of all series, but for the last digits", async () => {
  await compare(promql, moderate, promFold, 1e-12, 300);
});

test("PromQL: what is odd is odd in shares, too", async () => {
  await compare(promql, odd, promFold, 1e-12, 300);
});

test("PromQL: random queries answer the same when their leaves come in shares", async () => {
  await compare(promql, fc.integer({ min: -3, max: 9 }), randomPromql("vector", 2), 1e-9, 300);
});

test("sums that overflow, and what they lose, are put together as PromQL adds", async () => {
  const source = (values: readonly number[]): MemorySource => {
    const memory = new MemorySource();
    values.forEach((value, i) => {
      memory.add(
        Labels.from([
          ["__name__", "m"],
          ["i", String(i)],
        ]),
        [ZERO_MS],
        Float64Array.of(value),
      );
    });
    return memory;
  };
  const at = async (text: string, values: readonly number[], count: number): Promise<number | undefined> => {
    const { series } = await promql(text, new SharingSource(source(values), count));
    return series[0]?.values[0];
  };
  for (const count of [1, 2, 4]) {
    assert.equal(await at("sum(m)", [1, 1e100, 1, -1e100], count), 2);
    assert.equal(await at("avg(m)", [1e308, 1e308, 1e308, 1e308], count), 1e308);
    assert.equal(await at("avg(m)", [1, Infinity, 1, 1], count), Infinity);
    assert.ok(Number.isNaN(await at("sum(m)", [1, Infinity, 1, -Infinity], count)));
    assert.equal(await at("sum(m)", [1, Infinity, 1, 1], count), Infinity);
  }
});

test("series that become equal are refused, whatever shares they are in", async () => {
  const memory = new MemorySource();
  const add = (name: string, i: number): void =>
    memory.add(
      Labels.from([
        ["__name__", name],
        ["i", String(i)],
      ]),
      [ZERO_MS, ZERO_MS + 15_000],
      Float64Array.of(1, 2),
    );
  for (let i = 0; i < 6; i++) add("a", i);
  for (let i = 6; i < 12; i++) add("b", i);
  const text = 'sum(rate({__name__=~".+"}[1m]))';
  const fine = await promql(text, new SharingSource(memory, 3));
  assert.deepEqual([...(fine.series[0]?.values ?? [])], [...((await promql(text, memory)).series[0]?.values ?? [])]);
  add("c", 0);
  await assert.rejects(promql(text, new SharingSource(memory, 3)), /same labelset/);
  await assert.rejects(promql(text, memory), /same labelset/);
});

test("limits count all shares", async () => {
  const memory = new MemorySource();
  for (let i = 0; i < 10; i++) {
    memory.add(
      Labels.from([
        ["__name__", "m"],
        ["i", String(i)],
      ]),
      [ZERO_MS, ZERO_MS + 15_000],
      Float64Array.of(1, 2),
    );
  }
  for (const evaluate of [evaluateRange, evaluatePromRange]) {
    const ask = (limits: Record<string, number>, source: Source): Promise<QueryResult> =>
      evaluate("sum by (i) (rate(m[1m]))", { source, ...RANGE, limits });
    for (const count of [2, 3]) {
      const source = new SharingSource(memory, count);
      assert.equal((await ask({ maxSamplesPerQuery: 20 }, source)).stats.samplesRead, 20);
      for (const limits of [{ maxSamplesPerQuery: 19 }, { maxSamplesPerSeries: 1 }, { maxUniqueTimeseries: 9 }]) {
        const alone = await ask(limits, memory).then(() => "", String);
        assert.match(alone, /at most|more than/);
        const [first] = alone.split(":");
        await assert.rejects(ask(limits, source), (error: Error) => String(error).startsWith(first as string));
      }
    }
  }
});

test("a trace tells of each share, and who worked on it", async () => {
  const memory = new MemorySource();
  for (let i = 0; i < 4; i++)
    memory.add(
      Labels.from([
        ["__name__", "m"],
        ["i", String(i)],
      ]),
      [ZERO_MS],
      Float64Array.of(1),
    );
  for (const evaluate of [evaluateRange, evaluatePromRange]) {
    const trace = new QueryTrace("test");
    await evaluate("sum(m)", { source: new SharingSource(memory, 2), ...RANGE, trace });
    const text = JSON.stringify(trace);
    assert.match(text, /sum\(\) over 4 series in 2 shares/);
    assert.match(text, /"share 1: series=2, samples=2, bytes=0"/);
    assert.match(text, /"share 2, by another thread: series=2, samples=2, bytes=0"/);
  }
});
