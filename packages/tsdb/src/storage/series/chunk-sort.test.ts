import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Pacer } from "../pacer.ts";
import { sortByChunks } from "./chunk-sort.ts";

test("items are sorted by their keys, chunk by chunk, shorter first", async () => {
  const few = fc.integer({ min: 0, max: 2 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(few, { maxLength: 4 }), { maxLength: 120 }), async (keys) => {
      const items = Uint32Array.from(keys, (_, i) => i);
      await sortByChunks(items, (item, depth) => keys[item]?.[depth] ?? -1, new Pacer());
      assert.deepEqual(
        [...items].sort((a, b) => a - b),
        [...keys.keys()],
      );
      const compare = (a: readonly number[], b: readonly number[]): number => {
        for (let i = 0; i < Math.min(a.length, b.length); i++) {
          if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
        }
        return a.length - b.length;
      };
      for (let i = 1; i < items.length; i++) {
        const order = compare(keys[items[i - 1] as number] as number[], keys[items[i] as number] as number[]);
        assert.ok(order <= 0);
      }
    }),
  );
});

test("many items in order, in reverse, and all the same", async () => {
  const count = 50_000;
  const keysOf: readonly ((item: number) => number)[] = [(item) => item, (item) => count - item, () => 7];
  for (const keyOf of keysOf) {
    const items = Uint32Array.from({ length: count }, (_, i) => i);
    await sortByChunks(items, (item, depth) => (depth === 0 ? keyOf(item) : -1), new Pacer());
    for (let i = 1; i < count; i++) assert.ok(keyOf(items[i - 1] as number) <= keyOf(items[i] as number));
  }
});
