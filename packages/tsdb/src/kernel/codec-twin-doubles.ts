/**
 * Doubles that are no decimals, in the codec's twin: XOR with the one before, or sign and exponent apart from the
 * mantissa.
 */
import { LEADING_CLASSES, PREFIXES_MAX, SPLIT, XOR } from "./codec-format.ts";
import {
  beginBits,
  endBits,
  putBits,
  putWords,
  words,
  writeByte,
  writeVarint,
  writeWords,
} from "./codec-twin-writer.ts";

/** Index into LEADING_CLASSES by leading zeros. */
const leadingClassOf: Uint8Array = Uint8Array.from({ length: 65 }, (_, zeros) => {
  let index = LEADING_CLASSES.length - 1;
  while (LEADING_CLASSES[index] > zeros) index--;
  return index;
});

function leadingZeros(low: number, high: number): number {
  return high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
}

function trailingZeros(low: number, high: number): number {
  return low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
}

/** Exact bits of the column under XOR. */
export function measureXor(count: number): number {
  let bits = 64;
  let windowClass = -1;
  for (let i = 1; i < count; i++) {
    const low = (words[2 * i] ^ words[2 * i - 2]) >>> 0;
    const high = (words[2 * i + 1] ^ words[2 * i - 1]) >>> 0;
    if (low === 0 && high === 0) {
      bits += 1;
      continue;
    }
    const leadingClass = leadingClassOf[leadingZeros(low, high)];
    const trailing = trailingZeros(low, high);
    if (trailing > 8) {
      bits += 3 + 3 + 6 + 64 - LEADING_CLASSES[leadingClass] - trailing;
      windowClass = -1;
    } else if (leadingClass === windowClass) {
      bits += 2 + 64 - LEADING_CLASSES[leadingClass];
    } else {
      bits += 3 + 3 + 64 - LEADING_CLASSES[leadingClass];
      windowClass = leadingClass;
    }
  }
  return bits;
}

/**
 * Bits, first to last, lowest first:
 *   0                                    same as the one before
 *   1 0          64−L bits               XOR without the L leading zeros of the last 110
 *   1 1 0 ccc    64−L bits               the same with a new L = LEADING_CLASSES[c]
 *   1 1 1 ccc ssssss  s+1 bits           only the s+1 bits after L leading zeros; zeros follow
 */
export function writeXor(count: number): void {
  writeByte(XOR);
  writeWords(words[0], words[1]);
  beginBits();
  let windowClass = -1;
  for (let i = 1; i < count; i++) {
    const low = (words[2 * i] ^ words[2 * i - 2]) >>> 0;
    const high = (words[2 * i + 1] ^ words[2 * i - 1]) >>> 0;
    if (low === 0 && high === 0) {
      putBits(0, 1);
      continue;
    }
    const leadingClass = leadingClassOf[leadingZeros(low, high)];
    const trailing = trailingZeros(low, high);
    const length = 64 - LEADING_CLASSES[leadingClass];
    if (trailing > 8) {
      putBits(7 | (leadingClass << 3) | ((length - trailing - 1) << 6), 12);
      putWords(low, high, trailing, length - trailing);
      windowClass = -1;
    } else if (leadingClass === windowClass) {
      putBits(1, 2);
      putWords(low, high, 0, length);
    } else {
      putBits(3 | (leadingClass << 3), 6);
      putWords(low, high, 0, length);
      windowClass = leadingClass;
    }
  }
  endBits();
}

// ── Sign and exponent by dictionary, mantissa packed ─────────────────────────────────────────────────────────────────

const prefixCounts = new Uint16Array(4096);
const prefixCodes = new Uint8Array(4096);
/** Prefixes of the column by falling count; the first `dictionarySize` have codes. */
const prefixList = new Uint16Array(4096);
let dictionarySize = 0;
/** Lowest mantissa bits that are zero in every value. */
let splitShift = 0;

/** Estimated bits of the column under SPLIT. */
export function planSplit(count: number): number {
  let distinct = 0;
  let ored = 0;
  let oredHigh = 0;
  for (let i = 0; i < count; i++) {
    ored |= words[2 * i];
    oredHigh |= words[2 * i + 1];
    const prefix = words[2 * i + 1] >>> 20;
    if (prefixCounts[prefix]++ === 0) prefixList[distinct++] = prefix;
  }
  oredHigh &= 0xfffff;
  splitShift = (ored | oredHigh) === 0 ? 52 : trailingZeros(ored >>> 0, oredHigh);

  // Most frequent first, the smaller of equals first: a selection sort of the few that get codes.
  const rankMax = Math.min(distinct, PREFIXES_MAX);
  for (let rank = 0; rank < rankMax; rank++) {
    let best = rank;
    for (let k = rank + 1; k < distinct; k++) {
      const more = prefixCounts[prefixList[k]] - prefixCounts[prefixList[best]];
      if (more > 0 || (more === 0 && prefixList[k] < prefixList[best])) best = k;
    }
    const prefix = prefixList[best];
    prefixList[best] = prefixList[rank];
    prefixList[rank] = prefix;
  }
  let bestBits = Infinity;
  for (let codeWidth = 0; codeWidth <= 4; codeWidth++) {
    const size = Math.min(rankMax, 1 << codeWidth);
    let covered = 0;
    for (let rank = 0; rank < size; rank++) covered += prefixCounts[prefixList[rank]];
    const bits = 32 + 16 * size + count * codeWidth + 28 * (count - covered);
    if (bits < bestBits) {
      bestBits = bits;
      dictionarySize = size;
    }
  }
  for (let k = 0; k < distinct; k++) {
    prefixCounts[prefixList[k]] = 0;
    prefixCodes[prefixList[k]] = k < dictionarySize ? k : 0xff;
  }
  return bestBits + count * (52 - splitShift);
}

export function writeSplit(count: number): void {
  writeByte(SPLIT);
  writeByte(splitShift);
  writeByte(dictionarySize);
  for (let k = 0; k < dictionarySize; k++) writePrefix(prefixList[k]);
  const codeWidth = 32 - Math.clz32(dictionarySize - 1);
  let strangers = 0;
  beginBits();
  for (let i = 0; i < count; i++) {
    let code = prefixCodes[words[2 * i + 1] >>> 20];
    if (code === 0xff) {
      strangers++;
      code = 0;
    }
    putBits(code, codeWidth);
  }
  endBits();
  beginBits();
  for (let i = 0; i < count; i++) {
    putWords(words[2 * i], words[2 * i + 1] & 0xfffff, splitShift, 52 - splitShift);
  }
  endBits();
  writeVarint(strangers);
  let place = 0;
  for (let i = 0; strangers > 0 && i < count; i++) {
    const prefix = words[2 * i + 1] >>> 20;
    if (prefixCodes[prefix] !== 0xff) continue;
    writeVarint(i - place);
    writePrefix(prefix);
    place = i + 1;
  }
}

function writePrefix(prefix: number): void {
  writeByte(prefix & 0xff);
  writeByte(prefix >>> 8);
}
