/**
 * The queries of the Go guide, on samples of the demo application: what document-queries.json holds, and our answers to them.
 *
 * document-data.jsonl was recorded: two processes of examples/demo-app, one with the label service="shop" and one, started later, with
 * service="checkout", scraped by Debian's victoria-metrics every 15 seconds for twenty minutes. Kept is every second scrape of the requests that list and
 * take orders, with the times of another day.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const dialects = ["metricsql", "promql"] as const;
export type Dialect = (typeof dialects)[number];

/** As the API gives it. Of a scalar or string `result` would be a point; none of the queries answers one. */
export interface StoredAnswer {
  readonly resultType: string;
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [seconds: number, text: string];
  }[];
}

export interface DocumentQuery {
  /** The chapter of the guide and the number in it; a right form has the number of the one it is instead of. */
  readonly id: string;
  readonly query: string;
  /** Of a form that is not the guide's: what was wrong with that one. */
  readonly instead?: string;
  /** A dialect that is left out is not asked. */
  readonly answers: Readonly<Partial<Record<Dialect, StoredAnswer | { readonly refused: string }>>>;
  /** Why a Debian program answers otherwise. */
  readonly differs?: Readonly<Partial<Record<"victoria-metrics" | "prometheus", string>>>;
}

export interface DocumentQueries {
  /** Seconds: when they are asked. */
  readonly time: number;
  readonly queries: readonly DocumentQuery[];
}

/** Compiled, this file lies in tests/dist/corpora/support. */
const folder = new URL("../../../corpora/", import.meta.url);

export const documentQueriesPath: string = fileURLToPath(new URL("document-queries.json", folder));

export function readDocumentQueries(): DocumentQueries {
  return JSON.parse(readFileSync(documentQueriesPath, "utf8")) as DocumentQueries;
}

/** Lines for `/api/v1/import`. */
export function readDocumentData(): string {
  return readFileSync(new URL("document-data.jsonl", folder), "utf8");
}

/** What is used of the rooms behind the package's door: a memory source is no part of what users import. */
interface Result {
  readonly kind?: string;
  readonly series: readonly {
    readonly labels: { entries(): Iterable<[string, string]> };
    readonly timestamps: Float64Array;
    readonly values: Float64Array;
  }[];
}

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../../packages/tsdb/dist/${path}`, import.meta.url).href)) as T;
}

/** Asks the evaluators themselves, over the data in memory. Rejects when a query is refused. */
export async function openDocumentEngine(
  timeMs: number,
): Promise<(query: string, dialect: Dialect) => Promise<StoredAnswer>> {
  const { evaluateInstant } = await room<{ evaluateInstant(query: string, options: object): Promise<Result> }>(
    "query/eval.js",
  );
  const { evaluatePromInstant } = await room<{ evaluatePromInstant(query: string, options: object): Promise<Result> }>(
    "query/prom/eval.js",
  );
  const { MemorySource } = await room<{ MemorySource: new (options: object) => { add(...series: unknown[]): void } }>(
    "query/testing/memory-source.js",
  );
  const { Labels } = await room<{ Labels: { from(entries: Iterable<readonly [string, string]>): unknown } }>(
    "base/labels.js",
  );
  const source = new MemorySource({ batchSeries: 7 });
  for (const line of readDocumentData().trim().split("\n")) {
    const stored = JSON.parse(line) as { metric: Record<string, string>; values: number[]; timestamps: number[] };
    source.add(Labels.from(Object.entries(stored.metric)), stored.timestamps, Float64Array.from(stored.values));
  }
  const common = { source, timeMs, nowMs: timeMs };
  return async (query, dialect) => {
    const { kind = "vector", series } =
      dialect === "promql"
        ? await evaluatePromInstant(query, common)
        : await evaluateInstant(query, { ...common, stepMs: 300_000, mayAlign: false });
    return {
      resultType: kind,
      result: series.map(({ labels, timestamps, values }) => ({
        metric: Object.fromEntries(labels.entries()),
        value: [(timestamps[0] as number) / 1000, String(values[0])],
      })),
    };
  };
}
