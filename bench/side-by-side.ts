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
import { compareAnswers, querySet, timeQuery } from "./queries.ts";
import { readRecorded } from "./recorded.ts";
import { type RunningSystem, type SystemName, startSystem, systemNames } from "./systems.ts";

export interface SideBySideOptions {
  readonly series: number;
  readonly scrapes: number;
  readonly runs: number;
  readonly shards: number;
  readonly idleSeconds: number;
  readonly systems: readonly SystemName[];
  readonly data: readonly string[];
}

const standard: SideBySideOptions = {
  series: 10_000,
  scrapes: 500,
  runs: 3,
  shards: 4,
  idleSeconds: 10,
  systems: systemNames,
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
        `bench: ${arg}: there are --series --scrapes --runs --shards --idle --systems --data, each with =value`,
      );
    }
    if (typeof standard[key as keyof SideBySideOptions] === "number") {
      if (!(Number(value) > 0)) throw new Error(`bench: ${arg}: wants a number above 0`);
      options[key] = Number(value);
    } else {
      const known = key === "systems" ? systemNames : standard.data;
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
  /** ms by query name. */
  readonly queryMs: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<string, HttpAnswer>;
}

export async function runSideBySide(options: SideBySideOptions): Promise<void> {
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`,
  );
  for (const name of options.data) {
    const endMs = Math.floor(Date.now() / 1000) * 1000;
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
  for (let run = 0; run < options.runs; run++) {
    // Another one begins each run.
    const order = options.systems.map((_, i) => options.systems[(i + run) % options.systems.length] as SystemName);
    const latest = new Map<SystemName, Turn>();
    for (const name of order) {
      const turn = await takeTurn(name, load, withQueries, options.idleSeconds);
      turns.get(name)?.push(turn);
      latest.set(name, turn);
      console.error(
        `run ${run + 1} ${name}: ${rate(load.sampleCount / turn.loadCpuSeconds)} samples/CPU-s, ` +
          `${(turn.diskBytes / load.sampleCount).toFixed(2)} bytes/sample`,
      );
    }
    const [ours, theirs] = [latest.get("nyanza"), latest.get("victoria-metrics")];
    if (ours === undefined || theirs === undefined) continue;
    for (const [query, answer] of ours.answers) {
      const difference = compareAnswers(answer, theirs.answers.get(query) as HttpAnswer);
      if (difference !== null) differences.set(query, difference);
    }
  }
  printLoadTable(load, turns);
  if (withQueries) printQueryTable(load, turns, differences);
}

async function takeTurn(name: SystemName, load: Load, withQueries: boolean, idleSeconds: number): Promise<Turn> {
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
    const queryMs = new Map<string, number>();
    const answers = new Map<string, HttpAnswer>();
    for (const query of withQueries ? querySet(load) : []) {
      const { ms, answer } = await timeQuery(system.url, query);
      queryMs.set(query.name, ms);
      answers.set(query.name, answer);
    }
    const queryPeakBytes = readMemory(pid).peakBytes;
    return { wallSeconds, loadCpuSeconds, totalCpuSeconds, diskBytes, loadPeakBytes, queryPeakBytes, queryMs, answers };
  });
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
        median((turns.get(system) ?? []).map((turn) => turn.queryMs.get(name) as number)),
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

function printTable(headers: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`| ${headers.join(" | ")} |`);
  console.log(`|${headers.map(() => "---").join("|")}|`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}

/** 1234567 → "1.23 M". */
function rate(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return `${(value / 1e3).toFixed(0)} k`;
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}
