/**
 * Protobuf's wire format, read with every bound checked:
 *
 *     message = (tag payload)*      tag = varint of field number × 8 + wire type
 *     wire type 0 varint · 1 eight bytes · 2 length and bytes · 5 four bytes; 3, 4 (groups), 6 and 7 are refused
 *
 * One reader walks a whole body: a nested message is a range of it, `[at, end)`, with the end given to each call.
 * Throws InputError (400) with the offset.
 */
import { InputError } from "@nyanza/tsdb";

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

export class WireReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  /** Of the tag read last. */
  field = 0;
  wire = 0;
  /** Halves of the 64-bit number read last, both unsigned. */
  low = 0;
  high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads a tag into `field` and `wire`; returns the field. */
  readTag(end: number): number {
    const lo = this.at;
    const byte = lo < end ? this.bytes[lo] : 0;
    if (byte > 7 && byte < 0x80) {
      this.at = lo + 1;
      this.field = byte >>> 3;
      this.wire = byte & 7;
      return this.field;
    }
    this.readVarint(end);
    if (this.high !== 0) this.fail(lo, "want a field number below 2^29, got a larger one");
    this.field = this.low >>> 3;
    this.wire = this.low & 7;
    if (this.field === 0) this.fail(lo, "want a field number, got 0");
    return this.field;
  }

  /** Into `low` and `high`. */
  readVarint(end: number): void {
    const { bytes } = this;
    const lo = this.at;
    let at = lo;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) this.fail(lo, "want a varint, got the end of the message");
      const byte = bytes[at++];
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else if (shift === 28) {
        low |= (byte & 0x0f) << 28;
        high = (byte & 0x7f) >>> 4;
      } else if (shift < 63) high |= (byte & 0x7f) << (shift - 32);
      else high |= (byte & 1) << 31;
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.at = at;
        return;
      }
    }
    this.fail(lo, "want a varint of at most 10 bytes, got a longer one");
  }

  /** Reads a length and returns the end of the bytes that follow; `at` is where they start. */
  readLength(end: number): number {
    if (this.wire !== WIRE_BYTES) this.fail(this.at, `want bytes for field ${this.field}, got wire type ${this.wire}`);
    const lo = this.at;
    const byte = lo < end ? this.bytes[lo] : 0x80;
    let length = byte;
    if (byte < 0x80) {
      this.at = lo + 1;
    } else {
      this.readVarint(end);
      length = this.high * 2 ** 32 + this.low;
    }
    if (length > end - this.at) {
      this.fail(lo, `want ${length} bytes for field ${this.field}, got ${end - this.at}`);
    }
    return this.at + length;
  }

  /** Returns the offset of eight bytes and moves behind them; `low` and `high` are set. */
  readFixed64(end: number): number {
    if (this.wire !== WIRE_FIXED64) {
      this.fail(this.at, `want 8 bytes for field ${this.field}, got wire type ${this.wire}`);
    }
    const lo = this.at;
    if (end - lo < 8) this.fail(lo, `want 8 bytes for field ${this.field}, got ${end - lo}`);
    this.low = this.view.getUint32(lo, true);
    this.high = this.view.getUint32(lo + 4, true);
    this.at = lo + 8;
    return lo;
  }

  readDouble(end: number): number {
    return this.view.getFloat64(this.readFixed64(end), true);
  }

  /** A varint field of at most 32 bits that matter. */
  readUint32(end: number): number {
    this.expectVarint(end);
    return this.low;
  }

  /** A zigzag-coded 32-bit number. */
  readSint32(end: number): number {
    this.expectVarint(end);
    return (this.low >>> 1) ^ -(this.low & 1);
  }

  expectVarint(end: number): void {
    if (this.wire !== WIRE_VARINT) {
      this.fail(this.at, `want a varint for field ${this.field}, got wire type ${this.wire}`);
    }
    this.readVarint(end);
  }

  skip(end: number): void {
    switch (this.wire) {
      case WIRE_VARINT:
        this.readVarint(end);
        return;
      case WIRE_BYTES:
        this.at = this.readLength(end);
        return;
      case WIRE_FIXED64:
      case WIRE_FIXED32: {
        const length = this.wire === WIRE_FIXED64 ? 8 : 4;
        if (end - this.at < length) {
          this.fail(this.at, `want ${length} bytes for field ${this.field}, got ${end - this.at}`);
        }
        this.at += length;
        return;
      }
      default:
        this.fail(this.at, `want wire type 0, 1, 2 or 5 for field ${this.field}, got ${this.wire}`);
    }
  }

  fail(at: number, what: string): never {
    throw new InputError(`OTLP protobuf at byte ${at} of ${this.bytes.length}: ${what}${hintOf(this.bytes)}`);
  }
}

/** What a body that is no protobuf at all looks like by its first bytes. */
function hintOf(bytes: Uint8Array): string {
  const start = bytes.subarray(0, 8);
  const first = start.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  if (first === 0x7b) return " (the body looks like JSON: want Content-Type: application/json for it)";
  if (start[0] === 0x1f && start[1] === 0x8b) return " (the body looks like gzip: want Content-Encoding: gzip for it)";
  return "";
}

/** A uint64 as the nearest float64. */
export function uint64ToNumber(low: number, high: number): number {
  return high * 2 ** 32 + low;
}

/** An int64 as the nearest float64: the one addition is the one rounding. */
export function int64ToNumber(low: number, high: number): number {
  return (high | 0) * 2 ** 32 + low;
}

/** An int64 in decimal, exact. */
export function formatInt64(low: number, high: number): string {
  const value = int64ToNumber(low, high);
  if (Number.isSafeInteger(value)) return String(value);
  return ((BigInt(high | 0) << 32n) | BigInt(low)).toString();
}

/**
 * Nanoseconds as a uint64 → whole milliseconds, rounded down, exact for all of them:
 * 2^32 ns is 4294 ms and 967,296 ns, and `high × 967296 + low` stays below 2^53.
 */
export function nanosToMilliseconds(low: number, high: number): number {
  return high * 4294 + Math.floor((high * 967_296 + low) / 1e6);
}
