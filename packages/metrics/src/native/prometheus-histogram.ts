/**
 * A histogram with Prometheus' buckets: bounds chosen beforehand, each bucket counting all values up to its bound.
 *
 *     name_bucket{le="0.1"} 3
 *     name_bucket{le="0.5"} 5
 *     name_bucket{le="+Inf"} 6
 *     name_sum 2.25
 *     name_count 6
 *
 * For what must be read by `histogram_quantile` of Prometheus itself. Where VictoriaMetrics reads, the histogram of
 * histogram.ts is closer to the truth and has no bounds to choose.
 */
import type { Sample } from "../exposition/family.ts";
import { appendLabel, formatLabel } from "../exposition/labels.ts";
import { type Metric, secondsSince } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";

/** Upper bounds in seconds that suit the latency of a web service; those of every Prometheus client. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Upper bounds that were checked, with the labels they are written as. Shared by all series of a family. */
export interface BucketBounds {
  /** Finite, ascending. */
  readonly uppers: Float64Array;
  /** `le="…"`, one more than `uppers`: the last is +Inf. */
  readonly labels: readonly string[];
}

/** A histogram with Prometheus' `le` buckets. */
export class PrometheusHistogram implements Metric {
  readonly labels: string;
  readonly #mishaps: Mishaps;
  readonly #bounds: BucketBounds;
  /** Values of each bucket alone; they are added up when written. */
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(labels: string, mishaps: Mishaps, bounds: BucketBounds) {
    this.labels = labels;
    this.#mishaps = mishaps;
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.labels.length).fill(0);
  }

  /** Counts one value. NaN and negative values are ignored and counted in `metrics_ignored_updates_total`. */
  update(value: number): void {
    if (typeof value !== "number" || !(value >= 0)) {
      this.#mishaps.ignoreValue(value);
      return;
    }
    const { uppers } = this.#bounds;
    let lo = 0;
    for (let hi = uppers.length; lo < hi; ) {
      const middle = (lo + hi) >>> 1;
      if ((uppers[middle] as number) >= value) hi = middle;
      else lo = middle + 1;
    }
    (this.#counts[lo] as number)++;
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

  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
    this.#count = 0;
  }

  /** All buckets, also while nothing was counted: a rate needs the zero it starts from. */
  collect(samples: Sample[]): boolean {
    let cumulative = 0;
    for (let slot = 0; slot < this.#counts.length; slot++) {
      cumulative += this.#counts[slot] as number;
      const labels = appendLabel(this.labels, this.#bounds.labels[slot] as string);
      samples.push({ suffix: "_bucket", labels, value: cumulative });
    }
    samples.push({ suffix: "_sum", labels: this.labels, value: this.#sum });
    samples.push({ suffix: "_count", labels: this.labels, value: this.#count });
    return true;
  }
}

/**
 * Checks upper bounds. A last one of +Infinity is allowed and says nothing new: that bucket is always there.
 * @throws RangeError if they are not finite numbers in ascending order, or none
 */
export function checkBuckets(buckets: readonly number[], title: string): BucketBounds {
  if (!Array.isArray(buckets)) throw new RangeError(`${title}: want an array of buckets, got ${typeof buckets}`);
  const finite = buckets.at(-1) === Number.POSITIVE_INFINITY ? buckets.slice(0, -1) : [...buckets];
  if (finite.length === 0) throw new RangeError(`${title}: want one finite bucket at least, got none`);
  for (const [i, bound] of finite.entries()) {
    if (!Number.isFinite(bound)) throw new RangeError(`${title}: want finite buckets, got ${String(bound)}`);
    if (i > 0 && !(bound > (finite[i - 1] as number))) {
      throw new RangeError(`${title}: want ascending buckets, got ${bound} after ${finite[i - 1]}`);
    }
  }
  return {
    uppers: Float64Array.from(finite),
    labels: [...finite.map((bound) => formatLabel("le", String(bound))), 'le="+Inf"'],
  };
}

/**
 * `count` bounds, `width` apart.
 *
 *     linearBuckets(10, 5, 3)   // [10, 15, 20]
 *
 * @throws RangeError if that is no ascending list of finite numbers
 */
export function linearBuckets(start: number, width: number, count: number): number[] {
  return makeBuckets("linearBuckets", count, (i) => start + width * i);
}

/**
 * `count` bounds, each `factor` times the one before.
 *
 *     exponentialBuckets(1, 2, 4)   // [1, 2, 4, 8]
 *
 * @throws RangeError if that is no ascending list of finite numbers
 */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  return makeBuckets("exponentialBuckets", count, (i) => start * factor ** i);
}

const BUCKET_COUNT_MAX = 10_000;

function makeBuckets(title: string, count: number, boundOf: (i: number) => number): number[] {
  if (!(Number.isInteger(count) && count >= 1 && count <= BUCKET_COUNT_MAX)) {
    throw new RangeError(`${title}: want a count from 1 to ${BUCKET_COUNT_MAX}, got ${count}`);
  }
  const buckets = Array.from({ length: count }, (_, i) => boundOf(i));
  checkBuckets(buckets, title);
  return buckets;
}
