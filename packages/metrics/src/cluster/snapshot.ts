/**
 * All metrics of one process at one moment, as a block of bytes: what a process leaves in the group's directory and what it
 * answers when another one asks.
 *
 *     OFFSET  SIZE
 *     0       8    "NYGROUP1", kind of file and format version
 *     8       4    CRC-32 of everything after it
 *     12      4    bytes of the shape, s
 *     16      4    count of values, n
 *     20      4    bytes of the head, h
 *     24      s    the shape: names, types, labels. JSON
 *     24+s    8n   the values, float64
 *     24+s+8n h    the head: whose and of when. JSON
 *
 * Shape and values are apart because the shape hardly changes: the writer keeps its bytes, the reader keeps what it has parsed, and a
 * snapshot costs little more than copying the values. Integers and floats are in the machine's byte order: the block never leaves it.
 */
import { crc32 } from "node:zlib";
import {
  AGGREGATIONS,
  FAMILY_TYPES,
  type Family,
  type FamilyType,
  type ProcessAggregation,
  type Sample,
  SUFFIXES,
} from "../exposition/family.ts";
import { isLabelText } from "../exposition/label-text.ts";

const MAGIC = "NYGROUP1";
const HEADER_BYTES = 24;

/** No snapshot is longer; about a quarter of a million series. */
export const SNAPSHOT_BYTES_MAX: number = 64 << 20;

export interface Snapshot {
  readonly shape: Shape;
  /** One a sample, in the order of the shape. */
  readonly values: Float64Array;
  /** What the writer said about itself; any JSON. */
  readonly head: unknown;
}

/** Families without their values. One object is shared by all snapshots read with the same bytes. */
export type Shape = readonly ShapeFamily[];

export interface ShapeFamily {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  readonly unit: string;
  readonly aggregation: ProcessAggregation;
  readonly suffixes: readonly Sample["suffix"][];
  readonly labels: readonly string[];
}

/** Bytes that are no snapshot, or a broken one. */
export class SnapshotError extends Error {
  readonly code = "CORRUPT";

  constructor(message: string) {
    super(`snapshot: ${message}`);
    this.name = "SnapshotError";
  }
}

/** `families` as a snapshot, values copied. */
export function takeSnapshot(families: readonly Family[], head: unknown, previous: Snapshot | null): Snapshot {
  let count = 0;
  for (const family of families) count += family.samples.length;
  const values = new Float64Array(count);
  let at = 0;
  for (const family of families) for (const sample of family.samples) values[at++] = sample.value;
  const shape = previous !== null && hasShape(families, previous.shape) ? previous.shape : shapeOf(families);
  return { shape, values, head };
}

/** Keeps the bytes of the latest shape. One a writer. */
export class SnapshotEncoder {
  #shape: Shape | null = null;
  #shapeBytes: Buffer = Buffer.alloc(0);

  encode(snapshot: Snapshot): Buffer {
    if (this.#shape !== snapshot.shape) {
      this.#shape = snapshot.shape;
      this.#shapeBytes = Buffer.from(JSON.stringify(snapshot.shape.map(shapeToJson)));
    }
    const { values } = snapshot;
    const head = Buffer.from(JSON.stringify(snapshot.head));
    const shapeBytes = this.#shapeBytes;
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + shapeBytes.length + values.byteLength + head.length);
    bytes.write(MAGIC, 0, "latin1");
    const header = new Uint32Array([shapeBytes.length, values.length, head.length]);
    bytes.set(new Uint8Array(header.buffer), 12);
    bytes.set(shapeBytes, HEADER_BYTES);
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), HEADER_BYTES + shapeBytes.length);
    bytes.set(head, HEADER_BYTES + shapeBytes.length + values.byteLength);
    bytes.set(new Uint8Array(new Uint32Array([crc32(bytes.subarray(12))]).buffer), 8);
    return bytes;
  }
}

/** Keeps the latest shape it has parsed. One a writer read. */
export class SnapshotDecoder {
  #shapeBytes: Buffer | null = null;
  #shape: Shape = [];

  /** @throws SnapshotError for anything that an encoder of this version has not written whole */
  decode(bytes: Buffer): Snapshot {
    if (bytes.length < HEADER_BYTES)
      throw new SnapshotError(`want ${HEADER_BYTES} bytes of header, got ${bytes.length}`);
    const magic = bytes.toString("latin1", 0, 8);
    if (magic !== MAGIC) throw new SnapshotError(`want ${MAGIC} first, got ${JSON.stringify(magic)}`);
    const [checksum, shapeLength, valueCount, headLength] = new Uint32Array(
      copyBytes(bytes, 8, HEADER_BYTES),
    ) as unknown as [number, number, number, number];
    const length = HEADER_BYTES + shapeLength + valueCount * 8 + headLength;
    if (length !== bytes.length) throw new SnapshotError(`want ${length} bytes, got ${bytes.length}`);
    if (crc32(bytes.subarray(12)) !== checksum) throw new SnapshotError("checksum does not match");
    const shapeEnd = HEADER_BYTES + shapeLength;
    const shape = this.#decodeShape(bytes.subarray(HEADER_BYTES, shapeEnd), valueCount);
    const valuesEnd = shapeEnd + valueCount * 8;
    return {
      shape,
      values: new Float64Array(copyBytes(bytes, shapeEnd, valuesEnd)),
      head: parseJson(bytes.toString("utf8", valuesEnd), "head"),
    };
  }

  #decodeShape(bytes: Buffer, valueCount: number): Shape {
    if (this.#shapeBytes?.equals(bytes)) return this.#shape;
    const shape = parseShape(parseJson(bytes.toString("utf8"), "shape"), valueCount);
    this.#shapeBytes = Buffer.from(bytes);
    this.#shape = shape;
    return shape;
  }
}

/** The snapshot as families again. */
export function snapshotFamilies({ shape, values }: Snapshot): Family[] {
  let at = 0;
  return shape.map(({ suffixes, labels, ...family }) => {
    const samples = labels.map(
      (text, i): Sample => ({ suffix: suffixes[i] ?? "", labels: text, value: values[at++] as number }),
    );
    return { ...family, samples };
  });
}

function hasShape(families: readonly Family[], shape: Shape): boolean {
  if (families.length !== shape.length) return false;
  for (let f = 0; f < families.length; f++) {
    const family = families[f] as Family;
    const known = shape[f] as ShapeFamily;
    const { samples } = family;
    if (samples.length !== known.labels.length || family.name !== known.name || family.type !== known.type)
      return false;
    if (family.help !== known.help || family.unit !== known.unit || family.aggregation !== known.aggregation)
      return false;
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i] as Sample;
      if (sample.labels !== known.labels[i] || sample.suffix !== known.suffixes[i]) return false;
    }
  }
  return true;
}

function shapeOf(families: readonly Family[]): Shape {
  return families.map(({ name, type, help, unit, aggregation, samples }) => ({
    name,
    type,
    help,
    unit,
    aggregation,
    suffixes: samples.map((sample) => sample.suffix),
    labels: samples.map((sample) => sample.labels),
  }));
}

const FAMILY_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** A row a family; suffixes are one digit each, their place in SUFFIXES. */
function shapeToJson({ name, type, help, unit, aggregation, suffixes, labels }: ShapeFamily): unknown {
  return [name, type, help, unit, aggregation, suffixes.map((suffix) => SUFFIXES.indexOf(suffix)).join(""), labels];
}

/** Believes nothing: what comes out can be shown as it is. */
function parseShape(json: unknown, valueCount: number): Shape {
  if (!Array.isArray(json)) throw new SnapshotError("shape is no list");
  let count = 0;
  const shape = json.map((row: unknown): ShapeFamily => {
    const [name, type, help, unit, aggregation, digits, labels] = Array.isArray(row) ? (row as unknown[]) : [];
    if (typeof name !== "string" || !FAMILY_NAME.test(name)) throw new SnapshotError("family without a name");
    if (!FAMILY_TYPES.includes(type as FamilyType)) throw new SnapshotError(`${name}: unknown type`);
    if (!AGGREGATIONS.includes(aggregation as ProcessAggregation))
      throw new SnapshotError(`${name}: unknown aggregation`);
    if (typeof help !== "string" || typeof unit !== "string")
      throw new SnapshotError(`${name}: help or unit is no text`);
    if (!Array.isArray(labels) || typeof digits !== "string" || digits.length !== labels.length)
      throw new SnapshotError(`${name}: want a suffix a label set`);
    for (const text of labels as unknown[]) {
      if (typeof text !== "string" || !isLabelText(text)) throw new SnapshotError(`${name}: broken labels`);
    }
    const suffixes = Array.from(digits, (digit) => SUFFIXES[Number(digit)]);
    if (suffixes.some((suffix) => suffix === undefined)) throw new SnapshotError(`${name}: unknown suffix`);
    count += labels.length;
    return {
      name,
      type: type as FamilyType,
      help,
      unit,
      aggregation: aggregation as ProcessAggregation,
      suffixes: suffixes as Sample["suffix"][],
      labels: labels as string[],
    };
  });
  if (count !== valueCount) throw new SnapshotError(`want ${count} values, got ${valueCount}`);
  return shape;
}

function parseJson(text: string, part: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new SnapshotError(`${part} is no JSON`);
  }
}

/** A copy, because views of float64 need an offset that is a multiple of 8. */
function copyBytes(bytes: Buffer, lo: number, hi: number): ArrayBuffer {
  const copy = new Uint8Array(hi - lo);
  copy.set(bytes.subarray(lo, hi));
  return copy.buffer;
}
