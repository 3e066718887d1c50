/**
 * The real OpenTelemetry SDK sends every kind of instrument over OTLP/HTTP, as protobuf and as JSON; what is asked back
 * is what the program counted.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ValueType } from "@opentelemetry/api";
import { OTLPMetricExporter as JsonExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { startNyanza } from "./support/nyanza.ts";
import { type PromSeries, queryInstant } from "./support/query.ts";
import { scoped } from "./support/scope.ts";

const senders: readonly {
  readonly name: string;
  readonly path: string;
  readonly make: (url: string) => PushMetricExporter;
}[] = [
  { name: "protobuf", path: "/opentelemetry/v1/metrics", make: (url) => new ProtoExporter({ url }) },
  { name: "JSON", path: "/opentelemetry/v1/metrics", make: (url) => new JsonExporter({ url }) },
  {
    name: "protobuf, gzip, short path",
    path: "/v1/metrics",
    make: (url) => new ProtoExporter({ url, compression: "gzip" as never }),
  },
  {
    name: "JSON, gzip, short path",
    path: "/v1/metrics",
    make: (url) => new JsonExporter({ url, compression: "gzip" as never }),
  },
];

for (const { name, path, make } of senders) {
  test(
    `OpenTelemetry SDK, ${name}`,
    { timeout: 60_000 },
    scoped(async (scope) => {
      const { url } = await startNyanza(scope);
      const provider = new MeterProvider({
        resource: resourceFromAttributes({ "service.name": "boathouse", "host.cpus": 2 }),
        readers: [
          new PeriodicExportingMetricReader({ exporter: make(`${url}${path}`), exportIntervalMillis: 3_600_000 }),
        ],
        views: [
          {
            instrumentName: "oar_length",
            aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 20, recordMinMax: true } },
          },
          {
            instrumentName: "trip_seconds",
            aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [1, 5, 10] } },
          },
        ],
      });
      scope.onEnd(() => provider.shutdown());
      const meter = provider.getMeter("lake", "1.2.3");

      const trips = meter.createCounter("trips");
      trips.add(40, { boat: "ferry", "crew.size": 3 });
      trips.add(2.5, { boat: "ferry", "crew.size": 3 });
      trips.add(7, { boat: "canoe" });
      const aboard = meter.createUpDownCounter("aboard", { valueType: ValueType.INT });
      aboard.add(12);
      aboard.add(-15);
      meter.createGauge("depth.metres").record(82.125, { place: "middle" });
      const seconds = meter.createHistogram("trip_seconds");
      for (const value of [0.5, 3, 4, 7, 100]) seconds.record(value, { boat: "ferry" });
      const lengths = meter.createHistogram("oar_length");
      for (const value of [0, 1.5, 1.5, 3]) lengths.record(value);
      meter.createObservableGauge("water_celsius").addCallback((result) => {
        result.observe(24.5, { place: "shore" });
        // JSON has no word for it: the SDK's JSON exporter sends null.
        if (name.startsWith("protobuf")) result.observe(Number.POSITIVE_INFINITY, { place: "sun" });
      });
      meter.createObservableCounter("waves").addCallback((result) => result.observe(1e15));
      await provider.forceFlush();

      const now = Math.ceil(Date.now() / 1000);
      const all = await queryInstant(url, '{__name__!="",job!="nyanza"}', now);
      const find = (metric: string, labels: Record<string, string> = {}): PromSeries[] =>
        all.filter(
          (series) =>
            series.metric["__name__"] === metric && Object.entries(labels).every(([k, v]) => series.metric[k] === v),
        );
      const number = (metric: string, labels: Record<string, string> = {}): number => {
        const found = find(metric, labels);
        assert.equal(
          found.length,
          1,
          `${metric} ${JSON.stringify(labels)} among ${all.map((s) => s.metric["__name__"]).join(" ")}`,
        );
        return Number(found[0]?.value?.[1]?.replace("Inf", "Infinity"));
      };

      assert.equal(number("trips", { boat: "ferry" }), 42.5);
      assert.equal(number("trips", { boat: "canoe" }), 7);
      assert.equal(number("aboard"), -3);
      assert.equal(number("depth.metres"), 82.125);
      assert.equal(number("water_celsius", { place: "shore" }), 24.5);
      if (name.startsWith("protobuf"))
        assert.equal(number("water_celsius", { place: "sun" }), Number.POSITIVE_INFINITY);
      assert.equal(number("waves"), 1e15);

      // Histograms as Prometheus has them: cumulative by upper bound.
      assert.equal(number("trip_seconds_count"), 5);
      assert.equal(number("trip_seconds_sum"), 114.5);
      const buckets = [
        ["1", 1],
        ["5", 3],
        ["10", 4],
        ["+Inf", 5],
      ] as const;
      for (const [le, count] of buckets)
        assert.equal(number("trip_seconds_bucket", { le, boat: "ferry" }), count, `le=${le}`);
      const median = await queryInstant(url, 'histogram_quantile(0.5, trip_seconds_bucket{boat="ferry"})', now);
      assert.equal(median[0]?.value?.[1], "4");

      // Exponential ones as VictoriaMetrics has them: a count for each vmrange that has one.
      assert.equal(number("oar_length_count"), 4);
      assert.equal(number("oar_length_sum"), 6);
      const ranges = find("oar_length_bucket");
      assert.ok(
        ranges.length >= 2 && ranges.every(({ metric }) => metric["vmrange"] !== undefined),
        JSON.stringify(ranges),
      );
      assert.equal(
        ranges.reduce((sum, { value }) => sum + Number(value?.[1]), 0),
        4,
      );

      // Attributes of point, resource and scope become labels.
      const [ferry] = find("trips", { boat: "ferry" });
      assert.equal(ferry?.metric["crew.size"], "3");
      assert.equal(ferry?.metric["service.name"], "boathouse");
      assert.equal(ferry?.metric["host.cpus"], "2");
      assert.equal(ferry?.metric["scope.name"], "lake");
      assert.equal(ferry?.metric["scope.version"], "1.2.3");
    }),
  );
}
