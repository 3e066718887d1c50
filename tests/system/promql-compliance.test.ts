/**
 * The queries of Prometheus' compliance suite, live: our promql dialect against Debian's prometheus 2.42, our metricsql dialect against
 * Debian's victoria-metrics 1.79.5, on the same samples of an hour.
 *
 * Each query is a range of ten minutes by ten seconds, as in the suite. Answers must be equal, series by series and point by point, but
 * for what the two ledgers list with a reason; a query listed whose answers are equal fails, so that the ledgers only shrink.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { startBackfilledPrometheus } from "./support/backfill.ts";
import { type HttpAnswer, http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import {
  type ComplianceDifference,
  PROMETHEUS_DIFFERENCES,
  VICTORIA_METRICS_DIFFERENCES,
} from "./support/promql-compliance-ledger.ts";
import { queryString } from "./support/query.ts";
import { Scope } from "./support/scope.ts";
import { compareResults, readCorpus, type Series } from "./support/twins.ts";

interface Query {
  readonly id: number;
  readonly query: string;
  readonly should_fail: boolean;
}

const range = { start: 1_704_293_400, end: 1_704_294_000, step: 10 };

const scope = new Scope();
after(() => scope.end());

const corpus = JSON.parse(readCorpus("promql-compliance-queries.json").toString()) as {
  queries: Query[];
  count: number;
};
const data = gunzipSync(readCorpus("promql-compliance-data.jsonl.gz"));
let ours = "";

before(async () => {
  assert.equal(corpus.queries.length, corpus.count);
  ({ url: ours } = await startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] }));
  await load(ours);
});

async function load(url: string): Promise<void> {
  const { status, text } = await http(`${url}/api/v1/import`, { body: data });
  assert.equal(status, 204, text);
  await http(`${url}/internal/force_flush`);
}

test("the promql dialect answers as prometheus 2.42 does", { timeout: 300_000 }, async () => {
  const { url } = await startBackfilledPrometheus(scope, data.toString());
  await compareAll(url, "promql", PROMETHEUS_DIFFERENCES);
});

test("the metricsql dialect answers as victoria-metrics 1.79.5 does", { timeout: 300_000 }, async () => {
  const { url } = await startPeer(scope, "victoria-metrics", { flags: ["-search.disableCache"] });
  await load(url);
  await compareAll(url, "metricsql", VICTORIA_METRICS_DIFFERENCES);
});

async function compareAll(theirs: string, dialect: string, ledger: readonly ComplianceDifference[]): Promise<void> {
  const known = new Map(
    ledger.flatMap(({ reason, queries }) => [...queries].map(([id, query]) => [id, { query, reason }] as const)),
  );
  const problems: string[] = [];
  let equal = 0;
  for (const { id, query, should_fail: isRefused } of corpus.queries) {
    const [our, their] = await Promise.all([
      http(`${ours}/api/v1/query_range${queryString({ query, ...range, nocache: 1, dialect })}`),
      http(`${theirs}/api/v1/query_range${queryString({ query, ...range, nocache: 1 })}`),
    ]);
    const difference = compare(our, their, isRefused);
    const { reason, query: knownQuery = query } = known.get(id) ?? {};
    known.delete(id);
    if (knownQuery !== query) problems.push(`${id} ${query}\n    in the ledger it is ${knownQuery}`);
    if (difference === null) equal++;
    if (difference !== null && reason === undefined) problems.push(`${id} ${query}\n    ${difference}`);
    if (difference === null && reason !== undefined) {
      problems.push(`${id} ${query}\n    equal by now, take it off the ledger: ${reason}`);
    }
  }
  for (const id of known.keys()) problems.push(`${id}: in the ledger, and no such query`);
  console.log(`promql-compliance, ${dialect}: ${equal} of ${corpus.queries.length} equal`);
  assert.equal(problems.join("\n"), "");
}

/** What differs first, or null. What both refuse is the same. */
function compare(our: HttpAnswer, their: HttpAnswer, isRefused: boolean): string | null {
  if (our.status !== 200 && our.status !== 400 && our.status !== 422) return `status ${our.status}: ${our.text}`;
  if (our.status !== 200 && their.status !== 200) return null;
  if (our.status !== 200) return `refused: ${our.text.slice(0, 300)}`;
  if (their.status !== 200)
    return `answered, theirs refused${isRefused ? " as it should be" : ""}: ${their.text.slice(0, 200)}`;
  return compareResults(resultOf(our), resultOf(their));
}

function resultOf({ text }: HttpAnswer): readonly Series[] {
  return (JSON.parse(text) as { data: { result: readonly Series[] } }).data.result;
}
