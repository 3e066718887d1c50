/** Mode `interval` of the log: when it syncs, and who waits when the disk is slow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import type { AppendFile } from "../../disk/disk.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { WriteAheadLog } from "./wal.ts";
import type { LoggedSamples } from "./wal-record.ts";

const INTERVAL = 1_000;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A disk whose appends and syncs can be held up. */
class SlowDisk extends MemoryDisk {
  appends: Promise<void> = Promise.resolve();
  syncs: Promise<void> = Promise.resolve();
  folderSyncs: Promise<void> = Promise.resolve();
  begun = 0;

  override async create(path: string): Promise<AppendFile> {
    const file = await super.create(path);
    return {
      get bytes() {
        return file.bytes;
      },
      append: async (bytes) => {
        const copy = bytes.slice();
        await this.appends;
        await file.append(copy);
      },
      sync: async () => {
        this.begun++;
        await this.syncs;
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  override async syncFolder(path: string): Promise<void> {
    await this.folderSyncs;
    await super.syncFolder(path);
  }
}

function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}

function begin(): { disk: SlowDisk; clock: ManualClock; log: WriteAheadLog; write: () => Promise<void> } {
  const disk = new SlowDisk();
  const clock = new ManualClock(0);
  const log = new WriteAheadLog(disk, 1, { fsync: "interval", fsyncIntervalMs: INTERVAL, clock });
  const sample: LoggedSamples = {
    seriesCount: 1,
    sampleCount: 1,
    slots: Uint32Array.of(1),
    ends: Uint32Array.of(1),
    timestamps: Float64Array.of(1),
    values: Float64Array.of(1),
  };
  const write = async (): Promise<void> => {
    log.addSamples(1, sample);
    await log.commit();
  };
  return { disk, clock, log, write };
}

test("a sync begins half an interval after the first write that has none, and where nothing is written there is none", async () => {
  const { disk, clock, log, write } = begin();
  clock.advance(10 * INTERVAL);
  assert.equal(disk.begun, 0);
  await write();
  clock.advance(INTERVAL / 4);
  await write();
  clock.advance(INTERVAL / 4 - 1);
  assert.equal(disk.begun, 0);
  clock.advance(1);
  assert.equal(disk.begun, 1);
  await turn();
  clock.advance(10 * INTERVAL);
  assert.equal(disk.begun, 1);
  await write();
  clock.advance(INTERVAL / 2);
  assert.equal(disk.begun, 2);
  await turn();
  await log.close();
  assert.equal(clock.timerCount, 0);
});

test("what is written while a sync is under way gets one of its own, also if nothing is written after it", async () => {
  const { disk, clock, log, write } = begin();
  await write();
  const { closed, open } = gate();
  disk.appends = closed;
  const second = write();
  await turn();
  clock.advance(INTERVAL / 2);
  await turn();
  assert.equal(disk.begun, 1);
  open();
  await second;
  const before = disk.bytesOf("wal/0000000001.log").length;
  assert.ok(disk.crash().bytesOf("wal/0000000001.log").length < before, "the second is not synced yet");
  clock.advance(INTERVAL / 2);
  await turn();
  assert.equal(disk.crash().bytesOf("wal/0000000001.log").length, before);
  await log.close();
});

test("nothing more is acknowledged as long as something acknowledged an interval ago is not synced", async () => {
  const { disk, clock, log, write } = begin();
  await write();
  const { closed, open } = gate();
  disk.syncs = closed;
  clock.advance(INTERVAL / 2);
  clock.advance(INTERVAL / 2 - 1);
  await write();
  clock.advance(1);
  let isAcknowledged = false;
  const late = write().then(() => {
    isAcknowledged = true;
  });
  for (let i = 0; i < 10; i++) await turn();
  assert.equal(isAcknowledged, false);
  open();
  await late;
  await log.close();
});

test("a segment that begins does not wait for the disk, and its first sync makes its name durable", async () => {
  const { disk, clock, log, write } = begin();
  await write();
  clock.advance(INTERVAL / 2);
  for (let i = 0; i < 10; i++) await turn();
  const rotated = log.rotate();
  const { closed, open } = gate();
  disk.folderSyncs = closed;
  await write();
  assert.ok(disk.bytesOf("wal/0000000002.log").length > 0);
  await rotated;
  assert.equal(disk.crash().has("wal/0000000002.log"), false);
  clock.advance(INTERVAL / 2);
  open();
  for (let i = 0; i < 10; i++) await turn();
  assert.equal(disk.crash().bytesOf("wal/0000000002.log").length, disk.bytesOf("wal/0000000002.log").length);
  await log.close();
});
