/** Sorting of many numbers that lets the event loop run: a million take a tenth of a second in one go. */
import type { Pace } from "./filter-search.ts";

const BUCKETS = 256;
/** Numbers that the pace is not asked about. */
const UNPACED_MASK = (1 << 14) - 1;

/**
 * `count` numbers in ascending order, a bucket at a time. `bucketOf(i)`, from 0 to 255, must ascend with the numbers; `numberOf(i)` is called once each.
 */
export async function* bucketSort(
  count: number,
  bucketOf: (i: number) => number,
  numberOf: (i: number) => number,
  pace: Pace,
): AsyncIterable<Float64Array> {
  const ends = new Uint32Array(BUCKETS);
  for (let i = 0; i < count; i++) {
    ends[bucketOf(i)]++;
    if ((i & UNPACED_MASK) === UNPACED_MASK && pace.isDue) await pace.pause();
  }
  let start = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const size = ends[bucket] as number;
    ends[bucket] = start;
    start += size;
  }
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    values[ends[bucketOf(i)]++] = numberOf(i);
    if ((i & UNPACED_MASK) === UNPACED_MASK && pace.isDue) await pace.pause();
  }
  let lo = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const hi = ends[bucket] as number;
    if (pace.isDue) await pace.pause();
    if (hi > lo) yield values.subarray(lo, hi).sort();
    lo = hi;
  }
}
