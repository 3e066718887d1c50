/** /api/v1/status/tsdb and /api/v1/series/count: how many series there are and where they come from. */
import { InputError } from "@nyanza/tsdb";
import type { RequestArguments } from "../http/arguments.ts";
import { quote } from "../http/arguments.ts";
import type { Handlers } from "../http/context.ts";
import { jsonString } from "../http/json-string.ts";
import { sendBody } from "../http/response.ts";
import type { Cardinality, ServedDatabase } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { getMatchGroups } from "./selectors.ts";
import { askTrace, startTrace } from "./trace.ts";

export interface CardinalityOptions {
  readonly database: Pick<ServedDatabase, "cardinality" | "seriesCount">;
  readonly maxDurationMs: number;
  readonly isTracingDenied: boolean;
}

const DAY_MS = 86_400_000;
const TOP_N = 10;
const TOP_N_MAX = 1_000;
/** Beyond all samples; a date is a day between. */
const END_OF_TIME_MS = 8.64e15;

export function createCardinalityHandlers(options: CardinalityOptions): Pick<Handlers, "tsdbStatus" | "seriesCount"> {
  const { database, maxDurationMs } = options;
  return {
    tsdbStatus: (context) =>
      withDeadline(context, maxDurationMs, "search.maxStatusRequestDuration", async (signal) => {
        const { args, request, response, startMs, tenant } = context;
        const trace = startTrace(askTrace(context, options.isTracingDenied));
        const { items, isPartial } = await database.cardinality({
          tenant,
          groups: getMatchGroups(args, false),
          ...getDay(args, startMs),
          focusLabel: args.get("focusLabel"),
          topN: Math.min(Math.max(args.getInteger("topN", TOP_N), 1), TOP_N_MAX),
          signal,
          trace,
        });
        const traced = trace === null ? "" : `,"trace":${JSON.stringify(trace).replaceAll("<", "\\u003c")}`;
        const data = printCardinality(items[0] as Cardinality);
        const body = `{"status":"success","isPartial":${isPartial},"data":${data}${traced}}`;
        sendBody(request, response, { contentType: "application/json" }, body);
      }),
    seriesCount: (context) =>
      withDeadline(context, maxDurationMs, "search.maxStatusRequestDuration", async (signal) => {
        const { request, response, tenant } = context;
        const all = { groups: [], minMs: 0, maxMs: END_OF_TIME_MS, trace: null };
        const { items, isPartial } = await database.seriesCount({ tenant, ...all, limit: 0, signal });
        const body = `{"status":"success","isPartial":${isPartial},"data":[${items[0]}]}`;
        sendBody(request, response, { contentType: "application/json" }, body);
      }),
  };
}

/** The UTC day of `date`, today without it; `0` stands for all time. */
function getDay(args: RequestArguments, nowMs: number): { minMs: number; maxMs: number } {
  const text = args.get("date");
  if (text === "0") return { minMs: 0, maxMs: END_OF_TIME_MS };
  const startMs = text === "" ? nowMs - (nowMs % DAY_MS) : parseDate(text);
  return { minMs: startMs, maxMs: startMs + DAY_MS - 1 };
}

function parseDate(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // Date.parse makes the 2nd of March of the 30th of February.
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new InputError(`cannot parse \`date\` arg ${quote(text)}: want a day such as 2006-01-02, or 0 for all time`);
  }
  return ms;
}

function printCardinality(found: Cardinality): string {
  const list = (entries: Cardinality["seriesCountByMetricName"]): string =>
    `[${entries.map(({ name, count }) => `{"name":${jsonString(name)},"value":${count}}`).join(",")}]`;
  return [
    `{"totalSeries":${found.totalSeries}`,
    `"totalLabelValuePairs":${found.totalLabelValuePairs}`,
    `"seriesCountByMetricName":${list(found.seriesCountByMetricName)}`,
    `"seriesCountByLabelName":${list(found.seriesCountByLabelName)}`,
    `"seriesCountByFocusLabelValue":${list(found.seriesCountByFocusLabelValue)}`,
    `"seriesCountByLabelValuePair":${list(found.seriesCountByLabelValuePair)}`,
    `"labelValueCountByLabelName":${list(found.labelValueCountByLabelName)}}`,
  ].join(",");
}
