import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VARINT_BYTES_MAX, VarintReader, varintLength, writeVarint } from "./varint.ts";

test("writeVarint", () => {
  const same = (value: number, ...bytes: number[]) => {
    const target = new Uint8Array(VARINT_BYTES_MAX);
    assert.equal(writeVarint(target, 0, value), bytes.length, String(value));
    assert.deepEqual([...target.subarray(0, bytes.length)], bytes, String(value));
  };
  same(0, 0);
  same(127, 0x7f);
  same(128, 0x80, 0x01);
  same(300, 0xac, 0x02);
  same(2 ** 32 - 1, 0xff, 0xff, 0xff, 0xff, 0x0f);
  same(2 ** 53 - 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
});

test("what was written is read again", () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeNat(), { maxLength: 20 }), (numbers) => {
      const bytes = new Uint8Array(numbers.length * VARINT_BYTES_MAX);
      let end = 0;
      for (const value of numbers) {
        const next = writeVarint(bytes, end, value);
        assert.equal(next - end, varintLength(value));
        end = next;
      }
      const reader = new VarintReader(bytes, 0, end);
      for (const value of numbers) assert.equal(reader.next(), value);
      assert.equal(reader.at, end);
      assert.equal(reader.next(), -1);
    }),
    { seed: 1 },
  );
});

test("VarintReader refuses what is cut off or too large", () => {
  const read = (...bytes: number[]) => new VarintReader(Uint8Array.from(bytes), 0, bytes.length).next();
  assert.equal(read(), -1);
  assert.equal(read(0x80), -1);
  assert.equal(read(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f), -1);
  assert.equal(read(...new Array<number>(30).fill(0x80), 0), -1);
  assert.equal(read(0x81, 0x80, 0x00), 1);
});

test("VarintReader goes on behind a number too large for it", () => {
  const minusOne = [...new Array<number>(9).fill(0xff), 0x01];
  const reader = new VarintReader(Uint8Array.from([...minusOne, 0x07]), 0, 11);
  assert.equal(reader.next(), -1);
  assert.equal(reader.next(), 7);
});
