/**
 * What a query worker and the thread with the clients say to each other.
 *
 *   main thread                             worker
 *                                    ◄──    ready              once: it can carry out tasks
 *   meet: another worker's seat, port ──►                      from now on each may help the other with queries
 *   task: number, plain data         ──►    carries it out
 *                                    ◄──    piece, piece …     of the answer; so many may be on their way
 *   taken: the piece's memory        ──►                       one more may come
 *   cancel                           ──►    stops, gives its snapshot back
 *                                    ◄──    failed
 *   resetRollupCache                 ──►    forgets what it keeps of answers
 *   profile: how long                ──►    watches itself; `cancel` ends that
 *                                    ◄──    profile, or failed
 *
 * Who has no work of their own the workers see in memory that all of them share: WorkerSettings.
 *
 * A task is over with a piece that is the last one, or with `failed`; exactly one of them comes.
 */
import type { MessagePort } from "node:worker_threads";
import { BugError, InputError, type RollupCacheStats } from "@nyanza/tsdb";
import type { Evaluated } from "../api/task-runner.ts";
import type { ReadTask } from "../api/tasks.ts";
import type { CpuProfile } from "../process/cpu-profile.ts";

/** What a worker is started with. */
export interface WorkerSettings {
  /** Where the database is served. */
  readonly port: MessagePort;
  readonly indexCacheBytes: number;
  readonly partCacheBytes: number;
  readonly rollupCacheBytes: number;
  /** Which of the workers it is. One that dies leaves its seat to the next. */
  readonly seat: number;
  /** Tasks that each is at, by seat: those that wait for their client are left out. Each writes its own. */
  readonly working: Int32Array;
}

/** Memory of the worker's reader in use. */
export interface CacheBytes {
  readonly indexCacheBytes: number;
  readonly partCacheBytes: number;
  /** What is kept of answers: how that has served, too. */
  readonly rollupCache: RollupCacheStats;
}

/** Bytes that each of a worker's caches may have. */
export type CacheLimits = Pick<WorkerSettings, "indexCacheBytes" | "partCacheBytes" | "rollupCacheBytes">;

export type ToWorker =
  | { readonly kind: "meet"; readonly seat: number; readonly port: MessagePort }
  | { readonly kind: "task"; readonly number: number; readonly task: ReadTask }
  | { readonly kind: "cancel"; readonly number: number }
  | { readonly kind: "profile"; readonly number: number; readonly durationMs: number }
  /** What is kept of answers is to be forgotten. */
  | { readonly kind: "resetRollupCache" }
  /** The memory behind the piece, if it was handed over. */
  | { readonly kind: "taken"; readonly number: number; readonly memory: ArrayBuffer | null };

export type FromWorker = TaskNews | { readonly kind: "ready" } | ProfileNews;

/** Of profiles, numbered with tasks. */
export type ProfileNews = { readonly kind: "profile"; readonly number: number; readonly profile: CpuProfile };

/** Of tasks. */
export type TaskNews =
  | {
      readonly kind: "piece";
      readonly number: number;
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
      /** With the first piece of a query, or with its failure. */
      readonly evaluated: Evaluated | null;
      /** With the last piece. */
      readonly caches: CacheBytes | null;
    }
  | {
      readonly kind: "failed";
      readonly number: number;
      readonly error: ErrorMessage;
      readonly evaluated: Evaluated | null;
    }
  | { readonly kind: "implicit"; readonly number: number; readonly message: string };

export type Piece = Extract<TaskNews, { kind: "piece" }>;

/** An error as plain data: those that somebody tells apart are made again of it. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  /** Where it was thrown, in the worker. */
  readonly stack: string | undefined;
  readonly code: string | undefined;
  readonly status: number;
  readonly line: number;
  readonly column: number;
}

export function writeError(error: unknown): ErrorMessage {
  const known = error instanceof Error ? error : new Error(String(error));
  const { code, column = 0, line = 0, message, name, stack, status = 0 } = known as Error & Partial<ErrorMessage>;
  return { name, message, stack, code, status, line, column };
}

export function readError({ code, column, line, message, name, stack, status }: ErrorMessage): Error {
  // Callers' mistakes are told apart by their class, and so are faults by whoever reads the log.
  if (code === "INPUT") return new InputError(message, status, line, column);
  const error = code === "BUG" ? new BugError(message) : new Error(message);
  const told = {
    name,
    ...(stack === undefined ? {} : { stack }),
    ...(code === undefined || code === "BUG" ? {} : { code }),
  };
  return Object.assign(error, told);
}
