/**
 * The API's answers as columns. Nothing here trusts the shape of what came: a proxy may have answered instead of the server.
 */
import { type Labels, readLabels } from "./labels.ts";
import type { Interval } from "./time-range.ts";

export interface AnswerSeries {
  readonly labels: Labels;
  /** Milliseconds, ascending. */
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export interface Answer {
  /** `string` has its text in `text` and no series. */
  readonly kind: "vector" | "matrix" | "scalar" | "string";
  readonly series: readonly AnswerSeries[];
  readonly text: string;
  readonly isPartial: boolean;
  readonly warnings: readonly string[];
}

/** @throws Error if the body is not an answer to a query */
export function readAnswer(body: unknown): Answer {
  const data = field(body, "data");
  const kind = field(data, "resultType");
  const result = field(data, "result");
  if (kind !== "vector" && kind !== "matrix" && kind !== "scalar" && kind !== "string") {
    throw new Error(
      `answer to a query: want a resultType of vector, matrix, scalar or string, got ${JSON.stringify(kind)}`,
    );
  }
  const warnings = field(body, "warnings");
  return {
    kind,
    series: kind === "string" ? [] : kind === "scalar" ? [readSeries([], [result])] : readList(result),
    text: kind === "string" && Array.isArray(result) ? String(result[1]) : "",
    isPartial: field(body, "isPartial") === true,
    warnings: Array.isArray(warnings) ? warnings.map(String) : [],
  };
}

/** Columns on one common grid of times, as a graph wants them. NaN stands for "no point". */
export interface Grid {
  /** Milliseconds. */
  readonly timestamps: Float64Array;
  readonly columns: readonly Float64Array[];
}

/** `interval` is what was asked for and `stepMs` the distance of its points; points off the grid go to the nearest slot. */
export function layOnGrid(series: readonly AnswerSeries[], { fromMs, toMs }: Interval, stepMs: number): Grid {
  // The server may have moved the start: the first point says where the grid lies.
  let firstMs = Number.POSITIVE_INFINITY;
  for (const { timestamps } of series) firstMs = Math.min(firstMs, timestamps[0] ?? firstMs);
  const phaseMs = Number.isFinite(firstMs) ? (((firstMs - fromMs) % stepMs) + stepMs) % stepMs : 0;
  const startMs = fromMs + phaseMs - (phaseMs > 0 ? stepMs : 0);
  const count = Math.max(1, Math.floor((toMs - startMs) / stepMs) + 1 + (phaseMs > 0 ? 1 : 0));
  const timestamps = new Float64Array(count);
  for (let i = 0; i < count; i++) timestamps[i] = startMs + i * stepMs;
  const columns = series.map((one) => {
    const column = new Float64Array(count).fill(Number.NaN);
    for (let i = 0; i < one.timestamps.length; i++) {
      const slot = Math.round(((one.timestamps[i] as number) - startMs) / stepMs);
      if (slot >= 0 && slot < count) column[slot] = one.values[i] as number;
    }
    return column;
  });
  return { timestamps, columns };
}

/** Position in the query that an error message speaks of: 1-based, or null. */
export function findPlace(message: string): { readonly line: number; readonly column: number } | null {
  const match = /line (\d+),? col(?:umn)? (\d+)/i.exec(message) ?? /\b(\d+):(\d+): parse error/.exec(message);
  return match === null ? null : { line: Number(match[1]), column: Number(match[2]) };
}

function readList(result: unknown): AnswerSeries[] {
  if (!Array.isArray(result)) return [];
  return result.map((item: unknown) => {
    const points = field(item, "values");
    return readSeries(readLabels(field(item, "metric")), Array.isArray(points) ? points : [field(item, "value")]);
  });
}

function readSeries(labels: Labels, points: readonly unknown[]): AnswerSeries {
  const timestamps = new Float64Array(points.length);
  const values = new Float64Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const point = points[i];
    const [seconds, text] = Array.isArray(point) ? point : [Number.NaN, "NaN"];
    // Times come as decimal seconds: 1700000000.123 × 1000 is not whole.
    timestamps[i] = Math.round(Number(seconds) * 1000);
    values[i] = readValue(text);
  }
  return { labels, timestamps, values };
}

function readValue(text: unknown): number {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
