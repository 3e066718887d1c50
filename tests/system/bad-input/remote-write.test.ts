/** Bodies for /api/v1/write that no honest sender makes: broken snappy, lying protobuf, labels and times out of order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { askSeconds, attack, type Case, either, refused, sampleMs, taken } from "../support/attack.ts";
import { ProtobufWriter } from "../support/protobuf.ts";
import { exportSeries, queryInstant, seriesKey } from "../support/query.ts";
import {
  compressBody,
  encodeTimeSeries,
  encodeWriteRequest,
  type LabelBytes,
  remoteWriteHeaders,
  seriesOf,
} from "../support/remote-write.ts";
import { scoped } from "../support/scope.ts";

/** Stands in most bodies beside what is bad in them. */
const neighbour = encodeWriteRequest([seriesOf("neighbour", {}, [[sampleMs, 7]])]);
const whole = compressBody(neighbour);

/** A snappy block that says how long it will be with the bytes `declared`, then consists of `elements`. */
function block(declared: readonly number[], elements: readonly number[]): Buffer {
  return Buffer.from([...declared, ...elements]);
}

/** The neighbour, then raw protobuf bytes, in good snappy. */
function after(...parts: readonly (readonly number[])[]): Buffer {
  return compressBody(Buffer.concat([neighbour, ...parts.map((part) => Buffer.from(part))]));
}

/** The neighbour, then one more series with one sample, and `more` in its TimeSeries. */
function series(
  labels: readonly (readonly [LabelBytes, LabelBytes])[],
  timestampMs: number | bigint = sampleMs,
  more: readonly number[] = [],
): Buffer {
  const content = encodeTimeSeries({ labels, timestamps: [timestampMs] as number[], values: Float64Array.of(1) });
  const request = new ProtobufWriter().raw(neighbour).field(1, Buffer.concat([content, Buffer.from(more)]));
  return compressBody(request.finish());
}

function encoded(encoding: string): Record<string, string> {
  return { ...remoteWriteHeaders, "content-encoding": encoding };
}

const ff = (count: number): number[] => Array<number>(count).fill(0xff);
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd];
const secondVersion = {
  ...remoteWriteHeaders,
  "content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
};

const compression: readonly Case[] = [
  refused("empty body", ""),
  refused("not snappy", "this is not snappy at all, is it?"),
  refused("snappy says 2^31-1 bytes", block([...ff(4), 0x07], [0, 1])),
  refused("snappy says 2^64 bytes", block([...ff(9), 0x02], [0, 1])),
  refused("snappy length is overlong", block([...Array<number>(10).fill(0x80), 0x00], [0])),
  refused("snappy says less than there is", block([0x01], [0x08, 0x41, 0x42, 0x43])),
  refused("snappy says more than there is", block([0x40], [0x08, 0x41, 0x42, 0x43])),
  refused("snappy copies from before the start", block([0x08], [0x01, 0x10])),
  refused("snappy copies with offset 0", block([0x08], [0x00, 0x41, 0x02, 0x00, 0x00])),
  refused("snappy literal cut off", block([0x20], [0xf0, 0x1f, 0x41])),
  refused("snappy literal with a length of four bytes", block([0x20], [0xfc, ...ff(4), 0x41])),
  refused("64 MB of zeros", compressBody(Buffer.alloc(64 << 20))),
  refused("zstd of noise", Buffer.from([...zstdMagic, 1, 2, 3]), encoded("zstd")),
  refused(
    "zstd says 2^60 bytes",
    Buffer.from([...zstdMagic, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0]),
    encoded("zstd"),
  ),
  either("snappy that says it is zstd", whole, encoded("zstd")),
  refused("unknown encoding", whole, encoded("zopfli")),
  refused("fifty encodings", whole, encoded(Array(50).fill("gzip").join(","))),
  refused("second version by its content type", whole, secondVersion),
];

const wire: readonly Case[] = [
  either(
    "second version's body",
    compressBody(Buffer.from([0x22, 0, 0x22, 3, 0x61, 0x62, 0x63, 0x2a, 4, 0x0a, 2, 1, 0x63])),
  ),
  refused("protobuf length past the end", after([0x0a, 0x7f, 0x01])),
  refused("protobuf length of ten bytes", after([0x0a, ...ff(9), 0x01])),
  refused("protobuf varint that does not end", after([0x0a, ...ff(12)])),
  refused("field number 0", after([0x02, 0x00])),
  either("wire type 3, a group", after([0x1b, 0x1c])),
  refused("wire type 4 alone", after([0x1c])),
  refused("wire type 6", after([0x1e, 0x00])),
  refused("wire type 7", after([0x1f, 0x00])),
  either("a thousand nested groups", after(Array<number>(1000).fill(0x1b))),
  taken("unknown fields", after([0x78, 1], [0x7a, 2, 0x61, 0x62], [0x79, 1, 2, 3, 4, 5, 6, 7, 8], [0x7d, 1, 2, 3, 4])),
  taken("metadata", after([0x1a, 0x05, 0x08, 0x01, 0x12, 0x01, 0x61])),
  taken("100,000 series without a sample", compressBody(Buffer.concat(Array(100_000).fill(Buffer.from([0x0a, 0x00]))))),
  either(
    "native histogram whose spans lie",
    series([["__name__", "native"]], sampleMs, [0x22, 6, 0x5a, 4, 8, 0x7f, 0x10, 0x7f]),
  ),
];

const labels: readonly Case[] = [
  either(
    "label of 10 MB",
    series([
      ["__name__", "big"],
      ["label", "x".repeat(10 << 20)],
    ]),
  ),
  either("no labels", series([])),
  either("no name", series([["job", "nameless"]])),
  either(
    "empty label name",
    series([
      ["__name__", "a"],
      ["", "x"],
    ]),
  ),
  either(
    "repeated label",
    series([
      ["__name__", "a"],
      ["x", "1"],
      ["x", "2"],
    ]),
  ),
  either(
    "two names",
    series([
      ["__name__", "a"],
      ["__name__", "b"],
    ]),
  ),
  taken(
    "labels out of order",
    series([
      ["z", "1"],
      ["__name__", "unordered"],
      ["a", "2"],
    ]),
  ),
  taken(
    "label __proto__",
    series([
      ["__name__", "proto"],
      ["__proto__", "polluted"],
      ["constructor", "c"],
    ]),
  ),
  taken(
    "no UTF-8",
    series([
      ["__name__", "bytes"],
      ["v", Buffer.from([0xff, 0xfe])],
    ]),
  ),
  taken(
    "no UTF-8, another one",
    series([
      ["__name__", "bytes"],
      ["v", Buffer.from([0xff, 0xfd])],
    ]),
  ),
  taken(
    "NUL in a value",
    series([
      ["__name__", "bytes"],
      ["v", "a\0b"],
    ]),
  ),
];

const times: readonly Case[] = [
  taken("time 2^63-1", series([["__name__", "late"]], 2n ** 63n - 1n)),
  taken("time -2^63", series([["__name__", "early"]], -(2n ** 63n))),
  taken("time -1", series([["__name__", "early"]], -1n)),
  taken("time in nanoseconds", series([["__name__", "late"]], BigInt(sampleMs) * 1_000_000n)),
];

/** The same body cut off at many places, and with one bit of each byte turned. */
function mutations(): Case[] {
  const cases: Case[] = [];
  for (let i = 1; i < whole.length; i += 3) cases.push(either(`cut after ${i} bytes`, whole.subarray(0, i)));
  for (let i = 0; i < whole.length; i++) {
    const flipped = Buffer.from(whole);
    flipped[i] = (flipped[i] as number) ^ (1 << (i % 8));
    cases.push(either(`a bit of byte ${i} flipped`, flipped));
  }
  return cases;
}

test(
  "bad input: remote write",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const cases = [...compression, ...wire, ...labels, ...times, ...mutations()];
    const { url } = await attack(scope, "/api/v1/write", cases, remoteWriteHeaders);
    const neighbours = (await exportSeries(url, "neighbour")).get(seriesKey({ __name__: "neighbour" }));
    assert.ok(neighbours?.values.includes(7));
    const odd = await queryInstant(url, "proto", askSeconds);
    const shown = JSON.stringify(odd[0]?.metric);
    assert.equal(shown, '{"__name__":"proto","__proto__":"polluted","constructor":"c"}');
    assert.equal((await queryInstant(url, "bytes", askSeconds)).length, 3, "different bytes are different series");
    assert.equal((await queryInstant(url, "unordered", askSeconds)).length, 1);
  }),
);
