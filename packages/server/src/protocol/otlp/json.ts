/**
 * OTLP metrics in JSON: the protobuf messages with lowerCamelCase keys, 64-bit integers as strings or numbers, enums as
 * names or numbers (neither matters here), NaN and the infinities as strings.
 *
 * The document becomes a tape first (json/tape.ts), since keys come in any order and what names a series is needed first. What is no JSON, or has
 * no such shape, fails the body (InputError with line and column); a point with a number that is none is counted as invalid.
 */
import { clampTimestampMs, latin1, parseDecimal, parseSpecialNumber } from "../decimal.ts";
import { unescapeString } from "../json/string.ts";
import { JsonTape } from "../json/tape.ts";
import { excerpt } from "../report.ts";
import { ATTRIBUTE_DEPTH_MAX, TOO_DEEP } from "./attributes.ts";
import { DataPoint, type NumberList } from "./data-point.ts";
import { formatPlain } from "./float-text.ts";
import { RESOURCE, SCOPE } from "./label-stack.ts";
import { writeExponentialHistogramPoint, writeHistogramPoint, writeNumberPoint, writeSummaryPoint } from "./mapping.ts";
import type { MetricKind } from "./naming.ts";
import type { ResourcePromotion } from "./options.ts";
import type { SeriesWriter } from "./series-writer.ts";

const encoder = new TextEncoder();
const textDecoder = new TextDecoder();
const key = (text: string): Uint8Array => encoder.encode(text);

const RESOURCE_METRICS = key("resourceMetrics");
const RESOURCE_KEY = key("resource");
const SCOPE_METRICS = key("scopeMetrics");
const SCOPE_KEY = key("scope");
const METRICS = key("metrics");
const ATTRIBUTES = key("attributes");
const NAME = key("name");
const VERSION = key("version");
const UNIT = key("unit");
const DESCRIPTION = key("description");
const GAUGE = key("gauge");
const SUM = key("sum");
const HISTOGRAM = key("histogram");
const EXPONENTIAL_HISTOGRAM = key("exponentialHistogram");
const SUMMARY = key("summary");
const DATA_POINTS = key("dataPoints");
const IS_MONOTONIC = key("isMonotonic");
const TIME = key("timeUnixNano");
const AS_DOUBLE = key("asDouble");
const AS_INT = key("asInt");
const FLAGS = key("flags");
const COUNT = key("count");
const BUCKET_COUNTS = key("bucketCounts");
const EXPLICIT_BOUNDS = key("explicitBounds");
const SCALE = key("scale");
const ZERO_COUNT = key("zeroCount");
const ZERO_THRESHOLD = key("zeroThreshold");
const POSITIVE = key("positive");
const NEGATIVE = key("negative");
const OFFSET = key("offset");
const QUANTILE_VALUES = key("quantileValues");
const QUANTILE = key("quantile");
const KEY = key("key");
const VALUE = key("value");
const VALUES = key("values");
const STRING_VALUE = key("stringValue");
const BOOL_VALUE = key("boolValue");
const INT_VALUE = key("intValue");
const DOUBLE_VALUE = key("doubleValue");
const ARRAY_VALUE = key("arrayValue");
const PAIRS_VALUE = key("kvlistValue");
const BYTES_VALUE = key("bytesValue");

const NO_RECORDED_VALUE = 1;
/** Not a number, and not the text of one either: a mark that cannot be mistaken for a value. */
const NONE = -1;

/** Decodes the body, pausing at points where the writer says that the batch is full. */
export function* decodeJson(
  bytes: Uint8Array,
  writer: SeriesWriter,
  promotion: ResourcePromotion,
): Generator<void, void, void> {
  const tape = new JsonTape(bytes, "OTLP JSON");
  const decoder = new Decoder(tape, writer, promotion);
  const resources = decoder.findList(0, RESOURCE_METRICS);
  for (let resource = resources + 1; resource < decoder.endOf(resources); resource = tape.nexts[resource]) {
    decoder.readResource(resource);
    const scopes = decoder.findList(resource, SCOPE_METRICS);
    for (let scope = scopes + 1; scope < decoder.endOf(scopes); scope = tape.nexts[scope]) {
      decoder.readScope(scope);
      const metrics = decoder.findList(scope, METRICS);
      for (let metric = metrics + 1; metric < decoder.endOf(metrics); metric = tape.nexts[metric]) {
        const points = decoder.readMetric(metric);
        for (let point = points + 1; point < decoder.endOf(points); point = tape.nexts[point]) {
          decoder.readPoint(point);
          if (writer.isStepFull) {
            yield;
            writer.beginStep();
          }
        }
      }
    }
  }
}

type PointReader = (this: Decoder, entry: number) => void;
type PointWriter = (point: DataPoint, writer: SeriesWriter) => void;

class Decoder {
  private readonly tape: JsonTape;
  private readonly writer: SeriesWriter;
  private readonly promotion: ResourcePromotion;
  private readonly point: DataPoint = new DataPoint();
  private readonly number = { value: 0 };
  private readPointFields: PointReader = this.readNumberPoint;
  private writePoint: PointWriter = writeNumberPoint;
  /** What is wrong with the point at hand; "" if nothing is. */
  private problem = "";

  constructor(tape: JsonTape, writer: SeriesWriter, promotion: ResourcePromotion) {
    this.tape = tape;
    this.writer = writer;
    this.promotion = promotion;
  }

  /** Entry behind a container; for NONE one that ends every loop. */
  endOf(entry: number): number {
    return entry === NONE ? NONE : this.tape.nexts[entry];
  }

  /** The value of a key of an object, NONE when it is missing or null. The last of repeated keys counts. */
  private find(object: number, name: Uint8Array): number {
    const { tape } = this;
    if (!tape.isObject(object)) tape.fail(object, "an object");
    let found = NONE;
    const end = tape.nexts[object];
    for (let entry = object + 1; entry < end; entry = tape.nexts[entry + 1]) {
      if (tape.is(entry, name)) found = entry + 1;
    }
    return found !== NONE && tape.isNull(found) ? NONE : found;
  }

  findList(object: number, name: Uint8Array): number {
    const list = this.find(object, name);
    if (list !== NONE && !this.tape.isArray(list)) this.tape.fail(list, `an array as ${textDecoder.decode(name)}`);
    return list;
  }

  readResource(resourceMetrics: number): void {
    const { labels } = this.writer;
    labels.clear();
    const resource = this.find(resourceMetrics, RESOURCE_KEY);
    if (resource !== NONE) {
      const { promotion, tape } = this;
      const attributes = this.findList(resource, ATTRIBUTES);
      for (let entry = attributes + 1; entry < this.endOf(attributes); entry = tape.nexts[entry]) {
        if (!promotion.isAll || promotion.names.size > 0) {
          const name = this.find(entry, KEY);
          if (promotion.names.has(name === NONE ? "" : this.readText(name)) === promotion.isAll) continue;
        }
        this.readAttribute(entry);
      }
    }
    labels.mark(RESOURCE);
  }

  readScope(scopeMetrics: number): void {
    const { tape } = this;
    const { labels } = this.writer;
    labels.backTo(RESOURCE);
    const scope = this.promotion.isScopePromoted ? this.find(scopeMetrics, SCOPE_KEY) : NONE;
    if (scope !== NONE) {
      this.addNamed("scope.name", this.find(scope, NAME));
      this.addNamed("scope.version", this.find(scope, VERSION));
      const attributes = this.findList(scope, ATTRIBUTES);
      for (let entry = attributes + 1; entry < this.endOf(attributes); entry = tape.nexts[entry]) {
        const lo = labels.arenaEnd;
        labels.writeAscii("scope.attributes");
        this.readNested(entry, lo, labels.arenaEnd, 1);
      }
    }
    labels.mark(SCOPE);
  }

  private addNamed(name: string, value: number): void {
    const { labels } = this.writer;
    const lo = labels.arenaEnd;
    labels.writeAscii(name);
    const middle = labels.arenaEnd;
    if (value === NONE || this.isEmpty(value)) labels.writeAscii("unknown");
    else this.writeText(value);
    labels.addFromArena(lo, middle, middle, labels.arenaEnd);
  }

  /** Reads what names and describes the metric. Returns the list of its points, NONE if there is none to read. */
  readMetric(metric: number): number {
    const { tape, writer } = this;
    if (!tape.isObject(metric)) tape.fail(metric, "an object as metric");
    writer.labels.backTo(SCOPE);
    let name = NONE;
    let unit = "";
    let help = "";
    let data = NONE;
    let kind: MetricKind = "unknown";
    const end = tape.nexts[metric];
    for (let entry = metric + 1; entry < end; entry = tape.nexts[entry + 1]) {
      const value = entry + 1;
      if (tape.isNull(value)) continue;
      if (tape.is(entry, NAME)) name = value;
      else if (tape.is(entry, UNIT)) unit = this.readText(value);
      else if (tape.is(entry, DESCRIPTION)) help = writer.wantsHelp ? this.readText(value) : "";
      else if (tape.is(entry, GAUGE)) {
        data = value;
        kind = "gauge";
        this.readPointFields = this.readNumberPoint;
        this.writePoint = writeNumberPoint;
      } else if (tape.is(entry, SUM)) {
        data = value;
        const isMonotonic = this.find(value, IS_MONOTONIC);
        kind = isMonotonic !== NONE && this.isTrue(isMonotonic) ? "counter" : "gauge";
        this.readPointFields = this.readNumberPoint;
        this.writePoint = writeNumberPoint;
      } else if (tape.is(entry, HISTOGRAM)) {
        data = value;
        kind = "histogram";
        this.readPointFields = this.readHistogramPoint;
        this.writePoint = writeHistogramPoint;
      } else if (tape.is(entry, EXPONENTIAL_HISTOGRAM)) {
        data = value;
        kind = "histogram";
        this.readPointFields = this.readExponentialPoint;
        this.writePoint = writeExponentialHistogramPoint;
      } else if (tape.is(entry, SUMMARY)) {
        data = value;
        kind = "summary";
        this.readPointFields = this.readSummaryPoint;
        this.writePoint = writeSummaryPoint;
      }
    }
    if (data === NONE) {
      writer.report.addSkipped("metric of an unknown kind or without data");
      return NONE;
    }
    const { labels } = writer;
    const lo = labels.arenaEnd;
    if (name !== NONE) this.writeText(name);
    const isNamed = writer.beginMetric(labels.arena, lo, labels.arenaEnd, unit, kind, help);
    labels.backTo(SCOPE);
    return isNamed ? this.findList(data, DATA_POINTS) : NONE;
  }

  readPoint(entry: number): void {
    const { tape, writer, point } = this;
    if (!tape.isObject(entry)) tape.fail(entry, "an object as data point");
    writer.labels.backTo(SCOPE);
    point.reset();
    this.problem = "";
    this.readPointFields(entry);
    if (this.problem !== "") writer.report.addInvalid(this.problem);
    else if (Number.isNaN(point.timestampMs)) writer.report.addSkipped("data point without a timestamp");
    else this.writePoint(point, writer);
  }

  private readNumberPoint(entry: number): void {
    const { tape, point } = this;
    const end = tape.nexts[entry];
    for (let name = entry + 1; name < end; name = tape.nexts[name + 1]) {
      const value = name + 1;
      if (this.readCommonField(name) || tape.isNull(value)) continue;
      if (tape.is(name, AS_DOUBLE) || tape.is(name, AS_INT)) {
        point.value = this.readNumber(value);
        point.hasValue = true;
      }
    }
  }

  private readHistogramPoint(entry: number): void {
    const { tape, point } = this;
    const end = tape.nexts[entry];
    for (let name = entry + 1; name < end; name = tape.nexts[name + 1]) {
      const value = name + 1;
      if (this.readCommonField(name) || tape.isNull(value)) continue;
      if (tape.is(name, COUNT)) point.count = this.readNumber(value);
      else if (tape.is(name, SUM)) this.readSum(value);
      else if (tape.is(name, BUCKET_COUNTS)) this.readNumbers(value, point.bucketCounts);
      else if (tape.is(name, EXPLICIT_BOUNDS)) this.readNumbers(value, point.bounds);
    }
  }

  private readExponentialPoint(entry: number): void {
    const { tape, point } = this;
    const end = tape.nexts[entry];
    for (let name = entry + 1; name < end; name = tape.nexts[name + 1]) {
      const value = name + 1;
      if (this.readCommonField(name) || tape.isNull(value)) continue;
      if (tape.is(name, COUNT)) point.count = this.readNumber(value);
      else if (tape.is(name, SUM)) this.readSum(value);
      else if (tape.is(name, SCALE)) point.scale = this.readNumber(value);
      else if (tape.is(name, ZERO_COUNT)) point.zeroCount = this.readNumber(value);
      else if (tape.is(name, ZERO_THRESHOLD)) point.zeroThreshold = this.readNumber(value);
      else if (tape.is(name, POSITIVE)) point.positiveOffset = this.readBuckets(value, point.positiveCounts);
      else if (tape.is(name, NEGATIVE)) point.negativeOffset = this.readBuckets(value, point.negativeCounts);
    }
  }

  private readSummaryPoint(entry: number): void {
    const { tape, point } = this;
    const end = tape.nexts[entry];
    for (let name = entry + 1; name < end; name = tape.nexts[name + 1]) {
      const value = name + 1;
      if (this.readCommonField(name) || tape.isNull(value)) continue;
      if (tape.is(name, COUNT)) point.count = this.readNumber(value);
      else if (tape.is(name, SUM)) this.readSum(value);
      else if (tape.is(name, QUANTILE_VALUES)) this.readQuantiles(value);
    }
  }

  /** Attributes, time and flags, which all kinds of points have. */
  private readCommonField(name: number): boolean {
    const { tape, point } = this;
    const value = name + 1;
    if (tape.is(name, ATTRIBUTES)) {
      if (tape.isNull(value)) return true;
      if (!tape.isArray(value)) tape.fail(value, "an array as attributes");
      for (let entry = value + 1; entry < tape.nexts[value]; entry = tape.nexts[entry]) this.readAttribute(entry);
      return true;
    }
    if (tape.is(name, TIME)) {
      if (!tape.isNull(value)) point.timestampMs = this.readMilliseconds(value);
      return true;
    }
    if (tape.is(name, FLAGS)) {
      if (!tape.isNull(value)) point.isNoRecordedValue = (this.readNumber(value) & NO_RECORDED_VALUE) !== 0;
      return true;
    }
    return false;
  }

  private readSum(entry: number): void {
    this.point.sum = this.readNumber(entry);
    this.point.hasSum = true;
  }

  private readBuckets(entry: number, counts: NumberList): number {
    const offset = this.find(entry, OFFSET);
    const list = this.find(entry, BUCKET_COUNTS);
    if (list !== NONE) this.readNumbers(list, counts);
    return offset === NONE ? 0 : this.readNumber(offset);
  }

  private readQuantiles(list: number): void {
    const { tape, point } = this;
    if (!tape.isArray(list)) tape.fail(list, "an array as quantileValues");
    for (let entry = list + 1; entry < tape.nexts[list]; entry = tape.nexts[entry]) {
      const quantile = this.find(entry, QUANTILE);
      const value = this.find(entry, VALUE);
      point.quantiles.push(quantile === NONE ? 0 : this.readNumber(quantile));
      point.quantileValues.push(value === NONE ? 0 : this.readNumber(value));
    }
  }

  private readNumbers(list: number, target: NumberList): void {
    const { tape } = this;
    if (!tape.isArray(list)) tape.fail(list, "an array of numbers");
    for (let entry = list + 1; entry < tape.nexts[list]; entry = tape.nexts[entry]) target.push(this.readNumber(entry));
  }

  /** A number, or a string that holds one, "NaN" and "Infinity" included. What is none makes the point invalid. */
  private readNumber(entry: number): number {
    const { tape, number } = this;
    const quote = tape.isString(entry) ? 1 : 0;
    const lo = tape.starts[entry] + quote;
    const hi = tape.ends[entry] - quote;
    const value = parseDecimal(tape.bytes, lo, hi);
    if (!Number.isNaN(value)) return value;
    if (quote === 1 && parseSpecialNumber(tape.bytes, lo, hi, number)) return number.value;
    this.refuse(entry, "a number");
    return 0;
  }

  /** Nanoseconds as digits: the last six are cut off, which is exact however many there are. NaN for 0: no time was given. */
  private readMilliseconds(entry: number): number {
    const { tape } = this;
    const quote = tape.isString(entry) ? 1 : 0;
    const lo = tape.starts[entry] + quote;
    const hi = tape.ends[entry] - quote;
    let nonZero = false;
    for (let i = lo; i < hi; i++) {
      const byte = tape.bytes[i];
      if (byte < 0x30 || byte > 0x39) return this.refuseTime(entry, lo, hi);
      if (byte !== 0x30) nonZero = true;
    }
    if (lo === hi) return this.refuseTime(entry, lo, hi);
    if (!nonZero) return NaN;
    const timestampMs = hi - lo > 6 ? parseDecimal(tape.bytes, lo, hi - 6) : 0;
    // 2^64 ns, the largest a fixed64 could say.
    return timestampMs <= 18_446_744_073_709 ? timestampMs : this.refuseTime(entry, 0, 0);
  }

  /** `1.7e18` is a time as well; anything else makes the point invalid. */
  private refuseTime(entry: number, lo: number, hi: number): number {
    const nanos = parseDecimal(this.tape.bytes, lo, hi);
    if (nanos > 0 && nanos < 2 ** 64) return clampTimestampMs(Math.floor(nanos / 1e6));
    this.refuse(entry, "nanoseconds within 64 bits as timeUnixNano");
    return NaN;
  }

  private refuse(entry: number, wanted: string): void {
    if (this.problem !== "") return;
    const { tape } = this;
    const lo = tape.starts[entry];
    this.problem = `OTLP JSON at byte ${lo}: want ${wanted}, got ${excerpt(tape.bytes, lo, tape.ends[entry])}`;
  }

  private isTrue(entry: number): boolean {
    return this.tape.bytes[this.tape.starts[entry]] === 0x74;
  }

  /** In protobuf an empty string is the same as none. */
  private isEmpty(text: number): boolean {
    return this.tape.ends[text] - this.tape.starts[text] === 2 && this.tape.isString(text);
  }

  /** Whether the entry is `{"key": "…", "value": {…}}` with its members in this order and no others. */
  private isUsualPair(entry: number): boolean {
    const { tape } = this;
    const end = tape.nexts[entry];
    return (
      end >= entry + 5 &&
      tape.isObject(entry) &&
      tape.is(entry + 1, KEY) &&
      tape.isString(entry + 2) &&
      tape.is(entry + 3, VALUE) &&
      tape.isObject(entry + 4) &&
      tape.nexts[entry + 4] === end
    );
  }

  /** Reads one `{"key": …, "value": {…}}` of a level's attributes. */
  private readAttribute(entry: number): void {
    const { tape, writer } = this;
    const { labels } = writer;
    // Writers say key, then value, and nothing else: that needs no search.
    const isUsual = this.isUsualPair(entry);
    const name = isUsual ? entry + 2 : this.find(entry, KEY);
    const value = isUsual ? entry + 4 : this.find(entry, VALUE);
    if (name === NONE || value === NONE || this.isEmpty(name)) return;
    const isUsualText = tape.isObject(value) && tape.is(value + 1, STRING_VALUE) && tape.nexts[value] === value + 3;
    const text = isUsualText && !tape.isNull(value + 2) ? value + 2 : this.find(value, STRING_VALUE);
    if (text !== NONE && tape.isString(name) && tape.isString(text) && !tape.escapes[name] && !tape.escapes[text]) {
      labels.addFromBody(tape.starts[name] + 1, tape.ends[name] - 1, tape.starts[text] + 1, tape.ends[text] - 1);
      return;
    }
    const lo = labels.arenaEnd;
    this.writeText(name);
    this.addValue(value, lo, labels.arenaEnd, 1);
  }

  /** Reads one pair whose label is what the arena has in `[prefixLo, prefixHi)`, a point and the key. */
  private readNested(entry: number, prefixLo: number, prefixHi: number, depth: number): void {
    const { labels } = this.writer;
    const name = this.find(entry, KEY);
    const value = this.find(entry, VALUE);
    if (name === NONE || value === NONE || this.isEmpty(name)) return;
    const lo = labels.arenaEnd;
    labels.writeAgain(prefixLo, prefixHi);
    labels.writeByte(0x2e);
    this.writeText(name);
    this.addValue(value, lo, labels.arenaEnd, depth);
  }

  private addValue(any: number, nameLo: number, nameHi: number, depth: number): void {
    const { tape, writer } = this;
    const { labels, report } = writer;
    const entry = this.findAnyValue(any);
    if (entry === NONE) return;
    const value = entry + 1;
    if (tape.is(entry, PAIRS_VALUE)) {
      if (depth >= ATTRIBUTE_DEPTH_MAX) {
        report.addSkipped(TOO_DEEP);
        return;
      }
      const list = this.findList(value, VALUES);
      for (let pair = list + 1; pair < this.endOf(list); pair = tape.nexts[pair]) {
        this.readNested(pair, nameLo, nameHi, depth + 1);
      }
      return;
    }
    const valueLo = labels.arenaEnd;
    if (tape.is(entry, ARRAY_VALUE)) {
      if (!this.writeJson(entry, depth)) {
        report.addSkipped(TOO_DEEP);
        return;
      }
    } else if (tape.is(entry, STRING_VALUE) || tape.is(entry, BYTES_VALUE)) {
      this.writeText(value);
    } else {
      labels.writeAscii(this.formatScalar(entry, false));
    }
    labels.addFromArena(nameLo, nameHi, valueLo, labels.arenaEnd);
  }

  /** The key of an AnyValue's one member, NONE when it has none that is known. */
  private findAnyValue(any: number): number {
    const { tape } = this;
    if (!tape.isObject(any)) tape.fail(any, "an object as value of an attribute");
    let found = NONE;
    const end = tape.nexts[any];
    for (let entry = any + 1; entry < end; entry = tape.nexts[entry + 1]) {
      if (!tape.isNull(entry + 1) && ANY_VALUES.some((name) => tape.is(entry, name))) found = entry;
    }
    return found;
  }

  /** Appends the member of an AnyValue to the arena as JSON. False when it is nested too deep. */
  private writeJson(entry: number, depth: number): boolean {
    const { tape, writer } = this;
    const { labels } = writer;
    const value = entry + 1;
    if (tape.is(entry, STRING_VALUE) || tape.is(entry, BYTES_VALUE)) {
      this.writeJsonText(value);
      return true;
    }
    const isPairs = tape.is(entry, PAIRS_VALUE);
    if (!isPairs && !tape.is(entry, ARRAY_VALUE)) {
      labels.writeAscii(this.formatScalar(entry, true));
      return true;
    }
    if (depth >= ATTRIBUTE_DEPTH_MAX) return false;
    labels.writeByte(isPairs ? 0x7b : 0x5b);
    const list = this.findList(value, VALUES);
    let isFirst = true;
    for (let item = list + 1; item < this.endOf(list); item = tape.nexts[item]) {
      let any = item;
      let name = NONE;
      if (isPairs) {
        name = this.find(item, KEY);
        any = this.find(item, VALUE);
        if (name === NONE || any === NONE || this.isEmpty(name)) continue;
      }
      if (!isFirst) labels.writeByte(0x2c);
      isFirst = false;
      if (name !== NONE) {
        this.writeJsonText(name);
        labels.writeByte(0x3a);
      }
      const member = this.findAnyValue(any);
      if (member === NONE) labels.writeAscii("null");
      else if (!this.writeJson(member, depth + 1)) return false;
    }
    labels.writeByte(isPairs ? 0x7d : 0x5d);
    return true;
  }

  private formatScalar(entry: number, isJson: boolean): string {
    const { tape } = this;
    const value = entry + 1;
    if (tape.is(entry, BOOL_VALUE)) return this.isTrue(value) ? "true" : "false";
    const quote = tape.isString(value) ? 1 : 0;
    if (tape.is(entry, INT_VALUE)) {
      const text = latin1(
        tape.bytes,
        tape.starts[value] + quote,
        Math.min(tape.ends[value] - quote, tape.starts[value] + 32),
      );
      // Digits as they are: a float64 would cut those of a large int64.
      if (/^-?(0|[1-9][0-9]{0,18})$/.test(text)) return text;
    }
    const number = this.readNumber(value);
    if (!isJson) return formatPlain(number);
    return Number.isFinite(number) ? String(number) : `"${formatPlain(number)}"`;
  }

  private readText(entry: number): string {
    const { labels } = this.writer;
    const lo = labels.arenaEnd;
    this.writeText(entry);
    const text = textDecoder.decode(labels.arena.subarray(lo, labels.arenaEnd));
    labels.arenaEnd = lo;
    return text;
  }

  /** Appends a string's bytes to the arena, escapes undone. */
  private writeText(entry: number): void {
    const { tape } = this;
    const { labels } = this.writer;
    if (!tape.isString(entry)) tape.fail(entry, "a string");
    const lo = tape.starts[entry] + 1;
    const hi = tape.ends[entry] - 1;
    if (tape.escapes[entry] === 0) {
      labels.write(tape.bytes, lo, hi);
      return;
    }
    if (!labels.reserve(hi - lo)) return;
    const end = unescapeString(tape.bytes, lo, hi, labels.arena, labels.arenaEnd);
    if (end < 0) tape.fail(entry, "a string with JSON's escapes only");
    labels.arenaEnd = end;
  }

  /** Appends a string as JSON text: as it was written, since it was JSON. */
  private writeJsonText(entry: number): void {
    const { tape } = this;
    if (!tape.isString(entry)) tape.fail(entry, "a string");
    this.writer.labels.write(tape.bytes, tape.starts[entry], tape.ends[entry]);
  }
}

const ANY_VALUES: readonly Uint8Array[] = [
  STRING_VALUE,
  BOOL_VALUE,
  INT_VALUE,
  DOUBLE_VALUE,
  ARRAY_VALUE,
  PAIRS_VALUE,
  BYTES_VALUE,
];
