/**
 * Queries with mistakes in them, over little data with small limits, in both dialects: whatever is read is evaluated to an answer or refused
 * with an InputError, and nobody waits long for his turn meanwhile. In MetricsQL the optimized query is evaluated too.
 */
import assert from "node:assert/strict";
import { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";
import { type Dice, diceOf } from "../base/random.ts";
import { MAX_QUERY_BYTES } from "../metricsql/limits.ts";
import { parse } from "../metricsql/parse.ts";
import { randomQuery as randomMetricsql } from "../metricsql/random-query.ts";
import { promFunctions } from "../promql/functions.ts";
import { randomQuery as randomPromql } from "../promql/random-query.ts";
import { AGGREGATES } from "./aggregate/table.ts";
import { evaluateInstant, evaluateRange } from "./eval.ts";
import type { QueryLimits } from "./limits.ts";
import { evaluatePromInstant, evaluatePromRange } from "./prom/eval.ts";
import type { QueryResult } from "./result.ts";
import { ROLLUPS } from "./rollup/table.ts";
import { MemorySource } from "./testing/memory-source.ts";
import { TRANSFORMS } from "./transform/table.ts";

/** Of one query, whatever it is: with these limits none has much to do. */
const MS_MAX = 3000;

const LIMITS: Partial<QueryLimits> = {
  maxPointsPerTimeseries: 1000,
  maxPointsSubqueryPerTimeseries: 2000,
  maxUniqueTimeseries: 100,
  maxSamplesPerQuery: 100_000,
  maxSeriesPerAggrFunc: 1000,
  maxMemoryPerQuery: 4 << 20,
};

const NOW_MS = 1_704_067_200_000;
const STEP_MS = 15_000;
const source = makeSource();

export async function fuzz(seed: number): Promise<void> {
  const dice = diceOf(seed);
  const query = hostileQuery(dice, metricsqlOf);
  const range = rangeOf(dice);
  const ours = { source, nowMs: NOW_MS, limits: LIMITS, signal: AbortSignal.timeout(MS_MAX) };
  await settles(query, () => evaluateInstant(query, { ...ours, timeMs: NOW_MS, stepMs: STEP_MS }));
  await settles(query, () => evaluateRange(query, { ...ours, ...range }));
  await settles(query, () => evaluateRange(parse(query), { ...ours, ...range }));
  const theirQuery = hostileQuery(dice, promqlOf);
  const theirs = { source, nowMs: NOW_MS, limits: LIMITS, signal: AbortSignal.timeout(MS_MAX) };
  await settles(theirQuery, () => evaluatePromInstant(theirQuery, { ...theirs, timeMs: NOW_MS }));
  await settles(theirQuery, () => evaluatePromRange(theirQuery, { ...theirs, ...range }));
}

async function settles(query: string, evaluate: () => Promise<QueryResult>): Promise<void> {
  try {
    const { series } = await evaluate();
    for (const { timestamps, values } of series) assert.equal(timestamps.length, values.length, query);
  } catch (error) {
    assert.ok(error instanceof InputError, `${query}\n${error instanceof Error ? error.stack : String(error)}`);
    assert.ok(error.message.length < 1000, `long message: ${error.message}`);
  }
}

function rangeOf(dice: Dice): { startMs: number; endMs: number; stepMs: number } {
  const stepMs = [STEP_MS, 1000, 60_000, 7][dice(4)] as number;
  return { startMs: NOW_MS - stepMs * dice(60), endMs: NOW_MS, stepMs };
}

/** A dozen series of the names and labels that random queries ask for, with what is hard about samples. */
function makeSource(): MemorySource {
  const list = new MemorySource({ batchSeries: 3 });
  const dice = diceOf(1);
  const special = [0, -0, NaN, Infinity, -Infinity, 5e-324, 1.7e308, 2 ** 53];
  for (let i = 0; i < 12; i++) {
    const labels = Labels.from([
      ["__name__", ["up", "node_load1", "sum", "m_bucket"][i % 4] as string],
      ["job", ["web", "db", "é\n"][i % 3] as string],
      ["instance", `${i}`],
      ["le", ["0.1", "1", "+Inf", "x"][i % 4] as string],
    ]);
    const values = Float64Array.from({ length: 40 }, () =>
      dice(5) === 0 ? (special[dice(8)] as number) : dice(100) - 20,
    );
    // A staleness marker.
    new Uint32Array(values.buffer).set([2, 0x7ff00000], 2 * dice(40));
    const times = Array.from({ length: 40 }, (_, k) => NOW_MS - (40 - k) * STEP_MS + dice(STEP_MS));
    list.add(labels, times, values);
  }
  return list;
}

type Make = (dice: Dice) => string;

/** What stands where an argument of a kind is wanted; one in twelve is of another. */
const ARGUMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "series",
    ["up", "m_bucket", "node_load1{job='web'}", "{__name__=~'.+'}", "nothing", "sum", "up @ 0", "sum by (job) (up)"],
  ],
  ["matrix", ["up[1m]", "up[5m:10s]", "m_bucket[10m]", "{__name__=~'.+'}[90s]", "up[1m] offset 1m", "nothing[1d]"]],
  ["scalar", ["0", "1", "-1", "0.5", "3", "1e308", "-1e308", "NaN", "Inf", "1e-320", "9007199254740993", "time()"]],
  ["string", ['"job"', '"le"', '""', '"__name__"', '"$1$1"', '"(.*)"', '"("', '"x"']],
]);
const KINDS: readonly string[] = [...ARGUMENTS.keys()];

interface Callable {
  readonly name: string;
  readonly kinds: readonly string[];
}

const OURS: readonly Callable[] = [
  ...[...ROLLUPS].map(([name, { args }]) => ({
    name,
    kinds: args.map((kind) => (kind === "series" ? "matrix" : kindOf(kind))),
  })),
  ...[...AGGREGATES].map(([name, { args }]) => ({ name, kinds: args.map(kindOf) })),
  // What these want is in no table: series first, then strings if labels are what it is about.
  ...[...TRANSFORMS].map(([name, { min, max }]) => {
    const rest = /label|alias|union/.test(name) ? "string" : "scalar";
    return {
      name,
      kinds: Array.from({ length: Math.max(min, Math.min(max, 3)) }, (_, i) => (i === 0 ? "series" : rest)),
    };
  }),
];

const THEIRS: readonly Callable[] = [
  ...[...promFunctions].map(([name, { args }]) => ({ name, kinds: args.map(kindOf) })),
  ...["sum", "avg", "count", "min", "max", "stddev"].map((name) => ({ name, kinds: ["series"] })),
  ...["topk", "bottomk", "quantile", "limitk", "limit_ratio"].map((name) => ({ name, kinds: ["scalar", "series"] })),
  { name: "count_values", kinds: ["string", "series"] },
];

function kindOf(kind: string): string {
  const [start] = kind.split(/s?\??$/) as [string];
  return start === "vector" || start === "pool" || start === "serie"
    ? "series"
    : ARGUMENTS.has(start)
      ? start
      : "string";
}

const metricsqlOf: Make = (dice) => (dice(4) === 0 ? randomMetricsql(dice, 3) : called(dice, OURS));
const promqlOf: Make = (dice) => (dice(4) === 0 ? randomPromql(dice, 3) : called(dice, THEIRS));

/** Some function of what it wants, now and then a call of another one. */
function called(dice: Dice, callables: readonly Callable[], depth = 3): string {
  const { name, kinds } = callables[dice(callables.length)] as Callable;
  const args = kinds.map((wanted) => {
    const kind = dice(12) === 0 ? (KINDS[dice(KINDS.length)] as string) : wanted;
    if (depth > 0 && kind === "series" && dice(3) === 0) return called(dice, callables, depth - 1);
    if (depth > 0 && kind === "matrix" && dice(4) === 0) return `${called(dice, callables, depth - 1)}[5m:30s]`;
    const choices = ARGUMENTS.get(kind) as readonly string[];
    return choices[dice(choices.length)] as string;
  });
  return `${name}(${args.join(", ")})`;
}

const OPERATORS = [
  "+",
  "/",
  "^",
  "and",
  "or",
  "unless",
  "> bool",
  "== on (job)",
  "* on (job) group_left ()",
  "default",
];

function hostileQuery(dice: Dice, make: Make): string {
  let text = make(dice);
  if (dice(3) > 0) return text;
  for (let count = 1 + dice(3); count > 0; count--) {
    const at = dice(text.length + 1);
    const end = Math.min(text.length, at + dice(12));
    switch (dice(5)) {
      case 0:
        text = text.slice(0, at) + text.slice(end);
        break;
      case 1:
        text = text.slice(0, end) + text.slice(at);
        break;
      case 2:
        text = text.slice(0, at) + make(dice) + text.slice(end);
        break;
      default:
        text = `${text} ${OPERATORS[dice(OPERATORS.length)]} ${make(dice)}`;
    }
  }
  return text.slice(0, MAX_QUERY_BYTES);
}
