/**
 * Remote write 1.0: a body as it came → a batch. The work is done by kernels/ingest.ts; what can be asked of the
 * batch afterwards (labels of a series not seen before, metadata) is read out of the kernel's memory here.
 *
 *   const parser = new RemoteWriteParser();
 *   const batch = parser.parse(body, { tenant, compression: "snappy", maxBytes: 32 << 20 });
 */
import { BugError, InputError } from "../base/errors.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import { VarintReader } from "../base/varint.ts";
import { IngestKernel, processHashKey, type RecallSize, USUAL_RECALL } from "../kernel/ingest-kernel.ts";
import { LABELS_AS_PROTOBUF } from "../kernel/label-store.ts";
import type { LabelPlace, RawLabel, WriteBatch } from "./batch.ts";

export interface RemoteWriteOptions {
  readonly tenant: Tenant;
  /** "none" also for what another layer has unpacked. */
  readonly compression: "snappy" | "none";
  /** Limit of the body, packed and unpacked. */
  readonly maxBytes: number;
}

/** Metadata of a metric family, as the sender wrote it. Views are valid as long as the batch is. */
export interface RawMetadata {
  /** Number of prometheus.MetricMetadata.MetricType: 0 unknown, 1 counter, 2 gauge, 3 histogram, … */
  readonly type: number;
  readonly familyName: Uint8Array;
  readonly help: Uint8Array;
  readonly unit: Uint8Array;
}

/** Memory of a parser that a body grew beyond this is given back before the next one. */
const KEPT_MEMORY_BYTES = 64 << 20;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Parses one body at a time and owns the memory in which the last batch lies: a batch is void with the next parse(). */
export class RemoteWriteParser {
  readonly #hashKey: Uint32Array;
  readonly #recall: RecallSize | null;
  #kernel: IngestKernel | undefined;

  /**
   * Hashes of parsers agree when their keys do; all of a process use the same unless told otherwise. `recall`: what is remembered of earlier
   * bodies, so that series that come again in the order they came before cost a comparison; null for nothing.
   */
  constructor(hashKey: Uint32Array = processHashKey, recall: RecallSize | null = USUAL_RECALL) {
    this.#hashKey = hashKey;
    this.#recall = recall;
  }

  /**
   * Parses all of a body before anything of it is seen: a request is taken whole or not at all.
   *
   * @throws InputError 400 (a WireFaultError) with the offset of what is not well-formed, 413 when it is too large.
   */
  parse(body: Uint8Array, options: RemoteWriteOptions): RemoteWriteBatch {
    this.release();
    this.#kernel ??= new IngestKernel(this.#hashKey, this.#recall);
    const kernel = this.#kernel;
    try {
      kernel.load(body, options.compression === "snappy", options.maxBytes);
      kernel.parse(options.tenant);
    } catch (error) {
      if (error instanceof InputError || error instanceof BugError) throw error;
      // A trap: a bound the kernel missed, that the memory's own did not. Whatever the body did to it goes with it.
      this.#kernel = undefined;
      throw Object.assign(new InputError("remote write: the request could not be parsed"), { cause: error });
    }
    return new RemoteWriteBatch(options.tenant, kernel);
  }

  /** Gives back the memory if a large body grew it. Voids the last batch then. Called by parse(), or when idle. */
  release(): void {
    if (this.#kernel !== undefined && this.#kernel.memoryBytes > KEPT_MEMORY_BYTES) this.#kernel = undefined;
  }
}

/** Columns are views of the parser's memory, exactly as long as the counts say. */
export class RemoteWriteBatch implements WriteBatch {
  readonly tenant: Tenant = DEFAULT_TENANT;
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly hashes: Uint32Array;
  readonly sampleEnds: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly metadataCount: number;
  /** Counted and skipped: exemplars, native histograms, samples of series without a label. */
  readonly exemplarCount: number;
  readonly histogramCount: number;
  readonly unnamedSampleCount: number;
  readonly #bytes: Uint8Array;
  readonly #labelRanges: Uint32Array;
  readonly #metadataRanges: Uint32Array;

  constructor(tenant: Tenant, kernel: IngestKernel) {
    this.tenant = tenant;
    this.seriesCount = kernel.seriesCount;
    this.sampleCount = kernel.sampleCount;
    this.hashes = kernel.hashes;
    this.sampleEnds = kernel.sampleEnds;
    this.timestamps = kernel.timestamps;
    this.values = kernel.values;
    this.metadataCount = kernel.metadataCount;
    this.exemplarCount = kernel.exemplarCount;
    this.histogramCount = kernel.histogramCount;
    this.unnamedSampleCount = kernel.unnamedSampleCount;
    this.#bytes = kernel.bytes;
    this.#labelRanges = kernel.labelRanges;
    this.#metadataRanges = kernel.metadataRanges;
  }

  readLabels(i: number): RawLabel[] {
    const labels: RawLabel[] = [];
    const outer = new VarintReader(
      this.#bytes,
      this.#labelRanges[2 * i] as number,
      this.#labelRanges[2 * i + 1] as number,
    );
    while (outer.at < outer.end) {
      outer.next();
      const length = outer.next();
      const label = readMessage(this.#bytes, outer.at, outer.at + length, 2);
      labels.push({ name: label.texts[1] ?? NO_BYTES, value: label.texts[2] ?? NO_BYTES });
      outer.at += length;
    }
    return labels;
  }

  locateLabels(i: number, place: LabelPlace): void {
    place.bytes = this.#bytes;
    place.lo = this.#labelRanges[2 * i] as number;
    place.hi = this.#labelRanges[2 * i + 1] as number;
    place.form = LABELS_AS_PROTOBUF;
  }

  /** Metadata message `i` of `metadataCount`. */
  readMetadata(i: number): RawMetadata {
    const ranges = this.#metadataRanges;
    const message = readMessage(this.#bytes, ranges[2 * i] as number, ranges[2 * i + 1] as number, 5);
    const { texts } = message;
    return {
      type: Math.max(0, message.firstNumber),
      familyName: texts[2] ?? NO_BYTES,
      help: texts[4] ?? NO_BYTES,
      unit: texts[5] ?? NO_BYTES,
    };
  }
}

/** Field 1 if it is a number, and texts by field number up to `highest`, of a message that the kernel has checked. */
function readMessage(
  bytes: Uint8Array,
  lo: number,
  hi: number,
  highest: number,
): { firstNumber: number; texts: (Uint8Array | undefined)[] } {
  const texts: (Uint8Array | undefined)[] = new Array(highest + 1).fill(undefined);
  let firstNumber = 0;
  const reader = new VarintReader(bytes, lo, hi);
  while (reader.at < hi) {
    const tag = reader.next();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0: {
        const value = reader.next();
        if (number === 1) firstNumber = value;
        break;
      }
      case 1:
        reader.at += 8;
        break;
      case 2: {
        const length = reader.next();
        if (number <= highest) texts[number] = bytes.subarray(reader.at, reader.at + length);
        reader.at += length;
        break;
      }
      case 5:
        reader.at += 4;
        break;
      default:
        throw new BugError("the ingest kernel let a malformed message through");
    }
  }
  return { firstNumber, texts };
}
