/** Sets of series ids as sorted Uint32Arrays, and the operations filters need on them. Inputs are never changed. */

export type Postings = Uint32Array;

export const NO_POSTINGS: Postings = new Uint32Array(0);

export function intersect(a: Postings, b: Postings): Postings {
  // Far apart in size: look the few up in the many.
  if (a.length > b.length) return intersect(b, a);
  const out = new Uint32Array(a.length);
  let count = 0;
  if (a.length * 16 < b.length) {
    let from = 0;
    for (let i = 0; i < a.length; i++) {
      const id = a[i] as number;
      from = lowerBound(b, id, from);
      if (from === b.length) break;
      if (b[from] === id) out[count++] = id;
    }
    return out.subarray(0, count);
  }
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const x = a[i] as number;
    const y = b[j] as number;
    if (x === y) {
      out[count++] = x;
      i++;
      j++;
    } else if (x < y) i++;
    else j++;
  }
  return out.subarray(0, count);
}

/** Ids of `a` that are not in `b`. */
export function subtract(a: Postings, b: Postings): Postings {
  if (a.length === 0 || b.length === 0) return a;
  const out = new Uint32Array(a.length);
  let count = 0;
  for (let i = 0, j = 0; i < a.length; i++) {
    const id = a[i] as number;
    while (j < b.length && (b[j] as number) < id) j++;
    if (j === b.length || b[j] !== id) out[count++] = id;
  }
  return out.subarray(0, count);
}

/** Union of any number of sets. */
export function unite(sets: readonly Postings[]): Postings {
  if (sets.length === 0) return NO_POSTINGS;
  if (sets.length === 1) return sets[0] as Postings;
  let total = 0;
  for (const set of sets) total += set.length;
  const all = new Uint32Array(total);
  let at = 0;
  let isSorted = true;
  for (const set of sets) {
    if (set.length === 0) continue;
    if (at > 0 && (set[0] as number) <= (all[at - 1] as number)) isSorted = false;
    all.set(set, at);
    at += set.length;
  }
  if (isSorted) return all;
  all.sort();
  let count = 0;
  for (let i = 0; i < total; i++) {
    if (i === 0 || all[i] !== all[i - 1]) all[count++] = all[i] as number;
  }
  return all.subarray(0, count);
}

/** First place in `ids[from..]` whose id is at least `id`. */
export function lowerBound(ids: Postings, id: number, from = 0): number {
  let lo = from;
  let hi = ids.length;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if ((ids[mid] as number) < id) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
