/**
 * Reading: which series match, and their samples batch by batch, from the head and from every partition the range touches.
 *
 * A series may be in the head, in several parts and in several months, under a different number in each. They are found and joined once (plan.ts);
 * the cursor then reads planned series in the order in which they stand in the first partition, so that its parts are read from front to back.
 */
import type { SampleColumns } from "../../base/columns.ts";
import type { CorruptionError } from "../../base/errors.ts";
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import { beginColumns, endColumns } from "../../codec/block.ts";
import type { Pace } from "../../index/filter-search.ts";
import type { Postings } from "../../index/postings.ts";
import type { TextRun } from "../../index/text-run.ts";
import type { Tombstones } from "../deletes/tombstones.ts";
import type { Generation } from "../head.ts";
import { BlockGatherer } from "../parts/block-gatherer.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { Partition } from "../parts/partition.ts";
import type { PartitionIndex } from "../parts/partition-index.ts";
import { giveBackScratch, type ReadScratch, takeScratch } from "../parts/read-scratch.ts";
import { boundsOf, resultsOf } from "../rules/merge-rules.ts";
import { decodeApart, type ResultSource } from "../rules/result-decoding.ts";
import {
  ALL_TIME,
  applyAggregates,
  applyRules,
  cutToRange,
  isAggregating,
  type TimeRange,
} from "../rules/rule-application.ts";
import { oldestKeptMs, type RuleBook, type SeriesRules } from "../rules/sample-rules.ts";
import type { SeriesRegistry } from "../series/registry.ts";
import type { Handover, StoredSamples } from "../series/registry-epoch.ts";
import type { Known, TextQuery } from "./label-search.ts";
import { type FoundRows, findSeries, NONE, type Plan, planRows, sliceRows } from "./plan.ts";
import { orderSamples } from "./sample-order.ts";

/** Series looked up together: at most this many, and fewer where they have many samples, whose bytes are fetched at once. */
const GROUP_SERIES_MAX = 512;
const GROUP_SAMPLES_MAX = 1 << 23;
/** Series whose labels are in memory together: a search reads those of millions, and who reads it seldom keeps them. */
const LABELLED_SERIES_MAX = 16 * GROUP_SERIES_MAX;
/** A batch ends when it has this many samples: as many as stay in a processor's cache while queries look at them again and again. */
const BATCH_SAMPLES = 1 << 16;

export interface StorageSearch {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly maxSeries?: number | undefined;
  readonly maxSeriesFlag?: string | undefined;
  /** Of labels, names and values: milliseconds of work, pauses left out. More is refused: InputError 422. */
  readonly maxWorkMs?: number | undefined;
}

/** The head's series as a search asks for them. Slots are below `size`; those of other epochs mean other series. */
export interface HeadSeries {
  readonly epoch: number;
  readonly size: number;
  /** Slots of the tenant's series that match; of all of them without groups. */
  findSlots(tenant: Tenant, groups: FilterGroups, pace: Pace): Promise<Postings>;
  /** Labels of some slots of one tenant. */
  readLabels(slots: Postings, pace: Pace): Promise<readonly Labels[]>;
}

/** A partition as it is when a search starts, as far as a search looks at it. */
export interface PartitionView {
  readonly partition: Pick<Partition, "startMs" | "endMs" | "slotOf">;
  readonly parts: readonly PartReader[];
  readonly index: PartitionIndex;
  /** What is deleted of the parts; null if nothing is. */
  readonly tombstones: Tombstones | null;
  /** There may be series in the index that no part has any more. */
  readonly isSparse: boolean;
}

/**
 * What a search reads: fixed when it starts, whatever is flushed and merged meanwhile. It is the database's own (Snapshot), or on another thread what
 * was made of a description of it (reading/).
 */
export interface SearchView {
  readonly registry: HeadSeries;
  /** Head generations with samples in the range, oldest first. */
  readonly stores: readonly StoredSamples[];
  readonly partitions: readonly PartitionView[];
  /** Rules to apply to what is read, for a time; null if there are none. */
  readonly rules: RuleBook | null;
  readonly nowMs: number;
  /** What is before this is out of retention. */
  readonly oldestMs: number;
  /** True if files of the range could not be opened, or damage was met while reading this snapshot. */
  isPartial: boolean;
  /** Texts of the head's series: see searchHeadTexts. */
  headTexts(search: StorageSearch, query: TextQuery, known: Known, pace: Pace): Promise<TextRun>;
  /** To be told of damage. */
  readonly onCorruption: (part: PartReader, error: CorruptionError) => void;
  /** To be told of samples that rules have taken. */
  readonly onDropped: (samples: number) => void;
  /** Gives back parts and stores. */
  release(): void;
}

export interface SnapshotPartition extends PartitionView {
  readonly partition: Partition;
}

/** What there is to read, where the database is open. */
export interface Snapshot extends SearchView {
  readonly registry: SeriesRegistry;
  readonly partitions: readonly SnapshotPartition[];
  /** Those that `stores` are of, and how their slots became those of the registry, null if they are the same. */
  readonly generations: readonly { readonly generation: Generation; readonly handover: Handover | null }[];
}

/** Some series with all their samples of the range; see query/source.ts, whose SeriesBatch this is. */
export interface SearchBatch {
  readonly series: readonly Labels[];
  readonly ends: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  readonly sameTimes: Uint8Array;
  readonly slots: Int32Array;
}

export class SearchCursor {
  /** Series that were found. Fewer come if labels beyond the first thousands turn out to be damaged. */
  readonly seriesCount: number;
  isPartial: boolean;
  private readonly search: StorageSearch;
  /** What is read: more than what was asked for where rules need whole intervals. */
  private readonly range: TimeRange;
  private readonly snapshot: SearchView;
  private readonly mustRelease: boolean;
  /** What was found; from `rowsAt` on without labels so far. */
  private readonly rows: FoundRows;
  private rowsAt: number;
  /** The rows before them, with labels: of these `[next_, …)` are still to be loaded. */
  private plan: Plan;
  private matchedSlots: Postings | null = null;
  private readonly gatherer: BlockGatherer;
  /** Null once it was given back. */
  private scratch: ReadScratch | null;
  private next_ = 0;
  private isClosed = false;
  private groupSeries = GROUP_SERIES_MAX;
  /** Positions of the loaded group that are still to be decoded: `[groupAt, groupEnd)`, planned series `groupStart + position`. */
  private groupStart = 0;
  private groupAt = 0;
  private groupEnd = 0;

  /** `plan`: the first of the rows. */
  private constructor(snapshot: SearchView, search: StorageSearch, rows: FoundRows, plan: Plan, mustRelease: boolean) {
    this.search = search;
    this.range = readRange(snapshot, search);
    this.snapshot = snapshot;
    this.mustRelease = mustRelease;
    this.isPartial = snapshot.isPartial;
    this.rows = rows;
    this.rowsAt = Math.min(rows.slots.length, LABELLED_SERIES_MAX);
    this.plan = plan;
    this.seriesCount = plan.labels.length + rows.slots.length - this.rowsAt;
    this.scratch = takeScratch();
    this.gatherer = new BlockGatherer((part, error) => {
      this.isPartial = true;
      snapshot.onCorruption(part, error);
    }, this.scratch);
  }

  /** Finds the series; `close()` gives the snapshot back. @throws InputError 422 if more series match than the search allows. */
  static async open(snapshot: SearchView, search: StorageSearch): Promise<SearchCursor> {
    const { rows, matched } = await findSeries(snapshot, widened(snapshot, search));
    const cursor = await SearchCursor.ofRows(snapshot, search, rows, true);
    cursor.matchedSlots = matched;
    return cursor;
  }

  /** Reads series that were found in this snapshot before, or in another thread's view of it. `mustRelease`: `close()` gives the snapshot back. */
  static async ofRows(
    snapshot: SearchView,
    search: StorageSearch,
    rows: FoundRows,
    mustRelease = false,
  ): Promise<SearchCursor> {
    const plan = await planRows(snapshot, search, sliceRows(rows, 0, LABELLED_SERIES_MAX));
    return new SearchCursor(snapshot, search, rows, plan, mustRelease);
  }

  /** Of which registry slots are; slots of all series that match, null where that is not known. */
  get matched(): { readonly registryEpoch: number; readonly slots: Postings | null } {
    return { registryEpoch: this.snapshot.registry.epoch, slots: this.matchedSlots };
  }

  get bytesRead(): number {
    return this.gatherer.bytesRead;
  }

  /** The next series, or null. What it returned before is no longer valid. */
  async next(): Promise<SearchBatch | null> {
    const { search } = this;
    for (;;) {
      search.signal?.throwIfAborted();
      if (!this.isClosed && this.groupAt === this.groupEnd) {
        await this.loadMore();
        search.signal?.throwIfAborted();
      }
      // Closed, perhaps while the group was loaded: what the snapshot held may belong to others by now.
      if (this.isClosed || this.groupAt === this.groupEnd) {
        this.close();
        // Only here: who closes early may still look at the last batch.
        if (this.scratch !== null) giveBackScratch(this.scratch);
        this.scratch = null;
        return null;
      }
      const batch = this.decodeBatch();
      if (batch !== null) return batch;
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.mustRelease) this.snapshot.release();
  }

  /** The next group, if there is one. */
  private async loadMore(): Promise<void> {
    while (this.next_ === this.plan.labels.length && this.rowsAt < this.rows.slots.length) {
      await this.labelMore();
      if (this.isClosed) return;
    }
    if (this.next_ < this.plan.labels.length) await this.loadGroup();
  }

  /** Labels of the next rows. */
  private async labelMore(): Promise<void> {
    const { rows, rowsAt, search, snapshot } = this;
    const hi = Math.min(rows.slots.length, rowsAt + LABELLED_SERIES_MAX);
    this.plan = await planRows(snapshot, search, sliceRows(rows, rowsAt, hi));
    this.next_ = 0;
    this.rowsAt = hi;
    this.isPartial ||= snapshot.isPartial;
  }

  private async loadGroup(): Promise<void> {
    const { plan, snapshot, range, gatherer } = this;
    const lo = this.next_;
    let hi: number;
    for (;;) {
      hi = Math.min(plan.labels.length, lo + this.groupSeries);
      gatherer.begin();
      for (let p = 0; p < snapshot.partitions.length; p++) {
        const { parts, tombstones } = snapshot.partitions[p] as PartitionView;
        const { ids, positions } = idsAndPositions(plan.ids[p] as Uint32Array, lo, hi);
        for (const part of parts) {
          const mask = tombstones?.maskFor(part.fileNumber) ?? null;
          await gatherer.find(part, ids, positions, range.minMs, range.maxMs, mask);
        }
      }
      if (gatherer.sampleCount <= GROUP_SAMPLES_MAX || hi - lo === 1) break;
      this.groupSeries = Math.max(1, Math.floor(((hi - lo) * GROUP_SAMPLES_MAX) / (2 * gatherer.sampleCount)));
    }
    await gatherer.load(hi - lo);
    this.next_ = hi;
    this.groupStart = lo;
    this.groupAt = 0;
    this.groupEnd = hi - lo;
  }

  private decodeBatch(): SearchBatch | null {
    // In here nobody else has a turn, so that what was loaded stays as it is.
    beginColumns();
    try {
      return this.decodeSeries();
    } finally {
      endColumns();
    }
  }

  private decodeSeries(): SearchBatch | null {
    const { plan, range, snapshot, gatherer } = this;
    const { columns, results } = this.scratch as ReadScratch;
    const series: Labels[] = [];
    const ends = new Uint32Array(this.groupEnd - this.groupAt);
    const sameTimes = new Uint8Array(ends.length);
    const slots = new Int32Array(ends.length);
    /** The last position in this batch whose samples came from blocks alone; -1 if that was not the last series. */
    let fromBlocks = -1;
    let rulesBefore: SeriesRules | null = null;
    columns.length = 0;
    columns.reserve(Math.min(BATCH_SAMPLES, gatherer.sampleCount));
    while (this.groupAt < this.groupEnd && columns.length < BATCH_SAMPLES) {
      const position = this.groupAt++;
      const start = columns.length;
      const labels = plan.labels[this.groupStart + position] as Labels;
      const rules = snapshot.rules === null ? null : snapshot.rules.forSeries(this.search.tenant, labels);
      const aggregates = rules !== null && isAggregating(rules);
      let ascends = false;
      if (aggregates) decodeApart(gatherer, position, range, this.resultSources(rules, labels), columns, results);
      else ascends = gatherer.decode(position, range.minMs, range.maxMs, columns);
      const decoded = columns.length;
      const slot = plan.slots[this.groupStart + position] as number;
      if (slot !== NONE) {
        for (const store of snapshot.stores) store.read(slot, range.minMs, range.maxMs, columns);
      }
      // Which times rules leave depends on the times alone, unless values are aggregated.
      const isFromBlocks = columns.length === decoded && !aggregates;
      if (!ascends || columns.length > decoded) orderSamples(columns, start);
      if (rules !== null) this.applyRules(columns, results, start, rules);
      if (columns.length === start) continue;
      const mayBeSame = isFromBlocks && fromBlocks >= 0 && rules === rulesBefore;
      if (mayBeSame && gatherer.haveSameTimes(fromBlocks, position)) sameTimes[series.length] = 1;
      fromBlocks = isFromBlocks ? position : -1;
      rulesBefore = rules;
      slots[series.length] = slot === NONE ? -1 : slot;
      ends[series.length] = columns.length;
      series.push(labels);
    }
    return series.length === 0
      ? null
      : { series, ends, timestamps: columns.timestamps, values: columns.values, sameTimes, slots };
  }

  /** Parts that hold results of the series' aggregate, and when. */
  private resultSources(rules: SeriesRules, labels: Labels): ResultSource[] {
    const sources: ResultSource[] = [];
    for (const { partition, parts } of this.snapshot.partitions) {
      for (const part of parts) {
        const range = resultsOf(part.mark, rules, this.search.tenant, labels, boundsOf(partition));
        if (range !== null) sources.push({ part, range });
      }
    }
    return sources;
  }

  /** Applies the rules to the last series of the columns and leaves what was asked for. */
  private applyRules(columns: SampleColumns, results: SampleColumns, start: number, rules: SeriesRules): void {
    const { search, snapshot } = this;
    const { nowMs } = snapshot;
    let came = columns.length - start;
    applyRules(columns, start, rules, nowMs);
    if (isAggregating(rules)) {
      came += results.length;
      applyAggregates(columns, start, results, rules, nowMs, ALL_TIME);
    }
    snapshot.onDropped(came - (columns.length - start));
    cutToRange(columns, start, { minMs: Math.max(search.minMs, oldestKeptMs(rules, nowMs)), maxMs: search.maxMs });
  }
}

/** The search over all that has to be read for it: rules may need whole intervals. */
export function widened(snapshot: SearchView, search: StorageSearch): StorageSearch {
  return { ...search, ...readRange(snapshot, search) };
}

function readRange({ rules, nowMs }: SearchView, { minMs, maxMs }: StorageSearch): TimeRange {
  return rules?.readRange(minMs, maxMs, nowMs) ?? { minMs, maxMs };
}

/** Ids that are there among planned series `[lo, hi)`, ascending, with their positions from `lo`. */
function idsAndPositions(all: Uint32Array, lo: number, hi: number): { ids: Uint32Array; positions: Uint32Array } {
  const ids = new Uint32Array(hi - lo);
  const positions = new Uint32Array(hi - lo);
  let count = 0;
  let isSorted = true;
  for (let i = lo; i < hi; i++) {
    const id = all[i] as number;
    if (id === NONE) continue;
    if (count > 0 && (ids[count - 1] as number) > id) isSorted = false;
    ids[count] = id;
    positions[count++] = i - lo;
  }
  if (isSorted) return { ids: ids.subarray(0, count), positions: positions.subarray(0, count) };
  const order = positions.slice(0, count).sort((a, b) => (all[lo + a] as number) - (all[lo + b] as number));
  return { ids: order.map((position) => all[lo + position] as number), positions: order };
}
