/**
 * XXH64 with seed 0: the hash Prometheus sorts label sets into fractions by (`limit_ratio`). Not keyed: whoever picks the bytes picks
 * the hash, so no table is indexed by it.
 *
 * JavaScript has no 64-bit words, so a word is two halves of 32 bits. Source: Yann Collet's specification
 * (xxHash, doc/xxhash_spec.md).
 */

/** A 64-bit word that is computed with in place. Halves are unsigned. */
class Word {
  high: number;
  low: number;

  constructor(high: number, low: number) {
    this.high = high >>> 0;
    this.low = low >>> 0;
  }

  set(high: number, low: number): void {
    this.high = high >>> 0;
    this.low = low >>> 0;
  }

  add(high: number, low: number): void {
    const sum = this.low + low;
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) >>> 0;
    this.low = sum >>> 0;
  }

  xor(high: number, low: number): void {
    this.high = (this.high ^ high) >>> 0;
    this.low = (this.low ^ low) >>> 0;
  }

  multiply(high: number, low: number): void {
    // low × low in full from four products of 16 bits; of the crossed products only the low halves matter.
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    const bottom = a0 * b0;
    const middle = a1 * b0 + (bottom >>> 16);
    const cross = a0 * b1 + (middle & 0xffff);
    const carry = a1 * b1 + (middle - (middle & 0xffff)) / 0x10000 + (cross - (cross & 0xffff)) / 0x10000;
    this.high = (carry + Math.imul(this.high, low) + Math.imul(this.low, high)) >>> 0;
    this.low = (((cross & 0xffff) << 16) | (bottom & 0xffff)) >>> 0;
  }

  /** 0 < bits < 32. */
  rotateLeft(bits: number): void {
    const { high, low } = this;
    this.high = ((high << bits) | (low >>> (32 - bits))) >>> 0;
    this.low = ((low << bits) | (high >>> (32 - bits))) >>> 0;
  }

  /** `this ^= this >> bits`, 0 < bits < 64. */
  xorShifted(bits: number): void {
    const { high, low } = this;
    if (bits >= 32) this.xor(0, high >>> (bits - 32));
    else this.xor(high >>> bits, (low >>> bits) | (high << (32 - bits)));
  }
}

const PRIME1: Word = new Word(0x9e3779b1, 0x85ebca87);
const PRIME2: Word = new Word(0xc2b2ae3d, 0x27d4eb4f);
const PRIME3: Word = new Word(0x165667b1, 0x9e3779f9);
const PRIME4: Word = new Word(0x85ebca77, 0xc2b2ae63);
const PRIME5: Word = new Word(0x27d4eb2f, 0x165667c5);

/** Hash of `bytes[lo..hi)` as a fraction of 2^64, rounded to a double: 0 to 1, both included. */
export function xxHash64Fraction(bytes: Uint8Array, lo: number, hi: number): number {
  const hash = xxHash64(bytes, lo, hi);
  return (hash.high * 0x100000000 + hash.low) / 0x10000000000000000;
}

/** Hash of `bytes[lo..hi)`. */
export function xxHash64(bytes: Uint8Array, lo: number, hi: number): { readonly high: number; readonly low: number } {
  const hash = new Word(PRIME5.high, PRIME5.low);
  let at = lo;
  if (hi - lo >= 32) at = hashStripes(bytes, lo, hi, hash);
  hash.add(0, hi - lo);
  const lane = new Word(0, 0);
  for (; at + 8 <= hi; at += 8) {
    lane.set(0, 0);
    mix(lane, bytes, at);
    hash.xor(lane.high, lane.low);
    hash.rotateLeft(27);
    hash.multiply(PRIME1.high, PRIME1.low);
    hash.add(PRIME4.high, PRIME4.low);
  }
  if (at + 4 <= hi) {
    lane.set(0, readHalf(bytes, at));
    lane.multiply(PRIME1.high, PRIME1.low);
    hash.xor(lane.high, lane.low);
    hash.rotateLeft(23);
    hash.multiply(PRIME2.high, PRIME2.low);
    hash.add(PRIME3.high, PRIME3.low);
    at += 4;
  }
  for (; at < hi; at++) {
    lane.set(0, bytes[at]);
    lane.multiply(PRIME5.high, PRIME5.low);
    hash.xor(lane.high, lane.low);
    hash.rotateLeft(11);
    hash.multiply(PRIME1.high, PRIME1.low);
  }
  // Every bit of the input gets a say in every bit of the result.
  hash.xorShifted(33);
  hash.multiply(PRIME2.high, PRIME2.low);
  hash.xorShifted(29);
  hash.multiply(PRIME3.high, PRIME3.low);
  hash.xorShifted(32);
  return hash;
}

/** The whole stripes of 32 bytes, four lanes side by side, into `hash`; returns where they end. */
function hashStripes(bytes: Uint8Array, lo: number, hi: number, hash: Word): number {
  const first = new Word(PRIME1.high, PRIME1.low);
  first.add(PRIME2.high, PRIME2.low);
  const second = new Word(PRIME2.high, PRIME2.low);
  const third = new Word(0, 0);
  // -PRIME1
  const fourth = new Word(~PRIME1.high, ~PRIME1.low);
  fourth.add(0, 1);
  let at = lo;
  for (; at + 32 <= hi; at += 32) {
    mix(first, bytes, at);
    mix(second, bytes, at + 8);
    mix(third, bytes, at + 16);
    mix(fourth, bytes, at + 24);
  }
  const lanes = [first, second, third, fourth];
  const turns = [1, 7, 12, 18];
  const turned = new Word(0, 0);
  hash.set(0, 0);
  for (let i = 0; i < 4; i++) {
    turned.set(lanes[i].high, lanes[i].low);
    turned.rotateLeft(turns[i]);
    hash.add(turned.high, turned.low);
  }
  for (const lane of lanes) {
    turned.set(0, 0);
    mixWord(turned, lane.high, lane.low);
    hash.xor(turned.high, turned.low);
    hash.multiply(PRIME1.high, PRIME1.low);
    hash.add(PRIME4.high, PRIME4.low);
  }
  return at;
}

function mix(lane: Word, bytes: Uint8Array, at: number): void {
  mixWord(lane, readHalf(bytes, at + 4), readHalf(bytes, at));
}

const scratch: Word = new Word(0, 0);

function mixWord(lane: Word, high: number, low: number): void {
  scratch.set(high, low);
  scratch.multiply(PRIME2.high, PRIME2.low);
  lane.add(scratch.high, scratch.low);
  lane.rotateLeft(31);
  lane.multiply(PRIME1.high, PRIME1.low);
}

/** Four bytes, little-endian. */
function readHalf(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}
