/** A line a sample: texts around a value and a time, printed many at a time by the kernel where the texts are no novel. */
import { LINE_TEXT_BYTES_MAX, type LineShape, linesPerPrint, printLines } from "@nyanza/tsdb";
import { PIECE_BYTES } from "../http/pieces.ts";
import type { AnswerSink } from "../http/response.ts";
import type { JsonWriter } from "./json-writer.ts";

/** Of a value and a time, mostly. */
const NUMBER_BYTES = 24;

/** Writes samples `[lo, hi)` as lines, sent as they grow. */
export async function writeLines(
  output: JsonWriter,
  answer: AnswerSink,
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  shape: LineShape,
): Promise<void> {
  const textBytes = shape.texts.reduce((sum, text) => sum + text.length, 0);
  const isShort = textBytes <= LINE_TEXT_BYTES_MAX;
  // About a piece at a time: more would outgrow the memory that goes round (http/pieces.ts).
  const perPiece = Math.max(1, Math.floor(PIECE_BYTES / (textBytes + NUMBER_BYTES)));
  const step = isShort ? Math.min(perPiece, linesPerPrint(shape)) : perPiece;
  for (let from = lo; from < hi; from += step) {
    const to = Math.min(from + step, hi);
    if (isShort) output.bytes(printLines(timestamps, values, from, to, shape));
    else writeLongLines(output, timestamps, values, from, to, shape);
    if (output.length >= PIECE_BYTES) await answer.write(output.take());
  }
}

function writeLongLines(
  output: JsonWriter,
  timestamps: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  { isTimeFirst, texts, unit }: LineShape,
): void {
  for (let i = lo; i < hi; i++) {
    output.bytes(texts[0]);
    if (isTimeFirst) writeTime(output, timestamps[i] as number, unit);
    else output.float(values[i] as number);
    output.bytes(texts[1]);
    if (isTimeFirst) output.float(values[i] as number);
    else writeTime(output, timestamps[i] as number, unit);
    output.bytes(texts[2]);
  }
}

/** A time in whole milliseconds; whole seconds are cut towards zero. */
export function writeTime(output: JsonWriter, timestampMs: number, unit: LineShape["unit"]): void {
  output.float(unit === "s" ? Math.trunc(timestampMs / 1000) + 0 : timestampMs);
  if (unit === "ns" && timestampMs !== 0) output.raw("000000");
}
