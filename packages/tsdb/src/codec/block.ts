/**
 * A block of samples ⇄ bytes. A block is up to 8,192 samples of one series, as two columns; each column is encoded by itself
 * and bit-exact, by whichever of the codecs of docs/format/block.md makes it smallest.
 *
 * The bytes carry neither their length nor the count of samples nor a checksum: whoever stores them does (storage keeps all
 * three in the block header), and may have the checksum looked at on the way. The work is done in kernel/codec.ts.
 */
import type { ByteWriter } from "../base/bytes.ts";
import {
  decodeColumn,
  decodedAscends,
  encodeColumn,
  encodeColumnTo,
  NO_CHECKSUM,
  WRONG_CHECKSUM,
} from "../kernel/codec.ts";

export { beginColumns, endColumns } from "../kernel/codec.ts";
export { BLOCK_SAMPLES_MAX } from "../kernel/codec-format.ts";

/** The bytes of a column are not what an encoder wrote, although their checksum held. */
export class BlockError extends Error {
  readonly code: "BLOCK" = "BLOCK";
  /** Where in the encoded column the trouble was noticed. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** The bytes of a column are not those that their checksum was made of. */
export class ChecksumError extends Error {
  readonly code: "CHECKSUM" = "CHECKSUM";

  constructor() {
    super("the checksum does not fit");
  }
}

/**
 * Encodes `column[lo..hi)`: milliseconds, sorted, integers in (−2^53, 2^53); at most BLOCK_SAMPLES_MAX of them.
 * The bytes are a view valid until the next call of any encode function.
 */
export function encodeTimestamps(column: Float64Array, lo: number, hi: number): Uint8Array {
  return encodeColumn(column, lo, hi);
}

/**
 * Encodes `column[lo..hi)`: any doubles, NaN payloads and −0 included; at most BLOCK_SAMPLES_MAX of them.
 * The bytes are a view valid until the next call of any encode function.
 */
export function encodeValues(column: Float64Array, lo: number, hi: number): Uint8Array {
  return encodeColumn(column, lo, hi);
}

/** Writes what encodeTimestamps or encodeValues makes of `column[lo..hi)` to the end of `target`. Returns how many bytes. */
export function writeColumn(target: ByteWriter, column: Float64Array, lo: number, hi: number): number {
  return encodeColumnTo(target, column, lo, hi);
}

/**
 * Decodes the column in `bytes[lo..hi)`, which has `count` samples, into `target[targetLo .. targetLo + count)`. True if each is greater
 * than the one before.
 * @param crc what CRC-32C of the bytes, from `seed` on, has to be, if it is to be looked at
 * @throws {BlockError} when the bytes are malformed, {ChecksumError}; the target is untouched then.
 */
export function decodeTimestamps(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
  crc: number = NO_CHECKSUM,
  seed = 0,
): boolean {
  const offset = decodeColumn(bytes, lo, hi, count, target, targetLo, crc, seed);
  if (offset === WRONG_CHECKSUM) throw new ChecksumError();
  if (offset >= 0) throw malformed("timestamps", bytes, lo, hi, count, offset);
  return decodedAscends(count, target, targetLo);
}

/**
 * Decodes the column in `bytes[lo..hi)`, which has `count` samples, into `target[targetLo .. targetLo + count)`.
 * @param crc what CRC-32C of the bytes, from `seed` on, has to be, if it is to be looked at
 * @throws {BlockError} when the bytes are malformed, {ChecksumError}; the target is untouched then.
 */
export function decodeValues(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
  crc: number = NO_CHECKSUM,
  seed = 0,
): void {
  const offset = decodeColumn(bytes, lo, hi, count, target, targetLo, crc, seed);
  if (offset === WRONG_CHECKSUM) throw new ChecksumError();
  if (offset >= 0) throw malformed("values", bytes, lo, hi, count, offset);
}

function malformed(what: string, bytes: Uint8Array, lo: number, hi: number, count: number, offset: number): BlockError {
  const codec = hi > lo ? `codec ${bytes[lo]}` : "no codec";
  const message = `decode ${count} ${what} from ${hi - lo} bytes of ${codec}: malformed at offset ${offset}`;
  return new BlockError(message, offset);
}
