/** Lists of ids in a segment: written beside their value or on pages of their own, and read from there. Bytes: docs/format/index.md. */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { type IdList, isSomeWantedLater, type NextWanted, NO_MORE } from "./id-list.ts";
import type { CachedPage } from "./page-cache.ts";
import {
  BITMAP,
  BITMAP_BYTES,
  decodeBitmap,
  decodeRuns,
  decodeSteps,
  encodeBitmap,
  encodeShortest,
  PIECE_IDS,
  RUNS,
  STEPS,
} from "./posting-codec.ts";
import { intersect, lowerBound, NO_POSTINGS, type Postings } from "./postings.ts";
import type { PageSet } from "./segment-file.ts";

/** A list that is coded in at most so many bytes stands beside its value. */
const INLINE_BYTES = 256;
/** In the place of a coding: the list is on pages. */
const PAGED = 3;
const PAGE_BYTES = 16 << 10;

/** A page of lists is kept as it is: a piece is decoded where it is needed. */
export class PostingsPage implements CachedPage {
  readonly body: Uint8Array;

  constructor(body: Uint8Array) {
    this.body = body;
  }

  get bytes(): number {
    return this.body.length + 64;
  }
}

/** Takes lists, one after the other, of any length: no more than 65,536 ids of one are in memory. */
export class PostingsWriter {
  private readonly endPage: (bytes: Uint8Array) => void;
  private readonly page: ByteWriter = new ByteWriter(PAGE_BYTES);
  /** Pieces of the current list on the current page, and how many. */
  private readonly section: ByteWriter = new ByteWriter(PAGE_BYTES);
  private pieces = 0;
  private pagesEnded = 0;
  private readonly pending: Uint32Array = new Uint32Array(PIECE_IDS);
  private pendingCount = 0;
  private count = 0;
  private firstOffset = 0;
  /** Of the current list: its pages, and the upper bits of the first id on each. */
  private firstPage = 0;
  private readonly firstHighs: number[] = [];
  private readonly steps: ByteWriter = new ByteWriter(PIECE_IDS);
  private readonly runs: ByteWriter = new ByteWriter(PIECE_IDS);

  /** `endPage` takes the bytes of each page in order; they are valid until it returns. */
  constructor(endPage: (bytes: Uint8Array) => void) {
    this.endPage = endPage;
  }

  /** Adds ids to the current list, larger ones than before. */
  add(ids: Postings): void {
    this.count += ids.length;
    for (let at = 0; at < ids.length; ) {
      if (this.pendingCount === PIECE_IDS) this.spill(false);
      const taken = Math.min(PIECE_IDS - this.pendingCount, ids.length - at);
      this.pending.set(ids.subarray(at, at + taken), this.pendingCount);
      this.pendingCount += taken;
      at += taken;
    }
  }

  /**
   * Ends the list and writes to `target` what stands beside its value. A single id is written as the difference to `lastSingle`.
   * Returns the single id, or `lastSingle`.
   */
  endList(target: ByteWriter, lastSingle: number): number {
    const { pending, pendingCount, count } = this;
    target.varint(count);
    let single = lastSingle;
    if (count === 1) {
      single = pending[0] as number;
      target.zigzag(single - lastSingle);
    } else if (!this.writeInline(target)) {
      if (pendingCount > 0) this.spill(true);
      this.endSection();
      const place = new ByteWriter(64);
      place.varint(this.firstPage);
      place.varint(this.firstOffset);
      place.varint(this.firstHighs.length);
      for (const high of this.firstHighs) place.varint(high);
      target.varint(place.length * 4 + PAGED);
      target.raw(place.bytes());
    }
    this.firstHighs.length = 0;
    this.pendingCount = 0;
    this.count = 0;
    return single;
  }

  /** Ends the last page. */
  end(): void {
    if (this.page.length === 0) return;
    this.endPage(this.page.bytes());
    this.page.clear();
    this.pagesEnded++;
  }

  private writeInline(target: ByteWriter): boolean {
    if (this.firstHighs.length > 0 || this.pieces > 0) return false;
    const kind = encodeShortest(this.pending, 0, this.pendingCount, 0, this.steps, this.runs);
    const coded = kind === RUNS ? this.runs : this.steps;
    if (coded.length > INLINE_BYTES) return false;
    target.varint(coded.length * 4 + kind);
    target.raw(coded.bytes());
    return true;
  }

  /** Writes the pieces that are complete, or all. */
  private spill(isEnd: boolean): void {
    const { pending, pendingCount } = this;
    let lo = 0;
    while (lo < pendingCount) {
      const high = (pending[lo] as number) >>> 16;
      const hi =
        high === 0xffff ? pendingCount : lowerBound(pending.subarray(0, pendingCount), (high + 1) * PIECE_IDS, lo);
      if (!isEnd && hi === pendingCount && hi - lo < PIECE_IDS) break;
      this.writePiece(lo, hi, high);
      lo = hi;
    }
    pending.copyWithin(0, lo, pendingCount);
    this.pendingCount = pendingCount - lo;
  }

  private writePiece(lo: number, hi: number, high: number): void {
    const base = high * PIECE_IDS;
    const shortest = encodeShortest(this.pending, lo, hi, base, this.steps, this.runs);
    const coded = shortest === RUNS ? this.runs : this.steps;
    const isBitmap = coded.length > BITMAP_BYTES;
    const bytes = isBitmap ? encodeBitmap(this.pending, lo, hi, base) : coded.bytes();
    if (this.page.length + this.section.length + bytes.length > PAGE_BYTES) {
      this.endSection();
      this.end();
    }
    if (this.pieces === 0) {
      if (this.firstHighs.length === 0) {
        this.firstPage = this.pagesEnded;
        this.firstOffset = this.page.length;
      }
      this.firstHighs.push(high);
    }
    this.pieces++;
    this.section.varint(high);
    this.section.varint(hi - lo);
    this.section.varint(bytes.length * 4 + (isBitmap ? BITMAP : shortest));
    this.section.raw(bytes);
  }

  private endSection(): void {
    if (this.pieces === 0) return;
    this.page.varint(this.pieces);
    this.page.raw(this.section.bytes());
    this.section.clear();
    this.pieces = 0;
  }
}

/** Reads `count` ids that stand beside their value. @throws RangeError */
function decodeInline(reader: ByteReader, kind: number, count: number): Postings {
  const ids = new Uint32Array(count);
  if (codingOf(kind) === RUNS) decodeRuns(reader, count, 0, ids, 0);
  else decodeSteps(reader, count, 0, ids, 0);
  return ids;
}

/** @throws RangeError for one that does not stand beside a value */
function codingOf(kind: number): typeof RUNS | typeof STEPS {
  if (kind !== RUNS && kind !== STEPS) throw new RangeError(`a list of ids in coding ${kind}`);
  return kind;
}

/**
 * A list of several ids, from its place behind a value at `body[at..]`.
 * @throws RangeError
 */
export function readList(body: Uint8Array, at: number, count: number, pages: PageSet<PostingsPage>): IdList {
  const reader = new ByteReader(body, at);
  const code = reader.varint();
  if (code % 4 === PAGED) return new PagedList(reader, count, pages);
  return new InlineList(body, at, count);
}

/** Moves the reader past a list of several ids. */
export function skipList(reader: ByteReader): void {
  reader.skip(Math.floor(reader.varint() / 4));
}

class InlineList implements IdList {
  readonly count: number;
  private readonly body: Uint8Array;
  private readonly at: number;

  constructor(body: Uint8Array, at: number, count: number) {
    this.body = body;
    this.at = at;
    this.count = count;
  }

  read(): Postings {
    const reader = new ByteReader(this.body, this.at);
    return decodeInline(reader, reader.varint() % 4, this.count);
  }

  retain(ids: Postings): Postings {
    return intersect(ids, this.read());
  }

  /** Without an array of the ids: labels that all series have are a run of all ids there are. */
  some(nextWanted: NextWanted): boolean | Promise<boolean> {
    const reader = new ByteReader(this.body, this.at);
    const kind = codingOf(reader.varint() % 4);
    let last = -1;
    /** What is below is not wanted. */
    let least = 0;
    for (let left = this.count; left > 0 && least !== NO_MORE; ) {
      const first = last + 1 + reader.varint();
      const run = kind === RUNS ? reader.varint() + 1 : 1;
      if (run > left) throw new RangeError("a run of ids goes past the end of its list");
      left -= run;
      last = first + run - 1;
      for (let id = Math.max(first, least); id <= last; id = least) {
        const next = nextWanted(id);
        if (typeof next !== "number") return this.someLater(id, next, nextWanted);
        if (next === id) return true;
        least = next;
      }
    }
    return false;
  }

  private async someLater(id: number, answer: Promise<number>, nextWanted: NextWanted): Promise<boolean> {
    const ids = this.read();
    return await isSomeWantedLater(ids, lowerBound(ids, id), answer, nextWanted);
  }
}

/** Where a piece of a long list stands in its page. */
interface Piece {
  readonly high: number;
  readonly count: number;
  readonly kind: number;
  readonly bytes: Uint8Array;
}

class PagedList implements IdList {
  readonly count: number;
  private readonly pages: PageSet<PostingsPage>;
  private readonly firstPage: number;
  private readonly firstOffset: number;
  /** Upper bits of the first id on each page. */
  private readonly firstHighs: Uint32Array;

  /** Reads its place. @throws RangeError */
  constructor(reader: ByteReader, count: number, pages: PageSet<PostingsPage>) {
    this.count = count;
    this.pages = pages;
    this.firstPage = reader.varint();
    this.firstOffset = reader.varint();
    const pageCount = reader.varint();
    if (pageCount > PIECE_IDS) throw new RangeError(`a list on ${pageCount} pages`);
    this.firstHighs = new Uint32Array(pageCount);
    for (let i = 0; i < this.firstHighs.length; i++) this.firstHighs[i] = reader.varint();
  }

  async read(): Promise<Postings> {
    const ids = new Uint32Array(this.count);
    let at = 0;
    for (let i = 0; i < this.firstHighs.length; i++) {
      for (const piece of await this.pieces(i)) {
        if (at + piece.count > ids.length) throw this.damage(i);
        this.decode(piece, ids, at, i);
        at += piece.count;
      }
    }
    if (at !== ids.length) throw this.damage(0);
    return ids;
  }

  async retain(ids: Postings): Promise<Postings> {
    const found: Postings[] = [];
    let at = 0;
    let total = 0;
    for (let i = 0; i < this.firstHighs.length && at < ids.length; i++) {
      const nextHigh = this.firstHighs[i + 1];
      at = lowerBound(ids, (this.firstHighs[i] as number) * PIECE_IDS, at);
      // A page none of whose ids is asked for is not read.
      if (at === ids.length) break;
      if (nextHigh !== undefined && (ids[at] as number) >= nextHigh * PIECE_IDS) continue;
      for (const piece of await this.pieces(i)) {
        at = lowerBound(ids, piece.high * PIECE_IDS, at);
        const end = piece.high === 0xffff ? ids.length : lowerBound(ids, (piece.high + 1) * PIECE_IDS, at);
        if (end === at) continue;
        const own = new Uint32Array(piece.count);
        this.decode(piece, own, 0, i);
        const both = intersect(ids.subarray(at, end), own);
        if (both.length > 0) found.push(both);
        total += both.length;
        at = end;
      }
    }
    if (found.length <= 1) return found[0] ?? NO_POSTINGS;
    const all = new Uint32Array(total);
    let to = 0;
    for (const piece of found) {
      all.set(piece, to);
      to += piece.length;
    }
    return all;
  }

  async some(nextWanted: NextWanted): Promise<boolean> {
    // What is below is not wanted: pages and pieces of it are not looked at.
    let least = 0;
    for (let i = 0; i < this.firstHighs.length; i++) {
      const nextHigh = this.firstHighs[i + 1];
      if (nextHigh !== undefined && least >= nextHigh * PIECE_IDS) continue;
      for (const piece of await this.pieces(i)) {
        if (least >= (piece.high + 1) * PIECE_IDS) continue;
        const ids = new Uint32Array(piece.count);
        this.decode(piece, ids, 0, i);
        for (let k = lowerBound(ids, least); k < ids.length; k = lowerBound(ids, least, k + 1)) {
          const id = ids[k] as number;
          const next = nextWanted(id);
          least = typeof next === "number" ? next : await next;
          if (least === id) return true;
        }
      }
    }
    return false;
  }

  /** All ids, piece by piece. */
  async *chunks(): AsyncIterable<Postings> {
    for (let i = 0; i < this.firstHighs.length; i++) {
      for (const piece of await this.pieces(i)) {
        const ids = new Uint32Array(piece.count);
        this.decode(piece, ids, 0, i);
        yield ids;
      }
    }
  }

  private async pieces(index: number): Promise<Piece[]> {
    const page = this.firstPage + index;
    const { body } = this.pages.now(page) ?? (await this.pages.load(page));
    try {
      const reader = new ByteReader(body, index === 0 ? this.firstOffset : 0);
      const pieces: Piece[] = [];
      for (let left = reader.varint(); left > 0; left--) {
        const high = reader.varint();
        const count = reader.varint();
        const code = reader.varint();
        if (high > 0xffff || count > PIECE_IDS) throw new RangeError(`a piece of ${count} ids from ${high} * 65536 on`);
        pieces.push({ high, count, kind: code % 4, bytes: reader.raw(Math.floor(code / 4)) });
      }
      return pieces;
    } catch (error) {
      throw this.pages.asCorruption(error, page);
    }
  }

  private decode({ high, count, kind, bytes }: Piece, target: Uint32Array, at: number, index: number): void {
    const base = high * PIECE_IDS;
    try {
      if (kind === BITMAP) decodeBitmap(bytes, count, base, target, at);
      else if (kind === RUNS) decodeRuns(new ByteReader(bytes), count, base, target, at);
      else decodeSteps(new ByteReader(bytes), count, base, target, at);
    } catch (error) {
      throw this.pages.asCorruption(error, this.firstPage + index);
    }
  }

  private damage(index: number): unknown {
    const error = new RangeError("a list has another number of ids than announced");
    return this.pages.asCorruption(error, this.firstPage + index);
  }
}

/** Shows the ids of a list in pieces that fit in memory. */
export async function forEachPiece(list: IdList, show: (ids: Postings) => void): Promise<void> {
  if (list instanceof PagedList) for await (const ids of list.chunks()) show(ids);
  else show(await list.read());
}
