// The integer codecs. Integers relative to the first, and divided by the common factor of their differences, become
// FRAME, DELTA, DELTA2, TREND, GAPS or BITMAP, whichever is estimated smallest. Twin: src/kernel/codec-twin-integers.ts.

import {
  BITMAP,
  CHANGES,
  COLUMN,
  DELTA,
  DELTA2,
  DELTAS,
  DELTAS2,
  EXCEPTION_BITS,
  EXCEPTION_KINDS,
  EXCEPTION_VALUES,
  EXCEPTIONS,
  EXPONENT_ULPS,
  FRAME,
  GAP_LIST,
  GAPS,
  HAS_DIVISOR,
  HAS_EXCEPTIONS,
  HAS_MORE,
  HAS_NUDGES,
  HAS_OFFSETS,
  IMPOSSIBLE,
  INTEGERS,
  LINE,
  NUDGE_DELTAS,
  NUDGES,
  NUDGES_ARE_DELTAS,
  OFFSET_PLACES,
  OFFSETS,
  RESIDUAL_LIMIT,
  ROUNDER,
  TREND,
  TRENDS,
} from "./format";
import { median, planResiduals, ResidualPlan, writeResiduals } from "./residuals";
import { EXCEPTION_COST, exceptionCount, hasNudges } from "./scale";
import { beginBits, endBits, putBits, writeByte, writeU64, writeVarint, writeZigzag, zigzagLength } from "./writer";

const PLAN_BYTES: i32 = 64;
const framePlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const deltaPlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const delta2Plan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const trendPlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const gapPlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const changePlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const nudgePlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));
const nudgeDeltaPlan = changetype<ResidualPlan>(memory.data(PLAN_BYTES, 16));

/** What `planIntegers` decided. */
let codec: i32 = DELTA;
let first: i64 = 0;
let divisor: i64 = 1;
let offsetCount: i32 = 0;
let slope: i64 = 0;
let changeCount: i32 = 0;

function at(list: usize, i: i32): i64 {
  return load<i64>(list + ((<usize>i) << 3));
}

function put(list: usize, i: i32, value: i64): void {
  store<i64>(list + ((<usize>i) << 3), value);
}

/** Decides how to write INTEGERS, NUDGES and EXCEPTIONS; returns the estimated bits of all of them. */
export function planIntegers(count: i32): i64 {
  first = at(INTEGERS, 0);
  divisor = commonFactor(count);
  offsetCount = 0;
  const common = trailingZeros(divisor);
  const shift = findShift(count, common);
  if (shift > common) takeOffsets(count, divisor << (shift - common));
  else divideAll(count);
  const zeros = differentiate(count);
  planResiduals(framePlan, INTEGERS, 1, count);
  planResiduals(deltaPlan, DELTAS, 1, count);
  planResiduals(delta2Plan, DELTAS2, 2, count);
  planTrend(count);
  changePlan.bits = IMPOSSIBLE;
  gapPlan.bits = IMPOSSIBLE;
  if (8 * zeros >= count) planChanges(count);
  codec = DELTA;
  for (let other = FRAME; other <= BITMAP; other++) {
    if (bitsOf(other, count) < bitsOf(codec, count)) codec = other;
  }
  let bits = bitsOf(codec, count) + <i64>exceptionCount * EXCEPTION_COST + <i64>offsetCount * offsetCost(shift);
  if (hasNudges) {
    let last: i64 = 0;
    for (let i = 0; i < count; i++) {
      const nudge = at(NUDGES, i);
      put(NUDGE_DELTAS, i, nudge - last);
      last = nudge;
    }
    planResiduals(nudgePlan, NUDGES, 0, count);
    planResiduals(nudgeDeltaPlan, NUDGE_DELTAS, 0, count);
    bits += min(nudgePlan.bits, nudgeDeltaPlan.bits);
  }
  return bits;
}

/** Makes INTEGERS relative to the first and divides them by the common factor. */
function divideAll(count: i32): void {
  const end = INTEGERS + ((<usize>count) << 3);
  const factor = divisor;
  if ((factor & (factor - 1)) == 0) {
    const shift = ctz(factor);
    for (let p = INTEGERS; p < end; p += 8) store<i64>(p, (load<i64>(p) - first) >> shift);
  } else {
    for (let p = INTEGERS; p < end; p += 8) store<i64>(p, (load<i64>(p) - first) / factor);
  }
}

/** Fills DELTAS from 1 on and DELTAS2 from 2 on; returns how many first differences are zero. */
function differentiate(count: i32): i32 {
  let zeros = 0;
  let last: i64 = 0;
  let lastDelta: i64 = 0;
  for (let i = 1; i < count; i++) {
    const integer = at(INTEGERS, i);
    const delta = integer - last;
    put(DELTAS, i, delta);
    put(DELTAS2, i, delta - lastDelta);
    zeros += <i32>(delta == 0);
    last = integer;
    lastDelta = delta;
  }
  return zeros;
}

/** Estimated bits of the body under an integer codec. */
function bitsOf(codec: i32, count: i32): i64 {
  switch (codec) {
    case FRAME:
      return framePlan.bits;
    case DELTA:
      return deltaPlan.bits;
    case DELTA2:
      return delta2Plan.bits + 8 * zigzagLength(at(DELTAS, 1));
    case TREND:
      return trendPlan.bits + 8 * zigzagLength(slope);
    case GAPS:
      return gapPlan.bits + changePlan.bits + 16;
    default:
      return changePlan.bits + <i64>count;
  }
}

/** Greatest common divisor of all differences; 1 when all are 0. */
function commonFactor(count: i32): i64 {
  let factor: i64 = 0;
  /** One less than the factor when that is a power of two, which needs no division to be tried. */
  let mask: i64 = 0;
  let last = at(INTEGERS, 0);
  let lastDelta: i64 = 0;
  for (let i = 1; i < count; i++) {
    const integer = at(INTEGERS, i);
    const delta = abs(integer - last);
    last = integer;
    if (delta == lastDelta) continue;
    lastDelta = delta;
    if (factor != 0) {
      if (mask != 0 ? (delta & mask) == 0 : delta % factor == 0) continue;
      let rest = delta % factor;
      while (rest != 0) {
        const next = factor % rest;
        factor = rest;
        rest = next;
      }
    } else factor = delta;
    if (factor == 1) return 1;
    mask = (factor & (factor - 1)) == 0 ? factor - 1 : 0;
  }
  return factor == 0 ? 1 : factor;
}

const OFFSET_COST: i64 = 12;
const SHIFT_PROBES: i32 = 16;
const ZEROS_COUNTS: usize = memory.data(4 * 53, 16);

function offsetCost(shift: i32): i64 {
  return OFFSET_COST + 8 * ((<i64>shift + 6) / 7);
}

/** Logarithm of the power of two that divides most differences and saves most; `common` is that of the one that divides all. */
function findShift(count: i32, common: i32): i32 {
  const probes = min(count - 1, SHIFT_PROBES);
  let even = 0;
  for (let k = 0; k < probes; k++) {
    const i = 1 + (k * (count - 1)) / probes;
    if (trailingZeros(at(INTEGERS, i) - at(INTEGERS, i - 1)) >= common + 3) even++;
  }
  if (4 * even < 3 * probes) return common;
  memory.fill(ZEROS_COUNTS, 0, 4 * 53);
  for (let i = 1; i < count; i++) {
    const slot = ZEROS_COUNTS + ((<usize>trailingZeros(at(INTEGERS, i) - at(INTEGERS, i - 1))) << 2);
    store<i32>(slot, load<i32>(slot) + 1);
  }
  const changed = count - 1 - load<i32>(ZEROS_COUNTS + 4 * 52);
  let best = common;
  let bestSaving: i64 = count;
  let misfits = 0;
  for (let shift = common + 1; shift < 52; shift++) {
    misfits += load<i32>(ZEROS_COUNTS + ((<usize>(shift - 1)) << 2));
    const saving = <i64>(shift - common) * <i64>(changed - misfits) - <i64>misfits * offsetCost(shift);
    if (saving > bestSaving) {
      best = shift;
      bestSaving = saving;
    }
  }
  return best;
}

/** Zero bits below the lowest one; 52 for zero. */
function trailingZeros(delta: i64): i32 {
  return delta == 0 ? 52 : <i32>ctz(delta);
}

/** Divides by `factor`, a multiple of the divisor, what is left of INTEGERS without offsets. */
function takeOffsets(count: i32, factor: i64): void {
  divisor = factor;
  let offset: i64 = 0;
  for (let i = 0; i < count; i++) {
    const distance = at(INTEGERS, i) - first;
    let rest = distance % factor;
    if (rest < 0) rest += factor;
    if (rest != offset) {
      store<u16>(OFFSET_PLACES + ((<usize>offsetCount) << 1), i);
      put(OFFSETS, offsetCount++, rest);
      offset = rest;
    }
    put(INTEGERS, i, (distance - rest) / factor);
  }
}

const TREND_PROBES: i32 = 16;
const PROBE_SLOPES: usize = memory.data(8 * TREND_PROBES, 16);

/** A trend is a slope that does not drift; see the twin. */
function planTrend(count: i32): void {
  trendPlan.bits = IMPOSSIBLE;
  slope = 0;
  if (count < 2 * TREND_PROBES || deltaPlan.bits == IMPOSSIBLE) return;
  const stride = (count - 1) / TREND_PROBES;
  for (let k = 0; k < TREND_PROBES; k++) {
    const rise = <f64>(at(INTEGERS, (k + 1) * stride) - at(INTEGERS, k * stride)) / <f64>stride;
    put(PROBE_SLOPES, k, <i64>(rise + ROUNDER - ROUNDER));
  }
  slope = median(PROBE_SLOPES, TREND_PROBES);
  if (slope == 0 || abs(slope) * <i64>count >= RESIDUAL_LIMIT / 2) return;
  let lowest: i64 = 0;
  let highest: i64 = 0;
  for (let k = 1; k <= TREND_PROBES; k++) {
    const stray = at(INTEGERS, k * stride) - <i64>(k * stride) * slope;
    lowest = min(lowest, stray);
    highest = max(highest, stray);
  }
  if (highest - lowest >= (<i64>1) << deltaPlan.width) return;
  for (let i = 1; i < count; i++) put(TRENDS, i, at(INTEGERS, i) - <i64>i * slope);
  planResiduals(trendPlan, TRENDS, 1, count);
}

/** Collects the differences that are not zero, and how many zeros stand before each. */
function planChanges(count: i32): void {
  let place = 1;
  let changes = 0;
  for (let i = 1; i < count; i++) {
    const delta = at(DELTAS, i);
    if (delta == 0) continue;
    put(CHANGES, changes, delta);
    put(GAP_LIST, changes++, i - place);
    place = i + 1;
  }
  changeCount = changes;
  planResiduals(changePlan, CHANGES, 0, changes);
  planResiduals(gapPlan, GAP_LIST, 0, changes);
}

/** Writes the column as planned. */
export function writeIntegers(exponent: i32, count: i32): void {
  if (
    exponent == 0 &&
    codec == DELTA &&
    exceptionCount == 0 &&
    offsetCount == 0 &&
    !hasNudges &&
    deltaPlan.lowest == deltaPlan.highest
  ) {
    writeByte(LINE);
    writeZigzag(first);
    writeZigzag(at(DELTAS, 1) * divisor);
    return;
  }
  const more = (offsetCount > 0 ? HAS_OFFSETS : 0) | (hasNudges ? HAS_NUDGES : 0);
  const isStepped = hasNudges && nudgeDeltaPlan.bits < nudgePlan.bits;
  writeByte(codec);
  writeByte(
    exponent |
      (exceptionCount > 0 ? HAS_EXCEPTIONS : 0) |
      (divisor != 1 ? HAS_DIVISOR : 0) |
      (more != 0 ? HAS_MORE : 0),
  );
  if (more != 0) writeByte(isStepped ? more | NUDGES_ARE_DELTAS : more);
  if (exponent == EXPONENT_ULPS) writeU64(load<u64>(COLUMN));
  else writeZigzag(first);
  if (divisor != 1) writeVarint(divisor);
  writeBody(count);
  if (offsetCount > 0) writeOffsets();
  if (isStepped) writeResiduals(nudgeDeltaPlan, NUDGE_DELTAS, 0, count);
  else if (hasNudges) writeResiduals(nudgePlan, NUDGES, 0, count);
  if (exceptionCount > 0) writeExceptions();
}

function writeBody(count: i32): void {
  switch (codec) {
    case FRAME:
      writeResiduals(framePlan, INTEGERS, 1, count);
      break;
    case DELTA:
      writeResiduals(deltaPlan, DELTAS, 1, count);
      break;
    case DELTA2:
      writeZigzag(at(DELTAS, 1));
      writeResiduals(delta2Plan, DELTAS2, 2, count);
      break;
    case TREND:
      writeZigzag(slope);
      writeResiduals(trendPlan, TRENDS, 1, count);
      break;
    case GAPS:
      writeVarint(changeCount);
      writeResiduals(gapPlan, GAP_LIST, 0, changeCount);
      writeResiduals(changePlan, CHANGES, 0, changeCount);
      break;
    default:
      beginBits();
      for (let i = 1; i < count; i++) putBits(<u64>(at(DELTAS, i) != 0), 1);
      endBits();
      writeResiduals(changePlan, CHANGES, 0, changeCount);
  }
}

function writeOffsets(): void {
  writeVarint(offsetCount);
  let next = 0;
  for (let k = 0; k < offsetCount; k++) {
    const place = <i32>load<u16>(OFFSET_PLACES + ((<usize>k) << 1));
    writeVarint(place - next);
    writeVarint(at(OFFSETS, k));
    next = place + 1;
  }
}

function writeExceptions(): void {
  writeVarint(exceptionCount);
  let next = 0;
  for (let k = 0; k < exceptionCount; k++) {
    const place = <i32>load<u16>(EXCEPTIONS + ((<usize>k) << 1));
    const bits = at(COLUMN, place);
    let kind = 0;
    while (kind < EXCEPTION_KINDS && at(EXCEPTION_VALUES, kind) != bits) kind++;
    if (kind == EXCEPTION_KINDS) kind = EXCEPTION_BITS;
    writeVarint(8 * (place - next) + kind);
    if (kind == EXCEPTION_BITS) writeU64(bits);
    next = place + 1;
  }
}
