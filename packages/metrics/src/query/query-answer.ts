/**
 * What servers answer, typed. Points of a series lie in two columns of the same length, in the order of time:
 *
 *     const answer = await client.queryRange("up", { start, end, step: 15_000 });
 *     for (const { labels, timestampsMs, values } of answer.result) {
 *       labels.get("instance");  // "127.0.0.1:9100"
 *       timestampsMs[0];         // 1700000000000
 *       values[0];               // 1; NaN, Infinity and -Infinity are themselves
 *     }
 *
 * Labels are Maps, because a label may be called `__proto__`.
 */
import { JsonWalk, JsonWalkError } from "./json-walk.ts";

/** Labels of a series, `__name__` among them unless a function took it away. In the order of the answer. */
export type LabelSet = ReadonlyMap<string, string>;

/** What an answer says besides its data. */
export interface AnswerInfo {
  /** Whether some of the data could not be read: a cluster lost a node, a disk a block. Prometheus never says so. */
  readonly isPartial: boolean;
  /** Prometheus' remarks on the query; empty when there are none. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** As the server gave them (Prometheus: with `stats=all`), or null. */
  readonly stats: unknown;
  /** How the query was carried out (VictoriaMetrics: with `trace=1`), or null. */
  readonly trace: unknown;
}

/** One series at one time. */
export interface VectorSample {
  readonly labels: LabelSet;
  readonly timestampMs: number;
  /** NaN when the sample is a native histogram. */
  readonly value: number;
  /** A native histogram of Prometheus as its JSON has it, else null. */
  readonly histogram: unknown;
}

/** A native histogram of Prometheus at one time. */
export interface HistogramPoint {
  readonly timestampMs: number;
  /** As in Prometheus' JSON: `{ count, sum, buckets }`. */
  readonly histogram: unknown;
}

/** A series over time: `values[i]` is of `timestampsMs[i]`, ascending; points without a value are not there. */
export interface MatrixSeries {
  readonly labels: LabelSet;
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  /** Native histograms of Prometheus, which stand beside the columns; mostly empty. */
  readonly histograms: readonly HistogramPoint[];
}

/** One value of each series, at one time. */
export interface VectorAnswer extends AnswerInfo {
  readonly resultType: "vector";
  readonly result: readonly VectorSample[];
}

/** Series over time. */
export interface MatrixAnswer extends AnswerInfo {
  readonly resultType: "matrix";
  readonly result: readonly MatrixSeries[];
}

/** Prometheus' answer to `query("1")`; VictoriaMetrics and Nyanza answer with a vector. */
export interface ScalarAnswer extends AnswerInfo {
  readonly resultType: "scalar";
  readonly result: { readonly timestampMs: number; readonly value: number };
}

/** A text, which a query that is only a text has for an answer. */
export interface StringAnswer extends AnswerInfo {
  readonly resultType: "string";
  readonly result: { readonly timestampMs: number; readonly value: string };
}

/** Told apart by `resultType`. */
export type QueryAnswer = VectorAnswer | MatrixAnswer | ScalarAnswer | StringAnswer;

/** Answer of the calls that list something. */
export interface ListAnswer<T> extends AnswerInfo {
  readonly data: readonly T[];
}

/** The server said no with a status of 2xx. */
export class ErrorAnswer extends Error {
  readonly errorType: string | null;

  constructor(errorType: string | null, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

/** @throws JsonWalkError for anything but an answer of the API; ErrorAnswer for `"status":"error"` */
export function parseQueryAnswer(bytes: Buffer): QueryAnswer {
  let read = null as Pick<QueryAnswer, "resultType" | "result"> | null;
  let stats: unknown = null;
  const info = readEnvelope(bytes, (walk) => {
    let type: unknown;
    let resultAt = -1;
    walk.members((key) => {
      if (key === "resultType") type = walk.value();
      else if (key === "stats") stats = walk.value();
      else if (key === "result" && type !== undefined) read = readResult(walk, type);
      else {
        // Every server tells the type first; JSON does not oblige them to.
        if (key === "result") resultAt = walk.at;
        walk.skip();
      }
    });
    if (read !== null || resultAt < 0) return;
    const endAt = walk.at;
    walk.at = resultAt;
    read = readResult(walk, type);
    walk.at = endAt;
  });
  if (read === null) throw new JsonWalkError("want data with a result, got none");
  return { ...(read as QueryAnswer), ...info, stats: stats ?? info.stats };
}

/** `data` as a list. @throws like {@link parseQueryAnswer} */
export function parseListAnswer<T>(bytes: Buffer, readItem: (item: unknown) => T): ListAnswer<T> {
  const data: T[] = [];
  let isThere = false;
  const info = readEnvelope(bytes, (walk) => {
    isThere = true;
    walk.runs((items) => {
      for (const item of items) data.push(readItem(item));
    });
  });
  if (!isThere) throw new JsonWalkError("want data, got none");
  return { data, ...info };
}

/** `data` as it is. @throws like {@link parseQueryAnswer} */
export function parsePlainAnswer(bytes: Buffer): unknown {
  let data: unknown;
  readEnvelope(bytes, (walk) => {
    data = walk.value();
  });
  if (data === undefined) throw new JsonWalkError("want data, got none");
  return data;
}

export function readText(value: unknown): string {
  if (typeof value !== "string") throw wanted("a string", value);
  return value;
}

export function readLabels(value: unknown): LabelSet {
  if (typeof value !== "object" || value === null) throw wanted("labels", value);
  const labels = new Map<string, string>();
  for (const [name, text] of Object.entries(value)) labels.set(name, readText(text));
  return labels;
}

/** `{"status":…,"isPartial":…,"data":…,"stats":…,"warnings":…}` in any order. */
function readEnvelope(bytes: Buffer, readData: (walk: JsonWalk) => void): AnswerInfo {
  const walk = new JsonWalk(bytes);
  const fields = new Map<string, unknown>();
  walk.members((key) => {
    if (key === "data") {
      // Beside an error `data` is whatever the server likes.
      if (fields.get("status") === "error") walk.skip();
      else readData(walk);
    } else fields.set(key, walk.value());
  });
  walk.end();
  const status = fields.get("status");
  if (status === "error") {
    const [type, message] = [fields.get("errorType"), fields.get("error")];
    throw new ErrorAnswer(typeof type === "string" ? type : null, typeof message === "string" ? message : "");
  }
  if (status !== "success") throw wanted("status success or error", status);
  return {
    isPartial: fields.get("isPartial") === true,
    warnings: readTexts(fields.get("warnings")),
    infos: readTexts(fields.get("infos")),
    stats: fields.get("stats") ?? null,
    trace: fields.get("trace") ?? null,
  };
}

function readTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((item) => (typeof item === "string" ? item : formatJson(item))) : [];
}

function readResult(walk: JsonWalk, type: unknown): Pick<QueryAnswer, "resultType" | "result"> {
  switch (type) {
    case "vector": {
      const result: VectorSample[] = [];
      walk.runs((items) => {
        for (const item of items) result.push(readVectorSample(item));
      });
      return { resultType: type, result };
    }
    case "matrix": {
      const result: MatrixSeries[] = [];
      walk.elements(() => result.push(readMatrixSeries(walk)));
      return { resultType: type, result };
    }
    case "scalar": {
      const [timestampMs, value] = readPoint(walk.value());
      return { resultType: type, result: { timestampMs, value: readValue(value) } };
    }
    case "string": {
      const [timestampMs, value] = readPoint(walk.value());
      return { resultType: type, result: { timestampMs, value: readText(value) } };
    }
    default:
      throw wanted("resultType vector, matrix, scalar or string", type);
  }
}

function readVectorSample(item: unknown): VectorSample {
  if (typeof item !== "object" || item === null) throw wanted("a sample", item);
  const { metric, value, histogram } = item as { metric?: unknown; value?: unknown; histogram?: unknown };
  const labels = readLabels(metric);
  if (value === undefined && histogram !== undefined) {
    const [timestampMs, raw] = readPoint(histogram);
    return { labels, timestampMs, value: Number.NaN, histogram: raw };
  }
  const [timestampMs, text] = readPoint(value);
  return { labels, timestampMs, value: readValue(text), histogram: null };
}

function readMatrixSeries(walk: JsonWalk): MatrixSeries {
  let labels = null as LabelSet | null;
  const points = new Columns();
  const histograms: HistogramPoint[] = [];
  walk.members((key) => {
    if (key === "metric") labels = readLabels(walk.value());
    else if (key === "values") {
      walk.runs((items) => {
        for (const item of items) {
          const [timestampMs, text] = readPoint(item);
          points.push(timestampMs, readValue(text));
        }
      });
    } else if (key === "histograms") {
      walk.runs((items) => {
        for (const item of items) {
          const [timestampMs, histogram] = readPoint(item);
          histograms.push({ timestampMs, histogram });
        }
      });
    } else walk.skip();
  });
  if (labels === null) throw wanted("labels of a series", undefined);
  return { labels, ...points.take(), histograms };
}

/** `[seconds, anything]` → `[ms, anything]` */
function readPoint(item: unknown): [timestampMs: number, value: unknown] {
  if (!Array.isArray(item) || item.length !== 2 || typeof item[0] !== "number") {
    throw wanted("a point [seconds, value]", item);
  }
  return [Math.round(item[0] * 1000), item[1]];
}

function readValue(text: unknown): number {
  if (typeof text === "number") return text;
  if (typeof text !== "string") throw wanted("a number as a string", text);
  const value = Number(text);
  if (!Number.isNaN(value) && text.trim() !== "") return value;
  switch (text) {
    case "NaN":
      return Number.NaN;
    case "+Inf":
    case "Inf":
      return Number.POSITIVE_INFINITY;
    case "-Inf":
      return Number.NEGATIVE_INFINITY;
    default:
      throw wanted("a number as a string", text);
  }
}

/** Two growing columns. */
class Columns {
  #timestampsMs: Float64Array = new Float64Array(16);
  #values: Float64Array = new Float64Array(16);
  #length = 0;

  push(timestampMs: number, value: number): void {
    if (this.#length === this.#values.length) {
      this.#timestampsMs = grow(this.#timestampsMs);
      this.#values = grow(this.#values);
    }
    this.#timestampsMs[this.#length] = timestampMs;
    this.#values[this.#length++] = value;
  }

  take(): { timestampsMs: Float64Array; values: Float64Array } {
    return { timestampsMs: this.#timestampsMs.slice(0, this.#length), values: this.#values.slice(0, this.#length) };
  }
}

function grow(column: Float64Array): Float64Array {
  const grown = new Float64Array(column.length * 2);
  grown.set(column);
  return grown;
}

export function wanted(what: string, got: unknown): JsonWalkError {
  const text = got === undefined ? "nothing" : formatJson(got);
  return new JsonWalkError(`want ${what}, got ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`);
}

/** JSON.parse reads lists in lists without end; JSON.stringify runs out of stack on them. */
function formatJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return Array.isArray(value) ? "a deep array" : "a deep object";
  }
}
