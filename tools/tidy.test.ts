import assert from "node:assert/strict";
import { test } from "node:test";
import { doorTable, roomTable, type SourceFile, tidy } from "./tidy.ts";

const door = "packages/tsdb/src/index.ts";

/** Findings for `files` beside a door that imports all of them and a README in every room. */
function findingsOf(files: Readonly<Record<string, string>>): string[] {
  const sources: SourceFile[] = Object.entries(files).map(([path, text]) => ({ path, text }));
  const imports = Object.keys(files)
    .filter((path) => path.startsWith("packages/tsdb/src/"))
    .map((path) => `import "./${path.slice("packages/tsdb/src/".length)}";`);
  sources.push({ path: door, text: imports.join("\n") });
  const readmes = new Set(
    sources.map(({ path }) => path.replace(/^(packages\/[^/]+\/src\/[^/]+)\/.*$/, "$1/README.md")),
  );
  return tidy(sources, readmes, new Set([door])).map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

test("tidy: a planted violation of each rule is found, with its line", () => {
  const found = (path: string, text: string, wanted: RegExp): void => {
    const findings = findingsOf({ [path]: text, "packages/tsdb/src/storage/head.ts": "export {};" });
    assert.equal(findings.length, 1, `${text}\n${findings.join("\n")}`);
    assert.match(findings[0] as string, wanted);
  };
  const base = "packages/tsdb/src/base/x.ts";
  const storage = "packages/tsdb/src/storage/x.ts";
  found(base, '\nimport { a } from "../storage/head.ts";', /x\.ts:2: base may not import storage, only nothing/);
  found(base, 'import {\n  type A,\n  b,\n} from "../storage/head.ts";', /x\.ts:1: base may not import storage/);
  found(base, 'export * from "../storage/head.ts";', /base may not import storage/);
  found(base, 'const load = () => import("../storage/head.ts");', /base may not import storage/);
  found(base, 'new Worker(new URL("../storage/head.js", import.meta.url));', /base may not import storage/);
  found(storage, 'import { readFileSync } from "node:fs";', /belongs to tsdb\/src\/disk/);
  found(storage, 'import fs from "fs/promises";', /belongs to tsdb\/src\/disk/);
  found(storage, 'import { a } from "@nyanza/tsdb/dist/base/x.js";', /deep import/);
  found(storage, 'import { a } from "@nyanza/metrics";', /tsdb may not import @nyanza\/metrics/);
  found(storage, 'import { a } from "../../../server/src/main.ts";', /in another package/);
  found(storage, "const r = new RegExp(pattern);", /exponential/);
  found(storage, 'console.log("here");', /silent/);
  found("packages/tsdb/src/storage/utils.ts", "export {};", /says nothing/);
  found("packages/tsdb/src/storage/index.ts", "export {};", /package's door only/);
  found("tests/system/x.test.ts", 'import "../../packages/tsdb/src/storage/head.ts";', /import the package's door/);
});

test("tidy: a room that is not in the table may be imported by nobody and imports nobody", () => {
  const findings = findingsOf({ "packages/tsdb/src/attic/x.ts": 'import "../index.ts";' });
  assert.equal(findings.length, 2, findings.join("\n"));
  assert.match(findings[0] as string, /room tsdb\/attic is not in the table/);
  assert.match(findings[1] as string, /the top folder may not import attic/);
});

test("tidy: what is allowed, and what only looks forbidden", () => {
  const silent = (path: string, text: string): void => {
    assert.deepEqual(findingsOf({ [path]: text, "packages/tsdb/src/base/errors.ts": "export {};" }), [], text);
  };
  silent("packages/tsdb/src/storage/x.ts", 'import { a } from "../base/errors.ts";');
  silent("packages/tsdb/src/disk/x.ts", 'import { openSync } from "node:fs";');
  silent("packages/tsdb/src/storage/x.test.ts", 'import { mkdtempSync } from "node:fs";');
  silent("packages/tsdb/src/storage/x.ts", "// never RegExp(pattern) here\n/* console.log(1) */\nexport {};");
  silent("packages/tsdb/src/ingest/index.ts", "export {};");
  silent("tests/system/x.test.ts", 'import { InputError } from "@nyanza/tsdb";');
});

test("tidy: dead files, rooms without README, and seeing nothing", () => {
  const dead = { path: "packages/tsdb/src/base/dead.ts", text: 'import "./dead.ts";' };
  const messages = tidy([dead], new Set(), new Set()).map(({ message }) => message);
  assert.equal(messages.length, 2);
  assert.match(messages[0] as string, /^dead:/);
  assert.match(messages[1] as string, /README/);
  assert.match(tidy([], new Set(), new Set())[0]?.message ?? "", /saw no source file/);
});

test("tidy: the tables point down only", () => {
  for (const [name, rooms] of Object.entries(roomTable)) {
    const done = new Set<string>();
    const visit = (room: string, above: readonly string[]): void => {
      assert.ok(!above.includes(room), `${name}: ${[...above, room].join(" → ")}`);
      assert.ok(rooms[room] !== undefined, `${name}/${room} is imported and not in the table`);
      if (!done.has(room)) for (const next of rooms[room]) visit(next, [...above, room]);
      done.add(room);
    };
    for (const room of Object.keys(rooms)) visit(room, []);
  }
  assert.deepEqual(doorTable["tsdb"], []);
});
