// @ts-nocheck
// SipHash-1-3, as base/hash.ts specifies it: keyed, because what is hashed is what strangers sent.
//
//   beginHash ──► absorb (a word) … ──► finish            64 bits
//   beginWideHash … keep │ beginKept ──► finishWide      128 bits
//
// One hash at a time: its state lies in globals between the calls and in locals while there are rounds to do, which
// are five times as fast there. The key lies in globals too: no read of memory, however wrong, finds it.

let key0: u64 = 0;
let key1: u64 = 0;
let state0: u64 = 0;
let state1: u64 = 0;
let state2: u64 = 0;
let state3: u64 = 0;
let kept0: u64 = 0;
let kept1: u64 = 0;
let kept2: u64 = 0;
let kept3: u64 = 0;
/** The first half of a wide hash. */
let firstHalf: u64 = 0;

export function setHashKey(a: u32, b: u32, c: u32, d: u32): void {
  key0 = <u64>a | ((<u64>b) << 32);
  key1 = <u64>c | ((<u64>d) << 32);
}

export function beginHash(): void {
  state0 = key0 ^ 0x736f6d6570736575;
  state1 = key1 ^ 0x646f72616e646f6d;
  state2 = key0 ^ 0x6c7967656e657261;
  state3 = key1 ^ 0x7465646279746573;
}

export function beginWideHash(): void {
  beginHash();
  state1 ^= 0xee;
}

/** What was absorbed until now is what `beginKept` goes on from. */
export function keep(): void {
  kept0 = state0;
  kept1 = state1;
  kept2 = state2;
  kept3 = state3;
}

export function beginKept(): void {
  state0 = kept0;
  state1 = kept1;
  state2 = kept2;
  state3 = kept3;
}

export function absorb(word: u64): void {
  run(0, 0, word, 0, 0);
}

/** Hash of what was absorbed, `before` bytes, and of `[lo, hi)`. Reads up to 7 bytes beyond `hi`. */
export function finish(lo: usize, hi: usize, before: u32): u64 {
  runToEnd(lo, hi, before, 0xff, 3);
  return state0 ^ state1 ^ state2 ^ state3;
}

/** The same of 128 bits, to the 16 bytes at `target`. */
export function finishWide(lo: usize, hi: usize, before: u32, target: usize): void {
  runToEnd(lo, hi, before, 0xee, 6);
  store<u64>(target, firstHalf);
  store<u64>(target, state0 ^ state1 ^ state2 ^ state3, 8);
}

function runToEnd(lo: usize, hi: usize, before: u32, mark: u64, closing: u32): void {
  const length = <u32>(hi - lo);
  const wordsEnd = lo + (length & ~7);
  // The last word: what is left, and the low byte of the length of it all on top.
  const left = load<u64>(wordsEnd) & (((<u64>1) << ((length & 7) << 3)) - 1);
  run(lo, wordsEnd, left | ((<u64>(length + before)) << 56), mark, closing);
}

/** Absorbs the words of `[lo, wordsEnd)` and `last`; then come `mark` and the `closing` rounds. */
function run(lo: usize, wordsEnd: usize, last: u64, mark: u64, closing: u32): void {
  let v0 = state0;
  let v1 = state1;
  let v2 = state2;
  let v3 = state3;
  for (let at = lo; at <= wordsEnd; at += 8) {
    const word = at < wordsEnd ? load<u64>(at) : last;
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
  }
  v2 ^= mark;
  for (let i: u32 = 0; i < closing; i++) {
    if (i == 3) {
      firstHalf = v0 ^ v1 ^ v2 ^ v3;
      v1 ^= 0xdd;
    }
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
  state0 = v0;
  state1 = v1;
  state2 = v2;
  state3 = v3;
}
