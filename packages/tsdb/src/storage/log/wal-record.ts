/**
 * Records of the write-ahead log ⇄ bytes. docs/format/wal.md gives every byte.
 *
 *   record   u32 length of all · u32 CRC-32C of what follows, of the segment's number and of the record's place · u8 type · u8 shard · u16 0 · u32 registry epoch · payload
 *
 *   series   u32 bytes, then as many of definitions: labels, pairs of label and value, and series as lists of pairs (see decodeDefinitions)
 *   samples  u32 series · u32 samples · u32 how times are written · u32 0 · f64 first time
 *            slots u32[series] · ends u32[series] · times · values f64[samples], each column from a multiple of 8 on
 *
 *   end      f64 records before it: the last record of a segment that was completed
 *
 * A series' 64-bit id is (epoch, slot): slots are dense numbers within one life of the registry, epochs never come again.
 * Columns are written as they are in memory: a log record is written once and read at most once, so it is made to be quick.
 */
import { copyBits } from "../../base/columns.ts";
import { checksumAt } from "../../codec/pages.ts";

export const RECORD_HEADER_BYTES = 16;
export const RECORD_SERIES = 1;
export const RECORD_SAMPLES = 2;
export const RECORD_END = 3;

const SAMPLES_HEADER_BYTES = 24;
/** How the column of times is written. */
const TIMES_EQUAL = 0;
const TIMES_U32 = 1;
const TIMES_F64 = 2;

/** A batch as storage has judged it: only samples that are kept, each with its series' slot. */
export interface LoggedSamples {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly slots: Uint32Array;
  readonly ends: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What the definitions of a series record are told to, in their order: every number is defined before it is referred to. Views are void afterwards. */
export interface DefinitionTaker {
  /** `name` is empty for `__name__`. */
  label(label: number, accountId: number, projectId: number, name: Uint8Array): void;
  /** A label with a value. */
  pair(pair: number, label: number, value: Uint8Array): void;
  /** `pairs[0..count)`, in order of the labels' names. */
  series(slot: number, pairs: Uint32Array, count: number): void;
}

/** Collects records in one buffer until the log takes them. */
export class RecordBuffer {
  private buffer: Uint8Array = new Uint8Array(1 << 16);
  private view: DataView = new DataView(this.buffer.buffer);
  length = 0;
  /** Records in it. */
  count = 0;

  /** The records; they are not complete before `stamp`. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    this.count = 0;
  }

  addDefinitions(epoch: number, definitions: Uint8Array): void {
    const start = this.begin(RECORD_HEADER_BYTES + 4 + definitions.length);
    const at = start + RECORD_HEADER_BYTES;
    this.view.setUint32(at, definitions.length, true);
    this.buffer.set(definitions, at + 4);
    this.end(start, at + 4 + definitions.length, RECORD_SERIES, epoch);
  }

  addSamples(epoch: number, samples: LoggedSamples): void {
    const { seriesCount, sampleCount, timestamps } = samples;
    const firstMs = timestamps[0] as number;
    let isEqual = true;
    let isNear = true;
    for (let i = 1; i < sampleCount; i++) {
      const step = (timestamps[i] as number) - firstMs;
      if (step !== 0) isEqual = false;
      if (step < 0 || step > 0xffff_ffff) {
        isNear = false;
        break;
      }
    }
    const times = isEqual && isNear ? TIMES_EQUAL : isNear ? TIMES_U32 : TIMES_F64;
    const timesBytes = times === TIMES_EQUAL ? 0 : times === TIMES_U32 ? pad8(4 * sampleCount) : 8 * sampleCount;
    const start = this.begin(
      RECORD_HEADER_BYTES + SAMPLES_HEADER_BYTES + 2 * pad8(4 * seriesCount) + timesBytes + 8 * sampleCount,
    );
    let at = start + RECORD_HEADER_BYTES;
    this.view.setUint32(at, seriesCount, true);
    this.view.setUint32(at + 4, sampleCount, true);
    this.view.setUint32(at + 8, times, true);
    this.view.setUint32(at + 12, 0, true);
    this.view.setFloat64(at + 16, firstMs, true);
    at += SAMPLES_HEADER_BYTES;
    const { buffer } = this.buffer;
    new Uint32Array(buffer, at, seriesCount).set(samples.slots.subarray(0, seriesCount));
    at += pad8(4 * seriesCount);
    new Uint32Array(buffer, at, seriesCount).set(samples.ends.subarray(0, seriesCount));
    at += pad8(4 * seriesCount);
    if (times === TIMES_U32) {
      const steps = new Uint32Array(buffer, at, sampleCount);
      for (let i = 0; i < sampleCount; i++) steps[i] = (timestamps[i] as number) - firstMs;
    } else if (times === TIMES_F64) {
      new Float64Array(buffer, at, sampleCount).set(timestamps.subarray(0, sampleCount));
    }
    at += timesBytes;
    copyBits(samples.values, 0, sampleCount, new Float64Array(buffer, at, sampleCount), 0);
    at += 8 * sampleCount;
    this.end(start, at, RECORD_SAMPLES, epoch);
  }

  /** Says that the segment is complete with the `records` before. */
  addEnd(epoch: number, records: number): void {
    const start = this.begin(RECORD_HEADER_BYTES + 8);
    this.view.setFloat64(start + RECORD_HEADER_BYTES, records, true);
    this.end(start, start + RECORD_HEADER_BYTES + 8, RECORD_END, epoch);
  }

  /** Computes the checksums for a place: records are good there and nowhere else. */
  stamp(segment: number, offset: number): void {
    for (let at = 0; at < this.length; ) {
      const end = at + this.view.getUint32(at, true);
      this.view.setUint32(at + 4, checksumAt(this.buffer.subarray(at + 8, end), segment, offset + at), true);
      at = end;
    }
  }

  /** Room for a record, on a multiple of 8 so that its columns are aligned. */
  private begin(bytes: number): number {
    const needed = this.length + pad8(bytes);
    if (needed > this.buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    return this.length;
  }

  private end(start: number, end: number, type: number, epoch: number): void {
    const padded = pad8(end);
    this.buffer.fill(0, end, padded);
    this.view.setUint32(start, padded - start, true);
    this.buffer[start + 8] = type;
    this.buffer[start + 9] = 0;
    this.view.setUint16(start + 10, 0, true);
    this.view.setUint32(start + 12, epoch, true);
    this.length = padded;
    this.count++;
  }
}

/** One record found in a log. Columns and definitions are views of the segment's bytes where they can be: for reading only. */
export type LogRecord =
  | { readonly type: "series"; readonly epoch: number; readonly definitions: Uint8Array }
  | { readonly type: "samples"; readonly epoch: number; readonly samples: LoggedSamples };

/** The end of a segment: `records` stand before it. */
export interface EndRecord {
  readonly type: "end";
  readonly epoch: number;
  readonly records: number;
}

/**
 * The record at `offset` of segment number `segment`, whose bytes are `bytes`, and where the next one starts; null if there is no whole, good record there: a torn tail, or damage.
 */
export function decodeRecord(
  bytes: Uint8Array,
  offset: number,
  segment: number,
): { record: LogRecord | EndRecord; next: number } | null {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(offset, true);
  if (length < RECORD_HEADER_BYTES || length % 8 !== 0 || offset + length > bytes.length) return null;
  const crc = checksumAt(bytes.subarray(offset + 8, offset + length), segment, offset);
  if (crc !== view.getUint32(offset + 4, true)) return null;
  const type = bytes[offset + 8];
  const epoch = view.getUint32(offset + 12, true);
  const next = offset + length;
  const record =
    type === RECORD_SERIES
      ? findDefinitions(bytes, view, offset + RECORD_HEADER_BYTES, next, epoch)
      : type === RECORD_SAMPLES
        ? decodeSamples(bytes, view, offset + RECORD_HEADER_BYTES, next, epoch)
        : type === RECORD_END && length === RECORD_HEADER_BYTES + 8
          ? ({ type: "end", epoch, records: view.getFloat64(offset + RECORD_HEADER_BYTES, true) } as const)
          : null;
  return record === null ? null : { record, next };
}

function findDefinitions(bytes: Uint8Array, view: DataView, lo: number, hi: number, epoch: number): LogRecord | null {
  if (lo + 4 > hi) return null;
  const length = view.getUint32(lo, true);
  return lo + 4 + length > hi ? null : { type: "series", epoch, definitions: bytes.subarray(lo + 4, lo + 4 + length) };
}

const DEFINE_LABEL = 1;
const DEFINE_PAIR = 2;
const DEFINE_SERIES = 3;

/**
 * Reads what kernels/registry.ts wrote as definitions. False if it is no such thing: what stands before is told all the same.
 *
 *   1 label    varint label · varint account · varint project · varint bytes · name
 *   2 pair     zigzag step from the pair defined before · varint label · varint bytes · value
 *   3 series   zigzag step from the slot defined before · varint pairs · varint pair each
 */
export function decodeDefinitions(definitions: Uint8Array, taker: DefinitionTaker): boolean {
  const reader = new DefinitionReader(definitions);
  let slot = 0;
  let pair = 0;
  let pairs = new Uint32Array(64);
  while (reader.at < definitions.length) {
    const kind = definitions[reader.at++];
    if (kind === DEFINE_LABEL) {
      const label = reader.number();
      const accountId = reader.number();
      const projectId = reader.number();
      const name = reader.text();
      if (reader.isBroken) return false;
      taker.label(label, accountId, projectId, name);
    } else if (kind === DEFINE_PAIR) {
      pair = (pair + reader.step()) >>> 0;
      const label = reader.number();
      const value = reader.text();
      if (reader.isBroken) return false;
      taker.pair(pair, label, value);
    } else if (kind === DEFINE_SERIES) {
      slot = (slot + reader.step()) >>> 0;
      const count = reader.number();
      // Each takes a byte at least: a count beyond that is none, and must not be given memory.
      if (count === 0 || count > definitions.length - reader.at) return false;
      if (count > pairs.length) pairs = new Uint32Array(2 * count);
      for (let i = 0; i < count; i++) pairs[i] = reader.number();
      if (reader.isBroken) return false;
      taker.series(slot, pairs, count);
    } else return false;
  }
  return true;
}

/** Numbers below 2^32 as varints, and texts behind their length. */
class DefinitionReader {
  at = 0;
  isBroken = false;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    this.isBroken = true;
    return 0;
  }

  step(): number {
    const value = this.number();
    return (value >>> 1) ^ -(value & 1);
  }

  text(): Uint8Array {
    const length = this.number();
    const lo = this.at;
    if (length > this.bytes.length - lo) this.isBroken = true;
    else this.at += length;
    return this.bytes.subarray(lo, this.at);
  }
}

function decodeSamples(bytes: Uint8Array, view: DataView, lo: number, hi: number, epoch: number): LogRecord | null {
  if (lo + SAMPLES_HEADER_BYTES > hi) return null;
  const seriesCount = view.getUint32(lo, true);
  const sampleCount = view.getUint32(lo + 4, true);
  const times = view.getUint32(lo + 8, true);
  const firstMs = view.getFloat64(lo + 16, true);
  const timesBytes = times === TIMES_EQUAL ? 0 : times === TIMES_U32 ? pad8(4 * sampleCount) : 8 * sampleCount;
  let at = lo + SAMPLES_HEADER_BYTES;
  if (times > TIMES_F64 || at + 2 * pad8(4 * seriesCount) + timesBytes + 8 * sampleCount > hi) return null;
  const slots = wordsAt(bytes, at, seriesCount);
  at += pad8(4 * seriesCount);
  const ends = wordsAt(bytes, at, seriesCount);
  at += pad8(4 * seriesCount);
  let timestamps: Float64Array;
  if (times === TIMES_F64) {
    timestamps = doublesAt(bytes, at, sampleCount);
  } else {
    timestamps = new Float64Array(sampleCount).fill(firstMs);
    if (times === TIMES_U32) {
      const steps = wordsAt(bytes, at, sampleCount);
      for (let i = 0; i < sampleCount; i++) timestamps[i] = firstMs + (steps[i] as number);
    }
  }
  at += timesBytes;
  const values = doublesAt(bytes, at, sampleCount);
  return { type: "samples", epoch, samples: { seriesCount, sampleCount, slots, ends, timestamps, values } };
}

/** A column where it stands, or a copy of it if the bytes begin at an odd place of their buffer: arrays of numbers begin at multiples of their size. */
function wordsAt(bytes: Uint8Array, at: number, count: number): Uint32Array {
  const isAligned = (bytes.byteOffset + at) % 4 === 0;
  return isAligned
    ? new Uint32Array(bytes.buffer, bytes.byteOffset + at, count)
    : new Uint32Array(bytes.slice(at, at + 4 * count).buffer);
}

function doublesAt(bytes: Uint8Array, at: number, count: number): Float64Array {
  const isAligned = (bytes.byteOffset + at) % 8 === 0;
  return isAligned
    ? new Float64Array(bytes.buffer, bytes.byteOffset + at, count)
    : new Float64Array(bytes.slice(at, at + 8 * count).buffer);
}

function pad8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8; // Not by bits: counts from a damaged record reach beyond 2^31.
}
