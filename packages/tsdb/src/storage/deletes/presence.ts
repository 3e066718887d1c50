/** Which series of a partition have samples in a range, as far as blocks tell. */
import { CorruptionError } from "../../base/errors.ts";
import { lowerBound } from "../../index/postings.ts";
import type { BlockEntries } from "../parts/part-reader.ts";
import type { Snapshot, SnapshotPartition } from "../search/search.ts";
import { hidesAll, type PartMask } from "./tombstones.ts";

/** Tells whether a series has a block in the range; `since`: from this time of the range on. */
export type Presence = ((id: number) => boolean) & { readonly since: (id: number, fromMs: number) => boolean };

/**
 * Tells whether a series has a block in the range that is not deleted; null if all have, because the range covers every part and nothing was ever
 * removed. Index pages are read here, but a series is looked up only when it is asked for: most answers need a few.
 */
export async function presence(
  { parts, tombstones, isSparse }: SnapshotPartition,
  minMs: number,
  maxMs: number,
  snapshot: Pick<Snapshot, "onCorruption" | "rules" | "nowMs">,
): Promise<Presence | null> {
  const coveredMs = Math.max(minMs, snapshot.nowMs - (snapshot.rules?.shortestMs ?? Number.POSITIVE_INFINITY));
  if (!isSparse && parts.every(({ info }) => info.minMs >= coveredMs && info.maxMs <= maxMs)) return null;
  const indexes: {
    readonly lastIds: Uint32Array;
    readonly pages: BlockEntries[];
    readonly mask: PartMask | null;
  }[] = [];
  for (const part of parts) {
    const pages: BlockEntries[] = [];
    try {
      for (const page of part.pagesIn(minMs, maxMs)) pages.push(part.decodedPage(page) ?? (await part.entries(page)));
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      snapshot.onCorruption(part, error);
    }
    const lastIds = Uint32Array.from(pages, ({ ids }) => ids[ids.length - 1] as number);
    indexes.push({ lastIds, pages, mask: tombstones?.maskFor(part.fileNumber) ?? null });
  }
  const since = (id: number, fromMs: number): boolean =>
    indexes.some(({ lastIds, pages, mask }) => {
      const hidden = mask?.rangesOf(id) ?? null;
      for (let i = lowerBound(lastIds, id); i < pages.length; i++) {
        const page = pages[i] as BlockEntries;
        if ((page.ids[0] as number) > id) return false;
        if (hasBlock(page, id, fromMs, maxMs, hidden)) return true;
      }
      return false;
    });
  return Object.assign((id: number) => since(id, minMs), { since });
}

function hasBlock(
  { ids, minMs, maxMs }: BlockEntries,
  id: number,
  fromMs: number,
  toMs: number,
  hidden: Float64Array | null,
): boolean {
  for (let entry = lowerBound(ids, id); ids[entry] === id; entry++) {
    const lo = Math.max(minMs[entry] as number, fromMs);
    const hi = Math.min(maxMs[entry] as number, toMs);
    if (lo <= hi && (hidden === null || !hidesAll(hidden, lo, hi))) return true;
  }
  return false;
}
