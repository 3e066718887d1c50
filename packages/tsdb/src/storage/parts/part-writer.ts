/**
 * Writes a part: blocks of samples ordered by series id, then time, in one immutable file. docs/format/part.md gives every byte.
 *
 *   header │ column │ column │ column │ … │ index pages │ directory with the root │ tail
 *
 * A column is the encoded times or values of one block, with a checksum in front. Series of one scrape share their times to the millisecond,
 * so a column of times that was written a moment ago is not written again: the block's index entry points at the first one.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { assert } from "../../base/errors.ts";
import { BLOCK_SAMPLES_MAX, writeColumn } from "../../codec/block.ts";
import { checksumAt, encodeHeader, encodeTail, type FileKind, type Page } from "../../codec/pages.ts";
import type { AppendFile, Disk } from "../../disk/disk.ts";

export const PART_FILE: FileKind = { magic: "NYZAPART", version: 1 };
/** Bytes of the checksum in front of each column. */
export const COLUMN_HEADER_BYTES = 4;

const ENTRIES_PER_PAGE = 512;
const FLUSH_BYTES = 1 << 20;
/** Times kept to be found again, in samples. */
const SHARED_SAMPLES_MAX = 1 << 18;
const HASHED_SAMPLES = 8;
/** Up to this many samples a loop is quicker than two views to compare. */
const LOOP_SAMPLES_MAX = 64;
/** Places of copied columns of times kept. */
const COPIED_TIMES_MAX = 1 << 14;

/** Where a column stands in the file, its checksum not counted. */
interface Column {
  readonly offset: number;
  readonly length: number;
}

interface SharedTimes extends Column {
  readonly timestamps: Float64Array;
}

/** A block of another part, encoded. */
export interface CopiedBlock {
  readonly count: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly values: Uint8Array;
  times(): Uint8Array;
}

export class PartWriter {
  readonly path: string;
  /** Samples so far. */
  rows = 0;
  private readonly disk: Disk;
  private readonly file: AppendFile;
  private readonly fileNumber: number;
  private readonly buffer: ByteWriter = new ByteWriter(1 << 16);
  /** File offset of the buffer's first byte. */
  private flushedBytes = 0;
  private readonly entries: ByteWriter = new ByteWriter(1 << 14);
  private readonly indexPages: Uint8Array[] = [];
  private readonly root: ByteWriter = new ByteWriter();
  private entriesInPage = 0;
  private blocks = 0;
  private series = 0;
  private lastId = -1;
  private minMs = Number.POSITIVE_INFINITY;
  private maxMs = Number.NEGATIVE_INFINITY;
  private pageMinMs = Number.POSITIVE_INFINITY;
  private pageMaxMs = Number.NEGATIVE_INFINITY;
  private pageFirstId = 0;
  private previousEnd = 0;
  private previousTimes = 0;
  private previousMs = 0;
  private readonly shared: Map<number, SharedTimes> = new Map();
  private sharedSamples = 0;
  private lastTimes: SharedTimes | null = null;
  private readonly copiedTimes: Map<number, Column> = new Map();
  private lastCopiedKey = -1;
  private lastCopied: Column = { offset: 0, length: 0 };

  private constructor(disk: Disk, path: string, file: AppendFile, fileNumber: number) {
    this.disk = disk;
    this.path = path;
    this.file = file;
    this.fileNumber = fileNumber;
    this.buffer.raw(encodeHeader(PART_FILE, fileNumber));
  }

  /** Creates the file; an older one of this name is left from an attempt that failed and goes. */
  static async create(disk: Disk, path: string, fileNumber: number): Promise<PartWriter> {
    await disk.remove(path);
    return new PartWriter(disk, path, await disk.create(path), fileNumber);
  }

  /**
   * Adds samples `[lo, hi)` of a series: sorted by time, no time twice. Series come by ascending id; a series may come in several
   * calls, later times later. After a call that leaves `isFull` true, `await flush()`.
   */
  add(id: number, timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    assert(id >= this.lastId, "series must come in order of their ids");
    for (let from = lo; from < hi; from += BLOCK_SAMPLES_MAX) {
      this.addBlock(id, timestamps, values, from, Math.min(hi, from + BLOCK_SAMPLES_MAX));
    }
  }

  /**
   * Adds a block as another part has it. `timesKey` stands for its column of times: blocks that are added with the same key have the same times,
   * which are then asked for once.
   */
  copy(id: number, block: CopiedBlock, timesKey: number): void {
    if (!this.hasTimes(timesKey)) {
      const times = block.times();
      this.copyTimes(timesKey, times, 0, times.length);
    }
    const { count, minMs, maxMs, values } = block;
    this.copyValues(id, count, minMs, maxMs, timesKey, values, 0, values.length);
  }

  /** True if the column of times with this key is here to be referred to. */
  hasTimes(timesKey: number): boolean {
    if (timesKey === this.lastCopiedKey) return true;
    const times = this.copiedTimes.get(timesKey);
    if (times === undefined) return false;
    this.lastCopied = times;
    this.lastCopiedKey = timesKey;
    return true;
  }

  /** Adds a column of times, `bytes[lo..hi)`, for blocks that come with this key. */
  copyTimes(timesKey: number, bytes: Uint8Array, lo: number, hi: number): void {
    if (this.copiedTimes.size >= COPIED_TIMES_MAX) this.copiedTimes.clear();
    this.lastCopied = { offset: this.copyColumn(bytes, lo, hi), length: hi - lo };
    this.lastCopiedKey = timesKey;
    this.copiedTimes.set(timesKey, this.lastCopied);
  }

  /** Adds a block as another part has it: its values are `bytes[lo..hi)`, and `hasTimes(timesKey)` is true. */
  copyValues(
    id: number,
    count: number,
    minMs: number,
    maxMs: number,
    timesKey: number,
    bytes: Uint8Array,
    lo: number,
    hi: number,
  ): void {
    assert(id >= this.lastId, "series must come in order of their ids");
    assert(this.hasTimes(timesKey), "a block's times come before its values");
    this.addEntry(id, count, minMs, maxMs, this.lastCopied, this.copyColumn(bytes, lo, hi), hi - lo);
  }

  get isFull(): boolean {
    return this.buffer.length >= FLUSH_BYTES;
  }

  async flush(): Promise<void> {
    if (this.buffer.length === 0) return;
    await this.file.append(this.buffer.bytes());
    this.flushedBytes += this.buffer.length;
    this.buffer.clear();
  }

  /** Completes the file and syncs it. Returns its size in bytes. */
  async finish(): Promise<number> {
    this.endPage();
    const pages: Page[] = [];
    for (const bytes of this.indexPages) {
      const offset = this.end;
      pages.push({ offset, length: bytes.length, crc: checksumAt(bytes, this.fileNumber, offset) });
      this.buffer.raw(bytes);
      if (this.isFull) await this.flush();
    }
    const root = new ByteWriter();
    root.f64(this.rows);
    root.f64(this.blocks);
    root.f64(this.series);
    root.f64(this.minMs);
    root.f64(this.maxMs);
    root.raw(this.root.bytes());
    this.buffer.raw(encodeTail(PART_FILE, this.fileNumber, this.end, pages, root.bytes()));
    await this.flush();
    await this.file.sync();
    await this.file.close();
    return this.flushedBytes;
  }

  /** Gives up: the file goes. */
  async abort(): Promise<void> {
    await this.file.close().catch(() => {});
    await this.disk.remove(this.path).catch(() => {});
  }

  private get end(): number {
    return this.flushedBytes + this.buffer.length;
  }

  private addBlock(id: number, timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    const firstMs = timestamps[lo] as number;
    const lastMs = timestamps[hi - 1] as number;
    const times = this.addTimes(timestamps, lo, hi);
    const offset = this.end + COLUMN_HEADER_BYTES;
    this.addEntry(id, hi - lo, firstMs, lastMs, times, offset, this.encodeColumn(values, lo, hi));
  }

  /** A block whose values stand at `offset`. */
  private addEntry(
    id: number,
    count: number,
    firstMs: number,
    lastMs: number,
    times: Column,
    offset: number,
    length: number,
  ): void {
    const { entries } = this;
    const isFirst = this.entriesInPage === 0;
    if (isFirst) {
      this.pageFirstId = id;
      this.previousEnd = 0;
      this.previousTimes = 0;
      this.previousMs = 0;
    }
    entries.varint(isFirst ? id : id - this.lastId);
    entries.varint(count);
    entries.zigzag(firstMs - this.previousMs);
    entries.varint(lastMs - firstMs);
    entries.zigzag(offset - this.previousEnd);
    entries.varint(length);
    entries.zigzag(times.offset - this.previousTimes);
    entries.varint(times.length);
    this.previousMs = firstMs;
    this.previousEnd = offset + length;
    this.previousTimes = times.offset;

    if (id !== this.lastId) this.series++;
    this.lastId = id;
    this.blocks++;
    this.rows += count;
    this.pageMinMs = Math.min(this.pageMinMs, firstMs);
    this.pageMaxMs = Math.max(this.pageMaxMs, lastMs);
    if (++this.entriesInPage === ENTRIES_PER_PAGE) this.endPage();
  }

  private endPage(): void {
    if (this.entriesInPage === 0) return;
    this.indexPages.push(this.entries.bytes().slice());
    this.root.u32(this.pageFirstId);
    this.root.u32(this.lastId);
    this.root.u32(this.entriesInPage);
    this.root.f64(this.pageMinMs);
    this.root.f64(this.pageMaxMs);
    this.minMs = Math.min(this.minMs, this.pageMinMs);
    this.maxMs = Math.max(this.maxMs, this.pageMaxMs);
    this.entries.clear();
    this.entriesInPage = 0;
    this.pageMinMs = Number.POSITIVE_INFINITY;
    this.pageMaxMs = Number.NEGATIVE_INFINITY;
  }

  /** Adds a column that is encoded already. Returns where it stands. */
  private copyColumn(bytes: Uint8Array, lo: number, hi: number): number {
    const offset = this.end + COLUMN_HEADER_BYTES;
    this.buffer.u32(checksumAt(bytes, this.fileNumber, offset, lo, hi));
    this.buffer.copy(bytes, lo, hi);
    return offset;
  }

  /** Encodes a column behind its checksum. Returns its length. */
  private encodeColumn(column: Float64Array, lo: number, hi: number): number {
    const { buffer } = this;
    const at = buffer.length;
    const offset = this.end + COLUMN_HEADER_BYTES;
    buffer.u32(0);
    const length = writeColumn(buffer, column, lo, hi);
    buffer.setU32(at, checksumAt(buffer.array, this.fileNumber, offset, at + COLUMN_HEADER_BYTES, buffer.length));
    return length;
  }

  private addTimes(timestamps: Float64Array, lo: number, hi: number): Column {
    // What is scraped together comes together.
    if (this.lastTimes !== null && isEqual(this.lastTimes.timestamps, timestamps, lo, hi)) return this.lastTimes;
    const hash = hashTimes(timestamps, lo, hi);
    const known = this.shared.get(hash);
    if (known !== undefined && isEqual(known.timestamps, timestamps, lo, hi)) {
      this.lastTimes = known;
      return known;
    }
    const offset = this.end + COLUMN_HEADER_BYTES;
    const length = this.encodeColumn(timestamps, lo, hi);
    const column = { offset, length, timestamps: timestamps.slice(lo, hi) };
    if (known !== undefined) this.forget(hash, known);
    this.shared.set(hash, column);
    this.lastTimes = column;
    this.sharedSamples += hi - lo;
    for (const [oldest, times] of this.shared) {
      if (this.sharedSamples <= SHARED_SAMPLES_MAX) break;
      this.forget(oldest, times);
    }
    return column;
  }

  private forget(hash: number, times: SharedTimes): void {
    this.shared.delete(hash);
    this.sharedSamples -= times.timestamps.length;
  }
}

/** A hash of a few samples to find candidates by: equality is checked on all of them. */
function hashTimes(timestamps: Float64Array, lo: number, hi: number): number {
  const last = hi - lo - 1;
  let hash = last;
  for (let k = 0; k <= HASHED_SAMPLES; k++) {
    hash = (Math.imul(hash, 31) + ((timestamps[lo + Math.floor((last * k) / HASHED_SAMPLES)] as number) | 0)) | 0;
  }
  return hash;
}

function isEqual(known: Float64Array, timestamps: Float64Array, lo: number, hi: number): boolean {
  if (known.length !== hi - lo) return false;
  if (hi - lo > LOOP_SAMPLES_MAX) return Buffer.compare(bytesOf(known, 0, hi - lo), bytesOf(timestamps, lo, hi)) === 0;
  for (let i = lo; i < hi; i++) if (known[i - lo] !== timestamps[i]) return false;
  return true;
}

function bytesOf(column: Float64Array, lo: number, hi: number): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset + 8 * lo, 8 * (hi - lo));
}
