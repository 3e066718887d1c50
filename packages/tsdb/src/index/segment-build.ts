/** From series in memory to an index segment: what a flush writes for the series it met for the first time in a month. */
import type { Disk } from "../disk/disk.ts";
import type { Pace } from "./filter-search.ts";
import { sortHashes } from "./hash-sort.ts";
import type { HashKey } from "./key-hash.ts";
import type { NumberedSeries } from "./numbered-series.ts";
import { EVERYTHING, NO_VALUE, SegmentWriter } from "./segment-writer.ts";
import { SeriesTermsReader } from "./series-terms.ts";

/** Ids of lists that are in memory at once: at least so many, and at least this share of all. What is more is done in rounds over all series. */
const LISTED_IDS_MIN: number = 1 << 20;
const ROUNDS_MAX = 8;
/** Hashes are sorted in ranges of about so many, but not in more than 2^RANGES_BITS_MAX. */
const RANGE_HASHES: number = 1 << 17;
const RANGES_BITS_MAX = 4;
/** Ids of one list, or hashes, and series, between two looks at the pace. */
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
      await writeTerms(writer, series, pace);
      await writeSeries(writer, series, pace);
      await writeKeys(writer, series, hashKey, pace);
      writer.endTenant();
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Writes all labels and terms. */
async function writeTerms(writer: SegmentWriter, series: NumberedSeries, pace: Pace): Promise<void> {
  const lists = new TermLists(series);
  await lists.count(pace);
  const write = async (term: number, value: Uint8Array): Promise<void> => {
    writer.beginTerm(value);
    const count = lists.countOf(term);
    for (let lo = 0; lo < count; lo += UNPACED_IDS) {
      writer.addIds(lists.idsOf(term, lo, Math.min(count, lo + UNPACED_IDS)));
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
  private readonly counts: Uint32Array;
  /** The term of a value's label, if not all series have the label; else 0. */
  private readonly owners: Uint32Array;
  private ids: Uint32Array = new Uint32Array(0);
  /** Where the lists of the round end. */
  private ends: Uint32Array = new Uint32Array(0);
  /** Ids of a list that is not made. */
  private readonly piece: Uint32Array;

  constructor(series: NumberedSeries) {
    this.series = series;
    this.counts = new Uint32Array(series.termCount);
    this.owners = new Uint32Array(series.termCount);
    this.piece = new Uint32Array(Math.min(series.seriesCount, UNPACED_IDS));
  }

  /** Comes first: how long the lists are. */
  async count(pace: Pace): Promise<void> {
    const { counts, owners, series } = this;
    const reader = new SeriesTermsReader(series.terms);
    for (let count = reader.nextRuns(); count > 0; count = reader.nextRuns()) {
      countRuns(reader.runs, count, counts);
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
    if (total > this.ids.length) this.ids = new Uint32Array(Math.max(total, Math.min(most, series.labelTotal)));
    this.ends = new Uint32Array(end - first);
    total = 0;
    for (let term = first; term < end; term++) {
      const count = counts[term] as number;
      const isListed = count < series.seriesCount;
      this.ends[term - first] = isListed ? total : NOT_LISTED;
      if (isListed) total += count;
    }
    if (total === 0) return;
    const reader = new SeriesTermsReader(series.terms);
    for (let count = reader.nextRuns(); count > 0; count = reader.nextRuns()) {
      this.addRuns(reader.runs, count);
      if (pace.isDue) await pace.pause();
    }
  }

  /** How many ids a term has. */
  countOf(term: number): number {
    return this.counts[term] as number;
  }

  /** Ids `[lo, hi)`, UNPACED_IDS at most, of a term: 0, or one of the round. Void with the next call. */
  idsOf(term: number, lo: number, hi: number): Uint32Array {
    const count = this.counts[term] as number;
    if (count === this.series.seriesCount) {
      for (let i = lo; i < hi; i++) this.piece[i - lo] = this.series.idOf(i);
      return this.piece.subarray(0, hi - lo);
    }
    const start = (this.ends[term - this.first] as number) - count;
    return this.ids.subarray(start + lo, start + hi);
  }

  private addRuns(runs: Uint32Array, count: number): void {
    const { first, owners, ends } = this;
    const listed = this.end - first;
    for (let k = 0; k < 3 * count; k += 3) {
      const term = runs[k] as number;
      // What is below `first` comes out as a number above all.
      const place = (term - first) >>> 0;
      if (place < listed && ends[place] !== NOT_LISTED)
        this.addIds(place, runs[k + 1] as number, runs[k + 2] as number);
      const owner = ((owners[term] as number) - first) >>> 0;
      if (owner < listed && ends[owner] !== NOT_LISTED)
        this.addIds(owner, runs[k + 1] as number, runs[k + 2] as number);
    }
  }

  /** Adds the ids of series `[lo, hi)` to a list of the round. */
  private addIds(place: number, lo: number, hi: number): void {
    const { ids, series } = this;
    let at = this.ends[place] as number;
    for (let i = lo; i < hi; i++) ids[at++] = series.idOf(i);
    this.ends[place] = at;
  }
}

function countRuns(runs: Uint32Array, count: number, counts: Uint32Array): void {
  for (let k = 0; k < 3 * count; k += 3) {
    const term = runs[k] as number;
    counts[term] = (counts[term] as number) + (runs[k + 2] as number) - (runs[k + 1] as number);
  }
}

/** Writes the terms of each series. */
async function writeSeries(writer: SegmentWriter, series: NumberedSeries, pace: Pace): Promise<void> {
  const reader = new SeriesTermsReader(series.terms);
  for (let i = 0; reader.next(); i++) {
    writer.addSeries(series.idOf(i), reader.terms, 0, reader.length);
    if (i % UNPACED_SERIES !== UNPACED_SERIES - 1) continue;
    if (writer.isFull) await writer.flush();
    if (pace.isDue) await pace.pause();
  }
  writer.endSeries();
}

/** Writes the hashes of all keys, sorted: a range of hashes at a time, so that sorting takes little memory beside them. */
async function writeKeys(writer: SegmentWriter, series: NumberedSeries, hashKey: HashKey, pace: Pace): Promise<void> {
  const count = series.seriesCount;
  const hashes = new Uint32Array(count);
  for (let done = 0; done < count; ) {
    done += series.readHashes(hashKey, done, hashes);
    if (pace.isDue) await pace.pause();
  }
  const bits = Math.min(RANGES_BITS_MAX, 32 - Math.clz32(Math.floor(count / RANGE_HASHES)));
  const sizes = new Uint32Array(1 << bits);
  for (let lo = 0; lo < count; lo += UNPACED_IDS) {
    const hi = Math.min(count, lo + UNPACED_IDS);
    for (let i = lo; i < hi; i++) sizes[rangeOf(hashes[i] as number, bits)]++;
    if (pace.isDue) await pace.pause();
  }
  const most = sizes.reduce((most, size) => Math.max(most, size), 0);
  const words = new Uint32Array(4 * most);
  for (const [range, size] of sizes.entries()) {
    const own = words.subarray(0, size);
    const ids = words.subarray(most, most + size);
    let to = 0;
    for (let lo = 0; lo < count; lo += UNPACED_IDS) {
      const hi = Math.min(count, lo + UNPACED_IDS);
      for (let i = lo; i < hi; i++) {
        const hash = hashes[i] as number;
        if (rangeOf(hash, bits) !== range) continue;
        own[to] = hash;
        ids[to++] = series.idOf(i);
      }
      if (pace.isDue) await pace.pause();
    }
    await sortHashes(own, ids, words.subarray(2 * most, 2 * (most + size)), pace, bits);
    for (let i = 0; i < size; i++) {
      writer.addKey(own[i] as number, ids[i] as number);
      if (i % UNPACED_SERIES !== UNPACED_SERIES - 1) continue;
      if (writer.isFull) await writer.flush();
      if (pace.isDue) await pace.pause();
    }
  }
}

/** The upper `bits` of a hash. */
function rangeOf(hash: number, bits: number): number {
  // In two steps: a shift by 32 would be one by 0.
  return (hash >>> 1) >>> (31 - bits);
}
