/**
 * CRC-32C of bytes in JavaScript memory. Short inputs are done where they are; long ones are copied into the `crc` kernel,
 * which beats the twin from a few hundred bytes on by half as much again (1.7 against 1.1 GB/s on the machine of
 * docs/BENCHMARKS.md).
 */
import { crc32cTwin } from "./crc-twin.ts";
import { type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface CrcExports extends KernelExports {
  bytesAddress(): number;
  bytesMax(): number;
  crc32c(length: number, seed: number): number;
}

/** Below this the copy costs more than the kernel gains. */
const KERNEL_BYTES_MIN = 256;

/** Null where wasm, or the built kernel, is missing. */
const kernel: Kernel<CrcExports> | null = loadCrc();
// The memory never grows, so the view never changes.
const memoryBytes = kernel === null ? new Uint8Array() : kernel.memory.u8;
const bytesAt = kernel === null ? 0 : kernel.exports.bytesAddress();
const pieceBytes = kernel === null ? 0 : kernel.exports.bytesMax();

/**
 * CRC-32C of `bytes[lo..hi)`. `seed` is the checksum of what came before: `crc32c(b, 0, n, crc32c(a, 0, m))` equals the
 * checksum of `a` followed by `b`.
 */
export function crc32c(bytes: Uint8Array, lo: number, hi: number, seed = 0): number {
  if (kernel === null || hi - lo < KERNEL_BYTES_MIN) return crc32cTwin(bytes, lo, hi, seed);
  let crc = seed;
  for (let i = lo; i < hi; i += pieceBytes) {
    const end = Math.min(hi, i + pieceBytes);
    memoryBytes.set(bytes.subarray(i, end), bytesAt);
    crc = kernel.exports.crc32c(end - i, crc);
  }
  return crc >>> 0;
}

function loadCrc(): Kernel<CrcExports> | null {
  try {
    return loadKernel<CrcExports>("crc");
  } catch {
    return null;
  }
}
