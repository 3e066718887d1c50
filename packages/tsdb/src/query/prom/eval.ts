/**
 * PromQL's two entry points: an expression at one time, or over a range of times, by Prometheus 3's rules.
 *
 *   text ──parse──▸ tree ──expr.ts──▸ values on a grid ──▸ points that are present, in order ──▸ QueryResult
 *
 * Nothing is moved here: times are used as they are asked for, neither aligned to the step nor kept off the present.
 */
import { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT } from "../../base/tenant.ts";
import type { PromExpr, PromMatrix, PromSubquery } from "../../promql/ast.ts";
import { DEFAULT_PROM_LIMITS } from "../../promql/limits.ts";
import { parsePromql } from "../../promql/parse.ts";
import { printPromql } from "../../promql/printer.ts";
import { isMarker } from "../columns.ts";
import { EvalContext, QueryRun } from "../context.ts";
import { type QueryOptions, roundTo } from "../eval.ts";
import { withDefaults } from "../limits.ts";
import { sortPaced } from "../pace.ts";
import { ParsedQueries } from "../parsed-queries.ts";
import type { EvaluationStats, QueryResult, ResultSeries } from "../result.ts";
import { printExtent } from "../trace.ts";
import { withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import { positiveMs } from "./durations.ts";
import { evaluatorOf } from "./expr.ts";
import { compareLabelSets, refuseSameLabels } from "./label-sets.ts";
import { SampleCount } from "./sample-count.ts";
import { readSeries, sightOf } from "./selectors.ts";
import { type EvaluateExpr, evaluateSubquery } from "./subquery.ts";
import { Annotations, type PromSeries } from "./value.ts";

export interface PromOptions extends Omit<QueryOptions, "latencyOffsetMs" | "mayAlign" | "lookbackMs"> {
  /** How far back a selector looks for a sample. 5 minutes by default, and for 0. */
  readonly lookbackMs?: number | undefined;
  /** Step of subqueries that name none; one minute by default, as is Prometheus' evaluation interval. */
  readonly subqueryStepMs?: number | undefined;
  /** Count samples and times: the result's `stats.evaluation`. */
  readonly stats?: boolean | undefined;
  /** UTF-16 units of the text; parsePromql's default otherwise. */
  readonly maxQueryLength?: number | undefined;
}

export interface PromInstantOptions extends PromOptions {
  readonly timeMs: number;
}

export interface PromRangeOptions extends PromOptions {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

const DEFAULT_LOOKBACK_MS = 300_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
/** Prometheus' own limit; `maxPointsPerTimeseries` replaces it. */
const DEFAULT_POINTS_MAX = 11_000;

/**
 * The value of `query` at one time: a vector, a scalar or a string; of a range vector its samples, as a matrix.
 *
 * @throws InputError 400 for a text that is no query, 422 for a query that cannot be carried out or costs too much; the signal's
 * reason when cancelled.
 */
export async function evaluatePromInstant(query: string | PromExpr, options: PromInstantOptions): Promise<QueryResult> {
  const tree = readQuery(query, options);
  const { timeMs } = options;
  const context = startQuery(query, options, timeMs, timeMs, 0);
  const evaluate = evaluatorOf(tree);
  const bare = withoutParens(tree);
  if (bare.kind === "matrix") return finish(context, "matrix", await readWindow(context, bare));
  if (bare.kind === "subquery") return finish(context, "matrix", await readSubquery(context, bare, evaluate));
  const value = await evaluate(context, tree);
  const times = Float64Array.of(timeMs);
  switch (value.kind) {
    case "string":
      return { ...finish(context, "string", []), text: value.value };
    case "scalar":
      return finish(context, "scalar", [scalarSeries(times, value.values, options)]);
    default:
      return finish(context, "vector", await shape(context, value.series, times, !hasOwnOrder(bare), options));
  }
}

/**
 * The values of `query`, a vector or a scalar, at startMs, startMs + stepMs, … ≤ endMs, as a matrix ordered by labels.
 *
 * @throws as evaluatePromInstant
 */
export async function evaluatePromRange(query: string | PromExpr, options: PromRangeOptions): Promise<QueryResult> {
  const tree = readQuery(query, options);
  const { startMs, endMs, stepMs } = options;
  if (!(stepMs > 0)) {
    throw new InputError("zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if (!(endMs >= startMs)) throw new InputError("end timestamp must not be before start time");
  const pointsMax = options.limits?.maxPointsPerTimeseries ?? DEFAULT_POINTS_MAX;
  if (Math.floor((endMs - startMs) / stepMs) > pointsMax) {
    throw new InputError(
      `exceeded maximum resolution of ${pointsMax.toLocaleString("en-US")} points per timeseries. ` +
        "Try decreasing the query resolution (?step=XX)",
    );
  }
  if (tree.type === "matrix" || tree.type === "string") {
    const type = tree.type === "matrix" ? "range vector" : "string";
    throw new InputError(
      `invalid expression type "${type}" for range query, must be Scalar or instant Vector`,
      400,
      1,
      1,
    );
  }
  const context = startQuery(query, options, startMs, endMs, stepMs);
  const value = await evaluatorOf(tree)(context, tree);
  const times = context.grid.timestamps();
  if (value.kind === "scalar") return finish(context, "matrix", [scalarSeries(times, value.values, options)]);
  const series = value.kind === "vector" ? value.series : [];
  return finish(context, "matrix", await shape(context, series, times, true, options));
}

/** Of texts whose length has been looked at. */
const parsed = new ParsedQueries((text) => parsePromql(text, { limits: { lengthMax: text.length } }));

function readQuery(query: string | PromExpr, { maxQueryLength, trace = null }: PromOptions): PromExpr {
  if (typeof query !== "string") return query;
  const step = trace?.begin("parse");
  // What is kept was once within the limit; with a lower one it is read again, to be refused.
  const tree =
    query.length > (maxQueryLength ?? DEFAULT_PROM_LIMITS.lengthMax)
      ? parsePromql(query, maxQueryLength === undefined ? {} : { limits: { lengthMax: maxQueryLength } })
      : parsed.get(query);
  step?.end(`query=${trace?.text(() => printPromql(tree))}`);
  return tree;
}

/** `stepMs` is 0 for a query at one time. */
function startQuery(
  query: string | PromExpr,
  options: PromOptions,
  startMs: number,
  endMs: number,
  stepMs: number,
): PromContext {
  options.signal?.throwIfAborted();
  const lookbackMs = options.lookbackMs || DEFAULT_LOOKBACK_MS;
  const run = new QueryRun({
    source: options.source,
    tenant: options.tenant ?? DEFAULT_TENANT,
    limits: withDefaults(options.limits),
    lookbackMs,
    nowMs: options.nowMs,
    text: typeof query === "string" ? query : "",
    extraFilters: options.extraFilters ?? null,
    signal: options.signal ?? null,
    trace: options.trace ?? null,
    cache: options.cache ?? null,
    tooManySamples: "query processing would load too many samples into memory in query execution",
  });
  const grid = new EvalContext(run, startMs, endMs, stepMs === 0 ? 1 : stepMs);
  return {
    grid,
    samples: options.stats === true ? new SampleCount(grid.points) : null,
    annotations: new Annotations(),
    lookbackMs,
    queryStartMs: startMs,
    queryEndMs: endMs,
    queryStepMs: stepMs,
    subqueryStepMs: options.subqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS,
  };
}

/** The samples of `m[5m]` as they are, staleness markers left out. */
async function readWindow(context: PromContext, { selector, range }: PromMatrix): Promise<ResultSeries[]> {
  const { samples } = context;
  const { run } = context.grid;
  const { endMs } = sightOf(context, selector.at, selector.offset);
  const list: ResultSeries[] = [];
  const ignoreCount = (): void => {};
  await readSeries(
    context.grid,
    selector.filters,
    endMs - positiveMs(context, range),
    endMs,
    ignoreCount,
    (labels, timestamps, values, lo, hi) => {
      run.reserveColumns(2, run.samplesRead);
      const copy = copyUnmarked(timestamps, values, lo, hi);
      if (copy.values.length === 0) return null;
      list.push({ labels, ...copy });
      samples?.addEverywhere(copy.values.length);
      samples?.hold(copy.values.length);
      return null;
    },
  );
  return await sortPaced(run, list, (a, b) => compareLabelSets(a.labels, b.labels));
}

function copyUnmarked(
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
): { timestamps: Float64Array; values: Float64Array } {
  const times = timestamps.slice(lo, hi);
  const column = values.slice(lo, hi);
  const words = new Uint32Array(column.buffer);
  let count = 0;
  for (let i = 0; i < column.length; i++) {
    if (isMarker(words, i)) continue;
    times[count] = times[i] as number;
    column.copyWithin(count, i, i + 1);
    count++;
  }
  return { timestamps: times.subarray(0, count), values: column.subarray(0, count) };
}

/** The points of `q[1h:1m]`. */
async function readSubquery(context: PromContext, node: PromSubquery, evaluate: EvaluateExpr): Promise<ResultSeries[]> {
  const { timestamps, series, samples } = await evaluateSubquery(context, node, evaluate);
  context.samples?.addEverywhere(samples);
  return await shape(context, series, timestamps, true, {});
}

/** Leaves out points without a value, puts the series in order. */
async function shape(
  context: PromContext,
  list: readonly PromSeries[],
  times: Float64Array,
  isSorted: boolean,
  { roundDigits }: { readonly roundDigits?: number | undefined },
): Promise<ResultSeries[]> {
  const { run } = context.grid;
  const startMs = performance.now();
  const step = run.trace?.begin("put the answer in order");
  const shown: ResultSeries[] = [];
  for (const series of list) {
    const points = presentPoints(series, times);
    if (roundDigits !== undefined) roundTo(points.values, roundDigits);
    if (points.values.length > 0) shown.push({ labels: series.labels, ...points });
    if (run.isDue()) await run.breathe();
  }
  const { maxResponseSeries } = run.limits;
  if (maxResponseSeries > 0 && shown.length > maxResponseSeries) {
    throw new InputError(
      `answering with ${shown.length} series: more than -search.maxResponseSeries=${maxResponseSeries}; aggregate or filter`,
      422,
    );
  }
  await refuseSameLabels(run, shown);
  if (isSorted) await sortPaced(run, shown, (a, b) => compareLabelSets(a.labels, b.labels));
  step?.end(printExtent(shown));
  run.sortMs += performance.now() - startMs;
  return shown;
}

/** Without gaps the times are the query's own, shared by all such series. */
function presentPoints(
  { values, present }: PromSeries,
  times: Float64Array,
): { timestamps: Float64Array; values: Float64Array } {
  if (present === null) return { timestamps: times, values };
  let count = 0;
  for (let k = 0; k < present.length; k++) count += present[k] as number;
  const points = { timestamps: new Float64Array(count), values: new Float64Array(count) };
  let to = 0;
  for (let k = 0; k < present.length; k++) {
    if (present[k] === 0) continue;
    points.timestamps[to] = times[k] as number;
    points.values[to++] = values[k] as number;
  }
  return points;
}

function scalarSeries(times: Float64Array, values: Float64Array, { roundDigits }: PromOptions): ResultSeries {
  if (roundDigits !== undefined) roundTo(values, roundDigits);
  return { labels: Labels.empty, timestamps: times, values };
}

/** True if the top of the tree says in which order its series come. */
function hasOwnOrder(expr: PromExpr): boolean {
  if (expr.kind === "aggregate") return expr.op === "topk" || expr.op === "bottomk";
  return expr.kind === "call" && expr.name.startsWith("sort");
}

function finish(context: PromContext, kind: QueryResult["kind"], series: ResultSeries[]): QueryResult {
  const { run } = context.grid;
  const { warnings, infos } = context.annotations;
  const evaluation = statsOf(context);
  return {
    kind,
    series,
    stats: {
      seriesFetched: run.seriesFetched,
      samplesRead: run.samplesRead,
      memoryBytes: run.peakBytes,
      ...(evaluation === null ? {} : { evaluation }),
    },
    isPartial: run.isPartial,
    ...(warnings.size > 0 ? { warnings: [...warnings] } : {}),
    ...(infos.size > 0 ? { infos: [...infos] } : {}),
  };
}

/** Everything is in one of the three times. */
function statsOf({ grid, samples }: PromContext): EvaluationStats | null {
  if (samples === null) return null;
  const { searchMs, sortMs, startedMs } = grid.run;
  return {
    preparationMs: searchMs,
    evaluationMs: performance.now() - startedMs - searchMs - sortMs,
    sortMs,
    samples: samples.total,
    peakSamples: samples.peak,
    samplesPerStep: samples.steps,
    stepTimestamps: grid.timestamps(),
  };
}
