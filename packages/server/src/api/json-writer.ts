/**
 * JSON straight into growing bytes: answers of a million points never exist as objects or strings.
 *
 * Numbers are printed as Go's strconv.FormatFloat(v, 'f', -1, 64) prints them, which is what VictoriaMetrics sends: the
 * shortest digits that read back the same, never an exponent.
 */
import { printTexts, type Texts } from "@nyanza/tsdb";
import { jsonString } from "../http/json-string.ts";
import { givePiece, takePiece } from "../http/pieces.ts";

const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
/** Room kept free so that short writes need no check of their own. */
const SLACK_BYTES = 64;
/** So few are copied more quickly one by one. */
const LOOP_BYTES_MAX = 32;
export class JsonWriter {
  #bytes: Buffer = takePiece();
  #length = 0;
  /** Pieces that were taken. */
  taken = 0;

  /** Bytes written since the last take(). */
  get length(): number {
    return this.#length;
  }

  /** The bytes so far, the caller's from now on (pieces.ts); the writer goes on in memory of its own. */
  take(): Buffer {
    const piece = this.finish();
    this.#bytes = takePiece();
    this.#length = 0;
    this.taken++;
    return piece;
  }

  /** The bytes so far, as the last call. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** ASCII as it is: punctuation, names of fields. */
  raw(ascii: string): void {
    this.#reserve(ascii.length);
    let at = this.#length;
    const bytes = this.#bytes;
    for (let i = 0; i < ascii.length; i++) bytes[at++] = ascii.charCodeAt(i);
    this.#length = at;
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** What was written at `[lo, hi)` since the last take(), again. */
  repeat(lo: number, hi: number): void {
    this.#reserve(hi - lo);
    const bytes = this.#bytes;
    let at = this.#length;
    if (hi - lo > LOOP_BYTES_MAX) bytes.copyWithin(at, lo, hi);
    else for (let i = lo; i < hi; i++) bytes[at++] = bytes[i] as number;
    this.#length += hi - lo;
  }

  comma(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = COMMA;
  }

  /** Quoted and escaped. */
  string(text: string): void {
    this.#reserve(text.length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 0x22;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c || unit === 0x3c || unit === 0x27) {
        this.text(jsonString(text));
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at++] = 0x22;
    this.#length = at;
  }

  /** `items[lo..hi)` as `string` writes them, with commas between: at once if all are plain. */
  strings(items: readonly string[], lo: number, hi: number): void {
    const some = items.slice(lo, hi);
    if (/[^ !#-&(-;=-[\]-~]/.test(some.join(""))) {
      for (let i = lo; i < hi; i++) {
        if (i > lo) this.comma();
        this.string(items[i] as string);
      }
      return;
    }
    const text = `"${some.join('","')}"`;
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, "latin1");
  }

  /** Texts `[lo..hi)`, at most PRINTED_TEXTS_MAX, as `strings` writes them. False if they need more than quotes: then nothing is written. */
  plainTexts(texts: Texts, lo: number, hi: number): boolean {
    const printed = printTexts(texts, lo, hi);
    if (printed === null) return false;
    this.bytes(printed);
    return true;
  }

  /** Any text as UTF-8, as it is; lone surrogates become U+FFFD. */
  text(text: string): void {
    this.#reserve(3 * text.length);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  /** Shortest decimal without exponent; NaN, +Inf and -Inf as Go prints them. */
  float(value: number): void {
    // Whole numbers and short decimals are most of what there is, and printing them by hand is several times as quick.
    const size = Math.abs(value);
    if (size < 1e15 && !Object.is(value, -0)) {
      if (Math.floor(size) === size) {
        this.integer(value);
        return;
      }
      if (this.#decimal(value, size, 1e3, 3) || this.#decimal(value, size, 1e6, 6)) return;
    }
    this.raw(formatFloat(value));
  }

  /** A whole number of at most 15 digits. */
  integer(value: number): void {
    this.#reserve(SLACK_BYTES);
    let rest = value;
    if (rest < 0) {
      this.#bytes[this.#length++] = MINUS;
      rest = -rest;
    }
    this.#length = writeWhole(this.#bytes, this.#length, rest);
  }

  /**
   * Prints `value` if it is a decimal of at most `places` digits behind the point and 15 in all. No two of those are the
   * same float64 and quotients are rounded correctly: what divides back to `value` is its shortest decimal.
   */
  #decimal(value: number, size: number, scale: number, places: number): boolean {
    const scaled = Math.floor(size * scale + 0.5);
    if (scaled >= 1e15 || scaled / scale !== size) return false;
    this.#reserve(SLACK_BYTES);
    const whole = Math.floor(size);
    if (value < 0) this.#bytes[this.#length++] = MINUS;
    this.#length = writeWhole(this.#bytes, this.#length, whole);
    this.#fraction(scaled - whole * scale, places);
    return true;
  }

  /** A point and `places` digits of `fraction`, without trailing zeros; there is room and `fraction` is not 0. */
  #fraction(fraction: number, places: number): void {
    const bytes = this.#bytes;
    bytes[this.#length] = POINT;
    let end = writeDigits(bytes, this.#length + 1, fraction | 0, places);
    while (bytes[end - 1] === ZERO) end--;
    this.#length = end;
  }

  /** Milliseconds as seconds: `1700000000.123`, without trailing zeros. */
  seconds(timestampMs: number): void {
    if (timestampMs < 0 || timestampMs >= 1e15) {
      this.float(timestampMs / 1000);
      return;
    }
    const whole = Math.floor(timestampMs / 1000);
    this.integer(whole);
    if (timestampMs !== whole * 1000) this.#fraction(timestampMs - whole * 1000, 3);
  }

  #reserve(count: number): void {
    const wanted = this.#length + count + SLACK_BYTES;
    if (wanted <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    givePiece(this.#bytes);
    this.#bytes = grown;
  }
}

/** As Go's strconv.FormatFloat(value, 'f', -1, 64). */
export function formatFloat(value: number): string {
  if (value !== value) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const size = Math.abs(value);
  if (size >= 1e-6 && size < 1e21) return text;
  const exponentAt = text.indexOf("e");
  if (exponentAt < 0) return text;
  const sign = value < 0 ? "-" : "";
  const mantissa = text.slice(sign.length, exponentAt);
  const exponent = Number(text.slice(exponentAt + 1));
  const point = mantissa.indexOf(".");
  const digits = mantissa.replace(".", "");
  const pointAt = (point < 0 ? mantissa.length : point) + exponent;
  if (pointAt <= 0) return `${sign}0.${"0".repeat(-pointAt)}${digits}`;
  if (pointAt >= digits.length) return `${sign}${digits}${"0".repeat(pointAt - digits.length)}`;
  return `${sign}${digits.slice(0, pointAt)}.${digits.slice(pointAt)}`;
}

/** Writes a whole number from 0 to below 1e15 at `at`; answers where it ends. */
function writeWhole(bytes: Uint8Array, at: number, value: number): number {
  // 32-bit division is the quick one: split what does not fit.
  if (value < 1e8) return writeDigits(bytes, at, value | 0, digitCount(value | 0));
  const high = (value / 1e8) | 0;
  const middle = writeDigits(bytes, at, high, digitCount(high));
  return writeDigits(bytes, middle, (value - high * 1e8) | 0, 8);
}

/** ASCII of 00 to 99. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

/** Writes the last `count` digits of a whole number below 1e8 at `at`, zeros in front; answers where they end. */
function writeDigits(bytes: Uint8Array, at: number, value: number, count: number): number {
  const end = at + count;
  let rest = value;
  let to = end;
  while (to - at >= 2) {
    const next = (rest / 100) | 0;
    const pair = (rest - next * 100) << 1;
    to -= 2;
    bytes[to] = PAIRS[pair] as number;
    bytes[to + 1] = PAIRS[pair + 1] as number;
    rest = next;
  }
  if (to > at) bytes[at] = ZERO + rest;
  return end;
}

const POWERS_OF_TEN = Int32Array.from({ length: 9 }, (_, i) => 10 ** i);

/** Digits of a whole number from 0 to below 1e8. */
function digitCount(value: number): number {
  if (value < 10) return 1;
  // Bits times log10(2) is the count or one less.
  const count = ((32 - Math.clz32(value)) * 1233) >> 12;
  return value < (POWERS_OF_TEN[count] as number) ? count : count + 1;
}
