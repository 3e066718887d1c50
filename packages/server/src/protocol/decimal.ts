/**
 * Decimal literals in bytes → float64, correctly rounded: every float64 written with enough digits comes back as it was.
 *
 * Most numbers on the wire are short. A mantissa of at most 2^53 is exact in a float64, so is 10^22, and one IEEE
 * multiplication or division of two exact numbers rounds once: that is the correct result (Clinger's fast path). All else
 * goes through Number().
 */

/** A place in bytes that a reading function moves on. */
export interface Cursor {
  at: number;
}

/** `10^i`, exact up to 22. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/** Appending one more digit to a mantissa up to this one stays within 2^53. */
const MANTISSA_SHORT_MAX = 900_719_925_474_098;

/**
 * Reads `[+-] digits [. digits] [e [+-] digits]` (digits on one side of the point are enough) from `cursor.at` and moves the
 * cursor behind it. Stops at the first byte that does not belong to the number. Too large is ±Infinity.
 * Returns NaN, the cursor anywhere, when there is no number: a literal is never NaN itself.
 */
export function readDecimal(bytes: Uint8Array, cursor: Cursor, hi: number): number {
  const lo = cursor.at;
  let at = lo;
  let byte = at < hi ? bytes[at] : 0;
  const isNegative = byte === 0x2d;
  if (isNegative || byte === 0x2b) byte = ++at < hi ? bytes[at] : 0;
  let mantissa = 0;
  let exponent = 0;
  let isExact = true;
  const integerLo = at;
  for (; byte >= 0x30 && byte <= 0x39; byte = ++at < hi ? bytes[at] : 0) {
    if (mantissa <= MANTISSA_SHORT_MAX) mantissa = mantissa * 10 + (byte - 0x30);
    else isExact = false;
  }
  let digits = at - integerLo;
  if (byte === 0x2e) {
    byte = ++at < hi ? bytes[at] : 0;
    const fractionLo = at;
    for (; byte >= 0x30 && byte <= 0x39; byte = ++at < hi ? bytes[at] : 0) {
      if (mantissa <= MANTISSA_SHORT_MAX) {
        mantissa = mantissa * 10 + (byte - 0x30);
        exponent--;
      } else {
        isExact = false;
      }
    }
    digits += at - fractionLo;
  }
  if (digits === 0) return NaN;
  if (byte === 0x65 || byte === 0x45) {
    byte = ++at < hi ? bytes[at] : 0;
    const isDown = byte === 0x2d;
    if (isDown || byte === 0x2b) byte = ++at < hi ? bytes[at] : 0;
    const powerLo = at;
    let power = 0;
    for (; byte >= 0x30 && byte <= 0x39; byte = ++at < hi ? bytes[at] : 0) {
      if (power < 100_000) power = power * 10 + (byte - 0x30);
    }
    if (at === powerLo) return NaN;
    exponent += isDown ? -power : power;
  }
  cursor.at = at;
  if (isExact && exponent >= -22 && exponent <= 22) {
    const value = exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent] : mantissa * POWERS_OF_TEN[exponent];
    return isNegative ? -value : value;
  }
  return Number(latin1(bytes, lo, at));
}

/** The number that is all of `bytes[lo..hi)`, or NaN when that is not one. */
export function parseDecimal(bytes: Uint8Array, lo: number, hi: number): number {
  const cursor: Cursor = { at: lo };
  const value = readDecimal(bytes, cursor, hi);
  return cursor.at === hi ? value : NaN;
}

/**
 * Reads what people write for numbers that are none: `inf`, `infinity`, `nan` in any case, with a sign before the first two.
 * Returns false if `bytes[lo..hi)` is none of them, else the value is in `target.value`.
 */
export function parseSpecialNumber(bytes: Uint8Array, lo: number, hi: number, target: { value: number }): boolean {
  if (hi - lo > 9) return false;
  const word = latin1(bytes, lo, hi).toLowerCase();
  if (word === "nan") target.value = NaN;
  else if (word === "inf" || word === "+inf" || word === "infinity" || word === "+infinity") target.value = Infinity;
  else if (word === "-inf" || word === "-infinity") target.value = -Infinity;
  else return false;
  return true;
}

/** ASCII bytes as a string, without a decoder's start-up cost. */
export function latin1(bytes: Uint8Array, lo: number, hi: number): string {
  if (hi - lo > 64) return Buffer.from(bytes.buffer, bytes.byteOffset + lo, hi - lo).toString("latin1");
  let text = "";
  for (let i = lo; i < hi; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Milliseconds beyond this are stored as this: a batch's timestamps are integers that a float64 holds exactly. */
const TIMESTAMP_MS_MAX = 2 ** 53;

/** An int64 of milliseconds as a batch wants it: whole, within ±2^53. NaN when it is no int64 at all. */
export function clampTimestampMs(timestampMs: number): number {
  if (!(Math.abs(timestampMs) <= 2 ** 63)) return NaN;
  return Math.max(-TIMESTAMP_MS_MAX, Math.min(TIMESTAMP_MS_MAX, Math.trunc(timestampMs)));
}
