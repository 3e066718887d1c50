/**
 * `npm run bench -- backup`: a server of `--samples` samples (10 million; 100 million by hand) is backed up to a folder and to S3 while it is written to and
 * merges everything, a second time with what came meanwhile, and restored; every database is exported in full.
 *
 * Each writer adds a sample to all of its series with every request, so what a backup has of it is its first so many samples: no fewer than were acknowledged
 * when the backup was asked for, and equal to the source's, bit by bit.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@nyanza/tsdb";
import { nyanza, startS3 } from "#support/backups";
import { http } from "#support/http";
import { startNyanza } from "#support/nyanza";
import { makeFolder, type Scope, withScope } from "#support/scope";
import { folderBytes } from "./measure.ts";

const SERIES = 10_000;
const INTERVAL_MS = 15_000;
/** While it is backed up. */
const WRITERS = 4;
const WRITER_SERIES = 100;

/** @throws Error if an option is unknown */
export function readBackupOptions(args: readonly string[]): { samples: number } {
  let samples = 10_000_000;
  for (const arg of args) {
    const match = /^--samples=([1-9]\d{4,9})$/.exec(arg);
    if (match === null) throw new Error(`bench backup: want --samples=N of at least ${SERIES}, got ${arg}`);
    samples = Number(match[1]);
  }
  return { samples };
}

export async function runBackupBench(options: { samples: number }): Promise<void> {
  await withScope(async (scope) => {
    const samplesEach = Math.ceil(options.samples / SERIES);
    const folder = makeFolder(scope);
    await timed(`write ${samplesEach * SERIES} samples`, () => fill(folder, samplesEach));
    const endpoint = `-customS3Endpoint=${await startS3(scope)}`;
    const { url, process } = await startNyanza(scope, { folder, flags: ["-selfScrapeInterval=0"] });
    console.log(`database: ${mebibytes(folderBytes(folder))}`);
    const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(url, i));
    const merges = new Merges(url);
    const places = [`fs://${join(makeFolder(scope, "backups"), "latest")}`, "s3://backups/latest"];
    const least = new Map<string, readonly number[]>();
    for (const again of [false, true]) {
      for (const place of places) {
        least.set(
          place,
          writers.map((writer) => writer.acknowledged),
        );
        await timed(`${again ? "again" : "backup"} to ${place.slice(0, 2)}`, () =>
          command(scope, ["backup", `-src=${url}`, `-dst=${place}`, endpoint]),
        );
      }
    }
    await merges.stop();
    for (const writer of writers) await writer.stop();
    const written = writers.map((writer) => writer.acknowledged);
    console.log(
      `meanwhile ${merges.done} merges of everything, ${(sum(written) * WRITER_SERIES) / 1e3} thousand samples`,
    );
    await process.stop();
    for (const place of places) {
      const restored = join(makeFolder(scope, "restored"), "data");
      mkdirSync(restored);
      await timed(`restore from ${place.slice(0, 2)}`, () =>
        command(scope, ["restore", `-src=${place}`, `-storageDataPath=${restored}`, endpoint]),
      );
      const counts = await countLive(restored);
      for (const [i, count] of counts.entries()) {
        const atLeast = least.get(place)?.[i] as number;
        if (count >= atLeast && count <= (written[i] as number)) continue;
        throw new Error(`restored from ${place}: writer ${i} has ${count} samples, want ${atLeast} to ${written[i]}`);
      }
      const found = digest(restored, counts);
      const wanted = await timed("full export of the source", async () => digest(folder, counts));
      if (found !== wanted) throw new Error(`restored from ${place}: want ${wanted}, got ${found}`);
      console.log(
        `restored from ${place.slice(0, 2)}: equal, bit by bit (${mebibytes(folderBytes(restored))}) ${found}`,
      );
    }
  });
}

/** Adds a sample to each of its series again and again. */
class Writer {
  /** Requests, and so samples of each series. */
  acknowledged = 0;
  private isRunning = true;
  private readonly done: Promise<void>;

  constructor(url: string, i: number) {
    this.done = this.run(url, i, Date.now());
    this.done.catch(() => {}); // Told by stop().
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.done;
  }

  private async run(url: string, i: number, startMs: number): Promise<void> {
    while (this.isRunning) {
      const n = this.acknowledged;
      let body = "";
      for (let series = 0; series < WRITER_SERIES; series++) {
        body += `${liveName(i)}{series="${series}"} ${n * series} ${startMs + n}\n`;
      }
      const { status } = await http(`${url}/api/v1/import/prometheus`, { body });
      if (status !== 204) throw new Error(`a write was answered with status ${status}`);
      this.acknowledged = n + 1;
    }
  }
}

/** Has everything flushed and merged, over and over. */
class Merges {
  done = 0;
  private isRunning = true;
  private readonly running: Promise<void>;

  constructor(url: string) {
    this.running = this.run(url);
    this.running.catch(() => {}); // Told by stop().
  }

  async stop(): Promise<void> {
    this.isRunning = false;
    await this.running;
  }

  private async run(url: string): Promise<void> {
    while (this.isRunning) {
      const { status } = await http(`${url}/internal/force_merge`);
      if (status !== 200) throw new Error(`a merge was answered with status ${status}`);
      this.done++;
      await sleep(250);
    }
  }
}

function liveName(writer: number): string {
  return `live_${writer}`;
}

/** Samples of each writer's series, of which all must have as many. */
async function countLive(folder: string): Promise<number[]> {
  const database = await openDatabase(folder);
  const counts: number[] = [];
  for (let i = 0; i < WRITERS; i++) {
    const { series } = await database.query(`count_over_time(${liveName(i)}[1d])`, { timeMs: Date.now() + 60_000 });
    const found = new Set(series.map(({ values }) => values[0] as number));
    if (found.size > 1) throw new Error(`writer ${i}: a request is there in part: ${[...found].join()}`);
    counts.push([...found][0] ?? 0);
  }
  await database.close();
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

async function fill(folder: string, samplesEach: number): Promise<void> {
  const startMs = Date.now() - samplesEach * INTERVAL_MS;
  const timestamps = Float64Array.from({ length: samplesEach }, (_, i) => startMs + i * INTERVAL_MS);
  const database = await openDatabase(folder);
  let seed = 42;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let series = 0; series < SERIES; series++) {
    let value = Math.floor(random() * 1e6);
    // Counters of bytes, and loads with two decimals.
    const values = new Float64Array(samplesEach).map(() => {
      value += Math.floor(random() * 5000);
      return series % 2 === 0 ? value : (value % 10_000) / 100;
    });
    const labels = { __name__: `bench_${series % 20}`, host: `host-${series % 100}`, series: String(series) };
    await database.append([{ labels, timestamps, values }]);
  }
  await database.close();
}

/** In a process of its own: the memory of one export is not the next one's. */
function digest(folder: string, counts: readonly number[]): string {
  const program = fileURLToPath(import.meta.resolve("#support/database-digest"));
  const samplesMax = JSON.stringify(Object.fromEntries(counts.map((count, i) => [liveName(i), count])));
  const code = `import(${JSON.stringify(program)}).then(async (m) => console.log(JSON.stringify(await m.digestDatabase(${JSON.stringify(folder)}, undefined, ${samplesMax}))))`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", code], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

async function command(scope: Scope, args: readonly string[]): Promise<void> {
  const { code, output } = await nyanza(scope, args);
  if (code !== 0) throw new Error(output);
  console.log(`    ${output.trim().split("\n").at(-1)?.split("\t").at(-1)}`);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return result;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
