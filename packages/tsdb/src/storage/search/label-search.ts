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
import { mergeRuns, TextRun } from "../../index/text-run.ts";
import { presence } from "../deletes/presence.ts";
import { Pacer } from "../pacer.ts";
import type { PartitionIndex } from "../parts/partition-index.ts";
import { oldestKeptMs } from "../rules/sample-rules.ts";
import { joinKey } from "./row-labels.ts";
import type { SearchView, Snapshot, StorageSearch } from "./search.ts";

/** A filter that leaves no more series than this: their labels are read one by one. */
const FEW_SERIES = 1_000;
/** Texts of the head there is room for at once. */
const HEAD_TEXTS = 1_024;
/** Series whose labels are read together. */
const SLICE_SERIES = 4_096;

/** What was found in the indexes before, and how much is wanted. */
export class Known {
  /** Sorted. */
  runs: TextRun[] = [];
  /** The first so many in order of their bytes are wanted; 0: all are. */
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** True if the last text of `found` was found before. */
  hasLast(found: TextRun): boolean {
    for (const run of this.runs) if (run.has(found, found.count - 1)) return true;
    return false;
  }

  /** True if the limit does not want the last text of `found`, whoever has it. */
  isLastBehind(found: TextRun): boolean {
    const [run] = this.runs;
    return this.limit > 0 && run?.count === this.limit && run.compare(this.limit - 1, found, found.count - 1) <= 0;
  }

  /** Makes one run of all. */
  merge(): TextRun {
    const merged = mergeRuns(this.runs, this.limit);
    this.runs = [merged];
    return merged;
  }
}

/** Which texts are asked for: label names, or the values of one label. */
export interface TextQuery {
  /** The label whose values are asked for; null for names. */
  readonly label: string | null;
  /** With room for the texts of an index. */
  newRun(index: SeriesIndex, limit: number): TextRun;
  /** Adds the texts of wanted series of an index to `found`; null wants all series. What is known, or behind the limit, may be left out. */
  collect(index: SeriesIndex, wanted: NextWanted | null, found: TextRun, known: Known, pace: Pace): Promise<void>;
  /** The texts of one label set. */
  ofLabels(labels: Labels, found: Set<string>): void;
}

export const LABEL_NAMES: TextQuery = {
  label: null,
  newRun: () => new TextRun(),
  async collect(index, wanted, found, known, pace) {
    for (const name of index.names()) {
      found.addText(name);
      if (known.hasLast(found)) found.dropLast();
      else if (wanted !== null && !(await (await index.withLabel(name)).some(wanted))) found.dropLast();
      if (pace.isDue) await pace.pause();
    }
  },
  ofLabels(labels, found) {
    for (const [name] of labels.entries()) found.add(name);
  },
};

/** To prove that a value of more series is wanted may take longer than to see that it is known. */
const PROVED_SERIES = 32;

/** Of most values, at most. */
const VALUE_BYTES = 40;

/** Values of one label. */
export function valuesOf(label: string): TextQuery {
  return {
    label,
    newRun(index, limit) {
      const all = index.countValues(label);
      const count = limit > 0 ? Math.min(all, limit) : all;
      return new TextRun(VALUE_BYTES * count, count);
    },
    async collect(index, wanted, found, known, pace) {
      let left = known.limit > 0 && index.hasOrder ? known.limit : Number.POSITIVE_INFINITY;
      for await (const batch of index.values(label)) {
        if (wanted === null && batch.addAllTo !== undefined) {
          const taken = Math.min(batch.count, left);
          batch.addAllTo(found, taken);
          left -= taken;
        } else {
          for (let i = 0; i < batch.count && left > 0; i++) {
            batch.addTo(found, i);
            if (known.isLastBehind(found)) {
              found.dropLast();
              continue;
            }
            if (wanted !== null) {
              const ids = batch.ids(i);
              const isWanted = (ids.count > PROVED_SERIES && known.hasLast(found)) || ids.some(wanted);
              if (!(isWanted instanceof Promise ? await isWanted : isWanted)) {
                found.dropLast();
                continue;
              }
            }
            left--;
          }
        }
        if (left === 0) return;
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
 * The texts of series that match (all series if the search has no groups) and have samples in its range, in order of their bytes. With a limit above 0
 * the first so many.
 */
export async function searchTexts(
  snapshot: SearchView,
  search: StorageSearch,
  query: TextQuery,
  limit: number,
): Promise<TextRun> {
  const known = new Known(limit);
  const { maxMs, tenant, groups } = search;
  const minMs = Math.max(search.minMs, snapshot.oldestMs);
  const firstMsOf = firstTimes(snapshot, tenant, minMs);
  const pacer = new Pacer(search.signal, search.maxWorkMs);
  const isFiltered = groups.length > 0;
  for (const entry of snapshot.partitions) {
    const { index } = entry;
    const present = presence(entry, minMs, maxMs, snapshot);
    const nextPresent = present === null ? null : (id: number) => present.next(id);
    if (present !== null && firstMsOf !== null) {
      // A rule keeps some series shorter than others: all have to be looked at.
      const ids = isFiltered ? await index.search(tenant, groups, pacer) : await index.all(tenant);
      const found = new Set<string>();
      await forEachLabels(index, tenant, await present.keep(ids, pacer), pacer, async (own, id) => {
        if (await present.since(id, firstMsOf(own))) query.ofLabels(own, found);
      });
      known.runs.push(TextRun.of(found).sorted());
      search.signal?.throwIfAborted();
      continue;
    }
    for (const own of index.of(tenant)) {
      await index.guarded(own, async () => {
        const matching = isFiltered ? await searchSeries(own, groups, pacer) : null;
        if (matching !== null && matching.length <= FEW_SERIES) {
          const found = new Set<string>();
          const kept = present === null ? matching : await present.keep(matching, pacer);
          for (const labels of await index.labelsOf(tenant, kept, pacer)) {
            if (labels !== null) query.ofLabels(labels, found);
          }
          known.runs.push(TextRun.of(found).sorted());
        } else {
          const found = query.newRun(own, limit);
          await query.collect(own, both(matching, nextPresent), found, known, pacer);
          known.runs.push(found.sorted());
        }
      });
    }
    search.signal?.throwIfAborted();
  }
  if (pacer.isDue) await pacer.pause();
  if (snapshot.stores.length > 0) {
    // The head's come in no order: what the limit leaves out is known once the others are one.
    known.merge();
    known.runs.push(await snapshot.headTexts(search, query, known, pacer));
    if (pacer.isDue) await pacer.pause();
  }
  return known.merge();
}

/** The same of series of the head alone, in any order. What is known, or behind the limit, may be left out. */
export async function searchHeadTexts(
  snapshot: Snapshot,
  search: StorageSearch,
  query: TextQuery,
  known: Known,
  pace: Pace,
): Promise<TextRun> {
  const { maxMs, tenant, groups } = search;
  const minMs = Math.max(search.minMs, snapshot.oldestMs);
  const head = snapshot.registry.indexOf(tenant);
  if (head === null) return new TextRun();
  const firstMsOf = firstTimes(snapshot, tenant, minMs);
  const index = asSeriesIndex(head);
  const { stores } = snapshot;
  const isPresent = (slot: number): boolean => {
    const fromMs = firstMsOf === null ? minMs : firstMsOf(snapshot.registry.labelsOf(slot));
    // Asked of thousands of slots: a loop takes half as long as `some`.
    for (const store of stores) if (store.overlaps(slot, fromMs, maxMs)) return true;
    return false;
  };
  const matching = groups.length > 0 ? await searchSeries(index, groups, pace) : null;
  if (matching !== null && matching.length <= FEW_SERIES) {
    const found = new Set<string>();
    for (const slot of matching) if (isPresent(slot)) query.ofLabels(snapshot.registry.labelsOf(slot), found);
    return TextRun.of(found);
  }
  const nextPresent: NextWanted = (slot) => (isPresent(slot) ? slot : slot + 1);
  const found = query.newRun(index, HEAD_TEXTS);
  await query.collect(index, both(matching, nextPresent), found, known, pace);
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
export async function searchLabels(snapshot: SearchView, search: StorageSearch, limit: number): Promise<Labels[]> {
  const { maxMs, tenant, groups } = search;
  const minMs = Math.max(search.minMs, snapshot.oldestMs);
  const firstMsOf = firstTimes(snapshot, tenant, minMs);
  const found: Labels[] = [];
  // A series can be met twice only if there are two places to meet it.
  const seen = snapshot.partitions.length > 1 ? new Set<string>() : null;
  const slotsSeen = new Uint8Array(snapshot.registry.size);
  const pacer = new Pacer(search.signal, search.maxWorkMs);
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
  if (snapshot.stores.length > 0) {
    let keys = seen;
    const { registry, stores } = snapshot;
    const slots = (await registry.findSlots(tenant, groups, pacer)).filter(
      (slot) => slotsSeen[slot] !== 1 && stores.some((store) => store.overlaps(slot, minMs, maxMs)),
    );
    for (let lo = 0; lo < slots.length; lo += SLICE_SERIES) {
      const slice = slots.subarray(lo, lo + SLICE_SERIES);
      const texts = await registry.readLabels(slice, pacer);
      for (let i = 0; i < slice.length; i++) {
        const slot = slice[i] as number;
        const labels = texts[i] as Labels;
        if (firstMsOf !== null && !stores.some((store) => store.overlaps(slot, firstMsOf(labels), maxMs))) continue;
        if (snapshot.partitions.length > 0) {
          keys ??= new Set(found.map(joinKey));
          if (keys.has(joinKey(labels))) continue;
        }
        found.push(labels);
      }
      if (pacer.isDue) await pacer.pause();
    }
  }
  found.sort(compareLabels);
  return limit > 0 ? found.slice(0, limit) : found;
}

/** The first time at which a series' samples count, where a rule keeps some shorter than others; null if there is no such rule. */
function firstTimes({ rules, nowMs }: SearchView, tenant: Tenant, minMs: number): ((labels: Labels) => number) | null {
  if (rules === null || rules.rules.retentions.length === 0) return null;
  return (labels) => Math.max(minMs, oldestKeptMs(rules.forSeries(tenant, labels), nowMs));
}
