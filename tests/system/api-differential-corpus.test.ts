/**
 * The queries of the corpus and what is newer than 1.79.5, over HTTP: ours against Debian's victoria-metrics 1.79.5, answers compared
 * by value.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { KNOWN_DIFFERENCES } from "../corpora/metricsql-known.ts";
import { NEWER_FORMS, OLDER_QUERIES } from "../corpora/metricsql-newer.ts";
import { encode, QUERY, RANGE } from "./support/api-rows.ts";
import { at, startLoadedTwins } from "./support/api-twins.ts";
import { type HttpAnswer, http } from "./support/http.ts";
import { Scope } from "./support/scope.ts";
import { compareResults, readCorpus, type Series, type Twins } from "./support/twins.ts";

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startLoadedTwins(scope);
});

after(() => scope.end());

interface CorpusQuery {
  readonly id: number;
  readonly query: string;
  readonly expect: "accept" | "reject";
  /** What 1.79.5 said; some newer queries end its process. */
  readonly vm_1_79_5: { readonly status: string };
}

/**
 * Differences are allowed where tests/corpora knows them, or the corpus says that answers depend on the version or on chance. Queries
 * newer than 1.79.5 are compared with its answers to the same in its words; what has no such words only has to be answered.
 */
test("the queries of the corpus, instant and range", async () => {
  const { queries } = JSON.parse(readCorpus("metricsql-queries.json").toString()) as { queries: CorpusQuery[] };
  const golden = readCorpus("metricsql-golden-1.79.5.jsonl").toString().trim().split("\n");
  const caveats = new Map(
    golden.map((line) => JSON.parse(line) as { id: number; caveat?: string }).map((one) => [one.id, one.caveat]),
  );
  const problems: string[] = [];
  const count = { equal: 0, known: 0, newer: 0, answered: 0, refused: 0 };
  for (const { id, query, expect, vm_1_79_5 } of queries) {
    const older = OLDER_QUERIES.get(id) ?? null;
    const words = older === null || typeof older !== "string" ? older : { instant: older, range: older };
    for (const [target, olderTarget] of [
      [instantOf(query), words === null ? null : instantOf(words.instant)],
      [rangeOf(query), words === null ? null : rangeOf(words.range)],
    ] as const) {
      const ours = await http(twins.ours + target);
      const what = `#${id} ${target.slice(0, target.indexOf("?"))} ${query}`;
      const isRefused = ours.status === 400 || ours.status === 422;
      if (expect === "reject") {
        if (isRefused) count.refused++;
        else problems.push(`${what}: taken with ${ours.status}`);
      } else if (ours.status !== 200) problems.push(`${what}: ${ours.status}: ${ours.text.slice(0, 300)}`);
      else if (olderTarget !== null) {
        const problem = compareAnswers(ours, await http(twins.theirs + olderTarget));
        if (problem === null) count.newer++;
        else problems.push(`${what}: ${problem}, asked for ${older}`);
      } else if (vm_1_79_5.status !== "success" || !caveats.has(id)) count.answered++;
      else {
        const problem = compareAnswers(ours, await http(twins.theirs + target));
        if (problem === null) count.equal++;
        else if (KNOWN_DIFFERENCES.has(id) || caveats.get(id) !== undefined) count.known++;
        else problems.push(`${what}: ${problem}`);
      }
    }
  }
  console.log(
    `corpus over HTTP: ${count.equal} answers equal, ${count.newer} to queries newer than 1.79.5, ${count.known} known to differ, ` +
      `${count.answered} only answered, ${count.refused} refused`,
  );
  assert.equal(problems.length, 0, `${problems.length} problems:\n${problems.join("\n")}`);
  assert.ok(count.equal > 700, `want most answers equal, got ${count.equal}`);
});

function instantOf(query: string): string {
  return `${QUERY}?${encode({ query, time: at, nocache: 1 })}`;
}

function rangeOf(query: string): string {
  return `${RANGE}?${encode({ query, start: at - 1800, end: at, step: 300, nocache: 1 })}`;
}

test("newer functions and forms are answered as the older ones that say the same", async () => {
  const problems: string[] = [];
  for (const [newer, older] of NEWER_FORMS) {
    for (const targetOf of [instantOf, rangeOf]) {
      const problem = compareAnswers(
        await http(twins.ours + targetOf(newer)),
        await http(twins.theirs + targetOf(older)),
      );
      if (problem !== null) problems.push(`${newer} (${older}): ${problem}`);
    }
  }
  assert.equal(problems.length, 0, problems.join("\n"));
});

/** What differs, or null. */
function compareAnswers(ours: HttpAnswer, theirs: HttpAnswer): string | null {
  if (theirs.status !== 200) return `200, theirs ${theirs.status}: ${theirs.text.slice(0, 200)}`;
  type Answer = { data: { resultType: string; result: Series[] } };
  const [our, their] = [JSON.parse(ours.text) as Answer, JSON.parse(theirs.text) as Answer];
  if (our.data.resultType !== their.data.resultType) return `${our.data.resultType}, theirs ${their.data.resultType}`;
  return compareResults(our.data.result, their.data.result);
}
