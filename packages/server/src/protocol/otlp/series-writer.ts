/**
 * Writes samples of the metric and labels at hand to the batch: `<name><suffix>{stack of labels}`.
 * Keeps count of what they multiply to, for one resource's labels are written again with each of its samples.
 */
import { STALE_NAN_BYTES } from "@nyanza/tsdb/ingest";
import type { ParseReport } from "../report.ts";
import type { RowSink } from "../row-sink.ts";
import type { LabelStack } from "./label-stack.ts";
import { type MetricKind, toPrometheusMetricName } from "./naming.ts";
import type { OtlpOptions } from "./options.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NAME_LABEL = encoder.encode("__name__");
const SUFFIX_BYTES_MAX = 16;

export const NO_SUFFIX: Uint8Array = new Uint8Array(0);
export const COUNT_SUFFIX: Uint8Array = encoder.encode("_count");
export const SUM_SUFFIX: Uint8Array = encoder.encode("_sum");
export const BUCKET_SUFFIX: Uint8Array = encoder.encode("_bucket");

const STEP_SAMPLES_DEFAULT = 65_536;
const STEP_LABEL_BYTES_DEFAULT = 32 * 1024 * 1024;
const STEP_LABEL_BYTES_MAX = 256 * 1024 * 1024;
const LABEL_BYTES_MAX_DEFAULT = 2 * 1024 * 1024 * 1024;

export class SeriesWriter {
  readonly labels: LabelStack;
  readonly report: ParseReport;
  private readonly batch: RowSink;
  private readonly options: OtlpOptions;
  private readonly isNameConverted: boolean;
  private readonly stepSamples: number;
  private readonly stepLabelBytes: number;
  private readonly labelBytesMax: number;

  /** `__name__`, the metric's name behind it, room for a suffix. */
  private name: Uint8Array = new Uint8Array(256);
  private nameEnd = NAME_LABEL.length;
  private samplesInStep = 0;
  private labelBytesInStep = 0;
  private labelBytes = 0;

  constructor(batch: RowSink, labels: LabelStack, report: ParseReport, options: OtlpOptions) {
    this.batch = batch;
    this.labels = labels;
    this.report = report;
    this.options = options;
    this.isNameConverted = options.usePrometheusNaming === true || options.convertMetricNamesToPrometheus === true;
    this.stepSamples = options.stepSamples ?? STEP_SAMPLES_DEFAULT;
    this.stepLabelBytes = options.stepLabelBytes ?? STEP_LABEL_BYTES_DEFAULT;
    this.labelBytesMax = options.labelBytesMax ?? LABEL_BYTES_MAX_DEFAULT;
    this.name.set(NAME_LABEL);
  }

  /** The samples that follow are of the metric `bytes[lo..hi)`. False, and counted, if it has no name. */
  beginMetric(bytes: Uint8Array, lo: number, hi: number, unit: string, kind: MetricKind, help: string): boolean {
    let source = bytes;
    let from = lo;
    let to = hi;
    if (this.isNameConverted) {
      source = encoder.encode(toPrometheusMetricName(decoder.decode(bytes.subarray(lo, hi)), unit, kind));
      from = 0;
      to = source.length;
    }
    if (from === to) {
      this.report.addSkipped("metric without a name");
      return false;
    }
    const length = NAME_LABEL.length + to - from + SUFFIX_BYTES_MAX;
    if (length > this.name.length) {
      this.name = new Uint8Array(length * 2);
      this.name.set(NAME_LABEL);
    }
    let end = NAME_LABEL.length;
    for (let i = from; i < to; i++) this.name[end++] = source[i];
    this.nameEnd = end;
    this.options.onMetadata?.({
      name: decoder.decode(this.name.subarray(NAME_LABEL.length, end)),
      type: kind,
      help,
      unit,
    });
    return true;
  }

  get wantsHelp(): boolean {
    return this.options.onMetadata !== undefined;
  }

  addSample(suffix: Uint8Array, timestampMs: number, value: number): void {
    if (this.beginSample(suffix)) this.batch.addSample(timestampMs, value);
  }

  /** The value is the float64 at `offset` of the body, kept bit for bit. */
  addSampleBits(suffix: Uint8Array, timestampMs: number, offset: number): void {
    if (this.beginSample(suffix)) this.batch.addSampleBits(timestampMs, this.labels.body, offset);
  }

  addStaleMarker(suffix: Uint8Array, timestampMs: number): void {
    if (this.beginSample(suffix)) this.batch.addSampleBits(timestampMs, STALE_NAN_BYTES, 0);
  }

  private beginSample(suffix: Uint8Array): boolean {
    const { labels, batch, name } = this;
    if (labels.isOverfull) {
      this.report.addSkipped("labels of more than 256 KiB, or more than 4096 of them");
      return false;
    }
    let end = this.nameEnd;
    for (let i = 0; i < suffix.length; i++) name[end++] = suffix[i];
    const labelBytes = labels.byteLength + end;
    if (
      this.labelBytes + labelBytes > this.labelBytesMax ||
      this.labelBytesInStep + labelBytes > STEP_LABEL_BYTES_MAX
    ) {
      this.report.addSkipped("labels that multiply to more than one body may have");
      return false;
    }
    this.labelBytes += labelBytes;
    this.labelBytesInStep += labelBytes;
    this.samplesInStep++;
    this.report.rows++;
    batch.beginSeries();
    batch.addLabelBytes(name, 0, NAME_LABEL.length, NAME_LABEL.length, end);
    labels.emit(batch);
    batch.endLabels();
    return true;
  }

  /** Time to pause: the batch has grown enough since the last `beginStep`. */
  get isStepFull(): boolean {
    return this.samplesInStep >= this.stepSamples || this.labelBytesInStep >= this.stepLabelBytes;
  }

  beginStep(): void {
    this.samplesInStep = 0;
    this.labelBytesInStep = 0;
  }
}
