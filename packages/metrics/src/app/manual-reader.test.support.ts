import type { Attributes, Meter } from "@opentelemetry/api";
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";

/** A reader that collects when a test asks it to. */
class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** The real SDK, not set as the global provider, and what its instruments have to say. */
export class Readings {
  readonly meter: Meter;
  readonly #reader = new ManualReader();
  readonly #provider: MeterProvider;

  constructor() {
    this.#provider = new MeterProvider({ readers: [this.#reader] });
    this.meter = this.#provider.getMeter("test");
  }

  /** All data points of an instrument, `label=value,…` (sorted by label) to number, or to count and sum of a histogram. */
  async points(name: string): Promise<Map<string, number | { count: number; sum: number }>> {
    const points = new Map<string, number | { count: number; sum: number }>();
    for (const metric of await this.#collect()) {
      if (metric.descriptor.name !== name) continue;
      for (const point of metric.dataPoints as DataPoint<number | Histogram>[]) {
        const { value } = point;
        const reading = typeof value === "number" ? value : { count: value.count, sum: value.sum ?? 0 };
        points.set(formatAttributes(point.attributes), reading);
      }
    }
    return points;
  }

  /** The data points of a counter or gauge as an object, for deepEqual. */
  async values(name: string): Promise<Record<string, number>> {
    const values: [string, number][] = [];
    for (const [labels, value] of await this.points(name)) {
      if (typeof value === "number") values.push([labels, value]);
      else values.push([labels, value.count]);
    }
    return Object.fromEntries(values);
  }

  /** Name, unit, description, bucket bounds of every instrument that has data. */
  async instruments(): Promise<Map<string, { unit: string; description: string; bounds?: readonly number[] }>> {
    const instruments = new Map<string, { unit: string; description: string; bounds?: readonly number[] }>();
    for (const { descriptor, dataPoints } of await this.#collect()) {
      const { name, unit, description } = descriptor;
      const value = dataPoints[0]?.value;
      const bounds = typeof value === "object" && "buckets" in value ? { bounds: value.buckets.boundaries } : {};
      instruments.set(name, { unit, description, ...bounds });
    }
    return instruments;
  }

  async #collect() {
    const { resourceMetrics, errors } = await this.#reader.collect();
    if (errors.length > 0) throw errors[0];
    return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
  }
}

function formatAttributes(attributes: Attributes): string {
  return Object.keys(attributes)
    .sort()
    .map((key) => `${key}=${attributes[key]}`)
    .join(",");
}
