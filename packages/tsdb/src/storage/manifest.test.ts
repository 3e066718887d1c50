import assert from "node:assert/strict";
import { test } from "node:test";
import { CorruptionError } from "../base/errors.ts";
import { NewerFormatError } from "../codec/pages.ts";
import { readWhole, replaceFile } from "../disk/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { crc32c } from "../kernel/crc.ts";
import { MANIFEST_FILE, type Manifest, readManifest, writeManifest } from "./manifest.ts";

const manifest: Manifest = {
  epoch: 3,
  nextFileNumber: 12,
  walFloor: 4,
  partitions: [{ name: "2026_06", nextSeriesId: 100, parts: [7, 9], indexes: [8] }],
};

test("a manifest comes back as it was written; a folder without one has none", async () => {
  const disk = new MemoryDisk();
  assert.equal(await readManifest(disk), null);
  await writeManifest(disk, manifest);
  await writeManifest(disk, { ...manifest, epoch: 4 });
  assert.deepEqual(await readManifest(disk), { ...manifest, epoch: 4 });
  assert.deepEqual(disk.paths(), [MANIFEST_FILE]);
  const text = Buffer.from(await readWhole(disk, MANIFEST_FILE)).toString();
  assert.match(text, /^\{"format":1,"epoch":4,"nextFileNumber":12,"walFloor":4,"partitions":\[.*\]\}\n[0-9a-f]{8}\n$/);
});

test("cut or changed anywhere it is refused, unless it still says the same", async () => {
  const disk = new MemoryDisk();
  await writeManifest(disk, manifest);
  const good = await readWhole(disk, MANIFEST_FILE);
  const read = async (bytes: Uint8Array): Promise<Manifest | null> => {
    const other = new MemoryDisk();
    await replaceFile(other, MANIFEST_FILE, bytes);
    return await readManifest(other);
  };
  for (let cut = 0; cut < good.length - 1; cut++)
    await assert.rejects(read(good.subarray(0, cut)), CorruptionError, `cut at ${cut}`);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bytes = good.slice();
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    await read(bytes).then(
      (found) => assert.deepEqual(found, manifest, `bit ${bit}`),
      (error: Error) => assert.ok(error instanceof CorruptionError, `bit ${bit}: ${error.message}`),
    );
  }
});

test("a newer format is refused by name", async () => {
  const disk = new MemoryDisk();
  const line = Buffer.from(JSON.stringify({ format: 2, anything: "else" }));
  const crc = crc32c(line, 0, line.length).toString(16).padStart(8, "0");
  await replaceFile(disk, MANIFEST_FILE, Buffer.concat([line, Buffer.from(`\n${crc}\n`)]));
  await assert.rejects(
    readManifest(disk),
    (error: Error) => error instanceof NewerFormatError && /format 2/.test(error.message),
  );
});
