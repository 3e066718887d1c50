/**
 * The port between queries and storage, owned by its user. The embedded engine implements it
 * (database/), and so will adapters for distributed engines.
 *
 * Times are milliseconds since the Unix epoch, ranges `[minMs, maxMs]` are inclusive at both ends. Every call takes a tenant
 * and may be given an AbortSignal (rejects with its reason). `isPartial` is true when something that should have been
 * read could not be.
 */
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import type { Texts } from "../base/texts.ts";
import type { FilterGroups } from "../metricsql/ast.ts";
import type { SharedSearch } from "./shares/share.ts";

export interface SearchRequest {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  readonly signal?: AbortSignal;
  /** More matching series than this: InputError 422. No limit when absent. */
  readonly maxSeries?: number;
  /** The flag that sets it, for the message; `search.maxUniqueTimeseries` when absent. */
  readonly maxSeriesFlag?: string;
}

/**
 * Some series with all their samples of the range, as columns. Series `i` owns `[ends[i-1], ends[i])` of both columns
 * (`ends[-1]` is 0), sorted by time, no two with the same time. Series without a sample in the range do not occur.
 * Arrays may be longer than what `ends` covers. Everything belongs to the cursor and is valid until its next `next()`.
 * Values are bit-exact: staleness markers are the NaN with bits 0x7ff0000000000002.
 */
export interface SeriesBatch {
  readonly series: readonly Labels[];
  readonly ends: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  /** Optional knowledge: 1 where series `i` has exactly the times of series `i-1`. 0 claims nothing. */
  readonly sameTimes?: Uint8Array;
  /** Optional: numbers of the series, by which they are known again as long as `matched.registryEpoch` is the same; -1 where there is none. */
  readonly slots?: Int32Array;
}

/** Batches in no particular order of series; each series is in exactly one batch, whole. */
export interface SampleCursor {
  /** Series that matched the filters; those without samples in the range may be counted. */
  readonly seriesCount: number;
  /** Final once `next()` returned null. */
  readonly isPartial: boolean;
  /** Bytes fetched from disk so far, packed as they are there; absent where nobody knows. */
  readonly bytesRead?: number;
  /** With slots in batches: those of all series that match the filters, ascending, with samples in the range or without; null where that is not known. */
  readonly matched?: { readonly registryEpoch: number; readonly slots: Uint32Array | null };
  next(): Promise<SeriesBatch | null>;
  close(): void;
}

export interface LabelsRequest {
  readonly tenant: Tenant;
  /** Empty: all series. */
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  /** At most this many answers; 0 or absent: all. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Milliseconds of work on this thread, pauses left out: InputError 422 when it would take longer. A source may know no such limit. */
  readonly maxWorkMs?: number;
}

export interface Answer<T> {
  readonly items: T[];
  readonly isPartial: boolean;
  /** Of label names and values, where they are at hand: the items as bytes, for who writes them on and needs no strings. */
  readonly texts?: Texts;
}

/** A moment, see SourceChanges. */
export interface ChangeMark {
  /** Another one, and nothing that was kept holds. */
  readonly epoch: number;
  readonly sequence: number;
  /** Samples up to this time that come after the mark are told of. Milliseconds. */
  readonly settledMs: number;
}

/** Samples that came late: of the series with this slot, or of any, which -1 says. */
export interface LateSamples {
  readonly slot: number;
  readonly registryEpoch: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** What has happened to samples that were read before: for who keeps answers. */
export interface SourceChanges {
  /** Now: taken before something is read, it is the mark of what is read. */
  mark(): ChangeMark;
  /** What came late between two marks with times in the range; null if that is not known, or more has changed than that. */
  between(from: ChangeMark, to: ChangeMark, minMs: number, maxMs: number): readonly LateSamples[] | null;
  /** Samples before this may soon be out of retention. */
  oldestMs(mark: ChangeMark): number;
}

export interface Source {
  /** Null or absent where answers cannot be kept. */
  readonly changes?: SourceChanges | null;
  search(request: SearchRequest): Promise<SampleCursor>;
  /**
   * The same, for who can put together what comes of parts of the series: in shares if there are enough of them. Absent where there is nobody but the query's own thread.
   * `isExact`: that is what would come of all series, to the bit, so that there need be shares only if somebody helps. Else which series are in which share depends on what was
   * found, and not on who has time.
   */
  searchInShares?(request: SearchRequest, isExact: boolean): Promise<SampleCursor | SharedSearch>;
  /** Label sets of series that may have samples in the range, sorted by compareLabels. */
  series(request: LabelsRequest): Promise<Answer<Labels>>;
  /** Label names, sorted, `__name__` included. */
  labelNames(request: LabelsRequest): Promise<Answer<string>>;
  /** Values of one label, sorted. */
  labelValues(label: string, request: LabelsRequest): Promise<Answer<string>>;
}
