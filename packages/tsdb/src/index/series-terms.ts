/**
 * The terms of many series in memory: of each only what is different from the one before, which for series in order of their labels is a few bytes.
 *
 *   record    varint mask of the places whose term is another, then for each a varint of how far it moved, zigzag
 *             or 0, varint how many terms, and all of them as steps
 *
 * Who needs them all goes through them from the start, series by series or by runs: how long a term stays where it is.
 */

/** Bytes that are allocated together. */
const PAGE_BYTES: number = 1 << 18;
/** Places that a mask has bits for: a series with more terms stands as it is. */
const MASKED_MAX = 28;
const VARINT_MAX = 5;
/** Words of a block of runs: three a run. */
const BLOCK_WORDS: number = 3 << 11;

export class SeriesTerms {
  /** Series so far. */
  count = 0;
  /** Terms of the series that has most. */
  most = 0;
  readonly pages: Uint8Array[] = [];
  /** Where each page ends. */
  readonly pageEnds: number[] = [];
  private page: Uint8Array = new Uint8Array(0);
  private at = 0;
  private last: Uint32Array = new Uint32Array(MASKED_MAX);
  private lastLength = -1;

  /** Bytes it takes. */
  get usedBytes(): number {
    return this.pages.length * PAGE_BYTES;
  }

  /** Adds the next series: `terms[lo..hi)`, ascending. */
  add(terms: Uint32Array, lo: number, hi: number): void {
    const length = hi - lo;
    // A record stands on one page.
    if (this.at + VARINT_MAX * (length + 2) > this.page.length) this.beginPage(VARINT_MAX * (length + 2));
    if (length > this.last.length) this.last = new Uint32Array(2 * length);
    const { page, last } = this;
    let at = this.at;
    let mask = 0;
    if (length === this.lastLength && length <= MASKED_MAX) {
      for (let i = 0; i < length; i++) if (terms[lo + i] !== last[i]) mask |= 1 << i;
    }
    at = writeVarint(page, at, mask);
    if (mask !== 0) {
      for (let rest = mask; rest !== 0; rest &= rest - 1) {
        const i = 31 - Math.clz32(rest & -rest);
        const term = terms[lo + i] as number;
        const step = term - (last[i] as number);
        at = writeVarint(page, at, step < 0 ? -2 * step - 1 : 2 * step);
        last[i] = term;
      }
    } else {
      at = writeVarint(page, at, length);
      let before = 0;
      for (let i = 0; i < length; i++) {
        const term = terms[lo + i] as number;
        at = writeVarint(page, at, term - before);
        before = term;
        last[i] = term;
      }
      if (length > this.most) this.most = length;
    }
    this.lastLength = length;
    this.at = at;
    this.pageEnds[this.pages.length - 1] = at;
    this.count++;
  }

  private beginPage(bytes: number): void {
    this.page = new Uint8Array(Math.max(PAGE_BYTES, bytes));
    this.pages.push(this.page);
    this.pageEnds.push(0);
    this.at = 0;
  }
}

/** Goes through terms that are complete, once. */
export class SeriesTermsReader {
  /** Terms of the series at hand: the first `length`. */
  readonly terms: Uint32Array;
  length = 0;
  /** The series at hand; -1 before the first. */
  series = -1;
  /** Runs of the block at hand: term, first series, and the series behind the last, of each. */
  readonly runs: Uint32Array;
  private readonly source: SeriesTerms;
  /** Since which series the terms stand where they are. */
  private readonly since: Uint32Array;
  private page = 0;
  private at = 0;
  private runCount = 0;

  constructor(source: SeriesTerms) {
    this.source = source;
    this.terms = new Uint32Array(source.most);
    this.since = new Uint32Array(source.most);
    this.runs = new Uint32Array(Math.max(BLOCK_WORDS, 3 * source.most));
  }

  /** The next series. False behind the last. Not to be mixed with `nextRuns`. */
  next(): boolean {
    if (this.series + 1 >= this.source.count) return false;
    this.runCount = 0;
    this.step();
    return true;
  }

  /** The next block of runs, in order of their ends: those of one term ascend. Returns how many; 0 behind the last. */
  nextRuns(): number {
    const room = this.runs.length / 3 - this.source.most;
    this.runCount = 0;
    while (this.runCount <= room && this.series + 1 < this.source.count) {
      this.step();
      this.stepOn(room, this.source.count);
    }
    if (this.runCount <= room && this.length > 0) {
      this.series++;
      this.endRuns();
      this.length = 0;
    }
    return this.runCount;
  }

  private step(): void {
    const { source, terms, since } = this;
    if (this.at === source.pageEnds[this.page]) {
      this.page++;
      this.at = 0;
    }
    const page = source.pages[this.page] as Uint8Array;
    const series = this.series + 1;
    if (page[this.at] !== 0) {
      this.stepOn(this.runCount, series);
      return;
    }
    this.series = series;
    this.endRuns();
    this.length = readVarint(page, this.at + 1);
    let term = 0;
    for (let i = 0; i < this.length; i++) {
      term += readVarint(page, varintEnd);
      terms[i] = term;
      since[i] = series;
    }
    this.at = varintEnd;
  }

  /** The same for series up to `last` that the page at hand tells by what is different, as long as there are `room` runs at most. */
  private stepOn(room: number, last: number): void {
    const { terms, since, runs } = this;
    const page = this.source.pages[this.page] as Uint8Array;
    const pageEnd = this.source.pageEnds[this.page] as number;
    let { at, series } = this;
    let to = 3 * this.runCount;
    while (at < pageEnd && to <= 3 * room && series < last) {
      const start = at;
      let mask = page[at++] as number;
      if (mask === 0) {
        at = start;
        break;
      }
      if (mask >= 0x80) {
        mask = readVarint(page, start);
        at = varintEnd;
      }
      series++;
      for (; mask !== 0; mask &= mask - 1) {
        const i = 31 - Math.clz32(mask & -mask);
        let step = page[at++] as number;
        if (step >= 0x80) {
          step = readVarint(page, at - 1);
          at = varintEnd;
        }
        const term = terms[i] as number;
        runs[to] = term;
        runs[to + 1] = since[i] as number;
        runs[to + 2] = series;
        to += 3;
        terms[i] = (step & 1) === 1 ? term - (step >>> 1) - 1 : term + (step >>> 1);
        since[i] = series;
      }
    }
    this.series = series;
    this.runCount = to / 3;
    this.at = at;
  }

  /** All terms end before the series at hand. */
  private endRuns(): void {
    const { terms, since, runs } = this;
    for (let i = 0; i < this.length; i++) {
      const to = 3 * this.runCount++;
      runs[to] = terms[i] as number;
      runs[to + 1] = since[i] as number;
      runs[to + 2] = this.series;
    }
  }
}

/** Writes a number below 2^32. Returns where it ends. */
function writeVarint(page: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) page[at++] = (rest & 0x7f) | 0x80;
  page[at++] = rest;
  return at;
}

let varintEnd = 0;

function readVarint(page: Uint8Array, from: number): number {
  let at = from;
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = page[at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  varintEnd = at;
  return value >>> 0;
}
