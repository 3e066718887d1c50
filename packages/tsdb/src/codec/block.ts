/** A block of samples ⇄ bytes. */

/** Most samples in one block. */
export const BLOCK_SAMPLES_MAX = 8192;

let scratch = new Uint8Array(1 + 8 * BLOCK_SAMPLES_MAX);

/** Encoded bytes of `column[lo..hi)`: a view valid until the next call of any encode function. */
export function encodeTimestamps(column: Float64Array, lo: number, hi: number): Uint8Array {
  return encodeRaw(column, lo, hi);
}

/** Encoded bytes of `column[lo..hi)`: a view valid until the next call of any encode function. */
export function encodeValues(column: Float64Array, lo: number, hi: number): Uint8Array {
  return encodeRaw(column, lo, hi);
}

/** Decodes `bytes[lo..hi)` into `target[targetLo..targetLo+count)`. Throws an Error on malformed input. */
export function decodeTimestamps(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
): void {
  decodeRaw(bytes, lo, hi, count, target, targetLo);
}

/** Decodes `bytes[lo..hi)` into `target[targetLo..targetLo+count)`. Throws an Error on malformed input. */
export function decodeValues(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
): void {
  decodeRaw(bytes, lo, hi, count, target, targetLo);
}

function encodeRaw(column: Float64Array, lo: number, hi: number): Uint8Array {
  const bytes = 1 + 8 * (hi - lo);
  if (scratch.length < bytes) scratch = new Uint8Array(bytes);
  scratch[0] = 0;
  scratch.set(new Uint8Array(column.buffer, column.byteOffset + 8 * lo, 8 * (hi - lo)), 1);
  return scratch.subarray(0, bytes);
}

function decodeRaw(bytes: Uint8Array, lo: number, hi: number, count: number, target: Float64Array, at: number): void {
  if (hi - lo !== 1 + 8 * count || bytes[lo] !== 0) {
    throw new Error(`decode a column of ${count} samples: want ${1 + 8 * count} raw bytes, got ${hi - lo}`);
  }
  new Uint8Array(target.buffer, target.byteOffset + 8 * at, 8 * count).set(bytes.subarray(lo + 1, hi));
}
