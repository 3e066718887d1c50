/**
 * /federate: the last sample of each series, with its time, as a scraper reads it.
 *
 *   up{instance="a:9100",job="node"} 1 1700000000000
 *
 * A series whose last sample in the range is a staleness marker, or NaN, is over and left out, as VictoriaMetrics has it.
 */
import type { Labels } from "@nyanza/tsdb";
import type { Handler, RequestContext } from "../http/context.ts";
import { PIECE_BYTES } from "../http/pieces.ts";
import { StreamedAnswer } from "../http/response.ts";
import { withDeadline } from "./deadline.ts";
import {
  askExport,
  type ExportedRange,
  type ExportOptions,
  type ExportRange,
  getExportRange,
} from "./export-request.ts";
import { JsonWriter } from "./json-writer.ts";
import { formatSeriesName, type NameEscaping, negotiateEscaping } from "./series-text.ts";
import type { Desk, ReadableDatabase } from "./task-runner.ts";
import { getDuration } from "./time-arguments.ts";

export interface FederateOptions extends ExportOptions {
  /** How old a last sample may be unless the request says; 0 for the usual five minutes. */
  readonly maxLookbackMs: number;
  /** -search.setLookbackToStep: the argument `step` takes the place of `max_lookback`. */
  readonly isLookbackStep: boolean;
}

export interface FederationTask {
  readonly kind: "federation";
  readonly escaping: NameEscaping;
  readonly request: ExportedRange;
}

const USUAL_LOOKBACK_MS = 300_000;
/** An end this close to the present is one that nobody gave. */
const PRESENT_MS = 1000;

export function createFederateHandler(options: FederateOptions): Handler {
  return (context) =>
    withDeadline(context, options.maxDurationMs, "search.maxQueryDuration", (signal) =>
      answerFederation(context, options, signal),
    );
}

async function answerFederation(context: RequestContext, options: FederateOptions, signal: AbortSignal): Promise<void> {
  const request = askExport(context, options, getRange(context, options), "search.maxFederateSeries");
  const escaping = getEscaping(context);
  const answer = new StreamedAnswer(context, { contentType: CONTENT_TYPES[escaping] });
  await options.runner.run({ kind: "federation", escaping, request }, { answer, signal });
}

export async function runFederation(
  { escaping, request }: FederationTask,
  database: ReadableDatabase,
  { answer, signal }: Desk,
): Promise<void> {
  const cursor = await database.export({ ...request, signal });
  const output = new JsonWriter();
  try {
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      for (let i = 0; i < batch.series.length; i++) {
        const last = (batch.ends[i] as number) - 1;
        const value = batch.values[last] as number;
        if (value !== value) continue;
        output.text(formatSeriesName(batch.series[i] as Labels, escaping));
        output.raw(" ");
        output.float(value);
        output.raw(" ");
        output.float(batch.timestamps[last] as number);
        output.raw("\n");
        if (output.length >= PIECE_BYTES) await answer.write(output.take());
      }
    }
  } finally {
    cursor.close();
  }
  await answer.end(output.finish());
}

/** Without `start`, and with `end` at the present, the lookback says how far the range goes back. */
function getRange(context: RequestContext, { maxLookbackMs, isLookbackStep }: FederateOptions): ExportRange {
  const { args, startMs: nowMs } = context;
  const askedMs = getDuration(args, "max_lookback", maxLookbackMs);
  const lookbackMs = (isLookbackStep ? getDuration(args, "step", askedMs) : askedMs) || USUAL_LOOKBACK_MS;
  const range = getExportRange(context);
  const isUsual = range.minMs === 0 && nowMs - range.maxMs < PRESENT_MS;
  return isUsual ? { minMs: Math.max(0, range.maxMs - lookbackMs), maxMs: range.maxMs } : range;
}

const CONTENT_TYPES: Readonly<Record<NameEscaping, string>> = {
  none: "text/plain; charset=utf-8",
  underscores: "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
  "allow-utf-8": "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
};

/** Prometheus before 3.0 says nothing of names and refuses a whole scrape for one that it cannot read. */
function getEscaping({ request }: RequestContext): NameEscaping {
  const escaping = negotiateEscaping(request.headers.accept);
  const isPrometheus = (request.headers["user-agent"] ?? "").startsWith("Prometheus");
  return escaping === "none" && isPrometheus ? "underscores" : escaping;
}
