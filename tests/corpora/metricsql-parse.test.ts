/**
 * The parser against recorded queries: what a current VictoriaMetrics accepts must become a tree that survives printing and laying out,
 * what it refuses while parsing must be refused here. The corpora lie beside the repository, in ../shared
 * (or where NYANZA_SHARED says); without them this test fails.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Expr, InputError, parse, prettify, printExpr } from "@nyanza/tsdb/metricsql";

const projectRoot = join(import.meta.dirname, "../../..");
const corpora = join(process.env["NYANZA_SHARED"] ?? join(projectRoot, "../shared"), "corpora");

interface RecordedQuery {
  readonly id: number;
  readonly query: string;
  readonly expect: "accept" | "reject";
  readonly note?: string;
  readonly vm_1_79_5: { readonly status?: string; readonly error?: string };
}

/** What VictoriaMetrics 1.79.5 says about queries that parse but cannot be evaluated. */
const evaluationError =
  /^(?!cannot expand WITH).*(?:cannot evaluate|number of args|expecting at least|duplicate output|unknown func)/;

/** Refused by current releases while evaluating, answered by 1.79.5. */
const refusedLater: ReadonlySet<string> = new Set([
  "buckets_limit(0, http_request_duration_seconds_bucket)",
  'up @ "foo"',
]);

test("MetricsQL queries", () => {
  const { queries, count } = readJson<{ queries: RecordedQuery[]; count: number }>("metricsql-queries.json");
  assert.equal(queries.length, count);
  const seen = { accepted: 0, refused: 0, evaluated: 0 };
  for (const { id, query, expect, vm_1_79_5: recorded } of queries) {
    if (expect === "accept") {
      accepts(query, id);
      seen.accepted++;
    } else if (evaluationError.test(recorded.error ?? "") || refusedLater.has(query)) {
      accepts(query, id);
      seen.evaluated++;
    } else {
      assert.throws(() => parse(query), hasPlace, `${id}: ${query}`);
      seen.refused++;
    }
  }
  assert.deepEqual(seen, { accepted: 417, refused: 49, evaluated: 40 });
});

test("PromQL compliance queries", () => {
  const { queries } = readJson<{ queries: { id: number; query: string }[] }>("promql-compliance-queries.json");
  for (const { id, query } of queries) accepts(query, id);
  assert.equal(queries.length, 323);
});

/** Evals that 1.79.5 answered, in whatever way. */
const answered: ReadonlySet<string> = new Set([
  ...["agree", "agree-unordered", "agree-without-nan", "agree-except-name"],
  ...["differs", "error", "vm-accepts"],
]);

const skip: readonly { reason: string; file: string; line: number }[] = [
  { reason: "the list has only the first line of a query of several", file: "collision.test", line: 11 },
];

test("Prometheus' own test scripts", () => {
  interface Eval {
    readonly line: number;
    readonly eval: string;
    readonly verdict: string;
  }
  const { files } = readJson<{ files: Record<string, Eval[]> }>("promql/vm-1.79.5-agreement.json");
  let count = 0;
  for (const [file, evals] of Object.entries(files)) {
    for (const { line, eval: text, verdict } of evals) {
      if (!answered.has(verdict) || skip.some((one) => one.file === file && one.line === line)) continue;
      const query = /^eval(?:_\w+)? (?:instant at \S+|range from \S+ to \S+ step \S+) (.*)$/s.exec(text)?.[1];
      assert.ok(query !== undefined, `${file}:${line}: ${text}`);
      accepts(query, `${file}:${line}`);
      count++;
    }
  }
  assert.equal(count, 554);
});

function accepts(query: string, where: string | number): void {
  try {
    const tree = parse(query);
    assert.deepEqual(withoutPositions(parse(printExpr(tree))), withoutPositions(tree));
    assert.deepEqual(withoutPositions(parse(prettify(query))), withoutPositions(tree));
  } catch (error) {
    throw new Error(`${where}: ${query}`, { cause: error });
  }
}

function withoutPositions(tree: Expr): unknown {
  return JSON.parse(
    JSON.stringify(tree, (key, value: unknown) => {
      if (key === "pos") return undefined;
      return typeof value === "number" ? String(value) : value;
    }),
  );
}

function hasPlace(error: unknown): boolean {
  return error instanceof InputError && error.status === 400 && error.line > 0 && error.column > 0;
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(join(corpora, file), "utf8")) as T;
}
