/**
 * One series on its way through a rollup: its samples, the grid, and for every output time T the samples of the
 * half-open window (T - window, T].
 *
 *   samples    ·   ·  ·    ·   ·   ·  ·   ·
 *                 (T-window          T]
 *                      firsts[k]        ends[k]     firsts[k] is the first index inside, ends[k] the one after the last
 *
 * Both index columns only grow with k, which is what lets sliding.ts spend O(1) a step. A run is made once a query
 * and moved from series to series, so nothing is allocated per series.
 */
import { firstAfter } from "../columns.ts";
import { Scratch } from "../scratch.ts";

/** For suffixes (sliding.ts) and sorting (windows.ts). */
const scratchA = new Scratch();
const scratchB = new Scratch();

export class RollupRun {
  /** Sample times in milliseconds, ascending. Both columns are the series' own, from first to last: `[0, hi)`. */
  timestamps: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  hi = 0;

  readonly startMs: number;
  readonly stepMs: number;
  readonly points: number;
  /** LookbackDelta, 0 when none is set. */
  readonly lookbackMs: number;
  readonly minStalenessMs: number;
  readonly isInstant: boolean;
  /** Window written in the query, 0 when it is for us to choose. */
  readonly explicitWindowMs: number;
  /** An unwritten window grows to the scrape interval (rate, default_rollup, …). */
  readonly mayWiden: boolean;
  /** An unwritten window is cut to LookbackDelta (default_rollup only). */
  readonly isDefaultRollup: boolean;

  /** Set by `place` for the current series. */
  windowMs = 0;
  /** A sample older than window start minus this is no longer "previous". */
  maxPrevMs = 0;
  readonly firsts: Int32Array;
  readonly ends: Int32Array;
  /** Whether the kernel still holds what is this run's: tickets of kernel/rollup.ts, 0 for none; kept by quick.ts. */
  valuesTicket = 0;
  windowsTicket = 0;
  spansTicket = 0;
  spansBy: unknown = null;

  constructor(grid: RollupGrid) {
    this.startMs = grid.startMs;
    this.stepMs = grid.stepMs;
    this.points = grid.points;
    this.lookbackMs = grid.lookbackMs;
    this.minStalenessMs = grid.minStalenessMs;
    this.isInstant = grid.isInstant;
    this.explicitWindowMs = grid.windowMs;
    this.mayWiden = grid.mayWiden;
    this.isDefaultRollup = grid.isDefaultRollup;
    this.firsts = new Int32Array(grid.points);
    this.ends = new Int32Array(grid.points);
  }

  /**
   * Moves to another series, all of these columns, and finds its windows; those of the series before are kept where `isAlike`
   * says that it had the same times. The columns are read, never written. `valuesTicket`: the kernel holds these values already. `earlier`: the last of the
   * series' times before the first of these, of which only the window is to know.
   */
  place(
    timestamps: Float64Array,
    values: Float64Array,
    isAlike: boolean,
    valuesTicket = 0,
    earlier: Float64Array = NO_TIMES,
  ): void {
    this.timestamps = timestamps;
    this.values = values;
    this.hi = values.length;
    this.valuesTicket = valuesTicket;
    if (isAlike) return;
    this.windowsTicket = 0;
    this.spansTicket = 0;
    const { windowMs, maxPrevMs } = chooseWindow(this, scrapeInterval(timestamps, this.hi, earlier, this.stepMs));
    this.maxPrevMs = maxPrevMs;
    this.windowMs = windowMs;
    this.#findWindows();
  }

  /** Samples that whoever looks at every window looks at. */
  windowSamples(): number {
    const { firsts, ends, points } = this;
    let samples = 0;
    for (let k = 0; k < points; k++) samples += (ends[k] as number) - (firsts[k] as number);
    return samples;
  }

  /** Takes columns of its own for those it was placed on, which others may use again. */
  keepColumns(): void {
    this.timestamps = this.timestamps.slice();
    this.values = this.values.slice();
  }

  /** At least `hi` slots, until the kernel that asks returns. */
  scratchA(): Float64Array {
    return scratchA.column(this.hi);
  }

  scratchB(): Float64Array {
    return scratchB.column(this.hi);
  }

  /**
   * Index of the sample before window k if it is recent enough to count as the value the window starts from, else -1.
   * A series that ended before or in the window's past has no such sample: one must exist at or after the window's start.
   */
  previous(k: number): number {
    const first = this.firsts[k] as number;
    if (first === 0 || first === this.hi) return -1;
    const limitMs = this.startMs + k * this.stepMs - this.windowMs - this.maxPrevMs;
    return (this.timestamps[first - 1] as number) > limitMs ? first - 1 : -1;
  }

  /** Index of the sample before window k however old (within LookbackDelta if one is set), else -1. */
  realPrevious(k: number): number {
    const first = this.firsts[k] as number;
    if (first === 0) return -1;
    if (this.lookbackMs > 0) {
      const isEmpty = first === this.ends[k];
      const fromMs = isEmpty ? this.startMs + k * this.stepMs - this.windowMs : (this.timestamps[first] as number);
      if (fromMs - (this.timestamps[first - 1] as number) >= this.lookbackMs) return -1;
    }
    return first - 1;
  }

  #findWindows(): void {
    const { firsts, ends, stepMs, windowMs, points } = this;
    this.#findAfter(0, ends, points);
    // Where the window is a number of steps it begins where that many points earlier a window ended.
    const shift = windowMs / stepMs;
    const own = Number.isInteger(shift) && shift < points ? shift : points;
    this.#findAfter(windowMs, firsts, own);
    if (own < points) firsts.set(ends.subarray(0, points - own), own);
  }

  /** For every point up to `points` the first sample after `backMs` before it. */
  #findAfter(backMs: number, target: Int32Array, points: number): void {
    const { timestamps, hi, startMs, stepMs } = this;
    let i = 0;
    for (let k = 0; k < points; k++) {
      i = firstAfter(timestamps, i, hi, startMs + k * stepMs - backMs);
      target[k] = i;
    }
  }
}

export interface RollupGrid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly points: number;
  readonly lookbackMs: number;
  readonly minStalenessMs: number;
  readonly isInstant: boolean;
  readonly windowMs: number;
  readonly mayWiden: boolean;
  readonly isDefaultRollup: boolean;
}

/** What a grid says of windows. */
export type WindowRule = Pick<
  RollupRun,
  "stepMs" | "lookbackMs" | "minStalenessMs" | "isInstant" | "explicitWindowMs" | "mayWiden" | "isDefaultRollup"
>;

/** A series' window, and how far before it a sample may be and still be the previous one, where its samples come every `intervalMs`. */
export function chooseWindow(rule: WindowRule, intervalMs: number): { windowMs: number; maxPrevMs: number } {
  const { lookbackMs, stepMs } = rule;
  let maxPrevMs = rule.isInstant ? stepMs : hideJitter(intervalMs);
  if (lookbackMs > 0 && maxPrevMs > lookbackMs) maxPrevMs = lookbackMs;
  if (maxPrevMs < rule.minStalenessMs) maxPrevMs = rule.minStalenessMs;
  let windowMs = rule.explicitWindowMs;
  if (windowMs <= 0) {
    windowMs = rule.mayWiden && maxPrevMs > stepMs ? maxPrevMs : stepMs;
    if (rule.isDefaultRollup && lookbackMs > 0 && windowMs > lookbackMs) windowMs = lookbackMs;
  }
  return { windowMs, maxPrevMs };
}

/** Distances that tell the scrape interval, the last ones. */
export const INTERVAL_DISTANCES = 20;
const NO_TIMES = new Float64Array(0);
const distances = new Float64Array(INTERVAL_DISTANCES);

/** 0.6-quantile of the last 20 distances between samples, whole milliseconds; the step when that says nothing. `earlier`: times before the first of them. */
export function scrapeInterval(timestamps: Float64Array, hi: number, earlier: Float64Array, stepMs: number): number {
  const all = hi + earlier.length;
  const count = Math.min(all - 1, INTERVAL_DISTANCES);
  if (count < 1) return stepMs;
  const sorted = distances;
  let isSteady = true;
  let laterMs = hi > 0 ? (timestamps[hi - 1] as number) : (earlier[all - 1] as number);
  for (let n = 0; n < count; n++) {
    const before = hi - 2 - n;
    const ms = before >= 0 ? (timestamps[before] as number) : (earlier[earlier.length + before] as number);
    const distance = laterMs - ms;
    laterMs = ms;
    if (n > 0 && distance !== sorted[0]) isSteady = false;
    let i = n;
    while (i > 0 && (sorted[i - 1] as number) > distance) {
      sorted[i] = sorted[i - 1] as number;
      i--;
    }
    sorted[i] = distance;
  }
  let interval = sorted[0] as number;
  if (!isSteady) {
    const rank = 0.6 * (count - 1);
    const below = Math.floor(rank);
    const above = Math.min(count - 1, below + 1);
    const weight = rank - below;
    interval = Math.trunc((sorted[below] as number) * (1 - weight) + (sorted[above] as number) * weight);
  }
  return interval > 0 ? interval : stepMs;
}

/** Scrapes jitter, short ones relatively more: how far back a sample may be and still be the previous one. */
function hideJitter(intervalMs: number): number {
  if (intervalMs <= 2_000) return intervalMs * 5;
  if (intervalMs <= 4_000) return intervalMs * 3;
  if (intervalMs <= 8_000) return intervalMs * 2;
  if (intervalMs <= 16_000) return intervalMs + Math.floor(intervalMs / 2);
  if (intervalMs <= 32_000) return intervalMs + Math.floor(intervalMs / 4);
  return intervalMs + Math.floor(intervalMs / 8);
}

/**
 * Turns a run with its windows found into one output column: `out[at + k]` for every point k, NaN for no value.
 * Stateless between calls.
 */
export type RollupKernel = (run: RollupRun, out: Float64Array, at: number) => void;
