/** Series come and go, epochs end, and what is asked in between, after a crash or later is what was written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { Random } from "../../base/random.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import type { StorageOptions } from "../options.ts";
import type { Storage } from "../storage.ts";
import { type Model, NOW, open, put, type Row, readAll, rows, sorted } from "../testing/harness.ts";

const MINUTE = 60_000;

function optionsOf(clock: ManualClock, messages: string[] = []): Partial<StorageOptions> {
  const note = (message: string): void => {
    messages.push(message);
  };
  return {
    clock,
    headAgeMs: 5 * MINUTE,
    idleSeriesMin: 5,
    logger: { info: note, warn: note, error: note },
  };
}

async function check(storage: Storage, model: Model): Promise<void> {
  const { model: found, isPartial } = await readAll(storage);
  assert.deepEqual(sorted(found), sorted(model));
  assert.equal(isPartial, false);
}

test("appends, queries, flushes and crashes across epochs answer as the model does", async () => {
  let epochs = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const random = new Random(seed);
    const clock = new ManualClock(NOW);
    const messages: string[] = [];
    // Every other time series always take more than they may.
    const options = { ...optionsOf(clock, messages), ...(seed % 2 === 0 ? { seriesBytes: 1 } : {}) };
    let disk = new MemoryDisk();
    let storage = await open(disk, options);
    const model: Model = new Map();
    let youngest = 20;
    const append = async (): Promise<void> => {
      const batch: Row[] = [];
      for (let left = random.below(12); left >= 0; left--) {
        // A window of names that moves on, and now and then one from long ago.
        const name = random.below(8) === 0 ? random.below(youngest) : youngest - random.below(12);
        const row: Row = [`m${name}`, clock.nowMs() - random.below(5 * MINUTE), random.below(1000)];
        batch.push(row);
      }
      await storage.append(rows(batch));
      for (const [name, ms, value] of batch) put(model, name, ms, value);
    };
    for (let step = 0; step < 60; step++) {
      const dice = random.below(10);
      if (dice < 5) await append();
      else if (dice < 6) youngest += random.below(30);
      else if (dice < 7) clock.advance(random.below(20) * MINUTE);
      else if (dice < 9) {
        const flushed = storage.flush();
        // Writers and readers have their turn while the registry is changed.
        for (let left = random.below(4); left > 0; left--) {
          await append();
          if (random.below(2) === 0) await check(storage, model);
          else await new Promise((resolve) => setImmediate(resolve));
        }
        await flushed;
      } else if (random.below(3) === 0) {
        disk = disk.kill();
        storage = await open(disk, options);
      }
      if (step % 7 === 0) await check(storage, model);
    }
    await check(storage, model);
    await storage.close();
    storage = await open(disk, options);
    await check(storage, model);
    await storage.close();
    epochs += messages.filter((message) => message.includes("are forgotten")).length;
    assert.ok(!messages.some((message) => message.includes("tried again")), messages.join("\n"));
  }
  assert.ok(epochs > 20, `${epochs} epochs are too few to prove anything`);
});

test("what is no longer written leaves memory, what is written keeps its series", async () => {
  const clock = new ManualClock(NOW);
  const storage = await open(new MemoryDisk(), optionsOf(clock));
  const model: Model = new Map();
  const write = async (names: readonly string[]): Promise<void> => {
    const batch = names.map((name): Row => [name, clock.nowMs(), 1]);
    await storage.append(rows(batch));
    for (const [name, ms, value] of batch) put(model, name, ms, value);
  };
  const old = Array.from({ length: 50_000 }, (_, i) => `old${i}`);
  const kept = Array.from({ length: 40 }, (_, i) => `kept${i}`);
  await write([...old, ...kept]);
  await storage.flush();
  const full = storage.describe();
  assert.equal(full.headSeries, 50_040);
  for (let i = 0; i < 3; i++) {
    clock.advance(11 * MINUTE);
    await write(kept);
    await storage.flush();
  }
  const later = storage.describe();
  assert.equal(later.headSeries, 40);
  assert.ok(later.registryBytes * 3 < full.registryBytes, `${later.registryBytes} of ${full.registryBytes} bytes`);
  // Known by their bytes as before: nothing is registered anew.
  const { newSeries } = storage.counters;
  await write(kept);
  assert.equal(storage.counters.newSeries, newSeries);
  await write(old.slice(0, 3));
  assert.equal(storage.counters.newSeries, newSeries + 3);
  await check(storage, model);
  assert.equal(storage.describe().indexSeries, 50_040);
  await storage.close();
});

test("series that take more than their share: the oldest are forgotten, and the others stay linked with their parts", async () => {
  const clock = new ManualClock(NOW);
  const options = { ...optionsOf(clock), idleSeriesMin: 1_000_000, seriesBytes: 4 << 20 };
  const storage = await open(new MemoryDisk(), options);
  const model: Model = new Map();
  const write = async (names: readonly string[]): Promise<void> => {
    const batch = names.map((name): Row => [name, clock.nowMs(), 1]);
    await storage.append(rows(batch));
    for (const [name, ms, value] of batch) put(model, name, ms, value);
  };
  const kept = Array.from({ length: 2_000 }, (_, i) => `kept${i}`);
  for (let wave = 0; wave < 20; wave++) {
    clock.advance(1000);
    await write(kept);
    await write(Array.from({ length: 3_000 }, (_, i) => `wave${wave}n${i}`));
    await storage.whenMerged();
    if (wave % 3 === 0) await storage.flush();
    assert.ok(storage.describe().registryBytes < 8 << 20, `${storage.describe().registryBytes} bytes`);
  }
  await storage.flush();
  const { headSeries, linkBytes } = storage.describe();
  assert.ok(headSeries >= 2_000 && headSeries < 40_000, `${headSeries} series`);
  assert.ok(linkBytes > 2_000 * 8, `${linkBytes} bytes of links`);
  // None that is written all the time was ever forgotten.
  const { newSeries } = storage.counters;
  assert.equal(newSeries, 62_000);
  await check(storage, model);
  assert.equal(storage.describe().indexSeries, 62_000);
  await storage.close();
});

test("series that are all written are kept, whatever they take", async () => {
  const clock = new ManualClock(NOW);
  const storage = await open(new MemoryDisk(), { ...optionsOf(clock), seriesBytes: 1 });
  const batch = (): Row[] => Array.from({ length: 500 }, (_, i): Row => [`m${i}`, clock.nowMs(), 1]);
  for (let i = 0; i < 10; i++) {
    clock.advance(1000);
    await storage.append(rows(batch()));
    await storage.flush();
  }
  assert.equal(storage.counters.newSeries, 500);
  assert.equal(storage.describe().headSeries, 500);
  await storage.close();
});
