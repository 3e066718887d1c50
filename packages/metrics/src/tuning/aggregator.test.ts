import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { Aggregator, type AggregatorOptions } from "./aggregator.ts";
import type { AddingCounter, Attributes } from "./attributes.ts";

/** Written once by order-insensitive text, and how often `add` was called. */
class RecordingCounter implements AddingCounter {
  readonly sums = new Map<string, number>();
  calls = 0;

  add(value: number, attributes: Attributes = {}): void {
    this.calls++;
    const key = textOf(attributes);
    this.sums.set(key, (this.sums.get(key) ?? 0) + value);
  }
}

function textOf(attributes: Attributes): string {
  const entries = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function aggregate(options: AggregatorOptions = {}): { counter: RecordingCounter; aggregator: Aggregator } {
  const counter = new RecordingCounter();
  return { counter, aggregator: new Aggregator(counter, { intervalMs: 60_000, ...options }) };
}

test("increments are added up by attributes, in any order", () => {
  const { counter, aggregator } = aggregate();
  aggregator.increment({ method: "GET", path: "/a" });
  aggregator.increment({ path: "/a", method: "GET" }, 2);
  aggregator.increment({ method: "GET", path: "/a", code: undefined }, 4);
  aggregator.increment({ method: "PUT", path: "/a" });
  aggregator.increment();
  aggregator.increment({}, 0.5);
  assert.equal(counter.calls, 0);
  aggregator.flush();
  assert.equal(counter.calls, 3);
  assert.deepEqual(
    [...counter.sums],
    [
      [`[["method","GET"],["path","/a"]]`, 7],
      [`[["method","PUT"],["path","/a"]]`, 1],
      ["[]", 1.5],
    ],
  );
  aggregator.flush();
  assert.equal(counter.calls, 3);
  aggregator.close();
});

test("attributes changed afterwards, frozen, of odd names", () => {
  const { counter, aggregator } = aggregate();
  const attributes: Attributes = { path: "/a", tags: ["x"] };
  aggregator.increment(attributes);
  attributes.path = "/b";
  (attributes.tags as string[]).push("y");
  aggregator.increment(attributes);
  const frozen = Object.freeze({ path: "/c" });
  for (let i = 0; i < 3; i++) aggregator.increment(frozen);
  aggregator.increment({ path: "/c" });
  const odd = JSON.parse(`{"__proto__":"p","constructor":1,"":true}`) as Attributes;
  for (let i = 0; i < 2; i++) aggregator.increment(odd);
  aggregator.increment(Object.create({ inherited: "no" }) as Attributes);
  aggregator.close();
  assert.deepEqual(
    [...counter.sums],
    [
      [`[["path","/a"],["tags",["x"]]]`, 1],
      [`[["path","/b"],["tags",["x","y"]]]`, 1],
      [`[["path","/c"]]`, 4],
      [`[["",true],["__proto__","p"],["constructor",1]]`, 2],
      ["[]", 1],
    ],
  );
});

test("values of different types are different", () => {
  const { counter, aggregator } = aggregate();
  for (const value of ["1", 1, true, "true", [1], ["1"], "[1]", "\0list[1]", "\0text\0list[1]", "\0"]) {
    aggregator.increment({ value: value as string });
  }
  aggregator.close();
  assert.equal(counter.calls, 10);
});

test("what cannot be added is ignored and counted", () => {
  const { counter, aggregator } = aggregate();
  const wrong = [Number.NaN, -1, Number.POSITIVE_INFINITY, "x", "5", 5n, true, [], Symbol("s"), Object.create(null)];
  for (const value of wrong as number[]) aggregator.increment({}, value);
  for (const text of ["x".repeat(1_000_000), Symbol("s"), 5]) aggregator.increment(text as unknown as Attributes);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  aggregator.increment({ list: cyclic as string[] });
  aggregator.increment({
    get path(): string {
      throw new Error("getter");
    },
  });
  aggregator.increment(null as unknown as Attributes);
  aggregator.close();
  assert.equal(aggregator.stats().ignored, wrong.length + 3 + 2);
  assert.equal(
    [...counter.sums.values()].reduce((sum, value) => sum + value, 0),
    1,
  );
});

test("too many sets of attributes flush early; nothing is lost", () => {
  const { counter, aggregator } = aggregate({ maxKeys: 10 });
  for (let i = 0; i < 1000; i++) {
    aggregator.increment({ user: i % 100 });
    assert.ok(aggregator.stats().pending <= 10);
  }
  aggregator.close();
  assert.ok(aggregator.stats().earlyFlushes >= 90);
  assert.equal(counter.sums.size, 100);
  assert.ok([...counter.sums.values()].every((sum) => sum === 10));
});

test("orders of names take places too", () => {
  const { aggregator } = aggregate({ maxKeys: 2 });
  aggregator.increment({ a: 1, b: 2, c: 3 });
  aggregator.increment({ c: 3, b: 2, a: 1 });
  aggregator.increment({ b: 2, c: 3, a: 1 });
  assert.equal(aggregator.stats().earlyFlushes, 1);
  aggregator.close();
});

test("attributes that cannot be read do not pile up", () => {
  const { counter, aggregator } = aggregate({ maxKeys: 10 });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  for (let i = 0; i < 100; i++) aggregator.increment({ user: i, list: cyclic as string[] });
  const { ignored, flushes, earlyFlushes } = aggregator.stats();
  assert.deepEqual({ ignored, flushes, earlyFlushes }, { ignored: 100, flushes: 0, earlyFlushes: 9 });
  aggregator.close();
  assert.equal(counter.calls, 0);
});

test("a counter that throws for one does not keep the others from theirs", () => {
  const errors: unknown[] = [];
  const sums: number[] = [];
  const counter: AddingCounter = {
    add: (value) => {
      if (value === 2) throw new Error("no room");
      sums.push(value);
    },
  };
  const aggregator = new Aggregator(counter, {
    onError: (error) => {
      errors.push(error);
      throw error;
    },
  });
  for (const value of [1, 2, 3]) aggregator.increment({ value }, value);
  aggregator.close();
  assert.deepEqual(sums, [1, 3]);
  assert.equal(errors.length, 1);
  assert.equal(aggregator.stats().failed, 1);
});

test("it flushes by itself, on close, and hands on what comes later", async () => {
  const { counter, aggregator } = aggregate({ intervalMs: 5 });
  aggregator.increment({ a: 1 });
  for (let waits = 0; counter.calls === 0 && waits < 200; waits++) await sleep(5);
  assert.equal(counter.calls, 1);
  aggregator.increment({ a: 1 });
  aggregator.close();
  aggregator.close();
  assert.equal(counter.calls, 2);
  aggregator.increment({ a: 1 });
  assert.equal(counter.calls, 3);
  assert.equal(counter.sums.get(`[["a",1]]`), 3);
  const disposed = aggregate();
  disposed.aggregator.increment();
  await disposed.aggregator[Symbol.asyncDispose]();
  disposed.aggregator[Symbol.dispose]();
  assert.equal(disposed.counter.calls, 1);
});

test("any attributes: each sum arrives under its own", () => {
  const value = fc.oneof(fc.constantFrom("a", "b", "\0", "", "1"), fc.integer({ min: 0, max: 2 }), fc.boolean());
  const attributes = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "__proto__"), value), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(attributes, fc.nat(9), fc.boolean()), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      (increments, maxKeys) => {
        const direct = new RecordingCounter();
        const { counter, aggregator } = aggregate({ maxKeys });
        for (const [pairs, delta, isFrozen] of increments) {
          const object = Object.fromEntries(pairs);
          direct.add(delta, object);
          aggregator.increment(isFrozen ? Object.freeze(object) : object, delta);
        }
        aggregator.close();
        assert.deepEqual(new Map([...counter.sums].sort()), new Map([...direct.sums].sort()));
      },
    ),
  );
});

test("OpenTelemetry's counter gets the sums", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const aggregator = new Aggregator(provider.getMeter("test").createCounter("logins_total"));
  for (let i = 0; i < 10; i++) aggregator.increment({ method: i % 2 === 0 ? "token" : "password", ok: true });
  aggregator.close();
  await provider.forceFlush();
  const points = exporter.getMetrics()[0]?.scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
  assert.deepEqual(
    points.map(({ attributes, value }) => ({ attributes, value })),
    [
      { attributes: { method: "token", ok: true }, value: 5 },
      { attributes: { method: "password", ok: true }, value: 5 },
    ],
  );
  await provider.shutdown();
});

test("options that make no sense are named", () => {
  const counter = new RecordingCounter();
  const refuses = (options: AggregatorOptions, error: RegExp) =>
    assert.throws(() => new Aggregator(counter, options), error);
  refuses({ intervalMs: 0 }, /intervalMs is 0/);
  refuses({ intervalMs: Number.NaN }, /intervalMs is NaN/);
  refuses({ intervalMs: 2 ** 31 }, /intervalMs is 2147483648/);
  refuses({ maxKeys: 0 }, /maxKeys is 0/);
});
