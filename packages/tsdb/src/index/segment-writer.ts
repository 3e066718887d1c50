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

export interface IndexedSeries {
  /** Ids ascend; they need not follow each other without gaps. */
  readonly id: number;
  readonly labels: Labels;
}

/** The segment's bytes. `tenants` may come in any order, series of each by ascending id. */
export function encodeIndexSegment(
  fileNumber: number,
  tenants: Iterable<{ readonly tenant: Tenant; readonly series: readonly IndexedSeries[] }>,
): Uint8Array {
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
  const list = [...tenants];

  file.raw(encodeHeader(INDEX_FILE, fileNumber));
  root.varint(list.length);
  for (const { tenant, series } of list) {
    const symbols = collectSymbols(series);
    root.u32(tenant.accountId);
    root.u32(tenant.projectId);
    root.varint(series.length);
    root.varint(symbols.texts.length);

    root.varint(pages.length);
    writeSymbols(symbols.bytes, page, endPage);

    root.varint(pages.length);
    for (let i = 0; i < series.length; i++) {
      const { id, labels } = series[i] as IndexedSeries;
      const isFirst = i % SERIES_PER_PAGE === 0;
      if (isFirst) root.varint(id); // Lets a reader find the page of an id.
      page.varint(isFirst ? id : id - (series[i - 1] as IndexedSeries).id);
      page.varint(labels.pairs.length / 2 + 1);
      page.varint(labels.name === "" ? 0 : 1 + symbols.numberOf(labels.name));
      for (const text of labels.pairs) page.varint(symbols.numberOf(text));
      if (i % SERIES_PER_PAGE === SERIES_PER_PAGE - 1 || i === series.length - 1) endPage();
    }

    const postings = collectPostings(series, symbols);
    root.varint(pages.length);
    root.varint(postings.size);
    for (const [name, values] of postings) {
      root.varint(name === "__name__" ? 0 : 1 + symbols.numberOf(name));
      writeLabel(values, page);
      endPage();
    }
  }
  file.raw(encodeTail(INDEX_FILE, fileNumber, file.length, pages, root.bytes()));
  return file.bytes();
}

interface Symbols {
  /** In byte order. */
  readonly texts: readonly string[];
  readonly bytes: readonly Uint8Array[];
  numberOf(text: string): number;
}

function collectSymbols(series: readonly IndexedSeries[]): Symbols {
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
    texts: sorted.map((symbol) => symbol.text),
    bytes: sorted.map((symbol) => symbol.bytes),
    numberOf: (text) => numbers.get(text) as number,
  };
}

/** Each symbol as: bytes shared with the one before (0 at a page's start), bytes that follow, those bytes. */
function writeSymbols(symbols: readonly Uint8Array[], page: ByteWriter, endPage: () => void): void {
  for (let i = 0; i < symbols.length; i++) {
    const bytes = symbols[i] as Uint8Array;
    let shared = 0;
    if (i % SYMBOLS_PER_PAGE !== 0) {
      const before = symbols[i - 1] as Uint8Array;
      const most = Math.min(before.length, bytes.length);
      while (shared < most && before[shared] === bytes[shared]) shared++;
    }
    page.varint(shared);
    page.varint(bytes.length - shared);
    page.raw(bytes.subarray(shared));
    if (i % SYMBOLS_PER_PAGE === SYMBOLS_PER_PAGE - 1 || i === symbols.length - 1) endPage();
  }
}

/** name → value's symbol number → ids, `__name__` first. */
function collectPostings(series: readonly IndexedSeries[], symbols: Symbols): Map<string, Map<number, number[]>> {
  const byName = new Map<string, Map<number, number[]>>();
  const add = (name: string, value: string, id: number): void => {
    let values = byName.get(name);
    if (values === undefined) {
      values = new Map();
      byName.set(name, values);
    }
    const symbol = symbols.numberOf(value);
    const ids = values.get(symbol);
    if (ids === undefined) values.set(symbol, [id]);
    else ids.push(id);
  };
  for (const { id, labels } of series) {
    if (labels.name !== "") add("__name__", labels.name, id);
    for (let i = 0; i < labels.pairs.length; i += 2) add(labels.pairs[i] as string, labels.pairs[i + 1] as string, id);
  }
  return byName;
}

/** One label's values in symbol order: (symbol step, ids, bytes) each, then all ids as steps. */
function writeLabel(values: Map<number, number[]>, page: ByteWriter): void {
  const ids = new ByteWriter(1 << 12);
  const sorted = [...values].sort((a, b) => a[0] - b[0]);
  page.varint(sorted.length);
  let before = 0;
  for (const [symbol, list] of sorted) {
    const start = ids.length;
    let last = 0;
    for (const id of list) {
      ids.varint(id - last);
      last = id;
    }
    page.varint(symbol - before);
    page.varint(list.length);
    page.varint(ids.length - start);
    before = symbol;
  }
  page.raw(ids.bytes());
}
