/** Verifying finds any damage and changes nothing; repairing saves what the engine still serves, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import { MemoryDisk } from "../../disk/memory-disk.ts";
import { DAY, type Model, NOW, open, put, type Row, readAll, rows, sorted } from "../testing/harness.ts";
import { repairDatabase } from "./repair.ts";
import { type FileReport, verifyDatabase } from "./verify.ts";

const OTHER = { accountId: 3, projectId: 4 };

/** Two months with parts, index segments and tombstones, a log, two tenants. */
async function makeDatabase(): Promise<{ disk: MemoryDisk; model: Model }> {
  const disk = new MemoryDisk();
  const model: Model = new Map();
  const storage = await open(disk);
  for (let round = 0; round < 3; round++) {
    const entries: Row[] = [];
    for (let i = 0; i < 120; i++) entries.push([`m${round}${i % 8}`, NOW - (i % 2) * 20 * DAY + i * 1000, i / 7]);
    await storage.append(rows(entries));
    await storage.append(rows([["theirs", NOW + round, round]], OTHER));
    for (const [name, ms, value] of entries) put(model, name, ms, value);
    if (round < 2) await storage.flush();
    if (round > 0) continue;
    const groups = [[{ label: "__name__", op: "=", value: "m00" } as const]];
    await storage.deleteSamples({ tenant: DEFAULT_TENANT, groups, minMs: NOW, maxMs: NOW });
    model.get("m00")?.delete(NOW);
  }
  const image = disk.kill(); // The log still holds the last round.
  await storage.close();
  return { disk: image, model };
}

async function verify(disk: MemoryDisk): Promise<FileReport[]> {
  const files: FileReport[] = [];
  const report = await verifyDatabase(disk, { onFile: (file) => void files.push(file) });
  assert.equal(report.files, files.length);
  return files;
}

const imageOf = (disk: MemoryDisk): Map<string, string> =>
  new Map(disk.paths().map((path) => [path, Buffer.from(disk.bytesOf(path)).toString("latin1")]));

test("a whole database is found whole, with all its samples; nothing is changed by looking", async () => {
  const { disk } = await makeDatabase();
  const before = imageOf(disk);
  const files = await verify(disk);
  assert.deepEqual(new Set(files.map(({ kind }) => kind)), new Set(["manifest", "part", "index", "deletes", "log"]));
  assert.deepEqual(
    files.filter(({ problems }) => problems.length > 0),
    [],
  );
  assert.deepEqual(files.map(({ path }) => path).sort(), disk.paths());
  const samples = (kind: string): number =>
    files.reduce((sum, file) => sum + (file.kind === kind ? file.samples : 0), 0);
  assert.deepEqual([samples("part"), samples("log")], [2 * 121, 121]);
  assert.deepEqual(imageOf(disk), before);
});

test("any flipped bit, any cut and any missing file is found, in the file where it is", async () => {
  const { disk } = await makeDatabase();
  const random = new Random(11);
  for (const path of disk.paths()) {
    const { length } = disk.bytesOf(path);
    for (let round = 0; round < 25; round++) {
      const damaged = disk.kill();
      const at = random.below(length);
      const isVersion = path !== "MANIFEST" && at >= 8 && at < 12;
      if (round === 0) await damaged.remove(path);
      else if (round < 5) await damaged.truncate(path, at);
      else damaged.bytesOf(path)[at] = (disk.bytesOf(path)[at] as number) ^ (1 << random.below(8));
      const what = `${path}: round ${round}, byte ${at}`;
      // A log segment that is gone leaves no trace.
      if (round === 0 && path.startsWith("wal/")) continue;
      try {
        const found = (await verify(damaged)).filter(({ problems }) => problems.length > 0);
        assert.deepEqual(
          found.map((file) => file.path),
          [path],
          what,
        );
      } catch (error) {
        if (!isVersion || (error as { code?: string }).code !== "NEWER_FORMAT") throw error;
      }
    }
  }
});

test("a repair saves at least what the damaged database still served, nothing that it should not, and the source stays as it was", async () => {
  const { disk, model } = await makeDatabase();
  const random = new Random(12);
  for (const path of disk.paths()) {
    for (let round = 0; round < 6; round++) {
      const damaged = disk.kill();
      const at = random.below(disk.bytesOf(path).length);
      if (path !== "MANIFEST" && at >= 8 && at < 12) continue;
      if (round === 0) await damaged.remove(path);
      else damaged.bytesOf(path)[at] = (disk.bytesOf(path)[at] as number) ^ 1;
      const what = `${path}: round ${round}, byte ${at}`;
      const before = imageOf(damaged);
      const target = new MemoryDisk();
      const report = await repairDatabase(damaged, target);
      assert.deepEqual(imageOf(damaged), before, what);
      assert.equal(report.isManifestLost, path === "MANIFEST", what);
      const isSilent = path.startsWith("wal/") && round === 0;
      // Not every page of an index is needed to read all of it.
      const isAllSaved = report.samples === 3 * 121 - 1;
      if (!isSilent && !isAllSaved) assert.ok(report.losses.length > 0, what);
      assert.deepEqual((await verify(target)).filter(({ problems }) => problems.length > 0), [], what); // biome-ignore format: a line

      const repaired = await open(target);
      const { model: saved, isPartial } = await readAll(repaired);
      const theirs = await readAll(repaired, 0, NOW + DAY, OTHER);
      await repaired.close();
      assert.ok(!isPartial, what);
      let samples = 0;
      for (const [name, own] of saved) {
        samples += own.size;
        // Tombstones that are lost bring back what they hid.
        if (name === "m00" && path.endsWith(".del")) own.delete(NOW);
        for (const [ms, bits] of own) assert.equal(bits, model.get(name)?.get(ms), `${what}: ${name} at ${ms}`);
      }
      for (const own of theirs.model.values()) samples += own.size;
      assert.equal(report.samples, samples, what);
      if (path === "MANIFEST") assert.deepEqual(sorted(saved), sorted(model), what);
      else {
        const served = await open(damaged);
        const { model: still } = await readAll(served);
        if (path.endsWith(".del")) still.get("m00")?.delete(NOW);
        for (const [name, own] of still) {
          for (const [ms, bits] of own) assert.equal(saved.get(name)?.get(ms), bits, `${what}: ${name} at ${ms}`);
        }
        await served.close();
      }
      if (path.endsWith(".idx") && report.samples < 3 * 121 - 15) assert.ok(report.unnamedSamples > 0, what);
    }
  }
});
