import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLabelBytes, encodeLabelText, labelTextByteLength, writeLabelText } from "./label-bytes.ts";

const decode = (...bytes: number[]): string => decodeLabelBytes(Uint8Array.from(bytes), 0, bytes.length);

test("decodeLabelBytes keeps what is no UTF-8 apart", () => {
  const same = (text: string, ...bytes: number[]) => {
    assert.equal(decode(...bytes), text, bytes.join());
    assert.deepEqual([...encodeLabelText(text)], bytes, text);
  };
  same("");
  same("up", 0x75, 0x70);
  same("café", 0x63, 0x61, 0x66, 0xc3, 0xa9);
  same("caf\udce9", 0x63, 0x61, 0x66, 0xe9);
  same("€", 0xe2, 0x82, 0xac);
  same("😀", 0xf0, 0x9f, 0x98, 0x80);
  same("😀\udc98", 0xf0, 0x9f, 0x98, 0x80, 0x98);
  same("\udcf0\udc9f\udc98", 0xf0, 0x9f, 0x98); // cut short
  same("\udcc0\udc80", 0xc0, 0x80); // overlong
  same("\udced\udca0\udc80", 0xed, 0xa0, 0x80); // a surrogate
  same("\udcf4\udc90\udc80\udc80", 0xf4, 0x90, 0x80, 0x80); // beyond U+10FFFF
  same("\udce2(\udca1", 0xe2, 0x28, 0xa1);
});

test("a surrogate that stands for no byte is written as U+FFFD", () => {
  assert.deepEqual([...encodeLabelText("\ud800x")], [0xef, 0xbf, 0xbd, 0x78]);
  assert.deepEqual([...encodeLabelText("\udc00")], [0xef, 0xbf, 0xbd]);
});

test("bytes → text → bytes is the identity", () => {
  // Bytes near the borders of UTF-8's table, so that both well-formed and ill-formed sequences come often.
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0x41, 0x80, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40 }), (values) => {
      const bytes = Uint8Array.from(values);
      assert.deepEqual(encodeLabelText(decodeLabelBytes(bytes, 0, bytes.length)), bytes);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test("text → bytes agrees with the platform for well-formed text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 10 }), (text) => {
      const wanted = new TextEncoder().encode(text);
      assert.ok(Buffer.from(wanted).equals(encodeLabelText(text)), JSON.stringify(text));
      assert.equal(labelTextByteLength(text), wanted.length);
      assert.equal(decodeLabelBytes(wanted, 0, wanted.length), text);
    }),
    { numRuns: 300, seed: 2 },
  );
});

test("a range of a longer array, long text, and the offset behind what was written", () => {
  const long = "abcdefghij".repeat(2000);
  const target = new Uint8Array(long.length + 10);
  assert.equal(writeLabelText(long, target, 5), long.length + 5);
  assert.equal(decodeLabelBytes(target, 5, long.length + 5), long);
  assert.equal(decodeLabelBytes(target, 5, 8), "abc");
});
