/**
 * Turns at the thread for work that holds it for milliseconds: large bodies that arrive together are worked on one by one, in the order in which they
 * came, and between two of them the event loop goes round.
 *
 *   four bodies arrive ──▶ body · the loop goes round: what was written is answered, small requests are read ──▶ body · …
 *
 * Without it the first waits until the last was worked on, although all that is left to do for it is to send its answer. Work that fits
 * into a slice does not wait, nor does what comes after it in that slice.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  /** Somebody was admitted, and has not yet come to the point where they wait for something or are done. */
  #isTaken = false;
  /** On the clock of `performance.now()`; null when the loop has been round since. */
  #sliceEndMs: number | null = null;

  /** Resolves when the caller may use the thread, until it next waits for something. @throws the signal's reason if it was aborted before that */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#isTaken || this.#waiting.length > 0 || this.#isSliceOver()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#hold();
    signal.throwIfAborted();
  }

  /** Lets the next one go ahead, if there is time left. */
  #admit(): void {
    if (this.#waiting.length === 0 || this.#isSliceOver()) return;
    this.#hold();
    this.#waiting.shift()?.();
  }

  #hold(): void {
    if (this.#sliceEndMs === null) this.#beginSlice();
    this.#isTaken = true;
    // A tick asked for by a microtask comes when no other microtask is left: when whoever has the turn waits for something else or is done.
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#isTaken = false;
        this.#admit();
      }),
    );
  }

  /** A slice ends with this round of the loop. */
  #beginSlice(): void {
    this.#sliceEndMs = performance.now() + SLICE_MS;
    setImmediate(() => {
      this.#sliceEndMs = null;
      this.#admit();
    });
  }

  #isSliceOver(): boolean {
    return this.#sliceEndMs !== null && performance.now() >= this.#sliceEndMs;
  }
}

/** Milliseconds in which work is begun; what has begun is finished. */
const SLICE_MS = 2;
