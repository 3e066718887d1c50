/**
 * What every way of reading raw samples out has in common: match[], start, end, and the cursor over what they name.
 *
 * `reduce_mem_usage` is taken by all of them and changes nothing: samples go from the cursor to the socket a batch at a
 * time anyway, whatever is exported.
 */
import type { RequestContext } from "../http/context.ts";
import type { ExportCursor, ServedDatabase } from "./database.ts";
import { getMatchGroups } from "./selectors.ts";
import { getTime } from "./time-arguments.ts";

export interface ExportOptions {
  readonly database: Pick<ServedDatabase, "export">;
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

/** Close the cursor. @throws InputError for bad arguments (400) and for more than `maxSeries` series (422) */
export function openExport(
  context: RequestContext,
  options: Pick<ExportOptions, "database" | "maxSeries">,
  signal: AbortSignal,
  range: ExportRange = getExportRange(context),
  maxSeriesFlag = "search.maxExportSeries",
): Promise<ExportCursor> {
  const groups = getMatchGroups(context.args, true);
  const { database, maxSeries } = options;
  context.active?.tell({ startMs: range.minMs, endMs: range.maxMs, stepMs: 0 });
  return database.export({ tenant: context.tenant, groups, ...range, maxSeries, maxSeriesFlag, signal });
}
