/**
 * Variable-length whole numbers as protobuf and snappy write them: seven bits a byte, lowest first, the top bit set on
 * all bytes but the last. Here for numbers JavaScript holds exactly (0..2^53-1).
 */

/** The longest that `writeVarint` writes. */
export const VARINT_BYTES_MAX = 8;

/** Bytes that `writeVarint` takes for `value`. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Writes `value`, whole and in 0..2^53-1, at `offset`; returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  // Above 32 bits shifts would cut the number.
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80;
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}

/** Reads varints one behind the other out of `bytes[at..end)`. */
export class VarintReader {
  readonly bytes: Uint8Array;
  /** Offset of the next byte; what is not a varint is read by whoever moves it. */
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /**
   * The next number; -1 if it is above 2^53-1 (`at` is behind it) or no varint (cut off, or of more than ten bytes;
   * `at` is then unspecified).
   */
  next(): number {
    let value = 0;
    let scale = 1;
    while (this.at < this.end && scale < 2 ** 70) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : -1;
      scale *= 0x80;
    }
    return -1;
  }
}
