/** Our HTTP API against that of Debian's victoria-metrics 1.79.5: the arguments of queries. Rows are explained in support/api-rows.ts. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { API_DIFFERENCES as API } from "./support/api-differences.ts";
import {
  check,
  type Difference,
  ERROR,
  encode,
  JSON_TYPE,
  newer,
  QUERY,
  RANGE,
  type Row,
  rawType,
  today400,
  type Value,
} from "./support/api-rows.ts";
import { at, startLoadedTwins } from "./support/api-twins.ts";
import { http } from "./support/http.ts";
import { Scope } from "./support/scope.ts";
import { loadBoth, startTwins, type Twins } from "./support/twins.ts";

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startLoadedTwins(scope);
});

after(() => scope.end());

const refused400: Difference = {
  about: API.noSuchArgument,
  status: 400,
  type: JSON_TYPE,
  body: ERROR,
};
/**
 * An absent time is not rounded to seconds: what was acknowledged a moment ago would be missing. One time in a thousand it is a whole
 * second all the same; "an absent time is now to the millisecond" looks at that.
 */
const thisMoment = newer(API.present, /\[now(\.fraction)?,"7"\]/);

function vectorOf(text: string, labels = "{}"): string {
  return `{"status":"success","data":{"resultType":"vector","result":[{"metric":${labels},"value":${text}}]}}`;
}

/** `time()` at a time whose form 1.79.5 does not know. */
function newTime(time: Value, seconds: number | string): Row {
  return [QUERY, { query: "time()", time }, newer(API.times, vectorOf(`[${seconds},"${seconds}"]`))];
}

test("times of an instant query", () =>
  check(twins, [
    ...[at, `${at}.5`, `${at}.123456`, "1.7040708e9", "1e3", "0", "1", "9223372036"].map(
      (time): Row => [QUERY, { query: "time()", time }],
    ),
    ...["2024-01-01T01:00:00Z", "2024-01-01T01:00:00.5Z", "2024-01-01T02:00:00+01:00", "2024-01-01T00:00:00-01:00"].map(
      (time): Row => [QUERY, { query: "time()", time }],
    ),
    newTime("2024-01-01T01:00:00.25Z", `${at}.25`),
    newTime(at * 1000, at),
    newTime(`${at}000000`, at),
    newTime(`${at}000000000`, at),
    newTime("9223372037", 9223372.037),
    newTime("2024", at - 3600),
    newTime("2024Z", at - 3600),
    newTime("2024-01", at - 3600),
    newTime("2024-01Z", at - 3600),
    newTime("2024-01-01", at - 3600),
    newTime("2024-01-01Z", at - 3600),
    newTime("2024-01-01T01", at),
    newTime("2024-01-01T01Z", at),
    newTime("2024-01-01T01:00", at),
    newTime("2024-01-01T01:00Z", at),
    newTime("2024-01-01T01:00:00", at),
    newTime("2024-01-01T03:00+02:00", at),
    [QUERY, { query: "time()", time: "-292273086-05-16T16:47:06Z" }],
    [QUERY, { query: "1", time: "292277025-08-18T07:12:54.999999999Z" }],
    [QUERY, { query: "odd_recent", time: "" }, thisMoment],
    ...["x", "2024-13", "2024-02-30", "2024-01-01T25:00:00Z", "now-", "now-5x", "now+5m", "1h5", "0x10", " 1"].map(
      (time): Row => [QUERY, { query: "1", time }, today400],
    ),
    ...["1_000", "Inf", "NaN", "99999999999999999999"].map((time): Row => [QUERY, { query: "1", time }, refused400]),
  ]));

test("an absent time is now to the millisecond", async () => {
  const fractions = new Set<number>();
  for (const args of [{}, { time: "" }, {}]) {
    const fromSeconds = Date.now() / 1000;
    const { text } = await http(`${twins.ours}${QUERY}?${encode({ query: "odd_recent", ...args })}`);
    const seconds = Number(/\[([\d.]+),"7"\]/.exec(text)?.[1]);
    assert.ok(seconds >= fromSeconds - 0.001 && seconds <= Date.now() / 1000, text);
    fractions.add(seconds % 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(
    [...fractions].some((fraction) => fraction !== 0),
    "three times on a whole second",
  );
});

test("times before now, in forms that 1.79.5 knows only in part", async () => {
  for (const [time, secondsAgo] of [
    ["now", 0],
    ["now-5m", 300],
    ["now-2m1s", 121],
    ["now-1", 1],
    ["-1m", 60],
    ["5m", 300],
    ["-1h30m", 5400],
    ["2m-1s", 119],
    ["-1", 1],
    ["now-1d", 86_400],
  ] as const) {
    const fromSeconds = Date.now() / 1000 - secondsAgo;
    const { text } = await http(`${twins.ours}${QUERY}?${encode({ query: "time()", time })}`);
    const value = Number(/,"([\d.]+)"\]/.exec(text)?.[1]);
    assert.ok(value >= fromSeconds - 0.002 && value <= Date.now() / 1000 - secondsAgo, `${time}: ${text}`);
  }
});

test("steps", () =>
  check(twins, [
    ...["15", "15s", "1m", "0.5", "1m30s", "1e2", "1.5m", "500ms", "1h", "1d", "1w", "1y", "1h-5m", "+15", ""].map(
      (step): Row => [RANGE, { query: "time()", start: at - 20, end: at, step }],
    ),
    [
      RANGE,
      { query: "time()", start: at, end: at, step: "undefined" },
      newer(API.undefinedStep, /"values":\[\[1704070800,"1704070800"\]\]/),
    ],
    [
      RANGE,
      { query: "time()", start: at, end: at, step: "1H" },
      newer(API.unitsInAnyCase, /"values":\[\[1704070800,"1704070800"\]\]/),
    ],
    ...["0", "-1", "1i", "x", "0.0001", "1s1", "101y", "NaN", "Inf", "1M", "1 m", " 15"].map(
      (step): Row => [RANGE, { query: "1", start: at - 20, end: at, step }, today400],
    ),
    ...["15", "1m", ""].map((step): Row => [QUERY, { query: "step()", time: at, step }]),
    ...["0", "-5", "x", "1i"].map((step): Row => [QUERY, { query: "step()", time: at, step }, today400]),
  ]));

test("default, swapped, missing and unknown arguments", () =>
  check(twins, [
    [QUERY, {}, today400],
    [QUERY, { query: "" }, today400],
    [RANGE, {}, today400],
    [RANGE, { query: "", start: at, end: at }, today400],
    [QUERY, { query: "odd_recent" }, thisMoment],
    [RANGE, { query: "count(odd_recent)" }],
    [
      RANGE,
      { query: "odd_recent", start: "now-1m", end: "now", step: "30s" },
      newer(API.timesBeforeNow, /(\[[^,]+,"7"\],){2}\[now(\.fraction)?,"7"\]/),
    ],
    [RANGE, { query: "time()", start: at }],
    [RANGE, { query: "up", start: at, end: at - 600, step: 60, nocache: 1 }],
    [RANGE, { query: "time()", start: at, end: at, step: 60 }],
    [RANGE, { query: "time()", end: at, start: at - 60 }],
    [RANGE, { query: "time()", start: at - 1, end: at, step: 60, unknown: "x", "": "y" }],
    [QUERY, { query: "up", time: at, timeout: "5s", nocache: "yes", trace: "0" }],
    [QUERY, { query: ["1", "2"], time: at }],
    [QUERY, { query: "up", time: at, max_lookback: "1m" }],
    [QUERY, { query: "slow_gauge", time: at, max_lookback: "1s" }],
    [QUERY, { query: "up", time: at, max_lookback: "x" }, today400],
    [QUERY, { query: "up", time: at, latency_offset: "x" }, refused400],
    [RANGE, { query: "up", start: "x" }, today400],
    [RANGE, { query: "up", end: "x" }, today400],
    [RANGE, { query: "1", start: 0, end: at, step: 1 }],
    [QUERY, { query: "up", time: at, extra_label: "job=node" }],
    [QUERY, { query: "up", time: at, extra_label: ["job=node", "instance=host1:9100"] }],
    [QUERY, { query: "up", time: at, "extra_filters[]": ['{job="node"}', '{job="api"}'] }],
    [QUERY, { query: "up", time: at, extra_filters: '{job=~"n.*"}' }],
    [QUERY, { query: "up", time: at, extra_label: "job" }, today400],
    [QUERY, { query: "up", time: at, extra_label: "=x" }],
    [QUERY, { query: "up", time: at, "extra_filters[]": "{" }, today400],
    [RANGE, { query: "sum(up) by (job)", start: at - 120, end: at, step: 60, extra_label: "job=node", nocache: 1 }],
  ]));

test("ranges of 50 points and more are aligned unless nocache says otherwise", () =>
  check(twins, [
    ...[48, 49, 50, 51, 100].flatMap((points): Row[] =>
      ["", "1", "0"].map((nocache) => [
        RANGE,
        { query: "time()", start: at - 7 - points * 60, end: at - 7, step: 60, nocache },
      ]),
    ),
    [RANGE, { query: "up", start: at - 3601, end: at - 1, step: 61 }],
    [RANGE, { query: "up", start: at - 3601, end: at - 1, step: 61, nocache: 1 }],
    [RANGE, { query: "rate(http_requests_total[5m])", start: at - 3333, end: at - 3, step: 15 }],
    [RANGE, { query: "time()", start: `${at - 100}.123`, end: `${at}.456`, step: "1.7" }],
  ]));

test("the newest samples are hidden with a latency offset", async () => {
  const servers = await startTwins(scope, ["-search.latencyOffset=30s"]);
  // No point of these ranges is less than 5 seconds from where the present matters.
  const now = Math.floor(Date.now() / 1000) - 5;
  const lines = Array.from({ length: 145 }, (_, i) => `late ${i} ${(now - 600 + 5 * i) * 1000}\n`);
  await loadBoth(servers, "/api/v1/import/prometheus", lines.join(""));
  const rows = ["", "1"].flatMap((nocache): Row[] => [
    [QUERY, { query: "late", time: now, nocache }],
    [QUERY, { query: "late", time: now - 20, nocache }],
    [QUERY, { query: "late", time: now - 60, nocache }],
    [QUERY, { query: "late", time: now + 60, nocache }],
    [QUERY, { query: "rate(late[1m])", time: now, nocache }],
    [QUERY, { query: "late[20s]", time: now, nocache }, rawType],
    [QUERY, { query: "late[1m:5s]", time: now, nocache }],
    [RANGE, { query: "late", start: now - 60, end: now, step: 10, nocache }],
    [RANGE, { query: "late", start: now - 10, end: now, step: 10, nocache }],
    [RANGE, { query: "late", start: now - 60, end: now + 10, step: 10, nocache }],
    [RANGE, { query: "late", start: now - 60, end: now + 60, step: 10, nocache }],
    [RANGE, { query: "late offset -1m", start: now - 60, end: now, step: 10, nocache }],
    [RANGE, { query: "late", start: now - 177, end: now, step: 59, nocache }],
    [RANGE, { query: "late", start: now - 180, end: now, step: 60, nocache }],
  ]);
  // All of this is about the present, which is compared here as it is.
  await check(servers, rows);
});
