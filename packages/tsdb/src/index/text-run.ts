/**
 * Many texts as bytes, one behind the other, in order of their bytes: lists of values of many indexes become one without a string or an object a value.
 *
 *   bytes   h o s t - 1 h o s t - 1 0 h o s t - 2
 *   ends                6             13           19
 */
import { isAscii } from "node:buffer";
import { decodeLabelBytes, encodeLabelText } from "../base/label-bytes.ts";
import type { Texts } from "../base/texts.ts";

/** Bytes that become one string, of which texts are slices. */
const PIECE_BYTES = 1 << 14;

/** Texts as plain data, for another thread: text `i` is `bytes[ends[i-1]..ends[i])`. */
export interface TextColumns {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  readonly isSorted: boolean;
}

/** A run, and which of its texts is the next. */
interface Cursor {
  readonly run: TextRun;
  next: number;
}

export class TextRun {
  count = 0;
  private bytes: Uint8Array;
  private ends: Uint32Array;
  private isSorted = true;

  /** With room for so much; it grows. */
  constructor(bytes = 256, count = 16) {
    this.bytes = new Uint8Array(bytes);
    this.ends = new Uint32Array(count);
  }

  static of(texts: Iterable<string>): TextRun {
    const run = new TextRun();
    for (const text of texts) run.addText(text);
    return run;
  }

  /** The run takes the columns over. */
  static ofColumns({ bytes, ends, isSorted }: TextColumns): TextRun {
    const run = new TextRun(0, 0);
    run.bytes = bytes;
    run.ends = ends;
    run.count = ends.length;
    run.isSorted = isSorted;
    return run;
  }

  /** The texts themselves; they hold until one is added or taken back. */
  get texts(): Texts {
    return { bytes: this.bytes, ends: this.ends, count: this.count };
  }

  /** A copy as columns. */
  get columns(): TextColumns {
    const { isSorted } = this;
    return { bytes: this.bytes.slice(0, this.start(this.count)), ends: this.ends.slice(0, this.count), isSorted };
  }

  /** Adds a text, in any order. */
  add(text: Uint8Array): void {
    const lo = this.start(this.count);
    this.reserve(lo + text.length, this.count + 1);
    this.bytes.set(text, lo);
    this.ends[this.count++] = lo + text.length;
    if (this.isSorted && this.count > 1 && this.compare(this.count - 2, this, this.count - 1) >= 0)
      this.isSorted = false;
  }

  addText(text: string): void {
    this.add(encodeLabelText(text));
  }

  /** Adds texts `[lo, hi)` of `bytes`, text `i` ending at `ends[i]`: ascending, each once. */
  addAll(bytes: Uint8Array, ends: Uint32Array, lo: number, hi: number): void {
    if (lo >= hi) return;
    const from = lo === 0 ? 0 : (ends[lo - 1] as number);
    const to = ends[hi - 1] as number;
    const at = this.start(this.count);
    this.reserve(at + to - from, this.count + hi - lo);
    this.bytes.set(bytes.subarray(from, to), at);
    const first = this.count;
    // Locals: fields would be read anew for each text.
    const own = this.ends;
    const shift = at - from;
    let k = first;
    for (let i = lo; i < hi; i++) own[k++] = (ends[i] as number) + shift;
    this.count = k;
    if (first > 0 && this.isSorted && this.compare(first - 1, this, first) >= 0) this.isSorted = false;
  }

  /** Takes back the text that was added last. */
  dropLast(): void {
    this.count--;
  }

  /** Below 0, 0 or above 0 as text `i` is before, equal to or behind text `j` of `other`. */
  compare(i: number, other: TextRun, j: number): number {
    const a = this.bytes;
    const b = other.bytes;
    const aLo = this.start(i);
    const bLo = other.start(j);
    const aBytes = (this.ends[i] as number) - aLo;
    const bBytes = (other.ends[j] as number) - bLo;
    const shared = aBytes < bBytes ? aBytes : bBytes;
    for (let at = 0; at < shared; at++) {
      const difference = (a[aLo + at] as number) - (b[bLo + at] as number);
      if (difference !== 0) return difference;
    }
    return aBytes - bBytes;
  }

  /** True if text `j` of `other` is among these, which are sorted. */
  has(other: TextRun, j: number): boolean {
    let lo = 0;
    let hi = this.count;
    while (lo < hi) {
      const middle = (lo + hi) >>> 1;
      const order = this.compare(middle, other, j);
      if (order === 0) return true;
      if (order < 0) lo = middle + 1;
      else hi = middle;
    }
    return false;
  }

  /** The same texts in order, each once: itself if they are. */
  sorted(): TextRun {
    if (this.isSorted) return this;
    const order = Array.from({ length: this.count }, (_, i) => i).sort((i, j) => this.compare(i, this, j));
    const sorted = new TextRun(this.start(this.count), this.count);
    for (let k = 0; k < order.length; k++) {
      const i = order[k] as number;
      if (k === 0 || this.compare(order[k - 1] as number, this, i) !== 0)
        sorted.add(this.bytes.subarray(this.start(i), this.ends[i]));
    }
    return sorted;
  }

  /** As strings: parts of larger ones, so that most cost no copy. */
  toStrings(): string[] {
    const strings: string[] = [];
    for (let first = 0; first < this.count; ) {
      const lo = this.start(first);
      let last = first;
      while (last + 1 < this.count && (this.ends[last + 1] as number) - lo <= PIECE_BYTES) last++;
      const piece = this.bytes.subarray(lo, this.ends[last]);
      if (isAscii(piece)) {
        const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString("latin1");
        for (let i = first; i <= last; i++) strings.push(text.slice(this.start(i) - lo, (this.ends[i] as number) - lo));
      } else
        for (let i = first; i <= last; i++) strings.push(decodeLabelBytes(this.bytes, this.start(i), this.ends[i]!));
      first = last + 1;
    }
    return strings;
  }

  /** What both have, ascending, each once; the first `limit` of it, 0 for all. Both must be sorted. */
  merge(other: TextRun, limit: number): TextRun {
    const both = new TextRun(this.start(this.count) + other.start(other.count), this.count + other.count);
    const most = limit > 0 ? limit : Number.POSITIVE_INFINITY;
    let i = 0;
    let j = 0;
    // Stretches of the one that no text of the other interrupts are copied as they are.
    while (i < this.count && j < other.count && both.count < most) {
      const fromI = i;
      let order = -1;
      while (i < this.count && both.count + i - fromI < most) {
        order = this.compare(i, other, j);
        if (order >= 0) break;
        i++;
      }
      both.append(this, fromI, i);
      if (order === 0) j++;
      else if (order > 0) {
        const fromJ = j;
        while (j < other.count && both.count + j - fromJ < most && other.compare(j, this, i) < 0) j++;
        both.append(other, fromJ, j);
      }
    }
    both.append(this, i, Math.min(this.count, i + most - both.count));
    both.append(other, j, Math.min(other.count, j + most - both.count));
    return both;
  }

  /** What all of them have, as `merge` has it of two: in one pass, which copies each text once. */
  static mergeAll(runs: readonly TextRun[], limit: number): TextRun {
    let bytes = 0;
    let count = 0;
    for (const run of runs) {
      bytes += run.start(run.count);
      count += run.count;
    }
    const all = new TextRun(bytes, count);
    const most = limit > 0 ? limit : Number.POSITIVE_INFINITY;
    // A heap of those that have texts left, by the next of them.
    const heap = runs.map((run) => ({ run, next: 0 }));
    for (let i = heap.length >>> 1; i-- > 0; ) siftDown(heap, i);
    while (heap.length > 1 && all.count < most) {
      const least = heap[0] as Cursor;
      const { run, next } = least;
      const after = heap[2] === undefined || isBefore(heap[1] as Cursor, heap[2]) ? (heap[1] as Cursor) : heap[2];
      const room = most - all.count;
      let order = run.compare(next, after.run, after.next);
      let end = next;
      while (order < 0 && ++end < run.count && end - next < room) order = run.compare(end, after.run, after.next);
      all.append(run, next, end);
      // The same text comes once more.
      least.next = order === 0 ? end + 1 : end;
      if (least.next >= run.count) {
        heap[0] = heap[heap.length - 1] as Cursor;
        heap.pop();
      }
      siftDown(heap, 0);
    }
    const [last] = heap as [Cursor];
    all.append(last.run, last.next, Math.min(last.run.count, last.next + most - all.count));
    return all;
  }

  private append({ bytes, ends }: TextRun, lo: number, hi: number): void {
    this.addAll(bytes, ends, lo, hi);
  }

  private start(i: number): number {
    return i === 0 ? 0 : (this.ends[i - 1] as number);
  }

  private reserve(bytes: number, count: number): void {
    if (bytes > this.bytes.length) {
      const larger = new Uint8Array(Math.max(bytes, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, this.start(this.count)));
      this.bytes = larger;
    }
    if (count > this.ends.length) {
      const larger = new Uint32Array(Math.max(count, 2 * this.ends.length));
      larger.set(this.ends.subarray(0, this.count));
      this.ends = larger;
    }
  }
}

/** All texts of the runs in order, each once; the first `limit` of them, 0 for all. */
export function mergeRuns(runs: readonly TextRun[], limit: number): TextRun {
  const [first, second, ...others] = runs.filter(({ count }) => count > 0).map((run) => run.sorted());
  if (first === undefined) return new TextRun();
  if (second === undefined) return limit > 0 && first.count > limit ? first.merge(new TextRun(), limit) : first;
  return others.length === 0 ? first.merge(second, limit) : TextRun.mergeAll([first, second, ...others], limit);
}

function isBefore(a: Cursor, b: Cursor): boolean {
  return a.run.compare(a.next, b.run, b.next) < 0;
}

/** Puts the cursor at `i` where it belongs among those below it. */
function siftDown(heap: Cursor[], i: number): void {
  const moved = heap[i];
  if (moved === undefined) return;
  let at = i;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Cursor, heap[child] as Cursor)) child++;
    if (!isBefore(heap[child] as Cursor, moved)) break;
    heap[at] = heap[child] as Cursor;
    at = child;
  }
  heap[at] = moved;
}
