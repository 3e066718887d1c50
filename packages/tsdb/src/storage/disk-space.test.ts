import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { FaultyDisk } from "../disk/faulty-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { DiskSpace, isNoSpace, RESERVE_FILE, ReadOnlyError, SPACE_CHECK_MS } from "./disk-space.ts";
import { LogUnavailableError } from "./log/wal.ts";
import { addRow, NOW, open, readAll, rows } from "./testing/harness.ts";

const KB = 1 << 10;
const MB = 1 << 20;
const LIMIT = 4 * MB;
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** Takes everything on the disk but so many bytes, as a stranger's file would. */
async function fill(disk: MemoryDisk, freeBytes: number): Promise<void> {
  await disk.remove("stranger");
  const { freeBytes: all } = await disk.space();
  const file = await disk.create("stranger");
  await file.append(new Uint8Array(all - freeBytes));
}

/** Lets looks and flushes that a timer began come to their end. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

function small(capacityBytes: number): MemoryDisk {
  const disk = new MemoryDisk();
  disk.capacityBytes = capacityBytes;
  return disk;
}

test("below the limit appends are refused and reading goes on; with room they are taken again by themselves", async () => {
  const disk = small(20 * MB);
  const clock = new ManualClock(NOW);
  const storage = await open(disk, { clock, minFreeDiskBytes: LIMIT });
  await storage.append(rows([["m", NOW, 1]]));
  await fill(disk, LIMIT - 1);
  clock.advance(SPACE_CHECK_MS);
  await settle();
  assert.equal(storage.describe().isReadOnly, true);
  await assert.rejects(storage.append(rows([["m", NOW + 1, 2]])), ReadOnlyError);
  assert.equal((await readAll(storage)).model.get("m")?.size, 1);
  // The log has been cut: its samples are in a part.
  assert.equal(storage.describe().parts, 1);

  await disk.remove("stranger");
  clock.advance(SPACE_CHECK_MS);
  await settle();
  assert.equal(storage.describe().isReadOnly, false);
  await storage.append(rows([["m", NOW + 1, 2]]));
  assert.equal((await readAll(storage)).model.get("m")?.size, 2);
  await storage.close();
});

test("the reserve is laid when room is short, given up for a flush on a full disk, and laid anew", async () => {
  const disk = small(20 * MB);
  const clock = new ManualClock(NOW);
  const storage = await open(disk, { clock, minFreeDiskBytes: LIMIT });
  assert.equal(disk.bytesOf(RESERVE_FILE).length, LIMIT / 2);
  for (let i = 0; i < 1000; i++) await storage.append(rows([["m", NOW + i, i]]));
  await fill(disk, 0);
  clock.advance(SPACE_CHECK_MS);
  await settle();
  assert.equal(storage.describe().isReadOnly, true);
  assert.equal(disk.paths().includes(RESERVE_FILE), false);
  assert.equal(storage.describe().parts, 1, "the head was flushed into the reserve's room");
  assert.equal(storage.describe().headRows, 0);

  // Room for the limit but not for the reserve with it is not enough, or the two states would take turns.
  await fill(disk, LIMIT + MB);
  clock.advance(SPACE_CHECK_MS);
  await settle();
  assert.equal(storage.describe().isReadOnly, true);
  await disk.remove("stranger");
  clock.advance(SPACE_CHECK_MS);
  await settle();
  assert.equal(storage.describe().isReadOnly, false);
  assert.equal(disk.bytesOf(RESERVE_FILE).length, LIMIT / 2);
  await storage.close();
});

test("a disk that is full between two looks: nothing acknowledged is lost, nothing crashes, a restart on it reads", async () => {
  const disk = small(64 * KB);
  const clock = new ManualClock(NOW);
  const acknowledged = new Set<number>();
  let storage = await open(disk, { clock, minFreeDiskBytes: 4 * KB });
  let refused: unknown = null;
  for (let i = 0; i < 10_000 && refused === null; i++) {
    const batch = rows([]);
    for (let s = 0; s < 10; s++) addRow(batch, { __name__: `m${i}_${s}`, job: "test" }, NOW, Math.random());
    await storage.append(batch).then(
      () => acknowledged.add(i),
      (error: unknown) => {
        refused = error;
      },
    );
  }
  assert.ok(refused instanceof LogUnavailableError, String(refused));
  assert.ok(isNoSpace(refused));
  assert.equal(storage.describe().isReadOnly, true);
  await settle();
  const check = async (): Promise<void> => {
    const { model } = await readAll(storage);
    for (const i of acknowledged) for (let s = 0; s < 10; s++) assert.equal(model.get(`m${i}_${s}`)?.size, 1);
  };
  await check();
  await fill(disk, 0).catch(() => {});
  // What was not acknowledged may still wait for the log.
  await storage.close().catch((error: unknown) => assert.ok(isNoSpace(error), String(error)));

  storage = await open(disk.kill(), { clock, minFreeDiskBytes: 4 * KB });
  await check();
  await storage.close();
});

test("opened on a disk without room for the manifest: read-only, and writable once there is room", async () => {
  const disk = small(20 * MB);
  const clock = new ManualClock(NOW);
  let storage = await open(disk, { clock, minFreeDiskBytes: LIMIT });
  await storage.append(rows([["m", NOW, 1]]));
  const killed = disk.kill();
  killed.capacityBytes = disk.capacityBytes;
  await killed.remove(RESERVE_FILE);
  await fill(killed, 0);
  storage = await open(killed, { clock, minFreeDiskBytes: LIMIT });
  assert.equal((await readAll(storage)).model.get("m")?.size, 1);
  await assert.rejects(storage.append(rows([["m", NOW + 1, 2]])), ReadOnlyError);
  await killed.remove("stranger");
  clock.advance(SPACE_CHECK_MS);
  await settle();
  await storage.append(rows([["m", NOW + 1, 2]]));
  const again = await open(killed.kill(), { clock });
  assert.equal((await readAll(again)).model.get("m")?.size, 2);
  await again.close();
});

test("without a limit nothing is laid by, and a database that cannot begin says so", async () => {
  const disk = small(64 * KB);
  const storage = await open(disk);
  assert.deepEqual(disk.paths(), ["MANIFEST"]);
  await storage.close();
  const full = new FaultyDisk(new MemoryDisk(), (_call, what) => what.startsWith("append"), "ENOSPC");
  await assert.rejects(
    open(full),
    /no room on the disk to begin a database: .*ENOSPC.*-storage\.minFreeDiskSpaceBytes/,
  );
});

test("without a limit a database on a full disk is read, and takes samples once there is room", async () => {
  const disk = small(20 * MB);
  const clock = new ManualClock(NOW);
  let storage = await open(disk, { clock });
  await storage.append(rows([["m", NOW, 1]]));
  const killed = disk.kill();
  killed.capacityBytes = disk.capacityBytes;
  await fill(killed, 0);
  storage = await open(killed, { clock });
  assert.equal((await readAll(storage)).model.get("m")?.size, 1);
  await assert.rejects(storage.append(rows([["m", NOW + 1, 2]])), ReadOnlyError);
  clock.advance(5_000);
  await settle();
  assert.equal(storage.describe().isReadOnly, true);
  await killed.remove("stranger");
  clock.advance(5_000);
  await settle();
  await storage.append(rows([["m", NOW + 1, 2]]));
  const again = await open(killed.kill(), { clock });
  assert.equal((await readAll(again)).model.get("m")?.size, 2);
  await again.close();
});

test("merges leave half of what is kept free alone", async () => {
  const space = new DiskSpace({
    disk: small(10 * MB),
    limitBytes: 4 * MB,
    logger: quiet,
    onReadOnly: () => {},
    beforeWritable: async () => {},
  });
  await space.begin();
  // 10 MB less the reserve of 2 MB, which the first look has laid after it had looked.
  await space.look();
  assert.equal(space.hasRoomFor(6 * MB), true);
  assert.equal(space.hasRoomFor(6 * MB + 1), false);
});
