// From bytes to the column. Every length is checked before it is used, every loop is bounded by the count, and nothing
// is written outside the column and the scratch columns. Twin: src/kernel/codec-twin-decode.ts.

import {
  BITMAP,
  BYTES,
  BYTES_MAX,
  CHANGES,
  COLUMN,
  CONSTANT,
  DELTA,
  DELTA2,
  EXCEPTION_BITS,
  EXCEPTION_KINDS,
  EXCEPTION_VALUES,
  EXPONENT_MASK,
  EXPONENT_MAX,
  EXPONENT_ULPS,
  FRAME,
  GAP_LIST,
  GAPS,
  HAS_DIVISOR,
  HAS_EXCEPTIONS,
  HAS_MORE,
  HAS_NUDGES,
  HAS_OFFSETS,
  HAS_PATCHES,
  INTEGERS,
  LINE,
  leadingOfClass,
  MORE_RESERVED,
  NUDGES,
  NUDGES_ARE_DELTAS,
  PREFIXES_MAX,
  powerOfTen,
  RAW,
  ROUNDER,
  SAMPLES_MAX,
  SPLIT,
  TREND,
  WIDTH_MASK,
  WIDTH_MAX,
  XOR,
} from "./format";

/** Next byte to read, and the one behind the last. `at > end` says that something was read behind the end. */
let at: usize = 0;
let end: usize = 0;

function left(): i32 {
  return <i32>(end - at);
}

/** Decodes BYTES[lo..lo + length) into COLUMN[0..count). Returns −1, or the offset from `lo` at which the bytes turned out malformed. */
export function decodeColumn(lo: i32, length: i32, count: i32): i32 {
  if (length < 1 || lo < 0 || length > BYTES_MAX - lo || <u32>count > <u32>SAMPLES_MAX) return 0;
  const start = BYTES + <usize>lo;
  at = start;
  end = start + length;
  // Bits are read by the word: what stands behind the end, the next column maybe, is out of the way meanwhile.
  const behind = v128.load(end);
  v128.store(end, i64x2.splat(0));
  const isWhole = decode(count) && at == end;
  v128.store(start + length, behind);
  return isWhole ? -1 : min(<i32>(at - start), length);
}

/** True if each of COLUMN[0..count) is greater than the one before. */
export function columnAscends(count: i32): bool {
  let isLess = i64x2.splat(-1);
  let p = COLUMN;
  const last = COLUMN + ((<usize>max(1, count) - 1) << 3);
  for (; p + 8 < last; p += 16) isLess = v128.and(isLess, f64x2.lt(v128.load(p), v128.load(p, 8)));
  if (!i64x2.all_true(isLess)) return false;
  return p >= last || load<f64>(p) < load<f64>(p, 8);
}

function decode(count: i32): bool {
  const codec = readByte();
  switch (codec) {
    case RAW:
      if (left() != 8 * count) return false;
      memory.copy(COLUMN, at, 8 * count);
      at = end;
      return true;
    case CONSTANT:
      if (count == 0 || left() < 8) return false;
      fill(COLUMN, 0, count, readI64());
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

function decodeLine(count: i32): bool {
  const start = readZigzag();
  const step = readZigzag();
  let integer = start;
  for (let p = COLUMN, last = COLUMN + ((<usize>count) << 3); p < last; p += 8) {
    store<f64>(p, <f64>integer);
    integer += step;
  }
  return at <= end;
}

/** Stores the same eight bytes at places [lo, hi). */
function fill(list: usize, lo: i32, hi: i32, bits: i64): void {
  const last = list + ((<usize>hi) << 3);
  for (let p = list + ((<usize>lo) << 3); p < last; p += 8) store<i64>(p, bits);
}

// ── Integer columns ─────────────────────────────────────────────────────────────────────────────────────────────────

function decodeIntegers(codec: i32, count: i32): bool {
  if (count == 0) return false;
  const scale = readByte();
  const more = (scale & HAS_MORE) != 0 ? readByte() : 0;
  const exponent = scale & EXPONENT_MASK;
  if ((more & MORE_RESERVED) != 0 || (exponent > EXPONENT_MAX && exponent != EXPONENT_ULPS)) return false;
  let first: i64 = 0;
  if (exponent == EXPONENT_ULPS) {
    if (left() < 8) return false;
    first = readI64();
  } else first = readZigzag();
  const divisor = (scale & HAS_DIVISOR) != 0 ? readVarint() : 1;
  if (at > end || !decodeBody(codec, count)) return false;
  if ((more & HAS_OFFSETS) != 0) {
    if (!applyOffsets(count, divisor)) return false;
    scaleColumn(exponent, count, first, 1);
  } else scaleColumn(exponent, count, first, divisor);
  if ((more & HAS_NUDGES) != 0) {
    if (!readResiduals(NUDGES, 0, count)) return false;
    if ((more & NUDGES_ARE_DELTAS) != 0) integrate(NUDGES, 0, count, 0);
    for (let i: usize = 0, last = (<usize>count) << 3; i < last; i += 8) {
      store<i64>(COLUMN + i, load<i64>(COLUMN + i) + load<i64>(NUDGES + i));
    }
  }
  return (scale & HAS_EXCEPTIONS) == 0 || readExceptions(count);
}

/** COLUMN = (first + INTEGERS · divisor) / 10^exponent, or that many representable doubles above `first`. */
function scaleColumn(exponent: i32, count: i32, first: i64, divisor: i64): void {
  const bytes = (<usize>count) << 3;
  if (exponent == EXPONENT_ULPS) {
    for (let i: usize = 0; i < bytes; i += 8) store<i64>(COLUMN + i, first + load<i64>(INTEGERS + i) * divisor);
    return;
  }
  if (scaleInPairs(exponent, count, first, divisor)) return;
  for (let i: usize = 0; i < bytes; i += 8) store<f64>(COLUMN + i, <f64>(first + load<i64>(INTEGERS + i) * divisor));
  if (exponent == 0) return;
  // Division, not multiplication by an inverse: only its result is the double nearest to the decimal. The last pair may
  // reach behind the column, where there is padding.
  const power = f64x2.splat(powerOfTen(exponent));
  for (let p = COLUMN, last = COLUMN + bytes; p < last; p += 16) v128.store(p, f64x2.div(v128.load(p), power));
}

const ROUNDER_BITS: i64 = 0x4338000000000000;
/** Whole numbers up to this are doubles, and so are sums of two of them. */
const WHOLE_MAX: f64 = 4503599627370496;

/**
 * The same two at a time, in doubles all the way: right as long as no number is beyond 2^52. False if one is; what is in the column then means
 * nothing.
 */
function scaleInPairs(exponent: i32, count: i32, first: i64, divisor: i64): bool {
  if (<u64>divisor > <u64>WHOLE_MAX || !(abs(<f64>first) <= WHOLE_MAX)) return false;
  const rounder = f64x2.splat(ROUNDER);
  const rounderBits = i64x2.splat(ROUNDER_BITS);
  const start = f64x2.splat(<f64>first);
  const step = f64x2.splat(<f64>divisor);
  const power = f64x2.splat(powerOfTen(exponent));
  let foundBits = i64x2.splat(0);
  let most = f64x2.splat(0);
  // An odd number at the end has a neighbour that is nobody's.
  if ((count & 1) != 0) store<i64>(INTEGERS + ((<usize>count) << 3), 0);
  for (let i: usize = 0, bytes = (<usize>count) << 3; i < bytes; i += 16) {
    const integers = v128.load(INTEGERS + i);
    // From -2^51 to 2^51 they change the lower 52 bits alone, and make them the double that is so much more than the rounder.
    foundBits = v128.or(foundBits, v128.xor(i64x2.add(integers, rounderBits), rounderBits));
    let pair = f64x2.sub(i64x2.add(integers, rounderBits), rounder);
    if (divisor != 1) {
      pair = f64x2.mul(pair, step);
      most = f64x2.pmax(most, f64x2.abs(pair));
    }
    pair = f64x2.add(pair, start);
    if (exponent != 0) pair = f64x2.div(pair, power);
    v128.store(COLUMN + i, pair);
  }
  const isNear = !v128.any_true(i64x2.shr_u(foundBits, 52));
  return isNear && f64x2.extract_lane(most, 0) <= WHOLE_MAX && f64x2.extract_lane(most, 1) <= WHOLE_MAX;
}

/** Fills INTEGERS[0..count), the first of them 0. */
function decodeBody(codec: i32, count: i32): bool {
  store<i64>(INTEGERS, 0);
  switch (codec) {
    case FRAME:
      return readResiduals(INTEGERS, 1, count);
    case DELTA:
      if (!readResiduals(INTEGERS, 1, count)) return false;
      integrate(INTEGERS, 1, count, 0);
      return true;
    case DELTA2: {
      const delta = readZigzag();
      if (count < 2 || !readResiduals(INTEGERS, 2, count)) return false;
      store<i64>(INTEGERS + 8, delta);
      integrate(INTEGERS, 2, count, delta);
      integrate(INTEGERS, 1, count, 0);
      return true;
    }
    case TREND: {
      const slope = readZigzag();
      if (!readResiduals(INTEGERS, 1, count)) return false;
      let line: i64 = 0;
      for (let p = INTEGERS, last = INTEGERS + ((<usize>count) << 3); p < last; p += 8) {
        store<i64>(p, load<i64>(p) + line);
        line += slope;
      }
      return true;
    }
    case GAPS:
      return decodeGaps(count);
    default:
      return decodeBitmap(count);
  }
}

/** Running sums of `list[lo..hi)`, in place, from `start` on. */
function integrate(list: usize, lo: i32, hi: i32, start: i64): void {
  let sum = start;
  const last = list + ((<usize>hi) << 3);
  for (let p = list + ((<usize>lo) << 3); p < last; p += 8) {
    sum += load<i64>(p);
    store<i64>(p, sum);
  }
}

function decodeGaps(count: i32): bool {
  const changes = readVarint();
  if (changes >= <i64>count || at > end) return false;
  const changeCount = <i32>changes;
  if (!readResiduals(GAP_LIST, 0, changeCount)) return false;
  const gapsEnd = at;
  if (!readResiduals(CHANGES, 0, changeCount)) return false;
  let lo = 0;
  let sum: i64 = 0;
  let place: i64 = 1;
  for (let k: usize = 0, last = (<usize>changeCount) << 3; k < last; k += 8) {
    const gap = load<i64>(GAP_LIST + k);
    if (<u64>gap > <u64>SAMPLES_MAX || place + gap >= <i64>count) {
      at = gapsEnd;
      return false;
    }
    place += gap;
    fill(INTEGERS, lo, <i32>place, sum);
    lo = <i32>place;
    place++;
    sum += load<i64>(CHANGES + k);
  }
  fill(INTEGERS, lo, count, sum);
  return true;
}

function decodeBitmap(count: i32): bool {
  const bitmapBytes = (count + 6) >> 3;
  if (left() < bitmapBytes) return false;
  const bitmap = at;
  at += bitmapBytes;
  let changeCount = 0;
  for (let k = 0; k < bitmapBytes; k++) {
    let bits = <u32>load<u8>(bitmap + <usize>k);
    // Bits behind the last sample do not count, whatever they are.
    if (8 * k + 8 > count - 1) bits &= (1 << (count - 1 - 8 * k)) - 1;
    changeCount += <i32>popcnt(bits);
  }
  if (!readResiduals(CHANGES, 0, changeCount)) return false;
  let change = CHANGES;
  let sum: i64 = 0;
  for (let i = 1; i < count; i++) {
    const bit = (<i64>load<u8>(bitmap + <usize>((i - 1) >> 3)) >> ((i - 1) & 7)) & 1;
    // No branch: which samples change is what nobody can predict. Past the last change the padding is read and dropped.
    sum += load<i64>(change) & -bit;
    change += (<usize>bit) << 3;
    store<i64>(INTEGERS + ((<usize>i) << 3), sum);
  }
  return true;
}

/** Reads a list of residuals into `list[lo..hi)`. */
function readResiduals(list: usize, lo: i32, hi: i32): bool {
  const count = max(0, hi - lo);
  const head = readByte();
  const width = head & WIDTH_MASK;
  const base = readZigzag();
  const patchCount = (head & HAS_PATCHES) != 0 ? readVarint() : 0;
  if (width > WIDTH_MAX || (head & ~(WIDTH_MASK | HAS_PATCHES)) != 0 || <u64>patchCount > <u64>count) return false;
  const patches = <i32>patchCount;
  const packedBytes = ((count - patches) * width + 7) >> 3;
  if (at > end || left() < packedBytes) return false;
  const bits = at;
  at += packedBytes;
  if (patches == 0) {
    unpack(bits, 0, width, base, list + ((<usize>lo) << 3), list + ((<usize>hi) << 3));
    return true;
  }
  let bit = 0;
  let i = lo;
  for (let patch = 0; patch < patches; patch++) {
    const place = readVarint();
    const distance = readVarint();
    const patchAt = <i64>i + (place >> 1);
    if (patchAt > <i64>(hi - (patches - patch))) return false;
    const run = <i32>patchAt - i;
    unpack(bits, bit, width, base, list + ((<usize>i) << 3), list + ((<usize>patchAt) << 3));
    bit += run * width;
    i = <i32>patchAt;
    store<i64>(list + ((<usize>i) << 3), (place & 1) == 1 ? base - distance : base + distance);
    i++;
  }
  unpack(bits, bit, width, base, list + ((<usize>i) << 3), list + ((<usize>hi) << 3));
  return at <= end;
}

/** Unpacks fields of `width` ≤ 53 bits, from bit `bit` on, to `base` + field at [p, last). */
function unpack(bits: usize, bit: usize, width: usize, base: i64, p: usize, last: usize): void {
  const mask = ((<i64>1) << width) - 1;
  // Four at a time: their loads do not wait for one another.
  for (; p + 24 < last; p += 32) {
    const bit1 = bit + width;
    const bit2 = bit1 + width;
    const bit3 = bit2 + width;
    store<i64>(p, base + ((load<i64>(bits + (bit >> 3)) >> (bit & 7)) & mask));
    store<i64>(p, base + ((load<i64>(bits + (bit1 >> 3)) >> (bit1 & 7)) & mask), 8);
    store<i64>(p, base + ((load<i64>(bits + (bit2 >> 3)) >> (bit2 & 7)) & mask), 16);
    store<i64>(p, base + ((load<i64>(bits + (bit3 >> 3)) >> (bit3 & 7)) & mask), 24);
    bit = bit3 + width;
  }
  for (; p < last; p += 8) {
    store<i64>(p, base + ((load<i64>(bits + (bit >> 3)) >> (bit & 7)) & mask));
    bit += width;
  }
}

/** INTEGERS · divisor, and from each place on another rest is added. */
function applyOffsets(count: i32, divisor: i64): bool {
  const offsetCount = readVarint();
  if (offsetCount > <i64>count) return false;
  let i = 0;
  let offset: i64 = 0;
  for (let k: i64 = 0; k < offsetCount; k++) {
    const place = <i64>i + readVarint() + (k == 0 ? 0 : 1);
    const next = readVarint();
    if (place >= <i64>count || at > end) return false;
    for (; i < <i32>place; i++) applyOffset(i, divisor, offset);
    offset = next;
  }
  for (; i < count; i++) applyOffset(i, divisor, offset);
  return true;
}

function applyOffset(i: i32, divisor: i64, offset: i64): void {
  const p = INTEGERS + ((<usize>i) << 3);
  store<i64>(p, load<i64>(p) * divisor + offset);
}

function readExceptions(count: i32): bool {
  const exceptionCount = readVarint();
  if (exceptionCount > <i64>count) return false;
  let place: i64 = 0;
  for (let k: i64 = 0; k < exceptionCount; k++) {
    const head = readVarint();
    const kind = <i32>head & 7;
    place += head >> 3;
    if (place >= <i64>count || at > end) return false;
    let bits: i64 = 0;
    if (kind == EXCEPTION_BITS) {
      if (left() < 8) return false;
      bits = readI64();
    } else {
      if (kind >= EXCEPTION_KINDS) return false;
      bits = load<i64>(EXCEPTION_VALUES + ((<usize>kind) << 3));
    }
    store<i64>(COLUMN + ((<usize>place) << 3), bits);
    place++;
  }
  return true;
}

// ── Doubles ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `width` ≤ 64 bits from bit `bit` of BYTES on. */
function bitsAt(bit: i32, width: i32): u64 {
  const p = BYTES + (<usize>bit >> 3);
  const shift = bit & 7;
  // A field of more than 57 bits may reach into a ninth byte. Two shifts, because one by 64 would do nothing.
  const value = (load<u64>(p) >> shift) | (((<u64>load<u8>(p, 8)) << (63 - shift)) << 1);
  return width == 64 ? value : value & (((<u64>1) << width) - 1);
}

function decodeXor(count: i32): bool {
  if (count == 0 || left() < 8) return false;
  let value = <u64>readI64();
  store<u64>(COLUMN, value);
  let bit = (<i32>(at - BYTES)) << 3;
  const bitEnd = (<i32>(end - BYTES)) << 3;
  let leading = 0;
  for (let i = 1; i < count; i++) {
    if (bit >= bitEnd) {
      at = end;
      return false;
    }
    const control = <i32>bitsAt(bit, 12);
    if ((control & 1) == 0) {
      bit += 1;
    } else if ((control & 2) == 0) {
      value ^= bitsAt(bit + 2, 64 - leading);
      bit += 2 + 64 - leading;
    } else {
      leading = leadingOfClass((control >> 3) & 7);
      if ((control & 4) == 0) {
        value ^= bitsAt(bit + 6, 64 - leading);
        bit += 6 + 64 - leading;
      } else {
        const significant = (control >> 6) + 1;
        const trailing = 64 - leading - significant;
        if (trailing < 0) return false;
        value ^= bitsAt(bit + 12, significant) << trailing;
        bit += 12 + significant;
      }
    }
    store<u64>(COLUMN + ((<usize>i) << 3), value);
  }
  at = BYTES + (<usize>(bit + 7) >> 3);
  return at <= end;
}

const PREFIXES: usize = memory.data(8 * PREFIXES_MAX, 16);

function decodeSplit(count: i32): bool {
  const shift = readByte();
  const size = readByte();
  if (shift > 52 || size < 1 || size > PREFIXES_MAX || left() < 2 * size) return false;
  for (let k = 0; k < size; k++) store<u64>(PREFIXES + ((<usize>k) << 3), readPrefix());
  const codeWidth = 32 - <i32>clz(size - 1);
  const codeBytes = (count * codeWidth + 7) >> 3;
  const width = 52 - shift;
  const mantissaBytes = (count * width + 7) >> 3;
  if (left() < codeBytes + mantissaBytes) return false;
  let codeBit = (<i32>(at - BYTES)) << 3;
  let bit = codeBit + (codeBytes << 3);
  for (let i = 0; i < count; i++) {
    const code = <i32>bitsAt(codeBit, codeWidth);
    if (code >= size) return false;
    store<u64>(COLUMN + ((<usize>i) << 3), load<u64>(PREFIXES + ((<usize>code) << 3)) | (bitsAt(bit, width) << shift));
    codeBit += codeWidth;
    bit += width;
  }
  at += codeBytes + mantissaBytes;

  const strangers = readVarint();
  if (strangers > <i64>count) return false;
  let place: i64 = 0;
  for (let k: i64 = 0; k < strangers; k++) {
    place += readVarint();
    if (place >= <i64>count || left() < 2) return false;
    const p = COLUMN + ((<usize>place) << 3);
    store<u64>(p, (load<u64>(p) & 0xfffffffffffff) | readPrefix());
    place++;
  }
  return at <= end;
}

// ── Bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** 0 behind the end: whoever reads checks `at <= end` before a length is trusted. */
function readByte(): i32 {
  if (at >= end) {
    at = end + 1;
    return 0;
  }
  return <i32>load<u8>(at++);
}

/** At most eight bytes, so < 2^56. Behind the end, or longer: moves `at` past the end and answers 0. */
function readVarint(): i64 {
  let value: i64 = 0;
  for (let shift = 0; shift < 56; shift += 7) {
    const byte = <i64>readByte();
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  at = end + 1;
  return 0;
}

function readZigzag(): i64 {
  const value = readVarint();
  return (value >> 1) ^ -(value & 1);
}

/** Sign and exponent in place. The caller checked that two bytes are there. */
function readPrefix(): u64 {
  const prefix = <u64>load<u16>(at) & 0xfff;
  at += 2;
  return prefix << 52;
}

/** The caller checked that eight bytes are there. */
function readI64(): i64 {
  const bits = load<i64>(at);
  at += 8;
  return bits;
}
