/** One data point of any kind, filled by a decoder and turned into samples by mapping.ts. Reused: no object a point. */

/** More buckets, bounds or quantiles than this and the point is refused: SDKs make 160. */
export const BUCKETS_MAX = 65_536;

/** Numbers without a bound to allocate for beforehand. */
export class NumberList {
  values: Float64Array = new Float64Array(32);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      // One place more than may be used, so that `isTooLong` can be seen; the rest is dropped.
      if (this.length > BUCKETS_MAX) return;
      const larger = new Float64Array(Math.min(this.length * 2, BUCKETS_MAX + 1));
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  get isTooLong(): boolean {
    return this.length > BUCKETS_MAX;
  }
}

export class DataPoint {
  /** NaN: the sender gave none (or 0, which says the same). */
  timestampMs: number = NaN;
  /** The sender says that there is nothing at this time: the series ends with a stale marker. */
  isNoRecordedValue = false;

  /** Of a gauge or sum: offset of a float64 in the body, or -1 when `value` has it. */
  valueOffset = -1;
  value = 0;
  hasValue = false;

  /** Of histograms and summaries. */
  count = 0;
  sum = 0;
  hasSum = false;
  readonly bucketCounts: NumberList = new NumberList();
  readonly bounds: NumberList = new NumberList();

  /** Of exponential histograms. */
  scale = 0;
  zeroCount = 0;
  zeroThreshold = 0;
  positiveOffset = 0;
  readonly positiveCounts: NumberList = new NumberList();
  negativeOffset = 0;
  readonly negativeCounts: NumberList = new NumberList();

  /** Of summaries, pairwise. */
  readonly quantiles: NumberList = new NumberList();
  readonly quantileValues: NumberList = new NumberList();

  reset(): void {
    this.timestampMs = NaN;
    this.isNoRecordedValue = false;
    this.valueOffset = -1;
    this.value = 0;
    this.hasValue = false;
    this.count = 0;
    this.sum = 0;
    this.hasSum = false;
    this.bucketCounts.length = 0;
    this.bounds.length = 0;
    this.scale = 0;
    this.zeroCount = 0;
    this.zeroThreshold = 0;
    this.positiveOffset = 0;
    this.positiveCounts.length = 0;
    this.negativeOffset = 0;
    this.negativeCounts.length = 0;
    this.quantiles.length = 0;
    this.quantileValues.length = 0;
  }
}
