/**
 * Decoding half of the codec's twin: the specification of `decode` in kernels/codec.ts. Format: docs/format/block.md.
 *
 * The bytes passed a checksum, but nothing here relies on that: every length is checked before it is used, every loop is
 * bounded by the count the caller gave, and bytes left over are an error too. What is well-formed but was never written by an
 * encoder (sums beyond 2^53, say) decodes to some numbers.
 */
import {
  BITMAP,
  BLOCK_SAMPLES_MAX,
  CONSTANT,
  DELTA,
  DELTA2,
  ENCODED_BYTES_MAX,
  EXCEPTION_BITS,
  EXCEPTION_HIGH,
  EXCEPTION_LOW,
  EXPONENT_MASK,
  EXPONENT_MAX,
  EXPONENT_ULPS,
  FRAME,
  GAPS,
  HAS_DIVISOR,
  HAS_EXCEPTIONS,
  HAS_MORE,
  HAS_NUDGES,
  HAS_OFFSETS,
  HAS_PATCHES,
  LEADING_CLASSES,
  LINE,
  MORE_RESERVED,
  NUDGES_ARE_DELTAS,
  POWERS_OF_TEN,
  PREFIXES_MAX,
  RAW,
  SPLIT,
  TREND,
  WIDTH_MASK,
  WIDTH_MAX,
  XOR,
} from "./codec-format.ts";

const TWO_32 = 4294967296;
/** Zeros behind the input: one code of the longest kind may be read there before its end is checked. */
const PADDING = 16;

const input = new Uint8Array(ENCODED_BYTES_MAX + PADDING);
const inputWords = new Uint32Array(input.buffer);
let inAt = 0;
let inEnd = 0;
/** Next bit to read, counted from the start of `input`. */
let bitAt = 0;

/** Decoded values, and their bits as (low, high) words. */
const values = new Float64Array(BLOCK_SAMPLES_MAX);
const words = new Uint32Array(values.buffer);
const integers = new Float64Array(BLOCK_SAMPLES_MAX);
const changes = new Float64Array(BLOCK_SAMPLES_MAX);

/**
 * Decodes `bytes[lo..hi)` into `target[targetLo .. targetLo + count)`. Returns −1, or the offset from `lo` at which the
 * bytes turned out to be malformed; the target is untouched then.
 */
export function decodeColumnTwin(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  count: number,
  target: Float64Array,
  targetLo: number,
): number {
  const length = hi - lo;
  if (length < 1 || length > ENCODED_BYTES_MAX) return 0;
  input.set(bytes.subarray(lo, hi));
  input.fill(0, length, length + PADDING);
  inAt = 0;
  inEnd = length;
  if (!decode(count) || inAt !== inEnd) return Math.min(inAt, length);
  target.set(values.subarray(0, count), targetLo);
  return -1;
}

/** Fills `values[0..count)`; false when malformed. */
function decode(count: number): boolean {
  const codec = readByte();
  switch (codec) {
    case RAW:
      if (inEnd - inAt !== 8 * count) return false;
      for (let i = 0; i < count; i++) readWords(i);
      return true;
    case CONSTANT:
      if (count === 0 || inEnd - inAt < 8) return false;
      readWords(0);
      copyFirst(count);
      return true;
    case LINE:
      return decodeLine(count);
    case XOR:
      return decodeXor(count);
    case SPLIT:
      return decodeSplit(count);
    default:
      return codec >= FRAME && codec <= BITMAP && decodeIntegers(codec, count);
  }
}

function decodeLine(count: number): boolean {
  const start = readZigzag();
  const step = readZigzag();
  for (let i = 0; i < count; i++) values[i] = start + i * step;
  return inAt <= inEnd;
}

// ── Integer columns ─────────────────────────────────────────────────────────────────────────────────────────────────

function decodeIntegers(codec: number, count: number): boolean {
  if (count === 0) return false;
  const scale = readByte();
  const more = (scale & HAS_MORE) !== 0 ? readByte() : 0;
  const exponent = scale & EXPONENT_MASK;
  if ((more & MORE_RESERVED) !== 0 || (exponent > EXPONENT_MAX && exponent !== EXPONENT_ULPS)) return false;
  let first = 0;
  if (exponent === EXPONENT_ULPS) {
    if (inEnd - inAt < 8) return false;
    readWords(0);
  } else first = readZigzag();
  const divisor = (scale & HAS_DIVISOR) !== 0 ? readVarint() : 1;
  if (inAt > inEnd || !decodeBody(codec, count)) return false;
  for (let i = 0; i < count; i++) integers[i] *= divisor;
  if ((more & HAS_OFFSETS) !== 0 && !readOffsets(count)) return false;
  if (exponent === EXPONENT_ULPS) {
    copyFirst(count);
    addUlps(integers, count);
  } else {
    const power = POWERS_OF_TEN[exponent];
    for (let i = 0; i < count; i++) values[i] = (first + integers[i]) / power;
  }
  if ((more & HAS_NUDGES) !== 0) {
    if (!readResiduals(integers, 0, count)) return false;
    if ((more & NUDGES_ARE_DELTAS) !== 0) integrate(integers, 0, count, 0);
    addUlps(integers, count);
  }
  return (scale & HAS_EXCEPTIONS) === 0 || readExceptions(count);
}

/** Fills `integers[0..count)`, the first of them 0. */
function decodeBody(codec: number, count: number): boolean {
  integers[0] = 0;
  switch (codec) {
    case FRAME:
      return readResiduals(integers, 1, count);
    case DELTA:
      if (!readResiduals(integers, 1, count)) return false;
      integrate(integers, 1, count, 0);
      return true;
    case DELTA2: {
      const delta = readZigzag();
      if (count < 2 || !readResiduals(integers, 2, count)) return false;
      integers[1] = delta;
      integrate(integers, 2, count, delta);
      integrate(integers, 1, count, 0);
      return true;
    }
    case TREND: {
      const slope = readZigzag();
      if (!readResiduals(integers, 1, count)) return false;
      for (let i = 1; i < count; i++) integers[i] += i * slope;
      return true;
    }
    case GAPS:
      return decodeGaps(count);
    default:
      return decodeBitmap(count);
  }
}

/** Running sums of `list[lo..hi)`, in place, from `start` on. */
function integrate(list: Float64Array, lo: number, hi: number, start: number): void {
  let sum = start;
  for (let i = lo; i < hi; i++) {
    sum += list[i];
    list[i] = sum;
  }
}

function decodeGaps(count: number): boolean {
  const changeCount = readVarint();
  if (changeCount >= count || !readResiduals(integers, 0, changeCount)) return false;
  const gapsAt = inAt;
  // The gaps are needed while the integers are written, so they change places with the changes.
  changes.set(integers.subarray(0, changeCount));
  if (!readResiduals(integers, 0, changeCount)) return false;
  let place = 1;
  let sum = 0;
  for (let k = 0; k < changeCount; k++) {
    place += changes[k];
    if (changes[k] < 0 || place >= count) {
      inAt = gapsAt;
      return false;
    }
    changes[k] = place++;
    integers[k] = sum += integers[k];
  }
  // Backwards: the k-th change stands at place k + 1 at the earliest, so none is overwritten before it is read.
  let hi = count;
  for (let k = changeCount - 1; k >= 0; k--) {
    integers.fill(integers[k], changes[k], hi);
    hi = changes[k];
  }
  integers.fill(0, 0, hi);
  return true;
}

function decodeBitmap(count: number): boolean {
  const bitmapBytes = (count + 6) >> 3;
  if (inEnd - inAt < bitmapBytes) return false;
  const bitmapAt = 8 * inAt;
  let changeCount = 0;
  bitAt = bitmapAt;
  for (let i = 1; i < count; i++) changeCount += getBits(1);
  inAt += bitmapBytes;
  if (!readResiduals(changes, 0, changeCount)) return false;
  bitAt = bitmapAt;
  let next = 0;
  let sum = 0;
  for (let i = 1; i < count; i++) {
    if (getBits(1) === 1) sum += changes[next++];
    integers[i] = sum;
  }
  return true;
}

/** Reads a list of residuals into `list[lo..hi)`. */
function readResiduals(list: Float64Array, lo: number, hi: number): boolean {
  const count = Math.max(0, hi - lo);
  const head = readByte();
  const width = head & WIDTH_MASK;
  const base = readZigzag();
  const patches = (head & HAS_PATCHES) !== 0 ? readVarint() : 0;
  if (width > WIDTH_MAX || (head & ~(WIDTH_MASK | HAS_PATCHES)) !== 0 || patches > count) return false;
  const packedBytes = Math.ceil(((count - patches) * width) / 8);
  if (inEnd - inAt < packedBytes) return false;
  bitAt = 8 * inAt;
  inAt += packedBytes;
  let i = lo;
  for (let patch = 0; patch < patches; patch++) {
    const place = readVarint();
    const distance = readVarint();
    const patchAt = i + Math.floor(place / 2);
    // So many must be left for the patches still to come.
    if (patchAt > hi - (patches - patch)) return false;
    for (; i < patchAt; i++) list[i] = base + getBits(width);
    list[i++] = place % 2 === 1 ? base - distance : base + distance;
  }
  for (; i < hi; i++) list[i] = base + getBits(width);
  return inAt <= inEnd;
}

function copyFirst(count: number): void {
  for (let i = 1; i < count; i++) {
    words[2 * i] = words[0];
    words[2 * i + 1] = words[1];
  }
}

/** Moves every value by that many representable doubles. */
function addUlps(ulps: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const sum = ulps[i] + words[2 * i];
    const carry = Math.floor(sum / TWO_32);
    words[2 * i] = sum - carry * TWO_32;
    words[2 * i + 1] += carry;
  }
}

/** From each place on, another rest is added. */
function readOffsets(count: number): boolean {
  const offsetCount = readVarint();
  if (offsetCount > count) return false;
  let i = 0;
  let offset = 0;
  for (let k = 0; k < offsetCount; k++) {
    const place = i + readVarint() + (k === 0 ? 0 : 1);
    const next = readVarint();
    if (place >= count || inAt > inEnd) return false;
    for (; i < place; i++) integers[i] += offset;
    offset = next;
  }
  for (; i < count; i++) integers[i] += offset;
  return true;
}

function readExceptions(count: number): boolean {
  const exceptionCount = readVarint();
  if (exceptionCount > count) return false;
  let place = 0;
  for (let k = 0; k < exceptionCount; k++) {
    const head = readVarint();
    const kind = head % 8;
    place += Math.floor(head / 8);
    if (place >= count || inAt > inEnd) return false;
    if (kind === EXCEPTION_BITS) {
      if (inEnd - inAt < 8) return false;
      readWords(place);
    } else {
      if (kind >= EXCEPTION_LOW.length) return false;
      words[2 * place] = EXCEPTION_LOW[kind];
      words[2 * place + 1] = EXCEPTION_HIGH[kind];
    }
    place++;
  }
  return true;
}

// ── Doubles ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function decodeXor(count: number): boolean {
  if (count === 0 || inEnd - inAt < 8) return false;
  readWords(0);
  bitAt = 8 * inAt;
  const bitEnd = 8 * inEnd;
  let low = words[0];
  let high = words[1];
  let leading = 0;
  for (let i = 1; i < count; i++) {
    if (bitAt >= bitEnd) {
      inAt = inEnd;
      return false;
    }
    if (getBits(1) === 1) {
      let trailing = 0;
      let length = 0;
      if (getBits(1) === 0) length = 64 - leading;
      else {
        const isShort = getBits(1) === 1;
        leading = LEADING_CLASSES[getBits(3)];
        length = 64 - leading;
        if (isShort) {
          const significant = getBits(6) + 1;
          trailing = length - significant;
          if (trailing < 0) return false;
          length = significant;
        }
      }
      const lowBits = getBits(Math.min(length, 32));
      const highBits = length > 32 ? getBits(length - 32) : 0;
      if (trailing === 0) {
        low ^= lowBits;
        high ^= highBits;
      } else if (trailing < 32) {
        low ^= lowBits << trailing;
        high ^= (highBits << trailing) | (lowBits >>> (32 - trailing));
      } else high ^= lowBits << (trailing - 32);
    }
    words[2 * i] = low;
    words[2 * i + 1] = high;
  }
  inAt = (bitAt + 7) >> 3;
  return inAt <= inEnd;
}

const prefixes = new Uint32Array(PREFIXES_MAX);

function decodeSplit(count: number): boolean {
  const shift = readByte();
  const size = readByte();
  if (shift > 52 || size < 1 || size > PREFIXES_MAX || inEnd - inAt < 2 * size) return false;
  for (let k = 0; k < size; k++) prefixes[k] = readPrefix();
  const codeWidth = 32 - Math.clz32(size - 1);
  const codeBytes = (count * codeWidth + 7) >> 3;
  const mantissaBytes = Math.ceil((count * (52 - shift)) / 8);
  if (inEnd - inAt < codeBytes + mantissaBytes) return false;
  bitAt = 8 * inAt;
  for (let i = 0; i < count; i++) {
    const code = getBits(codeWidth);
    if (code >= size) return false;
    words[2 * i + 1] = prefixes[code] << 20;
  }
  bitAt = 8 * (inAt + codeBytes);
  const width = 52 - shift;
  const lowWidth = Math.max(0, 32 - shift);
  for (let i = 0; i < count; i++) {
    words[2 * i] = getBits(Math.min(lowWidth, width)) << shift;
    const highBits = getBits(width - Math.min(lowWidth, width));
    words[2 * i + 1] |= shift > 32 ? highBits << (shift - 32) : highBits;
    if (shift >= 32) words[2 * i] = 0;
  }
  inAt += codeBytes + mantissaBytes;

  const strangers = readVarint();
  if (strangers > count) return false;
  let place = 0;
  for (let k = 0; k < strangers; k++) {
    place += readVarint();
    if (place >= count || inEnd - inAt < 2) return false;
    words[2 * place + 1] = (words[2 * place + 1] & 0xfffff) | (readPrefix() << 20);
    place++;
  }
  return inAt <= inEnd;
}

// ── Bytes and bits ──────────────────────────────────────────────────────────────────────────────────────────────────

/** 0 behind the end: whoever reads checks `inAt <= inEnd` before a length is trusted. */
function readByte(): number {
  if (inAt >= inEnd) {
    inAt = inEnd + 1;
    return 0;
  }
  return input[inAt++];
}

/** At most eight bytes. Behind the end, or longer: moves `inAt` past the end and answers 0. */
function readVarint(): number {
  let value = 0;
  let unit = 1;
  for (let k = 0; k < 8; k++) {
    const byte = readByte();
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return value;
    unit *= 0x80;
  }
  inAt = inEnd + 1;
  return 0;
}

function readZigzag(): number {
  const value = readVarint();
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

function readPrefix(): number {
  const low = readByte();
  return low | ((readByte() & 0x0f) << 8);
}

/** Eight bytes into value `i`. The caller checked that they are there. */
function readWords(i: number): void {
  const at = inAt;
  words[2 * i] = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16) | (input[at + 3] << 24);
  words[2 * i + 1] = input[at + 4] | (input[at + 5] << 8) | (input[at + 6] << 16) | (input[at + 7] << 24);
  inAt = at + 8;
}

/** Next `width` bits, at most 53, as an integer ≥ 0. */
function getBits(width: number): number {
  if (width === 0) return 0;
  const at = bitAt >> 5;
  const shift = bitAt & 31;
  bitAt += width;
  let low = inputWords[at] >>> shift;
  if (shift !== 0) low = (low | (inputWords[at + 1] << (32 - shift))) >>> 0;
  if (width <= 32) return width === 32 ? low : low & ((1 << width) - 1);
  let high = inputWords[at + 1] >>> shift;
  if (shift !== 0) high |= inputWords[at + 2] << (32 - shift);
  return low + (high & ((1 << (width - 32)) - 1)) * TWO_32;
}
