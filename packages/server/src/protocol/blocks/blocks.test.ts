/** Streams of blocks: round trips, what hostile senders try, and a stream that was written once and is read for ever. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { Labels } from "@nyanza/tsdb";
import { ByteWriter, crc32c, encodeTimestamps, encodeValues } from "@nyanza/tsdb/codec";
import fc from "fast-check";
import {
  fuzz,
  linesWritten,
  randomOf,
  randomSeries,
  readStream,
  type WrittenSeries,
  writeStream,
} from "./blocks.fuzz.ts";
import { BLOCK_SAMPLES, FRAME_BYTES, HEADER_BYTES, PAYLOAD_BYTES_MAX } from "./format.ts";

const FIXTURE = new URL("../../../src/protocol/blocks/fixtures/version-1.blocks", import.meta.url);

test("what is written is read, bit by bit, however it is cut", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1 << 17 }), fc.boolean(), (seed, chunkBytes, isPartial) => {
      const series = randomSeries(randomOf(seed));
      const bytes = writeStream(series, isPartial);
      const { error, lines, reader } = readStream(bytes, () => chunkBytes);
      assert.equal(error, null);
      assert.deepEqual(lines, linesWritten(series));
      assert.equal(reader.isPartial, isPartial);
    }),
    { numRuns: 15 },
  );
});

test("changed, cut and shuffled streams", () => {
  for (let seed = 1; seed <= 60; seed++) fuzz(seed);
});

function columns(count: number): WrittenSeries {
  const timestamps = Float64Array.from({ length: count }, (_, i) => 1_700_000_000_000 + 15_000 * i);
  return { labels: Labels.from([["__name__", "m"]]), timestamps, values: timestamps.map((_, i) => i / 10) };
}

test("labels once a series, timestamps once a block; blocks of bounded size", () => {
  const one = columns(8192);
  const many = Array.from({ length: 20 }, (_, i) => ({ ...one, labels: Labels.from([["__name__", `m${i}`]]) }));
  const bytes = writeStream(many);
  const { reader } = readStream(bytes);
  assert.equal(reader.blocks, Math.ceil((20 * 8192) / BLOCK_SAMPLES));
  const long = writeStream([columns(100_000)]);
  assert.equal(long.toString("latin1").split("__name__").length, 2);
  assert.deepEqual(readStream(long).lines, linesWritten([columns(100_000)]));
  assert.deepEqual([...writeStream([])].length, HEADER_BYTES + FRAME_BYTES + 4);
});

test("every cut is noticed, and what is in front of it is kept", () => {
  const series = Array.from({ length: 30 }, (_, i) => ({ ...columns(3000), labels: Labels.from([["i", String(i)]]) }));
  const bytes = writeStream(series);
  const wanted = linesWritten(series);
  const { blocks } = readStream(bytes).reader;
  assert.ok(blocks >= 2);
  for (let end = 0; end < bytes.length; end += end < 60 || end > bytes.length - 60 ? 1 : 4999) {
    const { error, lines } = readStream(bytes.subarray(0, end));
    assert.match(error?.message ?? "", new RegExp(`^blocks: at offset ${end}: the stream ends without its footer`));
    assert.deepEqual(lines, wanted.slice(0, lines.length));
  }
});

/** A stream of these frames, with checksums that fit. */
function streamOf(...frames: readonly { readonly kind: number; readonly payload: Uint8Array }[]): Buffer {
  const header = Buffer.from(writeStream([])).subarray(0, HEADER_BYTES);
  let crc = crc32c(header, 0, 12);
  const pieces: Uint8Array[] = [header];
  for (const { kind, payload } of frames) {
    const frame = new ByteWriter();
    frame.u8(kind);
    frame.u32(payload.length);
    crc = crc32c(payload, 0, payload.length, crc32c(frame.bytes(), 0, 5, crc));
    frame.u32(crc);
    pieces.push(Buffer.from(frame.bytes()), payload);
  }
  return Buffer.concat(pieces);
}

/** A payload; bytes are put as they are, numbers as varints. */
function payloadOf(...parts: readonly (number | Uint8Array | string)[]): Uint8Array {
  const writer = new ByteWriter();
  for (const part of parts) {
    if (typeof part === "number") writer.varint(part);
    else writer.raw(typeof part === "string" ? Buffer.from(part) : part);
  }
  return new Uint8Array(writer.bytes());
}

test("hostile streams with the right checksums", () => {
  const times = (...list: number[]): Uint8Array =>
    new Uint8Array(encodeTimestamps(Float64Array.from(list), 0, list.length));
  const values = (...list: number[]): Uint8Array =>
    new Uint8Array(encodeValues(Float64Array.from(list), 0, list.length));
  const labels = [1, 1, 1, "ab"] as const;
  const column = (bytes: Uint8Array): (number | Uint8Array)[] => [bytes.length, bytes];
  const good = payloadOf(...labels, 2, ...column(times(1, 2)), ...column(values(3, 4)));
  const block = (payload: Uint8Array): { kind: number; payload: Uint8Array } => ({ kind: 1, payload });
  const footer = (...counts: number[]): { kind: number; payload: Uint8Array } => ({
    kind: 2,
    payload: payloadOf(...counts),
  });
  assert.equal(readStream(streamOf(block(good), footer(1, 2, 1, 0))).error, null);

  const refuse = (bytes: Uint8Array, why: RegExp, taken = 0): void => {
    const { error, lines } = readStream(bytes);
    assert.match(error?.message ?? "nothing", why);
    assert.equal(error?.status, 400);
    assert.equal(lines.length, taken, why.source);
  };
  const refuseBlock = (why: RegExp, ...parts: readonly (number | Uint8Array | string)[]): void => {
    refuse(streamOf(block(payloadOf(...parts)), footer(1, 2, 1, 0)), why);
    // A good block before it is kept, a good entry of its own is not.
    refuse(
      streamOf(block(good), block(Buffer.concat([good, payloadOf(...parts)])), footer(1, 2, 1, 0)),
      /at offset/,
      2,
    );
  };
  refuseBlock(/want the timestamps of 3 samples, got those of 0/, ...labels, 3, 0, ...column(values(1, 2, 3)));
  refuseBlock(/want 1 to 8192 samples/, ...labels, 0, ...column(times(1)), ...column(values(1)));
  refuseBlock(/want 1 to 8192 samples/, ...labels, 8193, ...column(times(1)), ...column(values(1)));
  refuseBlock(/each after the one before/, ...labels, 2, ...column(times(2, 1)), ...column(values(1, 2)));
  refuseBlock(/each after the one before/, ...labels, 2, ...column(times(1, 1)), ...column(values(1, 2)));
  refuseBlock(/whole milliseconds/, ...labels, 2, ...column(times(1, 1.5)), ...column(values(1, 2)));
  refuseBlock(/whole milliseconds/, ...labels, 1, ...column(times(Number.NaN)), ...column(values(1)));
  refuseBlock(/whole milliseconds/, ...labels, 1, ...column(times(2 ** 53)), ...column(values(1)));
  refuseBlock(/decode 3 timestamps|malformed/, ...labels, 3, ...column(Uint8Array.of(99)), ...column(values(1, 2, 3)));
  refuseBlock(/decode 1 values|malformed/, ...labels, 1, ...column(times(1)), ...column(Uint8Array.of(9)));
  refuseBlock(/decode 1 values|malformed/, ...labels, 1, ...column(times(1)), 0);
  refuseBlock(/bytes, \d+ are left/, ...labels, 1, 1000, times(1));
  refuseBlock(/varint runs past the end/, 2 ** 50, 1, 1, "ab");
  refuseBlock(/bytes, \d+ are left/, 1, 2 ** 52, 2 ** 52, "ab");
  refuseBlock(/varint runs past the end/, ...labels);
  refuseBlock(/varint runs past the end/, new Uint8Array(20).fill(0xff));
  refuse(streamOf(block(payloadOf(0, 1, ...column(times(1)), ...column(values(1))))), /samples of no series/);
  refuse(streamOf(block(new Uint8Array(0))), /varint runs past/);

  // Few bytes may stand for many samples: a block has a bound for those, too.
  const repeated = (count: number): Uint8Array => {
    const constant = new Float64Array(8192).fill(1);
    const encoded = column(new Uint8Array(encodeValues(constant, 0, 8192)));
    const first = payloadOf(...labels, 8192, ...column(times(...columns(8192).timestamps)), ...encoded);
    const next = payloadOf(...labels, 8192, 0, ...encoded);
    return Buffer.concat([first, ...Array.from({ length: count - 1 }, () => next)]);
  };
  assert.equal(readStream(streamOf(block(repeated(9)), footer(9, 9 * 8192, 1, 0))).error, null);
  refuse(streamOf(block(repeated(10))), /at most 73728 in a block/);

  refuse(streamOf(footer(0, 0, 0, 0), block(good)), /more bytes after the footer/);
  refuse(streamOf(block(good), footer(2, 2, 1, 0)), /counts 2 series, 2 samples and 1 blocks; 1 series/, 2);
  refuse(streamOf(block(good), footer(1, 3, 1, 0)), /counts 1 series, 3 samples/, 2);
  refuse(streamOf(block(good), footer(1, 2, 2, 0)), /2 blocks; 1 series/, 2);
  refuse(streamOf(block(good), footer(1, 2, 1)), /varint runs past the end/, 2);
  refuse(streamOf(block(good), footer(1, 2, 1, 0, 0)), /want the end of the footer/, 2);
  refuse(streamOf({ kind: 3, payload: good }), /got kind 3/);
  refuse(streamOf(block(good), block(good), footer(1, 2, 1, 0)).subarray(0, 100), /footer/, 4);

  // A length that nobody writes is refused before its bytes have come.
  const huge = streamOf(block(good));
  huge.writeUInt32LE(PAYLOAD_BYTES_MAX + 1, HEADER_BYTES + 1);
  refuse(huge.subarray(0, HEADER_BYTES + FRAME_BYTES), /at offset 17: want a block of at most 16777216 bytes/);
  const doubled = streamOf(block(good), footer(1, 2, 1, 0));
  const frame = doubled.subarray(HEADER_BYTES, HEADER_BYTES + FRAME_BYTES + good.length);
  refuse(Buffer.concat([doubled.subarray(0, HEADER_BYTES), frame, frame]), /checksum of this block/, 2);

  refuse(Buffer.from('{"metric":{"__name__":"up"}}'), /at offset 0: want a stream of \/api\/v1\/export\/blocks.*got/);
  const header = Buffer.from(streamOf().subarray(0, 12));
  header.writeUInt32LE(2, 8);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32c(header, 0, 12));
  refuse(Buffer.concat([header, sum]), /at offset 8: want version 1 to 1 of the format, got 2, which a newer release/);
  refuse(Buffer.concat([header, Buffer.alloc(4)]), /checksum of the header/);
});

test("labels that are not UTF-8 keep their bytes", () => {
  const labels = new Labels("\udcff\udcfe", ["a\udc80", "é\udcc3"]);
  const { lines } = readStream(writeStream([{ ...columns(1), labels }]));
  assert.equal(
    lines[0],
    `${JSON.stringify([
      ["__name__", "\xff\xfe"],
      ["a\x80", "\xc3\xa9\xc3"],
    ])} 1700000000000 0`,
  );
});

/** Every part of the format: shared and own times, a series over several blocks, special values, names of all kinds. */
function fixtureSeries(): WrittenSeries[] {
  const words = (...list: number[]): Float64Array => new Float64Array(Uint32Array.from(list).buffer);
  const special = words(2, 0x7ff00000, 0, 0x7ff80000, 1, 0x7ff80000, 0, 0xfff00000, 0, 0x80000000, 5, 0xfff12345);
  const times = Float64Array.from(special, (_, i) => 1_700_000_000_000 + 7 * i * i + i);
  return [
    {
      labels: Labels.from([
        ["__name__", "special"],
        ["job", "x"],
      ]),
      timestamps: times,
      values: special,
    },
    { labels: Labels.from([["no", "name"]]), timestamps: times, values: times.map((_, i) => i / 3) },
    { labels: new Labels("with.dots", ["é", "\udcff"]), timestamps: times, values: times.map(() => 1) },
    columns(70_000),
    {
      labels: Labels.from([["__name__", "last"]]),
      timestamps: Float64Array.of(-1, 0, 2 ** 52),
      values: Float64Array.of(1e-300, 5e-324, -1e308),
    },
  ];
}

if (process.env["NYANZA_WRITE_FIXTURES"] === "1") writeFileSync(FIXTURE, writeStream(fixtureSeries(), true));

test("a stream that was written once is read for ever", () => {
  const { error, lines, reader } = readStream(readFileSync(FIXTURE));
  assert.equal(error, null);
  assert.ok(reader.isPartial && reader.blocks === 2, `${reader.blocks} blocks`);
  const wanted = linesWritten(fixtureSeries());
  assert.equal(lines.length, wanted.length);
  const first = lines.findIndex((line, i) => line !== wanted[i]);
  // The recorder's labels are text: of what is not UTF-8 the bytes are compared in the test above.
  const other = lines.filter((line, i) => line !== wanted[i]);
  assert.ok(first < 0 || other.every((line) => line.includes("with.dots")), lines[first]);
});
