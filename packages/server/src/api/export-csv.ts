/**
 * /api/v1/export/csv: a line a sample, fields as `format=` lists them, names of the fields in the first line.
 *
 *   format=__name__,job,__timestamp__:rfc3339,__value__
 *   up,node,2024-05-06T07:08:09Z,1
 *
 * A field with a comma, a quote or a line's end is quoted, quotes in it are doubled (RFC 4180).
 */
import { isAscii } from "node:buffer";
import { InputError, type Labels, type LineShape } from "@nyanza/tsdb";
import { quote } from "../http/arguments.ts";
import type { Handler, RequestContext } from "../http/context.ts";
import { PIECE_BYTES } from "../http/pieces.ts";
import { type AnswerSink, StreamedAnswer } from "../http/response.ts";
import type { ExportedSeries } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { askExport, type ExportedRange, type ExportOptions } from "./export-request.ts";
import { compileGoLayout } from "./go-layout.ts";
import { JsonWriter } from "./json-writer.ts";
import { writeLines, writeTime } from "./line-writer.ts";
import type { Desk, ReadableDatabase } from "./task-runner.ts";

type Field =
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "value" }
  | { readonly kind: "time"; readonly unit: LineShape["unit"] }
  | { readonly kind: "layout"; readonly format: (timeMs: number) => string; readonly isPlain: boolean };

export interface CsvTask {
  readonly kind: "csv";
  /** The argument; it has been looked at. */
  readonly format: string;
  readonly request: ExportedRange;
}

const RFC3339 = "2006-01-02T15:04:05.999Z07:00";
const FIELDS_MAX = 1000;

export function createCsvExportHandler(options: ExportOptions): Handler {
  return (context) =>
    withDeadline(context, options.maxDurationMs, "search.maxExportDuration", (signal) =>
      answerExport(context, options, signal),
    );
}

async function answerExport(context: RequestContext, options: ExportOptions, signal: AbortSignal): Promise<void> {
  const format = context.args.get("format");
  if (format === "") {
    throw new InputError("missing `format` arg: want fields such as __name__,job,__timestamp__:unix_s,__value__");
  }
  const names = format.split(",");
  if (names.length > FIELDS_MAX) throw new InputError(`argument format: want at most ${FIELDS_MAX} fields`);
  for (const name of names) parseField(name);
  const answer = new StreamedAnswer(context, { contentType: "text/csv; charset=utf-8" });
  await options.runner.run({ kind: "csv", format, request: askExport(context, options) }, { answer, signal });
}

export async function runCsv(
  { format, request }: CsvTask,
  database: ReadableDatabase,
  { answer, signal }: Desk,
): Promise<void> {
  const names = format.split(",");
  const fields = names.map(parseField);
  const cursor = await database.export({ ...request, signal });
  const output = new JsonWriter();
  try {
    output.text(`${names.map(quoteField).join()}\n`);
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      let lo = 0;
      for (let i = 0; i < batch.series.length; i++) {
        const hi = batch.ends[i] as number;
        const pieces = piecesOf(fields, batch.series[i] as Labels);
        const shape = shapeOf(pieces);
        if (shape === null) await writeRows(output, answer, batch, lo, hi, pieces);
        else await writeLines(output, answer, batch.timestamps, batch.values, lo, hi, shape);
        lo = hi;
      }
      if (output.length >= PIECE_BYTES) await answer.write(output.take());
    }
  } finally {
    cursor.close();
  }
  await answer.end(output.finish());
}

/** @throws InputError for a form of time that does not exist */
function parseField(name: string): Field {
  if (name === "__value__") return { kind: "value" };
  if (name === "__timestamp__") return { kind: "time", unit: "ms" };
  if (!name.startsWith("__timestamp__:")) return { kind: "label", name };
  const form = name.slice("__timestamp__:".length);
  switch (form) {
    case "unix_s":
      return { kind: "time", unit: "s" };
    case "unix_ms":
      return { kind: "time", unit: "ms" };
    case "unix_ns":
      return { kind: "time", unit: "ns" };
    case "rfc3339":
      return parseLayout(RFC3339);
  }
  if (form.startsWith("custom:")) return parseLayout(form.slice("custom:".length));
  throw new InputError(
    `argument format: want __timestamp__:unix_s, unix_ms, unix_ns, rfc3339 or custom:<Go's layout>, got ${quote(name)}`,
  );
}

/** Only what the layout has of its own can need quotes, or more than ASCII. */
function parseLayout(layout: string): Field {
  const isPlain = quoteField(layout) === layout && isAscii(Buffer.from(layout));
  return { kind: "layout", format: compileGoLayout(layout), isPlain };
}

/** What stays and what changes in the lines of a series. */
type Piece = Buffer | Exclude<Field, { kind: "label" }>;

/** Text that is the same in all lines, commas and line's end included, is one piece. */
function piecesOf(fields: readonly Field[], labels: Labels): Piece[] {
  const pieces: Piece[] = [];
  let text = "";
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    if (i > 0) text += ",";
    if (field.kind === "label") text += quoteField(labels.get(field.name));
    else {
      pieces.push(Buffer.from(text), field);
      text = "";
    }
  }
  pieces.push(Buffer.from(`${text}\n`));
  return pieces;
}

/** Lines of one value and one time as a number, the usual ones, are what the kernel prints. */
function shapeOf(pieces: readonly Piece[]): LineShape | null {
  const [text0, first, text1, second, text2] = pieces;
  if (pieces.length !== 5 || !(first !== undefined && "kind" in first && second !== undefined && "kind" in second)) {
    return null;
  }
  const time = first.kind === "time" ? first : second.kind === "time" ? second : null;
  if (time === null || !(first.kind === "value" || second.kind === "value")) return null;
  const texts: LineShape["texts"] = [text0 as Buffer, text1 as Buffer, text2 as Buffer];
  return { texts, isTimeFirst: time === first, unit: time.unit };
}

async function writeRows(
  output: JsonWriter,
  answer: AnswerSink,
  { timestamps, values }: ExportedSeries,
  lo: number,
  hi: number,
  pieces: readonly Piece[],
): Promise<void> {
  for (let i = lo; i < hi; i++) {
    const timestampMs = timestamps[i] as number;
    for (const piece of pieces) {
      if (!("kind" in piece)) output.bytes(piece);
      else if (piece.kind === "value") output.float(values[i] as number);
      else if (piece.kind === "time") writeTime(output, timestampMs, piece.unit);
      else if (piece.isPlain) output.raw(piece.format(timestampMs));
      else output.text(quoteField(piece.format(timestampMs)));
    }
    if (output.length >= PIECE_BYTES) await answer.write(output.take());
  }
}

function quoteField(text: string): string {
  // Some readers take single quotes, too.
  return /[",\r\n]|^'/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
