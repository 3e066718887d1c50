/** Flushes, merges and retention while others read and write, and while the disk fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../base/clock.ts";
import { CorruptionError } from "../base/errors.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { FaultyDisk } from "../disk/faulty-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { LogUnavailableError } from "./log/wal.ts";
import type { SearchCursor } from "./search/search.ts";
import type { Storage } from "./storage.ts";
import { DAY, type Model, NOW, open, put, type Row, readAll, rows, sorted } from "./testing/harness.ts";

/** Lets work that needs no timer go on. */
const settle = async (turns = 50): Promise<void> => {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
};

const searchAll = (storage: Storage): Promise<SearchCursor> =>
  storage.search({
    tenant: DEFAULT_TENANT,
    groups: [[{ label: "job", op: "=", value: "test" }]],
    minMs: 0,
    maxMs: NOW + DAY,
  });

test("appends, flushes and merges all at once: nothing is lost, nothing comes twice", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk, { headBytes: 1 << 18 });
  const model: Model = new Map();
  const work: Promise<unknown>[] = [];
  for (let i = 0; i < 300; i++) {
    const entries: Row[] = Array.from({ length: 20 }, (_, k) => [`m${(i * 7 + k) % 90}`, NOW - i * 1000 - k, i + k]);
    for (const [name, ms, value] of entries) put(model, name, ms, value);
    work.push(storage.append(rows(entries)));
    if (i % 37 === 0) work.push(storage.flush(), storage.flush());
    if (i % 100 === 99) work.push(storage.merge());
    if (i % 20 === 0) {
      await settle(1);
      assert.deepEqual(sorted((await readAll(storage)).model), sorted(model), `after ${i}`);
    }
  }
  await Promise.all(work);
  assert.deepEqual(sorted((await readAll(storage)).model), sorted(model));
  await storage.close();
  const again = await open(disk);
  assert.deepEqual(sorted((await readAll(again)).model), sorted(model));
  await again.close();
});

test("an open cursor reads what there was, whatever is flushed, merged, dropped and written into the same memory meanwhile", async () => {
  const storage = await open(new MemoryDisk());
  await storage.append(rows([["a", NOW, 1]]));
  await storage.flush();
  await storage.append(rows([["b", NOW, 2]]));
  const cursor = await searchAll(storage);
  for (let i = 3; i < 9; i++) {
    await storage.append(
      rows([
        ["b", NOW + i, i],
        ["c", NOW + i, i],
      ]),
    );
    await storage.merge();
  }
  const batch = await cursor.next();
  assert.deepEqual(
    batch?.series.map(({ name }) => name),
    ["a", "b"],
  );
  // What b got later may be seen (its part of the head is shared), what others got may not.
  assert.equal(batch?.timestamps[0], NOW);
  assert.equal(batch?.values[0], 1);
  assert.equal(batch?.values[1], 2);
  assert.equal(await cursor.next(), null);
  await storage.close();
});

test("a cursor that was closed reads nothing any more, also if it was closed while it was loading", async () => {
  const storage = await open(new MemoryDisk());
  await storage.append(rows(Array.from({ length: 600 }, (_, i) => [`m${i}`, NOW, i])));
  const first = await searchAll(storage);
  await first.next();
  first.close();
  assert.equal(await first.next(), null);
  await storage.flush();
  const second = await searchAll(storage);
  const loading = second.next();
  second.close();
  assert.equal(await loading, null);
  await storage.close();
});

test("a log that cannot be written holds up neither a flush nor closing, and what it owes it writes when it can", async () => {
  const disk = new MemoryDisk();
  let isBroken = false;
  const faulty = new FaultyDisk(disk, (_call, what) => isBroken && /(append to|create) wal/.test(what), "ENOSPC", true);
  let storage = await open(faulty);
  await storage.append(rows([["a", NOW, 1]]));
  isBroken = true;
  await assert.rejects(storage.append(rows([["b", NOW, 2]])), LogUnavailableError);
  await assert.rejects(storage.flush(), LogUnavailableError);
  await assert.rejects(storage.flush(), LogUnavailableError, "and again");
  isBroken = false;
  await storage.append(rows([["c", NOW, 3]]));
  await storage.flush();
  assert.equal(storage.describe().headRows, 0, "both generations are in parts");
  isBroken = true;
  await assert.rejects(storage.append(rows([["d", NOW, 4]])), LogUnavailableError);
  await assert.rejects(storage.close(), LogUnavailableError);
  storage = await open(disk.crash());
  const { model } = await readAll(storage);
  assert.deepEqual([...model.keys()].sort(), ["a", "b", "c"]);
  await storage.close();
});

test("mode interval: after a failed sync of the log the samples are put into parts at once", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock(NOW);
  let isBroken = false;
  // The file that failed to sync never reaches the disk, whatever later syncs of it say.
  const faulty = new FaultyDisk(disk, (_call, what) => isBroken && what === "sync wal/0000000001.log");
  const storage = await open(faulty, { fsync: "interval", clock });
  await storage.append(rows([["a", NOW, 1]]));
  isBroken = true;
  clock.advance(1_000);
  await settle();
  await storage.append(rows([["a", NOW + 1, 2]]));
  clock.advance(1_000);
  await settle();
  const after = await open(disk.crash());
  assert.deepEqual([...((await readAll(after)).model.get("a") as Map<number, string>).keys()], [NOW, NOW + 1]);
  await after.close();
  await storage.close();
});

test("mode interval: a failed write does not keep what was written before it from being synced", async () => {
  const disk = new MemoryDisk();
  let isBroken = false;
  const faulty = new FaultyDisk(disk, (_call, what) => isBroken && what.startsWith("append to wal"), "EIO", true);
  const clock = new ManualClock(NOW);
  const storage = await open(faulty, { fsync: "interval", clock });
  await storage.append(rows([["a", NOW, 1]]));
  isBroken = true;
  await assert.rejects(storage.append(rows([["a", NOW + 1, 2]])), LogUnavailableError);
  isBroken = false;
  await storage.append(rows([["a", NOW + 2, 3]]));
  clock.advance(1_000);
  await settle();
  const after = await open(disk.crash());
  assert.deepEqual([...((await readAll(after)).model.get("a") as Map<number, string>).keys()], [NOW, NOW + 1, NOW + 2]);
  await after.close();
  await storage.close();
});

test("a manifest that is in place although replacing it failed names only what is there", async () => {
  for (const work of ["flush", "merge"] as const) {
    const disk = new MemoryDisk();
    let isBroken = false;
    const faulty = new FaultyDisk(disk, (_call, what) => isBroken && what === "sync folder ");
    const storage = await open(faulty);
    const model: Model = new Map();
    const append = async (i: number): Promise<void> => {
      await storage.append(rows([[`m${i}`, NOW + i, i]]));
      put(model, `m${i}`, NOW + i, i);
    };
    for (let i = 0; i < 3; i++) {
      await append(i);
      if (work === "merge") await storage.flush();
    }
    isBroken = true;
    await assert.rejects(storage[work](), { code: "EIO" });
    const check = async (over: MemoryDisk): Promise<void> => {
      const after = await open(over);
      const { model: read, isPartial } = await readAll(after);
      assert.deepEqual(sorted(read), sorted(model));
      assert.ok(!isPartial);
      await after.close();
    };
    await check(disk.kill());
    await check(disk.crash());
    isBroken = false;
    await append(3);
    await storage[work]();
    assert.deepEqual(sorted((await readAll(storage)).model), sorted(model));
    await check(disk.crash());
    await storage.close();
    await check(disk);
  }
});

test("damage that a query finds while its part is being merged costs no other part", async () => {
  const disk = new MemoryDisk();
  const errors: string[] = [];
  const logger = { info: () => {}, warn: () => {}, error: (message: string) => void errors.push(message) };
  const storage = await open(disk, { logger });
  const model: Model = new Map();
  for (let i = 0; i < 9; i++) {
    await storage.append(rows([[`m${i}`, NOW + i, i]]));
    put(model, `m${i}`, NOW + i, i);
    await storage.flush();
  }
  const parts = disk.paths().filter((path) => path.endsWith(".part"));
  const column = disk.bytesOf(parts[0] as string);
  column[17] = (column[17] as number) ^ 1;
  const merging = storage.merge();
  const during = await readAll(storage);
  await merging;
  const check = async (of: Storage): Promise<void> => {
    const { model: read, isPartial } = await readAll(of);
    model.delete("m0");
    assert.deepEqual(sorted(read), sorted(model));
    assert.ok(isPartial, "what was left out is told");
    assert.equal((await readAll(of, NOW + 1)).isPartial, false, "but only to those whom it concerns");
  };
  assert.ok(during.isPartial);
  await check(storage);
  assert.equal(storage.describe().quarantinedParts, 1);
  assert.equal(errors.length, 1, errors.join("\n"));
  await storage.merge();
  assert.equal(storage.describe().parts, 2, "the damaged one and the others");
  await storage.close();
  const again = await open(disk);
  await check(again);
  await again.close();
});

test("labels that could not be looked up make their answer partial", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.append(
    rows([
      ["a", NOW, 1],
      ["a", NOW + DAY, 1],
    ]),
  );
  await storage.flush();
  const [path] = disk.paths().filter((name) => name.endsWith(".part"));
  const bytes = disk.bytesOf(path as string);
  const { pages } = pagesOf(bytes);
  const at = pages[0] as number;
  bytes[at] = (bytes[at] as number) ^ 1;
  const { searchLabels } = await import("./search/label-search.ts");
  const snapshot = storage.snapshot(NOW, NOW);
  await searchLabels(snapshot, { tenant: DEFAULT_TENANT, groups: [], minMs: NOW, maxMs: NOW }, 0);
  assert.ok(snapshot.isPartial);
  snapshot.release();
  await storage.close();
});

/** Where a file's pages start. */
function pagesOf(bytes: Uint8Array): { pages: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = view.getFloat64(bytes.length - 24, true);
  // This part has one index page, right before the directory; its length is the last varint before the checksum.
  const length = bytes[bytes.length - 24 - 5] as number;
  return { pages: [directory - length] };
}

test("months out of retention go, their open readers read on, and a failure is tried again", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock(NOW);
  let isBroken = true;
  const messages: string[] = [];
  const log = (message: string): void => void messages.push(message);
  const faulty = new FaultyDisk(
    disk,
    (_call, what) => isBroken && what === "rename MANIFEST.tmp" && clock.nowMs() > NOW,
  );
  const storage = await open(faulty, {
    clock,
    retentionMs: 14.5 * DAY + 60_000,
    logger: { info: log, warn: log, error: log },
  });
  await storage.append(
    rows([
      ["old", Date.UTC(2026, 5) - 1, 1],
      ["new", NOW, 2],
    ]),
  );
  await storage.flush();
  assert.equal(storage.describe().partitions, 2);
  const cursor = await searchAll(storage);
  clock.advance(60_000);
  await settle();
  assert.ok(
    messages.some((message) => message.includes("injected")),
    messages.join("\n"),
  );
  assert.equal(storage.describe().partitions, 2);
  isBroken = false;
  clock.advance(5_000);
  await settle();
  assert.equal(storage.describe().partitions, 1);
  assert.deepEqual(
    disk.paths().filter((path) => path.includes("2026_05")),
    [],
  );
  assert.deepEqual(
    (await cursor.next())?.series.map(({ name }) => name),
    ["old", "new"],
  );
  cursor.close();
  assert.deepEqual([...(await readAll(storage)).model.keys()], ["new"]);
  await storage.close();
  const again = await open(disk, { clock });
  assert.equal(again.describe().partitions, 1);
  await again.close();
});

test("the head's age counts from its first sample", async () => {
  const clock = new ManualClock(NOW);
  const storage = await open(new MemoryDisk(), { clock });
  clock.advance(3 * 3_600_000);
  await storage.append(rows([["m", NOW, 1]]));
  clock.advance(3_500_000);
  await settle();
  assert.equal(storage.counters.flushes, 0);
  clock.advance(200_000);
  await settle();
  assert.equal(storage.counters.flushes, 1);
  await storage.close();
});

test("data without a manifest is refused, not swept away; strangers' files stay", async () => {
  const disk = new MemoryDisk();
  let storage = await open(disk);
  await storage.append(rows([["m", NOW, 1]]));
  await storage.flush();
  await storage.close();
  for (const path of [
    "data/notes.txt",
    "data/2026_06/parts/README",
    "data/2026_06/parts/9999999999.part",
    "data/1999_01/parts/1",
  ]) {
    await (await disk.create(path)).close();
  }
  storage = await open(disk);
  await storage.close();
  const paths = disk.paths();
  assert.ok(paths.includes("data/notes.txt") && paths.includes("data/2026_06/parts/README"));
  assert.ok(!paths.includes("data/2026_06/parts/9999999999.part") && !paths.includes("data/1999_01/parts/1"));
  await disk.remove("MANIFEST");
  await assert.rejects(
    open(disk),
    (error: Error) => error instanceof CorruptionError && error.message.includes("MANIFEST"),
  );
  assert.deepEqual(
    disk.paths(),
    paths.filter((path) => path !== "MANIFEST"),
  );
});

test("a folder that is being restored is refused until its manifest is there", async () => {
  const disk = new MemoryDisk();
  const marker = await disk.create("restore-in-progress");
  await marker.append(Buffer.from("x"));
  await assert.rejects(open(disk), /restore-in-progress.*a restore into this folder has not finished: run it again/);
});
