/** OTLP requests that no SDK makes, as JSON and protobuf. A good metric stands in most of them and must survive. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { askSeconds, attack, type Case, either, refused, sampleMs, taken } from "../support/attack.ts";
import { ProtobufWriter } from "../support/protobuf.ts";
import { queryInstant } from "../support/query.ts";
import { scoped } from "../support/scope.ts";

const json = { "content-type": "application/json" };
const protobuf = { "content-type": "application/x-protobuf" };

const timeUnixNano = `${sampleMs}000000`;
const point = { timeUnixNano, asDouble: 1 };

function gauge(name: string, dataPoint: unknown): unknown {
  return { name, gauge: { dataPoints: [dataPoint] } };
}

function histogram(fields: object): unknown {
  const dataPoints = [{ timeUnixNano, count: "3", sum: 1, ...fields }];
  return { name: "h", histogram: { aggregationTemporality: 2, dataPoints } };
}

function exponential(fields: object): unknown {
  const dataPoints = [{ timeUnixNano, count: "3", sum: 1, ...fields }];
  return { name: "e", exponentialHistogram: { aggregationTemporality: 2, dataPoints } };
}

/** A request with a good gauge named for the case, and `metric`. */
function request(name: string, metric: unknown, attributes: readonly unknown[] = []): string {
  const label = { key: "case", value: { stringValue: name } };
  const metrics = [gauge("good", { ...point, attributes: [label] }), metric];
  return JSON.stringify({ resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] });
}

function attribute(key: string, value: object): object {
  return { key, value };
}

const attributesOfEveryKind = [
  attribute("bytes", { bytesValue: "AAEC" }),
  attribute("list", { arrayValue: { values: [{ intValue: "1" }, { boolValue: true }] } }),
  attribute("map", { kvlistValue: { values: [attribute("x", { doubleValue: 0.5 })] } }),
  attribute("none", {}),
  attribute("", { stringValue: "no name" }),
  attribute("__proto__", { stringValue: "p" }),
  attribute("twice", { stringValue: "1" }),
  attribute("twice", { stringValue: "2" }),
];

/** Odd metrics beside a good one: the request is taken. */
const metrics: Readonly<Record<string, unknown>> = {
  "point without a value": gauge("m", { timeUnixNano }),
  "no time": gauge("m", { asDouble: 1, timeUnixNano: "0" }),
  "time 2^64-1": gauge("m", { asDouble: 1, timeUnixNano: "18446744073709551615" }),
  "start after end": gauge("m", { ...point, startTimeUnixNano: "18446744073709551615" }),
  "empty name": gauge("", point),
  "no data": { name: "m" },
  "attributes of every kind": gauge("m", { ...point, attributes: attributesOfEveryKind }),
  "more bounds than buckets": histogram({ bucketCounts: ["1", "2"], explicitBounds: [1, 2, 3, 4] }),
  "bounds out of order": histogram({ bucketCounts: ["1", "1", "1"], explicitBounds: [5, 1] }),
  "bounds that are no numbers": histogram({ bucketCounts: ["1", "1", "1"], explicitBounds: ["NaN", "NaN"] }),
  "no buckets": histogram({}),
  "scale 2^31-1": exponential({ scale: 2147483647, zeroCount: "1", positive: { offset: 0, bucketCounts: ["2"] } }),
  "scale -2^31": exponential({ scale: -2147483648, zeroCount: "1", positive: { offset: 0, bucketCounts: ["2"] } }),
  "offset at the end": exponential({ scale: 0, positive: { offset: 2147483647, bucketCounts: ["1", "2"] } }),
  "threshold below zero": exponential({ scale: 0, zeroThreshold: -1, zeroCount: "3" }),
  "unknown temporality": { name: "s", sum: { aggregationTemporality: 77, isMonotonic: true, dataPoints: [point] } },
  "odd quantiles": { name: "q", summary: { dataPoints: [{ ...point, quantileValues: [{ quantile: 2 }, {}] }] } },
  "unknown fields": { ...(gauge("m", point) as object), surprise: [1, { a: null }] },
};

const manyAttributes = Array.from({ length: 1000 }, (_, i) => attribute(`a${i}`, { stringValue: "x" }));

const cases: readonly Case[] = [
  ...Object.entries(metrics).map(([name, metric]) => taken(name, request(name, metric), json)),
  taken("a thousand resource attributes", request("many", gauge("m", point), manyAttributes), json),
  taken("empty request", "{}", json),
  refused("not JSON", "{not json", json),
  refused("cut off", request("cut", null).slice(0, -10), json),
  refused("an array", "[]", json),
  refused("wrong types", '{"resourceMetrics":{"scopeMetrics":1}}', json),
  refused("ten thousand brackets", "[".repeat(10_000), json),
  either("JSON attribute 10,000 deep", request("deep", "@").replace('"@"', deepMetric(10_000)), json),
  either("empty JSON body", "", json),
  either("empty protobuf body", "", protobuf),
  refused("JSON as protobuf", request("wrong", null), protobuf),
  refused("protobuf as JSON", Buffer.from([0x0a, 0x02, 0x12, 0x00]), json),
  refused("protobuf of noise", Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]), protobuf),
  refused("protobuf length past the end", Buffer.from([0x0a, 0x7f, 0x12]), protobuf),
  either("protobuf attribute 100,000 deep", deepProtobuf(100_000), protobuf),
  either("unknown content type", "x", { "content-type": "text/csv" }),
  refused("gzip of gzip", gzipSync(gzipSync(request("twice", null))), { ...json, "content-encoding": "gzip" }),
  refused("gzip bomb", gzipSync(Buffer.alloc(512 << 20, 0x20)), { ...json, "content-encoding": "gzip" }),
  refused("gzip bomb, protobuf", gzipSync(Buffer.alloc(512 << 20)), { ...protobuf, "content-encoding": "gzip" }),
];

/** JSON text of a gauge with an attribute nested so deep; too deep for JSON.stringify. */
function deepMetric(depth: number): string {
  const value = `${'{"arrayValue":{"values":['.repeat(depth)}{"intValue":"1"}${"]}}".repeat(depth)}`;
  return JSON.stringify(gauge("m", { ...point, attributes: [attribute("d", { "@": 0 })] })).replace('{"@":0}', value);
}

/** A request whose resource has an attribute nested so deep. */
function deepProtobuf(depth: number): Buffer {
  // Lengths as varints of five bytes, so that every level is as long as the others.
  const varint = (value: number): number[] =>
    [0, 7, 14, 21, 28].map((shift, i) => ((value >>> shift) & 0x7f) | (i < 4 ? 0x80 : 0));
  const levels: Buffer[] = [];
  for (let i = 0, length = 0; i < depth; i++, length += 12) {
    // AnyValue.array_value is field 5, ArrayValue.values field 1.
    levels.push(Buffer.from([0x2a, ...varint(length + 6), 0x0a, ...varint(length)]));
  }
  const keyValue = new ProtobufWriter().field(1, "deep").field(2, Buffer.concat(levels.reverse())).finish();
  const resource = new ProtobufWriter().field(1, keyValue).finish();
  const resourceMetrics = new ProtobufWriter().field(1, resource).finish();
  return Buffer.from(new ProtobufWriter().field(1, resourceMetrics).finish());
}

test(
  "bad input: OTLP",
  { timeout: 180_000 },
  scoped(async (scope) => {
    const { url } = await attack(scope, "/opentelemetry/v1/metrics", cases);
    const good = await queryInstant(url, "good", askSeconds);
    const stored = new Set(good.map(({ metric }) => metric["case"]));
    assert.deepEqual(
      Object.keys(metrics).filter((name) => !stored.has(name)),
      [],
      "the good metric beside each odd one",
    );
  }),
);
