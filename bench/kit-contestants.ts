/**
 * Who takes part in `npm run bench -- kit`: this package, prom-client and the bare OpenTelemetry SDK, each doing the same work on the same
 * labels. Every contestant can say what it has counted, so that the bench can refuse one that did not do the work.
 */
import { type Family, MetricSet, writeOpenMetrics } from "@nyanza/metrics";
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import * as prom from "prom-client";

/** `run(count)` does the work that often; `read` is the sum of all series afterwards. */
export interface Contestant {
  readonly title: string;
  readonly run: (count: number) => void | Promise<void>;
  readonly read: () => number | Promise<number>;
}

interface LabelSet {
  readonly method: string;
  readonly path: string;
  readonly status: string;
}

type LabelName = keyof LabelSet;

const labelNames: LabelName[] = ["method", "path", "status"];

/** 48 label sets, as a service of four routes has them. Every contestant walks through them in turn. */
const labelSets: readonly LabelSet[] = ["GET", "POST", "PUT", "DELETE"].flatMap((method) =>
  ["/", "/users/:id", "/orders/:id/items", "/cart"].flatMap((path) =>
    ["200", "404", "500"].map((status) => ({ method, path, status })),
  ),
);

/** Latencies in seconds, 1024 of them from 0.2 ms to 13 s, in no order. */
const seconds: readonly number[] = Array.from({ length: 1024 }, (_, i) => 0.0002 * 1.011 ** ((i * 389) % 1024));

const help = "What the bench counts.";

/** An increment through a handle that was bound beforehand. */
export function boundIncrements(): Contestant[] {
  const set = new MetricSet();
  const family = set.counter("requests_total", { help, labelNames });
  const handles = labelSets.map((labels) => family.with(labels));
  const registry = new prom.Registry();
  const counter = new prom.Counter({ name: "requests_total", help, labelNames, registers: [registry] });
  const children = labelSets.map(({ method, path, status }) => counter.labels(method, path, status));
  return [
    {
      title: "@nyanza/metrics  handle.inc()",
      run: (count) => {
        for (let i = 0, k = 0; i < count; i++, k = k === labelSets.length - 1 ? 0 : k + 1) handles[k]?.inc();
      },
      read: () => sumOf(set),
    },
    {
      title: "prom-client      child.inc()",
      run: (count) => {
        for (let i = 0, k = 0; i < count; i++, k = k === labelSets.length - 1 ? 0 : k + 1) children[k]?.inc();
      },
      read: () => sumOfProm(registry),
    },
  ];
}

/** An increment whose three labels are looked up each time. */
export function lookedUpIncrements(): Contestant[] {
  const set = new MetricSet();
  const family = set.counter("requests_total", { help, labelNames });
  const registry = new prom.Registry();
  const byArguments = new prom.Counter({ name: "arguments_total", help, labelNames, registers: [registry] });
  const byObject = new prom.Counter({ name: "object_total", help, labelNames, registers: [registry] });
  const otel = new BareOtel();
  const instrument = otel.meter.createCounter("requests");
  const turns = (step: (labels: LabelSet) => void) => (count: number) => {
    for (let i = 0, k = 0; i < count; i++, k = k === labelSets.length - 1 ? 0 : k + 1) step(labelSets[k] as LabelSet);
  };
  return [
    {
      title: "@nyanza/metrics  family.inc({…})",
      run: turns(({ method, path, status }) => family.inc({ method, path, status })),
      read: () => sumOf(set),
    },
    {
      title: "prom-client      labels(a, b, c).inc()",
      run: turns(({ method, path, status }) => byArguments.labels(method, path, status).inc()),
      read: () => sumOfProm(registry, "arguments_total"),
    },
    {
      title: "prom-client      inc({…})",
      run: turns(({ method, path, status }) => byObject.inc({ method, path, status })),
      read: () => sumOfProm(registry, "object_total"),
    },
    {
      title: "OpenTelemetry    add(1, {…})",
      run: turns(({ method, path, status }) => instrument.add(1, { method, path, status })),
      read: () => otel.sum(),
    },
  ];
}

/** A value into a histogram with three labels, looked up each time. */
export function histogramRecords(): Contestant[] {
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const vmrange = new MetricSet();
  const vmrangeFamily = vmrange.histogram("seconds", { help, labelNames });
  const le = new MetricSet();
  const leFamily = le.histogram("seconds", { help, labelNames, buckets });
  const registry = new prom.Registry();
  const promHistogram = new prom.Histogram({ name: "seconds", help, labelNames, buckets, registers: [registry] });
  const otel = new BareOtel();
  const advice = { explicitBucketBoundaries: buckets };
  const instrument = otel.meter.createHistogram("seconds", { advice });
  const turns = (step: (labels: LabelSet, value: number) => void) => (count: number) => {
    for (let i = 0, k = 0; i < count; i++, k = k === labelSets.length - 1 ? 0 : k + 1) {
      step(labelSets[k] as LabelSet, seconds[i & 1023] as number);
    }
  };
  return [
    {
      title: "@nyanza/metrics  update(v, {…}), vmrange",
      run: turns(({ method, path, status }, value) => vmrangeFamily.update(value, { method, path, status })),
      read: () => sumOf(vmrange, "_count"),
    },
    {
      title: "@nyanza/metrics  update(v, {…}), le",
      run: turns(({ method, path, status }, value) => leFamily.update(value, { method, path, status })),
      read: () => sumOf(le, "_count"),
    },
    {
      title: "prom-client      observe({…}, v)",
      run: turns(({ method, path, status }, value) => promHistogram.observe({ method, path, status }, value)),
      read: () => sumOfProm(registry, "seconds_count"),
    },
    {
      title: "OpenTelemetry    record(v, {…})",
      run: turns(({ method, path, status }, value) => instrument.record(value, { method, path, status })),
      read: () => otel.sum(),
    },
  ];
}

/**
 * One scrape of `seriesCount` counters with three labels, each of which has counted once. Text becomes bytes: until then V8 may have put off
 * the work of joining it.
 */
export function renderings(seriesCount: number): Contestant[] {
  const set = new MetricSet();
  const family = set.counter("requests_total", { help, labelNames, maxSeries: seriesCount });
  const registry = new prom.Registry();
  const counter = new prom.Counter({ name: "requests_total", help, labelNames, registers: [registry] });
  const otel = new BareOtel();
  const instrument = otel.meter.createCounter("requests");
  for (let i = 0; i < seriesCount; i++) {
    const labels = { ...(labelSets[i % labelSets.length] as LabelSet), path: `/route/${i}` };
    family.inc(labels);
    counter.inc(labels);
    instrument.add(1, labels);
  }
  let body = Buffer.alloc(0);
  return [
    {
      title: "@nyanza/metrics  text 0.0.4",
      run: (count) => {
        for (let i = 0; i < count; i++) body = Buffer.from(set.writePrometheus({ metadata: true }));
      },
      read: () => sumOfText(body.toString()),
    },
    {
      title: "@nyanza/metrics  OpenMetrics 1.0",
      run: (count) => {
        for (let i = 0; i < count; i++) body = Buffer.from(writeOpenMetrics(set.collect()));
      },
      read: () => sumOfText(body.toString()),
    },
    {
      title: "prom-client      register.metrics()",
      run: async (count) => {
        for (let i = 0; i < count; i++) body = Buffer.from(await registry.metrics());
      },
      read: () => sumOfText(body.toString()),
    },
    {
      title: "OpenTelemetry    reader.collect(), no text",
      run: async (count) => {
        for (let i = 0; i < count; i++) await otel.reader.collect();
      },
      read: () => otel.sum(),
    },
  ];
}

/** The SDK as an application starts it, its reader asked by hand; it aggregates like any other. */
class BareOtel {
  readonly reader: MetricReader = new ManualReader({ cardinalitySelector: () => 100_000 });
  readonly meter = new MeterProvider({ readers: [this.reader] }).getMeter("bench");

  /** Of all points: a counter's value, a histogram's count. */
  async sum(): Promise<number> {
    const { resourceMetrics, errors } = await this.reader.collect();
    if (errors.length > 0) throw errors[0];
    let sum = 0;
    for (const metric of resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)) {
      for (const { value } of metric.dataPoints as DataPoint<number | Histogram>[]) {
        sum += typeof value === "number" ? value : value.count;
      }
    }
    return sum;
  }
}

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function sumOf(set: MetricSet, suffix: Family["samples"][number]["suffix"] = ""): number {
  let sum = 0;
  for (const family of set.collect()) {
    for (const sample of family.samples) if (sample.suffix === suffix) sum += sample.value;
  }
  return sum;
}

async function sumOfProm(registry: prom.Registry, name = ""): Promise<number> {
  const lines = (await registry.metrics()).split("\n").filter((line) => line.startsWith(name));
  return sumOfText(lines.join("\n"));
}

function sumOfText(text: string): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if (line !== "" && !line.startsWith("#")) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
