/** New series as an index segment takes them: their terms have the numbers that the segment gives them, so that sorting texts is done once, by whoever numbers them. */
import type { Tenant } from "../base/tenant.ts";
import type { HashKey } from "./key-hash.ts";
import type { SeriesTerms } from "./series-terms.ts";

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
  /** Terms of all series, in their order. */
  readonly terms: SeriesTerms;
  /**
   * Hashes of keys (key-hash.ts) of the next series, each to its place in `hashes`: at least one. Each series comes once, in any order, and `done` of them are
   * done. Returns how many it were.
   */
  readHashes(hashKey: HashKey, done: number, hashes: Uint32Array): number;
}
