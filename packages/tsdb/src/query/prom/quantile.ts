/** Order statistics as Prometheus takes them: NaN is the smallest value. */
import { quantileOfColumn, quantileSorted } from "../statistics.ts";

/**
 * The value below which a share `phi` of the values lies, between two of them in proportion; of `column[0..count)`, which it reorders.
 * -Inf below 0, +Inf above 1, NaN for a NaN share or no values.
 */
export function quantileOf(phi: number, column: Float64Array, count: number): number {
  let hasNan = false;
  for (let i = 0; i < count && !hasNan; i++) hasNan = column[i] !== column[i];
  if (!hasNan) return quantileOfColumn(phi, column, count);
  sortNanFirst(column, count);
  return quantileSorted(phi, column, count);
}

/** Sorts `column[0..count)` in place, ascending, NaN before everything else. */
export function sortNanFirst(column: Float64Array, count: number): void {
  let nans = 0;
  for (let i = 0; i < count; i++) {
    const value = column[i] as number;
    if (value === value) continue;
    column[i] = column[nans] as number;
    column[nans++] = Number.NaN;
  }
  // Insertion for the short columns that most windows are; a view costs more than sorting them.
  if (count - nans > 24) {
    column.subarray(nans, count).sort();
    return;
  }
  for (let n = nans + 1; n < count; n++) {
    const value = column[n] as number;
    let i = n;
    for (; i > nans && (column[i - 1] as number) > value; i--) column[i] = column[i - 1] as number;
    column[i] = value;
  }
}

/** Samples of a column that is kept between windows; larger ones are made anew. */
const KEPT_MAX = 64 * 1024;

let kept = new Float64Array(256);

/** A copy of `values[lo..hi)` at the start of a column, which may be longer and is overwritten by the next call. */
export function copyWindow(values: Float64Array, lo: number, hi: number): Float64Array {
  const count = hi - lo;
  let column = kept;
  if (column.length < count) {
    column = new Float64Array(Math.max(count, Math.min(2 * kept.length, KEPT_MAX)));
    if (column.length <= KEPT_MAX) kept = column;
  }
  for (let i = 0; i < count; i++) column[i] = values[lo + i] as number;
  return column;
}
