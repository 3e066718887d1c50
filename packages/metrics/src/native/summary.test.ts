import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricSet } from "./metric-set.ts";
import type { SummaryOptions } from "./summary.ts";

function makeSummary(options: SummaryOptions = {}) {
  const clock = { nowMs: 0 };
  // A linear congruential generator: the reservoir's choice is the same in every run.
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const set = new MetricSet({ nowMs: () => clock.nowMs, random });
  return { clock, set, summary: set.getOrCreateSummary(`s{a="b"}`, options) };
}

test("what a summary writes", () => {
  const { set, summary } = makeSummary({ quantiles: [0, 0.5, 1] });
  assert.equal(set.writePrometheus(), "");
  for (let value = 1; value <= 9; value++) summary.update(value);
  summary.update(Number.NaN);
  assert.equal(
    set.writePrometheus(),
    [
      `metrics_ignored_updates_total{metric="s",reason="not_a_number"} 1`,
      `s{a="b",quantile="0"} 1`,
      `s{a="b",quantile="0.5"} 5`,
      `s{a="b",quantile="1"} 9`,
      `s_sum{a="b"} 45`,
      `s_count{a="b"} 9`,
      "",
    ].join("\n"),
  );
});

test("values leave the quantiles with the window, but not the sum", () => {
  const { clock, set, summary } = makeSummary({ quantiles: [1], windowMs: 1000 });
  summary.update(100);
  clock.nowMs = 600;
  summary.update(7);
  assert.deepEqual(summary.readQuantiles(), [100]);
  clock.nowMs = 1100;
  assert.deepEqual(summary.readQuantiles(), [7]);
  clock.nowMs = 100_000;
  assert.deepEqual(summary.readQuantiles(), [Number.NaN]);
  assert.equal(set.writePrometheus(), `s_sum{a="b"} 107\ns_count{a="b"} 2\n`);
});

test("a clock that is set back does not stop the window", () => {
  const { clock, summary } = makeSummary({ quantiles: [1], windowMs: 1000 });
  clock.nowMs = 1e9;
  summary.update(100);
  clock.nowMs = 0;
  summary.update(7);
  clock.nowMs = 600;
  summary.update(5);
  clock.nowMs = 1100;
  assert.deepEqual(summary.readQuantiles(), [5]);
});

test("a long stream is sampled, its extremes are exact", () => {
  const { summary } = makeSummary({ quantiles: [0, 0.1, 0.5, 0.9, 1] });
  for (let i = 0; i < 100_000; i++) summary.update((i * 7919) % 100_000);
  const [min, low, median, high, max] = summary.readQuantiles() as [number, number, number, number, number];
  assert.equal(min, 0);
  assert.equal(max, 99_999);
  // 1000 samples: the rank of the median has a standard deviation of 1.6 %.
  assert.ok(Math.abs(low - 10_000) < 5000, String(low));
  assert.ok(Math.abs(median - 50_000) < 8000, String(median));
  assert.ok(Math.abs(high - 90_000) < 5000, String(high));
});

test("options that make no sense are refused", () => {
  assert.throws(() => makeSummary({ quantiles: [0.5, 1.5] }), /want quantiles in \[0, 1\], got 1.5/);
  assert.throws(() => makeSummary({ quantiles: [Number.NaN] }), RangeError);
  assert.throws(() => makeSummary({ windowMs: 0 }), RangeError);
  assert.throws(() => new MetricSet().getOrCreateSummary(`s{quantile="1"}`), TypeError);
});
