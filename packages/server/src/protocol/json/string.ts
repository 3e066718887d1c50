/** Strings of JSON as bytes: found without decoding, and unescaped into bytes again, so that label bytes stay bytes. */

/**
 * The offset of the quote that closes the string opened before `at`, or -1 when it does not end before `hi`.
 * `target.hasEscapes` says whether a backslash was seen. Control characters are let through: identity is bytes.
 */
export function findStringEnd(bytes: Uint8Array, at: number, hi: number, target: { hasEscapes: boolean }): number {
  target.hasEscapes = false;
  for (let i = at; i < hi; i++) {
    const byte = bytes[i];
    if (byte === 0x22) return i;
    if (byte === 0x5c) {
      target.hasEscapes = true;
      i++;
    }
  }
  return -1;
}

/**
 * Writes `bytes[lo..hi)` with JSON's escapes undone to `target` from `targetLo` on: never more bytes than it reads.
 * Returns the end of what it wrote, or -1 if there is an escape JSON does not know. A surrogate without its other half
 * stays as it was written, six characters, so that two different strings never become one.
 */
export function unescapeString(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  target: Uint8Array,
  targetLo: number,
): number {
  let end = targetLo;
  for (let i = lo; i < hi; i++) {
    const byte = bytes[i];
    if (byte !== 0x5c) {
      target[end++] = byte;
      continue;
    }
    if (++i >= hi) return -1;
    const letter = bytes[i];
    if (letter !== 0x75) {
      const plain = plainEscape(letter);
      if (plain < 0) return -1;
      target[end++] = plain;
      continue;
    }
    const unit = readHex4(bytes, i + 1, hi);
    if (unit < 0) return -1;
    i += 4;
    if (unit < 0xd800 || unit > 0xdfff) {
      end = writeUtf8(unit, target, end);
      continue;
    }
    const isPair = unit < 0xdc00 && i + 2 < hi && bytes[i + 1] === 0x5c && bytes[i + 2] === 0x75;
    const low = isPair ? readHex4(bytes, i + 3, hi) : -1;
    if (low >= 0xdc00 && low <= 0xdfff) {
      end = writeUtf8(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), target, end);
      i += 6;
    } else {
      for (let k = i - 5; k <= i; k++) target[end++] = bytes[k];
    }
  }
  return end;
}

function plainEscape(byte: number): number {
  switch (byte) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return byte;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return -1;
  }
}

function readHex4(bytes: Uint8Array, at: number, hi: number): number {
  if (at + 4 > hi) return -1;
  let unit = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i];
    const lower = byte | 0x20;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function writeUtf8(point: number, target: Uint8Array, at: number): number {
  if (point < 0x80) {
    target[at] = point;
    return at + 1;
  }
  if (point < 0x800) {
    target[at] = 0xc0 | (point >> 6);
    target[at + 1] = 0x80 | (point & 0x3f);
    return at + 2;
  }
  if (point < 0x10000) {
    target[at] = 0xe0 | (point >> 12);
    target[at + 1] = 0x80 | ((point >> 6) & 0x3f);
    target[at + 2] = 0x80 | (point & 0x3f);
    return at + 3;
  }
  target[at] = 0xf0 | (point >> 18);
  target[at + 1] = 0x80 | ((point >> 12) & 0x3f);
  target[at + 2] = 0x80 | ((point >> 6) & 0x3f);
  target[at + 3] = 0x80 | (point & 0x3f);
  return at + 4;
}
