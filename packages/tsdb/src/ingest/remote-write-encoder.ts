/**
 * Series → a raw remote-write 1.0 request as Prometheus' own marshaller writes it: labels first, zero values and
 * empty texts left out. For senders, generators and tests; pack the result with encodeSnappy.
 */
import { labelTextByteLength, writeLabelText } from "../base/label-bytes.ts";
import { varintLength, writeVarint } from "../base/varint.ts";

export interface SeriesToWrite {
  /** Sorted by name, as the protocol wants them; they are written as they stand. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Whole milliseconds in ±2^53. */
  readonly timestamps: ArrayLike<number>;
  readonly values: Float64Array;
}

/** Metadata of a metric family; see RawMetadata for `type`. */
export interface MetadataToWrite {
  readonly type: number;
  readonly familyName: string;
  readonly help: string;
  readonly unit: string;
}

const TAG_SERIES = 0x0a;
const TAG_METADATA = 0x1a;
const TAG_LABEL = 0x0a;
const TAG_SAMPLE = 0x12;
const TAG_NAME = 0x0a;
const TAG_VALUE = 0x12;
const TAG_SAMPLE_VALUE = 0x09;
const TAG_SAMPLE_TIMESTAMP = 0x10;
const INT64_BYTES_MAX = 10;

/** A raw WriteRequest: a new array. Lone surrogates U+DC80..U+DCFF in labels stand for single bytes. */
export function encodeWriteRequest(
  series: Iterable<SeriesToWrite>,
  metadata: Iterable<MetadataToWrite> = [],
): Uint8Array {
  const writer = new RequestWriter();
  for (const one of series) writer.addSeries(one);
  for (const one of metadata) writer.addMetadata(one);
  return writer.bytes.slice(0, writer.at);
}

class RequestWriter {
  bytes: Uint8Array = new Uint8Array(65_536);
  at = 0;

  addSeries({ labels, timestamps, values }: SeriesToWrite): void {
    let size = 0;
    for (const [name, value] of labels) size += fieldSize(labelSize(name, value));
    for (let i = 0; i < values.length; i++) size += fieldSize(sampleSize(timestamps[i] as number, values, i));
    this.#reserve(size);
    this.#writeHeader(TAG_SERIES, size);
    for (const [name, value] of labels) {
      this.#writeHeader(TAG_LABEL, labelSize(name, value));
      this.#writeText(TAG_NAME, name);
      this.#writeText(TAG_VALUE, value);
    }
    for (let i = 0; i < values.length; i++) {
      const timestampMs = timestamps[i] as number;
      this.#writeHeader(TAG_SAMPLE, sampleSize(timestampMs, values, i));
      if (isWritten(values, i)) {
        this.bytes[this.at] = TAG_SAMPLE_VALUE;
        // The bytes, not the number: a NaN keeps its payload.
        this.bytes.set(new Uint8Array(values.buffer, values.byteOffset + 8 * i, 8), this.at + 1);
        this.at += 9;
      }
      if (timestampMs !== 0) {
        this.bytes[this.at++] = TAG_SAMPLE_TIMESTAMP;
        if (timestampMs > 0) this.at = writeVarint(this.bytes, this.at, timestampMs);
        else this.#writeNegative(timestampMs);
      }
    }
  }

  addMetadata({ type, familyName, help, unit }: MetadataToWrite): void {
    const typeSize = type === 0 ? 0 : 1 + varintLength(type);
    const size = typeSize + textSize(familyName) + textSize(help) + textSize(unit);
    this.#reserve(size);
    this.#writeHeader(TAG_METADATA, size);
    if (type !== 0) {
      this.bytes[this.at] = 0x08;
      this.at = writeVarint(this.bytes, this.at + 1, type);
    }
    this.#writeText(0x12, familyName);
    this.#writeText(0x22, help);
    this.#writeText(0x2a, unit);
  }

  #writeHeader(tag: number, size: number): void {
    this.bytes[this.at] = tag;
    this.at = writeVarint(this.bytes, this.at + 1, size);
  }

  #writeText(tag: number, text: string): void {
    if (text === "") return;
    this.#writeHeader(tag, labelTextByteLength(text));
    this.at = writeLabelText(text, this.bytes, this.at);
  }

  /** Two's complement of 64 bits, ten bytes of seven. */
  #writeNegative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
    this.bytes[this.at++] = Number(rest);
  }

  #reserve(size: number): void {
    const end = this.at + size + 16;
    if (end <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(end, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
  }
}

const fieldSize = (size: number): number => 1 + varintLength(size) + size;
const textSize = (text: string): number => (text === "" ? 0 : fieldSize(labelTextByteLength(text)));
const labelSize = (name: string, value: string): number => textSize(name) + textSize(value);

function sampleSize(timestampMs: number, values: Float64Array, i: number): number {
  const timestampSize = timestampMs === 0 ? 0 : 1 + (timestampMs > 0 ? varintLength(timestampMs) : INT64_BYTES_MAX);
  return (isWritten(values, i) ? 9 : 0) + timestampSize;
}

/** proto3 leaves out zeros; -0 is written, for it is not the default's bits. */
function isWritten(values: Float64Array, i: number): boolean {
  return !Object.is(values[i], 0);
}
