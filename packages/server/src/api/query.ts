/** /api/v1/query and /api/v1/query_range. */
import { type Dialect, InputError } from "@nyanza/tsdb";
import { quote, type RequestArguments } from "../http/arguments.ts";
import type { Handler, RequestContext } from "../http/context.ts";
import { StreamedAnswer } from "../http/response.ts";
import type { Logger } from "../process/logger.ts";
import { JSON_TYPE } from "./answer.ts";
import type { QueryLimits } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { inPromWords } from "./prom-errors.ts";
import { answerPromQuery, answerPromQueryRange } from "./prom-query.ts";
import { getQuery } from "./query-argument.ts";
import type { AskedQuery, QueryTask } from "./query-task.ts";
import { getExtraFilters } from "./selectors.ts";
import type { Evaluated, TaskRunner } from "./task-runner.ts";
import { getDuration, getTime } from "./time-arguments.ts";
import { askTrace } from "./trace.ts";

export interface QueryOptions {
  readonly runner: TaskRunner;
  /** Hears of each query how its evaluation went. */
  readonly onEvaluated: (text: string, rangeMs: number, evaluated: Evaluated) => void;
  /** Of requests that name none. */
  readonly dialect: Dialect;
  readonly logger: Logger;
  readonly maxQueryBytes: number;
  readonly maxDurationMs: number;
  readonly maxPointsPerSeries: number;
  /** 0 means no limit. */
  readonly maxSeries: number;
  readonly maxSamples: number;
  /** 0: from the distance of samples. */
  readonly maxLookbackMs: number;
  /** -search.disableCache: nothing is kept, and ranges are not aligned either. */
  readonly isCacheDisabled: boolean;
  readonly isTracingDenied: boolean;
  /** What flags alone say. */
  readonly limits: FlagLimits;
  readonly isLookbackStep: boolean;
  /** -search.logImplicitConversion */
  readonly logsImplicit: boolean;
  readonly latencyOffsetMs: number;
}

export type FlagLimits = Pick<
  QueryLimits,
  | "maxSubqueryPoints"
  | "maxSamplesPerSeries"
  | "maxAggregateSeries"
  | "maxResponseSeries"
  | "maxMemoryBytes"
  | "maxPushdownValues"
  | "minStalenessMs"
  | "latencyStepMaxMs"
  | "refusesImplicit"
>;

const DEFAULT_STEP_MS = 300_000;

export function createQueryHandlers(options: QueryOptions): { query: Handler; queryRange: Handler } {
  return {
    query: (context) => answer(context, options, answerQuery, answerPromQuery),
    queryRange: (context) => answer(context, options, answerQueryRange, answerPromQueryRange),
  };
}

type Answer = (context: RequestContext, options: QueryOptions) => Promise<void>;

async function answer(
  context: RequestContext,
  options: QueryOptions,
  metricsql: Answer,
  promql: Answer,
): Promise<void> {
  if (getDialect(context.args, options.dialect) === "metricsql") await metricsql(context, options);
  else await inPromWords(() => promql(context, options));
}

async function answerQuery(context: RequestContext, options: QueryOptions): Promise<void> {
  const { args, startMs: nowMs } = context;
  const text = getQuery(args, options.maxQueryBytes);
  const timeMs = getTime(args, "time", nowMs, nowMs);
  const lookbackMs = getLookback(args, options);
  const stepMs = getDuration(args, "step", lookbackMs === 0 ? DEFAULT_STEP_MS : lookbackMs);
  context.active?.tell({ startMs: timeMs, endMs: timeMs, stepMs });
  await withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", async (signal) => {
    const task = askQuery(text, false, context, options);
    addMetricsqlLimits(task.query, context, options, lookbackMs);
    task.query.timeMs = timeMs;
    task.query.stepMs = stepMs;
    await runQueryTask(task, context, options, signal);
  });
}

async function answerQueryRange(context: RequestContext, options: QueryOptions): Promise<void> {
  const { args, startMs: nowMs } = context;
  const text = getQuery(args, options.maxQueryBytes);
  // On whole seconds, as in VictoriaMetrics: the same page asked for twice gets the same grid. An instant query's time is not rounded, or it
  // would miss what was acknowledged in the current second.
  const nowSecondMs = nowMs - (nowMs % 1000);
  const startMs = getTime(args, "start", nowSecondMs - DEFAULT_STEP_MS, nowMs);
  let endMs = getTime(args, "end", nowSecondMs, nowMs);
  const stepMs = getDuration(args, "step", DEFAULT_STEP_MS);
  const lookbackMs = getLookback(args, options);
  if (startMs > endMs) endMs = startMs + DEFAULT_STEP_MS;
  context.active?.tell({ startMs, endMs, stepMs });
  await withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", async (signal) => {
    const task = askQuery(text, true, context, options);
    addMetricsqlLimits(task.query, context, options, lookbackMs);
    task.query.startMs = startMs;
    task.query.endMs = endMs;
    task.query.stepMs = stepMs;
    await runQueryTask(task, context, options, signal);
  });
}

function getDialect(args: RequestArguments, absent: Dialect): Dialect {
  const text = args.get("dialect");
  if (text === "") return absent;
  if (text !== "metricsql" && text !== "promql") {
    throw new InputError(`argument dialect: want metricsql or promql, got ${quote(text)}`);
  }
  return text;
}

function getLookback(args: RequestArguments, options: QueryOptions): number {
  const lookbackMs = getDuration(args, "max_lookback", options.maxLookbackMs);
  return options.isLookbackStep ? getDuration(args, "step", lookbackMs) : lookbackMs;
}

function addMetricsqlLimits(
  query: AskedQuery,
  context: RequestContext,
  options: QueryOptions,
  lookbackMs: number,
): void {
  query.latencyOffsetMs = getDuration(context.args, "latency_offset", options.latencyOffsetMs);
  // Whoever asks for no cache asks for those very times.
  query.mayAlign = mayCache(context, options);
  if (lookbackMs > 0) query.lookbackMs = lookbackMs;
}

/** A question with what all dialects take filled in, the rest is for them. */
export function askQuery(
  text: string,
  isRange: boolean,
  context: RequestContext,
  options: QueryOptions,
  prom: QueryTask["prom"] = null,
): QueryTask {
  return {
    kind: "query",
    text,
    isRange,
    query: askCommon(context, options),
    trace: askTrace(context, options.isTracingDenied),
    hearsImplicit: prom === null && options.logsImplicit,
    prom,
  };
}

export async function runQueryTask(
  task: QueryTask,
  context: RequestContext,
  options: QueryOptions,
  signal: AbortSignal,
): Promise<void> {
  const { isRange, query, text } = task;
  const rangeMs = isRange ? query.endMs - query.startMs : 0;
  await options.runner.run(task, {
    answer: new StreamedAnswer(context, { contentType: JSON_TYPE }),
    signal,
    onEvaluated: (evaluated) => options.onEvaluated(text, rangeMs, evaluated),
    onImplicit: (message) => logImplicit(text, options, message),
  });
}

/** One object with all it will ever have: spreading such objects into each other took as long as a small query. */
function askCommon(context: RequestContext, options: QueryOptions): AskedQuery {
  const { args } = context;
  const extraFilters = getExtraFilters(args);
  const digits = args.get("round_digits");
  const { limits } = options;
  return {
    timeMs: 0,
    startMs: 0,
    endMs: 0,
    stepMs: 0,
    dialect: "metricsql",
    stats: false,
    lookbackMs: undefined,
    latencyOffsetMs: 0,
    mayAlign: false,
    mayCache: mayCache(context, options),
    maxPointsPerSeries: options.maxPointsPerSeries,
    tenant: context.tenant,
    nowMs: context.startMs,
    signal: undefined,
    trace: null,
    onImplicit: undefined,
    helpers: undefined,
    maxQueryLength: options.maxQueryBytes,
    maxSeries: options.maxSeries || Infinity,
    maxSamples: options.maxSamples || Infinity,
    maxSubqueryPoints: limits.maxSubqueryPoints,
    maxSamplesPerSeries: limits.maxSamplesPerSeries,
    maxAggregateSeries: limits.maxAggregateSeries,
    maxResponseSeries: limits.maxResponseSeries,
    maxMemoryBytes: limits.maxMemoryBytes,
    maxPushdownValues: limits.maxPushdownValues,
    maxWorkMs: Infinity,
    minStalenessMs: limits.minStalenessMs,
    latencyStepMaxMs: limits.latencyStepMaxMs,
    refusesImplicit: limits.refusesImplicit,
    extraFilters: extraFilters.length > 0 ? extraFilters : undefined,
    roundDigits: /^-?\d{1,3}$/.test(digits) ? Number(digits) : undefined,
  };
}

function mayCache({ args }: RequestContext, { isCacheDisabled }: QueryOptions): boolean {
  return !isCacheDisabled && !args.getBool("nocache");
}

function logImplicit(text: string, { logger }: QueryOptions, message: string): void {
  logger.warn(`query=${quote(text)} requires implicit conversion: ${message}`);
}
