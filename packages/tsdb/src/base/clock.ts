/**
 * Time as an argument: whoever needs the time or a timer takes a `Clock`, so that tests decide when it passes.
 * `systemClock` is the real one, `ManualClock` the one of the tests.
 */

export interface Clock {
  /** Milliseconds since the epoch, whole. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start, never going back, with fractions: for durations. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now. Does not keep the process alive. */
  setTimer(run: () => void, delayMs: number): Timer;
  /** Calls `run` every `periodMs` until cancelled. Does not keep the process alive. */
  setRepeatingTimer(run: () => void, periodMs: number): Timer;
}

export interface Timer {
  /** No call from now on. May be called more than once. */
  cancel(): void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(run, delayMs) {
    const handle = setTimeout(run, delayMs).unref();
    return { cancel: () => clearTimeout(handle) };
  },
  setRepeatingTimer(run, periodMs) {
    const handle = setInterval(run, periodMs).unref();
    return { cancel: () => clearInterval(handle) };
  },
};

interface Pending {
  atMs: number;
  /** 0 for a timer that fires once. */
  readonly periodMs: number;
  readonly run: () => void;
}

/** A clock that stands until a test moves it. Timers due on the way fire in the order of their times. */
export class ManualClock implements Clock {
  #nowMs: number;
  #startMs: number;
  #pending: Pending[] = [];

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
    this.#startMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  setTimer(run: () => void, delayMs: number): Timer {
    return this.#add({ atMs: this.#nowMs + Math.max(0, delayMs), periodMs: 0, run });
  }

  setRepeatingTimer(run: () => void, periodMs: number): Timer {
    const stepMs = Math.max(1, periodMs);
    return this.#add({ atMs: this.#nowMs + stepMs, periodMs: stepMs, run });
  }

  /** Lets `durationMs` pass. */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let next = this.#nextDue(endMs); next !== undefined; next = this.#nextDue(endMs)) {
      this.#nowMs = next.atMs;
      if (next.periodMs === 0) this.#remove(next);
      else next.atMs += next.periodMs;
      next.run();
    }
    this.#nowMs = endMs;
  }

  /** As `advance`, but nothing runs meanwhile: what is due by then fires once, at the end. A repeating timer goes on from there. */
  sleep(durationMs: number): void {
    this.#nowMs += durationMs;
    for (const timer of [...this.#pending]) {
      if (timer.atMs > this.#nowMs) continue;
      if (timer.periodMs === 0) this.#remove(timer);
      else timer.atMs = this.#nowMs + timer.periodMs;
      timer.run();
    }
  }

  /** Somebody sets the wall clock by this much: no time passes, no timer fires earlier or later for it. */
  jump(deltaMs: number): void {
    this.#nowMs += deltaMs;
    this.#startMs += deltaMs;
    for (const timer of this.#pending) timer.atMs += deltaMs;
  }

  /** Timers that wait. */
  get timerCount(): number {
    return this.#pending.length;
  }

  #add(timer: Pending): Timer {
    this.#pending.push(timer);
    return { cancel: () => this.#remove(timer) };
  }

  #remove(timer: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== timer);
  }

  #nextDue(endMs: number): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of this.#pending) {
      if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    }
    return next;
  }
}
