/**
 * OTLP metrics in protobuf (opentelemetry/proto/metrics/v1/metrics.proto), decoded by hand from bytes:
 *
 *     request ─1→ resource metrics ─1→ resource ─1→ attributes
 *                                  ─2→ scope metrics ─1→ scope ─1→ name ─2→ version ─3→ attributes
 *                                                    ─2→ metric ─1→ name ─3→ unit ─5,7,9,10,11→ data ─1→ points
 *
 * Fields come in any order, so what names a series is looked for before its points are read: a second pass over tags, not over bytes.
 * A broken message fails the whole body (InputError with the offset); what was read before it is in the batch.
 */
import { AttributeReader } from "./attributes.ts";
import { DataPoint, type NumberList } from "./data-point.ts";
import { RESOURCE, SCOPE } from "./label-stack.ts";
import { writeExponentialHistogramPoint, writeHistogramPoint, writeNumberPoint, writeSummaryPoint } from "./mapping.ts";
import type { MetricKind } from "./naming.ts";
import type { ResourcePromotion } from "./options.ts";
import type { SeriesWriter } from "./series-writer.ts";
import { int64ToNumber, nanosToMilliseconds, uint64ToNumber, WIRE_BYTES, WIRE_FIXED64, WireReader } from "./wire.ts";

/** Field numbers of Metric's data. */
const GAUGE = 5;
const SUM = 7;
const HISTOGRAM = 9;
const EXPONENTIAL_HISTOGRAM = 10;
const SUMMARY = 11;

const NO_RECORDED_VALUE = 1;

/** Decodes the body, pausing at points where the writer says that the batch is full. */
export function* decodeProtobuf(
  bytes: Uint8Array,
  writer: SeriesWriter,
  promotion: ResourcePromotion,
): Generator<void, void, void> {
  const reader = new WireReader(bytes);
  const decoder = new Decoder(reader, writer, promotion);
  while (reader.at < bytes.length) {
    if (reader.readTag(bytes.length) !== 1) {
      reader.skip(bytes.length);
      continue;
    }
    const resourceEnd = reader.readLength(bytes.length);
    decoder.readResource(resourceEnd);
    while (reader.at < resourceEnd) {
      if (reader.readTag(resourceEnd) !== 2) {
        reader.skip(resourceEnd);
        continue;
      }
      const scopeEnd = reader.readLength(resourceEnd);
      decoder.readScope(scopeEnd);
      while (reader.at < scopeEnd) {
        if (reader.readTag(scopeEnd) !== 2) {
          reader.skip(scopeEnd);
          continue;
        }
        const metricEnd = reader.readLength(scopeEnd);
        if (decoder.readMetric(metricEnd)) {
          while (reader.at < decoder.dataEnd) {
            if (!decoder.readPoint()) continue;
            if (writer.isStepFull) {
              yield;
              writer.beginStep();
            }
          }
        }
        reader.at = metricEnd;
      }
      reader.at = scopeEnd;
    }
    reader.at = resourceEnd;
  }
}

class Decoder {
  /** End of the data of the metric at hand. */
  dataEnd = 0;
  private dataKind = 0;
  private readonly reader: WireReader;
  private readonly writer: SeriesWriter;
  private readonly promotion: ResourcePromotion;
  private readonly attributes: AttributeReader;
  private readonly point: DataPoint = new DataPoint();

  constructor(reader: WireReader, writer: SeriesWriter, promotion: ResourcePromotion) {
    this.reader = reader;
    this.writer = writer;
    this.promotion = promotion;
    this.attributes = new AttributeReader(reader, writer.labels, writer.report);
  }

  /** Labels of the resource whose message starts here and ends at `end`; goes back to where it started. */
  readResource(end: number): void {
    const { reader, promotion } = this;
    const { labels } = this.writer;
    const lo = reader.at;
    labels.clear();
    while (reader.at < end) {
      if (reader.readTag(end) !== 1) {
        reader.skip(end);
        continue;
      }
      const resourceEnd = reader.readLength(end);
      while (reader.at < resourceEnd) {
        if (reader.readTag(resourceEnd) === 1) {
          this.attributes.readPromoted(reader.readLength(resourceEnd), promotion);
        } else {
          reader.skip(resourceEnd);
        }
      }
      reader.at = resourceEnd;
    }
    labels.mark(RESOURCE);
    reader.at = lo;
  }

  readScope(end: number): void {
    const { reader } = this;
    const { labels } = this.writer;
    const lo = reader.at;
    labels.backTo(RESOURCE);
    while (this.promotion.isScopePromoted && reader.at < end) {
      if (reader.readTag(end) !== 1) {
        reader.skip(end);
        continue;
      }
      const scopeEnd = reader.readLength(end);
      this.readScopeNames(scopeEnd);
      while (reader.at < scopeEnd) {
        if (reader.readTag(scopeEnd) === 3)
          this.attributes.readPrefixed(reader.readLength(scopeEnd), "scope.attributes");
        else reader.skip(scopeEnd);
      }
    }
    labels.mark(SCOPE);
    reader.at = lo;
  }

  private readScopeNames(end: number): void {
    const { reader } = this;
    const lo = reader.at;
    let nameLo = -1;
    let nameHi = -1;
    let versionLo = -1;
    let versionHi = -1;
    while (reader.at < end) {
      if (reader.readTag(end) === 1) {
        nameHi = reader.readLength(end);
        nameLo = reader.at;
        reader.at = nameHi;
      } else if (reader.field === 2) {
        versionHi = reader.readLength(end);
        versionLo = reader.at;
        reader.at = versionHi;
      } else {
        reader.skip(end);
      }
    }
    reader.at = lo;
    this.attributes.addNamed("scope.name", nameLo, nameHi);
    this.attributes.addNamed("scope.version", versionLo, versionHi);
  }

  /** Reads what names and describes the metric and goes to its data. False if there is none to read. */
  readMetric(end: number): boolean {
    const { reader, writer } = this;
    writer.labels.backTo(SCOPE);
    let nameLo = 0;
    let nameHi = 0;
    let unit = "";
    let help = "";
    let dataLo = 0;
    this.dataKind = 0;
    while (reader.at < end) {
      const field = reader.readTag(end);
      if (field === 1) {
        nameHi = reader.readLength(end);
        nameLo = reader.at;
        reader.at = nameHi;
      } else if (field === 2 && writer.wantsHelp) {
        help = this.readText(end);
      } else if (field === 3) {
        unit = this.readText(end);
      } else if (
        field === GAUGE ||
        field === SUM ||
        field === HISTOGRAM ||
        field === EXPONENTIAL_HISTOGRAM ||
        field === SUMMARY
      ) {
        this.dataEnd = reader.readLength(end);
        dataLo = reader.at;
        this.dataKind = field;
        reader.at = this.dataEnd;
      } else {
        reader.skip(end);
      }
    }
    if (this.dataKind === 0) {
      writer.report.addSkipped("metric of an unknown kind or without data");
      return false;
    }
    reader.at = dataLo;
    return writer.beginMetric(reader.bytes, nameLo, nameHi, unit, this.readKind(), help);
  }

  private readKind(): MetricKind {
    switch (this.dataKind) {
      case GAUGE:
        return "gauge";
      case SUM:
        return this.readIsMonotonic() ? "counter" : "gauge";
      case SUMMARY:
        return "summary";
      default:
        return "histogram";
    }
  }

  private readIsMonotonic(): boolean {
    const { reader, dataEnd } = this;
    const lo = reader.at;
    let isMonotonic = false;
    while (reader.at < dataEnd) {
      if (reader.readTag(dataEnd) === 3) isMonotonic = reader.readUint32(dataEnd) !== 0;
      else reader.skip(dataEnd);
    }
    reader.at = lo;
    return isMonotonic;
  }

  /** Reads one field of the data; true if it was a point. */
  readPoint(): boolean {
    const { reader, writer, point } = this;
    if (reader.readTag(this.dataEnd) !== 1) {
      reader.skip(this.dataEnd);
      return false;
    }
    const end = reader.readLength(this.dataEnd);
    point.reset();
    writer.labels.backTo(SCOPE);
    switch (this.dataKind) {
      case HISTOGRAM:
        this.readHistogramPoint(end);
        break;
      case EXPONENTIAL_HISTOGRAM:
        this.readExponentialPoint(end);
        break;
      case SUMMARY:
        this.readSummaryPoint(end);
        break;
      default:
        this.readNumberPoint(end);
    }
    if (Number.isNaN(point.timestampMs)) {
      writer.report.addSkipped("data point without a timestamp");
      return true;
    }
    switch (this.dataKind) {
      case HISTOGRAM:
        writeHistogramPoint(point, writer);
        break;
      case EXPONENTIAL_HISTOGRAM:
        writeExponentialHistogramPoint(point, writer);
        break;
      case SUMMARY:
        writeSummaryPoint(point, writer);
        break;
      default:
        writeNumberPoint(point, writer);
    }
    return true;
  }

  private readNumberPoint(end: number): void {
    const { reader, point } = this;
    while (reader.at < end) {
      switch (reader.readTag(end)) {
        case 7:
          this.attributes.read(reader.readLength(end));
          break;
        case 3:
          this.readTimestamp(end);
          break;
        case 4:
          point.valueOffset = reader.readFixed64(end);
          point.hasValue = true;
          break;
        case 6:
          reader.readFixed64(end);
          point.value = int64ToNumber(reader.low, reader.high);
          point.valueOffset = -1;
          point.hasValue = true;
          break;
        case 8:
          this.readFlags(end);
          break;
        default:
          reader.skip(end);
      }
    }
  }

  private readHistogramPoint(end: number): void {
    const { reader, point } = this;
    while (reader.at < end) {
      switch (reader.readTag(end)) {
        case 9:
          this.attributes.read(reader.readLength(end));
          break;
        case 3:
          this.readTimestamp(end);
          break;
        case 4:
          reader.readFixed64(end);
          point.count = uint64ToNumber(reader.low, reader.high);
          break;
        case 5:
          point.sum = reader.readDouble(end);
          point.hasSum = true;
          break;
        case 6:
          this.readFixed64s(end, point.bucketCounts);
          break;
        case 7:
          this.readDoubles(end, point.bounds);
          break;
        case 10:
          this.readFlags(end);
          break;
        default:
          reader.skip(end);
      }
    }
  }

  private readExponentialPoint(end: number): void {
    const { reader, point } = this;
    while (reader.at < end) {
      switch (reader.readTag(end)) {
        case 1:
          this.attributes.read(reader.readLength(end));
          break;
        case 3:
          this.readTimestamp(end);
          break;
        case 4:
          reader.readFixed64(end);
          point.count = uint64ToNumber(reader.low, reader.high);
          break;
        case 5:
          point.sum = reader.readDouble(end);
          point.hasSum = true;
          break;
        case 6:
          point.scale = reader.readSint32(end);
          break;
        case 7:
          reader.readFixed64(end);
          point.zeroCount = uint64ToNumber(reader.low, reader.high);
          break;
        case 8:
          point.positiveOffset = this.readBuckets(reader.readLength(end), point.positiveCounts);
          break;
        case 9:
          point.negativeOffset = this.readBuckets(reader.readLength(end), point.negativeCounts);
          break;
        case 10:
          this.readFlags(end);
          break;
        case 14:
          point.zeroThreshold = reader.readDouble(end);
          break;
        default:
          reader.skip(end);
      }
    }
  }

  /** Adds the counts to `counts` and returns the offset of the first bucket. */
  private readBuckets(end: number, counts: NumberList): number {
    const { reader } = this;
    let offset = 0;
    while (reader.at < end) {
      if (reader.readTag(end) === 1) {
        offset = reader.readSint32(end);
      } else if (reader.field === 2) {
        const isPacked = reader.wire === WIRE_BYTES;
        const countsEnd = isPacked ? reader.readLength(end) : 0;
        if (!isPacked) {
          reader.expectVarint(end);
          counts.push(uint64ToNumber(reader.low, reader.high));
        }
        while (reader.at < countsEnd) {
          reader.readVarint(countsEnd);
          counts.push(uint64ToNumber(reader.low, reader.high));
        }
      } else {
        reader.skip(end);
      }
    }
    return offset;
  }

  private readSummaryPoint(end: number): void {
    const { reader, point } = this;
    while (reader.at < end) {
      switch (reader.readTag(end)) {
        case 7:
          this.attributes.read(reader.readLength(end));
          break;
        case 3:
          this.readTimestamp(end);
          break;
        case 4:
          reader.readFixed64(end);
          point.count = uint64ToNumber(reader.low, reader.high);
          break;
        case 5:
          point.sum = reader.readDouble(end);
          break;
        case 6:
          this.readQuantile(reader.readLength(end));
          break;
        case 8:
          this.readFlags(end);
          break;
        default:
          reader.skip(end);
      }
    }
  }

  private readQuantile(end: number): void {
    const { reader, point } = this;
    let quantile = 0;
    let value = 0;
    while (reader.at < end) {
      if (reader.readTag(end) === 1) quantile = reader.readDouble(end);
      else if (reader.field === 2) value = reader.readDouble(end);
      else reader.skip(end);
    }
    point.quantiles.push(quantile);
    point.quantileValues.push(value);
  }

  /** Repeated fixed64 as integers, packed or one by one. */
  private readFixed64s(end: number, target: NumberList): void {
    const { reader } = this;
    if (reader.wire === WIRE_FIXED64) {
      reader.readFixed64(end);
      target.push(uint64ToNumber(reader.low, reader.high));
      return;
    }
    const listEnd = this.readPackedLength(end);
    const { view } = reader;
    for (let at = reader.at; at < listEnd; at += 8) {
      target.push(uint64ToNumber(view.getUint32(at, true), view.getUint32(at + 4, true)));
    }
    reader.at = listEnd;
  }

  private readDoubles(end: number, target: NumberList): void {
    const { reader } = this;
    if (reader.wire === WIRE_FIXED64) {
      target.push(reader.readDouble(end));
      return;
    }
    const listEnd = this.readPackedLength(end);
    for (let at = reader.at; at < listEnd; at += 8) target.push(reader.view.getFloat64(at, true));
    reader.at = listEnd;
  }

  private readPackedLength(end: number): number {
    const { reader } = this;
    const listEnd = reader.readLength(end);
    if ((listEnd - reader.at) % 8 !== 0) {
      reader.fail(reader.at, `want a multiple of 8 bytes for field ${reader.field}, got ${listEnd - reader.at}`);
    }
    return listEnd;
  }

  private readTimestamp(end: number): void {
    const { reader, point } = this;
    reader.readFixed64(end);
    // 0 is how the data model says that the time is not known.
    point.timestampMs = reader.low === 0 && reader.high === 0 ? NaN : nanosToMilliseconds(reader.low, reader.high);
  }

  private readFlags(end: number): void {
    const { reader } = this;
    this.point.isNoRecordedValue = (reader.readUint32(end) & NO_RECORDED_VALUE) !== 0;
  }

  private readText(end: number): string {
    const { reader } = this;
    const hi = reader.readLength(end);
    const text = textDecoder.decode(reader.bytes.subarray(reader.at, hi));
    reader.at = hi;
    return text;
  }
}

const textDecoder = new TextDecoder();
