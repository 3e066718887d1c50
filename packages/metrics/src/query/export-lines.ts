/**
 * JSON lines, the format of /api/v1/export and /api/v1/import: a series a line, its samples as two columns.
 *
 *     {"metric":{"__name__":"up","job":"node"},"values":[1,null,"Infinity"],"timestamps":[1700000000000,…,…]}
 *
 * JSON has no NaN and no infinities: they are `null` and strings. VictoriaMetrics up to 1.79 wrote `+Inf` all the same.
 */
import { JsonWalkError } from "./json-walk.ts";
import { type LabelSet, readLabels, wanted } from "./query-answer.ts";

/** Raw samples of a series, or of a part of it. */
export interface ExportedSeries {
  readonly labels: LabelSet;
  /** Ascending, as long as `values`. */
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
}

/** @throws JsonWalkError for what is no such line */
export function parseExportLine(line: Buffer): ExportedSeries {
  const text = line.toString("utf8");
  const parsed = tryParse(text) ?? tryParse(quoteBareWords(text));
  if (parsed === null) throw wanted("a JSON line", text.slice(0, 100));
  if (typeof parsed !== "object") throw wanted("a series", parsed);
  const { metric, values, timestamps } = parsed as { metric?: unknown; values?: unknown; timestamps?: unknown };
  const labels = readLabels(metric);
  if (!Array.isArray(values) || !Array.isArray(timestamps)) throw wanted("values and timestamps", parsed);
  if (values.length !== timestamps.length) {
    throw new JsonWalkError(`want as many timestamps as values, got ${timestamps.length} and ${values.length}`);
  }
  const timestampColumn = new Float64Array(values.length);
  const valueColumn = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const timestampMs: unknown = timestamps[i];
    if (typeof timestampMs !== "number") throw wanted("a timestamp in ms", timestampMs);
    timestampColumn[i] = timestampMs;
    const value: unknown = values[i];
    valueColumn[i] = typeof value === "number" ? value : readSpecialValue(value);
  }
  return { labels, timestampsMs: timestampColumn, values: valueColumn };
}

/** Null when it is no JSON, or `null`. */
function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `[+Inf,1]` → `["+Inf",1]`. By hand, because an expression that passes over strings takes quadratic time on a bad one. */
function quoteBareWords(text: string): string {
  let quoted = "";
  for (let lo = 0; lo < text.length; ) {
    let hi = text.indexOf('"', lo);
    if (hi < 0) hi = text.length;
    quoted += text.slice(lo, hi).replace(/[+-]?Inf\b|NaN\b/g, '"$&"');
    lo = hi;
    if (lo === text.length) break;
    do hi = text[hi] === "\\" ? hi + 2 : hi + 1;
    while (hi < text.length && text[hi] !== '"');
    quoted += text.slice(lo, hi + 1);
    lo = hi + 1;
  }
  return quoted;
}

function readSpecialValue(value: unknown): number {
  if (value === null || value === "NaN") return Number.NaN;
  if (value === "Infinity" || value === "+Inf" || value === "Inf") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity" || value === "-Inf") return Number.NEGATIVE_INFINITY;
  throw wanted("a number, null or an infinity", value);
}
