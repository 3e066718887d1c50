/**
 * The requests that read data and are not answered yet: those that wait for their turn and those at work, by id. Whoever
 * does the work, here or on another thread, listens to the request's signal; so to cancel one is to abort that.
 */
import type { RequestArguments } from "./arguments.ts";

export interface ArrivedRequest {
  /** Decoded, without -http.pathPrefix. */
  readonly path: string;
  /** `10.1.2.3:45678`, and what proxies say of those behind it. */
  readonly remoteAddress: string;
  readonly args: RequestArguments;
  /** Ends it. */
  readonly abort: AbortController;
}

/** What only the handler can tell. */
export interface RequestRange {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 where there is none. */
  readonly stepMs: number;
}

export class ActiveRequest {
  readonly number: number;
  readonly request: ArrivedRequest;
  readonly #arrivedMs: number = performance.now();
  #begunMs = -1;
  #range: RequestRange | null = null;

  constructor(number: number, request: ArrivedRequest) {
    this.number = number;
    this.request = request;
  }

  /** Sixteen hexadecimal digits; no other request has them, not even after a restart. */
  get id(): string {
    return this.number.toString(16).toUpperCase().padStart(16, "0");
  }

  get isWaiting(): boolean {
    return this.#begunMs < 0;
  }

  /** Milliseconds it waited for its turn, or has waited so far. */
  get waitedMs(): number {
    return (this.isWaiting ? performance.now() : this.#begunMs) - this.#arrivedMs;
  }

  /** Milliseconds since its turn; 0 while it waits. */
  get workedMs(): number {
    return this.isWaiting ? 0 : performance.now() - this.#begunMs;
  }

  /** Null as long as nobody has told. */
  get range(): RequestRange | null {
    return this.#range;
  }

  tell(range: RequestRange): void {
    this.#range = range;
  }

  begin(): void {
    this.#begunMs = performance.now();
  }
}

export class ActiveRequests {
  readonly #byNumber = new Map<number, ActiveRequest>();
  /** Counts on from the time in microseconds: a server that is started anew gives no number again. */
  #last: number = Date.now() * 1000;

  get size(): number {
    return this.#byNumber.size;
  }

  add(request: ArrivedRequest): ActiveRequest {
    this.#last += 1;
    const active = new ActiveRequest(this.#last, request);
    this.#byNumber.set(active.number, active);
    return active;
  }

  /** To be called before anything else may be done with the request's controller. */
  remove(active: ActiveRequest): void {
    this.#byNumber.delete(active.number);
  }

  /** As they came. */
  list(): ActiveRequest[] {
    return [...this.#byNumber.values()];
  }

  /** Aborts it with `reason`; null if there is none of this id, hexadecimal digits. It is listed until its work has stopped. */
  cancel(id: string, reason: Error): ActiveRequest | null {
    const active = this.#byNumber.get(Number.parseInt(id, 16));
    if (active === undefined) return null;
    active.request.abort.abort(reason);
    return active;
  }
}
