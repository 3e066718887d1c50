/**
 * Ends a call: when its time is up, or when the caller's signal says so. One signal for `fetch`, one place that knows
 * which of the two it was.
 */

/** Longer timers fire at once in Node. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Deadline {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | null;
  readonly #onAbort = (): void => this.#controller.abort(this.#caller?.reason);
  #timer: NodeJS.Timeout | null = null;
  #endMs = Number.POSITIVE_INFINITY;
  #limitMs = Number.POSITIVE_INFINITY;
  #isOver = false;

  /** Already running. @throws the signal's reason if it is aborted */
  constructor(limitMs: number, caller: AbortSignal | null) {
    caller?.throwIfAborted();
    this.#caller = caller;
    // Not AbortSignal.any: what that makes lives as long as the caller's signal, which may be as long as the process.
    caller?.addEventListener("abort", this.#onAbort, { once: true });
    this.restart(limitMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether time was up, and not the caller's patience. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get limitMs(): number {
    return this.#limitMs;
  }

  get leftMs(): number {
    return this.#endMs - performance.now();
  }

  /** Gives it `limitMs` from now on. */
  restart(limitMs: number): void {
    this.pause();
    this.#limitMs = limitMs;
    this.#endMs = performance.now() + limitMs;
    if (limitMs > TIMER_MAX_MS) return;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort(new DOMException("the time is up", "TimeoutError"));
    }, limitMs);
    // The request holds the process, not the limit on it.
    this.#timer.unref();
  }

  /** Stops the clock, e.g. while the reader of an export does something else. */
  pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#endMs = Number.POSITIVE_INFINITY;
  }

  /** Waits. @throws the signal's reason when it is aborted meanwhile */
  async sleep(ms: number): Promise<void> {
    const { signal } = this;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  /** Lets go of timer and signal; `abort` ends a request that still runs. */
  end(abort = false): void {
    this.pause();
    this.#caller?.removeEventListener("abort", this.#onAbort);
    if (abort) this.#controller.abort();
  }
}
