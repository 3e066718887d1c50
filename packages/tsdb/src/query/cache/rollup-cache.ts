/**
 * Answers of leaves that were computed before: columns of a selector's rollup, or of the groups of an aggregate over it, up to the end of the settled past. One cache belongs to one
 * source. What is in it is never changed but for its mark: who is evaluating may go on using what has been replaced meanwhile.
 */
import type { Labels } from "../../base/labels.ts";
import type { ChangeMark } from "../source.ts";
import type { SeriesProfiles } from "./series-watch.ts";

export interface LeafSeries {
  readonly labels: Labels;
  /** A value a point. */
  readonly values: Float64Array;
  /** Of PromQL: where there is a value; null: everywhere. Of MetricsQL null, and NaN stands for none. */
  readonly present: Uint8Array | null;
  /** The last sample that was read of it, or of any series of the group. Of MetricsQL, where a series without a value is not the same as none. */
  readonly lastMs: number;
}

export interface KeptSeries extends LeafSeries {
  /** Its labels as a text. */
  readonly key: string;
}

export interface KeptLeaf {
  readonly startMs: number;
  readonly points: number;
  readonly series: readonly KeptSeries[];
  /** Series that were read for it. */
  readonly seriesCount: number;
  /** Remarks about the series, as long as there are any. */
  readonly notes: ReadonlySet<string>;
  /** Null where values depend on nothing but the samples of their windows. */
  readonly profiles: SeriesProfiles | null;
  readonly bytes: number;
  /** It is known to hold what had happened by then, of points from `validFromMs` on. */
  mark: ChangeMark;
  validFromMs: number;
}

export interface RollupCacheCounters {
  /** Leaves that were answered without reading, by reading what is new, and by reading all. */
  fullHits: number;
  partialHits: number;
  misses: number;
}

/** Leaves that were asked for once: so many are remembered. */
const SEEN_MAX = 4_096;
/** Of all memory, for one leaf. */
const LARGEST_SHARE = 1 / 4;
/** What an entry takes beside its columns. */
const ENTRY_BYTES = 500;
const SERIES_BYTES = 250;

export class RollupCache {
  readonly counters: RollupCacheCounters = { fullHits: 0, partialHits: 0, misses: 0 };
  readonly maxBytes: number;
  #bytes = 0;
  /** The one that was not used for longest comes first. */
  readonly #leaves: Map<string, KeptLeaf> = new Map();
  readonly #seen: Set<string> = new Set();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    return this.#leaves.size;
  }

  get(key: string): KeptLeaf | null {
    const leaf = this.#leaves.get(key);
    if (leaf === undefined) return null;
    this.#leaves.delete(key);
    this.#leaves.set(key, leaf);
    return leaf;
  }

  /** Whether it is worth keeping: it was asked for before. */
  isWanted(key: string): boolean {
    if (this.#seen.has(key)) return true;
    if (this.#seen.size >= SEEN_MAX)
      for (const oldest of [...this.#seen].slice(0, SEEN_MAX / 2)) this.#seen.delete(oldest);
    this.#seen.add(key);
    return false;
  }

  put(key: string, leaf: KeptLeaf): void {
    this.drop(key);
    if (leaf.bytes > this.maxBytes * LARGEST_SHARE) return;
    this.#leaves.set(key, leaf);
    this.#bytes += leaf.bytes + 2 * key.length;
    for (const oldest of this.#leaves.keys()) {
      if (this.#bytes <= this.maxBytes) return;
      this.drop(oldest);
    }
  }

  drop(key: string): void {
    const leaf = this.#leaves.get(key);
    if (leaf === undefined) return;
    this.#leaves.delete(key);
    this.#bytes -= leaf.bytes + 2 * key.length;
  }

  /** Forgets everything. */
  reset(): void {
    this.#leaves.clear();
    this.#seen.clear();
    this.#bytes = 0;
  }
}

/** What an entry takes in memory. */
export function bytesOfLeaf(series: readonly KeptSeries[], points: number, profiles: SeriesProfiles | null): number {
  let bytes = ENTRY_BYTES + (profiles?.bytes ?? 0);
  for (const { key, present } of series) {
    bytes += SERIES_BYTES + 4 * key.length + points * (present === null ? 8 : 9);
  }
  return bytes;
}
