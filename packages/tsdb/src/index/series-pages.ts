/**
 * Pages of series: for each id the numbers of its terms. Neighbours have most of them in common, so a series with as many labels as the one before
 * is written as what is different. Bytes: docs/format/index.md.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Labels } from "../base/labels.ts";
import type { CachedPage } from "./page-cache.ts";

/** A page ends with either. */
const SERIES_MAX = 256;
const TERMS_MAX = 4096;
/** Series with more labels are never written as a difference: places of labels are bits of a varint. */
const MASKED_LABELS_MAX = 48;

export class SeriesWriter {
  private readonly endPage: (bytes: Uint8Array, firstId: number) => void;
  private readonly page: ByteWriter = new ByteWriter(1 << 13);
  private count = 0;
  private termCount = 0;
  private firstId = 0;
  private lastId = 0;
  /** Terms of the series before. */
  private last: Uint32Array = new Uint32Array(64);
  private lastCount = 0;

  /** `endPage` takes the bytes of each page in order; they are valid until it returns. */
  constructor(endPage: (bytes: Uint8Array, firstId: number) => void) {
    this.endPage = endPage;
  }

  /** A series and its terms `[lo, hi)`, both ascending. */
  add(id: number, terms: Uint32Array, lo: number, hi: number): void {
    const { page } = this;
    const length = hi - lo;
    if (length > this.last.length) this.last = new Uint32Array(2 * length);
    const { last } = this;
    if (this.count === 0) this.firstId = id;
    const step = this.count === 0 ? 0 : id - this.lastId - 1;
    const isDifference = this.count > 0 && length === this.lastCount && length <= MASKED_LABELS_MAX;
    page.varint(2 * step + (isDifference ? 1 : 0));
    if (isDifference) {
      let mask = 0;
      for (let i = 0; i < length; i++) if (terms[lo + i] !== last[i]) mask += i < 30 ? 1 << i : 2 ** i;
      page.varint(mask);
      for (let i = 0; i < length; i++) {
        const term = terms[lo + i] as number;
        if (term === last[i]) continue;
        page.zigzag(term - (last[i] as number));
        last[i] = term;
      }
    } else {
      page.varint(length);
      let before = 0;
      for (let i = 0; i < length; i++) {
        const term = terms[lo + i] as number;
        page.varint(term - before);
        before = term;
        last[i] = term;
      }
    }
    this.lastCount = length;
    this.lastId = id;
    this.count++;
    this.termCount += length;
    if (this.count === SERIES_MAX || this.termCount >= TERMS_MAX) this.end();
  }

  /** Ends the last page. */
  end(): void {
    if (this.count === 0) return;
    const head = new ByteWriter(4);
    head.varint(this.count);
    head.varint(this.termCount);
    head.raw(this.page.bytes());
    this.endPage(head.bytes(), this.firstId);
    this.page.clear();
    this.count = 0;
    this.termCount = 0;
  }
}

export class SeriesPage implements CachedPage {
  readonly ids: Uint32Array;
  /** Terms of series `i` are `terms[ends[i-1]..ends[i])`. */
  readonly terms: Uint32Array;
  readonly ends: Uint32Array;
  /** Label sets that were asked for. */
  readonly labels: (Labels | undefined)[] = [];

  /** `firstId` is what the root says; no term may be `termCount` or more. @throws RangeError */
  constructor(body: Uint8Array, firstId: number, termCount: number) {
    const reader = new ByteReader(body);
    const count = reader.varint();
    const total = reader.varint();
    if (count < 1 || count > SERIES_MAX || total > SERIES_MAX * body.length) {
      throw new RangeError(`${count} series of ${total} labels`);
    }
    this.ids = new Uint32Array(count);
    this.ends = new Uint32Array(count);
    const terms = new Uint32Array(total);
    let id = firstId - 1;
    let start = 0;
    let end = 0;
    for (let i = 0; i < count; i++) {
      const head = reader.varint();
      id += Math.floor(head / 2) + 1;
      this.ids[i] = id;
      if (head % 2 === 1) {
        let mask = reader.varint();
        const length = end - start;
        if (end + length > total) throw new RangeError("more labels than announced");
        for (let k = 0; k < length; k++) {
          const before = terms[start + k] as number;
          terms[end + k] = mask % 2 === 1 ? before + reader.zigzag() : before;
          mask = Math.floor(mask / 2);
        }
        start = end;
        end += length;
      } else {
        const length = reader.varint();
        if (end + length > total) throw new RangeError("more labels than announced");
        let term = 0;
        for (let k = 0; k < length; k++) {
          term += reader.varint();
          terms[end + k] = term;
        }
        start = end;
        end += length;
      }
      this.ends[i] = end;
    }
    if (end !== total || reader.offset !== body.length) throw new RangeError("fewer labels than announced");
    for (let i = 0; i < total; i++) {
      if ((terms[i] as number) >= termCount) throw new RangeError(`a label of number ${terms[i]}, of ${termCount}`);
    }
    this.terms = terms;
  }

  get bytes(): number {
    return 4 * (this.ids.length + this.ends.length + this.terms.length) + 300;
  }

  /** Where the terms of series `position` start. */
  start(position: number): number {
    return position === 0 ? 0 : (this.ends[position - 1] as number);
  }
}
