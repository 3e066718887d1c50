/**
 * Index segments → one segment with the same series. Everything streams: terms, lists, series and keys are read page by page past the cache, merged and
 * written. What is in memory of a segment is one number a term, the way from its numbers to those of the result.
 */
import { BugError } from "../base/errors.ts";
import { encodeLabelText } from "../base/label-bytes.ts";
import { formatTenant } from "../base/tenant.ts";
import type { Disk } from "../disk/disk.ts";
import type { Pace } from "./filter-search.ts";
import type { HashKey } from "./key-hash.ts";
import type { KeyPage } from "./key-pages.ts";
import { forEachPiece } from "./postings-pages.ts";
import type { IndexSegment, TenantSegment } from "./segment-reader.ts";
import { EVERYTHING, SegmentWriter } from "./segment-writer.ts";
import type { TermPage } from "./term-pages.ts";

/** Lists up to this length are not read piece by piece. */
const SHORT_LIST = 1024;

/** True if the segments can be merged: their keys are hashed alike. */
export function haveSameHashKey(segments: readonly IndexSegment[]): boolean {
  const name = (key: HashKey): string => key.join();
  return segments.every(({ hashKey }) => name(hashKey) === name((segments[0] as IndexSegment).hashKey));
}

/**
 * Merges segments, given in order of their ids, into a new one at `path`, and syncs it.
 * @throws CorruptionError if one is damaged: then there is nothing new
 */
export async function mergeSegments(
  disk: Disk,
  sources: readonly IndexSegment[],
  path: string,
  fileNumber: number,
  pace: Pace,
): Promise<void> {
  if (!haveSameHashKey(sources)) throw new BugError("merging index segments whose keys are hashed differently");
  const writer = await SegmentWriter.create(disk, path, fileNumber, (sources[0] as IndexSegment).hashKey);
  try {
    const tenants = new Map<string, TenantSegment[]>();
    for (const segment of sources) {
      for (const own of segment.all()) {
        const name = formatTenant(own.tenant);
        const list = tenants.get(name);
        if (list === undefined) tenants.set(name, [own]);
        else list.push(own);
      }
    }
    for (const own of tenants.values()) await new TenantMerge(writer, own, pace).run();
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** One tenant's part of the merge. */
class TenantMerge {
  private readonly writer: SegmentWriter;
  private readonly sources: readonly TenantSegment[];
  private readonly pace: Pace;
  /** A source's number of a term → the result's. */
  private readonly numbers: readonly Uint32Array[];

  constructor(writer: SegmentWriter, sources: readonly TenantSegment[], pace: Pace) {
    this.writer = writer;
    this.sources = sources;
    this.pace = pace;
    this.numbers = sources.map(({ firstTerms }) => new Uint32Array(firstTerms[firstTerms.length - 1] as number));
  }

  async run(): Promise<void> {
    const { writer, sources } = this;
    const { tenant, lastId } = sources[sources.length - 1] as TenantSegment;
    let count = 0;
    for (const { seriesCount } of sources) count += seriesCount;
    writer.beginTenant(tenant, count, lastId);
    await this.mergeTerms();
    await this.copySeries();
    await this.mergeKeys();
    writer.endTenant();
  }

  private async mergeTerms(): Promise<void> {
    const { writer, sources, numbers, pace } = this;
    let number = 0;
    for (const label of labelsOf(sources)) {
      writer.beginLabel(label);
      const cursors: TermCursor[] = [];
      for (let i = 0; i < sources.length; i++) {
        const source = sources[i] as TenantSegment;
        const range = source.labelRanges().get(label);
        if (range === undefined) continue;
        const cursor = new TermCursor(source, numbers[i] as Uint32Array, range.lo, range.hi);
        if (await cursor.start()) cursors.push(cursor);
      }
      while (cursors.length > 0) {
        let least = cursors[0] as TermCursor;
        for (const cursor of cursors) if (cursor.compare(least.value) < 0) least = cursor;
        // A copy: the cursor it comes from moves on.
        const value = least.value.slice();
        writer.beginTerm(value);
        for (let i = 0; i < cursors.length; ) {
          const cursor = cursors[i] as TermCursor;
          if (cursor.compare(value) !== 0) {
            i++;
            continue;
          }
          cursor.numbers[cursor.term] = number;
          const list = cursor.page.ids(cursor.position, cursor.source.lists);
          if (list.count <= SHORT_LIST) writer.addIds(await list.read());
          else await forEachPiece(list, (ids) => writer.addIds(ids));
          const hasMore = cursor.isPageEnd ? await cursor.nextPage() : cursor.step();
          if (hasMore) i++;
          else cursors.splice(i, 1);
        }
        writer.endTerm();
        number++;
        if (writer.isFull) await writer.flush();
        if (pace.isDue) await pace.pause();
      }
    }
    writer.endTerms();
  }

  private async copySeries(): Promise<void> {
    const { writer, sources, pace } = this;
    for (let i = 0; i < sources.length; i++) {
      const { seriesPages } = sources[i] as TenantSegment;
      const numbers = this.numbers[i] as Uint32Array;
      for (let index = 0; index < seriesPages.count; index++) {
        const page = await seriesPages.loadAside(index);
        const terms = page.terms.map((term) => numbers[term] as number);
        for (let k = 0; k < page.ids.length; k++) {
          writer.addSeries(page.ids[k] as number, terms, page.start(k), page.ends[k]);
        }
        if (writer.isFull) await writer.flush();
        if (pace.isDue) await pace.pause();
      }
    }
    writer.endSeries();
  }

  private async mergeKeys(): Promise<void> {
    const { writer, pace } = this;
    const cursors: KeyCursor[] = [];
    for (const source of this.sources) {
      const cursor = new KeyCursor(source);
      if (await cursor.nextPage()) cursors.push(cursor);
    }
    while (cursors.length > 0) {
      let least = cursors[0] as KeyCursor;
      for (let i = 1; i < cursors.length; i++) {
        const cursor = cursors[i] as KeyCursor;
        if (cursor.hash < least.hash) least = cursor;
      }
      writer.addKey(least.hash, least.id);
      least.position++;
      if (least.position < least.page.ids.length) continue;
      if (!(await least.nextPage())) cursors.splice(cursors.indexOf(least), 1);
      if (writer.isFull) await writer.flush();
      if (pace.isDue) await pace.pause();
    }
  }
}

/** Goes over the terms `[lo, hi)` of a source. */
class TermCursor {
  readonly source: TenantSegment;
  readonly numbers: Uint32Array;
  term: number;
  page!: TermPage;
  position = 0;
  private readonly hi: number;
  private pageIndex: number;

  constructor(source: TenantSegment, numbers: Uint32Array, lo: number, hi: number) {
    this.source = source;
    this.numbers = numbers;
    this.term = lo;
    this.hi = hi;
    this.pageIndex = source.pageOfTerm(lo);
  }

  get value(): Uint8Array {
    return this.page.value(this.position);
  }

  compare(value: Uint8Array): number {
    return this.page.compare(this.position, value);
  }

  /** True if the next term, if there is one, is on the next page. */
  get isPageEnd(): boolean {
    return this.position + 1 >= this.page.count;
  }

  /** To the first term. False if there is none. */
  async start(): Promise<boolean> {
    if (this.term >= this.hi) return false;
    await this.load();
    return true;
  }

  /** To the next term on this page. False if there is none. */
  step(): boolean {
    this.term++;
    this.position++;
    return this.term < this.hi;
  }

  /** To the first term on the next page. False if there is none. */
  async nextPage(): Promise<boolean> {
    this.term++;
    if (this.term >= this.hi) return false;
    this.pageIndex++;
    await this.load();
    return true;
  }

  private async load(): Promise<void> {
    this.page = await this.source.terms.loadAside(this.pageIndex);
    this.position = this.term - (this.source.firstTerms[this.pageIndex] as number);
  }
}

/** Goes over the keys of a source. */
class KeyCursor {
  page!: KeyPage;
  position = 0;
  private readonly source: TenantSegment;
  private pageIndex = -1;

  constructor(source: TenantSegment) {
    this.source = source;
  }

  get hash(): number {
    return this.page.hashes[this.position] as number;
  }

  get id(): number {
    return this.page.ids[this.position] as number;
  }

  async nextPage(): Promise<boolean> {
    this.pageIndex++;
    if (this.pageIndex === this.source.keys.count) return false;
    this.page = await this.source.keys.loadAside(this.pageIndex);
    this.position = 0;
    return true;
  }
}

/** Labels of all sources in the order of a segment: EVERYTHING, `__name__`, the others by the bytes of their names. */
function labelsOf(sources: readonly TenantSegment[]): string[] {
  const names = new Set<string>();
  for (const source of sources) for (const name of source.labelRanges().keys()) names.add(name);
  const others = [...names].filter((name) => name !== EVERYTHING && name !== "__name__");
  const bytes = new Map(others.map((name) => [name, encodeLabelText(name)]));
  others.sort((a, b) => Buffer.compare(bytes.get(a) as Uint8Array, bytes.get(b) as Uint8Array));
  return [EVERYTHING, ...(names.has("__name__") ? ["__name__"] : []), ...others];
}
