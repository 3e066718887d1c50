/**
 * Reads an index segment. The file is held as bytes and its checksums are verified when it is opened; symbols, label sets and postings are
 * decoded when first asked for, page by page.
 */
import { ByteReader } from "../base/bytes.ts";
import { BugError, CorruptionError } from "../base/errors.ts";
import { decodeLabelBytes, encodeLabelText } from "../base/label-bytes.ts";
import { Labels } from "../base/labels.ts";
import { formatTenant, type Tenant } from "../base/tenant.ts";
import { checkHeader, checkPage, decodeDirectory, decodeTail, type Page, TAIL_BYTES } from "../codec/pages.ts";
import type { Pace, SeriesIndex } from "./filter-search.ts";
import { asSeriesIndex, type ListedIndex } from "./listed-index.ts";
import { lowerBound, NO_POSTINGS, type Postings } from "./postings.ts";
import { INDEX_FILE, SERIES_PER_PAGE, SYMBOLS_PER_PAGE } from "./segment-writer.ts";

export class IndexSegment {
  readonly fileNumber: number;
  readonly bytes: number;
  private readonly tenants: Map<string, TenantSegment>;

  /** @throws CorruptionError, NewerFormatError */
  constructor(file: Uint8Array, fileNumber: number, path: string) {
    this.fileNumber = fileNumber;
    this.bytes = file.length;
    this.tenants = new Map();
    if (file.length < TAIL_BYTES * 2)
      throw new CorruptionError(path, 0, `want an index segment, got ${file.length} bytes`);
    checkHeader(file, INDEX_FILE, fileNumber, path);
    const place = decodeTail(file.subarray(file.length - TAIL_BYTES), INDEX_FILE, file.length, path);
    const directoryBytes = file.subarray(place.offset, place.offset + place.length);
    const { pages, root } = decodeDirectory(directoryBytes, place, fileNumber, path);
    const views: Uint8Array[] = pages.map((page: Page) => {
      const view = file.subarray(page.offset, page.offset + page.length);
      checkPage(view, page, fileNumber, path);
      return view;
    });
    const reader = new ByteReader(root);
    try {
      for (let left = reader.varint(); left > 0; left--) {
        const tenant = { accountId: reader.u32(), projectId: reader.u32() };
        this.tenants.set(formatTenant(tenant), new TenantSegment(this, tenant, reader, views));
      }
    } catch (error) {
      if (error instanceof RangeError) throw new CorruptionError(path, place.offset, error.message);
      throw error;
    }
  }

  /** The tenant's part of this segment, null if it has no series here. */
  of(tenant: Tenant): TenantSegment | null {
    return this.tenants.get(formatTenant(tenant)) ?? null;
  }

  all(): Iterable<TenantSegment> {
    return this.tenants.values();
  }
}

interface LabelPage {
  /** Symbol numbers of the values, ascending. */
  readonly symbols: Uint32Array;
  readonly counts: Uint32Array;
  /** Where each value's ids start in the page; one more entry than values. */
  readonly starts: Uint32Array;
  readonly bytes: Uint8Array;
}

export class TenantSegment implements ListedIndex {
  readonly segment: IndexSegment;
  readonly tenant: Tenant;
  /** For searches. */
  readonly index: SeriesIndex = asSeriesIndex(this);
  readonly seriesCount: number;
  private readonly symbolPages: readonly Uint8Array[];
  private readonly symbolTexts: (string[] | undefined)[];
  private readonly seriesPages: readonly Uint8Array[];
  private readonly firstIds: Uint32Array;
  private readonly seriesCache: ({ ids: Uint32Array; labels: Labels[] } | undefined)[];
  private readonly labelPages: Map<string, Uint8Array>;
  private readonly labelCache: Map<string, LabelPage> = new Map();
  private everything: Postings | null = null;

  /** Reads its share of the root. */
  constructor(segment: IndexSegment, tenant: Tenant, root: ByteReader, pages: readonly Uint8Array[]) {
    this.segment = segment;
    this.tenant = tenant;
    this.seriesCount = root.varint();
    const symbolCount = root.varint();
    const symbolsAt = root.varint();
    const symbolPageCount = Math.ceil(symbolCount / SYMBOLS_PER_PAGE);
    this.symbolPages = pages.slice(symbolsAt, symbolsAt + symbolPageCount);
    this.symbolTexts = new Array(symbolPageCount).fill(undefined);
    const seriesAt = root.varint();
    const seriesPageCount = Math.ceil(this.seriesCount / SERIES_PER_PAGE);
    this.seriesPages = pages.slice(seriesAt, seriesAt + seriesPageCount);
    this.seriesCache = new Array(seriesPageCount).fill(undefined);
    this.firstIds = new Uint32Array(seriesPageCount);
    for (let i = 0; i < seriesPageCount; i++) this.firstIds[i] = root.varint();
    const labelsAt = root.varint();
    this.labelPages = new Map();
    const labelCount = root.varint();
    for (let i = 0; i < labelCount; i++) {
      const name = root.varint();
      this.labelPages.set(name === 0 ? "__name__" : this.symbol(name - 1), pages[labelsAt + i] as Uint8Array);
    }
  }

  /** Label set of a series of this segment. */
  labels(id: number): Labels {
    const page = this.pageOf(id);
    const at = lowerBound(page.ids, id);
    if (page.ids[at] !== id) throw new BugError("label set of an id that is not in this segment");
    return page.labels[at] as Labels;
  }

  /** The largest id. */
  get lastId(): number {
    const all = this.all();
    return all[all.length - 1] as number;
  }

  /** Adds the labels of ascending ids of this segment to `target`; null, and the error to `onDamage`, where they cannot be read. */
  async readLabels(
    ids: Postings,
    target: (Labels | null)[],
    pace: Pace,
    _onDamage: (error: CorruptionError) => void,
  ): Promise<void> {
    for (let i = 0; i < ids.length; i++) {
      target.push(this.labels(ids[i] as number));
      if (pace.isDue) await pace.pause();
    }
  }

  /** All series in id order, page by page. */
  *series(): IterableIterator<{ id: number; labels: Labels }> {
    for (let i = 0; i < this.seriesPages.length; i++) {
      const page = this.decodeSeries(i);
      for (let k = 0; k < page.ids.length; k++) yield { id: page.ids[k] as number, labels: page.labels[k] as Labels };
    }
  }

  all(): Postings {
    if (this.everything === null) {
      const ids = new Uint32Array(this.seriesCount);
      let at = 0;
      for (let i = 0; i < this.seriesPages.length; i++) {
        const page = this.decodeSeries(i);
        ids.set(page.ids, at);
        at += page.ids.length;
      }
      this.everything = ids;
    }
    return this.everything;
  }

  postings(label: string, value: string): Postings {
    const found = this.findValue(label, value);
    if (found === null) return NO_POSTINGS;
    const ids = new Uint32Array(found.count);
    let id = 0;
    for (let i = 0; i < ids.length; i++) {
      id += found.reader.varint();
      ids[i] = id;
    }
    return ids;
  }

  /** Where the ids of a value stand, null if the segment does not know it. */
  private findValue(label: string, value: string): { readonly count: number; readonly reader: ByteReader } | null {
    const page = this.label(label);
    if (page === null) return null;
    const symbol = this.findSymbol(value);
    if (symbol < 0) return null;
    const at = lowerBound(page.symbols, symbol);
    if (page.symbols[at] !== symbol) return null;
    const reader = new ByteReader(page.bytes, page.starts[at] as number, page.starts[at + 1] as number);
    return { count: page.counts[at] as number, reader };
  }

  *values(label: string): IterableIterator<string> {
    const page = this.label(label);
    if (page === null) return;
    for (let i = 0; i < page.symbols.length; i++) yield this.symbol(page.symbols[i] as number);
  }

  names(): Iterable<string> {
    return this.labelPages.keys();
  }

  private pageOf(id: number): { ids: Uint32Array; labels: Labels[] } {
    let at = lowerBound(this.firstIds, id);
    if (at === this.firstIds.length || this.firstIds[at] !== id) at--;
    if (at < 0) throw new BugError("label set of an id before this segment");
    return this.decodeSeries(at);
  }

  private decodeSeries(pageIndex: number): { ids: Uint32Array; labels: Labels[] } {
    const cached = this.seriesCache[pageIndex];
    if (cached !== undefined) return cached;
    const count = Math.min(SERIES_PER_PAGE, this.seriesCount - pageIndex * SERIES_PER_PAGE);
    const reader = new ByteReader(this.seriesPages[pageIndex] as Uint8Array);
    const ids = new Uint32Array(count);
    const labels: Labels[] = [];
    let id = 0;
    for (let i = 0; i < count; i++) {
      id += reader.varint();
      ids[i] = id;
      const pairCount = reader.varint() - 1;
      const name = reader.varint();
      const pairs: string[] = [];
      for (let k = 0; k < 2 * pairCount; k++) pairs.push(this.symbol(reader.varint()));
      labels.push(new Labels(name === 0 ? "" : this.symbol(name - 1), pairs));
    }
    const page = { ids, labels };
    this.seriesCache[pageIndex] = page;
    return page;
  }

  private label(name: string): LabelPage | null {
    const cached = this.labelCache.get(name);
    if (cached !== undefined) return cached;
    const bytes = this.labelPages.get(name);
    if (bytes === undefined) return null;
    const reader = new ByteReader(bytes);
    const count = reader.varint();
    const symbols = new Uint32Array(count);
    const counts = new Uint32Array(count);
    const starts = new Uint32Array(count + 1);
    let symbol = 0;
    let at = 0;
    for (let i = 0; i < count; i++) {
      symbol += reader.varint();
      symbols[i] = symbol;
      counts[i] = reader.varint();
      starts[i] = at;
      at += reader.varint();
    }
    starts[count] = at;
    for (let i = 0; i <= count; i++) starts[i] = (starts[i] as number) + reader.offset;
    const page = { symbols, counts, starts, bytes };
    this.labelCache.set(name, page);
    return page;
  }

  private symbol(number: number): string {
    const page = Math.floor(number / SYMBOLS_PER_PAGE);
    return this.decodeSymbols(page)[number - page * SYMBOLS_PER_PAGE] as string;
  }

  private decodeSymbols(pageIndex: number): string[] {
    const cached = this.symbolTexts[pageIndex];
    if (cached !== undefined) return cached;
    const bytes = this.symbolPages[pageIndex] as Uint8Array;
    const reader = new ByteReader(bytes);
    const texts: string[] = [];
    let current = new Uint8Array(256);
    while (reader.offset < reader.end) {
      const shared = reader.varint();
      const added = reader.raw(reader.varint());
      if (shared + added.length > current.length) {
        const larger = new Uint8Array((shared + added.length) * 2);
        larger.set(current);
        current = larger;
      }
      current.set(added, shared);
      texts.push(decodeLabelBytes(current, 0, shared + added.length));
    }
    this.symbolTexts[pageIndex] = texts;
    return texts;
  }

  /** Number of a symbol, -1 if this segment does not know it. Order is that of bytes. */
  private findSymbol(text: string): number {
    const wanted = encodeLabelText(text);
    let lo = 0;
    let hi = this.symbolPages.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (Buffer.compare(firstSymbol(this.symbolPages[mid] as Uint8Array), wanted) <= 0) lo = mid + 1;
      else hi = mid;
    }
    if (lo === 0) return -1;
    const at = this.decodeSymbols(lo - 1).indexOf(text);
    return at < 0 ? -1 : (lo - 1) * SYMBOLS_PER_PAGE + at;
  }
}

function firstSymbol(page: Uint8Array): Uint8Array {
  const reader = new ByteReader(page);
  reader.varint();
  return reader.raw(reader.varint());
}
