/**
 * Our snappy and remote write against other people's: npm's `snappy` (the Rust implementation) and `protobufjs` with
 * Prometheus' published schema. A twin can share a misreading with its kernel; these cannot.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeLabelBytes, encodeSnappy, encodeWriteRequest, RemoteWriteParser } from "@nyanza/tsdb/ingest";
import protobuf from "protobufjs";
import { compressSync, uncompressSync } from "snappy";

/** prometheus/prompb: remote.proto and types.proto, as far as version 1.0 goes. */
const SCHEMA = `
  syntax = "proto3";
  message WriteRequest { repeated TimeSeries timeseries = 1; reserved 2; repeated MetricMetadata metadata = 3; }
  message MetricMetadata { int32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
  message TimeSeries {
    repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; repeated bytes histograms = 4;
  }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
`;
const WriteRequest = protobuf.parse(SCHEMA).root.lookupType("WriteRequest");
const OPTIONS = { tenant: { accountId: 0, projectId: 0 }, maxBytes: 1 << 26 } as const;

/** Texts and numbers of all lengths, the same on every run. */
function request(size: number): { labels: [string, string][]; timestamps: number[]; values: Float64Array }[] {
  return Array.from({ length: size }, (_, i) => ({
    labels: [
      ["__name__", `metric_${i % 7}_total`],
      ["instance", `host-${i * 7919}.example.com:9100`],
      ["path", `/größe/${"x".repeat((i * 31) % 400)}`],
    ],
    timestamps: Array.from(
      { length: 1 + (i % 4) },
      (_, k) => (i % 5 === 0 ? -1 : 1) * (1_700_000_000_000 + k * 15_000 + i),
    ),
    values: Float64Array.from({ length: 1 + (i % 4) }, (_, k) => (i * 0.1 + k) * 10 ** ((i % 40) - 20)),
  }));
}

test("requests that protobufjs wrote and snappy packed are read as they were meant", () => {
  const wanted = request(2000);
  const message = {
    timeseries: wanted.map(({ labels, timestamps, values }) => ({
      labels: labels.map(([name, value]) => ({ name, value })),
      samples: timestamps.map((timestamp, k) => ({ timestamp, value: values[k] })),
      exemplars: [{ labels: [{ name: "trace_id", value: "abc" }], value: 1, timestamp: timestamps[0] }],
    })),
    metadata: [{ type: 1, metricFamilyName: "metric_1_total", help: "Größe", unit: "bytes" }],
  };
  const body = compressSync(Buffer.from(WriteRequest.encode(WriteRequest.create(message)).finish()));
  const batch = new RemoteWriteParser().parse(body, { ...OPTIONS, compression: "snappy" });
  const text = (bytes: Uint8Array) => decodeLabelBytes(bytes, 0, bytes.length);
  assert.equal(batch.seriesCount, wanted.length);
  assert.equal(batch.exemplarCount, wanted.length);
  for (const [i, { labels, timestamps, values }] of wanted.entries()) {
    const lo = i === 0 ? 0 : (batch.sampleEnds[i - 1] as number);
    const hi = batch.sampleEnds[i] as number;
    assert.deepEqual(
      batch.readLabels(i).map(({ name, value }) => [text(name), text(value)]),
      labels,
    );
    assert.deepEqual([...batch.timestamps.subarray(lo, hi)], timestamps);
    assert.deepEqual(batch.values.slice(lo, hi), values);
  }
  const { type, familyName, help, unit } = batch.readMetadata(0);
  assert.deepEqual([type, text(familyName), text(help), text(unit)], [1, "metric_1_total", "Größe", "bytes"]);
});

test("requests of ours are read by snappy and protobufjs", () => {
  const wanted = request(2000);
  const metadata = [{ type: 2, familyName: "metric_2_total", help: "", unit: "seconds" }];
  const raw = uncompressSync(Buffer.from(encodeSnappy(encodeWriteRequest(wanted, metadata)))) as Buffer;
  const read = WriteRequest.toObject(WriteRequest.decode(raw), { longs: Number, defaults: true });
  assert.deepEqual(
    read["timeseries"].map(({ labels, samples }: { labels: object[]; samples: object[] }) => ({ labels, samples })),
    wanted.map(({ labels, timestamps, values }) => ({
      labels: labels.map(([name, value]) => ({ name, value })),
      samples: timestamps.map((timestamp, k) => ({ value: values[k], timestamp })),
    })),
  );
  assert.deepEqual(read["metadata"], [{ type: 2, metricFamilyName: "metric_2_total", help: "", unit: "seconds" }]);
});

test("snappy blocks of ours unpack to what went in, whatever that is", () => {
  const noise = Uint8Array.from({ length: 300_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 11);
  const inputs = [
    new Uint8Array(0),
    Uint8Array.of(1),
    new Uint8Array(200_000),
    noise,
    noise.map((byte, i) => (i % 100 < 90 ? 65 + (i % 7) : byte)),
    ...Array.from({ length: 200 }, (_, i) => noise.subarray(i, 2 * i)),
    ...Array.from({ length: 200 }, (_, i) => new Uint8Array(i).fill(97)),
    Uint8Array.from(Buffer.from(`${"abcdefgh".repeat(20_000)}tail of another kind`)),
  ];
  for (const input of inputs) {
    const unpacked = uncompressSync(Buffer.from(encodeSnappy(input))) as Buffer;
    assert.deepEqual(new Uint8Array(unpacked), input);
  }
  // As tight as the reference, within a tenth, on what is packed in earnest.
  const raw = encodeWriteRequest(request(3000));
  assert.ok(encodeSnappy(raw).length < compressSync(Buffer.from(raw)).length * 1.1);
});
