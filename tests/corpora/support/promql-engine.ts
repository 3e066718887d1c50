/** The scripts' engine without a server: the evaluator over series in memory. */
import type { Answer } from "./promql-answer.ts";
import { pin } from "./promql-pinned.ts";
import type { Engine, StoredSeries } from "./promql-runner.ts";

/** What is used of the rooms behind the package's door: a memory source is no part of what users import. */
interface Result {
  readonly kind: Answer["kind"];
  readonly text?: string;
  readonly series: readonly {
    readonly labels: { entries(): Iterable<[string, string]> };
    readonly timestamps: Float64Array;
    readonly values: Float64Array;
  }[];
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

interface Evaluation {
  evaluatePromInstant(query: string | object, options: object): Promise<Result>;
  evaluatePromRange(query: string, options: object): Promise<Result>;
}

interface Source {
  add(labels: unknown, timestamps: readonly number[], values: Float64Array): void;
}

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../../packages/tsdb/dist/${path}`, import.meta.url).href)) as T;
}

export async function openEngine(): Promise<Engine> {
  const { evaluatePromInstant, evaluatePromRange } = await room<Evaluation>("query/prom/eval.js");
  const { MemorySource } = await room<{ MemorySource: new (options: object) => Source }>(
    "query/testing/memory-source.js",
  );
  const { Labels } = await room<{ Labels: { from(entries: Iterable<readonly [string, string]>): unknown } }>(
    "base/labels.js",
  );
  const { parsePromql } = await room<{ parsePromql(text: string): Parameters<typeof pin>[0] }>("promql/parse.js");
  let source = new MemorySource({});
  return {
    store: async (series: readonly StoredSeries[]) => {
      // Few series in a batch: most answers then take several.
      source = new MemorySource({ batchSeries: 3 });
      for (const { labels, timestamps, values } of series) source.add(Labels.from(labels), timestamps, values);
    },
    instant: async (query, timeMs) => toAnswer(await evaluatePromInstant(query, { source, timeMs, nowMs: timeMs })),
    instantPinned: async (query, timeMs, pinMs) => {
      const pinned = pin(parsePromql(query), pinMs);
      return pinned === null
        ? null
        : toAnswer(await evaluatePromInstant(pinned, { source, timeMs, nowMs: Math.max(timeMs, pinMs) }));
    },
    range: async (query, startMs, endMs, stepMs) =>
      toAnswer(await evaluatePromRange(query, { source, startMs, endMs, stepMs, nowMs: endMs })),
  };
}

function toAnswer(result: Result): Answer {
  return {
    kind: result.kind,
    text: result.text ?? "",
    series: result.series.map(({ labels, timestamps, values }) => ({
      labels: [...labels.entries()],
      timestamps,
      values,
    })),
    warnings: result.warnings ?? [],
    infos: result.infos ?? [],
  };
}
