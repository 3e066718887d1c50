/**
 * Rules applied to the samples of one series. The same functions serve queries and merges, and they are made so that it does not matter who came first:
 *
 *   - Of an interval `(k·d − d, k·d]` the last sample stays. Doing that twice, or to some parts first and to all of them later, changes nothing.
 *   - A step of downsampling touches an interval only when all of it is older than the offset: what a merge did earlier, a query would do now.
 *   - Steps follow each other, the finer ones first: what a coarse step gets is what the fine one left.
 *   - Sums and the like count a sample that came twice as two once the first was added up. Merges therefore do them only with all parts of a month at hand
 *     and keep the results apart from samples ("results" below); see docs/decisions/0008-sample-rules.md.
 */
import { copyBits, SampleColumns } from "../../base/columns.ts";
import { isStaleMarker } from "../../ingest/stale-marker.ts";
import { orderSamples } from "../search/sample-order.ts";
import { type Aggregate, type DownsamplingStep, intervalEnd, oldestKeptMs, type SeriesRules } from "./sample-rules.ts";

/** Times from `minMs` to `maxMs`, both included; empty if `maxMs` is smaller. */
export interface TimeRange {
  readonly minMs: number;
  readonly maxMs: number;
}

export const ALL_TIME: TimeRange = { minMs: Number.NEGATIVE_INFINITY, maxMs: Number.POSITIVE_INFINITY };

/**
 * Leaves the last sample of each interval among `[lo, columns.length)`, which is in order with one sample a time. Intervals that end after `untilMs`
 * are left alone. This is VictoriaMetrics' deduplication: of samples at one time `orderSamples` has kept the larger.
 */
export function deduplicate(
  columns: SampleColumns,
  lo: number,
  intervalMs: number,
  untilMs: number = Number.POSITIVE_INFINITY,
): void {
  const { timestamps, values, length } = columns;
  // Nothing is moved as long as nothing goes.
  let i = lo;
  // Nearly always the next sample is in the next interval: an addition saves the division.
  let endMs = Number.NEGATIVE_INFINITY;
  for (; i < length; i++) {
    const ms = timestamps[i] as number;
    if (ms <= endMs) break;
    endMs += intervalMs;
    if (!(endMs >= ms)) endMs = intervalEnd(ms, intervalMs);
    if (endMs > untilMs) return;
  }
  if (i >= length) return;
  // Sample i is in the interval of the one before it and takes its place.
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * length);
  let kept = i - 1;
  for (; i < length; i++) {
    const ms = timestamps[i] as number;
    if (ms > endMs) {
      kept++;
      endMs += intervalMs;
      if (endMs < ms) endMs = intervalEnd(ms, intervalMs);
      if (endMs > untilMs) break;
    }
    timestamps[kept] = ms;
    words[2 * kept] = words[2 * i] as number;
    words[2 * kept + 1] = words[2 * i + 1] as number;
  }
  if (i < length) {
    timestamps.copyWithin(kept, i, length);
    values.copyWithin(kept, i, length);
    kept += length - i - 1;
  }
  columns.length = kept + 1;
}

/** Applies all rules that keep samples as they are: retention, deduplication, and downsampling to the last. `[lo, columns.length)` is in order. */
export function applyRules(columns: SampleColumns, lo: number, rules: SeriesRules, nowMs: number): void {
  dropBefore(columns, lo, oldestKeptMs(rules, nowMs));
  if (rules.dedupMs > 0) deduplicate(columns, lo, rules.dedupMs);
  if (rules.aggregate !== "last") return;
  for (const { offsetMs, intervalMs } of rules.steps) deduplicate(columns, lo, intervalMs, nowMs - offsetMs);
}

/** True if the rules make values that no sample had: then `applyAggregates` is needed, too. */
export function isAggregating({ aggregate, steps }: SeriesRules): boolean {
  return aggregate !== "last" && steps.length > 0;
}

/**
 * Joins the samples `[lo, columns.length)`, to which `applyRules` was applied, with `results` of earlier aggregations (in order; overwritten), and
 * aggregates every interval that is old enough and lies within `bounds`.
 */
export function applyAggregates(
  columns: SampleColumns,
  lo: number,
  results: SampleColumns,
  rules: SeriesRules,
  nowMs: number,
  bounds: TimeRange,
): void {
  const { steps, aggregate } = rules;
  const first = steps[0] as DownsamplingStep;
  if (aggregate === "count") {
    // From here on counts are summed.
    const { maxMs, minMs } = closedRange(first, nowMs, bounds);
    const { timestamps, values, length } = columns;
    for (let i = lo; i < length; i++) {
      const ms = timestamps[i] as number;
      const value = values[i] as number;
      if (ms >= minMs && ms <= maxMs && value === value) values[i] = 1;
    }
  }
  if (results.length > 0) {
    dropBefore(results, 0, oldestKeptMs(rules, nowMs));
    joinByTime(columns, lo, results);
  }
  for (const step of steps)
    aggregateIntervals(columns, lo, step.intervalMs, closedRange(step, nowMs, bounds), aggregate);
  // Where rules have changed, a sample and a result may stand at one time.
  if (results.length > 0) orderSamples(columns, lo);
}

/** The times whose intervals a step aggregates: those that ended `offsetMs` ago and lie within the bounds as a whole. */
export function closedRange({ offsetMs, intervalMs }: DownsamplingStep, nowMs: number, bounds: TimeRange): TimeRange {
  const minMs =
    bounds.minMs === Number.NEGATIVE_INFINITY ? bounds.minMs : intervalEnd(bounds.minMs - 1, intervalMs) + 1;
  return { minMs, maxMs: Math.floor(Math.min(nowMs - offsetMs, bounds.maxMs) / intervalMs) * intervalMs };
}

/**
 * Of each interval within the range: one sample with the aggregate of its numbers, at the time of the last of them. A staleness marker after the last
 * number stays: it says that the series had ended. Where there are no numbers, the last sample stays.
 */
function aggregateIntervals(
  columns: SampleColumns,
  lo: number,
  intervalMs: number,
  range: TimeRange,
  aggregate: Aggregate,
): void {
  const { timestamps, values, length } = columns;
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * length);
  let kept = lo;
  const keep = (i: number): void => {
    timestamps[kept] = timestamps[i] as number;
    words[2 * kept] = words[2 * i] as number;
    words[2 * kept + 1] = words[2 * i + 1] as number;
    kept++;
  };
  let i = lo;
  for (; i < length && (timestamps[i] as number) < range.minMs; i++) kept++;
  while (i < length && (timestamps[i] as number) <= range.maxMs) {
    const endMs = intervalEnd(timestamps[i] as number, intervalMs);
    let numbers = 0;
    let value = 0;
    let lastNumber = -1;
    let end = i;
    for (; end < length && (timestamps[end] as number) <= endMs; end++) {
      const next = values[end] as number;
      if (next !== next) continue;
      value = numbers++ === 0 ? next : combine(value, next, aggregate);
      lastNumber = end;
    }
    if (numbers <= 1) {
      // A single number is its own sum, minimum, maximum and mean, to the bit.
      if (numbers === 1) keep(lastNumber);
    } else {
      timestamps[kept] = timestamps[lastNumber] as number;
      values[kept++] = aggregate === "avg" ? value / numbers : value;
    }
    const last = end - 1;
    if (last !== lastNumber && (numbers === 0 || isStaleMarker(words, last))) keep(last);
    i = end;
  }
  if (kept !== i) {
    timestamps.copyWithin(kept, i, length);
    values.copyWithin(kept, i, length);
    columns.length = kept + length - i;
  }
}

function combine(value: number, next: number, aggregate: Aggregate): number {
  if (aggregate === "min") return next < value ? next : value;
  if (aggregate === "max") return next > value ? next : value;
  return value + next;
}

/** Takes out samples `[lo, columns.length)` before a time. */
export function dropBefore(columns: SampleColumns, lo: number, minMs: number): void {
  const { timestamps, values, length } = columns;
  let from = lo;
  while (from < length && (timestamps[from] as number) < minMs) from++;
  if (from === lo) return;
  timestamps.copyWithin(lo, from, length);
  values.copyWithin(lo, from, length);
  columns.length = length - (from - lo);
}

/** Takes out samples `[lo, columns.length)` outside of a range. */
export function cutToRange(columns: SampleColumns, lo: number, { minMs, maxMs }: TimeRange): void {
  const { timestamps } = columns;
  while (columns.length > lo && (timestamps[columns.length - 1] as number) > maxMs) columns.length--;
  dropBefore(columns, lo, minMs);
}

/** Inserts `added` into `[lo, columns.length)`; both are in order of time, and of one time both samples stay. */
function joinByTime(columns: SampleColumns, lo: number, added: SampleColumns): void {
  const own = columns.length - lo;
  const total = own + added.length;
  const joined = new SampleColumns(total);
  const { timestamps, values } = columns;
  let i = lo;
  let k = 0;
  for (let at = 0; at < total; at++) {
    const takesOwn =
      k >= added.length || (i < columns.length && (timestamps[i] as number) <= (added.timestamps[k] as number));
    if (takesOwn) {
      joined.timestamps[at] = timestamps[i] as number;
      copyBits(values, i, i + 1, joined.values, at);
      i++;
    } else {
      joined.timestamps[at] = added.timestamps[k] as number;
      copyBits(added.values, k, k + 1, joined.values, at);
      k++;
    }
  }
  columns.reserve(lo + total);
  columns.timestamps.set(joined.timestamps.subarray(0, total), lo);
  copyBits(joined.values, 0, total, columns.values, lo);
  columns.length = lo + total;
}
