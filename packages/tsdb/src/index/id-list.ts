/**
 * Sets of series ids that need not be in memory to be asked: a list on disk is read block by block, and only the blocks that may answer.
 */
import { intersect, lowerBound, NO_POSTINGS, type Postings } from "./postings.ts";

/** Larger than any id. */
export const NO_MORE: number = 2 ** 32;

/**
 * Which ids are wanted, told so that those that are not can be skipped: the least id from `id` on that may be, which is `id` itself if and only if it is; NO_MORE if there is none.
 * What must be read first answers later.
 */
export type NextWanted = (id: number) => number | Promise<number>;

/** Ascending ids. What is in memory answers at once, what must be read answers later. */
export interface IdList {
  readonly count: number;
  /** All of them. */
  read(): Postings | Promise<Postings>;
  /** Those of the ascending `ids` that are in this list. */
  retain(ids: Postings): Postings | Promise<Postings>;
  /** True if one of them is wanted: asked in order, no further than the first that is. */
  some(nextWanted: NextWanted): boolean | Promise<boolean>;
}

/** A list in memory. */
export class IdArray implements IdList {
  private readonly ids: Postings;

  constructor(ids: Postings) {
    this.ids = ids;
  }

  get count(): number {
    return this.ids.length;
  }

  read(): Postings {
    return this.ids;
  }

  retain(ids: Postings): Postings {
    return intersect(ids, this.ids);
  }

  some(nextWanted: NextWanted): boolean | Promise<boolean> {
    return isSomeWanted(this.ids, 0, nextWanted);
  }
}

/** True if one of `ids[from..)` is wanted. */
export function isSomeWanted(ids: Postings, from: number, nextWanted: NextWanted): boolean | Promise<boolean> {
  for (let i = from; i < ids.length; ) {
    const id = ids[i] as number;
    const next = nextWanted(id);
    if (typeof next !== "number") return isSomeWantedLater(ids, i, next, nextWanted);
    if (next === id) return true;
    // Most wait for the very next: no need to search for it.
    i++;
    if (i < ids.length && (ids[i] as number) < next) i = lowerBound(ids, next, i + 1);
  }
  return false;
}

/** The same, where it is not known yet whether the first of them is. */
export async function isSomeWantedLater(
  ids: Postings,
  from: number,
  answer: Promise<number>,
  nextWanted: NextWanted,
): Promise<boolean> {
  let next = await answer;
  for (let i = from; next !== ids[i]; ) {
    i = lowerBound(ids, next, i + 1);
    if (i === ids.length) return false;
    const again = nextWanted(ids[i] as number);
    next = typeof again === "number" ? again : await again;
  }
  return true;
}

export const NO_IDS: IdList = new IdArray(NO_POSTINGS);

/** Ids gathered in one array before they are sorted as a whole: below this, sorting costs less than a set of bits. */
const SORTED_MAX = 1 << 12;

/** The union of many lists, most of them short: one array that grows, put in order at the end. */
export class IdCollector {
  private ids: Uint32Array = new Uint32Array(16);
  private count = 0;
  private isSorted = true;
  private largest = 0;

  get isEmpty(): boolean {
    return this.count === 0;
  }

  add(ids: Postings): void {
    if (ids.length === 0) return;
    if (this.count > 0 && (ids[0] as number) <= this.largest) this.isSorted = false;
    if (this.count + ids.length > this.ids.length) {
      const larger = new Uint32Array(Math.max(this.ids.length * 2, this.count + ids.length));
      larger.set(this.ids.subarray(0, this.count));
      this.ids = larger;
    }
    this.ids.set(ids, this.count);
    this.count += ids.length;
    const last = ids[ids.length - 1] as number;
    if (last > this.largest) this.largest = last;
  }

  list(): IdList {
    const ids = this.ids.subarray(0, this.count);
    if (this.isSorted) return new IdArray(ids);
    // Bits cost a pass over the range of ids, sorting a pass for each doubling of their number.
    if (ids.length > SORTED_MAX && this.largest < ids.length * 64) return new IdArray(IdBits.of(ids).ids());
    ids.sort();
    let kept = 0;
    for (let i = 0; i < ids.length; i++) if (i === 0 || ids[i] !== ids[i - 1]) ids[kept++] = ids[i] as number;
    return new IdArray(ids.subarray(0, kept));
  }
}

/** A set of ids as bits. */
export class IdBits {
  private readonly words: Uint32Array;
  private readonly base: number;

  /** Room for ids from `lowest` to `highest`. */
  constructor(lowest: number, highest: number) {
    this.base = Math.floor(lowest / 32) * 32;
    this.words = new Uint32Array(Math.floor((highest - this.base) / 32) + 1);
  }

  /** Of ids in any order. */
  static of(ids: Postings): IdBits {
    let lowest = 0xffff_ffff;
    let highest = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (id < lowest) lowest = id;
      if (id > highest) highest = id;
    }
    const bits = new IdBits(ids.length === 0 ? 0 : lowest, highest);
    for (let i = 0; i < ids.length; i++) bits.add(ids[i] as number);
    return bits;
  }

  add(id: number): void {
    const bit = id - this.base;
    const word = Math.floor(bit / 32);
    this.words[word] = (this.words[word] as number) | (1 << (bit & 31));
  }

  has(id: number): boolean {
    const bit = id - this.base;
    const word = Math.floor(bit / 32);
    return word >= 0 && word < this.words.length && ((this.words[word] as number) & (1 << (bit & 31))) !== 0;
  }

  /** The least id from `id` on that is in the set; NO_MORE. */
  next(id: number): number {
    const { words, base } = this;
    const bit = Math.max(0, id - base);
    let at = Math.floor(bit / 32);
    if (at >= words.length) return NO_MORE;
    let word = (words[at] as number) & (-1 << (bit & 31));
    while (word === 0) {
      if (++at === words.length) return NO_MORE;
      word = words[at] as number;
    }
    return base + 32 * at + (31 - Math.clz32(word & -word));
  }

  /** All of them, ascending. */
  ids(): Postings {
    const { words, base } = this;
    let count = 0;
    for (let i = 0; i < words.length; i++) count += bitCount(words[i] as number);
    const ids = new Uint32Array(count);
    let at = 0;
    for (let i = 0; i < words.length; i++) {
      for (let word = words[i] as number; word !== 0; word &= word - 1) {
        ids[at++] = base + 32 * i + (31 - Math.clz32(word & -word));
      }
    }
    return ids;
  }
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
