/**
 * The N most frequent values of a stream that may have millions, in memory for a few N.
 *
 *     admitted     N values with a place: text and exact count
 *     candidates   4 N counters for all the others: hash → count, too low by at most window / 4 N (Misra and Gries, 1982)
 *     promoted     hash → whose place it takes, when it comes again
 *
 * The others are known by their hash only, so that a flood of distinct values allocates nothing; a text is stored when a
 * promoted hash comes again. Two texts of one hash share a counter: at worst the wrong one of them gets the place.
 *
 * After each window the places are looked at: the most frequent candidate may take the place of the rarest value if it is clearly more
 * than twice as frequent, the next one that of the next rarest, and so on. Then all counts are halved: the past fades, a window that is different
 * once changes little, and a place does not go back and forth between two values of equal frequency.
 */
import { detachText } from "./detached-text.ts";
import { hashText } from "./text-hash.ts";

export class TopValues {
  readonly #maxValues: number;
  readonly #windowSize: number;
  readonly #onReplaced: (value: string) => void;
  readonly #admitted = new Map<string, Place>();
  readonly #candidates = new Map<number, number>();
  readonly #promoted = new Map<number, Promotion>();
  #seenInWindow = 0;
  #replacementsLeft: number;
  #replaced = 0;

  /** `maxValues` and `windowSize` are 1 at least; `maxReplacements` may be infinite; `onReplaced` does not throw. */
  constructor(maxValues: number, windowSize: number, maxReplacements: number, onReplaced: (value: string) => void) {
    this.#maxValues = maxValues;
    this.#windowSize = windowSize;
    this.#replacementsLeft = maxReplacements;
    this.#onReplaced = onReplaced;
  }

  /** Values with a place. */
  get size(): number {
    return this.#admitted.size;
  }

  /** How often a value took another's place. */
  get replaced(): number {
    return this.#replaced;
  }

  /** At most ten times `maxValues`. */
  get entries(): number {
    return this.#admitted.size + this.#candidates.size + this.#promoted.size;
  }

  /** Counts `value`; returns it if it has a place or gets one. */
  admit(value: string): string | undefined {
    if (++this.#seenInWindow > this.#windowSize) this.#turnWindow();
    const place = this.#admitted.get(value);
    if (place !== undefined) {
      place.count++;
      return place.value;
    }
    if (this.#admitted.size < this.#maxValues) return this.#place(value, 1);
    if (this.#replacementsLeft === 0) return undefined;
    const hash = hashText(value);
    const promotion = this.#promoted.get(hash);
    if (promotion === undefined) {
      this.#countCandidate(hash);
      return undefined;
    }
    this.#promoted.delete(hash);
    this.#admitted.delete(promotion.replaces.value);
    this.#replaced++;
    this.#replacementsLeft--;
    const own = this.#place(value, promotion.count);
    this.#onReplaced(promotion.replaces.value);
    return own;
  }

  #place(value: string, count: number): string {
    const copy = detachText(value);
    this.#admitted.set(copy, { value: copy, count });
    return copy;
  }

  /** Misra–Gries: with all counters taken, each loses one. Every loss was paid for by a gain before: constant time on average. */
  #countCandidate(hash: number): void {
    const count = this.#candidates.get(hash);
    if (count !== undefined) this.#candidates.set(hash, count + 1);
    else if (this.#candidates.size < CANDIDATES_A_PLACE * this.#maxValues) this.#candidates.set(hash, 1);
    else for (const [other, otherCount] of this.#candidates) this.#setCandidate(other, otherCount - 1);
  }

  #setCandidate(hash: number, count: number): void {
    if (count > 0) this.#candidates.set(hash, count);
    else this.#candidates.delete(hash);
  }

  #turnWindow(): void {
    this.#seenInWindow = 1;
    // Who was promoted and did not come for a whole window is not that frequent.
    this.#promoted.clear();
    if (this.#replacementsLeft === 0) {
      this.#candidates.clear();
      return;
    }
    const rarest = [...this.#admitted.values()].sort((a, b) => a.count - b.count);
    const best = [...this.#candidates].sort((a, b) => b[1] - a[1]);
    const pairs = Math.min(rarest.length, best.length, this.#replacementsLeft);
    for (let i = 0; i < pairs; i++) {
      const replaces = rarest[i] as Place;
      const [hash, count] = best[i] as [number, number];
      if (!isMoreFrequent(count, replaces.count)) break;
      this.#candidates.delete(hash);
      this.#promoted.set(hash, { replaces, count });
    }
    for (const place of rarest) place.count >>>= 1;
    for (const [hash, count] of this.#candidates) this.#setCandidate(hash, count >>> 1);
  }
}

interface Place {
  readonly value: string;
  count: number;
}

interface Promotion {
  readonly replaces: Place;
  readonly count: number;
}

/**
 * Whether a candidate is twice as frequent as a place's value, and not by chance: counts scatter by their square root, and the lead must be
 * three times the scatter. Of a value that is not seen any more ten sightings are enough.
 */
function isMoreFrequent(candidate: number, place: number): boolean {
  const lead = candidate - 2 * place;
  return lead > 0 && lead * lead > 9 * (candidate + 4 * place);
}

const CANDIDATES_A_PLACE = 4;
