/**
 * The scratch of the codec's twin: the column being encoded, and the bytes and bits written so far. The twin encodes one
 * column at a time, so there is one of each.
 */
import { BLOCK_SAMPLES_MAX, ENCODED_BYTES_MAX } from "./codec-format.ts";

/** The column being encoded, and its bits as (low, high) words. */
export const values: Float64Array = new Float64Array(BLOCK_SAMPLES_MAX);
export const words: Uint32Array = new Uint32Array(values.buffer);

export const out: Uint8Array = new Uint8Array(ENCODED_BYTES_MAX);
export let outAt = 0;

const TWO_32 = 4294967296;

/** Forgets what was written. */
export function rewind(): void {
  outAt = 0;
}

export function writeByte(byte: number): void {
  out[outAt++] = byte;
}

export function writeWords(low: number, high: number): void {
  for (let shift = 0; shift < 32; shift += 8) out[outAt++] = low >>> shift;
  for (let shift = 0; shift < 32; shift += 8) out[outAt++] = high >>> shift;
}

/** Seven bits a byte, lowest first, the top bit set on all but the last. `value` < 2^53. */
export function writeVarint(value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out[outAt++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[outAt++] = rest;
}

/** 0, −1, 1, −2, … as 0, 1, 2, 3, … */
export function writeZigzag(value: number): void {
  writeVarint(value < 0 ? -2 * value - 1 : 2 * value);
}

/** Bytes `writeZigzag` takes. */
export function zigzagLength(value: number): number {
  const bits = bitLength(value < 0 ? -1 - value : value) + 1;
  return Math.floor((bits + 6) / 7);
}

const lengthOf = new Float64Array(1);
const lengthWords = new Uint32Array(lengthOf.buffer);

/** Bits of an integer ≥ 0: 0 for 0, 1 for 1, 2 for 2 and 3. The exponent of a double says it. */
export function bitLength(value: number): number {
  if (value === 0) return 0;
  lengthOf[0] = value;
  return (lengthWords[1] >>> 20) - 1022;
}

/** Bits not yet written as a whole word, and how many: 0 to 31. */
let pending = 0;
let pendingBits = 0;

export function beginBits(): void {
  pending = 0;
  pendingBits = 0;
}

/** Appends the low `width` bits of an integer < 2^width, width ≤ 53. */
export function putBits(value: number, width: number): void {
  if (width <= 32) putWord(value >>> 0, width);
  else {
    putWord(value >>> 0, 32);
    putWord((value / TWO_32) >>> 0, width - 32);
  }
}

/** Appends `width` bits of (low, high), from bit `shift` on. */
export function putWords(low: number, high: number, shift: number, width: number): void {
  let lower = low;
  if (shift >= 32) lower = high >>> (shift - 32);
  else if (shift > 0) lower = (low >>> shift) | (high << (32 - shift));
  if (width <= 32) {
    putWord((lower & mask(width)) >>> 0, width);
  } else {
    putWord(lower >>> 0, 32);
    putWord(((high >>> shift) & mask(width - 32)) >>> 0, width - 32);
  }
}

function mask(width: number): number {
  return width >= 32 ? -1 : (1 << width) - 1;
}

function putWord(word: number, width: number): void {
  pending |= word << pendingBits;
  const filled = pendingBits + width;
  if (filled < 32) {
    pendingBits = filled;
    return;
  }
  for (let shift = 0; shift < 32; shift += 8) out[outAt++] = pending >>> shift;
  pending = pendingBits === 0 ? 0 : word >>> (32 - pendingBits);
  pendingBits = filled - 32;
}

export function endBits(): void {
  for (; pendingBits > 0; pendingBits -= 8) {
    out[outAt++] = pending;
    pending >>>= 8;
  }
  pendingBits = 0;
}
