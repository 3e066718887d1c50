/**
 * Attributes of protobuf bodies → labels. A string is used where it stands. A list of pairs is flattened, `a` of `{b: 1}` is the
 * label `a.b`; an array becomes its JSON text; bytes become base64: VictoriaMetrics' rules. Nesting is bounded.
 */
import type { ParseReport } from "../report.ts";
import { formatPlain } from "./float-text.ts";
import type { LabelStack } from "./label-stack.ts";
import type { ResourcePromotion } from "./options.ts";
import { formatInt64, type WireReader } from "./wire.ts";

export const ATTRIBUTE_DEPTH_MAX = 32;
export const TOO_DEEP: string = `attribute nested deeper than ${ATTRIBUTE_DEPTH_MAX}`;

/** Field numbers of AnyValue. */
const STRING = 1;
const BOOL = 2;
const INT = 3;
const DOUBLE = 4;
const ARRAY = 5;
const PAIRS = 6;
const BYTES = 7;

export class AttributeReader {
  private readonly reader: WireReader;
  private readonly labels: LabelStack;
  private readonly report: ParseReport;
  /** Set by findPair: places of a KeyValue's key and value; -1 when missing. */
  private keyLo = -1;
  private keyHi = -1;
  private valueLo = -1;
  private valueHi = -1;
  /** Set by findValue: the kind of an AnyValue, its payload's place, or its number in the reader's halves. */
  private payloadLo = 0;
  private payloadHi = 0;

  constructor(reader: WireReader, labels: LabelStack, report: ParseReport) {
    this.reader = reader;
    this.labels = labels;
    this.report = report;
  }

  /** Reads one KeyValue, which ends at `end`. */
  read(end: number): void {
    const { reader, labels } = this;
    this.findPair(end);
    const { keyLo, keyHi, valueHi } = this;
    if (keyLo < keyHi && this.valueLo >= 0) {
      reader.at = this.valueLo;
      const kind = this.findValue(valueHi);
      if (kind === STRING) {
        labels.addFromBody(keyLo, keyHi, this.payloadLo, this.payloadHi);
      } else if (kind !== 0) {
        const nameLo = labels.arenaEnd;
        labels.write(reader.bytes, keyLo, keyHi);
        this.addValue(kind, nameLo, labels.arenaEnd, 1);
      }
    }
    reader.at = end;
  }

  /** Reads one KeyValue of a resource, if it is to be a label. */
  readPromoted(end: number, promotion: ResourcePromotion): void {
    if (!promotion.isAll || promotion.names.size > 0) {
      const { reader } = this;
      const lo = reader.at;
      this.findPair(end);
      const key = this.keyLo < 0 ? "" : textDecoder.decode(reader.bytes.subarray(this.keyLo, this.keyHi));
      reader.at = lo;
      if (promotion.names.has(key) === promotion.isAll) {
        reader.at = end;
        return;
      }
    }
    this.read(end);
  }

  /** Reads one KeyValue whose label is `prefix.key`. */
  readPrefixed(end: number, prefix: string): void {
    const { labels } = this;
    const lo = labels.arenaEnd;
    labels.writeAscii(prefix);
    this.readNested(end, lo, labels.arenaEnd, 1);
  }

  /** A label with a name of ours; its value is in the body, "unknown" if `valueLo` is -1. */
  addNamed(name: string, valueLo: number, valueHi: number): void {
    const { labels, reader } = this;
    const lo = labels.arenaEnd;
    labels.writeAscii(name);
    const middle = labels.arenaEnd;
    if (valueLo < 0) labels.writeAscii("unknown");
    else labels.write(reader.bytes, valueLo, valueHi);
    labels.addFromArena(lo, middle, middle, labels.arenaEnd);
  }

  /** Reads one KeyValue whose label is what the arena has in `[prefixLo, prefixHi)`, a point and the key. */
  private readNested(end: number, prefixLo: number, prefixHi: number, depth: number): void {
    const { reader, labels } = this;
    this.findPair(end);
    if (this.keyLo >= 0 && this.valueLo >= 0) {
      const nameLo = labels.arenaEnd;
      labels.writeAgain(prefixLo, prefixHi);
      labels.writeByte(0x2e);
      labels.write(reader.bytes, this.keyLo, this.keyHi);
      reader.at = this.valueLo;
      const kind = this.findValue(this.valueHi);
      if (kind !== 0) this.addValue(kind, nameLo, labels.arenaEnd, depth);
    }
    reader.at = end;
  }

  /** Adds the value found last under the name that the arena has in `[nameLo, nameHi)`. */
  private addValue(kind: number, nameLo: number, nameHi: number, depth: number): void {
    const { reader, labels } = this;
    if (kind === PAIRS) {
      if (depth >= ATTRIBUTE_DEPTH_MAX) {
        this.report.addSkipped(TOO_DEEP);
        return;
      }
      const end = this.payloadHi;
      reader.at = this.payloadLo;
      while (reader.at < end) {
        if (reader.readTag(end) === 1) this.readNested(reader.readLength(end), nameLo, nameHi, depth + 1);
        else reader.skip(end);
      }
      return;
    }
    const valueLo = labels.arenaEnd;
    if (kind === STRING) labels.write(reader.bytes, this.payloadLo, this.payloadHi);
    else if (kind === ARRAY) {
      if (!this.writeJson(kind, depth)) {
        this.report.addSkipped(TOO_DEEP);
        return;
      }
    } else labels.writeAscii(this.formatScalar(kind));
    labels.addFromArena(nameLo, nameHi, valueLo, labels.arenaEnd);
  }

  /** Appends the value found last to the arena as JSON. False when it is nested too deep. */
  private writeJson(kind: number, depth: number): boolean {
    const { reader, labels } = this;
    switch (kind) {
      case STRING:
        labels.writeJsonString(reader.bytes, this.payloadLo, this.payloadHi);
        return true;
      case BYTES:
        labels.writeAscii(`"${this.formatScalar(kind)}"`);
        return true;
      case DOUBLE: {
        const value = reader.view.getFloat64(this.payloadLo, true);
        labels.writeAscii(Number.isFinite(value) ? String(value) : `"${formatPlain(value)}"`);
        return true;
      }
      case ARRAY:
      case PAIRS:
        return depth < ATTRIBUTE_DEPTH_MAX && this.writeJsonList(kind === PAIRS, depth + 1);
      case 0:
        labels.writeAscii("null");
        return true;
      default:
        labels.writeAscii(this.formatScalar(kind));
        return true;
    }
  }

  private writeJsonList(isPairs: boolean, depth: number): boolean {
    const { reader, labels } = this;
    const end = this.payloadHi;
    reader.at = this.payloadLo;
    labels.writeByte(isPairs ? 0x7b : 0x5b);
    let isFirst = true;
    while (reader.at < end) {
      if (reader.readTag(end) !== 1) {
        reader.skip(end);
        continue;
      }
      const itemEnd = reader.readLength(end);
      let valueHi = itemEnd;
      if (isPairs) {
        this.findPair(itemEnd);
        reader.at = itemEnd;
        if (this.keyLo < 0 || this.valueLo < 0) continue;
        valueHi = this.valueHi;
      }
      if (!isFirst) labels.writeByte(0x2c);
      isFirst = false;
      if (isPairs) {
        labels.writeJsonString(reader.bytes, this.keyLo, this.keyHi);
        labels.writeByte(0x3a);
        reader.at = this.valueLo;
      }
      if (!this.writeJson(this.findValue(valueHi), depth)) return false;
      reader.at = itemEnd;
    }
    labels.writeByte(isPairs ? 0x7d : 0x5d);
    return true;
  }

  private formatScalar(kind: number): string {
    const { reader } = this;
    switch (kind) {
      case BOOL:
        return reader.low === 0 && reader.high === 0 ? "false" : "true";
      case INT:
        return formatInt64(reader.low, reader.high);
      case DOUBLE:
        return formatPlain(reader.view.getFloat64(this.payloadLo, true));
      default: {
        const { bytes } = reader;
        const length = this.payloadHi - this.payloadLo;
        return Buffer.from(bytes.buffer, bytes.byteOffset + this.payloadLo, length).toString("base64");
      }
    }
  }

  private findPair(end: number): void {
    const { reader } = this;
    this.keyLo = this.keyHi = this.valueLo = this.valueHi = -1;
    while (reader.at < end) {
      if (reader.readTag(end) === 1) {
        this.keyHi = reader.readLength(end);
        this.keyLo = reader.at;
        reader.at = this.keyHi;
      } else if (reader.field === 2) {
        this.valueHi = reader.readLength(end);
        this.valueLo = reader.at;
        reader.at = this.valueHi;
      } else {
        reader.skip(end);
      }
    }
  }

  /** Reads the AnyValue from here to `end` and returns its kind; of several the last counts; 0 for none. */
  private findValue(end: number): number {
    const { reader } = this;
    let kind = 0;
    let low = 0;
    let high = 0;
    while (reader.at < end) {
      const field = reader.readTag(end);
      if (field === STRING || field === ARRAY || field === PAIRS || field === BYTES) {
        this.payloadHi = reader.readLength(end);
        this.payloadLo = reader.at;
        reader.at = this.payloadHi;
        kind = field;
      } else if (field === BOOL || field === INT) {
        reader.expectVarint(end);
        kind = field;
        low = reader.low;
        high = reader.high;
      } else if (field === DOUBLE) {
        this.payloadLo = reader.readFixed64(end);
        kind = field;
      } else {
        reader.skip(end);
      }
    }
    reader.low = low;
    reader.high = high;
    return kind;
  }
}

const textDecoder = new TextDecoder();
