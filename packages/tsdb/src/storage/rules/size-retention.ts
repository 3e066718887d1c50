/**
 * Retention by size: which parts and months go when there are more bytes than there may be. The oldest first: month by month, and within a month the
 * parts that end first. What has samples of today stays, whatever its size.
 */
const DAY_MS = 86_400_000;

interface SizedPart {
  readonly info: { readonly bytes: number; readonly maxMs: number };
}

interface SizedPartition<P extends SizedPart> {
  readonly startMs: number;
  readonly parts: readonly P[];
  readonly segments: readonly { readonly bytes: number }[];
}

/** Bytes of a month: parts and indexes. */
export function bytesOf({ parts, segments }: SizedPartition<SizedPart>): number {
  return parts.reduce((sum, { info }) => sum + info.bytes, 0) + segments.reduce((sum, { bytes }) => sum + bytes, 0);
}

export interface Outdated<P extends SizedPart, T extends SizedPartition<P>> {
  readonly partitions: T[];
  readonly parts: Map<T, P[]>;
}

/** What to drop so that at most `maxBytes` are left, or as few as can be. `partitions` are oldest first. */
export function chooseOldest<P extends SizedPart, T extends SizedPartition<P>>(
  partitions: readonly T[],
  maxBytes: number,
  nowMs: number,
): Outdated<P, T> {
  const chosen = { partitions: [] as T[], parts: new Map<T, P[]>() };
  let excess = partitions.reduce((sum, partition) => sum + bytesOf(partition), 0) - maxBytes;
  const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS;
  for (const partition of partitions) {
    if (excess <= 0 || partition.startMs >= todayMs) break;
    const dropped: P[] = [];
    const oldestFirst = [...partition.parts].sort((a, b) => a.info.maxMs - b.info.maxMs);
    for (const part of oldestFirst) {
      if (excess <= 0 || part.info.maxMs >= todayMs) break;
      excess -= part.info.bytes;
      dropped.push(part);
    }
    if (dropped.length < partition.parts.length) {
      if (dropped.length > 0) chosen.parts.set(partition, dropped);
    } else {
      chosen.partitions.push(partition);
      excess -= bytesOf(partition) - dropped.reduce((sum, { info }) => sum + info.bytes, 0);
    }
  }
  return chosen;
}
