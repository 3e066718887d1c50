/** A column of doubles ⇄ bytes, one crossing into wasm a column; the twin does it where wasm is missing. */
import { assert } from "../base/errors.ts";
import { BLOCK_SAMPLES_MAX } from "./codec-format.ts";
import { decodeColumnTwin, encodeColumnTwin } from "./codec-twin.ts";

/** Encodes `column[lo..hi)`, at most BLOCK_SAMPLES_MAX samples. The view is valid until the next call. */
export function encodeColumn(column: Float64Array, lo: number, hi: number): Uint8Array {
  assert(lo >= 0 && lo <= hi && hi <= column.length, "encode a column: want 0 <= lo <= hi <= column.length");
  assert(hi - lo <= BLOCK_SAMPLES_MAX, "encode a column: more samples than a block may have");
  return encodeColumnTwin(column, lo, hi);
}

/**
 * Decodes `bytes[lo..hi)` into `target[targetLo .. targetLo + count)`. Returns −1, or the offset from `lo` at which the
 * bytes turned out to be malformed; the target is untouched then.
 */
export function decodeColumn(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
): number {
  assert(lo >= 0 && lo <= hi && hi <= bytes.length, "decode a column: want 0 <= lo <= hi <= bytes.length");
  assert(targetLo >= 0 && targetLo + count <= target.length, "decode a column: the target is too short");
  if (count < 0 || count > BLOCK_SAMPLES_MAX) return 0;
  return decodeColumnTwin(bytes, lo, hi, count, target, targetLo);
}
