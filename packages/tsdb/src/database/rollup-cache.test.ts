/** What is kept of answers never shows: with and without, whatever has happened meanwhile, they are the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { Random } from "../base/random.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { ROLLUP_SIGHTS } from "../query/cache/functions.ts";
import { type Database, openDatabase } from "./database.ts";
import type { Dialect, QueryRangeOptions } from "./queries.ts";
import { Dashboards, START_MS } from "./testing/dashboards.ts";

const SEED = 20261123;
const RUNS = 6;
const ROUNDS = 20;
const CACHE_BYTES = 4 << 20;
const MINUTE = 60_000;

async function opened(clock: ManualClock, rollupCacheBytes = CACHE_BYTES): Promise<Database> {
  return await openDatabase("", { disk: new MemoryDisk(), clock, rollupCacheBytes });
}

/** Calls of one series' function as they are written. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  duration_over_time: "?, 20",
  hoeffding_bound_lower: "0.6, ?",
  hoeffding_bound_upper: "0.6, ?",
  predict_linear: "?, 60",
  quantile_over_time: "0.3, ?",
};

const METRICSQL = [...ROLLUP_SIGHTS.keys()].flatMap((name) => {
  const args = ARGUMENTS[name] ?? (/_(eq|ne|gt|le)_/.test(name) ? "?, 300" : "?");
  const call = (selector: string): string => `${name}(${args.replace("?", selector)})`;
  return [call("m[1m]"), call("m"), `sum(${call("{job=~'0|1'}[5m]")}) by (job)`, `count(${call("m")})`];
});

const FREQUENT = [
  "m",
  "sum(rate(m[5m])) by (job)",
  "sum by (instance) (rate(m[1m]))",
  "increase(m[2m])",
  "sum(increase(m[5m])) / sum(rate(n[5m]))",
  "avg(m offset 1m)",
  "max_over_time(rate(m[1m])[5m:30s])",
  "delta(m)",
  "changes(n[1m])",
  "topk(2, irate(m))",
  "absent(sum(n))",
];

const PROMQL = [
  "m",
  "rate(m[1m])",
  "sum by (job) (rate(m[5m]))",
  "sum(m)",
  "avg_over_time(m[2m])",
  "count(n)",
  "sum by (job) (increase(m[5m])) / sum by (job) (rate(n[5m]))",
  "max_over_time(rate(m[1m])[5m:30s])",
  "m offset 1m",
  "timestamp(m)",
  "changes(n[2m])",
  "absent(n)",
  "quantile_over_time(0.5, m[1m])",
  "quantile_over_time(1.5, m[1m])",
  "stddev by (job) ({job=~'0|1'})",
  "topk(2, irate(m[2m]))",
  "predict_linear(m[5m], 60)",
  "rate({job='1'}[1m])",
];

interface Sum {
  fullHits: number;
  partialHits: number;
  misses: number;
  points: number;
}

/** One dashboard of panels out of these, looked at so many times. */
async function look(sum: Sum, seed: number, dialect: Dialect, texts: readonly string[]): Promise<void> {
  const clock = new ManualClock(START_MS);
  const db = await opened(clock);
  const dashboards = new Dashboards(new Random(seed), db, clock, db);
  await dashboards.begin(
    texts.map((text) => ({ text, dialect })),
    8,
  );
  for (let i = 0; i < ROUNDS; i++) await dashboards.round();
  const { fullHits, partialHits, misses, bytes } = db.rollupCache;
  assert.ok(bytes <= CACHE_BYTES, `${bytes} bytes`);
  sum.fullHits += fullHits;
  sum.partialHits += partialHits;
  sum.misses += misses;
  sum.points += dashboards.comparedPoints;
  await db.close();
}

for (const [what, dialect, texts] of [
  ["the frequent queries", "metricsql", FREQUENT],
  ["every function whose columns are kept", "metricsql", METRICSQL],
  ["PromQL", "promql", PROMQL],
] as const) {
  test(`answers are the same with what was kept and without, whatever happens: ${what}`, async () => {
    const sum = { fullHits: 0, partialHits: 0, misses: 0, points: 0 };
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => await look(sum, seed, dialect, texts)),
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
    const { fullHits, partialHits, misses, points } = sum;
    assert.ok(points > 1000 * RUNS, `${points} points`);
    // Else it would prove nothing.
    assert.ok(fullHits > RUNS && partialHits > 20 * RUNS && misses > RUNS, JSON.stringify(sum));
  });
}

/** A clock, a database with 30 minutes of two series, every 15 s, and a query of the last 25. */
async function small(cacheBytes = CACHE_BYTES): Promise<Small> {
  const clock = new ManualClock(START_MS);
  const db = await opened(clock, cacheBytes);
  for (const instance of ["a", "b"]) {
    const timestamps = Array.from({ length: 121 }, (_, i) => START_MS - i * 15_000);
    const labels = { __name__: "m", instance };
    await db.append([{ labels, timestamps, values: timestamps.map((ms) => (ms - START_MS + 1e8) / 1000) }]);
  }
  const ask = async (text = "sum(rate(m[1m]))", more: Partial<QueryRangeOptions> = {}): Promise<string> => {
    const before = db.rollupCache;
    const nowMs = clock.nowMs();
    const endMs = Math.floor(nowMs / 15_000) * 15_000;
    await db.queryRange(text, { startMs: endMs - 100 * 15_000, endMs, stepMs: 15_000, nowMs, ...more });
    const { fullHits, partialHits, misses } = db.rollupCache;
    if (fullHits > before.fullHits) return "full";
    if (partialHits > before.partialHits) return "partial";
    return misses > before.misses ? "miss" : "none";
  };
  const append = async (agoMs: number, instance: string, value = 5): Promise<void> => {
    await db.append([{ labels: { __name__: "m", instance }, timestamps: [clock.nowMs() - agoMs], values: [value] }]);
  };
  return { clock, db, ask, append };
}

interface Small {
  readonly clock: ManualClock;
  readonly db: Database;
  /** How it was answered. */
  ask(text?: string, more?: Partial<QueryRangeOptions>): Promise<string>;
  append(agoMs: number, instance: string, value?: number): Promise<void>;
}

test("a leaf is kept when it is asked for the second time, and then only what is new is read", async () => {
  const { clock, db, ask, append } = await small();
  assert.deepEqual([await ask(), await ask(), await ask()], ["miss", "miss", "partial"]);
  clock.advance(20_000);
  await append(5_000, "a");
  await append(5_000, "b");
  assert.equal(await ask(), "partial");
  const past = { startMs: START_MS - 25 * MINUTE, endMs: START_MS - 5 * MINUTE };
  assert.deepEqual([await ask("m", past), await ask("m", past), await ask("m", past)], ["miss", "miss", "full"]);
  assert.equal(await ask("m", { ...past, mayCache: false }), "none");
  db.resetRollupCache();
  assert.equal(db.rollupCache.entries, 0);
  assert.equal(await ask("m", past), "miss");
  await db.close();
});

test("late samples count where they match, and for points behind them", async () => {
  const { clock, db, ask, append } = await small();
  for (let i = 0; i < 3; i++) await ask();
  await append(2 * MINUTE, "c");
  assert.equal(await ask(), "partial");
  // More of the kept points are gone than are worth the trouble.
  await append(24 * MINUTE - 1, "a");
  assert.equal(await ask(), "miss");
  assert.equal(await ask(), "partial");
  // Before anything that is read, or of other series.
  await append(40 * MINUTE, "a");
  await db.append([{ labels: { __name__: "n" }, timestamps: [clock.nowMs() - 24 * MINUTE], values: [1] }]);
  assert.equal(await ask(), "partial");
  await db.delete({ groups: [[{ label: "instance", op: "=", value: "c" }]] });
  assert.equal(await ask(), "miss");
  await db.close();
});

test("what does not fit is not kept", async () => {
  const { db, ask } = await small(1_000);
  assert.deepEqual([await ask("m"), await ask("m"), await ask("m")], ["miss", "miss", "miss"]);
  assert.equal(db.rollupCache.bytes, 0);
  await db.close();
});
