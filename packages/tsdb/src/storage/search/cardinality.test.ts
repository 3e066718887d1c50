import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import type { Storage } from "../storage.ts";
import { addRow, DAY, NOW, open, rows } from "../testing/harness.ts";
import { type CardinalitySearch, countSeries, searchCardinality } from "./cardinality.ts";
import { TopList } from "./top-list.ts";

type LabelSet = Readonly<Record<string, string>>;
/** Series as text, with the times of their samples. */
type Model = Map<string, { readonly labels: LabelSet; readonly times: number[] }>;

const ALL: CardinalitySearch = {
  tenant: DEFAULT_TENANT,
  groups: [],
  minMs: 0,
  maxMs: Number.MAX_SAFE_INTEGER,
  focusLabel: "instance",
  topN: 1_000,
};

async function ask(storage: Storage, search: CardinalitySearch): Promise<unknown> {
  const snapshot = storage.snapshot(search.minMs, search.maxMs);
  try {
    const found = await searchCardinality(snapshot, search);
    assert.equal(await countSeries(snapshot, search), found.totalSeries);
    return found;
  } finally {
    snapshot.release();
  }
}

/** The answer by looking at every series. */
function count(model: Model, search: CardinalitySearch, mustHave: readonly [string, string] | null): unknown {
  const names = new Map<string, number>();
  const pairs = new Map<string, number>();
  const values = new Map<string, Set<string>>();
  let totalSeries = 0;
  for (const { labels, times } of model.values()) {
    if (mustHave !== null && labels[mustHave[0]] !== mustHave[1]) continue;
    if (!times.some((ms) => ms >= search.minMs && ms <= search.maxMs)) continue;
    totalSeries++;
    for (const [name, value] of Object.entries(labels)) {
      names.set(name, (names.get(name) ?? 0) + 1);
      pairs.set(`${name}=${value}`, (pairs.get(`${name}=${value}`) ?? 0) + 1);
      values.set(name, (values.get(name) ?? new Set()).add(value));
    }
  }
  const top = (counts: Iterable<readonly [string, number]>): unknown =>
    [...counts]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
      .slice(0, search.topN);
  const of = (label: string): unknown =>
    top(
      [...pairs]
        .filter(([pair]) => pair.startsWith(`${label}=`))
        .map(([pair, count]) => [pair.slice(label.length + 1), count] as const),
    );
  return {
    totalSeries,
    totalLabelValuePairs: [...names.values()].reduce((sum, count) => sum + count, 0),
    seriesCountByMetricName: of("__name__"),
    seriesCountByLabelName: top(names),
    seriesCountByFocusLabelValue: of(search.focusLabel),
    seriesCountByLabelValuePair: top(pairs),
    labelValueCountByLabelName: top([...values].map(([name, { size }]) => [name, size] as const)),
  };
}

test("counts are those of a look at every series, wherever the series are", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    let disk = new MemoryDisk();
    let storage = await open(disk);
    const model: Model = new Map();
    const check = async (): Promise<void> => {
      const day = NOW - random.below(70) * DAY;
      const startMs = day - (day % DAY);
      const searches: [CardinalitySearch, readonly [string, string] | null][] = [
        [ALL, null],
        [{ ...ALL, topN: 1 + random.below(4), focusLabel: "job" }, null],
        [{ ...ALL, minMs: startMs, groups: [[{ label: "job", op: "=", value: "job1" }]] }, ["job", "job1"]],
      ];
      for (const [search, mustHave] of searches) {
        assert.deepEqual(await ask(storage, search), count(model, search, mustHave), `seed ${seed}`);
      }
      // Of a day, blocks tell no more than that a series has samples before and after some time of it.
      const search = { ...ALL, minMs: startMs, maxMs: startMs + DAY - 1 };
      const { totalSeries } = (await ask(storage, search)) as { totalSeries: number };
      const { totalSeries: least } = count(model, search, null) as { totalSeries: number };
      const around = [...model.values()].filter(
        ({ times }) => Math.min(...times) <= search.maxMs && Math.max(...times) >= search.minMs,
      );
      assert.ok(totalSeries >= least && totalSeries <= around.length, `seed ${seed}: ${least} ${totalSeries}`);
    };
    for (let step = 0; step < 12; step++) {
      const batch = rows([]);
      for (let i = random.below(40); i >= 0; i--) {
        const labels: Record<string, string> = { __name__: `m${random.below(4)}`, job: `job${random.below(3)}` };
        if (random.chance(0.7)) labels["instance"] = `host${random.below(9)}`;
        const ms = NOW - random.below(70) * DAY;
        addRow(batch, labels, ms, i);
        const key = JSON.stringify(Object.entries(labels));
        const known = model.get(key) ?? { labels, times: [] };
        model.set(key, known);
        known.times.push(ms);
      }
      await storage.append(batch);
      const what = random.below(5);
      if (what === 0) await storage.flush();
      if (what === 1) await storage.merge();
      if (what === 2) {
        disk = disk.kill();
        storage = await open(disk);
      }
      await check();
    }
    await storage.close();
  }
});

test("a search that is no longer wanted ends", async () => {
  const storage = await open(new MemoryDisk());
  await storage.append(rows([["m", NOW, 1]]));
  await storage.flush();
  const stopping = new AbortController();
  stopping.abort(new Error("enough"));
  await assert.rejects(ask(storage, { ...ALL, signal: stopping.signal }), /enough/);
  await storage.close();
});

test("a top list is the head of the sorted whole", () => {
  const random = new Random(3);
  for (let round = 0; round < 100; round++) {
    const entries = Array.from({ length: random.below(50) }, (_, i) => ({ name: `n${i}`, count: random.below(6) }));
    const size = random.below(12);
    const list = new TopList(size);
    for (const { name, count } of entries) list.add(name, count);
    const want = entries
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
    assert.deepEqual(list.sorted(), want.slice(0, size));
  }
});
