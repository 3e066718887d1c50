// Lists of residuals: integers that lie close together, packed to one width, and a few that do not, patched.
// Twin: src/kernel/codec-twin-residuals.ts.

import { HAS_PATCHES, IMPOSSIBLE, RESIDUAL_LIMIT } from "./format";
import {
  beginBits,
  bitLength,
  endBits,
  packAll,
  putBits,
  writeByte,
  writeVarint,
  writeZigzag,
  zigzagLength,
} from "./writer";

const PATCH_PLACE_COST: i64 = 12;

/** How a list of residuals will be packed. Residuals outside `[center − 2^below, center + 2^above)` are patches. */
@unmanaged
export class ResidualPlan {
  center: i64;
  lowest: i64;
  highest: i64;
  /** Estimated size; IMPOSSIBLE when the list cannot be packed. */
  bits: i64;
  below: i32;
  above: i32;
  width: i32;
  hasPatches: bool;
}

const MEDIAN_PROBES: i32 = 9;
const PROBES: usize = memory.data(8 * MEDIAN_PROBES, 16);
/** Residuals by bit length of their distance from the center: 64 counts above, 64 below. */
const COUNTS: usize = memory.data(2 * 64 * 4, 16);
const BELOW: usize = 64 * 4;

/** Decides which residuals of `list[lo..hi)` are packed and which are patched. */
export function planResiduals(plan: ResidualPlan, list: usize, lo: i32, hi: i32): void {
  const count = hi - lo;
  plan.center = 0;
  plan.lowest = 0;
  plan.highest = 0;
  plan.below = 0;
  plan.above = 0;
  plan.width = 0;
  plan.hasPatches = false;
  plan.bits = 16;
  if (count <= 0) return;
  const probeCount = min(count, MEDIAN_PROBES);
  for (let k = 0; k < probeCount; k++) {
    store<i64>(PROBES + ((<usize>k) << 3), load<i64>(list + ((<usize>(lo + (k * count) / probeCount)) << 3)));
  }
  const center = median(PROBES, probeCount);
  memory.fill(COUNTS, 0, 2 * 64 * 4);
  let lowest = center;
  let highest = center;
  const end = list + ((<usize>hi) << 3);
  for (let p = list + ((<usize>lo) << 3); p < end; p += 8) {
    const residual = load<i64>(p);
    lowest = residual < lowest ? residual : lowest;
    highest = residual > highest ? residual : highest;
    const distance = residual - center;
    const sign = distance >> 63;
    const slot = COUNTS + ((<usize>bitLength(distance ^ sign)) << 2) + (<usize>sign & BELOW);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  plan.center = center;
  plan.lowest = lowest;
  plan.highest = highest;
  if (highest >= RESIDUAL_LIMIT || lowest <= -RESIDUAL_LIMIT) {
    plan.bits = IMPOSSIBLE;
    return;
  }

  // From all packed on, give up the further side, class by class, while patches are few.
  let above = bitLength(highest - center);
  let below = lowest < center ? bitLength(center - 1 - lowest) : 0;
  const patchesMax = count >> 2;
  let patches = 0;
  let patchBits: i64 = 0;
  let best: i64 = IMPOSSIBLE;
  for (;;) {
    const windowHi = min(highest, center + ((<i64>1) << above) - 1);
    const windowLo = max(lowest, center - ((<i64>1) << below));
    const width = bitLength(windowHi - windowLo);
    const bits = 8 + 8 * zigzagLength(windowLo) + <i64>(count - patches) * <i64>width + patchBits;
    if (bits < best) {
      best = bits;
      plan.above = above;
      plan.below = below;
      plan.width = width;
      plan.hasPatches = patches > 0;
    }
    if (above == 0 && below == 0) break;
    let length = above;
    let slot = COUNTS;
    if (above >= below) above--;
    else {
      length = below;
      slot += BELOW;
      below--;
    }
    const dropped = load<i32>(slot + ((<usize>length) << 2));
    patches += dropped;
    patchBits += <i64>dropped * (PATCH_PLACE_COST + 8 * ((<i64>length + 7) / 7));
    if (patches > patchesMax) break;
  }
  plan.bits = best;
}

/** Median of `list[0..count)`, the upper one of two; sorts the list. */
export function median(list: usize, count: i32): i64 {
  for (let i = 1; i < count; i++) {
    const item = load<i64>(list + ((<usize>i) << 3));
    let p = list + ((<usize>i) << 3);
    while (p > list && load<i64>(p - 8) > item) {
      store<i64>(p, load<i64>(p - 8));
      p -= 8;
    }
    store<i64>(p, item);
  }
  return load<i64>(list + ((<usize>(count >> 1)) << 3));
}

export function writeResiduals(plan: ResidualPlan, list: usize, lo: i32, hi: i32): void {
  if (!plan.hasPatches) {
    const width = bitLength(plan.highest - plan.lowest);
    writeByte(width);
    writeZigzag(plan.lowest);
    if (width > 0) packAll(list, lo, hi, plan.lowest, width);
    return;
  }
  const windowLo = plan.center - ((<i64>1) << plan.below);
  const windowHi = plan.center + ((<i64>1) << plan.above);
  const begin = list + ((<usize>lo) << 3);
  const end = list + ((<usize>hi) << 3);
  let base = plan.center;
  let top = base;
  for (let p = begin; p < end; p += 8) {
    const residual = load<i64>(p);
    base = residual < base && residual >= windowLo ? residual : base;
    top = residual > top && residual < windowHi ? residual : top;
  }
  const width = bitLength(top - base);
  const span = (<u64>1) << width;
  let patches = 0;
  for (let p = begin; p < end; p += 8) patches += <i32>(<u64>(load<i64>(p) - base) >= span);
  writeByte(patches > 0 ? width | HAS_PATCHES : width);
  writeZigzag(base);
  if (patches > 0) writeVarint(patches);
  beginBits();
  for (let p = begin; p < end; p += 8) {
    const above = <u64>(load<i64>(p) - base);
    if (above < span) putBits(above, width);
  }
  endBits();
  if (patches == 0) return;
  let next = begin;
  for (let p = begin; p < end; p += 8) {
    const distance = load<i64>(p) - base;
    if (<u64>distance < span) continue;
    writeVarint(2 * <i64>((p - next) >> 3) + (distance < 0 ? 1 : 0));
    writeVarint(abs(distance));
    next = p + 8;
  }
}
