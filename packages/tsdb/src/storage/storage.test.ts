import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawLabel } from "../base/labels.ts";
import { Random } from "../base/random.ts";
import { DEFAULT_TENANT } from "../base/tenant.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { WriteBatch } from "../ingest/batch.ts";
import { RowBatch } from "../ingest/row-batch.ts";
import { LogUnavailableError } from "./log/wal.ts";
import { ClosedError, type Storage } from "./storage.ts";
import { addRow, DAY, type Model, NOW, open, put, type Row, readAll, rows, sorted } from "./testing/harness.ts";

const found = async (storage: Storage): Promise<unknown[]> => sorted((await readAll(storage)).model);
const ONE_AND_A_HALF = "3ff8000000000000";
const ONE = "3ff0000000000000";

test("a sample is read back from the head, from a part, and after reopening", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  assert.equal((await storage.append(rows([["m", NOW, 1.5]]))).stored, 1);
  const want = [["m", [[NOW, ONE_AND_A_HALF]]]];
  assert.deepEqual(await found(storage), want);
  await storage.flush();
  assert.equal(storage.describe().parts, 1);
  assert.deepEqual(await found(storage), want);
  await storage.close();
  const again = await open(disk);
  assert.deepEqual(await found(again), want);
  await again.close();
});

test("samples out of time and series without labels are counted, their neighbours kept", async () => {
  const storage = await open(new MemoryDisk(), { retentionMs: 30 * DAY });
  const batch = rows([
    ["old", NOW - 31 * DAY, 1],
    ["new", NOW + 3 * DAY, 2],
    ["good", NOW, 3],
  ]);
  batch.beginSeries();
  batch.addLabel("job", "test");
  batch.addLabel("job", "again");
  batch.endLabels();
  batch.addSample(NOW, 4);
  const outcome = await storage.append(batch);
  assert.deepEqual(outcome, {
    stored: 1,
    tooOld: 1,
    tooNew: 1,
    invalidLabels: 1,
    firstInvalid: "duplicate_label_name",
    firstInvalidLabels: '{job="test",job="again"}',
    overLimit: null,
  });
  // The second time, when these bytes are known to be refused, the reason is the same.
  const again = await storage.append(batch);
  assert.equal(again.firstInvalid, "duplicate_label_name");
  assert.equal(again.firstInvalidLabels, outcome.firstInvalidLabels);
  assert.deepEqual([...(await readAll(storage)).model.keys()], ["good"]);
  await storage.close();
});

test("a series without samples does no harm, with labels that name one or not", async () => {
  const storage = await open(new MemoryDisk());
  const label = (name: string): RawLabel => ({ name: Buffer.from(name), value: Buffer.from("test") });
  const labels = [[], [label("__name__"), label("job")], [label("__name__"), label("__name__")], [label("")]];
  const batch: WriteBatch = {
    tenant: DEFAULT_TENANT,
    seriesCount: 4,
    sampleCount: 1,
    hashes: Uint32Array.from({ length: 16 }, (_, i) => i + 1),
    sampleEnds: Uint32Array.of(0, 1, 1, 1),
    timestamps: Float64Array.of(NOW),
    values: Float64Array.of(1),
    readLabels: (i) => labels[i] as RawLabel[],
  };
  for (let again = 0; again < 2; again++) {
    assert.equal((await storage.append(batch)).stored, 1);
    assert.deepEqual(await found(storage), [["test", [[NOW, ONE]]]]);
  }
  await storage.close();
});

test("tenants never see each other's series", async () => {
  const storage = await open(new MemoryDisk());
  const other = { accountId: 7, projectId: 3 };
  await storage.append(rows([["mine", NOW, 1]]));
  await storage.append(
    rows(
      [
        ["theirs", NOW, 2],
        ["mine", NOW, 9],
      ],
      other,
    ),
  );
  const check = async (): Promise<void> => {
    assert.deepEqual(await found(storage), [["mine", [[NOW, ONE]]]]);
    assert.deepEqual([...(await readAll(storage, 0, NOW, other)).model.keys()].sort(), ["mine", "theirs"]);
  };
  await check();
  await storage.merge();
  await check();
  await storage.close();
});

test("labels with NULs in them are not mistaken for others, wherever they are joined", async () => {
  const disk = new MemoryDisk();
  let storage = await open(disk);
  const append = async (ms: number): Promise<void> => {
    const batch = new RowBatch();
    batch.reset(DEFAULT_TENANT);
    addRow(batch, { __name__: "a", job: "test", k: "x\0l\0y" }, ms, 1);
    addRow(batch, { __name__: "b", job: "test", k: "x", l: "y" }, ms, 2);
    addRow(batch, { __name__: "b", job: "test", k: "x\0l\0y" }, ms, 3);
    await storage.append(batch);
  };
  await append(NOW - 40 * DAY);
  await storage.close();
  storage = await open(disk); // No slots link what is in the month to what comes.
  await append(NOW);
  const cursor = await storage.search({
    tenant: DEFAULT_TENANT,
    groups: [[{ label: "job", op: "=", value: "test" }]],
    minMs: 0,
    maxMs: NOW,
  });
  const batch = await cursor.next();
  assert.equal(batch?.series.length, 3);
  assert.deepEqual([...(batch?.ends ?? [])], [2, 4, 6]);
  assert.equal(await cursor.next(), null);
  await storage.close();
});

test("the answer is the model's, whatever the order of writes, flushes, merges and reopenings", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const random = new Random(seed);
    const disk = new MemoryDisk();
    let storage = await open(disk, { headBytes: 1 << 20 });
    const model: Model = new Map();
    for (let step = 0; step < 40; step++) {
      const action = random.below(10);
      if (action < 6) {
        const entries: Row[] = [];
        for (let k = random.below(30); k >= 0; k--) {
          const ms = NOW - random.below(90) * DAY - random.below(50) * 1000;
          entries.push([`m${random.below(12)}`, ms, random.chance(0.2) ? random.next() : random.below(1000)]);
        }
        await storage.append(rows(entries));
        for (const [name, ms, value] of entries) put(model, name, ms, value);
      } else if (action < 8) await storage.flush();
      else if (action === 8) await storage.merge();
      else {
        await storage.close();
        storage = await open(disk, { headBytes: 1 << 20 });
      }
      if (step % 8 === 7) {
        assert.deepEqual(await found(storage), sorted(model), `seed ${seed}, step ${step}`);
        const lo = NOW - random.below(90) * DAY;
        const hi = lo + random.below(40) * DAY;
        const within: Model = new Map();
        for (const [name, samples] of model) {
          const kept = new Map([...samples].filter(([ms]) => ms >= lo && ms <= hi));
          if (kept.size > 0) within.set(name, kept);
        }
        const part = await readAll(storage, lo, hi);
        assert.deepEqual(sorted(part.model), sorted(within), `seed ${seed}, step ${step}, range`);
      }
    }
    await storage.close();
  }
});

test("the first and the last millisecond of months, of time, and of what a month's name can hold", async () => {
  const edges = [
    0,
    1,
    Date.UTC(1970, 1),
    Date.UTC(2000, 1, 29),
    Date.UTC(2026, 0),
    Date.UTC(2026, 5),
    Date.UTC(9999, 11, 31),
    Date.UTC(10_000, 0) - 1,
  ];
  const times = edges.flatMap((ms) => [ms - 1, ms, ms + 1]).filter((ms) => ms >= 0 && ms < Date.UTC(10_000, 0));
  const disk = new MemoryDisk();
  const forever = { retentionMs: Number.POSITIVE_INFINITY, futureRetentionMs: Number.POSITIVE_INFINITY };
  let storage = await open(disk, forever);
  const outcome = await storage.append(rows([-1, Date.UTC(10_000, 0), 2 ** 53, -(2 ** 53)].map((ms) => ["m", ms, 1])));
  assert.deepEqual(
    { ...outcome, firstInvalid: 0 },
    { stored: 0, tooOld: 2, tooNew: 2, invalidLabels: 0, firstInvalid: 0, firstInvalidLabels: "", overLimit: null },
  );
  const model: Model = new Map();
  for (const ms of times) put(model, "m", ms, 1);
  const all = async (): Promise<unknown[]> => sorted((await readAll(storage, 0, Number.MAX_SAFE_INTEGER)).model);
  await storage.append(rows(times.map((ms) => ["m", ms, 1])));
  assert.deepEqual(await all(), sorted(model));
  await storage.merge();
  assert.deepEqual(await all(), sorted(model));
  for (const ms of times) {
    assert.deepEqual([...((await readAll(storage, ms, ms)).model.get("m") ?? [])], [[ms, ONE]], `only ${ms}`);
  }
  await storage.close();
  storage = await open(disk, forever);
  assert.deepEqual(await all(), sorted(model));
  await storage.close();
});

test("-0 ms is 0 ms", async () => {
  const storage = await open(new MemoryDisk(), { retentionMs: Number.POSITIVE_INFINITY });
  const check = async (): Promise<void> => {
    const [ms] = [...((await readAll(storage)).model.get("m") as Map<number, string>).keys()];
    assert.ok(Object.is(ms, 0));
  };
  const batch = rows([["m", 5, 1]]);
  batch.timestamps[0] = -0;
  await storage.append(batch);
  const cursor = await storage.search({
    tenant: DEFAULT_TENANT,
    groups: [[{ label: "job", op: "=", value: "test" }]],
    minMs: 0,
    maxMs: 1,
  });
  assert.ok(Object.is((await cursor.next())?.timestamps[0], 0));
  cursor.close();
  await storage.flush();
  await check();
  await storage.close();
});

test("a closed database says so, to everyone and every time", async () => {
  const storage = await open(new MemoryDisk());
  await storage.append(rows([["m", NOW, 1]]));
  const closing = [storage.close(), storage.close()];
  await assert.rejects(storage.append(rows([["m", NOW, 1]])), LogUnavailableError);
  assert.throws(() => storage.snapshot(0, NOW), ClosedError);
  await assert.rejects(storage.flush(), ClosedError);
  await assert.rejects(storage.merge(), ClosedError);
  await Promise.all(closing);
  await storage.close();
});

test("a log larger than the head is replayed through parts, others have their turn, and a signal ends it", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const random = new Random(5);
  for (let n = 0; n < 400; n++) {
    const batch = rows([]);
    for (let s = 0; s < 50; s++) addRow(batch, { __name__: `m${s}`, job: "test" }, NOW + n, random.below(1e9));
    await storage.append(batch);
  }
  const want = await found(storage);
  const lines: string[] = [];
  const logger = { info: (line: string) => lines.push(line), warn: () => {}, error: () => {} };
  const stopping = new AbortController();
  setImmediate(() => stopping.abort(new Error("no longer wanted")));
  const killed = disk.kill();
  await assert.rejects(open(killed, { signal: stopping.signal, headBytes: 1 << 14 }), /no longer wanted/);
  // Replayed again: what the first attempt has put into parts is not doubled.
  const again = await open(killed, { headBytes: 1 << 14, logger });
  assert.ok(again.describe().parts > 1, `${again.describe().parts} parts`);
  assert.ok(
    lines.some((line) => /^replayed 20000 samples of 50 series from 1 log segments/.test(line)),
    lines.join(),
  );
  assert.deepEqual(await found(again), want);
  await again.close();
});

test("what both generations held is replayed into memory without a part; then it is written out and its memory given back", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let n = 0; n < 200; n++) {
    const batch = rows([]);
    for (let s = 0; s < 50; s++) addRow(batch, { __name__: `m${s}` }, NOW + n, n * s);
    await storage.append(batch);
  }
  const headBytes = Math.ceil(storage.describe().headBytes / 3.5);
  const want = await found(storage);
  const again = await open(disk.kill(), { headBytes });
  assert.equal(again.counters.flushes, 0);
  assert.deepEqual(await found(again), want);
  await again.whenMerged();
  assert.equal(again.counters.flushes, 1, "more than a head may have");
  assert.deepEqual(await found(again), want);
  await again.close();
});
