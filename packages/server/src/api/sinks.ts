/** Row sinks that change what passes through them on its way to a batch. */
import { decodeLabelBytes, encodeLabelText, STALE_NAN_BYTES } from "@nyanza/tsdb/ingest";
import type { RowSink } from "../protocol/row-sink.ts";
import type { ExtraLabels } from "./extra-labels.ts";

/** Passes everything on. */
class PassingSink implements RowSink {
  protected readonly target: RowSink;

  constructor(target: RowSink) {
    this.target = target;
  }

  beginSeries(): void {
    this.target.beginSeries();
  }

  addLabel(name: string, value: string): void {
    this.target.addLabel(name, value);
  }

  addLabelBytes(bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    this.target.addLabelBytes(bytes, nameLo, nameHi, valueLo, valueHi);
  }

  endLabels(): void {
    this.target.endLabels();
  }

  addSample(timestampMs: number, value: number): void {
    this.target.addSample(timestampMs, value);
  }

  addSampleBits(timestampMs: number, bytes: Uint8Array, offset: number): void {
    this.target.addSampleBits(timestampMs, bytes, offset);
  }

  addSamples(timestamps: Float64Array, values: Float64Array, lo: number, hi: number): void {
    this.target.addSamples(timestamps, values, lo, hi);
  }

  abandonSeries(): void {
    this.target.abandonSeries();
  }
}

/** Adds labels to each series. They replace labels of the same name: what the request says overrules what it brings. */
export class ExtraLabelSink extends PassingSink {
  readonly #labels: ExtraLabels;
  readonly #names: readonly Uint8Array[];

  constructor(target: RowSink, labels: ExtraLabels) {
    super(target);
    this.#labels = labels;
    this.#names = labels.map(([name]) => encodeLabelText(name));
  }

  override addLabel(name: string, value: string): void {
    if (!this.#labels.some(([own]) => own === name)) this.target.addLabel(name, value);
  }

  override addLabelBytes(bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    for (const name of this.#names) {
      if (name.length === nameHi - nameLo && isAt(bytes, nameLo, name)) return;
    }
    this.target.addLabelBytes(bytes, nameLo, nameHi, valueLo, valueHi);
  }

  override endLabels(): void {
    for (const [name, value] of this.#labels) this.target.addLabel(name, value);
    this.target.endLabels();
  }
}

/** Replaces what Prometheus' names cannot have by underscores: all but [a-zA-Z0-9_], and `:` in metric names. */
export class NamingSink extends PassingSink {
  override addLabel(name: string, value: string): void {
    if (name === "__name__") this.target.addLabel(name, value.replace(/[^a-zA-Z0-9_:]/gu, "_"));
    else this.target.addLabel(name.replace(/[^a-zA-Z0-9_]/gu, "_"), value);
  }

  override addLabelBytes(bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    this.addLabel(decodeLabelBytes(bytes, nameLo, nameHi), decodeLabelBytes(bytes, valueLo, valueHi));
  }
}

/** Takes every value for a staleness marker. */
export class StaleSink extends PassingSink {
  override addSample(timestampMs: number): void {
    this.addSampleBits(timestampMs, STALE_NAN_BYTES, 0);
  }

  override addSamples(timestamps: Float64Array, _values: Float64Array, lo: number, hi: number): void {
    for (let i = lo; i < hi; i++) this.addSample(timestamps[i] as number);
  }
}

function isAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}
