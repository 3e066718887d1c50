/**
 * Limits on series: how large one may be, and how many there may be in an hour and in a day. Samples of series over a limit are left out and
 * counted; nothing of theirs is kept, so a flood of new series costs no memory.
 *
 *   bytes never met ──► mayBegin(): room in the hour and the day ──► its size, which the registry's kernel sees ──► registered, gets a slot
 *   slot ──► admit(): one comparison, and once a window the counting
 *
 * What is counted is exact as long as a series is always named by the same bytes; the set of those seen keeps their 128-bit hashes. Hours and
 * days are counted from the start of the process, and what was counted before a restart is forgotten, as in VictoriaMetrics.
 */
import type { Clock } from "../../base/clock.ts";
import type { RawLabel } from "../../base/labels.ts";
import { SeriesTable, UNKNOWN_SERIES } from "../../index/series-table.ts";

/** 0 turns a limit off. */
export interface SeriesLimitOptions {
  /** Labels of a series, its metric name included. */
  readonly maxLabels: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  /** Series that may get samples within an hour, and within a day. */
  readonly maxHourlySeries: number;
  readonly maxDailySeries: number;
}

export const NO_SERIES_LIMITS: SeriesLimitOptions = {
  maxLabels: 0,
  maxLabelNameBytes: 0,
  maxLabelValueBytes: 0,
  maxHourlySeries: 0,
  maxDailySeries: 0,
};

/** The limits by the `reason` of vm_rows_ignored_total. */
export const OVER_LIMITS = [
  "too_many_labels",
  "too_long_label_name",
  "too_long_label_value",
  "hourly_limit_exceeded",
  "daily_limit_exceeded",
] as const;
export type OverLimit = (typeof OVER_LIMITS)[number];

export function isOverLimit(reason: string): reason is OverLimit {
  return Object.hasOwn(FLAGS, reason);
}

const HOUR_MS = 3_600_000;
const LOG_EVERY_MS = 5_000;

const FLAGS: Readonly<Record<OverLimit, string>> = {
  too_many_labels: "-maxLabelsPerTimeseries",
  too_long_label_name: "-maxLabelNameLen",
  too_long_label_value: "-maxLabelValueLen",
  hourly_limit_exceeded: "-storage.maxHourlySeries",
  daily_limit_exceeded: "-storage.maxDailySeries",
};

/** Series counted within a stretch of time that begins anew when it is over. */
class SeriesWindow {
  readonly maxSeries: number;
  private readonly lengthMs: number;
  private endMs: number;
  private seen: SeriesTable = new SeriesTable();

  constructor(maxSeries: number, lengthMs: number, nowMs: number) {
    this.maxSeries = maxSeries;
    this.lengthMs = lengthMs;
    this.endMs = nowMs + lengthMs;
  }

  get size(): number {
    return this.seen.size;
  }

  /** True if a new window has begun. */
  turn(nowMs: number): boolean {
    if (nowMs < this.endMs) return false;
    this.endMs += Math.ceil((nowMs - this.endMs + 1) / this.lengthMs) * this.lengthMs;
    this.seen = new SeriesTable();
    return true;
  }

  /** False if the series is a new one and there is no room for it beside `expected` others. */
  mayAdd(hashes: Uint32Array, at: number, expected: number): boolean {
    return this.seen.size + expected < this.maxSeries || this.seen.find(hashes, at) !== UNKNOWN_SERIES;
  }

  add(hashes: Uint32Array, at: number): void {
    this.seen.add(hashes, at, 0);
  }
}

export class SeriesLimits {
  readonly options: SeriesLimitOptions;
  private readonly clock: Clock;
  private readonly warn: (message: string) => void;
  private readonly hour: SeriesWindow | null;
  private readonly day: SeriesWindow | null;
  /** Slots admitted in the present hour and day carry this number. */
  private round = 1;
  private roundOfSlot: Uint32Array = new Uint32Array(0);
  private epoch = -1;
  /** New series of the batch at hand, which are admitted after all of them have begun. */
  private expected = 0;
  private loggedMs = Number.NEGATIVE_INFINITY;

  constructor(options: SeriesLimitOptions, clock: Clock, warn: (message: string) => void) {
    this.options = options;
    this.clock = clock;
    this.warn = warn;
    const nowMs = clock.monotonicMs();
    this.hour = options.maxHourlySeries > 0 ? new SeriesWindow(options.maxHourlySeries, HOUR_MS, nowMs) : null;
    this.day = options.maxDailySeries > 0 ? new SeriesWindow(options.maxDailySeries, 24 * HOUR_MS, nowMs) : null;
  }

  /** True if series are counted: then `admit` must be asked of every series of a batch. */
  get isCounting(): boolean {
    return this.hour !== null || this.day !== null;
  }

  get hourlySeries(): number {
    return this.hour?.size ?? 0;
  }

  get dailySeries(): number {
    return this.day?.size ?? 0;
  }

  /** Before each batch. Slots mean something within one epoch of the registry. */
  beginBatch(epoch: number): void {
    if (!this.isCounting) return;
    this.expected = 0;
    const nowMs = this.clock.monotonicMs();
    const isNewHour = this.hour?.turn(nowMs) ?? false;
    const isNewDay = this.day?.turn(nowMs) ?? false;
    if (isNewHour || isNewDay || epoch !== this.epoch) this.round++;
    this.epoch = epoch;
  }

  /** What keeps labels that were never met before from becoming a series, whatever their size; null if nothing does. */
  mayBegin(hashes: Uint32Array, at: number): OverLimit | null {
    const reason = this.judgeNumbers(hashes, at, this.expected);
    if (reason === null) this.expected++;
    return reason;
  }

  /** The labels that might begin last are no series. */
  withdraw(): void {
    if (this.isCounting) this.expected--;
  }

  /** What keeps a registered series from getting samples now; null if nothing does. It is counted then. */
  admit(slot: number, hashes: Uint32Array, at: number): OverLimit | null {
    if (slot < this.roundOfSlot.length && this.roundOfSlot[slot] === this.round) return null;
    const reason = this.judgeNumbers(hashes, at, 0);
    if (reason !== null) return reason;
    this.hour?.add(hashes, at);
    this.day?.add(hashes, at);
    if (slot >= this.roundOfSlot.length) {
      const larger = new Uint32Array(Math.max(slot + 1, this.roundOfSlot.length * 2, 1024));
      larger.set(this.roundOfSlot);
      this.roundOfSlot = larger;
    }
    this.roundOfSlot[slot] = this.round;
    return null;
  }

  /** One line every few seconds, whatever is refused. */
  log(reason: OverLimit, print: () => string): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.loggedMs < LOG_EVERY_MS) return;
    this.loggedMs = nowMs;
    this.warn(`left out samples of ${print()}: it is over ${FLAGS[reason]}=${this.limitOf(reason)}`);
  }

  /** What of a series' labels is too many or too long; null if nothing is. */
  judgeSizes(labels: readonly RawLabel[]): OverLimit | null {
    const { maxLabels, maxLabelNameBytes, maxLabelValueBytes } = this.options;
    let count = 0;
    let reason: OverLimit | null = null;
    for (const { name, value } of labels) {
      // A label without a value is none.
      if (value.length === 0) continue;
      count++;
      if (reason !== null) continue;
      if (maxLabelNameBytes > 0 && name.length > maxLabelNameBytes) reason = "too_long_label_name";
      else if (maxLabelValueBytes > 0 && value.length > maxLabelValueBytes) reason = "too_long_label_value";
    }
    return maxLabels > 0 && count > maxLabels ? "too_many_labels" : reason;
  }

  private judgeNumbers(hashes: Uint32Array, at: number, expected: number): OverLimit | null {
    if (this.hour !== null && !this.hour.mayAdd(hashes, at, expected)) return "hourly_limit_exceeded";
    if (this.day !== null && !this.day.mayAdd(hashes, at, expected)) return "daily_limit_exceeded";
    return null;
  }

  private limitOf(reason: OverLimit): number {
    const { maxDailySeries, maxHourlySeries, maxLabelNameBytes, maxLabels, maxLabelValueBytes } = this.options;
    if (reason === "too_many_labels") return maxLabels;
    if (reason === "too_long_label_name") return maxLabelNameBytes;
    if (reason === "too_long_label_value") return maxLabelValueBytes;
    return reason === "hourly_limit_exceeded" ? maxHourlySeries : maxDailySeries;
  }
}
