/**
 * Loads the same remote-write bodies into each system in turn, several times, and prints medians as markdown.
 *
 * One turn: start on an empty folder → send → wait until idle → flush and merge → wait until idle → measure the folder →
 * time the queries. The systems take turns within a run, so that a slow minute of the machine hits all of them.
 */

import { Agent } from "node:http";
import { cpus, totalmem } from "node:os";
import { type HttpAnswer, http } from "#support/http";
import { readMemory } from "#support/process";
import { remoteWriteHeaders } from "#support/remote-write";
import { withScope } from "#support/scope";
import { generate, type Load } from "./generator.ts";
import { cpuSeconds, folderBytes, geometricMean, median, waitUntilIdle } from "./measure.ts";
import { type BenchQuery, compareAnswers, type Dialect, dialects, inPromql, querySet, timeQuery } from "./queries.ts";
import { readRecorded } from "./recorded.ts";
import { type RunningSystem, type SystemName, startSystem, systemNames } from "./systems.ts";
import { printTable, rate } from "./table.ts";

export interface SideBySideOptions {
  readonly series: number;
  readonly scrapes: number;
  readonly runs: number;
  readonly shards: number;
  readonly idleSeconds: number;
  readonly systems: readonly SystemName[];
  /** What we are asked in. Each has a peer that speaks it as well: VictoriaMetrics, Prometheus. */
  readonly dialects: readonly Dialect[];
  readonly data: readonly string[];
}

const standard: SideBySideOptions = {
  series: 10_000,
  scrapes: 500,
  runs: 3,
  shards: 4,
  idleSeconds: 10,
  systems: systemNames,
  dialects,
  data: ["generated", "recorded"],
};

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readOptions(args: readonly string[]): SideBySideOptions {
  const options: Record<string, unknown> = { ...standard };
  for (const arg of args) {
    const [name, value] = arg.replace(/^--/, "").split("=") as [string, string | undefined];
    const key = name === "idle" ? "idleSeconds" : name;
    if (!(key in standard) || value === undefined) {
      throw new Error(
        `bench: ${arg}: there are --series --scrapes --runs --shards --idle --systems --dialects --data, each with =value`,
      );
    }
    if (typeof standard[key as keyof SideBySideOptions] === "number") {
      if (!(Number(value) > 0)) throw new Error(`bench: ${arg}: wants a number above 0`);
      options[key] = Number(value);
    } else {
      const known = standard[key as "systems" | "dialects" | "data"];
      const chosen = value.split(",");
      for (const one of chosen)
        if (!(known as readonly string[]).includes(one)) throw new Error(`bench: ${arg}: there are ${known.join(",")}`);
      options[key] = chosen;
    }
  }
  return options as unknown as SideBySideOptions;
}

/** What one turn of one system gave. */
interface Turn {
  /** Seconds from the first request to the last answer. */
  readonly wallSeconds: number;
  /** Until idle after the load; and after flush and merge as well. */
  readonly loadCpuSeconds: number;
  readonly totalCpuSeconds: number;
  readonly diskBytes: number;
  readonly loadPeakBytes: number;
  readonly queryPeakBytes: number;
  readonly asked: Asked;
  /** Our own answers in PromQL. */
  readonly askedInPromql: Asked;
}

/** By query name. */
interface Asked {
  readonly ms: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, HttpAnswer>;
}

export async function runSideBySide(options: SideBySideOptions): Promise<void> {
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`,
  );
  for (const name of options.data) {
    // Scrapes fall between the steps: whether a window has its very edge is answered differently from release to release.
    const endMs = Math.floor(Date.now() / 15_000) * 15_000 - 8_000;
    const load = name === "generated" ? generate({ ...options, endMs }) : readRecorded(options.shards, endMs);
    if (load === null) {
      console.log("\nrecorded: ../shared/corpora/recorded.jsonl.gz is not there, left out");
      continue;
    }
    await compare(load, name === "generated", options);
  }
}

async function compare(load: Load, withQueries: boolean, options: SideBySideOptions): Promise<void> {
  const bytes = load.shards.flat().reduce((sum, body) => sum + body.length, 0);
  console.log(
    `\n## ${load.name}: ${load.sampleCount} samples, ${load.shards.flat().length} bodies, ` +
      `${(bytes / load.sampleCount).toFixed(1)} bytes a sample on the wire, ${load.shards.length} senders\n`,
  );
  const turns = new Map<SystemName, Turn[]>(options.systems.map((name) => [name, []]));
  const differences = new Map<string, string>();
  const differencesInPromql = new Map<string, string>();
  for (let run = 0; run < options.runs; run++) {
    // Another one begins each run.
    const order = options.systems.map((_, i) => options.systems[(i + run) % options.systems.length] as SystemName);
    const latest = new Map<SystemName, Turn>();
    for (const name of order) {
      const turn = await takeTurn(name, load, withQueries, options);
      turns.get(name)?.push(turn);
      latest.set(name, turn);
      console.error(
        `run ${run + 1} ${name}: ${rate(load.sampleCount / turn.loadCpuSeconds)} samples/CPU-s, ` +
          `${(turn.diskBytes / load.sampleCount).toFixed(2)} bytes/sample`,
      );
    }
    const ours = latest.get("nyanza");
    noteDifferences(ours?.asked, latest.get("victoria-metrics")?.asked, differences);
    noteDifferences(ours?.askedInPromql, latest.get("prometheus")?.asked, differencesInPromql);
  }
  printLoadTable(load, turns);
  if (!withQueries) return;
  if (options.dialects.includes("metricsql")) printQueryTable(load, turns, differences);
  if (options.dialects.includes("promql") && turns.has("nyanza")) printPromqlTable(load, turns, differencesInPromql);
  printMeans(load, turns, options.dialects);
}

function noteDifferences(ours: Asked | undefined, theirs: Asked | undefined, differences: Map<string, string>): void {
  if (ours === undefined || theirs === undefined) return;
  for (const [query, answer] of ours.answers) {
    const other = theirs.answers.get(query);
    const difference = other === undefined ? null : compareAnswers(answer, other);
    if (difference !== null) differences.set(query, difference);
  }
}

async function takeTurn(
  name: SystemName,
  load: Load,
  withQueries: boolean,
  { idleSeconds, dialects }: SideBySideOptions,
): Promise<Turn> {
  return await withScope(async (scope) => {
    const system = await startSystem(scope, name);
    const { pid } = system;
    const startCpu = await waitUntilIdle(pid, 1);
    const startMs = performance.now();
    await send(system, load);
    const wallSeconds = (performance.now() - startMs) / 1000;
    const loadCpuSeconds = (await waitUntilIdle(pid, idleSeconds)) - startCpu;
    const loadPeakBytes = readMemory(pid).peakBytes;
    await system.settle();
    const totalCpuSeconds = (await waitUntilIdle(pid, Math.min(5, idleSeconds))) - startCpu;
    const diskBytes = folderBytes(system.dataFolder);
    const queries = withQueries ? querySet(load) : [];
    const expressions = name === "nyanza" && dialects.includes("promql") ? queries.filter((q) => q.isExpression) : [];
    const asked = await ask(system, queries);
    const askedInPromql = await ask(system, expressions.map(inPromql));
    const queryPeakBytes = readMemory(pid).peakBytes;
    return {
      wallSeconds,
      loadCpuSeconds,
      totalCpuSeconds,
      diskBytes,
      loadPeakBytes,
      queryPeakBytes,
      asked,
      askedInPromql,
    };
  });
}

async function ask(system: RunningSystem, queries: readonly BenchQuery[]): Promise<Asked> {
  const asked = { ms: new Map<string, number>(), answers: new Map<string, HttpAnswer>() };
  for (const query of queries) {
    const { ms, answer } = await timeQuery(system.url, query);
    asked.ms.set(query.name, ms);
    asked.answers.set(query.name, answer);
  }
  return asked;
}

/** Each shard over a connection of its own, one body after the other. */
async function send(system: RunningSystem, load: Load): Promise<void> {
  const url = `${system.url}/api/v1/write`;
  const agent = new Agent({ keepAlive: true, maxSockets: load.shards.length });
  await Promise.all(
    load.shards.map(async (bodies) => {
      for (const body of bodies) {
        const { status, text } = await http(url, { headers: remoteWriteHeaders, body, agent });
        if (status >= 300) throw new Error(`${system.name} refused a body: ${status} ${text}`);
      }
    }),
  );
  agent.destroy();
  if (cpuSeconds(system.pid) === 0) throw new Error(`${system.name}: no CPU time seen for process ${system.pid}`);
}

function printLoadTable(load: Load, turns: ReadonlyMap<SystemName, readonly Turn[]>): void {
  const rows = [...turns].map(([name, list]) => {
    const of = (pick: (turn: Turn) => number): number => median(list.map(pick));
    const perCpu = list.map((turn) => load.sampleCount / turn.loadCpuSeconds);
    return [
      name,
      `${rate(median(perCpu))} (${rate(Math.min(...perCpu))}–${rate(Math.max(...perCpu))})`,
      rate(of((turn) => load.sampleCount / turn.totalCpuSeconds)),
      `${rate(of((turn) => load.sampleCount / turn.wallSeconds))}/s`,
      `${of((turn) => turn.diskBytes / load.sampleCount).toFixed(3)}${name === "prometheus" ? " (log, not flushed)" : ""}`,
      megabytes(of((turn) => turn.loadPeakBytes)),
      megabytes(of((turn) => turn.queryPeakBytes)),
    ];
  });
  printTable(
    [
      "system",
      "samples per CPU-second (lowest–highest)",
      "with forced flush and merge",
      "wall rate",
      "bytes a sample on disk",
      "peak MB, load",
      "peak MB, queries",
    ],
    rows,
  );
}

function printQueryTable(
  load: Load,
  turns: ReadonlyMap<SystemName, readonly Turn[]>,
  differences: ReadonlyMap<string, string>,
): void {
  const names = [...turns.keys()];
  const ratios: number[] = [];
  const rows = querySet(load).map(({ name }) => {
    const ms = new Map(
      names.map((system) => [
        system,
        median((turns.get(system) ?? []).map((turn) => turn.asked.ms.get(name) as number)),
      ]),
    );
    const [ours, theirs] = [ms.get("nyanza"), ms.get("victoria-metrics")];
    const cells = [name, ...names.map((system) => (ms.get(system) as number).toFixed(2))];
    if (ours !== undefined && theirs !== undefined) {
      ratios.push(theirs / ours);
      cells.push(`${(theirs / ours).toFixed(2)}×`, differences.has(name) ? "no" : "yes");
    }
    return cells;
  });
  const headers = ["query", ...names.map((system) => `${system} ms`)];
  if (ratios.length > 0) {
    headers.push("times as fast as VictoriaMetrics", "same answer");
    rows.push(["geometric mean", ...names.map(() => ""), `${geometricMean(ratios).toFixed(2)}×`, ""]);
  }
  console.log("");
  printTable(headers, rows);
  for (const [query, difference] of differences) console.log(`\nanswers differ, ${query}: ${difference}`);
}

/** The expressions again, in PromQL, beside Prometheus and beside ourselves in MetricsQL. */
function printPromqlTable(
  load: Load,
  turns: ReadonlyMap<SystemName, readonly Turn[]>,
  differences: ReadonlyMap<string, string>,
): void {
  const ours = turns.get("nyanza") ?? [];
  const theirs = turns.get("prometheus") ?? [];
  const medianOf = (list: readonly Asked[], query: string): number =>
    median(list.map((one) => one.ms.get(query) as number));
  const inMetricsql = ours.map((turn) => turn.asked);
  const inPromql = ours.map((turn) => turn.askedInPromql);
  const peers = theirs.map((turn) => turn.asked);
  const ratios: number[] = [];
  const rows: string[][] = [];
  for (const { name, isExpression } of querySet(load)) {
    if (!isExpression) continue;
    const promqlMs = medianOf(inPromql, name);
    const metricsqlMs = medianOf(inMetricsql, name);
    const cells = [name, promqlMs.toFixed(2), metricsqlMs.toFixed(2), `${(promqlMs / metricsqlMs).toFixed(2)}×`];
    if (peers.length > 0) {
      const peerMs = medianOf(peers, name);
      ratios.push(peerMs / promqlMs);
      cells.push(peerMs.toFixed(2), `${(peerMs / promqlMs).toFixed(2)}×`, differences.has(name) ? "no" : "yes");
    }
    rows.push(cells);
  }
  const headers = ["query, in PromQL", "nyanza ms", "nyanza in MetricsQL ms", "time of MetricsQL's"];
  if (ratios.length > 0) {
    headers.push("prometheus ms", "times as fast as Prometheus", "same answer");
    rows.push(["geometric mean", "", "", "", "", `${geometricMean(ratios).toFixed(2)}×`, ""]);
  }
  console.log("");
  printTable(headers, rows);
  for (const [query, difference] of differences) console.log(`\nanswers differ in PromQL, ${query}: ${difference}`);
}

/** How many times as fast as others, in the geometric mean: of the expressions, and of all queries; and what is slower. */
function printMeans(load: Load, turns: ReadonlyMap<SystemName, readonly Turn[]>, asked: readonly Dialect[]): void {
  const ours = turns.get("nyanza") ?? [];
  const rows: string[][] = [];
  const slower: string[] = [];
  for (const [peer, dialect] of COMPARED) {
    const theirs = turns.get(peer) ?? [];
    if (ours.length === 0 || theirs.length === 0 || !asked.includes(dialect)) continue;
    const own = (turn: Turn): Asked => (dialect === "promql" ? turn.askedInPromql : turn.asked);
    // Questions about labels have no dialect: they are in neither's way, and asked once.
    const msOf = (turn: Turn, name: string): number => own(turn).ms.get(name) ?? (turn.asked.ms.get(name) as number);
    const ratios = querySet(load).map(({ isExpression, name }) => {
      const ourMs = median(ours.map((turn) => msOf(turn, name)));
      const theirMs = median(theirs.map((turn) => turn.asked.ms.get(name) as number));
      if (ourMs > SLOWER * theirMs)
        slower.push(`${name} (${inWords(peer, dialect)}, ${(theirMs / ourMs).toFixed(2)}×)`);
      return { isExpression, ratio: theirMs / ourMs };
    });
    const mean = (list: typeof ratios): string => `${geometricMean(list.map(({ ratio }) => ratio)).toFixed(2)}×`;
    rows.push([inWords(peer, dialect), mean(ratios.filter(({ isExpression }) => isExpression)), mean(ratios)]);
  }
  if (rows.length === 0) return;
  console.log("");
  printTable(["times as fast, geometric mean", "ranges and instants", "with questions about labels"], rows);
  console.log(`\nslower by more than 5 %: ${slower.length === 0 ? "none" : slower.join("; ")}`);
}

/** Who is compared with us, asked in what. */
const COMPARED: readonly (readonly [SystemName, Dialect])[] = [
  ["victoria-metrics", "metricsql"],
  ["prometheus", "metricsql"],
  ["prometheus", "promql"],
];
/** Time of theirs from which on a query is slower; less is noise. */
const SLOWER = 1.05;

function inWords(peer: SystemName, dialect: Dialect): string {
  return peer === "victoria-metrics"
    ? "VictoriaMetrics"
    : `Prometheus, we in ${dialect === "promql" ? "PromQL" : "MetricsQL"}`;
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}
