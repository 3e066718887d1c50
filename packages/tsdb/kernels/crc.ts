/**
 * CRC-32C of bytes that the owner puts at `bytesAddress()`, at most `BYTES_MAX` a call. Specified by src/kernel/crc-twin.ts.
 */
import { checksum } from "./crc/slicing";

const BYTES_MAX: i32 = 65536;
const BYTES: usize = memory.data(BYTES_MAX, 16);

export function heapBase(): usize {
  return __heap_base;
}

export function bytesAddress(): usize {
  return BYTES;
}

/** Most bytes of one call. */
export function bytesMax(): i32 {
  return BYTES_MAX;
}

/** Checksum of BYTES[0..length), going on from `seed`, the checksum of what came before. */
export function crc32c(length: i32, seed: u32): u32 {
  return checksum(BYTES, length, seed);
}
