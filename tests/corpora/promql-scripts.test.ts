/**
 * Prometheus' own test scripts against the promql dialect: every eval of every file, over series in memory.
 *
 *   npx tsc -b tests && node tests/dist/corpora/promql-scripts.test.js
 *
 * Evals that are not passed are listed in promql-known.ts, each with its reason; one that fails and is not there fails the test, and so
 * does one that is there and passes.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { KNOWN } from "./promql-known.ts";
import { scriptsFolder } from "./support/promql-corpus.ts";
import { openEngine } from "./support/promql-engine.ts";
import { type Outcome, runScript } from "./support/promql-runner.ts";

/** Files of experimental language: every other one must be passed whole, native histograms apart. */
const experimental: ReadonlySet<string> = new Set(
  [
    ...["extended_vectors", "start_timestamps", "type_and_unit", "info", "name_label_dropping", "duration_expression"],
    ...["fill-modifier", "limit"],
  ].map((name) => `${name}.test`),
);

test("scripts in the promql dialect", async () => {
  const engine = await openEngine();
  const files = readdirSync(scriptsFolder).filter((file) => file.endsWith(".test"));
  const outcomes: Outcome[] = [];
  for (const file of files) {
    outcomes.push(...(await runScript(readFileSync(join(scriptsFolder, file), "utf8"), file, engine)));
  }
  assert.ok(outcomes.length > 1000, `want all evals, got ${outcomes.length}`);
  console.log(summarize(files, outcomes));
  assert.equal(judge(outcomes).join("\n"), "");
});

/** What differs from promql-known.ts. */
function judge(outcomes: readonly Outcome[]): string[] {
  const known = new Map<string, { reason: string; isNative: boolean }>();
  for (const { reason, isNative = false, lines } of KNOWN) {
    for (const [file, numbers] of Object.entries(lines)) {
      for (const line of numbers) known.set(`${file}:${line}`, { reason, isNative });
    }
  }
  const problems: string[] = [];
  for (const { file, line, query, problem, isNative } of outcomes) {
    const place = `${file}:${line}`;
    const listed = known.get(place);
    known.delete(place);
    if (listed === undefined && problem !== null) problems.push(`${place}: ${query}\n    ${problem}`);
    if (listed === undefined) continue;
    if (problem === null) problems.push(`${place}: passes by now, take it off promql-known.ts`);
    if (listed.isNative && !isNative) problems.push(`${place}: listed as native histograms, and there are none`);
    if (!listed.isNative && !experimental.has(file)) problems.push(`${place}: stable and not native: want it passed`);
  }
  for (const place of known.keys()) problems.push(`${place}: in promql-known.ts, and no such eval`);
  return problems;
}

function summarize(files: readonly string[], outcomes: readonly Outcome[]): string {
  const row = (name: string, some: readonly Outcome[]): string => {
    const floats = some.filter(({ isNative }) => !isNative);
    const passed = floats.filter(({ problem }) => problem === null).length;
    return `${name.padEnd(26)} ${String(passed).padStart(4)} of ${String(floats.length).padStart(4)}, ${some.length - floats.length} native`;
  };
  return [
    ...files.map((file) =>
      row(
        file,
        outcomes.filter((one) => one.file === file),
      ),
    ),
    row("all", outcomes),
  ].join("\n");
}
