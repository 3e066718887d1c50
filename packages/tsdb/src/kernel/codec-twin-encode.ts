/**
 * Encoding half of the codec's twin: the specification of `encode` in kernels/codec.ts. Format: docs/format/block.md.
 *
 *   values ── all alike? ────────────────────────────────────────────► CONSTANT, LINE
 *      │
 *      ├─ decimals: v = m / 10^e, bit by bit ──────────────────► m ──► FRAME, DELTA, DELTA2, TREND, GAPS, BITMAP
 *      ├─ almost decimals (sums of decimals): v = m / 10^e,            (codec-twin-integers.ts)
 *      │  and some representable doubles further ──────────────► m ──►
 *      ├─ few representable doubles apart: m = bits − bits_0 ──► m ──►
 *      │
 *      └─ none of these ──────────────────────────────────────────────► XOR, SPLIT (codec-twin-doubles.ts), RAW
 *
 * Integers are held in doubles, which is exact here: mantissas stay under 2^51, their differences under 2^52, and sums
 * and differences of those under 2^53. 64-bit patterns are held as two 32-bit words. Sizes are estimated in passes over
 * the column; only the winner is written.
 */
import { CONSTANT, EXPONENT_ULPS, LINE, RAW } from "./codec-format.ts";
import { measureXor, planSplit, writeSplit, writeXor } from "./codec-twin-doubles.ts";
import { planIntegers, writeIntegers } from "./codec-twin-integers.ts";
import {
  findExponent,
  findNearExponent,
  fits,
  hasStrangers,
  scaleNearby,
  scaleToMantissas,
  subtractFirstBits,
} from "./codec-twin-scale.ts";
import {
  out,
  outAt,
  rewind,
  values,
  words,
  writeByte,
  writeWords,
  writeZigzag,
  zigzagLength,
} from "./codec-twin-writer.ts";

/** Bits a sample above which decimals must beat everything else to be chosen. */
const DEAR_BITS = 32;

/** Encodes `column[lo..hi)`, at most BLOCK_SAMPLES_MAX samples. The view is valid until the next call. */
export function encodeColumnTwin(column: Float64Array, lo: number, hi: number): Uint8Array {
  const count = hi - lo;
  values.set(column.subarray(lo, hi));
  rewind();
  if (count === 0) writeRaw(0);
  else if (isConstant(count)) writeConstant();
  else encodeChanging(count);
  // Estimates are close, not exact: never worse than raw whatever was chosen.
  if (outAt > 1 + 8 * count) {
    rewind();
    writeRaw(count);
  }
  return out.subarray(0, outAt);
}

function encodeChanging(count: number): void {
  const exponent = findExponent(count);
  const decimalBits = exponent < 0 ? Infinity : planDecimals(count, exponent);
  // Cheap decimals without a doubt are what most columns are: nothing else is measured then.
  if (decimalBits <= DEAR_BITS * count && !hasStrangers()) {
    writeIntegers(exponent, count);
    return;
  }
  const nearExponent = findNearExponent(count);
  const nearBits = nearExponent < 0 ? Infinity : planNearby(count, nearExponent);
  const ulpsBits = subtractFirstBits(count) ? 64 + planIntegers(count) : Infinity;
  const splitBits = planSplit(count);
  const xorBits = measureXor(count);

  const best = Math.min(decimalBits, nearBits, ulpsBits, splitBits, xorBits);
  if (best >= 64 * count) writeRaw(count);
  else if (best === splitBits) writeSplit(count);
  else if (best === xorBits) writeXor(count);
  else if (best === ulpsBits) writeIntegers(EXPONENT_ULPS, count);
  else if (best === nearBits) {
    planNearby(count, nearExponent);
    writeIntegers(nearExponent, count);
  } else {
    planDecimals(count, exponent);
    writeIntegers(exponent, count);
  }
}

function planDecimals(count: number, exponent: number): number {
  scaleToMantissas(count, exponent);
  return planIntegers(count);
}

function planNearby(count: number, exponent: number): number {
  scaleNearby(count, exponent);
  return planIntegers(count);
}

function isConstant(count: number): boolean {
  const low = words[0];
  const high = words[1];
  for (let i = 2; i < 2 * count; i += 2) {
    if (words[i] !== low || words[i + 1] !== high) return false;
  }
  return true;
}

function writeConstant(): void {
  const value = values[0];
  if (fits(value, 1) && zigzagLength(value) < 7) {
    writeByte(LINE);
    writeZigzag(value);
    writeByte(0);
  } else {
    writeByte(CONSTANT);
    writeWords(words[0], words[1]);
  }
}

function writeRaw(count: number): void {
  writeByte(RAW);
  for (let i = 0; i < count; i++) writeWords(words[2 * i], words[2 * i + 1]);
}
