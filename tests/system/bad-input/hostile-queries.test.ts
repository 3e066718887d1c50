/**
 * Queries made to exhaust the server, in both dialects and over HTTP: a 4xx that says what is too much, at once, and a server that goes on
 * answering others. What each costs inside is measured by packages/tsdb/src/query/hostile.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { askSeconds, sampleMs } from "../support/attack.ts";
import { http } from "../support/http.ts";
import { type Nyanza, startNyanza } from "../support/nyanza.ts";
import { queryNumber, queryString } from "../support/query.ts";
import { remoteWrite, seriesOf } from "../support/remote-write.ts";
import { type Scope, scoped } from "../support/scope.ts";

/** A refusal takes the engine less than 50 ms; the rest is HTTP, on a machine that does other things as well. */
const REFUSAL_MS_MAX = 200;
const ROUNDS_MAX = 5;

type Dialect = "metricsql" | "promql";
const BOTH: readonly Dialect[] = ["metricsql", "promql"];
const OURS: readonly Dialect[] = ["metricsql"];
const THEIRS: readonly Dialect[] = ["promql"];

interface Row {
  readonly query: string;
  readonly message: RegExp;
  readonly dialects?: readonly Dialect[];
}

const nested = (times: number, head: string, tail: string): string => `${head.repeat(times)}q${tail.repeat(times)}`;
const doubling = Array.from({ length: 60 }, (_, i) => `, t${i + 1} = t${i} + t${i}`).join("");

/** Each within the 16 KiB of -search.maxQueryLen, but for the first. */
const hostile: readonly Row[] = [
  { query: "(".repeat(64_000), message: /-search\.maxQueryLen/ },
  { query: "(".repeat(16_000), message: /500 levels/ },
  { query: `${"-".repeat(16_000)}q`, message: /500 levels/ },
  { query: "{".repeat(16_000), message: /want a label name|unexpected/ },
  { query: '"'.repeat(16_000), message: /want an operator|unexpected/ },
  { query: "[".repeat(16_000), message: /want an expression|unexpected/ },
  { query: nested(600, "max_over_time(", "[5m:1m])"), message: /500 levels/ },
  { query: `q${" ^ q".repeat(3000)}`, message: /500 levels/ },
  { query: "max_over_time(q[1y:1ms])", message: /-search\.maxPointsSubqueryPerTimeseries/ },
  { query: "q offset 1e308s", message: /2\^53 milliseconds|bad number/ },
  { query: "q[99999999999y]", message: /2\^53 milliseconds|out of range/ },
  { query: 'q{long=~"(.{1,1000}){1,1000}"}', message: /regex.*want at most 8000 instructions/ },
  { query: 'q{long=~"x{1000}{1000}"}', message: /regex.*repetition/ },
  { query: 'label_replace(q, "x", "$1", "long", "(.{1,1000}){1,1000}")', message: /regex.*8000 instructions/ },
  { query: nested(12, "label_replace(", `,"long","${"$1".repeat(16)}","long","(.*)")`), message: /more than 16384/ },
  { query: nested(20, "label_join(", `,"long",""${',"long"'.repeat(8)})`), message: /at most 16384 characters/ },
  { query: `WITH (t0 = q${doubling}) t60`, message: /templates expand to too much/, dialects: OURS },
  { query: `${"WITH (x = q) ".repeat(1200)}x`, message: /500 levels/, dialects: OURS },
  { query: "WITH (f(x) = f(x) + 1) f(q)", message: /unknown function/, dialects: OURS },
  { query: "histogram_count(q)", message: /native histograms, which are not supported/, dialects: THEIRS },
  { query: "start_timestamp(q)", message: /not supported/, dialects: THEIRS },
  { query: "rate(q[5m] anchored)", message: /not supported/, dialects: THEIRS },
  { query: "q @st", message: /not supported/, dialects: THEIRS },
];

/** A small value for each flag, and a query that is beyond it. Both dialects name the flag. */
const beyond: readonly (readonly [flag: string, value: string, query: string, range?: boolean])[] = [
  ["maxQueryLen", "50", `q{i="${"x".repeat(60)}"}`],
  ["maxUniqueTimeseries", "5", "q"],
  ["maxSamplesPerQuery", "5", "q"],
  ["maxSamplesPerSeries", "1", "sum_over_time(q[1h])"],
  ["maxSeriesPerAggrFunc", "5", 'count_values("v", q)'],
  ["maxResponseSeries", "5", "q"],
  ["maxMemoryPerQuery", "2000", "q or (q or (q or q))"],
  ["maxPointsSubqueryPerTimeseries", "5", "max_over_time(q[1h:1m])"],
  ["maxPointsPerTimeseries", "5", "q", true],
];

test(
  "bad input: hostile queries",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const nyanza = await startWithSeries(scope, []);
    for (const { query, message, dialects = BOTH } of hostile) {
      for (const dialect of dialects) {
        let bestMs = Infinity;
        for (let round = 0; round < ROUNDS_MAX && bestMs > REFUSAL_MS_MAX; round++) {
          const startMs = performance.now();
          await refuse(nyanza, "/api/v1/query", { query, dialect, time: askSeconds }, message);
          bestMs = Math.min(bestMs, performance.now() - startMs);
        }
        assert.ok(bestMs <= REFUSAL_MS_MAX, `${Math.round(bestMs)} ms: ${dialect} ${query.slice(0, 100)}`);
      }
    }
    assert.equal(await queryNumber(nyanza.url, "count(q)", askSeconds), 100);
  }),
);

test(
  "bad input: a query beyond a limit hears of the flag",
  { timeout: 120_000 },
  scoped(async (scope) => {
    for (const [flag, value, query, isRange = false] of beyond) {
      const nyanza = await startWithSeries(scope, [`-search.${flag}=${value}`]);
      for (const dialect of BOTH) {
        const path = isRange ? "/api/v1/query_range" : "/api/v1/query";
        const times = isRange ? { start: askSeconds - 60, end: askSeconds, step: 1 } : { time: askSeconds };
        // Of points of a range Prometheus has words of its own.
        const message = isRange && dialect === "promql" ? /resolution of 5 points/ : new RegExp(`-search\\.${flag}\\b`);
        await refuse(nyanza, path, { query, dialect, ...times }, message);
      }
      await nyanza.process.stop();
    }
  }),
);

test(
  "bad input: a long chain is answered, and a query that is out of time is stopped",
  { timeout: 120_000 },
  scoped(async (scope) => {
    const nyanza = await startWithSeries(scope, ["-search.maxQueryDuration=1s"]);
    // Starts a query worker, which may take longer than queries have here.
    assert.equal((await http(`${nyanza.url}/api/v1/labels`)).status, 200);
    for (const dialect of BOTH) {
      const { text } = await ask(nyanza, "/api/v1/query", {
        query: `sum(q)${" + 1".repeat(3000)}`,
        dialect,
        time: askSeconds,
      });
      assert.match(text, /"7950"/, dialect);
      const tree = queryString({ query: `q${" + q".repeat(2000)}` });
      if (dialect === "promql") assert.equal((await http(`${nyanza.url}/api/v1/parse_query${tree}`)).status, 400);
      const slow = `sort(q${" or label_replace(q, 'x', '$1', 'long', '(a|aa)*')".repeat(300)})`;
      const startMs = performance.now();
      const answer = await ask(nyanza, "/api/v1/query", { query: slow, dialect, time: askSeconds });
      assert.ok(answer.status >= 400, answer.text.slice(0, 200));
      assert.match(answer.text, /-search\.maxQueryDuration/);
      assert.ok(performance.now() - startMs < 5000, "it stops soon after");
    }
  }),
);

async function startWithSeries(scope: Scope, flags: readonly string[]): Promise<Nyanza> {
  const nyanza = await startNyanza(scope, { flags });
  const series = Array.from({ length: 100 }, (_, i) =>
    seriesOf("q", { i: String(i), long: "a".repeat(1000) }, [
      [sampleMs - 15_000, i],
      [sampleMs, i],
    ]),
  );
  assert.equal((await remoteWrite(nyanza.url, series)).status, 204);
  return nyanza;
}

async function ask(
  { url }: Nyanza,
  path: string,
  parameters: Record<string, string | number>,
): Promise<{ status: number; text: string }> {
  return await http(url + path, {
    body: queryString(parameters).slice(1),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
}

async function refuse(
  nyanza: Nyanza,
  path: string,
  parameters: Record<string, string | number>,
  message: RegExp,
): Promise<void> {
  const name = JSON.stringify(parameters).slice(0, 150);
  const { status, text } = await ask(nyanza, path, parameters);
  assert.ok(status >= 400 && status < 500, `${name}: status ${status}: ${text.slice(0, 300)}`);
  const { error } = JSON.parse(text) as { error: string };
  assert.match(error, message, name);
  assert.ok(nyanza.process.isRunning, `${name}: the server died\n${nyanza.process.tail()}`);
}
