/**
 * Query endpoints of the promql dialect beside Debian's prometheus 2.42: what is refused and with which words, forms of times and steps, and
 * the samples that `stats=` counts.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type HttpAnswer, http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { runCommand } from "./support/process.ts";
import { queryString } from "./support/query.ts";
import { Scope } from "./support/scope.ts";

type Arguments = Readonly<Record<string, string | number>>;

interface Answer {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: { readonly resultType: string; readonly result: unknown; readonly stats?: Stats };
}

interface Stats {
  readonly timings: Readonly<Record<string, number>>;
  readonly samples: {
    readonly totalQueryableSamplesPerStep?: readonly (readonly [number, number])[];
    readonly totalQueryableSamples: number;
    readonly peakSamples: number;
  };
}

/** 2024-01-01T01:00:00Z, the end of the data. Samples lie 7 seconds past each quarter minute: no window's edge meets one. */
const at = 1_704_070_800;
const SERIES = 4;
const lines = Array.from({ length: 240 }, (_, i) =>
  Array.from(
    { length: SERIES },
    (_, s) => `m{job="${s % 2 === 0 ? "a" : "b"}",i="${s}"} ${i + s} ${at - 3600 + 7 + 15 * i}\n`,
  ),
);

const QUERY = "/api/v1/query";
const RANGE = "/api/v1/query_range";

const scope = new Scope();
let ours = "";
let theirs = "";

before(async () => {
  const perSeries = Array.from({ length: SERIES }, (_, s) => lines.map((row) => row[s]).join(""));
  const [nyanza, prometheus] = await Promise.all([
    startNyanza(scope, { flags: ["-selfScrapeInterval=0s", "-search.dialect=promql"] }),
    startPeer(scope, "prometheus", {
      flags: ["--storage.tsdb.retention.time=100y", "--enable-feature=promql-per-step-stats"],
      prepare: async (folder) => {
        const text = join(folder, "samples.txt");
        writeFileSync(text, `${perSeries.join("")}# EOF\n`);
        const args = ["tsdb", "create-blocks-from", "openmetrics", "--quiet", text, join(folder, "data")];
        const { code, output } = await runCommand(scope, "promtool", args);
        assert.equal(code, 0, output);
      },
    }),
  ]);
  ours = nyanza.url;
  theirs = prometheus.url;
  const body = lines
    .flat()
    .join("")
    .replaceAll(/ (\d+)\n/g, " $1000\n");
  const { status, text } = await http(`${ours}/api/v1/import/prometheus`, { body });
  assert.equal(status, 204, text);
});
after(() => scope.end());

async function ask(url: string, path: string, args: Arguments): Promise<HttpAnswer & { answer: Answer }> {
  const reply = await http(`${url}${path}${queryString(args)}`);
  return { ...reply, answer: JSON.parse(reply.text) as Answer };
}

const range = { start: at - 600, end: at, step: 60 };
const IN_3 = "Prometheus 3 says it so";
const ORDER = "Prometheus names the two as it meets them, we in order";
const PARSER = "our parser says more, or says it otherwise";

/** Requests that are refused. Messages are equal, or begin alike, unless a reason says why not. */
const REFUSED: readonly (readonly [path: string, args: Arguments, reason?: string])[] = [
  [QUERY, {}],
  [QUERY, { query: "" }],
  [QUERY, { query: "sum(" }],
  [QUERY, { query: "m{" }],
  [QUERY, { query: "m offset" }, PARSER],
  [QUERY, { query: "unknown(m)" }],
  [QUERY, { query: "rate(m)" }],
  [QUERY, { query: "sum(m, m)" }],
  [QUERY, { query: "m and 1" }],
  [QUERY, { query: 'm{i=~"("}' }, PARSER],
  [QUERY, { query: "{}" }],
  [QUERY, { query: "1 +\n + )" }, PARSER],
  [QUERY, { query: "m", time: "soon" }],
  [QUERY, { query: "m", timeout: "soon" }],
  [QUERY, { query: "m", time: at, timeout: "0" }, "2.42 notices before it evaluates"],
  [QUERY, { query: "sum by (job) (m) + on(job) m", time: at }, ORDER],
  [QUERY, { query: "m + ignoring(i) m", time: at }, ORDER],
  [QUERY, { query: 'label_replace(m, "i", "", "", "")', time: at }],
  [RANGE, { query: "m" }],
  [RANGE, { query: "m", start: "x", end: at, step: 1 }],
  [RANGE, { query: "m", start: at, end: "x", step: 1 }],
  [RANGE, { query: "m", start: at, end: at - 1, step: 1 }],
  [RANGE, { query: "m", start: at, end: at, step: "x" }],
  [RANGE, { query: "m", start: at, end: at, step: 0 }],
  [RANGE, { query: "m", start: at, end: at, step: -5 }],
  [RANGE, { query: "m", start: 0, end: at, step: 1 }],
  [RANGE, { ...range, query: "m[5m]" }, IN_3],
  [RANGE, { ...range, query: '"text"' }, IN_3],
  [RANGE, { ...range, query: "sum(" }, IN_3],
  ["/api/v1/format_query", { query: "sum(" }],
];

test("refusals have prometheus' status, type and words", async () => {
  const problems: string[] = [];
  for (const [path, args, reason] of REFUSED) {
    const [our, their] = await Promise.all([ask(ours, path, args), ask(theirs, path, args)]);
    // Prometheus 3 has no capital letters within a message.
    const [ourSays, theirSays] = [our, their].map(({ answer }) => (answer.error ?? "").toLowerCase()) as [
      string,
      string,
    ];
    const isSame = our.status === their.status && our.answer.errorType === their.answer.errorType;
    const isAlike =
      ourSays === theirSays || ourSays.startsWith(`${theirSays}: `) || ourSays.startsWith(`${theirSays}; `);
    if (isSame && isAlike === (reason === undefined)) continue;
    problems.push(
      `${path} ${JSON.stringify(args)} ${reason ?? ""}\n  ours   ${our.status} ${our.answer.errorType} ${ourSays}\n  theirs ${their.status} ${their.answer.errorType} ${theirSays}`,
    );
  }
  assert.equal(problems.join("\n"), "");
});

test("limits and faults of ours are told in the same words", async () => {
  const { url } = await startNyanza(scope, {
    flags: ["-search.dialect=promql", "-search.maxSamplesPerQuery=5", "-search.maxQueryLen=50"],
  });
  const lots = Array.from({ length: 10 }, (_, i) => `lots{i="${i}"} 1 ${at}000\n`).join("");
  await http(`${url}/api/v1/import/prometheus`, { body: lots });
  const many = await ask(url, QUERY, { query: "lots", time: at });
  assert.deepEqual([many.status, many.answer.errorType], [422, "execution"]);
  assert.match(
    many.answer.error ?? "",
    /^query processing would load too many samples into memory in query execution: .*-search\.maxSamplesPerQuery=5/,
  );
  const long = await ask(url, QUERY, { query: `${"1 + ".repeat(20)}1` });
  assert.deepEqual([long.status, long.answer.errorType], [400, "bad_data"]);
  // The other dialect keeps VictoriaMetrics' words on the same server.
  const other = await ask(url, QUERY, { query: "sum(", dialect: "metricsql" });
  assert.deepEqual([other.status, other.answer.errorType], [400, "400"]);
});

test("times and steps in prometheus' forms", async () => {
  const times = [at, `${at}.5`, `${at}.123`, "1.7040708e9", "1e3", "0", "-60", "2024", "1.5"];
  const dates = ["2024-01-01T01:00:00Z", "2024-01-01T01:00:00.25Z", "2024-01-01T02:00:00+01:00"];
  const steps = ["15", "15s", "1m", "0.5", "1m30s", "1e2", "500ms", "1h", "1d", "1w", "+15", "60.0"];
  const rows: (readonly [string, Arguments])[] = [
    ...[...times, ...dates].map((time) => [QUERY, { query: "time()", time }] as const),
    ...[...times.slice(0, 4), ...dates].map(
      (end) => [RANGE, { query: "time()", start: at - 60, end, step: 15 }] as const,
    ),
    ...steps.map((step) => [RANGE, { query: "time()", start: at - 100, end: at, step }] as const),
    ...["10s", "30", "1h"].map((timeout) => [QUERY, { query: "m", time: at, timeout }] as const),
  ];
  for (const [path, args] of rows) {
    const [our, their] = await Promise.all([ask(ours, path, args), ask(theirs, path, args)]);
    assert.equal(our.status, their.status, `${path} ${JSON.stringify(args)}: ${our.text} ${their.text}`);
    assert.deepEqual(our.answer.data, their.answer.data, `${path} ${JSON.stringify(args)}`);
  }
});

test("arguments of victoria-metrics work in the promql dialect too", async () => {
  const data = async (args: Arguments): Promise<string> =>
    JSON.stringify((await ask(ours, QUERY, { time: at, ...args })).answer.data);
  assert.match(await data({ query: "count(m)", extra_label: "job=a" }), /"2"\]/);
  assert.match(await data({ query: "count(m)", "extra_filters[]": '{i=~"0|1|2"}' }), /"3"\]/);
  assert.match(await data({ query: "count(m)", extra_filters: '{i="3"}' }), /"1"\]/);
  assert.match(await data({ query: "vector(1.256)", round_digits: 1 }), /"1.3"\]/);
  assert.match(await data({ query: "count(m)", max_lookback: "3s" }), /"result":\[\]/);
  assert.match(await data({ query: "count(m)", max_lookback: "3s", lookback_delta: "5m" }), /"4"\]/);
  assert.match(await data({ query: "count(m)", lookback_delta: "-5" }), /"4"\]/);
  const soon = await ask(ours, QUERY, { query: "m", lookback_delta: "soon" });
  assert.equal(soon.answer.error, 'error parsing lookback delta duration: cannot parse "soon" to a valid duration');
  assert.match(await data({ query: "count(m)", nocache: 1, latency_offset: "1h" }), /"4"\]/);
  assert.match(await data({ query: "time()", time: "2024-01-01T01" }), /"1704070800"\]/);
});

/** Windows of 2.42 have their left edge too: here no edge meets a sample or a subquery's point. */
const between = at - 13;

/** Queries whose samples are counted, at one time and over a range. */
const COUNTED = [
  "m",
  "m{job='a'}",
  "nothing",
  "1",
  "time()",
  "vector(1)",
  "sum(m)",
  "sum by (job) (m)",
  "topk(1, m)",
  "m + m",
  "m * 2",
  "-m",
  "m and on() sum(m)",
  "rate(m[5m])",
  "sum(rate(m[5m]))",
  "max_over_time(m[2m] offset 5m)",
  "m offset 10m",
  `m @ ${at - 100}`,
  `sum(m @ ${at - 100}) + m`,
  `rate(m[5m] @ ${at - 100})`,
  "timestamp(m)",
  "abs(m)",
  "absent(m)",
  "absent(nothing)",
  "absent_over_time(m[1m])",
  "max_over_time(m[5m:1m])",
  "max_over_time(rate(m[1m])[5m:1m])",
  "sum(max_over_time((m * 2)[5m:30s]))",
  "quantile_over_time(0.5, m[1m])",
  "scalar(sum(m)) * m",
  "label_replace(m, 'x', '$1', 'i', '(.*)')",
];
const INSTANT_ONLY = ["m[5m]", "m[5m:1m]", "rate(m[1m])[5m:1m]"];

/** What is applied to vectors is held twice by 2.42, whose aggregates and operators copy them; the peak of these is the same. */
const SAME_PEAK = ["m", "nothing", "rate(m[5m])", "m offset 10m", "max_over_time(m[2m] offset 5m)", "m[5m]"];

test("samples are counted as prometheus counts them", async () => {
  const problems: string[] = [];
  const rows: (readonly [string, Arguments & { query: string }])[] = [
    ...[...COUNTED, ...INSTANT_ONLY].map((query) => [QUERY, { query, time: between }] as const),
    ...COUNTED.map((query) => [RANGE, { start: between - 600, end: between, step: 60, query }] as const),
  ];
  for (const [path, args] of rows) {
    for (const stats of ["all", "yes"]) {
      const [our, their] = await Promise.all([
        ask(ours, path, { ...args, stats }),
        ask(theirs, path, { ...args, stats }),
      ]);
      const [mine, other] = [our.answer.data?.stats, their.answer.data?.stats];
      assert.ok(mine !== undefined && other !== undefined, `${our.text} ${their.text}`);
      const counted = ({ totalQueryableSamples, totalQueryableSamplesPerStep }: Stats["samples"]): string =>
        JSON.stringify({ totalQueryableSamples, totalQueryableSamplesPerStep });
      if (counted(mine.samples) !== counted(other.samples)) {
        problems.push(`${path} ${args.query}: ours ${counted(mine.samples)}, theirs ${counted(other.samples)}`);
      }
      if (mine.samples.peakSamples !== other.samples.peakSamples && SAME_PEAK.includes(args.query)) {
        problems.push(`${path} ${args.query}: peak ${mine.samples.peakSamples}, theirs ${other.samples.peakSamples}`);
      }
      assert.deepEqual(Object.keys(mine.timings), Object.keys(other.timings));
      for (const [name, seconds] of Object.entries(mine.timings)) assert.ok(seconds >= 0 && seconds < 10, name);
    }
  }
  assert.equal(problems.join("\n"), "");
});

test("without stats there are none, and metricsql has its own", async () => {
  const { answer } = await ask(ours, QUERY, { query: "m", time: at });
  assert.equal(answer.data?.stats, undefined);
  const other = await ask(ours, QUERY, { query: "m", time: at, stats: "all", dialect: "metricsql" });
  assert.equal(other.answer.data?.stats, undefined);
  assert.match(other.text, /"stats":\{"seriesFetched": "4"/);
});
