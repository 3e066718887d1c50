/**
 * Where parsers put rows: the part of RowBatch (`@nyanza/tsdb/ingest`) they use, and nothing else of it.
 *
 *     beginSeries  (addLabel | addLabelBytes)*  endLabels  (addSample | addSampleBits | addSamples)*
 *
 * A series ends where the next begins. Bytes are copied or hashed at once: the caller may reuse them after the call.
 */
export interface RowSink {
  beginSeries(): void;
  addLabel(name: string, value: string): void;
  /** A label whose name is `bytes[nameLo..nameHi)` and whose value is `bytes[valueLo..valueHi)`. */
  addLabelBytes(bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void;
  endLabels(): void;
  addSample(timestampMs: number, value: number): void;
  /** The value is the eight little-endian bytes at `offset`, kept bit for bit. */
  addSampleBits(timestampMs: number, bytes: Uint8Array, offset: number): void;
  /** All of `[lo, hi)` of the columns: whole milliseconds, values bit for bit. */
  addSamples(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void;
  /** Takes the series begun last back, samples included. Allowed any time after its `beginSeries`. */
  abandonSeries(): void;
}

/** What a sender says about a metric family. Empty strings for what it did not say. */
export interface MetricMetadata {
  readonly name: string;
  /** counter, gauge, histogram, summary, info, stateset, gaugehistogram, unknown; "" when not said. */
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export type MetadataListener = (metadata: MetricMetadata) => void;
