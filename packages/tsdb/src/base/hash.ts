/**
 * SipHash with a 128-bit result: a keyed hash no sender can aim at without the key.
 *
 * The series table uses SipHash-1-3 (one round a word, three at the end, as Rust's and Python's tables do), computed in
 * kernels/ingest.ts; this file is its specification and the tests hold the two together. It is for tests, tables made
 * at start-up and other cold places: JavaScript has no 64-bit words, so a word costs about thirty times what it costs
 * in the kernel.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", and the 128-bit variant of their reference code.
 */

/**
 * Hash of `bytes[lo..hi)` under `key` (four words, low first) into `target[at..at+4)`, low word first.
 * `compressRounds` and `finalRounds` are 1 and 3 everywhere but in the test that checks the published vectors of 2-4.
 */
export function sipHash128(
  key: Uint32Array,
  bytes: Uint8Array,
  lo: number,
  hi: number,
  target: Uint32Array,
  at: number,
  compressRounds = 1,
  finalRounds = 3,
): void {
  const [k0, k1, k2, k3] = key as unknown as [number, number, number, number];
  // State words v0..v3, each as (low, high).
  const v = new Uint32Array([
    0x70736575 ^ k0,
    0x736f6d65 ^ k1,
    0x6e646f6d ^ k2 ^ 0xee,
    0x646f7261 ^ k3,
    0x6e657261 ^ k0,
    0x6c796765 ^ k1,
    0x79746573 ^ k2,
    0x74656462 ^ k3,
  ]);
  const wordsEnd = lo + ((hi - lo) & ~7);
  for (let i = lo; i < wordsEnd; i += 8)
    absorb(v, readWord(bytes, i, i + 4), readWord(bytes, i + 4, i + 8), compressRounds);
  // The last word: what is left, and the length's low byte on top.
  const middle = Math.min(wordsEnd + 4, hi);
  absorb(v, readWord(bytes, wordsEnd, middle), readWord(bytes, middle, hi) | ((hi - lo) << 24), compressRounds);
  v[4] ^= 0xee;
  for (let i = 0; i < finalRounds; i++) round(v);
  fold(v, target, at);
  v[2] ^= 0xdd;
  for (let i = 0; i < finalRounds; i++) round(v);
  fold(v, target, at + 2);
}

/** A key from the platform's secure generator. */
export function randomHashKey(): Uint32Array {
  return crypto.getRandomValues(new Uint32Array(4));
}

function absorb(v: Uint32Array, low: number, high: number, rounds: number): void {
  v[6] ^= low;
  v[7] ^= high;
  for (let i = 0; i < rounds; i++) round(v);
  v[0] ^= low;
  v[1] ^= high;
}

function round(v: Uint32Array): void {
  addRotateXor(v, 0, 2, 13);
  swapHalves(v, 0);
  addRotateXor(v, 4, 6, 16);
  addRotateXor(v, 0, 6, 21);
  addRotateXor(v, 4, 2, 17);
  swapHalves(v, 4);
}

/** a += b; b = rotateLeft(b, bits) ^ a, on the 64-bit words at `a` and `b`; 0 < bits < 32. */
function addRotateXor(v: Uint32Array, a: number, b: number, bits: number): void {
  const low = v[b] as number;
  const high = v[b + 1] as number;
  const sum = (v[a] as number) + low;
  v[a] = sum;
  v[a + 1] += high + (sum > 0xffffffff ? 1 : 0);
  v[b] = ((low << bits) | (high >>> (32 - bits))) ^ (v[a] as number);
  v[b + 1] = ((high << bits) | (low >>> (32 - bits))) ^ (v[a + 1] as number);
}

/** Rotation by 32 bits. */
function swapHalves(v: Uint32Array, a: number): void {
  const low = v[a] as number;
  v[a] = v[a + 1] as number;
  v[a + 1] = low;
}

function fold(v: Uint32Array, target: Uint32Array, at: number): void {
  const [a, b, c, d, e, f, g, h] = v as unknown as [number, number, number, number, number, number, number, number];
  target[at] = a ^ c ^ e ^ g;
  target[at + 1] = b ^ d ^ f ^ h;
}

/** Up to four bytes, little-endian. */
function readWord(bytes: Uint8Array, lo: number, hi: number): number {
  let word = 0;
  for (let i = hi - 1; i >= lo; i--) word = (word << 8) | (bytes[i] as number);
  return word;
}
