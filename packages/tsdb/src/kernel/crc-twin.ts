/**
 * CRC-32C (Castagnoli), the checksum of everything on disk: the specification of the `crc` kernel, and what runs when
 * wasm is missing.
 *
 * Reflected polynomial 0x82f63b78, start and final value inverted (RFC 3720, appendix B.4). Slicing by 8: table `k`
 * holds what a byte does to the checksum once `k` more zero bytes have passed, so eight bytes are folded in with
 * eight independent look-ups instead of eight dependent ones.
 */
const POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256 words, one after the other. */
export const CRC32C_TABLES: Uint32Array = makeTables();

/**
 * CRC-32C of `bytes[lo..hi)`. `seed` is the checksum of what came before: `crc(b, seed = crc(a))` equals the checksum of
 * `a` followed by `b`.
 */
export function crc32cTwin(bytes: Uint8Array, lo: number, hi: number, seed = 0): number {
  const tables = CRC32C_TABLES;
  let crc = ~seed;
  let i = lo;
  for (const bulkHi = hi - 7; i < bulkHi; i += 8) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc =
      tables[0x700 | (crc & 0xff)] ^
      tables[0x600 | ((crc >>> 8) & 0xff)] ^
      tables[0x500 | ((crc >>> 16) & 0xff)] ^
      tables[0x400 | (crc >>> 24)] ^
      tables[0x300 | bytes[i + 4]] ^
      tables[0x200 | bytes[i + 5]] ^
      tables[0x100 | bytes[i + 6]] ^
      tables[bytes[i + 7]];
  }
  for (; i < hi; i++) crc = tables[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) tables[i] = tables[tables[i - 256] & 0xff] ^ (tables[i - 256] >>> 8);
  return tables;
}
