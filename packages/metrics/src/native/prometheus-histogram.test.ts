import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MetricSet } from "./metric-set.ts";
import { DEFAULT_BUCKETS, exponentialBuckets, linearBuckets } from "./prometheus-histogram.ts";

test("what a histogram with le buckets writes", () => {
  const set = new MetricSet();
  const histogram = set.createPrometheusHistogram(`h{a="b"}`, { buckets: [0.1, 0.5, Number.POSITIVE_INFINITY] });
  for (const value of [0, 0.1, 0.125, 0.5, 7, Number.NaN, -1]) histogram.update(value);
  assert.equal(
    set.writePrometheus(),
    [
      `h_bucket{a="b",le="0.1"} 2`,
      `h_bucket{a="b",le="0.5"} 4`,
      `h_bucket{a="b",le="+Inf"} 5`,
      `h_sum{a="b"} 7.725`,
      `h_count{a="b"} 5`,
      `metrics_ignored_updates_total{metric="h",reason="not_a_number"} 1`,
      `metrics_ignored_updates_total{metric="h",reason="negative"} 1`,
      "",
    ].join("\n"),
  );
  histogram.reset();
  assert.equal(histogram.count, 0);
  assert.equal(histogram.sum, 0);
  assert.match(set.writePrometheus(), /^h_bucket\{a="b",le="\+Inf"\} 0$/m);
});

test("without buckets it has those of every Prometheus client", () => {
  const set = new MetricSet();
  const histogram = set.getOrCreatePrometheusHistogram("h");
  assert.equal(set.getOrCreatePrometheusHistogram("h", { buckets: [1] }), histogram);
  histogram.updateDuration(performance.now() - 2000);
  assert.ok(histogram.sum >= 2 && histogram.sum < 60);
  const bounds = [...set.writePrometheus().matchAll(/le="([^"]+)"/g)].map((match) => match[1]);
  assert.deepEqual(bounds, [...DEFAULT_BUCKETS.map(String), "+Inf"]);
});

test("each bucket counts the values up to its bound", () => {
  const value = fc.oneof(fc.constantFrom(...DEFAULT_BUCKETS), fc.double({ min: 0, max: 20, noNaN: true }));
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const set = new MetricSet();
      const histogram = set.createPrometheusHistogram("h");
      for (const one of values) histogram.update(one);
      for (const { suffix, labels, value: count } of set.collect()[0]?.samples ?? []) {
        if (suffix !== "_bucket") continue;
        const bound = Number(labels.slice(4, -1).replace("+Inf", "Infinity"));
        assert.equal(count, values.filter((one) => one <= bound).length, labels);
      }
    }),
  );
});

test("bounds that make no sense are refused", () => {
  const refused = (buckets: readonly number[], message: RegExp) =>
    assert.throws(() => new MetricSet().createPrometheusHistogram("h", { buckets }), message);
  refused([], /one finite bucket/);
  refused([Number.POSITIVE_INFINITY], /one finite bucket/);
  refused([1, 1], /ascending buckets, got 1 after 1/);
  refused([2, 1], /ascending/);
  refused([1, Number.NaN], /finite/);
  refused([Number.NEGATIVE_INFINITY, 1], /finite/);
  refused(["1"] as never, /finite/);
  refused(7 as never, /want an array/);
  assert.throws(() => new MetricSet().createPrometheusHistogram(`h{le="1"}`), /label "le"/);
});

test("lists of bounds", () => {
  assert.deepEqual(linearBuckets(10, 5, 3), [10, 15, 20]);
  assert.deepEqual(exponentialBuckets(1, 2, 4), [1, 2, 4, 8]);
  assert.throws(() => linearBuckets(1, 0, 2), /linearBuckets: want ascending/);
  assert.throws(() => exponentialBuckets(0, 2, 2), /ascending/);
  assert.throws(() => exponentialBuckets(1, 1e300, 9), /finite/);
  assert.throws(() => linearBuckets(1, 1, 0), /count from 1 to 10000, got 0/);
  assert.throws(() => linearBuckets(1, 1, 1e9), RangeError);
});
