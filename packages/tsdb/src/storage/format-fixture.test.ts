/**
 * A small database that was written once, with something of everything a folder may hold: it opens for ever and says the same. Written anew only when a
 * format changes without a reader for the old one, which before a release it may:
 *
 *     NYANZA_WRITE_FIXTURES=1 npm test -- format-fixture
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Labels } from "../base/labels.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { RowBatch } from "../ingest/row-batch.ts";
import type { Storage } from "./storage.ts";
import { addRow, bitsOf, DAY, NOW, open } from "./testing/harness.ts";

const FOLDER = fileURLToPath(new URL("../../src/storage/fixtures/database", import.meta.url));
const HASH_FILE = `${FOLDER}.sha256`;
const OTHER: Tenant = { accountId: 7, projectId: 3 };

/** Two months and two tenants; parts that were merged and parts that were not, a delete, an index in several segments, and samples in the log only. */
async function makeDatabase(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const write = async (fromMs: number, count: number, tenant: Tenant, prefix: string): Promise<void> => {
    const batch = new RowBatch();
    batch.reset(tenant);
    for (let i = 0; i < 12; i++) {
      const labels = { __name__: `${prefix}_${i % 4}`, job: "test", instance: `host-${i}:9100`, ü: 'ñ\n"\\' };
      for (let k = 0; k < count; k++) addRow(batch, labels, fromMs + k * 15_000 + (i % 3), sampleValue(i, k));
    }
    await storage.append(batch);
  };
  await write(NOW - 40 * DAY, 120, DEFAULT_TENANT, "old");
  await write(NOW - DAY, 200, DEFAULT_TENANT, "m");
  await storage.flush();
  await write(NOW - DAY + 200 * 15_000, 50, DEFAULT_TENANT, "m");
  await write(NOW - DAY, 60, OTHER, "m");
  await storage.merge();
  await write(NOW - DAY - 3_600_000, 30, DEFAULT_TENANT, "late");
  await storage.flush();
  const groups = [[{ label: "__name__", op: "=", value: "m_2" } as const]];
  await storage.deleteSamples({ tenant: DEFAULT_TENANT, groups, minMs: 0, maxMs: NOW - DAY + 3_000_000 });
  await storage.whenMerged();
  await write(NOW - 3_600_000, 20, DEFAULT_TENANT, "logged");
  const copy = disk.kill();
  await storage.close();
  return copy;
}

/** Something for every codec that short columns can have. */
function sampleValue(i: number, k: number): number {
  if (i === 0) return 5;
  if (i === 1) return k * 10;
  if (i === 2) return Math.round(1_000 * Math.sin(k)) / 100;
  if (i === 3) return Math.sin(k * 7919);
  if (i === 4) return k * k;
  if (i === 5) return k % 17 === 0 ? Number.NaN : -0;
  if (i === 6) return Math.floor(k / 40);
  if (i === 7) return k % 3 === 0 ? 1e300 : 1e-300;
  return 1_000_000 * i + k * 3 + (k % 5);
}

/** Every sample of all tenants, a line each. */
async function hashOf(storage: Storage): Promise<string> {
  const lines: string[] = [];
  for (const tenant of [DEFAULT_TENANT, OTHER]) {
    const groups = [[{ label: "job", op: "=", value: "test" } as const]];
    const cursor = await storage.search({ tenant, groups, minMs: 0, maxMs: NOW + DAY });
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      let at = 0;
      for (const [i, labels] of batch.series.entries()) {
        for (; at < (batch.ends[i] as number); at++) {
          const text = JSON.stringify([...(labels as Labels).entries()]);
          lines.push(
            `${tenant.accountId}:${tenant.projectId} ${text} ${batch.timestamps[at]} ${bitsOf(batch.values, at)}`,
          );
        }
      }
    }
    assert.ok(!cursor.isPartial);
  }
  return `${createHash("sha256").update(lines.sort().join("\n")).digest("hex")} ${lines.length}`;
}

async function openCopy(read: (path: string) => Uint8Array, paths: readonly string[]): Promise<Storage> {
  const disk = new MemoryDisk();
  for (const path of paths) {
    await disk.makeFolder(dirname(path));
    const file = await disk.create(path);
    await file.append(read(path));
    await file.sync();
    await file.close();
  }
  return await open(disk);
}

if (process.env["NYANZA_WRITE_FIXTURES"] === "1") {
  const disk = await makeDatabase();
  rmSync(FOLDER, { recursive: true, force: true });
  for (const path of disk.paths()) {
    mkdirSync(join(FOLDER, dirname(path)), { recursive: true });
    writeFileSync(join(FOLDER, path), disk.bytesOf(path));
  }
  const storage = await openCopy((path) => disk.bytesOf(path), disk.paths());
  writeFileSync(HASH_FILE, `${await hashOf(storage)}\n`);
  await storage.close();
}

test("the stored database opens and says what it said when it was written, also once merged", async () => {
  const paths = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(FOLDER.length + 1));
  for (const ending of ["MANIFEST", ".part", ".idx", ".del", ".log"]) {
    assert.ok(
      paths.some((path) => path.endsWith(ending)),
      `no ${ending} in it`,
    );
  }
  const storage = await openCopy((path) => readFileSync(join(FOLDER, path)), paths);
  const want = readFileSync(HASH_FILE, "utf8").trim();
  assert.equal(await hashOf(storage), want);
  await storage.merge();
  assert.equal(await hashOf(storage), want);
  await storage.close();
});
