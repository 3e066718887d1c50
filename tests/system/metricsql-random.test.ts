/**
 * Random MetricsQL queries over the corpus's data set, each asked of us and of Debian's victoria-metrics 1.79.5, instant and
 * range: what one answers the other must answer, or random-metricsql-ledger.ts says why not.
 *
 *   node tests/dist/system/metricsql-random.test.js
 *   NYANZA_QUERIES=5000 NYANZA_SEED=100000 node tests/dist/system/metricsql-random.test.js     further, elsewhere
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { randomMetricsql } from "./support/random-metricsql.ts";
import { knownDifference, RANDOM_DIFFERENCES } from "./support/random-metricsql-ledger.ts";
import { type Kind, runRandomQueries, showTally } from "./support/random-queries.ts";
import { Scope } from "./support/scope.ts";
import { askBoth, loadBoth, readCorpus, startTwins, type Twins } from "./support/twins.ts";

const QUERIES = Number(process.env["NYANZA_QUERIES"] ?? 2000);
const FIRST_SEED = Number(process.env["NYANZA_SEED"] ?? 20_260_101);

/** 2024-01-01T01:00:00Z, the end of the corpus. */
const END = 1_704_070_800;

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startTwins(scope);
  await loadBoth(twins, "/api/v1/import", readCorpus("metricsql-dataset.jsonl"));
});

after(() => scope.end());

function target(query: string, kind: Kind): string {
  const search = new URLSearchParams({ query, nocache: "1" });
  if (kind === "instant") return `/api/v1/query?${search}&time=${END}`;
  return `/api/v1/query_range?${search}&start=${END - 2700}&end=${END - 300}&step=120`;
}

test("random queries are answered as VictoriaMetrics 1.79.5 answers them", async () => {
  const tally = await runRandomQueries<string>({
    seeds: { first: FIRST_SEED, count: QUERIES },
    make: randomMetricsql,
    show: (query) => query,
    ask: (query, kind) => askBoth(twins, target(query, kind)),
    features: () => [],
    explain: async ({ query, ours, theirs }) => knownDifference(query, ours.error ?? theirs.error)?.reason ?? null,
  });
  console.log(showTally(`random MetricsQL from seed ${FIRST_SEED}`, tally));
  assert.equal(tally.problems.length, 0, `${tally.problems.length} problems:\n${tally.problems.join("\n")}`);
  assert.ok(tally.equal >= 1.8 * QUERIES, `want nine of ten answers equal, got ${tally.equal} of ${2 * QUERIES}`);
});

test("the ledger of differences stays short", () => {
  assert.ok(RANDOM_DIFFERENCES.length <= 20, `${RANDOM_DIFFERENCES.length} differences`);
});
