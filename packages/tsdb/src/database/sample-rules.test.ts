/**
 * Rules in a whole database: what a query answers is what a plain model says, whatever was flushed and merged, in whatever order samples came, and
 * whenever it is asked.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock, type Timer } from "../base/clock.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { Aggregate, SampleRules } from "../storage/rules/sample-rules.ts";
import { searchLabels } from "../storage/search/label-search.ts";
import type { Storage } from "../storage/storage.ts";
import { DAY, NOW, open, type Row, readAll, rows } from "../storage/testing/harness.ts";
import { parseRules } from "./rule-texts.ts";

/** A clock without timers: what the background does, these tests do themselves. */
class StillClock extends ManualClock {
  override setRepeatingTimer(): Timer {
    return { cancel: () => {} };
  }
}

const HOUR = 3_600_000;
const MINUTE = 60_000;
const RETENTION = 300 * DAY;

/** Numbers by time, by series name. */
type Numbers = Map<string, Map<number, number>>;

/** The rules for one series, as a test says them. */
interface Plain {
  readonly retentionMs: number;
  readonly dedupMs: number;
  readonly aggregate: Aggregate;
  readonly steps: readonly (readonly [offsetMs: number, intervalMs: number])[];
}

const groupsOf = (samples: Iterable<[number, number]>, intervalMs: number): Map<number, [number, number][]> => {
  const groups = new Map<number, [number, number][]>();
  for (const sample of samples) {
    const end = Math.ceil(sample[0] / intervalMs) * intervalMs;
    groups.set(end, [...(groups.get(end) ?? []), sample]);
  }
  return groups;
};

const REDUCED: Record<Aggregate, (values: number[]) => number> = {
  last: (values) => values.at(-1) as number,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  sum: (values) => values.reduce((a, b) => a + b, 0),
  avg: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  count: (values) => values.length,
};

/** What a series shows: rules applied to everything that ever came, one after the other. */
function shown(all: ReadonlyMap<number, number>, plain: Plain, nowMs: number): [number, number][] {
  let samples = [...all].sort((a, b) => a[0] - b[0]);
  if (plain.dedupMs > 0)
    samples = [...groupsOf(samples, plain.dedupMs).values()].map((group) => group.at(-1) as [number, number]);
  const oldestMs = nowMs - Math.min(plain.retentionMs, RETENTION);
  let isFirst = true;
  for (const [offsetMs, intervalMs] of plain.steps) {
    const next: [number, number][] = [];
    for (const [end, group] of groupsOf(samples, intervalMs)) {
      if (end > nowMs - offsetMs) {
        next.push(...group);
        continue;
      }
      if (plain.aggregate !== "last" && end - intervalMs + 1 < oldestMs) continue;
      const aggregate = plain.aggregate === "count" && !isFirst ? "sum" : plain.aggregate;
      next.push([(group.at(-1) as [number, number])[0], REDUCED[aggregate](group.map(([, value]) => value))]);
    }
    samples = next;
    isFirst = false;
  }
  return samples.filter(([ms]) => ms >= oldestMs);
}

async function found(storage: Storage, minMs: number, maxMs: number): Promise<Record<string, [number, number][]>> {
  const { model, isPartial } = await readAll(storage, minMs, maxMs);
  assert.equal(isPartial, false);
  const view = new DataView(new ArrayBuffer(8));
  const numbers = (samples: Map<number, string>): [number, number][] =>
    [...samples].map(([ms, bits]) => {
      view.setBigUint64(0, BigInt(`0x${bits}`));
      return [ms, view.getFloat64(0)];
    });
  return Object.fromEntries([...model].sort().map(([name, samples]) => [name, numbers(samples)]));
}

function expected(
  all: Numbers,
  plainOf: (name: string) => Plain,
  nowMs: number,
  minMs: number,
  maxMs: number,
): Record<string, [number, number][]> {
  const answer: Record<string, [number, number][]> = {};
  for (const name of [...all.keys()].sort()) {
    const samples = shown(all.get(name) as Map<number, number>, plainOf(name), nowMs).filter(
      ([ms]) => ms >= minMs && ms <= maxMs,
    );
    if (samples.length > 0) answer[name] = samples;
  }
  return answer;
}

const MONTH_START = Date.UTC(2026, 5, 1);
const NAMES = ["a", "b", "c"];

/** Times on both sides of the start of a month, near each other and near the ends of intervals. */
const times = fc.oneof(
  fc.integer({ min: -400, max: 400 }).map((i) => MONTH_START + i * 7 * MINUTE),
  fc.integer({ min: -30, max: 30 }).map((i) => MONTH_START + i * HOUR),
  fc.integer({ min: -3000, max: 1200 }).map((i) => MONTH_START + i * 17 * MINUTE + 1),
);
const batches = fc.array(fc.tuple(fc.constantFrom(...NAMES), times, fc.integer({ min: -20, max: 20 })), {
  minLength: 1,
  maxLength: 40,
});

type Step =
  | { readonly kind: "append"; readonly entries: readonly Row[] }
  | { readonly kind: "flush" | "merge" | "byRules" | "reopen" }
  | { readonly kind: "wait"; readonly ms: number };

const append: fc.Arbitrary<Step> = batches.map((entries) => ({ kind: "append", entries }));
const work: fc.Arbitrary<Step> = fc.oneof(
  fc.constantFrom<Step>({ kind: "flush" }, { kind: "merge" }, { kind: "byRules" }, { kind: "reopen" }),
  fc.integer({ min: 1, max: 30 * 24 }).map((hours): Step => ({ kind: "wait", ms: hours * HOUR + 12_345 })),
);
const checks = fc.array(fc.tuple(times, times), { minLength: 2, maxLength: 4 });

/** Runs the steps; after each, some ranges must be answered as the model does. */
async function run(
  rules: SampleRules,
  plainOf: (name: string) => Plain,
  steps: readonly Step[],
  ranges: readonly (readonly [number, number])[],
  allowsRepeats: boolean,
): Promise<void> {
  const clock = new StillClock(NOW);
  const disk = new MemoryDisk();
  const options = { clock, rules, retentionMs: RETENTION };
  let storage = await open(disk, options);
  const all: Numbers = new Map();
  for (const step of steps) {
    if (step.kind === "append") {
      const fresh = step.entries.filter(([name, ms, value]) => {
        const known = all.get(name) ?? new Map<number, number>();
        all.set(name, known);
        const before = known.get(ms);
        if (before !== undefined && !allowsRepeats) return false;
        if (before === undefined || value > before) known.set(ms, value);
        return true;
      });
      await storage.append(rows(fresh));
    } else if (step.kind === "flush") await storage.flush();
    else if (step.kind === "merge") await storage.merge();
    else if (step.kind === "wait") clock.advance(step.ms);
    else if (step.kind === "byRules") await storage.applyRules();
    else {
      await storage.close();
      storage = await open(disk, options);
    }
    const nowMs = clock.nowMs();
    for (const [a, b] of [...ranges, [0, NOW + DAY] as const]) {
      const [minMs, maxMs] = [Math.min(a, b), Math.max(a, b)];
      assert.deepEqual(
        await found(storage, minMs, maxMs),
        expected(all, plainOf, nowMs, minMs, maxMs),
        `${step.kind}, ${minMs} to ${maxMs}`,
      );
    }
  }
  await storage.close();
}

const NO_STEPS: Plain = { retentionMs: RETENTION, dedupMs: 0, aggregate: "last", steps: [] };

test("property: deduplication, downsampling to the last and retention, whatever comes when", async () => {
  const texts = {
    dedupMs: 10 * MINUTE,
    downsampling: ["a:1d:1h", "a:20d:6h", "b:0s:0s", "15d:20m"],
    retentionFilters: ["b:20d"],
  };
  const rules = parseRules(texts, RETENTION);
  const base = { ...NO_STEPS, dedupMs: 10 * MINUTE };
  const plain: Record<string, Plain> = {
    a: {
      ...base,
      steps: [
        [DAY, HOUR],
        [20 * DAY, 6 * HOUR],
      ],
    },
    b: { ...base, retentionMs: 20 * DAY },
    c: { ...base, steps: [[15 * DAY, 20 * MINUTE]] },
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(append, work), { maxLength: 14 }), checks, (steps, ranges) =>
      run(rules, (name) => plain[name] as Plain, steps, ranges, true),
    ),
    { numRuns: 60 },
  );
});

for (const aggregate of ["min", "max", "sum", "count"] as const) {
  test(`property: downsampling to the ${aggregate}, samples of new times coming at any time`, async () => {
    const texts = {
      downsampling: [`{__name__!="b"}:1d:1h:${aggregate}`, `{__name__!="b"}:14d:7h:${aggregate}`],
      retentionFilters: ["c:30d"],
    };
    const steps = [
      [DAY, HOUR],
      [14 * DAY, 7 * HOUR],
    ] as const;
    const rules = parseRules(texts, RETENTION);
    const plainOf = (name: string): Plain =>
      name === "b" ? NO_STEPS : { ...NO_STEPS, aggregate, steps, retentionMs: name === "c" ? 30 * DAY : RETENTION };
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(append, work), { maxLength: 14 }), checks, (steps, ranges) =>
        run(rules, plainOf, steps, ranges, false),
      ),
      { numRuns: 40 },
    );
  });
}

test("property: means and aggregates behind deduplication, samples coming before their intervals are old", async () => {
  for (const aggregate of ["avg", "sum", "count"] as const) {
    const texts = { dedupMs: 20 * MINUTE, downsampling: [`20d:1h:${aggregate}`, `30d:6h:${aggregate}`] };
    const steps = [
      [20 * DAY, HOUR],
      [30 * DAY, 6 * HOUR],
    ] as const;
    const plain: Plain = { ...NO_STEPS, dedupMs: 20 * MINUTE, aggregate, steps };
    const rules = parseRules(texts, RETENTION);
    await fc.assert(
      fc.asyncProperty(
        fc.array(append, { minLength: 1, maxLength: 4 }),
        fc.array(work, { maxLength: 10 }),
        checks,
        (first, rest, ranges) => {
          // Times of this test are younger than 20 days at its start.
          const young = first.map((step) =>
            step.kind === "append" ? { ...step, entries: step.entries.filter(([, ms]) => ms > NOW - 19 * DAY) } : step,
          );
          return run(rules, () => plain, [...young, ...rest], ranges, true);
        },
      ),
      { numRuns: 25 },
    );
  }
});

test("rules that change while a database is closed: what was aggregated stays, and counts are not counted again", async () => {
  const disk = new MemoryDisk();
  const clock = new StillClock(NOW);
  const openWith = (...downsampling: string[]): Promise<Storage> =>
    open(disk, { clock, retentionMs: RETENTION, rules: parseRules({ downsampling }, RETENTION) });
  const hour = MONTH_START + 10 * HOUR;
  let storage = await openWith("1d:1h:count");
  await storage.append(rows([1, 2, 3].map((i): Row => ["a", hour + i * MINUTE, 10 * i])));
  await storage.merge();
  const counted = { a: [[hour + 3 * MINUTE, 3]] };
  assert.deepEqual(await found(storage, 0, NOW), counted);
  await storage.close();
  for (const texts of [["2d:1h:count", "4d:2h:count"], ["1d:1h"], ["1d:1h:max"], []]) {
    storage = await openWith(...texts);
    assert.deepEqual(await found(storage, 0, NOW), counted, texts.join());
    await storage.close();
  }
  storage = await openWith("1d:1h:count", "4d:2h:count");
  await storage.append(rows([["a", hour + 90 * MINUTE, 5]]));
  const both = { a: [[hour + 90 * MINUTE, 4]] };
  assert.deepEqual(await found(storage, 0, NOW), both);
  await storage.merge();
  await storage.merge();
  assert.deepEqual(await found(storage, 0, NOW), both);
  await storage.close();
});

test("a part with results that is written anew because of deletes keeps them as results", async () => {
  const rules = parseRules({ downsampling: ["1d:1h:count"] }, RETENTION);
  const storage = await open(new MemoryDisk(), { clock: new StillClock(NOW), retentionMs: RETENTION, rules });
  const hour = MONTH_START + HOUR;
  await storage.append(rows(["a", "b"].flatMap((name) => [0, 1, 2].map((i): Row => [name, hour - i * MINUTE, i]))));
  await storage.merge();
  await storage.append(rows([["a", hour - 5 * MINUTE, 1]]));
  await storage.deleteSamples({
    tenant: DEFAULT_TENANT,
    groups: [[{ label: "__name__", op: "=", value: "b" }]],
    minMs: 0,
    maxMs: NOW,
  });
  await storage.whenMerged();
  assert.equal(storage.counters.merges, 2, "once more, for the delete");
  assert.deepEqual(await found(storage, 0, NOW), { a: [[hour, 4]] });
  await storage.append(rows([["a", hour - 6 * MINUTE, 1]]));
  await storage.merge();
  assert.deepEqual(await found(storage, 0, NOW), { a: [[hour, 5]] });
  await storage.close();
});

test("in the background a month is merged once for each age it passes, and what comes late by itself", async () => {
  const disk = new MemoryDisk();
  const clock = new StillClock(NOW);
  const options = {
    clock,
    retentionMs: RETENTION,
    rules: parseRules({ downsampling: ["10d:1h", "40d:4h"] }, RETENTION),
  };
  let storage = await open(disk, options);
  const may = Date.UTC(2026, 4, 10);
  const entries = Array.from({ length: 2000 }, (_, i): Row => ["a", may + i * MINUTE, Math.sin(i)]);
  await storage.append(rows(entries.slice(0, 1000)));
  await storage.flush();
  await storage.append(rows(entries.slice(1000)));
  await storage.flush();
  assert.equal(storage.describe().partitionsScheduledByRules, 1);
  await storage.applyRules();
  assert.equal(storage.describe().partitionsScheduledByRules, 0);
  assert.deepEqual([storage.counters.merges, storage.describe().partRows], [1, 35]);
  assert.equal(storage.counters.rowsDeduplicatedByMerges, 2000 - 35);
  await storage.applyRules();
  await storage.close();
  storage = await open(disk, options);
  await storage.applyRules();
  assert.equal(storage.counters.merges, 0, "the manifest remembers");
  clock.advance(40 * DAY);
  await storage.applyRules();
  await storage.applyRules();
  assert.deepEqual([storage.counters.merges, storage.describe().partRows], [1, 10]);
  await storage.close();
});

test("series that are out of their retention are not listed", async () => {
  const rules = parseRules({ retentionFilters: ["a:10d"] }, RETENTION);
  const storage = await open(new MemoryDisk(), { retentionMs: RETENTION, rules });
  const names = async (): Promise<string[]> => {
    const search = { tenant: DEFAULT_TENANT, groups: [], minMs: 0, maxMs: NOW };
    const snapshot = storage.snapshot(search.minMs, search.maxMs);
    try {
      return (await searchLabels(snapshot, search, 0)).map(({ name }) => name);
    } finally {
      snapshot.release();
    }
  };
  await storage.append(
    rows([
      ["a", NOW - 12 * DAY, 1],
      ["b", NOW - DAY, 1],
    ]),
  );
  await storage.merge();
  assert.deepEqual(await names(), ["b"], "although the part has nothing that is old");
  await storage.append(rows(NAMES.map((name): Row => [name, NOW - 11 * DAY, 1])));
  assert.deepEqual(await names(), ["b", "c"], "in the head");
  await storage.flush();
  assert.deepEqual(await names(), ["b", "c"]);
  await storage.merge();
  assert.deepEqual(await names(), ["b", "c"]);
  assert.equal(storage.describe().partRows, 3);
  await storage.append(rows([["a", NOW - 9 * DAY, 1]]));
  assert.deepEqual(await names(), NAMES);
  await storage.close();
});

test("retention by size: the oldest months go, then the oldest parts, never those of today", async () => {
  const clock = new StillClock(NOW);
  const lines: string[] = [];
  const logger = { info: (line: string) => lines.push(line), warn: () => {}, error: () => {} };
  const storage = await open(new MemoryDisk(), { clock, retentionMs: RETENTION, maxDiskBytes: 55_000, logger });
  const filled = async (startMs: number): Promise<void> => {
    await storage.append(
      rows(Array.from({ length: 3000 }, (_, i): Row => ["a", startMs + i * 1000, Math.sin(i * startMs)])),
    );
    await storage.flush();
  };
  for (const startMs of [Date.UTC(2026, 3, 3), Date.UTC(2026, 4, 4), NOW - 5 * DAY, NOW - 3 * DAY, NOW])
    await filled(startMs);
  await storage.applyRetention();
  const { partitions, partBytes, indexBytes } = storage.describe();
  assert.equal(partitions, 1);
  assert.ok(partBytes + indexBytes <= 55_000, `${partBytes}`);
  const left = (await found(storage, 0, NOW + DAY))["a"] as [number, number][];
  assert.equal(left[0]?.[0], NOW - 3 * DAY);
  assert.ok(
    lines.some((line) => line.includes("dropped 2026_04")) &&
      lines.some((line) => /dropped .*part.* up to 2026-06-10/.test(line)),
  );
  await filled(NOW + HOUR);
  await filled(NOW + 2 * HOUR);
  await storage.applyRetention();
  assert.equal((await found(storage, 0, NOW + DAY))["a"]?.length, 9000, "today's stay");
  assert.ok(storage.counters.bytesDroppedBySize > 50_000);
  await storage.close();
});
