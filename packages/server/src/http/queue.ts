/** Limits how many requests are worked on at a time; the others wait in order, for a while. */
import { ClientGoneError, OverloadError } from "./errors.ts";

export interface QueueOptions {
  readonly capacity: number;
  readonly maxWaitMs: number;
  /** Status when the wait was in vain. */
  readonly status: 429 | 503;
  /** The flags that help, for the message. */
  readonly flags: string;
}

export class RequestQueue {
  readonly #options: QueueOptions;
  readonly #waiting: { resolve: () => void }[] = [];
  #running = 0;
  #limitReached = 0;
  #limitTimeouts = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get capacity(): number {
    return this.#options.capacity;
  }

  get running(): number {
    return this.#running;
  }

  /** How many had to wait, and how many waited in vain, since the start. */
  get limitReached(): number {
    return this.#limitReached;
  }

  get limitTimeouts(): number {
    return this.#limitTimeouts;
  }

  /** Runs `work` when it is its turn. @throws OverloadError when that takes too long, ClientGoneError when aborted before */
  async run<T>(signal: AbortSignal, work: () => Promise<T> | T): Promise<T> {
    if (this.#running >= this.#options.capacity) await this.#wait(signal);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place goes to the next in line, or is free again.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.resolve();
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    this.#limitReached += 1;
    const { capacity, flags, maxWaitMs, status } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        const at = this.#waiting.indexOf(place);
        if (at >= 0) this.#waiting.splice(at, 1);
        if (error === null) resolve();
        else reject(error);
      };
      const place = { resolve: (): void => settle(null) };
      const onAbort = (): void => settle(new ClientGoneError());
      const timer = setTimeout(() => {
        this.#limitTimeouts += 1;
        const waited = maxWaitMs / 1000;
        settle(
          new OverloadError(status, `no turn in ${waited} seconds: ${capacity} requests are at work; see ${flags}`),
        );
      }, maxWaitMs);
      this.#waiting.push(place);
      signal.addEventListener("abort", onAbort);
    });
  }
}
