// Doubles that are no decimals: XOR with the one before, or sign and exponent apart from the mantissa.
// Twin: src/kernel/codec-twin-doubles.ts.

import { COLUMN, classOfLeading, leadingOfClass, PREFIXES_MAX, SPLIT, XOR } from "./format";
import { beginBits, endBits, putBits, writeByte, writeU16, writeU64, writeVarint } from "./writer";

function bitsAt(i: i32): u64 {
  return load<u64>(COLUMN + ((<usize>i) << 3));
}

/** Exact bits of the column under XOR. */
export function measureXor(count: i32): i64 {
  let bits: i64 = 64;
  let window = -1;
  let last = bitsAt(0);
  for (let i = 1; i < count; i++) {
    const value = bitsAt(i);
    const xor = value ^ last;
    last = value;
    if (xor == 0) {
      bits += 1;
      continue;
    }
    const index = classOfLeading(<i32>clz(xor));
    const length = 64 - leadingOfClass(index);
    const trailing = <i32>ctz(xor);
    if (trailing > 8) {
      bits += 12 + length - trailing;
      window = -1;
    } else if (index == window) {
      bits += 2 + length;
    } else {
      bits += 6 + length;
      window = index;
    }
  }
  return bits;
}

export function writeXor(count: i32): void {
  let last = bitsAt(0);
  writeByte(XOR);
  writeU64(last);
  beginBits();
  let window = -1;
  for (let i = 1; i < count; i++) {
    const value = bitsAt(i);
    const xor = value ^ last;
    last = value;
    if (xor == 0) {
      putBits(0, 1);
      continue;
    }
    const index = classOfLeading(<i32>clz(xor));
    const length = 64 - leadingOfClass(index);
    const trailing = <i32>ctz(xor);
    if (trailing > 8) {
      putBits(7 | (index << 3) | ((length - trailing - 1) << 6), 12);
      putBits(xor >> trailing, length - trailing);
      window = -1;
    } else if (index == window) {
      putBits(1, 2);
      putBits(xor, length);
    } else {
      putBits(3 | (index << 3), 6);
      putBits(xor, length);
      window = index;
    }
  }
  endBits();
}

// ── Sign and exponent by dictionary, mantissa packed ────────────────────────────────────────────────────────────────

const PREFIX_COUNTS: usize = memory.data(2 * 4096, 16);
const PREFIX_CODES: usize = memory.data(4096, 16);
/** Prefixes of the column by falling count; the first `dictionarySize` have codes. */
const PREFIX_LIST: usize = memory.data(2 * 4096, 16);
const NO_CODE: i32 = 0xff;
let dictionarySize: i32 = 0;
/** Lowest mantissa bits that are zero in every value. */
let splitShift: i32 = 0;

function prefixAt(k: i32): i32 {
  return <i32>load<u16>(PREFIX_LIST + ((<usize>k) << 1));
}

function countOf(prefix: i32): i32 {
  return <i32>load<u16>(PREFIX_COUNTS + ((<usize>prefix) << 1));
}

/** Estimated bits of the column under SPLIT. */
export function planSplit(count: i32): i64 {
  let distinct = 0;
  let ored: u64 = 0;
  for (let i = 0; i < count; i++) {
    const bits = bitsAt(i);
    ored |= bits;
    const prefix = <i32>(bits >> 52);
    const seen = countOf(prefix);
    store<u16>(PREFIX_COUNTS + ((<usize>prefix) << 1), seen + 1);
    if (seen == 0) {
      store<u16>(PREFIX_LIST + ((<usize>distinct) << 1), prefix);
      distinct++;
    }
  }
  ored &= 0xfffffffffffff;
  splitShift = ored == 0 ? 52 : <i32>ctz(ored);

  const rankMax = min(distinct, PREFIXES_MAX);
  for (let rank = 0; rank < rankMax; rank++) {
    let best = rank;
    for (let k = rank + 1; k < distinct; k++) {
      const more = countOf(prefixAt(k)) - countOf(prefixAt(best));
      if (more > 0 || (more == 0 && prefixAt(k) < prefixAt(best))) best = k;
    }
    const prefix = prefixAt(best);
    store<u16>(PREFIX_LIST + ((<usize>best) << 1), prefixAt(rank));
    store<u16>(PREFIX_LIST + ((<usize>rank) << 1), prefix);
  }
  let bestBits: i64 = i64.MAX_VALUE;
  for (let codeWidth = 0; codeWidth <= 4; codeWidth++) {
    const size = min(rankMax, 1 << codeWidth);
    let covered = 0;
    for (let rank = 0; rank < size; rank++) covered += countOf(prefixAt(rank));
    const bits: i64 = 32 + 16 * size + count * codeWidth + 28 * (count - covered);
    if (bits < bestBits) {
      bestBits = bits;
      dictionarySize = size;
    }
  }
  for (let k = 0; k < distinct; k++) {
    const prefix = prefixAt(k);
    store<u16>(PREFIX_COUNTS + ((<usize>prefix) << 1), 0);
    store<u8>(PREFIX_CODES + <usize>prefix, k < dictionarySize ? k : NO_CODE);
  }
  return bestBits + count * (52 - splitShift);
}

export function writeSplit(count: i32): void {
  writeByte(SPLIT);
  writeByte(splitShift);
  writeByte(dictionarySize);
  for (let k = 0; k < dictionarySize; k++) writeU16(prefixAt(k));
  const codeWidth = 32 - <i32>clz(dictionarySize - 1);
  let strangers = 0;
  beginBits();
  for (let i = 0; i < count; i++) {
    let code = <i32>load<u8>(PREFIX_CODES + <usize>(bitsAt(i) >> 52));
    if (code == NO_CODE) {
      strangers++;
      code = 0;
    }
    putBits(code, codeWidth);
  }
  endBits();
  beginBits();
  for (let i = 0; i < count; i++) putBits((bitsAt(i) & 0xfffffffffffff) >> splitShift, 52 - splitShift);
  endBits();
  writeVarint(strangers);
  let next = 0;
  for (let i = 0; strangers > 0 && i < count; i++) {
    const prefix = <i32>(bitsAt(i) >> 52);
    if (<i32>load<u8>(PREFIX_CODES + <usize>prefix) != NO_CODE) continue;
    writeVarint(i - next);
    writeU16(prefix);
    next = i + 1;
  }
}
