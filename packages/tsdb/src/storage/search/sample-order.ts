/**
 * Brings samples of one series into order and settles which of several at one time counts.
 *
 * The rule is VictoriaMetrics' (docs, Deduplication): the larger value wins, and a number beats a staleness marker. Here it is a total order
 * on the value's 64 bits, so the answer depends neither on the order of arrival nor on when parts were merged:
 * staleness marker < other NaN < numbers by size, -0 before +0, NaNs among themselves by their bits.
 */
import { copyBits, type SampleColumns } from "../../base/columns.ts";
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "../../ingest/stale-marker.ts";

/**
 * Sorts samples `[lo, columns.length)` by time and leaves one a time; `columns.length` becomes their end. Does nothing but look where all is in order.
 */
export function orderSamples(columns: SampleColumns, lo: number): void {
  const hi = columns.length;
  const { timestamps } = columns;
  let i = lo + 1;
  while (i < hi && (timestamps[i] as number) > (timestamps[i - 1] as number)) i++;
  if (i >= hi) return;
  let isSorted = true;
  for (; i < hi; i++) {
    if ((timestamps[i] as number) < (timestamps[i - 1] as number)) {
      isSorted = false;
      break;
    }
  }
  if (!isSorted) sortByTime(columns, lo, hi);
  dropRepeated(columns, lo, hi);
}

function sortByTime(columns: SampleColumns, lo: number, hi: number): void {
  const { timestamps, values } = columns;
  const count = hi - lo;
  const times = timestamps.slice(lo, hi);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  order.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
  const bits = new Uint32Array(values.slice(lo, hi).buffer);
  const target = new Uint32Array(values.buffer, values.byteOffset + 8 * lo, 2 * count);
  for (let i = 0; i < count; i++) {
    const from = order[i] as number;
    timestamps[lo + i] = times[from] as number;
    target[2 * i] = bits[2 * from] as number;
    target[2 * i + 1] = bits[2 * from + 1] as number;
  }
}

function dropRepeated(columns: SampleColumns, lo: number, hi: number): void {
  const { timestamps, values } = columns;
  const bits = new Uint32Array(values.buffer, values.byteOffset, 2 * hi);
  let kept = lo;
  for (let i = lo + 1; i < hi; i++) {
    if (timestamps[i] === timestamps[kept]) {
      if (isPreferred(bits, i, kept, values)) copyBits(values, i, i + 1, values, kept);
    } else {
      kept++;
      if (kept !== i) {
        timestamps[kept] = timestamps[i] as number;
        copyBits(values, i, i + 1, values, kept);
      }
    }
  }
  columns.length = kept + 1;
}

/** True if sample `a` wins over sample `b` of the same time. */
function isPreferred(bits: Uint32Array, a: number, b: number, values: Float64Array): boolean {
  const x = values[a] as number;
  const y = values[b] as number;
  if (x > y) return true;
  if (x < y) return false;
  const rankA = rank(bits, a, x);
  const rankB = rank(bits, b, y);
  if (rankA !== rankB) return rankA > rankB;
  const highA = bits[2 * a + 1] as number;
  const highB = bits[2 * b + 1] as number;
  // Equal numbers differ at most in the sign of zero, and there the clear sign bit wins.
  if (x === y) return highA < highB;
  if (highA !== highB) return highA > highB;
  return (bits[2 * a] as number) > (bits[2 * b] as number);
}

function rank(bits: Uint32Array, i: number, value: number): number {
  if (value === value) return 2;
  return bits[2 * i + 1] === STALE_NAN_HIGH && bits[2 * i] === STALE_NAN_LOW ? 0 : 1;
}
