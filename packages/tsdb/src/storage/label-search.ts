/**
 * Which series, label names and label values there are in a range of time.
 *
 * For names and values the index leads: a text belongs to the answer as soon as one of its series does, so most texts cost one look
 * at one series. Only where a filter leaves few series are those looked at instead.
 */
import { CorruptionError } from "../base/errors.ts";
import { compareLabels, type Labels } from "../base/labels.ts";
import { type SeriesIndex, searchSeries } from "../index/filter-search.ts";
import { lowerBound, type Postings } from "../index/postings.ts";
import type { BlockEntries, PartReader } from "./part-reader.ts";
import { joinKey, type Snapshot, type StorageSearch } from "./search.ts";

/** A filter that leaves no more series than this: their labels are read one by one. */
const FEW_SERIES = 1_000;

/** What an index says about the texts asked for: label names, or the values of one label. */
export interface TextQuery {
  /** The texts an index knows. */
  texts(index: SeriesIndex): Iterable<string>;
  /** True if a wanted series of the index has this text. */
  some(index: SeriesIndex, text: string, isWanted: (id: number) => boolean): boolean;
  /** The texts of one label set. */
  ofLabels(labels: Labels, found: Set<string>): void;
}

export const LABEL_NAMES: TextQuery = {
  texts: (index) => index.names(),
  some(index, name, isWanted) {
    for (const value of index.values(name)) if (index.some(name, value, isWanted)) return true;
    return false;
  },
  ofLabels(labels, found) {
    for (const [name] of labels.entries()) found.add(name);
  },
};

/** Values of one label. */
export function valuesOf(label: string): TextQuery {
  return {
    texts: (index) => index.values(label),
    some: (index, value, isWanted) => index.some(label, value, isWanted),
    ofLabels(labels, found) {
      const value = labels.get(label);
      if (value !== "") found.add(value);
    },
  };
}

/** The texts of series that match (all series if the search has no groups) and have samples in its range, unsorted. */
export async function searchTexts(snapshot: Snapshot, search: StorageSearch, query: TextQuery): Promise<Set<string>> {
  const found = new Set<string>();
  const { minMs, maxMs, tenant, groups } = search;
  const isFiltered = groups.length > 0;
  for (const { partition, parts } of snapshot.partitions) {
    const present = await presence(parts, minMs, maxMs, snapshot);
    const isPresent = present ?? (() => true);
    for (const segment of partition.tenantSegments(tenant)) {
      const matching = isFiltered ? searchSeries(segment, groups) : null;
      collect(segment, query, matching, isPresent, (id) => segment.labels(id), found);
    }
    search.signal?.throwIfAborted();
  }
  const head = snapshot.registry.indexOf(tenant);
  if (head !== null && snapshot.stores.length > 0) {
    const isPresent = (slot: number): boolean => snapshot.stores.some((store) => store.overlaps(slot, minMs, maxMs));
    const matching = isFiltered ? searchSeries(head, groups) : null;
    collect(head, query, matching, isPresent, (slot) => snapshot.registry.get(slot).labels, found);
  }
  return found;
}

function collect(
  index: SeriesIndex,
  query: TextQuery,
  matching: Postings | null,
  isPresent: (id: number) => boolean,
  labelsOf: (id: number) => Labels,
  found: Set<string>,
): void {
  if (matching !== null && matching.length <= FEW_SERIES) {
    for (const id of matching) if (isPresent(id)) query.ofLabels(labelsOf(id), found);
    return;
  }
  const wanted = matching === null ? null : new Set(matching);
  for (const text of query.texts(index)) {
    if (found.has(text)) continue;
    if (query.some(index, text, (id) => (wanted === null || wanted.has(id)) && isPresent(id))) found.add(text);
  }
}

/** Label sets of series that match (all if the search has no groups) and have samples in the range: sorted, at most `limit` (0: all). */
export async function searchLabels(snapshot: Snapshot, search: StorageSearch, limit: number): Promise<Labels[]> {
  const { minMs, maxMs, tenant, groups } = search;
  const found: Labels[] = [];
  // A series can be met twice only if there are two places to meet it.
  const seen = snapshot.partitions.length > 1 ? new Set<string>() : null;
  const slotsSeen = new Uint8Array(snapshot.registry.size);
  for (const { partition, parts } of snapshot.partitions) {
    const ids = groups.length === 0 ? partition.all(tenant) : partition.search(tenant, groups);
    const present = await presence(parts, minMs, maxMs, snapshot);
    const kept = present === null ? ids : ids.filter(present);
    const labels = partition.labelsOf(tenant, kept);
    for (let i = 0; i < kept.length; i++) {
      const own = labels[i] as Labels;
      if (seen !== null) {
        const key = joinKey(own);
        if (seen.has(key)) continue;
        seen.add(key);
      }
      const slot = partition.slotOf(snapshot.registry, kept[i] as number);
      if (slot >= 0) slotsSeen[slot] = 1;
      found.push(own);
    }
    search.signal?.throwIfAborted();
  }
  const index = snapshot.registry.indexOf(tenant);
  if (index !== null && snapshot.stores.length > 0) {
    let keys = seen;
    for (const slot of groups.length === 0 ? index.all() : searchSeries(index, groups)) {
      if (slotsSeen[slot] === 1 || !snapshot.stores.some((store) => store.overlaps(slot, minMs, maxMs))) continue;
      const { labels } = snapshot.registry.get(slot);
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

/**
 * Tells whether a series has a block in the range; null if all have because the range covers every part. Index pages are read here, but a series
 * is looked up only when it is asked for: most answers need a few.
 */
async function presence(
  parts: readonly PartReader[],
  minMs: number,
  maxMs: number,
  snapshot: Snapshot,
): Promise<((id: number) => boolean) | null> {
  if (parts.every(({ info }) => info.minMs >= minMs && info.maxMs <= maxMs)) return null;
  const indexes: { readonly lastIds: Uint32Array; readonly pages: BlockEntries[] }[] = [];
  for (const part of parts) {
    const pages: BlockEntries[] = [];
    try {
      for (const page of part.pagesIn(minMs, maxMs)) pages.push(part.decodedPage(page) ?? (await part.entries(page)));
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      snapshot.onCorruption(part, error);
    }
    indexes.push({ lastIds: Uint32Array.from(pages, ({ ids }) => ids[ids.length - 1] as number), pages });
  }
  return (id) =>
    indexes.some(({ lastIds, pages }) => {
      for (let i = lowerBound(lastIds, id); i < pages.length; i++) {
        const page = pages[i] as BlockEntries;
        if ((page.ids[0] as number) > id) return false;
        if (hasBlock(page, id, minMs, maxMs)) return true;
      }
      return false;
    });
}

function hasBlock({ ids, minMs, maxMs }: BlockEntries, id: number, fromMs: number, toMs: number): boolean {
  for (let entry = lowerBound(ids, id); ids[entry] === id; entry++) {
    if ((minMs[entry] as number) <= toMs && (maxMs[entry] as number) >= fromMs) return true;
  }
  return false;
}
