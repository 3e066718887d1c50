/**
 * What reading from another thread costs, and whom: queries in the database's thread, and through a reader in a worker.
 *
 *   node packages/tsdb/dist/database/reading/reading.bench.js [--tiny]
 *
 * "a query" is the least of some rounds, each the mean of its queries, measured where they are evaluated. "main" is what the thread with the database is at
 * work for each of them meanwhile. The first query of a reader opens files and asks for the labels of the head's series.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { isMainThread, MessageChannel, type MessagePort, parentPort, Worker } from "node:worker_threads";
import { type Database, openDatabase } from "../database.ts";
import type { Queries } from "../queries.ts";
import { connectReader } from "./reader.ts";

const STEP_MS = 15_000;
const START_MS = Date.UTC(2026, 5, 10);
const ROUNDS = 7;

interface Work {
  readonly text: string;
  readonly isRange: boolean;
  readonly startMs: number;
  readonly endMs: number;
  readonly times: number;
}

/** Milliseconds a query. */
async function run(queries: Queries, { text, isRange, startMs, endMs, times }: Work): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < times; i++) {
    if (isRange) await queries.queryRange(text, { startMs, endMs, stepMs: STEP_MS, nowMs: endMs });
    else await queries.query(text, { timeMs: endMs, nowMs: endMs });
  }
  return (performance.now() - begin) / times;
}

class Bench {
  readonly db: Database;
  private readonly worker: Worker;

  constructor(db: Database) {
    this.db = db;
    this.worker = new Worker(fileURLToPath(import.meta.url));
    const { port1, port2 } = new MessageChannel();
    db.serveReader(port1);
    this.worker.postMessage(port2, [port2]);
  }

  async inWorker(work: Work): Promise<number> {
    const answer = new Promise<number>((resolve) => this.worker.once("message", resolve));
    this.worker.postMessage(work);
    return await answer;
  }

  async show(what: string, work: Work): Promise<void> {
    const first = await this.inWorker({ ...work, times: 1 });
    let own = Number.POSITIVE_INFINITY;
    let there = Number.POSITIVE_INFINITY;
    let blocked = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      own = Math.min(own, await run(this.db, work));
      const before = performance.eventLoopUtilization();
      there = Math.min(there, await this.inWorker(work));
      blocked = Math.min(blocked, performance.eventLoopUtilization(before).active / work.times);
    }
    const cells = [own, there, blocked, first].map((ms) => `${(1000 * ms).toFixed(0)} µs`.padStart(12));
    console.log(`${what.padEnd(58)}${cells.join("")}`);
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}

async function main(isTiny: boolean): Promise<void> {
  const series = isTiny ? 100 : 10_000;
  const scrapes = isTiny ? 20 : 500;
  const folder = await mkdtemp(join(tmpdir(), "nyanza-bench-"));
  const db = await openDatabase(folder, { headBytes: 1 << 30 });
  try {
    const append = async (from: number, to: number): Promise<void> => {
      for (let lo = 0; lo < series; lo += 1_000) {
        await db.append(
          Array.from({ length: Math.min(1_000, series - lo) }, (_, i) => ({
            labels: {
              __name__: "requests_total",
              job: `job${(lo + i) % 10}`,
              instance: `host-${lo + i}`,
              region: `r${(lo + i) % 5}`,
              zone: `zone-${(lo + i) % 15}`,
            },
            timestamps: Array.from({ length: to - from }, (_, k) => START_MS + (from + k) * STEP_MS),
            values: Float64Array.from({ length: to - from }, (_, k) => (from + k) * (1 + (i % 7))),
          })),
        );
      }
    };
    console.log(`${"".padEnd(58)}${["a query", "by reader", "main", "its first"].map((t) => t.padStart(12)).join("")}`);
    const endMs = START_MS + scrapes * STEP_MS;
    const startMs = endMs - Math.min(scrapes, 480) * STEP_MS;
    const small = {
      text: 'requests_total{instance="host-7"}',
      isRange: false,
      startMs,
      endMs,
      times: isTiny ? 5 : 500,
    };
    const all = { text: "sum by (region) (rate(requests_total[5m]))", isRange: true, startMs, endMs, times: 1 };
    for (const where of ["head", "head and parts", "parts"]) {
      if (where === "head") await append(0, Math.floor(scrapes / 2));
      if (where === "head and parts") {
        await db.flush();
        await append(Math.floor(scrapes / 2), scrapes);
      }
      if (where === "parts") await db.flush();
      const bench = new Bench(db);
      await bench.show(`${where}: one series, instant`, small);
      await bench.show(`${where}: ${series} series, ${scrapes} scrapes, range`, all);
      await bench.end();
    }
  } finally {
    await db.close();
    await rm(folder, { recursive: true });
  }
}

if (isMainThread) await main(process.argv.includes("--tiny"));
else {
  parentPort?.once("message", (port: MessagePort) => {
    const reader = connectReader(port);
    parentPort?.on("message", (work: Work) => {
      void run(reader, work).then((ms) => parentPort?.postMessage(ms));
    });
  });
}
