/**
 * Writes an index segment: the label sets of a run of series ids, and the way back from labels and from keys to ids. Immutable once written;
 * a partition's index is a few of them. docs/format/index.md gives every byte.
 *
 *   header │ pages of terms, lists of ids, series, keys, filters │ directory with the root │ tail
 *
 * A term is a label with a value; terms are numbered by label, then value. The term with the value "" stands for the label itself, and its ids are all series
 * that have the label; a first label without a name stands for all series. Tenants share nothing: each has its own terms, series and keys.
 */
import { ByteWriter } from "../base/bytes.ts";
import { assert } from "../base/errors.ts";
import { encodeLabelText } from "../base/label-bytes.ts";
import type { Tenant } from "../base/tenant.ts";
import { checksumAt, encodeHeader, encodeTail, type FileKind, type Page } from "../codec/pages.ts";
import type { AppendFile, Disk } from "../disk/disk.ts";
import type { HashKey } from "./key-hash.ts";
import { filterBlocks, KeyWriter } from "./key-pages.ts";
import type { Postings } from "./postings.ts";
import { PostingsWriter } from "./postings-pages.ts";
import { SeriesWriter } from "./series-pages.ts";
import { TermWriter } from "./term-pages.ts";

export const INDEX_FILE: FileKind = { magic: "NYZINDEX", version: 2 };
/** In the place of a label's name: all series. */
export const EVERYTHING = "";
/** The value of the term that stands for a label itself. */
export const NO_VALUE: Uint8Array = new Uint8Array(0);

const FLUSH_BYTES = 1 << 20;

/** Pages of one kind, as the root tells of them: number in the file, and what `note` wrote. */
class PageTable {
  count = 0;
  private lastNumber = 0;
  private readonly bytes: ByteWriter = new ByteWriter(1 << 10);

  add(number: number, note: (root: ByteWriter) => void = () => {}): void {
    this.bytes.varint(number - this.lastNumber);
    this.lastNumber = number;
    note(this.bytes);
    this.count++;
  }

  writeTo(root: ByteWriter): void {
    root.varint(this.count);
    root.raw(this.bytes.bytes());
  }
}

/** What a tenant has of pages. */
interface Tables {
  readonly terms: PageTable;
  readonly lists: PageTable;
  readonly series: PageTable;
  readonly keys: PageTable;
  readonly filter: PageTable;
}

/**
 * For each tenant: `beginTenant`, its labels with `beginLabel`, `beginTerm`, `addIds` and `endTerm`, then its series, then its keys, then `endTenant`.
 * Whenever `isFull`, `await flush()`.
 */
export class SegmentWriter {
  readonly path: string;
  private readonly disk: Disk;
  private readonly file: AppendFile;
  private readonly fileNumber: number;
  private readonly buffer: ByteWriter = new ByteWriter(1 << 16);
  private flushedBytes = 0;
  private readonly pages: Page[] = [];
  private readonly root: ByteWriter = new ByteWriter(1 << 10);
  private readonly tenants: ByteWriter = new ByteWriter(1 << 10);
  private tenantCount = 0;

  private tables: Tables = newTables();
  private tenant: Tenant = { accountId: 0, projectId: 0 };
  private seriesCount = 0;
  private lastId = 0;
  private seriesAdded = 0;
  private keysAdded = 0;
  private labelCount = 0;
  private readonly labels: ByteWriter = new ByteWriter(1 << 10);
  private termsOfLabel = 0;
  private lists!: PostingsWriter;
  private terms!: TermWriter;
  private series!: SeriesWriter;
  private keys!: KeyWriter;

  private constructor(disk: Disk, path: string, file: AppendFile, fileNumber: number, hashKey: HashKey) {
    this.disk = disk;
    this.path = path;
    this.file = file;
    this.fileNumber = fileNumber;
    this.buffer.raw(encodeHeader(INDEX_FILE, fileNumber));
    for (let i = 0; i < 4; i++) this.root.u32(hashKey[i] as number);
  }

  /** Creates the file; an older one of this name is left from an attempt that failed and goes. */
  static async create(disk: Disk, path: string, fileNumber: number, hashKey: HashKey): Promise<SegmentWriter> {
    await disk.remove(path);
    return new SegmentWriter(disk, path, await disk.create(path), fileNumber, hashKey);
  }

  /** A tenant with so many series, of ids up to `lastId`. Tenants come in any order, each once. */
  beginTenant(tenant: Tenant, seriesCount: number, lastId: number): void {
    const tables = newTables();
    this.tables = tables;
    this.tenant = tenant;
    this.seriesCount = seriesCount;
    this.lastId = lastId;
    this.seriesAdded = 0;
    this.keysAdded = 0;
    this.labelCount = 0;
    this.labels.clear();
    this.termsOfLabel = 0;
    this.lists = new PostingsWriter((bytes) => tables.lists.add(this.addPage(bytes)));
    this.terms = new TermWriter(this.lists, (bytes, { terms, separator }) =>
      tables.terms.add(this.addPage(bytes), (root) => {
        root.varint(terms);
        root.varint(separator.length);
        root.raw(separator);
      }),
    );
    this.series = new SeriesWriter((bytes, firstId) =>
      tables.series.add(this.addPage(bytes), (root) => root.varint(firstId)),
    );
    this.keys = new KeyWriter(
      seriesCount,
      lastId,
      (bytes, firstHash) => tables.keys.add(this.addPage(bytes), (root) => root.u32(firstHash)),
      (bytes) => tables.filter.add(this.addPage(bytes)),
    );
  }

  /** A label: EVERYTHING first, then `__name__`, then by the bytes of their names. Its terms follow, the one with the value "" first. */
  beginLabel(name: string): void {
    this.endLabel();
    const bytes = encodeLabelText(name);
    this.labels.varint(bytes.length);
    this.labels.raw(bytes);
    this.labelCount++;
    this.terms.beginLabel();
  }

  beginTerm(value: Uint8Array): void {
    this.terms.begin(value);
    this.termsOfLabel++;
  }

  addIds(ids: Postings): void {
    this.terms.addIds(ids);
  }

  endTerm(): void {
    this.terms.endTerm();
  }

  /** After the last term. */
  endTerms(): void {
    this.endLabel();
    this.terms.end();
    this.lists.end();
  }

  /** A series and the numbers of its terms, `terms[lo..hi)`, both ascending. */
  addSeries(id: number, terms: Uint32Array, lo = 0, hi: number = terms.length): void {
    this.series.add(id, terms, lo, hi);
    this.seriesAdded++;
  }

  endSeries(): void {
    this.series.end();
  }

  /** The hash of a series' key, and its id, by ascending hash. */
  addKey(hash: number, id: number): void {
    this.keys.add(hash, id);
    this.keysAdded++;
  }

  endTenant(): void {
    assert(
      this.seriesAdded === this.seriesCount && this.keysAdded === this.seriesCount,
      "a segment has other series or keys than announced",
    );
    this.keys.end();
    const { tenants, tables } = this;
    tenants.u32(this.tenant.accountId);
    tenants.u32(this.tenant.projectId);
    tenants.varint(this.seriesCount);
    tenants.varint(this.lastId);
    tenants.varint(this.labelCount);
    tenants.raw(this.labels.bytes());
    tenants.varint(filterBlocks(this.seriesCount));
    for (const table of [tables.terms, tables.lists, tables.series, tables.keys, tables.filter]) table.writeTo(tenants);
    this.tenantCount++;
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

  /** Completes the file and syncs it. */
  async finish(): Promise<void> {
    this.root.varint(this.tenantCount);
    this.root.raw(this.tenants.bytes());
    this.buffer.raw(encodeTail(INDEX_FILE, this.fileNumber, this.end, this.pages, this.root.bytes()));
    await this.flush();
    await this.file.sync();
    await this.file.close();
  }

  /** Gives up: the file goes. */
  async abort(): Promise<void> {
    await this.file.close().catch(() => {});
    await this.disk.remove(this.path).catch(() => {});
  }

  private endLabel(): void {
    if (this.labelCount > 0) this.labels.varint(this.termsOfLabel);
    this.termsOfLabel = 0;
  }

  private get end(): number {
    return this.flushedBytes + this.buffer.length;
  }

  private addPage(bytes: Uint8Array): number {
    const offset = this.end;
    this.buffer.raw(bytes);
    return this.pages.push({ offset, length: bytes.length, crc: checksumAt(bytes, this.fileNumber, offset) }) - 1;
  }
}

function newTables(): Tables {
  return {
    terms: new PageTable(),
    lists: new PageTable(),
    series: new PageTable(),
    keys: new PageTable(),
    filter: new PageTable(),
  };
}
