/** From series in memory to an index segment: what a flush writes for the series it met for the first time in a month. */
import { ByteWriter } from "../base/bytes.ts";
import { decodeLabelBytes } from "../base/label-bytes.ts";
import type { Disk } from "../disk/disk.ts";
import { bucketSort } from "./bucket-sort.ts";
import type { Pace } from "./filter-search.ts";
import { type HashKey, hashKeys } from "./key-hash.ts";
import { NO_SYMBOL, type NumberedSeries } from "./numbered-series.ts";
import { EVERYTHING, NO_VALUE, SegmentWriter } from "./segment-writer.ts";

/** Keys hashed together. */
const HASHED_TOGETHER = 4096;

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
      const count = series.seriesCount;
      writer.beginTenant(series.tenant, count, series.idOf(count - 1));
      const terms = await findTerms(series, pace);
      const numbers = await writeTerms(writer, series, terms, pace);
      for (let i = 0; i < count; i++) {
        // Found in the order of the names, which is that of the labels: the numbers ascend.
        const own = terms.found.slice(i === 0 ? 0 : terms.ends[i - 1], terms.ends[i]);
        for (let k = 0; k < own.length; k++) own[k] = numbers[own[k] as number] as number;
        writer.addSeries(series.idOf(i), own);
        if (writer.isFull) await writer.flush();
        if (pace.isDue) await pace.pause();
      }
      writer.endSeries();
      await writeKeys(writer, series, hashKey, pace);
      writer.endTenant();
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

interface FoundLabel {
  /** Symbol of a value → number of the term. */
  readonly values: Map<number, number>;
  /** Series that have the label. */
  owners: Uint32Array;
  ownerCount: number;
}

/** Terms, numbered in order of appearance. */
interface FoundTerms {
  /** By symbol of the name. */
  readonly labels: Map<number, FoundLabel>;
  readonly count: number;
  /** Terms of series `i` are `found[ends[i-1]..ends[i])`. */
  readonly found: Uint32Array;
  readonly ends: Uint32Array;
}

async function findTerms(series: NumberedSeries, pace: Pace): Promise<FoundTerms> {
  const labels = new Map<number, FoundLabel>();
  const ends = new Uint32Array(series.seriesCount);
  let found: Uint32Array = new Uint32Array(series.seriesCount * 8);
  let length = 0;
  let count = 0;
  let symbols: Uint32Array = new Uint32Array(64);
  for (let i = 0; i < series.seriesCount; i++) {
    const id = series.idOf(i);
    const labelCount = series.countLabels(i);
    while (2 * labelCount > symbols.length) symbols = doubled(symbols);
    series.copyLabels(i, symbols);
    for (let k = 0; k < labelCount; k++) {
      const name = symbols[2 * k] as number;
      const value = symbols[2 * k + 1] as number;
      let label = labels.get(name);
      if (label === undefined) {
        label = { values: new Map(), owners: new Uint32Array(16), ownerCount: 0 };
        labels.set(name, label);
      }
      let term = label.values.get(value);
      if (term === undefined) {
        term = count++;
        label.values.set(value, term);
      }
      if (label.ownerCount === label.owners.length) label.owners = doubled(label.owners);
      label.owners[label.ownerCount++] = id;
      if (length === found.length) found = doubled(found);
      found[length++] = term;
    }
    ends[i] = length;
    if (pace.isDue) await pace.pause();
  }
  return { labels, count, found: found.subarray(0, length), ends };
}

/** Writes all labels and terms. Returns the number in the segment for each number of appearance. */
async function writeTerms(
  writer: SegmentWriter,
  series: NumberedSeries,
  terms: FoundTerms,
  pace: Pace,
): Promise<Uint32Array> {
  const idsOf = await listsByTerm(series, terms, pace);
  const numbers = new Uint32Array(terms.count);
  writer.beginLabel(EVERYTHING);
  writer.beginTerm(NO_VALUE);
  writer.addIds(Uint32Array.from({ length: series.seriesCount }, (_, i) => series.idOf(i)));
  writer.endTerm();
  let number = 1;
  const place = (name: number): number => (name === NO_SYMBOL ? -1 : name);
  for (const name of [...terms.labels.keys()].sort((a, b) => place(a) - place(b))) {
    const { values, owners, ownerCount } = terms.labels.get(name) as FoundLabel;
    writer.beginLabel(name === NO_SYMBOL ? "__name__" : textOf(series.symbolBytes(name)));
    writer.beginTerm(NO_VALUE);
    writer.addIds(owners.subarray(0, ownerCount));
    writer.endTerm();
    number++;
    const symbols = Uint32Array.from(values.keys());
    const bucketOf = (i: number): number => Math.floor(((symbols[i] as number) * 256) / series.symbolCount);
    for await (const sorted of bucketSort(symbols.length, bucketOf, (i) => symbols[i] as number, pace)) {
      for (const symbol of sorted) {
        const term = values.get(symbol) as number;
        numbers[term] = number++;
        writer.beginTerm(series.symbolBytes(symbol).slice());
        writer.addIds(idsOf(term));
        writer.endTerm();
      }
      if (writer.isFull) await writer.flush();
    }
  }
  writer.endTerms();
  return numbers;
}

/** Ids by term: all lists lie in one array. */
async function listsByTerm(
  series: NumberedSeries,
  { count, found, ends }: FoundTerms,
  pace: Pace,
): Promise<(term: number) => Uint32Array> {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < found.length; i++) starts[(found[i] as number) + 1]++;
  for (let term = 0; term < count; term++) starts[term + 1] = (starts[term + 1] as number) + (starts[term] as number);
  const listEnds = starts.slice(0, count);
  const ids = new Uint32Array(found.length);
  let at = 0;
  for (let i = 0; i < series.seriesCount; i++) {
    const id = series.idOf(i);
    for (; at < (ends[i] as number); at++) ids[listEnds[found[at] as number]++] = id;
    if (pace.isDue) await pace.pause();
  }
  return (term) => ids.subarray(starts[term], starts[term + 1]);
}

/** Writes the hashes of all keys. */
async function writeKeys(writer: SegmentWriter, series: NumberedSeries, hashKey: HashKey, pace: Pace): Promise<void> {
  const count = series.seriesCount;
  const hashes = new Uint32Array(count);
  const keys = new ByteWriter(1 << 16);
  let symbols: Uint32Array = new Uint32Array(64);
  for (let lo = 0; lo < count; lo += HASHED_TOGETHER) {
    const ends = new Uint32Array(Math.min(HASHED_TOGETHER, count - lo));
    keys.clear();
    for (let i = 0; i < ends.length; i++) {
      const labelCount = series.countLabels(lo + i);
      while (2 * labelCount > symbols.length) symbols = doubled(symbols);
      series.copyLabels(lo + i, symbols);
      for (let k = 0; k < 2 * labelCount; k++) writeSymbol(series, symbols[k] as number, keys);
      ends[i] = keys.length;
    }
    hashes.set(hashKeys(hashKey, series.tenant, keys.bytes(), ends), lo);
    if (pace.isDue) await pace.pause();
  }
  // Sorted by the upper eight bits first, so the others and the place fit one double.
  const bucketOf = (i: number): number => (hashes[i] as number) >>> 24;
  const numberOf = (i: number): number => ((hashes[i] as number) & 0xff_ffff) * 2 ** 29 + i;
  for await (const sorted of bucketSort(count, bucketOf, numberOf, pace)) {
    for (const value of sorted) {
      const i = value % 2 ** 29;
      writer.addKey(hashes[i] as number, series.idOf(i));
    }
    if (writer.isFull) await writer.flush();
  }
}

/** A name or value as it stands in a key, see series-key.ts. */
function writeSymbol(series: NumberedSeries, symbol: number, keys: ByteWriter): void {
  if (symbol === NO_SYMBOL) {
    keys.varint(0);
    return;
  }
  const bytes = series.symbolBytes(symbol);
  keys.varint(bytes.length);
  keys.raw(bytes);
}

function textOf(bytes: Uint8Array): string {
  return decodeLabelBytes(bytes, 0, bytes.length);
}

function doubled(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(Math.max(16, array.length * 2));
  larger.set(array);
  return larger;
}
