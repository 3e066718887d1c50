/**
 * A stream of blocks (format.ts) in whatever pieces it comes → rows. A block is taken whole or not at all: its checksum is right and all of
 * it can be read, or nothing of it and of what follows reaches the caller.
 *
 *   push(chunk)  →  nextBlock(sink) until it is false  →  push …  →  finish()
 */
import { InputError } from "@nyanza/tsdb";
import { BLOCK_SAMPLES_MAX, BlockError, ByteReader, crc32c, decodeTimestamps, decodeValues } from "@nyanza/tsdb/codec";
import type { RowSink } from "../row-sink.ts";
import {
  FLAG_PARTIAL,
  FRAME_BYTES,
  HEADER_BYTES,
  KIND_BLOCK,
  KIND_FOOTER,
  MAGIC,
  PAYLOAD_BYTES_MAX,
  PAYLOAD_SAMPLES_MAX,
  VERSION,
} from "./format.ts";

const NONE = new Uint8Array(0);

export class BlockStreamReader {
  /** What has come and was not read yet, and how much of it there has to be before it is looked at again. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #wantedBytes = HEADER_BYTES;
  /** Where `#pending` starts in the stream. */
  #offset = 0;
  #state: "header" | "frames" | "over" = "header";
  #crc = 0;
  #series = 0;
  #samples = 0;
  #blocks = 0;
  #isPartial = false;
  /** Labels of the series that goes on in the next entry, as they stand in the stream; empty if there is none. */
  #labels: Uint8Array = NONE;
  readonly #timestamps = new Float64Array(BLOCK_SAMPLES_MAX);
  readonly #values = new Float64Array(BLOCK_SAMPLES_MAX);

  /** Samples of all blocks that nextBlock() gave. */
  get samples(): number {
    return this.#samples;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** Known at the end: the source could not read all that it had. */
  get isPartial(): boolean {
    return this.#isPartial;
  }

  /** Whether nextBlock() would only say that it wants more bytes. */
  get isWaiting(): boolean {
    return this.#pendingBytes < this.#wantedBytes;
  }

  /** The next bytes of the stream. They are kept until the block that they belong to was read. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  /**
   * Puts the next block into `sink`, if all of it has come; false if more bytes are wanted.
   * @throws InputError with the offset: what the sink got of this block is to be dropped, and nothing more can be read
   */
  nextBlock(sink: RowSink): boolean {
    while (this.#pendingBytes >= this.#wantedBytes) {
      if (this.#state === "over") throw this.#bad(0, "want the end, got more bytes after the footer");
      const bytes = this.#join();
      if (this.#state === "header") {
        this.#readHeader(bytes);
        this.#drop(bytes, HEADER_BYTES);
        this.#state = "frames";
        this.#wantedBytes = FRAME_BYTES;
        continue;
      }
      const payloadBytes = this.#payloadBytesOf(bytes);
      const end = FRAME_BYTES + payloadBytes;
      if (bytes.length < end) {
        this.#wantedBytes = end;
        return false;
      }
      this.#checkFrame(bytes, end);
      if (bytes[0] === KIND_FOOTER) {
        this.#readFooter(bytes, end);
        this.#drop(bytes, end);
        this.#state = "over";
        this.#wantedBytes = 1;
        continue;
      }
      this.#readBlock(bytes, end, sink);
      this.#drop(bytes, end);
      this.#wantedBytes = FRAME_BYTES;
      return true;
    }
    return false;
  }

  /** There are no more bytes. @throws InputError if the stream has no footer: it was cut */
  finish(): void {
    if (this.#state === "over" && this.#pendingBytes === 0) return;
    throw this.#bad(this.#pendingBytes, "the stream ends without its footer: it was cut");
  }

  #join(): Uint8Array {
    if (this.#pending.length > 1) this.#pending = [Buffer.concat(this.#pending, this.#pendingBytes)];
    return this.#pending[0] as Uint8Array;
  }

  #drop(bytes: Uint8Array, count: number): void {
    this.#pending = bytes.length > count ? [bytes.subarray(count)] : [];
    this.#pendingBytes -= count;
    this.#offset += count;
  }

  #readHeader(bytes: Uint8Array): void {
    const magic = Buffer.from(bytes.subarray(0, 8)).toString("latin1");
    if (magic !== MAGIC) {
      throw this.#bad(
        0,
        `want a stream of /api/v1/export/blocks, which starts with ${MAGIC}, got ${JSON.stringify(magic)}`,
      );
    }
    const reader = new ByteReader(bytes, 8, HEADER_BYTES);
    const version = reader.u32();
    const crc = reader.u32();
    this.#crc = crc32c(bytes, 0, 12);
    if (crc !== this.#crc) throw this.#bad(12, "the checksum of the header does not fit");
    if (version !== VERSION) {
      throw this.#bad(
        8,
        `want version 1 to ${VERSION} of the format, got ${version}, which a newer release has written`,
      );
    }
  }

  #payloadBytesOf(bytes: Uint8Array): number {
    const kind = bytes[0] as number;
    if (kind !== KIND_BLOCK && kind !== KIND_FOOTER) throw this.#bad(0, `want a block or the footer, got kind ${kind}`);
    const count = new ByteReader(bytes, 1, FRAME_BYTES).u32();
    if (count > PAYLOAD_BYTES_MAX)
      throw this.#bad(1, `want a block of at most ${PAYLOAD_BYTES_MAX} bytes, got ${count}`);
    return count;
  }

  #checkFrame(bytes: Uint8Array, end: number): void {
    const crc = crc32c(bytes, FRAME_BYTES, end, crc32c(bytes, 0, 5, this.#crc));
    if (crc !== new ByteReader(bytes, 5, FRAME_BYTES).u32()) {
      throw this.#bad(5, `the checksum of this block of ${end - FRAME_BYTES} bytes does not fit`);
    }
    this.#crc = crc;
  }

  #readFooter(bytes: Uint8Array, end: number): void {
    const reader = new ByteReader(bytes, FRAME_BYTES, end);
    const [series, samples, blocks, flags] = this.#guard(reader, () => [
      reader.varint(),
      reader.varint(),
      reader.varint(),
      reader.varint(),
    ]) as [number, number, number, number];
    if (reader.offset !== end) throw this.#bad(reader.offset, "want the end of the footer");
    if (series !== this.#series || samples !== this.#samples || blocks !== this.#blocks) {
      const counts = `${this.#series} series, ${this.#samples} samples and ${this.#blocks} blocks`;
      throw this.#bad(
        FRAME_BYTES,
        `the footer counts ${series} series, ${samples} samples and ${blocks} blocks; ${counts} came`,
      );
    }
    this.#isPartial = (flags & FLAG_PARTIAL) !== 0;
  }

  #readBlock(bytes: Uint8Array, end: number, sink: RowSink): void {
    const reader = new ByteReader(bytes, FRAME_BYTES, end);
    const counts = { series: 0, samples: 0, times: 0 };
    this.#guard(reader, () => {
      do this.#readEntry(reader, sink, counts);
      while (reader.offset < end);
    });
    // The bytes go; the labels may be wanted again. Not slice(), which is a view if it is a Buffer's.
    this.#labels = new Uint8Array(this.#labels);
    this.#series += counts.series;
    this.#samples += counts.samples;
    this.#blocks += 1;
  }

  #readEntry(reader: ByteReader, sink: RowSink, counts: { series: number; samples: number; times: number }): void {
    const labelCount = reader.varint();
    if (labelCount > 0) {
      const lo = reader.offset;
      for (let i = 0; i < labelCount; i++) reader.raw(reader.varint() + reader.varint());
      this.#labels = reader.bytes.subarray(lo, reader.offset);
      counts.series += 1;
    }
    if (this.#labels.length === 0) throw new RangeError("want labels, got samples of no series");
    const count = reader.varint();
    counts.samples += count;
    if (count < 1 || count > BLOCK_SAMPLES_MAX || counts.samples > PAYLOAD_SAMPLES_MAX) {
      throw new RangeError(
        `want 1 to ${BLOCK_SAMPLES_MAX} samples and at most ${PAYLOAD_SAMPLES_MAX} in a block, got ${count}`,
      );
    }
    const timesBytes = reader.varint();
    if (timesBytes > 0) {
      const { lo, hi } = place(reader, timesBytes);
      const isAscending = decodeTimestamps(reader.bytes, lo, hi, count, this.#timestamps, 0);
      if (!isAscending || !areTimes(this.#timestamps, count)) {
        throw new RangeError("want timestamps in whole milliseconds, each after the one before");
      }
      counts.times = count;
    } else if (counts.times !== count) {
      throw new RangeError(`want the timestamps of ${count} samples, got those of ${counts.times} before`);
    }
    const { lo, hi } = place(reader, reader.varint());
    decodeValues(reader.bytes, lo, hi, count, this.#values, 0);
    sink.beginSeries();
    addLabels(this.#labels, sink);
    sink.endLabels();
    sink.addSamples(this.#timestamps, this.#values, 0, count);
  }

  /** What goes wrong in `read` is the sender's fault, where the reader stands. */
  #guard<T>(reader: ByteReader, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof BlockError)) throw error;
      throw this.#bad(reader.offset, error.message);
    }
  }

  #bad(at: number, message: string): InputError {
    return new InputError(`blocks: at offset ${this.#offset + at}: ${message}`);
  }
}

/** Checked before the bytes are decoded: `[lo, hi)` lies within the block. */
function place(reader: ByteReader, count: number): { lo: number; hi: number } {
  const lo = reader.offset;
  reader.raw(count);
  return { lo, hi: reader.offset };
}

/** Whole numbers that a sum of two is exact of; ascending ones are never NaN behind the first. */
function areTimes(timestamps: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (!Number.isSafeInteger(timestamps[i])) return false;
  return true;
}

function addLabels(bytes: Uint8Array, sink: RowSink): void {
  const reader = new ByteReader(bytes);
  while (reader.offset < bytes.length) {
    const nameBytes = reader.varint();
    const valueBytes = reader.varint();
    const nameLo = reader.offset;
    reader.raw(nameBytes + valueBytes);
    sink.addLabelBytes(bytes, nameLo, nameLo + nameBytes, nameLo + nameBytes, reader.offset);
  }
}
