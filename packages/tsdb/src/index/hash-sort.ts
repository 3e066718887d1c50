/**
 * Sorting of hashes with an id each. Hashes spread evenly, so their upper bits say nearly where each belongs: one step takes them to buckets of a few, and
 * a bucket is sorted where it is. Numbers of any other kind come out sorted as well, only later.
 */
import type { Pace } from "./filter-search.ts";

/** Hashes of a bucket: about. */
const BUCKET_BITS = 3;
/** More buckets than this are more than a processor's caches keep in mind. */
const BUCKETS_BITS_MAX = 17;
/** Longer buckets are nothing that hashes come to: they are sorted by the engine. */
const INSERTED_MAX = 256;
/** Hashes between two looks at the pace. */
const UNPACED: number = 1 << 14;

/**
 * Sorts `hashes` in place, and `ids` with them; equal hashes come by ascending id. `pairs` is memory for it, two words a hash. The upper `sameBits` are the same
 * in all hashes.
 */
export async function sortHashes(
  hashes: Uint32Array,
  ids: Uint32Array,
  pairs: Uint32Array,
  pace: Pace,
  sameBits = 0,
): Promise<void> {
  const count = hashes.length;
  const bits = Math.min(BUCKETS_BITS_MAX, Math.max(1, 32 - Math.clz32(count) - BUCKET_BITS));
  const shift = 32 - bits;
  const ends = new Uint32Array(1 << bits);
  for (let lo = 0; lo < count; lo += UNPACED) {
    countBuckets(hashes, lo, Math.min(count, lo + UNPACED), sameBits, shift, ends);
    if (pace.isDue) await pace.pause();
  }
  // Where each bucket starts; it is filled up to its end.
  let end = 0;
  for (let bucket = 0; bucket < ends.length; bucket++) {
    const size = ends[bucket] as number;
    ends[bucket] = end;
    end += size;
  }
  // Hash and id beside each other: one place in memory instead of two.
  for (let lo = 0; lo < count; lo += UNPACED) {
    distribute(hashes, ids, lo, Math.min(count, lo + UNPACED), sameBits, shift, ends, pairs);
    if (pace.isDue) await pace.pause();
  }
  let lo = 0;
  for (let bucket = 0; bucket < ends.length; bucket++) {
    const hi = ends[bucket] as number;
    if (hi - lo > INSERTED_MAX) sortLong(pairs, lo, hi);
    else sortShort(pairs, lo, hi);
    for (let i = lo; i < hi; i++) {
      hashes[i] = pairs[2 * i] as number;
      ids[i] = pairs[2 * i + 1] as number;
    }
    lo = hi;
    if (bucket % 1024 === 1023 && pace.isDue) await pace.pause();
  }
}

function countBuckets(
  hashes: Uint32Array,
  lo: number,
  hi: number,
  sameBits: number,
  shift: number,
  counts: Uint32Array,
): void {
  for (let i = lo; i < hi; i++) counts[((hashes[i] as number) << sameBits) >>> shift]++;
}

function distribute(
  hashes: Uint32Array,
  ids: Uint32Array,
  lo: number,
  hi: number,
  sameBits: number,
  shift: number,
  places: Uint32Array,
  pairs: Uint32Array,
): void {
  for (let i = lo; i < hi; i++) {
    const hash = hashes[i] as number;
    const place = places[(hash << sameBits) >>> shift]++;
    pairs[2 * place] = hash;
    pairs[2 * place + 1] = ids[i] as number;
  }
}

function sortShort(pairs: Uint32Array, lo: number, hi: number): void {
  for (let i = lo + 1; i < hi; i++) {
    const hash = pairs[2 * i] as number;
    const id = pairs[2 * i + 1] as number;
    let at = i;
    for (; at > lo; at--) {
      const before = pairs[2 * at - 2] as number;
      if (before < hash || (before === hash && (pairs[2 * at - 1] as number) < id)) break;
      pairs[2 * at] = before;
      pairs[2 * at + 1] = pairs[2 * at - 1] as number;
    }
    pairs[2 * at] = hash;
    pairs[2 * at + 1] = id;
  }
}

function sortLong(pairs: Uint32Array, lo: number, hi: number): void {
  const own = pairs.slice(2 * lo, 2 * hi);
  const order = new Uint32Array(hi - lo).map((_place, i) => i);
  order.sort(
    (a, b) =>
      (own[2 * a] as number) - (own[2 * b] as number) || (own[2 * a + 1] as number) - (own[2 * b + 1] as number),
  );
  for (let i = 0; i < order.length; i++) {
    pairs[2 * (lo + i)] = own[2 * (order[i] as number)] as number;
    pairs[2 * (lo + i) + 1] = own[2 * (order[i] as number) + 1] as number;
  }
}
