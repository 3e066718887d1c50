/** Functions of classic histograms; cases of histograms.test among them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PromCall, PromExpr } from "../../promql/ast.ts";
import { Buckets, bucketFraction, bucketQuantile, MonotonicityFixes } from "./classic-buckets.ts";
import { histogramFunctions } from "./histogram.ts";
import { contextOf, scalarOf, showValue, stringOf, vectorOf } from "./testing/by-hand.ts";
import type { PromValue } from "./value.ts";

interface Answer {
  readonly lines: string[];
  readonly warnings: string[];
  readonly infos: string[];
}

async function call(name: string, ...args: PromValue[]): Promise<Answer> {
  const found = histogramFunctions.get(name);
  assert.ok(found, name);
  const points = args.map((arg) => (arg.kind === "vector" ? (arg.series[0]?.values.length ?? 1) : 1));
  const context = contextOf(Math.max(...points), "0123456789");
  // Argument i is at offset i of the text.
  const exprs = args.map((_, i): PromExpr => ({ kind: "number", type: "scalar", value: 0, pos: i, end: i }));
  const node: PromCall = { kind: "call", type: "vector", pos: 0, end: 9, name, args: exprs };
  const lines = showValue(await found.evaluate(context, node, args));
  return { lines, warnings: [...context.annotations.warnings], infos: [...context.annotations.infos] };
}

/** A scalar that is the same at each of three points, or is given. */
const phi = (...values: number[]): PromValue =>
  values.length === 1 ? scalarOf(...new Array<number>(3).fill(values[0] as number)) : scalarOf(...values);

function histogram(labels: string, ...buckets: readonly [le: string, count: number | string][]): string {
  return buckets.map(([le, count]) => `h_bucket{${labels}${labels === "" ? "" : ","}le="${le}"} ${count}`).join("\n");
}

const quantile = (q: number, text: string): Promise<Answer> => call("histogram_quantile", phi(q), vectorOf(text));
const fraction = (lower: number, upper: number, text: string): Promise<string[]> =>
  call("histogram_fraction", phi(lower), phi(upper), vectorOf(text)).then(({ lines }) => lines);

const POSITIVE = histogram('start="positive"', ["0.1", 50], [".2", 70], ["1e0", 110], ["+Inf", 120]);
const NEGATIVE = histogram('start="negative"', ["-.2", 10], ["-0.1", 20], ["0.3", 20], ["+Inf", 30]);
const BOTH = `${POSITIVE}\n${NEGATIVE}`;
const LOW = histogram("", ["-3", 10], ["-2", 12], ["-1", 15], ["+Inf", 100]);
const HIGH = histogram("", ["1", 1], ["2", 3], ["3", 6], ["+Inf", 100]);
const sameLabels = { code: "INPUT", message: "vector cannot contain metrics with the same labelset" };

test("histogram_quantile", async () => {
  const same = async (q: number, positive: string, negative: string): Promise<void> => {
    const { lines, warnings } = await quantile(q, BOTH);
    assert.deepEqual(lines, [`{start="positive"} ${positive}`, `{start="negative"} ${negative}`], `${q}`);
    assert.equal(warnings.length, q >= 0 && q <= 1 ? 0 : 1);
  };
  await same(-0.1, "-Inf", "-Inf");
  await same(1.01, "+Inf", "+Inf");
  await same(NaN, "NaN", "NaN");
  await same(0, "0", "-0.2");
  await same(0.2, "0.048", "-0.2");
  await same(0.5, "0.15", "-0.15");
  await same(0.8, "0.72", "0.3");
  await same(1, "1", "0.3");
  assert.deepEqual((await call("histogram_quantile", phi(NaN), vectorOf(""))).warnings, [
    "PromQL warning: quantile value should be between 0 and 1, got NaN (1:1)",
  ]);
});

test("points without buckets, without observations, without +Inf", async () => {
  assert.deepEqual((await quantile(0.5, histogram("", ["1", "_ 1 0"], ["2", "_ 2 0"], ["+Inf", "_ 2 0"]))).lines, [
    "{} _ 1 NaN",
  ]);
  assert.deepEqual((await quantile(0.5, histogram("", ["1", "1 1 1"], ["+Inf", "_ 2 2"]))).lines, ["{} NaN 1 1"]);
  assert.deepEqual((await quantile(0.5, histogram("", ["+Inf", 5]))).lines, ["{} NaN"]);
});

test("one bound written in several ways is one bucket", async () => {
  const mixed = histogram('i="1"', ["0.1", 1], ["0.2", 1], ["2e-1", 1], ["2.0e-1", 1], ["+Inf", 4]);
  assert.deepEqual((await quantile(0.5, mixed)).lines, ['{i="1"} 0.15']);
  assert.deepEqual((await quantile(0.75, mixed)).lines, ['{i="1"} 0.2']);
  assert.deepEqual((await quantile(0.5, histogram('i="2"', ["+inf", 0], ["+Inf", 0]))).lines, ['{i="2"} NaN']);
});

test("labels that are no bound are left out with a warning", async () => {
  const odd = await quantile(0.8, `series{ale="0.1"} 2\nseries{le="Hello World"} 2\nother{le="x"} _`);
  assert.deepEqual(odd.lines, []);
  assert.deepEqual(odd.warnings, [
    'PromQL warning: bucket label "le" is missing or has a malformed value of "" for metric name "series" (1:2)',
    'PromQL warning: bucket label "le" is missing or has a malformed value of "Hello World" for metric name "series" (1:2)',
  ]);
});

test("counts that fall are mended and said once", async () => {
  const text = histogram("", ["0.1", 20], ["1", 10], ["10", 50], ["100", 40], ["1000", 90], ["+Inf", 80]);
  const answer = await call("histogram_quantiles", vectorOf(text), stringOf("q"), phi(0.01), phi(0.5), phi(0.99));
  assert.deepEqual(answer.lines, ['{q="0.01"} 0.0045', '{q="0.5"} 8.5', '{q="0.99"} 979.75']);
  assert.deepEqual(answer.infos, [
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see " +
      'https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name "h_bucket", ' +
      "from buckets 1 to +Inf, with a max diff of 10, over 1 samples from 1970-01-01T00:00:00Z to 1970-01-01T00:00:00Z (1:1)",
  ]);
  // What rounding explains is mended without a word.
  assert.deepEqual(await quantile(0.5, histogram("", ["1", 1], ["2", 1 - 1e-15], ["+Inf", 2])), {
    lines: ["{} 1"],
    warnings: [],
    infos: [],
  });
});

test("histogram_quantiles: one series for each φ", async () => {
  const { lines } = await call("histogram_quantiles", vectorOf(POSITIVE), stringOf("q"), phi(0), phi(1), phi(0.5));
  assert.deepEqual(lines, [
    '{q="0.0",start="positive"} 0',
    '{q="1.0",start="positive"} 1',
    '{q="0.5",start="positive"} 0.15',
  ]);
  const odd = await call("histogram_quantiles", vectorOf(POSITIVE), stringOf("q"), phi(NaN), phi(-0.1));
  assert.deepEqual(odd.lines, ['{q="NaN",start="positive"} NaN', '{q="-0.1",start="positive"} -Inf']);
  assert.equal(odd.warnings.length, 2);
  const moving = await call(
    "histogram_quantiles",
    vectorOf(histogram("", ["1", "5 5 5"], ["+Inf", "5 5 5"])),
    stringOf("q"),
    phi(0.1, 0.5, 0.1),
  );
  assert.deepEqual(moving.lines, ['{q="0.1"} 0.1 _ 0.1', '{q="0.5"} _ 0.5 _']);
  await assert.rejects(call("histogram_quantiles", vectorOf(BOTH), stringOf("start"), phi(0), phi(1)), sameLabels);
  await assert.rejects(call("histogram_quantiles", vectorOf(BOTH), stringOf("q"), phi(1), phi(1)), sameLabels);
  await assert.rejects(call("histogram_quantiles", vectorOf(BOTH), stringOf(""), phi(1)), /invalid label name ""/);
});

test("histograms that differ in name alone are refused", async () => {
  const text = `${HIGH}\n${HIGH.replaceAll("h_bucket", "i_bucket")}`;
  await assert.rejects(quantile(0.5, text), sameLabels);
});

test("histogram_fraction", async () => {
  assert.deepEqual(await fraction(0, 4, histogram("", ["0", 0], ["2", 10], ["4", 20], ["6", 30], ["+Inf", 30])), [
    "{} 0.666666666667",
  ]);
  assert.deepEqual(await fraction(0, 0.2, BOTH), ['{start="positive"} 0.583333333333', '{start="negative"} 0']);
  assert.deepEqual(await fraction(-4, -2, LOW), ["{} 0.02"]);
  assert.deepEqual(await fraction(-Infinity, -1.5, LOW), ["{} 0.135"]);
  assert.deepEqual(await fraction(-Infinity, Infinity, LOW), ["{} 1"]);
  assert.deepEqual(await fraction(0, 1, LOW), ["{} 0"]);
  assert.deepEqual(await fraction(4, 5, HIGH), ["{} 0"]);
  assert.deepEqual(await fraction(400, Infinity, HIGH), ["{} 0.94"]);
  assert.deepEqual(await fraction(3, 2, HIGH), ["{} 0"]);
  assert.deepEqual(await fraction(2, 3.5, HIGH), ["{} 0.03"]);
  assert.deepEqual(await fraction(1, 3, HIGH), ["{} 0.05"]);
  assert.deepEqual(await fraction(NaN, 1, HIGH), ["{} NaN"]);
  assert.deepEqual(await fraction(0, NaN, HIGH), ["{} NaN"]);
  assert.deepEqual(await fraction(-10, -5, HIGH), ["{} 0"]);
  assert.deepEqual(await fraction(0, 1, histogram("", ["+Inf", 100])), ["{} 0"]);
  assert.deepEqual(await fraction(0, 5, histogram("", ["1", 0], ["+Inf", 0])), ["{} NaN"]);
  assert.deepEqual(await fraction(0, 5, histogram("", ["1", 1])), ["{} NaN"]);
  assert.deepEqual(await fraction(0, 1, histogram("", ["1", "5 _ 5"], ["+Inf", "5 _ 10"])), ["{} 1 _ 0.5"]);
});

test("quantile and fraction undo each other", async () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 99 })), {
    minLength: 1,
    maxLength: 9,
  });
  fc.assert(
    fc.property(steps, fc.double({ min: 0, max: 1, noNaN: true }), (list, q) => {
      const buckets = new Buckets(list.length + 1);
      let [bound, count] = [0, 0];
      for (const [width, observations] of list) buckets.add((bound += width), (count += observations));
      buckets.add(Infinity, count);
      const fixes = new MonotonicityFixes();
      const value = bucketQuantile(q, buckets, fixes, 0);
      assert.equal(fixes.count, 0);
      assert.ok(Math.abs(bucketFraction(-Infinity, value, buckets) - q) < 1e-9);
    }),
  );
});

test("native histograms are refused", async () => {
  for (const name of ["histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"]) {
    await assert.rejects(call(name, vectorOf(HIGH)), { code: "INPUT", status: 422, message: /native histograms/ });
  }
});
