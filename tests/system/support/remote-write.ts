/**
 * A remote-write sender: the wire format written down a second time, so that the server's parser is not tested
 * against itself. Snappy comes from the native library.
 */
import { compressSync } from "snappy";
import { type HttpAnswer, type HttpOptions, http } from "./http.ts";
import { ProtobufWriter } from "./protobuf.ts";

export type LabelBytes = string | Uint8Array;

export interface SentSeries {
  /** `[name, value]` in the order they are sent. */
  readonly labels: readonly (readonly [LabelBytes, LabelBytes])[];
  /** ms since the epoch. */
  readonly timestamps: ArrayLike<number> | readonly bigint[];
  /** Sent bit by bit. */
  readonly values: Float64Array;
}

/** The bytes of a prometheus.WriteRequest, not compressed. */
export function encodeWriteRequest(series: readonly SentSeries[]): Buffer {
  const whole = new ProtobufWriter(1 << 16);
  for (const one of series) whole.field(1, encodeTimeSeries(one));
  return Buffer.from(whole.finish());
}

/** The content of one TimeSeries. */
export function encodeTimeSeries({ labels, timestamps, values }: SentSeries): Buffer {
  const one = new ProtobufWriter();
  one.raw(encodeLabels(labels));
  const bits = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  for (let i = 0; i < values.length; i++) one.raw(encodeSample(timestamps[i] as number | bigint, bits, i * 8));
  return Buffer.from(one.finish());
}

/** The `labels` fields of a TimeSeries. */
export function encodeLabels(labels: SentSeries["labels"]): Buffer {
  const whole = new ProtobufWriter();
  const label = new ProtobufWriter();
  for (const [name, value] of labels) {
    label.reset();
    whole.field(1, label.field(1, name).field(2, value).finish());
  }
  return Buffer.from(whole.finish());
}

/** The `samples` field of a TimeSeries: a tag, a length, value bits and timestamp. The view lasts until the next call. */
function encodeSample(timestampMs: number | bigint, bits: Uint8Array, offset: number): Buffer {
  const sample = sampleWriter;
  sample.reset();
  sample.tag(1, 1).fixed64(bits, offset).tag(2, 0);
  if (typeof timestampMs === "bigint" || timestampMs < 0) sample.varint64(BigInt(timestampMs));
  else sample.varint(timestampMs);
  sampleField.reset();
  return sampleField.field(2, sample.finish()).finish();
}

const sampleWriter = new ProtobufWriter(32);
const sampleField = new ProtobufWriter(32);

export const remoteWriteHeaders: Readonly<Record<string, string>> = {
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
  "x-prometheus-remote-write-version": "0.1.0",
};

export function compressBody(body: Uint8Array): Buffer {
  return compressSync(Buffer.from(body));
}

/** Sends `series` in one request to `/api/v1/write` of `url`. */
export function remoteWrite(
  url: string,
  series: readonly SentSeries[],
  options: HttpOptions = {},
): Promise<HttpAnswer> {
  return http(`${url}/api/v1/write`, {
    ...options,
    headers: { ...remoteWriteHeaders, ...options.headers },
    body: compressBody(encodeWriteRequest(series)),
  });
}

/** One series with the metric name first, as most senders write it. */
export function seriesOf(
  name: string,
  labels: Readonly<Record<string, string>>,
  samples: readonly (readonly [timestampMs: number, value: number])[],
): SentSeries {
  return {
    labels: [["__name__", name], ...Object.entries(labels)],
    timestamps: samples.map(([timestampMs]) => timestampMs),
    values: Float64Array.from(samples, ([, value]) => value),
  };
}
