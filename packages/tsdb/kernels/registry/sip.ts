// @ts-nocheck
// SipHash-1-3, as base/hash.ts specifies it, of one word and the bytes behind it; 32 of its bits.
// Keyed, because what is hashed is what strangers sent.

let key0: u64 = 0;
let key1: u64 = 0;

export function setHashKey(a: u32, b: u32, c: u32, d: u32): void {
  key0 = <u64>a | ((<u64>b) << 32);
  key1 = <u64>c | ((<u64>d) << 32);
}

/** Reads up to 7 bytes beyond `hi`. */
export function hashOf(prefix: u64, lo: usize, hi: usize): u32 {
  let v0 = key0 ^ 0x736f6d6570736575;
  let v1 = key1 ^ 0x646f72616e646f6d;
  let v2 = key0 ^ 0x6c7967656e657261;
  let v3 = key1 ^ 0x7465646279746573;
  const length = hi - lo;
  const wordsEnd = lo + (length & ~7);
  const last = (load<u64>(wordsEnd) & (((<u64>1) << ((length & 7) << 3)) - 1)) | ((<u64>(length + 8)) << 56);
  let word = prefix;
  let at = lo;
  for (;;) {
    v3 ^= word;
    v0 += v1;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v0 = rotl<u64>(v0, 32);
    v2 += v3;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v2 = rotl<u64>(v2, 32);
    v0 ^= word;
    if (at > wordsEnd) break;
    word = at < wordsEnd ? load<u64>(at) : last;
    at += 8;
  }
  v2 ^= 0xff;
  for (let i = 0; i < 3; i++) {
    v0 += v1;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v0 = rotl<u64>(v0, 32);
    v2 += v3;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v2 = rotl<u64>(v2, 32);
  }
  const sum = v0 ^ v1 ^ v2 ^ v3;
  return <u32>sum ^ <u32>(sum >> 32);
}
