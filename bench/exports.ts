/**
 * `npm run bench -- exports`: the same samples in us and in VictoriaMetrics, read out in every format that both have, and in ours of blocks, which an empty
 * server takes in again.
 *
 * Samples per second of wall time and of the server's CPU, all its threads; the reader drops what it gets. Everything is flushed and merged before, and the first of
 * the rounds does not count.
 */
import { Agent, request } from "node:http";
import { cpus } from "node:os";
import { http } from "#support/http";
import { remoteWriteHeaders } from "#support/remote-write";
import { type Scope, withScope } from "#support/scope";
import { generate, type Load } from "./generator.ts";
import { cpuSeconds, median, waitUntilIdle } from "./measure.ts";
import { type RunningSystem, startSystem } from "./systems.ts";
import { printTable, rate } from "./table.ts";

export interface ExportBenchOptions {
  readonly samples: number;
  readonly rounds: number;
  /** What the names of the exports begin with; those of blocks are always there. */
  readonly only: string;
}

const SERIES = 2000;
const ALL = '{__name__!=""}';
/** Our own metrics are stored meanwhile and are nobody's load. */
const OURS = ["-selfScrapeInterval=0s"];

const EXPORTS: readonly (readonly [name: string, path: string, args: Readonly<Record<string, string>>])[] = [
  ["JSON lines", "/api/v1/export", {}],
  ["JSON lines, reduce_mem_usage", "/api/v1/export", { reduce_mem_usage: "1" }],
  ["JSON lines, gzip", "/api/v1/export", { gzip: "1" }],
  ["format=prometheus", "/api/v1/export", { format: "prometheus" }],
  ["csv", "/api/v1/export/csv", { format: "__name__,instance,__timestamp__:unix_ms,__value__" }],
  ["csv, rfc3339", "/api/v1/export/csv", { format: "__name__,instance,__timestamp__:rfc3339,__value__" }],
];

/** @throws Error if an option is unknown */
export function readExportOptions(args: readonly string[]): ExportBenchOptions {
  const options = { samples: 10_000_000, rounds: 4, only: "" };
  for (const arg of args) {
    if (arg.startsWith("--only=")) {
      options.only = arg.slice("--only=".length);
      continue;
    }
    const match = /^--(samples|rounds)=([1-9]\d{0,9})$/.exec(arg);
    if (match === null) throw new Error(`bench exports: there are --samples=N, --rounds=N and --only=name, got ${arg}`);
    options[match[1] as "samples" | "rounds"] = Number(match[2]);
  }
  return options;
}

interface Figures {
  readonly wall: number;
  readonly cpu: number;
  readonly bytes: number;
}

export async function runExportBench({ only, samples, rounds }: ExportBenchOptions): Promise<void> {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
  const scrapes = Math.ceil(samples / SERIES);
  const load = generate({ series: SERIES, scrapes, shards: 2, endMs: Date.now() });
  const rows: string[][] = [];
  const blocks: Figures[] = [];
  await withScope(async (scope) => {
    const ours = await startLoaded(scope, "nyanza", load);
    const theirs = await startLoaded(scope, "victoria-metrics", load);
    for (const [name, path, args] of EXPORTS) {
      if (!name.startsWith(only)) continue;
      const [our, their] = [
        await measure(ours, path, args, load, rounds),
        await measure(theirs, path, args, load, rounds),
      ];
      rows.push([
        name,
        `${rate(our.wall)}/s`,
        `${rate(their.wall)}/s`,
        `${(our.wall / their.wall).toFixed(2)}×`,
        rate(our.cpu),
        rate(their.cpu),
        `${(our.cpu / their.cpu).toFixed(2)}×`,
        `${(our.bytes / load.sampleCount).toFixed(1)} / ${(their.bytes / load.sampleCount).toFixed(1)}`,
      ]);
    }
    blocks.push(await measure(ours, "/api/v1/export/blocks", {}, load, rounds));
    blocks.push(await measureImport(scope, ours, load));
  });
  printBlocks(blocks);
  console.log(`\n${load.name}: ${load.sampleCount} samples, median of ${rounds - 1} rounds\n`);
  printTable(
    [
      "export",
      "nyanza samples",
      "victoria-metrics",
      "times as fast",
      "nyanza, per CPU-second",
      "victoria-metrics",
      "times as little CPU",
      "bytes a sample",
    ],
    rows,
  );
}

async function startLoaded(scope: Scope, name: "nyanza" | "victoria-metrics", load: Load): Promise<RunningSystem> {
  const system = await startSystem(scope, name, name === "nyanza" ? OURS : []);
  const agent = new Agent({ keepAlive: true });
  await Promise.all(
    load.shards.map(async (bodies) => {
      for (const body of bodies) {
        const { status } = await http(`${system.url}/api/v1/write`, { headers: remoteWriteHeaders, body, agent });
        if (status >= 300) throw new Error(`${name} refused a body with ${status}`);
      }
    }),
  );
  agent.destroy();
  await system.settle();
  await waitUntilIdle(system.pid, 2);
  return system;
}

async function measure(
  system: RunningSystem,
  path: string,
  args: Readonly<Record<string, string>>,
  load: Load,
  rounds: number,
): Promise<Figures> {
  const { gzip, ...rest } = args;
  const search = new URLSearchParams({ "match[]": ALL, start: String(load.firstMs / 1000), ...rest });
  const found: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    const startCpu = cpuSeconds(system.pid);
    const startMs = performance.now();
    const bytes = await drain(
      `${system.url}${path}?${search}`,
      gzip === undefined ? {} : { "accept-encoding": "gzip" },
    );
    const seconds = (performance.now() - startMs) / 1000;
    const cpu = cpuSeconds(system.pid) - startCpu;
    if (round > 0) found.push({ wall: load.sampleCount / seconds, cpu: load.sampleCount / cpu, bytes });
  }
  return {
    wall: median(found.map(({ wall }) => wall)),
    cpu: median(found.map(({ cpu }) => cpu)),
    bytes: median(found.map(({ bytes }) => bytes)),
  };
}

/** What an empty server takes in, until its log has it and it is quiet again. */
async function measureImport(scope: Scope, source: RunningSystem, load: Load): Promise<Figures> {
  const search = new URLSearchParams({ "match[]": ALL, start: String(load.firstMs / 1000) });
  const { body } = await http(`${source.url}/api/v1/export/blocks?${search}`);
  const target = await startSystem(scope, "nyanza", OURS);
  const startCpu = await waitUntilIdle(target.pid, 1);
  const startMs = performance.now();
  const { status, text } = await http(`${target.url}/api/v1/import/blocks`, { body });
  const seconds = (performance.now() - startMs) / 1000;
  if (status !== 204) throw new Error(`import of blocks: ${status} ${text}`);
  const cpu = (await waitUntilIdle(target.pid, 3)) - startCpu;
  return { wall: load.sampleCount / seconds, cpu: load.sampleCount / cpu, bytes: body.length };
}

function printBlocks(figures: readonly Figures[]): void {
  const names = ["export/blocks", "import/blocks, log and flushes included"];
  printTable(
    ["blocks", "samples", "per CPU-second", "MB"],
    figures.map(({ bytes, cpu, wall }, i) => [
      names[i] as string,
      `${rate(wall)}/s`,
      rate(cpu),
      (bytes / 1e6).toFixed(1),
    ]),
  );
}

/** Bytes of the answer's body. */
function drain(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      let bytes = 0;
      if (response.statusCode !== 200) reject(new Error(`${url}: status ${response.statusCode}`));
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on("end", () => (response.complete ? resolve(bytes) : reject(new Error(`${url}: cut`))));
      response.on("error", reject);
    })
      .on("error", reject)
      .end();
  });
}
