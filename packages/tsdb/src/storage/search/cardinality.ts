/**
 * How many series there are, and which names, labels and values they come from: what an operator asks when there are too many.
 *
 *   each place with an index (a month's segments, the head) ──► ids of series that match and have samples in the range, each series in one place
 *   label by label ──► values and how many of those ids each has ──► the largest few
 *
 * Counting goes through lists of ids. Labels of single series are read only where one series may be met in two places: several months, or a head
 * whose series no flush has met since the start. One label's values are in memory at a time. Which series have samples in the range is what blocks
 * tell: one with samples before and after a short range may count, too.
 */
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import { type SeriesIndex, searchSeries } from "../../index/filter-search.ts";
import { asSeriesIndex } from "../../index/listed-index.ts";
import { lowerBound, type Postings } from "../../index/postings.ts";
import { NO_ID } from "../../index/segment-reader.ts";
import { seriesKeyOf } from "../../index/series-key.ts";
import { SeriesTable, UNKNOWN_SERIES } from "../../index/series-table.ts";
import { presence } from "../deletes/presence.ts";
import { Pacer } from "../pacer.ts";
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
    slots = found.filter((slot) => snapshot.stores.some((store) => store.overlaps(slot, minMs, maxMs)));
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

  // A slot that a flush has linked is known by its id: no labels need be compared.
  const { registry } = snapshot;
  let unlinked = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    const isCounted = partitions.some(({ entry, places }) => {
      const id = entry.partition.idOf(registry, slot);
      return id >= 0 && places.some((place) => place.has(id));
    });
    if (!isCounted) slots[unlinked++] = slot;
    if (i % 1024 === 1023 && pacer.isDue) await pacer.pause();
  }
  slots = slots.subarray(0, unlinked);

  const withSeries = partitions.filter(({ places }) => totalOf(places) > 0);
  const mayMeetTwice = withSeries.length > 1 || (withSeries.length === 1 && slots.length > 0);
  if (!mayMeetTwice)
    return withHead(
      withSeries.flatMap(({ places }) => places),
      headIndex,
      slots,
    );

  const [only] = withSeries;
  if (withSeries.length === 1 && only !== undefined && slots.length * LOOKUP_COST < totalOf(only.places)) {
    const fresh = await withoutKnown(registry, slots, only, pacer);
    return withHead(only.places, headIndex, fresh);
  }
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
  const labelsOfSlots = async (ids: Postings): Promise<Labels[]> => Array.from(ids, (slot) => registry.labelsOf(slot));
  return withHead(kept, headIndex, await seen.addAll(slots, labelsOfSlots, pacer));
}

/** What looking for one series in an index costs, in series whose labels are read instead. */
const LOOKUP_COST = 16;

/** Those of the slots whose series is not counted in the partition already. */
async function withoutKnown(
  registry: SeriesRegistry,
  slots: Postings,
  { entry, places }: { readonly entry: SnapshotPartition; readonly places: readonly Place[] },
  pacer: Pacer,
): Promise<Postings> {
  const fresh = new Uint32Array(slots.length);
  let freshCount = 0;
  for (let from = 0; from < slots.length; ) {
    const { tenant, count, ...keys } = registry.store.keysOf(slots, from);
    // Copies: the views are void once others have their turn.
    const bytes = keys.bytes.slice();
    const ends = keys.ends.slice();
    const ids = await entry.index.findKeys(tenant, bytes, ends, pacer);
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id === NO_ID || !places.some((place) => place.has(id))) fresh[freshCount++] = slots[from + i] as number;
    }
    from += count;
    if (pacer.isDue) await pacer.pause();
  }
  return fresh.subarray(0, freshCount);
}

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
        if (this.table.find(this.hash, 0) !== UNKNOWN_SERIES) continue;
        this.table.add(this.hash, 0, 0);
        fresh[count++] = slice[i] as number;
      }
      if (pacer.isDue) await pacer.pause();
    }
    return fresh.subarray(0, count);
  }
}

/** Series whose labels are read together. */
const SLICE_SERIES = 1_024;
