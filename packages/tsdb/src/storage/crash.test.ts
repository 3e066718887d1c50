/** Power cuts, kills and failing calls at every single step: what was acknowledged is there afterwards, and nothing that was not sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { Random } from "../base/random.ts";
import type { Disk } from "../disk/disk.ts";
import { FaultyDisk } from "../disk/faulty-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { StorageOptions } from "./options.ts";
import { type Model, NOW, open, put, readAll, rows } from "./testing/harness.ts";

interface Diary {
  readonly sent: Model;
  /** At least this must be there. */
  readonly acknowledged: Model;
}

/** The retention ends a minute before June begins. */
const RETENTION_MS = NOW - Date.UTC(2026, 5) + 60_000;

/** A little of everything, over two months, the first of which goes out of retention on the way. Goes on after every failure. */
async function work(
  disk: Disk,
  { sent, acknowledged }: Diary,
  clock: ManualClock,
  options: Partial<StorageOptions>,
): Promise<void> {
  const storage = await open(disk, options);
  for (let i = 0; i < 8; i++) {
    const ms = i % 3 === 1 && i < 6 ? Date.UTC(2026, 5) - 1000 + i : NOW + i;
    const name = `m${i % 4}`;
    put(sent, name, ms, i);
    await storage.append(rows([[name, ms, i]])).then(
      () => put(acknowledged, name, ms, i),
      () => {},
    );
    if (i === 2) await storage.flush().catch(() => {});
    if (i === 5) await storage.merge().catch(() => {});
    if (i === 6) {
      for (const samples of acknowledged.values())
        for (const ms of samples.keys()) if (ms < Date.UTC(2026, 5)) samples.delete(ms);
      clock.advance(120_000);
    }
  }
  await storage.close().catch(() => {});
}

async function check(
  after: Disk,
  { sent, acknowledged }: Diary,
  options: Partial<StorageOptions>,
  what: string,
): Promise<void> {
  const storage = await open(after, options);
  const { model, isPartial } = await readAll(storage);
  assert.ok(!isPartial, `${what}: partial`);
  for (const [name, samples] of acknowledged) {
    for (const [ms, bits] of samples) assert.equal(model.get(name)?.get(ms), bits, `${what}: ${name} at ${ms}`);
  }
  for (const [name, samples] of model) {
    for (const [ms, bits] of samples)
      assert.equal(sent.get(name)?.get(ms), bits, `${what}: ${name} at ${ms} was never sent`);
  }
  await storage.close();
}

const newDiary = (): Diary => ({ sent: new Map(), acknowledged: new Map() });
const optionsWith = (clock: ManualClock): Partial<StorageOptions> => ({
  clock,
  fsync: "always",
  retentionMs: RETENTION_MS,
});

test("a power cut or a kill before any call of a mixed workload, with fsync always", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock(NOW);
  const diary = newDiary();
  const images: {
    readonly what: string;
    readonly disks: MemoryDisk[];
    readonly nowMs: number;
    readonly acknowledged: Model;
  }[] = [];
  const copy = (model: Model): Model => new Map([...model].map(([name, samples]) => [name, new Map(samples)]));
  // Fails nothing, but sees every call before it is made.
  const watched = new FaultyDisk(disk, (call, what) => {
    const disks = [call % 2 === 0 ? disk.crash() : disk.kill(), disk.crash(new Random(call))];
    images.push({
      what: `before call ${call}, ${what}`,
      disks,
      nowMs: clock.nowMs(),
      acknowledged: copy(diary.acknowledged),
    });
    return false;
  });
  await work(watched, diary, clock, optionsWith(clock));
  assert.ok(images.length > 50, `${images.length} calls`);
  for (const { what, disks, nowMs, acknowledged } of images) {
    const then = optionsWith(new ManualClock(nowMs));
    for (const image of disks) await check(image, { sent: diary.sent, acknowledged }, then, what);
  }
});

test("whichever writing call fails, whole or after half of it, and the power after it: nothing acknowledged is lost", async () => {
  const appends = new Set<number>();
  const watched = new FaultyDisk(new MemoryDisk(), (call, what) => {
    if (what.startsWith("append")) appends.add(call);
    return false;
  });
  const watch = new ManualClock(NOW);
  await work(watched, newDiary(), watch, optionsWith(watch));
  for (let failAt = 1; failAt <= watched.calls; failAt++) {
    for (const isShort of appends.has(failAt) ? [false, true] : [false]) {
      const disk = new MemoryDisk();
      const clock = new ManualClock(NOW);
      const diary = newDiary();
      await work(
        new FaultyDisk(disk, failAt, isShort ? "ENOSPC" : "EIO", isShort),
        diary,
        clock,
        optionsWith(clock),
      ).catch(() => {});
      await check(disk.crash(), diary, optionsWith(clock), `call ${failAt}`);
    }
  }
});

test("a disk that fails from some call on for good: nothing acknowledged is lost, and closing ends", async () => {
  for (let failFrom = 1; ; failFrom += 5) {
    const disk = new MemoryDisk();
    const clock = new ManualClock(NOW);
    const faulty = new FaultyDisk(disk, (call) => call >= failFrom);
    const diary = newDiary();
    await work(faulty, diary, clock, optionsWith(clock)).catch(() => {});
    await check(disk.crash(new Random(failFrom)), diary, optionsWith(clock), `from call ${failFrom}`);
    if (faulty.calls < failFrom) break;
  }
});
