import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { Random } from "../../base/random.ts";
import { HEADER_BYTES, NewerFormatError, OlderFormatError } from "../../codec/pages.ts";
import { FaultyDisk } from "../../disk/faulty-disk.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { bitsOf } from "../testing/harness.ts";
import { type FsyncMode, LogUnavailableError, nextSegmentNumber, replayLog, WriteAheadLog } from "./wal.ts";
import type { LoggedSamples, LogRecord } from "./wal-record.ts";

const options = (fsync: FsyncMode = "always", clock = new ManualClock(0)) => ({ fsync, fsyncIntervalMs: 1000, clock });
const FIRST = "wal/0000000001.log";

function sample(i: number): LoggedSamples {
  return {
    seriesCount: 1,
    sampleCount: 1,
    slots: Uint32Array.of(i),
    ends: Uint32Array.of(1),
    timestamps: Float64Array.of(1000 + i),
    values: Float64Array.of(i / 3),
  };
}

/** What a record says, in one line. */
function describe(record: LogRecord): string {
  if (record.type === "series") {
    return `${record.epoch} series ${Buffer.from(record.definitions).toString("hex")}`;
  }
  const { slots, ends, timestamps, values, sampleCount } = record.samples;
  const bits = Array.from({ length: sampleCount }, (_, i) => bitsOf(values, i));
  return `${record.epoch} samples ${slots} ${ends} ${timestamps} ${bits}`;
}

async function replay(
  disk: MemoryDisk,
  floor = 1,
): Promise<{
  records: string[];
  warnings: string[];
  errors: string[];
  bytesLost: number;
  corruptRecords: number;
  nextSegment: number;
}> {
  const records: string[] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  const report = await replayLog(disk, floor, (record) => void records.push(describe(record)), {
    warn: (message) => void warnings.push(message),
    error: (message) => void errors.push(message),
  });
  assert.equal(report.records, records.length);
  const { bytesLost, corruptRecords } = report;
  assert.equal(errors.length, corruptRecords, "every damage is told");
  return { records, warnings, errors, bytesLost, corruptRecords, nextSegment: await nextSegmentNumber(disk, floor) };
}

/** A log of one segment that was completed; also says where each record ends, the one of the end aside. */
async function writeLog(): Promise<{ disk: MemoryDisk; records: string[]; ends: number[] }> {
  const disk = new MemoryDisk();
  const log = new WriteAheadLog(disk, 1, options());
  const ends: number[] = [];
  log.addDefinitions(7, new Uint8Array(43).fill(255));
  for (let i = 0; i < 6; i++) {
    log.addSamples(7, sample(i));
    await log.commit();
    ends.push(disk.bytesOf(FIRST).length);
  }
  await log.close();
  const { records, bytesLost } = await replay(disk.kill());
  assert.equal(records.length, 7);
  assert.equal(bytesLost, 0);
  return { disk, records, ends };
}

test("records come back in order, over segments, from the floor on", async () => {
  const disk = new MemoryDisk();
  const log = new WriteAheadLog(disk, 1, options());
  const want: string[] = [];
  for (let i = 0; i < 9; i++) {
    log.addSamples(1, sample(i));
    await log.commit();
    want.push(`1 samples ${i} 1 ${1000 + i} ${bitsOf(sample(i).values, 0)}`);
    if (i % 3 === 2) {
      const rotated = log.rotate();
      await log.commit();
      assert.equal(await rotated, 2 + Math.floor(i / 3));
    }
  }
  await log.close();
  assert.deepEqual((await replay(disk)).records, want);
  assert.deepEqual((await replay(disk, 2)).records, want.slice(3));
  await log.removeBelow(3);
  assert.deepEqual((await replay(disk)).records, want.slice(6));
  assert.equal((await replay(disk)).nextSegment, 4);
  assert.equal((await replay(new MemoryDisk(), 5)).nextSegment, 5);
});

test("cut anywhere, a segment gives the records before the cut and nothing else", async () => {
  const { disk, records, ends } = await writeLog();
  const seriesEnd = HEADER_BYTES + new DataView(disk.bytesOf(FIRST).slice().buffer).getUint32(HEADER_BYTES, true);
  const recordEnds = [seriesEnd, ...ends];
  const bytes = disk.bytesOf(FIRST).slice();
  for (let cut = 0; cut <= bytes.length; cut++) {
    const torn = new MemoryDisk();
    await (await torn.create(FIRST)).append(bytes.subarray(0, cut));
    const whole = recordEnds.filter((end) => end <= cut).length;
    const { records: found, bytesLost, errors, warnings } = await replay(torn);
    assert.deepEqual(found, records.slice(0, whole), `cut at ${cut}`);
    const goodBytes =
      cut === bytes.length
        ? cut
        : whole === 0
          ? cut < HEADER_BYTES
            ? 0
            : HEADER_BYTES
          : (recordEnds[whole - 1] as number);
    assert.equal(bytesLost, cut - goodBytes);
    assert.deepEqual(errors, [], "a tail is no damage");
    if (cut >= HEADER_BYTES) {
      assert.equal(warnings.length, bytesLost > 0 ? 1 : 0);
      assert.equal(torn.bytesOf(FIRST).length, goodBytes, "what is cut off is cut off");
    }
  }
});

test("zeros at the end, as some file systems leave them, are no records", async () => {
  const { disk, records, ends } = await writeLog();
  const torn = new MemoryDisk();
  const file = await torn.create(FIRST);
  await file.append(disk.bytesOf(FIRST).slice(0, ends[ends.length - 1]));
  await file.append(new Uint8Array(4096));
  const { records: found, errors } = await replay(torn);
  assert.deepEqual(found, records);
  assert.deepEqual(errors, []);
  const empty = new MemoryDisk();
  await (await empty.create(FIRST)).append(new Uint8Array(4096));
  const { records: none, bytesLost } = await replay(empty);
  assert.deepEqual(none, []);
  assert.equal(bytesLost, 4096);
});

test("a flipped bit costs its record and no other, is counted and told", async () => {
  const { disk, records, ends } = await writeLog();
  const sealed = disk.bytesOf(FIRST).slice();
  const seriesEnd = HEADER_BYTES + new DataView(sealed.buffer).getUint32(HEADER_BYTES, true);
  const recordEnds = [seriesEnd, ...ends];
  const open = sealed.slice(0, ends[ends.length - 1]);
  for (const good of [sealed, open]) {
    for (let bit = HEADER_BYTES * 8; bit < good.length * 8; bit += 3) {
      const spoilt = good.slice();
      spoilt[bit >> 3] = (spoilt[bit >> 3] as number) ^ (1 << (bit & 7));
      const damaged = new MemoryDisk();
      await (await damaged.create(FIRST)).append(spoilt);
      const hit = recordEnds.findIndex((end) => end > bit >> 3);
      const { records: found, bytesLost, warnings, corruptRecords } = await replay(damaged);
      assert.deepEqual(
        found,
        records.filter((_, i) => i !== hit),
        `bit ${bit}`,
      );
      assert.ok(bytesLost > 0);
      // Of the last thing in a segment nobody knows whether it was ever whole.
      const isLast = hit < 0 || (good === open && hit === recordEnds.length - 1);
      assert.deepEqual([warnings.length, corruptRecords], isLast ? [1, 0] : [0, 1], `bit ${bit}`);
      assert.equal(damaged.bytesOf(FIRST).length === good.length, !isLast, "what is damaged stays to be looked at");
    }
  }
});

test("a bad tail is damage if the segment after it was completed; a stretch that is gone is damage, too", async () => {
  const disk = new MemoryDisk();
  const log = new WriteAheadLog(disk, 1, options());
  for (let i = 0; i < 6; i++) {
    log.addSamples(1, sample(i));
    await log.commit();
    if (i === 2) {
      const rotated = log.rotate();
      await log.commit();
      await rotated;
    }
  }
  const before = disk.kill();
  await log.close();
  for (const [image, corrupt] of [
    [before, 0],
    [disk.kill(), 1],
  ] as const) {
    const { length } = image.bytesOf(FIRST);
    await image.truncate(FIRST, length - 40);
    const { records, corruptRecords, warnings } = await replay(image);
    assert.equal(records.length, 5);
    assert.deepEqual([corruptRecords, warnings.length], [corrupt, 1 - corrupt]);
    const again = await replay(image);
    assert.deepEqual([again.records.length, again.corruptRecords], [5, corrupt]);
  }
  const bytes = disk.bytesOf(FIRST);
  bytes.fill(0, HEADER_BYTES);
  assert.equal((await replay(disk)).corruptRecords, 1);
});

test("a record inside a record is none: what senders wrote is never taken for the log's own", async () => {
  const disk = new MemoryDisk();
  const log = new WriteAheadLog(disk, 1, options());
  // The bytes of a segment, as the key of a series in another.
  const inner = (await writeLog()).disk.bytesOf(FIRST).slice(HEADER_BYTES);
  for (let shift = 0; shift < 8; shift++) {
    const key = new Uint8Array(shift + inner.length);
    key.set(inner, shift);
    log.addDefinitions(1, key);
  }
  log.addSamples(1, sample(5));
  await log.commit();
  await log.close();
  const bytes = disk.bytesOf(FIRST);
  for (let at = HEADER_BYTES, i = 0; i < 8; i++) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
    bytes[at + 12] = 99;
    at += length;
  }
  const { records, corruptRecords } = await replay(disk);
  assert.deepEqual(records.length, 1);
  assert.equal(corruptRecords, 1);
});

test("a damaged header costs no record; a newer and an older format are refused by name", async () => {
  const { disk, records } = await writeLog();
  for (const at of [0, 7, 12, 15]) {
    const damaged = disk.kill();
    const bytes = damaged.bytesOf(FIRST);
    bytes[at] = (bytes[at] as number) ^ 4;
    const { records: found, bytesLost, warnings } = await replay(damaged);
    assert.deepEqual(found, records);
    assert.equal(bytesLost, HEADER_BYTES);
    assert.equal(warnings.length, 1);
  }
  disk.bytesOf(FIRST)[8] = 99;
  await assert.rejects(
    replay(disk),
    (error: Error) => error instanceof NewerFormatError && error.message.includes(FIRST),
  );
  disk.bytesOf(FIRST)[8] = 1;
  await assert.rejects(
    replay(disk),
    (error: Error) =>
      error instanceof OlderFormatError && /written in format 1 by an earlier release/.test(error.message),
  );
});

test("group commit: those who wait together are written and synced together", async () => {
  const disk = new MemoryDisk();
  const log = new WriteAheadLog(disk, 1, options());
  const commits: Promise<void>[] = [];
  for (let i = 0; i < 100; i++) {
    log.addSamples(1, sample(i));
    commits.push(log.commit());
  }
  await Promise.all(commits);
  assert.equal(log.counters.writes, 1);
  assert.equal(log.counters.syncs, 1);
  assert.equal((await replay(disk.crash())).records.length, 100);
  await log.close();
});

test("what a failed write did not write goes to a new segment, before anything newer", async () => {
  for (let failAt = 1; failAt <= 12; failAt++) {
    for (const isShort of [false, true]) {
      const disk = new MemoryDisk();
      const log = new WriteAheadLog(new FaultyDisk(disk, failAt, "EIO", isShort), 1, options());
      let failures = 0;
      for (let i = 0; i < 5; i++) {
        log.addSamples(1, sample(i));
        await log.commit().catch((error: Error) => {
          assert.ok(error instanceof LogUnavailableError);
          failures++;
        });
      }
      await log.close();
      assert.ok(failures <= 1);
      const { records } = await replay(disk.crash());
      // A record may be there twice: once behind a sync that failed although it did its work.
      const slots = records.map((record) => Number(record.split(" ")[2]));
      assert.deepEqual([...new Set(slots)], [0, 1, 2, 3, 4], `call ${failAt}`);
      assert.deepEqual(
        slots,
        [...slots].sort((a, b) => a - b),
      );
    }
  }
});

test("modes interval and never acknowledge before the disk has it; interval syncs in time", async () => {
  for (const mode of ["interval", "never"] as const) {
    const disk = new MemoryDisk();
    const clock = new ManualClock(0);
    const log = new WriteAheadLog(disk, 1, options(mode, clock));
    log.addSamples(1, sample(0));
    await log.commit();
    assert.equal((await replay(disk.crash())).records.length, 0);
    assert.equal((await replay(disk.kill())).records.length, 1);
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await replay(disk.crash())).records.length, mode === "interval" ? 1 : 0);
    await log.close();
    assert.equal(clock.timerCount, 0);
  }
});

test("a log that cannot be written takes no more than it may", async () => {
  const log = new WriteAheadLog(new FaultyDisk(new MemoryDisk(), () => true, "ENOSPC"), 1, options());
  const large: LoggedSamples = {
    seriesCount: 1,
    sampleCount: 1 << 21,
    slots: Uint32Array.of(1),
    ends: Uint32Array.of(1 << 21),
    timestamps: new Float64Array(1 << 21),
    values: new Float64Array(1 << 21),
  };
  let taken = 0;
  await assert.rejects(async () => {
    for (; taken < 8; taken++) {
      log.checkRoom();
      log.addSamples(1, large);
      await log.commit().catch(() => {});
    }
  }, LogUnavailableError);
  assert.ok(taken >= 3 && taken <= 4, `${taken}`);
  await assert.rejects(log.close(), LogUnavailableError);
});

test("a random log on a random disk: replay after a crash gives the acknowledged, in order", async () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = new Random(seed);
    const disk = new MemoryDisk();
    const log = new WriteAheadLog(
      new FaultyDisk(disk, () => random.chance(0.1), "EIO", random.chance(0.5)),
      1,
      options(),
    );
    const acknowledged: number[] = [];
    for (let i = 0; i < 30; i++) {
      log.addSamples(1, sample(i));
      if (random.chance(0.2)) void log.rotate();
      await log.commit().then(
        () => acknowledged.push(i),
        () => {},
      );
    }
    const slots = (await replay(disk.crash(random))).records.map((record) => Number(record.split(" ")[2]));
    for (const slot of acknowledged) assert.ok(slots.includes(slot), `seed ${seed}: ${slot}`);
    assert.deepEqual(
      slots,
      [...slots].sort((a, b) => a - b),
    );
    await log.close().catch(() => {});
  }
});
