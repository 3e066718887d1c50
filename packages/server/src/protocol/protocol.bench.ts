/**
 * How many samples a second the parsers take on one core, into a batch and into nothing.
 *
 *     node packages/server/dist/protocol/protocol.bench.js          about 15 s
 *     node packages/server/dist/protocol/protocol.bench.js tiny     as a test: does it run
 */
import { DEFAULT_TENANT } from "@nyanza/tsdb";
import { RowBatch } from "@nyanza/tsdb/ingest";
import { parseJsonLines } from "./json-lines/parse.ts";
import { encodeOtlpJson, encodeOtlpProtobuf } from "./otlp/oracle.ts";
import { type OtlpEncoding, parseOtlpInSteps } from "./otlp/parse.ts";
import { parsePrometheusText } from "./prometheus/parse.ts";
import { ParseReport } from "./report.ts";
import type { RowSink } from "./row-sink.ts";

const isTiny = process.argv.includes("tiny");
const ROUNDS = isTiny ? 1 : 12;
const START_MS = 1_700_000_000_000;

/** Takes everything and keeps a checksum of the samples. */
class NullSink implements RowSink {
  checksum = 0;
  beginSeries(): void {}
  addLabel(): void {}
  addLabelBytes(_bytes: Uint8Array, nameLo: number, nameHi: number, valueLo: number, valueHi: number): void {
    this.checksum += nameHi - nameLo + valueHi - valueLo;
  }
  endLabels(): void {}
  addSample(timestampMs: number, value: number): void {
    this.checksum += timestampMs + value;
  }
  addSampleBits(timestampMs: number): void {
    this.checksum += timestampMs;
  }
  addSamples(timestamps: Float64Array, _values: Float64Array, lo: number, hi: number): void {
    this.checksum += (timestamps[lo] as number) + hi - lo;
  }
  abandonSeries(): void {}
}

/** The same numbers in every run. */
function* pseudoRandom(): Generator<number, number, void> {
  let state = 12345;
  for (;;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield state / 2 ** 32;
  }
}

const random = pseudoRandom();

/** A third whole, a third with a few decimals, a third with all digits a float64 has. */
function nextValue(i: number): number {
  const value = random.next().value;
  return i % 3 === 0 ? Math.floor(value * 1e6) : i % 3 === 1 ? Math.floor(value * 1e5) / 1000 : value * 100;
}

function textBody(series: number, hasTimestamp: boolean): Uint8Array {
  const lines: string[] = ["# HELP http_requests_total How many\n# TYPE http_requests_total counter\n"];
  for (let i = 0; i < series; i++) {
    const labels = `job="node",instance="10.0.${i >> 8}.${i & 255}:9100",mode="${i % 8}",device="eth${i % 4}",region="eu-west-${i % 3}"`;
    lines.push(`http_requests_total{${labels}} ${nextValue(i)}${hasTimestamp ? ` ${START_MS + i}` : ""}\n`);
  }
  return Buffer.from(lines.join(""));
}

function jsonLinesBody(series: number, samples: number, toValue: (i: number) => number): Uint8Array {
  const lines: string[] = [];
  for (let i = 0; i < series; i++) {
    const values = Array.from({ length: samples }, (_, k) => toValue(k));
    const timestamps = values.map((_, k) => START_MS + k * 15_000);
    lines.push(
      `{"metric":{"__name__":"up","instance":"10.0.0.${i}:9100","job":"node"},"values":[${values}],"timestamps":[${timestamps}]}\n`,
    );
  }
  return Buffer.from(lines.join(""));
}

function otlpBody(encoding: OtlpEncoding, points: number): Uint8Array {
  const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
  const dataPoints = Array.from({ length: points }, (_, i) => ({
    attributes: [
      attribute("http.method", "GET"),
      attribute("http.route", `/api/${i % 50}`),
      attribute("shard", String(i)),
    ],
    startTimeUnixNano: String(START_MS * 1e6),
    timeUnixNano: `${START_MS + i}000000`,
    ...(i % 2 === 0 ? { asDouble: nextValue(i) } : { asInt: String(i) }),
  }));
  const message = {
    resourceMetrics: [
      {
        resource: {
          attributes: [
            attribute("service.name", "checkout"),
            attribute("host.name", "node-17"),
            attribute("k8s.pod.name", "checkout-7d9f"),
          ],
        },
        scopeMetrics: [
          {
            scope: { name: "@opentelemetry/http", version: "0.50.0" },
            metrics: [{ name: "http.server.requests", sum: { dataPoints, isMonotonic: true } }],
          },
        ],
      },
    ],
  };
  return (encoding === "json" ? encodeOtlpJson : encodeOtlpProtobuf)(message);
}

function otlpHistogramBody(points: number): Uint8Array {
  const bounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];
  const dataPoints = Array.from({ length: points }, (_, i) => ({
    attributes: [{ key: "route", value: { stringValue: `/api/${i}` } }],
    timeUnixNano: `${START_MS + i}000000`,
    count: 160,
    sum: nextValue(i),
    bucketCounts: new Array(bounds.length + 1).fill(10),
    explicitBounds: bounds,
  }));
  const attributes = [{ key: "service.name", value: { stringValue: "checkout" } }];
  return encodeOtlpProtobuf({
    resourceMetrics: [
      { resource: { attributes }, scopeMetrics: [{ metrics: [{ name: "latency", histogram: { dataPoints } }] }] },
    ],
  });
}

function parseOtlp(encoding: OtlpEncoding): (bytes: Uint8Array, sink: RowSink, reset: () => void) => ParseReport {
  return (bytes, sink, reset) => {
    const report = new ParseReport();
    for (const _ of parseOtlpInSteps(bytes, encoding, sink, report)) reset();
    return report;
  };
}

interface Case {
  readonly name: string;
  readonly body: Uint8Array;
  parse(bytes: Uint8Array, sink: RowSink, reset: () => void): ParseReport;
}

const size = (full: number): number => (isTiny ? 20 : full);
const text = (bytes: Uint8Array, sink: RowSink): ParseReport =>
  parsePrometheusText(bytes, 0, bytes.length, sink, { defaultTimestampMs: START_MS });
const jsonLines = (bytes: Uint8Array, sink: RowSink): ParseReport => parseJsonLines(bytes, 0, bytes.length, sink);

const cases: Case[] = [
  { name: "text exposition, 6 labels", body: textBody(size(20_000), false), parse: text },
  { name: "text exposition, timestamps", body: textBody(size(20_000), true), parse: text },
  { name: "JSON lines, mixed values", body: jsonLinesBody(size(100), size(5000), nextValue), parse: jsonLines },
  { name: "JSON lines, counters", body: jsonLinesBody(size(100), size(5000), (i) => 1000 + i * 7), parse: jsonLines },
  { name: "JSON lines, 10 samples a line", body: jsonLinesBody(size(20_000), 10, nextValue), parse: jsonLines },
  { name: "OTLP protobuf, 9 labels", body: otlpBody("protobuf", size(30_000)), parse: parseOtlp("protobuf") },
  { name: "OTLP protobuf, histograms", body: otlpHistogramBody(size(3000)), parse: parseOtlp("protobuf") },
  { name: "OTLP JSON, 9 labels", body: otlpBody("json", size(30_000)), parse: parseOtlp("json") },
];

/** Best and mean seconds of the rounds. */
function measure(run: () => void): { best: number; mean: number } {
  let best = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let round = -2; round < ROUNDS; round++) {
    const startNs = process.hrtime.bigint();
    run();
    const seconds = Number(process.hrtime.bigint() - startNs) / 1e9;
    if (round < 0) continue;
    best = Math.min(best, seconds);
    sum += seconds;
  }
  return { best, mean: sum / ROUNDS };
}

const batch = new RowBatch();
console.log("samples a second in millions: parsed into nothing, and into a batch (best and mean of the rounds)");
for (const { name, body, parse } of cases) {
  const nothing = new NullSink();
  const { rows, invalidRows } = parse(body, nothing, () => {});
  if (rows === 0 || invalidRows > 0) throw new Error(`${name}: took ${rows} rows, refused ${invalidRows}`);
  const rate = (seconds: number): string => (rows / seconds / 1e6).toFixed(2).padStart(6);
  const parsed = measure(() => parse(body, nothing, () => {}));
  const batched = measure(() => {
    batch.reset(DEFAULT_TENANT);
    parse(body, batch, () => batch.reset(DEFAULT_TENANT));
    nothing.checksum += batch.hashes[0] as number;
  });
  const bytes = (body.length / rows).toFixed(0).padStart(4);
  const speed = (body.length / parsed.best / 1e6).toFixed(0).padStart(5);
  console.log(
    `${name.padEnd(30)} ${bytes} bytes a sample ${rate(parsed.best)} ${rate(parsed.mean)}  ${rate(batched.best)} ${rate(batched.mean)} ${speed} MB/s  checksum ${nothing.checksum.toExponential(3)}`,
  );
}
