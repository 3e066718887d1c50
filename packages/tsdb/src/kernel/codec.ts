/**
 * A column of doubles ⇄ bytes: the `codec` kernel, one crossing a column, or its twin where wasm is missing. The kernel's
 * memory holds one column and its bytes; they are copied in and out.
 */
import type { ByteWriter } from "../base/bytes.ts";
import { copyBits } from "../base/columns.ts";
import { assert } from "../base/errors.ts";
import { BLOCK_SAMPLES_MAX, ENCODED_BYTES_MAX } from "./codec-format.ts";
import { decodeColumnTwin, encodeColumnTwin } from "./codec-twin.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface CodecExports extends KernelExports {
  columnAddress(): number;
  bytesAddress(): number;
  encode(count: number): number;
  decode(length: number, count: number): number;
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

/** Encodes `column[lo..hi)`, at most BLOCK_SAMPLES_MAX samples. The view is valid until the next call. */
export function encodeColumn(column: Float64Array, lo: number, hi: number): Uint8Array {
  checkColumn(column, lo, hi);
  if (kernel === null) return encodeColumnTwin(column, lo, hi);
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
  const length = hi - lo;
  if (count < 0 || count > BLOCK_SAMPLES_MAX || length > ENCODED_BYTES_MAX) return 0;
  if (kernel === null) return decodeColumnTwin(bytes, lo, hi, count, target, targetLo);
  // A regular column is a few bytes, for which a loop is quicker than a view.
  if (length > 32) memoryBytes.set(bytes.subarray(lo, hi), bytesAt);
  else for (let i = 0; i < length; i++) memoryBytes[bytesAt + i] = bytes[lo + i];
  const offset = kernel.exports.decode(length, count);
  if (offset < 0) target.set(memoryDoubles.subarray(columnAt, columnAt + count), targetLo);
  return offset;
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
