/**
 * Writes protobuf by hand, so that tests can also write what no library would: overlong varints, unknown wire
 * types, lengths that lie.
 */
export class ProtobufWriter {
  private bytes: Buffer;
  /** Bytes written. */
  length = 0;

  constructor(capacityBytes = 1024) {
    this.bytes = Buffer.allocUnsafe(capacityBytes);
  }

  /** What was written, a view that the next write may overwrite. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }

  tag(field: number, wireType: number): this {
    return this.varint(field * 8 + wireType);
  }

  /** A non-negative integer below 2^53. */
  varint(value: number): this {
    this.reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
    return this;
  }

  /** Any 64-bit integer as int64 or uint64 fields hold it: negative ones take ten bytes. */
  varint64(value: bigint): this {
    this.reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
    return this;
  }

  /** Eight bytes as they lie in `bits` from `offset` on: a float64 never passes through a JavaScript number. */
  fixed64(bits: Uint8Array, offset: number): this {
    return this.raw(bits.subarray(offset, offset + 8));
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  /** A length-delimited field. */
  field(field: number, content: Uint8Array | string): this {
    const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
    return this.tag(field, 2).varint(bytes.length).raw(bytes);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}
