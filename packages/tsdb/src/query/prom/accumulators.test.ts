/** Accumulators, whose state may be in the kernel's memory, against a plain reading, several of them taking turns, with masks and without. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { outColumn } from "../../kernel/rollup.ts";
import { type Accumulator, MaxAccumulator, MeanAccumulator, MinAccumulator, SumAccumulator } from "./accumulators.ts";
import { KahanMean, KahanSum } from "./kahan.ts";

/** What becomes of the values, at least one, that one point has. */
const RULES: readonly [string, new (points: number) => Accumulator, (v: readonly number[]) => number][] = [
  ["sum", SumAccumulator, sumOf],
  ["avg", MeanAccumulator, meanOf],
  ["min", MinAccumulator, (v) => v.reduce((a, b) => (a !== a || b < a ? b : a))],
  ["max", MaxAccumulator, (v) => v.reduce((a, b) => (a !== a || b > a ? b : a))],
];

function sumOf(values: readonly number[]): number {
  const sum = new KahanSum();
  for (const v of values) sum.add(v);
  return sum.sum + sum.lost;
}

function meanOf([first, ...rest]: readonly number[]): number {
  const mean = new KahanMean(first as number);
  for (const v of rest) mean.add(v);
  return mean.total();
}

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -9, max: 9 }) },
  { weight: 6, arbitrary: fc.double({ min: -1e20, max: 1e20, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, 0, -0, Infinity, -Infinity, 1.7e308, -1.7e308, 5e-324) },
);
const POINTS_MAX = 9;

test("sums, means and extremes are those of the plain rules, bit for bit", () => {
  const group = fc.record({ rule: fc.nat(RULES.length - 1), points: fc.integer({ min: 1, max: POINTS_MAX }) });
  const turn = fc.record({
    who: fc.nat(3),
    column: fc.array(value, { minLength: POINTS_MAX, maxLength: POINTS_MAX }),
    mask: fc.option(fc.array(fc.nat(1), { minLength: POINTS_MAX, maxLength: POINTS_MAX }), { freq: 5 }),
    isOut: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(group, { minLength: 4, maxLength: 4 }), fc.array(turn, { maxLength: 25 }), (groups, turns) => {
      const accumulators = groups.map(({ rule, points }) => new (RULES[rule] as (typeof RULES)[number])[1](points));
      const seen = groups.map(({ points }) => Array.from({ length: points }, (): number[] => []));
      for (const { who, column, mask, isOut } of turns) {
        const points = (groups[who] as (typeof groups)[number]).points;
        // As from a rollup of the kernel, or from anywhere else.
        const values = (isOut ? outColumn(points) : null) ?? new Float64Array(points);
        values.set(column.slice(0, points));
        (accumulators[who] as Accumulator).add(values, mask === null ? null : Uint8Array.from(mask.slice(0, points)));
        for (let k = 0; k < points; k++) {
          if (mask === null || mask[k] === 1) (seen[who] as number[][])[k]?.push(column[k] as number);
        }
      }
      groups.forEach(({ rule }, who) => {
        const [name, , compute] = RULES[rule] as (typeof RULES)[number];
        const got = (accumulators[who] as Accumulator).finish();
        for (const [k, values] of (seen[who] as number[][]).entries()) {
          if (values.length === 0) continue;
          const want = compute(values);
          assert.ok(Object.is(got[k], want), `${name} of ${values}: got ${got[k]}, want ${want}`);
        }
      });
    }),
    { numRuns: 1000 },
  );
});
