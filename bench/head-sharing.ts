/**
 * How queries on another thread should see the head: through wasm memory that both threads share, or through copies that the writing
 * thread makes. Prints what each costs the writer and the reader; docs/decisions/0002-head-sharing.md draws the conclusion.
 *
 *     npm run bench -- head-sharing
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

const SERIES = 10_000;
const SAMPLES = 480;
/** Scrapes that come in while the other thread reads. */
const MORE = 60;
const SCRATCH = 4 << 20;

interface HeadExports {
  heapBase(): number;
  reset(scratchBytes: number): void;
  append(slots: number, ends: number, count: number, times: number, values: number): number;
  startRead(slot: number): void;
  read(minMs: number, maxMs: number, times: number, values: number, room: number): number;
  attach(scratchBytes: number, bytes: number): void;
}

interface Memory {
  readonly buffer: ArrayBufferLike;
}

// biome-ignore lint/suspicious/noExplicitAny: Node's types do not declare WebAssembly.
const wasm = (globalThis as any).WebAssembly;

function instantiate(bytes: Uint8Array, memory?: Memory): { exports: HeadExports; memory: Memory } {
  const instance = new wasm.Instance(new wasm.Module(bytes), { env: { memory, abort() {} } });
  return { exports: instance.exports, memory: memory ?? instance.exports.memory };
}

function readAll(exports: HeadExports, memory: Memory, scratchAt: number): { samples: number; ms: number } {
  const start = performance.now();
  let samples = 0;
  const times = new Float64Array(SERIES * (SAMPLES + MORE));
  const values = new Float64Array(SERIES * (SAMPLES + MORE));
  const room = 32_768;
  for (let slot = 0; slot < SERIES; slot++) {
    exports.startRead(slot);
    const count = exports.read(0, Number.MAX_SAFE_INTEGER, scratchAt, scratchAt + 8 * room, room);
    const view = new Float64Array(memory.buffer, scratchAt, 2 * room);
    times.set(view.subarray(0, count), samples);
    values.set(view.subarray(room, room + count), samples);
    samples += count;
  }
  return { samples, ms: performance.now() - start };
}

function fill(exports: HeadExports, memory: Memory, base: number, scrapes: number, from: number): number {
  const slotsAt = base;
  const endsAt = slotsAt + 4 * SERIES;
  const timesAt = endsAt + 4 * SERIES;
  const valuesAt = timesAt + 8 * SERIES;
  const start = performance.now();
  for (let scrape = 0; scrape < scrapes; scrape++) {
    const u32 = new Uint32Array(memory.buffer, slotsAt, 2 * SERIES);
    const f64 = new Float64Array(memory.buffer, timesAt, 2 * SERIES);
    for (let i = 0; i < SERIES; i++) {
      u32[i] = i;
      u32[SERIES + i] = i + 1;
      f64[i] = (from + scrape) * 15_000;
      f64[SERIES + i] = i;
    }
    exports.append(slotsAt, endsAt, SERIES, timesAt, valuesAt);
  }
  return performance.now() - start;
}

const median = (figures: number[]): number => figures.sort((a, b) => a - b)[figures.length >> 1] as number;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "head-sharing-"));
  try {
    const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
    const source = join(root, "packages/tsdb/kernels/head.ts");
    const asc = join(dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")), "bin/asc.js");
    const build = (name: string, flags: string[]): Uint8Array => {
      const out = join(folder, name);
      execFileSync(process.execPath, [asc, source, "-o", out, "-O3", "--noAssert", "--runtime", "stub", ...flags]);
      return readFileSync(out);
    };
    const own = build("own.wasm", ["--enable", "simd,threads"]);
    const shared = build("shared.wasm", [
      "--enable",
      "simd,threads",
      "--importMemory",
      "--sharedMemory",
      "--initialMemory",
      "256",
      "--maximumMemory",
      "65536",
    ]);

    const figures = {
      own: [] as number[],
      shared: [] as number[],
      copy: [] as number[],
      read: [] as number[],
      busy: [] as number[],
    };
    for (let run = 0; run < 5; run++) {
      const a = instantiate(own);
      growTo(a.memory, SCRATCH);
      a.exports.reset(SCRATCH);
      figures.own.push(fill(a.exports, a.memory, 1024, SAMPLES, 0));
      figures.copy.push(readAll(a.exports, a.memory, 2 << 20).ms);

      const memory = new wasm.Memory({ initial: 256, maximum: 65_536, shared: true }) as Memory;
      const b = instantiate(shared, memory);
      b.exports.reset(SCRATCH);
      figures.shared.push(fill(b.exports, b.memory, 1024, SAMPLES, 0));
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { bytes: shared, memory } });
      const answer = new Promise<{ samples: number; ms: number }>((resolve) => worker.once("message", resolve));
      // The writer goes on while the reader reads: what it costs the writer shows here.
      figures.busy.push(fill(b.exports, b.memory, 1024, MORE, SAMPLES));
      const { samples, ms } = await answer;
      if (samples < SERIES * SAMPLES) throw new Error(`the reader saw ${samples} samples of ${SERIES * SAMPLES}`);
      figures.read.push(ms);
      await worker.terminate();
    }
    const perSample = (ms: number, count: number): string => `${((ms * 1e6) / count).toFixed(1)} ns a sample`;
    const total = SERIES * SAMPLES;
    console.log(`${SERIES} series × ${SAMPLES} samples in the head, medians of 5`);
    console.log(
      `append, memory of its own     ${median(figures.own).toFixed(0)} ms  ${perSample(median(figures.own), total)}`,
    );
    console.log(
      `append, shared memory         ${median(figures.shared).toFixed(0)} ms  ${perSample(median(figures.shared), total)}`,
    );
    console.log(
      `append while a worker reads   ${median(figures.busy).toFixed(0)} ms  ${perSample(median(figures.busy), SERIES * MORE)}`,
    );
    console.log(
      `copy all by the writer        ${median(figures.copy).toFixed(0)} ms  ${perSample(median(figures.copy), total)}`,
    );
    console.log(
      `read all by a worker, shared  ${median(figures.read).toFixed(0)} ms  ${perSample(median(figures.read), total)}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function growTo(memory: Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) (memory as unknown as { grow(pages: number): void }).grow(Math.ceil(missing / 65_536));
}

if (isMainThread) await main();
else {
  const { bytes, memory } = workerData as { bytes: Uint8Array; memory: Memory };
  const { exports } = instantiate(bytes, memory);
  exports.attach(SCRATCH, -1);
  // The second half of the scratch area is the reader's.
  parentPort?.postMessage(readAll(exports, memory, 2 << 20));
}
