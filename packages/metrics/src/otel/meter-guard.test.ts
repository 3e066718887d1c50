import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes, BatchObservableCallback, Meter, ObservableCallback } from "@opentelemetry/api";
import { createNoopMeter } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { MeterGuard } from "./meter-guard.ts";
import { FamilyMapper } from "./prometheus-families.ts";

class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

interface Guarded {
  readonly meter: Meter;
  readonly refused: string[];
  readonly dropped: { count: number };
  /** Samples as `name{labels} value`. */
  read(): Promise<string[]>;
}

function startGuarded(): Guarded {
  const refused: string[] = [];
  const dropped = { count: 0 };
  const guard = new MeterGuard({
    onDropped: () => dropped.count++,
    onRefused: (error) => refused.push(error.message),
  });
  const reader = new PullReader();
  const meter = guard.guard(new MeterProvider({ readers: [reader] }).getMeter("lake"));
  assert.equal(guard.guard(meter), meter);
  return {
    meter,
    refused,
    dropped,
    async read() {
      const families = new FamilyMapper().map((await reader.collect()).resourceMetrics);
      return families.flatMap(({ name, samples }) =>
        samples.map(({ suffix, labels, value }) => `${name}${suffix}{${labels}} ${value}`),
      );
    },
  };
}

const throwing: readonly Attributes[] = [
  {
    get boat(): string {
      throw new Error("getter");
    },
  },
  new Proxy({}, { ownKeys: () => assert.fail("keys") }),
  { boat: { toJSON: () => assert.fail("JSON") } } as never,
];

test("no value and no attribute throws out of add or record, and no sum becomes NaN", async () => {
  const { meter, dropped, read } = startGuarded();
  const counter = meter.createCounter("trips");
  const level = meter.createUpDownCounter("level");
  const sizes = meter.createHistogram("sizes", { advice: { explicitBucketBoundaries: [] } });
  const depth = meter.createGauge("depth");
  const bad: readonly unknown[] = [Number.NaN, Number.POSITIVE_INFINITY, "5", null, undefined, 1n, Symbol("s"), {}];
  for (const value of [...bad, -1] as number[]) {
    counter.add(value);
    sizes.record(value);
  }
  for (const value of bad as number[]) level.add(value);
  assert.equal(dropped.count, 9 + 9 + 8);
  for (const attributes of throwing) counter.add(1, attributes);
  assert.equal(dropped.count, 26 + throwing.length);
  counter.add(2, null as never);
  counter.add(3);
  level.add(-4);
  sizes.record(7);
  depth.record(Number.NaN);
  assert.deepEqual(await read(), [
    "trips_total{} 5",
    "level{} -4",
    'sizes_bucket{le="+Inf"} 1',
    "sizes_sum{} 7",
    "sizes_count{} 1",
    "depth{} NaN",
  ]);
});

test("callbacks observe through the guard, and are taken away again", async () => {
  const { meter, dropped, read } = startGuarded();
  const waves = meter.createObservableCounter("waves");
  const queue = meter.createObservableUpDownCounter("queue");
  const depth = meter.createObservableGauge("depth");
  const observe: ObservableCallback = (result) => {
    result.observe(Number.NaN, { a: 1 });
    result.observe(-1, { a: 2 });
    for (const attributes of throwing) result.observe(1, attributes);
    result.observe(2, { name: "x".repeat(10_000_000) });
  };
  waves.addCallback(observe);
  const long = `name="${"x".repeat(4096)}"`;
  assert.deepEqual(await read(), [`waves_total{${long}} 2`]);
  assert.equal(dropped.count, 2 + throwing.length);
  waves.removeCallback(observe);
  const batch: BatchObservableCallback = (result) => {
    result.observe(queue, Number.POSITIVE_INFINITY);
    result.observe(queue, -5, { a: 10n as never });
    result.observe(depth, Number.NaN);
  };
  meter.addBatchObservableCallback(batch, [queue, depth]);
  assert.deepEqual((await read()).slice(1), ['queue{a="10"} -5', "depth{} NaN"]);
  assert.equal(dropped.count, 3 + throwing.length);
  meter.removeBatchObservableCallback(batch, [queue, depth]);
  await read();
  assert.equal(dropped.count, 3 + throwing.length);
});

test("an instrument without a name that can be is refused, and measures nothing", async () => {
  const { meter, refused, read } = startGuarded();
  const bad: readonly unknown[] = ["", undefined, null, 5, {}, Symbol("s"), "n".repeat(256)];
  for (const name of bad as string[]) {
    meter.createCounter(name).add(1);
    meter.createHistogram(name).record(1);
    meter.createObservableGauge(name).addCallback((result) => result.observe(1));
  }
  assert.equal(refused.length, bad.length * 3);
  assert.match(refused[0] as string, /^createCounter: want a name, got ""$/);
  assert.match(refused.at(-1) as string, /^createObservableGauge: want a name of at most 255 characters, got 256/);
  meter.createCounter("described", { description: 5 as never }).add(1);
  assert.match(refused.at(-1) as string, /want description and unit to be text, got number and string/);
  meter.createCounter("odd\nname").add(1);
  assert.deepEqual(await read(), ["odd_name_total{} 1"]);
});

test("the meter that measures nothing is everybody's and stays as it is", () => {
  const guard = new MeterGuard({ onDropped: () => {}, onRefused: () => {} });
  const before = createNoopMeter().createCounter;
  guard.guard(createNoopMeter());
  assert.equal(createNoopMeter().createCounter, before);
});
