import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SnapshotDecoder, SnapshotEncoder, takeSnapshot } from "./snapshot.ts";
import { lastSignMs, readSnapshotFile, removeSnapshotFile, SnapshotFile } from "./snapshot-file.ts";

function encode(id: string, sequence: number, values: readonly number[]): Buffer {
  const samples = values.map((value, i) => ({ suffix: "" as const, labels: `i="${i}"`, value }));
  const family = { name: "c", type: "counter", help: "", unit: "", aggregation: "sum", samples } as const;
  return new SnapshotEncoder().encode(takeSnapshot([family], { id, sequence }, null));
}

test("the younger of the two that is whole counts, whatever is done to the other", () => {
  const folder = mkdtempSync(join(tmpdir(), "nyanza-file-"));
  try {
    const file = new SnapshotFile(folder, "a");
    const read = (id = "a") => {
      const { snapshot } = readSnapshotFile(folder, id, new SnapshotDecoder());
      return snapshot === null ? null : [...snapshot.values];
    };
    assert.equal(read(), null);
    assert.equal(lastSignMs(folder, "a"), 0);
    file.write(encode("a", 1, [1, 1, 1, 1, 1]));
    assert.deepEqual(read(), [1, 1, 1, 1, 1]);
    file.write(encode("a", 2, [2, 2]));
    file.write(encode("a", 3, [3]));
    assert.deepEqual(read(), [3], "a shorter one leaves nothing of the longer one before it");
    file.touch();
    assert.ok(lastSignMs(folder, "a") > Date.now() - 5000);

    const younger = join(folder, "a.0");
    copyFileSync(younger, join(folder, "b.0"));
    assert.equal(read("b"), null, "another process's snapshot");
    const spoilt: (() => void)[] = [
      () => truncateSync(younger, 40),
      () => truncateSync(younger, 1e9),
      () => writeFileSync(younger, "junk"),
      () => symlinkSync(join(folder, "b.0"), younger),
      () => mkdirSync(younger),
      () => execFileSync("mkfifo", [younger]),
      () => {},
    ];
    for (const spoil of process.platform === "win32" ? spoilt.slice(0, 3) : spoilt) {
      rmSync(younger, { recursive: true, force: true });
      copyFileSync(join(folder, "b.0"), younger);
      if (spoilt.indexOf(spoil) > 2) rmSync(younger);
      spoil();
      assert.deepEqual(read(), [2, 2]);
    }
    file.close();
    removeSnapshotFile(folder, "a");
    assert.equal(read(), null);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
