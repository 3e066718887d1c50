/** Asks the manual's queries of the evaluators, over its series in memory, and prints answers as the page does. */
import type { ManualDialect, StoredSeries } from "./manual-examples.ts";

/** What is used of the rooms behind the package's door: a memory source is no part of what users import. */
interface Result {
  readonly kind: string;
  readonly text?: string;
  readonly series: readonly {
    readonly labels: { entries(): Iterable<[string, string]> };
    readonly timestamps: Float64Array;
    readonly values: Float64Array;
  }[];
}

type EvaluateInstant = (query: string, options: object) => Promise<Result>;

export type AskManual = (dialect: ManualDialect, query: string) => Promise<string[]>;

async function room<T>(path: string): Promise<T> {
  return (await import(new URL(`../../../../packages/tsdb/dist/${path}`, import.meta.url).href)) as T;
}

/** Queries are asked at the time of the last sample, as `/api/v1/query` without `step` does. */
export async function openManual(stored: readonly StoredSeries[]): Promise<AskManual> {
  const { evaluateInstant } = await room<{ evaluateInstant: EvaluateInstant }>("query/eval.js");
  const { evaluatePromInstant } = await room<{ evaluatePromInstant: EvaluateInstant }>("query/prom/eval.js");
  const { MemorySource } = await room<{
    MemorySource: new (
      options: object,
    ) => { add(labels: unknown, timestamps: readonly number[], values: Float64Array): void };
  }>("query/testing/memory-source.js");
  const { Labels } = await room<{ Labels: { from(entries: Iterable<readonly [string, string]>): unknown } }>(
    "base/labels.js",
  );
  const source = new MemorySource({});
  let timeMs = 0;
  for (const { labels, timestamps, values } of stored) {
    source.add(Labels.from(labels), timestamps, values);
    timeMs = Math.max(timeMs, timestamps.at(-1) ?? 0);
  }
  const options = { source, timeMs, nowMs: timeMs, stepMs: 300_000 };
  return async (dialect, query) => {
    try {
      return print(
        dialect === "metricsql" ? await evaluateInstant(query, options) : await evaluatePromInstant(query, options),
      );
    } catch (error) {
      if ((error as { code?: string }).code !== "INPUT") throw error;
      return [`refused: ${(error as Error).message}`];
    }
  };
}

function print({ kind, text, series }: Result): string[] {
  if (kind === "string") return [JSON.stringify(text)];
  if (series.length === 0) return ["nothing"];
  return series.map(({ labels, timestamps, values }) => {
    const entries = [...labels.entries()];
    const name = entries.find(([label]) => label === "__name__")?.[1] ?? "";
    const rest = entries.filter(([label]) => label !== "__name__").map(([label, value]) => `${label}="${value}"`);
    const shown = `${name}${rest.length === 0 ? "" : `{${rest.join(",")}}`}`;
    const points =
      kind === "matrix"
        ? Array.from(values, (value, i) => `${numberText(value)}@${(timestamps[i] as number) / 1000}`).join(" ")
        : numberText(values[0] as number);
    return shown === "" ? points : `${shown} ${points}`;
  });
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(Number(value.toPrecision(7)));
}
