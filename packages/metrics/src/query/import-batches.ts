/**
 * What an import is given → bodies of whole lines, none much longer than `batchBytes`. A body is in memory, so it can be sent again
 * when the server is busy; the source is read only as fast as bodies are taken, whatever its length.
 */
import { LineSplitter } from "./line-splitter.ts";

/** Labels of a series to import: a Map, pairs, or an object's own properties. */
export type LabelsInput = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** A series to import; what `export` hands out is one. */
export interface SeriesInput {
  /** `__name__` is the metric's name. */
  readonly labels: LabelsInput;
  /** Whole ms since the epoch, as many as `values`. */
  readonly timestampsMs: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** A string is one or more whole lines; bytes are the next piece of a stream that may be cut anywhere. */
export type TextPiece = string | Uint8Array;
/** A series, or text of whole or broken JSON lines. */
export type ImportPiece = SeriesInput | TextPiece;

/** Text at once or piece by piece: a string, bytes, a stream. Lines may be broken between pieces. */
export type TextSource = TextPiece | Iterable<TextPiece> | AsyncIterable<TextPiece>;
/** What can be imported: a piece, or many from an iterable, a stream, {@link QueryClient.export}. */
export type ImportSource = ImportPiece | Iterable<ImportPiece> | AsyncIterable<ImportPiece>;

export interface Batch {
  readonly body: Buffer;
  readonly lines: number;
}

/** A long series becomes several lines: servers limit a line's length. */
const SAMPLES_PER_LINE = 10_000;

/**
 * @throws LongLineError; TypeError and RangeError for a series that is none
 */
export async function* batchLines(
  source: ImportSource,
  batchBytes: number,
  lineBytesMax: number,
): AsyncGenerator<Batch, void> {
  const batch = new BatchBuilder(batchBytes);
  const splitter = new LineSplitter(lineBytesMax);
  for await (const piece of piecesOf(source)) {
    if (piece instanceof Uint8Array) {
      // Lines are kept over the next awaits, and the source may use its buffer again.
      for (const line of splitter.push(Uint8Array.prototype.slice.call(piece))) {
        batch.add(line);
        if (batch.isFull) yield batch.take();
      }
      continue;
    }
    const unfinished = splitter.finish();
    if (unfinished !== null) batch.add(unfinished);
    for (const text of typeof piece === "string" ? [piece] : formatSeries(piece)) {
      for (const line of wholeLines(text, lineBytesMax)) {
        batch.add(line);
        if (batch.isFull) yield batch.take();
      }
    }
  }
  const last = splitter.finish();
  if (last !== null) batch.add(last);
  if (!batch.isEmpty) yield batch.take();
}

class BatchBuilder {
  readonly #bytesWanted: number;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(bytesWanted: number) {
    this.#bytesWanted = bytesWanted;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#bytesWanted;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(line: Buffer): void {
    this.#pieces.push(line, NEWLINE);
    this.#bytes += line.length + 1;
  }

  take(): Batch {
    const batch = { body: Buffer.concat(this.#pieces, this.#bytes), lines: this.#pieces.length / 2 };
    this.#pieces = [];
    this.#bytes = 0;
    return batch;
  }
}

const NEWLINE = Buffer.from("\n");

function* wholeLines(text: string, lineBytesMax: number): Generator<Buffer, void> {
  const splitter = new LineSplitter(lineBytesMax);
  yield* splitter.push(Buffer.from(text));
  const last = splitter.finish();
  if (last !== null) yield last;
}

function piecesOf(source: ImportSource): Iterable<ImportPiece> | AsyncIterable<ImportPiece> {
  if (typeof source === "string" || source instanceof Uint8Array) return [source];
  if (typeof source === "object" && source !== null) {
    if ("labels" in source) return [source];
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return source;
  }
  throw new TypeError(`import: want series, text, or an iterable of them, got ${typeof source}`);
}

/**
 * A series as lines of at most 10,000 samples each. NaNs have lines of their own: `null` is what servers of today read for them, but
 * old VictoriaMetrics skips a line with a `null` in it whole.
 * @throws TypeError for columns of different lengths or labels that are no strings; RangeError for a timestamp that is no whole ms
 */
export function* formatSeries(series: SeriesInput): Generator<string, void> {
  const { timestampsMs, values } = series;
  const metric = formatLabels(series.labels);
  if (timestampsMs.length !== values.length) {
    throw new TypeError(
      `import of ${metric}: want as many timestamps as values, got ${timestampsMs.length} and ${values.length}`,
    );
  }
  for (let lo = 0; lo < values.length; lo += SAMPLES_PER_LINE) {
    const hi = Math.min(lo + SAMPLES_PER_LINE, values.length);
    const numbers = new LineColumns();
    const nans = new LineColumns();
    for (let i = lo; i < hi; i++) {
      const timestampMs = timestampsMs[i] as number;
      if (!Number.isSafeInteger(timestampMs)) {
        throw new RangeError(`import of ${metric}: want whole ms as timestamp ${i}, got ${String(timestampMs)}`);
      }
      const value = values[i] as number;
      if (value !== value) nans.add(timestampMs, "null");
      else numbers.add(timestampMs, formatValue(value));
    }
    for (const { valueText, timestampText } of [numbers, nans]) {
      if (valueText !== "") yield `{"metric":${metric},"values":[${valueText}],"timestamps":[${timestampText}]}\n`;
    }
  }
}

class LineColumns {
  valueText = "";
  timestampText = "";

  add(timestampMs: number, value: string): void {
    const separator = this.valueText === "" ? "" : ",";
    this.valueText += separator + value;
    this.timestampText += separator + timestampMs;
  }
}

function formatLabels(labels: LabelsInput): string {
  const pairs = Symbol.iterator in labels ? labels : Object.entries(labels);
  const parts: string[] = [];
  for (const [name, value] of pairs as Iterable<readonly [unknown, unknown]>) {
    if (typeof name !== "string" || typeof value !== "string") {
      throw new TypeError(`import: want labels of strings, got ${String(name)} of type ${typeof value}`);
    }
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
  }
  return `{${parts.join(",")}}`;
}

/** The shortest JSON that reads back as the same float64. Every server reads `1e999` as infinity, not every one `"Infinity"`. */
function formatValue(value: number): string {
  if (value - value === 0) return Object.is(value, -0) ? "-0" : String(value);
  return value > 0 ? "1e999" : "-1e999";
}
