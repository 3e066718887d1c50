import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sortByNumber } from "./number-sort.ts";
import { AT_ONCE } from "./segment.test.support.ts";

test("items are sorted by their numbers, equal ones stay in order", async () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 0xffff_ffff }));
  await fc.assert(
    fc.asyncProperty(fc.array(number, { maxLength: 200 }), async (numbers) => {
      const most = Math.max(0, ...numbers);
      const items = Uint32Array.from(numbers, (_, i) => i);
      const sorted = await sortByNumber(items, Uint32Array.from(numbers), most, AT_ONCE);
      const expected = [...numbers.keys()].sort((a, b) => (numbers[a] as number) - (numbers[b] as number));
      assert.deepEqual([...sorted], expected);
    }),
  );
});

test("many items, with pauses", async () => {
  let pauses = 0;
  const pace = {
    isDue: true,
    pause: async () => {
      pauses++;
    },
  };
  const numbers = Uint32Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 0x9e37_79b1) >>> 0);
  const sorted = await sortByNumber(
    numbers.map((_, i) => i),
    numbers,
    0xffff_ffff,
    pace,
  );
  for (let i = 1; i < sorted.length; i++) {
    assert.ok((numbers[sorted[i - 1] as number] as number) <= (numbers[sorted[i] as number] as number));
  }
  assert.equal(new Set(sorted).size, numbers.length);
  assert.ok(pauses > 6);
});
