/**
 * `npm run bench -- million`: an hour of a million series summed up in one query, within a query budget of 512 MiB and 2 GiB for the whole process.
 *
 *   1. load     all but the last scrapes series by series, as our blocks or as JSON lines; merged
 *   2. scrape   the last ones as a sender writes them, one sample of every series after the other: they stand in the head, or in small parts
 *   3. ask      sum by (job) (rate(m[5m])) over the hour at a step of 15 s, a few times; and the same at one time
 *
 * Counters grow by random whole numbers, and what all of a job have counted together is kept while they are made: each point of the answer is known beforehand.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus } from "node:os";
import { Labels } from "@nyanza/tsdb";
import { BlockStreamWriter } from "#server/protocol/blocks/writer";
import { http } from "#support/http";
import { readMemory } from "#support/process";
import { queryString } from "#support/query";
import { encodeLabels, remoteWriteHeaders } from "#support/remote-write";
import { withScope } from "#support/scope";
import { BodyWriter, instanceOf, seededRandom, seriesPerHost } from "./generator.ts";
import { cpuSeconds, folderBytes, waitUntilIdle } from "./measure.ts";
import { type RunningSystem, type SystemName, startSystem } from "./systems.ts";
import { printTable } from "./table.ts";

export interface MillionOptions {
  readonly series: number;
  readonly scrapes: number;
  /** How many of the scrapes come as a sender writes them. */
  readonly live: number;
  readonly rounds: number;
  /** Of Nyanza, and of VictoriaMetrics. */
  readonly memory: string;
  readonly budget: string;
  readonly systems: readonly SystemName[];
}

const SCRAPE_MS = 15_000;
const WINDOW_MS = 300_000;
const JOBS = 8;
/** No counter grows by more in a scrape. */
const GROWTH_MAX = 1_000;
const NAME = "m";
const QUERY = `sum by (job) (rate(${NAME}[5m]))`;
const SENDERS = 2;
const LABELS_A_SERIES = 8;
const PROCESS_BYTES_MAX = 2 * 2 ** 30;
const SENT_BYTES = 1 << 20;

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readMillionOptions(args: readonly string[]): MillionOptions {
  const numbers = { series: 1_000_000, scrapes: 240, live: 4, rounds: 3 };
  const sizes = { memory: "1GiB", budget: "512MiB" };
  let systems: SystemName[] = ["nyanza"];
  for (const arg of args) {
    const [name = "", value = ""] = arg.replace(/^--/, "").split("=");
    if (name in numbers && Number(value) > 0) numbers[name as keyof typeof numbers] = Number(value);
    else if (name in sizes && /^\d+[KMG]iB$/.test(value)) sizes[name as keyof typeof sizes] = value;
    else if (name === "systems" && /^(nyanza|victoria-metrics)(,(nyanza|victoria-metrics))*$/.test(value)) {
      systems = value.split(",") as SystemName[];
    } else {
      throw new Error(
        `bench: ${arg}: there are --series --scrapes --live --rounds with a number, --memory --budget with a size such as 1GiB, and --systems`,
      );
    }
  }
  return { ...numbers, ...sizes, systems };
}

export async function runMillion(options: MillionOptions): Promise<void> {
  const { budget, live, memory, scrapes, series } = options;
  console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
  console.log(
    `\n## ${series} series × ${scrapes} scrapes, the last ${live} as they come; ${memory} allowed, ${budget} a query\n`,
  );
  const rows: string[][] = [];
  for (const name of options.systems) rows.push(...(await measure(name, options)));
  printTable(
    [
      "system",
      "query",
      "seconds",
      "CPU-seconds",
      "first, seconds",
      "resident before, MB",
      "most resident in it, MB",
      "most ever, MB",
      "answer",
    ],
    rows,
  );
}

async function measure(name: SystemName, options: MillionOptions): Promise<string[][]> {
  const { budget, memory, rounds, scrapes, series } = options;
  return await withScope(async (scope) => {
    const flags = [`-memory.allowedBytes=${memory}`, "-selfScrapeInterval=0s", "-search.maxQueryDuration=5m"];
    // What is refused without being raised: a million series are more than a query may read unless an operator says so.
    flags.push(`-search.maxUniqueTimeseries=${2 * series}`);
    // Version 1.79 of VictoriaMetrics has no such flag: its budget is a share of the memory allowed.
    if (name === "nyanza") flags.push(`-search.maxMemoryPerQuery=${budget}`);
    const system = await startSystem(scope, name, flags);
    const counters = new Counters(options);
    const startMs = performance.now();
    await load(system, counters, scrapes - options.live);
    await system.settle();
    await waitUntilIdle(system.pid, 2, 600);
    await scrapeLive(system, counters, options);
    await waitUntilIdle(system.pid, 2, 600);
    console.error(
      `${name}: loaded in ${((performance.now() - startMs) / 1000).toFixed(0)} s, ` +
        `most resident ${megabytes(readMemory(system.pid).peakBytes)} MB, ${megabytes(folderBytes(system.dataFolder))} MB on disk`,
    );
    const rows: string[][] = [];
    const { endMs } = counters;
    const start = (endMs - (scrapes - 1) * SCRAPE_MS) / 1000;
    const range = queryString({ query: QUERY, start, end: endMs / 1000, step: 15, nocache: 1 });
    const instant = queryString({ query: QUERY, time: endMs / 1000, nocache: 1 });
    for (const path of [`/api/v1/query_range${range}`, `/api/v1/query${instant}`]) {
      rows.push([
        name,
        path.includes("query_range") ? `${QUERY}, an hour` : "the same, at its end",
        ...(await ask(system, path, counters, rounds)),
      ]);
    }
    return rows;
  });
}

async function ask(system: RunningSystem, path: string, counters: Counters, rounds: number): Promise<string[]> {
  const { pid, url } = system;
  const took: number[] = [];
  const cpu: number[] = [];
  let verdict = "as known";
  const before = readMemory(pid).residentBytes;
  const everBytes = readMemory(pid).peakBytes;
  // The kernel's peak begins anew: what the query takes is told from what the load took.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  for (let round = 0; round < rounds; round++) {
    const startCpu = cpuSeconds(pid);
    const startMs = performance.now();
    const { status, text } = await http(url + path);
    took.push((performance.now() - startMs) / 1000);
    cpu.push(cpuSeconds(pid) - startCpu);
    verdict = status === 200 ? (counters.difference(text) ?? verdict) : `${status}: ${text.slice(0, 300)}`;
  }
  const { peakBytes } = readMemory(pid);
  if (Math.max(peakBytes, everBytes) > PROCESS_BYTES_MAX) verdict += "; MORE THAN 2 GiB RESIDENT";
  if (verdict !== "as known" && system.name === "nyanza") process.exitCode = 1;
  return [
    Math.min(...took).toFixed(2),
    Math.min(...cpu).toFixed(2),
    (took[0] as number).toFixed(2),
    megabytes(before),
    megabytes(peakBytes),
    megabytes(Math.max(peakBytes, everBytes)),
    verdict,
  ];
}

/** The values, made twice the same: once for those that come before, once for what a sender goes on with. */
class Counters {
  readonly #series: number;
  readonly #scrapes: number;
  /** Of the last scrape. Scrapes stand on the steps of the query. */
  readonly endMs: number;
  /** What the series of a job have counted together, scrape by scrape. */
  readonly #totals: Float64Array[];
  /** Where each series stands: the value of the last scrape that was made. */
  readonly #last: Float64Array;
  readonly #random: () => number = seededRandom(6);

  constructor({ scrapes, series }: MillionOptions) {
    this.#series = series;
    this.#scrapes = scrapes;
    this.endMs = Math.floor(Date.now() / SCRAPE_MS) * SCRAPE_MS;
    this.#totals = Array.from({ length: JOBS }, () => new Float64Array(scrapes));
    this.#last = new Float64Array(series);
  }

  get series(): number {
    return this.#series;
  }

  timeOf(scrape: number): number {
    return this.endMs - (this.#scrapes - 1 - scrape) * SCRAPE_MS;
  }

  /** Values of a series from the first scrape on. */
  fill(series: number, values: Float64Array): void {
    const totals = this.#totals[jobOf(series)] as Float64Array;
    let value = Math.floor(this.#random() * 1e6);
    for (let scrape = 0; scrape < values.length; scrape++) {
      value += this.#growth();
      values[scrape] = value;
      totals[scrape] = (totals[scrape] as number) + value;
    }
    this.#last[series] = value;
  }

  /** The value of a series at the next scrape. */
  next(series: number, scrape: number): number {
    const totals = this.#totals[jobOf(series)] as Float64Array;
    const value = (this.#last[series] as number) + this.#growth();
    this.#last[series] = value;
    totals[scrape] = (totals[scrape] as number) + value;
    return value;
  }

  /** What is wrong with an answer, or null. */
  difference(text: string): string | null {
    const { data } = JSON.parse(text) as {
      data: { result: { metric: { job: string }; value?: [number, string]; values?: [number, string][] }[] };
    };
    if (data.result.length !== JOBS) return `${data.result.length} series instead of ${JOBS}`;
    for (const { metric, value, values = [value as [number, string]] } of data.result) {
      const totals = this.#totals[Number(metric.job.slice(4))] as Float64Array;
      for (const [time, got] of values) {
        const want = this.#rateAt(totals, time * 1000);
        if (!(Math.abs(Number(got) - want) <= 1e-9 * want)) return `${metric.job} at ${time}: ${got}, want ${want}`;
      }
      const points = value === undefined ? this.#scrapes - 1 : 1;
      if (values.length !== points) return `${metric.job}: ${values.length} points instead of ${points}`;
    }
    return null;
  }

  /** From the sample before the window, or else its first, to its last: all series of a job are scraped at the same times. */
  #rateAt(totals: Float64Array, timeMs: number): number {
    const to = this.#scrapes - 1 - (this.endMs - timeMs) / SCRAPE_MS;
    const from = Math.max(0, to - WINDOW_MS / SCRAPE_MS);
    return ((totals[to] as number) - (totals[from] as number)) / (((to - from) * SCRAPE_MS) / 1000);
  }

  #growth(): number {
    return Math.floor(this.#random() * GROWTH_MAX);
  }
}

function jobOf(series: number): number {
  return Math.floor(series / seriesPerHost) % JOBS;
}

/** Sorted by name. */
function labelsOf(series: number): [string, string][] {
  const host = Math.floor(series / seriesPerHost);
  const metric = series % seriesPerHost;
  const labels: [string, string][] = [
    ["__name__", NAME],
    ["cpu", String(metric % 16)],
    ["device", `eth${metric % 8}`],
    ["idx", String(metric)],
    ["instance", instanceOf(host)],
    ["job", `job-${jobOf(series)}`],
    ["mode", ["user", "system", "idle", "iowait"][metric % 4] as string],
    ["region", ["us-east-1", "eu-west-1", "ap-south-1"][host % 3] as string],
  ];
  if (labels.length !== LABELS_A_SERIES) throw new Error("bench million: the series have other labels than is said");
  return labels;
}

// Loading.

/** The first `scrapes` scrapes, series by series. */
async function load(system: RunningSystem, counters: Counters, scrapes: number): Promise<void> {
  const [path, pieces] =
    system.name === "nyanza"
      ? ["/api/v1/import/blocks", blocksOf(counters, scrapes)]
      : ["/api/v1/import", linesOf(counters, scrapes)];
  const sending = request(`${system.url}${path}`, { method: "POST" });
  const answered = new Promise<void>((resolve, reject) => {
    sending.on("error", reject);
    sending.on("response", (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 204) resolve();
        else reject(new Error(`${path}: status ${response.statusCode}: ${text.slice(0, 500)}`));
      });
    });
  });
  answered.catch(() => {});
  for (const piece of together(pieces)) {
    if (!sending.write(piece)) await Promise.race([once(sending, "drain"), answered]);
  }
  sending.end();
  await answered;
}

/** Pieces that are worth a system call, as bytes of their own. */
function* together(pieces: Iterable<Uint8Array>): Generator<Buffer> {
  let some: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    some.push(Buffer.from(piece));
    bytes += piece.length;
    if (bytes < SENT_BYTES) continue;
    yield Buffer.concat(some);
    some = [];
    bytes = 0;
  }
  yield Buffer.concat(some);
}

function* blocksOf(counters: Counters, scrapes: number): Generator<Uint8Array> {
  const writer = new BlockStreamWriter();
  const values = new Float64Array(scrapes);
  const timestamps = Float64Array.from(values, (_, scrape) => counters.timeOf(scrape));
  yield writer.begin();
  for (let series = 0; series < counters.series; series++) {
    counters.fill(series, values);
    yield* writer.add(Labels.from(labelsOf(series)), timestamps, values, 0, scrapes);
  }
  yield* writer.end(false);
}

function* linesOf(counters: Counters, scrapes: number): Generator<Buffer> {
  const values = new Float64Array(scrapes);
  const timestamps = Array.from(values, (_, scrape) => counters.timeOf(scrape)).join();
  for (let series = 0; series < counters.series; series++) {
    counters.fill(series, values);
    const metric = JSON.stringify(Object.fromEntries(labelsOf(series)));
    yield Buffer.from(`{"metric":${metric},"values":[${values.join()}],"timestamps":[${timestamps}]}\n`, "latin1");
  }
}

/** The last scrapes, by remote write. */
async function scrapeLive(system: RunningSystem, counters: Counters, options: MillionOptions): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: SENDERS });
  const labels = Array.from({ length: options.series }, (_, series) => encodeLabels(labelsOf(series)));
  for (let scrape = options.scrapes - options.live; scrape < options.scrapes; scrape++) {
    const bodies = bodiesOf(counters, labels, scrape);
    await Promise.all(
      Array.from({ length: SENDERS }, async () => {
        for (const body of bodies) {
          const { status, text } = await http(`${system.url}/api/v1/write`, {
            headers: remoteWriteHeaders,
            body,
            agent,
          });
          if (status >= 300) throw new Error(`${system.name} refused a body: ${status} ${text}`);
        }
      }),
    );
  }
  agent.destroy();
}

function* bodiesOf(counters: Counters, labels: readonly Buffer[], scrape: number): Generator<Buffer> {
  const writer = new BodyWriter();
  const timestampMs = counters.timeOf(scrape);
  for (let series = 0; series < counters.series; series++) {
    writer.add(labels[series] as Buffer, timestampMs, counters.next(series, scrape));
    if (series % 10_000 === 9_999) yield* writer.finish();
  }
  yield* writer.finish();
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}
