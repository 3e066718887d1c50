/** Query results → the JSON VictoriaMetrics answers with, piece by piece. */
import { type EvaluationStats, type Labels, POINTS_MAX, printPoints, type QueryTrace } from "@nyanza/tsdb";
import { PIECE_BYTES } from "../http/pieces.ts";
import type { AnswerSink } from "../http/response.ts";
import type { Listed } from "./database.ts";
import { JsonWriter } from "./json-writer.ts";
import { LabelSetWriter } from "./label-set-writer.ts";
import { endWriting, writeTrace } from "./trace.ts";

/** The parts of a query's result that are printed. */
export interface PrintableResult {
  readonly kind: "vector" | "matrix" | "scalar" | "string";
  readonly series: readonly {
    readonly labels: Labels;
    readonly timestamps: Float64Array;
    readonly values: Float64Array;
  }[];
  readonly stats: {
    readonly seriesFetched: number;
    readonly samplesRead?: number;
    readonly memoryBytes?: number;
    readonly evaluation?: EvaluationStats;
  };
  readonly isPartial: boolean;
  /** Of kind `string`. */
  readonly text?: string;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** What everything here is. */
export const JSON_TYPE: string = "application/json";

/** Warnings printed in full, and infos as many, as in Prometheus: a query over a thousand metrics may have a thousand of them. */
const ANNOTATIONS_MAX = 10;

/** Strings of a list that are printed together: most lists are of names. */
const STRINGS_AT_ONCE = 512;
const LABEL_SETS_AT_ONCE = 16;

/** What an answer says beside its result. */
export interface ResultFacts {
  readonly elapsedMs: number;
  /** Of an instant query, for results of kind `string`. */
  readonly timeMs?: number;
  /** The query, for the trace. */
  readonly text: string;
  /** Ended here, when all else has been written. */
  readonly trace: QueryTrace | null;
  /** Prometheus' `stats`, a member of the data, as JSON; "" or absent for none. */
  readonly dataStats?: string;
}

/**
 * `{"status":"success","isPartial":…,"data":{"resultType":…,"result":[…]},"stats":{…},"warnings":[…],"infos":[…],"trace":{…}}`, the last three
 * only if there are any.
 */
export async function sendResult(
  answer: AnswerSink,
  result: PrintableResult,
  { dataStats = "", elapsedMs, text, timeMs = 0, trace }: ResultFacts,
): Promise<void> {
  const step = trace?.begin("generate the response");
  const json = new JsonWriter();
  json.raw(`{"status":"success","isPartial":${result.isPartial},"data":{"resultType":"${result.kind}","result":`);
  if (result.kind === "string") {
    json.raw("[");
    json.seconds(timeMs);
    json.comma();
    json.string(result.text ?? "");
    json.raw("]");
  } else if (result.kind === "scalar") {
    const [series] = result.series;
    writePoint(json, series?.timestamps[0] ?? timeMs, series?.values[0] ?? Number.NaN);
  } else {
    await writeSeries(json, answer, result);
  }
  if (dataStats !== "") json.raw(`,"stats":${dataStats}`);
  json.raw(
    `},"stats":{"seriesFetched": "${result.stats.seriesFetched}","executionTimeMsec": ${Math.round(elapsedMs)}}`,
  );
  writeAnnotations(json, "warning", result.warnings);
  writeAnnotations(json, "info", result.infos);
  endWriting(step, answer, extentOf(result));
  trace?.end(`query=${text}: series=${result.series.length}`);
  writeTrace(json, trace);
  json.raw("}");
  await answer.end(json.finish());
}

function extentOf({ series }: PrintableResult): string {
  let points = 0;
  for (const { values } of series) points += values.length;
  return `series=${series.length}, points=${points}`;
}

async function writeSeries(json: JsonWriter, answer: AnswerSink, result: PrintableResult): Promise<void> {
  json.raw("[");
  const labels = new LabelSetWriter(json);
  let isFirst = true;
  for (const series of result.series) {
    if (!isFirst) json.comma();
    isFirst = false;
    json.raw('{"metric":');
    labels.write(series.labels);
    if (result.kind === "vector") {
      json.raw(',"value":');
      writePoint(json, series.timestamps[0] as number, series.values[0] as number);
    } else {
      json.raw(',"values":');
      await writePoints(json, answer, series.timestamps, series.values, 0, series.values.length);
    }
    json.raw("}");
    if (json.length >= PIECE_BYTES) await answer.write(json.take());
  }
  json.raw("]");
}

function writeAnnotations(json: JsonWriter, kind: "warning" | "info", texts: readonly string[] = []): void {
  if (texts.length === 0) return;
  const shown = texts.slice(0, ANNOTATIONS_MAX);
  const omitted = texts.length - shown.length;
  if (omitted > 0) shown.push(`${omitted} more ${kind} annotations omitted`);
  json.raw(`,"${kind}s":[`);
  for (let i = 0; i < shown.length; i++) {
    if (i > 0) json.comma();
    json.string(shown[i] as string);
  }
  json.raw("]");
}

/** `{"status":"success","isPartial":…,"data":[…]}` of strings. */
export async function sendStrings(
  answer: AnswerSink,
  listed: Listed<string>,
  trace: QueryTrace | null = null,
): Promise<void> {
  const { isPartial, texts } = listed;
  const write = (json: JsonWriter, lo: number, hi: number): void => {
    // Strings of texts are made when the first of them needs an escape.
    if (texts === undefined || !json.plainTexts(texts, lo, hi)) json.strings(listed.items, lo, hi);
  };
  await sendList(answer, texts?.count ?? listed.items.length, isPartial, trace, write, STRINGS_AT_ONCE);
}

/** `{"status":"success","isPartial":…,"data":[…]}` of label sets. */
export async function sendLabelSets(
  answer: AnswerSink,
  items: readonly Labels[],
  isPartial: boolean,
  trace: QueryTrace | null = null,
): Promise<void> {
  let writer: LabelSetWriter | null = null;
  const write = (json: JsonWriter, lo: number, hi: number): void => {
    writer ??= new LabelSetWriter(json);
    for (let i = lo; i < hi; i++) {
      if (i > lo) json.comma();
      writer.write(items[i] as Labels);
    }
  };
  await sendList(answer, items.length, isPartial, trace, write, LABEL_SETS_AT_ONCE);
}

/** `write` prints items `[lo, hi)`, so many at once, with commas between. */
async function sendList(
  answer: AnswerSink,
  count: number,
  isPartial: boolean,
  trace: QueryTrace | null,
  write: (json: JsonWriter, lo: number, hi: number) => void,
  atOnce: number,
): Promise<void> {
  const step = trace?.begin("generate the response");
  const json = new JsonWriter();
  json.raw(`{"status":"success","isPartial":${isPartial},"data":[`);
  for (let lo = 0; lo < count; lo += atOnce) {
    if (lo > 0) json.comma();
    write(json, lo, Math.min(count, lo + atOnce));
    if (json.length >= PIECE_BYTES) await answer.write(json.take());
  }
  json.raw("]");
  endWriting(step, answer, `items=${count}`);
  trace?.end();
  writeTrace(json, trace);
  json.raw("}");
  await answer.end(json.finish());
}

/** `{"__name__":"up","job":"node"}` */
export function writeLabels(json: JsonWriter, labels: Labels): void {
  json.raw("{");
  if (labels.name !== "") {
    json.raw('"__name__":');
    json.string(labels.name);
    if (labels.pairs.length > 0) json.comma();
  }
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) {
    if (i > 0) json.comma();
    json.string(pairs[i] as string);
    json.raw(":");
    json.string(pairs[i + 1] as string);
  }
  json.raw("}");
}

/** `[[1700000000,"1"],[1700000015,"2"]]`, sent as it grows. */
export async function writePoints(
  json: JsonWriter,
  answer: AnswerSink,
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
): Promise<void> {
  json.raw("[");
  for (let from = lo; from < hi; from += POINTS_MAX) {
    if (from > lo) json.comma();
    json.bytes(printPoints(timestamps, values, from, Math.min(from + POINTS_MAX, hi)));
    if (json.length >= PIECE_BYTES) await answer.write(json.take());
  }
  json.raw("]");
}

/** `[1700000000.123,"1.5"]` */
function writePoint(json: JsonWriter, timestampMs: number, value: number): void {
  json.raw("[");
  json.seconds(timestampMs);
  json.raw(',"');
  json.float(value);
  json.raw('"]');
}
