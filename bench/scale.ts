/**
 * Many series of which few are still written, in the memory that was allowed; and what senders of old series feel while new ones come and go.
 *
 *     npm run bench -- scale                                ten million series, the last million active, 1 GiB; some ten minutes
 *     npm run bench -- scale --series=500000 --active=100000 --old=20000 --churn=100000 --seconds=20 --memory=256MiB
 *
 *   1. fill     `series` in steps of `active`; each step is written for a while and never again, the times of the steps are an hour apart
 *   2. ask      labels, values, series, twice each: what was not asked before, and the median of several
 *   3. steady   `old` of the active series every `interval` seconds, for `seconds`
 *   4. churn    the same with `churn` series that nobody has met before in that time: an hour's worth, made harder by 3600 / `seconds`;
 *               --churn-seconds=3600 takes the hour
 *   5. after    the same as 3, the new ones no longer written, and a flush as an hour would bring
 */
import { Agent } from "node:http";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { http } from "#support/http";
import { readMemory } from "#support/process";
import { encodeLabels, remoteWriteHeaders } from "#support/remote-write";
import { withScope } from "#support/scope";
import { BodyWriter, instanceOf, labelsOf, seriesPerHost } from "./generator.ts";
import { folderBytes, median, waitUntilIdle } from "./measure.ts";
import { type RunningSystem, type SystemName, startSystem, systemNames } from "./systems.ts";
import { printTable } from "./table.ts";

export interface ScaleOptions {
  readonly series: number;
  readonly active: number;
  /** Scrapes of each series while it is active. */
  readonly scrapes: number;
  /** Series that are written all the time in the second half. */
  readonly old: number;
  /** Seconds between their samples. */
  readonly interval: number;
  readonly churn: number;
  /** What the steady load and what comes after the churn take each; and the churn, which takes as long unless it is said. */
  readonly seconds: number;
  readonly churnSeconds: number;
  readonly memory: string;
  readonly systems: readonly SystemName[];
}

const HOUR_MS = 3_600_000;
const SCRAPE_MS = 15_000;
/** Of the steps that fill the database. */
const BODY_SERIES = 10_000;
/** Of the steady load: what a sender of its own waits for. */
const SMALL_BODY_SERIES = 1_000;
const SENDERS = 4;
const ASKED = 11;

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readScaleOptions(args: readonly string[]): ScaleOptions {
  const numbers = {
    series: 10_000_000,
    active: 1_000_000,
    scrapes: 2,
    old: 100_000,
    interval: 5,
    churn: 1_000_000,
    seconds: 120,
    "churn-seconds": 0,
  };
  let memory = "1GiB";
  let systems: readonly SystemName[] = ["nyanza"];
  for (const arg of args) {
    const [name = "", value = ""] = arg.replace(/^--/, "").split("=");
    if (name in numbers && Number(value) > 0) numbers[name as keyof typeof numbers] = Number(value);
    else if (name === "memory" && /^\d+[KMG]iB$/.test(value)) memory = value;
    else if (name === "systems" && value.split(",").every((one) => (systemNames as readonly string[]).includes(one))) {
      systems = value.split(",") as SystemName[];
    } else {
      const known = Object.keys(numbers).map((option) => `--${option}`);
      throw new Error(`bench: ${arg}: there are ${known.join(" ")}, each with a number, --memory=1GiB and --systems`);
    }
  }
  const { "churn-seconds": churnSeconds, ...rest } = numbers;
  return { ...rest, churnSeconds: churnSeconds || rest.seconds, memory, systems };
}

export async function runScale(options: ScaleOptions): Promise<void> {
  const { series, active, old, interval, churn, seconds, churnSeconds, memory, systems } = options;
  const speedUp = Math.round(3600 / churnSeconds);
  console.log(
    `\n## scale: ${series} series, ${active} active, ${memory} allowed; then ${old} every ${interval} s for ${seconds} s, alone and with ` +
      `${churn} new ones in ${churnSeconds} s (${speedUp} times as fast as in an hour)\n`,
  );
  for (const name of systems)
    await withScope(async (scope) => {
      const system = await startSystem(scope, name, [`-memory.allowedBytes=${memory}`]);
      await new Run(system, options).all();
    });
}

class Run {
  private readonly system: RunningSystem;
  private readonly options: ScaleOptions;
  private agent: Agent = newAgent();
  /** Hosts there are so far: the next ones are new. */
  private hosts = 0;
  /** Resident bytes seen since the phase began. */
  private seen: number[] = [];

  constructor(system: RunningSystem, options: ScaleOptions) {
    this.system = system;
    this.options = options;
  }

  async all(): Promise<void> {
    const { system } = this;
    const watching = setInterval(() => this.seen.push(readMemory(system.pid).residentBytes), 200);
    try {
      await this.fill();
      await this.ask();
      await this.steadyAndChurn();
      const disk = Math.round(folderBytes(system.dataFolder) / 1e6);
      console.log(
        `\n${system.name}: most resident ${megabytes(readMemory(system.pid).peakBytes)} MB, ${disk} MB on disk`,
      );
    } finally {
      clearInterval(watching);
      this.agent.destroy();
    }
  }

  // Filling.

  private async fill(): Promise<void> {
    const { series, active, scrapes } = this.options;
    const steps = Math.ceil(series / active);
    const stepHosts = Math.ceil(active / seriesPerHost);
    const rows: string[][] = [];
    for (let step = 0; step < steps; step++) {
      this.seen = [];
      const startMs = performance.now();
      const endMs = this.stepEndMs(steps - 1 - step);
      for (let scrape = 0; scrape < scrapes; scrape++) {
        const timestampMs = endMs - (scrapes - 1 - scrape) * SCRAPE_MS;
        await this.send(bodiesOf(this.hosts, stepHosts, timestampMs, BODY_SERIES));
      }
      this.hosts += stepHosts;
      const seconds = (performance.now() - startMs) / 1000;
      rows.push([String(this.hosts * seriesPerHost), seconds.toFixed(1), ...(await this.memoryCells())]);
      console.error(`${this.system.name}: ${rows[rows.length - 1]?.join(" ")}`);
    }
    await waitUntilIdle(this.system.pid, 3);
    this.seen = [readMemory(this.system.pid).residentBytes];
    rows.push(["quiet", "", ...(await this.memoryCells())]);
    printTable(["series so far", "seconds", "resident MB, most", "now", "of these, MB"], rows);
  }

  private stepEndMs(hoursAgo: number): number {
    return Math.floor(Date.now() / SCRAPE_MS) * SCRAPE_MS - SCRAPE_MS - hoursAgo * HOUR_MS;
  }

  /** Sends bodies from several senders, each body when one is free for it. */
  private async send(bodies: Iterator<Buffer>): Promise<void> {
    await Promise.all(
      Array.from({ length: SENDERS }, async () => {
        for (let next = bodies.next(); next.done !== true; next = bodies.next()) await this.post(next.value);
      }),
    );
  }

  /** Milliseconds that a body took. */
  private async post(body: Buffer): Promise<number> {
    const { system, agent } = this;
    for (;;) {
      const startMs = performance.now();
      const { status, text } = await http(`${system.url}/api/v1/write`, { headers: remoteWriteHeaders, body, agent });
      // Refused for now, as senders expect it: they come back.
      if (status === 503) await sleep(1000);
      else if (status >= 300) throw new Error(`${system.name} refused a body: ${status} ${text}`);
      else return performance.now() - startMs;
    }
  }

  private async memoryCells(): Promise<string[]> {
    const { residentBytes } = readMemory(this.system.pid);
    const most = Math.max(residentBytes, ...this.seen);
    return [megabytes(most), megabytes(residentBytes), await this.usedMemory()];
  }

  /** What the server says of its own memory. */
  private async usedMemory(): Promise<string> {
    const { text } = await http(`${this.system.url}/metrics`);
    const used = [
      ...text.matchAll(/^vm_memory_used_bytes\{for="([^"]+)"\} (\S+)$/gm),
      ...text.matchAll(/^nodejs_(heap|external)(?:_size_total|_memory)_bytes (\S+)$/gm),
    ];
    return used.map(([, what, bytes]) => `${what} ${megabytes(Number(bytes))}`).join(", ");
  }

  // Asking.

  private async ask(): Promise<void> {
    const host = instanceOf(this.hosts - 2);
    const oldHost = instanceOf(1);
    const all = "start=1";
    const questions: readonly (readonly [title: string, path: string])[] = [
      ["label names", "labels"],
      ["label names, of all time", `labels?${all}`],
      ["values of a label: 1 of them", `label/job/values?${all}`],
      ["values of __name__", `label/__name__/values?${all}`],
      ["the first 1,000 values of the largest label", `label/instance/values?${all}&limit=1000`],
      ["all values of the largest label", `label/instance/values?${all}`],
      ["values of a label of one metric", `label/region/values?${all}&match[]=node_load_3`],
      ["values of a label of one host", `label/device/values?${all}&match[]={instance="${oldHost}"}`],
      ["how many series", "series/count"],
      ["the series of a host of the first step", `series?${all}&match[]={instance="${oldHost}"}`],
      ["one series by name and host", `series?${all}&match[]=node_load_3{instance="${host}",idx="99"}`],
      ["hosts by a regex with a prefix", `series?${all}&match[]=node_load_3{instance=~"host-123.*",idx="99"}`],
      ["hosts by a regex without a prefix", `series?${all}&match[]=node_load_3{instance=~".*-77.7[.].*",idx="99"}`],
      ["a query of one series", `query?query=${encodeURIComponent(`node_load_3{instance="${host}",idx="99"}`)}`],
      ["a count of a metric of one host", `query?query=${encodeURIComponent(`count({instance="${host}"})`)}`],
    ];
    const rows: string[][] = [];
    this.seen = [];
    for (const [title, path] of questions) {
      const times: number[] = [];
      let bytes = 0;
      for (let i = 0; i < ASKED; i++) {
        const startMs = performance.now();
        const url = `${this.system.url}/api/v1/${path.replace("{", "%7B").replace("}", "%7D").replaceAll('"', "%22")}`;
        const { status, body, text } = await http(url, { agent: this.agent });
        times.push(performance.now() - startMs);
        if (status !== 200) throw new Error(`${this.system.name}: ${path}: ${status} ${text.slice(0, 300)}`);
        bytes = body.length;
      }
      const [first, ...others] = times as [number, ...number[]];
      rows.push([title, first.toFixed(1), median(others).toFixed(1), Math.max(...others).toFixed(1), String(bytes)]);
    }
    console.log();
    printTable([`${this.system.name} is asked`, "first ms", "median ms", "longest of the others", "bytes"], rows);
    console.log(`\nmost resident meanwhile: ${(await this.memoryCells())[0]} MB`);
  }

  // Old series, and new ones beside them.

  private async steadyAndChurn(): Promise<void> {
    const { old, churn, churnSeconds } = this.options;
    const oldHosts = Math.ceil(old / seriesPerHost);
    const firstOld = this.hosts - oldHosts;
    const labels = encodedLabels(firstOld, oldHosts);
    const rows: string[][] = [];
    const phase = async (title: string, newSeries = 0, seconds = this.options.seconds): Promise<void> => {
      const { interval } = this.options;
      const scrapes = Math.ceil(seconds / interval);
      const startMs = Math.ceil(Date.now() / 1000) * 1000;
      // Made beforehand: making bodies would take the core from who is measured.
      const loads: Timed[] = [];
      for (let scrape = 0; scrape < scrapes; scrape++) {
        const bodies = smallBodies(labels, startMs + scrape * interval * 1000);
        for (const [i, body] of bodies.entries())
          loads.push({ atMs: (scrape + i / bodies.length) * interval * 1000, body });
        // The compressor's memory is given back when others have their turn: the bodies of an hour would take twenty gigabytes.
        await turn();
      }
      const newHosts = Math.ceil(newSeries / seriesPerHost);
      const fresh = newHosts === 0 ? [] : [...bodiesOf(this.hosts, newHosts, startMs, SMALL_BODY_SERIES)];
      const news = fresh.map((body, i) => ({ atMs: (i / fresh.length) * seconds * 1000, body }));
      this.hosts += newHosts;
      // Connections that stood idle while the bodies were made may be closed by now.
      this.agent.destroy();
      this.agent = newAgent();
      this.seen = [];
      const [times] = await Promise.all([this.sendInTime(loads), this.sendInTime(news)]);
      rows.push([title, ...percentiles(times), ...(await this.memoryCells())]);
      console.error(`${this.system.name}: ${rows[rows.length - 1]?.join(" ")}`);
    };
    // Compilers that work while a program runs, and a first flush, are nobody's churn.
    await phase("warm-up");
    await phase("steady");
    await phase(`with ${churn} new series in ${churnSeconds} s`, churn, churnSeconds);
    await http(`${this.system.url}/internal/force_flush`);
    await phase("after");
    await http(`${this.system.url}/internal/force_flush`);
    await waitUntilIdle(this.system.pid, 3);
    this.seen = [];
    rows.push(["quiet", "", "", "", ...(await this.memoryCells())]);
    console.log();
    printTable(
      ["old series", "request ms: median", "p99", "longest", "resident MB, most", "at the end", "of these, MB"],
      rows,
    );
  }

  /** Sends each body when it is its time, whether those before are answered or not. Returns the milliseconds of each. */
  private async sendInTime(loads: readonly Timed[]): Promise<number[]> {
    const startMs = performance.now();
    const answers: Promise<number>[] = [];
    for (const { atMs, body } of loads) {
      const waitMs = startMs + atMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      answers.push(this.post(body));
    }
    return await Promise.all(answers);
  }
}

/** Lets go of idle connections before the server does, which would be an error if a request were on its way. */
function newAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 16, timeout: 30_000 });
}

/** A body and when it is to be sent, from the beginning of the phase on. */
interface Timed {
  readonly atMs: number;
  readonly body: Buffer;
}

/** One sample of each series of some hosts, body by body as they are wanted. */
function* bodiesOf(firstHost: number, hosts: number, timestampMs: number, bodySeries: number): Generator<Buffer> {
  const writer = new BodyWriter();
  let count = 0;
  for (let host = firstHost; host < firstHost + hosts; host++) {
    for (let metric = 0; metric < seriesPerHost; metric++) {
      writer.add(encodeLabels(labelsOf(host, metric)), timestampMs, host + metric);
      if (++count % bodySeries === 0) yield* writer.finish();
    }
  }
  yield* writer.finish();
}

function encodedLabels(firstHost: number, hosts: number): Buffer[] {
  return Array.from({ length: hosts * seriesPerHost }, (_, i) =>
    encodeLabels(labelsOf(firstHost + Math.floor(i / seriesPerHost), i % seriesPerHost)),
  );
}

/** A scrape of the steady load. */
function smallBodies(labels: readonly Buffer[], timestampMs: number): Buffer[] {
  const bodies: Buffer[] = [];
  const writer = new BodyWriter();
  for (let lo = 0; lo < labels.length; lo += SMALL_BODY_SERIES) {
    for (const [i, one] of labels.slice(lo, lo + SMALL_BODY_SERIES).entries())
      writer.add(one, timestampMs, (timestampMs / 1000) * (1 + ((lo + i) % 7)));
    bodies.push(...writer.finish());
  }
  return bodies;
}

function percentiles(times: readonly number[]): string[] {
  const sorted = [...times].sort((a, b) => a - b);
  return [0.5, 0.99, 1].map((share) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
