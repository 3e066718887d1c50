/**
 * Unit tests, all in one process: a process a file costs 50 times as much on this many small files.
 *
 *     npm test                   the *.test.ts of every package, tests/unit, tests/issues, tools and bench
 *     npm test -- storage wal    only files whose path contains one of the words
 *
 * Writes one entry that imports the files and runs it under node:test, whose own summary is the last thing printed.
 * No test file found is a failure: nothing tested is not a success.
 */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { listFiles, packageNames, projectRoot } from "./project.ts";

/** A run that takes longer hangs; killed so that it is seen. */
const runMsMax = 5 * 60_000;

/** Paths of compiled unit tests relative to the root, sorted, that contain one of `words` (all when there are none). */
export function findUnitTests(words: readonly string[]): string[] {
  const folders = packageNames.map((name) => `packages/${name}/dist`);
  folders.push("tools/dist", "bench/dist", "tests/dist/unit", "tests/dist/issues");
  return folders
    .flatMap((folder) => listFiles(join(projectRoot, folder), true).map((file) => `${folder}/${file}`))
    .filter((file) => file.endsWith(".test.js") && !file.includes("/dist/page/"))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
}

/**
 * The program that runs `files` in this order. A file that cannot be loaded is a failed test of its own,
 * and does not keep the others from running. Properties start from one seed, so that a run repeats; PROPERTY_SEED=n takes another.
 */
export function entrySource(files: readonly string[]): string {
  const urls = files.map((file) => pathToFileURL(join(projectRoot, file)).href);
  return `// Made by tools/test.ts.
import { test } from "node:test";
import fc from "fast-check";
fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 1) });
for (const url of ${JSON.stringify(urls, null, 2)}) {
  try {
    await import(url);
  } catch (error) {
    test("load " + url, () => { throw error; });
  }
}
`;
}

async function main(words: readonly string[]): Promise<number> {
  const files = findUnitTests(words);
  if (files.length === 0) {
    console.error(
      `test: no compiled test file${words.length > 0 ? ` matches ${words.join(", ")}` : ""}; was it built?`,
    );
    return 1;
  }
  const folder = join(projectRoot, ".tools");
  mkdirSync(folder, { recursive: true });
  const entry = join(folder, `unit-tests-${process.pid}.mjs`);
  writeFileSync(entry, entrySource(files));
  try {
    return await runNode(["--enable-source-maps", "--test-reporter=spec", entry]);
  } finally {
    rmSync(entry, { force: true });
  }
}

function runNode(args: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: "inherit" });
    const timer = setTimeout(() => {
      console.error(
        `test: still running after ${runMsMax / 60_000} minutes, ended: a test waits for something, or left a handle open`,
      );
      child.kill("SIGKILL");
    }, runMsMax);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
