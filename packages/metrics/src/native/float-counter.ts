import type { Sample } from "../exposition/family.ts";
import type { Metric } from "./metric.ts";
import type { MetricName } from "./metric-name.ts";

/**
 * Sums up fractions (seconds spent, money earned); only goes up. Negative deltas and those that are no
 * finite number are ignored: one NaN would stay for ever.
 */
export class FloatCounter implements Metric {
  readonly type = "counter" as const;
  readonly name: MetricName;
  #value = 0;

  constructor(name: MetricName) {
    this.name = name;
  }

  add(delta: number): void {
    if (delta >= 0 && delta < Number.POSITIVE_INFINITY) this.#value += delta;
  }

  /** For counters kept elsewhere and mirrored here. */
  set(value: number): void {
    if (value >= 0 && value < Number.POSITIVE_INFINITY) this.#value = value;
  }

  get(): number {
    return this.#value;
  }

  collect(samples: Sample[]): boolean {
    samples.push({ suffix: "", labels: this.name.labels, value: this.#value });
    return true;
  }
}
