import type { Sample } from "../exposition/family.ts";
import type { Metric } from "./metric.ts";
import type { MetricName } from "./metric-name.ts";

/** A value that goes up and down: set by its owner, or asked for by a callback whenever it is written. */
export class Gauge implements Metric {
  readonly type = "gauge" as const;
  readonly name: MetricName;
  readonly #callback: (() => number) | null;
  #value = 0;

  constructor(name: MetricName, callback: (() => number) | null) {
    this.name = name;
    this.#callback = callback;
  }

  /** Without effect on what is written if the gauge has a callback; the same goes for the other changes. */
  set(value: number): void {
    this.#value = value;
  }

  inc(): void {
    this.#value++;
  }

  dec(): void {
    this.#value--;
  }

  add(delta: number): void {
    this.#value += delta;
  }

  /** Calls the callback if there is one, and throws what it throws. */
  get(): number {
    return this.#callback === null ? this.#value : this.#callback();
  }

  collect(samples: Sample[]): boolean {
    let value: number;
    try {
      value = this.get();
    } catch {
      return false;
    }
    // A callback in JavaScript may return anything; an undefined in what is written would spoil all of it.
    if (typeof value !== "number") return false;
    samples.push({ suffix: "", labels: this.name.labels, value });
    return true;
  }
}
