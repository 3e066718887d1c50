/** Which series, label names and label values there are in a range of time. */
import type { CorruptionError } from "../base/errors.ts";
import { compareLabels, type Labels } from "../base/labels.ts";
import { type SeriesIndex, searchSeries } from "../index/filter-search.ts";
import { NO_POSTINGS } from "../index/postings.ts";
import type { PartReader } from "./part-reader.ts";
import { joinKey, type Snapshot, type StorageSearch } from "./search.ts";

/** Label sets that match and have samples in the range: sorted, at most `limit` (0: all). */
export async function searchLabels(snapshot: Snapshot, search: StorageSearch, limit: number): Promise<Labels[]> {
  const found: Labels[] = [];
  const seen = new Set<string>();
  const add = (labels: Labels): void => {
    const key = joinKey(labels);
    if (seen.has(key)) return;
    seen.add(key);
    found.push(labels);
  };
  for (const { partition, parts } of snapshot.partitions) {
    const ids = partition.search(search.tenant, search.groups);
    const present = await presentIds(parts, search.minMs, search.maxMs, snapshot);
    const kept = present === null ? ids : ids.filter((id) => present.has(id));
    for (const labels of partition.labelsOf(search.tenant, kept)) add(labels);
    search.signal?.throwIfAborted();
  }
  const index = snapshot.registry.indexOf(search.tenant);
  if (index !== null) {
    for (const slot of searchSeries(index, search.groups)) {
      if (snapshot.stores.some((store) => store.overlaps(slot, search.minMs, search.maxMs))) add(snapshot.registry.get(slot).labels);
    }
  }
  found.sort(compareLabels);
  return limit > 0 ? found.slice(0, limit) : found;
}

/** Ids with a block in the range; null if that is all of them because the range covers every part. */
async function presentIds(
  parts: readonly PartReader[],
  minMs: number,
  maxMs: number,
  snapshot: Snapshot,
): Promise<Set<number> | null> {
  if (parts.every(({ info }) => info.minMs >= minMs && info.maxMs <= maxMs)) return null;
  const present = new Set<number>();
  for (const part of parts) {
    try {
      for (const id of await part.idsIn(minMs, maxMs)) present.add(id);
    } catch (error) {
      snapshot.onCorruption(part, error as CorruptionError);
    }
  }
  return present;
}

/**
 * Texts (names, or values of one label) of the series in the search's range. An index answers for all its series at once (`ofIndex`) where there is no filter and
 * all of them have samples in the range; otherwise series are looked at one by one (`ofSeries`).
 */
export async function collectTexts(
  snapshot: Snapshot,
  search: StorageSearch,
  isFiltered: boolean,
  ofIndex: (index: SeriesIndex) => Iterable<string>,
  ofSeries: (labels: Labels, found: Set<string>) => void,
): Promise<Set<string>> {
  const found = new Set<string>();
  const { minMs, maxMs, tenant } = search;
  const areWhole = snapshot.partitions.every(({ parts }) => parts.every(({ info }) => info.minMs >= minMs && info.maxMs <= maxMs));
  if (isFiltered || !areWhole) {
    for (const labels of await searchLabels(snapshot, search, 0)) ofSeries(labels, found);
    return found;
  }
  for (const { partition } of snapshot.partitions) {
    for (const index of partition.tenantSegments(tenant)) for (const text of ofIndex(index)) found.add(text);
  }
  const head = snapshot.registry.indexOf(tenant);
  const slots = head?.all() ?? NO_POSTINGS;
  const present = slots.filter((slot) => snapshot.stores.some((store) => store.overlaps(slot, minMs, maxMs)));
  if (head !== null && present.length === slots.length) for (const text of ofIndex(head)) found.add(text);
  else for (const slot of present) ofSeries(snapshot.registry.get(slot).labels, found);
  return found;
}
