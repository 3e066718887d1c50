/**
 * One flipped bit anywhere in a database: whoever reads it is told, or gets the same values as before. Never other values, never an error nobody
 * foresaw, and what does not depend on the bit is served.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptionError } from "../../base/errors.ts";
import { Random } from "../../base/random.ts";
import { NewerFormatError } from "../../codec/pages.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { MANIFEST_FILE, readManifest } from "../manifest.ts";
import type { Storage } from "../storage.ts";
import { DAY, type Model, NOW, open, put, type Row, readAll, rows } from "../testing/harness.ts";

/** Two months with two parts and index segments each, and a log. */
async function makeDatabase(): Promise<{ disk: MemoryDisk; model: Model }> {
  const disk = new MemoryDisk();
  const model: Model = new Map();
  const storage = await open(disk);
  for (let round = 0; round < 3; round++) {
    const entries: Row[] = [];
    for (let i = 0; i < 120; i++) entries.push([`m${round}${i % 8}`, NOW - (i % 2) * 20 * DAY + i * 1000, i / 7]);
    await storage.append(rows(entries));
    for (const [name, ms, value] of entries) put(model, name, ms, value);
    if (round < 2) await storage.flush();
  }
  const image = disk.kill(); // The log still holds the last round.
  await storage.close();
  return { disk: image, model };
}

type Verdict = "refused" | "partial" | "log cut" | "identical";

async function judge(disk: MemoryDisk, model: Model, where: string, mustMerge = false): Promise<Verdict> {
  const told: string[] = [];
  const tell = (message: string): void => void told.push(message);
  let storage: Storage;
  try {
    storage = await open(disk, { logger: { info: () => {}, warn: tell, error: tell } });
  } catch (error) {
    assert.ok(
      error instanceof CorruptionError || error instanceof NewerFormatError,
      `${where}: ${(error as Error).stack}`,
    );
    assert.match(error.message, /MANIFEST|\.part|\.idx|\.log|folder/, where);
    return "refused";
  }
  const { model: found, isPartial } = await readAll(storage);
  let missing = 0;
  for (const [name, samples] of found) {
    for (const [ms, bits] of samples) assert.equal(bits, model.get(name)?.get(ms), `${where}: ${name} at ${ms}`);
  }
  for (const [name, samples] of model) missing += samples.size - (found.get(name)?.size ?? 0);
  const isLogCut = storage.counters.walBytesLost > 0;
  if (missing > 0) assert.ok(isPartial || isLogCut, `${where}: ${missing} samples are missing and nobody said so`);
  if (isPartial || isLogCut) assert.ok(told.length > 0, `${where}: not logged`);
  if (isPartial && !isLogCut) {
    assert.ok(missing < 250, `${where}: ${missing} samples lost`);
  }
  if (isPartial && !isLogCut && mustMerge) {
    // Merging makes it neither worse nor silent.
    await storage.merge();
    const after = await readAll(storage);
    assert.ok(after.isPartial, `${where}: forgotten by a merge`);
    for (const [name, samples] of found)
      assert.equal(after.model.get(name)?.size, samples.size, `${where}: merging lost ${name}`);
  }
  await storage.close();
  return isPartial ? "partial" : isLogCut ? "log cut" : "identical";
}

test("a flipped bit is told or changes nothing", async () => {
  const { disk, model } = await makeDatabase();
  assert.equal(await judge(disk.kill(), model, "untouched"), "identical");
  const random = new Random(4);
  const kinds = new Map<string, Map<Verdict, number>>();
  const paths = disk.paths();
  assert.deepEqual([...new Set(paths.map((path) => path.split(".")[1] ?? path))].sort(), [
    MANIFEST_FILE,
    "idx",
    "log",
    "part",
  ]);
  for (const path of paths) {
    const { length } = disk.bytesOf(path);
    // The file's two ends by bytes, where header and tail are; the rest here and there.
    const places = [
      ...Array.from({ length: 16 }, (_, i) => i),
      ...Array.from({ length: 6 }, (_, i) => length - 1 - 4 * i),
    ];
    for (let i = 0; i < 8; i++) places.push(random.below(length));
    for (const at of places) {
      const damaged = disk.kill();
      const bytes = damaged.bytesOf(path);
      const bit = random.below(8);
      bytes[at] = (bytes[at] as number) ^ (1 << bit);
      const verdict = await judge(damaged, model, `${path}, byte ${at}, bit ${bit}`, at % 5 === 0);
      const kind = path.split(".")[1] ?? path;
      const verdicts = kinds.get(kind) ?? new Map<Verdict, number>();
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      kinds.set(kind, verdicts);
    }
  }
  const of = (kind: string): string[] => [...(kinds.get(kind) as Map<Verdict, number>).keys()].sort();
  assert.deepEqual(
    of("part"),
    ["partial", "refused"],
    "every bit of a part counts; a version from the future is refused",
  );
  // Hashes of keys and filters are read when a series comes that is not linked yet: see index/segment.test.ts.
  assert.deepEqual(of("idx"), ["identical", "partial", "refused"]);
  assert.deepEqual(of("log"), ["log cut", "refused"]);
  assert.ok(of(MANIFEST_FILE).includes("refused"));
  assert.ok(!of(MANIFEST_FILE).includes("partial"));
});

test("files of a newer format are refused by name, and nothing is touched", async () => {
  const { disk } = await makeDatabase();
  for (const kind of [".part", ".idx", ".log"]) {
    const newer = disk.kill();
    const path = newer.paths().find((name) => name.endsWith(kind)) as string;
    newer.bytesOf(path)[8] = 99;
    await assert.rejects(
      open(newer),
      (error: Error) => error instanceof NewerFormatError && error.message.includes(path),
    );
    assert.deepEqual(newer.paths(), disk.paths());
    await assert.rejects(open(newer), NewerFormatError, "the lock was given back");
  }
});

test("a file that was cut or is missing leaves the others served", async () => {
  const { disk, model } = await makeDatabase();
  for (const path of disk.paths().filter((name) => /\.(part|idx)$/.test(name))) {
    for (const bytes of [-1, 0, 5, 39, 100, disk.bytesOf(path).length - 1]) {
      const damaged = disk.kill();
      if (bytes < 0) await damaged.remove(path);
      else await damaged.truncate(path, bytes);
      assert.equal(await judge(damaged, model, `${path} cut to ${bytes}`), "partial");
      const { partitions } = (await readManifest(damaged)) as {
        partitions: readonly { parts: readonly number[]; indexes: readonly number[] }[];
      };
      const number = Number(path.slice(-15).replace(/\D/g, ""));
      assert.ok(
        partitions.some(({ parts, indexes }) => parts.includes(number) || indexes.includes(number)),
        "still on the books",
      );
    }
  }
});

test("damage in the log costs what it hit and no more, and whose samples are lost for want of a name is counted", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let i = 0; i < 5; i++) await storage.append(rows([[`m${i % 2}`, NOW + i, i]]));
  const image = disk.kill();
  await storage.close();
  const path = image.paths().find((name) => name.endsWith(".log")) as string;
  const bytes = image.bytesOf(path);
  const lengthAt = (at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  for (const [record, missing, unnamed] of [
    [0, 3, 3],
    [1, 1, 0],
    [3, 1, 0],
  ] as const) {
    const damaged = image.kill();
    let at = 16;
    for (let i = 0; i < record; i++) at += lengthAt(at);
    damaged.bytesOf(path)[at + 20] = 77;
    const errors: string[] = [];
    const again = await open(damaged, {
      logger: { info: () => {}, warn: () => {}, error: (text) => errors.push(text) },
    });
    let found = 0;
    for (const samples of (await readAll(again)).model.values()) found += samples.size;
    assert.equal(found, 5 - missing, `record ${record}`);
    assert.equal(again.counters.walCorruptRecords, 1);
    assert.equal(again.counters.walRowsUnnamed, unnamed);
    assert.equal(errors.length, unnamed > 0 ? 2 : 1, errors.join("\n"));
    await again.close();
  }
});
