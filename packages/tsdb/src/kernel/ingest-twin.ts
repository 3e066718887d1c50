/**
 * What kernels/ingest.ts computes, written for reading: the specification that the kernel is tested against, fault by
 * fault and bit by bit. Slow and generous with objects; no server path runs it.
 *
 *   message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
 *   message TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2;
 *                          repeated Exemplar exemplars = 3; repeated Histogram histograms = 4; }
 *   message Label        { string name = 1; string value = 2; }
 *   message Sample       { double value = 1; int64 timestamp = 2; }
 *   message MetricMetadata { MetricType type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
 *
 * Unknown fields are skipped, groups refused; of a repeated single field the last counts. Sources: Prometheus' remote
 * write specification 1.0, protobuf's encoding guide, snappy's format_description.txt.
 */
import { sipHash128 } from "../base/hash.ts";
import type { Tenant } from "../base/tenant.ts";
import { FAULT, MESSAGE, WireFaultError } from "./wire-fault.ts";

export interface TwinSeries {
  /** The label fields, tags and lengths included, one behind the other, whatever stood between them. */
  readonly raw: Uint8Array;
  /** ±2^53 stands for what is beyond. */
  readonly timestamps: number[];
  /** Eight bytes each, as they came. */
  readonly values: Uint8Array[];
}

export interface TwinRequest {
  /** Those with a label and a sample. */
  readonly series: TwinSeries[];
  /** Payload of each metadata message. */
  readonly metadata: Uint8Array[];
  exemplarCount: number;
  histogramCount: number;
  /** Samples of series without a label. */
  unnamedSampleCount: number;
}

/**
 * Unpacks a snappy block.
 *
 * @throws WireFaultError
 */
export function unsnappyTwin(body: Uint8Array): Uint8Array {
  const fail = (code: number, at: number, value = 0) =>
    new WireFaultError({ code, message: MESSAGE.snappy, field: 0, at, value }, body.length);
  let declared = 0;
  let source = 0;
  for (let byte = 0x80; byte >= 0x80; source++) {
    if (source === 5) throw fail(FAULT.varintLong, 0);
    if (source >= body.length) throw fail(FAULT.varintCut, 0);
    byte = body[source] as number;
    declared += (byte & 0x7f) * 2 ** (7 * source);
  }
  if (declared > 0xffffffff) throw fail(FAULT.varintLong, 0);
  const raw: number[] = [];
  while (source < body.length) {
    const at = source;
    const tag = body[source++] as number;
    const kind = tag & 3;
    // How many bytes after the tag belong to it: of a literal's length, or of a copy's offset.
    const extraBytes = kind === 0 ? Math.max(0, (tag >> 2) - 59) : ([0, 1, 2, 4][kind] as number);
    if (source + extraBytes > body.length) throw fail(FAULT.tagCut, at);
    let extra = 0;
    for (let i = 0; i < extraBytes; i++) extra += (body[source++] as number) * 2 ** (8 * i);
    if (kind === 0) {
      const count = 1 + (extraBytes > 0 ? extra : tag >> 2);
      if (source + count > body.length) throw fail(FAULT.literalInput, at, count);
      if (raw.length + count > declared) throw fail(FAULT.literalOutput, at, count);
      for (let i = 0; i < count; i++) raw.push(body[source++] as number);
    } else {
      const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const offset = kind === 1 ? (tag >> 5) * 256 + extra : extra;
      if (offset === 0 || offset > raw.length) throw fail(FAULT.copyOffset, at, offset);
      if (raw.length + count > declared) throw fail(FAULT.copyOutput, at, count);
      for (let i = 0; i < count; i++) raw.push(raw[raw.length - offset] as number);
    }
  }
  if (raw.length !== declared) throw fail(FAULT.short, body.length, raw.length);
  return Uint8Array.from(raw);
}

/**
 * Parses a raw WriteRequest.
 *
 * @throws WireFaultError
 */
export function parseRemoteWriteTwin(bytes: Uint8Array): TwinRequest {
  const request: TwinRequest = { series: [], metadata: [], exemplarCount: 0, histogramCount: 0, unnamedSampleCount: 0 };
  for (const field of fields(bytes, 0, bytes.length, MESSAGE.request)) {
    if (field.number === 1) parseSeries(bytes, field, request);
    else if (field.number === 3) {
      for (const _ of fields(bytes, field.lo, field.hi, MESSAGE.metadata));
      request.metadata.push(bytes.subarray(field.lo, field.hi));
    }
  }
  return request;
}

/**
 * The 128-bit hash of a series, four words, low first: of 16 bytes of prefix (domain u64, account u32, project u32,
 * little-endian) and the raw bytes that name the series.
 */
export function hashSeriesTwin(key: Uint32Array, domain: number, tenant: Tenant, raw: Uint8Array): Uint32Array {
  const prefix = new Uint8Array(Uint32Array.of(domain, 0, tenant.accountId, tenant.projectId).buffer);
  const message = new Uint8Array([...prefix, ...raw]);
  const target = new Uint32Array(4);
  sipHash128(key, message, 0, message.length, target, 0);
  return target;
}

function parseSeries(bytes: Uint8Array, series: Field, request: TwinRequest): void {
  const raw: number[] = [];
  const timestamps: number[] = [];
  const values: Uint8Array[] = [];
  let exemplars = 0;
  let histograms = 0;
  for (const field of fields(bytes, series.lo, series.hi, MESSAGE.series)) {
    if (field.number === 1) {
      for (const _ of fields(bytes, field.lo, field.hi, MESSAGE.label));
      raw.push(...bytes.subarray(field.at, field.hi));
    } else if (field.number === 2) {
      let timestamp = 0n;
      let value: Uint8Array = new Uint8Array(8);
      for (const part of fields(bytes, field.lo, field.hi, MESSAGE.sample)) {
        if (part.number === 1) value = bytes.slice(part.lo, part.hi);
        else if (part.number === 2) timestamp = BigInt.asIntN(64, part.value);
      }
      timestamps.push(Math.max(-(2 ** 53), Math.min(2 ** 53, Number(timestamp))));
      values.push(value);
    } else if (field.number === 3) exemplars++;
    else if (field.number === 4) histograms++;
  }
  request.exemplarCount += exemplars;
  request.histogramCount += histograms;
  if (raw.length === 0) request.unnamedSampleCount += timestamps.length;
  else if (timestamps.length > 0) request.series.push({ raw: Uint8Array.from(raw), timestamps, values });
}

interface Field {
  readonly number: number;
  /** Offset of the tag. */
  readonly at: number;
  /** Payload, without the length. */
  readonly lo: number;
  readonly hi: number;
  /** Of a varint field; 0 for others. */
  readonly value: bigint;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Wire types of the known fields, by message and number. */
const KNOWN_TYPES: readonly (readonly (number | undefined)[])[] = [
  [],
  [undefined, BYTES, undefined, BYTES],
  [undefined, BYTES, BYTES, BYTES, BYTES],
  [undefined, BYTES, BYTES],
  [undefined, FIXED64, VARINT],
  [undefined, VARINT, BYTES, undefined, BYTES, BYTES],
];

/** The fields of the message `bytes[lo..hi)`, checked one by one as they are asked for. */
function* fields(bytes: Uint8Array, lo: number, hi: number, message: number): Generator<Field> {
  let at = lo;
  while (at < hi) {
    const start = at;
    let number = 0;
    const fail = (code: number, value = 0) =>
      new WireFaultError({ code, message, field: number, at: start, value }, bytes.length);
    const readVarint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; at < hi; shift += 7n) {
        const byte = bytes[at++] as number;
        if (shift === 63n && byte > 1) throw fail(FAULT.varintLong);
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
      throw fail(FAULT.varintCut);
    };
    const tag = readVarint();
    if (tag >> 3n === 0n || tag >> 3n > 0x1fffffffn) throw fail(FAULT.fieldNumber, Number(tag >> 3n));
    number = Number(tag >> 3n);
    const type = Number(tag & 7n);
    let value = 0n;
    let payload = at;
    if (type === VARINT) value = readVarint();
    else if (type === BYTES) {
      const length = readVarint();
      if (length > BigInt(hi - at)) throw fail(FAULT.length, Number(length));
      payload = at;
      at += Number(length);
    } else if (type === FIXED64 || type === FIXED32) {
      const width = type === FIXED64 ? 8 : 4;
      if (width > hi - at) throw fail(FAULT.fixedCut, width);
      at += width;
    } else throw fail(FAULT.wireType, type);
    const known = KNOWN_TYPES[message]?.[number];
    if (known !== undefined && known !== type) throw fail(FAULT.knownType, type);
    yield { number, at: start, lo: payload, hi: at, value };
  }
}
