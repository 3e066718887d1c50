/**
 * What time it is for retention: the wall clock, except that a jump forward counts only after an hour.
 *
 * Dropping data cannot be undone, and wall clocks are wrong at times: a virtual machine wakes up in another year, somebody types a date. So the
 * time by which data goes moves on with the monotonic clock. Where the wall clock is ahead of that, it is believed once it has been ahead for an
 * hour of running, and then by as much as it was ahead at least during all of that hour. A wall clock that is behind is believed at once:
 * nothing is lost by keeping data longer. The time reached is in the manifest, so a restart is no way round.
 */
import type { Clock } from "../base/clock.ts";

/** How long the wall clock must be ahead. */
export const DOUBT_MS = 3_600_000;

export class RetentionClock {
  private readonly clock: Clock;
  /** Time for retention, less the monotonic clock. */
  private offsetMs: number;
  /** Since when, on the monotonic clock, the wall clock is ahead, and by what offset at least; null when it is not. */
  private ahead: { readonly sinceMs: number; offsetMs: number } | null = null;

  /** `reachedMs` is what `nowMs()` said last time, before a restart; null if that is not known. */
  constructor(clock: Clock, reachedMs: number | null) {
    this.clock = clock;
    const nowMs = clock.nowMs();
    this.offsetMs = (reachedMs === null ? nowMs : Math.min(nowMs, reachedMs)) - clock.monotonicMs();
  }

  /** Milliseconds since the epoch, whole. Looks at both clocks: asked every few seconds, it notices jumps when they happen. */
  nowMs(): number {
    const runMs = this.clock.monotonicMs();
    const offsetMs = this.clock.nowMs() - runMs;
    if (offsetMs <= this.offsetMs) {
      this.offsetMs = offsetMs;
      this.ahead = null;
    } else if (this.ahead === null) {
      this.ahead = { sinceMs: runMs, offsetMs };
    } else {
      this.ahead.offsetMs = Math.min(this.ahead.offsetMs, offsetMs);
      if (runMs - this.ahead.sinceMs >= DOUBT_MS) {
        this.offsetMs = this.ahead.offsetMs;
        this.ahead = null;
      }
    }
    return Math.floor(runMs + this.offsetMs);
  }
}
