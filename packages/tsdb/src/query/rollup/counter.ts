/**
 * What is done to a series' values once, before any window is looked at. Each writes `target[lo..hi)`, which may be the input.
 */
import { HAS_DROP, HAS_NAN } from "../../kernel/rollup.ts";

/**
 * Makes a counter grow for ever: after each drop what was lost is added to all that follows. A drop to more than 7/8 of the
 * value is taken for a correction of the counter rather than a restart, and only the drop itself is added.
 *
 * `gapMaxMs` > 0: a distance between samples beyond it forgets the correction (LookbackDelta is set).
 */
export function removeResets(
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  gapMaxMs: number,
  target: Float64Array,
): void {
  if (lo === hi) return;
  let correction = 0;
  let previous = values[lo] as number;
  let floor = -Infinity;
  for (let i = lo; i < hi; i++) {
    const v = values[i] as number;
    const change = v - previous;
    if (change < 0) correction += -change * 8 < previous ? -change : previous;
    previous = v;
    if (gapMaxMs > 0 && i > lo && (timestamps[i] as number) - (timestamps[i - 1] as number) > gapMaxMs) {
      correction = 0;
      floor = v;
      target[i] = v;
      continue;
    }
    // Adding the correction may round down by a bit; a counter must not.
    const raised = v + correction;
    if (raised >= floor) floor = raised;
    target[i] = i > lo && raised < floor ? floor : raised;
  }
}

/** HAS_NAN and HAS_DROP of a column, as the kernel's `surveyValues` finds them. */
export function survey(values: Float64Array): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (v !== v) found |= HAS_NAN;
    else if (i > 0 && v < (values[i - 1] as number)) found |= HAS_DROP;
  }
  return found;
}

/** Slot i gets the change from sample i to the next; the last slot repeats the one before. */
export function changesToNext(values: Float64Array, lo: number, hi: number, target: Float64Array): void {
  let change = 0;
  for (let i = lo; i + 1 < hi; i++) {
    change = (values[i + 1] as number) - (values[i] as number);
    target[i] = change;
  }
  if (hi > lo) target[hi - 1] = change;
}

/** The same per second. */
export function ratesToNext(
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  target: Float64Array,
): void {
  let rate = 0;
  for (let i = lo; i + 1 < hi; i++) {
    const seconds = ((timestamps[i + 1] as number) - (timestamps[i] as number)) / 1000;
    rate = ((values[i + 1] as number) - (values[i] as number)) / seconds;
    target[i] = rate;
  }
  if (hi > lo) target[hi - 1] = rate;
}

/** Seconds since the sample before; the first sample takes the second one's. */
export function secondsSincePrevious(timestamps: Float64Array, lo: number, hi: number, target: Float64Array): void {
  for (let i = lo + 1; i < hi; i++) {
    target[i] = ((timestamps[i] as number) - (timestamps[i - 1] as number)) / 1000;
  }
  if (hi > lo) target[lo] = hi - lo > 1 ? (target[lo + 1] as number) : NaN;
}
