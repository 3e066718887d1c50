/**
 * What an OpenTelemetry reader collected, as families:
 *
 *     monotonic sum                counter, named `…_total`
 *     other sum, gauge             gauge
 *     histogram                    histogram, buckets cumulative by `le`
 *     exponential histogram        histogram, its buckets' upper bounds as `le`
 *     resource                     one sample: target_info{service_name="…", …} 1
 *
 * Several families of one name may come out, when names differ only in characters that Prometheus has not; the
 * caller joins them (exposition/join.ts), which drops and counts what cannot stand beside each other.
 */
import type { Attributes } from "@opentelemetry/api";
import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  ResourceMetrics,
  ScopeMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Family, FamilyType, ProcessAggregation, Sample } from "../exposition/family.ts";
import { appendLabel } from "../exposition/labels.ts";
import { formatValue } from "../exposition/text-format.ts";
import { formatAttributes, nameFamily } from "./prometheus-names.ts";

/** How instruments become families of the endpoint. */
export interface FamilyOptions {
  /** Appends units to names: `http_server_duration_seconds`. Default: false. */
  readonly unitSuffixes?: boolean;
  /**
   * Labels `otel_scope_name` and `otel_scope_version` on everything. Default: only where two scopes (two
   * libraries, say) have instruments of one name.
   */
  readonly scopeLabels?: boolean;
}

type Scope = ScopeMetrics["scope"];
type ExtraLabels = readonly (readonly [string, string])[];

/** Numbers of the SDK's `DataPointType`, which is there only when the SDK is; a test compares them. */
export const POINT_HISTOGRAM = 0;
export const POINT_EXPONENTIAL_HISTOGRAM = 1;
export const POINT_GAUGE = 2;
export const POINT_SUM = 3;

export class FamilyMapper {
  readonly #unitSuffixes: boolean;
  readonly #scopeLabels: boolean;
  /** Which scope has a family; null once a second one came. Remembered, or series would change their labels to and fro. */
  readonly #scopes = new Map<string, string | null>();

  constructor(options: FamilyOptions = {}) {
    this.#unitSuffixes = options.unitSuffixes ?? false;
    this.#scopeLabels = options.scopeLabels ?? false;
  }

  /** Everything collected, in its order; never throws for what an application could have recorded. */
  map(collected: ResourceMetrics): Family[] {
    const named: { metric: MetricData; scope: Scope; name: string; unit: string }[] = [];
    for (const { scope, metrics } of collected.scopeMetrics) {
      const key = `${scope.name}\n${scope.version ?? ""}`;
      for (const metric of metrics) {
        const { name, unit } = this.#name(metric);
        const owner = this.#scopes.get(name);
        if (owner === undefined) this.#scopes.set(name, key);
        else if (owner !== key) this.#scopes.set(name, null);
        named.push({ metric, scope, name, unit });
      }
    }
    return named.map(({ metric, scope, name, unit }) => {
      const isShown = this.#scopeLabels || this.#scopes.get(name) === null;
      const [type, aggregation] = typeOf(metric);
      const help = metric.descriptor.description;
      return { name, type, help, unit, aggregation, samples: sample(metric, isShown ? labelsOf(scope) : []) };
    });
  }

  #name(metric: MetricData): { name: string; unit: string } {
    return nameFamily(metric.descriptor.name, metric.descriptor.unit, {
      isCounter: metric.dataPointType === POINT_SUM && metric.isMonotonic,
      isGauge: metric.dataPointType === POINT_GAUGE,
      unitSuffixes: this.#unitSuffixes,
    });
  }
}

/** `target_info`: what is true of all series of this target, said once. Labels are `attributes` but for those in `without`. */
export function describeTarget(attributes: Attributes, without: ReadonlySet<string> = new Set()): Family {
  const kept = Object.fromEntries(Object.entries(attributes).filter(([name]) => !without.has(name)));
  return {
    name: "target_info",
    type: "gauge",
    help: "Attributes of the resource that is measured.",
    unit: "",
    aggregation: "max",
    samples: [{ suffix: "", labels: formatAttributes(kept), value: 1 }],
  };
}

/** Processes add up what was counted; of what was looked at, each shows its own. */
function typeOf(metric: MetricData): [FamilyType, ProcessAggregation] {
  switch (metric.dataPointType) {
    case POINT_SUM:
      return [metric.isMonotonic ? "counter" : "gauge", "sum"];
    case POINT_GAUGE:
      return ["gauge", "each"];
    default:
      return ["histogram", "sum"];
  }
}

function labelsOf(scope: Scope): ExtraLabels {
  return [
    ["otel_scope_name", scope.name],
    ["otel_scope_version", scope.version ?? ""],
  ];
}

function sample(metric: MetricData, more: ExtraLabels): Sample[] {
  const samples: Sample[] = [];
  switch (metric.dataPointType) {
    case POINT_HISTOGRAM:
      for (const point of metric.dataPoints) addHistogram(point, more, samples);
      break;
    case POINT_EXPONENTIAL_HISTOGRAM:
      for (const point of metric.dataPoints) addExponentialHistogram(point, more, samples);
      break;
    default:
      for (const { attributes, value } of metric.dataPoints) {
        samples.push({ suffix: "", labels: formatAttributes(attributes, more), value });
      }
  }
  return samples;
}

function addHistogram({ attributes, value }: DataPoint<Histogram>, more: ExtraLabels, samples: Sample[]): void {
  const labels = formatAttributes(attributes, more, "le");
  const { boundaries, counts } = value.buckets;
  let count = 0;
  for (let i = 0; i < boundaries.length; i++) {
    count += counts[i] as number;
    addBucket(labels, boundaries[i] as number, count, samples);
  }
  addEnd(labels, value.sum, value.count, samples);
}

/**
 * Bucket `i` of an exponential histogram holds what is above base^i and not above base^(i+1), base = 2^(2^-scale); below zero it is
 * the mirror image. When the SDK halves the scale to make room, the bounds that stay are the same numbers.
 */
function addExponentialHistogram(
  { attributes, value }: DataPoint<ExponentialHistogram>,
  more: ExtraLabels,
  samples: Sample[],
): void {
  const labels = formatAttributes(attributes, more, "le");
  const { positive, negative, scale, zeroCount } = value;
  const boundOf = (index: number): number => 2 ** (index * 2 ** -scale);
  let count = 0;
  // Each run of buckets begins with its lower bound, or quantiles would be sought from far below it.
  const below = negative.bucketCounts.length;
  if (below > 0) addBucket(labels, -boundOf(negative.offset + below), 0, samples);
  for (let i = below - 1; i >= 0; i--) {
    count += negative.bucketCounts[i] as number;
    addBucket(labels, -boundOf(negative.offset + i), count, samples);
  }
  if (zeroCount > 0 || below > 0) addBucket(labels, 0, count + zeroCount, samples);
  count += zeroCount;
  if (positive.bucketCounts.length > 0) addBucket(labels, boundOf(positive.offset), count, samples);
  for (let i = 0; i < positive.bucketCounts.length; i++) {
    count += positive.bucketCounts[i] as number;
    addBucket(labels, boundOf(positive.offset + i + 1), count, samples);
  }
  addEnd(labels, value.sum, value.count, samples);
}

function addBucket(labels: string, bound: number, count: number, samples: Sample[]): void {
  // The outermost buckets of an exponential histogram may end beyond the largest double; `+Inf` is written once, at the end.
  if (!Number.isFinite(bound)) return;
  samples.push({ suffix: "_bucket", labels: appendLabel(labels, `le="${formatValue(bound)}"`), value: count });
}

function addEnd(labels: string, sum: number | undefined, count: number, samples: Sample[]): void {
  samples.push({ suffix: "_bucket", labels: appendLabel(labels, 'le="+Inf"'), value: count });
  // Without a sum when values may be negative: it could fall, and would be taken for a restart.
  if (sum !== undefined) samples.push({ suffix: "_sum", labels, value: sum });
  samples.push({ suffix: "_count", labels, value: count });
}
