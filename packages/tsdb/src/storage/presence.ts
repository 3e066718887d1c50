/** Which series of a partition have samples in a range, as far as blocks tell. */
import { CorruptionError } from "../base/errors.ts";
import { lowerBound } from "../index/postings.ts";
import type { BlockEntries } from "./part-reader.ts";
import type { Snapshot, SnapshotPartition } from "./search.ts";
import { hidesAll, type PartMask } from "./tombstones.ts";

/**
 * Tells whether a series has a block in the range that is not deleted; null if all have, because the range covers every part and nothing was ever
 * removed. Index pages are read here, but a series is looked up only when it is asked for: most answers need a few.
 */
export async function presence(
  { parts, tombstones, isSparse }: SnapshotPartition,
  minMs: number,
  maxMs: number,
  snapshot: Pick<Snapshot, "onCorruption">,
): Promise<((id: number) => boolean) | null> {
  if (!isSparse && parts.every(({ info }) => info.minMs >= minMs && info.maxMs <= maxMs)) return null;
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
  return (id) =>
    indexes.some(({ lastIds, pages, mask }) => {
      const hidden = mask?.rangesOf(id) ?? null;
      for (let i = lowerBound(lastIds, id); i < pages.length; i++) {
        const page = pages[i] as BlockEntries;
        if ((page.ids[0] as number) > id) return false;
        if (hasBlock(page, id, minMs, maxMs, hidden)) return true;
      }
      return false;
    });
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
