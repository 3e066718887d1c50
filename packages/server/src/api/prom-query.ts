/**
 * /api/v1/query and /api/v1/query_range with `dialect=promql`: arguments, defaults and refusals are Prometheus'. Nothing is rounded, aligned or
 * held back; a range says where it starts and ends and how large its steps are.
 */
import { InputError } from "@nyanza/tsdb";
import { quote, type RequestArguments } from "../http/arguments.ts";
import type { RequestContext } from "../http/context.ts";
import { withDeadline } from "./deadline.ts";
import { askQuery, type QueryOptions, runQueryTask } from "./query.ts";
import { wantShortQuery } from "./query-argument.ts";
import type { AskedQuery } from "./query-task.ts";
import { parseDuration, parsePromTime } from "./time-arguments.ts";

/** Prometheus' limit on points of a series; -search.maxPointsPerTimeseries can only lower it. */
const POINTS_MAX = 11_000;
const DEFAULT_LOOKBACK_MS = 300_000;

export async function answerPromQuery(context: RequestContext, options: QueryOptions): Promise<void> {
  const { args, startMs: nowMs } = context;
  const queuedMs = Date.now() - nowMs;
  const text = args.get("query");
  wantShortQuery(text, options.maxQueryBytes);
  const seriesMax = getSeriesMax(args);
  const timeMs = getTime(args, nowMs);
  context.active?.tell({ startMs: timeMs, endMs: timeMs, stepMs: DEFAULT_LOOKBACK_MS });
  const timeoutMs = getTimeout(args, options);
  const lookbackMs = getLookback(args, options);
  const answer = async (signal: AbortSignal): Promise<void> => {
    const task = askQuery(text, false, context, options, { seriesMax, stats: args.get("stats"), queuedMs });
    addPromLimits(task.query, lookbackMs, args);
    task.query.timeMs = timeMs;
    task.query.stepMs = DEFAULT_LOOKBACK_MS;
    await runQueryTask(task, context, options, signal);
  };
  await withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", answer, timeoutMs);
}

export async function answerPromQueryRange(context: RequestContext, options: QueryOptions): Promise<void> {
  const { args, startMs: nowMs } = context;
  const queuedMs = Date.now() - nowMs;
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
  context.active?.tell({ startMs, endMs, stepMs });
  const timeoutMs = getTimeout(args, options);
  const lookbackMs = getLookback(args, options);
  const answer = async (signal: AbortSignal): Promise<void> => {
    const task = askQuery(text, true, context, options, { seriesMax, stats: args.get("stats"), queuedMs });
    addPromLimits(task.query, lookbackMs, args);
    task.query.startMs = startMs;
    task.query.endMs = endMs;
    task.query.stepMs = stepMs;
    await runQueryTask(task, context, options, signal);
  };
  await withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", answer, timeoutMs);
}

function addPromLimits(query: AskedQuery, lookbackMs: number, args: RequestArguments): void {
  query.dialect = "promql";
  query.stats = args.get("stats") !== "";
  query.lookbackMs = lookbackMs;
  query.maxPointsPerSeries = Math.min(query.maxPointsPerSeries, POINTS_MAX);
}

/** `lookback_delta`, or `max_lookback` as VictoriaMetrics says, if it is more than nothing; else the flag, else five minutes. */
function getLookback(args: RequestArguments, options: QueryOptions): number {
  const absentMs = options.maxLookbackMs || DEFAULT_LOOKBACK_MS;
  const text = args.get("lookback_delta") || args.get("max_lookback");
  if (text === "") return absentMs;
  const lookbackMs = parseMs(text);
  if (lookbackMs === null) {
    throw new InputError(`error parsing lookback delta duration: cannot parse ${quote(text)} to a valid duration`);
  }
  return lookbackMs > 0 ? lookbackMs : absentMs;
}

/** `timeout`; without it the flag's, which it cannot exceed. */
function getTimeout(args: RequestArguments, options: QueryOptions): number {
  return args.get("timeout") === "" ? options.maxDurationMs : getPromDuration(args, "timeout");
}

/** `limit`: series of the answer, 0 for all. */
function getSeriesMax(args: RequestArguments): number {
  const text = args.get("limit");
  if (text === "") return 0;
  if (!/^\+?\d{1,15}$/.test(text))
    throw invalid("limit", `want a whole number that is not negative, got ${quote(text)}`);
  return Number(text);
}

/** `time`, now if there is none. */
function getTime(args: RequestArguments, nowMs: number): number {
  const text = args.get("time");
  const timeMs = text === "" ? nowMs : parsePromTime(text, nowMs);
  if (timeMs === null) throw invalid("time", `invalid time value for 'time': ${notATime(text)}`);
  return timeMs;
}

function getRequiredTime(args: RequestArguments, name: string, nowMs: number): number {
  const text = args.get(name);
  const timeMs = text === "" ? null : parsePromTime(text, nowMs);
  if (timeMs === null) throw invalid(name, notATime(text));
  return timeMs;
}

function notATime(text: string): string {
  return `cannot parse ${quote(text)} to a valid timestamp`;
}

function getPromDuration(args: RequestArguments, name: string): number {
  const text = args.get(name);
  const ms = parseMs(text);
  if (ms === null) throw invalid(name, `cannot parse ${quote(text)} to a valid duration`);
  return ms;
}

/** Whole milliseconds of any sign; null for what is no duration. */
function parseMs(text: string): number | null {
  const ms = parseDuration(text);
  return ms === null || Math.abs(ms) > Number.MAX_SAFE_INTEGER ? null : Math.trunc(ms);
}

function invalid(name: string, message: string): InputError {
  return new InputError(`invalid parameter ${JSON.stringify(name)}: ${message}`);
}
