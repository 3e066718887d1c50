/**
 * How many series there are, and which names, labels and values they come from: what an operator asks when there are too many.
 *
 *   each place with an index (a month's segments, the head) ──► ids of series that match and have samples in the range, each series in one place
 *   label by label ──► values and how many of those ids each has ──► the largest few
 *
 * Counting goes through lists of ids. Labels of single series are read only where one series may be met in several months; which of the head's series
 * a month's index has, its partition knows (Partition.idOf). One label's values are in memory at a time. Which series have samples in the range is what
 * blocks tell: one with samples before and after a short range may count, too.
 */
import type { Labels } from "../../base/labels.ts";
import { NumberList } from "../../base/number-list.ts";
import type { Tenant } from "../../base/tenant.ts";
import { type SeriesIndex, searchSeries } from "../../index/filter-search.ts";
import { asSeriesIndex } from "../../index/listed-index.ts";
import { lowerBound, type Postings } from "../../index/postings.ts";
import { NO_ID } from "../../index/segment-reader.ts";
import { seriesKeyOf } from "../../index/series-key.ts";
import { SeriesTable } from "../../index/series-table.ts";
import { presence } from "../deletes/presence.ts";
import { Pacer } from "../pacer.ts";
import { NOT_HERE, NOT_KNOWN } from "../parts/partition.ts";
import { hashSeriesKey, type SeriesRegistry } from "../series/registry.ts";
import type { Snapshot, SnapshotPartition, StorageSearch } from "./search.ts";
import { type TopEntry, TopList } from "./top-list.ts";

export interface CardinalitySearch extends StorageSearch {
  /** Its values are counted apart; "" for none. */
  readonly focusLabel: string;
  /** Entries of each list. */
  readonly topN: number;
}

export interface Cardinality {
  totalSeries: number;
  /** Labels of all series together, metric names included. */
  totalLabelValuePairs: number;
  seriesCountByMetricName: readonly TopEntry[];
  seriesCountByLabelName: readonly TopEntry[];
  seriesCountByFocusLabelValue: readonly TopEntry[];
  /** Names are `label=value`. */
  seriesCountByLabelValuePair: readonly TopEntry[];
  labelValueCountByLabelName: readonly TopEntry[];
}

/** An index and those of its series that are counted. */
interface Place {
  readonly index: SeriesIndex;
  /** How many are counted. */
  readonly count: number;
  /** Their ids. Null if all of the index' series are counted: the lengths of its lists will do. */
  readonly ids: Postings | null;
  /** True if a series with this id would be among them. */
  has(id: number): boolean;
  /** Reads of its pages go through here; null if damage kept it from being read. */
  guarded<T>(read: () => Promise<T>): Promise<T | null>;
}

/** Series that match (all if the search has no groups) and have samples in the range. @throws the reason of the search's signal */
export async function countSeries(snapshot: Snapshot, search: StorageSearch): Promise<number> {
  const places = await findPlaces(snapshot, search, new Pacer(search.signal));
  return totalOf(places);
}

function totalOf(places: readonly Place[]): number {
  return places.reduce((sum, { count }) => sum + count, 0);
}

/** @throws the reason of the search's signal */
export async function searchCardinality(snapshot: Snapshot, search: CardinalitySearch): Promise<Cardinality> {
  const { focusLabel, topN } = search;
  const pacer = new Pacer(search.signal);
  const places = await findPlaces(snapshot, search, pacer);
  const metricNames = new TopList(topN);
  const labelNames = new TopList(topN);
  const focusValues = new TopList(topN);
  const pairs = new TopList(topN);
  const valueCounts = new TopList(topN);
  let totalLabelValuePairs = 0;
  const names = new Set<string>();
  for (const { index } of places) for (const name of index.names()) names.add(name);
  for (const name of [...names].sort()) {
    const counts = await countValues(places, name, pacer);
    let labelSeries = 0;
    for (const [value, count] of counts) {
      labelSeries += count;
      pairs.add(`${name}=${value}`, count);
      if (name === "__name__") metricNames.add(value, count);
      if (name === focusLabel) focusValues.add(value, count);
      if (pacer.isDue) await pacer.pause();
    }
    totalLabelValuePairs += labelSeries;
    labelNames.add(name, labelSeries);
    valueCounts.add(name, counts.size);
  }
  return {
    totalSeries: totalOf(places),
    totalLabelValuePairs,
    seriesCountByMetricName: metricNames.sorted(),
    seriesCountByLabelName: labelNames.sorted(),
    seriesCountByFocusLabelValue: focusValues.sorted(),
    seriesCountByLabelValuePair: pairs.sorted(),
    labelValueCountByLabelName: valueCounts.sorted(),
  };
}

/** Values of a label with how many of the counted series have each; values of none are left out. */
async function countValues(places: readonly Place[], label: string, pacer: Pacer): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { guarded, ids, index } of places) {
    await guarded(async () => {
      for await (const batch of index.values(label)) {
        for (let i = 0; i < batch.count; i++) {
          const list = batch.ids(i);
          let count = list.count;
          if (ids !== null) {
            const kept = list.retain(ids);
            count = (kept instanceof Promise ? await kept : kept).length;
          }
          if (count > 0) {
            const value = batch.text(i);
            counts.set(value, (counts.get(value) ?? 0) + count);
          }
          if (pacer.isDue) await pacer.pause();
        }
      }
    });
  }
  return counts;
}

async function findPlaces(snapshot: Snapshot, search: StorageSearch, pacer: Pacer): Promise<Place[]> {
  const { groups, maxMs, minMs, signal, tenant } = search;
  const head = snapshot.stores.length > 0 ? snapshot.registry.indexOf(tenant) : null;
  const headIndex = head === null ? null : asSeriesIndex(head);
  let slots: Postings = new Uint32Array(0);
  if (head !== null && headIndex !== null) {
    const found = groups.length === 0 ? head.all() : await searchSeries(headIndex, groups, pacer);
    slots = await withSamples(found, snapshot.stores, minMs, maxMs, pacer);
  }
  const partitions: { readonly entry: SnapshotPartition; readonly places: Place[] }[] = [];
  for (const entry of snapshot.partitions) {
    const present = presence(entry, minMs, maxMs, snapshot);
    const places: Place[] = [];
    for (const own of entry.index.of(tenant)) {
      const guarded = <T>(read: () => Promise<T>): Promise<T | null> => entry.index.guarded(own, read);
      await guarded(async () => {
        if (groups.length === 0 && present === null) {
          const { firstId, lastId, seriesCount: count } = own;
          places.push({ index: own, count, ids: null, has: (id) => id >= firstId && id <= lastId, guarded });
          return;
        }
        const matching = groups.length === 0 ? await (await own.all()).read() : await searchSeries(own, groups, pacer);
        places.push(placeOf(own, present === null ? matching : await present.keep(matching, pacer), guarded));
      });
    }
    partitions.push({ entry, places });
    signal?.throwIfAborted();
  }

  const withSeries = partitions.filter(({ places }) => totalOf(places) > 0);
  for (const { entry, places } of withSeries)
    slots = await withoutCounted(snapshot.registry, slots, entry, places, pacer);
  if (withSeries.length <= 1)
    return withHead(
      withSeries.flatMap(({ places }) => places),
      headIndex,
      slots,
    );

  const seen = new SeenSeries(tenant);
  const kept: Place[] = [];
  // The last month's places stay whole: it is the one most is asked of.
  for (const { entry, places } of [...withSeries].reverse()) {
    for (const place of places) {
      const own = place.index;
      const ids = place.ids ?? (await place.guarded(async () => await (await own.all()).read()));
      if (ids === null) continue;
      const fresh = await seen.addAll(ids, (slice) => entry.index.labelsOf(tenant, slice, pacer), pacer);
      kept.push(fresh.length === ids.length ? place : placeOf(own, fresh, place.guarded));
    }
  }
  return withHead(kept, headIndex, slots);
}

/** Those of the slots that have samples in the range. */
async function withSamples(
  slots: Postings,
  stores: Snapshot["stores"],
  minMs: number,
  maxMs: number,
  pacer: Pacer,
): Promise<Postings> {
  const kept = new Uint32Array(slots.length);
  let count = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    for (const store of stores) {
      if (!store.overlaps(slot, minMs, maxMs)) continue;
      kept[count++] = slot;
      break;
    }
    if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
  }
  return kept.subarray(0, count);
}

/**
 * Those of the slots whose series is not counted in the partition already. What nobody has looked for yet is looked for, and known from then on: few,
 * as the storage looks ahead (look-ahead.ts).
 */
async function withoutCounted(
  registry: SeriesRegistry,
  slots: Postings,
  { index, partition }: SnapshotPartition,
  places: readonly Place[],
  pacer: Pacer,
): Promise<Postings> {
  const unknown = new NumberList();
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    if (partition.idOf(registry, slot) === NOT_KNOWN) unknown.push(slot);
    if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
  }
  // Remembered, or found just now and not to be remembered.
  const found = new Map<number, number>();
  for await (const looked of index.lookUp(registry.store, unknown.all(), pacer)) {
    if (looked.isSure && partition.mayRemember(registry)) partition.remember(registry, looked.slots, looked.ids);
    else {
      for (let i = 0; i < looked.slots.length; i++) {
        if (looked.ids[i] !== NO_ID) found.set(looked.slots[i] as number, looked.ids[i] as number);
      }
    }
  }
  const fresh = new Uint32Array(slots.length);
  let freshCount = 0;
  // Neighbours mostly stand in one place.
  let place = places[0] as Place;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
    let id = partition.idOf(registry, slot);
    if (id < 0 && found.size > 0) id = found.get(slot) ?? NOT_HERE;
    if (id >= 0) {
      if (!place.has(id)) place = places.find((other) => other.has(id)) ?? place;
      if (place.has(id)) continue;
    }
    fresh[freshCount++] = slot;
  }
  return fresh.subarray(0, freshCount);
}

/** Slots between two looks at the pacer. */
const UNPACED = 4_096;

function withHead(places: readonly Place[], index: SeriesIndex | null, slots: Postings): Place[] {
  if (index === null || slots.length === 0) return [...places];
  // The head grows while it is read: its lists are never taken as they are.
  return [...places, placeOf(index, slots, async (read) => await read())];
}

function placeOf(index: SeriesIndex, ids: Postings, guarded: Place["guarded"]): Place {
  const has = (id: number): boolean => ids[lowerBound(ids, id)] === id;
  return { index, count: ids.length, ids, has, guarded };
}

/** Series met so far, by the hash of their labels. */
class SeenSeries {
  private readonly tenant: Tenant;
  private readonly table: SeriesTable = new SeriesTable();
  private readonly hash: Uint32Array = new Uint32Array(4);

  constructor(tenant: Tenant) {
    this.tenant = tenant;
  }

  /** Those of the ids whose series was not met before. */
  async addAll(
    ids: Postings,
    readLabels: (ids: Postings) => Promise<readonly (Labels | null)[]>,
    pacer: Pacer,
  ): Promise<Postings> {
    const fresh = new Uint32Array(ids.length);
    let count = 0;
    for (let lo = 0; lo < ids.length; lo += SLICE_SERIES) {
      const slice = ids.subarray(lo, lo + SLICE_SERIES);
      const labels = await readLabels(slice);
      for (let i = 0; i < slice.length; i++) {
        const own = labels[i] ?? null;
        if (own === null) continue;
        hashSeriesKey(this.tenant, seriesKeyOf(own), this.hash);
        if (this.table.add(this.hash, 0, 0)) fresh[count++] = slice[i] as number;
      }
      if (pacer.isDue) await pacer.pause();
    }
    return fresh.subarray(0, count);
  }
}

/** Series whose labels are read together. */
const SLICE_SERIES = 1_024;
