import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ExactSum } from "./exact-sum.ts";

function sumOf(terms: Iterable<number>): ExactSum {
  const sum = new ExactSum();
  for (const term of terms) sum.add(term);
  return sum;
}

/** Sums as integers of units of 2^-1074, then rounds once. */
function sumByBigInt(terms: readonly number[]): number {
  let units = 0n;
  const bits = new DataView(new ArrayBuffer(8));
  for (const term of terms) {
    bits.setFloat64(0, term);
    const word = bits.getBigUint64(0);
    const exponent = (word >> 52n) & 0x7ffn;
    const fraction = word & ((1n << 52n) - 1n);
    const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n);
    units += word >> 63n === 1n ? -magnitude : magnitude;
  }
  if (units === 0n) return 0;
  const sign = units < 0n ? -1 : 1;
  let magnitude = units < 0n ? -units : units;
  const length = magnitude.toString(2).length;
  if (length <= 53) return sign * Number(magnitude) * 2 ** -1074;
  const shift = BigInt(length - 53);
  const half = 1n << (shift - 1n);
  const rest = magnitude & ((1n << shift) - 1n);
  magnitude >>= shift;
  if (rest > half || (rest === half && (magnitude & 1n) === 1n)) magnitude++;
  const exponent = Number(shift) - 1074;
  // In two steps: 2^-1074 × 2^53 alone would be subnormal.
  return sign * Number(magnitude) * 2 ** Math.floor(exponent / 2) * 2 ** Math.ceil(exponent / 2);
}

const terms = fc.array(fc.double({ noNaN: true, min: -1e290, max: 1e290 }), { maxLength: 30 });

test("the rounded exact sum, and its parts add up to the same", () => {
  fc.assert(
    fc.property(terms, (numbers) => {
      const sum = sumOf(numbers);
      assert.equal(sum.value + 0, sumByBigInt(numbers) + 0);
      assert.equal(sumOf(sum.parts).value + 0, sum.value + 0);
    }),
  );
});

test("halves are rounded to even with everything below seen", () => {
  assert.equal(sumOf([1, 2 ** -53]).value, 1);
  assert.equal(sumOf([1, 2 ** -53, 2 ** -110]).value, 1 + 2 ** -52);
  assert.equal(sumOf([1 + 2 ** -52, 2 ** -53, -(2 ** -110)]).value, 1 + 2 ** -52);
  assert.equal(sumOf([0.1, 0.2, 0.3]).value, sumOf([0.3, 0.2, 0.1]).value);
});

test("infinity stays, integers stay one part", () => {
  assert.equal(sumOf([1, Number.POSITIVE_INFINITY, 0.1, 1e-30]).value, Number.POSITIVE_INFINITY);
  assert.equal(sumOf([0.1, 0.2, Number.POSITIVE_INFINITY, 1]).value, Number.POSITIVE_INFINITY);
  assert.equal(sumOf([1e308, 1e308, 1]).value, Number.POSITIVE_INFINITY);
  assert.deepEqual(sumOf([3, 4, 2 ** 52]).parts, [2 ** 52 + 7]);
});
