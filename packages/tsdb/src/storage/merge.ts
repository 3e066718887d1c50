/**
 * Parts → one part: the same samples, sorted, one a time, in blocks as long as they can be. The inputs stay until the manifest names the result.
 */
import { SampleColumns } from "../base/columns.ts";
import type { CorruptionError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { unite } from "../index/postings.ts";
import { BlockGatherer } from "./block-gatherer.ts";
import { PartReader } from "./part-reader.ts";
import { PartWriter } from "./part-writer.ts";
import type { Pacer } from "./pacer.ts";
import { orderSamples } from "./sample-order.ts";

/** Series fetched together. */
const GROUP_SERIES = 256;

/**
 * Merges `sources` (oldest first) into a new part at `path`, leaving out samples before `minMs`. Returns null if none are left.
 * @throws CorruptionError if a source is damaged: the caller keeps all of them, and what is whole stays readable.
 */
export async function mergeParts(
  disk: Disk,
  sources: readonly PartReader[],
  path: string,
  fileNumber: number,
  minMs: number,
  pacer: Pacer,
): Promise<PartReader | null> {
  const ids = unite(await Promise.all(sources.map((part) => part.idsIn(minMs, Number.POSITIVE_INFINITY))));
  const writer = await PartWriter.create(disk, path, fileNumber);
  try {
    const gatherer = new BlockGatherer((_part, error: CorruptionError) => {
      throw error;
    });
    const columns = new SampleColumns(1 << 14);
    for (let lo = 0; lo < ids.length; lo += GROUP_SERIES) {
      const group = ids.subarray(lo, lo + GROUP_SERIES);
      const positions = group.map((_id, i) => i);
      gatherer.begin();
      for (const part of sources) await gatherer.find(part, group, positions, minMs, Number.POSITIVE_INFINITY);
      await gatherer.load(group.length);
      for (let i = 0; i < group.length; i++) {
        columns.length = 0;
        gatherer.decode(i, minMs, Number.MAX_SAFE_INTEGER, columns);
        orderSamples(columns, 0);
        writer.add(group[i] as number, columns.timestamps, columns.values, 0, columns.length);
        if (writer.isFull) await writer.flush();
        if (pacer.isDue) await pacer.pause();
      }
    }
    if (writer.rows === 0) {
      await writer.abort();
      return null;
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return await PartReader.open(disk, path, fileNumber);
}

/** Parts of similar size are worth merging when there are this many; then each sample is rewritten about once per factor of eight. */
const FAN_IN = 8;

/**
 * Which parts of a partition to merge next: a run of neighbours by age of about one size. Neighbours, because the order of parts is nothing
 * but history; of one size, so that a large part is not rewritten for the sake of a small one.
 */
export function chooseMerge(parts: readonly { readonly info: { readonly bytes: number } }[]): { from: number; to: number } | null {
  for (let to = parts.length; to >= FAN_IN; to--) {
    const from = to - FAN_IN;
    let smallest = Number.POSITIVE_INFINITY;
    let largest = 0;
    for (let i = from; i < to; i++) {
      const { bytes } = (parts[i] as { info: { bytes: number } }).info;
      smallest = Math.min(smallest, bytes);
      largest = Math.max(largest, bytes);
    }
    if (largest <= Math.max(smallest, 64 << 10) * FAN_IN) return { from, to };
  }
  return null;
}
