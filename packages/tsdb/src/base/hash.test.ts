import assert from "node:assert/strict";
import { test } from "node:test";
import { randomHashKey, sipHash128 } from "./hash.ts";

const KEY = new Uint32Array([0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c]);

test("sipHash128: vectors of the reference code (2-4 rounds, key 00..0f, input 00..n-1)", () => {
  const same = (length: number, hex: string) => assert.equal(hashHex(length, 2, 4), hex, `length ${length}`);
  same(0, "a3817f04ba25a8e66df67214c7550293");
  same(1, "da87c1d86b99af44347659119b22fc45");
  same(2, "8177228da4a45dc7fca38bdef60affe4");
  same(3, "9c70b60c5267a94e5f33b6b02985ed51");
});

test("sipHash128: the range is what counts, not where it lies", () => {
  const bytes = new Uint8Array(64).map((_, i) => i);
  const moved = new Uint8Array(80);
  moved.set(bytes, 13);
  for (let length = 0; length <= 64; length++) {
    const a = new Uint32Array(4);
    const b = new Uint32Array(6);
    sipHash128(KEY, bytes, 0, length, a, 0);
    sipHash128(KEY, moved, 13, 13 + length, b, 2);
    assert.deepEqual(a, b.slice(2));
  }
});

test("sipHash128: no two of 65 lengths and two keys agree in any word pair", () => {
  const seen = new Set<string>();
  for (let length = 0; length <= 64; length++) seen.add(hashHex(length, 1, 3).slice(0, 16));
  for (let length = 0; length <= 64; length++) seen.add(hashHex(length, 1, 3, randomHashKey()).slice(16));
  assert.equal(seen.size, 130);
});

function hashHex(length: number, compressRounds: number, finalRounds: number, key: Uint32Array = KEY): string {
  const bytes = new Uint8Array(length).map((_, i) => i);
  const target = new Uint32Array(4);
  sipHash128(key, bytes, 0, length, target, 0, compressRounds, finalRounds);
  return Buffer.from(target.buffer).toString("hex");
}
