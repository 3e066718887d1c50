/**
 * The block codec: columns of doubles ⇄ bytes, at speed. The owner puts a column at `columnAddress()` and calls `encode`, or
 * bytes at `bytesAddress()` and calls `decode`; results lie at the other address. src/kernel/codec-twin.ts is the
 * specification: both write the same bytes. Format: docs/format/block.md.
 */
import { columnAscends, decodeColumn } from "./codec/decode";
import { encodeColumn } from "./codec/encode";
import { BYTES, COLUMN } from "./codec/format";

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

/** Decodes `count` doubles from `length` bytes. Returns −1, or the offset at which the bytes are malformed. */
export function decode(length: i32, count: i32): i32 {
  return decodeColumn(length, count);
}

/** 1 if each of the first `count` doubles of the column is greater than the one before, else 0. */
export function ascends(count: i32): i32 {
  return columnAscends(count) ? 1 : 0;
}
