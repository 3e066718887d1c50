/**
 * Bytes and speed of the block codec by kind of column.
 *
 *     node packages/tsdb/dist/codec/codec.bench.js [samples a block] [rounds]
 *
 * Columns are seeded; the checksum of all encoded bytes is printed, so that two runs can be told to have done the same
 * work. The recorded columns are those of `../shared/corpora/recorded.jsonl.gz` beside the repository, or of the folder named
 * by NYANZA_SHARED; without them that part is left out.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { isCodecKernelLoaded } from "../kernel/codec.ts";
import { CODEC_NAMES } from "../kernel/codec-format.ts";
import { crc32c } from "../kernel/crc.ts";
import { decodeValues, encodeValues } from "./block.ts";
import { GENERATOR_KINDS, OTHER_KINDS, seededRandom, TIMESTAMP_KINDS, withStaleMarkers } from "./sample-columns.ts";

const SERIES = 32;
const samples = Number(process.argv[2] ?? 500);
const rounds = Number(process.argv[3] ?? 20);
let checksum = 0;

interface Measured {
  bytes: number;
  samples: number;
}

/** Encodes and decodes all columns `rounds` times; prints the best round. */
function measure(name: string, columns: readonly Float64Array[]): Measured {
  const encoded = columns.map((column) => encodeValues(column, 0, column.length).slice());
  const target = new Float64Array(8192);
  let total = 0;
  let bytes = 0;
  const codecs = new Map<string, number>();
  for (let i = 0; i < columns.length; i++) {
    total += columns[i].length;
    bytes += encoded[i].length;
    const codec = CODEC_NAMES[encoded[i][0]];
    codecs.set(codec, (codecs.get(codec) ?? 0) + 1);
    checksum = crc32c(encoded[i], 0, encoded[i].length, checksum);
  }
  let encodeMs = Infinity;
  let decodeMs = Infinity;
  for (let round = 0; round < rounds; round++) {
    let startMs = performance.now();
    for (const column of columns) encodeValues(column, 0, column.length);
    encodeMs = Math.min(encodeMs, performance.now() - startMs);
    startMs = performance.now();
    for (let i = 0; i < columns.length; i++) {
      decodeValues(encoded[i], 0, encoded[i].length, columns[i].length, target, 0);
    }
    decodeMs = Math.min(decodeMs, performance.now() - startMs);
  }
  const speed = (ms: number) => (total / ms / 1000).toFixed(0).padStart(6);
  const used = [...codecs].sort((a, b) => b[1] - a[1]).map(([codec]) => codec);
  const perSample = (bytes / total).toFixed(3).padStart(8);
  console.log(`${name.padEnd(34)}${perSample}${speed(encodeMs)}${speed(decodeMs)}  ${used.join(" ")}`);
  return { bytes, samples: total };
}

function heading(title: string): void {
  console.log(`\n${title.padEnd(34)} B/sample   enc   dec  (M samples/s) codecs`);
}

function measureKinds(title: string, kinds: typeof GENERATOR_KINDS): void {
  heading(title);
  const sum: Measured = { bytes: 0, samples: 0 };
  for (const [name, kind] of kinds) {
    const columns = Array.from({ length: SERIES }, (_, seed) => {
      const random = seededRandom(seed + 1);
      const column = kind(samples, random);
      return name.includes("stale") ? withStaleMarkers(column, 0.01, random) : column;
    });
    const one = measure(name, columns);
    sum.bytes += one.bytes;
    sum.samples += one.samples;
  }
  console.log(`${"mean".padEnd(34)}${(sum.bytes / sum.samples).toFixed(3).padStart(8)}`);
}

function measureRecorded(file: string): void {
  heading("recorded, real exporters");
  const values: Float64Array[] = [];
  const timestamps: Float64Array[] = [];
  for (const line of gunzipSync(readFileSync(file)).toString().split("\n")) {
    if (line === "") continue;
    const series = JSON.parse(line) as { values: number[]; timestamps: number[] };
    values.push(Float64Array.from(series.values));
    timestamps.push(Float64Array.from(series.timestamps));
  }
  measure("values", values);
  const isConstant = (column: Float64Array) => column.every((value) => value === column[0]);
  measure(
    "values that change",
    values.filter((column) => !isConstant(column)),
  );
  measure("timestamps, each by itself", timestamps);
}

console.log(`${samples} samples a block, ${SERIES} blocks a kind, ${isCodecKernelLoaded ? "wasm" : "TypeScript"}`);
measureKinds("the load generator's kinds", GENERATOR_KINDS);
measureKinds("other kinds", OTHER_KINDS);
measureKinds("timestamps", TIMESTAMP_KINDS);
const shared = process.env["NYANZA_SHARED"] ?? fileURLToPath(new URL("../../../../../shared", import.meta.url));
const recorded = `${shared}/corpora/recorded.jsonl.gz`;
if (existsSync(recorded)) measureRecorded(recorded);
console.log(`\nchecksum ${checksum.toString(16).padStart(8, "0")}`);
