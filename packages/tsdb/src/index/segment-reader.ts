/**
 * Reads an index segment. Its directory is in memory from the opening on, its pages come through a bounded cache when they are asked for, and each is
 * checked when it is read. docs/format/index.md gives every byte.
 */
import { ByteReader } from "../base/bytes.ts";
import { BugError, CorruptionError } from "../base/errors.ts";
import { decodeLabelBytes, encodeLabelText } from "../base/label-bytes.ts";
import { Labels } from "../base/labels.ts";
import { formatTenant, type Tenant } from "../base/tenant.ts";
import type { Disk } from "../disk/disk.ts";
import type { Pace, SeriesIndex, ValueBatch } from "./filter-search.ts";
import { type IdList, NO_IDS } from "./id-list.ts";
import { type HashKey, hashKeys } from "./key-hash.ts";
import { blocksOnPage, decodeFilterPage, KeyFilter, KeyPage } from "./key-pages.ts";
import type { PageCache } from "./page-cache.ts";
import { openPages } from "./paged-file.ts";
import { lowerBound, NO_POSTINGS, type Postings } from "./postings.ts";
import { PostingsPage } from "./postings-pages.ts";
import { PageSet, SegmentFile } from "./segment-file.ts";
import { EVERYTHING, INDEX_FILE } from "./segment-writer.ts";
import { decodeSeriesKey } from "./series-key.ts";
import { SeriesPage } from "./series-pages.ts";
import { TermPage } from "./term-pages.ts";

/** In the place of an id: there is none. */
export const NO_ID = 0xffff_ffff;
/** Pages that are read before somebody asks for them. */
const READ_AHEAD_MAX = 8;
/** What a label set takes beside its strings, and what each label adds. */
const LABELS_BYTES = 72;
const LABEL_BYTES = 16;

export class IndexSegment {
  readonly file: SegmentFile;
  /** What hashes of keys are made with. */
  readonly hashKey: HashKey;
  private readonly tenants: Map<string, TenantSegment> = new Map();

  private constructor(file: SegmentFile, root: Uint8Array) {
    this.file = file;
    const reader = new ByteReader(root);
    this.hashKey = Uint32Array.from({ length: 4 }, () => reader.u32());
    for (let left = reader.varint(); left > 0; left--) {
      const own = new TenantSegment(this, reader);
      this.tenants.set(formatTenant(own.tenant), own);
    }
  }

  /** @throws CorruptionError, NewerFormatError, and the disk's own errors */
  static async open(disk: Disk, path: string, fileNumber: number, cache: PageCache): Promise<IndexSegment> {
    return await openPages(disk, path, INDEX_FILE, fileNumber, "an index segment", (opened) => {
      return new IndexSegment(new SegmentFile(opened, cache), opened.root);
    });
  }

  get fileNumber(): number {
    return this.file.fileNumber;
  }

  /** Bytes of the file. */
  get bytes(): number {
    return this.file.bytes;
  }

  /** Bytes of memory that it takes whatever is asked: directory, and filters once they are needed. */
  get residentBytes(): number {
    let bytes = this.file.residentBytes;
    for (const own of this.tenants.values()) bytes += own.residentBytes;
    return bytes;
  }

  /** Keeps the file open until `release()`, also if it is retired meanwhile. */
  acquire(): void {
    this.file.acquire();
  }

  release(): void {
    this.file.release();
  }

  /** The segment is no longer in use, but for those who acquired it before. */
  retire(): void {
    this.file.retire();
  }

  /** The tenant's part of this segment, null if it has no series here. */
  of(tenant: Tenant): TenantSegment | null {
    return this.tenants.get(formatTenant(tenant)) ?? null;
  }

  all(): Iterable<TenantSegment> {
    return this.tenants.values();
  }
}

/** The terms of a label. */
export interface TermRange {
  /** Term of the label itself; its values follow. */
  readonly lo: number;
  readonly hi: number;
}

export class TenantSegment implements SeriesIndex {
  readonly segment: IndexSegment;
  readonly tenant: Tenant;
  readonly seriesCount: number;
  /** The largest id. */
  readonly lastId: number;
  /** The smallest. */
  readonly firstId: number;
  readonly terms: PageSet<TermPage>;
  readonly lists: PageSet<PostingsPage>;
  readonly seriesPages: PageSet<SeriesPage>;
  readonly keys: PageSet<KeyPage>;
  /** Of each page: its first term, and what separates its values from those before; one more term than pages. */
  readonly firstTerms: Uint32Array;
  private readonly separators: readonly Uint8Array[];
  private readonly firstIds: Uint32Array;
  private readonly firstHashes: Uint32Array;
  /** Labels in order, EVERYTHING first; of each the terms. */
  private readonly labels: Map<string, TermRange> = new Map();
  private readonly labelNames: string[] = [];
  private readonly labelEnds: Uint32Array;
  private readonly filterBlocks: number;
  private readonly filterPages: Uint32Array;
  private filter: KeyFilter | null = null;

  /** Reads its share of the root. @throws RangeError */
  constructor(segment: IndexSegment, root: ByteReader) {
    this.segment = segment;
    const { file } = segment;
    this.tenant = { accountId: root.u32(), projectId: root.u32() };
    this.seriesCount = root.varint();
    this.lastId = root.varint();
    const labelCount = root.varint();
    const labelEnds: number[] = [];
    let term = 0;
    for (let i = 0; i < labelCount; i++) {
      const length = root.varint();
      const at = root.offset;
      root.raw(length);
      const name = decodeLabelBytes(root.bytes, at, at + length);
      const lo = term;
      term += root.varint();
      this.labels.set(name, { lo, hi: term });
      this.labelNames.push(name);
      labelEnds.push(term);
    }
    this.labelEnds = Uint32Array.from(labelEnds);
    this.filterBlocks = root.varint();

    const firstTerms: number[] = [];
    const separators: Uint8Array[] = [];
    let first = 0;
    const termPages = readTable(root, () => {
      firstTerms.push(first);
      first += root.varint();
      separators.push(root.raw(root.varint()).slice());
    });
    this.firstTerms = Uint32Array.from([...firstTerms, first]);
    this.separators = separators;
    if (first !== term || (this.labelNames[0] ?? "x") !== EVERYTHING)
      throw new RangeError("labels and pages do not fit");
    this.terms = new PageSet(file, termPages, (bytes, index) => {
      const count = (this.firstTerms[index + 1] as number) - (this.firstTerms[index] as number);
      return new TermPage(bytes, count, this.seriesCount);
    });
    this.lists = new PageSet(file, readTable(root), (bytes) => new PostingsPage(bytes));
    const firstIds: number[] = [];
    const seriesNumbers = readTable(root, () => firstIds.push(root.varint()));
    this.firstIds = Uint32Array.from(firstIds);
    this.firstId = firstIds[0] ?? 0;
    this.seriesPages = new PageSet(
      file,
      seriesNumbers,
      (bytes, index) => new SeriesPage(bytes, this.firstIds[index] as number, term),
    );
    const firstHashes: number[] = [];
    const keyPages = readTable(root, () => firstHashes.push(root.u32()));
    this.firstHashes = Uint32Array.from(firstHashes);
    this.keys = new PageSet(file, keyPages, (bytes, index) => new KeyPage(bytes, this.firstHashes[index] as number));
    this.filterPages = readTable(root);
  }

  get residentBytes(): number {
    let bytes = 16 * this.firstTerms.length + 16 * this.firstIds.length + (this.filter?.words.length ?? 0) * 4;
    for (const separator of this.separators) bytes += separator.length + 80;
    return bytes;
  }

  // What searches ask.

  all(): IdList | Promise<IdList> {
    return this.withTerm(EVERYTHING, new Uint8Array(0));
  }

  withLabel(label: string): IdList | Promise<IdList> {
    return label === "" ? NO_IDS : this.withTerm(label, new Uint8Array(0));
  }

  withValue(label: string, value: string): IdList | Promise<IdList> {
    return label === "" || value === "" ? NO_IDS : this.withTerm(label, encodeLabelText(value));
  }

  names(): Iterable<string> {
    return this.labelNames.slice(1);
  }

  /** Texts of labels, in order, EVERYTHING first, and which terms they have. */
  labelRanges(): ReadonlyMap<string, TermRange> {
    return this.labels;
  }

  /** Values of a label in order of their bytes, those with the prefix that contain the needle, page by page. */
  async *values(label: string, prefix = "", needle = ""): AsyncIterable<ValueBatch> {
    const range = label === "" ? undefined : this.labels.get(label);
    if (range === undefined) return;
    const wanted = encodeLabelText(prefix);
    // What every value with the prefix contains need not be looked for.
    const sought = needle === "" || prefix.includes(needle) ? null : Buffer.from(encodeLabelText(needle));
    const lastPage = this.pageOfTerm(range.hi - 1);
    for await (const { index, page } of this.termPages(this.pageOfValue(range, wanted), lastPage)) {
      const first = this.firstTerms[index] as number;
      const end = Math.min(range.hi - first, page.count);
      let from = Math.max(range.lo + 1 - first, 0);
      let to = end;
      if (wanted.length > 0) {
        from = page.lowerBound(wanted, from, to);
        while (to > from && !page.startsWith(to - 1, wanted)) to--;
        if (from === to && from < end) return;
      }
      if (to === from) continue;
      if (sought === null) yield this.batch(index, page, from, to);
      else {
        const positions = page.containing(sought, from, to);
        if (positions.length > 0) yield this.batchOf(index, page, positions);
      }
    }
  }

  /** Pages from `lo` to `hi` in order: who goes through many of them has the next ones read while he looks at one. */
  private async *termPages(lo: number, hi: number): AsyncIterable<{ readonly index: number; readonly page: TermPage }> {
    const { terms } = this;
    const coming = new Map<number, Promise<TermPage>>();
    let ahead = 0;
    try {
      for (let index = lo; index <= hi; index++) {
        for (let next = index; next <= Math.min(hi, index + ahead); next++) {
          if (coming.has(next) || terms.has(next)) continue;
          // Asked for, so that the cache counts it.
          terms.now(next);
          const page = terms.load(next);
          // Damage is told to whoever gets so far.
          page.catch(() => {});
          coming.set(next, page);
        }
        const page = await (coming.get(index) ?? terms.now(index) ?? terms.load(index));
        coming.delete(index);
        yield { index, page };
        ahead = Math.min(READ_AHEAD_MAX, 2 * ahead + 1);
      }
    } finally {
      // Its file may be closed as soon as this has ended.
      await Promise.allSettled(coming.values());
    }
  }

  get hasOrder(): boolean {
    return true;
  }

  countValues(label: string, prefix = ""): number {
    const range = label === "" ? undefined : this.labels.get(label);
    if (range === undefined) return 0;
    const all = range.hi - range.lo - 1;
    if (prefix === "") return all;
    const first = this.pageOfValue(range, encodeLabelText(prefix));
    // Behind all texts that start with the prefix: UTF-8 has no byte 0xff.
    const last = this.pageOfValue(range, Buffer.concat([encodeLabelText(prefix), new Uint8Array([0xff])]));
    return Math.min(all, (this.firstTerms[last + 1] as number) - (this.firstTerms[first] as number));
  }

  /** @throws CorruptionError */
  async valuesOf(ids: Postings, label: string, target: string[], pace: Pace): Promise<void> {
    const { lo, hi } = this.labels.get(label) ?? { lo: 0, hi: 0 };
    for (let i = 0; i < ids.length; ) {
      const index = this.pageOfId(ids[i] as number);
      const page = this.seriesPages.now(index) ?? (await this.seriesPages.load(index));
      const last = page.ids[page.ids.length - 1] as number;
      for (; i < ids.length && (ids[i] as number) <= last; i++) {
        const at = lowerBound(page.ids, ids[i] as number);
        const end = page.ends[at] as number;
        let place = page.start(at);
        while (place < end && (page.terms[place] as number) < lo) place++;
        const term = page.terms[place] as number;
        if (place === end || term >= hi) {
          target.push("");
          continue;
        }
        const termPage = this.pageOfTerm(term);
        const values = this.terms.now(termPage) ?? (await this.terms.load(termPage));
        target.push(this.textOf(termPage, values, term - (this.firstTerms[termPage] as number)));
      }
      if (pace.isDue) await pace.pause();
    }
  }

  // Label sets.

  /** Adds the labels of ascending ids of this segment to `target`; null, and the error to `onDamage`, where they cannot be read. */
  async readLabels(
    ids: Postings,
    target: (Labels | null)[],
    pace: Pace,
    onDamage: (error: CorruptionError) => void,
  ): Promise<void> {
    for (let i = 0; i < ids.length; ) {
      const index = this.pageOfId(ids[i] as number);
      const end =
        index + 1 < this.firstIds.length ? lowerBound(ids, this.firstIds[index + 1] as number, i) : ids.length;
      try {
        const page = this.seriesPages.now(index) ?? (await this.seriesPages.load(index));
        for (; i < end; i++) {
          const at = lowerBound(page.ids, ids[i] as number);
          if (page.ids[at] !== ids[i]) throw new BugError("label set of an id that is not in this segment");
          target.push(page.labels[at] ?? this.labelsNow(index, page, at) ?? (await this.loadLabels(index, page, at)));
        }
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        onDamage(error);
        target.push(null);
        i++;
      }
      if (pace.isDue) await pace.pause();
    }
  }

  /** All series by ascending id. @throws CorruptionError */
  async *series(): AsyncIterable<{ readonly id: number; readonly labels: Labels }> {
    for (let index = 0; index < this.seriesPages.count; index++) {
      const page = this.seriesPages.now(index) ?? (await this.seriesPages.load(index));
      for (const [at, id] of page.ids.entries()) {
        const labels = page.labels[at] ?? this.labelsNow(index, page, at) ?? (await this.loadLabels(index, page, at));
        yield { id, labels };
      }
    }
  }

  /** The labels if all pages they need are in memory, else null. */
  private labelsNow(index: number, page: SeriesPage, at: number): Labels | null {
    const lo = page.start(at);
    const hi = page.ends[at] as number;
    let name = "";
    const pairs: string[] = [];
    for (let i = lo; i < hi; i++) {
      const term = page.terms[i] as number;
      const termPage = this.pageOfTerm(term);
      const values = this.terms.now(termPage);
      if (values === undefined) return null;
      const text = this.textOf(termPage, values, term - (this.firstTerms[termPage] as number));
      const label = this.labelOfTerm(term);
      if (label === "__name__") name = text;
      else pairs.push(label, text);
    }
    return this.keepLabels(index, page, at, new Labels(name, pairs));
  }

  private async loadLabels(index: number, page: SeriesPage, at: number): Promise<Labels> {
    const hi = page.ends[at] as number;
    let name = "";
    const pairs: string[] = [];
    for (let i = page.start(at); i < hi; i++) {
      const term = page.terms[i] as number;
      const termPage = this.pageOfTerm(term);
      const values = this.terms.now(termPage) ?? (await this.terms.load(termPage));
      const text = this.textOf(termPage, values, term - (this.firstTerms[termPage] as number));
      const label = this.labelOfTerm(term);
      if (label === "__name__") name = text;
      else pairs.push(label, text);
    }
    return this.keepLabels(index, page, at, new Labels(name, pairs));
  }

  private keepLabels(index: number, page: SeriesPage, at: number, labels: Labels): Labels {
    page.labels[at] = labels;
    this.seriesPages.grow(index, page, LABELS_BYTES + LABEL_BYTES * (labels.pairs.length / 2));
    return labels;
  }

  // Keys.

  /**
   * Looks up keys, key `i` being `bytes[ends[i-1]..ends[i])`: sets `target[i]` to the id of those that are here, and leaves it as it is for others.
   * Keys whose `target` is not NO_ID are not looked up. A series whose labels are damaged cannot be told to have a key: it is not found, as in
   * `readLabels`, and `onDamage` is told. @throws CorruptionError if it cannot be said which series may have a key
   */
  async findKeys(
    bytes: Uint8Array,
    ends: Uint32Array,
    target: Uint32Array,
    pace: Pace,
    onDamage: (error: CorruptionError) => void,
  ): Promise<void> {
    const hashes = hashKeys(this.segment.hashKey, this.tenant, bytes, ends);
    await this.findHashed(hashes, (i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]), target, pace, onDamage);
  }

  /** The same for keys whose hashes under the segment's own key are known; `keyAt` is asked for few of those that are not here. @throws CorruptionError */
  async findHashed(
    hashes: Uint32Array,
    keyAt: (i: number) => Uint8Array,
    target: Uint32Array,
    pace: Pace,
    onDamage: (error: CorruptionError) => void,
  ): Promise<void> {
    const filter = this.filter ?? (await this.loadFilter());
    const wanted: number[] = [];
    for (let i = 0; i < hashes.length; i++) {
      if (target[i] === NO_ID && filter.mayHave(hashes[i] as number)) wanted.push(i);
    }
    // By hash, each page of hashes is read once; then by id, and each page of series is.
    wanted.sort((a, b) => (hashes[a] as number) - (hashes[b] as number));
    const candidates: { readonly id: number; readonly key: number }[] = [];
    for (const key of wanted) {
      try {
        for (const id of await this.idsOfHash(hashes[key] as number)) candidates.push({ id, key });
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        onDamage(error);
        // The long way round: the series that have every label of the key.
        for (const id of await this.idsOfKey(keyAt(key), onDamage)) candidates.push({ id, key });
      }
      if (pace.isDue) await pace.pause();
    }
    candidates.sort((a, b) => a.id - b.id);
    for (const { id, key } of candidates) {
      try {
        if (await this.hasKey(id, keyAt(key))) target[key] = id;
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        onDamage(error);
      }
      if (pace.isDue) await pace.pause();
    }
  }

  private async idsOfHash(hash: number): Promise<number[]> {
    const ids: number[] = [];
    for (let index = this.pageOfHash(hash); index < this.keys.count; index++) {
      const page = this.keys.now(index) ?? (await this.keys.load(index));
      let at = page.find(hash);
      for (; page.hashes[at] === hash; at++) ids.push(page.ids[at] as number);
      // Equal hashes may go on in the next page.
      if (at < page.hashes.length || (this.firstHashes[index + 1] ?? NO_ID) > hash) break;
    }
    return ids;
  }

  private async idsOfKey(key: Uint8Array, onDamage: (error: CorruptionError) => void): Promise<Postings> {
    const lists: IdList[] = [];
    try {
      for (const [name, value] of decodeSeriesKey(key).entries()) lists.push(await this.withValue(name, value));
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      // A label of the key is damaged: of whoever has it the labels are.
      onDamage(error);
      return NO_POSTINGS;
    }
    lists.sort((a, b) => a.count - b.count);
    let ids = await (lists[0] as IdList).read();
    for (let i = 1; i < lists.length; i++) ids = await (lists[i] as IdList).retain(ids);
    return ids;
  }

  /** True if the series with this id has this key. */
  private async hasKey(id: number, key: Uint8Array): Promise<boolean> {
    const index = this.pageOfId(id);
    const page = this.seriesPages.now(index) ?? (await this.seriesPages.load(index));
    const at = lowerBound(page.ids, id);
    if (page.ids[at] !== id) return false;
    const reader = new ByteReader(key);
    const hi = page.ends[at] as number;
    for (let i = page.start(at); i < hi; i++) {
      if (reader.offset === reader.end) return false;
      const term = page.terms[i] as number;
      const label = this.labelOfTerm(term);
      const name = reader.raw(reader.varint());
      const value = reader.raw(reader.varint());
      if (label === "__name__" ? name.length > 0 : decodeLabelBytes(name, 0, name.length) !== label) return false;
      const termPage = this.pageOfTerm(term);
      const values = this.terms.now(termPage) ?? (await this.terms.load(termPage));
      if (values.compare(term - (this.firstTerms[termPage] as number), value) !== 0) return false;
    }
    return reader.offset === reader.end;
  }

  /** The filter of keys, which is kept. Where a page of it is damaged, every key may be there. */
  private async loadFilter(): Promise<KeyFilter> {
    const filter = new KeyFilter(this.filterBlocks);
    for (let index = 0; index < this.filterPages.length; index++) {
      const number = this.filterPages[index] as number;
      const start = filter.pageStart(index);
      const blocks = blocksOnPage(this.filterBlocks, index);
      try {
        decodeFilterPage(await this.segment.file.read(number), blocks, filter.words, start);
      } catch (error) {
        if (!(error instanceof CorruptionError) && !(error instanceof RangeError)) throw error;
        filter.words.fill(0xffff_ffff, start, filter.pageStart(index + 1));
      }
    }
    this.filter = filter;
    return filter;
  }

  // Places.

  private withTerm(label: string, value: Uint8Array): IdList | Promise<IdList> {
    const range = this.labels.get(label);
    if (range === undefined) return NO_IDS;
    const index = this.pageOfValue(range, value);
    const page = this.terms.now(index);
    if (page !== undefined) return this.idsIn(range, index, page, value);
    return this.terms.load(index).then((loaded) => this.idsIn(range, index, loaded, value));
  }

  private idsIn(range: TermRange, index: number, page: TermPage, value: Uint8Array): IdList {
    const first = this.firstTerms[index] as number;
    const hi = Math.min(range.hi - first, page.count);
    const at = page.lowerBound(value, Math.max(range.lo - first, 0), hi);
    return at === hi || page.compare(at, value) !== 0 ? NO_IDS : this.idsOf(index, page, at);
  }

  private idsOf(index: number, page: TermPage, position: number): IdList {
    try {
      return page.ids(position, this.lists);
    } catch (error) {
      throw this.terms.asCorruption(error, index);
    }
  }

  private batch(index: number, page: TermPage, lo: number, hi: number): ValueBatch {
    // All values of a page are not kept as strings: they would drive out what is asked for more often.
    let all: string | null | undefined;
    return {
      count: hi - lo,
      text: (position) => {
        if (all === undefined) all = page.allText();
        return all === null ? page.string(lo + position) : page.part(all, lo + position);
      },
      ids: (position) => this.idsOf(index, page, lo + position),
      addTo: (target, position) => target.add(page.value(lo + position)),
      addAllTo: (target, count) => page.addTo(target, lo, lo + count),
    };
  }

  /** Few of a page's values. */
  private batchOf(index: number, page: TermPage, positions: readonly number[]): ValueBatch {
    return {
      count: positions.length,
      text: (i) => page.string(positions[i] as number),
      ids: (i) => this.idsOf(index, page, positions[i] as number),
      addTo: (target, i) => target.add(page.value(positions[i] as number)),
    };
  }

  private textOf(index: number, page: TermPage, position: number): string {
    const known = page.knownString(position);
    if (known !== undefined) return known;
    this.terms.grow(index, page, page.stringBytes(position));
    return page.makeString(position);
  }

  /** The page where a value of the label stands, if it does. */
  private pageOfValue({ lo, hi }: TermRange, value: Uint8Array): number {
    const firstPage = this.pageOfTerm(lo);
    let from = firstPage + 1;
    let to = this.pageOfTerm(hi - 1) + 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (Buffer.compare(this.separators[middle] as Uint8Array, value) <= 0) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }

  pageOfTerm(term: number): number {
    const at = lowerBound(this.firstTerms, term);
    return this.firstTerms[at] === term && at < this.terms.count ? at : at - 1;
  }

  /** Name of the label that a term belongs to. */
  private labelOfTerm(term: number): string {
    return this.labelNames[lowerBound(this.labelEnds, term + 1)] as string;
  }

  private pageOfId(id: number): number {
    const at = lowerBound(this.firstIds, id);
    if (this.firstIds[at] === id) return at;
    if (at === 0) throw new BugError("an id before all of this segment");
    return at - 1;
  }

  /** The first page that may have a hash. */
  private pageOfHash(hash: number): number {
    return Math.max(0, lowerBound(this.firstHashes, hash) - 1);
  }
}

/** Numbers in the file of the pages of one kind. `note` reads what the root says of each. */
function readTable(root: ByteReader, note: () => void = () => {}): Uint32Array {
  const numbers: number[] = [];
  let number = 0;
  for (let left = root.varint(); left > 0; left--) {
    number += root.varint();
    numbers.push(number);
    note();
  }
  return Uint32Array.from(numbers);
}
