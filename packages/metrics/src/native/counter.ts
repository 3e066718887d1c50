import type { Sample } from "../exposition/family.ts";
import type { Metric } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";

/**
 * Counts whole things; only goes up. Exact to 2^53.
 *
 * A delta that is no non-negative integer is ignored and counted in `metrics_ignored_updates_total`: a mistake in
 * measuring must not break what is measured. What goes down is a gauge.
 */
export class Counter implements Metric {
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
    if (Number.isInteger(delta) && delta >= 0) this.#value += delta;
    else this.#mishaps.ignoreValue(delta);
  }

  /** For counters kept elsewhere and mirrored here. */
  set(value: number): void {
    if (Number.isInteger(value) && value >= 0) this.#value = value;
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
