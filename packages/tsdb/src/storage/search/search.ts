/**
 * Reading: which series match, and their samples batch by batch, from the head and from every partition the range touches.
 *
 * A series may be in the head, in several parts and in several months, under a different number in each. `planSearch` joins them
 * once, by slot where a flush has linked slot and id, by labels elsewhere; the cursor then reads planned series in the order in which
 * they stand in the first partition, so that its parts are read from front to back.
 */
import type { SampleColumns } from "../../base/columns.ts";
import type { CorruptionError } from "../../base/errors.ts";
import { InputError } from "../../base/errors.ts";
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import type { Pace } from "../../index/filter-search.ts";
import { NO_POSTINGS, type Postings } from "../../index/postings.ts";
import type { TextRun } from "../../index/text-run.ts";
import { presence } from "../deletes/presence.ts";
import type { Tombstones } from "../deletes/tombstones.ts";
import type { Generation } from "../head.ts";
import { Pacer } from "../pacer.ts";
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
import { orderSamples } from "./sample-order.ts";

/** Series looked up together: at most this many, and fewer where they have many samples, whose bytes are fetched at once. */
const GROUP_SERIES_MAX = 512;
const GROUP_SAMPLES_MAX = 1 << 23;
/** A batch ends when it has this many samples: as many as stay in a processor's cache while queries look at them again and again. */
const BATCH_SAMPLES = 1 << 16;
/** Series of the head whose labels are read together. */
const LABELS_MAX = 4_096;
const NONE = 0xffff_ffff;

export interface StorageSearch {
  readonly tenant: Tenant;
  readonly groups: FilterGroups;
  readonly minMs: number;
  readonly maxMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly maxSeries?: number | undefined;
  readonly maxSeriesFlag?: string | undefined;
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
}

/** The matching series: labels, slot (NONE if not in the head), and id in each of the snapshot's partitions (NONE if not there). */
interface Plan {
  readonly labels: Labels[];
  readonly slots: Uint32Array;
  readonly ids: Uint32Array[];
}

export class SearchCursor {
  readonly seriesCount: number;
  isPartial: boolean;
  private readonly search: StorageSearch;
  /** What is read: more than what was asked for where rules need whole intervals. */
  private readonly range: TimeRange;
  private readonly snapshot: SearchView;
  private readonly plan: Plan;
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

  private constructor(snapshot: SearchView, search: StorageSearch, range: TimeRange, plan: Plan) {
    this.search = search;
    this.range = range;
    this.snapshot = snapshot;
    this.isPartial = snapshot.isPartial;
    this.plan = plan;
    this.seriesCount = this.plan.labels.length;
    this.scratch = takeScratch();
    this.gatherer = new BlockGatherer((part, error) => {
      this.isPartial = true;
      snapshot.onCorruption(part, error);
    }, this.scratch);
  }

  /** Finds the series; `close()` gives the snapshot back. @throws InputError 422 if more series match than the search allows. */
  static async open(snapshot: SearchView, search: StorageSearch): Promise<SearchCursor> {
    const { minMs, maxMs } = search;
    const range = snapshot.rules?.readRange(minMs, maxMs, snapshot.nowMs) ?? { minMs, maxMs };
    return new SearchCursor(snapshot, search, range, await planSearch(snapshot, { ...search, ...range }));
  }

  get bytesRead(): number {
    return this.gatherer.bytesRead;
  }

  /** The next series, or null. What it returned before is no longer valid. */
  async next(): Promise<SearchBatch | null> {
    const { search } = this;
    for (;;) {
      search.signal?.throwIfAborted();
      if (!this.isClosed && this.groupAt === this.groupEnd && this.next_ < this.seriesCount) {
        await this.loadGroup();
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
    this.snapshot.release();
  }

  private async loadGroup(): Promise<void> {
    const { plan, snapshot, range, gatherer } = this;
    const lo = this.next_;
    let hi: number;
    for (;;) {
      hi = Math.min(this.seriesCount, lo + this.groupSeries);
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
    const { plan, range, snapshot, gatherer } = this;
    const { columns, results } = this.scratch as ReadScratch;
    const series: Labels[] = [];
    const ends = new Uint32Array(this.groupEnd - this.groupAt);
    const sameTimes = new Uint8Array(ends.length);
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
      ends[series.length] = columns.length;
      series.push(labels);
    }
    return series.length === 0
      ? null
      : { series, ends, timestamps: columns.timestamps, values: columns.values, sameTimes };
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

/** Finds the matching series everywhere and joins those that are one. */
export async function planSearch(snapshot: SearchView, search: StorageSearch): Promise<Plan> {
  const { registry, partitions } = snapshot;
  const pacer = new Pacer(search.signal);
  const found: Postings[] = [];
  for (const entry of partitions) {
    const ids = await entry.index.search(search.tenant, search.groups, pacer);
    // What is deleted counts towards no limit.
    const present = entry.isSparse ? presence(entry, search.minMs, search.maxMs, snapshot) : null;
    found.push(present === null ? ids : await present.keep(ids, pacer));
  }
  // Without a generation in the range nothing is asked of the head, and groups that are none match nothing.
  const slots =
    snapshot.stores.length === 0 || search.groups.length === 0
      ? NO_POSTINGS
      : await registry.findSlots(search.tenant, search.groups, pacer);
  let room = slots.length;
  for (const ids of found) {
    room += ids.length;
    // Series of one month are all different: too many of them need no labels to be refused.
    refuseOver(search, ids.length);
  }

  const labels: Labels[] = [];
  const planSlots = new Uint32Array(room).fill(NONE);
  const planIds = partitions.map(() => new Uint32Array(room).fill(NONE));
  const planBySlot = new SlotMap(registry.size, room - slots.length);
  /** Plan number by labels, for series no link tells about. Made only if there is something to join. */
  const byLabels: Map<string, number> = new Map();
  let joined = 0;
  const planWith = (text: Labels): number => {
    for (; joined < labels.length; joined++) byLabels.set(joinKey(labels[joined] as Labels), joined);
    return byLabels.get(joinKey(text)) ?? -1;
  };

  for (let p = 0; p < partitions.length; p++) {
    const { partition, index } = partitions[p] as PartitionView;
    const ids = found[p] as Postings;
    const texts = await index.labelsOf(search.tenant, ids, pacer);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      const text = texts[i] as Labels | null;
      if (text === null) continue;
      if ((i & 1023) === 1023 && pacer.isDue) await pacer.pause();
      const slot = partition.slotOf(registry, id);
      let plan = slot >= 0 ? planBySlot.get(slot) : -1;
      if (plan < 0 && p > 0) plan = planWith(text);
      if (plan < 0) plan = labels.push(text) - 1;
      (planIds[p] as Uint32Array)[plan] = id;
      if (slot >= 0) {
        planBySlot.set(slot, plan);
        planSlots[plan] = slot;
      }
    }
  }
  const inPartitions = labels.length;
  const unmet = new Uint32Array(slots.length);
  let unmetCount = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    if ((i & 1023) === 1023 && pacer.isDue) await pacer.pause();
    if (planBySlot.get(slot) >= 0) continue;
    if (snapshot.stores.some((store) => store.overlaps(slot, search.minMs, search.maxMs))) unmet[unmetCount++] = slot;
  }
  // Series of the head alone are all different: too many of them need no labels to be refused.
  refuseOver(search, unmetCount);
  for (let lo = 0; lo < unmetCount; lo += LABELS_MAX) {
    const slice = unmet.subarray(lo, Math.min(unmetCount, lo + LABELS_MAX));
    const texts = await registry.readLabels(slice, pacer);
    for (let i = 0; i < slice.length; i++) {
      const text = texts[i] as Labels;
      // Series that only the head has cannot meet each other here: one series has one slot.
      let plan = inPartitions > 0 ? planWith(text) : -1;
      if (plan < 0) plan = labels.push(text) - 1;
      planSlots[plan] = slice[i] as number;
    }
    if (pacer.isDue) await pacer.pause();
  }
  refuseOver(search, labels.length);
  return { labels, slots: planSlots, ids: planIds };
}

/** @throws InputError 422 for more series than the limit; 0 is none */
function refuseOver(
  { maxSeries: limit = 0, maxSeriesFlag = "search.maxUniqueTimeseries" }: StorageSearch,
  series: number,
): void {
  if (limit > 0 && series > limit) {
    throw new InputError(
      `the selector matches ${series} series and at most ${limit} are allowed: narrow it, shorten the time range, or raise -${maxSeriesFlag}`,
      422,
    );
  }
}

/** Plan number by slot, for slots that were met through a partition's link: an array when many are expected, a Map when few. */
class SlotMap {
  /** Plan number + 1. A slot that is newer than this map has no place in it. */
  private readonly array: Uint32Array | null;
  private readonly map: Map<number, number> = new Map();

  constructor(slotCount: number, expected: number) {
    this.array = expected * 16 > slotCount ? new Uint32Array(slotCount) : null;
  }

  /** -1 if the slot was not met. */
  get(slot: number): number {
    return this.array === null ? (this.map.get(slot) ?? -1) : (this.array[slot] ?? 0) - 1;
  }

  set(slot: number, plan: number): void {
    if (this.array === null) this.map.set(slot, plan);
    else this.array[slot] = plan + 1;
  }
}

/** Labels as one string, each text behind its length: no two label sets have the same, whatever bytes are in them. */
export function joinKey({ name, pairs }: Labels): string {
  let key = `${name.length}:${name}`;
  for (let i = 0; i < pairs.length; i++) {
    const text = pairs[i] as string;
    key += `${text.length}:${text}`;
  }
  return key;
}
