/**
 * The file of an index segment as pages: which there are is in memory from the opening on (sixteen bytes a page), what is in them is read when it is
 * asked for, checked, and kept in the cache. Kinds of pages are told apart by who asks.
 */
import { CorruptionError } from "../base/errors.ts";
import { checksumAt, type Page } from "../codec/pages.ts";
import type { CachedPage, CacheRow, PageCache } from "./page-cache.ts";
import { type OpenedPages, PagedFile } from "./paged-file.ts";

export class SegmentFile extends PagedFile {
  readonly cache: PageCache;
  private readonly offsets: Float64Array;
  private readonly lengths: Uint32Array;
  private readonly crcs: Uint32Array;
  private readonly rows: CacheRow<CachedPage>[] = [];

  /** Takes over an open file. */
  constructor(opened: OpenedPages, cache: PageCache) {
    super(opened);
    const { pages } = opened;
    this.cache = cache;
    this.offsets = new Float64Array(pages.length);
    this.lengths = new Uint32Array(pages.length);
    this.crcs = new Uint32Array(pages.length);
    // Each query worker opens it anew, with code that has hardly run: one loop, no calls.
    for (let i = 0; i < pages.length; i++) {
      const { offset, length, crc } = pages[i] as Page;
      this.offsets[i] = offset;
      this.lengths[i] = length;
      this.crcs[i] = crc;
    }
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.file.bytes;
  }

  get pageCount(): number {
    return this.offsets.length;
  }

  /** Bytes of memory that the directory takes. */
  get residentBytes(): number {
    return this.pageCount * 16;
  }

  /** A row for the cache, whose pages leave it when the file is retired. */
  newRow<P extends CachedPage>(): CacheRow<P> {
    const row: CacheRow<P> = [];
    this.rows.push(row as unknown as CacheRow<CachedPage>);
    return row;
  }

  /** The bytes of a page, checked. @throws CorruptionError */
  async read(page: number): Promise<Uint8Array> {
    const offset = this.offsets[page] as number;
    const bytes = new Uint8Array(this.lengths[page] as number);
    await this.file.read(offset, bytes);
    if (checksumAt(bytes, this.fileNumber, offset) !== this.crcs[page]) {
      throw new CorruptionError(this.path, offset, `the checksum of this page of ${bytes.length} bytes does not fit`);
    }
    return bytes;
  }

  /** For what a decoder says of a page whose checksum fits: damage that no checksum told of. */
  asCorruption(error: unknown, page: number): unknown {
    if (!(error instanceof RangeError)) return error;
    return new CorruptionError(this.path, this.offsets[page] as number, error.message);
  }

  protected forget(): void {
    for (const row of this.rows) this.cache.drop(row);
  }
}

/**
 * Pages of one kind, by their number among their kind. `now` answers from memory, `load` from the disk; the way to ask is
 * `pages.now(i) ?? (await pages.load(i))`.
 */
export class PageSet<P extends CachedPage> {
  readonly file: SegmentFile;
  /** Numbers of the pages in the file. */
  private readonly numbers: Uint32Array;
  private readonly decode: (bytes: Uint8Array, index: number) => P;
  private readonly row: CacheRow<P>;
  /** Pages that were found damaged: they are not read again for everyone who asks. */
  private readonly damaged: Map<number, CorruptionError> = new Map();

  /** `decode` throws RangeError if a page is not what it should be. */
  constructor(file: SegmentFile, numbers: Uint32Array, decode: (bytes: Uint8Array, index: number) => P) {
    this.file = file;
    this.numbers = numbers;
    this.decode = decode;
    this.row = file.newRow();
  }

  get count(): number {
    return this.numbers.length;
  }

  /** True if it is in memory; that somebody looked is not counted. */
  has(index: number): boolean {
    return this.row[index] !== undefined;
  }

  now(index: number): P | undefined {
    return this.file.cache.get(this.row, index);
  }

  /** @throws CorruptionError */
  async load(index: number): Promise<P> {
    return this.file.cache.put(this.row, index, await this.loadAside(index));
  }

  /** Past the cache, for who reads everything once. @throws CorruptionError */
  async loadAside(index: number): Promise<P> {
    const number = this.numbers[index];
    // A number that leads nowhere comes from damage in the page that holds it.
    if (number === undefined) throw new CorruptionError(this.file.path, 0, `there is no page ${index} of this kind`);
    const known = this.damaged.get(index);
    if (known !== undefined) throw known;
    try {
      return this.decode(await this.file.read(number), index);
    } catch (error) {
      const damage = this.file.asCorruption(error, number);
      if (damage instanceof CorruptionError) this.damaged.set(index, damage);
      throw damage;
    }
  }

  /** For what a reader of a page meets in it: damage that no checksum told of. */
  asCorruption(error: unknown, index: number): unknown {
    return this.file.asCorruption(error, this.numbers[index] ?? 0);
  }

  /** A page has grown by `bytes` since it was decoded. */
  grow(index: number, page: P, bytes: number): void {
    this.file.cache.grow(this.row, index, page, bytes);
  }
}
