/**
 * Quantiles over a sliding window, counted where the values arise.
 *
 *     name{quantile="0.5"} 0.12
 *     name{quantile="0.99"} 1.7
 *     name_sum 321.5            sum and count of everything ever, not of the window
 *     name_count 2400
 *
 * Summaries cannot be added up across processes; a histogram can. Use a summary where only this process matters.
 *
 * The window slides in two halves: each value goes into both reservoirs, the older one answers. Every half window the
 * older is dropped and the younger, by then half a window old, takes its place.
 */
import type { Sample } from "../exposition/family.ts";
import { appendLabel } from "../exposition/labels.ts";
import type { Metric } from "./metric.ts";
import { type MetricName, refuseLabel } from "./metric-name.ts";
import { Reservoir } from "./reservoir.ts";

export interface SummaryOptions {
  /** Each in [0, 1]. Default: 0.5, 0.9, 0.97, 0.99, 1. */
  readonly quantiles?: readonly number[];
  /** Values older than this have no say in the quantiles. Default: 5 minutes. */
  readonly windowMs?: number;
}

const DEFAULT_QUANTILES: readonly number[] = [0.5, 0.9, 0.97, 0.99, 1];
const DEFAULT_WINDOW_MS = 300_000;

export class Summary implements Metric {
  readonly type = "summary" as const;
  readonly name: MetricName;
  readonly #quantiles: readonly number[];
  readonly #halfWindowMs: number;
  readonly #nowMs: () => number;
  #older: Reservoir;
  #younger: Reservoir;
  #turnedMs: number;
  #sum = 0;
  #count = 0;

  /** @throws RangeError if a quantile is outside [0, 1] or the window is no positive number */
  constructor(name: MetricName, options: SummaryOptions, nowMs: () => number, random: () => number) {
    refuseLabel(name, "quantile");
    const quantiles = options.quantiles ?? DEFAULT_QUANTILES;
    const windowMs = options.windowMs ?? DEFAULT_WINDOW_MS;
    for (const quantile of quantiles) {
      if (!(quantile >= 0 && quantile <= 1))
        throw new RangeError(`summary ${name.text}: want quantiles in [0, 1], got ${quantile}`);
    }
    if (!(windowMs > 0)) throw new RangeError(`summary ${name.text}: want windowMs above 0, got ${windowMs}`);
    this.name = name;
    this.#quantiles = [...quantiles];
    this.#halfWindowMs = windowMs / 2;
    this.#nowMs = nowMs;
    this.#older = new Reservoir(random);
    this.#younger = new Reservoir(random);
    this.#turnedMs = nowMs();
  }

  /** Counts one value. NaN is ignored. */
  update(value: number): void {
    if (Number.isNaN(value)) return;
    this.#turn();
    this.#older.add(value);
    this.#younger.add(value);
    this.#sum += value;
    this.#count++;
  }

  /** Counts the seconds since `startMs`, a reading of performance.now(). */
  updateDuration(startMs: number): void {
    this.update((performance.now() - startMs) / 1000);
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** One value a quantile, in their order; NaN where the window is empty. */
  readQuantiles(): number[] {
    this.#turn();
    return this.#older.quantiles(this.#quantiles);
  }

  /** A summary that has seen nothing shows nothing; one whose window is empty shows no quantiles. */
  collect(samples: Sample[]): boolean {
    if (this.#count === 0) return true;
    const { labels } = this.name;
    const values = this.readQuantiles();
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (Number.isNaN(value)) continue;
      samples.push({ suffix: "", labels: appendLabel(labels, `quantile="${this.#quantiles[i]}"`), value });
    }
    samples.push({ suffix: "_sum", labels, value: this.#sum });
    samples.push({ suffix: "_count", labels, value: this.#count });
    return true;
  }

  /** Turns when somebody looks and not by a timer: a summary costs nothing while nobody uses it. */
  #turn(): void {
    const elapsedMs = this.#nowMs() - this.#turnedMs;
    if (elapsedMs < this.#halfWindowMs) return;
    const turns = Math.floor(elapsedMs / this.#halfWindowMs);
    this.#turnedMs += turns * this.#halfWindowMs;
    const dropped = this.#older;
    this.#older = this.#younger;
    this.#younger = dropped;
    dropped.clear();
    if (turns > 1) this.#older.clear();
  }
}
