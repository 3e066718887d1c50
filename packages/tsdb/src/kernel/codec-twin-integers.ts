/**
 * The integer codecs of the codec's twin. Integers relative to the first, and divided by the common factor of their
 * differences, become one of
 *
 *   FRAME   the integers themselves             each a list of residuals (codec-twin-residuals.ts)
 *   DELTA   their first differences
 *   DELTA2  their second differences
 *   TREND   what is left above a straight line
 *   GAPS    the differences that are not zero, and how many zeros stand before each
 *   BITMAP  the same, and a bit a sample
 *
 * whichever is estimated smallest.
 */
import {
  BITMAP,
  BLOCK_SAMPLES_MAX,
  DELTA,
  DELTA2,
  EXCEPTION_BITS,
  EXCEPTION_HIGH,
  EXCEPTION_LOW,
  EXPONENT_ULPS,
  FRAME,
  GAPS,
  HAS_DIVISOR,
  HAS_EXCEPTIONS,
  HAS_MORE,
  HAS_NUDGES,
  HAS_OFFSETS,
  LINE,
  NUDGES_ARE_DELTAS,
  RESIDUAL_LIMIT,
  TREND,
} from "./codec-format.ts";
import { median, planResiduals, ResidualPlan, writeResiduals } from "./codec-twin-residuals.ts";
import {
  EXCEPTION_COST,
  exceptionCount,
  exceptions,
  hasNudges,
  mantissas,
  nudges,
  ROUNDER,
} from "./codec-twin-scale.ts";
import {
  beginBits,
  endBits,
  putBits,
  words,
  writeByte,
  writeVarint,
  writeWords,
  writeZigzag,
  zigzagLength,
} from "./codec-twin-writer.ts";

const deltas = new Float64Array(BLOCK_SAMPLES_MAX);
const deltas2 = new Float64Array(BLOCK_SAMPLES_MAX);
const trends = new Float64Array(BLOCK_SAMPLES_MAX);
const changes = new Float64Array(BLOCK_SAMPLES_MAX);
const gaps = new Float64Array(BLOCK_SAMPLES_MAX);
const nudgeDeltas = new Float64Array(BLOCK_SAMPLES_MAX);
/** Places from which another rest is added to multiples of the divisor, and those rests. */
const offsetPlaces = new Uint16Array(BLOCK_SAMPLES_MAX);
const offsets = new Float64Array(BLOCK_SAMPLES_MAX);

const framePlan = new ResidualPlan();
const deltaPlan = new ResidualPlan();
const delta2Plan = new ResidualPlan();
const trendPlan = new ResidualPlan();
const gapPlan = new ResidualPlan();
const changePlan = new ResidualPlan();
const nudgePlan = new ResidualPlan();
const nudgeDeltaPlan = new ResidualPlan();

/** What `planIntegers` decided. */
let codec = DELTA;
let first = 0;
let divisor = 1;
let offsetCount = 0;
let slope = 0;
let changeCount = 0;

/**
 * Decides how to write `mantissas`, `nudges` and `exceptions`, and makes `mantissas` relative to the first and free of the
 * common factor. Returns the estimated bits of all of them.
 */
export function planIntegers(count: number): number {
  first = mantissas[0];
  divisor = commonFactor(count);
  offsetCount = 0;
  const common = trailingZeros(divisor);
  const shift = findShift(count, common);
  if (shift > common) takeOffsets(count, divisor * 2 ** (shift - common));
  else for (let i = 0; i < count; i++) mantissas[i] = (mantissas[i] - first) / divisor;
  let zeros = 0;
  for (let i = 1; i < count; i++) {
    deltas[i] = mantissas[i] - mantissas[i - 1];
    deltas2[i] = deltas[i] - deltas[i - 1];
    if (deltas[i] === 0) zeros++;
  }
  planResiduals(framePlan, mantissas, 1, count);
  planResiduals(deltaPlan, deltas, 1, count);
  planResiduals(delta2Plan, deltas2, 2, count);
  planTrend(count);
  changePlan.bits = Infinity;
  gapPlan.bits = Infinity;
  if (8 * zeros >= count) planChanges(count);
  codec = DELTA;
  for (let other = FRAME; other <= BITMAP; other++) {
    if (bitsOf(other, count) < bitsOf(codec, count)) codec = other;
  }
  let bits =
    bitsOf(codec, count) + exceptionCount * EXCEPTION_COST + offsetCount * (OFFSET_COST + 8 * Math.ceil(shift / 7));
  if (hasNudges) {
    for (let i = 0; i < count; i++) nudgeDeltas[i] = i === 0 ? nudges[0] : nudges[i] - nudges[i - 1];
    planResiduals(nudgePlan, nudges, 0, count);
    planResiduals(nudgeDeltaPlan, nudgeDeltas, 0, count);
    bits += Math.min(nudgePlan.bits, nudgeDeltaPlan.bits);
  }
  return bits;
}

/** Estimated bits of the body under an integer codec. */
function bitsOf(codec: number, count: number): number {
  switch (codec) {
    case FRAME:
      return framePlan.bits;
    case DELTA:
      return deltaPlan.bits;
    case DELTA2:
      return delta2Plan.bits + 8 * zigzagLength(deltas[1]);
    case TREND:
      return trendPlan.bits + 8 * zigzagLength(slope);
    case GAPS:
      return gapPlan.bits + changePlan.bits + 16;
    default:
      return changePlan.bits + count;
  }
}

/** Greatest common divisor of all differences; 1 when all are 0. */
function commonFactor(count: number): number {
  let factor = 0;
  for (let i = 1; i < count; i++) {
    const delta = Math.abs(mantissas[i] - mantissas[i - 1]);
    if (factor === 0) factor = delta;
    else if (delta % factor !== 0) {
      let rest = delta % factor;
      while (rest !== 0) {
        const next = factor % rest;
        factor = rest;
        rest = next;
      }
      if (factor === 1) return 1;
    }
  }
  return factor === 0 ? 1 : factor;
}

/** Estimated bits of an offset besides its own. */
const OFFSET_COST = 12;
const SHIFT_PROBES = 16;
const zerosCounts = new Uint32Array(53);

/**
 * Some gauges move by pages, but not always: most differences are multiples of a power of two, a few are not. Returns
 * the logarithm of the power that saves most; `common` is that of the power that divides all.
 */
function findShift(count: number, common: number): number {
  // Differences of most columns are even in half of all cases: a few of them tell.
  const probes = Math.min(count - 1, SHIFT_PROBES);
  let even = 0;
  for (let k = 0; k < probes; k++) {
    const i = 1 + Math.floor((k * (count - 1)) / probes);
    if (trailingZeros(mantissas[i] - mantissas[i - 1]) >= common + 3) even++;
  }
  if (4 * even < 3 * probes) return common;
  zerosCounts.fill(0);
  for (let i = 1; i < count; i++) zerosCounts[trailingZeros(mantissas[i] - mantissas[i - 1])]++;
  const changed = count - 1 - zerosCounts[52];
  let best = common;
  let bestSaving = count;
  let misfits = 0;
  for (let shift = common + 1; shift < 52; shift++) {
    misfits += zerosCounts[shift - 1];
    const saving = (shift - common) * (changed - misfits) - misfits * (OFFSET_COST + 8 * Math.ceil(shift / 7));
    if (saving > bestSaving) {
      best = shift;
      bestSaving = saving;
    }
  }
  return best;
}

/** Zero bits below the lowest one; 52 for zero. */
function trailingZeros(delta: number): number {
  if (delta === 0) return 52;
  const low = delta | 0;
  if (low !== 0) return 31 - Math.clz32(low & -low);
  const high = (delta / 4294967296) | 0;
  return 63 - Math.clz32(high & -high);
}

/** Divides by `factor` what is left of `mantissas` without offsets. */
function takeOffsets(count: number, factor: number): void {
  divisor = factor;
  let offset = 0;
  for (let i = 0; i < count; i++) {
    const distance = mantissas[i] - first;
    const multiple = Math.floor(distance / factor);
    const rest = distance - multiple * factor;
    if (rest !== offset) {
      offsetPlaces[offsetCount] = i;
      offsets[offsetCount++] = rest;
      offset = rest;
    }
    mantissas[i] = multiple;
  }
}

/** Points at which a trend is tried before all samples are. */
const TREND_PROBES = 16;
const probeSlopes = new Float64Array(TREND_PROBES);

/**
 * A trend is a slope that does not drift: timestamps of a scraper that is late by a little, but never more. The slope is the
 * median over sixteen stretches, so that one outage does not spoil it.
 */
function planTrend(count: number): void {
  trendPlan.bits = Infinity;
  slope = 0;
  if (count < 2 * TREND_PROBES || deltaPlan.bits === Infinity) return;
  const stride = Math.floor((count - 1) / TREND_PROBES);
  for (let k = 0; k < TREND_PROBES; k++) {
    const rise = (mantissas[(k + 1) * stride] - mantissas[k * stride]) / stride;
    probeSlopes[k] = rise + ROUNDER - ROUNDER;
  }
  slope = median(probeSlopes, TREND_PROBES);
  if (slope === 0 || Math.abs(slope) * count >= RESIDUAL_LIMIT / 2) return;
  // A random walk strays much further from its trend than one step; then the pass over all samples is not worth it.
  let lowest = 0;
  let highest = 0;
  for (let k = 1; k <= TREND_PROBES; k++) {
    const stray = mantissas[k * stride] - k * stride * slope;
    if (stray < lowest) lowest = stray;
    if (stray > highest) highest = stray;
  }
  if (highest - lowest >= 2 ** deltaPlan.width) return;
  for (let i = 1; i < count; i++) trends[i] = mantissas[i] - i * slope;
  planResiduals(trendPlan, trends, 1, count);
}

/** Collects the differences that are not zero, and how many zeros stand before each. */
function planChanges(count: number): void {
  changeCount = 0;
  let place = 1;
  for (let i = 1; i < count; i++) {
    if (deltas[i] === 0) continue;
    changes[changeCount] = deltas[i];
    gaps[changeCount++] = i - place;
    place = i + 1;
  }
  planResiduals(changePlan, changes, 0, changeCount);
  planResiduals(gapPlan, gaps, 0, changeCount);
}

// ── Writing ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Writes the column as planned. */
export function writeIntegers(exponent: number, count: number): void {
  if (exponent === 0 && codec === DELTA && exceptionCount === 0 && offsetCount === 0 && !hasNudges && isLine(count)) {
    writeByte(LINE);
    writeZigzag(first);
    writeZigzag(deltas[1] * divisor);
    return;
  }
  const more = (offsetCount > 0 ? HAS_OFFSETS : 0) | (hasNudges ? HAS_NUDGES : 0);
  const isStepped = hasNudges && nudgeDeltaPlan.bits < nudgePlan.bits;
  writeByte(codec);
  writeByte(
    exponent |
      (exceptionCount > 0 ? HAS_EXCEPTIONS : 0) |
      (divisor !== 1 ? HAS_DIVISOR : 0) |
      (more !== 0 ? HAS_MORE : 0),
  );
  if (more !== 0) writeByte(isStepped ? more | NUDGES_ARE_DELTAS : more);
  if (exponent === EXPONENT_ULPS) writeWords(words[0], words[1]);
  else writeZigzag(first);
  if (divisor !== 1) writeVarint(divisor);
  writeBody(count);
  if (offsetCount > 0) writeOffsets();
  if (isStepped) writeResiduals(nudgeDeltaPlan, nudgeDeltas, 0, count);
  else if (hasNudges) writeResiduals(nudgePlan, nudges, 0, count);
  if (exceptionCount > 0) writeExceptions();
}

function writeBody(count: number): void {
  switch (codec) {
    case FRAME:
      writeResiduals(framePlan, mantissas, 1, count);
      break;
    case DELTA:
      writeResiduals(deltaPlan, deltas, 1, count);
      break;
    case DELTA2:
      writeZigzag(deltas[1]);
      writeResiduals(delta2Plan, deltas2, 2, count);
      break;
    case TREND:
      writeZigzag(slope);
      writeResiduals(trendPlan, trends, 1, count);
      break;
    case GAPS:
      writeVarint(changeCount);
      writeResiduals(gapPlan, gaps, 0, changeCount);
      writeResiduals(changePlan, changes, 0, changeCount);
      break;
    default:
      beginBits();
      for (let i = 1; i < count; i++) putBits(deltas[i] === 0 ? 0 : 1, 1);
      endBits();
      writeResiduals(changePlan, changes, 0, changeCount);
  }
}

/** Whether all first differences are one. */
function isLine(count: number): boolean {
  for (let i = 2; i < count; i++) if (deltas[i] !== deltas[1]) return false;
  return true;
}

function writeOffsets(): void {
  writeVarint(offsetCount);
  let place = 0;
  for (let k = 0; k < offsetCount; k++) {
    writeVarint(offsetPlaces[k] - place);
    writeVarint(offsets[k]);
    place = offsetPlaces[k] + 1;
  }
}

function writeExceptions(): void {
  writeVarint(exceptionCount);
  let place = 0;
  for (let k = 0; k < exceptionCount; k++) {
    const i = exceptions[k];
    const low = words[2 * i];
    const high = words[2 * i + 1];
    let kind = 0;
    while (kind < EXCEPTION_LOW.length && (EXCEPTION_LOW[kind] !== low || EXCEPTION_HIGH[kind] !== high)) kind++;
    if (kind === EXCEPTION_LOW.length) kind = EXCEPTION_BITS;
    writeVarint(8 * (i - place) + kind);
    if (kind === EXCEPTION_BITS) writeWords(low, high);
    place = i + 1;
  }
}
