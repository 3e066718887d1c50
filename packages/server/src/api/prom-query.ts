/**
 * /api/v1/query and /api/v1/query_range with `dialect=promql`: arguments, defaults and refusals are Prometheus'. Nothing is rounded, aligned or
 * held back; a range says where it starts and ends and how large its steps are.
 */
import { InputError } from "@nyanza/tsdb";
import { quote, type RequestArguments } from "../http/arguments.ts";
import type { RequestContext } from "../http/context.ts";
import { type PrintableResult, sendResult } from "./answer.ts";
import type { QueryLimits } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import type { FlagLimits, QueryOptions } from "./query.ts";
import { wantShortQuery } from "./query-argument.ts";
import { getPromTime, parseDuration } from "./time-arguments.ts";

/** What requests of all dialects may say. */
export type CommonLimits = Pick<
  QueryLimits,
  | "tenant"
  | "nowMs"
  | "signal"
  | "trace"
  | "maxQueryLength"
  | "maxSeries"
  | "maxSamples"
  | "extraFilters"
  | "roundDigits"
  | keyof FlagLimits
>;
export type LimitsOf = (signal: AbortSignal) => CommonLimits;

/** Prometheus' limit on points of a series; -search.maxPointsPerTimeseries can only lower it. */
const POINTS_MAX = 11_000;
const DEFAULT_LOOKBACK_MS = 300_000;

export async function answerPromQuery(
  context: RequestContext,
  options: QueryOptions,
  limitsOf: LimitsOf,
): Promise<void> {
  const { args, startMs: nowMs } = context;
  const text = args.get("query");
  wantShortQuery(text, options.maxQueryBytes);
  const seriesMax = getSeriesMax(args);
  const timeMs = getPromTime(args, "time", nowMs, nowMs);
  const lookbackMs = getLookback(args, options);
  await withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", async (signal) => {
    const limits = toPromLimits(limitsOf(signal), lookbackMs, options);
    const result = await options.database.query(text, { ...limits, timeMs, stepMs: DEFAULT_LOOKBACK_MS });
    await sendResult(context, truncate(result, seriesMax), {
      elapsedMs: Date.now() - nowMs,
      timeMs,
      trace: limits.trace,
    });
  });
}

export async function answerPromQueryRange(
  context: RequestContext,
  options: QueryOptions,
  limitsOf: LimitsOf,
): Promise<void> {
  const { args, startMs: nowMs } = context;
  const text = args.get("query");
  wantShortQuery(text, options.maxQueryBytes);
  const seriesMax = getSeriesMax(args);
  const startMs = getRequiredTime(args, "start", nowMs);
  const endMs = getRequiredTime(args, "end", nowMs);
  if (endMs < startMs) throw invalid("end", "end timestamp must not be before start time");
  const stepMs = getPromDuration(args, "step");
  if (!(stepMs > 0)) {
    throw invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  const lookbackMs = getLookback(args, options);
  await withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", async (signal) => {
    const limits = toPromLimits(limitsOf(signal), lookbackMs, options);
    const result = await options.database.queryRange(text, { ...limits, startMs, endMs, stepMs });
    await sendResult(context, truncate(result, seriesMax), {
      elapsedMs: Date.now() - nowMs,
      trace: limits.trace,
    });
  });
}

function toPromLimits(common: CommonLimits, lookbackMs: number, options: QueryOptions): QueryLimits {
  return {
    ...common,
    dialect: "promql",
    lookbackMs,
    latencyOffsetMs: 0,
    mayAlign: false,
    maxPointsPerSeries: Math.min(options.maxPointsPerSeries, POINTS_MAX),
  };
}

/** `lookback_delta`, if it is more than nothing; else the flag, else five minutes. */
function getLookback(args: RequestArguments, options: QueryOptions): number {
  const absentMs = options.maxLookbackMs || DEFAULT_LOOKBACK_MS;
  if (args.get("lookback_delta") === "") return absentMs;
  const lookbackMs = getPromDuration(args, "lookback_delta");
  return lookbackMs > 0 ? lookbackMs : absentMs;
}

/** `limit`: series of the answer, 0 for all. */
function getSeriesMax(args: RequestArguments): number {
  const text = args.get("limit");
  if (text === "") return 0;
  if (!/^\+?\d{1,15}$/.test(text))
    throw invalid("limit", `want a whole number that is not negative, got ${quote(text)}`);
  return Number(text);
}

function getRequiredTime(args: RequestArguments, name: string, nowMs: number): number {
  if (args.get(name) === "") throw invalid(name, 'cannot parse "" to a valid timestamp');
  return getPromTime(args, name, nowMs, nowMs);
}

/** Whole milliseconds of any sign. */
function getPromDuration(args: RequestArguments, name: string): number {
  const text = args.get(name);
  const ms = parseDuration(text);
  if (ms === null || Math.abs(ms) > Number.MAX_SAFE_INTEGER) {
    throw invalid(name, `cannot parse ${quote(text)} to a valid duration`);
  }
  return Math.trunc(ms);
}

function invalid(name: string, message: string): InputError {
  return new InputError(`invalid parameter ${JSON.stringify(name)}: ${message}`);
}

function truncate(result: PrintableResult, seriesMax: number): PrintableResult {
  if (seriesMax === 0 || result.series.length <= seriesMax) return result;
  return {
    ...result,
    series: result.series.slice(0, seriesMax),
    warnings: [...(result.warnings ?? []), "results truncated due to limit"],
  };
}
