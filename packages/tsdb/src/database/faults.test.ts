/**
 * Every single call of the disk fails once, and from there on until the disk is mended: in a flush, a merge of parts and of index segments,
 * retention, the rotation of the log. The database goes on without a restart once the disk is well, and what a power cut leaves is the same.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { bitsOf, type Point, SERIES } from "./testing/model.ts";
import { START_MS } from "./testing/program.ts";
import { type FailingCalls, FUTURE_MS, World } from "./testing/world.ts";

const DAY = 86_400_000;
const MONTH_AGO = START_MS - 30 * DAY;

const points = (round: number, ms: number): Point[] =>
  SERIES.map((_labels, series) => ({ series, ms: ms + round * 1000, bits: bitsOf(round * 100 + series) }));

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

const WAYS: readonly Pick<FailingCalls, "code" | "when">[] = [
  { code: "EIO", when: "before" },
  { code: "ENOSPC", when: "half" },
  { code: "EIO", when: "after" },
  { code: "EIO", when: "lost" },
];

for (const [name, work] of Object.entries(WORKS)) {
  test(`every call of ${name} fails`, async () => {
    let runs = 0;
    for (const { code, when } of WAYS) {
      for (const count of [1, 1_000_000]) {
        for (let skip = 0; ; skip++) {
          const what = `${code} ${when} call ${skip + 1}${count === 1 ? "" : " and all later ones"}`;
          const settings = { retentionMs: 40 * DAY, headBytes: 1 << 24, fsync: "always" } as const;
          const world = await World.create(settings, new MemoryDisk(), START_MS);
          await prepare(world);
          world.failCalls({ skip, count, kind: "", code, when });
          try {
            await world.attempt(() => work(world));
            const calls = world.failures;
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
            if (calls === 0) break;
          } catch (error) {
            (error as Error).message = `${what}: ${(error as Error).message}`;
            throw error;
          }
        }
      }
    }
    assert.ok(runs > 30, `${runs} calls`);
  });
}
