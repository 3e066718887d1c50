/**
 * Writes an index segment: the label sets of a run of series ids, and the way back from labels to ids. Immutable once written;
 * a partition's index is a few of them. docs/format/index.md gives every byte.
 *
 *   header │ symbols pages │ series pages │ postings pages │ directory with the root │ tail
 *
 * A symbol is a label name or value, written once and referred to by its number; symbols are sorted and front-coded. Tenants
 * share nothing: each has its own symbols, series and postings, found through the root.
 */
import { ByteWriter } from "../base/bytes.ts";
import { encodeLabelText } from "../base/label-bytes.ts";
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import { checksumAt, encodeHeader, encodeTail, type FileKind, type Page } from "../codec/pages.ts";

export const INDEX_FILE: FileKind = { magic: "NYZINDEX", version: 1 };
export const SYMBOLS_PER_PAGE = 256;
export const SERIES_PER_PAGE = 256;
/** Stands for the name `__name__`. */
export const NO_SYMBOL = 0xffff_ffff;
/** Series written before others may have their turn. */
const SERIES_PER_STEP = 1024;

export interface IndexedSeries {
  /** Ids ascend; they need not follow each other without gaps. */
  readonly id: number;
  readonly labels: Labels;
}

/** A tenant's series, by ascending id, whose texts have numbers in byte order. */
export interface NumberedSeries {
  readonly tenant: Tenant;
  readonly symbolCount: number;
  symbolBytes(symbol: number): Uint8Array;
  readonly seriesCount: number;
  idOf(i: number): number;
  countLabels(i: number): number;
  /** Symbols of name and value of each label of series `i`, `__name__` (NO_SYMBOL) first, the others by name. */
  copyLabels(i: number, target: Uint32Array): void;
}

/** The segment's bytes. `tenants` may come in any order, series of each by ascending id. */
export function encodeIndexSegment(
  fileNumber: number,
  tenants: Iterable<{ readonly tenant: Tenant; readonly series: readonly IndexedSeries[] }>,
): Uint8Array {
  const steps = encodeNumberedSegment(fileNumber, Array.from(tenants, numberTexts));
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The same of series whose texts are numbered. Work is done in steps of a few milliseconds: whoever drives it lets others have their turn. */
export function* encodeNumberedSegment(
  fileNumber: number,
  tenants: readonly NumberedSeries[],
): Generator<void, Uint8Array, void> {
  const file = new ByteWriter(1 << 16);
  const pages: Page[] = [];
  const page = new ByteWriter(1 << 12);
  const endPage = (): void => {
    const bytes = page.bytes();
    pages.push({ offset: file.length, length: bytes.length, crc: checksumAt(bytes, fileNumber, file.length) });
    file.raw(bytes);
    page.clear();
  };
  const root = new ByteWriter();

  file.raw(encodeHeader(INDEX_FILE, fileNumber));
  root.varint(tenants.length);
  for (const series of tenants) {
    root.u32(series.tenant.accountId);
    root.u32(series.tenant.projectId);
    root.varint(series.seriesCount);
    root.varint(series.symbolCount);

    root.varint(pages.length);
    yield* writeSymbols(series, page, endPage);

    root.varint(pages.length);
    const byName = new Map<number, LabelEntries>();
    let labels = new Uint32Array(64);
    for (let i = 0; i < series.seriesCount; i++) {
      const id = series.idOf(i);
      const count = series.countLabels(i);
      if (2 * count > labels.length) labels = new Uint32Array(4 * count);
      series.copyLabels(i, labels);
      const isFirst = i % SERIES_PER_PAGE === 0;
      if (isFirst) root.varint(id); // Lets a reader find the page of an id.
      page.varint(isFirst ? id : id - series.idOf(i - 1));
      const hasName = count > 0 && labels[0] === NO_SYMBOL;
      page.varint(hasName ? count : count + 1);
      page.varint(hasName ? 1 + (labels[1] as number) : 0);
      for (let k = hasName ? 2 : 0; k < 2 * count; k++) page.varint(labels[k] as number);
      for (let k = 0; k < count; k++) {
        const name = labels[2 * k] as number;
        let entries = byName.get(name);
        if (entries === undefined) {
          entries = new LabelEntries();
          byName.set(name, entries);
        }
        entries.add(labels[2 * k + 1] as number, id);
      }
      if (i % SERIES_PER_PAGE === SERIES_PER_PAGE - 1 || i === series.seriesCount - 1) endPage();
      if (i % SERIES_PER_STEP === SERIES_PER_STEP - 1) yield;
    }

    root.varint(pages.length);
    root.varint(byName.size);
    const counts = new Uint32Array(series.symbolCount + 1);
    for (const [name, entries] of byName) {
      root.varint(name === NO_SYMBOL ? 0 : 1 + name);
      yield* writeLabel(entries, counts, page);
      endPage();
      byName.set(name, NO_ENTRIES);
      yield;
    }
  }
  file.raw(encodeTail(INDEX_FILE, fileNumber, file.length, pages, root.bytes()));
  return file.bytes();
}

/** Numbers the texts of label sets. */
export function numberTexts({
  tenant,
  series,
}: {
  readonly tenant: Tenant;
  readonly series: readonly IndexedSeries[];
}): NumberedSeries {
  const seen = new Set<string>();
  for (const { labels } of series) {
    if (labels.name !== "") seen.add(labels.name);
    for (const text of labels.pairs) seen.add(text);
  }
  const sorted = [...seen].map((text) => ({ text, bytes: encodeLabelText(text) }));
  sorted.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const numbers = new Map<string, number>();
  for (let i = 0; i < sorted.length; i++) numbers.set((sorted[i] as { text: string }).text, i);
  return {
    tenant,
    symbolCount: sorted.length,
    symbolBytes: (symbol) => (sorted[symbol] as { bytes: Uint8Array }).bytes,
    seriesCount: series.length,
    idOf: (i) => (series[i] as IndexedSeries).id,
    countLabels(i) {
      const { labels } = series[i] as IndexedSeries;
      return labels.pairs.length / 2 + (labels.name === "" ? 0 : 1);
    },
    copyLabels(i, target) {
      const { labels } = series[i] as IndexedSeries;
      let at = 0;
      if (labels.name !== "") {
        target[at++] = NO_SYMBOL;
        target[at++] = numbers.get(labels.name) as number;
      }
      for (const text of labels.pairs) target[at++] = numbers.get(text) as number;
    },
  };
}

/** Each symbol as: bytes shared with the one before (0 at a page's start), bytes that follow, those bytes. */
function* writeSymbols(
  { symbolCount, symbolBytes }: NumberedSeries,
  page: ByteWriter,
  endPage: () => void,
): Generator<void, void, void> {
  let before = new Uint8Array(256);
  let beforeLength = 0;
  for (let i = 0; i < symbolCount; i++) {
    const bytes = symbolBytes(i);
    let shared = 0;
    if (i % SYMBOLS_PER_PAGE !== 0) {
      const most = Math.min(beforeLength, bytes.length);
      while (shared < most && before[shared] === bytes[shared]) shared++;
    }
    page.varint(shared);
    page.varint(bytes.length - shared);
    page.raw(shared === 0 ? bytes : bytes.subarray(shared));
    if (bytes.length > before.length) before = new Uint8Array(2 * bytes.length);
    before.set(bytes);
    beforeLength = bytes.length;
    if (i % SYMBOLS_PER_PAGE === SYMBOLS_PER_PAGE - 1 || i === symbolCount - 1) endPage();
    if (i % SERIES_PER_STEP === SERIES_PER_STEP - 1) yield;
  }
}

/** A label's values, one a series, in order of id. */
class LabelEntries {
  symbols: Uint32Array = new Uint32Array(16);
  ids: Uint32Array = new Uint32Array(16);
  count = 0;

  add(symbol: number, id: number): void {
    if (this.count === this.symbols.length) {
      this.symbols = doubled(this.symbols);
      this.ids = doubled(this.ids);
    }
    this.symbols[this.count] = symbol;
    this.ids[this.count++] = id;
  }
}

const NO_ENTRIES: LabelEntries = new LabelEntries();

function doubled(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** One label's values in symbol order: (symbol step, ids, bytes) each, then all ids as steps. `counts` is all zero before and after. */
function* writeLabel(
  { symbols, ids, count }: LabelEntries,
  counts: Uint32Array,
  page: ByteWriter,
): Generator<void, void, void> {
  for (let i = 0; i < count; i++) (counts[symbols[i] as number] as number)++;
  // A label with few values must not walk all symbols there are.
  const isDense = count > counts.length >> 5;
  const used: Uint32Array = isDense
    ? usedOf(counts, count)
    : Uint32Array.from(new Set(symbols.subarray(0, count))).sort();
  yield;
  const starts = new Uint32Array(used.length + 1);
  for (let v = 0; v < used.length; v++) {
    starts[v + 1] = (starts[v] as number) + (counts[used[v] as number] as number);
    counts[used[v] as number] = starts[v] as number;
  }
  const sorted = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const symbol = symbols[i] as number;
    const at = counts[symbol] as number;
    sorted[at] = ids[i] as number;
    counts[symbol] = at + 1;
  }
  yield;
  const steps = new ByteWriter(1 << 12);
  page.varint(used.length);
  let before = 0;
  for (let v = 0; v < used.length; v++) {
    const symbol = used[v] as number;
    const start = steps.length;
    let last = 0;
    for (let i = starts[v] as number; i < (starts[v + 1] as number); i++) {
      steps.varint((sorted[i] as number) - last);
      last = sorted[i] as number;
    }
    page.varint(symbol - before);
    page.varint((starts[v + 1] as number) - (starts[v] as number));
    page.varint(steps.length - start);
    before = symbol;
    counts[symbol] = 0;
    if (v % (SERIES_PER_STEP * 8) === SERIES_PER_STEP * 8 - 1) yield;
  }
  page.raw(steps.bytes());
}

/** Which symbols have a count, ascending. */
function usedOf(counts: Uint32Array, atMost: number): Uint32Array {
  const used = new Uint32Array(Math.min(atMost, counts.length));
  let at = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) if (counts[symbol] !== 0) used[at++] = symbol;
  return used.subarray(0, at);
}
