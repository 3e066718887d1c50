/**
 * OTLP metrics, protobuf or JSON → rows. Names, labels and histograms come out as VictoriaMetrics has them: metric and attribute
 * names unchanged, resource attributes and the scope as labels (mapping.ts says what becomes of each kind of point).
 *
 *     for (const _ of parseOtlpInSteps(body, otlpEncodingOf(contentType), batch, report, options)) {
 *       await store(batch);
 *       batch.reset(tenant);
 *     }
 *     await store(batch);
 *
 * One resource's labels are written with each of its samples, so a small body can be many rows: the generator pauses
 * whenever the batch has grown enough.
 */
import { BugError } from "@nyanza/tsdb";
import { ParseReport } from "../report.ts";
import type { RowSink } from "../row-sink.ts";
import { decodeJson } from "./json.ts";
import { LabelStack } from "./label-stack.ts";
import { toPrometheusLabelName } from "./naming.ts";
import { type OtlpOptions, resourcePromotionOf } from "./options.ts";
import { decodeProtobuf } from "./protobuf.ts";
import { SeriesWriter } from "./series-writer.ts";

export type OtlpEncoding = "protobuf" | "json";
export type { OtlpOptions } from "./options.ts";

/** `application/json` with any parameters is JSON; all else, no header included, is protobuf. */
export function otlpEncodingOf(contentType: string | undefined): OtlpEncoding {
  const type = (contentType ?? "").split(";", 1)[0] as string;
  return type.trim().toLowerCase() === "application/json" ? "json" : "protobuf";
}

/**
 * Parses a whole uncompressed body into `batch`, however large the batch becomes (256 MiB of labels at most).
 * Throws InputError (400) when the body as a whole cannot be read; the batch is then to be thrown away.
 */
export function parseOtlp(
  bytes: Uint8Array,
  encoding: OtlpEncoding,
  batch: RowSink,
  options: OtlpOptions = {},
): ParseReport {
  const report = new ParseReport();
  const steps = parseOtlpInSteps(bytes, encoding, batch, report, {
    ...options,
    stepSamples: Number.POSITIVE_INFINITY,
    stepLabelBytes: Number.POSITIVE_INFINITY,
  });
  for (const _ of steps) throw new BugError("a step without an end paused");
  return report;
}

/**
 * The same in steps: each `yield` says that the batch is full; store it and reset it before going on. `report` grows as rows do.
 * Throws InputError (400) when the rest cannot be read; what was stored before stays.
 */
export function* parseOtlpInSteps(
  bytes: Uint8Array,
  encoding: OtlpEncoding,
  batch: RowSink,
  report: ParseReport,
  options: OtlpOptions = {},
): Generator<void, void, void> {
  const labels = new LabelStack(bytes, options.usePrometheusNaming === true ? renamerOf(options) : null);
  const writer = new SeriesWriter(batch, labels, report, options);
  const promotion = resourcePromotionOf(options);
  if (encoding === "json") yield* decodeJson(bytes, writer, promotion);
  else yield* decodeProtobuf(bytes, writer, promotion);
}

const RENAMED_MAX = 10_000;

/** Label names repeat with every point: remembers what they became. */
function renamerOf(options: OtlpOptions): (name: string) => string {
  const isUnderscoreSanitized = options.labelNameUnderscoreSanitization ?? true;
  const renamed = new Map<string, string>();
  return (name) => {
    let label = renamed.get(name);
    if (label === undefined) {
      label = toPrometheusLabelName(name, isUnderscoreSanitized);
      if (renamed.size < RENAMED_MAX) renamed.set(name, label);
    }
    return label;
  };
}
