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
import { scriptsFolder } from "./support/promql-corpus.ts";
import { openEngine } from "./support/promql-engine.ts";
import { type Outcome, runScript } from "./support/promql-runner.ts";
import { accountFor, findSurprises, summarize } from "./support/promql-verdict.ts";

test("scripts in the promql dialect", async () => {
  const engine = await openEngine();
  const files = readdirSync(scriptsFolder).filter((file) => file.endsWith(".test"));
  const outcomes: Outcome[] = [];
  for (const file of files) {
    outcomes.push(...(await runScript(readFileSync(join(scriptsFolder, file), "utf8"), file, engine)));
  }
  assert.ok(outcomes.length > 1000, `want all evals, got ${outcomes.length}`);
  const { figures, shortfalls } = accountFor(outcomes);
  console.log(`${summarize(outcomes)}\n\n${figures}`);
  assert.equal(findSurprises(outcomes).join("\n"), "");
  assert.equal(shortfalls.join("\n"), "");
});

/**
 * Every eval of limit.test reads two native histograms among six series of numbers. Which series are taken does not depend on what their
 * samples are: with each histogram's count in its place, in the load and in the answers, all evals must be passed.
 */
test("limit.test with numbers for native histograms", async () => {
  const text = readFileSync(join(scriptsFolder, "limit.test"), "utf8").replace(/\{\{.*?\bcount:(\d+).*?\}\}/g, "$1");
  const outcomes = await runScript(text, "limit.test", await openEngine());
  assert.ok(outcomes.length > 20, `want all evals, got ${outcomes.length}`);
  assert.deepEqual(
    outcomes.filter(({ problem, isNative }) => problem !== null || isNative),
    [],
  );
});
