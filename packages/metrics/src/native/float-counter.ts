import type { Sample } from "../exposition/family.ts";
import type { Metric } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";

/**
 * Sums up fractions (seconds spent, money earned); only goes up. Negative deltas and those that are no
 * finite number are ignored and counted in `metrics_ignored_updates_total`: one NaN would stay for ever.
 */
export class FloatCounter implements Metric {
  readonly labels: string;
  readonly #mishaps: Mishaps;
  #value = 0;

  constructor(labels: string, mishaps: Mishaps) {
    this.labels = labels;
    this.#mishaps = mishaps;
  }

  inc(): void {
    this.#value++;
  }

  add(delta: number): void {
    // The type is asked for because JavaScript compares "5" and 5n with numbers, but does not add them.
    if (typeof delta === "number" && delta >= 0 && delta < Number.POSITIVE_INFINITY) this.#value += delta;
    else this.#mishaps.ignoreValue(delta);
  }

  /** For counters kept elsewhere and mirrored here. */
  set(value: number): void {
    if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) this.#value = value;
    else this.#mishaps.ignoreValue(value);
  }

  get(): number {
    return this.#value;
  }

  collect(samples: Sample[]): boolean {
    samples.push({ suffix: "", labels: this.labels, value: this.#value });
    return true;
  }
}
