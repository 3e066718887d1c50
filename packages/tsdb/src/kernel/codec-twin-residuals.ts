/**
 * Lists of residuals in the codec's twin: integers that lie close together, packed to one width, and a few that do not,
 * patched. Every integer codec is made of them. Bytes: docs/format/block.md.
 */
import { HAS_PATCHES, RESIDUAL_LIMIT } from "./codec-format.ts";
import {
  beginBits,
  bitLength,
  endBits,
  putBits,
  writeByte,
  writeVarint,
  writeZigzag,
  zigzagLength,
} from "./codec-twin-writer.ts";

/** Estimated bits of the place of a patch. */
const PATCH_PLACE_COST = 12;

/** How a list of residuals will be packed. Residuals outside `[center − 2^below, center + 2^above)` are patches. */
export class ResidualPlan {
  center = 0;
  below = 0;
  above = 0;
  hasPatches = false;
  width = 0;
  /** Estimated size; infinite when the list cannot be packed. */
  bits = 0;
}

const MEDIAN_PROBES = 9;
const probes = new Float64Array(MEDIAN_PROBES);
/** Residuals by bit length of their distance above and below the center. */
const aboveCounts = new Uint32Array(56);
const belowCounts = new Uint32Array(56);

/** Decides which residuals of `list[lo..hi)` are packed and which are patched. */
export function planResiduals(plan: ResidualPlan, list: Float64Array, lo: number, hi: number): void {
  const count = hi - lo;
  plan.center = 0;
  plan.below = 0;
  plan.above = 0;
  plan.width = 0;
  plan.hasPatches = false;
  plan.bits = 16;
  if (count <= 0) return;
  const probeCount = Math.min(count, MEDIAN_PROBES);
  for (let k = 0; k < probeCount; k++) probes[k] = list[lo + Math.floor((k * count) / probeCount)];
  const center = median(probes, probeCount);
  plan.center = center;
  aboveCounts.fill(0);
  belowCounts.fill(0);
  let lowest = center;
  let highest = center;
  for (let i = lo; i < hi; i++) {
    const residual = list[i];
    if (residual < lowest) lowest = residual;
    if (residual > highest) highest = residual;
    const distance = residual - center;
    if (distance >= 0) aboveCounts[bitLength(distance)]++;
    else belowCounts[bitLength(-1 - distance)]++;
  }
  if (highest >= RESIDUAL_LIMIT || lowest <= -RESIDUAL_LIMIT) {
    plan.bits = Infinity;
    return;
  }

  // From all packed on, give up the further side, class by class, while patches are few.
  let above = bitLength(highest - center);
  let below = lowest < center ? bitLength(center - 1 - lowest) : 0;
  const patchesMax = count >> 2;
  let patches = 0;
  let patchBits = 0;
  let best = Infinity;
  for (;;) {
    const windowHi = Math.min(highest, center + 2 ** above - 1);
    const windowLo = Math.max(lowest, center - 2 ** below);
    const width = bitLength(windowHi - windowLo);
    const bits = 8 + 8 * zigzagLength(windowLo) + (count - patches) * width + patchBits;
    if (bits < best) {
      best = bits;
      plan.above = above;
      plan.below = below;
      plan.width = width;
      plan.hasPatches = patches > 0;
    }
    if (above === 0 && below === 0) break;
    let dropped = 0;
    let length = above;
    if (above >= below) dropped = aboveCounts[above--];
    else {
      length = below;
      dropped = belowCounts[below--];
    }
    patches += dropped;
    patchBits += dropped * (PATCH_PLACE_COST + 8 * Math.floor((length + 7) / 7));
    if (patches > patchesMax) break;
  }
  plan.bits = best;
}

/** Median of `list[0..count)`, the upper one of two; sorts the list. */
export function median(list: Float64Array, count: number): number {
  for (let i = 1; i < count; i++) {
    const item = list[i];
    let k = i;
    for (; k > 0 && list[k - 1] > item; k--) list[k] = list[k - 1];
    list[k] = item;
  }
  return list[count >> 1];
}

export function writeResiduals(plan: ResidualPlan, list: Float64Array, lo: number, hi: number): void {
  const windowLo = plan.center - 2 ** plan.below;
  const windowHi = plan.center + 2 ** plan.above;
  let base = hi > lo ? plan.center : 0;
  let top = base;
  for (let i = lo; i < hi; i++) {
    const residual = list[i];
    if (residual < base && residual >= windowLo) base = residual;
    if (residual > top && residual < windowHi) top = residual;
  }
  const width = bitLength(top - base);
  top = base + 2 ** width;
  let patches = 0;
  if (plan.hasPatches) {
    for (let i = lo; i < hi; i++) if (list[i] < base || list[i] >= top) patches++;
  }
  writeByte(patches > 0 ? width | HAS_PATCHES : width);
  writeZigzag(base);
  if (patches > 0) writeVarint(patches);
  beginBits();
  for (let i = lo; i < hi; i++) {
    const residual = list[i];
    if (residual >= base && residual < top) putBits(residual - base, width);
  }
  endBits();
  if (patches === 0) return;
  let place = lo;
  for (let i = lo; i < hi; i++) {
    const residual = list[i];
    if (residual >= base && residual < top) continue;
    const distance = residual - base;
    writeVarint(2 * (i - place) + (distance < 0 ? 1 : 0));
    writeVarint(Math.abs(distance));
    place = i + 1;
  }
}
