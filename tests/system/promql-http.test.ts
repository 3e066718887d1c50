/**
 * Prometheus' own scripts once more, over HTTP: samples of 1970 by remote write, queries with `dialect=promql`, answers from JSON. Every
 * file; what the corpora's test lists as not passed is not passed here either, and the shares that must be passed are the same.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { scriptsFolder } from "../corpora/support/promql-corpus.ts";
import { type Outcome, runScript } from "../corpora/support/promql-runner.ts";
import { accountFor, findSurprises, summarize } from "../corpora/support/promql-verdict.ts";
import { openHttpEngine } from "./support/promql-engine.ts";
import { scoped } from "./support/scope.ts";
import { readCorpus } from "./support/twins.ts";

/** Most of the time goes into starting servers. */
const FILES_AT_ONCE = 2;

test(
  "scripts over HTTP",
  { timeout: 300_000 },
  scoped(async (scope) => {
    const files = readdirSync(scriptsFolder).filter((file) => file.endsWith(".test"));
    const outcomes = new Map<string, Outcome[]>(files.map((file) => [file, []]));
    const waiting = files.values();
    const runFiles = async (): Promise<void> => {
      const engine = openHttpEngine(scope);
      for (const file of waiting) {
        outcomes.set(file, await runScript(readCorpus(`promql/${file}`).toString(), file, engine));
      }
    };
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, runFiles));
    const all = [...outcomes.values()].flat();
    const { figures, shortfalls } = accountFor(all);
    console.log(`${summarize(all)}\n\n${figures}`);
    assert.equal(findSurprises(all).join("\n"), "");
    assert.equal(shortfalls.join("\n"), "");
  }),
);
