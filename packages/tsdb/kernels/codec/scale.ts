// From values to integers: which power of ten makes a column integers, which values are exceptions to it, and what to do
// about sums whose last bits are off. Twin: src/kernel/codec-twin-scale.ts.

import { COLUMN, EXCEPTIONS, EXPONENT_MAX, INTEGERS, MANTISSA_MAX, NUDGES, powerOfTen, ROUNDER } from "./format";

const PROBES: i32 = 32;
export const EXCEPTION_COST: i64 = 80;
const DIGIT_COST: i64 = 332;
const NUDGE_MAX: i64 = 255;
const NEARNESS: f64 = 1.0 / 1024.0;

/** Whether NUDGES counts: how many representable doubles above its decimal each value is. */
export let hasNudges: bool = false;
/** Length of EXCEPTIONS: places whose value is not what its integer and nudge say. */
export let exceptionCount: i32 = 0;

/** The integer nearest to `scaled`, |scaled| < 2^51, ties to even. */
function nearestInteger(scaled: f64): i64 {
  return reinterpret<i64>(scaled + ROUNDER) - reinterpret<i64>(ROUNDER);
}

function valueAt(i: i32): f64 {
  return load<f64>(COLUMN + ((<usize>i) << 3));
}

/** Whether `value` is an integer over `power` (of ten), by the arithmetic of the decoder, to the last bit. */
export function fits(value: f64, power: f64): bool {
  const scaled = value * power;
  if (!(abs(scaled) <= MANTISSA_MAX)) return false;
  // The decoder's zero is +0, so comparing bits refuses −0.
  return reinterpret<i64>((scaled + ROUNDER - ROUNDER) / power) == reinterpret<i64>(value);
}

function leastExponent(value: f64, from: i32): i32 {
  for (let exponent = from; exponent <= EXPONENT_MAX; exponent++) {
    const power = powerOfTen(exponent);
    if (!(abs(value * power) <= MANTISSA_MAX)) return -1;
    if (fits(value, power)) return exponent;
  }
  return -1;
}

/** NaN, ±Inf, −0: no scale makes them integers, so they say nothing about the right one. */
function isSpecial(value: f64): bool {
  return !(abs(value) < Infinity) || reinterpret<u64>(value) == 0x8000000000000000;
}

/** How many samples need which exponent; those below the one in use are counted with it. */
const EXPONENT_COUNTS: usize = memory.data(4 * (EXPONENT_MAX + 1), 16);

function countOf(exponent: i32): i32 {
  return load<i32>(EXPONENT_COUNTS + ((<usize>exponent) << 2));
}

function addCount(exponent: i32, count: i32): i32 {
  const slot = EXPONENT_COUNTS + ((<usize>exponent) << 2);
  const sum = load<i32>(slot) + count;
  store<i32>(slot, sum);
  return sum;
}

/** Exponent that INTEGERS and EXCEPTIONS were filled with by the way, or −1. */
let filledExponent: i32 = -1;

/** The exponent to scale by, or −1 when too many values are no short decimals. */
export function findExponent(count: i32): i32 {
  filledExponent = -1;
  memory.fill(EXPONENT_COUNTS, 0, 4 * (EXPONENT_MAX + 1));
  const probes = min(count, PROBES);
  let strangers = 0;
  let probed = 0;
  for (let k = 0; k < probes; k++) {
    const value = valueAt((k * count) / probes);
    if (isSpecial(value)) continue;
    probed++;
    const exponent = leastExponent(value, 0);
    if (exponent < 0) strangers++;
    else addCount(exponent, 1);
  }
  if (2 * strangers > probed || probed == 0) return -1;
  let current = EXPONENT_MAX;
  while (current > 0 && 8 * countOf(current) < probed) current--;

  memory.fill(EXPONENT_COUNTS, 0, 4 * (EXPONENT_MAX + 1));
  strangers = 0;
  const lowest = current;
  const strangersMax = (count >> 3) + 4;
  let power = powerOfTen(current);
  let fitting = 0;
  let misfits = 0;
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    const scaled = value * power;
    // The integers are written on the way: almost always the exponent is the one of the probes.
    const rounded = scaled + ROUNDER;
    store<i64>(INTEGERS + ((<usize>i) << 3), reinterpret<i64>(rounded) - reinterpret<i64>(ROUNDER));
    if (abs(scaled) <= MANTISSA_MAX && reinterpret<i64>((rounded - ROUNDER) / power) == reinterpret<i64>(value)) {
      fitting++;
      continue;
    }
    store<u16>(EXCEPTIONS + ((<usize>misfits) << 1), i);
    misfits++;
    if (isSpecial(value)) continue;
    const exponent = leastExponent(value, lowest);
    if (exponent < 0) {
      if (++strangers > strangersMax) return -1;
    } else {
      // Those that fitted so far belong to the exponent that was in use then.
      addCount(current, fitting);
      fitting = 0;
      if (8 * addCount(exponent, 1) > i + 16 && exponent > current) {
        current = exponent;
        power = powerOfTen(current);
      }
    }
  }
  addCount(current, fitting);

  let best = -1;
  let bestCost: i64 = 0;
  let dropped = strangers;
  for (let exponent = EXPONENT_MAX; exponent >= lowest; exponent--) {
    if (countOf(exponent) == 0) continue;
    const cost = <i64>dropped * EXCEPTION_COST * 100 + <i64>exponent * DIGIT_COST * <i64>count;
    if (best < 0 || cost <= bestCost) {
      best = exponent;
      bestCost = cost;
    }
    dropped += countOf(exponent);
  }
  if (current == lowest && best == lowest) {
    filledExponent = best;
    exceptionCount = misfits;
  }
  return best;
}

/** Fills INTEGERS and EXCEPTIONS. */
export function scaleToMantissas(count: i32, exponent: i32): void {
  hasNudges = false;
  if (exponent != filledExponent) {
    const power = powerOfTen(exponent);
    exceptionCount = 0;
    for (let i = 0; i < count; i++) {
      const value = valueAt(i);
      if (fits(value, power)) store<i64>(INTEGERS + ((<usize>i) << 3), nearestInteger(value * power));
      else addException(i);
    }
  }
  filledExponent = -1;
  if (exceptionCount > 0) fillExceptions(count);
}

function addException(i: i32): void {
  store<u16>(EXCEPTIONS + ((<usize>exceptionCount) << 1), i);
  exceptionCount++;
}

/** Whether an exception is a number that only lacks digits, and may be near a decimal. */
export function hasStrangers(): bool {
  for (let k = 0; k < exceptionCount; k++) {
    if (!isSpecial(valueAt(<i32>load<u16>(EXCEPTIONS + ((<usize>k) << 1))))) return true;
  }
  return false;
}

/** Gives every exception its predecessor's integer (the first ones their successor's), so that packing it is free. */
function fillExceptions(count: i32): void {
  let k = 0;
  while (k < exceptionCount && <i32>load<u16>(EXCEPTIONS + ((<usize>k) << 1)) == k) k++;
  const lead = k == count ? 0 : load<i64>(INTEGERS + ((<usize>k) << 3));
  for (let i = 0; i < k; i++) store<i64>(INTEGERS + ((<usize>i) << 3), lead);
  for (; k < exceptionCount; k++) {
    const at = INTEGERS + ((<usize>load<u16>(EXCEPTIONS + ((<usize>k) << 1))) << 3);
    store<i64>(at, load<i64>(at - 8));
  }
}

/** Representable doubles from the decimal up to the value; beyond NUDGE_MAX either way when they are too many. */
function nudgeOf(value: f64, mantissa: f64, power: f64): i64 {
  return reinterpret<i64>(value) - reinterpret<i64>(mantissa / power);
}

function isNudge(distance: i64): bool {
  return distance >= -NUDGE_MAX && distance <= NUDGE_MAX;
}

/** The exponent of a column whose values are almost decimals; −1 when most values are not. */
export function findNearExponent(count: i32): i32 {
  memory.fill(EXPONENT_COUNTS, 0, 4 * (EXPONENT_MAX + 1));
  const probes = min(count, PROBES);
  let strangers = 0;
  let probed = 0;
  for (let k = 0; k < probes; k++) {
    const value = valueAt((k * count) / probes);
    if (isSpecial(value)) continue;
    probed++;
    const exponent = leastNearExponent(value);
    if (exponent < 0) strangers++;
    else addCount(exponent, 1);
  }
  if (4 * strangers > probed || probed == 0) return -1;
  let exponent = EXPONENT_MAX;
  while (exponent > 0 && 8 * countOf(exponent) < probed) exponent--;
  return exponent;
}

function leastNearExponent(value: f64): i32 {
  for (let exponent = 0; exponent <= EXPONENT_MAX; exponent++) {
    const power = powerOfTen(exponent);
    const scaled = value * power;
    if (!(abs(scaled) <= MANTISSA_MAX)) return -1;
    const mantissa = scaled + ROUNDER - ROUNDER;
    if (abs(scaled - mantissa) < NEARNESS && isNudge(nudgeOf(value, mantissa, power))) return exponent;
  }
  return -1;
}

/** Fills INTEGERS, NUDGES and EXCEPTIONS. */
export function scaleNearby(count: i32, exponent: i32): void {
  const power = powerOfTen(exponent);
  filledExponent = -1;
  hasNudges = true;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = valueAt(i);
    const scaled = value * power;
    let nudge: i64 = NUDGE_MAX + 1;
    if (abs(scaled) <= MANTISSA_MAX) {
      store<i64>(INTEGERS + ((<usize>i) << 3), nearestInteger(scaled));
      nudge = nudgeOf(value, scaled + ROUNDER - ROUNDER, power);
    }
    if (!isNudge(nudge)) {
      addException(i);
      nudge = 0;
    }
    store<i64>(NUDGES + ((<usize>i) << 3), nudge);
  }
  fillExceptions(count);
}

/** Fills INTEGERS with how many representable doubles each value is above the first; false when that is too far. */
export function subtractFirstBits(count: i32): bool {
  filledExponent = -1;
  hasNudges = false;
  exceptionCount = 0;
  const first = load<i64>(COLUMN);
  for (let i = 0; i < count; i++) {
    const bits = load<i64>(COLUMN + ((<usize>i) << 3));
    const highs = (bits >> 32) - (first >> 32);
    if (highs >= 0x7ffff || highs <= -0x7ffff) return false;
    store<i64>(INTEGERS + ((<usize>i) << 3), bits - first);
  }
  return true;
}
