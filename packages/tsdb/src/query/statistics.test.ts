import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { quantileOfColumn, quantileSorted, sortColumn } from "./statistics.ts";

const value = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(Infinity, -Infinity, 0.5),
);

/** @param column in any order; longer than what is looked at */
function check(column: Float64Array, count: number, phi: number): void {
  const sorted = column.slice();
  sortColumn(sorted, count);
  const want = quantileSorted(phi, sorted, count);
  const beyond = column.slice(count);
  const got = quantileOfColumn(phi, column, count);
  assert.ok(got === want || (got !== got && want !== want), `phi ${phi} of ${count}: ${got}, sorted ${want}`);
  assert.deepEqual(column.slice(count), beyond);
  sortColumn(column, count);
  // Zeros of both signs are equal, in any order.
  assert.deepEqual(
    column.subarray(0, count).map((v) => v + 0),
    sorted.subarray(0, count).map((v) => v + 0),
  );
}

test("a quantile of a column in any order is that of the sorted one", () => {
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 300 }),
      fc.oneof(fc.double({ min: -0.1, max: 1.1 }), fc.constantFrom(0, 0.5, 0.9, 1)),
      fc.nat(3),
      (list, phi, more) => {
        check(Float64Array.from([...list, ...new Array<number>(more).fill(-7)]), list.length, phi);
      },
    ),
    { seed: 20261123, numRuns: 500 },
  );
});

test("columns that are made to be bad take no longer than sorting", () => {
  const count = 200_000;
  const shapes: Record<string, (i: number) => number> = {
    ascending: (i) => i,
    descending: (i) => -i,
    equal: () => 1,
    "two values": (i) => i & 1,
    // Large values where the middle is looked for.
    pipes: (i) => Math.abs(i - count / 2),
    saw: (i) => (i * 7919) % 101,
  };
  for (const [name, at] of Object.entries(shapes)) {
    for (const phi of [0, 0.01, 0.5, 0.99, 1]) {
      const column = Float64Array.from({ length: count }, (_, i) => at(i));
      const sorted = column.slice().sort();
      assert.equal(quantileOfColumn(phi, column, count), quantileSorted(phi, sorted, count), `${name}, ${phi}`);
    }
  }
});
