/**
 * Pages of terms: a label's values in order of their bytes, each with its series. A value is written as what it shares with the one before and the
 * rest; decoded, all texts of a page lie in one array, and become strings one by one, when somebody asks. Bytes: docs/format/index.md.
 */
import { isAscii } from "node:buffer";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { decodeLabelBytes } from "../base/label-bytes.ts";
import { IdArray, type IdList } from "./id-list.ts";
import type { CachedPage } from "./page-cache.ts";
import { lowerBound, type Postings } from "./postings.ts";
import { type PostingsPage, type PostingsWriter, readList, skipList } from "./postings-pages.ts";
import type { PageSet } from "./segment-file.ts";
import type { TextRun } from "./text-run.ts";

const PAGE_BYTES = 12 << 10;
/** Of the values of a page, unless one alone is longer. */
const TEXT_BYTES_MAX = 32 << 10;
const TERMS_MAX = 1024;
/** What a string takes beside its characters, with its place in a list. */
const STRING_BYTES = 32;

const EMPTY: Uint8Array = new Uint8Array(0);

/** What the root says of a page. */
export interface TermPlace {
  readonly terms: number;
  /** Not above the page's first value, and above all before it; empty where a label begins. */
  readonly separator: Uint8Array;
}

export class TermWriter {
  private readonly lists: PostingsWriter;
  private readonly endPage: (bytes: Uint8Array, place: TermPlace) => void;
  private readonly page: ByteWriter = new ByteWriter(PAGE_BYTES * 2);
  private count = 0;
  private textBytes = 0;
  private lastSingle = 0;
  /** The value before. */
  private last: Uint8Array = new Uint8Array(256);
  private lastBytes = 0;
  private separator: Uint8Array = EMPTY;
  private isLabelStart = true;

  /** `endPage` takes the bytes of each page in order; they are valid until it returns. */
  constructor(lists: PostingsWriter, endPage: (bytes: Uint8Array, place: TermPlace) => void) {
    this.lists = lists;
    this.endPage = endPage;
  }

  /** The terms that follow are another label's. */
  beginLabel(): void {
    this.isLabelStart = true;
  }

  /** Begins a term: its ids follow in calls of `addIds`. Values of a label come in order of their bytes. */
  begin(value: Uint8Array): void {
    if (this.count === 0) {
      this.separator = this.isLabelStart ? EMPTY : value.slice(0, sharedLength(this.last, this.lastBytes, value) + 1);
    }
    const shared = this.count === 0 ? 0 : sharedLength(this.last, this.lastBytes, value);
    this.page.varint(shared);
    this.page.varint(value.length - shared);
    this.page.raw(value.subarray(shared));
    if (value.length > this.last.length) this.last = new Uint8Array(2 * value.length);
    this.last.set(value);
    this.lastBytes = value.length;
    this.textBytes += value.length;
    this.isLabelStart = false;
    this.count++;
  }

  addIds(ids: Postings): void {
    this.lists.add(ids);
  }

  endTerm(): void {
    this.lastSingle = this.lists.endList(this.page, this.lastSingle);
    if (this.page.length >= PAGE_BYTES || this.textBytes >= TEXT_BYTES_MAX || this.count === TERMS_MAX) this.end();
  }

  /** Ends the last page. */
  end(): void {
    if (this.count === 0) return;
    const head = new ByteWriter(8);
    head.varint(this.textBytes);
    head.raw(this.page.bytes());
    this.endPage(head.bytes(), { terms: this.count, separator: this.separator });
    this.page.clear();
    this.count = 0;
    this.textBytes = 0;
    this.lastSingle = 0;
  }
}

export class TermPage implements CachedPage {
  readonly count: number;
  private readonly body: Uint8Array;
  /** All values, one behind the other, and where each ends. */
  private readonly text: Uint8Array;
  private readonly ends: Uint32Array;
  private readonly idCounts: Uint32Array;
  /** A single id, or where the list stands in `body`. */
  private readonly places: Uint32Array;
  private readonly strings: (string | undefined)[] = [];

  /** @throws RangeError */
  constructor(body: Uint8Array, count: number, idsMax: number) {
    this.count = count;
    this.body = body;
    this.ends = new Uint32Array(count);
    this.idCounts = new Uint32Array(count);
    this.places = new Uint32Array(count);
    const reader = new ByteReader(body);
    const textBytes = reader.varint();
    // Each value is in the page but for what it shares with others: more than this no writer makes.
    if (textBytes > count * (body.length + 1)) throw new RangeError(`${count} values of ${textBytes} bytes`);
    const text = new Uint8Array(textBytes);
    let start = 0;
    let end = 0;
    let single = 0;
    for (let i = 0; i < count; i++) {
      const shared = reader.varint();
      const added = reader.varint();
      const at = reader.skip(added);
      if (shared > end - start || end + shared + added > textBytes) throw new RangeError("a value is too long");
      // Values are short: loops are quicker than views.
      for (let k = 0; k < shared; k++) text[end + k] = text[start + k] as number;
      start = end;
      end += shared;
      for (let k = 0; k < added; k++) text[end++] = body[at + k] as number;
      this.ends[i] = end;
      const ids = reader.varint();
      if (ids < 1 || ids > idsMax) throw new RangeError(`a value of ${ids} series`);
      this.idCounts[i] = ids;
      if (ids === 1) {
        single += reader.zigzag();
        this.places[i] = single;
      } else {
        this.places[i] = reader.offset;
        skipList(reader);
      }
    }
    if (reader.offset !== body.length) throw new RangeError("bytes behind the last value");
    this.text = text;
  }

  get bytes(): number {
    return this.body.length + this.text.length + 12 * this.count + 200;
  }

  /** Below 0, 0 or above 0 as the value of term `position` is before, equal to or behind `bytes`. */
  compare(position: number, bytes: Uint8Array): number {
    const { text } = this;
    const lo = this.start(position);
    const hi = this.ends[position] as number;
    const shared = Math.min(hi - lo, bytes.length);
    for (let i = 0; i < shared; i++) {
      const difference = (text[lo + i] as number) - (bytes[i] as number);
      if (difference !== 0) return difference;
    }
    return hi - lo - bytes.length;
  }

  /** First of the terms `[lo, hi)` whose value is not before `bytes`, `hi` if all are. */
  lowerBound(bytes: Uint8Array, lo: number, hi: number): number {
    let from = lo;
    let to = hi;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.compare(middle, bytes) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The value as bytes: a view. */
  value(position: number): Uint8Array {
    return this.text.subarray(this.start(position), this.ends[position] as number);
  }

  /** True if the value starts with `prefix`. */
  startsWith(position: number, prefix: Uint8Array): boolean {
    const { text } = this;
    const lo = this.start(position);
    if ((this.ends[position] as number) - lo < prefix.length) return false;
    for (let i = 0; i < prefix.length; i++) if (text[lo + i] !== prefix[i]) return false;
    return true;
  }

  /** Adds the values `[lo, hi)`. */
  addTo(target: TextRun, lo: number, hi: number): void {
    target.addAll(this.text, this.ends, lo, hi);
  }

  /** Which of the values `[lo, hi)` contain these bytes: found in all of them at once. */
  containing(needle: Uint8Array, lo: number, hi: number): number[] {
    const text = Buffer.from(this.text.buffer, this.text.byteOffset, this.text.length);
    const end = hi === 0 ? 0 : (this.ends[hi - 1] as number);
    const found: number[] = [];
    let position = lo;
    for (let at = text.indexOf(needle, this.start(lo)); at >= 0 && at < end; ) {
      position = lowerBound(this.ends, at + 1, position);
      const behind = this.ends[position] as number;
      const isWithin = at + needle.length <= behind;
      if (isWithin) found.push(position);
      at = text.indexOf(needle, isWithin ? behind : at + 1);
    }
    return found;
  }

  /** All values as one text, null if they are not plain ASCII; `part` gives one of them. */
  allText(): string | null {
    if (!isAscii(this.text)) return null;
    return Buffer.from(this.text.buffer, this.text.byteOffset, this.text.length).toString("latin1");
  }

  part(allText: string, position: number): string {
    return allText.slice(this.start(position), this.ends[position]);
  }

  /** The value as a string that was asked for before; undefined if it was not. */
  knownString(position: number): string | undefined {
    return this.strings[position];
  }

  /** The value as a string, which is kept: tell the cache of `stringBytes(position)` more. */
  makeString(position: number): string {
    const string = decodeLabelBytes(this.text, this.start(position), this.ends[position] as number);
    this.strings[position] = string;
    return string;
  }

  /** The value as a string, for once. */
  string(position: number): string {
    return this.strings[position] ?? decodeLabelBytes(this.text, this.start(position), this.ends[position] as number);
  }

  stringBytes(position: number): number {
    return (this.ends[position] as number) - this.start(position) + STRING_BYTES;
  }

  /** The series with this value. @throws RangeError */
  ids(position: number, lists: PageSet<PostingsPage>): IdList {
    const count = this.idCounts[position] as number;
    const place = this.places[position] as number;
    return count === 1 ? new IdArray(Uint32Array.of(place)) : readList(this.body, place, count, lists);
  }

  private start(position: number): number {
    return position === 0 ? 0 : (this.ends[position - 1] as number);
  }
}

function sharedLength(a: Uint8Array, aBytes: number, b: Uint8Array): number {
  const most = Math.min(aBytes, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}
