/** Queries that several workers work on at once: the same bytes as from one thread, and an end for all of them, whatever ends it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, type Reply } from "./start.test.support.ts";
import { NOTHING_SMALL, readMetric, type Twin, type Twins, withTwins } from "./start-twins.test.support.ts";

const NOW = 1_704_073_150;
const SERIES = 3_600;
const SAMPLES = 240;

/** Enough for two shares. The values' sums are rounded, so that their order shows. */
async function load({ alone }: Twins): Promise<void> {
  for (let from = 0; from < SERIES; from += 600) {
    const lines = Array.from({ length: 600 }, (_, i) => {
      const metric = { __name__: "m", job: `job${(from + i) % 7}`, instance: `host-${from + i}` };
      const timestamps = Array.from({ length: SAMPLES }, (_, k) => (NOW - 3_600 + 15 * k) * 1000);
      const values = timestamps.map((_, k) => ((from + i) * 7919 + k * 104_729) / 1_009 + 1e-7 * k);
      return JSON.stringify({ metric, values, timestamps });
    });
    assert.equal((await ask(alone.port, "/api/v1/import", { body: lines.join("\n") })).status, 204);
  }
}

function rangePath(text: string, stepS: number, more = ""): string {
  return `/api/v1/query_range?query=${encodeURIComponent(text)}&start=${NOW - 3_000}&end=${NOW}&step=${stepS}&nocache=1${more}`;
}

/** Seconds of work for one core, and minutes. */
const LONG = rangePath("max by (job) (quantile_over_time(0.3, m[40m]))", 60);
const ENDLESS = rangePath("sum(quantile_over_time(0.3, m[40m]))", 1);

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 10_000, what);
    await sleep(2);
  }
}

/** The first heavy query has the second worker started. */
async function withTwoWorkers({ pooled }: Twins): Promise<void> {
  while (readMetric(pooled, "nyanza_query_workers") < 2) {
    assert.equal((await ask(pooled.port, rangePath("quantile_over_time(0.9, m[10m])", 60))).status, 200);
  }
}

const snapshots = (twin: Twin): number => readMetric(twin, "nyanza_query_workers_snapshots");
const busy = (twin: Twin): number => readMetric(twin, "nyanza_query_workers_busy");

/** Asks for what two are going to work on, and waits until they do. */
async function askBoth(twin: Twin, path: string): Promise<{ readonly reply: Promise<Reply> }> {
  const reply = ask(twin.port, path);
  await until("both read", () => snapshots(twin) === 2);
  assert.equal(busy(twin), 1);
  return { reply };
}

test("another worker is started for a heavy query, not for what none can help with", { timeout: 120_000 }, () =>
  withTwins([], async (twins) => {
    await load(twins);
    const { pooled } = twins;
    // Far more than the 10 ms after which a query is heavy; one after the other, so that one worker is always free.
    for (let i = 0; i < 3; i++) {
      const { body, status } = await ask(pooled.port, `/api/v1/export?match[]=m`);
      assert.deepEqual([status, body.length > 1e6], [200, true]);
      assert.equal((await ask(pooled.port, "/api/v1/series?match[]=m")).status, 200);
    }
    assert.equal(readMetric(pooled, "nyanza_query_workers"), 1);
    await withTwoWorkers(twins);
  }),
);

test("an answer that two workers have made is byte for byte that of one thread", { timeout: 120_000 }, () =>
  withTwins(["-search.maxSamplesPerQuery=2000000", "-search.maxMemoryPerQuery=64MiB"], async (twins) => {
    const { alone, pooled } = twins;
    await load(twins);
    await withTwoWorkers(twins);
    const timeless = (text: string): string => text.replace(/"executionTimeMsec": [\d.e-]+/, "");
    let refused = 0;
    for (const dialect of ["metricsql", "promql"]) {
      for (const text of [
        "sum(m)",
        "avg by (job) (rate(m[5m]))",
        "stddev(m) / sum(m)",
        "max(max_over_time(m[5m]))",
        "rate(m[5m]) > 270",
        "topk(2, avg_over_time(m[5m]))",
        "sum(sum_over_time(m[5m])) + sum(count_over_time(m[5m]))",
        "sum(m) + sum(m) + sum(m)",
        "sum(no_such_function(m))",
      ]) {
        for (const step of [15, 61]) {
          const path = rangePath(text, step, `&dialect=${dialect}`);
          const want = await ask(alone.port, path);
          const got = await ask(pooled.port, path);
          assert.equal(got.status, want.status, path);
          assert.equal(timeless(got.text), timeless(want.text), path);
          refused += Number(want.status === 422);
        }
      }
      const traced = await ask(pooled.port, rangePath("sum(m)", 60, `&trace=1&dialect=${dialect}`));
      assert.match(traced.text, /share \d(, by another thread)?: series=\d+, samples=\d+/);
      assert.match((await ask(alone.port, rangePath("sum(m)", 60, "&trace=1"))).text, /over 3600 series in \d shares/);
    }
    assert.ok(refused > 0, "too many samples for some");
    // Both begin within a share: one of a few queries at least has been helped.
    for (let tries = 0; ; tries++) {
      const { text } = await ask(pooled.port, rangePath("max(quantile_over_time(0.9, m[10m]))", 60, "&trace=1"));
      if (/share \d, by another thread/.test(text)) break;
      assert.ok(tries < 20, text);
    }
    assert.ok(readMetric(pooled, "vm_rows_read_per_query_sum") > 0);
    await until("given back", () => snapshots(pooled) === 0);
  }),
);

test("cancelled, too late or left by its client, a query ends at both", { timeout: 120_000 }, () =>
  withTwins([], async (twins) => {
    const { pooled } = twins;
    await load(twins);
    await withTwoWorkers(twins);
    const { reply } = await askBoth(pooled, ENDLESS);
    const list = await ask(pooled.port, "/api/v1/status/active_queries");
    const id = (JSON.parse(list.text) as { data: { id: string }[] }).data[0]?.id;
    await ask(pooled.port, `/api/v1/status/active_queries/cancel?id=${id}`, { method: "POST" });
    assert.match((await reply).text, /was cancelled/);
    await until("given back", () => snapshots(pooled) === 0);
    assert.equal(busy(pooled), 0);

    const late = await askBoth(pooled, `${ENDLESS}&timeout=1s`);
    assert.match((await late.reply).text, /took longer than 1 second/);
    await until("given back", () => snapshots(pooled) === 0);
    assert.equal(readMetric(pooled, "nyanza_query_workers_restarts_total"), 0);
  }),
);

test("a worker that helps is there for a query of its own", { timeout: 120_000 }, () =>
  withTwins([], async (twins) => {
    const { alone, pooled } = twins;
    await load(twins);
    await withTwoWorkers(twins);
    const { reply } = await askBoth(pooled, ENDLESS);
    const small = rangePath('sum(m{instance=~"host-1.?"})', 60);
    for (let i = 0; i < 10; i++) {
      const { status, text } = await ask(pooled.port, small);
      assert.equal(status, 200);
      if (i === 0) assert.equal(dataOf(text), dataOf((await ask(alone.port, small)).text));
    }
    assert.equal(busy(pooled), 1);
    assert.equal(await Promise.race([reply.then(() => "over"), sleep(0, "at work")]), "at work");
    await ask(pooled.port, `/api/v1/status/active_queries/cancel?id=${await onlyActive(pooled)}`, { method: "POST" });
    await reply;
  }),
);

test("a query whose helper dies goes on; the helper's seat is taken by another", { timeout: 120_000 }, () =>
  withTwins(
    [],
    async (twins) => {
      const { alone, pooled } = twins;
      await load(twins);
      await withTwoWorkers(twins);
      const want = dataOf((await ask(alone.port, LONG)).text);
      for (let round = 1; round <= 2; round++) {
        const { reply } = await askBoth(pooled, LONG);
        // The one that is asked has more to do, so this goes to the one that helps.
        const thrown = await ask(pooled.port, "/api/v1/query?query=%22throw%22&dialect=promql");
        assert.equal(thrown.status, 503);
        const { status, text } = await reply;
        assert.equal(status, 200, text);
        assert.equal(dataOf(text), want);
        assert.equal(readMetric(pooled, "nyanza_query_workers_restarts_total"), round);
        await until("given back", () => snapshots(pooled) === 0);
        await withTwoWorkers(twins);
      }
      const { reply } = await askBoth(pooled, LONG);
      assert.equal(dataOf((await reply).text), want);
    },
    { small: NOTHING_SMALL, program: new URL("./dying-worker.test.support.js", import.meta.url) },
  ),
);

async function onlyActive({ port }: Twin): Promise<string | undefined> {
  const { text } = await ask(port, "/api/v1/status/active_queries");
  return (JSON.parse(text) as { data: { id: string }[] }).data[0]?.id;
}

function dataOf(text: string): string {
  return JSON.stringify((JSON.parse(text) as { data: unknown }).data);
}
