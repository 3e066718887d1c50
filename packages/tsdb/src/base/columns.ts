/** Two growing columns of samples: times in ms and values, side by side. */
export class SampleColumns {
  timestamps: Float64Array;
  values: Float64Array;
  /** Samples in use; the arrays may be longer. */
  length = 0;

  constructor(capacity = 1024) {
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
  }

  /** Makes room for `count` samples in all; what is there stays. */
  reserve(count: number): void {
    if (count <= this.timestamps.length) return;
    const capacity = Math.max(count, this.timestamps.length * 2);
    const timestamps = new Float64Array(capacity);
    timestamps.set(this.timestamps.subarray(0, this.length));
    this.timestamps = timestamps;
    const values = new Float64Array(capacity);
    // As bytes: a NaN must keep its bits.
    copyBits(this.values, 0, this.length, values, 0);
    this.values = values;
  }
}

/** Up to so many a loop is quicker than two views. */
const FEW_SAMPLES = 4;

/**
 * Copies `source[lo..hi)` to `target[at..)` bit by bit, also within one array, to the front or to the back. Assigning one Float64Array
 * element to another may change the bits of a NaN; this may not.
 */
export function copyBits(source: Float64Array, lo: number, hi: number, target: Float64Array, at: number): void {
  let from = lo;
  // From the front on: that must not run over what is still to be copied.
  if (hi - lo <= FEW_SAMPLES && (source !== target || at <= lo)) {
    for (; from < hi; from++) {
      const value = source[from] as number;
      if (Number.isNaN(value)) break;
      target[at + from - lo] = value;
    }
    if (from === hi) return;
  }
  // TypedArray.prototype.set between arrays of one type copies bytes (ECMA-262, SetTypedArrayFromTypedArray).
  target.set(source.subarray(from, hi), at + from - lo);
}
