/**
 * PromQL as text, live: `format_query` of Debian's prometheus 2.42 and ours lay the compliance queries and some long ones out alike, byte by
 * byte, and refuse what is wrong in the same words at the same place.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { queryString } from "./support/query.ts";
import { Scope } from "./support/scope.ts";
import { readCorpus } from "./support/twins.ts";

const scope = new Scope();
after(() => scope.end());

let ours = "";
let theirs = "";
before(async () => {
  ({ url: ours } = await startNyanza(scope));
  ({ url: theirs } = await startPeer(scope, "prometheus"));
});

interface Answer {
  readonly status: "success" | "error";
  readonly data?: string;
  readonly error?: string;
}

async function format(url: string, query: string): Promise<Answer> {
  const { text } = await http(`${url}/api/v1/format_query${queryString({ query })}`);
  const { status, data, error } = JSON.parse(text) as Answer;
  return status === "success" ? { status, data: withoutExponents(data ?? "") } : { status, error: error ?? "" };
}

/** Numbers have no exponents since Prometheus 3. */
function withoutExponents(text: string): string {
  return text.replace(/\b[\d.]+e[+-]\d+/g, (number) => String(Number(number)));
}

async function compareAll(queries: readonly string[]): Promise<void> {
  for (const query of queries) {
    const [our, their] = await Promise.all([format(ours, query), format(theirs, query)]);
    assert.deepEqual(our, their, query);
  }
}

test("queries of the compliance suite", { timeout: 120_000 }, async () => {
  const { queries } = JSON.parse(readCorpus("promql-compliance-queries.json").toString()) as {
    queries: { query: string }[];
  };
  assert.equal(queries.length, 323);
  await compareAll(queries.map(({ query }) => query));
});

const memory = 'node_memory_MemAvailable_bytes{job="node",cluster=~"eu-.*",instance!~"canary-.*"}';
const requests = 'sum without (pod, container) (rate(http_requests_total{namespace="shop",code=~"5.."}[5m:30s]))';

test("long queries are broken alike", { timeout: 60_000 }, async () => {
  await compareAll([
    `100 * (1 - avg by (instance) (${memory} / on (instance, job) group_left (mode) ${memory}))`,
    `${requests} / ignoring (code) group_left ${requests} > bool 0.05 and on (namespace) -${requests} offset 1w != 0`,
    `histogram_quantile(0.99, ${requests}) or topk(3, ${requests}) unless absent_over_time(${memory}[1h] @ 1609746000)`,
    `label_replace(${requests}, "service", "$1-\\"x\\"\\n", 'pod', \`(.*)-\\d+\`) ^ -2 ^ 0.5`,
    `-(${memory} - ${memory} offset -5m) + +((${memory}))`,
    `quantile_over_time(0.5, ${memory}[1d]) # why\n  atan2 count_values by (a, b) ("v", ${memory})`,
  ]);
});

test("what is wrong is said alike", { timeout: 60_000 }, async () => {
  await compareAll([
    ...["", "foo(1)", "rate(up)", "sum(1)", "sum()", "topk(up)", "abs(up,)", "time(1)", "round()", "clamp(up, 1)"],
    ...["{}", '{a=~".*"}', 'up{__name__="x"}', "up{a=b}", "up{a}", 'up{a="b" c="d"}', "sum(up", "up[5m][5m:]"],
    ...["up[5m", "1 > 2", "1 and up", "up + on (x) 1", "a and on (x) group_left () b", "a + bool b", '"a" + 1'],
    ...["a * on (x) group_left (x) b", "(up)[5m]", "up offset 5m[5m]", "1 offset 5m", "up @ 1 @ 2", "1 @ 1"],
    ...[
      "up offset 1m offset 1m",
      '"abc',
      "`abc",
      "a =~ b",
      "$x",
      "1 2",
      '-"a"',
      "up[0s]",
      "1h30",
      "sum\n(up)\n by\n (a",
    ],
  ]);
});
