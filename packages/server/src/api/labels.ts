/** /api/v1/series, /api/v1/labels and /api/v1/label/<name>/values. */
import type { Labels } from "@nyanza/tsdb";
import type { Handler, RequestContext } from "../http/context.ts";
import { StreamedAnswer } from "../http/response.ts";
import { JSON_TYPE, sendLabelSets, sendStrings } from "./answer.ts";
import type { LabelsQuery } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { getMatchGroups } from "./selectors.ts";
import type { Desk, ReadableDatabase, TaskRunner } from "./task-runner.ts";
import { getTime } from "./time-arguments.ts";
import { askTrace, startTrace, type TraceStart } from "./trace.ts";

export interface LabelsOptions {
  readonly runner: TaskRunner;
  readonly maxDurationMs: number;
  readonly maxSeries: number;
  readonly maxLabelNames: number;
  readonly maxLabelValues: number;
  readonly isTracingDenied: boolean;
}

export interface LabelsTask {
  readonly kind: "labels";
  readonly what: "series" | "names" | "values";
  /** Whose values. */
  readonly label: string;
  request: Omit<LabelsQuery, "signal" | "trace">;
  readonly trace: TraceStart | null;
}

const DEFAULT_RANGE_MS = 300_000;
const DAY_MS = 86_400_000;

export function createLabelsHandlers(options: LabelsOptions): {
  series: Handler;
  labels: Handler;
  labelValues: Handler;
} {
  const handle =
    (what: LabelsTask["what"], max: number, labelOf: (context: RequestContext) => string = () => ""): Handler =>
    (context) => {
      const trace = askTrace(context, options.isTracingDenied);
      return withDeadline(context, options.maxDurationMs, "search.maxLabelsAPIDuration", async (signal) => {
        const label = labelOf(context);
        const request = getRequest(context, what === "series", max);
        const answer = new StreamedAnswer(context, { contentType: JSON_TYPE });
        await options.runner.run({ kind: "labels", what, label, request, trace }, { answer, signal });
      });
    };
  return {
    series: handle("series", options.maxSeries),
    labels: handle("names", options.maxLabelNames),
    labelValues: handle("values", options.maxLabelValues, ({ rest }) => unescapeLabelName(rest)),
  };
}

export async function runLabels(task: LabelsTask, database: ReadableDatabase, { answer, signal }: Desk): Promise<void> {
  const trace = startTrace(task.trace);
  const request = { ...task.request, signal, trace };
  if (task.what === "series") {
    const { items, isPartial } = await database.series(request);
    await sendLabelSets(answer, items as readonly Labels[], isPartial, trace);
    return;
  }
  const listed = await (task.what === "names"
    ? database.labelNames(request)
    : database.labelValues(task.label, request));
  await sendStrings(answer, listed, trace);
}

/**
 * `limit` can only lower the flag's. Without `start` the range begins with the UTC day of `end`: VictoriaMetrics asks
 * for the last five minutes, but its index answers by the day.
 */
function getRequest(context: RequestContext, isMatchRequired: boolean, max: number): LabelsTask["request"] {
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
