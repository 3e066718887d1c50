/**
 * The block codec: columns of doubles ⇄ bytes, at speed. The owner puts a column at `columnAddress()` and calls `encode`, or
 * bytes at `bytesAddress()` and calls `decode`; results lie at the other address. src/kernel/codec-twin.ts is the
 * specification: both write the same bytes. Format: docs/format/block.md.
 */
import { columnAscends, decodeColumn } from "./codec/decode";
import { encodeColumn } from "./codec/encode";
import { BYTES, BYTES_MAX, COLUMN } from "./codec/format";
import { checksum } from "./crc/slicing";

export function heapBase(): usize {
  return __heap_base;
}

/** Where a column of doubles lies. */
export function columnAddress(): usize {
  return COLUMN;
}

/** Where encoded bytes lie. */
export function bytesAddress(): usize {
  return BYTES;
}

/** Encodes `count` doubles; returns how many bytes. */
export function encode(count: i32): i32 {
  return encodeColumn(count);
}

/** Most bytes that fit there, of several columns. */
export function bytesMax(): i32 {
  return BYTES_MAX;
}

/** CRC-32C of `length` bytes that begin `lo` bytes behind `bytesAddress()`, going on from `seed`. */
export function crc32c(lo: i32, length: i32, seed: u32): u32 {
  return checksum(BYTES + <usize>lo, length, seed);
}

/** Decodes `count` doubles from `length` bytes that begin there. Returns −1, or the offset from `lo` at which the bytes are malformed. */
export function decode(lo: i32, length: i32, count: i32): i32 {
  return decodeColumn(lo, length, count);
}

/** 1 if each of the first `count` doubles of the column is greater than the one before, else 0. */
export function ascends(count: i32): i32 {
  return columnAscends(count) ? 1 : 0;
}
