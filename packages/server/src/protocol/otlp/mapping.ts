/**
 * Data points → samples, as VictoriaMetrics does (lib/protoparser/opentelemetry/pb/pb.go):
 *
 *     gauge, sum             name
 *     histogram              name_count, name_sum (if given), name_bucket{le="…"} cumulative, le="+Inf" last
 *     exponential histogram  name_count, name_sum (if given), name_bucket{vmrange="lo...hi"}, not cumulative, filled buckets only
 *     summary                name_count, name_sum, name{quantile="…"}
 *
 * Delta points are stored as they are. The flag "no recorded value" makes every sample of the point a stale marker.
 *
 * Where it differs: a histogram without buckets keeps its count and sum (there they are lost), buckets whose ranges have the same
 * text are added up (there the largest wins), and what cannot be meant is skipped and counted (there it is stored).
 */
import type { DataPoint, NumberList } from "./data-point.ts";
import { formatExponent3, formatPlain } from "./float-text.ts";
import { BUCKET } from "./label-stack.ts";
import { BUCKET_SUFFIX, COUNT_SUFFIX, NO_SUFFIX, type SeriesWriter, SUM_SUFFIX } from "./series-writer.ts";

/** What OpenTelemetry's data model allows; beyond, buckets of a float64 have no width. */
const SCALE_MIN = -10;
const SCALE_MAX = 20;

export function writeNumberPoint(point: DataPoint, writer: SeriesWriter): void {
  if (point.isNoRecordedValue) writer.addStaleMarker(NO_SUFFIX, point.timestampMs);
  else if (!point.hasValue) writer.report.addSkipped("data point without a value");
  else if (point.valueOffset >= 0) writer.addSampleBits(NO_SUFFIX, point.timestampMs, point.valueOffset);
  else writer.addSample(NO_SUFFIX, point.timestampMs, point.value);
}

export function writeHistogramPoint(point: DataPoint, writer: SeriesWriter): void {
  const { bucketCounts, bounds } = point;
  if (bucketCounts.isTooLong || bounds.isTooLong) {
    writer.report.addSkipped("histogram with more than 65536 buckets");
    return;
  }
  const isBucketless = bucketCounts.length === 0 && bounds.length === 0;
  if (!isBucketless && bucketCounts.length !== bounds.length + 1) {
    writer.report.addSkipped("histogram whose buckets are not one more than its bounds");
    return;
  }
  if (!isAscending(bounds)) {
    writer.report.addSkipped("histogram whose bounds are not ascending numbers");
    return;
  }
  writeCountAndSum(point, writer);
  let cumulative = 0;
  for (let i = 0; i < bounds.length; i++) {
    cumulative += bucketCounts.values[i];
    // A last bound of +Inf is said again below, with what is beyond it.
    if (bounds.values[i] !== Infinity) writeBucket(point, writer, "le", formatPlain(bounds.values[i]), cumulative);
  }
  const total = isBucketless ? point.count : cumulative + bucketCounts.values[bounds.length];
  writeBucket(point, writer, "le", "+Inf", total);
}

export function writeExponentialHistogramPoint(point: DataPoint, writer: SeriesWriter): void {
  const { scale, zeroThreshold, positiveCounts, negativeCounts } = point;
  const { report } = writer;
  if (positiveCounts.isTooLong || negativeCounts.isTooLong) {
    report.addSkipped("histogram with more than 65536 buckets");
    return;
  }
  if (scale < SCALE_MIN || scale > SCALE_MAX) {
    report.addSkipped("exponential histogram of a scale outside -10 … 20");
    return;
  }
  if (!(zeroThreshold >= 0)) {
    report.addSkipped("exponential histogram with a negative zero threshold");
    return;
  }
  writeCountAndSum(point, writer);
  if (point.zeroCount > 0) {
    // Not +0: VictoriaMetrics writes -0.000e+00...0.000e+00, and the text is what names the series.
    const range = `${formatExponent3(-zeroThreshold)}...${formatExponent3(zeroThreshold)}`;
    writeBucket(point, writer, "vmrange", range, point.zeroCount);
  }
  writeExponentialBuckets(point, writer, point.positiveOffset, positiveCounts, false);
  writeExponentialBuckets(point, writer, point.negativeOffset, negativeCounts, true);
}

export function writeSummaryPoint(point: DataPoint, writer: SeriesWriter): void {
  const { quantiles, quantileValues } = point;
  if (quantiles.isTooLong) {
    writer.report.addSkipped("summary with more than 65536 quantiles");
    return;
  }
  point.hasSum = true;
  writeCountAndSum(point, writer);
  for (let i = 0; i < quantiles.length; i++) {
    writeBucket(point, writer, "quantile", formatPlain(quantiles.values[i]), quantileValues.values[i]);
  }
}

function writeCountAndSum(point: DataPoint, writer: SeriesWriter): void {
  if (point.isNoRecordedValue) {
    writer.addStaleMarker(COUNT_SUFFIX, point.timestampMs);
    if (point.hasSum) writer.addStaleMarker(SUM_SUFFIX, point.timestampMs);
    return;
  }
  writer.addSample(COUNT_SUFFIX, point.timestampMs, point.count);
  if (point.hasSum) writer.addSample(SUM_SUFFIX, point.timestampMs, point.sum);
}

/** One more label on top of the point's own, for one sample. */
function writeBucket(point: DataPoint, writer: SeriesWriter, label: string, text: string, value: number): void {
  const { labels } = writer;
  const suffix = label === "quantile" ? NO_SUFFIX : BUCKET_SUFFIX;
  labels.mark(BUCKET);
  labels.addAscii(label, text);
  if (point.isNoRecordedValue) writer.addStaleMarker(suffix, point.timestampMs);
  else writer.addSample(suffix, point.timestampMs, value);
  labels.backTo(BUCKET);
}

/**
 * Bucket `i` of scale `s` holds what is above `2^((offset+i)/2^s)` and at most `2^((offset+i+1)/2^s)`. At high scales neighbours share
 * their four digits of text, and so their series: their counts are added up.
 */
function writeExponentialBuckets(
  point: DataPoint,
  writer: SeriesWriter,
  offset: number,
  counts: NumberList,
  isNegative: boolean,
): void {
  const ratio = 2 ** -point.scale;
  let pendingRange = "";
  let pendingCount = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts.values[i];
    if (count === 0) continue;
    const lower = 2 ** ((offset + i) * ratio);
    const upper = 2 ** ((offset + i + 1) * ratio);
    if (lower === Infinity || upper === 0) {
      writer.report.addSkipped("exponential histogram bucket beyond float64");
      continue;
    }
    const range = isNegative
      ? `${formatExponent3(-upper)}...${formatExponent3(-lower)}`
      : `${formatExponent3(lower)}...${formatExponent3(upper)}`;
    if (range !== pendingRange) {
      if (pendingCount > 0) writeBucket(point, writer, "vmrange", pendingRange, pendingCount);
      pendingRange = range;
      pendingCount = 0;
    }
    pendingCount += count;
  }
  if (pendingCount > 0) writeBucket(point, writer, "vmrange", pendingRange, pendingCount);
}

function isAscending(bounds: NumberList): boolean {
  const { values, length } = bounds;
  for (let i = 0; i < length; i++) {
    if (Number.isNaN(values[i]) || (i > 0 && values[i] <= values[i - 1])) return false;
  }
  return true;
}
