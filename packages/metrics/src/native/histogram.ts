/**
 * A histogram whose buckets nobody has to choose: 18 a decade from 1e-9 to 1e18, each labelled by its range, only those
 * that are not empty written.
 *
 *     ┌ lower ────────┬ 0 ───────────────────┬ 1 ─ … ─┬ 485 ─────────────────┬ upper ────────┐
 *     0           1.000e-09              1.136e-09  8.799e+17            1.000e+18          +Inf
 *
 *     name_bucket{vmrange="8.799e-01...1.000e+00"} 7
 *     name_sum 6.5
 *     name_count 7
 *
 * A quantile read from it is off by at most one bucket's width, 14 % of the value. Bounds and rounding are those of
 * VictoriaMetrics, so that its `histogram_quantile` and `prometheus_buckets` read the buckets as its own.
 */
import type { Sample } from "../exposition/family.ts";
import { appendLabel } from "../exposition/labels.ts";
import { type Metric, secondsSince } from "./metric.ts";
import type { Mishaps } from "./mishaps.ts";

const EXPONENT_MIN = -9;
const EXPONENT_MAX = 18;
const BUCKETS_PER_DECADE = 18;
const DECADE_COUNT = EXPONENT_MAX - EXPONENT_MIN;
const BUCKET_COUNT = DECADE_COUNT * BUCKETS_PER_DECADE;

/** A histogram with VictoriaMetrics' `vmrange` buckets, 18 a decade from 1e-9 to 1e18: bounds are nobody's to choose. */
export class Histogram implements Metric {
  readonly labels: string;
  readonly #mishaps: Mishaps;
  /**
   * A row of buckets a decade, made when a value falls into it: most histograms see two or three. Row 0 is what lies
   * below the range, the last what lies above, each of one bucket.
   */
  readonly #rows: (number[] | null)[] = new Array<number[] | null>(DECADE_COUNT + 2).fill(null);
  #sum = 0;
  #count = 0;

  constructor(labels: string, mishaps: Mishaps) {
    this.labels = labels;
    this.#mishaps = mishaps;
  }

  /** Counts one value. NaN and negative values are ignored and counted in `metrics_ignored_updates_total`. */
  update(value: number): void {
    if (typeof value !== "number" || !(value >= 0)) {
      this.#mishaps.ignoreValue(value);
      return;
    }
    this.#countInto(slotOf(value), 1);
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

  /** Calls `visit` for each bucket that is not empty, in ascending order. */
  visitNonZeroBuckets(visit: (vmrange: string, count: number) => void): void {
    this.#visit((slot, count) => visit(rangeOf(slot), count));
  }

  /** Adds what `source` has counted. A histogram added to itself is doubled. */
  merge(source: Histogram): void {
    const { count, sum } = source;
    source.#visit((slot, slotCount) => this.#countInto(slot, slotCount));
    this.#sum += sum;
    this.#count += count;
  }

  reset(): void {
    this.#rows.fill(null);
    this.#sum = 0;
    this.#count = 0;
  }

  /** A histogram that has seen nothing shows nothing. */
  collect(samples: Sample[]): boolean {
    if (this.#count === 0) return true;
    const { labels } = this;
    this.visitNonZeroBuckets((vmrange, count) => {
      samples.push({ suffix: "_bucket", labels: appendLabel(labels, `vmrange="${vmrange}"`), value: count });
    });
    samples.push({ suffix: "_sum", labels, value: this.#sum });
    samples.push({ suffix: "_count", labels, value: this.#count });
    return true;
  }

  #countInto(slot: number, count: number): void {
    const row = Math.ceil(slot / BUCKETS_PER_DECADE);
    let buckets = this.#rows[row] as number[] | null;
    if (buckets === null) {
      buckets = new Array<number>(BUCKETS_PER_DECADE).fill(0);
      this.#rows[row] = buckets;
    }
    // Slots 1 to 18 are row 1, and so on; slot 0 stands alone.
    (buckets[(slot + BUCKETS_PER_DECADE - 1) % BUCKETS_PER_DECADE] as number) += count;
  }

  #visit(visit: (slot: number, count: number) => void): void {
    for (const [row, buckets] of this.#rows.entries()) {
      if (buckets === null) continue;
      for (let i = 0; i < BUCKETS_PER_DECADE; i++) {
        const count = buckets[i] as number;
        if (count > 0) visit((row - 1) * BUCKETS_PER_DECADE + i + 1, count);
      }
    }
  }
}

/** 0 is below the range, BUCKET_COUNT + 1 above it. */
function slotOf(value: number): number {
  const place = (Math.log10(value) - EXPONENT_MIN) * BUCKETS_PER_DECADE;
  if (place < 0) return 0;
  if (place >= BUCKET_COUNT) return BUCKET_COUNT + 1;
  const bucket = Math.floor(place);
  // A value on a boundary belongs to the bucket that ends there, as with `le`.
  return bucket === place && bucket > 0 ? bucket : bucket + 1;
}

let bounds: string[] | null = null;

function rangeOf(slot: number): string {
  bounds ??= makeBounds();
  if (slot === 0) return `0...${bounds[0]}`;
  if (slot === BUCKET_COUNT + 1) return `${bounds[BUCKET_COUNT]}...+Inf`;
  return `${bounds[slot - 1]}...${bounds[slot]}`;
}

/** The multiplier is accumulated, not recomputed: the printed digits must be the ones VictoriaMetrics prints. */
function makeBounds(): string[] {
  const multiplier = 10 ** (1 / BUCKETS_PER_DECADE);
  const texts = [formatBound(10 ** EXPONENT_MIN)];
  for (let i = 0, bound = 10 ** EXPONENT_MIN; i < BUCKET_COUNT; i++) {
    bound *= multiplier;
    texts.push(formatBound(bound));
  }
  return texts;
}

/** C's `%.3e`: the exponent has two digits at least. */
function formatBound(bound: number): string {
  return bound.toExponential(3).replace(/e([+-])(\d)$/, "e$10$2");
}
