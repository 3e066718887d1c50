/**
 * Many series that nobody has met before, in one go: what registering, logging and indexing them costs, and what senders feel meanwhile. Beside
 * VictoriaMetrics and Prometheus.
 *
 *     npm run bench -- new-series                                   a million series, one sample each
 *     npm run bench -- new-series --series=200000 --scrapes=4 --systems=nyanza
 *     npm run bench -- new-series --body=2000                       in requests of 2,000 samples, not 10,000
 */
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { http } from "#support/http";
import { readMemory } from "#support/process";
import { remoteWriteHeaders } from "#support/remote-write";
import { withScope } from "#support/scope";
import { generate, type Load } from "./generator.ts";
import { cpuSeconds, folderBytes, waitUntilIdle } from "./measure.ts";
import { type SystemName, startSystem, systemNames } from "./systems.ts";
import { printTable, rate } from "./table.ts";

interface NewSeriesOptions {
  readonly series: number;
  readonly scrapes: number;
  readonly shards: number;
  /** Samples of a request. */
  readonly bodySamples: number;
  readonly idleSeconds: number;
  readonly systems: readonly SystemName[];
}

/** @throws Error naming an option that does not exist or whose value makes no sense. */
export function readNewSeriesOptions(args: readonly string[]): NewSeriesOptions {
  const numbers: Record<string, number> = { series: 1_000_000, scrapes: 1, shards: 4, idle: 5, body: 10_000 };
  let systems: readonly SystemName[] = systemNames;
  for (const arg of args) {
    const [name = "", value = ""] = arg.replace(/^--/, "").split("=");
    if (name in numbers && Number(value) > 0) numbers[name] = Number(value);
    else if (name === "systems" && value.split(",").every((one) => (systemNames as readonly string[]).includes(one))) {
      systems = value.split(",") as SystemName[];
    } else {
      throw new Error(
        `bench: ${arg}: there are --series --scrapes --shards --idle --body, each with a number, and --systems`,
      );
    }
  }
  const { series, scrapes, shards, idle, body } = numbers as Record<
    "series" | "scrapes" | "shards" | "idle" | "body",
    number
  >;
  return { series, scrapes, shards, bodySamples: body, idleSeconds: idle, systems };
}

export async function runNewSeries({ idleSeconds, systems, ...shape }: NewSeriesOptions): Promise<void> {
  const load = generate({ ...shape, endMs: Math.floor(Date.now() / 15_000) * 15_000 - 8_000 });
  console.log(`\n## new series: ${load.name}, ${load.shards.flat().length} bodies, ${load.shards.length} senders\n`);
  const rows: string[][] = [];
  for (const name of systems) rows.push(await takeTurn(name, load, idleSeconds));
  printTable(
    [
      "system",
      "samples per CPU-second",
      "with forced flush and merge",
      "peak MB",
      "with flush and merge",
      "a while later, MB",
      "request ms: median",
      "p99",
      "longest",
      "MB on disk",
    ],
    rows,
  );
}

async function takeTurn(name: SystemName, load: Load, idleSeconds: number): Promise<string[]> {
  return await withScope(async (scope) => {
    const system = await startSystem(scope, name);
    const { pid } = system;
    const startCpu = await waitUntilIdle(pid, 1);
    const url = `${system.url}/api/v1/write`;
    await warmUpSender(load);
    const agent = new Agent({ keepAlive: true, maxSockets: load.shards.length });
    const times: number[] = [];
    await Promise.all(
      load.shards.map(async (bodies) => {
        for (const body of bodies) {
          const startMs = performance.now();
          const { status, text } = await http(url, { headers: remoteWriteHeaders, body, agent });
          if (status >= 300) throw new Error(`${name} refused a body: ${status} ${text}`);
          times.push(performance.now() - startMs);
        }
      }),
    );
    agent.destroy();
    const loadCpu = cpuSeconds(pid) - startCpu;
    const idleCpu = (await waitUntilIdle(pid, idleSeconds)) - startCpu;
    console.error(
      `${name}: ${loadCpu.toFixed(1)} s of CPU when the last was answered, ${idleCpu.toFixed(1)} s when idle`,
    );
    const { peakBytes, residentBytes } = readMemory(pid);
    await system.settle();
    const allCpu = (await waitUntilIdle(pid, 2)) - startCpu;
    const allPeakBytes = readMemory(pid).peakBytes;
    times.sort((a, b) => a - b);
    const percentile = (share: number): string => (times[Math.floor((times.length - 1) * share)] as number).toFixed(0);
    return [
      name,
      rate(load.sampleCount / idleCpu),
      // Prometheus keeps what it got in its log and in memory: it cannot be asked for more.
      name === "prometheus" ? "–" : rate(load.sampleCount / allCpu),
      String(Math.round(peakBytes / 1e6)),
      String(Math.round(allPeakBytes / 1e6)),
      String(Math.round(residentBytes / 1e6)),
      percentile(0.5),
      percentile(0.99),
      percentile(1),
      String(Math.round(folderBytes(system.dataFolder) / 1e6)),
    ];
  });
}

/** Bodies of each sender that go to a sink. */
const WARM_UP_BODIES = 10;

/** Sends some of the load to a server that throws it away: what is measured are the systems, not code of this process that runs for the first time. */
async function warmUpSender({ shards }: Load): Promise<void> {
  const sink = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(204).end());
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/api/v1/write`;
  const agent = new Agent({ keepAlive: true, maxSockets: shards.length });
  await Promise.all(
    shards.map(async (bodies) => {
      for (const body of bodies.slice(0, WARM_UP_BODIES)) await http(url, { headers: remoteWriteHeaders, body, agent });
    }),
  );
  agent.destroy();
  await new Promise((resolve) => sink.close(resolve));
}
