/** What every disk promises, asked of the real one, the one in memory, and the faulty one that does not fail. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { copyFile, type Disk, LockedError, readWhole, replaceFile } from "./disk.ts";
import { FaultyDisk } from "./faulty-disk.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { OverlayDisk } from "./overlay-disk.ts";
import { RealDisk } from "./real-disk.ts";
import { ThreadDisk } from "./thread-disk.ts";

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const content = async (disk: Disk, path: string): Promise<string> =>
  Buffer.from(await readWhole(disk, path)).toString();

async function write(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.create(path);
  await file.append(bytes(text));
  await file.close();
}

const cases: Record<string, (disk: Disk) => Promise<void>> = {
  "appends add up, and are read back from any offset": async (disk) => {
    await disk.makeFolder("a/b");
    const file = await disk.create("a/b/f");
    assert.equal(file.bytes, 0);
    await file.append(bytes("hello"));
    await file.append(bytes(""));
    await file.append(new Uint8Array(100_000).fill(7));
    await file.sync();
    assert.equal(file.bytes, 100_005);
    const reader = await disk.open("a/b/f");
    assert.equal(reader.bytes, 100_005);
    const target = new Uint8Array(3);
    await reader.read(4, target);
    assert.deepEqual([...target], [111, 7, 7]);
    await reader.read(100_005, new Uint8Array(0));
    await assert.rejects(reader.read(100_003, target), RangeError);
    await reader.close();
    await file.close();
  },
  "create never touches a file that is there": async (disk) => {
    await write(disk, "f", "one");
    await assert.rejects(disk.create("f"), { code: "EEXIST" });
    assert.equal(await content(disk, "f"), "one");
  },
  "what is missing is ENOENT, or nothing": async (disk) => {
    await assert.rejects(disk.open("f"), { code: "ENOENT" });
    await assert.rejects(disk.rename("f", "g"), { code: "ENOENT" });
    await assert.rejects(disk.truncate("f", 0), { code: "ENOENT" });
    await disk.remove("f");
    assert.deepEqual(await disk.list("nowhere"), []);
  },
  "a second name keeps the bytes when the first goes": async (disk) => {
    await disk.makeFolder("s");
    await write(disk, "f", "one");
    assert.equal(await disk.link("f", "s/g"), true);
    await assert.rejects(disk.link("f", "s/g"), { code: "EEXIST" });
    await assert.rejects(disk.link("nothing", "s/h"), { code: "ENOENT" });
    await disk.remove("f");
    assert.equal(await content(disk, "s/g"), "one");
    await write(disk, "f", "two");
    await copyFile(disk, "f", "s/copy");
    assert.equal((await content(disk, "s/g")) + (await content(disk, "s/copy")), "onetwo");
  },
  "lists are sorted and one level deep; folders are removed with all in them": async (disk) => {
    await disk.makeFolder("d/e");
    for (const path of ["d/z", "d/a", "d/e/x", "da"]) await write(disk, path, path);
    assert.deepEqual(await disk.list("d"), ["a", "e", "z"]);
    assert.deepEqual(await disk.list(""), ["d", "da"]);
    await disk.remove("d");
    assert.deepEqual(await disk.list(""), ["da"]);
  },
  "rename replaces, truncate cuts": async (disk) => {
    await write(disk, "f", "new text");
    await write(disk, "g", "old");
    await disk.rename("f", "g");
    assert.deepEqual(await disk.list(""), ["g"]);
    await disk.truncate("g", 3);
    assert.equal(await content(disk, "g"), "new");
  },
  "replaceFile makes and replaces, also over what an attempt left": async (disk) => {
    await write(disk, "f.tmp", "half");
    await replaceFile(disk, "f", bytes("1"));
    await replaceFile(disk, "f", bytes("22"));
    assert.equal(await content(disk, "f"), "22");
    assert.deepEqual(await disk.list(""), ["f"]);
  },
  "an open file is read to its end although it was removed": async (disk) => {
    await write(disk, "f", "text");
    const reader = await disk.open("f");
    await disk.remove("f");
    const target = new Uint8Array(4);
    await reader.read(0, target);
    assert.equal(Buffer.from(target).toString(), "text");
    await reader.close();
  },
  "one lock at a time; folders can be synced; there is space": async (disk) => {
    const lock = await disk.lock("");
    await assert.rejects(disk.lock(""), LockedError);
    await lock.release();
    await (await disk.lock("")).release();
    await disk.makeFolder("d");
    await disk.syncFolder("d");
    await disk.syncFolder("");
    const { freeBytes, totalBytes } = await disk.space();
    assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
  },
};

for (const [name, run] of Object.entries(cases)) {
  for (const [kind, Kind] of [["real", RealDisk] as const, ["thread's", ThreadDisk] as const]) {
    test(`${kind} disk: ${name}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "nyanza-disk-"));
      const disk = new Kind(join(folder, "x", "y"));
      await disk.makeFolder("");
      try {
        await run(disk);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
  test(`memory disk: ${name}`, async () => await run(new MemoryDisk()));
  test(`overlay disk: ${name}`, async () => await run(new OverlayDisk(new MemoryDisk())));
  test(`faulty disk: ${name}`, async () => await run(new FaultyDisk(new MemoryDisk(), Number.POSITIVE_INFINITY)));
}

test("a crash keeps what was synced in file and folder, a kill keeps all", async () => {
  const disk = new MemoryDisk();
  const file = await disk.create("d/f");
  await file.append(bytes("abc"));
  await file.sync();
  assert.deepEqual(disk.crash().paths(), [], "the name was not synced");
  await disk.syncFolder("d");
  await file.append(bytes("def"));
  assert.equal(await content(disk.crash(), "d/f"), "abc");
  assert.equal(await content(disk.kill(), "d/f"), "abcdef");
  await disk.remove("d/f");
  assert.equal(await content(disk.crash(), "d/f"), "abc", "the removal was not synced");
  const seen = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const after = disk.crash(new Random(seed));
    seen.add(after.paths().length === 0 ? "gone" : await content(after, "d/f"));
  }
  assert.deepEqual([...seen].sort(), ["abc", "abcd", "abcde", "abcdef", "gone"]);
});

test("replaceFile is all or nothing whichever call fails and whatever survives", async () => {
  for (let failAt = 1; failAt <= 8; failAt++) {
    for (const isShort of [false, true]) {
      const disk = new MemoryDisk();
      await replaceFile(disk, "f", bytes("old text"));
      const faulty = new FaultyDisk(disk, failAt, "EIO", isShort);
      const isDone = await replaceFile(faulty, "f", bytes("new text!")).then(
        () => true,
        () => false,
      );
      for (let seed = 0; seed < 20; seed++) {
        const text = await content(disk.crash(new Random(seed)), "f");
        assert.ok(text === "new text!" || (text === "old text" && !isDone), `call ${failAt}: ${text}`);
      }
    }
  }
});

test("an overlay shows what is below and what was changed, and changes nothing below", async () => {
  const below = new MemoryDisk();
  for (const path of ["a", "d/b", "d/c", "e/f/g"]) await write(below, path, path);
  const before = below.paths();
  const disk = new OverlayDisk(below);
  await disk.truncate("a", 0);
  await disk.rename("d/b", "d/z");
  await disk.remove("e");
  await write(disk, "e/h", "new");
  await disk.link("d/c", "d/y");
  await replaceFile(disk, "d/c", bytes("other"));
  assert.deepEqual(await disk.list(""), ["a", "d", "e"]);
  assert.deepEqual(await disk.list("d"), ["c", "y", "z"]);
  assert.deepEqual(await disk.list("e"), ["h"]);
  assert.deepEqual(await disk.list("e/f"), []);
  await assert.rejects(disk.open("e/f/g"), { code: "ENOENT" });
  await assert.rejects(disk.open("d/b"), { code: "ENOENT" });
  await assert.rejects(disk.create("a"), { code: "EEXIST" });
  const texts = await Promise.all(["a", "d/c", "d/y", "d/z", "e/h"].map((path) => content(disk, path)));
  assert.deepEqual(texts, ["", "other", "d/c", "d/b", "new"]);
  assert.deepEqual(below.paths(), before);
  for (const path of before) assert.equal(await content(below, path), path);
});
