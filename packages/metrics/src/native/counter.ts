import type { Sample } from "../exposition/family.ts";
import type { Metric } from "./metric.ts";
import type { MetricName } from "./metric-name.ts";

/**
 * Counts whole things; only goes up. Exact to 2^53.
 *
 * A delta that is no non-negative integer is ignored: a mistake in measuring must not break what is measured.
 */
export class Counter implements Metric {
  readonly type = "counter" as const;
  readonly name: MetricName;
  #value = 0;

  constructor(name: MetricName) {
    this.name = name;
  }

  inc(): void {
    this.#value++;
  }

  add(delta: number): void {
    if (Number.isInteger(delta) && delta >= 0) this.#value += delta;
  }

  /** For counters kept elsewhere and mirrored here. */
  set(value: number): void {
    if (Number.isInteger(value) && value >= 0) this.#value = value;
  }

  get(): number {
    return this.#value;
  }

  collect(samples: Sample[]): boolean {
    samples.push({ suffix: "", labels: this.name.labels, value: this.#value });
    return true;
  }
}
