import assert from "node:assert/strict";
import { test } from "node:test";
import { copyBits } from "./columns.ts";

test("columns are copied bit by bit, few samples and many", () => {
  // Quiet and signalling NaNs with payloads, both zeros, infinities.
  const bits = [0x7ff8000000000001n, 0x7ff0000000000002n, 0xfff4000000000003n, 0n, 1n << 63n, 0x7ff0000000000000n, 5n];
  const source = new Float64Array(
    BigUint64Array.from(Array.from({ length: 40 }, (_, i) => bits[i % 7] as bigint)).buffer,
  );
  for (const count of [0, 1, 2, 3, 4, 5, 20]) {
    for (let lo = 0; lo < 14; lo++) {
      const target = new Float64Array(30).fill(7);
      copyBits(source, lo, lo + count, target, 3);
      const want = Buffer.alloc(240, Buffer.from(new Float64Array([7]).buffer));
      Buffer.from(source.buffer).copy(want, 24, 8 * lo, 8 * (lo + count));
      assert.deepEqual(Buffer.from(target.buffer), want);
    }
  }
});

test("columns are moved within one array, to the front and to the back", () => {
  const stale = 0x7ff0000000000002n;
  for (let nan = -1; nan < 6; nan++) {
    const bits = BigUint64Array.from({ length: 12 }, (_, i) => (i === nan ? stale : BigInt(i + 1) << 40n));
    for (let count = 0; count <= 6; count++) {
      for (let lo = 0; lo < 6; lo++) {
        for (let at = 0; at < 6; at++) {
          const column = new Float64Array(bits.slice().buffer);
          copyBits(column, lo, lo + count, column, at);
          const want = bits.slice();
          want.copyWithin(at, lo, lo + count);
          assert.deepEqual(new BigUint64Array(column.buffer), want, `${lo}..${lo + count} to ${at}, NaN at ${nan}`);
        }
      }
    }
  }
});
