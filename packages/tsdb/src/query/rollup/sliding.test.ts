/** Every sliding kernel against the plain reading of its rule, on random series with gaps, resets, jitter and infinities. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RULES, type Rule, windowAt } from "./rules.test.support.ts";
import { type RollupKernel, RollupRun } from "./run.ts";
import * as slide from "./sliding.ts";

/** The kernels of sliding.ts by the name of the rule they carry out. */
const KERNELS: readonly [string, RollupKernel][] = [
  ["sum_over_time", slide.slideSum],
  ["sum2_over_time", slide.slideSquares],
  ["avg_over_time", slide.slideAverage],
  ["rate_over_sum", slide.slideRateOfSum],
  ["min_over_time", slide.slideMin],
  ["max_over_time", slide.slideMax],
  ["stdvar_over_time", slide.slideVariance],
  ["stddev_over_time", slide.slideDeviation],
  ["count_over_time", slide.slideCount],
  ["last_over_time", slide.slideLast],
  ["first_over_time", slide.slideFirst],
  ["present_over_time", slide.slidePresent],
  ["absent_over_time", slide.slideAbsent],
  ["delta", slide.slideDelta],
  ["increase_pure", slide.slidePureIncrease],
  ["rate", slide.slideRate],
];

/** The rule at every point, its windows as the run has them. */
function naive(run: RollupRun, name: string): number[] {
  const samples = Array.from(run.timestamps, (ms, i) => ({ ms, v: run.values[i] as number }));
  const rule = RULES.get(name) as Rule;
  return Array.from({ length: run.points }, (_, k) =>
    rule(windowAt(samples, run, k, run.windowMs, run.maxPrevMs), NaN, NaN),
  );
}

function isClose(a: number, b: number, scale: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b)) + 1e-12 * scale;
}

/** Distances of samples in ms: steady, jittered, gaps. */
const distances = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(15_000) },
    { weight: 4, arbitrary: fc.integer({ min: 14_990, max: 15_010 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 400_000 }) },
  ),
  { maxLength: 80 },
);

const seriesOf = (value: fc.Arbitrary<number>): fc.Arbitrary<{ t: number[]; v: number[] }> =>
  distances.chain((gaps) =>
    fc.array(value, { minLength: gaps.length, maxLength: gaps.length }).map((v) => {
      let ms = 1_000_000;
      return { t: gaps.map((gap) => (ms += gap)), v };
    }),
  );

const grid = fc.record({
  startMs: fc.integer({ min: 900_000, max: 1_600_000 }),
  stepMs: fc.constantFrom(1_000, 15_000, 60_000, 777),
  points: fc.integer({ min: 1, max: 60 }),
  windowMs: fc.constantFrom(0, 1, 15_000, 60_000, 300_000),
  mayWiden: fc.boolean(),
});

function place(
  series: { t: number[]; v: number[] },
  shape: { startMs: number; stepMs: number; points: number; windowMs: number; mayWiden: boolean },
): RollupRun {
  const run = new RollupRun({
    ...shape,
    lookbackMs: 0,
    minStalenessMs: 0,
    isInstant: shape.points === 1,
    isDefaultRollup: false,
  });
  // Strangers on both sides: a kernel that looks beyond its series would see them.
  const timestamps = Float64Array.of(1, 2, ...series.t, 3e12, 3e12);
  const values = Float64Array.of(1e9, 1e9, ...series.v, -1e9, -1e9);
  run.place(timestamps.subarray(2, 2 + series.t.length), values.subarray(2, 2 + series.t.length), false);
  return run;
}

for (const [name, kernel] of KERNELS) {
  test(`${name} slides to what its rule says`, () => {
    // Squares of anything smaller are denormal and have lost their digits, in the rule as in the kernel.
    const double = fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((v) => (Math.abs(v) < 1e-100 ? 0 : v));
    const value = fc.oneof(fc.integer({ min: -1000, max: 1000 }), double);
    fc.assert(
      fc.property(seriesOf(value), grid, (series, shape) => {
        const run = place(series, shape);
        const out = new Float64Array(run.points + 1).fill(-7);
        kernel(run, out, 1);
        assert.equal(out[0], -7, "writes from `at` on");
        const scale = Math.max(0, ...series.v.map(Math.abs));
        const wanted = naive(run, name);
        wanted.forEach((want, k) => {
          const got = out[k + 1] as number;
          assert.ok(
            isClose(got, want, name.startsWith("std") || name.startsWith("sum2") ? scale * scale : scale),
            `point ${k}: got ${got}, want ${want}`,
          );
        });
      }),
      { numRuns: 150 },
    );
  });
}

test("sums of integers are exact however long the series", () => {
  fc.assert(
    fc.property(seriesOf(fc.integer({ min: -(2 ** 40), max: 2 ** 40 })), grid, (series, shape) => {
      const run = place(series, shape);
      const out = new Float64Array(run.points);
      slide.slideSum(run, out, 0);
      assert.deepEqual([...out], naive(run, "sum_over_time"));
    }),
    { numRuns: 200 },
  );
});

test("an infinity leaves with its sample", () => {
  const t = Array.from({ length: 40 }, (_, i) => i * 1000);
  const v = t.map((_, i) => (i === 10 ? Infinity : i === 20 ? -Infinity : i));
  const run = place({ t, v }, { startMs: 0, stepMs: 1000, points: 40, windowMs: 5000, mayWiden: false });
  for (const kernel of [slide.slideSum, slide.slideAverage, slide.slideVariance]) {
    const out = new Float64Array(40);
    kernel(run, out, 0);
    for (let k = 0; k < 40; k++) {
      const touched = (k >= 10 && k < 15) || (k >= 20 && k < 25);
      assert.equal(Number.isFinite(out[k] as number), !touched, `point ${k}: ${out[k]}`);
    }
  }
});

test("large means cost the variance no digits", () => {
  const t = Array.from({ length: 200 }, (_, i) => i * 1000);
  const v = t.map((_, i) => 1e9 + (i % 2));
  const run = place({ t, v }, { startMs: 50_000, stepMs: 1000, points: 100, windowMs: 20_000, mayWiden: false });
  const out = new Float64Array(100);
  slide.slideVariance(run, out, 0);
  for (const got of out) assert.ok(Math.abs(got - 0.25) < 1e-9, `${got}`);
});

test("series said to have the times of the one before share its windows", () => {
  const times = [0, 15_000, 30_000, 45_000];
  const timestamps = Float64Array.of(...times, ...times, 1000, 16_000, 31_000, 46_000);
  const values = Float64Array.of(1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400);
  const run = place({ t: [], v: [] }, { startMs: 0, stepMs: 15_000, points: 4, windowMs: 30_000, mayWiden: false });
  const sums = [0, 4, 8].map((lo) => {
    run.place(timestamps.subarray(lo, lo + 4), values.subarray(lo, lo + 4), lo === 4);
    const out = new Float64Array(4);
    slide.slideSum(run, out, 0);
    return [...out];
  });
  assert.deepEqual(sums, [
    [1, 3, 5, 7],
    [10, 30, 50, 70],
    [NaN, 100, 300, 500],
  ]);
});
