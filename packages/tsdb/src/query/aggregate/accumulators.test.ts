/** Accumulators, whose state may be in the kernel's memory, against a plain reading, several of them taking turns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { outColumn } from "../../kernel/rollup.ts";
import {
  type Accumulator,
  AverageAccumulator,
  CountAccumulator,
  MaxAccumulator,
  MinAccumulator,
  PresenceAccumulator,
  SumAccumulator,
} from "./accumulators.ts";

const first = (a: number, b: number): number => (Number.isNaN(a) ? b : a);
const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

/** What becomes of the values that one point has. */
const RULES: readonly [string, new (points: number) => Accumulator, (v: readonly number[]) => number][] = [
  ["sum", SumAccumulator, (v) => (v.length === 0 ? NaN : sum(v))],
  ["avg", AverageAccumulator, (v) => sum(v) / v.length],
  ["count", CountAccumulator, (v) => v.length || NaN],
  ["group", PresenceAccumulator, (v) => (v.length > 0 ? 1 : NaN)],
  ["min", MinAccumulator, (v) => v.reduce((a, b) => (b < first(a, Infinity) ? b : first(a, b)), NaN)],
  ["max", MaxAccumulator, (v) => v.reduce((a, b) => (b > first(a, -Infinity) ? b : first(a, b)), NaN)],
];

const value = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -9, max: 9 }) },
  { weight: 2, arbitrary: fc.double() },
  { weight: 2, arbitrary: fc.constantFrom(NaN, 0, -0, Infinity, -Infinity) },
);

test("groups that take turns do not see each other's series", () => {
  const group = fc.record({ rule: fc.nat(RULES.length - 1), points: fc.integer({ min: 1, max: 9 }) });
  const turn = fc.record({
    who: fc.nat(3),
    column: fc.array(value, { minLength: 9, maxLength: 9 }),
    isOut: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(group, { minLength: 4, maxLength: 4 }), fc.array(turn, { maxLength: 25 }), (groups, turns) => {
      const accumulators = groups.map(({ rule, points }) => new (RULES[rule] as (typeof RULES)[number])[1](points));
      const seen = groups.map(({ points }) => Array.from({ length: points }, (): number[] => []));
      for (const { who, column, isOut } of turns) {
        const points = (groups[who] as (typeof groups)[number]).points;
        // As from a rollup of the kernel, or from anywhere else.
        const values = (isOut ? outColumn(points) : null) ?? new Float64Array(points);
        values.set(column.slice(0, points));
        (accumulators[who] as Accumulator).add(values);
        for (let k = 0; k < points; k++) {
          const v = column[k] as number;
          if (!Number.isNaN(v)) (seen[who] as number[][])[k]?.push(v);
        }
      }
      groups.forEach(({ rule }, who) => {
        const [name, , compute] = RULES[rule] as (typeof RULES)[number];
        const got = (accumulators[who] as Accumulator).finish();
        for (const [k, values] of (seen[who] as number[][]).entries()) {
          assert.ok(Object.is(got[k], compute(values)), `${name} of ${values}: got ${got[k]}`);
        }
      });
    }),
    { numRuns: 400 },
  );
});

test("columns longer than the kernel's memory are added without it", () => {
  for (const [name, Kind, compute] of RULES) {
    const points = 20_000;
    const accumulator = new Kind(points);
    assert.equal(outColumn(points), null);
    for (const v of [3, 1, 2]) accumulator.add(new Float64Array(points).fill(v));
    assert.equal(accumulator.finish()[points - 1], compute([3, 1, 2]), name);
  }
});
