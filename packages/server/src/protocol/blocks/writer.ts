/** Series → the bytes of a stream of blocks: format.ts. Memory: one block. */
import type { Labels } from "@nyanza/tsdb";
import { BLOCK_SAMPLES_MAX, ByteWriter, crc32c, encodeTimestamps, encodeValues } from "@nyanza/tsdb/codec";
import { labelTextByteLength, writeLabelText } from "@nyanza/tsdb/ingest";
import {
  BLOCK_BYTES,
  BLOCK_SAMPLES,
  FLAG_PARTIAL,
  FRAME_BYTES,
  HEADER_BYTES,
  KIND_BLOCK,
  KIND_FOOTER,
  MAGIC,
  PAYLOAD_BYTES_MAX,
  VERSION,
} from "./format.ts";

export class BlockStreamWriter {
  readonly #block = new ByteWriter(2 * BLOCK_BYTES);
  readonly #counts = { series: 0, samples: 0, blocks: 0 };
  /** Of the last frame. */
  #crc = 0;
  #blockSamples = 0;
  /** Timestamps of the block's last entry; none at its beginning. */
  readonly #times = new Float64Array(BLOCK_SAMPLES_MAX);
  readonly #timesBytes = new Uint8Array(this.#times.buffer);
  #timesCount = 0;

  /** What a stream begins with. */
  begin(): Uint8Array {
    const header = new ByteWriter(HEADER_BYTES);
    header.raw(Buffer.from(MAGIC, "latin1"));
    header.u32(VERSION);
    this.#crc = crc32c(header.bytes(), 0, header.length);
    header.u32(this.#crc);
    this.#startBlock();
    return header.bytes();
  }

  /**
   * Adds a series with samples `[lo, hi)`, sorted by time, no two with the same time. Each block that is full goes to `take`, as bytes that are
   * valid until it returns.
   */
  *add(
    labels: Labels,
    timestamps: Float64Array,
    values: Float64Array,
    lo: number,
    hi: number,
  ): Generator<Uint8Array, void> {
    if (lo >= hi) return;
    this.#counts.series += 1;
    this.#counts.samples += hi - lo;
    for (let from = lo; from < hi; from += BLOCK_SAMPLES_MAX) {
      const to = Math.min(from + BLOCK_SAMPLES_MAX, hi);
      if (from === lo) this.#writeLabels(labels);
      else this.#block.varint(0);
      this.#writeSamples(timestamps, values, from, to);
      const isFull = this.#block.length >= FRAME_BYTES + BLOCK_BYTES || this.#blockSamples >= BLOCK_SAMPLES;
      if (isFull) yield* this.#endBlock();
    }
  }

  /** What is left, and the footer: no stream without it is whole. */
  *end(isPartial: boolean): Generator<Uint8Array, void> {
    if (this.#block.length > FRAME_BYTES) yield* this.#endBlock();
    const { blocks, samples, series } = this.#counts;
    for (const count of [series, samples, blocks, isPartial ? FLAG_PARTIAL : 0]) this.#block.varint(count);
    yield this.#seal(KIND_FOOTER);
  }

  #startBlock(): void {
    this.#block.clear();
    // The frame, filled in at the end.
    this.#block.u8(0);
    this.#block.u32(0);
    this.#block.u32(0);
    this.#blockSamples = 0;
    this.#timesCount = 0;
  }

  /** The next block takes the memory of this one. */
  *#endBlock(): Generator<Uint8Array, void> {
    this.#counts.blocks += 1;
    yield this.#seal(KIND_BLOCK);
    this.#startBlock();
  }

  #seal(kind: number): Uint8Array {
    const block = this.#block;
    const payloadBytes = block.length - FRAME_BYTES;
    if (payloadBytes > PAYLOAD_BYTES_MAX) {
      throw new Error(
        `export blocks: the labels of a series need a block of ${payloadBytes} bytes, more than ${PAYLOAD_BYTES_MAX}`,
      );
    }
    const bytes = block.bytes();
    bytes[0] = kind;
    block.setU32(1, payloadBytes);
    this.#crc = crc32c(bytes, FRAME_BYTES, bytes.length, crc32c(bytes, 0, 5, this.#crc));
    block.setU32(5, this.#crc);
    return bytes;
  }

  #writeLabels(labels: Labels): void {
    const { name, pairs } = labels;
    this.#block.varint(pairs.length / 2 + (name === "" ? 0 : 1));
    if (name !== "") this.#writeLabel("__name__", name);
    for (let i = 0; i < pairs.length; i += 2) this.#writeLabel(pairs[i] as string, pairs[i + 1] as string);
  }

  #writeLabel(name: string, value: string): void {
    const block = this.#block;
    const nameBytes = labelTextByteLength(name);
    const valueBytes = labelTextByteLength(value);
    block.varint(nameBytes);
    block.varint(valueBytes);
    block.reserve(nameBytes + valueBytes);
    block.length = writeLabelText(value, block.array, writeLabelText(name, block.array, block.length));
  }

  #writeSamples(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    const block = this.#block;
    block.varint(hi - lo);
    if (this.#areTimes(timestamps, lo, hi)) block.varint(0);
    else {
      const encoded = encodeTimestamps(timestamps, lo, hi);
      block.varint(encoded.length);
      block.raw(encoded);
      this.#times.set(timestamps.subarray(lo, hi));
      this.#timesCount = hi - lo;
    }
    const encoded = encodeValues(values, lo, hi);
    block.varint(encoded.length);
    block.raw(encoded);
    this.#blockSamples += hi - lo;
  }

  /** Whether they are those of the entry before: most scrapes bring all their series at one time. */
  #areTimes(timestamps: Float64Array, lo: number, hi: number): boolean {
    const count = hi - lo;
    if (count !== this.#timesCount || timestamps[lo] !== this.#times[0]) return false;
    const bytes = new Uint8Array(timestamps.buffer, timestamps.byteOffset + 8 * lo, 8 * count);
    return Buffer.compare(bytes, this.#timesBytes.subarray(0, 8 * count)) === 0;
  }
}
