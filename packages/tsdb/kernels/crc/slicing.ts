// CRC-32C by slicing by 16: table k (of 16, 256 words each) holds what a byte does to the checksum once k more zero bytes have passed, so that sixteen
// look-ups do not wait for one another. Twin: src/kernel/crc-twin.ts. Every kernel that needs it has tables of its own.

const POLYNOMIAL: u32 = 0x82f63b78;
const TABLES: usize = memory.data(16 * 1024, 16);

makeTables();

/** Checksum of `length` bytes at `p`, going on from `seed`, the checksum of what came before. */
export function checksum(p: usize, length: i32, seed: u32): u32 {
  let crc = ~seed;
  const end = p + <usize>length;
  for (const bulkEnd = end - (<usize>length & 15); p < bulkEnd; p += 16) {
    const a = load<u64>(p) ^ <u64>crc;
    const b = load<u64>(p, 8);
    crc =
      effect(a, 15) ^
      effect(a >> 8, 14) ^
      effect(a >> 16, 13) ^
      effect(a >> 24, 12) ^
      effect(a >> 32, 11) ^
      effect(a >> 40, 10) ^
      effect(a >> 48, 9) ^
      effect(a >> 56, 8) ^
      effect(b, 7) ^
      effect(b >> 8, 6) ^
      effect(b >> 16, 5) ^
      effect(b >> 24, 4) ^
      effect(b >> 32, 3) ^
      effect(b >> 40, 2) ^
      effect(b >> 48, 1) ^
      effect(b >> 56, 0);
  }
  for (; p < end; p++) crc = effect(<u64>(crc ^ <u32>load<u8>(p)), 0) ^ (crc >> 8);
  return ~crc;
}

/** What the low byte of `word` does, `table` zero bytes later. */
function effect(word: u64, table: usize): u32 {
  return load<u32>(TABLES + (table << 10) + ((<usize>word & 0xff) << 2));
}

function makeTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
    store<u32>(TABLES + ((<usize>byte) << 2), crc);
  }
  for (let i: usize = 256; i < 16 * 256; i++) {
    const last = load<u32>(TABLES + ((i - 256) << 2));
    store<u32>(TABLES + (i << 2), effect(<u64>last, 0) ^ (last >> 8));
  }
}
