import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { intersect, lowerBound, type Postings, subtract, unite } from "./postings.ts";

const small = fc.uniqueArray(fc.nat(60), { maxLength: 30 });
/** Far more than sixteen times as many: the other way of intersecting. */
const large = fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 300, maxLength: 400 });
const set = fc.oneof(small, small, large).map((ids): Postings => Uint32Array.from(ids).sort());
const sortedIds = (ids: Iterable<number>): number[] => [...new Set(ids)].sort((a, b) => a - b);

test("intersect, subtract and unite are those of sets, and leave their arguments alone", () => {
  fc.assert(
    fc.property(fc.array(set, { maxLength: 5 }), set, set, (sets, a, b) => {
      const before = [a.slice(), b.slice()];
      const inB = new Set(b);
      assert.deepEqual(
        [...intersect(a, b)],
        [...a].filter((id) => inB.has(id)),
      );
      assert.deepEqual(
        [...intersect(b, a)],
        [...a].filter((id) => inB.has(id)),
      );
      assert.deepEqual(
        [...subtract(a, b)],
        [...a].filter((id) => !inB.has(id)),
      );
      assert.deepEqual([...unite([...sets, a, b])], sortedIds([...sets, a, b].flatMap((ids) => [...ids])));
      assert.deepEqual([...unite(sets)], sortedIds(sets.flatMap((ids) => [...ids])));
      assert.deepEqual([a, b], before);
    }),
    { numRuns: 300 },
  );
});

test("lowerBound is the first place at or after", () => {
  const ids = Uint32Array.of(2, 4, 4, 9);
  assert.deepEqual(
    [0, 2, 3, 4, 5, 9, 10].map((id) => lowerBound(ids, id)),
    [0, 0, 1, 1, 3, 3, 4],
  );
  assert.equal(lowerBound(ids, 2, 2), 2);
  assert.equal(lowerBound(ids, 5, 4), 4);
});
