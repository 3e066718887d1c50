/**
 * Random MetricsQL queries over the corpus' data set, each asked of us and of Debian's victoria-metrics 1.79.5, instant and
 * range: what one answers the other must answer, or random-metricsql-ledger.ts says why not and what must be answered instead.
 *
 * Functions and forms that came after 1.79.5 are asked of it in its own words (metricsql-older-words.ts). Every function, operator
 * and modifier must have had equal answers that are not empty.
 *
 *   node tests/dist/system/metricsql-random.test.js
 *   NYANZA_QUERIES=5000 NYANZA_SEED=100000 node tests/dist/system/metricsql-random.test.js     further, elsewhere
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Expr, parse, printExpr } from "@nyanza/tsdb/metricsql";
import { type HttpAnswer, http } from "./support/http.ts";
import { inOlderWords } from "./support/metricsql-older-words.ts";
import { AGGREGATES, ARITHMETIC, COMPARISONS, ROLLUPS, SET_OPERATORS, TRANSFORMS } from "./support/metricsql-tables.ts";
import { featuresOf, MODIFIERS, PREDEFINED, predefinedOf } from "./support/metricsql-tree.ts";
import { randomMetricsql } from "./support/random-metricsql.ts";
import { explainDifference, RANDOM_DIFFERENCES } from "./support/random-metricsql-ledger.ts";
import { type Kind, rareFeatures, readReply, runRandomQueries, showTally } from "./support/random-queries.ts";
import { Scope } from "./support/scope.ts";
import { loadBoth, readCorpus, startTwins, type Twins } from "./support/twins.ts";

const QUERIES = Number(process.env["NYANZA_QUERIES"] ?? 2000);
const FIRST_SEED = Number(process.env["NYANZA_SEED"] ?? 20_260_101);

/** 2024-01-01T01:00:00Z, the end of the corpus. */
const END = 1_704_070_800;

/** Queries with an equal answer that is not empty that every feature must have, where 2,000 or more are asked. */
const ANSWERS_MIN = 5;

const FEATURES: readonly string[] = [
  ...[ROLLUPS, TRANSFORMS, ARITHMETIC, COMPARISONS, SET_OPERATORS].flatMap((table) => [...table.keys()]),
  ...[...AGGREGATES.keys()].map((name) => `${name} by group`),
  // Two of them stand in the table, too.
  ...PREDEFINED.filter((name) => !TRANSFORMS.has(name)),
  ...MODIFIERS,
];

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startTwins(scope);
  await loadBoth(twins, "/api/v1/import", readCorpus("metricsql-dataset.jsonl"));
});

after(() => scope.end());

interface Query {
  readonly text: string;
  readonly tree: Expr;
}

/** The text as it stands if 1.79.5 can read it, so that both read the same. */
function askPeer({ text, tree }: Query, kind: Kind): Promise<HttpAnswer> {
  const older = printExpr(inOlderWords(tree, kind));
  return http(twins.theirs + target(older === printExpr(tree) ? text : older, kind));
}

function target(query: string, kind: Kind): string {
  const search = new URLSearchParams({ query, nocache: "1" });
  if (kind === "instant") return `/api/v1/query?${search}&time=${END}`;
  return `/api/v1/query_range?${search}&start=${END - 2700}&end=${END - 300}&step=120`;
}

test("random queries are answered as VictoriaMetrics 1.79.5 answers them", async () => {
  const tally = await runRandomQueries<Query>({
    seeds: { first: FIRST_SEED, count: QUERIES },
    make: (seed) => {
      const text = randomMetricsql(seed);
      return { text, tree: parse(text) };
    },
    show: ({ text }) => text,
    ask: async (query, kind) => {
      const [ours, theirs] = await Promise.all([http(twins.ours + target(query.text, kind)), askPeer(query, kind)]);
      return { ours, theirs };
    },
    features: ({ text, tree }) => [...featuresOf(tree), ...predefinedOf(text)],
    explain: (asked) => {
      const { query, kind } = asked;
      const trees = { ours: query.tree, theirs: inOlderWords(query.tree, kind) };
      return explainDifference(trees, asked, async (who, tree) =>
        readReply(await http(twins[who] + target(printExpr(tree), kind))),
      );
    },
  });
  console.log(showTally(`random MetricsQL from seed ${FIRST_SEED}`, tally));
  assert.equal(tally.problems.length, 0, `${tally.problems.length} problems:\n${tally.problems.join("\n")}`);
  assert.ok(tally.excused <= 0.03 * QUERIES, `${tally.excused} of ${QUERIES} queries are excused`);
  assert.ok(tally.refused <= 0.03 * 2 * QUERIES, `${tally.refused} of ${2 * QUERIES} answers are refusals`);
  assert.ok(tally.empty <= 0.2 * 2 * QUERIES, `${tally.empty} of ${2 * QUERIES} answers are empty`);
  const least = QUERIES >= 2000 ? ANSWERS_MIN : 0;
  console.log(`  ${FEATURES.length} functions, operators and modifiers, each with ${least} equal answers or more`);
  assert.deepEqual(rareFeatures(tally, FEATURES, least), []);
});

test("the ledger of differences stays short", () => {
  assert.ok(RANDOM_DIFFERENCES.length <= 20, `${RANDOM_DIFFERENCES.length} differences`);
});
