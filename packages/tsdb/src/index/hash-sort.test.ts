import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sortHashes } from "./hash-sort.ts";
import { AT_ONCE } from "./segment.test.support.ts";

async function check(hashes: readonly number[]): Promise<void> {
  const sorted = Uint32Array.from(hashes);
  const ids = Uint32Array.from(hashes, (_hash, i) => 3 * i);
  await sortHashes(sorted, ids, new Uint32Array(2 * hashes.length), AT_ONCE);
  const want = hashes.map((hash, i) => [hash, 3 * i]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assert.deepEqual(
    [...sorted].map((hash, i) => [hash, ids[i]]),
    want,
  );
}

test("hashes are sorted with their ids, equal ones by id", async () => {
  const hash = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.nat(3), fc.constant(0xffff_ffff));
  await fc.assert(fc.asyncProperty(fc.array(hash, { maxLength: 400 }), check), { numRuns: 100 });
});

test("many, and many in one bucket", async () => {
  await check(Array.from({ length: 40_000 }, (_place, i) => Math.imul(i + 1, 0x9e37_79b1) >>> 0));
  await check(Array.from({ length: 5_000 }, (_place, i) => (Math.imul(i, 7919) % 1000) >>> 0));
});
