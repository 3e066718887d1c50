import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { RetentionClock } from "./retention-clock.ts";
import type { SampleRules } from "./rules/sample-rules.ts";
import { DAY, NOW, open, type Row, readAll, rows, sorted } from "./testing/harness.ts";

const HOUR = 3_600_000;

/** Lets time pass as a running database does, which looks every few seconds. */
function run(clock: ManualClock, retention: RetentionClock, durationMs: number): void {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 60_000) {
    clock.advance(60_000);
    retention.nowMs();
  }
}

test("time for retention", async (t) => {
  const start = (reachedMs: number | null = null): { clock: ManualClock; retention: RetentionClock } => {
    const clock = new ManualClock(NOW);
    return { clock, retention: new RetentionClock(clock, reachedMs) };
  };

  await t.test("is the wall clock's as long as that goes evenly", () => {
    const { clock, retention } = start();
    run(clock, retention, 3 * HOUR);
    assert.equal(retention.nowMs(), NOW + 3 * HOUR);
  });

  await t.test("does not follow a jump forward for an hour", () => {
    const { clock, retention } = start();
    clock.jump(365 * DAY);
    run(clock, retention, HOUR - 60_000);
    assert.equal(retention.nowMs(), NOW + HOUR - 60_000);
    run(clock, retention, 2 * 60_000);
    assert.equal(retention.nowMs(), NOW + 365 * DAY + HOUR + 60_000);
  });

  await t.test("follows a jump back at once, and the way forward again is a jump", () => {
    const { clock, retention } = start();
    clock.jump(-365 * DAY);
    assert.equal(retention.nowMs(), NOW - 365 * DAY);
    clock.jump(365 * DAY);
    assert.equal(retention.nowMs(), NOW - 365 * DAY);
    run(clock, retention, HOUR + 60_000);
    assert.equal(retention.nowMs(), NOW + HOUR + 60_000);
  });

  await t.test("forgets a jump that was taken back", () => {
    const { clock, retention } = start();
    clock.jump(365 * DAY);
    run(clock, retention, HOUR / 2);
    clock.jump(-365 * DAY);
    retention.nowMs();
    clock.jump(365 * DAY);
    run(clock, retention, HOUR / 2);
    assert.equal(retention.nowMs(), NOW + HOUR);
  });

  await t.test("of two jumps believes the smaller one", () => {
    const { clock, retention } = start();
    clock.jump(2 * DAY);
    run(clock, retention, HOUR / 2);
    clock.jump(365 * DAY);
    run(clock, retention, HOUR / 2 + 2 * 60_000);
    assert.equal(retention.nowMs(), NOW + 2 * DAY + HOUR + 2 * 60_000);
  });

  await t.test("goes on after a restart where it was", () => {
    const { clock, retention } = start(NOW - DAY);
    assert.equal(retention.nowMs(), NOW - DAY);
    run(clock, retention, HOUR + 60_000);
    assert.equal(retention.nowMs(), NOW + HOUR + 60_000);
    assert.equal(start(NOW + DAY).retention.nowMs(), NOW);
  });
});

test("a year forward for a while, with a merge and a restart in it, drops nothing that is inside the retention", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock(NOW);
  const options = { clock, retentionMs: 40 * DAY };
  let storage = await open(disk, options);
  await storage.append(rows([["m", NOW - 35 * DAY, 1]]));
  await storage.flush();
  await storage.append(
    rows([
      ["m", NOW - 35 * DAY + 1, 2],
      ["m", NOW, 3],
    ]),
  );
  const before = sorted((await readAll(storage)).model);

  clock.jump(365 * DAY);
  await storage.merge();
  clock.advance(30_000);
  await storage.merge();
  // What arrives with the right time is inside the retention, although the wall clock says otherwise.
  assert.equal((await storage.append(rows([["late", NOW + 1, 4]]))).stored, 1);
  await storage.close();
  storage = await open(disk, options);
  clock.advance(30_000);
  await storage.merge();
  clock.jump(-365 * DAY);
  const { model } = await readAll(storage);
  assert.ok(model.delete("late"));
  assert.deepEqual(sorted(model), before);

  // And what the clock says for an hour is so.
  clock.jump(365 * DAY);
  for (let i = 0; i < 62; i++) clock.advance(60_000);
  await storage.merge();
  assert.equal(storage.describe().partitions, 0);
  await storage.close();
});

test("a year forward changes nothing for good where rules go by age: merges downsample and drop by the time of retention", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock(NOW);
  const groups = [[{ label: "__name__", op: "=", value: "short" } as const]];
  const rules: SampleRules = {
    dedupMs: 0,
    downsampling: [{ groups: null, aggregate: "sum", steps: [{ offsetMs: 60 * DAY, intervalMs: HOUR }] }],
    retentions: [{ groups, retentionMs: 50 * DAY }],
  };
  const options = { clock, retentionMs: 400 * DAY, rules };
  let storage = await open(disk, options);
  const series = ["short", "long"].flatMap((name) =>
    Array.from({ length: 20 }, (_, i): Row => [name, NOW - 40 * DAY + i * 60_000, i]),
  );
  await storage.append(rows(series));
  const before = sorted((await readAll(storage)).model);
  clock.jump(365 * DAY);
  const work = async (): Promise<void> => {
    await storage.merge();
    await storage.applyRules();
    await storage.applyRetention();
  };
  await work();
  for (let i = 0; i < 30; i++) clock.advance(60_000);
  await storage.whenMerged();
  await work();
  await storage.close();
  storage = await open(disk, options);
  await work();
  clock.jump(-365 * DAY);
  assert.deepEqual(sorted((await readAll(storage)).model), before);
  await storage.close();
});
