/**
 * Prints columns of points: as JSON, `[1700000000.123,"1.5"],[1700000015.123,"2"]`; each column by itself, `1.5,2`; or a
 * line a point, `up{job="a"} 1.5 1700000000123`. Specified by src/kernel/points-twin.ts.
 *
 * Whole numbers are printed as they are; for the others the shortest digits that read back the same are found by
 * Schubfach (Raffaello Giulietti, "The Schubfach way to render doubles", 2020): scale the float and the two borders of
 * what rounds to it by one power of ten, such that the answer is one of the whole numbers beside it or, if that lies
 * between the borders, one of the multiples of ten beside it.
 */
const POINTS_MAX: i32 = 1024;
/** `[`, 327 of seconds (`-0.` and 324 decimals), `,"`, 327 of value, `"],`. */
const POINT_BYTES_MAX: i32 = 660;
/** Numbers are stored by whole words, up to so many bytes too far. */
const SLACK: i32 = 64;

/** Powers 10^-292 … 10^324 are all that doubles need. */
const POWER_MIN: i32 = -292;
const POWERS: usize = memory.data(617 * 16, 16);
const TIMESTAMPS: usize = memory.data(POINTS_MAX * 8, 16);
const VALUES: usize = memory.data(POINTS_MAX * 8, 16);
const BYTES: usize = memory.data(POINTS_MAX * POINT_BYTES_MAX + SLACK, 16);
/** By number of the point in its call: the time printed there last, and `[1700000000.123,"` with its length in the last byte. The columns of an answer mostly share their times. */
const KNOWN_TIMES: usize = memory.data(POINTS_MAX * 8, 16);
const KNOWN_TEXTS: usize = memory.data(POINTS_MAX * 32, 16);
const KNOWN_BYTES_MAX: usize = 24;
const KNOWN_LENGTH: usize = 31;
/** What stands before, between and behind the numbers of a line. */
const TEXT_BYTES_MAX: i32 = 4096;
const TEXTS: usize = memory.data(TEXT_BYTES_MAX + SLACK, 16);

const ZEROS: u64 = 0x3030303030303030;
const DIGITS_8: u64 = 100_000_000;
/** 10^16: the least number of 17 digits. */
const DIGITS_17: u64 = 10_000_000_000_000_000;
const INTEGER_LIMIT: f64 = 9007199254740992;

export function heapBase(): usize {
  return __heap_base;
}

/** Most points of one call. */
export function pointsMax(): i32 {
  return POINTS_MAX;
}

/**
 * Where the owner puts, once, the powers of ten from 10^-292 up: the upper 128 bits of each, rounded up, low word
 * first.
 */
export function powersAddress(): usize {
  return POWERS;
}

export function timestampsAddress(): usize {
  return TIMESTAMPS;
}

export function valuesAddress(): usize {
  return VALUES;
}

export function bytesAddress(): usize {
  return BYTES;
}

/** How many bytes the prints may fill. */
export function bytesMax(): i32 {
  return POINTS_MAX * POINT_BYTES_MAX;
}

export function textsAddress(): usize {
  return TEXTS;
}

/** Most bytes of a line's texts. */
export function textsMax(): i32 {
  return TEXT_BYTES_MAX;
}

/** Prints the first `count` of the timestamps and values to BYTES, comma between; returns how many bytes that were. */
export function printPoints(count: i32): i32 {
  let at = BYTES;
  const end = (<usize>count) << 3;
  for (let i: usize = 0; i < end; i += 8) {
    at = printBegin(at, i);
    at = printFloat(at, load<f64>(VALUES + i));
    store<u32>(at, 0x2c5d22); // "],
    at += 3;
  }
  return <i32>(at - BYTES) - (count > 0 ? 1 : 0);
}

/** Prints the first `count` of the values as JSON to BYTES, comma between: `1.5,null,"-Infinity"`; returns how many bytes. */
export function printValues(count: i32): i32 {
  let at = BYTES;
  const end = (<usize>count) << 3;
  for (let i: usize = 0; i < end; i += 8) {
    const value = load<f64>(VALUES + i);
    if (abs(value) < Infinity) at = printFloat(at, value);
    else at = printNoNumber(at, value);
    store<u8>(at++, 0x2c); // ,
  }
  return <i32>(at - BYTES) - (count > 0 ? 1 : 0);
}

/** Prints the first `count` of the timestamps as they are to BYTES, comma between; returns how many bytes. */
export function printTimestamps(count: i32): i32 {
  let at = BYTES;
  const end = (<usize>count) << 3;
  for (let i: usize = 0; i < end; i += 8) {
    at = printFloat(at, load<f64>(TIMESTAMPS + i) + 0);
    store<u8>(at++, 0x2c); // ,
  }
  return <i32>(at - BYTES) - (count > 0 ? 1 : 0);
}

/**
 * Prints a line a point to BYTES: text 0, a number, text 1, a number, text 2. The texts stand behind each other at TEXTS. The
 * time comes first if `isTimeFirst`, in milliseconds, seconds or nanoseconds for a `unit` of 0, 1 or 2. Returns how many
 * bytes: the caller sees to the room.
 */
export function printLines(count: i32, isTimeFirst: i32, unit: i32, length0: i32, length1: i32, length2: i32): i32 {
  let at = BYTES;
  const end = (<usize>count) << 3;
  const text1 = TEXTS + <usize>length0;
  const text2 = text1 + <usize>length1;
  for (let i: usize = 0; i < end; i += 8) {
    const value = load<f64>(VALUES + i);
    const ms = load<f64>(TIMESTAMPS + i);
    at = printText(at, TEXTS, length0);
    at = isTimeFirst ? printTime(at, ms, unit) : printFloat(at, value);
    at = printText(at, text1, length1);
    at = isTimeFirst ? printFloat(at, value) : printTime(at, ms, unit);
    at = printText(at, text2, length2);
  }
  return <i32>(at - BYTES);
}

/** `[1700000000.123,"` of the point whose time stands `i` bytes behind TIMESTAMPS. */
function printBegin(at: usize, i: usize): usize {
  const text = KNOWN_TEXTS + (i << 2);
  // By bits: a time that is not a number is as good as any other, and memory begins with time zero and no text.
  const bits = load<u64>(TIMESTAMPS + i);
  let length = <usize>load<u8>(text + KNOWN_LENGTH);
  if (bits != load<u64>(KNOWN_TIMES + i) || length == 0) {
    store<u8>(at, 0x5b); // [
    const end = printSeconds(at + 1, reinterpret<f64>(bits));
    store<u16>(end, 0x222c); // ,"
    length = end + 2 - at;
    if (length > KNOWN_BYTES_MAX) return end + 2;
    for (let k: usize = 0; k < KNOWN_BYTES_MAX; k += 8) store<u64>(text + k, load<u64>(at + k));
    store<u8>(text + KNOWN_LENGTH, <u8>length);
    store<u64>(KNOWN_TIMES + i, bits);
    return end + 2;
  }
  for (let k: usize = 0; k < KNOWN_BYTES_MAX; k += 8) store<u64>(at + k, load<u64>(text + k));
  return at + length;
}

function printText(at: usize, from: usize, length: i32): usize {
  const end = at + <usize>length;
  for (; at < end; at += 8, from += 8) store<u64>(at, load<u64>(from));
  return end;
}

/** Whole seconds are cut towards zero; nanoseconds of a whole number of milliseconds are exact. */
function printTime(at: usize, ms: f64, unit: i32): usize {
  if (unit == 1) return printFloat(at, trunc(ms / 1000) + 0);
  const end = printFloat(at, ms + 0);
  if (unit == 0 || ms == 0) return end;
  store<u64>(end, ZEROS);
  return end + 6;
}

/** What JSON has no number for. */
function printNoNumber(at: usize, value: f64): usize {
  if (value != value) {
    store<u32>(at, 0x6c6c756e); // null
    return at + 4;
  }
  store<u8>(at++, 0x22);
  if (value < 0) store<u8>(at++, 0x2d);
  store<u64>(at, 0x7974696e69666e49); // Infinity
  store<u8>(at, 0x22, 8);
  return at + 9;
}

/**
 * Milliseconds as seconds: the shortest decimal of `ms / 1000`. Below 10^15 that has the digits of `ms`, for no two
 * decimals of 15 digits are one double. Zero has no sign.
 */
function printSeconds(at: usize, ms: f64): usize {
  if (!(ms >= 0 && ms < 1e15)) return printFloat(at, ms / 1000 + 0);
  const whole = <u64>(<i64>ms);
  if (<f64>(<i64>whole) != ms) return printFloat(at, ms / 1000 + 0);
  const seconds = whole / 1000;
  const fraction = <u32>(whole - seconds * 1000);
  const end = printWhole(at, seconds);
  if (fraction == 0) return end;
  const tenths = fraction / 100;
  const hundredths = fraction / 10 - tenths * 10;
  const thousandths = fraction - (fraction / 10) * 10;
  store<u32>(end, 0x3030302e | (tenths << 8) | (hundredths << 16) | (thousandths << 24));
  return end + (thousandths != 0 ? 4 : hundredths != 0 ? 3 : 2);
}

/** As Go's `strconv.FormatFloat(value, 'f', -1, 64)`. */
function printFloat(at: usize, value: f64): usize {
  const bits = reinterpret<u64>(value);
  const magnitude = abs(value);
  if (magnitude < INTEGER_LIMIT) {
    if (<i64>bits < 0) store<u8>(at++, 0x2d); // -, of -0 too
    const whole = <u64>(<i64>magnitude);
    if (<f64>(<i64>whole) == magnitude) return printWhole(at, whole);
  } else if (magnitude < Infinity) {
    if (<i64>bits < 0) store<u8>(at++, 0x2d);
  } else {
    if (value != value) {
      store<u32>(at, 0x4e614e); // NaN
      return at + 3;
    }
    store<u32>(at, value > 0 ? 0x666e492b : 0x666e492d); // +Inf, -Inf
    return at + 4;
  }
  return printShortest(at, bits);
}

/** Digits of a number below 10^16. */
function printWhole(at: usize, whole: u64): usize {
  if (whole < DIGITS_8) return printHead(at, whole);
  const head = whole / DIGITS_8;
  const end = printHead(at, head);
  store<u64>(end, spread(whole - head * DIGITS_8) | ZEROS);
  return end + 8;
}

/** Digits of a number below 10^8, without leading zeros. */
function printHead(at: usize, head: u64): usize {
  const digits = spread(head);
  // Zero has a digit, too.
  const leading = ctz(digits | ((<u64>1) << 56)) & ~7;
  store<u64>(at, (digits | ZEROS) >> leading);
  return at + 8 - <usize>(leading >> 3);
}

/** The eight digits of a number below 10^8, a byte each, the first in the lowest: halves, their halves, and theirs. */
function spread(number: u64): u64 {
  const upper = (number * 109_951_163) >> 40; // number / 10^4
  const fours = upper | ((number - upper * 10_000) << 32);
  const upperTwos = ((fours * 10_486) >> 20) & 0x7f_0000_007f; // each / 100
  const twos = upperTwos | ((fours - upperTwos * 100) << 16);
  const upperOnes = ((twos * 103) >> 10) & 0xf_000f_000f_000f; // each / 10
  return upperOnes | ((twos - upperOnes * 10) << 8);
}

/** The float of these bits, whatever its sign; neither zero nor NaN nor infinite. */
function printShortest(at: usize, bits: u64): usize {
  const fraction = bits & 0xf_ffff_ffff_ffff;
  const biased = <i32>(bits >> 52) & 0x7ff;
  // The value is significand · 2^exponent.
  const significand = biased == 0 ? fraction : fraction | ((<u64>1) << 52);
  const exponent = (biased == 0 ? 1 : biased) - 1075;
  // At powers of two the float below is half as far away as the one above.
  const isUneven = fraction == 0 && biased > 1;

  // The greatest power of ten no wider than what rounds to the value: log10 of 2^exponent, or of 3/4 of it.
  let scale = (exponent * 1_262_611 - (isUneven ? 524_031 : 0)) >> 22;
  // 2^exponent / 10^scale is power · 2^(shift - 2 - 128), with a shift of 1 to 4.
  const shift = <u64>(exponent + ((-scale * 1_741_647) >> 19) + 1);
  const power = POWERS + ((<usize>(-scale - POWER_MIN)) << 4);
  const power0 = load<u64>(power);
  const power1 = load<u64>(power, 8);

  // Four times the value, as 192 bits with the point behind the upper 64; and half a step between floats, likewise.
  const factor = significand << (2 + shift);
  const value0 = power0 * factor;
  const low1 = multiplyHigh(power0, factor);
  const value1 = power1 * factor + low1;
  const value2 = multiplyHigh(power1, factor) + <u64>(value1 < low1);
  const upShift = shift + 1;
  const downShift = isUneven ? shift : upShift;
  const above = add(
    value0,
    value1,
    value2,
    power0 << upShift,
    (power1 << upShift) | (power0 >> (64 - upShift)),
    power1 >> (64 - upShift),
  );
  const below = subtract(
    value0,
    value1,
    value2,
    power0 << downShift,
    (power1 << downShift) | (power0 >> (64 - downShift)),
    power1 >> (64 - downShift),
  );
  const value4 = toOdd(value2, value1);

  // The borders themselves round to an even float.
  const isOdd = significand & 1;
  const lo = below + isOdd;
  const hi = above - isOdd;

  let number = value4 >> 2;
  const shorter = number / 10;
  const isShorterIn = lo <= 40 * shorter;
  if (number >= 10 && isShorterIn != 40 * shorter + 40 <= hi) {
    number = shorter + <u64>!isShorterIn;
    scale += 1;
  } else {
    const isLowerIn = lo <= 4 * number;
    const isUpperIn = 4 * number + 4 <= hi;
    const middle = 4 * number + 2;
    const isUpperNearer = value4 > middle || (value4 == middle && (number & 1) != 0);
    number += <u64>(isLowerIn != isUpperIn ? isUpperIn : isUpperNearer);
  }
  while (number < DIGITS_17) {
    number *= 10;
    scale -= 1;
  }
  return printDecimal(at, number, 17 + scale);
}

/** `0.d…d · 10^point` of the 17 digits of `number`, the first of which is not 0. */
function printDecimal(at: usize, number: u64, point: i32): usize {
  const upper = number / DIGITS_8;
  const lower = number - upper * DIGITS_8;
  const first = upper / DIGITS_8;
  const head = spread(upper - first * DIGITS_8);
  const tail = spread(lower);
  // Digits up to the last that is not 0.
  const count = tail != 0 ? 17 - <i32>(clz(tail) >> 3) : head != 0 ? 9 - <i32>(clz(head) >> 3) : 1;

  if (point <= 0) {
    store<u16>(at, 0x2e30); // 0.
    at = printZeros(at + 2, -point);
    storeDigits(at, first, head, tail);
    return at + <usize>count;
  }
  storeDigits(at, first, head, tail);
  if (point >= count) {
    printZeros(at + <usize>count, point - count);
    return at + <usize>point;
  }
  // Makes room for the point: 16 digits behind it at most.
  const pointAt = at + <usize>point;
  const next = load<u64>(pointAt);
  const last = load<u64>(pointAt, 8);
  store<u8>(pointAt, 0x2e);
  store<u64>(pointAt, next, 1);
  store<u64>(pointAt, last, 9);
  return at + <usize>(count + 1);
}

function storeDigits(at: usize, first: u64, head: u64, tail: u64): void {
  store<u8>(at, 0x30 | <u8>first);
  store<u64>(at, head | ZEROS, 1);
  store<u64>(at, tail | ZEROS, 9);
}

function printZeros(at: usize, count: i32): usize {
  const end = at + <usize>count;
  for (; at < end; at += 8) store<u64>(at, ZEROS);
  return end;
}

/** Upper word of a sum of three words each, made odd if anything is behind the point. */
function add(a0: u64, a1: u64, a2: u64, b0: u64, b1: u64, b2: u64): u64 {
  const carry0 = <u64>(a0 + b0 < a0);
  const sum1 = a1 + b1;
  const sum = sum1 + carry0;
  return toOdd(a2 + b2 + <u64>(sum1 < a1) + <u64>(sum < sum1), sum);
}

function subtract(a0: u64, a1: u64, a2: u64, b0: u64, b1: u64, b2: u64): u64 {
  const borrow0 = <u64>(a0 < b0);
  const rest1 = a1 - b1;
  const rest = rest1 - borrow0;
  return toOdd(a2 - b2 - <u64>(a1 < b1) - <u64>(rest1 < borrow0), rest);
}

/**
 * A whole part that is odd if it was or if there was a fraction: enough to compare it with even numbers. Only the upper
 * word of the fraction tells: the powers are rounded up, which shows in the lower one (Giulietti, section 9).
 */
function toOdd(whole: u64, fraction: u64): u64 {
  return whole | <u64>(fraction != 0);
}

/** Upper 64 of the 128 bits of a product. */
function multiplyHigh(a: u64, b: u64): u64 {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const middle = a1 * b0 + ((a0 * b0) >> 32);
  return a1 * b1 + (middle >> 32) + ((a0 * b1 + (middle & 0xffffffff)) >> 32);
}
