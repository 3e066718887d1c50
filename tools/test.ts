/**
 * Unit tests, in as many processes as there are cores: a process a file would cost 50 times as much on this many small files.
 *
 *     npm test                   the *.test.ts of every package, tests/unit, tests/issues, tools and bench
 *     npm test -- storage wal    only files whose path contains one of the words
 *
 * Each process gets an entry that imports its share of the files and runs under node:test; what it printed is shown when it ends, and the
 * sums of all, in node:test's own words, come last. No test file found is a failure: nothing tested is not a success.
 */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { listFiles, packageNames, projectRoot } from "./project.ts";

/** A run that takes longer hangs; killed so that it is seen. */
const runMsMax = 5 * 60_000;
/** More only fight for memory: some tests measure it. */
const PROCESSES_MAX = 4;

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

/** Files of neighbouring names cost alike: dealt out like cards, the shares take about as long. */
export function dealOut(files: readonly string[], shares: number): string[][] {
  const dealt = Array.from({ length: Math.max(1, Math.min(shares, files.length)) }, (): string[] => []);
  for (const [i, file] of files.entries()) dealt[i % dealt.length]?.push(file);
  return dealt;
}

/** The numbers of node:test's summary, `ℹ pass 12`; null if a process died before it could print one. */
export function readSummary(output: string): Map<string, number> | null {
  const lines = [...output.matchAll(/^\S*ℹ (tests|suites|pass|fail|cancelled|skipped|todo) (\d+)/gmu)];
  return lines.length === 0 ? null : new Map(lines.map(([, word, count]) => [word as string, Number(count)]));
}

async function main(words: readonly string[]): Promise<number> {
  const files = findUnitTests(words);
  if (files.length === 0) {
    console.error(
      `test: no compiled test file${words.length > 0 ? ` matches ${words.join(", ")}` : ""}; was it built?`,
    );
    return 1;
  }
  const startMs = performance.now();
  const total = new Map<string, number>();
  let exitCode = 0;
  const shares = dealOut(files, Math.min(availableParallelism(), PROCESSES_MAX));
  await Promise.all(
    shares.map(async (share, i) => {
      const { code, output } = await runShare(share, i);
      process.stdout.write(output);
      const summary = readSummary(output);
      // A process without a summary crashed: its tests must not be missing from the sum unseen.
      if (code !== 0 || summary === null) exitCode = code === 0 ? 1 : code;
      for (const [word, count] of summary ?? [["fail", 1]]) total.set(word, (total.get(word) ?? 0) + count);
    }),
  );
  console.log(`\nall ${shares.length} processes, ${files.length} files`);
  for (const [word, count] of total) console.log(`ℹ ${word} ${count}`);
  console.log(`ℹ duration_ms ${Math.round(performance.now() - startMs)}`);
  return exitCode;
}

async function runShare(files: readonly string[], index: number): Promise<{ code: number; output: string }> {
  const folder = join(projectRoot, ".tools");
  mkdirSync(folder, { recursive: true });
  const entry = join(folder, `unit-tests-${process.pid}-${index}.mjs`);
  writeFileSync(entry, entrySource(files));
  try {
    return await runNode(["--enable-source-maps", "--test-reporter=spec", entry]);
  } finally {
    rmSync(entry, { force: true });
  }
}

function runNode(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const color = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      stdio: ["inherit", "pipe", "pipe"],
      env: { ...process.env, ...color },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const timer = setTimeout(() => {
      output += `test: still running after ${runMsMax / 60_000} minutes, ended: a test waits for something, or left a handle open\n`;
      child.kill("SIGKILL");
    }, runMsMax);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output });
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
