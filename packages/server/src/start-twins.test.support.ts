/** Two servers over one database: one carries everything out on its main thread, the other everything in query workers. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MetricSet } from "@nyanza/metrics";
import { parseFlags } from "./flags/parse.ts";
import { FLAGS } from "./flags/table.ts";
import { openServedDatabase } from "./served-database.ts";
import { loggersInto, TEST_FLAGS } from "./start.test.support.ts";
import { type OwnedDatabase, type RunningServer, type StartOptions, startServer } from "./start.ts";
import type { SmallLimits } from "./workers/dispatcher.ts";

/** Nothing is small enough for the main thread. */
export const NOTHING_SMALL: SmallLimits = {
  maxSeries: 0,
  maxSamples: 0,
  maxPoints: 0,
  maxMemoryBytes: 0,
  maxTextLength: -1,
  maxWorkMs: 0,
  maxTextsWorkMs: 0,
  maxWorkStartingMs: 0,
};

export interface Twin {
  readonly port: number;
  readonly log: string[];
  readonly metrics: MetricSet;
  readonly server: RunningServer;
}

export interface Twins {
  readonly alone: Twin;
  readonly pooled: Twin;
  readonly folder: string;
}

/** `workers` go to the one with workers. */
export async function withTwins(
  flags: readonly string[],
  use: (twins: Twins) => Promise<void>,
  workers: StartOptions["workers"] = { small: NOTHING_SMALL },
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-workers-"));
  let opened: OwnedDatabase | null = null;
  const start = async (more: readonly string[]): Promise<Twin> => {
    const log: string[] = [];
    const metrics = new MetricSet();
    const server = await startServer({
      flags: parseFlags(
        FLAGS,
        [...TEST_FLAGS, "-retentionPeriod=100y", `-storageDataPath=${folder}`, ...flags, ...more],
        {},
      ),
      loggers: loggersInto(log),
      metrics,
      openDatabase: async (settings) => {
        opened ??= await openServedDatabase(settings);
        // Closed when both have stopped.
        return { ...opened, close: async () => {} };
      },
      ...(workers === undefined ? {} : { workers }),
    });
    return { port: Number(server.addresses[0]?.split(":").at(-1)), log, metrics, server };
  };
  try {
    const alone = await start(["-search.workers=0"]);
    const pooled = await start(["-search.workers=2"]);
    try {
      await use({ alone, pooled, folder });
    } finally {
      await Promise.all([alone.server.stop(), pooled.server.stop()]);
    }
  } finally {
    await (opened as OwnedDatabase | null)?.close();
    await rm(folder, { recursive: true });
  }
}

/** A file of tests/corpora. */
export async function readCorpus(name: string): Promise<string> {
  return await readFile(new URL(`../../../tests/corpora/${name}`, import.meta.url), "utf8");
}

/** The value of a metric without labels. */
export function readMetric({ metrics }: Twin, name: string): number {
  const line = metrics
    .writePrometheus()
    .split("\n")
    .find((text) => text.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}
