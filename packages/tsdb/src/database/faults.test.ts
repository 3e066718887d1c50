/**
 * Every single call of the disk fails once, and from there on until the disk is mended: in a flush, a merge of parts and of index segments,
 * retention, the rotation of the log. The database goes on without a restart once the disk is well, and what a power cut leaves is the same.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { type Point, SERIES } from "./testing/model.ts";
import { START_MS } from "./testing/program.ts";
import { bitsOf } from "./testing/rule-model.ts";
import { type FailingCalls, FUTURE_MS, type Settings, World } from "./testing/world.ts";

const DAY = 86_400_000;
const MONTH_AGO = START_MS - 30 * DAY;

const points = (round: number, ms: number): Point[] =>
  SERIES.map((_labels, series) => ({ series, ms: ms + round * 1000, bits: bitsOf(round * 100 + series) }));

const SETTINGS: Settings = { retentionMs: 40 * DAY, headBytes: 1 << 24, fsync: "always" };

/** Two months, with as many parts and index segments each as it takes for both to be merged. */
async function prepare(world: World): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await world.write(0, points(round, START_MS).slice(0, 3 + 2 * round));
    await world.write(1, points(round, MONTH_AGO).slice(0, 9 - 2 * round));
    await world.db.flush();
  }
  await world.write(0, points(9, START_MS));
  await world.write(1, points(9, MONTH_AGO));
}

/** What the calls fail in. A work that fails may be tried again. */
const WORKS: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  "a write": async (world) => {
    await world.write(0, points(10, START_MS));
    await world.write(0, points(11, START_MS));
  },
  "a delete": (world) => world.remove(1, [[{ label: "job", op: "=", value: "b" }]], MONTH_AGO, START_MS),
  "a snapshot": (world) => world.takeSnapshot(),
  "a flush": (world) => world.db.flush(),
  "a merge of parts and of index segments": (world) => world.db.merge(),
  "a rotation of the log while writes come in": async (world) => {
    const flushed = world.db.flush();
    const failed = flushed.catch(() => {});
    await world.write(0, points(10, START_MS));
    await world.write(1, points(11, MONTH_AGO));
    await failed;
    await flushed;
  },
  retention: async (world) => {
    world.pass(30 * DAY);
    await world.db.flush();
  },
  "a close": (world) => world.db.close(),
  "a start": (world) => world.reopen("kill", 0),
};

const WAYS: readonly Omit<FailingCalls, "skip">[] = [
  { kind: "", code: "EIO", when: "before", count: 1 },
  { kind: "", code: "ENOSPC", when: "before", count: 1_000_000 },
  { kind: "append", code: "ENOSPC", when: "half", count: 1 },
  { kind: "", code: "EIO", when: "after", count: 1 },
  { kind: "sync", code: "EIO", when: "lost", count: 1 },
];

for (const [name, work] of Object.entries(WORKS)) {
  test(`every call of ${name} fails`, async () => {
    let runs = 0;
    for (const way of WAYS) {
      for (let skip = 0, isLast = false; !isLast; skip++) {
        const world = await World.create(SETTINGS, new MemoryDisk(), START_MS);
        await prepare(world);
        world.failCalls({ ...way, skip });
        try {
          await world.attempt(() => work(world));
          isLast = world.failures === 0;
          if (name !== "a close") {
            await world.searchAll();
            await world.heal();
            await world.write(0, points(12, START_MS - FUTURE_MS));
            await world.db.merge();
            await world.searchAll();
          }
          world.fault = null;
          await world.restart("power", 0);
          await world.searchAll();
          runs++;
        } catch (error) {
          (error as Error).message = `call ${skip + 1} and ${JSON.stringify(way)}: ${(error as Error).message}`;
          throw error;
        }
      }
    }
    assert.ok(runs > 20, `${runs} calls`);
  });
}
