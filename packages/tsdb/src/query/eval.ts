/**
 * The query engine's two entry points: an expression at one time, or over a range of times.
 *
 *   text ──parse──▸ tree ──expr.ts──▸ series on a grid ──▸ points that have a value, in order ──▸ QueryResult
 *
 * Times are milliseconds. What is in here is what a request decides (alignment, the latency offset, order, rounding); what
 * an expression decides is in expr.ts and below.
 */
import { InputError } from "../base/errors.ts";
import { compareLabels, type Labels } from "../base/labels.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import type { Expr, FilterGroups, RollupExpr, SelectorExpr } from "../metricsql/ast.ts";
import { optimize } from "../metricsql/optimize.ts";
import { parse } from "../metricsql/parse.ts";
import { printExpr } from "../metricsql/printer.ts";
import { isRanking } from "./aggregate/table.ts";
import type { RollupCache } from "./cache/rollup-cache.ts";
import { isMarker } from "./columns.ts";
import { EvalContext, QueryRun } from "./context.ts";
import { evaluate } from "./expr.ts";
import { sourceFilters } from "./filters.ts";
import { checkImplicit } from "./implicit.ts";
import { labelsKey } from "./label-edit.ts";
import { type AskedLimits, withDefaults } from "./limits.ts";
import { checkNames } from "./names.ts";
import { sortPaced } from "./pace.ts";
import { ParsedQueries } from "./parsed-queries.ts";
import { traceReading } from "./reading-trace.ts";
import type { QueryResult, ResultSeries } from "./result.ts";
import { durationMs } from "./rollup/eval-rollup.ts";
import { isBlank, type Series } from "./series.ts";
import type { Source } from "./source.ts";
import { printExtent, type QueryTrace } from "./trace.ts";

export interface QueryOptions {
  readonly source: Source;
  readonly tenant?: Tenant | undefined;
  /** The time of the request. */
  readonly nowMs: number;
  /** VictoriaMetrics' LookbackDelta (`max_lookback`); 0, the default, means none. */
  readonly lookbackMs?: number | undefined;
  /** `-search.minStalenessInterval`: a sample at most this old is a series' previous one whatever the distance of samples says. */
  readonly minStalenessMs?: number | undefined;
  /** `-search.maxStepForPointsAdjustment`: the latency offset touches ranges of smaller steps only. A minute by default. */
  readonly latencyStepMaxMs?: number | undefined;
  /** `-search.disableImplicitConversion`: refuse rollups over expressions that give no window. */
  readonly refusesImplicit?: boolean | undefined;
  /** Hears, once a query, of a rollup over an expression that gives no window. */
  readonly onImplicit?: ((message: string) => void) | undefined;
  /** `-search.latencyOffset`: how long samples may take to arrive. 0 by default: what is acknowledged is seen. */
  readonly latencyOffsetMs?: number | undefined;
  /** Allow aligned ranges, and the latency offset of instant queries. False for `nocache=1`. True by default. */
  readonly mayAlign?: boolean | undefined;
  /** ANDed to every selector of the query. */
  readonly extraFilters?: FilterGroups | undefined;
  /** Digits after the point that values are rounded to; negative ones round before it. Not rounded by default. */
  readonly roundDigits?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Gets the steps of the evaluation. Null or absent costs nothing. */
  readonly trace?: QueryTrace | null | undefined;
  readonly limits?: AskedLimits | undefined;
  /** Where columns are kept from query to query; of this source. None by default. */
  readonly cache?: RollupCache | null | undefined;
}

export interface InstantOptions extends QueryOptions {
  readonly timeMs: number;
  /** Width of what "now" covers: the lookback of plain selectors. */
  readonly stepMs: number;
}

export interface RangeOptions extends QueryOptions {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** A range that ends before it starts is this long, as in VictoriaMetrics. */
const EMPTY_RANGE_MS = 300_000;
/** Ranges of fewer points are not aligned. */
const ALIGNED_POINTS_MIN = 50;
const LATENCY_STEP_MAX_MS = 60_000;

/**
 * The value of `query` at one time. `m[5m]` (and `m[5m:]`) answers its raw samples, `m[5m:1m]` and `q[5m]` a range, all of
 * them as a matrix; all else is a vector.
 *
 * @throws InputError 400 for a text that is no query, 422 for a query that cannot be carried out or costs too much; the signal's
 * reason when cancelled.
 */
export async function evaluateInstant(query: string | Expr, options: InstantOptions): Promise<QueryResult> {
  const expr = readQuery(query, options);
  const run = startRun(query, options);
  wantPositiveStep(options.stepMs);
  checkImplicit(run, expr, options);
  let timeMs = options.timeMs;
  if (expr.kind === "rollup" && expr.window !== null && expr.at === null) {
    const isRaw = expr.expr.kind === "selector" && expr.step === null;
    return isRaw
      ? readRaw(run, expr, expr.expr as SelectorExpr, timeMs, options.stepMs)
      : evaluateWindow(expr, timeMs, options);
  }
  const latencyMs = options.latencyOffsetMs ?? 0;
  if (options.mayAlign !== false && Math.abs(options.nowMs - timeMs) < latencyMs) timeMs = options.nowMs - latencyMs;
  const context = new EvalContext(run, timeMs, timeMs, options.stepMs);
  checkNames(context, expr);
  const list = await evaluate(context, expr);
  return shape(run, expr, list, Float64Array.of(options.timeMs), "vector", options.roundDigits);
}

/**
 * The values of `query` at startMs, startMs + stepMs, … ≤ endMs; ranges of 50 points and more are moved to multiples of the
 * step unless `mayAlign` is false.
 *
 * @throws as evaluateInstant
 */
export async function evaluateRange(query: string | Expr, options: RangeOptions): Promise<QueryResult> {
  const expr = readQuery(query, options);
  const run = startRun(query, options);
  const { stepMs } = options;
  wantPositiveStep(stepMs);
  checkImplicit(run, expr, options);
  let startMs = options.startMs;
  let endMs = options.endMs < startMs ? startMs + EMPTY_RANGE_MS : options.endMs;
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  if (points > run.limits.maxPointsPerTimeseries) {
    throw new InputError(
      `range from ${startMs} to ${endMs} ms by ${stepMs} ms: ${points} points a series, more than ` +
        `-search.maxPointsPerTimeseries=${run.limits.maxPointsPerTimeseries}; use a larger step or a shorter range`,
      422,
    );
  }
  const mayAlign = options.mayAlign !== false;
  if (mayAlign && points >= ALIGNED_POINTS_MIN) {
    startMs = Math.floor(startMs / stepMs) * stepMs;
    endMs = startMs + (points - 1) * stepMs;
  }
  const context = new EvalContext(run, startMs, endMs, stepMs);
  checkNames(context, expr);
  const list = await evaluate(context, expr);
  const latencyMs = options.latencyOffsetMs ?? 0;
  if (
    stepMs < (options.latencyStepMaxMs ?? LATENCY_STEP_MAX_MS) &&
    endMs > options.nowMs - latencyMs &&
    latencyMs > 0
  ) {
    holdLast(list, context.timestamps(), options.nowMs - latencyMs, options.nowMs + stepMs);
  }
  return shape(run, expr, list, context.timestamps(), "matrix", options.roundDigits);
}

const parsed = new ParsedQueries((text) => optimize(parse(text)));

/** A tree that somebody else has built is taken as it is: how deep it is shows only as it is carried out. */
function readQuery(query: string | Expr, { trace = null }: QueryOptions): Expr {
  if (typeof query !== "string") return query;
  const step = trace?.begin("parse");
  const expr = parsed.get(query);
  step?.end(`query=${trace?.text(() => printExpr(expr))}`);
  return expr;
}

function startRun(query: string | Expr, options: QueryOptions): QueryRun {
  return new QueryRun({
    source: options.source,
    tenant: options.tenant ?? DEFAULT_TENANT,
    limits: withDefaults(options.limits),
    lookbackMs: options.lookbackMs ?? 0,
    minStalenessMs: options.minStalenessMs ?? 0,
    nowMs: options.nowMs,
    text: typeof query === "string" ? query : "",
    extraFilters: options.extraFilters ?? null,
    signal: options.signal ?? null,
    trace: options.trace ?? null,
    cache: options.cache ?? null,
  });
}

function wantPositiveStep(stepMs: number): void {
  if (!(stepMs > 0)) throw new InputError(`step: want more than 0 ms, got ${stepMs}`);
}

/** `q[window:step] offset o` at the top of an instant query: the range of q that the window covers. */
function evaluateWindow(expr: RollupExpr, timeMs: number, options: InstantOptions): Promise<QueryResult> {
  // Implicit conversions have been looked for, in the whole query.
  const { onImplicit: _, ...rest } = options;
  const { stepMs } = rest;
  const endMs = timeMs - (expr.offset === null ? 0 : durationMs(expr.offset, stepMs));
  const windowMs = expr.window === null ? 0 : durationMs(expr.window, stepMs);
  const innerStepMs = expr.step === null ? 0 : durationMs(expr.step, stepMs);
  return evaluateRange(expr.expr, {
    ...rest,
    startMs: endMs - windowMs,
    endMs,
    stepMs: innerStepMs > 0 ? innerStepMs : stepMs,
  });
}

/** `m[window] offset o` at the top of an instant query: the samples in (t - window, t], as they are. */
async function readRaw(
  run: QueryRun,
  expr: RollupExpr,
  selector: SelectorExpr,
  timeMs: number,
  stepMs: number,
): Promise<QueryResult> {
  const maxMs = timeMs - (expr.offset === null ? 0 : durationMs(expr.offset, stepMs));
  const minMs = maxMs - (expr.window === null ? 0 : durationMs(expr.window, stepMs)) + 1;
  const groups = sourceFilters(selector.groups, run.extraFilters);
  const series: ResultSeries[] = [];
  if (groups.length > 0 && minMs <= maxMs) {
    const reading = traceReading({ run, trace: run.trace }, groups, minMs, maxMs);
    const cursor = await run.source.search({
      tenant: run.tenant,
      groups,
      minMs: Math.max(minMs, 0),
      maxMs,
      maxSeries: run.limits.maxUniqueTimeseries,
      ...(run.signal === null ? {} : { signal: run.signal }),
    });
    try {
      run.seriesFetched += cursor.seriesCount;
      reading?.found(cursor.seriesCount);
      for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
        run.signal?.throwIfAborted();
        reading?.read(batch.series.length, batch.ends[batch.series.length - 1] ?? 0);
        let lo = 0;
        for (let s = 0; s < batch.series.length; s++) {
          const hi = batch.ends[s] as number;
          run.checkSeriesSamples(hi - lo);
          run.countSamples(hi - lo);
          run.reserveColumns(2, run.samplesRead);
          const labels = batch.series[s] as Labels;
          const raw = dropNaN(batch.timestamps.slice(lo, hi), batch.values.slice(lo, hi));
          if (raw.values.length > 0) series.push({ labels, ...raw });
          lo = hi;
        }
        if (run.isDue()) await run.breathe();
        reading?.worked();
      }
      run.isPartial ||= cursor.isPartial;
      reading?.end(cursor, "copy samples");
    } finally {
      cursor.close();
    }
  }
  await sortPaced(run, series, (a, b) => compareLabels(a.labels, b.labels));
  return { kind: "matrix", series, stats: statsOf(run), isPartial: run.isPartial };
}

/** Without what is neither a number nor a staleness marker: this dialect knows no other NaN. The columns are ours to shorten. */
function dropNaN(timestamps: Float64Array, values: Float64Array): { timestamps: Float64Array; values: Float64Array } {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) && !isMarker(words, i)) continue;
    if (count !== i) {
      timestamps[count] = timestamps[i] as number;
      values.copyWithin(count, i, i + 1);
    }
    count++;
  }
  return { timestamps: timestamps.subarray(0, count), values: values.subarray(0, count) };
}

/** Points in (fromMs, toMs] may still change as samples arrive: they repeat the last value before. */
function holdLast(list: readonly Series[], timestamps: Float64Array, fromMs: number, toMs: number): void {
  // A range that reaches further into the future wants what is there: nothing can say which points are not whole.
  if ((timestamps[timestamps.length - 1] as number) > toMs) return;
  let first = timestamps.findIndex((ms) => ms > fromMs);
  if (first < 0) first = timestamps.length;
  for (const { values } of list) {
    const last = first > 0 ? (values[first - 1] as number) : Number.NaN;
    for (let k = first; k < values.length && (timestamps[k] as number) <= toMs; k++) values[k] = last;
  }
}

/** Leaves out what has no value, refuses equal label sets, puts the rest in order. */
async function shape(
  run: QueryRun,
  expr: Expr,
  list: readonly Series[],
  timestamps: Float64Array,
  kind: QueryResult["kind"],
  roundDigits: number | undefined,
): Promise<QueryResult> {
  const step = run.trace?.begin("put the answer in order");
  const shown: Series[] = [];
  for (const series of list) {
    if (!isBlank(series.values)) shown.push(series);
    if (run.isDue()) await run.breathe();
  }
  const { maxResponseSeries } = run.limits;
  if (maxResponseSeries > 0 && shown.length > maxResponseSeries) {
    throw new InputError(
      `answering with ${shown.length} series: more than -search.maxResponseSeries=${maxResponseSeries}; aggregate or filter`,
      422,
    );
  }
  await refuseDuplicates(run, shown);
  if (!hasOwnOrder(expr)) await sortPaced(run, shown, (a, b) => compareLabels(a.labels, b.labels));
  const series: ResultSeries[] = [];
  for (const { labels, values } of shown) {
    const present = dropMissing(timestamps, values);
    if (roundDigits !== undefined) roundTo(present.values, roundDigits);
    series.push({ labels, timestamps: present.timestamps, values: present.values });
    if (run.isDue()) await run.breathe();
  }
  step?.end(printExtent(series));
  return { kind, series, stats: statsOf(run), isPartial: run.isPartial };
}

function statsOf(run: QueryRun): QueryResult["stats"] {
  return { seriesFetched: run.seriesFetched, samplesRead: run.samplesRead, memoryBytes: run.peakBytes };
}

async function refuseDuplicates(run: QueryRun, list: readonly Series[]): Promise<void> {
  const seen = new Set<string>();
  for (const { labels } of list) {
    const key = labelsKey(labels);
    if (seen.has(key)) throw new InputError(`duplicate output timeseries: ${labels}`, 422);
    seen.add(key);
    if (run.isDue()) await run.breathe();
  }
}

/** True if the top of the tree says in which order its series come. */
function hasOwnOrder(expr: Expr): boolean {
  if (expr.kind === "function") return expr.name.startsWith("sort") || expr.name === "limit_offset";
  if (expr.kind === "aggregate") return isRanking(expr.name);
  return expr.kind === "binary" && expr.op === "or";
}

/** Points with a value. Without gaps the timestamps are the query's own, shared by all such series. */
function dropMissing(
  timestamps: Float64Array,
  values: Float64Array,
): { timestamps: Float64Array; values: Float64Array } {
  let count = 0;
  for (let k = 0; k < values.length; k++) if (values[k] === values[k]) count++;
  if (count === values.length) return { timestamps, values };
  const present = { timestamps: new Float64Array(count), values: new Float64Array(count) };
  count = 0;
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    if (v !== v) continue;
    present.timestamps[count] = timestamps[k] as number;
    present.values[count++] = v;
  }
  return present;
}

export function roundTo(values: Float64Array, digits: number): void {
  if (!(digits < 100)) return;
  const scale = 10 ** digits;
  for (let k = 0; k < values.length; k++) {
    const v = values[k] as number;
    const scaled = v * scale;
    if (Number.isFinite(scaled)) values[k] = (Math.sign(v) * Math.round(Math.abs(scaled))) / scale;
  }
}
