import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes } from "@opentelemetry/api";
import { AggregationType, DataPointType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import type { Family } from "../exposition/family.ts";
import { joinFamilies, joinForScrape } from "../exposition/join.ts";
import { writeText } from "../exposition/text-format.ts";
import {
  describeTarget,
  FamilyMapper,
  type FamilyOptions,
  POINT_EXPONENTIAL_HISTOGRAM,
  POINT_GAUGE,
  POINT_HISTOGRAM,
  POINT_SUM,
} from "./prometheus-families.ts";

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function makeProvider(options: FamilyOptions = {}) {
  const reader = new PullReader();
  const provider = new MeterProvider({
    readers: [reader],
    views: [
      { instrumentName: "exponential.*", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
      ...["explicit_seconds", "explicit.h"].map((instrumentName) => ({
        instrumentName,
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM as const,
          options: { boundaries: [1, 5] },
        },
      })),
    ],
  });
  const mapper = new FamilyMapper(options);
  const collect = async (): Promise<Family[]> => mapper.map((await reader.collect()).resourceMetrics);
  return { provider, meter: provider.getMeter("lake", "1.0"), collect };
}

const show = (families: readonly Family[], metadata = false): string =>
  writeText(joinFamilies([families]).families, { metadata });

test("the SDK's numbers are the ones this file relies on", () => {
  assert.equal(POINT_HISTOGRAM, DataPointType.HISTOGRAM);
  assert.equal(POINT_EXPONENTIAL_HISTOGRAM, DataPointType.EXPONENTIAL_HISTOGRAM);
  assert.equal(POINT_GAUGE, DataPointType.GAUGE);
  assert.equal(POINT_SUM, DataPointType.SUM);
});

test("every kind of instrument", async () => {
  const { meter, collect } = makeProvider();
  const trips = meter.createCounter("trips", { description: "Trips so far.", unit: "{trip}" });
  trips.add(2, { boat: "ferry" });
  trips.add(0.5, { boat: "canoe" });
  meter.createUpDownCounter("aboard").add(-3);
  meter.createGauge("depth.metres").record(82.5);
  meter.createObservableCounter("waves").addCallback((result) => result.observe(7));
  meter.createObservableUpDownCounter("queue").addCallback((result) => result.observe(4));
  meter.createObservableGauge("water").addCallback((result) => result.observe(Number.POSITIVE_INFINITY));
  const seconds = meter.createHistogram("explicit_seconds", { unit: "s" });
  for (const value of [0.5, 3, 5, 100]) seconds.record(value);
  assert.equal(
    show(await collect(), true),
    `# TYPE aboard gauge
aboard -3
# TYPE depth_metres gauge
depth_metres 82.5
# TYPE explicit_seconds histogram
explicit_seconds_bucket{le="1"} 1
explicit_seconds_bucket{le="5"} 3
explicit_seconds_bucket{le="+Inf"} 4
explicit_seconds_sum 108.5
explicit_seconds_count 4
# TYPE queue gauge
queue 4
# HELP trips_total Trips so far.
# TYPE trips_total counter
trips_total{boat="ferry"} 2
trips_total{boat="canoe"} 0.5
# TYPE water gauge
water +Inf
# TYPE waves_total counter
waves_total 7
`,
  );
});

test("units are appended on request, and told where the name has them", async () => {
  const withUnits = makeProvider({ unitSuffixes: true });
  withUnits.meter.createCounter("io", { unit: "By" }).add(1);
  assert.deepEqual(
    (await withUnits.collect()).map(({ name, unit }) => [name, unit]),
    [["io_bytes_total", "bytes"]],
  );
});

test("exponential histograms: what is under each bound is counted under it", async () => {
  const { meter, collect } = makeProvider();
  const lengths = meter.createHistogram("exponential.length");
  const values = [0, 0.001, 1, 1.5, 1.5, 3, 1e6, 1e300];
  for (const value of values) lengths.record(value);
  const [family] = await collect();
  assert.equal(family?.name, "exponential_length");
  const buckets = family?.samples.filter(({ suffix }) => suffix === "_bucket") ?? [];
  let last = Number.NEGATIVE_INFINITY;
  for (const { labels, value } of buckets) {
    const bound = Number(labels.slice('le="'.length, -1).replace("+Inf", "Infinity"));
    assert.ok(bound > last, labels);
    last = bound;
    // A bound that is a power of two may be off by one unit in the last place where it is computed.
    const under = values.filter((each) => each <= bound * (1 + 1e-12)).length;
    assert.equal(value, under, labels);
  }
  assert.equal(last, Number.POSITIVE_INFINITY);
  assert.deepEqual(
    family?.samples.slice(-1).map(({ suffix, value }) => [suffix, value]),
    [["_count", values.length]],
  );
});

test("exponential histograms of negative values: the mirror image", () => {
  const point = {
    startTime: [0, 0],
    endTime: [0, 0],
    attributes: {},
    value: {
      count: 6,
      scale: 0,
      zeroCount: 1,
      positive: { offset: 0, bucketCounts: [2] },
      negative: { offset: 1, bucketCounts: [1, 2] },
    },
  };
  const metric = {
    descriptor: { name: "x", description: "", unit: "", valueType: 1 },
    aggregationTemporality: 1,
    dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
    dataPoints: [point],
  };
  const collected = { resource: {}, scopeMetrics: [{ scope: { name: "s" }, metrics: [metric] }] };
  const families = new FamilyMapper().map(collected as never);
  assert.equal(
    show(families),
    `x_bucket{le="-8"} 0
x_bucket{le="-4"} 2
x_bucket{le="-2"} 3
x_bucket{le="0"} 4
x_bucket{le="1"} 4
x_bucket{le="2"} 6
x_bucket{le="+Inf"} 6
x_count 6
`,
  );
});

test("two scopes with one name are told apart, and stay so", async () => {
  const { provider, meter, collect } = makeProvider();
  let isObserving = true;
  meter.createObservableGauge("level").addCallback((result) => result.observe(1));
  provider
    .getMeter("sea")
    .createObservableGauge("level")
    .addCallback((result) => {
      if (isObserving) result.observe(2);
    });
  meter.createCounter("alone").add(1);
  assert.equal(
    show(await collect()),
    'alone_total 1\nlevel{otel_scope_name="lake",otel_scope_version="1.0"} 1\nlevel{otel_scope_name="sea"} 2\n',
  );
  isObserving = false;
  assert.match(show(await collect()), /^level\{otel_scope_name="lake",otel_scope_version="1.0"\} 1$/m);

  const all = makeProvider({ scopeLabels: true });
  all.meter.createCounter("alone").add(1);
  assert.equal(show(await all.collect()), 'alone_total{otel_scope_name="lake",otel_scope_version="1.0"} 1\n');
});

test("names that meet after cleaning never break what is written", async () => {
  const { meter, collect } = makeProvider();
  meter.createCounter("a.b").add(1, { x: "1" });
  meter.createCounter("a_b").add(2, { x: "1" });
  meter.createCounter("a/b").add(3, { x: "2" });
  meter.createGauge("a_b_total").record(4);
  meter.createHistogram("explicit.h").record(2);
  meter.createGauge("explicit_h_count").record(5);
  const text = writeText(joinForScrape([await collect()]), { metadata: true });
  assert.equal(
    text,
    `# TYPE a_b_total counter
a_b_total{x="1"} 1
a_b_total{x="2"} 3
# TYPE explicit_h histogram
explicit_h_bucket{le="1"} 0
explicit_h_bucket{le="5"} 1
explicit_h_bucket{le="+Inf"} 1
explicit_h_sum 2
explicit_h_count 1
# HELP metrics_dropped_samples Samples left out of this scrape, as another source had taken their name or labels.
# TYPE metrics_dropped_samples gauge
metrics_dropped_samples 3
`,
  );
});

test("hostile attributes and values", async () => {
  const { meter, collect } = makeProvider();
  const counter = meter.createCounter("c");
  counter.add(1, { ["__proto__"]: 'a"b\nc', constructor: "\ud800" });
  counter.add(Number.NaN, { x: "nan" });
  counter.add(-5, { x: "negative" });
  counter.add("7" as never, { x: "text" });
  const text = show(await collect());
  for (const line of text.trimEnd().split("\n")) assert.match(line, /^c_total(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? \S+$/);
  assert.ok(text.includes('c_total{_proto_="a\\"b\\nc",constructor="\ufffd"} 1\n'), text);
  assert.ok(!text.includes("negative"), text);
});

test("target_info", () => {
  const attributes: Attributes = { "service.name": "boathouse", "host.cpus": 2, "service.instance.id": "7" };
  assert.equal(
    show([describeTarget(attributes)]),
    'target_info{host_cpus="2",service_instance_id="7",service_name="boathouse"} 1\n',
  );
  assert.equal(
    show([describeTarget(attributes, new Set(["service.instance.id"]))]),
    'target_info{host_cpus="2",service_name="boathouse"} 1\n',
  );
});
