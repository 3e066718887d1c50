/**
 * Writing and reading of small structures as bytes: little-endian, unsigned LEB128 varints. For headers, directories and
 * index pages; columns of samples have their own codecs.
 */

/** Grows as needed; `bytes()` is a view that the next write may invalidate. */
export class ByteWriter {
  private buffer: Uint8Array;
  private view: DataView;
  /** Bytes written so far. */
  length = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** An integer in [0, 2^53). */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    // Nearly all are small: the first steps are on integers, and so are the last of a large one.
    while (rest >= 0x8000_0000) {
      this.buffer[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    let low = rest | 0;
    while (low >= 0x80) {
      this.buffer[this.length++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    this.buffer[this.length++] = low;
  }

  /** An integer in (-2^52, 2^52), small ones short. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Adds `bytes[lo..hi)`. */
  copy(bytes: Uint8Array, lo: number, hi: number): void {
    this.reserve(hi - lo);
    const { buffer } = this;
    // Of a few bytes a view costs more than they do.
    if (hi - lo > 32) buffer.set(bytes.subarray(lo, hi), this.length);
    else for (let i = lo, at = this.length; i < hi; i++, at++) buffer[at] = bytes[i] as number;
    this.length += hi - lo;
  }

  /** What was written at `at` becomes this number. */
  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** The array that the bytes stand in, from 0 on: another one after the next write. */
  get array(): Uint8Array {
    return this.buffer;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + count));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** Reads what ByteWriter wrote. Reading past the end throws RangeError: callers turn it into their own kind of error. */
export class ByteReader {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, lo = 0, hi: number = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = lo;
    this.end = hi;
  }

  u8(): number {
    return this.bytes[this.take(1)] as number;
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  varint(): number {
    const { bytes, end } = this;
    let at = this.offset;
    let value = 0;
    let scale = 1;
    for (;;) {
      if (at >= end || scale > 2 ** 49) throw new RangeError("varint runs past the end");
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    this.offset = at;
    return value;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next `count` bytes. */
  raw(count: number): Uint8Array {
    const at = this.take(count);
    return this.bytes.subarray(at, at + count);
  }

  /** Goes past the next `count` bytes. Returns where they begin. */
  skip(count: number): number {
    return this.take(count);
  }

  private take(count: number): number {
    const at = this.offset;
    if (count < 0 || at + count > this.end) throw new RangeError(`want ${count} bytes, ${this.end - at} are left`);
    this.offset = at + count;
    return at;
  }
}
