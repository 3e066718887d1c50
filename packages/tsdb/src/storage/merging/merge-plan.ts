/**
 * When to merge what. Every merge costs writing, which is bounded in two ways:
 *
 *   as parts come       eight of about a size become one (merge.ts, chooseParts). A byte climbs one size each time, so in a month of n flushes it is written
 *                       anew about log8(n) times, twice that at the most: 10,000 flushes, at most 8 times.
 *   when a month is over and quiet
 *                       all its parts become one: after an hour without new ones if what came beside the largest is an eighth of it or more, so that a
 *                       late byte costs nine at the most. Less than that waits until nothing came for as long as the month was over by then, 30 days at the
 *                       most: however late samples trickle in, a month is written again each time its age doubles, and later once in 30 days at the most.
 *
 * While the thread has no time to spare only small merges are begun: they are cheap, and it is the number of parts that makes queries slow.
 */
import { chooseParts } from "./merge.ts";

interface Weighed {
  readonly info: { readonly bytes: number };
}

const HOUR_MS = 3_600_000;
/** A month is over this long after its end: what its last scrapes bring is in by then. */
const OVER_MS = HOUR_MS;
const QUIET_MS = HOUR_MS;
const LATE_SHARE = 1 / 8;
const LATE_QUIET_MAX_MS = 30 * 24 * HOUR_MS;
/** Merges of less than this are never put off. */
const SMALL_MERGE_BYTES = 16 << 20;
/** With this many parts in a month even large merges are not put off any longer. */
const PARTS_MAX = 48;

/** Bytes of all parts. */
export function weigh(parts: readonly Weighed[]): number {
  return parts.reduce((sum, { info }) => sum + info.bytes, 0);
}

/** Parts of a month to be merged now, null if none are due or the thread is too busy for those that are. */
export function chooseDue<T extends Weighed>(parts: readonly T[], isBusy: boolean): T[] | null {
  const due = chooseParts(parts);
  if (due === null || !isBusy || parts.length > PARTS_MAX || weigh(due) <= SMALL_MERGE_BYTES) return due;
  return null;
}

/** All parts of a month that is over, if nothing came to it for long enough. */
export function chooseQuiet<T extends Weighed>(
  parts: readonly T[],
  month: { readonly endMs: number; readonly lastPartMs: number },
  nowMs: number,
): T[] | null {
  if (parts.length < 2 || nowMs < month.endMs + OVER_MS) return null;
  const total = weigh(parts);
  const largest = parts.reduce((most, { info }) => Math.max(most, info.bytes), 0);
  const isHeavy = total - largest >= largest * LATE_SHARE;
  const ageMs = month.lastPartMs - month.endMs;
  const quietMs = isHeavy ? QUIET_MS : Math.min(LATE_QUIET_MAX_MS, Math.max(QUIET_MS, ageMs));
  return nowMs - month.lastPartMs >= quietMs ? [...parts] : null;
}

/** Above this share of its time in use the thread counts as busy. */
const BUSY_SHARE = 0.85;
const LOOK_MS_MIN = 1_000;

/** Whether this thread has time to spare, looked at every few seconds. */
export class LoadGauge {
  private last = performance.eventLoopUtilization();
  private lastMs = performance.now();
  /** True if the thread had next to no pause between the last two looks. */
  isBusy = false;

  look(): void {
    // A moment says nothing.
    if (performance.now() - this.lastMs < LOOK_MS_MIN) return;
    this.lastMs = performance.now();
    const now = performance.eventLoopUtilization();
    this.isBusy = performance.eventLoopUtilization(now, this.last).utilization > BUSY_SHARE;
    this.last = now;
  }
}
