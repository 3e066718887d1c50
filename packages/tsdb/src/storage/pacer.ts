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
  private sliceEndMs = performance.now() + SLICE_MS;

  /** `signal` ends the work at its next pause. */
  constructor(signal?: AbortSignal) {
    this.signal = signal;
  }

  /** True when the slice is used up: `await pause()` then. */
  get isDue(): boolean {
    return performance.now() >= this.sliceEndMs;
  }

  /** Lets the event loop go round. @throws the signal's reason */
  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
    this.sliceEndMs = performance.now() + SLICE_MS;
  }
}
