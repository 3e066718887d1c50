/**
 * Prometheus' text exposition 0.0.4 and OpenMetrics 1.0, line by line:
 *
 *     # HELP http_requests_total How many so far
 *     # TYPE http_requests_total counter
 *     http_requests_total{code="200",path="/"} 1027 1395066363000
 *     {"http.requests","node id"="a\"b"} 3 # {trace_id="x"} 1 1395066363.5
 *
 * As forgiving as VictoriaMetrics: any bytes make a name, an unknown escape stays as it is, an exemplar is a comment. A line that
 * cannot be used is counted and the next one read. One line is one series of one sample.
 */
import { type Cursor, clampTimestampMs, parseSpecialNumber, readDecimal } from "../decimal.ts";
import { excerpt, ParseReport } from "../report.ts";
import type { MetadataListener, RowSink } from "../row-sink.ts";

export interface PrometheusTextOptions {
  /** For samples that carry no time of their own. */
  readonly defaultTimestampMs: number;
  /**
   * True: timestamps are seconds with a fraction (OpenMetrics). False: milliseconds (text exposition). Absent: seconds if the bytes
   * end in `# EOF`, else VictoriaMetrics' rule: what is under 2^31 either way must be seconds.
   */
  readonly isOpenMetrics?: boolean | undefined;
  /** Number of the first line, for messages. */
  readonly firstLine?: number | undefined;
  /** Called for each family that HELP, TYPE or UNIT lines describe, once per run of such lines. */
  readonly onMetadata?: MetadataListener | undefined;
}

/**
 * Parses the whole lines `bytes[lo..hi)` into `batch`; the last one may lack its newline. Bytes may be cut between any two lines.
 * Never throws.
 */
export function parsePrometheusText(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  batch: RowSink,
  options: PrometheusTextOptions,
): ParseReport {
  const parser = new LineParser(bytes, batch, options, timestampUnitOf(bytes, lo, hi, options.isOpenMetrics));
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
    parser.parseLine(at, end, line++);
    at = end + 1;
  }
  parser.flushMetadata();
  return parser.report;
}

type TimestampUnit = "ms" | "s" | "by size";

class LineParser {
  readonly report: ParseReport = new ParseReport();
  private readonly bytes: Uint8Array;
  private readonly batch: RowSink;
  private readonly options: PrometheusTextOptions;
  private readonly timestampUnit: TimestampUnit;

  /** `__name__`, the metric's name behind it, and behind that a label whose escapes had to be undone. */
  private scratch: Uint8Array = new Uint8Array(256);
  private scratchLength = 0;
  private hasName = false;
  private readonly cursor: Cursor = { at: 0 };
  private readonly number = { value: 0 };
  /** Set by readQuoted: the string is `bytes[quotedLo..quotedHi)`, quotes not included. */
  private quotedLo = 0;
  private quotedHi = 0;
  private quotedHasEscapes = false;

  private family = "";
  private familyType = "";
  private familyHelp = "";
  private familyUnit = "";

  constructor(bytes: Uint8Array, batch: RowSink, options: PrometheusTextOptions, timestampUnit: TimestampUnit) {
    this.bytes = bytes;
    this.batch = batch;
    this.options = options;
    this.timestampUnit = timestampUnit;
    this.scratch.set(NAME_LABEL);
  }

  parseLine(lo: number, lineHi: number, line: number): void {
    const { bytes } = this;
    const hi = lineHi > lo && bytes[lineHi - 1] === 0x0d ? lineHi - 1 : lineHi;
    const at = this.skipBlanks(lo, hi);
    if (at === hi) return;
    if (bytes[at] === 0x23) {
      if (this.options.onMetadata !== undefined) this.parseComment(at + 1, hi);
      return;
    }
    this.batch.beginSeries();
    const problem = this.parseSample(at, hi);
    if (problem === "") {
      this.report.rows++;
      return;
    }
    this.batch.abandonSeries();
    this.report.addInvalid(
      this.report.needsError
        ? `text exposition line ${line}: ${problem.replace("%", () => excerpt(bytes, this.cursor.at, hi))}, in ${excerpt(bytes, at, hi, 200)}`
        : "",
    );
  }

  /** "" when all went well, else what is wrong; a `%` in it stands for the text at `cursor.at`. */
  private parseSample(lo: number, hi: number): string {
    const { bytes, batch, cursor } = this;
    this.hasName = false;
    this.scratchLength = NAME_LABEL.length;
    let at = lo;
    for (; at < hi; at++) {
      const byte = bytes[at];
      if (byte === 0x7b || byte === 0x20 || byte === 0x09) break;
    }
    if (at > lo) this.addName(bytes, lo, at);
    at = this.skipBlanks(at, hi);
    if (at < hi && bytes[at] === 0x7b) {
      cursor.at = at + 1;
      const problem = this.parseLabels(hi);
      if (problem !== "") return problem;
      at = this.skipBlanks(cursor.at, hi);
    }
    if (!this.hasName) return "want a metric name, got none";
    batch.endLabels();

    cursor.at = at;
    if (at === hi || bytes[at] === 0x23) return "want a value, got the end of the line";
    if (!this.readValue(at, hi)) return "want a number as value, got %";
    const { value } = this.number;
    at = this.skipBlanks(cursor.at, hi);
    if (at === hi || bytes[at] === 0x23) {
      batch.addSample(this.options.defaultTimestampMs, value);
      return "";
    }

    cursor.at = at;
    const timestamp = readDecimal(bytes, cursor, hi);
    const behind = this.skipBlanks(cursor.at, hi);
    if (behind < hi && bytes[behind] !== 0x23) {
      cursor.at = at;
      return "want a number as timestamp, got %";
    }
    const timestampMs = this.toMilliseconds(timestamp);
    if (Number.isNaN(timestampMs)) {
      cursor.at = at;
      return "want a timestamp within 64 bits, got %";
    }
    batch.addSample(timestampMs, value);
    return "";
  }

  /** Reads the value at `at` into `number.value` and leaves the cursor behind it. False when there is none. */
  private readValue(at: number, hi: number): boolean {
    const { bytes, cursor, number } = this;
    number.value = readDecimal(bytes, cursor, hi);
    if (!Number.isNaN(number.value) && (cursor.at === hi || isValueEnd(bytes[cursor.at]))) return true;
    let end = at;
    while (end < hi && !isValueEnd(bytes[end])) end++;
    const isSpecial = parseSpecialNumber(bytes, at, end, number);
    cursor.at = isSpecial ? end : at;
    return isSpecial;
  }

  /** `a="b","c d"="e","the name"}` from the cursor on; leaves the cursor behind the brace. */
  private parseLabels(hi: number): string {
    const { bytes, cursor } = this;
    for (;;) {
      let at = this.skipBlanks(cursor.at, hi);
      cursor.at = at;
      if (at === hi) return "want } after the labels, got the end of the line";
      if (bytes[at] === 0x7d) {
        cursor.at = at + 1;
        return "";
      }
      let nameLo = at;
      let nameHi = at;
      let nameHasEscapes = false;
      if (bytes[at] === 0x22) {
        if (!this.readQuoted(at, hi)) return 'want a closing ", got none for %';
        nameLo = this.quotedLo;
        nameHi = this.quotedHi;
        nameHasEscapes = this.quotedHasEscapes;
        at = this.skipBlanks(nameHi + 1, hi);
        if (at < hi && (bytes[at] === 0x2c || bytes[at] === 0x7d)) {
          // A quoted string without a value is the metric's name.
          if (this.hasName) return "want one metric name, got a second one: %";
          if (nameHi > nameLo) this.addQuotedName(nameLo, nameHi, nameHasEscapes);
          cursor.at = bytes[at] === 0x2c ? at + 1 : at;
          continue;
        }
      } else {
        while (at < hi && bytes[at] !== 0x3d && bytes[at] !== 0x22 && bytes[at] !== 0x2c && bytes[at] !== 0x7d) at++;
        nameHi = at;
        while (nameHi > nameLo && (bytes[nameHi - 1] === 0x20 || bytes[nameHi - 1] === 0x09)) nameHi--;
      }
      if (at === hi || bytes[at] !== 0x3d) return "want = after a label's name, got %";
      at = this.skipBlanks(at + 1, hi);
      cursor.at = at;
      if (at === hi || bytes[at] !== 0x22) return "want a label's value in double quotes, got %";
      if (!this.readQuoted(at, hi)) return 'want a closing ", got none for %';
      // As in VictoriaMetrics a label without a name is no label.
      if (nameHi > nameLo) this.addLabel(nameLo, nameHi, nameHasEscapes);
      at = this.skipBlanks(this.quotedHi + 1, hi);
      cursor.at = at;
      if (at === hi) return "want } after the labels, got the end of the line";
      if (bytes[at] === 0x2c) cursor.at = at + 1;
      else if (bytes[at] !== 0x7d) return "want , or } after a label, got %";
    }
  }

  /** Finds the end of the string that opens at `at`. False when it has none. */
  private readQuoted(at: number, hi: number): boolean {
    const { bytes } = this;
    let hasEscapes = false;
    for (let i = at + 1; i < hi; i++) {
      const byte = bytes[i];
      if (byte === 0x22) {
        this.quotedLo = at + 1;
        this.quotedHi = i;
        this.quotedHasEscapes = hasEscapes;
        return true;
      }
      if (byte === 0x5c) {
        hasEscapes = true;
        i++;
      }
    }
    return false;
  }

  private addLabel(nameLo: number, nameHi: number, nameHasEscapes: boolean): void {
    const { bytes, batch, quotedLo, quotedHi } = this;
    if (!nameHasEscapes && !this.quotedHasEscapes) {
      batch.addLabelBytes(bytes, nameLo, nameHi, quotedLo, quotedHi);
      return;
    }
    const lo = this.scratchLength;
    const scratch = this.reserve(lo + (nameHi - nameLo) + (quotedHi - quotedLo));
    const middle = nameHasEscapes
      ? undoEscapes(bytes, nameLo, nameHi, scratch, lo)
      : copy(bytes, nameLo, nameHi, scratch, lo);
    const end = undoEscapes(bytes, quotedLo, quotedHi, scratch, middle);
    batch.addLabelBytes(scratch, lo, middle, middle, end);
  }

  private addName(bytes: Uint8Array, lo: number, hi: number): void {
    const scratch = this.reserve(NAME_LABEL.length + (hi - lo));
    const end = copy(bytes, lo, hi, scratch, NAME_LABEL.length);
    this.endName(scratch, end);
  }

  private addQuotedName(lo: number, hi: number, hasEscapes: boolean): void {
    if (!hasEscapes) {
      this.addName(this.bytes, lo, hi);
      return;
    }
    const scratch = this.reserve(NAME_LABEL.length + (hi - lo));
    this.endName(scratch, undoEscapes(this.bytes, lo, hi, scratch, NAME_LABEL.length));
  }

  private endName(scratch: Uint8Array, end: number): void {
    this.batch.addLabelBytes(scratch, 0, NAME_LABEL.length, NAME_LABEL.length, end);
    this.scratchLength = end;
    this.hasName = true;
  }

  private reserve(length: number): Uint8Array {
    if (length > this.scratch.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(this.scratch);
      this.scratch = larger;
    }
    return this.scratch;
  }

  private skipBlanks(lo: number, hi: number): number {
    const { bytes } = this;
    let at = lo;
    while (at < hi && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
    return at;
  }

  private toMilliseconds(timestamp: number): number {
    const isSeconds =
      this.timestampUnit === "s" ||
      (this.timestampUnit === "by size" && timestamp >= -(2 ** 31) && timestamp < 2 ** 31);
    if (!isSeconds) return clampTimestampMs(timestamp);
    // 1520879607.789 s is 1520879607788.9999… ms: cutting it off must not cost a millisecond, so noise is lifted first.
    const timestampMs = timestamp * 1000;
    return clampTimestampMs(timestampMs + (timestampMs < 0 ? -0.001 : 0.001));
  }

  /** ` TYPE name counter` behind the `#`. What is not HELP, TYPE or UNIT, or has no text, is a comment like any other. */
  private parseComment(lo: number, hi: number): void {
    const text = decoder.decode(this.bytes.subarray(lo, hi));
    const match = /^[ \t]+(HELP|TYPE|UNIT)[ \t]+("(?:[^"\\]|\\.)*"|[^ \t]+)[ \t]+(.*)$/.exec(text);
    if (match === null) return;
    const [, keyword, written, rest] = match as unknown as [string, string, string, string];
    const name = written.startsWith('"') ? unescapeText(written.slice(1, -1)) : written;
    if (name !== this.family) {
      this.flushMetadata();
      this.family = name;
    }
    if (keyword === "HELP") this.familyHelp = unescapeText(rest);
    else if (keyword === "UNIT") this.familyUnit = rest.trim();
    else if (FAMILY_TYPES.has(rest.trim())) this.familyType = rest.trim() === "untyped" ? "unknown" : rest.trim();
  }

  flushMetadata(): void {
    if (this.family !== "" && `${this.familyType}${this.familyHelp}${this.familyUnit}` !== "") {
      this.options.onMetadata?.({
        name: this.family,
        type: this.familyType,
        help: this.familyHelp,
        unit: this.familyUnit,
      });
    }
    this.family = this.familyType = this.familyHelp = this.familyUnit = "";
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NAME_LABEL = encoder.encode("__name__");
const END_OF_OPEN_METRICS = encoder.encode("# EOF");
const FAMILY_TYPES = new Set([
  "counter",
  "gauge",
  "histogram",
  "summary",
  "untyped",
  "unknown",
  "info",
  "stateset",
  "gaugehistogram",
]);

function isValueEnd(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x23;
}

function startsWithByteOrderMark(bytes: Uint8Array, lo: number, hi: number): boolean {
  return hi - lo >= 3 && bytes[lo] === 0xef && bytes[lo + 1] === 0xbb && bytes[lo + 2] === 0xbf;
}

function timestampUnitOf(bytes: Uint8Array, lo: number, hi: number, isOpenMetrics: boolean | undefined): TimestampUnit {
  if (isOpenMetrics !== undefined) return isOpenMetrics ? "s" : "ms";
  let end = hi;
  while (end > lo && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  const start = end - END_OF_OPEN_METRICS.length;
  if (start < lo || (start > lo && bytes[start - 1] !== 0x0a)) return "by size";
  for (let i = 0; i < END_OF_OPEN_METRICS.length; i++) {
    if (bytes[start + i] !== END_OF_OPEN_METRICS[i]) return "by size";
  }
  return "s";
}

/** A loop, since names are short: `set(subarray())` costs more than it saves below about 100 bytes. */
function copy(bytes: Uint8Array, lo: number, hi: number, target: Uint8Array, targetLo: number): number {
  let end = targetLo;
  for (let i = lo; i < hi; i++) target[end++] = bytes[i];
  return end;
}

/** Writes `bytes[lo..hi)` with `\\`, `\"` and `\n` undone; any other backslash is itself. Returns the end of what it wrote. */
function undoEscapes(bytes: Uint8Array, lo: number, hi: number, target: Uint8Array, targetLo: number): number {
  let end = targetLo;
  for (let i = lo; i < hi; i++) {
    let byte = bytes[i];
    if (byte === 0x5c && i + 1 < hi) {
      const next = bytes[i + 1];
      if (next === 0x5c || next === 0x22 || next === 0x6e) {
        byte = next === 0x6e ? 0x0a : next;
        i++;
      }
    }
    target[end++] = byte;
  }
  return end;
}

function unescapeText(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
}
