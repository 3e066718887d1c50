/**
 * Estimates from the buckets of a classic histogram: counters of observations up to a bound, `le`, the last of them up to +Inf.
 *
 *   le      0.1   0.2   +Inf
 *   count    5     7     12        2 observations lie in (0.1, 0.2], evenly as far as anyone can tell
 *
 * The first bucket starts at 0 if its bound is positive; otherwise, like the last one, it has no width to speak of.
 * Rules: Prometheus' `BucketQuantile` and `BucketFraction`.
 */

/** Buckets of one point: `bounds[0..size)` ascending and different, `counts` up to each bound. Filled anew for each point. */
export class Buckets {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  size = 0;

  constructor(capacity: number) {
    this.bounds = new Float64Array(capacity);
    this.counts = new Float64Array(capacity);
  }

  /** Bounds come in ascending order; of equal ones the counts are added. */
  add(bound: number, count: number): void {
    if (this.size > 0 && this.bounds[this.size - 1] === bound) {
      this.counts[this.size - 1] += count;
      return;
    }
    this.bounds[this.size] = bound;
    this.counts[this.size] = count;
    this.size++;
  }

  /** Without a last bucket nobody knows how many observations there are. */
  isComplete(): boolean {
    return this.size > 0 && this.bounds[this.size - 1] === Infinity;
  }
}

/** What had to be mended, over all points of a metric in a call: counts that fell from one bucket to the next. */
export class MonotonicityFixes {
  /** Points of histograms that were mended. */
  count = 0;
  leastBound: number = Infinity;
  greatestBound: number = -Infinity;
  /** Largest fall. */
  greatestDrop = 0;
  firstMs = 0;
  lastMs = 0;

  /** Made-up counts are taken back: a bucket holds at least what the one before it holds. Falls that rounding explains go unsaid. */
  apply(buckets: Buckets, timeMs: number): void {
    const { bounds, counts, size } = buckets;
    let before = counts[0];
    let isMended = false;
    for (let i = 1; i < size; i++) {
      const count = counts[i];
      if (count === before) continue;
      if (isAlmostEqual(before, count)) counts[i] = before;
      else if (count < before) {
        counts[i] = before;
        isMended = true;
        this.leastBound = Math.min(this.leastBound, bounds[i]);
        this.greatestBound = Math.max(this.greatestBound, bounds[i]);
        this.greatestDrop = Math.max(this.greatestDrop, before - count);
      } else before = count;
    }
    if (!isMended) return;
    this.firstMs = this.count === 0 ? timeMs : Math.min(this.firstMs, timeMs);
    this.lastMs = this.count === 0 ? timeMs : Math.max(this.lastMs, timeMs);
    this.count++;
  }
}

const TOLERANCE = 1e-12;
const LEAST_NORMAL = 2 ** -1022;

/** Relative to their sum; by absolute distance where that is too small to divide by. */
function isAlmostEqual(a: number, b: number): boolean {
  if (a === b || (a !== a && b !== b)) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const distance = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < LEAST_NORMAL) return distance < TOLERANCE * LEAST_NORMAL;
  return distance / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/**
 * The value below which a share φ of the observations lies. In the last bucket it is that bucket's lower bound. -Inf for φ < 0,
 * +Inf for φ > 1; NaN for a NaN φ, no observations, fewer than two buckets or none up to +Inf. Mends `buckets`.
 */
export function bucketQuantile(phi: number, buckets: Buckets, fixes: MonotonicityFixes, timeMs: number): number {
  if (phi !== phi) return Number.NaN;
  if (phi < 0) return -Infinity;
  if (phi > 1) return Infinity;
  if (!buckets.isComplete()) return Number.NaN;
  fixes.apply(buckets, timeMs);
  const { bounds, counts } = buckets;
  const last = buckets.size - 1;
  const observations = counts[last];
  if (last < 1 || observations === 0) return Number.NaN;
  const rank = phi * observations;
  const i = firstReaching(counts, last, rank);
  if (i === last) return bounds[last - 1];
  if (i === 0) return bounds[0] <= 0 ? bounds[0] : bounds[0] * (rank / counts[0]);
  const share = (rank - counts[i - 1]) / (counts[i] - counts[i - 1]);
  return bounds[i - 1] + (bounds[i] - bounds[i - 1]) * share;
}

/** The first of `counts[0..end)` that is `rank` or more, `end` if none is. */
function firstReaching(counts: Float64Array, end: number, rank: number): number {
  let lo = 0;
  let hi = end;
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (counts[middle] >= rank) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}

/**
 * The share of the observations in (lower, upper]. An unbounded bucket counts in full or not at all. 0 if lower is not below upper; NaN
 * for no observations, no bucket up to +Inf or a NaN.
 */
export function bucketFraction(lower: number, upper: number, buckets: Buckets): number {
  if (!buckets.isComplete()) return Number.NaN;
  const observations = buckets.counts[buckets.size - 1];
  if (observations === 0 || lower !== lower || upper !== upper) return Number.NaN;
  if (lower >= upper) return 0;
  return (observationsBelow(upper, buckets) - observationsBelow(lower, buckets)) / observations;
}

function observationsBelow(value: number, { bounds, counts, size }: Buckets): number {
  const observations = counts[size - 1];
  let start = bounds[0] <= 0 ? -Infinity : 0;
  let before = 0;
  for (let i = 0; i < size; i++) {
    const end = bounds[i];
    if (start >= value) return Math.min(before, observations);
    if (end > value) {
      const found = start === -Infinity ? counts[i] : before + ((counts[i] - before) * (value - start)) / (end - start);
      // As an upper limit may, without mended counts, be beyond all there are.
      return found > observations ? observations : found;
    }
    start = end;
    before = counts[i];
  }
  return observations;
}
