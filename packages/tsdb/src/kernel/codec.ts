/**
 * A column of doubles ⇄ bytes: the `codec` kernel, one crossing a column, or its twin where wasm is missing. The kernel's
 * memory holds one column and its bytes; they are copied in and out. Who decodes many columns that stand one behind the other has their bytes copied
 * together: a window onto them (`beginColumns`).
 */
import type { ByteWriter } from "../base/bytes.ts";
import { copyBits } from "../base/columns.ts";
import { assert } from "../base/errors.ts";
import { BLOCK_SAMPLES_MAX, ENCODED_BYTES_MAX } from "./codec-format.ts";
import { decodeColumnTwin, encodeColumnTwin } from "./codec-twin.ts";
import { crc32c } from "./crc.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface CodecExports extends KernelExports {
  columnAddress(): number;
  bytesAddress(): number;
  encode(count: number): number;
  bytesMax(): number;
  crc32c(lo: number, length: number, seed: number): number;
  decode(lo: number, length: number, count: number): number;
  ascends(count: number): number;
}

/** Null where wasm, or the built kernel, is missing. */
const kernel: Kernel<CodecExports> | null = loadCodec();
/** Whether the kernel does the work; the twin does otherwise. */
export const isCodecKernelLoaded: boolean = kernel !== null;
// The memory never grows, so the views never change.
const bytesAt = kernel === null ? 0 : kernel.exports.bytesAddress();
const columnAt = kernel === null ? 0 : kernel.exports.columnAddress() / 8;
const memoryBytes = kernel === null ? new Uint8Array() : kernel.memory.u8;
const memoryDoubles = kernel === null ? new Float64Array() : kernel.memory.f64;

/** What `decodeColumn` answers where bytes are not those that the checksum was made of. */
export const WRONG_CHECKSUM = -2;
/** Instead of a checksum: there is none. */
export const NO_CHECKSUM = -1;
/** Bytes in front of a column that may be copied with the columns before it: other series', in between. */
const GAP_BYTES_MAX = 4096;
/** A window doubles, as long as columns follow one another, up to this. */
const WINDOW_BYTES_MAX = Math.min(32 << 10, kernel?.exports.bytesMax() ?? 0);

/** Bytes `windowOf[windowLo..windowHi)` are in the kernel's memory; only between beginColumns and endColumns. */
let hasWindow = false;
let windowOf: Uint8Array | null = null;
let windowLo = 0;
let windowHi = 0;
/** The kernel's column as long as the last one was: most are as long as those before. */
let decoded: Float64Array = memoryDoubles.subarray(columnAt, columnAt);

/** Encodes `column[lo..hi)`, at most BLOCK_SAMPLES_MAX samples. The view is valid until the next call. */
export function encodeColumn(column: Float64Array, lo: number, hi: number): Uint8Array {
  checkColumn(column, lo, hi);
  if (kernel === null) return encodeColumnTwin(column, lo, hi);
  windowOf = null;
  copyBits(column, lo, hi, memoryDoubles, columnAt);
  const length = kernel.exports.encode(hi - lo);
  return memoryBytes.subarray(bytesAt, bytesAt + length);
}

/** The same at the end of `target`. Returns how many bytes. */
export function encodeColumnTo(target: ByteWriter, column: Float64Array, lo: number, hi: number): number {
  checkColumn(column, lo, hi);
  const start = target.length;
  if (kernel === null) target.raw(encodeColumnTwin(column, lo, hi));
  else {
    windowOf = null;
    copyBits(column, lo, hi, memoryDoubles, columnAt);
    target.copy(memoryBytes, bytesAt, bytesAt + kernel.exports.encode(hi - lo));
  }
  return target.length - start;
}

function checkColumn(column: Float64Array, lo: number, hi: number): void {
  assert(lo >= 0 && lo <= hi && hi <= column.length, "encode a column: want 0 <= lo <= hi <= column.length");
  assert(hi - lo <= BLOCK_SAMPLES_MAX, "encode a column: more samples than a block may have");
}

/**
 * Until `endColumns`, which the caller must call before anybody else has a turn, no bytes change that columns are decoded from: those behind a column are
 * brought along with it.
 */
export function beginColumns(): void {
  hasWindow = true;
  windowOf = null;
}

export function endColumns(): void {
  hasWindow = false;
  windowOf = null;
}

/**
 * Decodes `bytes[lo..hi)` into `target[targetLo .. targetLo + count)`. Returns −1, or the offset from `lo` at which the
 * bytes turned out to be malformed, or WRONG_CHECKSUM if CRC-32C of them, from `seed` on, is not `crc`; the target is untouched then.
 */
export function decodeColumn(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
  crc: number = NO_CHECKSUM,
  seed = 0,
): number {
  assert(lo >= 0 && lo <= hi && hi <= bytes.length, "decode a column: want 0 <= lo <= hi <= bytes.length");
  assert(targetLo >= 0 && targetLo + count <= target.length, "decode a column: the target is too short");
  const length = hi - lo;
  const isTooLong = length > ENCODED_BYTES_MAX;
  if (kernel === null || isTooLong) {
    if (crc !== NO_CHECKSUM && crc32c(bytes, lo, hi, seed) !== crc) return WRONG_CHECKSUM;
    if (isTooLong || count < 0 || count > BLOCK_SAMPLES_MAX) return 0;
    return decodeColumnTwin(bytes, lo, hi, count, target, targetLo);
  }
  const at = placeOf(bytes, lo, hi);
  if (crc !== NO_CHECKSUM && kernel.exports.crc32c(at, length, seed) >>> 0 !== crc) return WRONG_CHECKSUM;
  if (count < 0 || count > BLOCK_SAMPLES_MAX) return 0;
  const offset = kernel.exports.decode(at, length, count);
  if (offset >= 0) return offset;
  if (decoded.length !== count) decoded = memoryDoubles.subarray(columnAt, columnAt + count);
  target.set(decoded, targetLo);
  return offset;
}

/** Sees to it that the kernel has `bytes[lo..hi)`. Returns how far behind `bytesAt` they begin. */
function placeOf(bytes: Uint8Array, lo: number, hi: number): number {
  if (windowOf === bytes && lo >= windowLo && hi <= windowHi) return lo - windowLo;
  let end = hi;
  if (hasWindow) {
    const follows = windowOf === bytes && lo >= windowLo && lo <= windowHi + GAP_BYTES_MAX;
    if (follows) end = Math.max(hi, Math.min(bytes.length, lo + Math.min(2 * (windowHi - windowLo), WINDOW_BYTES_MAX)));
    windowOf = bytes;
    windowLo = lo;
    windowHi = end;
  }
  // A regular column is a few bytes, for which a loop is quicker than a view.
  if (end - lo > 32) memoryBytes.set(bytes.subarray(lo, end), bytesAt);
  else for (let i = lo; i < end; i++) memoryBytes[bytesAt + i - lo] = bytes[i];
  return 0;
}

/** True if in the column that was decoded last, `target[lo .. lo + count)` by now, each value is greater than the one before. */
export function decodedAscends(count: number, target: Float64Array, lo: number): boolean {
  if (kernel !== null) return kernel.exports.ascends(count) !== 0;
  for (let i = lo + 1; i < lo + count; i++) if (!((target[i] as number) > (target[i - 1] as number))) return false;
  return true;
}

function loadCodec(): Kernel<CodecExports> | null {
  try {
    return loadKernel<CodecExports>("codec");
  } catch {
    return null;
  }
}
