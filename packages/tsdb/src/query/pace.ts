/**
 * Work over long lists that lets the event loop run between its pieces: what a hundred thousand series make of a sort or a `Map` is a tenth of a
 * second in one go.
 */
import type { QueryRun } from "./context.ts";

/** Items sorted in one go: a fraction of a millisecond, and of texts that are slow to compare a few. */
const RUN_LENGTH = 512;

/** Merged items between two looks at the clock. */
const MERGED_COUNT = 64;

/** `list.sort(compare)`: in place, and stable. */
export async function sortPaced<T>(run: QueryRun, list: T[], compare: (a: T, b: T) => number): Promise<T[]> {
  const { length } = list;
  if (length <= RUN_LENGTH) return list.sort(compare);
  for (let lo = 0; lo < length; lo += RUN_LENGTH) {
    const piece = list.slice(lo, lo + RUN_LENGTH).sort(compare);
    for (let i = 0; i < piece.length; i++) list[lo + i] = piece[i] as T;
    if (run.isDue()) await run.breathe();
  }
  let source = list;
  let target = new Array<T>(length);
  for (let width = RUN_LENGTH; width < length; width *= 2) {
    for (let lo = 0; lo < length; lo += 2 * width) {
      const middle = Math.min(lo + width, length);
      const hi = Math.min(lo + 2 * width, length);
      let left = lo;
      let right = middle;
      for (let to = lo; to < hi; to++) {
        // Of equal ones the left goes first, or the order would not be stable.
        const isLeft = left < middle && (right >= hi || compare(source[left] as T, source[right] as T) <= 0);
        target[to] = source[isLeft ? left++ : right++] as T;
        if ((to & (MERGED_COUNT - 1)) === 0 && run.isDue()) await run.breathe();
      }
    }
    [source, target] = [target, source];
  }
  if (source !== list) for (let i = 0; i < length; i++) list[i] = source[i] as T;
  return list;
}

/** The items that pass, in a new list. */
export async function filterPaced<T>(run: QueryRun, list: readonly T[], isWanted: (item: T) => boolean): Promise<T[]> {
  const wanted: T[] = [];
  for (const item of list) {
    if (isWanted(item)) wanted.push(item);
    if (run.isDue()) await run.breathe();
  }
  return wanted;
}
