/**
 * Columns of points → text, in one crossing: most of the time of an answer goes into printing floats, and the
 * kernel is five times as quick at it as JavaScript, which makes a string of each (points.bench.ts).
 */
import { assert } from "../base/errors.ts";
import {
  type LineShape,
  printLinesTwin,
  printPointsTwin,
  printTimestampsTwin,
  printValuesTwin,
} from "./points-twin.ts";
import { makePowersOfTen } from "./powers-of-ten.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface PointsExports extends KernelExports {
  pointsMax(): number;
  powersAddress(): number;
  timestampsAddress(): number;
  valuesAddress(): number;
  bytesAddress(): number;
  bytesMax(): number;
  textsAddress(): number;
  textsMax(): number;
  printPoints(count: number): number;
  printValues(count: number): number;
  printTimestamps(count: number): number;
  printLines(
    count: number,
    isTimeFirst: number,
    unit: number,
    length0: number,
    length1: number,
    length2: number,
  ): number;
}

/** Most points of one call: bounds the kernel's memory, which has room for as many of the longest points there are. */
export const POINTS_MAX = 1024;

/** Most bytes of the texts of a line. */
export const LINE_TEXT_BYTES_MAX = 4096;
/** Room that the numbers of a line are given: the longest float has 327 bytes, the longest time 24. */
const LINE_NUMBER_BYTES = 352;
/** As many bytes as the kernel has room for. */
const BYTES_MAX = 660 * POINTS_MAX;

/** Fewer numbers than that are copied sooner by a loop than by set(). */
const COPY_MIN = 64;

/** Null where wasm, or the built kernel, is missing. */
const kernel: Kernel<PointsExports> | null = loadPoints();
/** False where the twin prints. */
export const isPointsKernelLoaded: boolean = kernel !== null;
const timestampsAt = kernel === null ? 0 : kernel.exports.timestampsAddress() >>> 3;
const valuesAt = kernel === null ? 0 : kernel.exports.valuesAddress() >>> 3;
const bytesAt = kernel === null ? 0 : kernel.exports.bytesAddress();
const textsAt = kernel === null ? 0 : kernel.exports.textsAddress();

/**
 * Points `[lo, hi)` as `[1700000000.123,"1.5"],[1700000015.123,"2"]`: seconds of `timestamps` (ms), then the value,
 * both as the shortest decimal that reads back the same, never with an exponent; `NaN`, `+Inf`, `-Inf` and `-0` as Go
 * prints them.
 *
 * The bytes are the kernel's: copy them before the next call.
 *
 * @throws RangeError for more than POINTS_MAX points, or for points that are not there.
 */
export function printPoints(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): Uint8Array {
  checkRange(lo, hi, timestamps, values);
  if (kernel === null) return Buffer.from(printPointsTwin(timestamps, values, lo, hi), "latin1");
  copyIn(timestamps, lo, hi, timestampsAt);
  copyIn(values, lo, hi, valuesAt);
  return printed(kernel.exports.printPoints(hi - lo));
}

/**
 * Values `[lo, hi)` as members of a JSON array, `1.5,null,"-Infinity"`: NaN is null, infinities are strings, and numbers are as
 * printPoints() has them. The bytes are the kernel's: copy them before the next call.
 *
 * @throws RangeError for more than POINTS_MAX values, or for values that are not there.
 */
export function printValues(values: Float64Array, lo: number, hi: number): Uint8Array {
  checkRange(lo, hi, values, values);
  if (kernel === null) return Buffer.from(printValuesTwin(values, lo, hi), "latin1");
  copyIn(values, lo, hi, valuesAt);
  return printed(kernel.exports.printValues(hi - lo));
}

/**
 * Timestamps `[lo, hi)` as they are, `1700000000123,1700000015123`. The bytes are the kernel's: copy them before the next call.
 *
 * @throws RangeError for more than POINTS_MAX timestamps, or for timestamps that are not there.
 */
export function printTimestamps(timestamps: Float64Array, lo: number, hi: number): Uint8Array {
  checkRange(lo, hi, timestamps, timestamps);
  if (kernel === null) return Buffer.from(printTimestampsTwin(timestamps, lo, hi), "latin1");
  copyIn(timestamps, lo, hi, timestampsAt);
  return printed(kernel.exports.printTimestamps(hi - lo));
}

/** How many points printLines() takes at a time for a line of this shape. @throws RangeError for texts that are too long */
export function linesPerPrint({ texts }: LineShape): number {
  const textBytes = texts[0].length + texts[1].length + texts[2].length;
  if (textBytes > LINE_TEXT_BYTES_MAX) {
    throw new RangeError(`print lines: want at most ${LINE_TEXT_BYTES_MAX} bytes of text, got ${textBytes}`);
  }
  return Math.min(POINTS_MAX, Math.floor(BYTES_MAX / (textBytes + LINE_NUMBER_BYTES)));
}

/**
 * A line a point of `[lo, hi)`, as `shape` says; timestamps are whole milliseconds. The bytes are the kernel's: copy them before the next
 * call.
 *
 * @throws RangeError for more points than linesPerPrint() says, or for points that are not there.
 */
export function printLines(
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  shape: LineShape,
): Uint8Array {
  checkRange(lo, hi, timestamps, values, linesPerPrint(shape));
  if (kernel === null) return Buffer.from(printLinesTwin(timestamps, values, lo, hi, shape), "latin1");
  copyIn(timestamps, lo, hi, timestampsAt);
  copyIn(values, lo, hi, valuesAt);
  const [before, between, behind] = shape.texts;
  const { u8 } = kernel.memory;
  u8.set(before, textsAt);
  u8.set(between, textsAt + before.length);
  u8.set(behind, textsAt + before.length + between.length);
  const unit = shape.unit === "ms" ? 0 : shape.unit === "s" ? 1 : 2;
  return printed(
    kernel.exports.printLines(hi - lo, shape.isTimeFirst ? 1 : 0, unit, before.length, between.length, behind.length),
  );
}

function checkRange(lo: number, hi: number, timestamps: Float64Array, values: Float64Array, most = POINTS_MAX): void {
  const count = hi - lo;
  if (lo >= 0 && count >= 0 && count <= most && hi <= timestamps.length && hi <= values.length) return;
  throw new RangeError(
    `print points [${lo}, ${hi}): want at most ${most}, ` +
      `of ${timestamps.length} timestamps and ${values.length} values`,
  );
}

function copyIn(column: Float64Array, lo: number, hi: number, at: number): void {
  const { f64 } = (kernel as Kernel<PointsExports>).memory;
  if (hi - lo < COPY_MIN) for (let i = lo, k = at; i < hi; i++, k++) f64[k] = column[i];
  else f64.set(column.subarray(lo, hi), at);
}

function printed(bytes: number): Uint8Array {
  return (kernel as Kernel<PointsExports>).memory.u8.subarray(bytesAt, bytesAt + bytes);
}

function loadPoints(): Kernel<PointsExports> | null {
  try {
    const loaded = loadKernel<PointsExports>("points");
    const { bytesMax, textsMax } = loaded.exports;
    assert(
      bytesMax() === BYTES_MAX && textsMax() === LINE_TEXT_BYTES_MAX,
      "the points kernel was built from other sources",
    );
    loaded.memory.u32.set(makePowersOfTen(), loaded.exports.powersAddress() >>> 2);
    return loaded;
  } catch {
    return null;
  }
}
