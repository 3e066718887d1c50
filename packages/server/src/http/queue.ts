/**
 * Limits how many requests are worked on at a time; the others wait for a while, in two lanes.
 *
 *   light ──▶ ┐                       light work goes first,
 *             ├──▶ places ──▶ work    but after so many turns past waiting heavy work one is heavy work's;
 *   heavy ──▶ ┘                       heavy work leaves `reserved` places to light work
 *
 * So the query of a rule or of a small panel waits neither behind a page of long ranges nor for one of them to end, and a
 * stream of small queries cannot keep the ranges out. Within a lane it is first come, first served.
 */
import { OverloadError } from "./errors.ts";

export type Lane = "light" | "heavy";

export interface QueueOptions {
  readonly capacity: number;
  /** Places that heavy work never takes; less than `capacity`. */
  readonly reserved?: number;
  readonly maxWaitMs: number;
  /** Status when the wait was in vain. */
  readonly status: 429 | 503;
  /** The flags that help, for the message. */
  readonly flags: string;
}

/** Turns that light work may take, one after the other, past heavy work that could have had them. */
const TURNS_AHEAD_MAX = 4;

interface Place {
  resolve(): void;
}

export class RequestQueue {
  readonly #options: QueueOptions;
  readonly #heavyMax: number;
  readonly #waiting: Readonly<Record<Lane, Set<Place>>> = { light: new Set(), heavy: new Set() };
  readonly #atWork: Record<Lane, number> = { light: 0, heavy: 0 };
  #turnsAhead = 0;
  #limitReached = 0;
  #limitTimeouts = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#heavyMax = Math.max(1, options.capacity - (options.reserved ?? 0));
  }

  get capacity(): number {
    return this.#options.capacity;
  }

  get running(): number {
    return this.#atWork.light + this.#atWork.heavy;
  }

  get waiting(): number {
    return this.#waiting.light.size + this.#waiting.heavy.size;
  }

  /** How many had to wait, and how many waited in vain, since the start. */
  get limitReached(): number {
    return this.#limitReached;
  }

  get limitTimeouts(): number {
    return this.#limitTimeouts;
  }

  /**
   * Runs `work` when it is its turn.
   * @throws OverloadError when that takes too long; the signal's reason when it is aborted before
   */
  async run<T>(signal: AbortSignal, work: () => Promise<T> | T, lane: Lane = "light"): Promise<T> {
    signal.throwIfAborted();
    // Whoever waits in this lane does so because there is no place for it: nobody is passed.
    if (this.#hasRoom(lane)) this.#atWork[lane] += 1;
    else await this.#wait(signal, lane);
    try {
      return await work();
    } finally {
      this.#atWork[lane] -= 1;
      this.#admit();
    }
  }

  #hasRoom(lane: Lane): boolean {
    return this.running < this.#options.capacity && (lane === "light" || this.#atWork.heavy < this.#heavyMax);
  }

  /** Gives free places to those who wait. */
  #admit(): void {
    for (let lane = this.#next(); lane !== null; lane = this.#next()) {
      const [place] = this.#waiting[lane];
      this.#atWork[lane] += 1;
      place?.resolve();
    }
  }

  /** Whose turn it is; null if nobody waits who could have a place. */
  #next(): Lane | null {
    const mayBeLight = this.#waiting.light.size > 0 && this.#hasRoom("light");
    const mayBeHeavy = this.#waiting.heavy.size > 0 && this.#hasRoom("heavy");
    if (mayBeLight && mayBeHeavy && this.#turnsAhead < TURNS_AHEAD_MAX) {
      this.#turnsAhead += 1;
      return "light";
    }
    if (mayBeHeavy) {
      this.#turnsAhead = 0;
      return "heavy";
    }
    return mayBeLight ? "light" : null;
  }

  #wait(signal: AbortSignal, lane: Lane): Promise<void> {
    this.#limitReached += 1;
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#waiting[lane].delete(place);
        if (error === null) resolve();
        else reject(error);
      };
      const place = { resolve: (): void => settle(null) };
      const onAbort = (): void => settle(signal.reason);
      const timer = setTimeout(() => {
        this.#limitTimeouts += 1;
        settle(this.#refuse(lane));
      }, this.#options.maxWaitMs);
      this.#waiting[lane].add(place);
      signal.addEventListener("abort", onAbort);
    });
  }

  #refuse(lane: Lane): OverloadError {
    const { capacity, flags, maxWaitMs, status } = this.#options;
    const places =
      lane === "light" || this.#heavyMax === capacity
        ? `${capacity} requests are at work`
        : `${this.running} requests are at work, ${this.#atWork.heavy} of at most ${this.#heavyMax} ranges and exports`;
    return new OverloadError(status, `no turn in ${maxWaitMs / 1000} seconds: ${places}; see ${flags}`);
  }
}
