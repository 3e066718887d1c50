/**
 * `trace=1` beside Debian's victoria-metrics: the same answers have a trace, at the same place, of the same shape. What its messages say is
 * each one's own affair.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { http } from "./support/http.ts";
import { startNyanza } from "./support/nyanza.ts";
import { Scope } from "./support/scope.ts";
import { askBoth, loadBoth, startTwins, type Twins } from "./support/twins.ts";

interface Span {
  readonly duration_msec: number;
  readonly message: string;
  readonly children?: readonly Span[];
}

const at = 1_704_070_800;
const lines = Array.from({ length: 60 }, (_, i) =>
  ["a", "b"].map((job) => `m{job="${job}"} ${i} ${(at - 900 + 15 * i) * 1000}\n`).join(""),
).join("");

const INSTANT = `/api/v1/query?query=sum(rate(m[5m]))+by+(job)&time=${at}`;
const RANGE = `/api/v1/query_range?query=sum(rate(m[5m]))&start=${at - 600}&end=${at}&step=15`;
const TRACED = [
  INSTANT,
  RANGE,
  `/api/v1/series?match[]=m&start=${at - 900}&end=${at}`,
  `/api/v1/labels?start=${at - 900}&end=${at}`,
  `/api/v1/label/job/values?start=${at - 900}&end=${at}`,
];
/** 1.79.5 makes a trace of it and does not show it; later releases do. */
const EXPORT = `/api/v1/export?match[]=m&format=promapi&start=${at - 900}&end=${at}`;

const scope = new Scope();
let twins: Twins;

before(async () => {
  twins = await startTwins(scope);
  await loadBoth(twins, "/api/v1/import/prometheus", lines);
});
after(() => scope.end());

/** Asserts that it is one, and returns how many steps it has. */
function countSpans(span: Span): number {
  const keys = Object.keys(span).join();
  assert.ok(keys === "duration_msec,message,children" || keys === "duration_msec,message", keys);
  assert.equal(typeof span.duration_msec, "number");
  assert.ok(
    span.duration_msec >= 0 && Math.abs(span.duration_msec * 1000 - Math.round(span.duration_msec * 1000)) < 1e-6,
  );
  assert.equal(typeof span.message, "string");
  assert.ok(span.children === undefined || span.children.length > 0);
  return (span.children ?? []).reduce((sum, child) => sum + countSpans(child), 1);
}

test("the same answers have traces of the same shape", async () => {
  for (const target of TRACED) {
    const both = await askBoth(twins, `${target}&trace=1`);
    for (const [name, { status, text }] of Object.entries(both)) {
      assert.equal(status, 200, `${name} ${target}: ${text}`);
      const answer = JSON.parse(text) as { trace: Span; data: unknown };
      assert.equal(Object.keys(answer).at(-1), "trace", `${name} ${target}`);
      assert.ok(countSpans(answer.trace) >= 2, `${name} ${target}: ${text}`);
      assert.ok(answer.trace.message.includes(target.slice(0, target.indexOf("?"))), `${name} ${answer.trace.message}`);
    }
    const plain = await askBoth(twins, `${target}&trace=0`);
    for (const name of ["ours", "theirs"] as const) {
      assert.doesNotMatch(plain[name].text, /"trace"/, `${name} ${target}`);
    }
    const data = ({ text }: { readonly text: string }): unknown => (JSON.parse(text) as { data: unknown }).data;
    assert.deepEqual(data(both.ours), data(plain.ours), target);
  }
});

test("what is no single JSON object has none", async () => {
  for (const target of ["/api/v1/export?match[]=m", "/api/v1/export?match[]=m&format=prometheus"]) {
    const both = await askBoth(twins, `${target}&start=${at - 900}&end=${at}&trace=1`);
    for (const { text } of [both.ours, both.theirs]) assert.doesNotMatch(text, /trace/);
  }
  const refused = await askBoth(twins, "/api/v1/query?query=m{&trace=1");
  for (const { text } of [refused.ours, refused.theirs]) assert.doesNotMatch(text, /"trace"/);
});

test("an export has one where it is one JSON object", async () => {
  const { text } = await http(`${twins.ours}${EXPORT}&trace=1`);
  const { data, trace } = JSON.parse(text) as { data: { result: unknown[] }; trace: Span };
  assert.equal(data.result.length, 2);
  assert.ok(countSpans(trace) >= 3);
});

test("in the promql dialect too", async () => {
  for (const target of [INSTANT, RANGE]) {
    const { text } = await http(`${twins.ours}${target}&dialect=promql&trace=1`);
    const { trace } = JSON.parse(text) as { trace: Span };
    assert.ok(countSpans(trace) > 5, text);
    assert.match(trace.message, /: query=sum\(rate\(m\[5m\]\)\).*: series=[12]$/);
  }
});

test("a trace says what was read", async () => {
  await http(`${twins.ours}/internal/force_flush`);
  const { text } = await http(`${twins.ours}${RANGE}&trace=1`);
  assert.match(text, /search the index: \{__name__=\\"m\\"\}, timeRange=\[[^\]]+\]: series=2"/);
  assert.match(text, /read samples: series=2, samples=120, bytes=[1-9]\d*, bytesUnpacked=1920"/);
  assert.match(text, /rollup rate\(\) with sum\(\): series=2, samples=120"/);
});

test("a trace says how long the request waited for its turn, and where the rest of its time went", async () => {
  const { url } = await startNyanza(scope, { flags: ["-search.maxConcurrentRequests=1", "-selfScrapeInterval=0"] });
  await http(`${url}/api/v1/import/prometheus`, { body: lines });
  const terms = Array.from({ length: 8 }, (_, i) => `count(quantile_over_time(0.${i + 10}, m[15m:1s]))`);
  const long = encodeURIComponent(terms.join(" + "));
  const atWork = http(`${url}/api/v1/query_range?query=${long}&start=${at - 600}&end=${at}&step=100ms`);
  // Another has the only place, unless this machine was asleep for as long as that takes.
  await sleep(50);
  const { text } = await http(`${url}${RANGE}&trace=1`);
  await atWork;
  const { trace } = JSON.parse(text) as { trace: Span };
  const steps = trace.children ?? [];
  const stages = [
    /^wait for a turn among -/,
    /^parse: /,
    /^eval: /,
    /^put the answer in order: /,
    /^generate the resp/,
  ];
  assert.deepEqual(
    steps.map(({ message }) => stages.findIndex((stage) => stage.test(message))),
    [0, 1, 2, 3, 4],
    text,
  );
  const sumMs = steps.reduce((sum, { duration_msec }) => sum + duration_msec, 0);
  assert.ok(sumMs <= trace.duration_msec + 0.001 * steps.length, text);
  for (const { duration_msec, message } of steps) assert.ok(duration_msec > 0, message);
});

test("-denyQueryTracing", async () => {
  const { url } = await startNyanza(scope, { flags: ["-denyQueryTracing"] });
  for (const target of [...TRACED, EXPORT, `${INSTANT}&dialect=promql`]) {
    const { status, text } = await http(`${url}${target}&trace=1`);
    assert.equal(status, 200);
    assert.doesNotMatch(text, /"trace"/);
  }
});
