import type { Sample } from "../exposition/family.ts";
import type { Metric } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";

/**
 * A value that goes up and down: set by its owner, or asked for by a callback whenever it is written. Holds any
 * number, NaN and infinities too; what is no number is ignored and counted in `metrics_ignored_updates_total`.
 */
export class Gauge implements Metric {
  readonly labels: string;
  readonly #mishaps: Mishaps;
  #callback: (() => number) | null;
  #value = 0;

  constructor(labels: string, mishaps: Mishaps, callback: (() => number) | null) {
    this.labels = labels;
    this.#mishaps = mishaps;
    this.#callback = callback;
  }

  /** Without effect if the gauge has a callback, and counted; the same goes for the other changes. */
  set(value: number): void {
    if (this.#accepts(value)) this.#value = value;
  }

  inc(): void {
    this.add(1);
  }

  dec(): void {
    this.add(-1);
  }

  add(delta: number): void {
    if (this.#accepts(delta)) this.#value += delta;
  }

  /** For moments: seconds since 1970, now. */
  setToCurrentTime(): void {
    this.set(Date.now() / 1000);
  }

  /** From now on the value is asked for; null gives the gauge back to its owner, with the value it had before. */
  setCallback(callback: (() => number) | null): void {
    this.#callback = callback ?? null;
  }

  /** Calls the callback if there is one, and throws what it throws. */
  get(): number {
    return this.#callback === null ? this.#value : this.#callback();
  }

  collect(samples: Sample[]): boolean {
    let value: number;
    try {
      value = this.get();
      // An async function: its promise is no number, and must not end the process should it reject.
      if ((value as unknown) instanceof Promise) (value as unknown as Promise<unknown>).catch(() => {});
    } catch {
      return false;
    }
    // A callback in JavaScript may return anything; an undefined in what is written would spoil all of it.
    if (typeof value !== "number") return false;
    samples.push({ suffix: "", labels: this.labels, value });
    return true;
  }

  #accepts(value: number): boolean {
    if (typeof value === "number" && this.#callback === null) return true;
    if (this.#callback === null) this.#mishaps.ignoreValue(value);
    else this.#mishaps.ignore("has_callback");
    return false;
  }
}
