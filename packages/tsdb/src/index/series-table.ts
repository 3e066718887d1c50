/**
 * Keyed 128-bit hash → 32-bit number, by extendible hashing: the hash's first bits choose a segment of 512 entries, a full segment splits
 * in two. Growing never costs more than such a split, whatever the size: no writer waits for a table of millions to be copied. Hashes are spread so
 * evenly that all segments would be full at nearly the same time, hence some count as full earlier than others.
 *
 *   directory [hash's first bits] ──► segment, 4 words an entry: hash words 0–2, number + 1 (0: free)
 *
 * The hash alone decides, and 96 bits of it are kept. It is keyed per process, so nobody can aim at a collision, and by chance one
 * happens among 10^9 series once in 10^11 processes. That is what makes a lookup one cache miss instead of a comparison of 200 bytes.
 */
import { BugError } from "../base/errors.ts";

const ENTRY_WORDS = 4;
const SEGMENT_ENTRIES = 512;
const SEGMENT_WORDS = SEGMENT_ENTRIES * ENTRY_WORDS;
/** A segment splits with so many entries: it depends on the hash's first bits, of which segments of a split both have the same. */
const FULL_MIN = 272;
const FULL_STEP = 9;
const FULL_BITS = 4;
/** Segments are allocated this many at a time. */
const SLAB_BITS = 5;
const SLAB_MASK = (1 << SLAB_BITS) - 1;
const DEPTH_MAX = 23;

/** No such hash. */
export const UNKNOWN_SERIES = 0xffff_ffff;

export class SeriesTable {
  private slabs: Uint32Array[] = [];
  private directory: Uint32Array = new Uint32Array(1);
  private depth = 0;
  /** Bits of the hash that all entries of a segment share, and how many entries there are. */
  private depths: number[] = [];
  private counts: number[] = [];
  /** Entries of the segment that is being split. */
  private readonly moving: Uint32Array = new Uint32Array(SEGMENT_WORDS);
  /** Kept so that a look at memory is not taken for one that nobody needs. */
  peeked = 0;
  size = 0;

  constructor() {
    this.clear();
  }

  /** Bytes it takes. */
  get usedBytes(): number {
    return this.slabs.length * (SEGMENT_WORDS << (SLAB_BITS + 2)) + 4 * this.directory.length;
  }

  /** Number under the hash in `hashes[at..at+4)`, or UNKNOWN_SERIES. */
  find(hashes: Uint32Array, at: number): number {
    const h0 = hashes[at] as number;
    const h1 = hashes[at + 1] as number;
    const h2 = hashes[at + 2] as number;
    const segment = this.segmentOf(h0);
    const words = this.slabs[segment >>> SLAB_BITS] as Uint32Array;
    const lo = (segment & SLAB_MASK) * SEGMENT_WORDS;
    for (let entry = h2 % SEGMENT_ENTRIES; ; entry = (entry + 1) % SEGMENT_ENTRIES) {
      const word = lo + entry * ENTRY_WORDS;
      const number = words[word + 3] as number;
      if (number === 0) return UNKNOWN_SERIES;
      if (words[word] === h0 && words[word + 1] === h1 && words[word + 2] === h2) return number - 1;
    }
  }

  /** Looks up hashes `[from, to)` at once, a few hundred at most. Returns how many are unknown; those get UNKNOWN_SERIES in `target`. */
  findAll(hashes: Uint32Array, from: number, to: number, target: Uint32Array): number {
    // A search waits for memory, and then for what it does next to be known. With a look at all places first the processor waits for them together.
    let seen = 0;
    for (let i = from; i < to; i++) {
      const segment = this.segmentOf(hashes[4 * i] as number);
      const entry = (segment & SLAB_MASK) * SEGMENT_ENTRIES + ((hashes[4 * i + 2] as number) % SEGMENT_ENTRIES);
      seen |= (this.slabs[segment >>> SLAB_BITS] as Uint32Array)[entry * ENTRY_WORDS] as number;
    }
    this.peeked = seen;
    let unknown = 0;
    for (let i = from; i < to; i++) {
      const number = this.find(hashes, i * 4);
      target[i] = number;
      if (number === UNKNOWN_SERIES) unknown++;
    }
    return unknown;
  }

  /** Adds a hash unless the table has it already; true if it did. `number` is below 0xffffffff. */
  add(hashes: Uint32Array, at: number, number: number): boolean {
    const h0 = hashes[at] as number;
    const h1 = hashes[at + 1] as number;
    const h2 = hashes[at + 2] as number;
    const segment = this.segmentOf(h0);
    const words = this.slabs[segment >>> SLAB_BITS] as Uint32Array;
    const lo = (segment & SLAB_MASK) * SEGMENT_WORDS;
    let word = 0;
    for (let entry = h2 % SEGMENT_ENTRIES; ; entry = (entry + 1) % SEGMENT_ENTRIES) {
      word = lo + entry * ENTRY_WORDS;
      if (words[word + 3] === 0) break;
      if (words[word] === h0 && words[word + 1] === h1 && words[word + 2] === h2) return false;
    }
    this.size++;
    if ((this.counts[segment] as number) >= FULL_MIN + FULL_STEP * (h0 >>> (32 - FULL_BITS))) {
      this.addToFull(segment, hashes, at, number + 1);
      return true;
    }
    words[word] = h0;
    words[word + 1] = h1;
    words[word + 2] = h2;
    words[word + 3] = number + 1;
    (this.counts[segment] as number)++;
    return true;
  }

  clear(): void {
    this.slabs = [];
    this.directory = new Uint32Array(1);
    this.depth = 0;
    this.depths = [];
    this.counts = [];
    this.size = 0;
    this.addSegment(0);
  }

  /** How many segments there are, for forEachOf: they and their entries hold as long as nothing is added. */
  get segmentCount(): number {
    return this.counts.length;
  }

  /** Shows the entries of one segment: where the words of a hash stand, all but the fourth, and the number. */
  forEachOf(segment: number, show: (words: Uint32Array, at: number, number: number) => void): void {
    const words = this.slabs[segment >>> SLAB_BITS] as Uint32Array;
    const lo = (segment & SLAB_MASK) * SEGMENT_WORDS;
    for (let word = lo; word < lo + SEGMENT_WORDS; word += ENTRY_WORDS) {
      if (words[word + 3] !== 0) show(words, word, (words[word + 3] as number) - 1);
    }
  }

  private segmentOf(h0: number): number {
    return this.directory[this.depth === 0 ? 0 : h0 >>> (32 - this.depth)] as number;
  }

  private addSegment(depth: number): number {
    const segment = this.counts.length;
    if ((segment & SLAB_MASK) === 0) this.slabs.push(new Uint32Array(SEGMENT_WORDS << SLAB_BITS));
    this.depths.push(depth);
    this.counts.push(0);
    return segment;
  }

  private addToFull(segment: number, hashes: Uint32Array, at: number, stored: number): void {
    const h0 = hashes[at] as number;
    const full = FULL_MIN + FULL_STEP * (h0 >>> (32 - FULL_BITS));
    let target = segment;
    do {
      this.split(target, h0);
      target = this.segmentOf(h0);
    } while ((this.counts[target] as number) >= full);
    this.put(target, hashes, at, stored);
  }

  private put(segment: number, hashes: Uint32Array, at: number, stored: number): void {
    const words = this.slabs[segment >>> SLAB_BITS] as Uint32Array;
    const lo = (segment & SLAB_MASK) * SEGMENT_WORDS;
    let entry = (hashes[at + 2] as number) % SEGMENT_ENTRIES;
    while (words[lo + entry * ENTRY_WORDS + 3] !== 0) entry = (entry + 1) % SEGMENT_ENTRIES;
    const word = lo + entry * ENTRY_WORDS;
    words[word] = hashes[at] as number;
    words[word + 1] = hashes[at + 1] as number;
    words[word + 2] = hashes[at + 2] as number;
    words[word + 3] = stored;
    (this.counts[segment] as number)++;
  }

  /** The segment keeps the hashes whose next bit is 0; a new one gets the others. */
  private split(segment: number, h0: number): void {
    const depth = this.depths[segment] as number;
    if (depth === this.depth) this.growDirectory();
    const other = this.addSegment(depth + 1);
    this.depths[segment] = depth + 1;
    this.counts[segment] = 0;
    const lo = (segment & SLAB_MASK) * SEGMENT_WORDS;
    const own = (this.slabs[segment >>> SLAB_BITS] as Uint32Array).subarray(lo, lo + SEGMENT_WORDS);
    const old = this.moving;
    old.set(own);
    own.fill(0);
    for (let word = 0; word < SEGMENT_WORDS; word += ENTRY_WORDS) {
      const stored = old[word + 3] as number;
      if (stored === 0) continue;
      this.put(((old[word] as number) >>> (31 - depth)) & 1 ? other : segment, old, word, stored);
    }
    // All places of the directory that share the segment's bits: the upper half of them is the new one's.
    const places = 2 ** (this.depth - depth);
    const first = (depth === 0 ? 0 : h0 >>> (32 - depth)) * places;
    this.directory.fill(other, first + places / 2, first + places);
  }

  private growDirectory(): void {
    if (this.depth === DEPTH_MAX) throw new BugError("hashes that are not spread fill a table");
    const larger = new Uint32Array(this.directory.length * 2);
    for (let i = 0; i < this.directory.length; i++) {
      larger[2 * i] = this.directory[i] as number;
      larger[2 * i + 1] = this.directory[i] as number;
    }
    this.directory = larger;
    this.depth++;
  }
}
