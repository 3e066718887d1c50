/**
 * From a series' key to its id, without a table in memory: a filter says of most new keys that they are not here, and of the others one page of
 * hashes, sorted, says which id it may be. Hashes have 32 bits, so the id's own key has the last word.
 *
 * The filter is a Bloom filter in blocks of 512 bits. Which block is a matter of the hash's upper bits: blocks come in order of the hashes, so a merge
 * writes filter and pages in one go.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { CachedPage } from "./page-cache.ts";
import { lowerBound } from "./postings.ts";

const KEYS_PER_PAGE = 2048;
const BITS_PER_KEY = 10;
const BLOCK_WORDS = 16;
const BLOCKS_PER_PAGE = 256;

/** Blocks of the filter for so many keys. */
export function filterBlocks(keys: number): number {
  return Math.ceil((keys * BITS_PER_KEY) / (BLOCK_WORDS * 32));
}

/** Blocks on page `index` of a filter. */
export function blocksOnPage(blocks: number, index: number): number {
  return Math.min(BLOCKS_PER_PAGE, blocks - index * BLOCKS_PER_PAGE);
}

export class KeyWriter {
  private readonly endKeys: (bytes: Uint8Array, firstHash: number) => void;
  private readonly endFilter: (bytes: Uint8Array) => void;
  private readonly idWidth: number;
  private readonly blocks: number;
  private readonly hashes: Uint32Array = new Uint32Array(KEYS_PER_PAGE);
  private readonly ids: Uint32Array = new Uint32Array(KEYS_PER_PAGE);
  private count = 0;
  private readonly filter: Uint32Array = new Uint32Array(BLOCKS_PER_PAGE * BLOCK_WORDS);
  private filterPage = 0;

  /** For `keys` keys of ids up to `lastId`. What `end…` take is valid until they return. */
  constructor(
    keys: number,
    lastId: number,
    endKeys: (bytes: Uint8Array, firstHash: number) => void,
    endFilter: (bytes: Uint8Array) => void,
  ) {
    this.blocks = filterBlocks(keys);
    this.idWidth = lastId < 0x100 ? 1 : lastId < 0x1_0000 ? 2 : lastId < 0x100_0000 ? 3 : 4;
    this.endKeys = endKeys;
    this.endFilter = endFilter;
  }

  /** A key's hash and its id, by ascending hash. */
  add(hash: number, id: number): void {
    const block = Math.floor((hash * this.blocks) / 2 ** 32);
    while (block >= (this.filterPage + 1) * BLOCKS_PER_PAGE) this.endFilterPage();
    setBits(this.filter, (block - this.filterPage * BLOCKS_PER_PAGE) * BLOCK_WORDS, hash);
    this.hashes[this.count] = hash;
    this.ids[this.count] = id;
    this.count++;
    if (this.count === KEYS_PER_PAGE) this.endKeyPage();
  }

  /** Ends the last pages. */
  end(): void {
    if (this.count > 0) this.endKeyPage();
    while (this.filterPage * BLOCKS_PER_PAGE < this.blocks) this.endFilterPage();
  }

  private endKeyPage(): void {
    const page = new ByteWriter(8 * this.count);
    page.varint(this.count);
    page.u8(this.idWidth);
    let last = this.hashes[0] as number;
    for (let i = 0; i < this.count; i++) {
      page.varint((this.hashes[i] as number) - last);
      last = this.hashes[i] as number;
    }
    for (let i = 0; i < this.count; i++) {
      for (let k = 0; k < this.idWidth; k++) page.u8(((this.ids[i] as number) >>> (8 * k)) & 0xff);
    }
    this.endKeys(page.bytes(), this.hashes[0] as number);
    this.count = 0;
  }

  private endFilterPage(): void {
    const words = blocksOnPage(this.blocks, this.filterPage) * BLOCK_WORDS;
    const page = new ByteWriter(4 * words);
    for (let i = 0; i < words; i++) page.u32(this.filter[i] as number);
    this.endFilter(page.bytes());
    this.filter.fill(0);
    this.filterPage++;
  }
}

export class KeyPage implements CachedPage {
  readonly hashes: Uint32Array;
  readonly ids: Uint32Array;

  /** @throws RangeError */
  constructor(body: Uint8Array, firstHash: number) {
    const reader = new ByteReader(body);
    const count = reader.varint();
    const idWidth = reader.u8();
    if (count < 1 || count > KEYS_PER_PAGE || idWidth > 4)
      throw new RangeError(`${count} keys, ids of ${idWidth} bytes`);
    this.hashes = new Uint32Array(count);
    this.ids = new Uint32Array(count);
    let hash = firstHash;
    for (let i = 0; i < count; i++) {
      hash += reader.varint();
      this.hashes[i] = hash;
    }
    const ids = reader.raw(count * idWidth);
    for (let i = 0; i < count; i++) {
      let id = 0;
      for (let k = idWidth - 1; k >= 0; k--) id = id * 256 + (ids[i * idWidth + k] as number);
      this.ids[i] = id;
    }
  }

  get bytes(): number {
    return 8 * this.ids.length + 150;
  }

  /** First place of a hash that is not below `hash`. */
  find(hash: number): number {
    return lowerBound(this.hashes, hash);
  }
}

/** The words of a filter's page. @throws RangeError */
export function decodeFilterPage(body: Uint8Array, blocks: number, target: Uint32Array, at: number): void {
  const reader = new ByteReader(body);
  for (let i = 0; i < blocks * BLOCK_WORDS; i++) target[at + i] = reader.u32();
}

/** A filter as a whole, in memory. */
export class KeyFilter {
  readonly words: Uint32Array;
  private readonly blocks: number;

  constructor(blocks: number) {
    this.blocks = blocks;
    this.words = new Uint32Array(blocks * BLOCK_WORDS);
  }

  /** Where page `index` belongs in `words`. */
  pageStart(index: number): number {
    return index * BLOCKS_PER_PAGE * BLOCK_WORDS;
  }

  /** False if no key has this hash. */
  mayHave(hash: number): boolean {
    return hasBits(this.words, Math.floor((hash * this.blocks) / 2 ** 32) * BLOCK_WORDS, hash);
  }
}

/** Six bits of a block: nine bits of the mixed hash each. */
function setBits(words: Uint32Array, at: number, hash: number): void {
  for (let half = 0; half < 2; half++) {
    const mixed = mix(hash ^ (half * 0x9e37_79b9));
    for (let shift = 0; shift < 27; shift += 9) {
      const bit = (mixed >>> shift) & 511;
      words[at + (bit >>> 5)] = (words[at + (bit >>> 5)] as number) | (1 << (bit & 31));
    }
  }
}

function hasBits(words: Uint32Array, at: number, hash: number): boolean {
  for (let half = 0; half < 2; half++) {
    const mixed = mix(hash ^ (half * 0x9e37_79b9));
    for (let shift = 0; shift < 27; shift += 9) {
      const bit = (mixed >>> shift) & 511;
      if (((words[at + (bit >>> 5)] as number) & (1 << (bit & 31))) === 0) return false;
    }
  }
  return true;
}

/** Spreads a hash's bits: the finalizer of MurmurHash3. */
function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}
