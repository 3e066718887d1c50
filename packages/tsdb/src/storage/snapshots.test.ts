/** Snapshots: one moment, whole or not at all, and untouched by what the database does afterwards. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import type { Disk } from "../disk/disk.ts";
import { FaultyDisk } from "../disk/faulty-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { SNAPSHOTS_FOLDER } from "./snapshots.ts";
import type { Storage } from "./storage.ts";
import { DAY, type Model, NOW, open, put, readAll, rows, sorted } from "./testing/harness.ts";

/** A disk with the files of one snapshot at its top. */
async function restored(disk: MemoryDisk, name: string): Promise<MemoryDisk> {
  const prefix = `${SNAPSHOTS_FOLDER}/${name}/`;
  const after = new MemoryDisk();
  for (const path of disk.paths()) {
    if (!path.startsWith(prefix)) continue;
    const file = await after.create(path.slice(prefix.length));
    await file.append(disk.bytesOf(path));
    await file.sync();
  }
  return after;
}

async function contentOf(disk: Disk): Promise<unknown[]> {
  const storage = await open(disk);
  const { model, isPartial } = await readAll(storage);
  assert.ok(!isPartial);
  await storage.close();
  return sorted(model);
}

async function fill(storage: Storage, model: Model, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    await storage.append(rows([[`m${i % 5}`, NOW - i * DAY, i]]));
    put(model, `m${i % 5}`, NOW - i * DAY, i);
  }
}

test("a snapshot has every sample acknowledged before it and none later, whatever is merged and removed afterwards", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const model: Model = new Map();
  await fill(storage, model, 0, 20);
  await storage.flush();
  await fill(storage, model, 20, 40);
  const first = await storage.createSnapshot();
  const then = sorted(model);
  await fill(storage, model, 40, 60);
  await storage.merge();
  const second = await storage.createSnapshot();
  assert.match(first, /^20260615120000-[0-9A-F]{8,}$/);
  assert.notEqual(first, second, "two in a second");
  assert.deepEqual(await storage.snapshots.list(), [first, second]);
  assert.deepEqual(await contentOf(await restored(disk, first)), then);
  assert.deepEqual(await contentOf(await restored(disk, second)), sorted(model));
  assert.deepEqual(await contentOf(await restored(disk.crash(), second)), sorted(model), "and after a power cut");

  assert.equal(await storage.snapshots.remove(first), true);
  assert.equal(await storage.snapshots.remove(first), false);
  assert.equal(await storage.snapshots.remove("../data"), false);
  assert.deepEqual(await storage.snapshots.list(), [second]);
  assert.ok(!disk.paths().some((path) => path.includes(first)));
  assert.deepEqual(sorted((await readAll(storage)).model), sorted(model));
  await storage.close();
});

test("an empty database has snapshots, too; without hard links they are copies, and the log says so", async () => {
  const disk = new MemoryDisk();
  disk.hasLinks = false;
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (message: string) => void warnings.push(message), error: () => {} };
  const storage = await open(disk, { logger });
  assert.deepEqual(await contentOf(await restored(disk, await storage.createSnapshot())), []);
  assert.deepEqual(warnings, []);
  const model: Model = new Map();
  await fill(storage, model, 0, 3);
  const name = await storage.createSnapshot();
  assert.match(warnings.join(), /2 files were copied because the file system has no hard links/);
  assert.deepEqual(await contentOf(await restored(disk.crash(), name)), sorted(model));
  await storage.close();
});

test("whichever call fails while snapshots are made and deleted: each is whole or not there, and the database is as it was", async () => {
  for (let failAt = 1; ; failAt++) {
    const disk = new MemoryDisk();
    const faulty = new FaultyDisk(disk, failAt, "ENOSPC", true);
    const model: Model = new Map();
    let made: string | null = null;
    try {
      const storage = await open(faulty);
      await fill(storage, model, 0, 3).catch(() => {});
      made = await storage.createSnapshot().catch(() => null);
      const other = await storage.createSnapshot().catch(() => null);
      if (other !== null) await storage.snapshots.remove(other).catch(() => {});
      await storage.close().catch(() => {});
    } catch {
      // The database could not be opened.
    }
    for (const after of [disk.kill(), disk.crash()]) {
      const storage = await open(after);
      const names = await storage.snapshots.list();
      if (made !== null) assert.ok(names.includes(made), `call ${failAt}: ${made} is gone`);
      await storage.close();
      for (const name of names) {
        const inside = await open(await restored(after, name));
        const { model: found, isPartial } = await readAll(inside);
        assert.ok(!isPartial, `call ${failAt}`);
        for (const [series, samples] of model)
          for (const [ms, bits] of samples) assert.equal(found.get(series)?.get(ms), bits, `call ${failAt}: ${name}`);
        await inside.close();
      }
      const folders = new Set(
        after
          .paths()
          .filter((path) => path.startsWith(SNAPSHOTS_FOLDER))
          .map((path) => path.split("/")[1] as string),
      );
      assert.deepEqual([...folders].sort(), names, `call ${failAt}: half a snapshot was left`);
    }
    if (faulty.calls < failAt) break;
  }
});

test("old snapshots go by themselves when they are told to", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock(NOW);
  const storage = await open(disk, { clock, snapshotsMaxAgeMs: 60_000 });
  const first = await storage.createSnapshot();
  clock.advance(50_000);
  const second = await storage.createSnapshot();
  clock.advance(20_000);
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!(await storage.snapshots.list()).includes(first));
  assert.deepEqual(await storage.snapshots.list(), [second]);
  await storage.close();
});
