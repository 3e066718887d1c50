/**
 * JSON lines, the format of /api/v1/import and /api/v1/export: one series a line, its samples as two columns.
 *
 *     {"metric":{"__name__":"up","job":"node"},"values":[1,null,"Infinity"],"timestamps":[1549891472010,…,…]}
 *
 * Read straight from bytes: a label is handed on as the place it has in the body, numbers go into two reused columns, and no object
 * is ever made, so there is no `__proto__` to be hit. A line that cannot be used is counted and the next one read.
 */
import { type Cursor, clampTimestampMs, parseSpecialNumber, readDecimal } from "../decimal.ts";
import { findStringEnd, unescapeString } from "../json/string.ts";
import { excerpt, ParseReport } from "../report.ts";
import type { RowSink } from "../row-sink.ts";

export interface JsonLinesOptions {
  /** A longer line is refused; 10 MiB when absent, as `-import.maxLineLen`. */
  readonly lineBytesMax?: number | undefined;
  /** Number of the first line, for messages. */
  readonly firstLine?: number | undefined;
}

const LINE_BYTES_MAX_DEFAULT = 10 * 1024 * 1024;

/** Values of keys that mean nothing here are skipped, nested at most so deep. */
const DEPTH_MAX = 300;

/**
 * Parses the whole lines `bytes[lo..hi)` into `batch`; the last one may lack its newline. Bytes may be cut between any two lines.
 * Never throws.
 */
export function parseJsonLines(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  batch: RowSink,
  options: JsonLinesOptions = {},
): ParseReport {
  const lineBytesMax = options.lineBytesMax ?? LINE_BYTES_MAX_DEFAULT;
  const parser = new LineParser(bytes, batch);
  let line = options.firstLine ?? 1;
  let at = startsWithByteOrderMark(bytes, lo, hi) ? lo + 3 : lo;
  while (at < hi) {
    // Empty lines cost no call: a small body can unpack to nothing else.
    if (bytes[at] === 0x0a) {
      at++;
      line++;
      continue;
    }
    let end = bytes.indexOf(0x0a, at);
    if (end < 0 || end > hi) end = hi;
    if (end - at > lineBytesMax) {
      parser.report.addInvalid(`JSON line ${line}: has ${end - at} bytes, want at most ${lineBytesMax}`);
    } else {
      parser.parseLine(at, end, line);
    }
    line++;
    at = end + 1;
  }
  return parser.report;
}

class LineParser {
  readonly report: ParseReport = new ParseReport();
  private readonly bytes: Uint8Array;
  private readonly batch: RowSink;
  private readonly cursor: Cursor = { at: 0 };
  private hi = 0;
  /** Set by readString: the string is `bytes[stringLo..stringHi)`, quotes not included. */
  private stringLo = 0;
  private stringHi = 0;
  private readonly string = { hasEscapes: false };
  private readonly number = { value: 0 };

  /** Places of labels: name's start and end, value's start and end, and 1 if they are in `unescaped`, 0 if in the body. */
  private labels: Int32Array = new Int32Array(5 * 32);
  private labelCount = 0;
  private unescaped: Uint8Array = new Uint8Array(0);
  private unescapedLength = 0;
  private values: Float64Array = new Float64Array(1024);
  private timestamps: Float64Array = new Float64Array(1024);

  constructor(bytes: Uint8Array, batch: RowSink) {
    this.bytes = bytes;
    this.batch = batch;
  }

  parseLine(lo: number, lineHi: number, line: number): void {
    this.cursor.at = lo;
    this.hi = lineHi > lo && this.bytes[lineHi - 1] === 0x0d ? lineHi - 1 : lineHi;
    this.skipSpace();
    if (this.cursor.at === this.hi) return;
    const problem = this.parseSeries();
    if (problem === "") return;
    this.report.addInvalid(
      this.report.needsError
        ? `JSON line ${line}, column ${this.cursor.at - lo + 1}: ${problem.replace("%", () => this.here())}`
        : "",
    );
  }

  /** "" when all went well, else what is wrong; a `%` in it stands for the text at the cursor. */
  private parseSeries(): string {
    const { cursor, batch } = this;
    if (!this.take(0x7b)) return "want {, got %";
    this.labelCount = 0;
    this.unescapedLength = 0;
    let hasMetric = false;
    let valueCount = -1;
    let timestampCount = -1;
    if (!this.take(0x7d)) {
      do {
        if (!this.readString()) return "want a key in double quotes, got %";
        // A key written with escapes is none of the three. Of a repeated key the first one counts, as in VictoriaMetrics.
        const keyLo = this.stringLo;
        const keyHi = this.stringHi;
        if (!this.take(0x3a)) return "want : after a key, got %";
        this.skipSpace();
        if (!hasMetric && this.isKey(keyLo, keyHi, METRIC)) {
          const problem = this.parseLabels();
          if (problem !== "") return problem;
          hasMetric = true;
        } else if (valueCount < 0 && this.isKey(keyLo, keyHi, VALUES)) {
          valueCount = this.parseValues();
          if (valueCount < 0)
            return 'want an array of numbers, null, "NaN", "Infinity" or "-Infinity" as values, got %';
        } else if (timestampCount < 0 && this.isKey(keyLo, keyHi, TIMESTAMPS)) {
          timestampCount = this.parseTimestamps();
          if (timestampCount < 0) return "want an array of whole milliseconds as timestamps, got %";
        } else if (!this.skipValue()) {
          return "want a JSON value, got %";
        }
      } while (this.take(0x2c));
      if (!this.take(0x7d)) return "want , or }, got %";
    }
    this.skipSpace();
    if (cursor.at !== this.hi) return "want the end of the line, got %";
    if (!hasMetric || this.labelCount === 0) return 'want labels in a "metric" object, got none';
    if (valueCount <= 0) return 'want a "values" array, got none or an empty one';
    if (timestampCount !== valueCount)
      return `want as many timestamps as values, got ${Math.max(timestampCount, 0)} for ${valueCount}`;

    batch.beginSeries();
    const { labels } = this;
    for (let i = 0; i < this.labelCount * 5; i += 5) {
      const source = labels[i + 4] === 0 ? this.bytes : this.unescaped;
      batch.addLabelBytes(source, labels[i], labels[i + 1], labels[i + 2], labels[i + 3]);
    }
    batch.endLabels();
    const { values, timestamps } = this;
    for (let i = 0; i < valueCount; i++) batch.addSample(timestamps[i], values[i]);
    this.report.rows += valueCount;
    return "";
  }

  private parseLabels(): string {
    if (!this.take(0x7b)) return 'want an object as "metric", got %';
    if (this.take(0x7d)) return "";
    do {
      if (!this.readString()) return "want a label's name in double quotes, got %";
      const nameLo = this.stringLo;
      const nameHi = this.stringHi;
      const nameHasEscapes = this.string.hasEscapes;
      if (!this.take(0x3a)) return "want : after a label's name, got %";
      if (!this.readString()) return "want a label's value in double quotes, got %";
      // A label with an empty name would pass for the metric's name in places: VictoriaMetrics drops it too.
      if (nameHi > nameLo && !this.addLabel(nameLo, nameHi, nameHasEscapes))
        return "want JSON's escapes only, got others before %";
    } while (this.take(0x2c));
    return this.take(0x7d) ? "" : "want , or } after a label, got %";
  }

  private addLabel(nameLo: number, nameHi: number, nameHasEscapes: boolean): boolean {
    const at = this.labelCount * 5;
    if (at === this.labels.length) {
      const larger = new Int32Array(this.labels.length * 2);
      larger.set(this.labels);
      this.labels = larger;
    }
    const { labels, bytes, stringLo, stringHi } = this;
    this.labelCount++;
    if (!nameHasEscapes && !this.string.hasEscapes) {
      labels[at] = nameLo;
      labels[at + 1] = nameHi;
      labels[at + 2] = stringLo;
      labels[at + 3] = stringHi;
      labels[at + 4] = 0;
      return true;
    }
    const lo = this.unescapedLength;
    const target = this.reserveUnescaped(nameHi - nameLo + (stringHi - stringLo));
    const middle = unescapeString(bytes, nameLo, nameHi, target, lo);
    const end = middle < 0 ? -1 : unescapeString(bytes, stringLo, stringHi, target, middle);
    if (end < 0) return false;
    labels[at] = lo;
    labels[at + 1] = middle;
    labels[at + 2] = middle;
    labels[at + 3] = end;
    labels[at + 4] = 1;
    this.unescapedLength = end;
    return true;
  }

  private reserveUnescaped(length: number): Uint8Array {
    const wanted = this.unescapedLength + length;
    if (wanted > this.unescaped.length) {
      const larger = new Uint8Array(wanted * 2);
      larger.set(this.unescaped.subarray(0, this.unescapedLength));
      this.unescaped = larger;
    }
    return this.unescaped;
  }

  /** Reads the array at the cursor into `values`. Returns how many there are, -1 for what is no such array. */
  private parseValues(): number {
    const { bytes, cursor, hi } = this;
    if (!this.take(0x5b)) return -1;
    if (this.take(0x5d)) return 0;
    for (let count = 0; ; ) {
      this.skipSpace();
      const at = cursor.at;
      let value = readDecimal(bytes, cursor, hi);
      if (Number.isNaN(value)) {
        cursor.at = at;
        if (!this.readSpecialValue()) return -1;
        value = this.number.value;
      }
      if (count === this.values.length) this.values = doubled(this.values);
      this.values[count++] = value;
      if (cursor.at < hi && bytes[cursor.at] === 0x2c) {
        cursor.at++;
        continue;
      }
      if (this.take(0x5d)) return count;
      if (!this.take(0x2c)) return -1;
    }
  }

  /** Reads the array at the cursor into `timestamps`. Returns how many there are, -1 for what is no such array. */
  private parseTimestamps(): number {
    const { bytes, cursor, hi } = this;
    if (!this.take(0x5b)) return -1;
    if (this.take(0x5d)) return 0;
    for (let count = 0; ; ) {
      this.skipSpace();
      const at = cursor.at;
      const timestampMs = readDecimal(bytes, cursor, hi);
      const clampedMs = clampTimestampMs(timestampMs);
      // What is whole is a timestamp, 1e12 as well.
      if (!Number.isInteger(timestampMs) || Number.isNaN(clampedMs)) {
        cursor.at = at;
        return -1;
      }
      if (count === this.timestamps.length) this.timestamps = doubled(this.timestamps);
      this.timestamps[count++] = clampedMs;
      if (cursor.at < hi && bytes[cursor.at] === 0x2c) {
        cursor.at++;
        continue;
      }
      if (this.take(0x5d)) return count;
      if (!this.take(0x2c)) return -1;
    }
  }

  /** `null`, bare or quoted `NaN`, `Infinity`, `-Inf` … into `number.value`. */
  private readSpecialValue(): boolean {
    const { bytes, cursor, hi, number } = this;
    const isQuoted = cursor.at < hi && bytes[cursor.at] === 0x22;
    const lo = isQuoted ? cursor.at + 1 : cursor.at;
    let end = lo;
    while (end < hi && (isLetter(bytes[end]) || bytes[end] === 0x2d || bytes[end] === 0x2b)) end++;
    if (isQuoted && (end === hi || bytes[end] !== 0x22)) return false;
    if (isNull(bytes, lo, end)) number.value = NaN;
    else if (!parseSpecialNumber(bytes, lo, end, number)) return false;
    cursor.at = isQuoted ? end + 1 : end;
    return true;
  }

  /** Skips any JSON value without recursion. Its structure is checked no further than to find its end. */
  private skipValue(): boolean {
    const { bytes, cursor, hi } = this;
    let depth = 0;
    do {
      this.skipSpace();
      if (cursor.at >= hi) return false;
      const byte = bytes[cursor.at];
      if (byte === 0x22) {
        if (!this.readString()) return false;
      } else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > DEPTH_MAX) return false;
        cursor.at++;
      } else if (byte === 0x7d || byte === 0x5d) {
        if (--depth < 0) return false;
        cursor.at++;
      } else if (byte === 0x2c || byte === 0x3a) {
        if (depth === 0) return false;
        cursor.at++;
      } else {
        const lo = cursor.at;
        while (cursor.at < hi && isScalarByte(bytes[cursor.at])) cursor.at++;
        if (cursor.at === lo) return false;
      }
    } while (depth > 0);
    return true;
  }

  private readString(): boolean {
    if (!this.take(0x22)) return false;
    const { cursor } = this;
    const end = findStringEnd(this.bytes, cursor.at, this.hi, this.string);
    if (end < 0) return false;
    this.stringLo = cursor.at;
    this.stringHi = end;
    cursor.at = end + 1;
    return true;
  }

  private isKey(lo: number, hi: number, key: Uint8Array): boolean {
    if (hi - lo !== key.length) return false;
    for (let i = 0; i < key.length; i++) {
      if (this.bytes[lo + i] !== key[i]) return false;
    }
    return true;
  }

  /** Skips space and then `byte`, if that is what comes. */
  private take(byte: number): boolean {
    this.skipSpace();
    const { cursor } = this;
    if (cursor.at >= this.hi || this.bytes[cursor.at] !== byte) return false;
    cursor.at++;
    return true;
  }

  private skipSpace(): void {
    const { bytes, cursor, hi } = this;
    let at = cursor.at;
    while (at < hi && (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d)) at++;
    cursor.at = at;
  }

  private here(): string {
    return this.cursor.at >= this.hi ? "the end of the line" : excerpt(this.bytes, this.cursor.at, this.hi);
  }
}

const encoder = new TextEncoder();
const METRIC = encoder.encode("metric");
const VALUES = encoder.encode("values");
const TIMESTAMPS = encoder.encode("timestamps");

function doubled(column: Float64Array): Float64Array {
  const larger = new Float64Array(column.length * 2);
  larger.set(column);
  return larger;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isScalarByte(byte: number): boolean {
  return isLetter(byte) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e;
}

function isNull(bytes: Uint8Array, lo: number, hi: number): boolean {
  return (
    hi - lo === 4 &&
    (bytes[lo] === 0x6e || bytes[lo] === 0x4e) &&
    bytes[lo + 1] === 0x75 &&
    bytes[lo + 2] === 0x6c &&
    bytes[lo + 3] === 0x6c
  );
}

function startsWithByteOrderMark(bytes: Uint8Array, lo: number, hi: number): boolean {
  return hi - lo >= 3 && bytes[lo] === 0xef && bytes[lo + 1] === 0xbb && bytes[lo + 2] === 0xbf;
}
