/**
 * Merges of index segments, in the same three steps as those of parts: chosen in turn with flushes, written beside them, put in place in turn. Those of
 * ten million series take many seconds, and a flush that waited for them would keep the writers waiting.
 *
 * They stay on the thread, in slices: a segment is read in order and written in order, and what it takes is a small part of what its samples take.
 */
import { CorruptionError } from "../../base/errors.ts";
import type { IndexSegment } from "../../index/segment-reader.ts";
import { type DiskSpace, isNoSpace } from "../disk-space.ts";
import type { Logger } from "../options.ts";
import type { Partition } from "../parts/partition.ts";
import { MergeCancelledError } from "./merger.ts";

/** What merges of index segments ask of the rest of maintenance. */
export interface IndexMergeHost {
  readonly options: { readonly logger: Logger };
  readonly space: DiskSpace;
  /** Does the work when no flush, nothing else, is changing files. */
  run<T>(work: () => Promise<T>): Promise<T>;
  sortedPartitions(): Partition[];
  nextFileNumber(): number;
  /** Writes the segment that all of these make, and opens it. `signal` gives it up with its reason. */
  buildSegment(
    partition: Partition,
    sources: readonly IndexSegment[],
    fileNumber: number,
    signal: AbortSignal,
  ): Promise<IndexSegment>;
  /** Puts it in the place of its sources, on disk and for readers, and removes them. */
  replaceSegments(partition: Partition, sources: readonly IndexSegment[], merged: IndexSegment): Promise<void>;
  reportIndexCorruption(segment: IndexSegment, error: CorruptionError): void;
  removeUnused(path: string): Promise<void>;
}

/** Merges what `choose` takes of a month's segments; null is nothing. What is no failure of ours is told and done with. */
export async function mergeIndex(
  host: IndexMergeHost,
  partition: Partition,
  choose: (segments: readonly IndexSegment[]) => readonly IndexSegment[] | null,
  signal: AbortSignal,
): Promise<void> {
  const begun = await host.run(async () => {
    const sources = signal.aborted ? null : choose(partition.mergeableSegments());
    if (sources === null || !isCurrent(host, partition, sources)) return null;
    const bytes = sources.reduce((sum, segment) => sum + segment.bytes, 0);
    if (!host.space.hasRoomFor(bytes)) return null;
    for (const segment of sources) segment.acquire();
    return { sources, fileNumber: host.nextFileNumber() };
  });
  if (begun === null) return;
  const { sources, fileNumber } = begun;
  try {
    const merged = await host.buildSegment(partition, sources, fileNumber, signal);
    await host.run(async () => {
      if (isCurrent(host, partition, sources)) return await host.replaceSegments(partition, sources, merged);
      merged.retire();
      await host.removeUnused(merged.file.path);
    });
  } catch (error) {
    if (error instanceof MergeCancelledError) return;
    // The month was dropped, and its folder with it.
    if (!isCurrent(host, partition, sources)) return;
    const damaged = sources.find((segment) => error instanceof CorruptionError && segment.file.path === error.path);
    if (damaged !== undefined) host.reportIndexCorruption(damaged, error as CorruptionError);
    else if (!isNoSpace(error)) throw error;
    else host.options.logger.warn(`merge: ${(error as Error).message}; the index segments stay as they are`);
  } finally {
    for (const segment of sources) segment.release();
  }
}

/** True if all these segments are still in the database. */
function isCurrent(host: IndexMergeHost, partition: Partition, sources: readonly IndexSegment[]): boolean {
  return (
    host.sortedPartitions().includes(partition) && sources.every((segment) => partition.segments.includes(segment))
  );
}
