/**
 * `npm run bench -- fairness`: what heavy queries do to those who send samples, and the other way round.
 *
 * Inserts are sent at fixed times, 200,000 samples a second, whether the ones before are answered or not, and their latency counts from when they were due: a
 * server that stops for a second is late with a second's worth of requests. Beside them goes, in turn: nothing; a program that burns one CPU; two of them, for two workers that
 * help each other burn as much; a heavy query in a loop. Once with query workers, once with -search.workers=0.
 */
import { spawn } from "node:child_process";
import { Agent, request } from "node:http";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "#support/http";
import { remoteWriteHeaders } from "#support/remote-write";
import { type Scope, withScope } from "#support/scope";
import { generate } from "./generator.ts";
import { median, waitUntilIdle } from "./measure.ts";
import { type RunningSystem, startSystem } from "./systems.ts";
import { printTable } from "./table.ts";

export interface FairnessOptions {
  readonly seconds: number;
  /** Samples a second that are sent. */
  readonly rate: number;
}

const HISTORY_SERIES = 10_000;
const HISTORY_SCRAPES = 480;
const WRITTEN_SERIES = 100_000;
const BODY_SAMPLES = 2_000;
const PROBE_MS = 20;

/** @throws Error if an option is unknown */
export function readFairnessOptions(args: readonly string[]): FairnessOptions {
  const options = { seconds: 10, rate: 200_000 };
  for (const arg of args) {
    const match = /^--(seconds|rate)=([1-9]\d{0,6})$/.exec(arg);
    if (match === null) throw new Error(`bench fairness: there are --seconds=N and --rate=N, got ${arg}`);
    options[match[1] as "seconds" | "rate"] = Number(match[2]);
  }
  return options;
}

export async function runFairness({ rate, seconds }: FairnessOptions): Promise<void> {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, ${rate} samples/s`);
  const rows: string[][] = [];
  for (const flags of [[], ["-search.workers=0"]]) {
    const name = flags[0] ?? "workers";
    await withScope(async (scope) => {
      const server = await startSystem(scope, "nyanza", ["-selfScrapeInterval=0s", ...flags]);
      const endMs = Date.now() - 3_600_000;
      const history = generate({ series: HISTORY_SERIES, scrapes: HISTORY_SCRAPES, shards: 1, endMs });
      for (const body of history.shards[0] ?? []) await insert(server, body);
      await server.settle();
      await waitUntilIdle(server.pid, 2);
      const paths = pathsOf(history.firstMs, history.lastMs);
      const isFirst = rows.length === 0;
      const bodies = (): Inserts => new Inserts(server, rate, seconds + 3);
      const add = (what: string, figures: Figures): void => {
        const row = [what, ...print(figures)];
        console.log(row.join("  "));
        rows.push(row);
      };
      await observe(server, paths, null, 3);
      add(`${name}: nothing`, await observe(server, paths, null, seconds));
      add(`${name}: heavy queries`, await besideQueries(() => observe(server, paths, null, seconds), server, paths));
      add(`${name}: inserts`, await observe(server, paths, bodies(), seconds));
      if (isFirst) {
        for (const burners of [1, 2]) {
          add(
            `inserts, ${burners === 1 ? "a CPU burner" : `${burners} CPU burners`}`,
            await besideBurners(scope, burners, () => observe(server, paths, bodies(), seconds)),
          );
        }
      }
      add(
        `${name}: inserts, heavy queries`,
        await besideQueries(() => observe(server, paths, bodies(), seconds), server, paths),
      );
    });
  }
  printTable(
    ["beside", "insert p50", "p99", "max", "/health p99", "max", "small query p50", "p99", "heavy query, median"],
    rows,
  );
}

interface Paths {
  readonly heavy: string;
  readonly small: string;
}

function pathsOf(firstMs: number, lastMs: number): Paths {
  const heavy = 'sum by (mode) (rate({instance=~"host-[0-9][0-9]?[.].+",__name__=~"node_.+"}[5m]))';
  const small = `node_load_0{instance="host-7.us-east-1.example.com:9100",idx="4"}`;
  const range = `start=${firstMs / 1000}&end=${lastMs / 1000}&step=15&nocache=1`;
  return {
    heavy: `/api/v1/query_range?${range}&query=${encodeURIComponent(heavy)}`,
    small: `/api/v1/query?time=${lastMs / 1000}&query=${encodeURIComponent(small)}`,
  };
}

interface Figures {
  readonly inserts: number[];
  readonly health: number[];
  readonly small: number[];
  /** Of those that ran beside. */
  heavy: number[];
}

/** Milliseconds of requests that are due at fixed times. */
async function observe(
  server: RunningSystem,
  paths: Paths,
  inserts: Inserts | null,
  seconds: number,
): Promise<Figures> {
  const figures: Figures = { inserts: [], health: [], small: [], heavy: [] };
  if (inserts !== null) {
    // Series become known, code becomes quick.
    await atPace(inserts.everyMs, 2_000, () => inserts.next());
  }
  const probe = (path: string) => async (): Promise<void> => {
    const { status } = await http(server.url + path);
    if (status !== 200) throw new Error(`${path}: status ${status}`);
  };
  const forMs = seconds * 1000;
  const [written, health, small] = await Promise.all([
    inserts === null ? [] : atPace(inserts.everyMs, forMs, () => inserts.next()),
    atPace(PROBE_MS, forMs, probe("/health")),
    atPace(PROBE_MS, forMs, probe(paths.small)),
  ]);
  if (inserts === null) figures.heavy.push(...(await heavyAlone(server, paths)));
  figures.inserts.push(...written);
  figures.health.push(...health);
  figures.small.push(...small);
  return figures;
}

async function heavyAlone(server: RunningSystem, { heavy }: Paths): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < 5; i++) took.push(await timed(() => http(server.url + heavy)));
  return took;
}

async function besideQueries(work: () => Promise<Figures>, server: RunningSystem, paths: Paths): Promise<Figures> {
  let isOver = false;
  const heavy: number[] = [];
  const loop = (async () => {
    while (!isOver) {
      heavy.push(
        await timed(async () => {
          const { status, text } = await http(server.url + paths.heavy);
          if (status !== 200) throw new Error(`heavy query: ${status} ${text.slice(0, 200)}`);
        }),
      );
    }
  })();
  const figures = await work();
  isOver = true;
  await loop;
  figures.heavy = heavy;
  return figures;
}

async function besideBurners(scope: Scope, count: number, work: () => Promise<Figures>): Promise<Figures> {
  const burners = Array.from({ length: count }, () => spawn(process.execPath, ["-e", "for (;;);"]));
  const end = (): void => {
    for (const burner of burners) burner.kill("SIGKILL");
  };
  scope.onEnd(end);
  const figures = await work();
  end();
  return figures;
}

/** Milliseconds from when each was due until it had ended. */
async function atPace(everyMs: number, forMs: number, work: () => Promise<void>): Promise<number[]> {
  const startMs = performance.now();
  const under: Promise<number>[] = [];
  for (let dueMs = startMs; dueMs < startMs + forMs; dueMs += everyMs) {
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    under.push(work().then(() => performance.now() - dueMs));
  }
  return await Promise.all(under);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** Bodies that are ready to be sent, made beforehand. */
class Inserts {
  readonly everyMs: number;
  readonly #server: RunningSystem;
  readonly #bodies: Buffer[];

  constructor(server: RunningSystem, rate: number, seconds: number) {
    this.#server = server;
    this.everyMs = (1000 * BODY_SAMPLES) / rate;
    const scrapes = Math.ceil((rate * seconds) / WRITTEN_SERIES);
    const intervalMs = (1000 * WRITTEN_SERIES) / rate;
    const load = generate({
      series: WRITTEN_SERIES,
      scrapes,
      shards: 1,
      intervalMs,
      endMs: Date.now() + scrapes * intervalMs,
      bodySamples: BODY_SAMPLES,
    });
    this.#bodies = [...(load.shards[0] ?? [])];
  }

  async next(): Promise<void> {
    await insert(this.#server, this.#bodies.shift() as Buffer);
  }
}

const agent = new Agent({ keepAlive: true });

/** Over connections that stay open, as senders have them. */
function insert(server: RunningSystem, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { ...remoteWriteHeaders, "content-length": body.length };
    request(`${server.url}/api/v1/write`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      if (response.statusCode !== 204) reject(new Error(`insert: status ${response.statusCode}`));
      response.on("end", resolve).on("error", reject);
    })
      .on("error", reject)
      .end(body);
  });
}

function print({ health, heavy, inserts, small }: Figures): string[] {
  const at = (values: readonly number[], share: number): string => {
    const sorted = values.toSorted((a, b) => a - b);
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return value === undefined ? "" : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  };
  return [
    ...[0.5, 0.99, 1].map((share) => at(inserts, share)),
    ...[0.99, 1].map((share) => at(health, share)),
    ...[0.5, 0.99].map((share) => at(small, share)),
    heavy.length === 0 ? "" : `${median(heavy).toFixed(0)} ms`,
  ];
}
