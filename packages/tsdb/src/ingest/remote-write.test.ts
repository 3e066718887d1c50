import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLabelBytes } from "../base/label-bytes.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { RemoteWriteParser } from "./remote-write.ts";
import { encodeWriteRequest, type SeriesToWrite } from "./remote-write-encoder.ts";
import { encodeSnappy } from "./snappy-encoder.ts";

const RAW = { tenant: DEFAULT_TENANT, compression: "none", maxBytes: 1 << 26 } as const;
const SNAPPY = { ...RAW, compression: "snappy" } as const;
const text = (bytes: Uint8Array): string => decodeLabelBytes(bytes, 0, bytes.length);
const bitsOf = (values: Float64Array, lo = 0, hi: number = values.length): string =>
  Buffer.from(values.slice(lo, hi).buffer).toString("hex");

/** What a batch holds, as it was before it was encoded. */
function readBack(parser: RemoteWriteParser, body: Uint8Array, compression: "snappy" | "none"): unknown[] {
  const batch = parser.parse(body, { ...RAW, compression });
  return Array.from({ length: batch.seriesCount }, (_, i) => {
    const lo = i === 0 ? 0 : (batch.sampleEnds[i - 1] as number);
    const hi = batch.sampleEnds[i] as number;
    return {
      labels: batch.readLabels(i).map(({ name, value }) => [text(name), text(value)]),
      timestamps: [...batch.timestamps.subarray(lo, hi)],
      bits: bitsOf(batch.values, lo, hi),
    };
  });
}

test("what was encoded is parsed again, raw and packed, in a parser used all along", () => {
  const parser = new RemoteWriteParser();
  const label = fc.tuple(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.oneof(fc.string({ maxLength: 30 }), fc.string({ minLength: 120, maxLength: 300 }), fc.constant("caf\udce9")),
  );
  const timestamp = fc.oneof(fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }), fc.maxSafeInteger());
  const series = fc.record({
    labels: fc.array(label, { minLength: 1, maxLength: 10 }),
    samples: fc.array(fc.tuple(timestamp, fc.double()), { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 20 }), (rows) => {
      const wanted: SeriesToWrite[] = rows.map(({ labels, samples }) => ({
        labels,
        timestamps: samples.map(([timestampMs]) => timestampMs),
        values: Float64Array.from(samples, ([, value]) => value),
      }));
      const raw = encodeWriteRequest(wanted);
      const same = wanted.map(({ labels, timestamps, values }) => ({ labels, timestamps, bits: bitsOf(values) }));
      assert.deepEqual(readBack(parser, raw, "none"), same);
      assert.deepEqual(readBack(parser, encodeSnappy(raw), "snappy"), same);
    }),
    { numRuns: 150, seed: 5 },
  );
});

test("every NaN, -0, infinities and denormals keep their bits", () => {
  const words = BigUint64Array.of(
    0x7ff0000000000002n,
    0x7ff8000000000001n,
    0xfff4deadbeef0001n,
    0x8000000000000000n,
    0x7ff0000000000000n,
    1n,
    0n,
    0xffffffffffffffffn,
  );
  const values = new Float64Array(words.buffer);
  const timestamps = Array.from(values, (_, i) => i);
  const body = encodeWriteRequest([{ labels: [["__name__", "x"]], timestamps, values }]);
  assert.equal(bitsOf(new RemoteWriteParser().parse(body, RAW).values), bitsOf(values));
});

test("timestamps beyond ±2^53 end there", () => {
  const parser = new RemoteWriteParser();
  const same = (wanted: number, ...varint: number[]) => {
    const body = series([...label("a", "b"), ...field(0x12, [0x10, ...varint])]);
    assert.deepEqual([...parser.parse(body, RAW).timestamps], [wanted], varint.join());
  };
  same(0, 0);
  same(1_700_000_000_000, 0x80, 0xd0, 0x95, 0xff, 0xbc, 0x31);
  same(2 ** 53 - 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f);
  same(2 ** 53, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f);
  same(2 ** 53, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
  same(-1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
  same(-(2 ** 53), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01);
});

test("labels behind and between samples name the same series as labels in front", () => {
  const parser = new RemoteWriteParser();
  const sample = field(0x12, [0x10, 5]);
  const front = parser.parse(series([...label("a", "b"), ...label("c", "d"), ...sample, ...sample]), RAW);
  const hash = front.hashes.slice();
  const shuffled = [
    [...sample, ...label("a", "b"), ...label("c", "d"), ...sample],
    [...label("a", "b"), ...sample, ...label("c", "d"), ...sample],
    [...sample, ...field(0x1a, [1]), ...label("a", "b"), ...sample, ...field(0x22, []), ...label("c", "d")],
  ];
  for (const message of shuffled) {
    const batch = parser.parse(series(message), RAW);
    assert.deepEqual(batch.hashes, hash);
    assert.equal(batch.sampleCount, 2);
    assert.deepEqual(
      batch.readLabels(0).map(({ name, value }) => [text(name), text(value)]),
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
  }
  const swapped = parser.parse(series([...label("c", "d"), ...label("a", "b"), ...sample]), RAW);
  assert.notDeepEqual(swapped.hashes, hash);
});

test("what carries no sample, or no label, is left out and counted", () => {
  const sample = field(0x12, [0x10, 5]);
  const body = Uint8Array.from([
    ...series([...label("only", "labels")]),
    ...series([...sample, ...sample]),
    ...series([]),
    ...series([...label("a", "b"), ...field(0x1a, [0xff]), ...field(0x22, [0xff]), ...field(0x22, []), ...sample]),
    ...field(0x7a, [1, 2, 3]),
  ]);
  const batch = new RemoteWriteParser().parse(body, RAW);
  assert.equal(batch.seriesCount, 1);
  assert.equal(batch.sampleCount, 1);
  assert.equal(batch.unnamedSampleCount, 2);
  assert.equal(batch.exemplarCount, 1);
  assert.equal(batch.histogramCount, 2);
  assert.equal(new RemoteWriteParser().parse(new Uint8Array(0), RAW).seriesCount, 0);
});

test("metadata is surfaced", () => {
  const metadata = [
    { type: 1, familyName: "http_requests_total", help: "Requests. Größe!", unit: "" },
    { type: 0, familyName: "x", help: "", unit: "seconds" },
  ];
  const parser = new RemoteWriteParser();
  const batch = parser.parse(encodeSnappy(encodeWriteRequest([], metadata)), SNAPPY);
  const read = Array.from({ length: batch.metadataCount }, (_, i) => {
    const { type, familyName, help, unit } = batch.readMetadata(i);
    return { type, familyName: text(familyName), help: text(help), unit: text(unit) };
  });
  assert.deepEqual(read, metadata);
  const many = Array.from({ length: 5000 }, (_, i) => ({ type: 2, familyName: `m${i}`, help: "", unit: "" }));
  const last = parser.parse(encodeWriteRequest([], many), RAW);
  assert.equal(last.metadataCount, 5000);
  assert.equal(text(last.readMetadata(4999).familyName), "m4999");
});

test("columns grow when a request holds more than its size lets expect", () => {
  const parser = new RemoteWriteParser();
  const emptySamples = new Array<number>(40_000).fill(0).map((_, i) => (i % 2 === 0 ? 0x12 : 0));
  const oneSeries = series([...label("a", "b"), ...emptySamples]);
  assert.equal(parser.parse(oneSeries, RAW).sampleCount, 20_000);
  const small = series([...label("a", ""), 0x12, 0]);
  const body = new Uint8Array(small.length * 10_000);
  for (let i = 0; i < 10_000; i++) body.set(small, i * small.length);
  const batch = parser.parse(body, RAW);
  assert.equal(batch.seriesCount, 10_000);
  assert.equal(batch.sampleEnds[9_999], 10_000);
  assert.deepEqual(batch.hashes.slice(0, 4), batch.hashes.slice(-4));
  assert.equal(text(batch.readLabels(9_999)[0]?.name as Uint8Array), "a");
});

test("a bad body is refused with what is wrong and where", () => {
  const parser = new RemoteWriteParser();
  const refuse = (message: string, body: ArrayLike<number>, compression: "snappy" | "none" = "none") =>
    assert.throws(() => parser.parse(Uint8Array.from(body), { ...RAW, compression }), {
      code: "INPUT",
      status: 400,
      message,
    });
  refuse("remote write: at byte 0 of 3: series length 99 runs past the end", [0x0a, 99, 0]);
  refuse("remote write: at byte 2 of 6: label length 99999 runs past the end", [0x0a, 4, 0x0a, 0x9f, 0x8d, 0x06]);
  refuse("remote write: at byte 4 of 6: label value length 7 runs past the end", [0x0a, 4, 0x0a, 2, 0x12, 7]);
  refuse(
    "remote write: at byte 4 of 8: sample value wants 8 bytes, which run past the end",
    [0x0a, 6, 0x12, 4, 9, 1, 1, 1],
  );
  refuse(
    "remote write: at byte 4 of 5: a field of the sample ends in the middle of a number",
    [0x0a, 3, 0x12, 1, 0x80],
  );
  refuse("remote write: at byte 0 of 1: series ends in the middle of a number", [0x0a]);
  refuse(
    "remote write: at byte 0 of 1: field 2 of the request is a group (wire type 3), which remote write does not have",
    [0x13],
  );
  refuse("remote write: at byte 0 of 1: field 2 of the request has wire type 7, which protobuf does not have", [0x17]);
  refuse("remote write: at byte 0 of 2: series has wire type 0, which is not its own", [0x08, 0]);
  refuse("remote write: at byte 0 of 2: a field of the request has field number 0, want 1 to 536870911", [0x02, 0]);
  refuse(
    "remote write: at byte 4 of 15: sample timestamp holds a number of more than 64 bits",
    [0x0a, 13, 0x12, 11, 0x10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
  );
  refuse("remote write: at byte 2 of 4: metadata type has wire type 2, which is not its own", [0x1a, 2, 0x0a, 0]);

  refuse("remote write: snappy: at byte 0 of 0: the length in front ends in the middle of a number", [], "snappy");
  refuse(
    "remote write: snappy: at byte 0 of 6: the length in front takes more than 32 bits",
    [255, 255, 255, 255, 127, 0],
    "snappy",
  );
  refuse("remote write: snappy: at byte 1 of 2: a literal of 3 bytes runs past the end of the block", [3, 8], "snappy");
  refuse(
    "remote write: snappy: at byte 1 of 5: a literal of 3 bytes runs past the declared length",
    [2, 8, 1, 2, 3],
    "snappy",
  );
  refuse(
    "remote write: snappy: at byte 3 of 5: a copy from 2 bytes back reaches before the start",
    [9, 0, 65, 1, 2],
    "snappy",
  );
  refuse(
    "remote write: snappy: at byte 3 of 5: a copy from 0 bytes back reaches before the start",
    [9, 0, 65, 1, 0],
    "snappy",
  );
  refuse(
    "remote write: snappy: at byte 3 of 5: a copy of 4 bytes runs past the declared length",
    [4, 0, 65, 1, 1],
    "snappy",
  );
  refuse("remote write: snappy: at byte 3 of 4: the block ends in the middle of an element", [9, 0, 65, 2], "snappy");
  refuse(
    "remote write: snappy: at byte 3 of 3: the block ends after 1 bytes, fewer than it declares",
    [2, 0, 65],
    "snappy",
  );
  refuse(
    "remote write: snappy: 5 bytes declare to unpack to 200, more than the format can hold",
    [200, 1, 0, 65, 66],
    "snappy",
  );
});

test("too large is 413, by what came and by what it declares", () => {
  const parser = new RemoteWriteParser();
  const tooLarge = { code: "INPUT", status: 413, message: /has 101 bytes, at most 100 are taken/ };
  assert.throws(() => parser.parse(new Uint8Array(101), { ...RAW, maxBytes: 100 }), tooLarge);
  assert.throws(() => parser.parse(encodeSnappy(new Uint8Array(101)), { ...SNAPPY, maxBytes: 100 }), tooLarge);
  assert.throws(() => parser.parse(Uint8Array.of(255, 255, 255, 255, 15, 0), SNAPPY), { status: 413 });
});

test("a parser gives back the memory a huge body took", () => {
  const parser = new RemoteWriteParser();
  const body = encodeWriteRequest([{ labels: [["a", "b"]], timestamps: [1], values: Float64Array.of(1) }]);
  const huge = new Uint8Array(40 << 20);
  huge.set(field(0x7a, []), 0);
  for (let i = 0; i < huge.length; i += 2) huge[i] = 0x7a;
  parser.parse(huge, RAW);
  const before = parser.parse(body, RAW);
  assert.equal(before.seriesCount, 1);
  assert.ok(before.values.buffer.byteLength < 20 << 20, "what is recalled stays, forty megabytes of one body do not");
});

function field(tag: number, payload: readonly number[]): number[] {
  assert.ok(payload.length < 128);
  return [tag, payload.length, ...payload];
}

function label(name: string, value: string): number[] {
  return field(0x0a, [...field(0x0a, [...Buffer.from(name)]), ...field(0x12, [...Buffer.from(value)])]);
}

function series(payload: readonly number[]): Uint8Array {
  const length = payload.length;
  const varint = length < 128 ? [length] : [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14];
  return Uint8Array.from([0x0a, ...varint, ...payload]);
}
