/**
 * What every way of reading raw samples out has in common: match[], start, end, and the cursor over what they name.
 *
 * `reduce_mem_usage` is taken by all of them and changes nothing: samples go from the cursor to the socket a batch at a
 * time anyway, whatever is exported.
 */
import type { RequestContext } from "../http/context.ts";
import type { ExportQuery } from "./database.ts";
import { getMatchGroups } from "./selectors.ts";
import type { TaskRunner } from "./task-runner.ts";
import { getTime } from "./time-arguments.ts";

export interface ExportOptions {
  readonly runner: TaskRunner;
  readonly maxDurationMs: number;
  readonly maxSeries: number;
}

/** Milliseconds, both included. */
export interface ExportRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** `start`, the beginning of time if absent, and `end`, now if absent; an end before the start is the start. @throws InputError */
export function getExportRange({ args, startMs: nowMs }: RequestContext): ExportRange {
  const minMs = getTime(args, "start", 0, nowMs);
  const endMs = getTime(args, "end", nowMs, nowMs);
  return { minMs, maxMs: args.get("end") === "" ? nowMs : Math.max(endMs, minMs) };
}

/** What is to be read, but for the signal. */
export type ExportedRange = Omit<ExportQuery, "signal">;

/** @throws InputError for bad arguments (400) */
export function askExport(
  context: RequestContext,
  { maxSeries }: Pick<ExportOptions, "maxSeries">,
  range: ExportRange = getExportRange(context),
  maxSeriesFlag = "search.maxExportSeries",
): ExportedRange {
  const groups = getMatchGroups(context.args, true);
  context.active?.tell({ startMs: range.minMs, endMs: range.maxMs, stepMs: 0 });
  return { tenant: context.tenant, groups, ...range, maxSeries, maxSeriesFlag };
}
