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
import { type Metric, secondsSince } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";
import { Reservoir } from "./reservoir.ts";

/** Which quantiles a summary shows, and over which window. */
export interface SummaryOptions {
  /** Each in [0, 1]. Default: 0.5, 0.9, 0.97, 0.99, 1. */
  readonly quantiles?: readonly number[];
  /** Values older than this have no say in the quantiles. Default: 5 minutes. */
  readonly windowMs?: number;
}

const DEFAULT_QUANTILES: readonly number[] = [0.5, 0.9, 0.97, 0.99, 1];
const DEFAULT_WINDOW_MS = 300_000;

/** Options that were checked, and what a summary takes from its set. Shared by all series of a family. */
export interface SummarySettings {
  readonly quantiles: readonly number[];
  readonly windowMs: number;
  readonly nowMs: () => number;
  readonly random: () => number;
}

/** Quantiles of the values of a sliding window, besides count and sum of all values. */
export class Summary implements Metric {
  readonly labels: string;
  readonly #mishaps: Mishaps;
  readonly #settings: SummarySettings;
  #older: Reservoir;
  #younger: Reservoir;
  #turnedMs: number;
  #sum = 0;
  #count = 0;

  constructor(labels: string, mishaps: Mishaps, settings: SummarySettings) {
    this.labels = labels;
    this.#mishaps = mishaps;
    this.#settings = settings;
    this.#older = new Reservoir(settings.random);
    this.#younger = new Reservoir(settings.random);
    this.#turnedMs = settings.nowMs();
  }

  /** Counts one value. NaN is ignored and counted in `metrics_ignored_updates_total`. */
  update(value: number): void {
    if (typeof value !== "number" || Number.isNaN(value)) {
      this.#mishaps.ignoreValue(value);
      return;
    }
    this.#turn();
    this.#older.add(value);
    this.#younger.add(value);
    this.#sum += value;
    this.#count++;
  }

  /** Counts the seconds since `startMs`, a reading of performance.now(). */
  updateDuration(startMs: number): void {
    this.update(secondsSince(startMs));
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
    return this.#older.quantiles(this.#settings.quantiles);
  }

  /** A summary that has seen nothing shows nothing; one whose window is empty shows no quantiles. */
  collect(samples: Sample[]): boolean {
    if (this.#count === 0) return true;
    const { labels } = this;
    const { quantiles } = this.#settings;
    const values = this.readQuantiles();
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (Number.isNaN(value)) continue;
      samples.push({ suffix: "", labels: appendLabel(labels, `quantile="${quantiles[i]}"`), value });
    }
    samples.push({ suffix: "_sum", labels, value: this.#sum });
    samples.push({ suffix: "_count", labels, value: this.#count });
    return true;
  }

  /** Turns when somebody looks and not by a timer: a summary costs nothing while nobody uses it. */
  #turn(): void {
    const halfWindowMs = this.#settings.windowMs / 2;
    const elapsedMs = this.#settings.nowMs() - this.#turnedMs;
    if (elapsedMs < 0) {
      // A clock that was set back, though none should be: without this the window would stand still until it catches up.
      this.#turnedMs += elapsedMs;
      return;
    }
    if (elapsedMs < halfWindowMs) return;
    const turns = Math.floor(elapsedMs / halfWindowMs);
    this.#turnedMs += turns * halfWindowMs;
    const dropped = this.#older;
    this.#older = this.#younger;
    this.#younger = dropped;
    dropped.clear();
    if (turns > 1) this.#older.clear();
  }
}

/** @throws RangeError if a quantile is outside [0, 1] or the window is no positive number */
export function checkSummaryOptions(
  options: SummaryOptions,
  metric: string,
): Pick<SummarySettings, "quantiles" | "windowMs"> {
  const quantiles = options.quantiles ?? DEFAULT_QUANTILES;
  const windowMs = options.windowMs ?? DEFAULT_WINDOW_MS;
  if (!Array.isArray(quantiles)) {
    throw new RangeError(`summary ${metric}: want an array of quantiles, got ${typeof quantiles}`);
  }
  for (const [i, quantile] of quantiles.entries()) {
    if (!(typeof quantile === "number" && quantile >= 0 && quantile <= 1)) {
      throw new RangeError(`summary ${metric}: want quantiles in [0, 1], got ${String(quantile)}`);
    }
    if (quantiles.indexOf(quantile) < i) throw new RangeError(`summary ${metric}: quantile ${quantile} occurs twice`);
  }
  if (!(typeof windowMs === "number" && windowMs > 0)) {
    throw new RangeError(`summary ${metric}: want windowMs above 0, got ${String(windowMs)}`);
  }
  return { quantiles: [...quantiles], windowMs };
}
