/** Answers of query workers against those of the main thread, and what happens when workers stop, stall and die. */
import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { ask, type Reply, type Sending } from "./start.test.support.ts";
import { NOTHING_SMALL, readCorpus, readMetric, type Twins, withTwins } from "./start-twins.test.support.ts";

const NOW = 1_704_073_150;

interface Corpus {
  readonly time: number;
  readonly queries: readonly { readonly query: string }[];
}

async function importInto({ alone }: Twins, lines: string): Promise<void> {
  assert.equal((await ask(alone.port, "/api/v1/import", { body: lines })).status, 204);
}

/** `count` series of a handful of samples, labels of all sorts. */
function wideLines(name: string, count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const metric = { __name__: name, job: `job${i % 7}`, instance: `host-${i}`, odd: `é<&>"\\${i % 3}` };
    const values = [i, i + 0.5, i % 5 === 0 ? null : 1e21 * i, "Infinity", -i / 3];
    const timestamps = values.map((_value, k) => (NOW - 120 + 30 * k) * 1000);
    return JSON.stringify({ metric, values, timestamps });
  }).join("\n");
}

/** Without what no two runs have in common. */
function timeless(text: string): string {
  return text
    .replace(/("executionTimeMsec": |"duration_msec":|"(?:\w+Time)":)[\d.e-]+/g, "$1T")
    .replaceAll(/\{"duration_msec":T,"message":"wait[^}]*\},?/g, "")
    .replaceAll(',"children":[]', "");
}

async function sameAnswers({ alone, pooled }: Twins, path: string, sending: Sending = {}): Promise<number> {
  const [here, there] = await Promise.all([ask(alone.port, path, sending), ask(pooled.port, path, sending)]);
  assert.equal(there.status, here.status, path);
  const [got, want] = [timeless(bodyOf(there)), timeless(bodyOf(here))];
  if (got !== want) {
    const at = [...want].findIndex((_char, i) => want[i] !== got[i]);
    const around = (text: string): string => text.slice(Math.max(0, at - 200), at + 200);
    assert.equal(around(got), around(want), `${path}, from ${at} on`);
  }
  // Whether a short answer is compressed may hang on a digit of its duration.
  const isShort = Math.abs(bodyOf(here).length - 1_024) < 32;
  for (const header of ["content-type", ...(isShort ? [] : ["content-encoding"]), "retry-after"]) {
    assert.equal(there.headers[header], here.headers[header], `${header} of ${path}`);
  }
  return here.status;
}

function bodyOf({ body, headers }: Reply): string {
  return (headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("latin1");
}

const query = (text: string, more = ""): string => `query=${encodeURIComponent(text)}${more}`;

test("a worker answers byte for byte what the main thread answers", { timeout: 120_000 }, () =>
  withTwins(
    ["-search.maxMemoryPerQuery=8MiB", "-search.queryStats.minQueryDuration=0", "-search.disableCache"],
    async (twins) => {
      await importInto(twins, await readCorpus("document-data.jsonl"));
      await importInto(twins, wideLines("wide", 1_000));
      await importInto(twins, '{"metric":{"__name__":"lonely"},"values":[1],"timestamps":[1704073100000]}');
      const corpus = JSON.parse(await readCorpus("document-queries.json")) as Corpus;
      const texts = [...new Set(corpus.queries.map(({ query }) => query))];
      const range = `&start=${NOW - 600}&end=${NOW}&step=15`;
      let refused = 0;
      for (const dialect of ["metricsql", "promql"]) {
        for (const text of texts) {
          const asked = query(text, `&dialect=${dialect}`);
          const instant = await sameAnswers(twins, `/api/v1/query?${asked}&time=${NOW}`);
          const ranged = await sameAnswers(twins, `/api/v1/query_range?${asked}${range}`);
          refused += Number(instant !== 200) + Number(ranged !== 200);
        }
        for (const [text, more] of ODD_QUERIES) {
          const asked = query(text, `&dialect=${dialect}${more}`);
          await sameAnswers(twins, `/api/v1/query?${asked}&time=${NOW}`);
          await sameAnswers(twins, `/api/v1/query_range?${asked}${range}`);
          await sameAnswers(twins, `/api/v1/query_range?${asked}${range}&nocache=1`, {
            headers: { "accept-encoding": "gzip" },
          });
        }
      }
      assert.ok(refused > 0 && refused < texts.length * 2, `${refused} of ${texts.length}`);
      for (const path of READING_PATHS) await sameAnswers(twins, path);
      // Everything went where it should: nothing but arguments is looked at beside the workers.
      assert.ok(readMetric(twins.pooled, "nyanza_query_workers") > 0);
      for (const metric of ["vm_rows_read_per_query", "vm_series_read_per_query", "vm_rows_read_per_series"]) {
        for (const what of ["_count", "_sum"]) {
          assert.equal(readMetric(twins.pooled, metric + what), readMetric(twins.alone, metric + what), metric + what);
        }
      }
      assert.deepEqual(
        twins.pooled.log.filter((line) => /\b(warn|error)\b/.test(line)).map(stripPort),
        twins.alone.log.filter((line) => /\b(warn|error)\b/.test(line)).map(stripPort),
      );
      const top = "/api/v1/status/top_queries?topN=1000";
      assert.deepEqual(await countsOf(twins.pooled.port, top), await countsOf(twins.alone.port, top));
    },
  ),
);

/** With arguments of their own. */
const ODD_QUERIES: readonly (readonly [string, string])[] = [
  ["wide", ""],
  ["wide", "&trace=1"],
  ["sum(rate(wide[1m])) by (job)", "&trace=1"],
  ["wide", "&stats=all"],
  ["sum(wide) by (odd)", "&stats=1&limit=2"],
  ["wide", "&round_digits=0&extra_label=job=job3"],
  ["wide", "&extra_filters[]={job=~'job[12]'}"],
  ["1 + 2", ""],
  ['"text"', ""],
  ["time()", ""],
  ["wide[2m]", ""],
  ["sum(wide", ""],
  ["no_such_function(wide)", ""],
  ["label_join(wide)", ""],
  ["wide * on (job) wide", ""],
  ["wide @ end()", ""],
  ["max_over_time(rate(wide[1m])[1h:1s])", "&trace=1"],
  ["{__name__=~'wide|lonely'}[1h] offset 1d", ""],
  ["rate(wide)", ""],
  ["histogram_quantile(0.9, wide)", ""],
  ["wide", "&timeout=0.000001"],
];

const READING_PATHS: readonly string[] = [
  `/api/v1/series?match[]=wide&start=${NOW - 3600}&end=${NOW}`,
  `/api/v1/series?match[]=wide&start=${NOW - 3600}&end=${NOW}&limit=7&trace=1`,
  "/api/v1/series",
  `/api/v1/labels?start=${NOW - 3600}&end=${NOW}&trace=1`,
  `/api/v1/label/instance/values?start=${NOW - 3600}&end=${NOW}`,
  `/api/v1/label/U__odd/values?start=${NOW - 3600}&end=${NOW}&match[]=wide`,
  "/api/v1/label/odd/values?match[]={",
  "/api/v1/export?match[]=wide",
  "/api/v1/export?match[]={__name__!=''}&max_rows_per_line=2",
  "/api/v1/export?match[]=wide&format=prometheus",
  "/api/v1/export?match[]=wide&format=promapi&trace=1",
  "/api/v1/export?match[]=wide&format=other",
  "/api/v1/export",
  "/api/v1/export/csv?match[]=wide&format=__name__,odd,__timestamp__:rfc3339,__value__",
  "/api/v1/export/csv?match[]=wide&format=__timestamp__:never",
  "/api/v1/export/blocks?match[]={__name__!=''}",
  `/federate?match[]=wide&end=${NOW}&max_lookback=10m`,
];

function stripPort(line: string): string {
  return line.replace(/127\.0\.0\.1:\d+/g, "");
}

async function countsOf(port: number, path: string): Promise<unknown> {
  const { text } = await ask(port, path);
  const { topByCount } = JSON.parse(text) as { topByCount: { query: string; count: number }[] };
  return topByCount.map(({ count, query }) => `${count} ${query}`).sort();
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 5_000, what);
    await sleep(2);
  }
}

/** Minutes of work for one core. */
const HEAVY = `/api/v1/query_range?${query(
  [1, 2, 3, 4, 5, 6, 7, 8, 9].map((phi) => `count(quantile_over_time(0.${phi}, slow[50m]))`).join(" + "),
)}&start=${NOW - 3600}&end=${NOW}&step=1&nocache=1`;

/** Data that HEAVY is heavy on. */
function slowLines(): string {
  return Array.from({ length: 200 }, (_, s) => {
    const timestamps = Array.from({ length: 240 }, (_, i) => (NOW - 3600 + 15 * i) * 1000);
    return JSON.stringify({
      metric: { __name__: "slow", s: `${s}` },
      values: timestamps.map((_ms, i) => (i * 7919) % 1009),
      timestamps,
    });
  }).join("\n");
}

test("a cancelled task and one whose client hangs up free their worker", { timeout: 60_000 }, () =>
  withTwins([], async (twins) => {
    const { port } = twins.pooled;
    await importInto(twins, slowLines());
    const heavy = ask(port, HEAVY);
    await until("at work", () => readMetric(twins.pooled, "nyanza_query_workers_busy") === 1);
    await until("reading", () => readMetric(twins.pooled, "nyanza_query_workers_snapshots") > 0);
    const list = JSON.parse((await ask(port, "/api/v1/status/active_queries")).text) as { data: { id: string }[] };
    const cancelled = await ask(port, `/api/v1/status/active_queries/cancel?id=${list.data[0]?.id}`, {
      method: "POST",
    });
    assert.equal(cancelled.status, 200);
    const reply = await heavy;
    // Told on a way of its own, which may be the slower one.
    await until("given back", () => readMetric(twins.pooled, "nyanza_query_workers_snapshots") === 0);
    assert.equal(reply.status, 422);
    assert.match(reply.text, /was cancelled/);
    assert.equal(readMetric(twins.pooled, "nyanza_query_workers_busy"), 0);

    const late = await ask(port, `${HEAVY}&timeout=100ms`);
    assert.equal(late.status, 422);
    assert.match(late.text, /took longer than 0\.1 seconds/);
    assert.equal(readMetric(twins.pooled, "nyanza_query_workers_busy"), 0);

    const request = httpRequest({ host: "127.0.0.1", port, path: HEAVY }).on("error", () => {});
    request.end();
    await until("at work", () => readMetric(twins.pooled, "nyanza_query_workers_busy") === 1);
    request.destroy();
    await until("at rest", () => readMetric(twins.pooled, "nyanza_query_workers_busy") === 0);
    // Told on a way of its own, which may be the slower one.
    await until("given back", () => readMetric(twins.pooled, "nyanza_query_workers_snapshots") === 0);
    assert.equal(readMetric(twins.pooled, "nyanza_query_workers_restarts_total"), 0);
  }),
);

test("a client that reads slowly keeps its worker's task waiting, and nobody else", { timeout: 60_000 }, () =>
  withTwins([], async (twins) => {
    const { port } = twins.pooled;
    await importInto(twins, slowLines());
    const path = `/api/v1/query_range?${query("slow")}&start=${NOW - 3600}&end=${NOW}&step=1`;
    const whole = await ask(twins.alone.port, path);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest({ host: "127.0.0.1", port, path }, resolve).on("error", reject).end();
    });
    response.pause();
    await sleep(200);
    assert.equal(readMetric(twins.pooled, "nyanza_query_workers_busy"), 1);
    for (let i = 0; i < 5; i++)
      assert.equal((await ask(port, `/api/v1/query?${query("count(slow)")}&time=${NOW}`)).status, 200);
    let bytes = 0;
    for await (const piece of response as AsyncIterable<Buffer>) bytes += piece.length;
    // Some digits of a duration more or less.
    assert.ok(Math.abs(bytes - whole.body.length) < 8, `${bytes} of ${whole.body.length} bytes`);
    await until("at rest", () => readMetric(twins.pooled, "nyanza_query_workers_busy") === 0);
  }),
);

test("a worker that dies takes its tasks along; the next gets another worker", { timeout: 60_000 }, () =>
  withTwins(
    ["-memory.allowedBytes=64MiB"],
    async (twins) => {
      const { log, port } = twins.pooled;
      const answer = (text: string) => ask(port, `/api/v1/query?${query(text)}&dialect=promql`);
      const restarts = (): number => readMetric(twins.pooled, "nyanza_query_workers_restarts_total");
      const thrown = await answer('"throw"');
      assert.equal(thrown.status, 503);
      assert.equal(thrown.headers["retry-after"], "1");
      assert.match(thrown.text, /"errorType":"unavailable".*ended unexpectedly/);
      assert.equal(restarts(), 1);
      assert.match(log.join(""), /error.*a query worker died with 1 requests and is replaced: a bug in a worker/);
      assert.match((await answer("1 + 1")).text, /"result":\[[\d.]+,"2"\]/);

      const eaten = await answer('"eat"');
      assert.equal(eaten.status, 422, eaten.text);
      assert.match(eaten.text, /needs more memory than a query worker may have .*-memory\.allowedBytes/);
      assert.equal(restarts(), 2);
      assert.match((await answer("1 + 1")).text, /"result":\[[\d.]+,"2"\]/);
    },
    { small: NOTHING_SMALL, program: new URL("./dying-worker.test.support.js", import.meta.url) },
  ),
);
