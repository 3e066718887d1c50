import { InputError } from "../base/errors.ts";

/** How long work comes up for air. */
export interface Pace {
  /** True when it is time for `await pause()`. */
  readonly isDue: boolean;
  /** Lets others have their turn; `done` tells how far the work is, in its own unit. May throw: then the work is to be given up. */
  pause(done?: number): Promise<void>;
}

/**
 * Lets long work share the thread: after every few milliseconds of it, everything else that waits has its turn.
 * Embedded use has no other thread, so flushes and merges must never hold the event loop for long.
 */
const SLICE_MS = 6;

export class Pacer implements Pace {
  private readonly signal: AbortSignal | undefined;
  /** Of work, pauses left out, that are still allowed when the slice begins. */
  private leftMs: number;
  private sliceMs: number;
  private sliceEndMs: number;

  /** `signal` ends the work at its next pause, and so does having worked for `maxWorkMs`. */
  constructor(signal?: AbortSignal, maxWorkMs: number = Number.POSITIVE_INFINITY) {
    this.signal = signal;
    this.leftMs = maxWorkMs;
    this.sliceMs = Math.min(SLICE_MS, maxWorkMs);
    this.sliceEndMs = performance.now() + this.sliceMs;
  }

  /** True when the slice is used up: `await pause()` then. */
  get isDue(): boolean {
    return performance.now() >= this.sliceEndMs;
  }

  /** Lets the event loop go round. @throws the signal's reason, InputError 422 when the work takes longer than it may */
  async pause(): Promise<void> {
    this.leftMs -= performance.now() - (this.sliceEndMs - this.sliceMs);
    if (this.leftMs <= 0) throw new InputError("the search takes more work than it may", 422);
    await new Promise((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
    this.sliceMs = Math.min(SLICE_MS, this.leftMs);
    this.sliceEndMs = performance.now() + this.sliceMs;
  }
}
