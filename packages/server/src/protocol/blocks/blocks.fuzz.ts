/**
 * Streams of blocks: any series come back bit by bit however the bytes are cut, and of bytes that were changed nothing comes back that was not
 * written.
 *
 *     npm run fuzz -- blocks --seconds=600
 */
import assert from "node:assert/strict";
import { InputError, Labels } from "@nyanza/tsdb";
import { crc32c } from "@nyanza/tsdb/codec";
import { RowRecorder } from "../row-recorder.ts";
import { FRAME_BYTES, HEADER_BYTES } from "./format.ts";
import { BlockStreamReader } from "./reader.ts";
import { BlockStreamWriter } from "./writer.ts";

export interface WrittenSeries {
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export function writeStream(series: readonly WrittenSeries[], isPartial = false): Buffer {
  const writer = new BlockStreamWriter();
  const pieces = [Buffer.from(writer.begin())];
  for (const { labels, timestamps, values } of series) {
    for (const block of writer.add(labels, timestamps, values, 0, values.length)) pieces.push(Buffer.from(block));
  }
  for (const block of writer.end(isPartial)) pieces.push(Buffer.from(block));
  return Buffer.concat(pieces);
}

export interface ReadStream {
  /** One line an entry's sample: labels, time, bits. Of whole blocks only. */
  readonly lines: string[];
  readonly error: InputError | null;
  readonly reader: BlockStreamReader;
}

/** `cut` gives the sizes of the chunks. */
export function readStream(bytes: Uint8Array, cut: () => number = () => bytes.length): ReadStream {
  const reader = new BlockStreamReader();
  const lines: string[] = [];
  try {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + Math.max(1, cut()));
      reader.push(bytes.subarray(at, end));
      at = end;
      for (;;) {
        const recorder = new RowRecorder();
        if (!reader.nextBlock(recorder)) break;
        lines.push(...linesOf(recorder));
      }
    }
    reader.finish();
    return { lines, error: null, reader };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { lines, error, reader };
  }
}

function linesOf(recorder: RowRecorder): string[] {
  return recorder.series.flatMap(({ rawLabels, samples }) => {
    const labels = JSON.stringify(rawLabels);
    return samples.map(({ bits, timestampMs }) => `${labels} ${timestampMs} ${bits}`);
  });
}

export function linesWritten(series: readonly WrittenSeries[]): string[] {
  return series.flatMap(({ labels, timestamps, values }) => {
    const recorder = new RowRecorder();
    recorder.beginSeries();
    for (const [name, value] of labels.entries()) recorder.addLabel(name, value);
    recorder.endLabels();
    recorder.addSamples(timestamps, values, 0, values.length);
    return linesOf(recorder);
  });
}

/** mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Few or many series, of few or many samples, with any bits as values. */
export function randomSeries(random: () => number): WrittenSeries[] {
  const below = (limit: number): number => Math.floor(random() * limit);
  const count = below(random() < 0.2 ? 40 : 5);
  let shared: Float64Array | null = null;
  return Array.from({ length: count }, (_, i) => {
    const samples = 1 + below([1, 10, 300, 9_000][below(4)] as number);
    let timestampMs = below(2 ** 42) - (random() < 0.1 ? 2 ** 52 : 0);
    const own = Float64Array.from({ length: samples }, () => (timestampMs += 1 + below(random() < 0.5 ? 1 : 30_000)));
    const timestamps = shared !== null && random() < 0.5 ? shared : own;
    shared = timestamps;
    const words = Uint32Array.from({ length: 2 * timestamps.length }, () => below(2 ** 32));
    const values = new Float64Array(words.buffer);
    const kind = below(4);
    if (kind < 2) for (let k = 0; k < values.length; k++) values[k] = kind === 0 ? below(1000) / 8 : k;
    if (random() < 0.3) values.set(STALE, below(values.length));
    const labels: [string, string][] = [["series", String(i)]];
    if (random() < 0.9) labels.push(["__name__", "n".repeat(1 + below(200))]);
    for (let k = below(5); k > 0; k--) labels.push([`é${k}\n`, "🦆".repeat(1 + below(9))]);
    return { labels: Labels.from(labels), timestamps, values };
  });
}

const STALE = new Float64Array(Uint32Array.of(2, 0x7ff00000).buffer);

export function fuzz(seed: number): void {
  const random = randomOf(seed);
  const series = randomSeries(random);
  const bytes = writeStream(series);
  const wanted = linesWritten(series);
  const chunkBytes = [1 << 20, 5000, 7][Math.floor(random() * (bytes.length > 200_000 ? 2 : 3))] as number;
  const whole = readStream(bytes, () => Math.floor(random() * chunkBytes));
  assert.equal(whole.error, null);
  assert.ok(isSame(whole.lines, wanted), `seed ${seed}: what was written came back otherwise`);

  // Whatever is changed, what comes is what was written, up to the block that is not.
  const damaged = damage(bytes, random);
  if (damaged.equals(bytes)) return;
  const { error, lines, reader } = readStream(damaged);
  assert.ok(error !== null, `seed ${seed}: damage went unnoticed`);
  assert.match(error.message, /^blocks: at offset \d+: /);
  assert.ok(isSame(lines, wanted.slice(0, lines.length)), `seed ${seed}: damaged rows came`);
  assert.equal(reader.samples, lines.length);

  // Who makes the checksums fit gets rows or an error, of which the recorder throws none that makes no sense.
  const hostile = changePayloads(bytes, random);
  const taken = readStream(hostile, () => Math.floor(random() * chunkBytes));
  assert.equal(taken.reader.samples, taken.lines.length);
  if (taken.error !== null) assert.match(taken.error.message, /^blocks: at offset \d+: /);
}

/** Some bytes of the frames' payloads are others, and the checksums are theirs. */
function changePayloads(bytes: Buffer, random: () => number): Buffer {
  const changed = Buffer.from(bytes);
  let crc = crc32c(changed, 0, 12);
  for (let at = HEADER_BYTES; at < changed.length; ) {
    const end = at + FRAME_BYTES + changed.readUInt32LE(at + 1);
    for (let left = random() < 0.5 ? 1 + Math.floor(random() * 4) : 0; left > 0; left--) {
      // Labels and counts stand at the front of short blocks and at few places of long ones.
      const room = Math.min(end - at - FRAME_BYTES, random() < 0.5 ? 60 : 1 << 20);
      changed[at + FRAME_BYTES + Math.floor(random() * room)] = Math.floor(random() * 256);
    }
    crc = crc32c(changed, at + FRAME_BYTES, end, crc32c(changed, at, at + 5, crc));
    changed.writeUInt32LE(crc, at + 5);
    at = end;
  }
  return changed;
}

function isSame(lines: readonly string[], wanted: readonly string[]): boolean {
  return lines.length === wanted.length && lines.every((line, i) => line === wanted[i]);
}

function damage(bytes: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const at = below(bytes.length);
  switch (below(4)) {
    case 0: {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << below(8));
      return changed;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2: {
      const end = at + below(200);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    }
    default:
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(below(at + 1), at),
        bytes.subarray(at),
        Buffer.alloc(1),
      ]);
  }
}
