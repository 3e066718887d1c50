/**
 * Random MetricsQL queries over the corpus's data set, each asked of us and of Debian's victoria-metrics 1.79.5, instant and
 * range: what one answers the other must answer, or random-metricsql-ledger.ts says why not.
 *
 *   node tests/dist/system/metricsql-random.test.js
 *   NYANZA_QUERIES=5000 NYANZA_SEED=100000 node tests/dist/system/metricsql-random.test.js     further, elsewhere
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { HttpAnswer } from "./support/http.ts";
import { randomMetricsql } from "./support/random-metricsql.ts";
import { knownDifference, RANDOM_DIFFERENCES } from "./support/random-metricsql-ledger.ts";
import { Scope } from "./support/scope.ts";
import { askBoth, compareResults, loadBoth, readCorpus, type Series, startTwins, type Twins } from "./support/twins.ts";

const QUERIES = Number(process.env["NYANZA_QUERIES"] ?? 1000);
const FIRST_SEED = Number(process.env["NYANZA_SEED"] ?? 20_260_101);

/** 2024-01-01T01:00:00Z, the end of the corpus. */
const END = 1_704_070_800;

/** Left of a difference whose sides are some powers of ten larger. */
const NOISE = 1e-12;

/** Queries asked at a time: enough to keep both servers busy. */
const AT_ONCE = 4;

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startTwins(scope);
  await loadBoth(twins, "/api/v1/import", readCorpus("metricsql-dataset.jsonl"));
});

after(() => scope.end());

type Kind = "instant" | "range";

function target(query: string, kind: Kind): string {
  const search = new URLSearchParams({ query, nocache: "1" });
  if (kind === "instant") return `/api/v1/query?${search}&time=${END}`;
  return `/api/v1/query_range?${search}&start=${END - 2700}&end=${END - 300}&step=120`;
}

interface Answer {
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: readonly Series[] };
}

test("random queries are answered as VictoriaMetrics 1.79.5 answers them", async () => {
  const count = { equal: 0, empty: 0, refused: 0, known: 0 };
  const known = new Map<string, number>();
  const problems: string[] = [];

  const ask = async (seed: number, kind: Kind): Promise<void> => {
    const query = randomMetricsql(seed);
    const both = await askBoth(twins, target(query, kind));
    const [ours, theirs] = [read(both.ours), read(both.theirs)];
    if (ours.data === undefined && theirs.data === undefined) {
      count.refused++;
      return;
    }
    const refusal = ours.error ?? theirs.error ?? null;
    const problem = refusal ?? compareResults(ours.data?.result ?? [], theirs.data?.result ?? [], NOISE);
    const difference = problem === null ? null : knownDifference(query, refusal);
    if (difference !== null) {
      count.known++;
      known.set(difference.reason, (known.get(difference.reason) ?? 0) + 1);
    } else if (problem === null) {
      count.equal++;
      if (theirs.data?.result.length === 0) count.empty++;
    } else {
      const who = refusal === null ? "" : ours.data === undefined ? "we refuse: " : "they refuse: ";
      problems.push(`seed ${seed}, ${kind}: ${query}\n    ${who}${problem.slice(0, 300)}`);
    }
  };

  for (let i = 0; i < QUERIES; i += AT_ONCE) {
    const seeds = Array.from({ length: Math.min(AT_ONCE, QUERIES - i) }, (_, k) => FIRST_SEED + i + k);
    await Promise.all(seeds.flatMap((seed) => [ask(seed, "instant"), ask(seed, "range")]));
  }
  console.log(
    `random MetricsQL from seed ${FIRST_SEED}: ${count.equal} answers equal, ${count.empty} of them empty, ` +
      `${count.refused} refused by both, ${count.known} known to differ`,
  );
  for (const [reason, times] of known) console.log(`  ${times} × ${reason}`);
  assert.equal(problems.length, 0, `${problems.length} problems:\n${problems.join("\n")}`);
  assert.ok(count.equal >= 1.8 * QUERIES, `want nine of ten answers equal, got ${count.equal} of ${2 * QUERIES}`);
});

test("the ledger of differences stays short", () => {
  assert.ok(RANDOM_DIFFERENCES.length <= 20, `${RANDOM_DIFFERENCES.length} differences`);
});

/** @throws unless it is an answer or a refusal, as queries are refused */
function read({ status, text }: HttpAnswer): Answer {
  assert.ok(status === 200 || status === 400 || status === 422, `status ${status}: ${text.slice(0, 300)}`);
  const answer = JSON.parse(text) as Answer;
  assert.equal(answer.data === undefined, answer.error !== undefined, text.slice(0, 300));
  return answer;
}
