import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { type Model, NOW, open, put, type Row, readAll, rows, sorted } from "../testing/harness.ts";

/** More than a cursor reads labels of at a time. */
const MANY = 9_000;

const manyRows = (from: number, to: number, ms: number): Row[] =>
  Array.from({ length: to - from }, (_, i) => [`m${from + i}`, ms, from + i]);

test("of many series, in the head, in parts and in both, each comes once with all its samples", async () => {
  const disk = new MemoryDisk();
  let storage = await open(disk);
  const model: Model = new Map();
  const append = async (from: number, to: number, ms: number): Promise<void> => {
    const some = manyRows(from, to, ms);
    for (const [name, at, value] of some) put(model, name, at, value);
    await storage.append(rows(some));
  };
  await append(0, 6_000, NOW);
  await storage.flush();
  await append(3_000, MANY, NOW + 1_000);
  await storage.flush();
  await append(5_000, MANY + 1_000, NOW + 2_000);
  assert.deepEqual(sorted((await readAll(storage)).model), sorted(model));
  // What is in parts has no slots yet, what is written again may be the same series.
  await storage.close();
  storage = await open(disk);
  await append(0, MANY, NOW + 3_000);
  assert.deepEqual(sorted((await readAll(storage)).model), sorted(model));
  await storage.close();
});

test("a cursor over many series that is closed early, while it loads or not, comes to its end", async () => {
  const storage = await open(new MemoryDisk());
  await storage.append(rows(manyRows(0, MANY, NOW)));
  await storage.flush();
  const search = {
    tenant: DEFAULT_TENANT,
    groups: [[{ label: "job", op: "=", value: "test" }]],
    minMs: 0,
    maxMs: NOW,
  } as const;
  for (const batches of [0, 1, 15, 16, 17, 18]) {
    const cursor = await storage.search(search);
    assert.equal(cursor.seriesCount, MANY);
    for (let i = 0; i < batches; i++) await cursor.next();
    const loading = cursor.next();
    cursor.close();
    await loading;
    while ((await cursor.next()) !== null);
  }
  const stopping = new AbortController();
  const cursor = await storage.search({ ...search, signal: stopping.signal });
  await cursor.next();
  stopping.abort(new Error("enough"));
  await assert.rejects(cursor.next(), /enough/);
  cursor.close();
  await storage.close();
});
