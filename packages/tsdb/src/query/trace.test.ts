import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateInstant, evaluateRange } from "./eval.ts";
import { evaluatePromRange } from "./prom/eval.ts";
import { harness, ZERO_MS } from "./testing/harness.ts";
import { QueryTrace, type TraceJson } from "./trace.ts";

const { source } = harness(`
  m{job="a",i="1"} 0 1 2 3 4
  m{job="a",i="2"} 0 1 2 3 4
  m{job="b",i="1"} 0 1 stale _ _
`);
const options = { source, nowMs: ZERO_MS, startMs: ZERO_MS, endMs: ZERO_MS + 60_000, stepMs: 15_000 };

type Options = typeof options & { trace: QueryTrace | null };
type Evaluate = (query: string, rest: Options) => Promise<unknown>;

async function traceOf(query: string, evaluate: Evaluate): Promise<TraceJson> {
  const trace = new QueryTrace("a query");
  await evaluate(query, { ...options, trace });
  trace.end("done");
  return JSON.parse(JSON.stringify(trace)) as TraceJson;
}

/** Messages indented by depth; times, which vary, are left out. */
function outline({ message, children = [] }: TraceJson, indent = ""): string[] {
  return [indent + message, ...children.flatMap((child) => outline(child, `${indent}  `))];
}

const RANGE = "timeRange=[2024-01-01T00:00:00.000Z..2024-01-01T00:01:00.000Z]";

test("a MetricsQL query tells of its parts, and of where the time went", async () => {
  const trace = await traceOf("sum(rate(m[30s])) by (job) * 2", evaluateRange);
  assert.deepEqual(outline(trace), [
    "a query: done",
    "  parse: query=sum(rate(m[30s])) by (job) * 2",
    `  eval: query=sum(rate(m[30s])) by (job) * 2, ${RANGE}, step=15000: series=2, points=10`,
    `    eval: query=sum(rate(m[30s])) by (job), ${RANGE}, step=15000: series=2, points=10`,
    '      search the index: {__name__="m"}, timeRange=[2023-12-31T23:54:30.000Z..2024-01-01T00:01:00.000Z]: series=3',
    "      read samples: series=3, samples=13, bytesUnpacked=208",
    "      rollup rate() with sum(): series=3, samples=13",
    '    binary op "*": left series=2, right series=1: series=2',
    "  put the answer in order: series=2, points=6",
  ]);
});

test("subqueries, functions and aggregates over lists have steps of their own", async () => {
  const lines = outline(await traceOf("abs(quantile(0.5, max_over_time((m + m)[30s:15s])))", evaluateRange));
  const find = (pattern: RegExp): void =>
    assert.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern}\n${lines.join("\n")}`,
    );
  find(/^ {4}transform abs\(\)$/);
  find(/^ {6}aggregate quantile\(\) over 3 series: series=1$/);
  find(/^ {8}eval: query=m \+ m, .*, step=15000: series=3/);
  find(/^ {8}rollup max_over_time\(\) over the subquery: series=3, points=/);
});

test("raw samples are told of too", async () => {
  const lines = outline(
    await traceOf("m[1m]", (query, rest) => evaluateInstant(query, { ...rest, timeMs: rest.endMs })),
  );
  assert.deepEqual(
    lines.slice(2).map((line) => line.replace(/, bytes.*/, "")),
    [
      '  search the index: {__name__="m"}, timeRange=[2024-01-01T00:00:00.001Z..2024-01-01T00:01:00.000Z]: series=3',
      "  read samples: series=3, samples=10",
      "  copy samples: series=3, samples=10",
    ],
  );
});

test("a PromQL query does the same", async () => {
  assert.deepEqual(
    outline(
      await traceOf('label_replace(sum by (job) (rate(m{i!=""}[30s])), "x", "y", "", "") > 2', evaluatePromRange),
    ),
    [
      "a query: done",
      '  parse: query=label_replace(sum by (job) (rate(m{i!=""}[30s])), "x", "y", "", "") > 2',
      `  eval: query=label_replace(sum by (job) (rate(m{i!=""}[30s])), "x", "y", "", "") > 2, ${RANGE}, step=15000: series=0, points=0`,
      `    eval: query=label_replace(sum by (job) (rate(m{i!=""}[30s])), "x", "y", "", ""), ${RANGE}, step=15000: series=2, points=10`,
      `      eval: query=sum by (job) (rate(m{i!=""}[30s])), ${RANGE}, step=15000: series=2, points=10`,
      `        eval: query=rate(m{i!=""}[30s]), ${RANGE}, step=15000: handed on series by series`,
      '          search the index: {__name__="m",i!=""}, timeRange=[2023-12-31T23:59:30.001Z..2024-01-01T00:01:00.000Z]: series=3',
      "          read samples: series=3, samples=13, bytesUnpacked=208",
      "          evaluate samples: series=3, samples=13",
      "        aggregate sum(): series=2",
      "      call label_replace()",
      '    binary op ">": left series=2, right scalar: series=0',
      "  put the answer in order: series=0, points=0",
    ],
  );
});

test("durations are of milliseconds, and a step takes no less than its parts", async () => {
  const check = ({ duration_msec, children = [] }: TraceJson): void => {
    assert.ok(duration_msec >= 0 && Number.isFinite(duration_msec));
    const parts = children.reduce((sum, child) => sum + child.duration_msec, 0);
    // Each is rounded to a thousandth.
    assert.ok(parts <= duration_msec + 0.001 * (children.length + 1), `${parts} of ${duration_msec}`);
    for (const child of children) check(child);
  };
  check(await traceOf("sum(rate(m[30s])) + max_over_time(m[1m:15s])", evaluateRange));
  check(await traceOf("sum(rate(m[30s])) + max_over_time(m[1m:15s])", evaluatePromRange));
});

test("a query of very many parts is told of in part", async () => {
  const text = JSON.stringify(
    await traceOf(`sort(union(${Array.from({ length: 1500 }, () => "m").join()}))`, evaluateRange),
  );
  assert.match(text, /"message":"\d+ more steps are left out"\}\]/);
  assert.ok(text.length < 1 << 20, `${text.length} characters`);
});

test("long texts are cut, and no more are printed when there have been enough", () => {
  const trace = new QueryTrace("x".repeat(1 << 20));
  let asked = 0;
  const print = (): string => {
    asked++;
    return "text";
  };
  assert.equal(trace.text(print), "…");
  assert.equal(asked, 0);
  assert.ok(trace.toJSON().message.length < 3000);
});

test("a step that goes on is printed with its time so far; ending twice changes nothing", () => {
  const trace = new QueryTrace("root", 1000);
  const step = trace.begin("step");
  assert.ok(trace.toJSON().duration_msec >= 1000);
  step.end("once");
  step.end("twice");
  trace.add("measured", 12.3456);
  assert.deepEqual(trace.toJSON().children?.slice(1), [{ duration_msec: 12.346, message: "measured" }]);
  assert.equal(trace.toJSON().children?.[0]?.message, "step: once");
});
