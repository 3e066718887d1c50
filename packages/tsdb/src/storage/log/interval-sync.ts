/**
 * When mode `interval` syncs, so that of what was acknowledged at most the last interval can be lost.
 *
 *   first write ├── half an interval ──► sync begins ──► sync ends
 *               ├── the whole interval: whoever writes now waits for the sync ─┘
 *
 * The second half is for the sync itself. A disk that needs longer cannot make more acknowledged samples hang on it: those who write wait.
 */
import type { Clock, Timer } from "../../base/clock.ts";

/** A sync under way, and when the first record it is to save was written. */
interface Pending {
  readonly sinceMs: number;
  readonly done: Promise<unknown>;
}

export class IntervalSync {
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly sync: () => Promise<void>;
  /** When the first record was written that no sync has begun for; infinite if there is none. On the monotonic clock. */
  private sinceMs = Number.POSITIVE_INFINITY;
  private readonly pending: Set<Pending> = new Set();
  private timer: Timer | null = null;

  /** `sync` begins one, says so by `begun`, and never rejects. */
  constructor(clock: Clock, intervalMs: number, sync: () => Promise<void>) {
    this.clock = clock;
    this.intervalMs = intervalMs;
    this.sync = sync;
  }

  /** A record was written, and not synced. */
  wrote(): void {
    if (this.sinceMs !== Number.POSITIVE_INFINITY) return;
    this.sinceMs = this.clock.monotonicMs();
    this.timer = this.clock.setTimer(() => void this.run(), this.intervalMs / 2);
  }

  /** A sync of all that was written so far is under way; what comes of it is not for this to say. */
  begun(done: Promise<unknown>): void {
    const pending = { sinceMs: this.sinceMs, done };
    this.rest();
    this.pending.add(pending);
    const end = (): void => void this.pending.delete(pending);
    done.then(end, end);
  }

  /** There is nothing to sync, or no sync would help. */
  rest(): void {
    this.timer?.cancel();
    this.timer = null;
    this.sinceMs = Number.POSITIVE_INFINITY;
  }

  /** Resolves at once, unless something written an interval ago is still not synced: then when it is, or cannot be. */
  async catchUp(): Promise<void> {
    while (this.isLate(this.sinceMs)) await this.run();
    for (const { sinceMs, done } of [...this.pending]) if (this.isLate(sinceMs)) await done.catch(() => {});
  }

  private isLate(sinceMs: number): boolean {
    return this.clock.monotonicMs() - sinceMs >= this.intervalMs;
  }

  private async run(): Promise<void> {
    const synced = this.sync();
    // Where `sync` found nothing to do, there is nothing.
    this.rest();
    await synced;
  }
}
