/**
 * Reads a part: finds blocks by series and time through the index pages, then fetches and decodes their columns.
 * Index pages are decoded when they are needed and kept in a cache that all parts share; columns are read in few large pieces and checked before they are decoded.
 */
import { ByteReader } from "../../base/bytes.ts";
import { CorruptionError } from "../../base/errors.ts";
import { ChecksumError, decodeTimestamps, decodeValues } from "../../codec/block.ts";
import { checkPage, checksumAt, type Page, placeSeed } from "../../codec/pages.ts";
import type { Disk } from "../../disk/disk.ts";
import type { CachedPage, CacheRow } from "../../index/page-cache.ts";
import { type OpenedPages, openPages, PagedFile } from "../../index/paged-file.ts";
import { lowerBound } from "../../index/postings.ts";
import type { PartMark } from "../rules/merge-rules.ts";
import { type PartCaches, partCachesOf } from "./part-caches.ts";
import { COLUMN_HEADER_BYTES, PART_FILE } from "./part-writer.ts";
import type { ReadScratch } from "./read-scratch.ts";
import { WINDOW_BYTES } from "./window-cache.ts";

/** What a decoded entry takes, and a page beside its entries. */
const ENTRY_BYTES = 48;
const PAGE_BYTES = 1024;

export interface PartInfo {
  readonly rows: number;
  readonly blocks: number;
  readonly series: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly bytes: number;
}

/** An index page as columns, one entry a block. */
export interface BlockEntries extends CachedPage {
  readonly ids: Uint32Array;
  readonly counts: Uint32Array;
  readonly minMs: Float64Array;
  readonly maxMs: Float64Array;
  readonly valuesOffsets: Float64Array;
  readonly valuesLengths: Uint32Array;
  readonly timesOffsets: Float64Array;
  readonly timesLengths: Uint32Array;
}

export class PartReader extends PagedFile {
  /** What the merge that made it did to its samples, as the manifest says; null for parts of flushes. */
  mark: PartMark | null = null;
  readonly info: PartInfo;
  private readonly caches: PartCaches;
  private readonly pages: readonly Page[];
  private readonly firstIds: Uint32Array;
  private readonly lastIds: Uint32Array;
  private readonly entryCounts: Uint32Array;
  private readonly pageMinMs: Float64Array;
  private readonly pageMaxMs: Float64Array;
  private readonly decoded: CacheRow<BlockEntries> = [];

  private constructor(opened: OpenedPages, caches: PartCaches) {
    super(opened);
    const { file, pages, root } = opened;
    this.caches = caches;
    this.pages = pages;
    const reader = new ByteReader(root);
    this.info = {
      rows: reader.f64(),
      blocks: reader.f64(),
      series: reader.f64(),
      minMs: reader.f64(),
      maxMs: reader.f64(),
      bytes: file.bytes,
    };
    const count = pages.length;
    this.firstIds = new Uint32Array(count);
    this.lastIds = new Uint32Array(count);
    this.entryCounts = new Uint32Array(count);
    this.pageMinMs = new Float64Array(count);
    this.pageMaxMs = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      this.firstIds[i] = reader.u32();
      this.lastIds[i] = reader.u32();
      this.entryCounts[i] = reader.u32();
      this.pageMinMs[i] = reader.f64();
      this.pageMaxMs[i] = reader.f64();
    }
  }

  /** @throws CorruptionError, NewerFormatError */
  static async open(disk: Disk, path: string, fileNumber: number): Promise<PartReader> {
    const make = (opened: OpenedPages): PartReader => new PartReader(opened, partCachesOf(disk));
    return await openPages(disk, path, PART_FILE, fileNumber, "a part", make);
  }

  protected forget(): void {
    this.caches.pages.drop(this.decoded);
  }

  /** The largest id; -1 if there are none. */
  get lastId(): number {
    return this.lastIds[this.lastIds.length - 1] ?? -1;
  }

  get pageCount(): number {
    return this.pages.length;
  }

  /** First and last id on an index page. */
  pageIds(page: number): { readonly first: number; readonly last: number } {
    return { first: this.firstIds[page] as number, last: this.lastIds[page] as number };
  }

  /** True if it is known, without a look at the page, that all ids from its first to its last have one block on it, which lies in the range. */
  isDense(page: number, minMs: number, maxMs: number): boolean {
    // With one block a series, entries are different ids.
    if (this.info.blocks !== this.info.series) return false;
    const { first, last } = this.pageIds(page);
    if (last - first + 1 !== this.entryCounts[page]) return false;
    return (this.pageMinMs[page] as number) >= minMs && (this.pageMaxMs[page] as number) <= maxMs;
  }

  /** Numbers of the index pages that may have blocks in the range. */
  pagesIn(minMs: number, maxMs: number): number[] {
    const pages: number[] = [];
    for (let page = 0; page < this.pages.length; page++) {
      if ((this.pageMinMs[page] as number) <= maxMs && (this.pageMaxMs[page] as number) >= minMs) pages.push(page);
    }
    return pages;
  }

  /** Index page `number` if it is in memory, else undefined. */
  decodedPage(number: number): BlockEntries | undefined {
    return this.caches.pages.get(this.decoded, number);
  }

  /** Index page `number` as columns. */
  async entries(number: number): Promise<BlockEntries> {
    return this.decodedPage(number) ?? this.caches.pages.put(this.decoded, number, await this.readPage(number));
  }

  /** The same for a page that nobody asks for again: it is not kept. */
  async entriesOnce(number: number): Promise<BlockEntries> {
    return this.decodedPage(number) ?? (await this.readPage(number));
  }

  private async readPage(number: number): Promise<BlockEntries> {
    const page = this.pages[number] as Page;
    const bytes = new Uint8Array(page.length);
    await this.file.read(page.offset, bytes);
    checkPage(bytes, page, this.fileNumber, this.path);
    try {
      return decodeEntries(bytes, this.entryCounts[number] as number);
    } catch (error) {
      throw asCorruption(error, this.path, page.offset);
    }
  }

  /**
   * Calls `found(position, entries, entry)` for each block of series `ids[position]` that overlaps `[minMs, maxMs]`, in order of id and time.
   * `ids` ascend.
   */
  async find(
    ids: Uint32Array,
    minMs: number,
    maxMs: number,
    found: (position: number, entries: BlockEntries, entry: number) => void,
  ): Promise<void> {
    let position = 0;
    let page = 0;
    while (position < ids.length) {
      // Pages before the first that may hold this id, or that lie outside the times, are not read.
      page = lowerBound(this.lastIds, ids[position] as number, page);
      if (page === this.pages.length) return;
      const last = this.lastIds[page] as number;
      if ((this.pageMinMs[page] as number) > maxMs || (this.pageMaxMs[page] as number) < minMs) {
        // A series may go on in the next page: only those that end before it are done.
        page++;
        continue;
      }
      position = lowerBound(ids, this.firstIds[page] as number, position);
      if (position === ids.length) return;
      const entries = await this.entries(page);
      const end = lowerBound(ids, last + 1, position);
      let entry = 0;
      for (let k = position; k < end; k++) {
        const id = ids[k] as number;
        entry = lowerBound(entries.ids, id, entry);
        for (; entry < entries.ids.length && entries.ids[entry] === id; entry++) {
          if ((entries.minMs[entry] as number) <= maxMs && (entries.maxMs[entry] as number) >= minMs)
            found(k, entries, entry);
        }
      }
      const isContinued = page + 1 < this.pages.length && this.firstIds[page + 1] === last;
      position = isContinued ? lowerBound(ids, last, position) : end;
      page++;
    }
  }

  /** Ids of series with a block that overlaps the range, ascending. */
  async idsIn(minMs: number, maxMs: number): Promise<Uint32Array> {
    const out = new Uint32Array(this.info.series);
    let count = 0;
    for (let page = 0; page < this.pages.length; page++) {
      if ((this.pageMinMs[page] as number) > maxMs || (this.pageMaxMs[page] as number) < minMs) continue;
      if (this.isDense(page, minMs, maxMs)) {
        const last = this.lastIds[page] as number;
        for (let id = this.firstIds[page] as number; id <= last; id++) out[count++] = id;
        continue;
      }
      const { ids, minMs: from, maxMs: to } = await this.entries(page);
      for (let entry = 0; entry < ids.length; entry++) {
        const id = ids[entry] as number;
        if ((from[entry] as number) > maxMs || (to[entry] as number) < minMs) continue;
        if (count === 0 || out[count - 1] !== id) out[count++] = id;
      }
    }
    return out.subarray(0, count);
  }

  /** Bytes `[offset, offset+length)` of the file if they are few and in memory, else null. The caller must not change them. */
  cached(offset: number, length: number): Uint8Array | null {
    const first = Math.floor(offset / WINDOW_BYTES);
    const last = Math.floor((offset + length - 1) / WINDOW_BYTES);
    if (last - first > 1) return null;
    const window = this.caches.windows.get(this.fileNumber, first);
    if (window === null) return null;
    const start = offset - first * WINDOW_BYTES;
    if (last === first) return window.subarray(start, start + length);
    const next = this.caches.windows.get(this.fileNumber, last);
    if (next === null) return null;
    return Buffer.concat([window.subarray(start), next.subarray(0, length - (window.length - start))]);
  }

  /** Fills `bytes` from the file, past all caches: for what is read once. */
  async readInto(offset: number, bytes: Uint8Array): Promise<void> {
    await this.file.read(offset, bytes);
  }

  /** Bytes `[offset, offset+length)` of the file. Where they are few, the windows around them stay in memory; many are put into the scratch, if there is one. */
  async read(offset: number, length: number, scratch: ReadScratch | null = null): Promise<Uint8Array> {
    const first = Math.floor(offset / WINDOW_BYTES);
    const last = Math.floor((offset + length - 1) / WINDOW_BYTES);
    if (last - first > 1) {
      const bytes = scratch?.takeBytes(length) ?? new Uint8Array(length);
      await this.file.read(offset, bytes);
      return bytes;
    }
    const lo = first * WINDOW_BYTES;
    const bytes = new Uint8Array(Math.min((last + 1) * WINDOW_BYTES, this.file.bytes) - lo);
    await this.file.read(lo, bytes);
    for (let i = first; i <= last; i++) {
      // A copy of its own: a view would keep its neighbour in memory, too.
      this.caches.windows.put(
        this.fileNumber,
        i,
        bytes.slice((i - first) * WINDOW_BYTES, (i - first + 1) * WINDOW_BYTES),
      );
    }
    return bytes.subarray(offset - lo, offset - lo + length);
  }

  /**
   * Decodes a column of times that starts at `at` of `bytes` (its checksum in front) and at `offset` of the file. True if they are in order, no two
   * the same.
   * @throws CorruptionError
   */
  decodeTimes(
    bytes: Uint8Array,
    at: number,
    offset: number,
    length: number,
    count: number,
    target: Float64Array,
    lo: number,
  ): boolean {
    try {
      const seed = placeSeed(this.fileNumber, offset);
      return decodeTimestamps(bytes, at, at + length, count, target, lo, storedChecksum(bytes, at), seed);
    } catch (error) {
      throw this.damagedColumn(error, offset, length, `${count} times`);
    }
  }

  /** The same for values, of whose order nothing is said. */
  decodeValues(
    bytes: Uint8Array,
    at: number,
    offset: number,
    length: number,
    count: number,
    target: Float64Array,
    lo: number,
  ): void {
    try {
      const seed = placeSeed(this.fileNumber, offset);
      decodeValues(bytes, at, at + length, count, target, lo, storedChecksum(bytes, at), seed);
    } catch (error) {
      throw this.damagedColumn(error, offset, length, `${count} values`);
    }
  }

  /** A column as it stands in the file, to be written elsewhere. @throws CorruptionError */
  encoded(bytes: Uint8Array, at: number, offset: number, length: number): Uint8Array {
    this.check(bytes, at, offset, length);
    return bytes.subarray(at, at + length);
  }

  /** Checks the column that starts at `at` of `bytes` (its checksum in front) and at `offset` of the file. @throws CorruptionError */
  check(bytes: Uint8Array, at: number, offset: number, length: number): void {
    if (checksumAt(bytes, this.fileNumber, offset, at, at + length) !== storedChecksum(bytes, at)) {
      throw this.wrongChecksum(offset, length);
    }
  }

  private damagedColumn(error: unknown, offset: number, length: number, what: string): CorruptionError {
    if (error instanceof ChecksumError) return this.wrongChecksum(offset, length);
    return new CorruptionError(this.path, offset, `decode ${what}: ${(error as Error).message}`);
  }

  private wrongChecksum(offset: number, length: number): CorruptionError {
    return new CorruptionError(this.path, offset, `the checksum of this column of ${length} bytes does not fit`);
  }
}

/** Of the column that starts at `at` of `bytes`, in front of which it stands. */
function storedChecksum(bytes: Uint8Array, at: number): number {
  const crcAt = at - COLUMN_HEADER_BYTES;
  return (
    ((bytes[crcAt] as number) |
      ((bytes[crcAt + 1] as number) << 8) |
      ((bytes[crcAt + 2] as number) << 16) |
      ((bytes[crcAt + 3] as number) << 24)) >>>
    0
  );
}

/** A structure that ends before all of it was read is damage that no checksum told of. */
function asCorruption(error: unknown, path: string, offset: number): unknown {
  return error instanceof RangeError ? new CorruptionError(path, offset, error.message) : error;
}

function decodeEntries(bytes: Uint8Array, count: number): BlockEntries {
  const entries: BlockEntries = {
    bytes: PAGE_BYTES + ENTRY_BYTES * count,
    ids: new Uint32Array(count),
    counts: new Uint32Array(count),
    minMs: new Float64Array(count),
    maxMs: new Float64Array(count),
    valuesOffsets: new Float64Array(count),
    valuesLengths: new Uint32Array(count),
    timesOffsets: new Float64Array(count),
    timesLengths: new Uint32Array(count),
  };
  const reader = new ByteReader(bytes);
  let id = 0;
  let ms = 0;
  let end = 0;
  let times = 0;
  for (let i = 0; i < count; i++) {
    id += reader.varint();
    entries.ids[i] = id;
    entries.counts[i] = reader.varint();
    ms += reader.zigzag();
    entries.minMs[i] = ms;
    entries.maxMs[i] = ms + reader.varint();
    end += reader.zigzag();
    entries.valuesOffsets[i] = end;
    const length = reader.varint();
    entries.valuesLengths[i] = length;
    end += length;
    times += reader.zigzag();
    entries.timesOffsets[i] = times;
    entries.timesLengths[i] = reader.varint();
  }
  return entries;
}
