/**
 * Lists of ids as bytes. docs/format/index.md gives every one.
 *
 * A list is coded as steps (many small gaps), as runs (ids that follow each other), or, within 65,536 ids, as a bitmap: whichever is shortest. One
 * that stays short stands beside its value; a long one is cut where the upper 16 bits of its ids change, and the pieces lie on pages of their own, so
 * that an intersection leaps over those that cannot matter.
 */
import type { ByteReader, ByteWriter } from "../base/bytes.ts";

export const STEPS = 0;
export const RUNS = 1;
export const BITMAP = 2;
/** Ids of a piece differ in their lower 16 bits only. */
export const PIECE_IDS: number = 1 << 16;
export const BITMAP_BYTES: number = PIECE_IDS / 8;

/** Writes `ids[lo..hi)` to `steps` or to `runs`, whichever coding is shorter, and says which: `base` is subtracted from all. */
export function encodeShortest(
  ids: Uint32Array,
  lo: number,
  hi: number,
  base: number,
  steps: ByteWriter,
  runs: ByteWriter,
): typeof STEPS | typeof RUNS {
  // Both begin a run alike. The ids behind its first are a byte each as steps, and all together one number as a run.
  let saved = 0;
  for (let i = lo; i < hi; ) {
    const behind = lengthOfRun(ids, i, hi) - 1;
    saved += behind - (behind < 0x80 ? 1 : behind < 0x4000 ? 2 : behind < 0x20_0000 ? 3 : 4);
    i += behind + 1;
  }
  let last = base - 1;
  if (saved <= 0) {
    steps.clear();
    for (let i = lo; i < hi; i++) {
      const id = ids[i] as number;
      steps.varint(id - last - 1);
      last = id;
    }
    return STEPS;
  }
  runs.clear();
  for (let i = lo; i < hi; ) {
    const count = lengthOfRun(ids, i, hi);
    runs.varint((ids[i] as number) - last - 1);
    runs.varint(count - 1);
    i += count;
    last = ids[i - 1] as number;
  }
  return RUNS;
}

/** How many ids from `ids[lo]` on follow each other. */
function lengthOfRun(ids: Uint32Array, lo: number, hi: number): number {
  const ahead = (ids[lo] as number) - lo;
  let i = lo + 1;
  while (i < hi && (ids[i] as number) - i === ahead) i++;
  return i - lo;
}

/** Reads `count` ids written as steps into `target` from `at` on. @throws RangeError */
export function decodeSteps(reader: ByteReader, count: number, base: number, target: Uint32Array, at: number): void {
  let last = base - 1;
  for (let i = 0; i < count; i++) {
    last += reader.varint() + 1;
    target[at + i] = last;
  }
}

/** The same for runs. @throws RangeError */
export function decodeRuns(reader: ByteReader, count: number, base: number, target: Uint32Array, at: number): void {
  let last = base - 1;
  for (let i = 0; i < count; ) {
    let id = last + 1 + reader.varint();
    const end = i + reader.varint() + 1;
    if (end > count) throw new RangeError("a run of ids goes past the end of its list");
    for (; i < end; i++) target[at + i] = id++;
    last = id - 1;
  }
}

/** The same for a bitmap of BITMAP_BYTES. @throws RangeError if it does not have `count` bits */
export function decodeBitmap(bytes: Uint8Array, count: number, base: number, target: Uint32Array, at: number): void {
  let to = at;
  const end = at + count;
  for (let i = 0; i < BITMAP_BYTES; i++) {
    for (let byte = bytes[i] as number; byte !== 0; byte &= byte - 1) {
      if (to === end) throw new RangeError("a bitmap has more bits than ids were announced");
      target[to++] = base + 8 * i + (31 - Math.clz32(byte & -byte));
    }
  }
  if (to !== end) throw new RangeError("a bitmap has fewer bits than ids were announced");
}

export function encodeBitmap(ids: Uint32Array, lo: number, hi: number, base: number): Uint8Array {
  const bytes = new Uint8Array(BITMAP_BYTES);
  for (let i = lo; i < hi; i++) {
    const bit = (ids[i] as number) - base;
    bytes[bit >> 3] = (bytes[bit >> 3] as number) | (1 << (bit & 7));
  }
  return bytes;
}
