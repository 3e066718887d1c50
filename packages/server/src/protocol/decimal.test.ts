import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Cursor, clampTimestampMs, parseDecimal, parseSpecialNumber, readDecimal } from "./decimal.ts";

const parse = (text: string): number => {
  const bytes = Buffer.from(`xx${text}`);
  return parseDecimal(bytes, 2, bytes.length);
};

test("parseDecimal: literals", () => {
  const same = (text: string, value: number) => assert.ok(Object.is(parse(text), value), `${text} → ${parse(text)}`);
  same("0", 0);
  same("-0", -0);
  same("-0.0e5", -0);
  same("+17", 17);
  same("1.", 1);
  same(".5", 0.5);
  same("-.5e-1", -0.05);
  same("0.1", 0.1);
  same("1e22", 1e22);
  same("1e23", 1e23);
  same("123456789012345678901234567890", 1.2345678901234568e29);
  same("9007199254740993", 9007199254740992);
  same("0.30000000000000004", 0.30000000000000004);
  same("2.2250738585072014e-308", 2.2250738585072014e-308);
  same("5e-324", 5e-324);
  same("1e400", Infinity);
  same("-1e400", -Infinity);
  same("1e-400", 0);
  same("1e99999999999999999999", Infinity);
  same(`0.${"0".repeat(400)}1e401`, 1);
  same(`${"1".repeat(5000)}`, Infinity);
  same("18446744073709551616", 2 ** 64);
});

test("parseDecimal: what is no decimal literal is NaN", () => {
  for (const text of [
    "",
    "-",
    "+",
    ".",
    "e5",
    "1e",
    "1e+",
    "1_000",
    "0x10",
    "0x1p-2",
    "1 ",
    " 1",
    "1.2.3",
    "--1",
    "1f",
    "NaN",
    "Inf",
    "1e5.5",
  ]) {
    assert.ok(Number.isNaN(parse(text)), text);
  }
});

test("readDecimal stops behind the number, and at the end of the range", () => {
  const cursor: Cursor = { at: 1 };
  assert.equal(readDecimal(Buffer.from("[12.5,"), cursor, 6), 12.5);
  assert.equal(cursor.at, 5);
  cursor.at = 1;
  assert.equal(readDecimal(Buffer.from("[12.5,"), cursor, 3), 12);
});

test("parseDecimal: every float64 that JavaScript prints comes back bit for bit", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(parse(Object.is(value, -0) ? "-0" : String(value)), value));
      assert.ok(Object.is(parse(value.toExponential(20)), Number(value.toExponential(20))));
    }),
    { numRuns: 2000 },
  );
});

test("parseDecimal agrees with Number on any digits, point and exponent", () => {
  const digits = fc.stringMatching(/^[0-9]{1,30}$/);
  fc.assert(
    fc.property(digits, digits, fc.integer({ min: -340, max: 340 }), (whole, fraction, power) => {
      for (const text of [whole, `${whole}.${fraction}`, `-${whole}.${fraction}e${power}`, `${whole}E${power}`]) {
        assert.ok(Object.is(parse(text), Number(text)), text);
      }
    }),
    { numRuns: 2000 },
  );
});

test("parseSpecialNumber", () => {
  const target = { value: 0 };
  const read = (text: string): number | null =>
    parseSpecialNumber(Buffer.from(text), 0, text.length, target) ? target.value : null;
  for (const text of ["Inf", "+Inf", "inf", "Infinity", "+infinity"]) assert.equal(read(text), Infinity, text);
  for (const text of ["-Inf", "-INF", "-infinity"]) assert.equal(read(text), -Infinity, text);
  for (const text of ["NaN", "nan", "Nan"]) assert.ok(Number.isNaN(read(text)), text);
  for (const text of ["", "+", "nanx", "infin", "-nan", "infinityinfinity"]) assert.equal(read(text), null, text);
});

test("clampTimestampMs", () => {
  assert.equal(clampTimestampMs(1.9), 1);
  assert.equal(clampTimestampMs(-1.9), -1);
  assert.equal(clampTimestampMs(2 ** 63), 2 ** 53);
  assert.equal(clampTimestampMs(-(2 ** 63)), -(2 ** 53));
  for (const value of [NaN, Infinity, -Infinity, 1e19]) assert.ok(Number.isNaN(clampTimestampMs(value)), String(value));
});
