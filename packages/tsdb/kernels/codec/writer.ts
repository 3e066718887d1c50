// Bytes and bits of the column being encoded: one writer, at a place in BYTES. Twin: src/kernel/codec-twin-writer.ts.

import { BYTES } from "./format";

let at: usize = 0;
/** Bits not yet written as a whole word, and how many: 0 to 63. */
let pending: u64 = 0;
let pendingBits: i32 = 0;

export function rewind(): void {
  at = BYTES;
}

/** Bytes written since `rewind`. */
export function written(): i32 {
  return <i32>(at - BYTES);
}

export function writeByte(byte: i32): void {
  store<u8>(at++, byte);
}

export function writeU16(value: i32): void {
  store<u16>(at, value);
  at += 2;
}

export function writeU64(bits: u64): void {
  store<u64>(at, bits);
  at += 8;
}

export function writeBytes(source: usize, length: i32): void {
  memory.copy(at, source, length);
  at += length;
}

/** Seven bits a byte, lowest first, the top bit set on all but the last. */
export function writeVarint(value: i64): void {
  let rest = <u64>value;
  while (rest >= 0x80) {
    store<u8>(at++, <u8>(rest | 0x80));
    rest >>= 7;
  }
  store<u8>(at++, <u8>rest);
}

/** 0, −1, 1, −2, … as 0, 1, 2, 3, … */
export function writeZigzag(value: i64): void {
  writeVarint((value << 1) ^ (value >> 63));
}

/** Bytes `writeZigzag` takes. */
export function zigzagLength(value: i64): i64 {
  const bits = bitLength(value ^ (value >> 63)) + 1;
  return (bits + 6) / 7;
}

/** Bits of an integer ≥ 0: 0 for 0, 1 for 1, 2 for 2 and 3. */
export function bitLength(value: i64): i32 {
  return 64 - <i32>clz(value);
}

export function beginBits(): void {
  pending = 0;
  pendingBits = 0;
}

/** Appends an integer < 2^width, width ≤ 64. */
export function putBits(value: u64, width: i32): void {
  const start = pendingBits;
  pending |= value << start;
  const filled = start + width;
  if (filled < 64) {
    pendingBits = filled;
    return;
  }
  store<u64>(at, pending);
  at += 8;
  pending = start == 0 ? 0 : value >> (64 - start);
  pendingBits = filled - 64;
}

export function endBits(): void {
  // A whole word is written, but only the bytes that have bits are kept.
  store<u64>(at, pending);
  at += (pendingBits + 7) >> 3;
}

/** Packs `list[lo..hi) − base` to `width` bits each. */
export function packAll(list: usize, lo: i32, hi: i32, base: i64, width: i32): void {
  let target = at;
  let word: u64 = 0;
  let fill = 0;
  const end = list + ((<usize>hi) << 3);
  for (let p = list + ((<usize>lo) << 3); p < end; p += 8) {
    const value = <u64>(load<i64>(p) - base);
    word |= value << fill;
    fill += width;
    if (fill >= 64) {
      store<u64>(target, word);
      target += 8;
      fill -= 64;
      // What of the value did not fit: width − fill bits of it did. Two shifts, because one by 64 would do nothing.
      word = (value >> (width - fill - 1)) >> 1;
    }
  }
  store<u64>(target, word);
  at = target + ((fill + 7) >> 3);
}
