/**
 * The Go guide's queries on recorded samples, over HTTP: ours in both dialects, Debian's victoria-metrics 1.79.5 and prometheus 2.42. All
 * give the stored answers of tests/corpora/document-queries.json, but for what is said there to differ, with its reason.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type Dialect,
  type DocumentQuery,
  readDocumentData,
  readDocumentQueries,
} from "../corpora/support/document-queries.ts";
import { startBackfilledPrometheus } from "./support/backfill.ts";
import { http } from "./support/http.ts";
import { queryString } from "./support/query.ts";
import { Scope } from "./support/scope.ts";
import { compareResults, loadBoth, type Series, startTwins, type Twins } from "./support/twins.ts";

const scope = new Scope();
after(() => scope.end());

const { time, queries } = readDocumentQueries();
let twins: Twins;

before(async () => {
  twins = await startTwins(scope);
  await loadBoth(twins, "/api/v1/import", readDocumentData());
});

test("our server, in both dialects", async () => {
  await checkAll("metricsql", twins.ours, { dialect: "metricsql" });
  await checkAll("promql", twins.ours, { dialect: "promql" });
});

test("victoria-metrics 1.79.5", () => checkAll("metricsql", twins.theirs, {}, "victoria-metrics"));

test("prometheus 2.42", { timeout: 60_000 }, async () => {
  const { url } = await startBackfilledPrometheus(scope, readDocumentData());
  await checkAll("promql", url, {}, "prometheus");
});

async function checkAll(
  dialect: Dialect,
  url: string,
  args: Record<string, string>,
  peer?: keyof NonNullable<DocumentQuery["differs"]>,
): Promise<void> {
  const problems: string[] = [];
  let count = 0;
  for (const { id, query, answers, differs } of queries) {
    const wanted = answers[dialect];
    if (wanted === undefined) continue;
    count++;
    const { text } = await http(`${url}/api/v1/query${queryString({ query, time, nocache: 1, ...args })}`);
    const answer = JSON.parse(text) as {
      status: string;
      error?: string;
      data: { resultType: string; result: Series[] };
    };
    const isRefused = answer.status !== "success";
    const reason = peer === undefined ? undefined : differs?.[peer];
    const problem =
      isRefused !== "refused" in wanted
        ? `${answer.error ?? "answered"}, want ${"refused" in wanted ? wanted.refused : "an answer"}`
        : "refused" in wanted
          ? null
          : answer.data.resultType !== wanted.resultType
            ? `a ${answer.data.resultType}`
            : compareResults(answer.data.result, wanted.result);
    if (problem !== null && reason === undefined) problems.push(`${id} ${query}\n    ${problem}`);
    if (problem === null && reason !== undefined) problems.push(`${id} ${query}\n    equal, although: ${reason}`);
  }
  assert.ok(count > 14, `want the guide's queries, got ${count}`);
  assert.equal(problems.join("\n"), "");
}
