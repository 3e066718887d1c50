/** What both dialects ask of samples as the source hands them out (source.ts). */

/** Words of the staleness marker, the NaN 0x7ff0000000000002, little-endian as every engine Node runs on. */
export function isMarker(words: Uint32Array, i: number): boolean {
  return words[2 * i] === 2 && words[2 * i + 1] === 0x7ff00000;
}

/** True if `[lo, hi)` says the same as `[before, lo)`. Windows cost more to find than this; of different targets it takes a look or two. */
export function isRepeated(timestamps: Float64Array, before: number, lo: number, hi: number): boolean {
  const count = lo - before;
  if (hi - lo !== count) return false;
  if (timestamps[hi - 1] !== timestamps[lo - 1]) return false;
  for (let i = lo; i < hi; i++) if (timestamps[i] !== timestamps[i - count]) return false;
  return true;
}

/**
 * Index of the first sample of `[lo, hi)` after `ms`, `hi` if there is none. Its nearest neighbours are looked at first, then ever farther ones: windows
 * mostly move on by a sample or two, but an hour of a month by hundreds.
 */
export function firstAfter(timestamps: Float64Array, lo: number, hi: number, ms: number): number {
  let from = lo;
  let stride = 1;
  let at = lo;
  while (at < hi && (timestamps[at] as number) <= ms) {
    from = at + 1;
    at += stride;
    stride *= 2;
  }
  let end = at < hi ? at : hi;
  while (from < end) {
    const middle = (from + end) >>> 1;
    if ((timestamps[middle] as number) <= ms) from = middle + 1;
    else end = middle;
  }
  return from;
}
