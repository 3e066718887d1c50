/**
 * `npm run bench -- replay`: how fast a log that nobody flushed is back in memory, and whether the server answers meanwhile.
 *
 *     npm run bench -- replay                             20 million samples of 10,000 series
 *     npm run bench -- replay --samples=100000000 --heads=16,64 --embedded=1024
 *
 * A process writes into a database whose head takes everything and is ended by kill -9. Each turn starts on a copy of what is left: servers with the heads
 * of `--heads` (MiB; those smaller than the log write parts in between), asked for /health and /-/ready all the time; then programs that open the database
 * themselves with the heads of `--embedded`, whose longest turn of the event loop is measured.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openDatabase } from "@nyanza/tsdb";
import { http } from "#support/http";
import { nyanzaFlags, nyanzaProgram } from "#support/nyanza";
import { freePort, readMemory, startProcess } from "#support/process";
import { makeFolder, type Scope, withScope } from "#support/scope";
import { cpuSeconds, folderBytes } from "./measure.ts";
import { printTable, rate } from "./table.ts";

export interface ReplayOptions {
  readonly samples: number;
  readonly series: number;
  /** MiB of samples the head of a server takes. */
  readonly heads: readonly number[];
  /** The same of programs that have the database in them. */
  readonly embedded: readonly number[];
}

const standard: ReplayOptions = { samples: 20_000_000, series: 10_000, heads: [16, 64], embedded: [16, 1024] };
const INTERVAL_MS = 15_000;
/** The server gives this part of what it is allowed to the head. */
const HEAD_PART = 16;

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readReplayOptions(args: readonly string[]): ReplayOptions {
  const options: Record<string, number | number[]> = { ...(standard as object) };
  for (const arg of args) {
    const [, name, value] = /^--(samples|series|heads|embedded)=([\d,]*)$/.exec(arg) ?? [];
    if (name === undefined) throw new Error(`bench replay: ${arg}: there are --samples --series --heads --embedded`);
    const numbers = (value as string).split(",").filter(Boolean).map(Number);
    options[name] = name === "heads" || name === "embedded" ? numbers : (numbers[0] ?? 0);
  }
  return options as unknown as ReplayOptions;
}

/** What a start gave. */
interface Start {
  readonly name: string;
  /** From the process' start, or from the call of `openDatabase`, until it was ready. */
  readonly seconds: number;
  /** Of CPU, all threads. */
  readonly cpu: number;
  readonly flushes: number;
  /** The longest anybody waited for his turn. */
  readonly longestMs: number;
  readonly peakBytes: number;
}

export async function runReplay({ series, heads, embedded, ...options }: ReplayOptions): Promise<void> {
  const samples = Math.ceil(options.samples / series) * series;
  await withScope(async (scope) => {
    const folder = join(makeFolder(scope), "data");
    await killWriter(scope, folder, samples, series);
    const logBytes = folderBytes(join(folder, "wal"));
    console.log(`${samples} samples of ${series} series in a log of ${Math.round(logBytes / 1e6)} MB\n`);
    const starts: Start[] = [];
    for (const head of heads)
      starts.push(await onCopy(scope, folder, (copy) => startServer(scope, copy, head, samples)));
    for (const head of embedded) starts.push(await onCopy(scope, folder, (copy) => open(scope, copy, head, samples)));
    printTable(
      [
        "",
        "seconds until ready",
        "samples a second",
        "a CPU-second",
        "parts written in between",
        "longest wait, ms",
        "peak MB",
      ],
      starts.map(({ name, seconds, cpu, flushes, longestMs, peakBytes }) => [
        name,
        seconds.toFixed(2),
        rate(samples / seconds),
        rate(samples / cpu),
        String(flushes),
        longestMs.toFixed(0),
        String(Math.round(peakBytes / 1e6)),
      ]),
    );
  });
}

async function onCopy<T>(scope: Scope, folder: string, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = join(makeFolder(scope), "data");
  cpSync(folder, copy, { recursive: true });
  try {
    return await work(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Writes and is killed: every sample was acknowledged, none is in a part. */
async function killWriter(scope: Scope, folder: string, samples: number, series: number): Promise<void> {
  const child = runHere(scope, `m.writeLog(${JSON.stringify(folder)}, ${samples}, ${series})`);
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line === "written") break;
  }
  child.kill("SIGKILL");
  await once(child, "exit");
}

async function startServer(scope: Scope, folder: string, headMiB: number, samples: number): Promise<Start> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const allowed = `-memory.allowedBytes=${(headMiB * HEAD_PART) << 20}`;
  const startMs = performance.now();
  let listenedMs = 0;
  let longestMs = 0;
  let readySeconds = 0;
  let isListening = false;
  const agent = new Agent({ keepAlive: true });
  const process_ = await startProcess(scope, {
    command: process.execPath,
    args: [nyanzaProgram, ...nyanzaFlags(folder, port, [allowed, "-selfScrapeInterval=0"])],
  });
  while (readySeconds === 0) {
    const askedMs = performance.now();
    try {
      const { status } = await http(`${url}/health`, { agent });
      const nowMs = performance.now();
      if (status !== 200) throw new Error(`/health answered ${status}`);
      if (!isListening) listenedMs = nowMs - startMs;
      // The first answer waits for the server to be put together.
      else longestMs = Math.max(longestMs, nowMs - askedMs);
      isListening = true;
      if ((await http(`${url}/-/ready`, { agent })).status === 200) readySeconds = (performance.now() - startMs) / 1000;
    } catch (error) {
      if (isListening || !process_.isRunning) throw new Error(process_.tail(), { cause: error });
    }
    await sleep(2);
  }
  agent.destroy();
  const cpu = cpuSeconds(process_.pid);
  const { text } = await http(`${url}/metrics`);
  const metric = (name: string): number =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  checkRows(metric('vm_rows{type="storage/inmemory"}') + metric('vm_rows{type="storage/small"}'), samples);
  const start = {
    name: `server, head of ${headMiB} MiB (answers after ${(listenedMs / 1000).toFixed(2)} s)`,
    seconds: readySeconds,
    cpu,
    flushes: metric("vm_flushes_total"),
    longestMs,
    peakBytes: readMemory(process_.pid).peakBytes,
  };
  await process_.kill();
  return start;
}

async function open(scope: Scope, folder: string, headMiB: number, samples: number): Promise<Start> {
  const child = runHere(scope, `m.openLog(${JSON.stringify(folder)}, ${headMiB})`);
  let opened: { seconds: number; cpu: number; rows: number; flushes: number; longestMs: number } | null = null;
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    opened = JSON.parse(line);
    break;
  }
  if (opened === null) throw new Error("the program that opens the database ended before it was open");
  checkRows(opened.rows, samples);
  const { peakBytes } = readMemory(child.pid as number);
  child.kill("SIGKILL");
  await once(child, "exit");
  return { name: `embedded, head of ${headMiB} MiB`, ...opened, peakBytes };
}

function checkRows(rows: number, want: number): void {
  if (rows !== want) throw new Error(`bench replay: want ${want} samples after the start, got ${rows}`);
}

function runHere(scope: Scope, call: string): ChildProcess {
  const code = `import(${JSON.stringify(import.meta.url)}).then((m) => ${call})`;
  const nodeFlags = process.env["NYANZA_NODE_FLAGS"]?.split(" ") ?? [];
  const child = spawn(process.execPath, [...nodeFlags, "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  scope.onEnd(async () => {
    child.kill("SIGKILL");
  });
  return child;
}

/** In a process of its own: writes scrapes of all series, says so and waits for its end. */
export async function writeLog(folder: string, samples: number, series: number): Promise<void> {
  const database = await openDatabase(folder, { headBytes: 2 ** 32, fsync: "never" });
  const scrapes = samples / series;
  const startMs = Date.now() - scrapes * INTERVAL_MS;
  const all = Array.from({ length: series }, (_, i) => ({
    labels: { __name__: `bench_${i % 20}`, host: `host-${i % 100}`, series: String(i) },
    timestamps: new Float64Array(1),
    values: new Float64Array(1),
  }));
  for (let scrape = 0; scrape < scrapes; scrape++) {
    for (const [i, { timestamps, values }] of all.entries()) {
      timestamps[0] = startMs + scrape * INTERVAL_MS;
      // Counters, and loads with two decimals.
      values[0] = i % 2 === 0 ? scrape * (i % 1_000) : ((scrape * 7_919 + i * 104_729) % 10_000) / 100;
    }
    await database.append(all);
  }
  console.log("written");
  setInterval(() => {}, 60_000);
}

/** In a process of its own: opens the database, says what it took, and waits for its end. */
export async function openLog(folder: string, headMiB: number): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  await sleep(20);
  delays.reset();
  const used = process.cpuUsage();
  const startMs = performance.now();
  const database = await openDatabase(folder, { headBytes: headMiB * 2 ** 20 });
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(used);
  const cpu = (user + system) / 1e6;
  await sleep(20);
  delays.disable();
  const { headRows, partRows, flushes } = database.stats();
  console.log(JSON.stringify({ seconds, cpu, rows: headRows + partRows, flushes, longestMs: delays.max / 1e6 }));
  setInterval(() => {}, 60_000);
}
