/**
 * `npm run bench -- dashboard`: a dashboard of twenty panels that is refreshed every five seconds while samples of what it shows arrive, in us and in VictoriaMetrics,
 * caches on in both.
 *
 *   1. load          both servers with a bit more than the hour that the panels show
 *   2. back to back  a step is: the samples of five seconds, to both; then a refresh of one, a refresh of the other. Time is that of the samples, and runs as fast as
 *                    the two can: between two refreshes lies what lies between them on a real screen
 *   3. paced         the same in real time
 *   4. compare       the answers of both to every panel, and ours with those we give without a cache
 *
 * As Grafana does it: ranges start and end on multiples of the step, so that of three refreshes two ask again what was asked before; six panels at a time, the others wait.
 * The time of the samples ends now at the end of 2, so both may keep what is older than five minutes as they would on any day.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type HttpAnswer, http } from "#support/http";
import { readMemory } from "#support/process";
import { queryString } from "#support/query";
import { encodeLabels, remoteWriteHeaders } from "#support/remote-write";
import { withScope } from "#support/scope";
import { instanceOf, type Panel, panels, type Template, templates } from "./dashboard-panels.ts";
import { BodyWriter, seededRandom } from "./generator.ts";
import { median, waitUntilIdle } from "./measure.ts";
import { compareAnswers } from "./queries.ts";
import { type RunningSystem, type SystemName, startSystem } from "./systems.ts";
import { printTable } from "./table.ts";

export interface DashboardOptions {
  readonly hosts: number;
  /** Refreshes one after the other that are counted, and those before them that are not. */
  readonly refreshes: number;
  readonly warm: number;
  /** Refreshes in real time. */
  readonly paced: number;
  readonly gzip: boolean;
  readonly systems: readonly SystemName[];
}

const SCRAPE_MS = 15_000;
const REFRESH_MS = 5_000;
const SHOWN_MS = 3_600_000;
/** Windows of the first points want samples of before. */
const HISTORY_MS = SHOWN_MS + 600_000;
const STEP_S = 15;
/** Of a browser to one server. */
const CONNECTIONS = 6;
const BODY_SAMPLES = 5_000;

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readDashboardOptions(args: readonly string[]): DashboardOptions {
  const numbers = { hosts: 100, refreshes: 42, warm: 6, paced: 0, gzip: 0 };
  let systems: SystemName[] = ["nyanza", "victoria-metrics"];
  for (const arg of args) {
    const [name = "", value = ""] = arg.replace(/^--/, "").split("=");
    if (name in numbers && value !== "" && Number(value) >= 0) numbers[name as keyof typeof numbers] = Number(value);
    else if (name === "systems" && /^(nyanza|victoria-metrics)(,(nyanza|victoria-metrics))?$/.test(value)) {
      systems = value.split(",") as SystemName[];
    } else {
      throw new Error(
        `bench: ${arg}: there are --hosts --refreshes --warm --paced with a number, --gzip=1 and --systems`,
      );
    }
  }
  return { ...numbers, gzip: numbers.gzip > 0, systems };
}

/** What refreshes of one system took. */
class Figures {
  readonly wallMs: number[] = [];
  readonly cpuMs: number[] = [];
  /** By panel. */
  readonly panelMs: number[][] = panels.map(() => []);
  bytes = 0;

  clear(): void {
    for (const list of [this.wallMs, this.cpuMs, ...this.panelMs]) list.length = 0;
    this.bytes = 0;
  }
}

interface Contestant {
  readonly system: RunningSystem;
  readonly agent: Agent;
  readonly figures: Figures;
}

export async function runDashboard(options: DashboardOptions): Promise<void> {
  const { hosts, paced, refreshes, systems, warm } = options;
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
  const perHost = templates().length;
  console.log(
    `\n## ${panels.length} panels over ${hosts * perHost} series, refreshed every ${REFRESH_MS / 1000} s; scraped every ${SCRAPE_MS / 1000} s\n`,
  );
  await withScope(async (scope) => {
    const contestants: Contestant[] = [];
    for (const name of systems) {
      const flags = ["-selfScrapeInterval=0s", "-search.maxQueueDuration=60s"];
      contestants.push({
        system: await startSystem(scope, name, flags, { caches: true }),
        agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }),
        figures: new Figures(),
      });
    }
    const startMs = Math.floor(Date.now() / REFRESH_MS) * REFRESH_MS - (warm + refreshes) * REFRESH_MS;
    const fleet = new Fleet(hosts, startMs - HISTORY_MS);
    await load(contestants, fleet, startMs);
    for (const { system } of contestants) await waitUntilIdle(system.pid, 2);

    for (let i = 0; i < warm + refreshes; i++) {
      if (i === warm) for (const { figures } of contestants) figures.clear();
      await send(contestants, fleet.until(fleet.nowMs + REFRESH_MS));
      // Each is the first every other time.
      for (const contestant of i % 2 === 0 ? contestants : [...contestants].reverse()) {
        await refresh(contestant, fleet.nowMs, options);
      }
    }
    report(`back to back, ${refreshes} refreshes`, contestants);
    if (paced > 0) {
      for (const { figures } of contestants) figures.clear();
      await refreshInTime(contestants, fleet, options);
      report(`every ${REFRESH_MS / 1000} s, ${paced} refreshes`, contestants);
    }
    await compare(contestants, fleet.nowMs);
    for (const { agent, system } of contestants) {
      await printCache(system);
      console.log(`${system.name}: most resident ${Math.round(readMemory(system.pid).peakBytes / 1e6)} MB`);
      agent.destroy();
    }
  });
}

// What is scraped.

/** Hosts that are scraped one after the other, all of them every 15 s. */
class Fleet {
  /** Everything before has been made. */
  nowMs: number;
  readonly #hosts: number;
  readonly #templates: readonly Template[] = templates();
  readonly #labels: Buffer[];
  readonly #values: Float64Array;
  readonly #random: () => number = seededRandom(2);

  constructor(hosts: number, startMs: number) {
    this.nowMs = startMs;
    this.#hosts = hosts;
    const perHost = this.#templates.length;
    this.#values = new Float64Array(hosts * perHost);
    this.#labels = [];
    for (let host = 0; host < hosts; host++) {
      for (const [i, { first, labels }] of this.#templates.entries()) {
        const all = [...labels, ...labelsOfHost(host)].sort(([a], [b]) => (a < b ? -1 : 1));
        this.#labels.push(encodeLabels(all));
        this.#values[host * perHost + i] = first(this.#random);
      }
    }
  }

  /** Bodies with all samples from now to `untilMs`, exclusive. */
  *until(untilMs: number): Generator<Buffer> {
    const writer = new BodyWriter(BODY_SAMPLES);
    const distanceMs = SCRAPE_MS / this.#hosts;
    const perHost = this.#templates.length;
    for (let turn = Math.ceil(this.nowMs / distanceMs); turn * distanceMs < untilMs; turn++) {
      const host = turn % this.#hosts;
      for (let i = host * perHost; i < (host + 1) * perHost; i++) {
        const { next } = this.#templates[i % perHost] as Template;
        const value = next(this.#values[i] as number, this.#random);
        this.#values[i] = value;
        writer.add(this.#labels[i] as Buffer, Math.round(turn * distanceMs), value);
      }
      if ((turn & 63) === 63) yield* writer.full();
    }
    yield* writer.finish();
    this.nowMs = untilMs;
  }
}

function labelsOfHost(host: number): [string, string][] {
  return [
    ["cluster", `cluster-${host % 2}`],
    ["instance", instanceOf(host)],
    ["job", "node"],
    ["region", ["us-east-1", "eu-west-1", "ap-south-1"][host % 3] as string],
  ];
}

async function load(contestants: readonly Contestant[], fleet: Fleet, untilMs: number): Promise<void> {
  await send(contestants, fleet.until(untilMs));
}

async function send(contestants: readonly Contestant[], bodies: Iterable<Buffer>): Promise<void> {
  for (const body of bodies) {
    for (const { agent, system } of contestants) {
      const { status, text } = await http(`${system.url}/api/v1/write`, { headers: remoteWriteHeaders, body, agent });
      if (status >= 300) throw new Error(`${system.name} refused a body: ${status} ${text}`);
    }
  }
}

// Refreshing.

async function refresh(contestant: Contestant, nowMs: number, { gzip }: DashboardOptions): Promise<void> {
  const { agent, figures, system } = contestant;
  const headers = gzip ? { "accept-encoding": "gzip" } : {};
  const startCpu = threadMs(system.pid);
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let i = next++; i < panels.length; i = next++) {
        const panelStartMs = performance.now();
        const { body, status, text } = await http(system.url + pathOf(panels[i] as Panel, nowMs), { agent, headers });
        if (status !== 200) throw new Error(`${system.name}: ${panels[i]?.title}: ${status} ${text.slice(0, 300)}`);
        figures.panelMs[i]?.push(performance.now() - panelStartMs);
        figures.bytes += body.length;
      }
    }),
  );
  figures.wallMs.push(performance.now() - startMs);
  figures.cpuMs.push(threadMs(system.pid) - startCpu);
}

function pathOf({ isInstant, query }: Panel, nowMs: number, more: Readonly<Record<string, number>> = {}): string {
  const now = nowMs / 1000;
  if (isInstant) return `/api/v1/query${queryString({ query, time: now, ...more })}`;
  const align = (time: number): number => Math.floor(time / STEP_S) * STEP_S;
  const [start, end] = [align(now - SHOWN_MS / 1000), align(now)];
  return `/api/v1/query_range${queryString({ query, start, end, step: STEP_S, ...more })}`;
}

/** Samples come all the time, and a refresh of each system when five seconds are over. */
async function refreshInTime(
  contestants: readonly Contestant[],
  fleet: Fleet,
  options: DashboardOptions,
): Promise<void> {
  const startMs = performance.now();
  const slices = 5;
  for (let i = 0; i < options.paced; i++) {
    for (let slice = 0; slice < slices; slice++) {
      const dueMs = startMs + (i + (slice + 1) / slices) * REFRESH_MS;
      await sleep(Math.max(0, dueMs - performance.now()));
      await send(contestants, fleet.until(fleet.nowMs + REFRESH_MS / slices));
    }
    for (const contestant of i % 2 === 0 ? contestants : [...contestants].reverse()) {
      await refresh(contestant, fleet.nowMs, options);
    }
  }
}

// Figures.

function report(title: string, contestants: readonly Contestant[]): void {
  const theirs = contestants[1]?.figures;
  const cpu = ({ cpuMs }: Figures): number => sum(cpuMs) / cpuMs.length;
  const wall = ({ wallMs }: Figures): number => sum(wallMs) / wallMs.length;
  const rows = contestants.map(({ figures, system }) => {
    const all = figures.panelMs.flat();
    const times = (of: (figures: Figures) => number): string =>
      theirs === undefined ? "" : ` (${(of(theirs) / of(figures)).toFixed(2)}×)`;
    return [
      system.name,
      `${(1000 / cpu(figures)).toFixed(1)}${times(cpu)}`,
      `${(1000 / wall(figures)).toFixed(1)}${times(wall)}`,
      cpu(figures).toFixed(1),
      wall(figures).toFixed(1),
      median(all).toFixed(2),
      percentile(all, 0.99).toFixed(1),
      Math.max(...all).toFixed(1),
      String(Math.round(figures.bytes / figures.wallMs.length / 1000)),
    ];
  });
  console.log(`\n### ${title}\n`);
  printTable(
    ["system", "refreshes per CPU-second", "per second", "CPU ms", "ms", "panel ms: median", "p99", "longest", "kB"],
    rows,
  );
  console.log("");
  printTable(
    ["panel", ...contestants.map(({ system }) => `${system.name}, median ms`)],
    panels.map(({ isInstant, title: panel }, i) => [
      `${panel}${isInstant ? ", now" : ""}`,
      ...contestants.map(({ figures }) => median(figures.panelMs[i] as number[]).toFixed(2)),
    ]),
  );
}

/** What both answer now, and what we answer with and without our cache. */
async function compare(contestants: readonly Contestant[], nowMs: number): Promise<void> {
  const [ours, theirs] = contestants;
  const ask = async (of: Contestant, panel: Panel, more: Readonly<Record<string, number>> = {}): Promise<HttpAnswer> =>
    await http(of.system.url + pathOf(panel, nowMs, more), { agent: of.agent });
  // VictoriaMetrics shows samples a second after they came.
  await sleep(3_000);
  let equal = 0;
  for (const panel of panels) {
    if (ours === undefined) break;
    const own = await ask(ours, panel);
    const fresh = compareAnswers(own, await ask(ours, panel, { nocache: 1 }));
    if (fresh !== null) {
      console.log(`\n${ours.system.name}, with and without a cache, ${panel.title}: ${fresh}`);
      process.exitCode = 1;
    }
    if (theirs === undefined) continue;
    const difference = compareAnswers(own, await ask(theirs, panel));
    if (difference === null) equal++;
    else console.log(`\nanswers differ, ${panel.title}: ${difference}`);
  }
  console.log(`\n${equal} of ${panels.length} panels are answered the same by both\n`);
}

/** What a server says of its cache of rollups, if it has one. */
async function printCache({ name, url }: RunningSystem): Promise<void> {
  const { text } = await http(`${url}/metrics`);
  const lines = text.match(
    /^\w*rollup_result\w* \S+$|^vm_cache_(?:requests|misses)_total\{type="promql\/rollupResult"\} \S+$/gm,
  );
  console.log(`${name}: ${lines === null ? "says nothing of a cache of rollups" : lines.join(", ")}`);
}

/** Milliseconds that all threads of a process have run, to the nanosecond; of those that have ended nothing is known. */
function threadMs(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]);
    } catch {
      // Ended meanwhile.
    }
  }
  return nanoseconds / 1e6;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] as number;
}
