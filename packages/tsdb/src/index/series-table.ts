/**
 * Keyed 128-bit hash → 32-bit number: an open-addressing table in one Uint32Array, five words an entry.
 *
 * The hash alone decides. It is keyed per process, so nobody can aim at a collision, and by chance one
 * happens among 10^9 series once in 10^20 processes. That is what makes a lookup one cache miss instead of a comparison of 200 bytes.
 */
const ENTRY_WORDS = 5;
const EMPTY = 0xffff_ffff;

/** No such hash. */
export const UNKNOWN_SERIES = 0xffff_ffff;

export class SeriesTable {
  /** Hash words 0–3, then the number; EMPTY in the number's place marks a free entry. */
  private words: Uint32Array;
  private mask: number;
  size = 0;

  constructor(capacity = 1024) {
    let entries = 1024;
    while (entries < capacity * 2) entries *= 2;
    this.words = new Uint32Array(entries * ENTRY_WORDS).fill(EMPTY);
    this.mask = entries - 1;
  }

  /** Number under the hash in `hashes[at..at+4)`, or UNKNOWN_SERIES. */
  find(hashes: Uint32Array, at: number): number {
    const { words, mask } = this;
    const h0 = hashes[at] as number;
    const h1 = hashes[at + 1] as number;
    const h2 = hashes[at + 2] as number;
    const h3 = hashes[at + 3] as number;
    for (let entry = h0 & mask; ; entry = (entry + 1) & mask) {
      const word = entry * ENTRY_WORDS;
      const number = words[word + 4] as number;
      if (number === EMPTY) return UNKNOWN_SERIES;
      if (words[word] === h0 && words[word + 1] === h1 && words[word + 2] === h2 && words[word + 3] === h3)
        return number;
    }
  }

  /** Looks up `count` hashes at once. Returns how many are unknown; those get UNKNOWN_SERIES in `target`. */
  findAll(hashes: Uint32Array, count: number, target: Uint32Array): number {
    let unknown = 0;
    for (let i = 0; i < count; i++) {
      const number = this.find(hashes, i * 4);
      target[i] = number;
      if (number === UNKNOWN_SERIES) unknown++;
    }
    return unknown;
  }

  /** Adds a hash that is not in the table. `number` is below 0xffffffff. */
  add(hashes: Uint32Array, at: number, number: number): void {
    if (this.size * 3 >= this.mask * 2) this.grow();
    this.put(hashes, at, number);
    this.size++;
  }

  clear(): void {
    this.words.fill(EMPTY);
    this.size = 0;
  }

  private put(hashes: Uint32Array, at: number, number: number): void {
    const { words, mask } = this;
    let entry = (hashes[at] as number) & mask;
    while (words[entry * ENTRY_WORDS + 4] !== EMPTY) entry = (entry + 1) & mask;
    const word = entry * ENTRY_WORDS;
    for (let k = 0; k < 4; k++) words[word + k] = hashes[at + k] as number;
    words[word + 4] = number;
  }

  private grow(): void {
    const old = this.words;
    this.words = new Uint32Array(old.length * 2).fill(EMPTY);
    this.mask = this.mask * 2 + 1;
    for (let word = 0; word < old.length; word += ENTRY_WORDS) {
      if (old[word + 4] !== EMPTY) this.put(old, word, old[word + 4] as number);
    }
  }
}
