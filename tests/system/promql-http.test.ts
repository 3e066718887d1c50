/**
 * Prometheus' own scripts once more, over HTTP: samples of 1970 by remote write, queries with `dialect=promql`, answers from JSON. All files
 * of the stable language; what the corpora's test lists as not passed is not passed here either.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { scriptsFolder } from "../corpora/support/promql-corpus.ts";
import { type Outcome, runScript } from "../corpora/support/promql-runner.ts";
import { experimentalScripts, findSurprises, summarize } from "../corpora/support/promql-verdict.ts";
import { openHttpEngine } from "./support/promql-engine.ts";
import { scoped } from "./support/scope.ts";
import { readCorpus } from "./support/twins.ts";

test(
  "scripts over HTTP",
  { timeout: 300_000 },
  scoped(async (scope) => {
    const engine = openHttpEngine(scope);
    const files = readdirSync(scriptsFolder).filter((file) => file.endsWith(".test") && !experimentalScripts.has(file));
    const outcomes: Outcome[] = [];
    for (const file of files) {
      outcomes.push(...(await runScript(readCorpus(`promql/${file}`).toString(), file, engine)));
    }
    console.log(summarize(outcomes));
    assert.equal(findSurprises(outcomes, false).join("\n"), "");
  }),
);
