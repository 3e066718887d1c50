/**
 * Who carries a task out: this thread what is small, the pool everything else.
 *
 * What a query costs nobody knows before it has run, and a trip to a worker costs several times what the smallest take. So a query that may be small is
 * tried here within narrow limits: few series, few samples, few points, little work. One that would exceed any of them is given up, its answer not begun, and
 * carried out by a worker from the start; its text is remembered for a while and not tried again. At most a few milliseconds of this thread go to a wrong
 * guess, whatever the query is. The same with label names and values, which menus ask for at every key: their limit is work alone.
 * While the first worker is still starting both may take longer here, in slices: that is sooner than it would begin.
 */
import { InputError } from "@nyanza/tsdb";
import type { LabelsTask } from "../api/labels.ts";
import type { AskedQuery, QueryTask } from "../api/query-task.ts";
import type { Desk, Evaluated, ReadableDatabase, TaskRunner } from "../api/task-runner.ts";
import { type ReadTask, runTask } from "../api/tasks.ts";

/** What is tried here. docs/decisions/0011-query-workers.md has the figures behind these. */
export interface SmallLimits {
  readonly maxSeries: number;
  readonly maxSamples: number;
  readonly maxPoints: number;
  readonly maxMemoryBytes: number;
  readonly maxTextLength: number;
  readonly maxWorkMs: number;
  /** Of label names and values. */
  readonly maxTextsWorkMs: number;
  /** Of both while no worker is up: about what one takes to start. */
  readonly maxWorkStartingMs: number;
}

/** The pool, as who chooses sees it. */
export interface Workers extends TaskRunner {
  /** Whether a worker is up. If there is none, one is started. */
  prepare(): boolean;
}

export const SMALL: SmallLimits = {
  maxSeries: 64,
  maxSamples: 20_000,
  maxPoints: 1_000,
  maxMemoryBytes: 32 << 10,
  maxTextLength: 1_000,
  maxWorkMs: 10,
  maxTextsWorkMs: 2,
  maxWorkStartingMs: 200,
};

/** How long a text that was too large is not tried again, and how many are remembered. */
const REMEMBERED_MS = 60_000;
const REMEMBERED_MAX = 1_000;
/** Work may have been much for once, code being cold or the machine busy: it is tried again after the first, then after twice as long each time. */
const SLOW_REMEMBERED_MIN_MS = 20;
const SLOW_REMEMBERED_MAX_MS = 1_000;

interface Refusal {
  readonly untilMs: number;
  readonly forMs: number;
}

export class Dispatcher implements TaskRunner {
  readonly #database: ReadableDatabase;
  readonly #pool: Workers;
  readonly #small: SmallLimits;
  /** What was too large the last time. What was put in first is forgotten first. */
  readonly #large: Map<string, Refusal> = new Map();

  constructor(database: ReadableDatabase, pool: Workers, small: SmallLimits = SMALL) {
    this.#database = database;
    this.#pool = pool;
    this.#small = small;
  }

  async run(task: ReadTask, desk: Desk): Promise<void> {
    // Who reads at all will soon ask for more: the first worker starts beside what is tried here.
    const isUp = this.#pool.prepare();
    if (task.kind === "query" && this.#maybeSmall(task) && (await this.#try(task, desk, isUp))) return;
    if (task.kind === "labels" && task.what !== "series" && (await this.#tryTexts(task, desk, isUp))) return;
    await this.#pool.run(task, desk);
  }

  #maybeSmall(task: QueryTask): boolean {
    const { maxPoints, maxTextLength } = this.#small;
    const { endMs, startMs, stepMs } = task.query;
    if (task.hearsImplicit || task.text.length > maxTextLength) return false;
    if (task.isRange && (endMs - startMs) / stepMs >= maxPoints) return false;
    return this.#mayTry(keyOf(task));
  }

  #mayTry(key: string): boolean {
    const refusal = this.#large.get(key);
    return refusal === undefined || performance.now() >= refusal.untilMs;
  }

  /** False if it is too large. */
  async #try(task: QueryTask, desk: Desk, isUp: boolean): Promise<boolean> {
    const maxWorkMs = isUp ? this.#small.maxWorkMs : this.#small.maxWorkStartingMs;
    const limits = narrow(task.query, this.#small, maxWorkMs);
    let failed: Evaluated | null = null;
    try {
      await runTask(task, this.#database, {
        ...desk,
        onEvaluated: (evaluated) => {
          if (evaluated.cost === null) failed = evaluated;
          else desk.onEvaluated?.(evaluated);
        },
      });
      this.#forget(keyOf(task));
      return true;
    } catch (error) {
      // It does not matter which limit it was: a worker comes to the same answer, and its errors name the flags' limits.
      const isTooLarge = error instanceof InputError && error.status === 422;
      if (failed !== null && isTooLarge && !desk.signal.aborted) {
        Object.assign(task.query, limits);
        const key = keyOf(task);
        if ((failed as Evaluated).durationMs >= maxWorkMs) this.#rememberSlow(key);
        else this.#remember(key, REMEMBERED_MS);
        return false;
      }
      if (failed !== null) desk.onEvaluated?.(failed);
      throw error;
    }
  }

  /** False if it is too large. */
  async #tryTexts(task: LabelsTask, desk: Desk, isUp: boolean): Promise<boolean> {
    const key = `${task.what} ${task.label}${task.request.groups.length === 0 ? "" : JSON.stringify(task.request.groups)}`;
    if (key.length > this.#small.maxTextLength || (isUp && !this.#mayTry(key))) return false;
    const { request } = task;
    const { maxTextsWorkMs, maxWorkStartingMs } = this.#small;
    task.request = { ...request, maxWorkMs: isUp ? maxTextsWorkMs : maxWorkStartingMs };
    try {
      await runTask(task, this.#database, desk);
      this.#forget(key);
      return true;
    } catch (error) {
      if (!(error instanceof InputError && error.status === 422) || desk.signal.aborted) throw error;
      task.request = request;
      this.#rememberSlow(key);
      return false;
    }
  }

  #rememberSlow(key: string): void {
    const last = this.#large.get(key)?.forMs ?? SLOW_REMEMBERED_MIN_MS / 2;
    this.#remember(key, Math.min(2 * last, SLOW_REMEMBERED_MAX_MS));
  }

  #forget(key: string): void {
    if (this.#large.size > 0) this.#large.delete(key);
  }

  #remember(key: string, forMs: number): void {
    if (this.#large.size >= REMEMBERED_MAX) {
      const [oldest] = this.#large.keys();
      this.#large.delete(oldest as string);
    }
    this.#large.set(key, { untilMs: performance.now() + forMs, forMs });
  }
}

function keyOf({ isRange, query, text }: QueryTask): string {
  return isRange ? `${query.endMs - query.startMs}:${text}` : text;
}

type NarrowedLimits = Pick<
  AskedQuery,
  "maxSeries" | "maxSamples" | "maxSubqueryPoints" | "maxMemoryBytes" | "maxWorkMs"
>;

/** Puts lower limits into the query. Those it had. */
function narrow(query: AskedQuery, small: SmallLimits, workMs: number): NarrowedLimits {
  const { maxMemoryBytes, maxSamples, maxSeries, maxSubqueryPoints, maxWorkMs } = query;
  query.maxSeries = Math.min(maxSeries, small.maxSeries);
  query.maxSamples = Math.min(maxSamples, small.maxSamples);
  query.maxSubqueryPoints = Math.min(maxSubqueryPoints, small.maxPoints);
  query.maxMemoryBytes = Math.min(maxMemoryBytes, small.maxMemoryBytes);
  query.maxWorkMs = workMs;
  return { maxMemoryBytes, maxSamples, maxSeries, maxSubqueryPoints, maxWorkMs };
}
