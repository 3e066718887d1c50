/** /api/v1/series, /api/v1/labels and /api/v1/label/<name>/values. */
import type { Labels, QueryTrace } from "@nyanza/tsdb";
import type { Handler, RequestContext } from "../http/context.ts";
import { sendLabelSets, sendStrings } from "./answer.ts";
import type { LabelsQuery, ServedDatabase } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { getMatchGroups } from "./selectors.ts";
import { getTime } from "./time-arguments.ts";
import { startTrace } from "./trace.ts";

export interface LabelsOptions {
  readonly database: Pick<ServedDatabase, "series" | "labelNames" | "labelValues">;
  readonly maxDurationMs: number;
  readonly maxSeries: number;
  readonly maxLabelNames: number;
  readonly maxLabelValues: number;
  readonly isTracingDenied: boolean;
}

const DEFAULT_RANGE_MS = 300_000;
const DAY_MS = 86_400_000;

export function createLabelsHandlers(options: LabelsOptions): {
  series: Handler;
  labels: Handler;
  labelValues: Handler;
} {
  const { database } = options;
  const limited = (
    context: RequestContext,
    work: (signal: AbortSignal, trace: QueryTrace | null) => Promise<void>,
  ): Promise<void> => {
    const trace = startTrace(context, options.isTracingDenied);
    return withDeadline(context, options.maxDurationMs, "search.maxLabelsAPIDuration", (signal) => work(signal, trace));
  };
  return {
    series: (context) =>
      limited(context, async (signal, trace) => {
        const { items, isPartial } = await database.series({
          ...getRequest(context, true, options.maxSeries, signal),
          trace,
        });
        await sendLabelSets(context, items as readonly Labels[], isPartial, trace);
      }),
    labels: (context) =>
      limited(context, async (signal, trace) => {
        const { items, isPartial } = await database.labelNames({
          ...getRequest(context, false, options.maxLabelNames, signal),
          trace,
        });
        await sendStrings(context, items, isPartial, trace);
      }),
    labelValues: (context) =>
      limited(context, async (signal, trace) => {
        const label = unescapeLabelName(context.rest);
        const request = getRequest(context, false, options.maxLabelValues, signal);
        const { items, isPartial } = await database.labelValues(label, { ...request, trace });
        await sendStrings(context, items, isPartial, trace);
      }),
  };
}

/**
 * `limit` can only lower the flag's. Without `start` the range begins with the UTC day of `end`: VictoriaMetrics asks
 * for the last five minutes, but its index answers by the day.
 */
function getRequest(
  context: RequestContext,
  isMatchRequired: boolean,
  max: number,
  signal: AbortSignal,
): Omit<LabelsQuery, "trace"> {
  const { args, startMs: nowMs } = context;
  const endMs = getTime(args, "end", nowMs, nowMs);
  const startMs = getTime(args, "start", 0, nowMs);
  const limit = args.getInteger("limit");
  // A default end is rounded down to seconds, which must not hide the newest sample.
  const maxMs = args.get("end") === "" ? nowMs : Math.max(endMs, startMs);
  const minMs = startMs === 0 ? startOfDay(Math.max(maxMs - DEFAULT_RANGE_MS, 0)) : startMs;
  context.active?.tell({ startMs: minMs, endMs: maxMs, stepMs: 0 });
  return {
    tenant: context.tenant,
    groups: getMatchGroups(args, isMatchRequired),
    minMs,
    maxMs,
    limit: limit > 0 ? Math.min(limit, max) : max,
    signal,
  };
}

function startOfDay(timestampMs: number): number {
  return timestampMs - (timestampMs % DAY_MS);
}

/**
 * Label names that are not [a-zA-Z0-9_:]+ come escaped in paths: `U__` in front, `_2e_` for a character by its code in
 * hexadecimal, `__` for an underscore (Prometheus' proposal 28). What does not follow the rule is taken as it is.
 */
export function unescapeLabelName(name: string): string {
  if (!name.startsWith("U__")) return name;
  let text = "";
  let rest = name.slice(3);
  while (rest !== "") {
    const match = /^(?:([^_]+)|__|_([0-9a-fA-F]{1,6})_)/.exec(rest);
    if (match === null) return name;
    if (match[1] !== undefined) text += match[1];
    else if (match[2] === undefined) text += "_";
    else {
      const code = Number.parseInt(match[2], 16);
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return name;
      text += String.fromCodePoint(code);
    }
    rest = rest.slice(match[0].length);
  }
  return text;
}
