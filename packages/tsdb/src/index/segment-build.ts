/** From series in memory to an index segment: what a flush writes for the series it met for the first time in a month. */
import type { Disk } from "../disk/disk.ts";
import type { Pace } from "./filter-search.ts";
import { sortHashes } from "./hash-sort.ts";
import type { HashKey } from "./key-hash.ts";
import type { NumberedSeries } from "./numbered-series.ts";
import { EVERYTHING, NO_VALUE, SegmentWriter } from "./segment-writer.ts";

/** Ids of lists that are in memory at once: at least so many, and at least this share of all. What is more is done in rounds over all series. */
const LISTED_IDS_MIN: number = 1 << 20;
const ROUNDS_MAX = 8;
/** Ids of one list, and series, between two looks at the pace. */
const UNPACED_IDS: number = 1 << 16;
const UNPACED_SERIES = 256;
/** In the place of where a list goes on: it is not made, because all series are in it. */
const NOT_LISTED = 0xffff_ffff;

/** Writes a segment to `path` and syncs it. Each tenant comes once, with at least one series. */
export async function buildSegment(
  disk: Disk,
  path: string,
  fileNumber: number,
  hashKey: HashKey,
  tenants: readonly NumberedSeries[],
  pace: Pace,
): Promise<void> {
  const writer = await SegmentWriter.create(disk, path, fileNumber, hashKey);
  try {
    for (const series of tenants) {
      writer.beginTenant(series.tenant, series.seriesCount, series.idOf(series.seriesCount - 1));
      const all = await readAll(series, pace);
      await writeTerms(writer, series, all, pace);
      await writeSeries(writer, all, pace);
      await writeKeys(writer, series, hashKey, all.terms, pace);
      writer.endTenant();
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** A tenant's series as numbers. */
interface AllTerms {
  readonly ids: Uint32Array;
  /** Terms of series `i` are `terms[ends[i-1]..ends[i])`. */
  readonly terms: Uint32Array;
  readonly ends: Uint32Array;
}

async function readAll(series: NumberedSeries, pace: Pace): Promise<AllTerms> {
  const count = series.seriesCount;
  const ids = new Uint32Array(count);
  const terms = new Uint32Array(series.labelTotal);
  const ends = new Uint32Array(count);
  for (let lo = 0; lo < count; ) {
    const hi = lo + series.readTerms(lo, terms, ends);
    for (let i = lo; i < hi; i++) ids[i] = series.idOf(i);
    lo = hi;
    if (pace.isDue) await pace.pause();
  }
  return { ids, terms, ends };
}

/** Writes all labels and terms. */
async function writeTerms(writer: SegmentWriter, series: NumberedSeries, all: AllTerms, pace: Pace): Promise<void> {
  const lists = new TermLists(series, all);
  await lists.count(pace);
  const write = async (term: number, value: Uint8Array): Promise<void> => {
    writer.beginTerm(value);
    const ids = lists.idsOf(term);
    for (let lo = 0; lo < ids.length; lo += UNPACED_IDS) {
      writer.addIds(ids.length <= UNPACED_IDS ? ids : ids.subarray(lo, lo + UNPACED_IDS));
      if (pace.isDue) await pace.pause();
    }
    writer.endTerm();
    if (writer.isFull) await writer.flush();
  };
  writer.beginLabel(EVERYTHING);
  await write(0, NO_VALUE);
  for (const [i, { name, firstTerm }] of series.labels.entries()) {
    const end = series.labels[i + 1]?.firstTerm ?? series.termCount;
    writer.beginLabel(name);
    if (lists.end <= firstTerm) await lists.makeFrom(firstTerm, pace);
    await write(firstTerm, NO_VALUE);
    for (let term = firstTerm + 1; term < end; term++) {
      if (lists.end <= term) await lists.makeFrom(term, pace);
      await write(term, series.valueBytes(term));
    }
  }
  writer.endTerms();
}

/** Ids by term, made for some terms at a time: all lists of a round lie in one array. */
class TermLists {
  /** Lists of terms below are made, or were. */
  end = 1;
  private first = 1;
  private readonly series: NumberedSeries;
  private readonly all: AllTerms;
  private readonly counts: Uint32Array;
  /** The term of a value's label, if not all series have the label; else 0. */
  private readonly owners: Uint32Array;
  private ids: Uint32Array = new Uint32Array(0);
  /** Where the lists of the round end. */
  private ends: Uint32Array = new Uint32Array(0);

  constructor(series: NumberedSeries, all: AllTerms) {
    this.series = series;
    this.all = all;
    this.counts = new Uint32Array(series.termCount);
    this.owners = new Uint32Array(series.termCount);
  }

  /** Comes first: how long the lists are. */
  async count(pace: Pace): Promise<void> {
    const { counts, owners, series, all } = this;
    const { terms } = all;
    for (let lo = 0; lo < terms.length; lo += UNPACED_IDS) {
      const hi = Math.min(terms.length, lo + UNPACED_IDS);
      for (let k = lo; k < hi; k++) counts[terms[k] as number]++;
      if (pace.isDue) await pace.pause();
    }
    counts[0] = series.seriesCount;
    for (const [i, { firstTerm }] of series.labels.entries()) {
      const end = series.labels[i + 1]?.firstTerm ?? series.termCount;
      let count = 0;
      for (let term = firstTerm + 1; term < end; term++) count += counts[term] as number;
      counts[firstTerm] = count;
      if (count < series.seriesCount) owners.fill(firstTerm, firstTerm + 1, end);
      if (pace.isDue) await pace.pause();
    }
  }

  /** Makes the lists of `first` and of as many terms behind it as there is room for. */
  async makeFrom(first: number, pace: Pace): Promise<void> {
    const { counts, series } = this;
    const most = Math.max(LISTED_IDS_MIN, Math.ceil((2 * series.labelTotal) / ROUNDS_MAX));
    let end = first;
    let total = 0;
    for (; end < series.termCount; end++) {
      const count = counts[end] as number;
      if (count === series.seriesCount) continue;
      if (total > 0 && total + count > most) break;
      total += count;
    }
    this.first = first;
    this.end = end;
    // The round before is done with.
    if (total > this.ids.length) this.ids = new Uint32Array(total);
    this.ends = new Uint32Array(end - first);
    total = 0;
    for (let term = first; term < end; term++) {
      const count = counts[term] as number;
      const isListed = count < series.seriesCount;
      this.ends[term - first] = isListed ? total : NOT_LISTED;
      if (isListed) total += count;
    }
    if (total === 0) return;
    for (let lo = 0; lo < series.seriesCount; lo += UNPACED_SERIES) {
      this.addSeries(lo, Math.min(series.seriesCount, lo + UNPACED_SERIES));
      if (pace.isDue) await pace.pause();
    }
  }

  /** Ids of a term: 0, or one of the round. */
  idsOf(term: number): Uint32Array {
    const count = this.counts[term] as number;
    if (count === this.series.seriesCount) return this.all.ids;
    const end = this.ends[term - this.first] as number;
    return this.ids.subarray(end - count, end);
  }

  private addSeries(lo: number, hi: number): void {
    const { first, ids, ends, owners } = this;
    const { terms } = this.all;
    const listed = this.end - first;
    let k = lo === 0 ? 0 : (this.all.ends[lo - 1] as number);
    for (let i = lo; i < hi; i++) {
      const id = this.all.ids[i] as number;
      for (const seriesEnd = this.all.ends[i] as number; k < seriesEnd; k++) {
        const term = terms[k] as number;
        // What is below `first` comes out as a number above all.
        const place = (term - first) >>> 0;
        if (place < listed && ends[place] !== NOT_LISTED) ids[ends[place]++] = id;
        const owner = ((owners[term] as number) - first) >>> 0;
        if (owner < listed && ends[owner] !== NOT_LISTED) ids[ends[owner]++] = id;
      }
    }
  }
}

async function writeSeries(writer: SegmentWriter, { ids, terms, ends }: AllTerms, pace: Pace): Promise<void> {
  let lo = 0;
  for (let i = 0; i < ids.length; i++) {
    const hi = ends[i] as number;
    writer.addSeries(ids[i] as number, terms, lo, hi);
    lo = hi;
    if (i % UNPACED_SERIES !== UNPACED_SERIES - 1) continue;
    if (writer.isFull) await writer.flush();
    if (pace.isDue) await pace.pause();
  }
  writer.endSeries();
}

/** Writes the hashes of all keys. They are sorted in `memory`, if it is enough, where the terms were: a series nearly always has four labels or more. */
async function writeKeys(
  writer: SegmentWriter,
  series: NumberedSeries,
  hashKey: HashKey,
  memory: Uint32Array,
  pace: Pace,
): Promise<void> {
  const count = series.seriesCount;
  const words = memory.length >= 4 * count ? memory : new Uint32Array(4 * count);
  const hashes = words.subarray(0, count);
  const ids = words.subarray(count, 2 * count);
  for (let lo = 0; lo < count; ) {
    lo += series.readHashes(hashKey, lo, hashes, ids);
    if (pace.isDue) await pace.pause();
  }
  await sortHashes(hashes, ids, words.subarray(2 * count, 4 * count), pace);
  for (let i = 0; i < count; i++) {
    writer.addKey(hashes[i] as number, ids[i] as number);
    if (i % UNPACED_SERIES !== UNPACED_SERIES - 1) continue;
    if (writer.isFull) await writer.flush();
    if (pace.isDue) await pace.pause();
  }
}
