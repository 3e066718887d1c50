/**
 * Many texts as bytes, one behind the other, in order of their bytes: lists of values of many indexes become one without a string or an object a value.
 *
 *   bytes   h o s t - 1 h o s t - 1 0 h o s t - 2
 *   ends                6             13           19
 */
import { isAscii } from "node:buffer";
import { decodeLabelBytes, encodeLabelText } from "../base/label-bytes.ts";
import type { Texts } from "../base/texts.ts";
import { mergeTexts } from "../kernel/texts.ts";

/** Bytes that become one string, of which texts are slices. */
const PIECE_BYTES = 1 << 14;

/** Texts as plain data, for another thread: text `i` is `bytes[ends[i-1]..ends[i])`. */
export interface TextColumns {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  readonly isSorted: boolean;
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

  /** The run takes the texts over: in order, each once. */
  static ofSorted({ bytes, count, ends }: Texts): TextRun {
    const run = new TextRun(0, 0);
    run.bytes = bytes;
    run.ends = ends;
    run.count = count;
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
  const sorted = runs.filter(({ count }) => count > 0).map((run) => run.sorted());
  const [first] = sorted;
  if (first === undefined) return new TextRun();
  if (sorted.length === 1 && (limit === 0 || first.count <= limit)) return first;
  return TextRun.ofSorted(
    mergeTexts(
      sorted.map(({ texts }) => texts),
      limit,
    ),
  );
}
