import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CorruptionError } from "../../base/errors.ts";
import { RealDisk } from "../../disk/real-disk.ts";
import { Tombstones } from "../deletes/tombstones.ts";
import { PartReader } from "../parts/part-reader.ts";
import { PartWriter } from "../parts/part-writer.ts";
import { ThreadMerger } from "./merge-thread.ts";
import { MergeCancelledError, SlicedMerger } from "./merger.ts";

/** Parts to be closed when the folder goes. */
const opened: PartReader[] = [];

function keep({ part }: { readonly part: PartReader | null }): PartReader {
  assert.ok(part !== null, "no sample was left");
  opened.push(part);
  return part;
}

const ALWAYS = { bytesMin: 0 };

async function inFolder(use: (disk: RealDisk, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "nyanza-merge-"));
  try {
    await use(new RealDisk(folder), folder);
  } finally {
    for (const part of opened.splice(0)) part.retire();
    await rm(folder, { recursive: true });
  }
}

/** A part in which every series has `count` samples from a time on. */
async function writePart(disk: RealDisk, fileNumber: number, series: number, fromMs: number, count: number) {
  const writer = await PartWriter.create(disk, `${fileNumber}.part`, fileNumber);
  const timestamps = Float64Array.from({ length: count }, (_, i) => fromMs + 1_000 * i);
  for (let id = 0; id < series; id++) {
    // Values that cannot be made small: this takes its time.
    const values = timestamps.map((ms) => Math.sin(ms * (id + 1)));
    writer.add(id, timestamps, values, 0, count);
    if (writer.isFull) await writer.flush();
  }
  await writer.finish();
  return keep({ part: await PartReader.open(disk, `${fileNumber}.part`, fileNumber) });
}

test("a merge on the thread writes what a merge in slices writes, to the byte", async () => {
  await inFolder(async (disk, folder) => {
    const sources = [await writePart(disk, 1, 20, 0, 50), await writePart(disk, 2, 30, 20_000, 100)];
    const merger = new ThreadMerger(disk, ALWAYS);
    // Of one series all is deleted, of the second part only.
    const tombstones = Tombstones.of(2, Uint32Array.of(3, 7), 0, 1e9).with(
      Tombstones.of(5, Uint32Array.of(7), 0, 1e9),
      1,
    );
    const job = { sources, path: "9.part", fileNumber: 9, minMs: 30_000, tombstones, rules: null };
    const part = keep(await merger.merge(job));
    assert.equal(part.info.rows, 29 * 90);
    const bytes = await readFile(join(folder, "9.part"));
    keep(await new SlicedMerger(disk).merge(job));
    assert.deepEqual(await readFile(join(folder, "9.part")), bytes);
    assert.equal((await merger.merge({ ...job, path: "10.part", fileNumber: 10, minMs: 1e9 })).part, null);
    assert.deepEqual((await readdir(folder)).sort(), ["1.part", "2.part", "9.part"]);
    await merger.cancel();
    await assert.rejects(merger.merge(job), MergeCancelledError);
  });
});

test("damage is told of with the file it is in, and leaves no file", async () => {
  await inFolder(async (disk, folder) => {
    const sources = [await writePart(disk, 1, 20, 0, 50), await writePart(disk, 2, 30, 20_000, 100)];
    const bytes = await readFile(join(folder, "2.part"));
    bytes[200] = (bytes[200] as number) ^ 0x10;
    await writeFile(join(folder, "2.part"), bytes);
    const merger = new ThreadMerger(disk, ALWAYS);
    const sliced = new SlicedMerger(disk);
    const messages: string[] = [];
    for (const one of [merger, sliced]) {
      await assert.rejects(
        one.merge({ sources, path: "9.part", fileNumber: 9, minMs: 0, tombstones: null, rules: null }),
        (error) => {
          assert.ok(error instanceof CorruptionError);
          assert.equal(error.path, "2.part");
          messages.push(error.message);
          return true;
        },
      );
    }
    assert.equal(messages[0], messages[1]);
    assert.deepEqual((await readdir(folder)).sort(), ["1.part", "2.part"]);
    await merger.cancel();
  });
});

test("a merge under way is given up at once, tells how far it is, and leaves no file", async () => {
  await inFolder(async (disk, folder) => {
    const sources = [await writePart(disk, 1, 400, 0, 4_000), await writePart(disk, 2, 400, 500, 4_000)];
    for (const merger of [new ThreadMerger(disk, ALWAYS), new SlicedMerger(disk)]) {
      const merging = merger.merge({ sources, path: "9.part", fileNumber: 9, minMs: 0, tombstones: null, rules: null });
      const outcome = assert.rejects(merging, MergeCancelledError);
      while (merger.rowsDone === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      await merger.cancel();
      await outcome;
      assert.deepEqual((await readdir(folder)).sort(), ["1.part", "2.part"]);
    }
  });
});

test("a worker that dies costs its merge only: its half file goes, and the next merge has another worker", async () => {
  await inFolder(async (disk, folder) => {
    const sources = [await writePart(disk, 1, 20, 0, 50), await writePart(disk, 2, 30, 20_000, 100)];
    const dying = [
      `import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(7));`,
      `import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { throw new Error("out of luck"); });`,
      `throw new Error("cannot start");`,
    ];
    let starts = 0;
    const merger = new ThreadMerger(disk, {
      ...ALWAYS,
      get program() {
        const text = dying[starts++];
        return text === undefined
          ? new URL("./merge-worker.js", import.meta.url)
          : new URL(`data:text/javascript,${encodeURIComponent(text)}`);
      },
    });
    const job = { sources, path: "9.part", fileNumber: 9, minMs: 0, tombstones: null, rules: null };
    for (const message of [/ended with code 7/, /out of luck/, /cannot start/]) {
      await writeFile(join(folder, "9.part"), "half a file");
      await assert.rejects(merger.merge(job), message);
      assert.deepEqual((await readdir(folder)).sort(), ["1.part", "2.part"]);
    }
    assert.equal(keep(await merger.merge(job)).info.rows, 20 * 20 + 30 * 100);
    assert.equal(keep(await merger.merge({ ...job, path: "10.part", fileNumber: 10 })).info.rows, 20 * 20 + 30 * 100);
    assert.equal(starts, 4);
    await merger.cancel();
  });
});

test("a worker without work ends", async () => {
  await inFolder(async (disk) => {
    const sources = [await writePart(disk, 1, 2, 0, 50), await writePart(disk, 2, 2, 20_000, 100)];
    let starts = 0;
    const merger = new ThreadMerger(disk, {
      ...ALWAYS,
      idleMs: 1,
      get program() {
        starts++;
        return new URL("./merge-worker.js", import.meta.url);
      },
    });
    for (let i = 1; i <= 2; i++) {
      keep(
        await merger.merge({
          sources,
          path: `${10 + i}.part`,
          fileNumber: 10 + i,
          minMs: 0,
          tombstones: null,
          rules: null,
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(starts, i);
    }
    await merger.cancel();
  });
});
