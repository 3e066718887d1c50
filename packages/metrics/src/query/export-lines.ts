/**
 * JSON lines, the format of /api/v1/export and /api/v1/import: a series a line, its samples as two columns.
 *
 *     {"metric":{"__name__":"up","job":"node"},"values":[1,null,"Infinity"],"timestamps":[1700000000000,…,…]}
 *
 * JSON has no NaN and no infinities: they are `null` and strings.
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
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString("utf8"));
  } catch {
    throw wanted("a JSON line", line.toString("utf8", 0, 100));
  }
  if (typeof parsed !== "object" || parsed === null) throw wanted("a series", parsed);
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

function readSpecialValue(value: unknown): number {
  if (value === null || value === "NaN") return Number.NaN;
  if (value === "Infinity" || value === "+Inf" || value === "Inf") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity" || value === "-Inf") return Number.NEGATIVE_INFINITY;
  throw wanted("a number, null or an infinity", value);
}
