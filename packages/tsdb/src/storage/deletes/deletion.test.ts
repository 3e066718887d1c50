/** Deletes: what goes, what stays, what comes back when it is written again, and that the disk agrees at every step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import type { Disk } from "../../disk/disk.ts";
import { FaultyDisk } from "../../disk/faulty-disk.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { LABEL_NAMES, searchLabels, searchTexts, valuesOf } from "../search/label-search.ts";
import type { Storage } from "../storage.ts";
import { DAY, type Model, NOW, open, put, type Row, readAll, rows, sorted } from "../testing/harness.ts";

const ALL_TIME = { minMs: 0, maxMs: Number.MAX_SAFE_INTEGER };

async function remove(storage: Storage, name: string, range = ALL_TIME): Promise<number> {
  const groups = [[{ label: "__name__", op: "=~", value: name } as const]];
  return (await storage.deleteSamples({ tenant: DEFAULT_TENANT, groups, ...range })).series;
}

/** The same of a model. */
function removeFrom(model: Model, names: readonly string[], { minMs, maxMs } = ALL_TIME): void {
  for (const name of names) {
    const samples = model.get(name);
    for (const ms of samples?.keys() ?? []) if (ms >= minMs && ms <= maxMs) samples?.delete(ms);
    if (samples?.size === 0) model.delete(name);
  }
}

/** What the three label endpoints say of all time. */
async function labelsOf(storage: Storage): Promise<{ series: string[]; names: string[]; values: string[] }> {
  const snapshot = storage.snapshot(0, NOW + 10 * DAY);
  const search = { tenant: DEFAULT_TENANT, groups: [], minMs: 0, maxMs: NOW + 10 * DAY };
  try {
    return {
      series: (await searchLabels(snapshot, search, 0)).map(({ name }) => name),
      names: [...(await searchTexts(snapshot, search, LABEL_NAMES, 0)).toStrings()].sort(),
      values: [...(await searchTexts(snapshot, search, valuesOf("__name__"), 0)).toStrings()].sort(),
    };
  } finally {
    snapshot.release();
  }
}

async function same(storage: Storage, model: Model, what: string): Promise<void> {
  const { model: found, isPartial } = await readAll(storage);
  assert.deepEqual(sorted(found), sorted(model), what);
  assert.ok(!isPartial, what);
  const { series, names, values } = await labelsOf(storage);
  const wanted = [...model.keys()].sort();
  assert.deepEqual(series, wanted, what);
  assert.deepEqual(values, wanted, what);
  assert.deepEqual(names, wanted.length === 0 ? [] : ["__name__", "job"], what);
}

test("a deleted series is nowhere; written again it has only what was written since, also at the same times", async () => {
  const disk = new MemoryDisk();
  let storage = await open(disk);
  const model: Model = new Map();
  const write = async (entries: readonly Row[]): Promise<void> => {
    await storage.append(rows(entries));
    for (const [name, ms, value] of entries) put(model, name, ms, value);
  };
  await write([["a", NOW - 40 * DAY, 9], ["a", NOW, 9], ["a", NOW + 5, 9], ["b", NOW, 1]]); // biome-ignore format: a line
  assert.equal(await remove(storage, "nothing"), 0);
  await same(storage, model, "nothing deleted");
  const cursor = await storage.search({ tenant: DEFAULT_TENANT, groups: [[{ label: "job", op: "=", value: "test" }]], minMs: 0, maxMs: NOW + DAY }); // biome-ignore format: a line
  assert.equal(await remove(storage, "a"), 2, "once a month");
  removeFrom(model, ["a"]);
  assert.equal((await cursor.next())?.series.length, 2, "a cursor reads what there was when it was opened");
  cursor.close();
  await same(storage, model, "deleted");
  assert.equal(await remove(storage, "a"), 0, "gone is gone");

  await write([["a", NOW, 3]]);
  await same(storage, model, "written again: the smaller value counts, the larger is no more");
  await storage.flush();
  await same(storage, model, "and flushed");
  await storage.close();
  storage = await open(disk);
  await same(storage, model, "and opened again");
  await storage.merge();
  await same(storage, model, "and merged");
  assert.ok(!disk.paths().some((path) => path.endsWith(".del")), "nothing is left to hide");
  await storage.close();
  storage = await open(disk);
  await same(storage, model, "and opened once more");
  await storage.close();
});

test("a delete of a range leaves the rest, to the millisecond, before and after merging", async () => {
  const storage = await open(new MemoryDisk());
  const model: Model = new Map();
  const entries: Row[] = [];
  for (let i = 0; i < 5_000; i++) entries.push([`m${i % 2}`, NOW - i * 1000, i]);
  for (const [name, ms, value] of entries) put(model, name, ms, value);
  await storage.append(rows(entries));
  for (const [minMs, maxMs] of [
    [NOW - 1000_000, NOW - 500_000],
    [NOW - 3000_000, NOW - 3000_000],
    [NOW - 600_000, NOW - 400_001],
    [NOW + 1, NOW + DAY],
  ] as const) {
    await remove(storage, "m0", { minMs, maxMs });
    removeFrom(model, ["m0"], { minMs, maxMs });
    await same(storage, model, `${minMs}`);
  }
  await storage.merge();
  await same(storage, model, "merged");
  await storage.close();
});

test("space comes back: what is wholly deleted goes at once, what is largely deleted is written anew, what is hardly is left", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let i = 0; i < 10; i++) {
    await storage.append(rows(Array.from({ length: 500 }, (_, k) => [`m${i}`, NOW + k, (k * 7919) % 1009])));
  }
  await storage.flush();
  const bytes = storage.describe().partBytes;
  await remove(storage, "m0");
  await storage.whenMerged();
  assert.equal(storage.describe().partBytes, bytes, "a tenth is not worth it");
  await remove(storage, "m[1-4]");
  await storage.whenMerged();
  assert.ok(storage.describe().partBytes < bytes * 0.6);
  assert.ok(!disk.paths().some((path) => path.endsWith(".del")));
  await remove(storage, ".+");
  await storage.whenMerged();
  assert.equal(storage.describe().parts, 0);
  assert.equal(disk.paths().filter((path) => /\.(part|del)$/.test(path)).length, 0);
  assert.deepEqual(await labelsOf(storage), { series: [], names: [], values: [] });
  await storage.close();
});

test("too many series are refused and nothing is deleted; another tenant's are never touched", async () => {
  const storage = await open(new MemoryDisk());
  const other = { accountId: 7, projectId: 0 };
  await storage.append(rows([["a", NOW, 1], ["b", NOW, 1]])); // biome-ignore format: a line
  await storage.append(rows([["a", NOW, 1]], other));
  const groups = [[{ label: "job", op: "=", value: "test" } as const]];
  await assert.rejects(
    storage.deleteSamples({ tenant: DEFAULT_TENANT, groups, ...ALL_TIME, maxSeries: 1 }),
    /matches 2 series in 2026_06 and at most 1 may be deleted/,
  );
  assert.equal((await readAll(storage)).model.size, 2);
  await storage.deleteSamples({ tenant: DEFAULT_TENANT, groups, ...ALL_TIME, maxSeries: 2 });
  assert.equal((await readAll(storage)).model.size, 0);
  await storage.merge();
  assert.equal((await readAll(storage, 0, NOW + DAY, other)).model.size, 1);
  await storage.close();
});

test("whichever call fails while something is deleted, the old is there or the new, and nothing in between", async () => {
  const work = async (disk: Disk): Promise<{ isDone: boolean; failure: string }> => {
    const storage = await open(disk);
    await storage.append(rows([["a", NOW, 1], ["a", NOW - 40 * DAY, 1], ["b", NOW, 2]])); // biome-ignore format: a line
    let failure = "";
    const isDone = await remove(storage, "a").then(
      () => true,
      (error: Error) => {
        failure = error.message;
        return false;
      },
    );
    if (isDone) {
      await storage.append(rows([["a", NOW, 5]])).catch(() => {});
      await storage.merge().catch(() => {});
    }
    const inMemory = (await readAll(storage)).model.get("a");
    if (isDone) assert.equal(inMemory?.get(NOW - 40 * DAY), undefined);
    else assert.equal(inMemory?.size, 2, failure);
    await storage.close().catch(() => {});
    return { isDone, failure };
  };
  for (let failAt = 1; ; failAt++) {
    const disk = new MemoryDisk();
    const faulty = new FaultyDisk(disk, failAt);
    let isDone = false;
    try {
      ({ isDone } = await work(faulty));
    } catch (error) {
      if (!/injected|cannot be written/.test((error as Error).message)) throw error;
      continue; // Opening or the append failed.
    }
    for (const after of [disk.kill(), disk.crash(), disk.crash(new Random(failAt))]) {
      const storage = await open(after);
      const { model, isPartial } = await readAll(storage);
      assert.ok(!isPartial, `call ${failAt}`);
      const a = [...(model.get("a")?.keys() ?? [])].sort();
      assert.equal(model.get("b")?.size, 1, `call ${failAt}`);
      if (isDone) assert.ok(!a.includes(NOW - 40 * DAY), `call ${failAt}: an acknowledged delete was undone`);
      else assert.ok(a.length === 2 || a.length === 0, `call ${failAt}: half a delete`);
      await storage.close();
    }
    if (faulty.calls < failAt) break;
  }
});

test("tombstones that cannot be read make answers partial, and are not forgotten by merging", async () => {
  const disk = new MemoryDisk();
  let storage = await open(disk);
  for (let i = 0; i < 10; i++) await storage.append(rows([[`m${i}`, NOW, 1]]));
  await remove(storage, "m0");
  await storage.close();
  const path = disk.paths().find((name) => name.endsWith(".del")) as string;
  const good = disk.bytesOf(path)[20] as number;
  disk.bytesOf(path)[20] = good ^ 1;
  const errors: string[] = [];
  storage = await open(disk, { logger: { info: () => {}, warn: () => {}, error: (text) => void errors.push(text) } });
  assert.match(errors.join(), /\.del: .*; what it deleted may be in answers, which are marked as partial/);
  const { model, isPartial } = await readAll(storage);
  assert.equal(model.size, 10);
  assert.ok(isPartial);
  assert.ok((await remove(storage, "m1")) === 1);
  await storage.merge();
  await storage.close();
  disk.bytesOf(path)[20] = good;
  storage = await open(disk);
  const mended = await readAll(storage);
  assert.ok(!mended.isPartial);
  assert.deepEqual([...mended.model.keys()].sort(), ["m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"]);
  await storage.close();
});

test("random writes, deletes, flushes, merges and reopenings: the model is right", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const disk = new MemoryDisk();
    let storage = await open(disk);
    const model: Model = new Map();
    for (let step = 0; step < 30; step++) {
      const what = `seed ${seed}, step ${step}`;
      const kind = random.below(10);
      if (kind < 5) {
        const entries: Row[] = Array.from({ length: 1 + random.below(30) }, () => [
          `m${random.below(6)}`,
          NOW - random.below(4) * 15 * DAY - random.below(8),
          random.below(100),
        ]);
        await storage.append(rows(entries));
        for (const [name, ms, value] of entries) put(model, name, ms, value);
      } else if (kind < 8) {
        const from = random.below(6);
        const names = random.chance(0.2) ? [0, 1, 2, 3, 4, 5] : [from, (from + 1) % 6];
        const minMs = random.chance(0.5) ? 0 : NOW - random.below(60) * DAY - random.below(8);
        const range = { minMs, maxMs: random.chance(0.5) ? ALL_TIME.maxMs : minMs + random.below(20) * DAY };
        await remove(storage, `m[${names.join("")}]`, range);
        removeFrom(
          model,
          names.map((name) => `m${name}`),
          range,
        );
      } else if (kind === 8) await (random.chance(0.5) ? storage.flush() : storage.merge());
      else {
        await storage.close();
        storage = await open(disk);
      }
      const { model: found } = await readAll(storage);
      assert.deepEqual(sorted(found), sorted(model), what);
    }
    await storage.merge();
    await same(storage, model, `seed ${seed}`);
    await storage.close();
  }
});
