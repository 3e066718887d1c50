import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type GroupState, GroupStateFile, type Member } from "./group-state.ts";
import { takeSnapshot } from "./snapshot.ts";

function withFolder(body: (folder: string) => void): () => void {
  return () => {
    const folder = mkdtempSync(join(tmpdir(), "nyanza-state-"));
    try {
      body(folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

const member = (id: string): Member => ({ id, pid: 1, startTime: "1", slot: 0, worker: "0" });
const adding = (id: string) => (state: GroupState) => ({ ...state, members: [...state.members, member(id)] });
const ids = (state: GroupState): string[] => state.members.map(({ id }) => id);

test(
  "what one writes all read, and only the newest generation is kept",
  withFolder((folder) => {
    const [a, b] = [new GroupStateFile(folder, "a"), new GroupStateFile(folder, "b")];
    assert.deepEqual(ids(a.read()), []);
    a.update(adding("a"));
    b.update(adding("b"));
    assert.deepEqual(ids(a.read()), ["a", "b"]);
    const families = [
      {
        name: "c",
        type: "counter",
        help: "",
        unit: "",
        aggregation: "sum",
        samples: [{ suffix: "", labels: "", value: 7 }],
      },
    ] as const;
    a.update((state) => ({ ...state, departed: takeSnapshot(families, {}, null), departedCount: 1 }));
    assert.deepEqual([...(b.read().departed?.values ?? [])], [7]);
    assert.equal(b.read().departedCount, 1);
    assert.deepEqual(readdirSync(folder), ["state.3"]);
  }),
);

test(
  "of two who change the same state one decides again",
  withFolder((folder) => {
    const [a, b] = [new GroupStateFile(folder, "a"), new GroupStateFile(folder, "b")];
    let calls = 0;
    a.update((state) => {
      if (calls++ < 3) b.update(adding(`b${calls}`));
      return adding("a")(state);
    });
    assert.equal(calls, 4);
    assert.deepEqual(ids(b.read()), ["b1", "b2", "b3", "a"]);
  }),
);

test(
  "nothing is written when nothing changes",
  withFolder((folder) => {
    new GroupStateFile(folder, "a").update(() => null);
    assert.deepEqual(readdirSync(folder), []);
  }),
);

test(
  "a broken state is as none, and is replaced; what killed processes left is cleaned after a minute",
  withFolder((folder) => {
    const a = new GroupStateFile(folder, "a");
    a.update(adding("a"));
    const outside = join(folder, "..", `outside-${process.pid}`);
    writeFileSync(outside, "kept");
    const breaks: ((path: string) => void)[] = [
      (path) => writeFileSync(path, "NYGROUP1 or so"),
      (path) => truncateSync(path, 30),
      (path) => truncateSync(path, 1e9),
      (path) => {
        rmSync(path);
        symlinkSync(outside, path);
      },
    ];
    for (const [i, spoil] of breaks.entries()) {
      spoil(join(folder, `state.${i + 1}`));
      const b = new GroupStateFile(folder, "b");
      assert.deepEqual(ids(b.read()), []);
      assert.deepEqual(ids(b.update(adding(`after${i}`))), [`after${i}`]);
    }
    for (const name of ["aside.x1", "x1.0", "x1.1", "young.0", "a.txt"]) writeFileSync(join(folder, name), "");
    for (const name of ["aside.x1", "x1.0", "x1.1", "a.txt"]) utimesSync(join(folder, name), 1e9, 1e9);
    a.update(adding("c"));
    assert.deepEqual(readdirSync(folder).sort(), ["a.txt", "state.6", "young.0"]);
    assert.ok(existsSync(outside));
    rmSync(outside);
  }),
);
