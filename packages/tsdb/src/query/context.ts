/**
 * Where an expression is evaluated: the grid of output times, and the query it belongs to.
 *
 * A grid is `startMs, startMs + stepMs, … ≤ endMs`. Subqueries, `offset` and `@` evaluate their inside on another grid of
 * the same query, so `QueryRun` (limits, counters, cancellation) is shared and `EvalContext` is cheap to make.
 */
import { InputError } from "../base/errors.ts";
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import type { Expr, FilterGroups } from "../metricsql/ast.ts";
import { MAX_DEPTH } from "../metricsql/limits.ts";
import type { RollupCache } from "./cache/rollup-cache.ts";
import { LABEL_LENGTH_MAX, wantShortValue } from "./label-edit.ts";
import type { QueryLimits } from "./limits.ts";
import type { Source } from "./source.ts";
import type { QueryTrace } from "./trace.ts";

/** After this much time without a pause the event loop gets its turn. */
const SLICE_MS = 8;

/** Labels of a series that a query puts together: more than any sender may write. */
const LABELS_MAX = 1000;

export interface QueryRunOptions {
  readonly source: Source;
  readonly tenant: Tenant;
  readonly limits: QueryLimits;
  /** VictoriaMetrics' LookbackDelta, milliseconds; 0 means none is set. */
  readonly lookbackMs: number;
  /** `-search.minStalenessInterval`, milliseconds; 0, the default, means none is set. */
  readonly minStalenessMs?: number;
  readonly nowMs: number;
  /** The query's text, for places in errors; "" when only a tree was given. */
  readonly text: string;
  /** ANDed to every selector (`extra_filters[]`, `extra_label`); null means none. */
  readonly extraFilters: FilterGroups | null;
  readonly signal: AbortSignal | null;
  /** What was done is told to it; null, the default, for a query that nobody wants to hear about. */
  readonly trace?: QueryTrace | null;
  /** What refusing to read more samples is called. */
  readonly tooManySamples?: string;
  /** Of the source; null, the default, for a query that is computed as if there were none. */
  readonly cache?: RollupCache | null;
}

/** One query from start to end: what it may use, what it used, and whether it may go on. */
export class QueryRun {
  readonly source: Source;
  readonly tenant: Tenant;
  readonly limits: QueryLimits;
  readonly lookbackMs: number;
  readonly minStalenessMs: number;
  readonly nowMs: number;
  readonly text: string;
  readonly extraFilters: FilterGroups | null;
  readonly signal: AbortSignal | null;
  readonly trace: QueryTrace | null;
  readonly tooManySamples: string;
  readonly cache: RollupCache | null;
  /** Time in which others had their turn. */
  pausedMs = 0;
  /** Time in which series were looked for. */
  searchMs = 0;
  /** Time in which the answer was put in order. */
  sortMs = 0;
  readonly startedMs: number = performance.now();
  seriesFetched = 0;
  samplesRead = 0;
  isPartial = false;
  /** Columns held at once, at most: what reserveColumns was asked for. */
  peakBytes = 0;
  /** UTF-16 units of text that label functions have added to series. */
  #labelUnits = 0;
  #heldBytes = 0;
  #sliceEndMs: number;

  constructor(options: QueryRunOptions) {
    this.source = options.source;
    this.tenant = options.tenant;
    this.limits = options.limits;
    this.lookbackMs = options.lookbackMs;
    this.minStalenessMs = options.minStalenessMs ?? 0;
    this.nowMs = options.nowMs;
    this.text = options.text;
    this.extraFilters = options.extraFilters;
    this.signal = options.signal;
    this.trace = options.trace ?? null;
    this.tooManySamples = options.tooManySamples ?? "reading samples";
    this.cache = options.cache ?? null;
    this.#sliceEndMs = performance.now() + SLICE_MS;
  }

  /** True when it is time to `await breathe()`. Cheap enough to ask once a series. */
  isDue(): boolean {
    return performance.now() >= this.#sliceEndMs;
  }

  /** Lets the event loop run. @throws the signal's reason when the query was cancelled, InputError 422 when it has worked for as long as it may. */
  async breathe(): Promise<void> {
    this.signal?.throwIfAborted();
    const startMs = performance.now();
    if (startMs - this.startedMs - this.pausedMs > this.limits.maxWorkMs) {
      throw new InputError(`the query takes more than the ${this.limits.maxWorkMs} ms of work that it may`, 422);
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.signal?.throwIfAborted();
    const endMs = performance.now();
    this.pausedMs += endMs - startMs;
    this.#sliceEndMs = endMs + SLICE_MS;
  }

  /** @throws InputError 422 when the query has read more samples than it may. */
  countSamples(count: number): void {
    this.samplesRead += count;
    if (this.samplesRead > this.limits.maxSamplesPerQuery) {
      throw new InputError(
        `${this.tooManySamples}: the query needs more than -search.maxSamplesPerQuery=${this.limits.maxSamplesPerQuery}; ` +
          "narrow its time range or its selectors, or raise the flag",
        422,
      );
    }
  }

  /** @throws InputError 422 when one series has more samples than a selector may read of it. */
  checkSeriesSamples(count: number): void {
    if (count > this.limits.maxSamplesPerSeries) {
      throw new InputError(
        `reading samples: a series has ${count} of them in the time read, more than -search.maxSamplesPerSeries=` +
          `${this.limits.maxSamplesPerSeries}; narrow the time range, or raise the flag`,
        422,
      );
    }
  }

  /** @throws InputError 422 when so many series of so many points would not fit. Asked before the columns are made. */
  reserveColumns(series: number, points: number): void {
    const bytes = series * points * 8;
    if (this.#heldBytes + bytes > this.peakBytes) this.peakBytes = this.#heldBytes + bytes;
    if (this.#heldBytes + bytes > this.limits.maxMemoryPerQuery) {
      const others = this.#heldBytes === 0 ? "" : ` beside ${this.#heldBytes} for what it is to meet`;
      throw new InputError(
        `evaluating ${series} series of ${points} points: needs about ${bytes} bytes${others}, more than -search.maxMemoryPerQuery=` +
          `${this.limits.maxMemoryPerQuery}; use a larger step, a shorter range or fewer series, or raise the flag`,
        422,
      );
    }
  }

  /**
   * Counts columns that stay while something else is evaluated: the left side of an operator, the arguments before one. Answers the bytes, to be
   * released when they are used up.
   * @throws InputError 422 as reserveColumns
   */
  holdColumns(series: number, points: number): number {
    this.reserveColumns(series, points);
    const bytes = series * points * 8;
    this.#heldBytes += bytes;
    return bytes;
  }

  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** Bytes that are held and not released. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * To be told of labels that a function put together. Texts that are joined and repeated again and again grow as powers, so each label set is
   * bounded, and what all of them grew by counts as memory.
   * @throws InputError 422
   */
  countLabels(before: Labels, after: Labels): void {
    if (before === after) return;
    const { name, pairs } = after;
    if (pairs.length > 2 * LABELS_MAX) {
      throw new InputError(`labels: want at most ${LABELS_MAX} a series, got ${pairs.length / 2}`, 422);
    }
    if (name !== before.name) wantShortValue(name.length);
    for (let i = 1; i < pairs.length; i += 2) {
      const value = pairs[i] as string;
      // What a sender has written may be longer.
      if (value.length > LABEL_LENGTH_MAX && before.get(pairs[i - 1] as string) !== value) wantShortValue(value.length);
    }
    this.#labelUnits += Math.max(0, textLength(after) - textLength(before));
    if (this.#labelUnits * 2 > this.limits.maxMemoryPerQuery) {
      throw new InputError(
        `labels: those that the query makes need more than -search.maxMemoryPerQuery=${this.limits.maxMemoryPerQuery} bytes; ` +
          "make fewer or shorter ones, or raise the flag",
        422,
      );
    }
  }

  /** The caller's mistake at a place of the query. */
  fail(expr: Expr, message: string, status = 422): InputError {
    if (this.text === "") return new InputError(message, status);
    const before = this.text.slice(0, expr.pos);
    const line = before.split("\n").length;
    const column = expr.pos - before.lastIndexOf("\n");
    return new InputError(`${message} (line ${line}, column ${column})`, status, line, column);
  }
}

export class EvalContext {
  readonly run: QueryRun;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** Points of the grid, at least 1. */
  readonly points: number;
  readonly depth: number;
  /** The step of the trace that evaluation here belongs to. */
  readonly trace: QueryTrace | null;
  #timestamps: Float64Array | null = null;

  constructor(
    run: QueryRun,
    startMs: number,
    endMs: number,
    stepMs: number,
    depth = 0,
    trace: QueryTrace | null = run.trace,
  ) {
    this.run = run;
    this.startMs = startMs;
    this.endMs = endMs;
    this.stepMs = stepMs;
    this.points = Math.floor((endMs - startMs) / stepMs) + 1;
    this.depth = depth;
    this.trace = trace;
  }

  /** One level further down the tree. @throws InputError 422 past MAX_DEPTH. */
  deeper(expr: Expr): EvalContext {
    if (this.depth >= MAX_DEPTH) throw this.run.fail(expr, `evaluating: want at most ${MAX_DEPTH} nested expressions`);
    const inner = new EvalContext(this.run, this.startMs, this.endMs, this.stepMs, this.depth + 1, this.trace);
    inner.#timestamps = this.#timestamps;
    return inner;
  }

  onGrid(startMs: number, endMs: number, stepMs: number): EvalContext {
    return new EvalContext(this.run, startMs, endMs, stepMs, this.depth, this.trace);
  }

  /** The same, told to a step of the trace. */
  traced(trace: QueryTrace): EvalContext {
    const inner = new EvalContext(this.run, this.startMs, this.endMs, this.stepMs, this.depth, trace);
    inner.#timestamps = this.#timestamps;
    return inner;
  }

  /** Output times in milliseconds. Shared: read only. */
  timestamps(): Float64Array {
    if (this.#timestamps === null) {
      const timestamps = new Float64Array(this.points);
      for (let k = 0; k < timestamps.length; k++) timestamps[k] = this.startMs + k * this.stepMs;
      this.#timestamps = timestamps;
    }
    return this.#timestamps;
  }

  isInstant(): boolean {
    return this.startMs === this.endMs;
  }
}

function textLength({ name, pairs }: Labels): number {
  let length = name.length;
  for (let i = 0; i < pairs.length; i++) length += (pairs[i] as string).length;
  return length;
}
