/**
 * JSON straight into growing bytes: answers of a million points never exist as objects or strings.
 *
 * Numbers are printed as Go's strconv.FormatFloat(v, 'f', -1, 64) prints them, which is what VictoriaMetrics sends: the
 * shortest digits that read back the same, never an exponent.
 */
import { jsonString } from "../http/json-string.ts";
import { givePiece, takePiece } from "../http/pieces.ts";

const COMMA = 0x2c;
const ZERO = 0x30;
/** Room kept free so that short writes need no check of their own. */
const SLACK_BYTES = 64;

export class JsonWriter {
  #bytes: Buffer = takePiece();
  #length = 0;

  /** Bytes written since the last take(). */
  get length(): number {
    return this.#length;
  }

  /** The bytes so far, the caller's from now on (pieces.ts); the writer goes on in memory of its own. */
  take(): Buffer {
    const taken = this.finish();
    this.#bytes = takePiece();
    this.#length = 0;
    return taken;
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

  /** Any text as UTF-8, as it is; lone surrogates become U+FFFD. */
  text(text: string): void {
    this.#reserve(3 * text.length);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  /** Shortest decimal without exponent; NaN, +Inf and -Inf as Go prints them. */
  float(value: number): void {
    // Small whole numbers are most of what there is, and printing them by hand is three times as quick.
    if (Number.isInteger(value) && value < 1e15 && value > -1e15 && !Object.is(value, -0)) this.integer(value);
    else this.raw(formatFloat(value));
  }

  /** A whole number of at most 15 digits. */
  integer(value: number): void {
    this.#reserve(SLACK_BYTES);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value;
    if (rest < 0) {
      bytes[at++] = 0x2d;
      rest = -rest;
    }
    let end = at + digitCount(rest);
    this.#length = end;
    // 32-bit division is the quick one: split what does not fit.
    while (rest > 999_999_999) {
      const high = Math.floor(rest / 1e9);
      let low = rest - high * 1e9;
      for (let i = 0; i < 9; i++) {
        const next = (low / 10) | 0;
        bytes[--end] = ZERO + low - next * 10;
        low = next;
      }
      rest = high;
    }
    do {
      const next = (rest / 10) | 0;
      bytes[--end] = ZERO + rest - next * 10;
      rest = next;
    } while (end > at);
  }

  /** Milliseconds as seconds: `1700000000.123`, without trailing zeros. */
  seconds(timestampMs: number): void {
    if (timestampMs < 0 || timestampMs >= 1e15) {
      this.float(timestampMs / 1000);
      return;
    }
    const whole = Math.floor(timestampMs / 1000);
    this.integer(whole);
    let fraction = timestampMs - whole * 1000;
    if (fraction === 0) return;
    let digits = 3;
    while (fraction % 10 === 0) {
      fraction /= 10;
      digits -= 1;
    }
    const bytes = this.#bytes;
    bytes[this.#length++] = 0x2e;
    for (let i = digits - 1; i >= 0; i--) {
      bytes[this.#length + i] = ZERO + (fraction % 10);
      fraction = (fraction / 10) | 0;
    }
    this.#length += digits;
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

function digitCount(value: number): number {
  let count = 1;
  let limit = 10;
  while (value >= limit) {
    limit *= 10;
    count += 1;
  }
  return count;
}
