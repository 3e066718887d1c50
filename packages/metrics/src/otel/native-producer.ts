/**
 * Lets an OTLP push carry what the SDK does not hold: native sets and the process's own metrics, as families.
 *
 *     counter                    monotonic sum since the process started
 *     gauge, unknown             gauge
 *     histogram with `le`        histogram
 *     histogram with `vmrange`   sums x_bucket{vmrange="…"}, x_sum, x_count: VictoriaMetrics stores them under these names
 *     summary                    gauge x{quantile="…"}, sums x_sum, x_count (the SDK has no word for a summary)
 *
 * Names stay as a scrape shows them.
 */
import type { Attributes, HrTime, ValueType } from "@opentelemetry/api";
import type { CollectionResult, DataPoint, Histogram, MetricData, MetricProducer } from "@opentelemetry/sdk-metrics";
import type { Family, Sample } from "../exposition/family.ts";
import { parseLabels } from "../exposition/label-text.ts";
import type { ResourcesModule, SdkModule } from "./peers.ts";

const SCOPE = { name: "@nyanza/metrics" };
const DOUBLE = 1 as ValueType;

export class NativeProducer implements MetricProducer {
  readonly #sdk: SdkModule;
  readonly #resources: ResourcesModule;
  readonly #collect: () => readonly Family[];
  readonly #startTime: HrTime = toHrTime(performance.timeOrigin);

  /** `collect` gives the families; if it throws, that is an error of the collection and the rest is pushed all the same. */
  constructor(sdk: SdkModule, resources: ResourcesModule, collect: () => readonly Family[]) {
    this.#sdk = sdk;
    this.#resources = resources;
    this.#collect = collect;
  }

  collect(): Promise<CollectionResult> {
    const errors: unknown[] = [];
    let metrics: MetricData[] = [];
    try {
      metrics = this.convert(this.#collect(), Date.now());
    } catch (error) {
      errors.push(error);
    }
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope: SCOPE, metrics }];
    // The SDK puts its own resource in the place of this one.
    return Promise.resolve({ resourceMetrics: { resource: this.#resources.emptyResource(), scopeMetrics }, errors });
  }

  convert(families: readonly Family[], nowMs: number): MetricData[] {
    const metrics: MetricData[] = [];
    for (const family of families) {
      if (family.samples.length === 0) continue;
      const maker = new MetricMaker(this.#sdk, family, this.#startTime, toHrTime(nowMs));
      if (family.type === "counter") metrics.push(maker.sum("", true));
      else if (family.type === "histogram" && !usesRanges(family)) metrics.push(maker.histogram());
      else if (family.type === "histogram") {
        metrics.push(maker.sum("_bucket", true), maker.sum("_sum", false), maker.sum("_count", true));
      } else if (family.type === "summary") {
        metrics.push(maker.gauge(), maker.sum("_sum", false), maker.sum("_count", true));
      } else metrics.push(maker.gauge());
    }
    return metrics.filter(({ dataPoints }) => dataPoints.length > 0);
  }
}

/** One family as data of the SDK. */
class MetricMaker {
  readonly #sdk: SdkModule;
  readonly #family: Family;
  readonly #startTime: HrTime;
  readonly #endTime: HrTime;

  constructor(sdk: SdkModule, family: Family, startTime: HrTime, endTime: HrTime) {
    this.#sdk = sdk;
    this.#family = family;
    this.#startTime = startTime;
    this.#endTime = endTime;
  }

  /** Sums of values that may be negative can fall: those are not monotonic. */
  sum(suffix: Sample["suffix"], isMonotonic: boolean): MetricData {
    const dataPointType = this.#sdk.DataPointType.SUM;
    return { ...this.#describe(suffix), dataPointType, isMonotonic, dataPoints: this.#points(suffix) };
  }

  gauge(): MetricData {
    const dataPointType = this.#sdk.DataPointType.GAUGE;
    return { ...this.#describe(""), dataPointType, dataPoints: this.#points("") };
  }

  histogram(): MetricData {
    const groups = new Map<string, Group>();
    for (const { suffix, labels, value } of this.#family.samples) {
      const isBucket = suffix === "_bucket";
      // `le` is always the last label.
      const cut = isBucket ? Math.max(labels.lastIndexOf(',le="'), 0) : labels.length;
      const series = labels.slice(0, cut);
      let group = groups.get(series);
      if (group === undefined) groups.set(series, (group = { bounds: [], counts: [], sum: undefined, count: 0 }));
      if (suffix === "_sum") group.sum = value;
      else if (suffix === "_count") group.count = value;
      else if (isBucket) {
        group.bounds.push(readBound(labels.slice(labels.lastIndexOf('le="') + 4, -1)));
        group.counts.push(value);
      }
    }
    const dataPoints = [...groups].map(([labels, group]) => this.#point(labels, toHistogram(group)));
    return { ...this.#describe(""), dataPointType: this.#sdk.DataPointType.HISTOGRAM, dataPoints };
  }

  #points(suffix: Sample["suffix"]): DataPoint<number>[] {
    const points: DataPoint<number>[] = [];
    for (const sample of this.#family.samples) {
      if (sample.suffix === suffix) points.push(this.#point(sample.labels, sample.value));
    }
    return points;
  }

  #point<T>(labels: string, value: T): DataPoint<T> {
    // fromEntries makes an own property of `__proto__` too.
    const attributes: Attributes = Object.fromEntries(parseLabels(labels) ?? []);
    return { startTime: this.#startTime, endTime: this.#endTime, attributes, value };
  }

  #describe(suffix: string): Pick<MetricData, "descriptor" | "aggregationTemporality"> {
    const { name, help, unit } = this.#family;
    return {
      descriptor: { name: `${name}${suffix}`, description: help, unit, valueType: DOUBLE },
      aggregationTemporality: this.#sdk.AggregationTemporality.CUMULATIVE,
    };
  }
}

interface Group {
  readonly bounds: number[];
  /** Cumulative, as a scrape shows them. */
  readonly counts: number[];
  sum: number | undefined;
  count: number;
}

/** OTLP wants a count for each bucket alone, and leaves the last bound, infinity, unsaid. */
function toHistogram({ bounds, counts, sum, count }: Group): Histogram {
  const boundaries = bounds.filter((bound) => bound < Number.POSITIVE_INFINITY);
  const each = boundaries.map((_, i) => (counts[i] as number) - (i === 0 ? 0 : (counts[i - 1] as number)));
  each.push(count - (boundaries.length === 0 ? 0 : (counts[boundaries.length - 1] as number)));
  return { buckets: { boundaries, counts: each }, count, ...(sum === undefined ? {} : { sum }) };
}

function readBound(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
}

function usesRanges(family: Family): boolean {
  return family.samples.some(({ suffix, labels }) => suffix === "_bucket" && /(?:^|,)vmrange="[^"]*"$/.test(labels));
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
