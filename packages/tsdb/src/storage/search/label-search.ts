/**
 * Which series, label names and label values there are in a range of time.
 *
 * For names and values the index leads: a text belongs to the answer as soon as one of its series does, so most texts cost one look
 * at one series. Only where a filter leaves few series are those looked at instead.
 */
import { compareLabels, type Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import { type Pace, type SeriesIndex, searchSeries } from "../../index/filter-search.ts";
import { IdBits, type NextWanted } from "../../index/id-list.ts";
import { asSeriesIndex } from "../../index/listed-index.ts";
import type { Postings } from "../../index/postings.ts";
import { presence } from "../deletes/presence.ts";
import { Pacer } from "../pacer.ts";
import type { PartitionIndex } from "../parts/partition-index.ts";
import { oldestKeptMs } from "../rules/sample-rules.ts";
import { joinKey, type Snapshot, type StorageSearch } from "./search.ts";

/** A filter that leaves no more series than this: their labels are read one by one. */
const FEW_SERIES = 1_000;
/** Series whose labels are read together. */
const SLICE_SERIES = 4_096;

/** Which texts are asked for: label names, or the values of one label. */
export interface TextQuery {
  /**
   * Finds the texts of wanted series of an index; null wants all series. Texts in `found` need not be proved again. Where texts come in order, those
   * behind the first `limit` that are found may be left out; 0: none may.
   */
  collect(index: SeriesIndex, wanted: NextWanted | null, found: Set<string>, limit: number, pace: Pace): Promise<void>;
  /** The texts of one label set. */
  ofLabels(labels: Labels, found: Set<string>): void;
}

export const LABEL_NAMES: TextQuery = {
  async collect(index, wanted, found, _limit, pace) {
    for (const name of index.names()) {
      if (found.has(name)) continue;
      if (wanted === null || (await (await index.withLabel(name)).some(wanted))) found.add(name);
      if (pace.isDue) await pace.pause();
    }
  },
  ofLabels(labels, found) {
    for (const [name] of labels.entries()) found.add(name);
  },
};

/** Values of one label. */
export function valuesOf(label: string): TextQuery {
  return {
    async collect(index, wanted, found, limit, pace) {
      let left = limit > 0 && index.hasOrder ? limit : Number.POSITIVE_INFINITY;
      for await (const batch of index.values(label)) {
        for (let i = 0; i < batch.count; i++) {
          const text = batch.text(i);
          if (wanted !== null && !found.has(text)) {
            const isWanted = batch.ids(i).some(wanted);
            if (!(isWanted instanceof Promise ? await isWanted : isWanted)) continue;
          }
          found.add(text);
          if (--left === 0) return;
        }
        if (pace.isDue) await pace.pause();
      }
    },
    ofLabels(labels, found) {
      const value = labels.get(label);
      if (value !== "") found.add(value);
    },
  };
}

/**
 * The texts of series that match (all series if the search has no groups) and have samples in its range, unsorted. With a limit above 0 the first so many,
 * in order of their bytes, are among them; others may be missing.
 */
export async function searchTexts(
  snapshot: Snapshot,
  search: StorageSearch,
  query: TextQuery,
  limit: number,
): Promise<Set<string>> {
  const found = new Set<string>();
  const { maxMs, tenant, groups } = search;
  const minMs = Math.max(search.minMs, snapshot.oldestMs);
  const firstMsOf = firstTimes(snapshot, tenant, minMs);
  const pacer = new Pacer(search.signal);
  const isFiltered = groups.length > 0;
  for (const entry of snapshot.partitions) {
    const { index } = entry;
    const present = presence(entry, minMs, maxMs, snapshot);
    const nextPresent = present === null ? null : (id: number) => present.next(id);
    if (present !== null && firstMsOf !== null) {
      // A rule keeps some series shorter than others: all have to be looked at.
      const ids = isFiltered ? await index.search(tenant, groups, pacer) : await index.all(tenant);
      await forEachLabels(index, tenant, await present.keep(ids, pacer), pacer, async (own, id) => {
        if (await present.since(id, firstMsOf(own))) query.ofLabels(own, found);
      });
      search.signal?.throwIfAborted();
      continue;
    }
    for (const own of index.of(tenant)) {
      await index.guarded(own, async () => {
        const matching = isFiltered ? await searchSeries(own, groups, pacer) : null;
        if (matching !== null && matching.length <= FEW_SERIES) {
          const kept = present === null ? matching : await present.keep(matching, pacer);
          for (const labels of await index.labelsOf(tenant, kept, pacer)) {
            if (labels !== null) query.ofLabels(labels, found);
          }
        } else await query.collect(own, both(matching, nextPresent), found, limit, pacer);
      });
    }
    search.signal?.throwIfAborted();
  }
  const head = snapshot.registry.indexOf(tenant);
  if (head !== null && snapshot.stores.length > 0) {
    const index = asSeriesIndex(head);
    const isPresent = (slot: number): boolean => {
      const fromMs = firstMsOf === null ? minMs : firstMsOf(snapshot.registry.labelsOf(slot));
      return snapshot.stores.some((store) => store.overlaps(slot, fromMs, maxMs));
    };
    const matching = isFiltered ? await searchSeries(index, groups, pacer) : null;
    if (matching !== null && matching.length <= FEW_SERIES) {
      for (const slot of matching) if (isPresent(slot)) query.ofLabels(snapshot.registry.labelsOf(slot), found);
    } else {
      const nextPresent: NextWanted = (slot) => (isPresent(slot) ? slot : slot + 1);
      await query.collect(index, both(matching, nextPresent), found, limit, pacer);
    }
  }
  return found;
}

function both(matching: Postings | null, nextPresent: NextWanted | null): NextWanted | null {
  if (matching === null) return nextPresent;
  const bits = IdBits.of(matching);
  if (nextPresent === null) return (id) => bits.next(id);
  return (id) => {
    const next = bits.next(id);
    return next === id ? nextPresent(id) : next;
  };
}

/** Shows the labels of ascending ids that can be read. They are read a slice at a time: there may be millions. */
async function forEachLabels(
  index: PartitionIndex,
  tenant: Tenant,
  ids: Postings,
  pacer: Pacer,
  show: (labels: Labels, id: number) => void | Promise<void>,
): Promise<void> {
  for (let lo = 0; lo < ids.length; lo += SLICE_SERIES) {
    const slice = ids.subarray(lo, lo + SLICE_SERIES);
    const labels = await index.labelsOf(tenant, slice, pacer);
    for (let i = 0; i < slice.length; i++) {
      const own = labels[i] as Labels | null;
      if (own === null) continue;
      const shown = show(own, slice[i] as number);
      if (shown !== undefined) await shown;
    }
    if (pacer.isDue) await pacer.pause();
  }
}

/** Label sets of series that match (all if the search has no groups) and have samples in the range: sorted, at most `limit` (0: all). */
export async function searchLabels(snapshot: Snapshot, search: StorageSearch, limit: number): Promise<Labels[]> {
  const { maxMs, tenant, groups } = search;
  const minMs = Math.max(search.minMs, snapshot.oldestMs);
  const firstMsOf = firstTimes(snapshot, tenant, minMs);
  const found: Labels[] = [];
  // A series can be met twice only if there are two places to meet it.
  const seen = snapshot.partitions.length > 1 ? new Set<string>() : null;
  const slotsSeen = new Uint8Array(snapshot.registry.size);
  const pacer = new Pacer(search.signal);
  for (const entry of snapshot.partitions) {
    const { partition, index } = entry;
    const ids = groups.length === 0 ? await index.all(tenant) : await index.search(tenant, groups, pacer);
    const present = presence(entry, minMs, maxMs, snapshot);
    const kept = present === null ? ids : await present.keep(ids, pacer);
    const add = (own: Labels, id: number): void => {
      if (seen !== null) {
        const key = joinKey(own);
        if (seen.has(key)) return;
        seen.add(key);
      }
      const slot = partition.slotOf(snapshot.registry, id);
      if (slot >= 0) slotsSeen[slot] = 1;
      found.push(own);
    };
    await forEachLabels(
      index,
      tenant,
      kept,
      pacer,
      present === null || firstMsOf === null
        ? add
        : async (own, id) => {
            if (await present.since(id, firstMsOf(own))) add(own, id);
          },
    );
    search.signal?.throwIfAborted();
  }
  const head = snapshot.registry.indexOf(tenant);
  if (head !== null && snapshot.stores.length > 0) {
    let keys = seen;
    const slots = groups.length === 0 ? head.all() : await searchSeries(asSeriesIndex(head), groups, pacer);
    for (const slot of slots) {
      if (slotsSeen[slot] === 1 || !snapshot.stores.some((store) => store.overlaps(slot, minMs, maxMs))) continue;
      const labels = snapshot.registry.labelsOf(slot);
      if (firstMsOf !== null && !snapshot.stores.some((store) => store.overlaps(slot, firstMsOf(labels), maxMs)))
        continue;
      if (snapshot.partitions.length > 0) {
        keys ??= new Set(found.map(joinKey));
        if (keys.has(joinKey(labels))) continue;
      }
      found.push(labels);
    }
  }
  found.sort(compareLabels);
  return limit > 0 ? found.slice(0, limit) : found;
}

/** The first time at which a series' samples count, where a rule keeps some shorter than others; null if there is no such rule. */
function firstTimes({ rules, nowMs }: Snapshot, tenant: Tenant, minMs: number): ((labels: Labels) => number) | null {
  if (rules === null || rules.rules.retentions.length === 0) return null;
  return (labels) => Math.max(minMs, oldestKeptMs(rules.forSeries(tenant, labels), nowMs));
}
