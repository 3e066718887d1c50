import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "./crc.ts";
import { crc32cTwin } from "./crc-twin.ts";

/** One bit after the other, straight from the definition. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("known checksums", () => {
  const same = (bytes: Uint8Array, want: number) => {
    assert.equal(crc32c(bytes, 0, bytes.length).toString(16), want.toString(16));
    assert.equal(crc32cTwin(bytes, 0, bytes.length).toString(16), want.toString(16));
  };
  same(Buffer.from(""), 0);
  same(Buffer.from("123456789"), 0xe3069283);
  // RFC 3720, appendix B.4.
  same(new Uint8Array(32), 0x8a9136aa);
  same(new Uint8Array(32).fill(0xff), 0x62a8ab43);
  same(
    Uint8Array.from({ length: 32 }, (_, i) => i),
    0x46dd794e,
  );
  same(
    Uint8Array.from({ length: 32 }, (_, i) => 31 - i),
    0x113fdb5c,
  );
});

test("any bytes, any range, in any pieces", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, a, b) => {
      const lo = Math.min(a, b, bytes.length);
      const hi = Math.min(Math.max(a, b), bytes.length);
      const want = bitwise(bytes.subarray(lo, hi));
      assert.equal(crc32c(bytes, lo, hi), want);
      const middle = (lo + hi) >> 1;
      assert.equal(crc32c(bytes, middle, hi, crc32c(bytes, lo, middle)), want);
    }),
  );
});

test("kernel and twin agree on long input", () => {
  const bytes = new Uint8Array(300_001);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 2654435761) >>> 13;
  for (const length of [1000, 4095, 4096, 4097, 65_536, 65_537, 200_000, 300_000]) {
    assert.equal(crc32c(bytes, 1, 1 + length), crc32cTwin(bytes, 1, 1 + length), `${length} bytes`);
  }
});
