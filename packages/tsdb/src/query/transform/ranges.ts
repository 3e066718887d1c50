/**
 * Functions of a series' whole course: values running on, one number for the range, gaps filled, outliers cut. Each takes one column
 * and changes it in place. NaN is "no value".
 */
import { medianDeviation, quantileSorted, sortColumn } from "../statistics.ts";

/** Combines the value so far with the next; `index` counts points from the first one with a value. */
export type Step = (soFar: number, next: number, index: number) => number;

export const STEPS: Readonly<Record<"sum" | "min" | "max" | "avg", Step>> = {
  sum: (a, b) => a + b,
  min: (a, b) => (b < a ? b : a),
  max: (a, b) => (b > a ? b : a),
  /** Running mean over points, as VictoriaMetrics has it: a gap counts as a point. */
  avg: (a, b, index) => a + (b - a) / (index + 1),
};

/** running_*: from the first value on; gaps repeat what there is so far. */
export function runOn(values: Float64Array, step: Step): void {
  const first = firstIndex(values);
  if (first < 0) return;
  let soFar = values[first] as number;
  for (let k = first + 1; k < values.length; k++) {
    const v = values[k] as number;
    if (v === v) soFar = step(soFar, v, k - first);
    values[k] = soFar;
  }
}

/** range_last, and the end of range_sum and its like: the last value everywhere. */
export function spreadLast(values: Float64Array): void {
  for (let k = values.length - 1; k >= 0; k--) {
    if (values[k] !== values[k]) continue;
    values.fill(values[k] as number);
    return;
  }
}

export function spreadFirst(values: Float64Array): void {
  const first = firstIndex(values);
  if (first >= 0) values.fill(values[first] as number);
}

function firstIndex(values: Float64Array): number {
  return values.findIndex((v) => !Number.isNaN(v));
}

/** A sorted copy of the values there are. */
function sortedValues(values: Float64Array): Float64Array {
  const sorted = values.filter((v) => v === v);
  sortColumn(sorted, sorted.length);
  return sorted;
}

export function rangeQuantile(values: Float64Array, phi: number): number {
  const sorted = sortedValues(values);
  return quantileSorted(phi, sorted, sorted.length);
}

export function rangeMad(values: Float64Array): number {
  const copy = values.filter((v) => v === v);
  return medianDeviation(copy, copy.length);
}

export function rangeMean(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const v of values) {
    if (v !== v) continue;
    sum += v;
    count++;
  }
  return sum / count;
}

/** Population variance over the values there are. */
export function rangeVariance(values: Float64Array): number {
  if (values.length === 1) return 0;
  let count = 0;
  let mean = 0;
  let deviation = 0;
  for (const v of values) {
    if (v !== v) continue;
    count++;
    const delta = v - mean;
    mean += delta / count;
    deviation += delta * (v - mean);
  }
  return deviation / count;
}

/** range_linear_regression: the least-squares line at every point, also where there was none. */
export function fitRange(values: Float64Array, stepMs: number): void {
  let count = 0;
  let sumV = 0;
  let sumT = 0;
  let sumTV = 0;
  let sumTT = 0;
  let isConstant = true;
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    if (v !== values[0]) isConstant = false;
    if (v !== v) continue;
    const t = (k * stepMs) / 1000;
    count++;
    sumV += v;
    sumT += t;
    sumTV += t * v;
    sumTT += t * t;
  }
  if (count === 0 || isConstant) return;
  const spread = sumTT - (sumT * sumT) / count;
  const slope = Math.abs(spread) >= 1e-6 ? (sumTV - (sumT * sumV) / count) / spread : 0;
  const start = sumV / count - (slope * sumT) / count;
  for (let k = 0; k < values.length; k++) values[k] = start + (slope * k * stepMs) / 1000;
}

/** range_normalize: to [0, 1]. False, and nothing done, if the values are infinite or there are none. */
export function normalize(values: Float64Array): boolean {
  let least = Infinity;
  let most = -Infinity;
  for (const v of values) {
    if (v < least) least = v;
    if (v > most) most = v;
  }
  const spread = most - least;
  if (Math.abs(spread) === Infinity) return false;
  for (let k = 0; k < values.length; k++) values[k] = ((values[k] as number) - least) / spread;
  return true;
}

/** Drops points whose value is below `low` or above `high`. */
export function trim(values: Float64Array, low: number, high: number): void {
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    if (v < low || v > high) values[k] = NaN;
  }
}

/** Drops points farther than `limit` from `center`. */
export function trimAround(values: Float64Array, center: number, limit: number): void {
  for (let k = 0; k < values.length; k++) if (Math.abs((values[k] as number) - center) > limit) values[k] = NaN;
}

/** keep_last_value */
export function keepLast(values: Float64Array): void {
  let last = NaN;
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    if (v === v) last = v;
    else values[k] = last;
  }
}

/** keep_next_value */
export function keepNext(values: Float64Array): void {
  let next = NaN;
  for (let k = values.length - 1; k >= 0; k--) {
    const v = values[k] as number;
    if (v === v) next = v;
    else values[k] = next;
  }
}

/** interpolate: straight lines across gaps between two values; none before the first and after the last. */
export function interpolate(values: Float64Array): void {
  let from = firstIndex(values);
  if (from < 0) return;
  for (let k = from + 1; k < values.length; k++) {
    if (values[k] !== values[k]) continue;
    const step = ((values[k] as number) - (values[from] as number)) / (k - from);
    for (let g = from + 1; g < k; g++) values[g] = (values[g - 1] as number) + step;
    from = k;
  }
}

/** remove_resets: a counter that only grows, by the rule of rollup/counter.ts. */
export function removeColumnResets(values: Float64Array): void {
  let correction = 0;
  let previous = NaN;
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    if (v !== v) continue;
    const change = v - previous;
    if (change < 0) correction += -change * 8 < previous ? -change : previous;
    previous = v;
    values[k] = v + correction;
  }
}

/** smooth_exponential: exponential moving average with the factor of each point, clamped to [0, 1]; infinities repeat it. */
export function smooth(values: Float64Array, factors: Float64Array): void {
  let k = values.findIndex((v) => Number.isFinite(v));
  if (k < 0) return;
  let average = values[k] as number;
  for (k++; k < values.length; k++) {
    const v = values[k] as number;
    if (v !== v) continue;
    if (!Number.isFinite(v)) {
      values[k] = average;
      continue;
    }
    const factor = factors[k] as number;
    const sf = factor !== factor ? 1 : Math.min(1, Math.max(0, factor));
    average = average * (1 - sf) + v * sf;
    values[k] = average;
  }
}
