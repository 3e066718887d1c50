/**
 * Deletes: which series of which partitions, and the tombstones that say so. Nothing is deleted until the manifest names them, which is the
 * caller's step, one for all partitions: a delete is whole or not there.
 */
import { InputError } from "../../base/errors.ts";
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Tenant } from "../../base/tenant.ts";
import type { Disk } from "../../disk/disk.ts";
import { Pacer } from "../pacer.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { Partition } from "../parts/partition.ts";
import type { Snapshot } from "../search/search.ts";
import { presence } from "./presence.ts";
import { hidesAll, type PartMask, Tombstones } from "./tombstones.ts";

export interface Deletion {
  readonly tenant: Tenant;
  /** Or-ed groups of filters; none match nothing. */
  readonly groups: FilterGroups;
  /** Inclusive, milliseconds. */
  readonly minMs: number;
  readonly maxMs: number;
  /** More matching series in a month are refused; 0 for no limit. */
  readonly maxSeries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DeleteOutcome {
  /** Series that lost samples; one with samples in several months counts once in each. */
  readonly series: number;
  /** Files with samples were damaged or missing: what was in them was not looked at. */
  readonly isPartial: boolean;
}

/** A part with this share of deleted bytes is worth writing anew. */
const RECLAIM_SHARE = 1 / 4;

/**
 * Writes tombstones for the matching series with samples in the range, of what the snapshot has in its parts. A number is taken for each file
 * after everything to be deleted had one.
 */
export async function writeTombstones(
  disk: Disk,
  snapshot: Snapshot,
  deletion: Deletion,
  nextFileNumber: () => number,
): Promise<{ readonly edits: { readonly partition: Partition; readonly tombstones: Tombstones }[]; series: number }> {
  const { tenant, groups, minMs, maxMs, maxSeries = 0 } = deletion;
  const pacer = new Pacer(deletion.signal);
  const edits: { readonly partition: Partition; readonly tombstones: Tombstones }[] = [];
  let series = 0;
  for (const entry of snapshot.partitions) {
    const { partition, parts, index } = entry;
    const matching = await index.search(tenant, groups, pacer);
    if (matching.length === 0) continue;
    const present = presence(entry, minMs, maxMs, snapshot);
    const ids = present === null ? matching : await present.keep(matching, pacer);
    if (maxSeries > 0 && ids.length > maxSeries) {
      throw new InputError(
        `the selector matches ${ids.length} series in ${partition.name} and at most ${maxSeries} may be deleted at once: narrow it, or raise -search.maxDeleteSeries`,
        422,
      );
    }
    if (ids.length === 0) continue;
    series += ids.length;
    const fileNumber = nextFileNumber();
    const added = Tombstones.of(fileNumber, ids, minMs, maxMs);
    const oldest = Math.min(...parts.map((part) => part.fileNumber), ...partition.unreadable.parts);
    const tombstones = entry.tombstones?.with(added, oldest) ?? added;
    await disk.makeFolder(partition.deletesFolder);
    await tombstones.write(disk, partition.deletesPath(fileNumber));
    await disk.syncFolder(partition.deletesFolder);
    edits.push({ partition, tombstones });
    deletion.signal?.throwIfAborted();
  }
  return { edits, series };
}

/** True if so much of a part is deleted that it should be written anew, or dropped. Reads its index pages only. */
export async function isWorthReclaiming(part: PartReader, mask: PartMask, pacer: Pacer): Promise<boolean> {
  let hidden = 0;
  let all = 0;
  for (let page = 0; page < part.pageCount; page++) {
    const { ids, minMs, maxMs, valuesLengths } = await part.entries(page);
    for (let entry = 0; entry < ids.length; entry++) {
      const bytes = valuesLengths[entry] as number;
      all += bytes;
      const ranges = mask.rangesOf(ids[entry] as number);
      if (ranges !== null && hidesAll(ranges, minMs[entry] as number, maxMs[entry] as number)) hidden += bytes;
    }
    if (pacer.isDue) await pacer.pause();
  }
  return hidden > 0 && hidden >= all * RECLAIM_SHARE;
}
