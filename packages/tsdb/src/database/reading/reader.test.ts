import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import type { SearchRequest } from "../../query/source.ts";
import { testSource } from "../../query/testing/source-suite.ts";
import { type Database, type DatabaseOptions, openDatabase } from "../database.ts";
import { Conversation } from "./asking.ts";
import type { ServedReader } from "./host.ts";
import { connectReader, type Reader } from "./reader.ts";
import { ReadingSource } from "./reading-source.ts";
import { readCursor } from "./testing/found.ts";
import { ended, ReaderThread } from "./testing/reader-thread.ts";

const NOW = Date.UTC(2026, 5, 15, 12);
const ALL: SearchRequest = {
  tenant: DEFAULT_TENANT,
  groups: [[{ label: "__name__", op: "!=", value: "" }]],
  minMs: 0,
  maxMs: Number.MAX_SAFE_INTEGER,
};

async function inFolder(use: (db: Database, folder: string) => Promise<void>, options: DatabaseOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-reading-"));
  const db = await openDatabase(folder, { futureRetentionMs: 1e12, ...options });
  try {
    await use(db, folder);
  } finally {
    for (const thread of threads.splice(0)) await thread.kill();
    await db.close();
    await rm(folder, { recursive: true });
  }
}

/** Those of a test, to be ended with it. */
const threads: ReaderThread[] = [];

function threadOf(db: Database): ReaderThread {
  const thread = new ReaderThread(db);
  threads.push(thread);
  return thread;
}

/** A reader on this thread: the same code, and easier to look at. */
function readerOf(db: Database): { readonly reader: Reader; readonly served: ServedReader } {
  const { port1, port2 } = new MessageChannel();
  const served = db.serveReader(port1);
  return { reader: connectReader(port2), served };
}

/** Waits until something is so: messages take their time. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 1_000, "it does not come to be so");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Files of the folder that are open although they have no name any more. */
async function openWithoutName(folder: string): Promise<string[]> {
  const names = await readdir("/proc/self/fd").catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  return targets.filter((target) => target.startsWith(folder) && target.endsWith("(deleted)"));
}

const rowsOf = (name: string, series: number, samples: number, fromMs = NOW) =>
  Array.from({ length: series }, (_, i) => ({
    labels: { __name__: name, job: `job${i % 3}`, instance: `host${i}` },
    timestamps: Array.from({ length: samples }, (_, k) => fromMs + 15_000 * k),
    values: Float64Array.from({ length: samples }, (_, k) => i + k / 4),
  }));

testSource({
  name: "reader",
  create: async (series) => {
    const folder = await mkdtemp(join(tmpdir(), "nyanza-reading-"));
    const db = await openDatabase(folder);
    for (const { tenant, labels, timestamps, values } of series) {
      await db.append([{ labels, timestamps, values }], tenant);
    }
    const { port1, port2 } = new MessageChannel();
    db.serveReader(port1);
    const source = new ReadingSource(new Conversation(port2), { indexCacheBytes: 1 << 20, partCacheBytes: 1 << 20 });
    const close = async (): Promise<void> => {
      source.close();
      await db.close();
      await rm(folder, { recursive: true });
    };
    return { source, close };
  },
});

test("a worker's queries answer as the database's, from the head, from parts, and from both", async () => {
  await inFolder(async (db) => {
    const thread = threadOf(db);
    const check = async (): Promise<void> => {
      assert.deepEqual(await thread.export(ALL), await readCursor(await db.export(ALL)));
      for (const dialect of ["metricsql", "promql"] as const) {
        const options = { timeMs: NOW + 60_000, nowMs: NOW, dialect };
        const text = "sum by (job) (rate(m[2m]))";
        const own = (await db.query(text, options)).series.map(({ labels, values }) => [
          labels.toString(),
          [...values],
        ]);
        assert.ok(own.length > 0);
        assert.deepEqual(await thread.do({ kind: "query", text, options }), own);
        const range = { startMs: NOW, endMs: NOW + 60_000, stepMs: 15_000, nowMs: NOW, dialect };
        const rows = (await db.queryRange(text, range)).series.map(({ labels, values }) => [
          labels.toString(),
          [...values],
        ]);
        assert.deepEqual(await thread.do({ kind: "queryRange", text, options: range }), rows);
      }
      const { items } = await db.labelValues("instance");
      assert.deepEqual(await thread.do({ kind: "labelValues", label: "instance", options: {} }), items);
    };
    await db.append(rowsOf("m", 50, 10));
    await check();
    await db.flush();
    await check();
    await db.append(rowsOf("m", 70, 10, NOW + 150_000));
    await check();
    await db.append(rowsOf("m", 20, 10, NOW - 40 * 86_400_000));
    await db.merge();
    await check();
    await db.delete({ groups: [[{ label: "job", op: "=", value: "job1" }]] });
    await check();
    await until(() => thread.served.openSnapshots === 0);
  });
});

test("files and memories of readers go with those of the database, at once or with the snapshot that has them", async () => {
  await inFolder(async (db, folder) => {
    const { reader, served } = readerOf(db);
    for (let part = 0; part < 3; part++) {
      await db.append(rowsOf("m", 20, 10, NOW + 1e6 * part));
      await db.flush();
    }
    const cursor = await reader.export(ALL);
    assert.equal(served.openSnapshots, 1);
    const before = reader.stats().openFiles;
    await db.merge();
    // Of another snapshot: both are open.
    const want = await readCursor(await db.export(ALL));
    assert.deepEqual(await readCursor(await reader.export(ALL)), want);
    assert.ok(reader.stats().openFiles > before);
    assert.deepEqual(await readCursor(cursor), want);
    await until(() => served.openSnapshots === 0 && reader.stats().openFiles < before);
    await until(async () => (await openWithoutName(folder)).length === 0);
    // A reader that asks for nothing lets go, too.
    await db.append(rowsOf("m", 20, 10, NOW + 1e7));
    await db.merge();
    await until(async () => (await openWithoutName(folder)).length === 0);
    reader.close();
    await ended(served);
  });
});

test("a file that goes before it is opened costs another try", async () => {
  await inFolder(async (db) => {
    const { reader } = readerOf(db);
    await db.append(rowsOf("m", 20, 10));
    await db.flush();
    await db.append(rowsOf("m", 20, 10, NOW + 1e6));
    const [found] = await Promise.all([
      (async () => {
        await db.flush();
        const answers: unknown[] = [];
        for (let i = 0; i < 50; i++) answers.push(await readCursor(await reader.export(ALL)));
        return answers;
      })(),
      db.merge(),
    ]);
    const want = await readCursor(await db.export(ALL));
    for (const answer of found) assert.deepEqual(answer, want);
    reader.close();
  });
});

test("a thread that is ended in the middle of a query leaves nothing behind", async () => {
  await inFolder(async (db, folder) => {
    const first = threadOf(db);
    const second = threadOf(db);
    await db.append(rowsOf("m", 3_000, 100));
    await db.flush();
    await db.append(rowsOf("m", 3_000, 100, NOW + 1e8));
    await first.do({ kind: "hold", request: ALL });
    const third = threadOf(db);
    void third.start({ kind: "export", request: ALL });
    await until(() => third.served.openSnapshots > 0);
    // While it opens files.
    await third.kill();
    assert.equal(third.served.openSnapshots, 0);
    assert.equal(first.served.openSnapshots, 1);
    const options = { startMs: NOW, endMs: NOW + 1e8, stepMs: 10_000, maxPointsPerSeries: 1e6, nowMs: NOW };
    const running = second.start({ kind: "queryRange", text: "count(rate(m[1d]))", options });
    await until(() => second.served.openSnapshots > 0);
    await Promise.all([first.kill(), second.kill()]);
    void running;
    assert.equal(first.served.openSnapshots, 0);
    assert.equal(second.served.openSnapshots, 0);
    await db.merge();
    await until(async () => (await openWithoutName(folder)).length === 0);
  });
});

test("a query that is cancelled ends, in the worker and here", async () => {
  await inFolder(async (db) => {
    const thread = threadOf(db);
    await db.append(rowsOf("m", 2_000, 200));
    const options = { startMs: NOW, endMs: NOW + 1e8, stepMs: 10_000, maxPointsPerSeries: 1e6, nowMs: NOW };
    const text = "count(rate(m[1d])) + count(rate(m[2d])) + count(rate(m[3d]))";
    for (let round = 0; round < 5; round++) {
      const running = thread.start({ kind: "queryRange", text, options });
      if (round > 0) await until(() => thread.served.openSnapshots > 0);
      running.stop();
      await assert.rejects(running.done, /stopped/);
    }
    await until(() => thread.served.openSnapshots === 0);
    assert.equal((await thread.stats()).openSnapshots, 0);
    assert.equal(Object.keys((await thread.export(ALL)).series).length, 2_000);
  });
});

test("damage that a reader meets is the database's, and the answer is partial", async () => {
  await inFolder(async (db, folder) => {
    await db.append(rowsOf("m", 20, 300));
    await db.flush();
    await db.append(rowsOf("m", 20, 300, NOW + 1e8));
    await db.flush();
    const { reader } = readerOf(db);
    const [month] = await readdir(join(folder, "data"));
    const parts = join(folder, "data", month as string, "parts");
    const path = join(parts, (await readdir(parts)).sort()[0] as string);
    const bytes = await readFile(path);
    // Behind the header there are columns.
    bytes.fill(0x55, 40, 60);
    await writeFile(path, bytes);
    const found = await readCursor(await reader.export(ALL));
    assert.ok(found.isPartial);
    assert.equal(Object.keys(found.series).length, 20);
    await until(() => db.stats().corruptBlocks > 0);
    assert.deepEqual(await readCursor(await db.export(ALL)), found);
    // A file that cannot even be opened any more is left out as well.
    bytes.fill(0x55, bytes.length - 30);
    await writeFile(path, bytes);
    const other = readerOf(db).reader;
    const rest = await readCursor(await other.export(ALL));
    assert.ok(rest.isPartial);
    assert.ok(Object.values(rest.series).every(({ times }) => times.length === 300));
    const { corruptBlocks } = db.stats();
    assert.ok((await readCursor(await other.export(ALL))).isPartial);
    await until(() => db.stats().corruptBlocks > corruptBlocks);
    reader.close();
    other.close();
  });
});

test("rules apply, and the samples they take are counted", async () => {
  await inFolder(
    async (db) => {
      await db.append(rowsOf("m", 5, 100));
      const { reader } = readerOf(db);
      const found = await readCursor(await reader.export(ALL));
      const taken = db.stats().rowsDeduplicatedBySearches;
      assert.deepEqual(found, await readCursor(await db.export(ALL)));
      const own = db.stats().rowsDeduplicatedBySearches - taken;
      assert.ok(own > 0);
      await until(() => db.stats().rowsDeduplicatedBySearches === 2 * own);
      reader.close();
    },
    { dedupIntervalMs: 60_000 },
  );
});

test("a database that is closed is so for its readers, once they have read what they had begun", async () => {
  await inFolder(async (db) => {
    await db.append(rowsOf("m", 5, 100));
    const { reader, served } = readerOf(db);
    const cursor = await reader.export(ALL);
    await db.close();
    await assert.rejects(reader.query("m"), { code: "CLOSED" });
    assert.equal(served.openSnapshots, 1);
    assert.equal(Object.keys((await readCursor(cursor)).series).length, 5);
    await ended(served);
    await assert.rejects(reader.query("m"), { code: "CLOSED" });
    const { port1 } = new MessageChannel();
    assert.throws(() => db.serveReader(port1), { code: "CLOSED" });
    port1.close();
  });
});

test("a database without a folder cannot be served", async () => {
  const db = await openDatabase("", { disk: new MemoryDisk() });
  const { port1 } = new MessageChannel();
  assert.throws(() => db.serveReader(port1), { code: "INPUT", message: /want a database in a folder/ });
  port1.close();
  await db.close();
});
