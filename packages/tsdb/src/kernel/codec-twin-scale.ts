/**
 * From values to integers in the codec's twin: which power of ten makes a column integers, which values are exceptions
 * to it, and what to do about sums whose last bits are off.
 */
import { BLOCK_SAMPLES_MAX, EXPONENT_MAX, MANTISSA_MAX, POWERS_OF_TEN } from "./codec-format.ts";
import { values, words } from "./codec-twin-writer.ts";

/** 1.5 · 2^52: adding and taking it away again rounds to the nearest integer, ties to even, as the kernel does. */
export const ROUNDER = 6755399441055744;
const TWO_32 = 4294967296;
/** Samples looked at before all of them are. */
const PROBES = 32;
/** Estimated bits of an exception. */
export const EXCEPTION_COST = 80;
/** Bits a sample that one more decimal digit costs, times 100. */
const DIGIT_COST = 332;
/** Furthest that a sum may be from its decimal, in representable doubles. */
const NUDGE_MAX = 255;
/** How near a decimal must be to be believed, in its last digit: any double is within half of one. */
const NEARNESS = 1 / 1024;

/** Integers to encode. `planIntegers` makes them relative to the first and divides them by their common factor. */
export const mantissas: Float64Array = new Float64Array(BLOCK_SAMPLES_MAX);
/** How many representable doubles above its decimal each value is. All 0, and unset, unless `hasNudges`. */
export const nudges: Float64Array = new Float64Array(BLOCK_SAMPLES_MAX);
export let hasNudges = false;
/** Places whose value is not what its mantissa and nudge say. */
export const exceptions: Uint16Array = new Uint16Array(BLOCK_SAMPLES_MAX);
export let exceptionCount = 0;

/** Whether `value` is an integer over `power` (of ten), by the arithmetic of the decoder, to the last bit. */
export function fits(value: number, power: number): boolean {
  const scaled = value * power;
  if (!(Math.abs(scaled) <= MANTISSA_MAX)) return false;
  const mantissa = scaled + ROUNDER - ROUNDER;
  // −0 passes as 0 and must not.
  return mantissa / power === value && (mantissa !== 0 || 1 / value > 0);
}

/** Least exponent from `from` on at which `value` is a decimal; −1 if there is none. */
function leastExponent(value: number, from: number): number {
  for (let exponent = from; exponent <= EXPONENT_MAX; exponent++) {
    const power = POWERS_OF_TEN[exponent];
    if (!(Math.abs(value * power) <= MANTISSA_MAX)) return -1;
    if (fits(value, power)) return exponent;
  }
  return -1;
}

/** NaN, ±Inf, −0: no scale makes them integers, so they say nothing about the right one. */
function isSpecial(value: number): boolean {
  return !(Math.abs(value) < Infinity) || (value === 0 && 1 / value < 0);
}

/** How many samples need which exponent; those below the one in use are counted with it. */
const exponentCounts = new Uint32Array(EXPONENT_MAX + 1);

/**
 * The exponent to scale by, or −1 when too many values are no short decimals. A few values with more digits than the
 * rest become exceptions when that is smaller than scaling all by more.
 */
export function findExponent(count: number): number {
  exponentCounts.fill(0);
  const probes = Math.min(count, PROBES);
  let strangers = 0;
  let probed = 0;
  for (let k = 0; k < probes; k++) {
    const value = values[Math.floor((k * count) / probes)];
    if (isSpecial(value)) continue;
    probed++;
    const exponent = leastExponent(value, 0);
    if (exponent < 0) strangers++;
    else exponentCounts[exponent]++;
  }
  if (2 * strangers > probed || probed === 0) return -1;
  let current = EXPONENT_MAX;
  while (current > 0 && 8 * exponentCounts[current] < probed) current--;

  exponentCounts.fill(0);
  strangers = 0;
  const lowest = current;
  const strangersMax = (count >> 3) + 4;
  let power = POWERS_OF_TEN[current];
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (fits(value, power)) {
      exponentCounts[current]++;
      continue;
    }
    if (isSpecial(value)) continue;
    // From the lowest on: the one in use may have too few digits for this value, or too many.
    const exponent = leastExponent(value, lowest);
    if (exponent < 0) {
      if (++strangers > strangersMax) return -1;
    } else if (8 * ++exponentCounts[exponent] > i + 16 && exponent > current) {
      current = exponent;
      power = POWERS_OF_TEN[current];
    }
  }

  let best = -1;
  let bestCost = 0;
  let dropped = strangers;
  for (let exponent = EXPONENT_MAX; exponent >= lowest; exponent--) {
    if (exponentCounts[exponent] === 0) continue;
    const cost = dropped * EXCEPTION_COST * 100 + exponent * DIGIT_COST * count;
    if (best < 0 || cost <= bestCost) {
      best = exponent;
      bestCost = cost;
    }
    dropped += exponentCounts[exponent];
  }
  return best;
}

/** Fills `mantissas` and `exceptions`. */
export function scaleToMantissas(count: number, exponent: number): void {
  const power = POWERS_OF_TEN[exponent];
  hasNudges = false;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (fits(value, power)) mantissas[i] = value * power + ROUNDER - ROUNDER;
    else exceptions[exceptionCount++] = i;
  }
  fillExceptions(count);
}

/** Whether an exception is a number that only lacks digits, and may be near a decimal. */
export function hasStrangers(): boolean {
  for (let k = 0; k < exceptionCount; k++) if (!isSpecial(values[exceptions[k]])) return true;
  return false;
}

/** Gives every exception its predecessor's mantissa (the first ones their successor's), so that packing it is free. */
function fillExceptions(count: number): void {
  let k = 0;
  while (k < exceptionCount && exceptions[k] === k) k++;
  const lead = k === count ? 0 : mantissas[k];
  for (let i = 0; i < k; i++) mantissas[i] = lead;
  for (; k < exceptionCount; k++) mantissas[exceptions[k]] = mantissas[exceptions[k] - 1];
}

/** Representable doubles from the decimal `mantissa / power` up to value `i`, or NaN when they are too many. */
function nudgeOf(i: number, mantissa: number, power: number): number {
  near[0] = mantissa / power;
  const highs = (words[2 * i + 1] | 0) - (nearWords[1] | 0);
  const distance = highs * TWO_32 + (words[2 * i] - nearWords[0]);
  return distance >= -NUDGE_MAX && distance <= NUDGE_MAX ? distance : NaN;
}

const near = new Float64Array(1);
const nearWords = new Uint32Array(near.buffer);

/**
 * The exponent of a column whose values are almost decimals: what is left of sums of decimals, 0.30000000000000004 and
 * the like. −1 when most values are not.
 */
export function findNearExponent(count: number): number {
  exponentCounts.fill(0);
  const probes = Math.min(count, PROBES);
  let strangers = 0;
  let probed = 0;
  for (let k = 0; k < probes; k++) {
    const i = Math.floor((k * count) / probes);
    if (isSpecial(values[i])) continue;
    probed++;
    const exponent = leastNearExponent(i);
    if (exponent < 0) strangers++;
    else exponentCounts[exponent]++;
  }
  if (4 * strangers > probed || probed === 0) return -1;
  let exponent = EXPONENT_MAX;
  while (exponent > 0 && 8 * exponentCounts[exponent] < probed) exponent--;
  return exponent;
}

function leastNearExponent(i: number): number {
  const value = values[i];
  for (let exponent = 0; exponent <= EXPONENT_MAX; exponent++) {
    const power = POWERS_OF_TEN[exponent];
    const scaled = value * power;
    if (!(Math.abs(scaled) <= MANTISSA_MAX)) return -1;
    const mantissa = scaled + ROUNDER - ROUNDER;
    if (Math.abs(scaled - mantissa) < NEARNESS && !Number.isNaN(nudgeOf(i, mantissa, power))) return exponent;
  }
  return -1;
}

/** Fills `mantissas`, `nudges` and `exceptions`. */
export function scaleNearby(count: number, exponent: number): void {
  const power = POWERS_OF_TEN[exponent];
  hasNudges = true;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const scaled = values[i] * power;
    let nudge = NaN;
    if (Math.abs(scaled) <= MANTISSA_MAX) {
      mantissas[i] = scaled + ROUNDER - ROUNDER;
      nudge = nudgeOf(i, mantissas[i], power);
    }
    nudges[i] = nudge;
    if (Number.isNaN(nudge)) {
      exceptions[exceptionCount++] = i;
      nudges[i] = 0;
    }
  }
  fillExceptions(count);
}

/** Fills `mantissas` with how many representable doubles each value is above the first; false when that is too far. */
export function subtractFirstBits(count: number): boolean {
  const low = words[0];
  const high = words[1] | 0;
  hasNudges = false;
  exceptionCount = 0;
  for (let i = 0; i < count; i++) {
    const highs = (words[2 * i + 1] | 0) - high;
    if (highs >= 0x7ffff || highs <= -0x7ffff) return false;
    mantissas[i] = highs * TWO_32 + (words[2 * i] - low);
  }
  return true;
}
