/** CRC-32C of bytes in JavaScript memory. */
import { crc32cTwin } from "./crc-twin.ts";

/**
 * CRC-32C of `bytes[lo..hi)`. `seed` is the checksum of what came before: `crc32c(b, 0, n, crc32c(a, 0, m))` equals the
 * checksum of `a` followed by `b`.
 */
export function crc32c(bytes: Uint8Array, lo: number, hi: number, seed = 0): number {
  return crc32cTwin(bytes, lo, hi, seed);
}
