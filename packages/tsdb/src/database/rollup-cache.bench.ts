/**
 * A panel that is asked for again every five seconds while samples arrive: what a query takes with what is kept of earlier answers and without.
 *
 *   node packages/tsdb/dist/database/rollup-cache.bench.js [--tiny] [--refreshes=24]
 *
 * One hour by 15 s. Milliseconds, median (least) of the refreshes; half of the samples are in parts, the rest in the head. "late": before each refresh one sample of another metric and,
 * each third time, one of the series themselves comes ten minutes late.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ManualClock } from "../base/clock.ts";
import { type Database, openDatabase } from "./database.ts";
import type { Dialect } from "./queries.ts";

const STEP_MS = 15_000;
const POINTS = 241;
const START_MS = Date.UTC(2026, 5, 10);

interface Panel {
  readonly what: string;
  readonly text: string;
  readonly dialect: Dialect;
}

const PANELS: readonly Panel[] = (["metricsql", "promql"] as const).flatMap((dialect) => [
  { what: "sum of rates by instance, 2,000 series", text: "sum by (instance) (rate(cpu_total[5m]))", dialect },
  { what: "avg by region, 10,000 series", text: "avg by (region) (avg_over_time(gauge[5m]))", dialect },
  { what: "avg of 10,000 series", text: "avg(gauge)", dialect },
  { what: "2,000 series as they are", text: "cpu_total", dialect },
  { what: "increase of 2,000 series over an hour", text: "sum(increase(cpu_total[1h]))", dialect },
]);

class Bench {
  readonly #db: Database;
  readonly #clock: ManualClock;
  readonly #hosts: number;
  #scrapes = 0;

  constructor(db: Database, clock: ManualClock, hosts: number) {
    this.#db = db;
    this.#clock = clock;
    this.#hosts = hosts;
  }

  /** Each host has 20 counters and 100 gauges; hosts are scraped at different times. */
  async scrape(count: number): Promise<void> {
    for (let host = 0; host < this.#hosts; host++) {
      const timestamps = Array.from(
        { length: count },
        (_, k) => START_MS + (this.#scrapes + k) * STEP_MS + ((host * 137) % STEP_MS),
      );
      const rows = Array.from({ length: 120 }, (_, i) => ({
        labels: {
          __name__: i < 20 ? "cpu_total" : "gauge",
          job: "node",
          instance: `host-${host}`,
          region: `r${host % 5}`,
          device: `d${i}`,
        },
        timestamps,
        values: Float64Array.from(
          timestamps,
          (_, k) => (this.#scrapes + k) * (1 + (i % 7)) + (i < 20 ? 0 : (k * 7) % 5),
        ),
      }));
      await this.#db.append(rows);
    }
    this.#scrapes += count;
  }

  async refresh({ dialect, text }: Panel, mayCache: boolean): Promise<number> {
    const nowMs = this.#clock.nowMs();
    const endMs = Math.floor(nowMs / STEP_MS) * STEP_MS;
    const range = { startMs: endMs - (POINTS - 1) * STEP_MS, endMs, stepMs: STEP_MS, nowMs };
    const begin = performance.now();
    await this.#db.queryRange(text, { ...range, dialect, mayCache });
    return performance.now() - begin;
  }

  async late(name: string): Promise<void> {
    const timestamps = [this.#clock.nowMs() - 600_000];
    await this.#db.append([{ labels: { __name__: name, job: "node", instance: "host-0" }, timestamps, values: [1] }]);
  }

  async measure(panel: Panel, refreshes: number, areLate: boolean): Promise<string> {
    const times: { kept: number[]; computed: number[] } = { kept: [], computed: [] };
    this.#db.resetRollupCache();
    const before = this.#db.rollupCache;
    for (let i = -2; i < refreshes; i++) {
      this.#clock.advance(5_000);
      if (i % 3 === 0) await this.scrape(1);
      if (areLate) await this.late(i % 3 === 0 ? "cpu_total" : "other");
      const kept = await this.refresh(panel, true);
      const computed = await this.refresh(panel, false);
      if (i < 0) continue;
      times.kept.push(kept);
      times.computed.push(computed);
    }
    const { partialHits, misses } = this.#db.rollupCache;
    const hits = `${partialHits - before.partialHits} of ${partialHits - before.partialHits + misses - before.misses}`;
    const [kept, computed] = [medianOf(times.kept), medianOf(times.computed)];
    return `${show(times.computed)}${show(times.kept)}${(computed / kept).toFixed(1).padStart(7)}${hits.padStart(10)}`;
  }
}

function medianOf(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1] as number;
}

function show(times: readonly number[]): string {
  return `${medianOf(times).toFixed(2)} (${Math.min(...times).toFixed(2)})`.padStart(18);
}

async function main(isTiny: boolean, refreshes: number): Promise<void> {
  const hosts = isTiny ? 2 : 100;
  const scrapes = isTiny ? 60 : 300;
  const folder = await mkdtemp(join(tmpdir(), "nyanza-bench-"));
  const clock = new ManualClock(START_MS + scrapes * STEP_MS);
  const db = await openDatabase(folder, { headBytes: 1 << 30, rollupCacheBytes: 256 << 20, clock });
  try {
    const bench = new Bench(db, clock, hosts);
    await bench.scrape(scrapes / 2);
    await db.flush();
    await bench.scrape(scrapes / 2);
    console.log(
      `${"".padEnd(52)}${["computed", "kept"].map((t) => t.padStart(18)).join("")}${"gain".padStart(7)}${"hits".padStart(10)}`,
    );
    for (const panel of PANELS) {
      for (const areLate of panel.dialect === "metricsql" ? [false, true] : [false]) {
        const what = `${panel.dialect === "promql" ? "PromQL: " : ""}${panel.what}${areLate ? ", late" : ""}`;
        console.log(`${what.padEnd(52)}${await bench.measure(panel, refreshes, areLate)}`);
      }
    }
  } finally {
    await db.close();
    await rm(folder, { recursive: true });
  }
}

const asked = process.argv.find((arg) => arg.startsWith("--refreshes="))?.slice("--refreshes=".length);
const isTiny = process.argv.includes("--tiny");
await main(isTiny, Number(asked ?? (isTiny ? 4 : 24)));
