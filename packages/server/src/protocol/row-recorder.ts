/**
 * A RowSink for tests: remembers what parsers wrote, as text a person can compare, and fails on calls in a wrong order.
 */
import { BugError } from "@nyanza/tsdb";
import type { RowSink } from "./row-sink.ts";

export interface RecordedSeries {
  /** As they came: order, empty values and repeated names included. Bytes are read as UTF-8. */
  readonly labels: [string, string][];
  /** The same as they were on the wire, in latin1: one character a byte. */
  readonly rawLabels: [string, string][];
  readonly samples: { readonly timestampMs: number; readonly value: number; readonly bits: bigint }[];
}

export class RowRecorder implements RowSink {
  readonly series: RecordedSeries[] = [];
  private state: "idle" | "labels" | "samples" = "idle";

  beginSeries(): void {
    if (this.state === "labels") throw new BugError("recorder: beginSeries while labels are open");
    this.series.push({ labels: [], rawLabels: [], samples: [] });
    this.state = "labels";
  }

  addLabel(name: string, value: string): void {
    const bytes = Buffer.from(name + value);
    const middle = Buffer.byteLength(name);
    this.addLabelBytes(bytes, 0, middle, middle, bytes.length);
  }

  addLabelBytes(bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    if (this.state !== "labels") throw new BugError("recorder: a label outside beginSeries … endLabels");
    const isInside = (lo: number, hi: number): boolean => 0 <= lo && lo <= hi && hi <= bytes.length;
    if (!isInside(nameLo, nameHi) || !isInside(valueLo, valueHi)) throw new BugError("recorder: a label out of bounds");
    const name = Buffer.from(bytes.subarray(nameLo, nameHi));
    const value = Buffer.from(bytes.subarray(valueLo, valueHi));
    this.last.labels.push([name.toString(), value.toString()]);
    this.last.rawLabels.push([name.toString("latin1"), value.toString("latin1")]);
  }

  endLabels(): void {
    if (this.state !== "labels") throw new BugError("recorder: endLabels without beginSeries");
    this.state = "samples";
  }

  addSample(timestampMs: number, value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    this.addSampleBits(timestampMs, bytes, 0);
  }

  addSampleBits(timestampMs: number, bytes: Uint8Array, offset: number): void {
    if (this.state !== "samples") throw new BugError("recorder: a sample outside a series");
    if (!Number.isInteger(timestampMs) || Math.abs(timestampMs) > 2 ** 53) {
      throw new BugError(`recorder: ${timestampMs} is no timestamp`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, 8);
    const value = view.getFloat64(0, true);
    this.last.samples.push({ timestampMs, value, bits: view.getBigUint64(0, true) });
  }

  addSamples(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let i = lo; i < hi; i++) this.addSampleBits(timestamps[i] as number, bytes, i * 8);
  }

  abandonSeries(): void {
    if (this.state === "idle") throw new BugError("recorder: abandonSeries without a series");
    this.series.pop();
    this.state = this.series.length > 0 ? "samples" : "idle";
  }

  get sampleCount(): number {
    return this.series.reduce((sum, series) => sum + series.samples.length, 0);
  }

  /** `name{a="b"} value@timestampMs …`, a line a series, labels in the order they came, values as JSON strings. */
  lines(): string[] {
    return this.series.map((series) => {
      const name = series.labels.find(([label]) => label === "__name__")?.[1] ?? "";
      const labels = series.labels.filter(([label]) => label !== "__name__");
      const text = labels.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(",");
      const samples = series.samples.map(({ timestampMs, value, bits }) => {
        const shown = bits === STALE_MARKER ? "stale" : Object.is(value, -0) ? "-0" : String(value);
        return `${shown}@${timestampMs}`;
      });
      return `${name}{${text}} ${samples.join(" ")}`;
    });
  }

  private get last(): RecordedSeries {
    const series = this.series[this.series.length - 1];
    if (series === undefined) throw new BugError("recorder: no series begun");
    return series;
  }
}

const STALE_MARKER = 0x7ff0000000000002n;
