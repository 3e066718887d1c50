/**
 * What was deleted of a partition and is still in its parts. docs/format/tombstones.md gives every byte.
 *
 *   ranges   from ms · to ms · below file     a delete: it hides samples of these times in parts whose number is below its own
 *   pairs    series id · range                which series it hides them of, by ascending id
 *
 * Numbers of files ascend, so what is written after a delete is never hidden by it, also if it is of the same series and times. Queries leave out
 * what is hidden and merges do not copy it; a range goes when no part is left that it could hide anything of. A partition has one such file, which
 * each delete replaces: what has gone out of use, and what a later delete covers, is left behind then. Tombstones never change.
 */
import { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { CorruptionError } from "../../base/errors.ts";
import {
  checkHeader,
  checkPage,
  checksumAt,
  decodeDirectory,
  decodeTail,
  encodeHeader,
  encodeTail,
  type FileKind,
  HEADER_BYTES,
  type Page,
  TAIL_BYTES,
} from "../../codec/pages.ts";
import { type Disk, readWhole } from "../../disk/disk.ts";
import { lowerBound, type Postings } from "../../index/postings.ts";

export const TOMBSTONES_FILE: FileKind = { magic: "NYZTOMBS", version: 1 };
const PAIRS_PER_PAGE = 1 << 16;

/** Samples of `[minMs, maxMs]` in parts with a number below `belowFile`. */
export interface DeletedRange {
  readonly minMs: number;
  readonly maxMs: number;
  readonly belowFile: number;
}

/** What is hidden in one part. */
export interface PartMask {
  /** Hidden times of a series as from, to, from, to …: ascending, with time between them. Null if there are none. */
  rangesOf(id: number): Float64Array | null;
}

export interface TombstoneColumns {
  readonly fileNumber: number;
  readonly ranges: readonly DeletedRange[];
  /** Ascending. */
  readonly ids: Uint32Array;
  /** Index into `ranges`, beside `ids`. */
  readonly rangeOf: Uint32Array;
}

export class Tombstones {
  /** The file they are in; of several, the last. */
  readonly fileNumber: number;
  /** All files that they came from: one, or more when a damaged one was mended. */
  readonly files: readonly number[];
  readonly ranges: readonly DeletedRange[];
  private readonly ids: Uint32Array;
  /** Index into `ranges`, beside `ids`. */
  private readonly rangeOf: Uint32Array;
  private readonly masks: Map<number, PartMask | null> = new Map();

  private constructor(
    files: readonly number[],
    ranges: readonly DeletedRange[],
    ids: Uint32Array,
    rangeOf: Uint32Array,
  ) {
    this.files = files;
    this.fileNumber = files[files.length - 1] as number;
    this.ranges = ranges;
    this.ids = ids;
    this.rangeOf = rangeOf;
  }

  /** One delete, of ascending ids: it hides what is in files with lower numbers than its own. */
  static of(fileNumber: number, ids: Postings, minMs: number, maxMs: number): Tombstones {
    return new Tombstones([fileNumber], [{ minMs, maxMs, belowFile: fileNumber }], ids, new Uint32Array(ids.length));
  }

  get pairCount(): number {
    return this.ids.length;
  }

  /** True if there may be something hidden in a part with this number. */
  appliesTo(part: number): boolean {
    return this.ranges.some(({ belowFile }) => part < belowFile);
  }

  /** What is hidden in the part with this number; null if nothing is. */
  maskFor(part: number): PartMask | null {
    let mask = this.masks.get(part);
    if (mask === undefined) {
      mask = this.appliesTo(part) ? this.newMask(part) : null;
      this.masks.set(part, mask);
    }
    return mask;
  }

  private newMask(part: number): PartMask {
    // Blocks of one series come one after the other.
    let lastId = -1;
    let last: Float64Array | null = null;
    return {
      rangesOf: (id) => {
        if (id !== lastId) {
          last = this.rangesOf(id, part);
          lastId = id;
        }
        return last;
      },
    };
  }

  private rangesOf(id: number, part: number): Float64Array | null {
    const { ids, ranges } = this;
    const found: DeletedRange[] = [];
    for (let i = lowerBound(ids, id); ids[i] === id; i++) {
      const range = ranges[this.rangeOf[i] as number] as DeletedRange;
      if (part < range.belowFile) found.push(range);
    }
    return found.length === 0 ? null : joinRanges(found);
  }

  /**
   * These and `later` ones in one file, `later`'s. What `later` covers is left out, and so is what hides nothing of a part: `oldestPart` is the
   * lowest number of those there are. `files` is where they are then.
   */
  with(later: Tombstones, oldestPart: number, files: readonly number[] = later.files): Tombstones {
    const ranges = [...this.ranges, ...later.ranges];
    const used = new Uint8Array(ranges.length);
    const ids = new Uint32Array(this.ids.length + later.ids.length);
    const rangeOf = new Uint32Array(ids.length);
    let count = 0;
    const put = (id: number, range: number): void => {
      ids[count] = id;
      rangeOf[count++] = range;
      used[range] = 1;
    };
    const isCovered = (range: DeletedRange, from: number, to: number): boolean => {
      for (let i = from; i < to; i++) {
        const { minMs, maxMs, belowFile } = later.ranges[later.rangeOf[i] as number] as DeletedRange;
        if (minMs <= range.minMs && maxMs >= range.maxMs && belowFile >= range.belowFile) return true;
      }
      return false;
    };
    let b = 0;
    for (let a = 0; a < this.ids.length || b < later.ids.length; ) {
      const id = Math.min(this.ids[a] ?? Number.POSITIVE_INFINITY, later.ids[b] ?? Number.POSITIVE_INFINITY);
      const from = b;
      while (later.ids[b] === id) b++;
      for (; this.ids[a] === id; a++) {
        const range = ranges[this.rangeOf[a] as number] as DeletedRange;
        if (range.belowFile > oldestPart && !isCovered(range, from, b)) put(id, this.rangeOf[a] as number);
      }
      for (let i = from; i < b; i++) put(id, this.ranges.length + (later.rangeOf[i] as number));
    }
    const kept = ranges.filter((_range, i) => used[i] === 1);
    const renumbered = new Uint32Array(ranges.length);
    for (let i = 0, next = 0; i < ranges.length; i++) if (used[i] === 1) renumbered[i] = next++;
    for (let i = 0; i < count; i++) rangeOf[i] = renumbered[rangeOf[i] as number] as number;
    return new Tombstones(files, kept, ids.slice(0, count), rangeOf.slice(0, count));
  }

  /** Makes the file, whole and synced; its folder is the caller's to sync. */
  async write(disk: Disk, path: string): Promise<void> {
    const bytes = this.encode();
    await disk.remove(path);
    const file = await disk.create(path);
    try {
      await file.append(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  encode(): Uint8Array {
    const { fileNumber, ids, rangeOf, ranges } = this;
    const writer = new ByteWriter();
    writer.raw(encodeHeader(TOMBSTONES_FILE, fileNumber));
    const pages: Page[] = [];
    for (let lo = 0; lo < ids.length; lo += PAIRS_PER_PAGE) {
      const hi = Math.min(ids.length, lo + PAIRS_PER_PAGE);
      const page = new ByteWriter();
      let previous = 0;
      for (let i = lo; i < hi; i++) {
        page.varint((ids[i] as number) - previous);
        page.varint(rangeOf[i] as number);
        previous = ids[i] as number;
      }
      const bytes = page.bytes();
      const offset = writer.length;
      pages.push({ offset, length: bytes.length, crc: checksumAt(bytes, fileNumber, offset) });
      writer.raw(bytes);
    }
    const root = new ByteWriter();
    root.varint(ids.length);
    root.varint(ranges.length);
    for (const { minMs, maxMs, belowFile } of ranges) {
      root.f64(minMs);
      root.f64(maxMs);
      root.u32(belowFile);
    }
    writer.raw(encodeTail(TOMBSTONES_FILE, fileNumber, writer.length, pages, root.bytes()));
    return writer.bytes();
  }

  /** @throws CorruptionError, NewerFormatError, and the disk's errors */
  static async read(disk: Disk, path: string, fileNumber: number): Promise<Tombstones> {
    const file = await readWhole(disk, path);
    if (file.length < HEADER_BYTES + TAIL_BYTES) {
      throw new CorruptionError(path, 0, `want tombstones, got ${file.length} bytes`);
    }
    checkHeader(file, TOMBSTONES_FILE, fileNumber, path);
    const place = decodeTail(file.subarray(file.length - TAIL_BYTES), TOMBSTONES_FILE, file.length, path);
    const directory = file.subarray(place.offset, place.offset + place.length);
    const { pages, root } = decodeDirectory(directory, place, fileNumber, path);
    try {
      return decodePairs(file, fileNumber, pages, new ByteReader(root), path);
    } catch (error) {
      throw error instanceof RangeError ? new CorruptionError(path, 0, error.message) : error;
    }
  }

  /** As plain data, for another thread; `ofColumns` makes them of it again. */
  get columns(): TombstoneColumns {
    return { fileNumber: this.fileNumber, ranges: this.ranges, ids: this.ids, rangeOf: this.rangeOf };
  }

  static ofColumns({ fileNumber, ranges, ids, rangeOf }: TombstoneColumns): Tombstones {
    return new Tombstones([fileNumber], ranges, ids, rangeOf);
  }
}

function decodePairs(
  file: Uint8Array,
  fileNumber: number,
  pages: readonly Page[],
  root: ByteReader,
  path: string,
): Tombstones {
  const count = root.varint();
  if (count > file.length) throw new CorruptionError(path, 0, `${count} pairs do not fit into ${file.length} bytes`);
  const ranges: DeletedRange[] = [];
  for (let left = root.varint(); left > 0; left--) {
    ranges.push({ minMs: root.f64(), maxMs: root.f64(), belowFile: root.u32() });
  }
  const ids = new Uint32Array(count);
  const rangeOf = new Uint32Array(count);
  let at = 0;
  for (const page of pages) {
    const bytes = file.subarray(page.offset, page.offset + page.length);
    checkPage(bytes, page, fileNumber, path);
    const reader = new ByteReader(bytes);
    let id = 0;
    while (reader.offset < reader.end) {
      id += reader.varint();
      ids[at] = id;
      rangeOf[at] = reader.varint();
      if ((rangeOf[at++] as number) >= ranges.length) {
        throw new CorruptionError(path, page.offset, "a pair names a range that is not there");
      }
    }
  }
  if (at !== count) throw new CorruptionError(path, 0, `want ${count} pairs, got ${at}`);
  return Tombstones.ofColumns({ fileNumber, ranges, ids, rangeOf });
}

/** Joined and in order. */
function joinRanges(ranges: DeletedRange[]): Float64Array {
  if (ranges.length === 1) {
    const { minMs, maxMs } = ranges[0] as DeletedRange;
    return Float64Array.of(minMs, maxMs);
  }
  ranges.sort((a, b) => a.minMs - b.minMs);
  const joined: number[] = [];
  for (const { minMs, maxMs } of ranges) {
    const last = joined.length - 1;
    // Times are whole milliseconds: nothing lies between neighbours.
    if (last > 0 && minMs <= (joined[last] as number) + 1) joined[last] = Math.max(joined[last] as number, maxMs);
    else joined.push(minMs, maxMs);
  }
  return Float64Array.from(joined);
}

/** True if all of `[minMs, maxMs]` is hidden. */
export function hidesAll(ranges: Float64Array, minMs: number, maxMs: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if ((ranges[i] as number) <= minMs && (ranges[i + 1] as number) >= maxMs) return true;
  }
  return false;
}

/** True if some of `[minMs, maxMs]` is hidden. */
export function hidesSome(ranges: Float64Array, minMs: number, maxMs: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if ((ranges[i] as number) <= maxMs && (ranges[i + 1] as number) >= minMs) return true;
  }
  return false;
}
