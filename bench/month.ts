/**
 * A month in one embedded database, some of it written a day late and in any order: what it costs to write, whether it merges to one part, how long
 * opening takes, and a query over all of it.
 *
 *     npm run bench -- month                              1,000 series every 15 s for 30 days: 172.8 million samples, some minutes
 *     npm run bench -- month --days=3
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "@nyanza/tsdb";
import { folderBytes, median } from "./measure.ts";

export interface MonthOptions {
  readonly series: number;
  readonly days: number;
  /** Share of the pieces that come a day late, in percent. */
  readonly late: number;
}

const standard: MonthOptions = { series: 1_000, days: 30, late: 10 };
const STEP_MS = 15_000;
const DAY_MS = 86_400_000;
/** What one append brings of each series. */
const PIECE_MS = 15 * 60_000;
const PIECE_SAMPLES = PIECE_MS / STEP_MS;
const QUERIES = 31;

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readMonthOptions(args: readonly string[]): MonthOptions {
  const options: Record<string, number> = { ...standard };
  for (const arg of args) {
    const [name, value] = arg.replace(/^--/, "").split("=") as [string, string | undefined];
    if (!(name in standard)) throw new Error(`bench: ${arg}: there are --series --days --late, each with =value`);
    if (!(Number(value) >= 0)) throw new Error(`bench: ${arg}: wants a number`);
    options[name] = Number(value);
  }
  return options as unknown as MonthOptions;
}

export async function runMonth({ series, days, late }: MonthOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nyanza-month-"));
  try {
    // A month that is over, so that all of it is in one partition.
    const now = new Date();
    const startMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 2, 1);
    const endMs = startMs + days * DAY_MS;
    const samples = (series * days * DAY_MS) / STEP_MS;
    console.log(
      `${series} series × ${days} days every ${STEP_MS / 1000} s: ${samples} samples, ${late} % a day late\n`,
    );
    let database = await openDatabase(folder, { mergesOnThread: true });
    const seconds = await timed(() => fill(database, series, startMs, endMs, late / 100));
    const cpu = process.cpuUsage();
    const filled = database.stats();
    console.log(`written     ${seconds.toFixed(1)} s, ${(samples / seconds / 1e6).toFixed(2)} M samples/s`);
    console.log(
      `            ${(cpu.user / 1e6 + cpu.system / 1e6).toFixed(1)} s of CPU; ${filled.flushes} flushes, ${filled.merges} merges of ` +
        `${(filled.rowsMerged / samples).toFixed(1)} times the samples; ${filled.parts} parts`,
    );
    const mergeSeconds = await timed(() => database.merge());
    const merged = database.stats();
    console.log(`merged      ${mergeSeconds.toFixed(1)} s, ${merged.parts} part of ${merged.blocks} blocks`);
    await database.close();
    console.log(
      `on disk     ${(folderBytes(folder) / 1e6).toFixed(1)} MB, ${(folderBytes(folder) / samples).toFixed(3)} bytes a sample`,
    );
    const openSeconds = await timed(async () => {
      database = await openDatabase(folder);
    });
    console.log(`opened      ${(openSeconds * 1000).toFixed(1)} ms`);
    const times: number[] = [];
    let points = 0;
    for (let i = 0; i < QUERIES; i++) {
      // Another series each time: nothing of it was read before.
      const text = `m{instance="host-${(i * 37) % series}"}`;
      const started = performance.now();
      const answer = await database.queryRange(text, { startMs, endMs: endMs - STEP_MS, stepMs: 3_600_000 });
      times.push(performance.now() - started);
      points += JSON.stringify(answer).length;
    }
    const first = times[0] as number;
    console.log(
      `query       one series, ${days} days, step 1h: first ${first.toFixed(1)} ms, median ${median(times).toFixed(1)} ms, slowest of the others ` +
        `${Math.max(...times.slice(1)).toFixed(1)} ms (${points} characters of answers)`,
    );
    const opened = database.stats();
    console.log(`checked     ${opened.partRows} samples, ${opened.parts} parts`);
    if (opened.partRows !== samples) throw new Error(`bench: want ${samples} samples, got ${opened.partRows}`);
    await database.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(database: Database, series: number, startMs: number, endMs: number, late: number): Promise<void> {
  const labels = Array.from({ length: series }, (_, i) => ({
    __name__: "m",
    instance: `host-${i}`,
    job: `job-${i % 10}`,
  }));
  const values = new Float64Array(PIECE_SAMPLES);
  const put = async (fromMs: number): Promise<void> => {
    const timestamps = Float64Array.from(values, (_, k) => fromMs + k * STEP_MS);
    await database.append(
      labels.map((one, i) => ({ labels: one, timestamps, values: timestamps.map((ms) => sampleValue(i, ms)) })),
    );
  };
  let held: number[] = [];
  for (let fromMs = startMs; fromMs < endMs; fromMs += PIECE_MS) {
    if (hash(fromMs) < late) held.push(fromMs);
    else await put(fromMs);
    // What was held back comes once a day, the last first.
    if ((fromMs - startMs) % DAY_MS !== DAY_MS - PIECE_MS) continue;
    const due = held.filter((ms) => ms < fromMs - DAY_MS || fromMs + PIECE_MS >= endMs).reverse();
    held = held.filter((ms) => !due.includes(ms));
    for (const ms of due) await put(ms);
  }
}

/** A third counters, a third gauges of two decimals, a third that hardly change. */
function sampleValue(i: number, ms: number): number {
  if (i % 3 === 0) return Math.floor(ms / 1_000) * (1 + (i % 7)) - Math.floor(hash(ms + i) * 5);
  if (i % 3 === 1) return Math.round(5_000 + 2_000 * Math.sin(ms / 7e6 + i) + 500 * hash(ms * 3 + i)) / 100;
  return Math.floor(ms / 3_600_000 / (1 + (i % 5)));
}

/** A number in [0, 1) that looks random and is always the same. */
function hash(x: number): number {
  let h = Math.imul((x / 1_000) | 0, 0x9e3779b1) ^ (x & 0xffff);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
