/**
 * What every parser hands to storage: rows as columns, series by the hash of the bytes that named them.
 *
 *   series 0            series 1       series 2
 *   hash 0              hash 1         hash 2          hashes: 4 × 32 bits a series
 *   ├─ samples 0,1,2 ─┤ ├─ sample 3 ─┤ ├─ 4,5 ─┤      sampleEnds: 3, 4, 6
 *
 * Storage finds a known series by its hash alone; only a miss asks for the labels. The hash is 128 bits and keyed
 * per process, so no sender can craft two series into one.
 */
import type { RawLabel } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";

export type { RawLabel } from "../base/labels.ts";

/** Where the labels of a series stand as bytes: `bytes[lo..hi)`, laid out as `form` says (LABELS_AS_… of kernel/label-store.ts). */
export interface LabelPlace {
  bytes: Uint8Array;
  lo: number;
  hi: number;
  form: number;
}

/** The columns belong to the batch, hold until it is filled anew, and may be longer than the counts say. */
export interface WriteBatch {
  readonly tenant: Tenant;
  readonly seriesCount: number;
  readonly sampleCount: number;
  /** Four words a series: keyed 128-bit hash of protocol, tenant and the raw bytes that name the series. */
  readonly hashes: Uint32Array;
  /** Series `i` owns samples `[sampleEnds[i-1], sampleEnds[i])`. */
  readonly sampleEnds: Uint32Array;
  /** Milliseconds since the epoch, integers; ±2^53 stands for anything beyond. */
  readonly timestamps: Float64Array;
  /** Bit-exact; copied only by TypedArray.set and wasm, never through JS arithmetic. */
  readonly values: Float64Array;
  /** Labels of series `i` as they came: any order, possibly empty or repeated names; views valid as long as the batch is. Called only for series not seen before. */
  readLabels(i: number): RawLabel[];
  /** Tells where the same labels stand, for those who read bytes; absent in batches that have no such bytes. */
  locateLabels?(i: number, place: LabelPlace): void;
}
