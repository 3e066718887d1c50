/**
 * The manual's examples, asked of the programs whose dialects they are: MetricsQL of Debian's victoria-metrics 1.79.5, PromQL of Debian's
 * prometheus 2.42. What docs/MetricsQL.md says must be their answer too, but for what is newer than they are or differs on purpose, which is
 * listed here; a query listed that is answered alike fails, so that the lists only shrink.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isSameLine, readExamples, readStored } from "../corpora/support/manual-examples.ts";
import { http } from "./support/http.ts";
import { projectRoot } from "./support/nyanza.ts";
import { startPeer } from "./support/peers.ts";
import { queryString } from "./support/query.ts";
import { remoteWrite } from "./support/remote-write.ts";
import { Scope } from "./support/scope.ts";

/** The page's data begins in 1970, where not all programs like to keep samples: 2024-01-01 instead. */
const BASE_SECONDS = 1_704_067_200;
const LAST_SECONDS = BASE_SECONDS + 3600;

const NEWER_SYNTAX = "syntax of later releases";
const NEWER_FUNCTION = "a function of later releases";
const WIDENS = "before 1.85.3 a window that holds fewer than two samples was made wider";

const VICTORIA_METRICS_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['temperature{room="attic" or room="kitchen"}', NEWER_SYNTAX],
  ['{"temperature", "room"="attic"}', NEWER_SYNTAX],
  ["8KiB + 1_000", NEWER_SYNTAX],
  ['(temperature{room="kitchen"} - temperature{room="kitchen"} @ 600) keep_metric_names', NEWER_SYNTAX],
  ['http_requests_total{code="500"} * on (service) group_left (*) prefix "build_" build_info', NEWER_SYNTAX],
  [
    'rate(http_requests_total{code="200"}[5m]) + ignoring (code) fill (0) rate(http_requests_total{code="500"}[5m])',
    NEWER_SYNTAX,
  ],
  ['deriv(temperature{room="kitchen"}[1m])', WIDENS],
  ["abs(temperature - median_over_time(temperature[30m])) > 3 * mad_over_time(temperature[30m])", NEWER_FUNCTION],
  ["outlier_iqr_over_time(temperature[30m])", NEWER_FUNCTION],
]);

const PROMETHEUS_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['{"temperature", room="attic"}', NEWER_SYNTAX],
  ["1h30m / 1m", NEWER_SYNTAX],
  ['count_over_time(temperature{room="attic"}[2 * 5m])', NEWER_SYNTAX],
  [
    'rate(http_requests_total{code="200"}[5m]) + ignoring (code) fill (0) rate(http_requests_total{code="500"}[5m])',
    NEWER_SYNTAX,
  ],
]);

const scope = new Scope();
after(() => scope.end());

const page = readFileSync(join(projectRoot, "docs/MetricsQL.md"), "utf8");
const stored = readStored(page);

test("what the manual says of MetricsQL, victoria-metrics says", { timeout: 120_000 }, async () => {
  const { url } = await startPeer(scope, "victoria-metrics", { flags: ["-search.disableCache"] });
  await load(url);
  await http(`${url}/internal/force_flush`);
  await compareAll(url, "metricsql", LAST_SECONDS, VICTORIA_METRICS_DIFFERENCES);
});

test("what the manual says of PromQL, prometheus says", { timeout: 120_000 }, async () => {
  const { url } = await startPeer(scope, "prometheus", {
    flags: ["--storage.tsdb.retention.time=100y", "--web.enable-remote-write-receiver"],
  });
  await load(url);
  // Before its release 3 a window held both of its ends: a millisecond later the older one is outside.
  await compareAll(url, "promql", LAST_SECONDS + 0.001, PROMETHEUS_DIFFERENCES);
});

/** Bit by bit: a staleness marker is a NaN of its own. Labels in order, as Prometheus wants them. */
async function load(url: string): Promise<void> {
  const series = stored.map(({ labels, timestamps, values }) => ({
    labels: [...labels].sort(([a], [b]) => (a < b ? -1 : 1)),
    timestamps: timestamps.map((ms) => ms + BASE_SECONDS * 1000),
    values,
  }));
  const { status, text } = await remoteWrite(url, series);
  assert.equal(status, 204, text);
}

async function compareAll(
  url: string,
  dialect: "metricsql" | "promql",
  time: number,
  known: ReadonlyMap<string, string>,
): Promise<void> {
  const problems: string[] = [];
  let equal = 0;
  for (const { dialect: whose, query, answer } of readExamples(page)) {
    if (whose !== dialect || answer === null) continue;
    const got = await ask(url, query.replace("@ 600", `@ ${BASE_SECONDS + 600}`), time);
    const isSame = sameLines(got, answer);
    if (known.has(query)) {
      if (isSame) problems.push(`${query}: alike by now, take it off the list`);
    } else if (isSame) equal++;
    else problems.push(`${query}\n  got  ${got.join("\n       ")}\n  want ${answer.join("\n       ")}`);
  }
  console.log(`manual-peers, ${dialect}: ${equal} alike, ${known.size} listed`);
  assert.equal(problems.join("\n"), "");
}

/** In any order: before its release 1.97 VictoriaMetrics sorted differently, and a millisecond moves a rate by its millionth. */
function sameLines(got: readonly string[], want: readonly string[]): boolean {
  const sorted = [...got].sort();
  return got.length === want.length && [...want].sort().every((line, i) => isSameLine(sorted[i] as string, line, 2e-5));
}

interface Answer {
  readonly status: string;
  readonly data: {
    readonly resultType: string;
    readonly result:
      | readonly [number, string]
      | readonly {
          readonly metric: Readonly<Record<string, string>>;
          readonly value?: readonly [number, string];
          readonly values?: readonly (readonly [number, string])[];
        }[];
  };
}

async function ask(url: string, query: string, time: number): Promise<string[]> {
  const { status, text } = await http(`${url}/api/v1/query${queryString({ query, time })}`);
  if (status !== 200) return ["refused"];
  const { data } = JSON.parse(text) as Answer;
  if (data.resultType === "string") return [JSON.stringify(data.result[1])];
  if (data.resultType === "scalar") return [String(data.result[1])];
  const lines = (data.result as Exclude<Answer["data"]["result"], readonly [number, string]>).map((series) => {
    const labels = Object.entries(series.metric).filter(([label]) => label !== "__name__");
    const shown = labels.map(([label, value]) => `${label}="${value}"`).sort();
    const head = `${series.metric["__name__"] ?? ""}${shown.length === 0 ? "" : `{${shown.join(",")}}`}`;
    const points = series.values?.map(([at, value]) => `${value}@${at - BASE_SECONDS}`).join(" ") ?? series.value?.[1];
    return head === "" ? String(points) : `${head} ${points}`;
  });
  return lines.length === 0 ? ["nothing"] : lines;
}
