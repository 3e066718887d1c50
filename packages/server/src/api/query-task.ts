/** A query of either dialect, evaluated and printed. */
import type { QueryTrace } from "@nyanza/tsdb";
import { type PrintableResult, sendResult } from "./answer.ts";
import type { InstantQuery, RangeQuery } from "./database.ts";
import { printStats } from "./prom-stats.ts";
import type { Desk, Evaluated, ReadableDatabase } from "./task-runner.ts";
import { startTrace, type TraceStart } from "./trace.ts";

type Evaluation = { -readonly [K in keyof (InstantQuery & RangeQuery)]: (InstantQuery & RangeQuery)[K] };
/** What takes part in an evaluation, which no message can hold. */
type Hearing = "signal" | "trace" | "onImplicit" | "helpers";

/** A question of either kind. What takes part in its evaluation is absent until that begins. */
export type AskedQuery = Omit<Evaluation, Hearing> & {
  signal: AbortSignal | undefined;
  trace: QueryTrace | null;
  onImplicit: Evaluation["onImplicit"];
  helpers: Evaluation["helpers"];
};

export interface QueryTask {
  readonly kind: "query";
  readonly text: string;
  readonly isRange: boolean;
  readonly query: AskedQuery;
  readonly trace: TraceStart | null;
  /** Whether implicit conversions are to be told. */
  readonly hearsImplicit: boolean;
  /** Of promql alone. */
  readonly prom: PromQuery | null;
}

export interface PromQuery {
  /** Series of the answer, 0 for all. */
  readonly seriesMax: number;
  /** The argument of that name. */
  readonly stats: string;
  /** Milliseconds in the queue. */
  readonly queuedMs: number;
}

export async function runQuery(
  { hearsImplicit, isRange, prom, query, text, trace: start }: QueryTask,
  database: ReadableDatabase,
  { answer, helpers = [], onEvaluated, onImplicit, signal }: Desk,
): Promise<void> {
  const trace = startTrace(start);
  const evaluation = query as Evaluation;
  evaluation.signal = signal;
  evaluation.trace = trace;
  evaluation.helpers = helpers;
  evaluation.onImplicit = hearsImplicit ? onImplicit : undefined;
  const startMs = performance.now();
  let cost: Evaluated["cost"] = null;
  let result: PrintableResult;
  try {
    result = await (isRange ? database.queryRange(text, evaluation) : database.query(text, evaluation));
    const { memoryBytes = 0, samplesRead = 0, seriesFetched } = result.stats;
    cost = { samplesRead, seriesFetched, memoryBytes };
  } finally {
    onEvaluated?.({ durationMs: performance.now() - startMs, cost });
  }
  await sendResult(answer, prom === null ? result : truncate(result, prom.seriesMax), {
    text,
    elapsedMs: Date.now() - query.nowMs,
    timeMs: query.timeMs,
    trace,
    dataStats: prom === null ? "" : statsOf(result, prom),
  });
}

function statsOf({ stats }: PrintableResult, prom: PromQuery): string {
  if (stats.evaluation === undefined) return "";
  return printStats(stats.evaluation, prom.queuedMs, prom.stats === "all");
}

function truncate(result: PrintableResult, seriesMax: number): PrintableResult {
  if (seriesMax === 0 || result.series.length <= seriesMax) return result;
  return {
    ...result,
    series: result.series.slice(0, seriesMax),
    warnings: [...(result.warnings ?? []), "results truncated due to limit"],
  };
}
