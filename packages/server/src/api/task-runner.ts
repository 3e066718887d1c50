/** Who carries out tasks (tasks.ts), and what is at hand there. */
import type { Peer } from "@nyanza/tsdb";
import type { AnswerSink } from "../http/response.ts";
import type { ServedDatabase } from "./database.ts";
import type { ReadTask } from "./tasks.ts";

export type ReadableDatabase = Pick<
  ServedDatabase,
  "query" | "queryRange" | "series" | "labelNames" | "labelValues" | "export"
>;

/** How a query's evaluation went, before its answer is written. */
export interface Evaluated {
  readonly durationMs: number;
  /** Null of one that failed. */
  readonly cost: QueryCost | null;
}

export interface QueryCost {
  readonly samplesRead: number;
  readonly seriesFetched: number;
  /** Held at once, at most. */
  readonly memoryBytes: number;
}

export interface Desk {
  readonly answer: AnswerSink;
  readonly signal: AbortSignal;
  /** Of queries: who may work on shares of it, beside this thread. Absent: nobody; the shares, and with them all digits, are the same. */
  readonly helpers?: readonly Peer[];
  /** Of queries: called once, before anything is written. */
  readonly onEvaluated?: ((evaluated: Evaluated) => void) | undefined;
  /** Of queries that want to know (QueryTask.hearsImplicit). */
  readonly onImplicit?: ((message: string) => void) | undefined;
}

export interface TaskRunner {
  /** Resolves when the answer is written. The task is the runner's from then on. @throws as runTask does, and OverloadError */
  run(task: ReadTask, desk: Desk): Promise<void>;
}
