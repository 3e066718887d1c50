/**
 * Columns of points → JSON bytes, in one crossing: most of the time of an answer goes into printing floats, and the
 * kernel is five times as quick at it as JavaScript, which makes a string of each (points.bench.ts).
 */
import { printPointsTwin } from "./points-twin.ts";
import { makePowersOfTen } from "./powers-of-ten.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface PointsExports extends KernelExports {
  pointsMax(): number;
  powersAddress(): number;
  timestampsAddress(): number;
  valuesAddress(): number;
  bytesAddress(): number;
  printPoints(count: number): number;
}

/** Most points of one call: bounds the kernel's memory, which has room for as many of the longest points there are. */
export const POINTS_MAX = 1024;

/** Fewer numbers than that are copied sooner by a loop than by set(). */
const COPY_MIN = 64;

/** Null where wasm, or the built kernel, is missing. */
const kernel: Kernel<PointsExports> | null = loadPoints();
/** False where the twin prints. */
export const isPointsKernelLoaded: boolean = kernel !== null;
const timestampsAt = kernel === null ? 0 : kernel.exports.timestampsAddress() >>> 3;
const valuesAt = kernel === null ? 0 : kernel.exports.valuesAddress() >>> 3;
const bytesAt = kernel === null ? 0 : kernel.exports.bytesAddress();

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
  const count = hi - lo;
  if (!(lo >= 0 && count >= 0 && count <= POINTS_MAX && hi <= timestamps.length && hi <= values.length)) {
    throw new RangeError(
      `print points [${lo}, ${hi}): want at most ${POINTS_MAX}, ` +
        `of ${timestamps.length} timestamps and ${values.length} values`,
    );
  }
  if (kernel === null) return Buffer.from(printPointsTwin(timestamps, values, lo, hi), "latin1");
  const { f64, u8 } = kernel.memory;
  if (count < COPY_MIN) {
    for (let i = 0; i < count; i++) {
      f64[timestampsAt + i] = timestamps[lo + i];
      f64[valuesAt + i] = values[lo + i];
    }
  } else {
    f64.set(timestamps.subarray(lo, hi), timestampsAt);
    f64.set(values.subarray(lo, hi), valuesAt);
  }
  return u8.subarray(bytesAt, bytesAt + kernel.exports.printPoints(count));
}

function loadPoints(): Kernel<PointsExports> | null {
  try {
    const loaded = loadKernel<PointsExports>("points");
    loaded.memory.u32.set(makePowersOfTen(), loaded.exports.powersAddress() >>> 2);
    return loaded;
  } catch {
    return null;
  }
}
