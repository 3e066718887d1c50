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
import { findSurprises, summarize } from "./support/promql-verdict.ts";

test("scripts in the promql dialect", async () => {
  const engine = await openEngine();
  const files = readdirSync(scriptsFolder).filter((file) => file.endsWith(".test"));
  const outcomes: Outcome[] = [];
  for (const file of files) {
    outcomes.push(...(await runScript(readFileSync(join(scriptsFolder, file), "utf8"), file, engine)));
  }
  assert.ok(outcomes.length > 1000, `want all evals, got ${outcomes.length}`);
  console.log(summarize(outcomes));
  assert.equal(findSurprises(outcomes).join("\n"), "");
});
