/**
 * Sorts items by keys that come in chunks: multikey quicksort, which looks at a further chunk of a key only where those before it are equal.
 * The chunks compared last are kept beside the items, so that most steps touch no key at all.
 *
 * It shares the thread: after a few thousand items it asks the pacer.
 */
import type { Pacer } from "../pacer.ts";

/** What a key's chunk behind its last one is: less than every other. */
export const NO_CHUNK: number = -1;

/** Items that a pacer is not asked about. */
const UNPACED = 2048;
const INSERTION_MAX = 12;

/** Chunk number `depth` of an item's key: a number from 0 on that orders as the chunk does, or NO_CHUNK. */
export type ChunkOf = (item: number, depth: number) => number;

/** Sorts `items` in place. Items whose keys are equal stay in any order. */
export async function sortByChunks(items: Uint32Array, chunkOf: ChunkOf, pacer: Pacer): Promise<void> {
  const chunks = new Float64Array(items.length);
  // Ranges that are still to be sorted: lo, hi, depth, and whether their chunks are loaded.
  const ranges: number[] = [0, items.length, 0, 0];
  let unpaced = 0;
  while (ranges.length > 0) {
    const isLoaded = ranges.pop() as number;
    const depth = ranges.pop() as number;
    const hi = ranges.pop() as number;
    const lo = ranges.pop() as number;
    if (hi - lo < 2) continue;
    if (isLoaded === 0) {
      for (let i = lo; i < hi; i++) {
        chunks[i] = chunkOf(items[i] as number, depth);
        if (++unpaced >= UNPACED) {
          unpaced = 0;
          if (pacer.isDue) await pacer.pause();
        }
      }
    }
    unpaced += (hi - lo) >> 3;
    if (unpaced >= UNPACED) {
      unpaced = 0;
      if (pacer.isDue) await pacer.pause();
    }
    if (hi - lo <= INSERTION_MAX) {
      insertionSort(items, chunks, lo, hi);
      for (let from = lo; from < hi; ) {
        let to = from + 1;
        while (to < hi && chunks[to] === chunks[from]) to++;
        if (to - from > 1 && chunks[from] !== NO_CHUNK) ranges.push(from, to, depth + 1, 0);
        from = to;
      }
      continue;
    }
    const pivot = choosePivot(chunks, lo, hi);
    // [lo, less) below the pivot, [less, i) equal, [greater, hi) above.
    let less = lo;
    let greater = hi;
    for (let i = lo; i < greater; ) {
      const chunk = chunks[i] as number;
      if (chunk === pivot) i++;
      else if (chunk < pivot) swap(items, chunks, i++, less++);
      else swap(items, chunks, i, --greater);
    }
    ranges.push(lo, less, depth, 1, greater, hi, depth, 1);
    if (pivot !== NO_CHUNK) ranges.push(less, greater, depth + 1, 0);
  }
}

function insertionSort(items: Uint32Array, chunks: Float64Array, lo: number, hi: number): void {
  for (let i = lo + 1; i < hi; i++) {
    const item = items[i] as number;
    const chunk = chunks[i] as number;
    let at = i;
    for (; at > lo && (chunks[at - 1] as number) > chunk; at--) {
      items[at] = items[at - 1] as number;
      chunks[at] = chunks[at - 1] as number;
    }
    items[at] = item;
    chunks[at] = chunk;
  }
}

/** Median of the medians of three places: sorted and nearly sorted items, the usual ones, are halved. */
function choosePivot(chunks: Float64Array, lo: number, hi: number): number {
  const step = (hi - lo) >> 3;
  const middle = (lo + hi) >> 1;
  return median(
    median(chunks[lo] as number, chunks[lo + step] as number, chunks[lo + 2 * step] as number),
    median(chunks[middle - step] as number, chunks[middle] as number, chunks[middle + step] as number),
    median(chunks[hi - 1 - 2 * step] as number, chunks[hi - 1 - step] as number, chunks[hi - 1] as number),
  );
}

function median(a: number, b: number, c: number): number {
  return a < b ? (b < c ? b : a < c ? c : a) : a < c ? a : b < c ? c : b;
}

function swap(items: Uint32Array, chunks: Float64Array, a: number, b: number): void {
  const item = items[a] as number;
  items[a] = items[b] as number;
  items[b] = item;
  const chunk = chunks[a] as number;
  chunks[a] = chunks[b] as number;
  chunks[b] = chunk;
}
