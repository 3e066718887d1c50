/**
 * Our answers against those of a real VictoriaMetrics 1.79.5: 506 MetricsQL queries over 143 small series, instant and range, and the
 * queries that must be refused. The corpus lies beside the repository, in ../shared (or where NYANZA_SHARED says); without it
 * this test fails, it is not skipped.
 *
 *   npx tsc -b tests && node tests/dist/corpora/metricsql-golden.test.js
 *
 * Queries newer than 1.79.5 are compared with the same in its words (metricsql-newer.ts).
 *
 * Series are matched by labels, values compared to a relative 1e-9. Queries whose answers depend on the version carry a
 * caveat in the corpus: they only have to be answered. Everything else must be equal, except what metricsql-known.ts
 * lists with a reason; an entry there that has become equal fails, so that the list only shrinks.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { KNOWN_DIFFERENCES } from "./metricsql-known.ts";
import { NEWER_ANSWERS, NEWER_FORMS, NEWER_ORDERS, OLDER_QUERIES, type OlderQuery } from "./metricsql-newer.ts";

interface Result {
  readonly series: readonly {
    readonly labels: { entries(): Iterable<[string, string]>; get(name: string): string };
    readonly timestamps: Float64Array;
    readonly values: Float64Array;
  }[];
}

/** What is used of the rooms behind the package's door: a memory source is no part of what users import. */
interface Eval {
  evaluateInstant(query: string, options: object): Promise<Result>;
  evaluateRange(query: string, options: object): Promise<Result>;
}

interface Source {
  add(labels: unknown, timestamps: readonly number[], values: Float64Array): void;
}

interface Memory {
  readonly MemorySource: new (options: object) => Source;
}

interface Base {
  readonly Labels: { from(entries: Iterable<readonly [string, string]>): unknown };
}

/** Compiled tests lie in tests/dist/corpora. */
const repository = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const corpora = join(process.env["NYANZA_SHARED"] ?? join(repository, "../shared"), "corpora");

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../packages/tsdb/dist/${path}`, import.meta.url).href)) as T;
}

interface GoldenSeries {
  readonly metric: Record<string, string>;
  readonly value?: [number, string];
  readonly values?: [number, string][];
}

interface Golden {
  readonly id: number;
  readonly instant: { readonly time: number; readonly result?: GoldenSeries[] };
  readonly range: {
    readonly start: number;
    readonly end: number;
    readonly step: number;
    readonly result?: GoldenSeries[];
  };
  readonly caveat?: unknown;
}

interface CorpusQuery {
  readonly id: number;
  readonly query: string;
  readonly expect: "accept" | "reject";
  /** Among other things, that the answer of 1.79.5 is not what releases of today answer. */
  readonly note?: string;
}

function readLines<T>(name: string): T[] {
  const lines = readFileSync(join(corpora, name), "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T);
}

const INSTANT_MS = 1_704_070_800_000;
const RANGE_MS = { startMs: 1_704_069_000_000, endMs: 1_704_070_800_000, stepMs: 300_000 };

let evaluation: Eval;
let source: Source;
let queries: CorpusQuery[];
let golden: Map<number, Golden>;

before(async () => {
  assert.ok(existsSync(corpora), `the corpora must be there: want a folder ${corpora}`);
  evaluation = await room<Eval>("query/eval.js");
  const { MemorySource } = await room<Memory>("query/testing/memory-source.js");
  const { Labels } = await room<Base>("base/labels.js");
  source = new MemorySource({ batchSeries: 7 });
  type Stored = { metric: Record<string, string>; values: number[]; timestamps: number[] };
  for (const { metric, values, timestamps } of readLines<Stored>("metricsql-dataset.jsonl")) {
    source.add(Labels.from(Object.entries(metric)), timestamps, Float64Array.from(values));
  }
  const corpus = JSON.parse(readFileSync(join(corpora, "metricsql-queries.json"), "utf8")) as {
    queries: CorpusQuery[];
  };
  queries = corpus.queries;
  golden = new Map(readLines<Golden>("metricsql-golden-1.79.5.jsonl").map((entry) => [entry.id, entry]));
});

const options = { nowMs: INSTANT_MS, mayAlign: false };

test("queries that must be refused are, with an InputError", async () => {
  const refused = queries.filter((query) => query.expect === "reject");
  assert.ok(refused.length > 80, `want the corpus's rejects, got ${refused.length}`);
  for (const { id, query } of refused) {
    await assert.rejects(
      evaluation.evaluateInstant(query, { ...options, source, timeMs: INSTANT_MS, stepMs: 300_000 }),
      (error: { code?: string; status?: number }) =>
        error.code === "INPUT" && (error.status === 400 || error.status === 422),
      `#${id} ${query}`,
    );
  }
});

test("answers equal those of VictoriaMetrics 1.79.5", async () => {
  const failures: string[] = [];
  const count = { equal: 0, known: 0, noted: 0, caveat: 0, newer: 0 };
  for (const { id, query, expect, note } of queries) {
    if (expect !== "accept") continue;
    const instant = await evaluation.evaluateInstant(query, {
      ...options,
      source,
      timeMs: INSTANT_MS,
      stepMs: RANGE_MS.stepMs,
    });
    const wanted = golden.get(id);
    if (wanted === undefined) {
      const difference = await compareNewer(id, query, instant);
      if (difference === null) count.newer++;
      else failures.push(`#${id} ${query}: ${difference}`);
      continue;
    }
    let difference = compare(instant, wanted.instant.result);
    if (wanted.range.result !== undefined) {
      const range = await evaluation.evaluateRange(query, { ...options, ...RANGE_MS, source });
      difference ??= compare(range, wanted.range.result);
    }
    const known = KNOWN_DIFFERENCES.get(id);
    if (known !== undefined) assert.equal(known.query, query, `#${id} of metricsql-known.ts`);
    if (wanted.caveat !== undefined) count.caveat++;
    else if (known !== undefined) {
      count.known++;
      if (note !== undefined) count.noted++;
      if (difference === null) failures.push(`#${id} ${query}: equal by now, take it off metricsql-known.ts`);
    } else if (difference === null) count.equal++;
    else failures.push(`#${id} ${query}: ${difference}`);
  }
  console.log(
    `metricsql-golden: ${count.equal} equal, ${count.newer} newer than 1.79.5 equal to what they mean, ` +
      `${count.known} known to differ, ${count.noted} of which the corpus notes as such, ` +
      `${count.caveat} with a caveat (which only had to be answered)`,
  );
  assert.deepEqual(failures, []);
  // A note that says which release changed the answer is a caveat by another name.
  const share = count.equal / (count.equal + count.known - count.noted);
  assert.ok(share >= 0.99, `want 99 % of the answers equal, got ${(100 * share).toFixed(1)} %`);
  assert.ok(count.equal >= 300, `want at least 300 equal answers, got ${count.equal}`);
});

/** What differs between a query and what it means in the words of 1.79.5, or null. */
async function compareNewer(id: number, query: string, instant: Result): Promise<string | null> {
  const older = OLDER_QUERIES.get(id);
  const answer = NEWER_ANSWERS.get(id);
  if (older === undefined && answer === undefined)
    return "newer than 1.79.5, and metricsql-newer.ts does not say what it means";
  if (answer !== undefined) {
    const { label, values } = answer;
    if (instant.series.length !== values.size) return `got ${instant.series.length} series, want ${values.size}`;
    for (const series of instant.series) {
      const want = values.get(series.labels.get(label));
      const got = series.values[0] as number;
      if (want === undefined || !isClose(got, want))
        return `${label}=${series.labels.get(label)}: got ${got}, want ${want}`;
    }
  }
  const order = NEWER_ORDERS.get(id);
  if (order !== undefined)
    assert.deepEqual(
      instant.series.map(({ labels }) => labels.get("version")),
      order,
      query,
    );
  return older === undefined ? null : compareWithOlder(query, older);
}

async function compareWithOlder(query: string, older: OlderQuery): Promise<string | null> {
  const at = { ...options, source, timeMs: INSTANT_MS, stepMs: RANGE_MS.stepMs };
  const range = { ...options, ...RANGE_MS, source };
  const texts = typeof older === "string" ? { instant: older, range: older } : older;
  const [newAt, oldAt] = [
    await evaluation.evaluateInstant(query, at),
    await evaluation.evaluateInstant(texts.instant, at),
  ];
  const [newRange, oldRange] = [
    await evaluation.evaluateRange(query, range),
    await evaluation.evaluateRange(texts.range, range),
  ];
  return compare(newAt, goldenOf(oldAt)) ?? compare(newRange, goldenOf(oldRange));
}

test("newer functions and forms mean what older ones say", async () => {
  const failures: string[] = [];
  for (const [newer, older] of NEWER_FORMS) {
    const difference = await compareWithOlder(newer, older);
    if (difference !== null) failures.push(`${newer}: ${difference}`);
  }
  assert.deepEqual(failures, []);
});

function goldenOf({ series }: Result): GoldenSeries[] {
  return series.map(({ labels, timestamps, values }) => ({
    metric: Object.fromEntries(labels.entries()),
    values: Array.from(values, (value, i): [number, string] => [(timestamps[i] as number) / 1000, textOf(value)]),
  }));
}

function textOf(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}

/** What differs first, or null. */
function compare(got: Result, wanted: readonly GoldenSeries[] | undefined): string | null {
  if (wanted === undefined) return null;
  const bySeries = new Map(got.series.map((series) => [keyOf(series.labels.entries()), series]));
  if (bySeries.size !== wanted.length) return `got ${bySeries.size} series, want ${wanted.length}`;
  for (const { metric, value, values } of wanted) {
    const key = keyOf(Object.entries(metric));
    const series = bySeries.get(key);
    if (series === undefined) return `series ${key} is missing`;
    const points = values ?? (value === undefined ? [] : [value]);
    if (points.length !== series.values.length)
      return `${key}: got ${series.values.length} points, want ${points.length}`;
    for (let i = 0; i < points.length; i++) {
      const [seconds, text] = points[i] as [number, string];
      if (Math.abs((series.timestamps[i] as number) - seconds * 1000) > 0.5) return `${key}: time of point ${i}`;
      if (!isClose(series.values[i] as number, readValue(text))) {
        return `${key} at ${seconds}: got ${series.values[i]}, want ${text}`;
      }
    }
  }
  return null;
}

function keyOf(labels: Iterable<[string, string]>): string {
  return JSON.stringify([...labels].sort());
}

function readValue(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

function isClose(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}
