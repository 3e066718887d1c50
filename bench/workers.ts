/**
 * `npm run bench -- workers`: one heavy query at a time, carried out by one query worker, and by two that help each other.
 *
 * Servers with the same data take turns. Milliseconds are the server's own, from when a request came until its answer was written (vm_request_duration_seconds).
 */
import { cpus } from "node:os";
import { http } from "#support/http";
import { queryString } from "#support/query";
import { remoteWriteHeaders } from "#support/remote-write";
import { type Scope, withScope } from "#support/scope";
import { generate, type Load } from "./generator.ts";
import { geometricMean, median, waitUntilIdle } from "./measure.ts";
import { type RunningSystem, startSystem } from "./systems.ts";
import { printTable } from "./table.ts";

export interface WorkersOptions {
  readonly series: number;
  readonly scrapes: number;
  readonly rounds: number;
  /** Only queries whose text has this in it. */
  readonly only: string;
}

/** What is worth two cores. */
const HEAVY_MS = 50;
const WARM_UPS = 12;
const WINDOW_S = 2 * 3600;
const STEP_S = 15;

const ALL = '{job="node-exporter"}';
const CPU = "node_cpu_seconds_total";
/** Both dialects have these. */
const QUERIES: readonly string[] = [
  `sum by (region) (rate(${ALL}[5m]))`,
  `avg by (region) (avg_over_time(${ALL}[5m]))`,
  `max(max_over_time(${ALL}[10m]))`,
  `count by (instance) (${ALL} > 0)`,
  `quantile by (region) (0.9, ${ALL})`,
  `topk(5, sum by (instance) (rate(${ALL}[5m])))`,
  `topk(5, avg_over_time(${ALL}[5m]))`,
  `sum by (mode) (rate({__name__=~"node_(cpu|network).*"}[5m])) / on () group_left () sum(rate({__name__=~"node_cpu.*"}[5m]))`,
  `max_over_time(sum by (instance) (rate(${ALL}[5m]))[30m:1m])`,
  `rate({__name__=~"node_(cpu|network).*"}[5m])`,
  `avg_over_time(${CPU}[5m])`,
  ALL,
];

/** @throws Error if an option is unknown */
export function readWorkersOptions(args: readonly string[]): WorkersOptions {
  const options = { series: 10_000, scrapes: 500, rounds: 15, only: "" };
  for (const arg of args) {
    const [, name = "", value = ""] = /^--(series|scrapes|rounds|only)=(.+)$/.exec(arg) ?? [];
    if (name === "only") options.only = value;
    else if (name !== "" && /^[1-9]\d{0,6}$/.test(value))
      options[name as "series" | "scrapes" | "rounds"] = Number(value);
    else throw new Error(`bench workers: there are --series=N, --scrapes=N, --rounds=N and --only=text, got ${arg}`);
  }
  return options;
}

export async function runWorkers({ only, rounds, scrapes, series }: WorkersOptions): Promise<void> {
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, ${series} series × ${scrapes} scrapes`);
  await withScope(async (scope) => {
    const load = generate({ series, scrapes, shards: 1, endMs: Date.now() - 3_600_000 });
    const servers = [await start(scope, load, 1), await start(scope, load, 2)] as const;
    const rows: string[][] = [];
    const gains: number[] = [];
    for (const dialect of ["metricsql", "promql"]) {
      for (const query of QUERIES.filter((text) => text.includes(only))) {
        const paths = [pathOf(load, query, dialect), pathOf(load, query, dialect)];
        const times: number[][] = [[], []];
        let bytes = 0;
        for (let round = -WARM_UPS; round < rounds; round++) {
          for (const [i, server] of servers.entries()) {
            const { ms, length } = await timed(server, paths[i] as string);
            if (round >= 0) times[i]?.push(ms);
            bytes = length;
          }
        }
        const [one = 0, two = 0] = times.map(median);
        const least = times.map((list) => Math.min(...list).toFixed(0));
        const isHeavy = one >= HEAVY_MS;
        if (isHeavy) gains.push(one / two);
        rows.push([
          dialect,
          `\`${query.replaceAll(ALL, "m")}\``,
          `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 0)} MiB`,
          `${one.toFixed(0)} (${least[0]}) ms`,
          `${two.toFixed(0)} (${least[1]}) ms`,
          `${(one / two).toFixed(2)}×${isHeavy ? "" : `, below ${HEAVY_MS} ms`}`,
        ]);
        console.log(rows.at(-1)?.join("  "));
      }
    }
    printTable(["dialect", "query", "answer", "one worker", "two workers", "gain"], rows);
    if (gains.length > 0) {
      console.log(
        `of ${gains.length} that take ${HEAVY_MS} ms and more: ${geometricMean(gains).toFixed(2)}× in the mean`,
      );
    }
  });
}

async function start(scope: Scope, load: Load, workers: number): Promise<RunningSystem> {
  const server = await startSystem(scope, "nyanza", ["-selfScrapeInterval=0s", `-search.workers=${workers}`]);
  for (const body of load.shards[0] ?? []) {
    const { status } = await http(`${server.url}/api/v1/write`, { method: "POST", headers: remoteWriteHeaders, body });
    if (status !== 204) throw new Error(`insert: status ${status}`);
  }
  await server.settle();
  await waitUntilIdle(server.pid, 2);
  return server;
}

function pathOf({ lastMs }: Load, query: string, dialect: string): string {
  const end = Math.floor(lastMs / 60_000) * 60;
  return `/api/v1/query_range${queryString({ query, start: end - WINDOW_S, end, step: STEP_S, nocache: 1, dialect })}`;
}

/** By the sum of all requests' durations, before and after this one. */
async function timed({ url }: RunningSystem, path: string): Promise<{ ms: number; length: number }> {
  const before = await secondsOf(url);
  const { status, text } = await http(url + path);
  if (status !== 200) throw new Error(`${path}: ${status} ${text.slice(0, 300)}`);
  return { ms: ((await secondsOf(url)) - before) * 1000, length: text.length };
}

async function secondsOf(url: string): Promise<number> {
  const { text } = await http(`${url}/metrics`);
  const match = /^vm_request_duration_seconds_sum\{path="\/api\/v1\/query_range"\} (\S+)$/m.exec(text);
  return Number(match?.[1] ?? 0);
}
