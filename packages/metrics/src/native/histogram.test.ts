import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Sample } from "../exposition/family.ts";
import { Histogram } from "./histogram.ts";
import { MetricSet } from "./metric-set.ts";
import { Mishaps } from "./mishaps.ts";

function makeHistogram(labels = ""): Histogram {
  return new Histogram(labels, new Mishaps("h"));
}

function bucketOf(value: number): string | undefined {
  const histogram = makeHistogram();
  histogram.update(value);
  let found: string | undefined;
  histogram.visitNonZeroBuckets((vmrange) => {
    found = vmrange;
  });
  return found;
}

test("buckets are VictoriaMetrics' vmrange buckets", () => {
  const falls = (value: number, vmrange: string | undefined) => assert.equal(bucketOf(value), vmrange, String(value));
  falls(0, "0...1.000e-09");
  falls(Number.MIN_VALUE, "0...1.000e-09");
  falls(9.9e-10, "0...1.000e-09");
  falls(1.1e-9, "1.000e-09...1.136e-09");
  falls(0.9, "8.799e-01...1.000e+00");
  falls(1.01, "1.000e+00...1.136e+00");
  falls(123.4, "1.136e+02...1.292e+02");
  falls(9.99e17, "8.799e+17...1.000e+18");
  falls(1e18, "1.000e+18...+Inf");
  falls(Number.POSITIVE_INFINITY, "1.000e+18...+Inf");
  falls(-1, undefined);
  falls(-0, "0...1.000e-09");
  falls(Number.NaN, undefined);
});

test("a power of ten belongs to the bucket that ends with it", () => {
  for (let exponent = -8; exponent < 18; exponent++) {
    const value = Number(`1e${exponent}`);
    assert.equal(Number(bucketOf(value)?.split("...")[1]), value);
  }
});

test("each value lies in its bucket, up to the rounding of the printed bounds", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, noNaN: true }), (value) => {
      const bounds = (bucketOf(value) as string).replace("+Inf", "Infinity").split("...");
      const [lo, hi] = bounds.map(Number) as [number, number];
      assert.ok(lo * 0.999 <= value && value <= hi * 1.001, `${value} in ${lo}...${hi}`);
    }),
  );
});

test("what a histogram writes", () => {
  const histogram = makeHistogram(`a="b"`);
  const samples: Sample[] = [];
  assert.equal(histogram.collect(samples), true);
  assert.deepEqual(samples, []);
  for (const value of [2, 2, 0, 0.5]) histogram.update(value);
  histogram.collect(samples);
  assert.deepEqual(samples, [
    { suffix: "_bucket", labels: `a="b",vmrange="0...1.000e-09"`, value: 1 },
    { suffix: "_bucket", labels: `a="b",vmrange="4.642e-01...5.275e-01"`, value: 1 },
    { suffix: "_bucket", labels: `a="b",vmrange="1.896e+00...2.154e+00"`, value: 2 },
    { suffix: "_sum", labels: `a="b"`, value: 4.5 },
    { suffix: "_count", labels: `a="b"`, value: 4 },
  ]);
  histogram.reset();
  assert.equal(histogram.count, 0);
  assert.equal(histogram.sum, 0);
  assert.throws(() => new MetricSet().createHistogram(`h{vmrange="x"}`), /label "vmrange" is written by/);
});

test("a histogram takes over what another has counted", () => {
  const [one, other] = [makeHistogram(), makeHistogram()];
  for (const value of [0, 1e-10, 0.5, 2, 1e20]) one.update(value);
  for (const value of [2, 3]) other.update(value);
  one.merge(other);
  assert.equal(one.count, 7);
  assert.equal(one.sum, 1e20);
  const buckets: [string, number][] = [];
  one.visitNonZeroBuckets((vmrange, count) => buckets.push([vmrange, count]));
  assert.deepEqual(buckets, [
    ["0...1.000e-09", 2],
    ["4.642e-01...5.275e-01", 1],
    ["1.896e+00...2.154e+00", 2],
    ["2.783e+00...3.162e+00", 1],
    ["1.000e+18...+Inf", 1],
  ]);
  other.merge(other);
  assert.equal(other.count, 4);
});

test("updateDuration counts seconds", () => {
  const histogram = makeHistogram();
  histogram.updateDuration(performance.now() - 2000);
  assert.ok(histogram.sum >= 2 && histogram.sum < 60);
});
