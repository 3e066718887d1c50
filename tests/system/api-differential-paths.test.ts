/** Our HTTP API against that of Debian's victoria-metrics 1.79.5: paths, methods, forms, compression. Rows are explained in support/api-rows.ts. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { API_DIFFERENCES as API, PATHS_NOT_YET } from "./support/api-differences.ts";
import {
  check,
  compare,
  type Difference,
  ERROR,
  EXPORT,
  encode,
  JSON_TYPE,
  LABELS,
  newer,
  QUERY,
  RANGE,
  SERIES,
  sortLines,
  TEXT_TYPE,
  today400,
} from "./support/api-rows.ts";
import { at, startLoadedTwins } from "./support/api-twins.ts";
import type { HttpOptions } from "./support/http.ts";
import { Scope } from "./support/scope.ts";
import { askBoth, describe, type Twins } from "./support/twins.ts";

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startLoadedTwins(scope);
});

after(() => scope.end());

const ours405: Difference = { about: API.methods, status: 405, type: JSON_TYPE, body: ERROR };
const text405: Difference = { ...ours405, type: TEXT_TYPE, body: "text" };

const native: Difference = { about: API.native, status: 400, type: TEXT_TYPE, body: "text" };

const buildInfo = newer(
  API.buildInfo,
  /^\{"status":"success","data":\{"application":"nyanza [^"]+","version":"2\.\d+\.\d+"\}\}$/,
);

test("status endpoints and placeholders", () =>
  check(twins, [
    ["/api/v1/status/buildinfo", {}, buildInfo],
    ["/api/v1/metadata", {}],
    ["/api/v1/metadata", { metric: "up", limit: 1 }],
    ["/api/v1/query_exemplars", { query: "up", start: at, end: at }],
    ["/api/v1/rules", {}],
    ["/rules", {}],
    ["/api/v1/alerts", {}],
    ["/api/v1/status/active_queries", {}, newer(API.activeQueries, /"status":"ok"/)],
    ["/api/v1/status/top_queries", { topN: 0 }, newer(API.topQueries, /"topByAvgMemoryUsage":\[\]/)],
    ["/health", {}],
    ["/-/healthy", {}],
    ["/-/ready", {}],
    ["/ready", {}],
    ["/ping", {}],
    ["/internal/force_flush", {}],
    ["/snapshot/list", {}],
  ]));

test("paths", () =>
  check(twins, [
    ["/prometheus/api/v1/query", { query: "up", time: at }],
    ["/prometheus/api/v1/query_range", { query: "up", start: at, end: at }],
    ["/prometheus/api/v1/series", { "match[]": "odd_uneven", start: at - 3600, end: at }],
    ["/prometheus/api/v1/labels", { start: at - 3600, end: at }],
    ["/prometheus/api/v1/label/job/values", { start: at - 3600, end: at }],
    ["/prometheus/api/v1/export", { "match[]": "odd_uneven" }],
    ["/prometheus/federate", { "match[]": "odd_uneven", start: at - 3600, end: at }],
    ["/prometheus/api/v1/status/buildinfo", {}, buildInfo],
    ["/prometheus/api/v1/metadata", {}],
    ["/prometheus/api/v1/rules", {}],
    ["/api/v1//query", { query: "1", time: at }],
    ["//api/v1/query", { query: "1", time: at }],
    ["/api/v1/query/", { query: "1", time: at }],
    ["/api/v1/%71uery", { query: "1", time: at }],
    ["/API/v1/query", { query: "1", time: at }],
    ["/unknown", {}],
    ["/api/v1/unknown", {}],
    ["/prometheus/unknown", {}],
    ["/api/v1/label//values", {}],
    ["/api/v1/label/job", {}],
    ["/api/v1/label/a%2Fb/values", { start: at - 3600, end: at }],
    ["/api/v1/label/a/b/values", { start: at - 3600, end: at }],
    ["/favicon.ico", {}],
  ]));

test("what we do not answer yet", async () => {
  for (const path of PATHS_NOT_YET) {
    const { ours, theirs } = await askBoth(twins, path);
    assert.match(ours.text, /^unsupported path requested: /, `${path}: answered by now: give it rows of its own`);
    assert.equal(ours.status, 400, path);
    assert.ok(!theirs.text.includes("unsupported path"), `${path}: theirs does not know it either`);
  }
});

test("methods and forms", async () => {
  const problems: string[] = [];
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const rows: readonly (readonly [string, HttpOptions, Difference?])[] = [
    [QUERY, { body: encode({ query: "up", time: at }), headers: form }],
    [RANGE, { body: encode({ query: "up", start: at - 60, end: at, step: 60 }), headers: form }],
    [SERIES, { body: encode({ "match[]": "odd_uneven", start: at - 3600, end: at }), headers: form }],
    [LABELS, { body: encode({ "match[]": "up", start: at - 3600, end: at }), headers: form }],
    ["/api/v1/label/job/values", { body: encode({ start: at - 3600, end: at }), headers: form }],
    [EXPORT, { body: encode({ "match[]": "odd_uneven" }), headers: form }],
    [`${QUERY}?query=1&time=${at}`, { body: encode({ query: "2" }), headers: form }],
    [`${QUERY}?query=1&time=${at}`, { body: "query=2" }],
    [
      `${QUERY}?time=${at}`,
      { body: encode({ query: "2" }), headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" } },
    ],
    [`${QUERY}?time=${at}`, { body: '{"query":"2"}', headers: { "content-type": "application/json" } }, today400],
    [`${QUERY}?query=1&time=${at}`, { method: "PUT", body: encode({ query: "2" }), headers: form }, ours405],
    [`${QUERY}?query=1&time=${at}`, { method: "DELETE" }, ours405],
    [`${QUERY}?query=1&time=${at}`, { method: "HEAD" }],
    [`${QUERY}?query=up{&time=${at}`, { method: "HEAD" }, today400],
    [`${QUERY}?query=1&time=${at}`, { method: "OPTIONS" }, { about: API.preflight, status: 204, type: "", body: "" }],
    ["/api/v1/import", { method: "GET" }, text405],
    ["/health", { method: "POST", body: "" }, text405],
    ["/api/v1/export/native?match[]=odd_uneven", {}, native],
    // A time range and no block.
    ["/api/v1/import/native", { body: Buffer.alloc(16) }, native],
    [`${QUERY}?query=1;time=5&time=${at}`, {}, today400],
    [`${QUERY}?query=%zz&time=${at}`, {}, today400],
    [`${QUERY}?query=%22%ff%22&time=${at}`, {}],
    [`${QUERY}?query=label_set(1,%22a%22,%22%ff%22)&time=${at}`, {}],
    [`${QUERY}?query=1+%2B+1&time=${at}`, {}],
  ];
  for (const [target, options, difference] of rows) {
    const problem = compare(await askBoth(twins, target, options), difference, (text) => text);
    if (problem !== null) problems.push(`${options.method ?? ""} ${target} ${options.body ?? ""}: ${problem}`);
  }
  assert.equal(problems.length, 0, `${problems.length} of ${rows.length} requests:\n${problems.join("\n")}`);
});

test("gzip when asked for", async () => {
  for (const target of [
    `${QUERY}?${encode({ query: "{__name__!=''}", time: at })}`,
    `${RANGE}?${encode({ query: "{__name__!=''}", start: at - 3600, end: at, step: 15 })}`,
    `${SERIES}?${encode({ "match[]": "{__name__!=''}", start: at - 3600, end: at })}`,
    `${EXPORT}?${encode({ "match[]": "up" })}`,
  ]) {
    const plain = await askBoth(twins, target);
    const packed = await askBoth(twins, target, { headers: { "accept-encoding": "gzip" } });
    for (const who of ["ours", "theirs"] as const) {
      assert.equal(packed[who].headers["content-encoding"], "gzip", `${who} ${target}`);
      assert.equal(plain[who].headers["content-encoding"], undefined, `${who} ${target}`);
      const unpacked = gunzipSync(packed[who].body).toString();
      const [before, after] = [plain[who], { ...packed[who], text: unpacked }].map((one) =>
        sortLines(describe(one).body),
      );
      assert.ok(after === before, `${who} ${target}`);
    }
  }
});
