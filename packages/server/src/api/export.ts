/**
 * /api/v1/export: raw samples, series by series as the database hands them over, at the pace of the reader.
 *
 *   default              {"metric":{…},"values":[…],"timestamps":[…]}     a line a series, or max_rows_per_line samples
 *   format=prometheus    name{label="value"} 1.5 1700000000000            a line a sample
 *   format=promapi       the matrix of /api/v1/query_range
 */
import { InputError, type Labels, type LineShape, POINTS_MAX, printTimestamps, printValues } from "@nyanza/tsdb";
import { quote } from "../http/arguments.ts";
import type { Handler, RequestContext } from "../http/context.ts";
import { PIECE_BYTES } from "../http/pieces.ts";
import { type AnswerSink, StreamedAnswer } from "../http/response.ts";
import { writeLabels, writePoints } from "./answer.ts";
import { withDeadline } from "./deadline.ts";
import { askExport, type ExportedRange, type ExportOptions } from "./export-request.ts";
import { JsonWriter } from "./json-writer.ts";
import { writeLines } from "./line-writer.ts";
import { formatSeriesName } from "./series-text.ts";
import type { Desk, ReadableDatabase } from "./task-runner.ts";
import { askTrace, endWriting, startTrace, type TraceStart, writeTrace } from "./trace.ts";

export interface LineExportOptions extends ExportOptions {
  readonly isTracingDenied: boolean;
}

type FormatName = "lines" | "prometheus" | "promapi";

interface Format {
  readonly contentType: string;
  readonly head: string;
  readonly foot: string;
  /** The answer is one object, which has room for a trace before its end. */
  readonly isObject: boolean;
  /** Between two series. */
  readonly separator: string;
  write(
    output: Output,
    labels: Labels,
    timestamps: Float64Array,
    values: Float64Array,
    lo: number,
    hi: number,
  ): Promise<void>;
}

interface Output {
  readonly json: JsonWriter;
  readonly answer: AnswerSink;
}

export interface ExportTask {
  readonly kind: "export";
  readonly format: FormatName;
  readonly maxRowsPerLine: number;
  readonly request: ExportedRange;
  /** The selectors as they came, for the trace. */
  readonly selectors: string;
  readonly trace: TraceStart | null;
}

export function createExportHandler(options: LineExportOptions): Handler {
  return (context) =>
    withDeadline(context, options.maxDurationMs, "search.maxExportDuration", (signal) =>
      answerExport(context, options, signal),
    );
}

async function answerExport(context: RequestContext, options: LineExportOptions, signal: AbortSignal): Promise<void> {
  const { args } = context;
  const format = getFormat(args.get("format"));
  const task: ExportTask = {
    kind: "export",
    format,
    maxRowsPerLine: args.getInteger("max_rows_per_line"),
    trace: FORMATS[format].isObject ? askTrace(context, options.isTracingDenied) : null,
    request: askExport(context, options),
    selectors: args.getAll("match[]").join(" or "),
  };
  const answer = new StreamedAnswer(context, { contentType: FORMATS[format].contentType });
  await options.runner.run(task, { answer, signal });
}

export async function runExport(task: ExportTask, database: ReadableDatabase, { answer, signal }: Desk): Promise<void> {
  const format = FORMATS[task.format];
  const { maxRowsPerLine } = task;
  const trace = startTrace(task.trace);
  const search = trace?.begin(`search series to export: ${task.selectors}`);
  const cursor = await database.export({ ...task.request, signal });
  search?.end(`series=${cursor.seriesCount}`);
  const step = trace?.begin("read and send samples");
  const json = new JsonWriter();
  const output = { json, answer };
  let isFirst = true;
  let series = 0;
  let samples = 0;
  try {
    json.raw(format.head);
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      let lo = 0;
      series += batch.series.length;
      samples += batch.ends[batch.series.length - 1] ?? 0;
      for (let i = 0; i < batch.series.length; i++) {
        const end = batch.ends[i] as number;
        const lineRows = maxRowsPerLine > 0 ? maxRowsPerLine : end - lo;
        for (; lo < end; lo += lineRows) {
          const hi = Math.min(lo + lineRows, end);
          if (!isFirst) json.raw(format.separator);
          isFirst = false;
          await format.write(output, batch.series[i] as Labels, batch.timestamps, batch.values, lo, hi);
        }
        lo = end;
        if (json.length >= PIECE_BYTES) await answer.write(json.take());
      }
    }
  } finally {
    cursor.close();
  }
  json.raw(format.foot);
  if (format.isObject) {
    endWriting(step, answer, `series=${series}, samples=${samples}`);
    trace?.end();
    writeTrace(json, trace);
    json.raw("}");
  }
  await answer.end(json.finish());
}

function getFormat(name: string): FormatName {
  if (name === "") return "lines";
  if (name === "prometheus" || name === "promapi") return name;
  throw new InputError(`argument format: want prometheus, promapi or none, got ${quote(name)}`);
}

/** JSON has no NaN and no infinities: `null`, which importing reads as NaN, and strings. */
const JSON_LINES: Format = {
  contentType: "application/stream+json; charset=utf-8",
  head: "",
  foot: "",
  isObject: false,
  separator: "",
  async write({ json, answer }, labels, timestamps, values, lo, hi) {
    json.raw('{"metric":');
    writeLabels(json, labels);
    json.raw(',"values":[');
    for (let from = lo; from < hi; from += POINTS_MAX) {
      if (from > lo) json.comma();
      json.bytes(printValues(values, from, Math.min(from + POINTS_MAX, hi)));
      if (json.length >= PIECE_BYTES) await answer.write(json.take());
    }
    json.raw('],"timestamps":[');
    for (let from = lo; from < hi; from += POINTS_MAX) {
      if (from > lo) json.comma();
      json.bytes(printTimestamps(timestamps, from, Math.min(from + POINTS_MAX, hi)));
      if (json.length >= PIECE_BYTES) await answer.write(json.take());
    }
    json.raw("]}\n");
  },
};

const SPACE = Buffer.from(" ");
const NEWLINE = Buffer.from("\n");

const PROMETHEUS_TEXT: Format = {
  contentType: "text/plain; charset=utf-8",
  head: "",
  foot: "",
  isObject: false,
  separator: "",
  async write({ json, answer }, labels, timestamps, values, lo, hi) {
    const name = Buffer.from(`${formatSeriesName(labels)} `);
    const shape: LineShape = { texts: [name, SPACE, NEWLINE], isTimeFirst: false, unit: "ms" };
    await writeLines(json, answer, timestamps, values, lo, hi, shape);
  },
};

const PROMETHEUS_API: Format = {
  contentType: "application/json",
  head: '{"status":"success","data":{"resultType":"matrix","result":[',
  foot: "]}",
  isObject: true,
  separator: ",",
  async write({ json, answer }, labels, timestamps, values, lo, hi) {
    json.raw('{"metric":');
    writeLabels(json, labels);
    json.raw(',"values":');
    await writePoints(json, answer, timestamps, values, lo, hi);
    json.raw("}");
  },
};

const FORMATS: Readonly<Record<FormatName, Format>> = {
  lines: JSON_LINES,
  prometheus: PROMETHEUS_TEXT,
  promapi: PROMETHEUS_API,
};
