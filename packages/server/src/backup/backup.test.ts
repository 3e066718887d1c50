/** Backups and restores over a store in memory: incremental, resumable at every step, whole or not there, and every damage found. */
import assert from "node:assert/strict";
import { link, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { lockFolder } from "@nyanza/tsdb";
import fc from "fast-check";
import { backUpFolder, copyBackup, readList } from "./backup.ts";
import {
  type BackupList,
  checksumOf,
  encodeList,
  isSafePath,
  keyOf,
  LIST_KEY,
  parseList,
  pathOfKey,
} from "./backup-list.ts";
import { FolderStore } from "./folder-store.ts";
import { readFiles, silent, transfers, withFolder, writeFiles } from "./folders.test.support.ts";
import { MemoryStore } from "./memory-store.test.support.ts";
import type { ObjectStore } from "./object-store.ts";
import { restoreFolder } from "./restore.ts";
import { verifyBackup } from "./verify.ts";

const MIB = 1 << 20;

/** 20 MiB in three pieces, each of other bytes. */
const LARGE = new Uint8Array(20 * MIB).map((_, i) => (i * 31 + (i >> 15)) & 255);

const FIRST = {
  MANIFEST: "first",
  "data/2026_11/parts/0000000001.part": "one",
  "data/2026_11/parts/0000000002.part": LARGE,
  "data/2026_11/index/0000000003.idx": "three",
};
/** The first part was merged into a fourth. */
const SECOND = {
  MANIFEST: "second",
  "data/2026_11/parts/0000000001.part": null,
  "data/2026_11/parts/0000000004.part": "four",
};
/** What a backup must leave out. */
const NOT_DATA = { "flock.lock": "x", RESERVE: "x", "snapshots/1-A/MANIFEST": "x", "MANIFEST.tmp": "x" };

async function backUp(folder: string, store: ObjectStore, origin: ObjectStore | null = null) {
  return await backUpFolder(folder, store, origin, transfers());
}

async function assertRestores(store: ObjectStore, wanted: string): Promise<void> {
  await withFolder(async (folder) => {
    const { bytes, fetchedBytes } = await restoreFolder(store, folder, transfers());
    assert.equal(fetchedBytes, bytes);
    assert.deepEqual(await readFiles(folder), await dataOf(wanted));
  });
}

async function dataOf(folder: string): Promise<[string, Buffer][]> {
  return (await readFiles(folder)).filter(([path]) => !/^(flock|RESERVE|snapshots|MANIFEST\.tmp)/.test(path));
}

test("a backup has the files of the database; the second one sends what is new and removes what is gone", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, { ...FIRST, ...NOT_DATA });
    const store = new MemoryStore();
    const first = await backUp(folder, store);
    assert.equal(first.files, 4);
    assert.deepEqual([first.sentFiles, first.sentBytes], [4, LARGE.length + 13]);
    assert.deepEqual(store.written.at(-1), LIST_KEY, "the list comes last");
    await assertRestores(store, folder);

    await writeFiles(folder, SECOND);
    store.written.length = 0;
    const second = await backUp(folder, store);
    assert.deepEqual([second.sentFiles, second.sentBytes, second.removedObjects], [2, 10, 2]);
    assert.equal(store.written.length, 3, store.written.join());
    assert.equal(store.objects.size, 5, "four files and the list");
    await assertRestores(store, folder);
    const { sentFiles, removedObjects } = await backUp(folder, store);
    assert.deepEqual([sentFiles, removedObjects], [0, 0], "nothing has changed");
  });
});

test("a file of the same name and size with other bytes is another object, and the former backup needs the former one", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const store = new MemoryStore();
    await backUp(folder, store);
    const keys = new Set(store.objects.keys());
    await writeFiles(folder, { "data/2026_11/parts/0000000001.part": "eno" });
    store.beforeStep = (what) => {
      if (what === `write ${LIST_KEY}`) throw new Error("the network is gone");
    };
    await assert.rejects(backUp(folder, store), /network/);
    for (const key of keys) assert.ok(store.objects.has(key), key);
    assert.deepEqual((await verifyBackup(store, transfers())).damages, []);
    store.beforeStep = () => {};
    const report = await backUp(folder, store);
    assert.deepEqual([report.sentFiles, report.removedObjects], [0, 1], "sent before the network went");
    await assertRestores(store, folder);
  });
});

test("touched files are read, not sent; a clock set back on purpose is what it takes to hide a change", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const store = new MemoryStore();
    await backUp(folder, store);
    await utimes(join(folder, "MANIFEST"), 1, 1);
    assert.equal((await backUp(folder, store)).sentFiles, 0);
  });
});

test("whichever step fails, the former backup stays whole, and the next attempt finishes without sending again what was there", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, { ...FIRST, "data/2026_11/parts/0000000002.part": "two" });
    const former = new MemoryStore();
    await backUp(folder, former);
    const before = await dataOf(folder);
    await writeFiles(folder, { ...SECOND, "data/2026_11/parts/0000000005.part": LARGE.slice(0, 9 * MIB) });
    for (let failAt = 1; ; failAt++) {
      const store = new MemoryStore();
      for (const [key, bytes] of former.objects) store.objects.set(key, bytes);
      let step = 0;
      store.beforeStep = (what) => {
        if (++step === failAt) throw new Error(`fails at ${what}`);
      };
      const failure = await backUp(folder, store).then(
        () => "",
        (error: Error) => error.message,
      );
      if (failure === "") {
        assert.ok(failAt > 8, "saw too few steps");
        break;
      }
      store.beforeStep = () => {};
      const sent = new Set(store.written);
      const isOver = sent.has(LIST_KEY);
      await withFolder(async (target) => {
        await restoreFolder(store, target, transfers());
        assert.deepEqual(await readFiles(target), isOver ? await dataOf(folder) : before, failure);
      });
      store.written.length = 0;
      await backUp(folder, store);
      for (const key of store.written) assert.ok(key === LIST_KEY || !sent.has(key), `${failure}: ${key} sent again`);
      await assertRestores(store, folder);
      assert.equal(store.objects.size, 6, failure);
      assert.equal(store.unfinished.size, 0, failure);
    }
  });
});

test("what the origin has is copied inside the store; a whole backup is, too", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const latest = new MemoryStore("latest");
    await backUp(folder, latest);
    await writeFiles(folder, SECOND);
    const daily = new MemoryStore("daily");
    const report = await backUp(folder, daily, latest);
    assert.deepEqual([report.sentFiles, report.copiedFiles], [2, 2]);
    await assertRestores(daily, folder);

    const copy = new MemoryStore("copy");
    assert.equal((await copyBackup(daily, copy, transfers())).copiedFiles, 4);
    await assertRestores(copy, folder);
    assert.equal((await copyBackup(daily, copy, transfers())).copiedFiles, 0);
    await assert.rejects(copyBackup(new MemoryStore("empty"), copy, transfers()), /no complete backup/);
    await assert.rejects(
      copyBackup(daily, new FolderStore(join(folder, "x")), transfers()),
      /want two places in one store/,
    );
  });
});

test("another backup that removes what this one counts on is noticed before the list is written", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const store = new MemoryStore();
    await backUp(folder, store);
    await writeFiles(folder, SECOND);
    store.beforeStep = (what) => {
      for (const key of store.objects.keys())
        if (key.includes("0003.idx") && what.includes("write")) store.objects.delete(key);
    };
    await assert.rejects(backUp(folder, store), /0003\.idx\S* is missing, want 5: another backup/);
  });
});

test("a flipped bit, a cut object, a lost one: found by verify and by restore, with the object's name; the folder stays shut", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const whole = new MemoryStore();
    await backUp(folder, whole);
    const damages: Record<string, [(store: MemoryStore, key: string) => void, RegExp]> = {
      flip: [
        (store, key) => ((store.objects.get(key) as Uint8Array)[17 * MIB] = 7),
        /0002\.part\S* bytes 16777216 to 20971520 are not/,
      ],
      cut: [(store, key) => store.objects.set(key, LARGE.slice(0, 9 * MIB)), /0002\.part/],
      lose: [(store, key) => store.objects.delete(key), /0002\.part\S* is missing/],
    };
    for (const [what, [damage, message]] of Object.entries(damages)) {
      const store = new MemoryStore();
      for (const [key, bytes] of whole.objects) store.objects.set(key, bytes.slice());
      damage(store, [...store.objects.keys()].find((key) => key.includes("0002.part")) as string);
      const report = await verifyBackup(store, transfers());
      assert.equal(report.damages.length, 1, what);
      assert.match(report.damages[0] as string, /0002\.part/);
      await withFolder(async (target) => {
        await assert.rejects(restoreFolder(store, target, transfers()), message, what);
        const names = await readdir(target);
        assert.ok(names.includes("restore-in-progress") && !names.includes("MANIFEST"), names.join());
        // The next attempt, from a whole backup, fetches what is not there yet and no more.
        const { fetchedBytes } = await restoreFolder(whole, target, transfers());
        if (what !== "lose") assert.ok(fetchedBytes < LARGE.length, `${what}: fetched ${fetchedBytes}`);
        assert.deepEqual(await readFiles(target), await dataOf(folder), what);
      });
    }
  });
});

test("a restore makes a folder equal: keeps what fits, mends what does not, removes the rest, and leaves snapshots alone", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const store = new MemoryStore();
    await backUp(folder, store);
    await withFolder(async (target) => {
      const part = "data/2026_11/parts/0000000002.part";
      const damaged = LARGE.slice();
      damaged[12 * MIB] = 0;
      await writeFiles(target, {
        ...FIRST,
        [part]: damaged,
        "data/2026_10/parts/0000000009.part": "old",
        "wal/0000000001.log": "x",
      });
      await writeFiles(target, { "snapshots/1-A/MANIFEST": "snapshot" });
      await link(join(target, part), join(target, "snapshots/1-A/part"));
      const report = await restoreFolder(store, target, transfers());
      assert.deepEqual([report.keptFiles, report.removedFiles], [2, 2]);
      assert.deepEqual(await dataOf(target), await dataOf(folder));
      assert.ok(damaged.every((byte, i) => byte === (LARGE[i] as number) || i === 12 * MIB));
      assert.deepEqual(
        new Uint8Array(await readFile(join(target, "snapshots/1-A/part"))),
        damaged,
        "the snapshot is as it was",
      );
      store.readBytes = 0;
      assert.equal((await restoreFolder(store, target, transfers())).fetchedBytes, 5, "only the manifest");
    });
  });
});

test("a restore refuses a folder in use and one that is no database, and touches neither", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const store = new MemoryStore();
    await backUp(folder, store);
    const lock = await lockFolder(folder);
    await assert.rejects(restoreFolder(store, folder, transfers()), { code: "LOCKED" });
    await lock.release();
    await withFolder(async (home) => {
      await writeFiles(home, { "letters/1.txt": "dear", data: "mine" });
      await assert.rejects(
        restoreFolder(store, home, transfers()),
        /want an empty folder or a database, found "letters"|found "data"/,
      );
      assert.equal((await readFiles(home)).length, 2);
    });
  });
});

test("without a list: refused, or restored from the objects when they are of one backup", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    const store = new MemoryStore();
    await backUp(folder, store);
    store.objects.delete(LIST_KEY);
    await withFolder(async (target) => {
      await assert.rejects(restoreFolder(store, target, transfers()), /no complete backup/);
      await restoreFolder(store, target, transfers(), { needsList: false });
      assert.deepEqual(await readFiles(target), await dataOf(folder));
      const key = [...store.objects.keys()].find((name) => name.includes("MANIFEST")) as string;
      (store.objects.get(key) as Uint8Array)[0] = 0;
      await assert.rejects(restoreFolder(store, target, transfers(), { needsList: false }), { code: "DAMAGED" });
      store.objects.set(`files/MANIFEST.${"0".repeat(32)}`, new Uint8Array());
      await assert.rejects(restoreFolder(store, target, transfers(), { needsList: false }), /different backups/);
    });
  });
});

test("lists: back and forth; damaged, newer and hostile ones are refused", () => {
  const piece = checksumOf(new Uint8Array());
  const file = { path: "MANIFEST", bytes: 3, mtimeNs: "1", pieces: [piece] };
  const list: BackupList = { createdMs: 5, files: [file] };
  assert.deepEqual(parseList(encodeList(list), "x"), list);
  assert.equal(pathOfKey(keyOf(file)), "MANIFEST");
  assert.equal(pathOfKey(`files/../x.${"0".repeat(32)}`), null);
  const bytes = encodeList(list);
  for (let i = 0; i < bytes.length - 1; i++) {
    const damaged = bytes.slice();
    damaged[i] = (damaged[i] as number) ^ 1;
    assert.throws(() => parseList(damaged, "x"), { code: "STORE" }, `byte ${i}`);
    assert.throws(() => parseList(bytes.subarray(0, i), "x"), { code: "STORE" }, `cut at ${i}`);
  }
  const refused = (value: unknown, why: RegExp): void => {
    const line = JSON.stringify(value);
    assert.throws(() => parseList(Buffer.from(`${line}\n${checksumOf(Buffer.from(line))}\n`), "x"), why, line);
  };
  refused({ format: 2, ...list }, /newer release/);
  refused({ ...list }, /names no format/);
  refused(null, /names no format/);
  refused({ format: 1, createdMs: 1, files: [null] }, /no path/);
  refused({ format: 1, createdMs: 1, files: [file, file] }, /twice/);
  refused({ format: 1, createdMs: 1, files: [{ ...file, bytes: -1 }] }, /no size/);
  refused({ format: 1, createdMs: 1, files: [{ ...file, bytes: 9e15 }] }, /want \d+ pieces/);
  refused({ format: 1, createdMs: 1, files: [{ ...file, pieces: [] }] }, /want 1 pieces/);
  refused({ format: 1, createdMs: 1, files: [{ ...file, pieces: ["x"] }] }, /checksum/);
  for (const path of [
    "../x",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "a\\b",
    "C:x",
    "a\0b",
    ".ssh/x",
    "flock.lock",
    "snapshots/1/MANIFEST",
    "",
    "a/",
    "x.restoring",
    "é",
  ]) {
    refused({ format: 1, createdMs: 1, files: [{ ...file, path }] }, /no path/);
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      if (isSafePath(text)) assert.match(join("/root", text), /^\/root\/[^/]/);
    }),
  );
});

test("transfers: no more at a time than allowed, no faster than allowed, and over when the signal says so", async () => {
  let running = 0;
  let most = 0;
  const work = transfers({ concurrency: 2 });
  await work.each([1, 2, 3, 4, 5], () =>
    work.each([1, 2, 3], () =>
      work.piece(async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      }),
    ),
  );
  assert.equal(most, 2);

  const startMs = performance.now();
  const slow = transfers({ maxBytesPerSecond: 10_000 });
  for (let i = 0; i < 4; i++) await slow.pace(500);
  assert.ok(performance.now() - startMs >= 140, "1,500 bytes paid for at 10,000 a second");

  const stopping = new AbortController();
  const stopped = transfers({ signal: stopping.signal, maxBytesPerSecond: 1 });
  await stopped.pace(1_000_000);
  const waiting = stopped.pace(1);
  stopping.abort(new Error("interrupted"));
  await assert.rejects(waiting, /interrupted/);
  await assert.rejects(
    stopped.each([1], async () => {}),
    /interrupted/,
  );
});

test("progress: bytes, percent, rate and time left, not more often than wanted", async () => {
  const lines: string[] = [];
  let nowMs = 1_000;
  const work = transfers({ now: () => nowMs, logger: { ...silent, info: (line) => void lines.push(line) } });
  work.expect("backed up", 1000 * MIB);
  for (let i = 0; i < 12; i++) {
    nowMs += 1_000;
    work.progressed(10 * MIB);
  }
  assert.deepEqual(lines, [
    "backed up 50.0 MiB of 1000.0 MiB (5%), 10.0 MiB/s, 1m35s left",
    "backed up 100.0 MiB of 1000.0 MiB (10%), 10.0 MiB/s, 1m30s left",
  ]);
});

test("a folder as a store: the same backups and restores, nothing linked, half files swept up", async () => {
  await withFolder(async (folder) => {
    await writeFiles(folder, FIRST);
    await withFolder(async (place) => {
      const store = new FolderStore(join(place, "deep/latest"));
      assert.equal((await backUp(folder, store)).sentFiles, 4);
      await assertRestores(store, folder);
      for (const key of (await store.list()).keys()) {
        assert.equal((await stat(join(place, "deep/latest", key))).nlink, 1, key);
      }
      await writeFiles(folder, SECOND);
      await writeFile(join(place, "deep/latest/files/half.unfinished"), "x");
      const second = await backUp(folder, store);
      assert.deepEqual([second.sentFiles, second.removedObjects], [2, 2]);
      assert.equal((await readFiles(join(place, "deep/latest"))).length, 5);
      const copy = new FolderStore(join(place, "copy"));
      assert.equal((await copyBackup(store, copy, transfers())).copiedFiles, 4);
      await assertRestores(copy, folder);
      assert.equal(await store.readWhole("nothing", 10), null);
      await assert.rejects(store.readWhole(LIST_KEY, 10), { code: "STORE" });
      await assert.rejects(store.read("files/nothing", 0, 1), { code: "STORE" });
      await assert.rejects(store.read(LIST_KEY, 0, 1e6), { code: "STORE" });
      const claim = await store.claim();
      await assert.rejects(backUp(folder, store), { code: "LOCKED" });
      await claim.release();
      assert.equal((await readList(store))?.files.length, 4);
    });
  });
});
