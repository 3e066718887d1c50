// From the column to bytes: which codec. Twin: src/kernel/codec-twin-encode.ts, where the choice is drawn.

import { measureXor, planSplit, writeSplit, writeXor } from "./doubles";
import { COLUMN, CONSTANT, EXPONENT_ULPS, IMPOSSIBLE, LINE, RAW } from "./format";
import { planIntegers, writeIntegers } from "./integers";
import {
  findExponent,
  findNearExponent,
  fits,
  hasStrangers,
  scaleNearby,
  scaleToMantissas,
  subtractFirstBits,
} from "./scale";
import { rewind, writeByte, writeBytes, writeU64, writeZigzag, written, zigzagLength } from "./writer";

const DEAR_BITS: i64 = 32;

/** Encodes COLUMN[0..count) into BYTES; returns how many bytes. */
export function encodeColumn(count: i32): i32 {
  rewind();
  if (count == 0) writeRaw(0);
  else if (isConstant(count)) writeConstant();
  else encodeChanging(count);
  if (written() > 1 + 8 * count) {
    rewind();
    writeRaw(count);
  }
  return written();
}

function encodeChanging(count: i32): void {
  const exponent = findExponent(count);
  const decimalBits = exponent < 0 ? IMPOSSIBLE : planDecimals(count, exponent);
  if (decimalBits <= DEAR_BITS * <i64>count && !hasStrangers()) {
    writeIntegers(exponent, count);
    return;
  }
  const nearExponent = findNearExponent(count);
  const nearBits = nearExponent < 0 ? IMPOSSIBLE : planNearby(count, nearExponent);
  const ulpsBits = subtractFirstBits(count) ? 64 + planIntegers(count) : IMPOSSIBLE;
  const splitBits = planSplit(count);
  const xorBits = measureXor(count);

  const best = min(min(min(decimalBits, nearBits), min(ulpsBits, splitBits)), xorBits);
  if (best >= 64 * <i64>count) writeRaw(count);
  else if (best == splitBits) writeSplit(count);
  else if (best == xorBits) writeXor(count);
  else if (best == ulpsBits) writeIntegers(EXPONENT_ULPS, count);
  else if (best == nearBits) {
    planNearby(count, nearExponent);
    writeIntegers(nearExponent, count);
  } else {
    planDecimals(count, exponent);
    writeIntegers(exponent, count);
  }
}

function planDecimals(count: i32, exponent: i32): i64 {
  scaleToMantissas(count, exponent);
  return planIntegers(count);
}

function planNearby(count: i32, exponent: i32): i64 {
  scaleNearby(count, exponent);
  return planIntegers(count);
}

function isConstant(count: i32): bool {
  const first = load<u64>(COLUMN);
  const end = COLUMN + ((<usize>count) << 3);
  for (let p = COLUMN + 8; p < end; p += 8) {
    if (load<u64>(p) != first) return false;
  }
  return true;
}

function writeConstant(): void {
  const value = load<f64>(COLUMN);
  if (fits(value, 1) && zigzagLength(<i64>value) < 7) {
    writeByte(LINE);
    writeZigzag(<i64>value);
    writeByte(0);
  } else {
    writeByte(CONSTANT);
    writeU64(load<u64>(COLUMN));
  }
}

function writeRaw(count: i32): void {
  writeByte(RAW);
  writeBytes(COLUMN, 8 * count);
}
