/**
 * One query by one reader and by two: aggregates of bench/queries.ts over hosts of 100 series with 8 labels, as bench/generator.ts makes them.
 *
 *   node packages/tsdb/dist/database/reading/shares.bench.js [--tiny] [--rounds=15] [--only=word]
 *
 * Milliseconds in the reader that is asked, median and least of the rounds, which take turns: "whole" without shares, "alone" in shares with nobody to help, "helped" with another reader's.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { isMainThread, MessageChannel, type MessagePort, parentPort, Worker } from "node:worker_threads";
import { Random } from "../../base/random.ts";
import { QueryTrace } from "../../query/trace.ts";
import { type Database, openDatabase } from "../database.ts";
import type { Dialect } from "../queries.ts";
import type { Peer } from "./peer.ts";
import { connectReader, type Reader } from "./reader.ts";

const STEP_MS = 15_000;
const START_MS = Date.UTC(2026, 5, 10);
const SERIES_A_HOST = 100;
const NAMES = [
  "node_cpu_seconds_total",
  "node_memory_bytes",
  "node_network_receive_bytes_total",
  "node_filesystem_avail_bytes",
  "node_load",
];
const QUERIES = [
  ["sum of rates by instance, 2,000 series", "sum by (instance) (rate(node_cpu_seconds_total[5m]))"],
  ["avg by region, 10,000 series", 'avg by (region) (avg_over_time({job="node-exporter"}[5m]))'],
  ["max of all, 10,000 series", 'max(max_over_time({job="node-exporter"}[10m]))'],
  ["10,000 series as they are", '{job="node-exporter"}'],
  ["rates of 2,000 series", "rate(node_cpu_seconds_total[5m])"],
  ["quantile by region, 10,000 series", 'quantile by (region) (0.9, {job="node-exporter"})'],
] as const;

type Way = "whole" | "alone" | "helped" | "traced";

interface Job {
  readonly text: string;
  readonly dialect: Dialect;
  readonly endMs: number;
  readonly points: number;
  readonly way: Way;
}

type ToWorker =
  | { readonly kind: "connect"; readonly port: MessagePort; readonly peer: MessagePort }
  | { readonly kind: "job"; readonly job: Job };

async function run(reader: Reader, peer: Peer, { text, dialect, endMs, points, way }: Job): Promise<number | string> {
  const trace = way === "traced" ? new QueryTrace(text) : null;
  const begin = performance.now();
  await reader.queryRange(text, {
    dialect,
    startMs: endMs - (points - 1) * STEP_MS,
    endMs,
    stepMs: STEP_MS,
    nowMs: endMs,
    trace,
    ...(way === "whole" ? {} : { helpers: way === "alone" ? [] : [peer] }),
  });
  trace?.end();
  return trace === null ? performance.now() - begin : JSON.stringify(trace, null, 1);
}

class Bench {
  private readonly workers: readonly Worker[];

  constructor(db: Database) {
    const { port1, port2 } = new MessageChannel();
    this.workers = [port1, port2].map((peer) => {
      const worker = new Worker(fileURLToPath(import.meta.url));
      const channel = new MessageChannel();
      db.serveReader(channel.port1);
      const port = channel.port2;
      worker.postMessage({ kind: "connect", port, peer } satisfies ToWorker, [port, peer]);
      return worker;
    });
  }

  async do(job: Job): Promise<number | string> {
    const [worker] = this.workers as [Worker];
    const answer = new Promise<number | string>((resolve) => worker.once("message", resolve));
    worker.postMessage({ kind: "job", job } satisfies ToWorker);
    return await answer;
  }

  async show(what: string, job: Omit<Job, "way">, rounds: number, isTraced: boolean): Promise<void> {
    const ways: readonly Way[] = ["whole", "alone", "helped"];
    const times = new Map(ways.map((way) => [way, [] as number[]]));
    for (let round = -5; round < rounds; round++) {
      for (const way of ways) {
        const ms = (await this.do({ ...job, way })) as number;
        if (round >= 0) times.get(way)?.push(ms);
      }
    }
    const sorted = [...times.values()].map((list) => list.sort((a, b) => a - b));
    const cells = sorted.map((list) => `${at(list, 0.5)} (${at(list, 0)})`.padStart(18));
    const gain = Number(at(sorted[0] as number[], 0.5)) / Number(at(sorted[2] as number[], 0.5));
    console.log(`${what.padEnd(70)}${cells.join("")}${gain.toFixed(2).padStart(8)}`);
    if (isTraced) console.log(await this.do({ ...job, way: "traced" }));
  }

  async end(): Promise<void> {
    for (const worker of this.workers) await worker.terminate();
  }
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.floor((sorted.length - 1) * share)] as number).toFixed(1);
}

function option(name: string): string | undefined {
  return process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
}

async function main(isTiny: boolean): Promise<void> {
  const series = isTiny ? 100 : 10_000;
  const scrapes = isTiny ? 40 : 540;
  const rounds = Number(option("rounds") ?? (isTiny ? 1 : 15));
  const only = option("only") ?? "";
  const folder = await mkdtemp(join(tmpdir(), "nyanza-bench-"));
  const db = await openDatabase(folder, { headBytes: 1 << 30 });
  const random = new Random(42);
  const last = new Float64Array(series);
  const append = async (from: number, to: number): Promise<void> => {
    for (let host = 0; host < series / SERIES_A_HOST; host++) {
      const timestamps = Array.from({ length: to - from }, (_, k) => START_MS + (from + k) * STEP_MS);
      await db.append(
        Array.from({ length: SERIES_A_HOST }, (_, metric) => {
          const kind = metric % NAMES.length;
          const i = host * SERIES_A_HOST + metric;
          return {
            labels: {
              __name__: `${NAMES[kind]}${kind === 0 ? "" : `_${Math.floor(metric / 25)}`}`,
              cpu: String(metric % 16),
              device: `eth${metric % 8}`,
              idx: String(metric),
              instance: `host-${host}.us-east-1.example.com:9100`,
              job: "node-exporter",
              mode: ["user", "system", "idle", "iowait"][metric % 4] as string,
              region: ["us-east-1", "eu-west-1", "ap-south-1"][host % 3] as string,
            },
            timestamps,
            values: Float64Array.from(timestamps, () => {
              last[i] =
                Math.round(((last[i] as number) + random.below(1500) / 100 - (kind % 2 === 0 ? 0 : 7)) * 100) / 100;
              return last[i] as number;
            }),
          };
        }),
      );
    }
  };
  try {
    const titles = ["whole", "alone", "helped"].map((title) => title.padStart(18)).join("");
    console.log(`${"ms, median (least)".padEnd(70)}${titles}    gain`);
    for (const where of ["parts", "parts and head"]) {
      const half = Math.floor(scrapes * 0.8);
      if (where === "parts") await append(0, half);
      else await append(half, scrapes);
      if (where === "parts") await db.merge();
      const points = isTiny ? 20 : where === "parts" ? 400 : 480;
      const endMs = START_MS + ((where === "parts" ? half : scrapes) - 1) * STEP_MS;
      const bench = new Bench(db);
      for (const dialect of ["metricsql", "promql"] as const) {
        for (const [name, text] of QUERIES) {
          const what = `${where}, ${dialect}: ${name}`;
          if (!what.includes(only)) continue;
          await bench.show(what, { text, dialect, endMs, points }, rounds, process.argv.includes("--trace"));
        }
      }
      await bench.end();
    }
  } finally {
    await db.close();
    await rm(folder, { recursive: true });
  }
}

if (isMainThread) await main(process.argv.includes("--tiny"));
else {
  let reader: Reader;
  let peer: Peer;
  parentPort?.on("message", (message: ToWorker) => {
    if (message.kind === "connect") {
      reader = connectReader(message.port);
      peer = reader.meet(message.peer);
    } else void run(reader, peer, message.job).then((answer) => parentPort?.postMessage(answer));
  });
}
