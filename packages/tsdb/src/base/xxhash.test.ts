/** XXH64: published values, and a twin in BigInt for every length of tail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { xxHash64, xxHash64Fraction } from "./xxhash.ts";

test("published values", () => {
  const same = (text: string, hex: string): void => {
    const bytes = new TextEncoder().encode(text);
    assert.equal(hexOf(xxHash64(bytes, 0, bytes.length)), hex, text);
  };
  same("", "ef46db3751d8e999");
  same("a", "d24ec4f1a98c6e5b");
  same("as", "1c330fb2d66be179");
  same("asd", "631c37ce72a97393");
  same("asdf", "415872f599cea71e");
  same("Call me Ishmael. Some years ago--never mind how long precisely-", "02a2e85470d6fd96");
});

test("equals the specification in BigInt", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.nat(3), (bytes, lo) => {
      const from = Math.min(lo, bytes.length);
      assert.equal(
        hexOf(xxHash64(bytes, from, bytes.length)),
        twin(bytes.subarray(from)).toString(16).padStart(16, "0"),
      );
    }),
  );
});

test("a fraction of 2^64", () => {
  assert.equal(xxHash64Fraction(new Uint8Array(0), 0, 0), Number(0xef46db3751d8e999n) / 2 ** 64);
});

function hexOf({ high, low }: { high: number; low: number }): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const word = (value: bigint): bigint => BigInt.asUintN(64, value);
const turn = (value: bigint, bits: bigint): bigint => word((value << bits) | (value >> (64n - bits)));
const round = (lane: bigint, input: bigint): bigint => word(turn(word(lane + input * P2), 31n) * P1);

function twin(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    const lanes = [word(P1 + P2), P2, 0n, word(-P1)] as [bigint, bigint, bigint, bigint];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let i = 0; i < 4; i++) lanes[i] = round(lanes[i] as bigint, view.getBigUint64(at + 8 * i, true));
    }
    hash = word(turn(lanes[0], 1n) + turn(lanes[1], 7n) + turn(lanes[2], 12n) + turn(lanes[3], 18n));
    for (const lane of lanes) hash = word((hash ^ round(0n, lane)) * P1 + P4);
  }
  hash = word(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = word(turn(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4);
  }
  if (at + 4 <= bytes.length) {
    hash = word(turn(hash ^ word(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3);
    at += 4;
  }
  for (; at < bytes.length; at++) hash = word(turn(hash ^ word(BigInt(view.getUint8(at)) * P5), 11n) * P1);
  hash = word((hash ^ (hash >> 33n)) * P2);
  hash = word((hash ^ (hash >> 29n)) * P3);
  return hash ^ (hash >> 32n);
}
