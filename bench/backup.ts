/**
 * `npm run bench -- backup`: a running server of `--samples` samples (10 million; 100 million by hand) is backed up to a folder and to S3, a second time
 * with a little more in it, and restored; every database is exported in full and compared bit by bit.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@nyanza/tsdb";
import { nyanza, startS3 } from "#support/backups";
import { http } from "#support/http";
import { startNyanza } from "#support/nyanza";
import { makeFolder, type Scope, withScope } from "#support/scope";
import { folderBytes } from "./measure.ts";

const SERIES = 10_000;
const INTERVAL_MS = 15_000;

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
    const places = [`fs://${join(makeFolder(scope, "backups"), "latest")}`, "s3://backups/latest"];
    for (const place of places)
      await timed(`backup to ${place.slice(0, 2)}`, () =>
        command(scope, ["backup", `-src=${url}`, `-dst=${place}`, endpoint]),
      );
    const more = await http(`${url}/api/v1/import/prometheus`, { body: `more 1 ${Date.now()}\n` });
    if (more.status !== 204) throw new Error(`status ${more.status}`);
    for (const place of places)
      await timed(`again to ${place.slice(0, 2)}`, () =>
        command(scope, ["backup", `-src=${url}`, `-dst=${place}`, endpoint]),
      );
    await process.stop();
    const wanted = await timed("full export", async () => digest(folder));
    console.log(wanted);
    for (const place of places) {
      const restored = join(makeFolder(scope, "restored"), "data");
      mkdirSync(restored);
      await timed(`restore from ${place.slice(0, 2)}`, () =>
        command(scope, ["restore", `-src=${place}`, `-storageDataPath=${restored}`, endpoint]),
      );
      const found = digest(restored);
      if (found !== wanted) throw new Error(`restored from ${place}: want ${wanted}, got ${found}`);
      console.log(`restored from ${place.slice(0, 2)}: equal, bit by bit (${mebibytes(folderBytes(restored))})`);
    }
  });
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
function digest(folder: string): string {
  const program = fileURLToPath(import.meta.resolve("#support/database-digest"));
  const code = `import(${JSON.stringify(program)}).then(async (m) => console.log(JSON.stringify(await m.digestDatabase(${JSON.stringify(folder)}))))`;
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
