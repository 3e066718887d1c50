/**
 * The batch that every protocol but remote write fills: a builder that takes series label by label and sample by
 * sample and keeps them as the columns of a WriteBatch.
 *
 *   batch.reset(tenant);
 *   batch.beginSeries();
 *   batch.addLabel("__name__", "up");          key bytes of a label:
 *   batch.addLabel("job", "node");             ┌─────────────┬──────────────┬──────┬───────┐
 *   batch.endLabels();                         │ name length │ value length │ name │ value │
 *   batch.addSample(1700000000000, 1);         │ u32         │ u32          │      │       │
 *                                              └─────────────┴──────────────┴──────┴───────┘
 *
 * The key bytes are hashed as they stand: the same labels in the same order give the same hash, in whatever protocol
 * they came. Nothing is allocated a label or a sample once the columns have their size.
 */
import { assert } from "../base/errors.ts";
import { writeLabelText } from "../base/label-bytes.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import { hashRowKeys } from "../kernel/ingest-kernel.ts";
import { LABELS_AS_ROWS } from "../kernel/label-store.ts";
import type { LabelPlace, RawLabel, WriteBatch } from "./batch.ts";

const TIMESTAMP_LIMIT = 2 ** 53;
/** Columns longer than this after a reset are given back, so that one huge request is not paid for ever. */
const KEPT_KEY_BYTES = 8 << 20;
const KEPT_SAMPLES = 1 << 18;

export class RowBatch implements WriteBatch {
  tenant: Tenant = DEFAULT_TENANT;
  seriesCount = 0;
  sampleCount = 0;
  /** Samples that were not taken because their series had no label at all. */
  unnamedSampleCount = 0;
  sampleEnds: Uint32Array<ArrayBuffer> = new Uint32Array(256);
  timestamps: Float64Array<ArrayBuffer> = new Float64Array(1024);
  values: Float64Array<ArrayBuffer> = new Float64Array(1024);
  #valueBytes = new Uint8Array(this.values.buffer);
  #hashes: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  /** How many series have their hash. */
  #hashedCount = 0;
  #keys: Uint8Array<ArrayBuffer> = new Uint8Array(16_384);
  #keyViews = new DataView(this.#keys.buffer);
  /** Series `i` has the key bytes `[keyEnds[i-1], keyEnds[i])`. */
  #keyEnds: Uint32Array<ArrayBuffer> = new Uint32Array(256);
  /** Where the next key byte goes. */
  #keyEnd = 0;
  /** A series has begun and has no sample yet: it counts only from its first sample on. */
  #isPending = false;
  /** State to go back to in abandonSeries(). */
  #mark = { seriesCount: 0, sampleCount: 0, unnamedSampleCount: 0, keyEnd: 0 };

  /** Empties the batch for rows of this tenant. Views handed out before are void. */
  reset(tenant: Tenant): void {
    this.tenant = tenant;
    this.seriesCount = 0;
    this.sampleCount = 0;
    this.unnamedSampleCount = 0;
    this.#hashedCount = 0;
    this.#keyEnd = 0;
    this.#isPending = false;
    this.#mark = { seriesCount: 0, sampleCount: 0, unnamedSampleCount: 0, keyEnd: 0 };
    if (this.#keys.length > KEPT_KEY_BYTES) this.#growKeys(16_384);
    if (this.timestamps.length > KEPT_SAMPLES) this.#growSamples(1024);
    if (this.sampleEnds.length > KEPT_SAMPLES) this.#growSeries(256);
  }

  /** Starts a series. One without samples leaves no trace. */
  beginSeries(): void {
    this.#keyEnd = this.seriesCount === 0 ? 0 : (this.#keyEnds[this.seriesCount - 1] as number);
    this.#isPending = true;
    const mark = this.#mark;
    mark.seriesCount = this.seriesCount;
    mark.sampleCount = this.sampleCount;
    mark.unnamedSampleCount = this.unnamedSampleCount;
    mark.keyEnd = this.#keyEnd;
  }

  /** Adds a label as text; lone surrogates U+DC80..U+DCFF stand for single bytes (base/label-bytes.ts). */
  addLabel(name: string, value: string): void {
    const at = this.#keyEnd;
    // Three bytes a UTF-16 unit is the most that UTF-8 takes.
    const roomEnd = at + 8 + 3 * (name.length + value.length);
    if (roomEnd > this.#keys.length) this.#growKeys(roomEnd);
    const nameEnd = writeLabelText(name, this.#keys, at + 8);
    const valueEnd = writeLabelText(value, this.#keys, nameEnd);
    this.#endLabel(at, nameEnd, valueEnd);
  }

  /** Adds a label as bytes of the request; they are copied. */
  addLabelBytes(bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    const at = this.#keyEnd;
    const nameEnd = at + 8 + nameHi - nameLo;
    const valueEnd = nameEnd + valueHi - valueLo;
    if (valueEnd > this.#keys.length) this.#growKeys(valueEnd);
    const keys = this.#keys;
    // Label texts are short: a loop is quicker than set(subarray()).
    for (let i = nameLo, k = at + 8; i < nameHi; i++, k++) keys[k] = bytes[i] as number;
    for (let i = valueLo, k = nameEnd; i < valueHi; i++, k++) keys[k] = bytes[i] as number;
    this.#endLabel(at, nameEnd, valueEnd);
  }

  /** Closes the labels; samples follow. */
  endLabels(): void {
    assert(this.#isPending, "endLabels() without beginSeries(), or called after a sample");
  }

  /** Adds a sample to the series: whole milliseconds (a fraction is cut off, ±2^53 is the limit), any number. */
  addSample(timestampMs: number, value: number): void {
    const i = this.#nextSample(timestampMs);
    if (i >= 0) this.values[i] = value;
  }

  /** Adds a sample whose value is the 8 little-endian bytes at `bytes[offset]`, bit by bit: NaNs keep their payload. */
  addSampleBits(timestampMs: number, bytes: Uint8Array, offset: number): void {
    const i = this.#nextSample(timestampMs);
    if (i < 0) return;
    const target = this.#valueBytes;
    for (let k = 0; k < 8; k++) target[i * 8 + k] = bytes[offset + k] as number;
  }

  /**
   * Adds samples `[lo, hi)` of two columns to the series: whole milliseconds within ±2^53, values bit by bit. What comes as columns need not be taken
   * apart.
   */
  addSamples(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    if (lo >= hi) return;
    if (this.#isPending) this.#admitSeries();
    if (this.seriesCount === this.#mark.seriesCount) {
      this.unnamedSampleCount += hi - lo;
      return;
    }
    const at = this.sampleCount;
    const end = at + hi - lo;
    if (end > this.timestamps.length) this.#growSamples(Math.max(end, 2 * this.timestamps.length));
    this.timestamps.set(timestamps.subarray(lo, hi), at);
    this.values.set(values.subarray(lo, hi), at);
    this.sampleCount = end;
    this.sampleEnds[this.seriesCount - 1] = end;
  }

  /** Takes back the series begun last, with all its samples. */
  abandonSeries(): void {
    const mark = this.#mark;
    this.seriesCount = mark.seriesCount;
    this.sampleCount = mark.sampleCount;
    this.unnamedSampleCount = mark.unnamedSampleCount;
    this.#keyEnd = mark.keyEnd;
    this.#hashedCount = Math.min(this.#hashedCount, mark.seriesCount);
    this.#isPending = false;
  }

  /** Hashes of the series so far; those of series added since the last look are computed now, in one crossing. */
  get hashes(): Uint32Array {
    if (this.#hashedCount < this.seriesCount) {
      if (this.#hashes.length < this.seriesCount * 4) {
        const hashes = new Uint32Array(this.sampleEnds.length * 4);
        hashes.set(this.#hashes.subarray(0, this.#hashedCount * 4));
        this.#hashes = hashes;
      }
      hashRowKeys(this.tenant, this.#keys, this.#keyEnds, this.#hashedCount, this.seriesCount, this.#hashes);
      this.#hashedCount = this.seriesCount;
    }
    return this.#hashes;
  }

  /** @inheritdoc Views into the batch. */
  readLabels(i: number): RawLabel[] {
    const labels: RawLabel[] = [];
    const end = this.#keyEnds[i] as number;
    let at = i === 0 ? 0 : (this.#keyEnds[i - 1] as number);
    while (at < end) {
      const nameEnd = at + 8 + this.#keyViews.getUint32(at, true);
      const valueEnd = nameEnd + this.#keyViews.getUint32(at + 4, true);
      labels.push({ name: this.#keys.subarray(at + 8, nameEnd), value: this.#keys.subarray(nameEnd, valueEnd) });
      at = valueEnd;
    }
    return labels;
  }

  /** @inheritdoc Of the batch's own bytes. */
  locateLabels(i: number, place: LabelPlace): void {
    place.bytes = this.#keys;
    place.lo = i === 0 ? 0 : (this.#keyEnds[i - 1] as number);
    place.hi = this.#keyEnds[i] as number;
    place.form = LABELS_AS_ROWS;
  }

  #endLabel(at: number, nameEnd: number, valueEnd: number): void {
    this.#keyViews.setUint32(at, nameEnd - at - 8, true);
    this.#keyViews.setUint32(at + 4, valueEnd - nameEnd, true);
    this.#keyEnd = valueEnd;
  }

  /** Index of a new sample with its timestamp set, or -1 if its series has no labels. */
  #nextSample(timestampMs: number): number {
    if (this.#isPending) this.#admitSeries();
    if (this.seriesCount === this.#mark.seriesCount) {
      this.unnamedSampleCount++;
      return -1;
    }
    const i = this.sampleCount++;
    if (i === this.timestamps.length) this.#growSamples(2 * i);
    const whole = Math.trunc(timestampMs);
    assert(!Number.isNaN(whole), "a timestamp is NaN: the protocol's parser lets no such row through");
    this.timestamps[i] = Math.max(-TIMESTAMP_LIMIT, Math.min(TIMESTAMP_LIMIT, whole));
    this.sampleEnds[this.seriesCount - 1] = i + 1;
    return i;
  }

  /** The first sample of a series makes it count, if it has labels. */
  #admitSeries(): void {
    this.#isPending = false;
    if (this.#keyEnd === this.#mark.keyEnd) return;
    const i = this.seriesCount++;
    if (i === this.#keyEnds.length) this.#growSeries(2 * i);
    this.#keyEnds[i] = this.#keyEnd;
  }

  #growKeys(bytes: number): void {
    const keys = new Uint8Array(Math.max(bytes, Math.min(2 * this.#keyEnd, 2 ** 32 - 1)));
    keys.set(this.#keys.subarray(0, this.#keyEnd));
    this.#keys = keys;
    this.#keyViews = new DataView(keys.buffer);
  }

  #growSamples(count: number): void {
    const timestamps = new Float64Array(count);
    timestamps.set(this.timestamps.subarray(0, this.sampleCount));
    const values = new Float64Array(count);
    values.set(this.values.subarray(0, this.sampleCount));
    this.timestamps = timestamps;
    this.values = values;
    this.#valueBytes = new Uint8Array(values.buffer);
  }

  #growSeries(count: number): void {
    const sampleEnds = new Uint32Array(count);
    sampleEnds.set(this.sampleEnds.subarray(0, this.seriesCount));
    const keyEnds = new Uint32Array(count);
    keyEnds.set(this.#keyEnds.subarray(0, this.seriesCount));
    this.sampleEnds = sampleEnds;
    this.#keyEnds = keyEnds;
    this.#hashes = this.#hashes.slice(0, this.#hashedCount * 4);
  }
}
