/**
 * Random PromQL over two hours of samples, each query asked of our promql dialect and of Debian's prometheus 2.42, instant and range:
 * answers are equal, or random-promql-ledger.ts says why not; every function, aggregation, operator and form has answered something.
 *
 *   node tests/dist/system/promql-random.test.js
 *   NYANZA_QUERIES=5000 NYANZA_SEED=100000 node tests/dist/system/promql-random.test.js     further, elsewhere
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type HttpAnswer, http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { AGGREGATES, FORMS, FUNCTIONS, featuresOf, OPERATORS, readTree } from "./support/promql-features.ts";
import { queryString } from "./support/query.ts";
import { type PromQuery, randomPromql } from "./support/random-promql.ts";
import { sentSlices } from "./support/random-promql-data.ts";
import { explainDifference, PROMQL_DIFFERENCES } from "./support/random-promql-ledger.ts";
import { TIMES } from "./support/random-promql-newer.ts";
import { rollWindows, samplesQuery } from "./support/random-promql-windows.ts";
import { type Kind, rareFeatures, readReply, runRandomQueries, showTally } from "./support/random-queries.ts";
import { remoteWrite } from "./support/remote-write.ts";
import { Scope } from "./support/scope.ts";
import { compareResults, type Series } from "./support/twins.ts";

const QUERIES = Number(process.env["NYANZA_QUERIES"] ?? 2000);
const FIRST_SEED = Number(process.env["NYANZA_SEED"] ?? 20_260_101);

/** They have answers only where native histograms or start timestamps are stored. */
const WITHOUT_ANSWERS: ReadonlySet<string> = new Set([
  ...["histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar", "start_timestamp"],
]);

const scope = new Scope();
after(() => scope.end());

let ours = "";
let theirs = "";

before(async () => {
  [{ url: ours }, { url: theirs }] = await Promise.all([
    startNyanza(scope, { flags: ["-selfScrapeInterval=0s"] }),
    startPeer(scope, "prometheus", {
      flags: ["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver"],
    }),
  ]);
  for (const slice of sentSlices()) {
    for (const url of [ours, theirs]) {
      const { status, text } = await remoteWrite(url, slice);
      assert.equal(status, 204, text);
    }
  }
});

function atTimesOf(query: string, { start, end, step }: PromQuery["grid"], kind: Kind): string {
  const [from, range, every] = kind === "instant" ? [end, 0, 0] : [start, end - start, step];
  return query
    .replaceAll(TIMES.start, String(from))
    .replaceAll(TIMES.end, String(end))
    .replaceAll(TIMES.range, String(Number(range.toFixed(3))))
    .replaceAll(TIMES.step, String(every));
}

function send(url: string, query: string, { start, end, step }: PromQuery["grid"], kind: Kind): Promise<HttpAnswer> {
  const common = { query, nocache: 1, ...(url === ours ? { dialect: "promql" } : {}) };
  if (kind === "instant") return http(`${url}/api/v1/query${queryString({ ...common, time: end })}`);
  return http(`${url}/api/v1/query_range${queryString({ ...common, start, end, step })}`);
}

/** As a server would answer. */
function answerOf(kind: Kind, series: readonly Series[], like: HttpAnswer): HttpAnswer {
  const data = { resultType: kind === "instant" ? "vector" : "matrix", result: series };
  return { ...like, status: 200, text: JSON.stringify({ status: "success", data }) };
}

async function askOurs(query: PromQuery, kind: Kind): Promise<HttpAnswer> {
  const first = await send(ours, query.ours, query.grid, kind);
  if (query.rest === undefined) return first;
  const second = await send(ours, query.rest, query.grid, kind);
  const [some, others] = [readReply(first), readReply(second)];
  if (some === null || others === null || some.error !== null) return first;
  return others.error === null ? answerOf(kind, [...some.series, ...others.series], first) : second;
}

async function askTheirs({ theirs: text, grid, windows }: PromQuery, kind: Kind): Promise<HttpAnswer> {
  if (windows === undefined) return await send(theirs, atTimesOf(text, grid, kind), grid, kind);
  const { query, time } = samplesQuery(text, windows, grid);
  const answer = await send(theirs, query, { ...grid, end: time }, "instant");
  const reply = readReply(answer);
  if (reply === null || reply.error !== null) return answer;
  const rolled = rollWindows(reply.series, windows, grid, kind);
  if (rolled === null) return { ...answer, status: 422, text: '{"status":"error","error":"equal series"}' };
  return answerOf(kind, rolled, answer);
}

/** What is wrong about the order of an instant answer that was asked to be sorted. */
function orderProblem(query: PromQuery, our: HttpAnswer, their: HttpAnswer): string | null {
  const tree = readTree(query.ours);
  if (tree?.kind !== "call" || !tree.name?.startsWith("sort")) return null;
  const [mine, yours] = [readReply(our)?.series ?? [], readReply(their)?.series ?? []];
  if (!tree.name.startsWith("sort_by_label")) {
    // In equal order the values are equal one by one, whatever series they are of.
    const inOrder = (list: readonly Series[]): Series[] =>
      list.map(({ value }, i) => (value === undefined ? { metric: {} } : { metric: { i: String(i) }, value }));
    return compareResults(inOrder(mine), inOrder(yours), 1e-12);
  }
  const sign = tree.name === "sort_by_label" ? 1 : -1;
  const labels = (tree.args ?? []).slice(1).map(({ value }) => String(value));
  for (const [i, { metric }] of mine.entries()) {
    const before = mine[i - 1]?.metric;
    if (before === undefined) continue;
    const order = labels
      .map((label) => compareNaturally(before[label] ?? "", metric[label] ?? ""))
      .find((one) => one !== 0);
    if (order !== undefined && order * sign > 0) return `${JSON.stringify(metric)} after ${JSON.stringify(before)}`;
  }
  return null;
}

/** Runs of digits by their numbers, the rest by its letters. */
function compareNaturally(a: string, b: string): number {
  const key = (text: string): string => text.replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
}

test("random queries are answered as Prometheus 2.42 answers them", { timeout: 3_600_000 }, async () => {
  const unordered: string[] = [];
  const tally = await runRandomQueries<PromQuery>({
    seeds: { first: FIRST_SEED, count: QUERIES },
    make: randomPromql,
    show: (query) => (query.ours === query.theirs ? query.ours : `${query.ours}\n    theirs: ${query.theirs}`),
    ask: async (query, kind) => {
      const [our, their] = await Promise.all([askOurs(query, kind), askTheirs(query, kind)]);
      const problem = kind === "instant" ? orderProblem(query, our, their) : null;
      if (problem !== null && explainDifference(readTree(query.ours), problem) === null)
        unordered.push(`${query.ours}\n    ${problem}`);
      return { ours: our, theirs: their };
    },
    features: (query) => {
      const tree = readTree(query.ours);
      return tree === null ? [] : featuresOf(tree);
    },
    explain: async ({ query, problem }) => explainDifference(readTree(query.ours), problem),
  });
  console.log(showTally(`random PromQL from seed ${FIRST_SEED}`, tally));
  const catalogue = [...FUNCTIONS.filter((name) => !WITHOUT_ANSWERS.has(name)), ...AGGREGATES, ...OPERATORS, ...FORMS];
  const times = catalogue.map((name) => [name, tally.features.get(name) ?? 0] as const).sort((a, b) => a[1] - b[1]);
  console.log(
    `  ${catalogue.length} functions, aggregations, operators and forms have equal answers that are not empty; ` +
      `the fewest: ${times
        .slice(0, 8)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}`,
  );
  const problems = [...tally.problems, ...unordered];
  assert.equal(problems.length, 0, `${problems.length} problems:\n${problems.join("\n")}`);

  assert.ok(tally.excused <= 0.03 * QUERIES, `${tally.excused} of ${QUERIES} queries excused`);
  assert.ok(tally.refused <= 0.05 * 2 * QUERIES, `${tally.refused} of ${2 * QUERIES} refused by both`);
  if (QUERIES < 2000) return;
  assert.deepEqual(rareFeatures(tally, catalogue, 5), [], "with fewer than five answers that are not empty");
});

test("the ledger of differences stays short", () => {
  assert.ok(PROMQL_DIFFERENCES.length <= 20, `${PROMQL_DIFFERENCES.length} differences`);
});
