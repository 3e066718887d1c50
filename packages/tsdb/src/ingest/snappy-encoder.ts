/**
 * Packs bytes as a snappy block, the way remote-write senders do: greedy, one hash table, blocks of 64 KiB so that every
 * offset fits two bytes. A table of 16,384 places remembers where four bytes were seen last; a match is taken as soon
 * as it is found, and the longer none is found, the larger the steps (data that does not pack costs little).
 *
 * Source: snappy's format_description.txt; the skipping rule is that of the reference compressor.
 */
import { VARINT_BYTES_MAX, writeVarint } from "../base/varint.ts";

const BLOCK_BYTES = 65_536;
const TABLE_BITS = 14;
/** A match is looked for only while so many bytes follow, so that four can always be read. */
const TAIL_BYTES = 15;

/** The block for `bytes`: a new array. */
export function encodeSnappy(bytes: Uint8Array): Uint8Array {
  // A literal of 64 KiB takes three bytes more than it holds; matches only save.
  const target = new Uint8Array(VARINT_BYTES_MAX + bytes.length + 8 * Math.ceil(bytes.length / BLOCK_BYTES) + 8);
  const table = new Int32Array(1 << TABLE_BITS);
  let at = writeVarint(target, 0, bytes.length);
  for (let lo = 0; lo < bytes.length; lo += BLOCK_BYTES) {
    at = packBlock(bytes, lo, Math.min(lo + BLOCK_BYTES, bytes.length), target, at, table);
  }
  return target.slice(0, at);
}

function packBlock(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  target: Uint8Array,
  offset: number,
  table: Int32Array,
): number {
  let at = offset;
  let literalLo = lo;
  const searchEnd = hi - TAIL_BYTES;
  table.fill(-1);
  let i = lo;
  let misses = 32;
  while (i < searchEnd) {
    const four = readFour(bytes, i);
    const place = Math.imul(four, 0x1e35a7bd) >>> (32 - TABLE_BITS);
    const candidate = table[place] as number;
    table[place] = i;
    if (candidate < 0 || readFour(bytes, candidate) !== four) {
      i += misses++ >> 5;
      continue;
    }
    let end = i + 4;
    for (let k = candidate + 4; end < hi && bytes[end] === bytes[k]; k++) end++;
    at = writeLiteral(bytes, literalLo, i, target, at);
    at = writeCopy(i - candidate, end - i, target, at);
    i = end;
    literalLo = end;
    misses = 32;
    if (i < searchEnd) table[Math.imul(readFour(bytes, i - 1), 0x1e35a7bd) >>> (32 - TABLE_BITS)] = i - 1;
  }
  return writeLiteral(bytes, literalLo, hi, target, at);
}

function readFour(bytes: Uint8Array, i: number): number {
  return (
    (bytes[i] as number) |
    ((bytes[i + 1] as number) << 8) |
    ((bytes[i + 2] as number) << 16) |
    ((bytes[i + 3] as number) << 24)
  );
}

function writeLiteral(bytes: Uint8Array, lo: number, hi: number, target: Uint8Array, offset: number): number {
  if (lo === hi) return offset;
  let at = offset;
  const lengthMinus1 = hi - lo - 1;
  if (lengthMinus1 < 60) target[at++] = lengthMinus1 << 2;
  else if (lengthMinus1 < 256) {
    target[at++] = 60 << 2;
    target[at++] = lengthMinus1;
  } else {
    target[at++] = 61 << 2;
    target[at++] = lengthMinus1 & 0xff;
    target[at++] = lengthMinus1 >> 8;
  }
  target.set(bytes.subarray(lo, hi), at);
  return at + hi - lo;
}

function writeCopy(distance: number, length: number, target: Uint8Array, offset: number): number {
  let at = offset;
  let left = length;
  // Copies of 64, and never a rest below 4, which the short form could not say.
  while (left >= 68) {
    at = writeLongCopy(distance, 64, target, at);
    left -= 64;
  }
  if (left > 64) {
    at = writeLongCopy(distance, 60, target, at);
    left -= 60;
  }
  if (left >= 12 || distance >= 2048) return writeLongCopy(distance, left, target, at);
  target[at++] = ((distance >> 8) << 5) | ((left - 4) << 2) | 1;
  target[at++] = distance & 0xff;
  return at;
}

function writeLongCopy(distance: number, length: number, target: Uint8Array, offset: number): number {
  target[offset] = ((length - 1) << 2) | 2;
  target[offset + 1] = distance & 0xff;
  target[offset + 2] = distance >> 8;
  return offset + 3;
}
