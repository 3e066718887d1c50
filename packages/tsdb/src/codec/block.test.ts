import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CODEC_NAMES } from "../kernel/codec-format.ts";
import { encodeColumnTwin } from "../kernel/codec-twin.ts";
import { BlockError, decodeTimestamps, decodeValues, encodeTimestamps, encodeValues } from "./block.ts";
import { GENERATOR_KINDS, OTHER_KINDS, seededRandom, TIMESTAMP_KINDS, withStaleMarkers } from "./sample-columns.ts";

/** Bits of a column: comparing doubles would take NaN payloads and −0 for equal. */
function bitsOf(column: Float64Array): BigUint64Array {
  return new BigUint64Array(column.buffer, column.byteOffset, column.length);
}

/** Encodes, decodes, wants the same bits, and the same bytes from the kernel's twin; returns the bytes. */
function roundTrip(column: Float64Array): Uint8Array {
  const bytes = encodeValues(column, 0, column.length).slice();
  assert.deepEqual(Buffer.from(encodeColumnTwin(column, 0, column.length)), Buffer.from(bytes));
  const decoded = new Float64Array(column.length);
  decodeValues(bytes, 0, bytes.length, column.length, decoded, 0);
  assert.deepEqual(bitsOf(decoded), bitsOf(column), `codec ${CODEC_NAMES[bytes[0]]}`);
  return bytes;
}

const anyBits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
  const word = BigUint64Array.of(bits);
  return new Float64Array(word.buffer)[0];
});

test("realistic columns come back, whatever their length", () => {
  for (const kinds of [GENERATOR_KINDS, OTHER_KINDS, TIMESTAMP_KINDS]) {
    for (const [name, kind] of kinds) {
      for (const count of [0, 1, 2, 3, 5, 31, 32, 33, 100, 500, 8191, 8192]) {
        const random = seededRandom(count + name.length);
        const column = kind(count, random);
        roundTrip(column);
        if (count > 0) roundTrip(withStaleMarkers(column, 0.01, random));
        if (count > 0) roundTrip(withStaleMarkers(column, 0.7, random));
      }
    }
  }
});

test("times that come back are known to ascend, or not to", () => {
  const ascends = (...times: number[]): boolean => {
    const bytes = encodeTimestamps(Float64Array.from(times), 0, times.length).slice();
    return decodeTimestamps(bytes, 0, bytes.length, times.length, new Float64Array(times.length), 0);
  };
  assert.equal(ascends(), true);
  assert.equal(ascends(5), true);
  assert.equal(ascends(5, 5), false);
  assert.equal(ascends(5, 4), false);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }),
      fc.nat(40),
      fc.integer(),
      (gaps, at, odd) => {
        let ms = 1_795_372_412_505;
        const times = [ms, ...gaps.map((gap) => (ms += gap))];
        assert.equal(ascends(...times), true);
        if (at < 1 || at >= times.length) return;
        times[at] = (times[at - 1] as number) - Math.abs(odd);
        assert.equal(ascends(...times), false);
      },
    ),
  );
});

test("sizes of 500-sample blocks", () => {
  let bytes = 0;
  let samples = 0;
  for (const kind of GENERATOR_KINDS.values()) {
    for (let seed = 1; seed <= 10; seed++) {
      bytes += roundTrip(kind(500, seededRandom(seed))).length;
      samples += 500;
    }
  }
  assert.ok(bytes / samples <= 1.25, `${bytes / samples} bytes a sample`);
  const regular = Float64Array.from({ length: 500 }, (_, i) => 1795372412505 + 15000 * i);
  assert.ok(encodeTimestamps(regular, 0, 500).length <= 10);
});

test("single values come back to the bit", () => {
  const same = (...values: number[]) => roundTrip(Float64Array.from(values));
  same(0);
  same(-0);
  same(-0, 0);
  same(0, -0, 0, 0, 0);
  same(Infinity, -Infinity);
  same(5e-324, 2.2250738585072014e-308, 1.7976931348623157e308);
  same(2 ** 51 - 1, -(2 ** 51 - 1), 2 ** 51, 2 ** 53, 2 ** 53 + 2, 2 ** 64, -(2 ** 64));
  same(2 ** 51 - 1, -(2 ** 51 - 1), 2 ** 51 - 1, -(2 ** 51 - 1), 2 ** 51 - 1);
  same(0.1, 0.2, 0.30000000000000004, 0.3, 1 / 3);
  same(1e15, 1e22, 1e23, 1e-22, 1e-23);
  roundTrip(new Float64Array(BigUint64Array.of(0x7ff0000000000002n, 0x7ff8000000000000n, 0xffffffffffffffffn).buffer));
});

test("any bits come back", () => {
  fc.assert(fc.property(fc.array(anyBits, { maxLength: 200 }), (values) => void roundTrip(Float64Array.from(values))));
  // Short decimals, repeated, with strangers among them.
  const decimal = fc.tuple(fc.integer(), fc.constantFrom(1, 10, 100, 1e5, 1e9)).map(([m, power]) => m / power);
  const mixed = fc.oneof(
    { weight: 8, arbitrary: decimal },
    { weight: 1, arbitrary: anyBits },
    { weight: 1, arbitrary: fc.double() },
  );
  const runs = fc.array(fc.tuple(mixed, fc.integer({ min: 1, max: 40 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(
      runs,
      (list) => void roundTrip(Float64Array.from(list.flatMap(([value, length]) => Array<number>(length).fill(value)))),
    ),
  );
  // Integers that need every width.
  const wide = fc.integer({ min: 0, max: 52 }).chain((bits) =>
    fc.array(
      fc.maxSafeInteger().map((m) => Math.trunc(m / 2 ** bits)),
      { minLength: 2, maxLength: 80 },
    ),
  );
  fc.assert(fc.property(wide, (values) => void roundTrip(Float64Array.from(values))));
});

test("timestamps of the whole range come back", () => {
  const sorted = fc
    .array(fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }), {
      maxLength: 100,
    })
    .map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(sorted, (list) => {
      const column = Float64Array.from(list);
      const bytes = encodeTimestamps(column, 0, column.length).slice();
      const decoded = new Float64Array(column.length);
      decodeTimestamps(bytes, 0, bytes.length, column.length, decoded, 0);
      assert.deepEqual(decoded, column);
    }),
  );
});

test("a part of a column goes into a part of a target", () => {
  const column = Float64Array.from([9, 9, 1.5, 2.5, 4.25, 9]);
  const bytes = encodeValues(column, 2, 5);
  const wrapped = new Uint8Array(bytes.length + 7).fill(0xee);
  wrapped.set(bytes, 3);
  const target = new Float64Array(6).fill(-1);
  decodeValues(wrapped, 3, 3 + bytes.length, 3, target, 1);
  assert.deepEqual([...target], [-1, 1.5, 2.5, 4.25, -1, -1]);
});

test("malformed bytes are refused or decode to something, and touch nothing else", () => {
  const random = seededRandom(7);
  for (const kinds of [GENERATOR_KINDS, OTHER_KINDS, TIMESTAMP_KINDS]) {
    for (const kind of kinds.values()) {
      const count = 120;
      const column = withStaleMarkers(kind(count, random), 0.02, random);
      for (const plain of [column, kind(count, random)]) {
        const bytes = encodeValues(plain, 0, count).slice();
        const target = new Float64Array(count + 2).fill(-7);
        const attempt = (mutated: Uint8Array, length: number, samples: number) => {
          try {
            decodeValues(mutated, 0, length, samples, target, 1);
          } catch (error) {
            assert.ok(error instanceof BlockError, String(error));
            assert.ok(error.offset >= 0 && error.offset <= length);
          }
          assert.equal(target[0], -7);
          assert.equal(target[count + 1], -7);
        };
        for (let length = 0; length < bytes.length; length++) {
          assert.throws(() => decodeValues(bytes, 0, length, count, target, 1), BlockError, `cut at ${length}`);
        }
        for (let round = 0; round < 150; round++) {
          const mutated = bytes.slice();
          for (let k = 1 + Math.floor(random() * 3); k > 0; k--) {
            // The head decides everything, so it gets its share.
            const at = Math.floor(random() * (round % 2 === 0 ? Math.min(12, mutated.length) : mutated.length));
            mutated[at] = random() < 0.5 ? Math.floor(random() * 256) : mutated[at] ^ (1 << Math.floor(random() * 8));
          }
          attempt(mutated, mutated.length, count);
          attempt(mutated, mutated.length, Math.floor(random() * count));
        }
      }
    }
  }
  for (let round = 0; round < 20000; round++) {
    const junk = Uint8Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256));
    if (junk.length > 0) junk[0] %= 12;
    const samples = Math.floor(random() * 300);
    const target = new Float64Array(300);
    try {
      decodeValues(junk, 0, junk.length, samples, target, 0);
    } catch (error) {
      assert.ok(error instanceof BlockError, String(error));
    }
  }
});

test("the message says what was being done", () => {
  const target = new Float64Array(4);
  assert.throws(() => decodeValues(Uint8Array.of(0, 1, 2), 0, 3, 4, target, 0), {
    code: "BLOCK",
    message: "decode 4 values from 3 bytes of codec 0: malformed at offset 1",
  });
});
