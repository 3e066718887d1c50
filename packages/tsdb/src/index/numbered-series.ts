/** New series as an index segment takes them: their terms have the numbers that the segment gives them, so that sorting texts is done once, by whoever numbers them. */
import type { Tenant } from "../base/tenant.ts";
import type { HashKey } from "./key-hash.ts";

/** A label of a segment: its values are the terms from `firstTerm + 1` on, up to the next label's `firstTerm`, in order of their bytes. */
export interface NumberedLabel {
  /** `__name__` by this name. */
  readonly name: string;
  /** The term that stands for the label itself. */
  readonly firstTerm: number;
}

/** A tenant's series, by ascending id. Term 0 stands for all of them, then come the terms of the first label, and so on. */
export interface NumberedSeries {
  readonly tenant: Tenant;
  /** `__name__` first, the others by the bytes of their names. */
  readonly labels: readonly NumberedLabel[];
  readonly termCount: number;
  /** The value of a term that stands for one. Valid until the next call of anything. */
  valueBytes(term: number): Uint8Array;
  readonly seriesCount: number;
  idOf(i: number): number;
  /** Labels of all series together. */
  readonly labelTotal: number;
  /**
   * Terms of series from `lo` on, at least one series, ascending for each: those of series `i` go to `terms[ends[i-1]..ends[i])`, where they end to `ends[i]`.
   * Returns how many series it were.
   */
  readTerms(lo: number, terms: Uint32Array, ends: Uint32Array): number;
  /**
   * Hashes of keys (key-hash.ts) and the ids of their series, into `hashes` and `ids` from `lo` on, where `lo` are done: at least one. Each series comes once,
   * in any order. Returns how many it were.
   */
  readHashes(hashKey: HashKey, lo: number, hashes: Uint32Array, ids: Uint32Array): number;
}
