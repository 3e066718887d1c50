/** The rollups of the kernel against their twins of sliding.ts: equal to the bit, whoever else uses the kernel in between. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HAS_DROP, HAS_NAN, outColumn, putValues, surveyValues } from "../../kernel/rollup.ts";
import { survey } from "./counter.ts";
import * as quick from "./quick.ts";
import { type RollupGrid, type RollupKernel, RollupRun } from "./run.ts";
import * as slide from "./sliding.ts";

const PAIRS: readonly [string, RollupKernel, RollupKernel][] = [
  ["sum", quick.quickSum, slide.slideSum],
  ["average", quick.quickAverage, slide.slideAverage],
  ["min", quick.quickMin, slide.slideMin],
  ["max", quick.quickMax, slide.slideMax],
  ["last", quick.quickLast, slide.slideLast],
  ["first", quick.quickFirst, slide.slideFirst],
  ["rate", quick.quickRate, slide.slideRate],
  ["delta", quick.quickDelta, slide.slideDelta],
  ["pure increase", quick.quickPureIncrease, slide.slidePureIncrease],
];

interface Samples {
  readonly t: number[];
  readonly v: number[];
}

/** Steady, jittered, doubled, with gaps. */
const distance = fc.oneof(
  { weight: 8, arbitrary: fc.constant(15_000) },
  { weight: 3, arbitrary: fc.integer({ min: 14_990, max: 15_010 }) },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 900_000 }) },
);

const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
  { weight: 6, arbitrary: fc.double({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, Infinity, -Infinity, NaN) },
);

const samples: fc.Arbitrary<Samples> = fc.array(fc.tuple(distance, value), { maxLength: 90 }).map((list) => {
  let ms = 1_000_000;
  return { t: list.map(([gap]) => (ms += gap)), v: list.map(([, v]) => v) };
});

const grids: fc.Arbitrary<RollupGrid> = fc.record({
  startMs: fc.integer({ min: 900_000, max: 1_900_000 }),
  stepMs: fc.constantFrom(1_000, 15_000, 60_000, 777),
  points: fc.integer({ min: 1, max: 70 }),
  windowMs: fc.constantFrom(0, 1, 15_000, 60_000, 300_000, 10_000_000),
  mayWiden: fc.boolean(),
  lookbackMs: fc.constantFrom(0, 0, 60_000),
  minStalenessMs: fc.constantFrom(0, 0, 90_000),
  isInstant: fc.constant(false),
  isDefaultRollup: fc.constant(false),
});

function same(got: Float64Array, want: Float64Array, what: string): void {
  want.forEach((w, k) => {
    assert.ok(Object.is(got[k], w), `${what}, point ${k}: got ${got[k]}, want ${w}`);
  });
}

function rolled(kernel: RollupKernel, run: RollupRun): Float64Array {
  const out = new Float64Array(run.points + 3).fill(-7);
  kernel(run, out, 2);
  assert.deepEqual([out[0], out[1], out[run.points + 2]], [-7, -7, -7], "writes the points, nothing else");
  return out.subarray(2, 2 + run.points);
}

test("the kernel was built: otherwise the twins are compared with themselves", () => {
  assert.notEqual(outColumn(1), null);
});

for (const [name, fast, twin] of PAIRS) {
  test(`${name}: kernel and twin agree`, () => {
    fc.assert(
      fc.property(samples, grids, ({ t, v }, grid) => {
        const run = new RollupRun(grid);
        run.place(Float64Array.from(t), Float64Array.from(v), false);
        same(rolled(fast, run), rolled(twin, run), name);
        // The same times with other values: windows and spans are kept.
        run.place(
          Float64Array.from(t),
          Float64Array.from(v, (x) => x / 3),
          true,
        );
        same(rolled(fast, run), rolled(twin, run), `${name}, alike`);
      }),
      { numRuns: 250 },
    );
  });
}

test("windows that move evenly: the same from the first series to the third", () => {
  const grid = { lookbackMs: 0, minStalenessMs: 0, mayWiden: false, isInstant: false, isDefaultRollup: false };
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 90 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 14 }),
      fc.integer({ min: -5, max: 20 }),
      (v, points, size, behind) => {
        const run = new RollupRun({ ...grid, startMs: 1000 * behind, stepMs: 1000, points, windowMs: 1000 * size });
        const t = Float64Array.from(v, (_, i) => 1000 * i);
        for (const [name, fast, twin] of PAIRS.slice(0, 4)) {
          for (let round = 1; round <= 3; round++) {
            run.place(
              t,
              Float64Array.from(v, (x) => x / round),
              round > 1,
            );
            same(rolled(fast, run), rolled(twin, run), `${name}, series ${round}`);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("runs that take turns do not see each other's series", () => {
  const turn = fc.record({ who: fc.nat(2), which: fc.nat(PAIRS.length - 1), move: fc.nat(2), series: samples });
  fc.assert(
    fc.property(fc.array(grids, { minLength: 3, maxLength: 3 }), fc.array(turn, { maxLength: 30 }), (shapes, turns) => {
      const runs = shapes.map((grid) => new RollupRun(grid));
      for (const run of runs) run.place(new Float64Array(0), new Float64Array(0), false);
      for (const { who, which, move, series } of turns) {
        const run = runs[who] as RollupRun;
        const [name, fast, twin] = PAIRS[which] as (typeof PAIRS)[number];
        if (move === 0) run.place(Float64Array.from(series.t), Float64Array.from(series.v), false);
        if (move === 1)
          run.place(
            run.timestamps,
            run.values.map((v) => v + 1),
            true,
          );
        same(rolled(fast, run), rolled(twin, run), name);
      }
    }),
    { numRuns: 100 },
  );
});

test("longer than the kernel's memory: the twin's numbers", () => {
  const grid = {
    startMs: 0,
    stepMs: 1000,
    windowMs: 5000,
    mayWiden: false,
    lookbackMs: 0,
    minStalenessMs: 0,
    isInstant: false,
  };
  for (const [count, points] of [
    [16_384, 16_384],
    [262_144, 10],
    [262_145, 10],
    [10, 16_385],
    [40_000, 40_000],
  ] as const) {
    const run = new RollupRun({ ...grid, points, isDefaultRollup: false });
    const t = Float64Array.from({ length: count }, (_, i) => i * 1000);
    run.place(
      t,
      t.map((ms) => ms % 7777),
      false,
    );
    for (const [name, fast, twin] of PAIRS) same(rolled(fast, run), rolled(twin, run), `${name} of ${count}`);
  }
});

test("surveys agree, wherever the NaN or the drop is", () => {
  for (let count = 0; count < 12; count++) {
    const rising = Float64Array.from({ length: count }, (_, i) => i);
    const cases = [rising];
    for (let i = 0; i < count; i++) {
      cases.push(
        rising.map((v, k) => (k === i ? NaN : v)),
        rising.map((v, k) => (k === i ? -1 : v)),
      );
    }
    for (const column of cases) {
      // What the series before left behind it must not be found.
      putValues(Float64Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? NaN : -i)));
      assert.notEqual(putValues(column), 0);
      assert.equal(surveyValues(count), survey(column), `${column}`);
    }
  }
  assert.equal(survey(Float64Array.of(1, 2, 1)), HAS_DROP);
  assert.equal(survey(Float64Array.of(1, NaN)), HAS_NAN);
});
