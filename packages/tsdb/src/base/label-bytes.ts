/**
 * Label bytes ⇄ text without losing a byte.
 *
 * Two label values that are different byte strings are different series, valid UTF-8 or not. JavaScript strings can
 * carry that: a byte that is part of no valid UTF-8 sequence becomes the lone surrogate U+DC00 + byte, that is
 * U+DC80..U+DCFF, which no valid UTF-8 decodes to (the rule of Python's "surrogateescape", PEP 383).
 *
 *   63 61 66 c3 a9   ⇄  "café"
 *   63 61 66 e9      ⇄  "caf\udce9"
 *
 * `encodeLabelText(decodeLabelBytes(b))` is `b` for every b. Writers of output turn lone surrogates into U+FFFD.
 */

const NONE: Uint8Array = new Uint8Array(0);
/** Below this, a loop beats the call into the engine's converter. */
const SHORT = 24;
/** Arguments a call can take on the stack with a wide margin. */
const CHUNK = 4096;

/** Text of `bytes[lo..hi)`; reversible by `encodeLabelText`. */
export function decodeLabelBytes(bytes: Uint8Array, lo: number, hi: number): string {
  for (let i = lo; i < hi; i++) {
    if ((bytes[i] as number) >= 0x80) return decodeUtf8(bytes, lo, hi);
  }
  return decodeAscii(bytes, lo, hi);
}

/** Bytes of `text`: UTF-8, with U+DC80..U+DCFF outside a pair as the single byte they stand for. A new array. */
export function encodeLabelText(text: string): Uint8Array {
  if (text.length === 0) return NONE;
  const target = new Uint8Array(labelTextByteLength(text));
  writeLabelText(text, target, 0);
  return target;
}

/**
 * Writes the bytes of `text` to `target` from `offset` on and returns the offset behind them.
 * The caller sees to the room: `labelTextByteLength(text)`, at most three times `text.length`.
 */
export function writeLabelText(text: string, target: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return writeUtf8(text, i, target, offset + i);
    target[offset + i] = unit;
  }
  return offset + text.length;
}

/** How many bytes `writeLabelText` writes. */
export function labelTextByteLength(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (isPair(text, i)) {
      length += 4;
      i++;
    } else length += isEscape(unit) ? 1 : 3;
  }
  return length;
}

function decodeAscii(bytes: Uint8Array, lo: number, hi: number): string {
  let text = "";
  if (hi - lo < SHORT) {
    for (let i = lo; i < hi; i++) text += String.fromCharCode(bytes[i] as number);
    return text;
  }
  for (let i = lo; i < hi; i += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, Math.min(i + CHUNK, hi)) as unknown as number[]);
  }
  return text;
}

/** The well-formed sequences are those of Unicode's table 3-7: shortest form, no surrogates, at most U+10FFFF. */
function decodeUtf8(bytes: Uint8Array, lo: number, hi: number): string {
  let text = "";
  let i = lo;
  while (i < hi) {
    const lead = bytes[i] as number;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      i += 1;
      continue;
    }
    const length = sequenceLength(bytes, i, hi);
    if (length === 1) text += String.fromCharCode(0xdc00 + lead);
    else {
      let point = lead & (0x7f >> length);
      for (let k = 1; k < length; k++) point = (point << 6) | ((bytes[i + k] as number) & 0x3f);
      text += String.fromCodePoint(point);
    }
    i += length;
  }
  return text;
}

/** Length of the well-formed sequence of several bytes at `i`, 1 if there is none. */
function sequenceLength(bytes: Uint8Array, i: number, hi: number): number {
  const lead = bytes[i] as number;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || i + length > hi) return 1;
  const second = bytes[i + 1] as number;
  const secondMin = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const secondMax = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < secondMin || second > secondMax) return 1;
  for (let k = 2; k < length; k++) {
    if (((bytes[i + k] as number) & 0xc0) !== 0x80) return 1;
  }
  return length;
}

function writeUtf8(text: string, from: number, target: Uint8Array, offset: number): number {
  let at = offset;
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) target[at++] = unit;
    else if (unit < 0x800) {
      target[at++] = 0xc0 | (unit >> 6);
      target[at++] = 0x80 | (unit & 0x3f);
    } else if (isPair(text, i)) {
      const point = text.codePointAt(i) as number;
      target[at++] = 0xf0 | (point >> 18);
      target[at++] = 0x80 | ((point >> 12) & 0x3f);
      target[at++] = 0x80 | ((point >> 6) & 0x3f);
      target[at++] = 0x80 | (point & 0x3f);
      i++;
    } else if (isEscape(unit)) target[at++] = unit - 0xdc00;
    else {
      // Half a pair that stands for no byte can only come from a program: U+FFFD, as TextEncoder writes it.
      const point = unit >= 0xd800 && unit <= 0xdfff ? 0xfffd : unit;
      target[at++] = 0xe0 | (point >> 12);
      target[at++] = 0x80 | ((point >> 6) & 0x3f);
      target[at++] = 0x80 | (point & 0x3f);
    }
  }
  return at;
}

function isPair(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  if (unit < 0xd800 || unit > 0xdbff) return false;
  const next = text.charCodeAt(i + 1);
  return next >= 0xdc00 && next <= 0xdfff;
}

function isEscape(unit: number): boolean {
  return unit >= 0xdc80 && unit <= 0xdcff;
}
