/** Figures of a storage at a moment, for metrics pages. */
import type { Lock } from "../disk/disk.ts";
import type { PageCache } from "../index/page-cache.ts";
import type { DiskSpace } from "./disk-space.ts";
import type { Head } from "./head.ts";
import type { WriteAheadLog } from "./log/wal.ts";
import type { Maintenance } from "./maintenance.ts";
import type { PartCaches } from "./parts/part-caches.ts";
import type { SeriesRegistry } from "./series/registry.ts";
import type { SeriesLimits } from "./series/series-limits.ts";

/** Whom to ask. */
export interface DescribedParts {
  registry: SeriesRegistry;
  head: Head;
  maintenance: Maintenance;
  wal: WriteAheadLog;
  lock: Lock;
  limits: SeriesLimits;
  space: DiskSpace;
  indexCache: PageCache;
  partCaches: PartCaches;
  snapshotCount: number;
}

/** What `describe` tells. */
export interface StorageDescription {
  headRows: number;
  headBytes: number;
  headSeries: number;
  /** What the series of the head take, samples not counted, and what links them with those of parts. */
  registryBytes: number;
  linkBytes: number;
  /** Merges under way, and the samples they have written so far. */
  activeMerges: number;
  activeMergeRows: number;
  partRows: number;
  partBytes: number;
  parts: number;
  blocks: number;
  partitions: number;
  quarantinedParts: number;
  /** Months that wait for a merge because of deduplication, downsampling or retention filters, and the bytes to be merged. */
  partitionsScheduledByRules: number;
  bytesScheduledByRules: number;
  indexSeries: number;
  /** Of the files. */
  indexBytes: number;
  /** Of memory that indexes take whatever is asked, beside the cache. */
  indexResidentBytes: number;
  /** The cache of index pages: bytes, the most it may have, pages, how often it was asked, and how often in vain. */
  indexCacheBytes: number;
  indexCacheBytesMax: number;
  indexCachePages: number;
  indexCacheRequests: number;
  indexCacheMisses: number;
  /** The cache of pieces and index pages of parts: bytes, and the most it may have. */
  partCacheBytes: number;
  partCacheBytesMax: number;
  walBytes: number;
  walWrites: number;
  walSyncs: number;
  walFailures: number;
  /** As of a few seconds ago at most. */
  freeDiskBytes: number;
  totalDiskBytes: number;
  minFreeDiskBytes: number;
  /** Appends are refused until there is more room on the disk. */
  isReadOnly: boolean;
  /** The process that had the folder before did not close it. */
  wasUnclean: boolean;
  /** At work now. */
  activeFlushes: number;
  /** Of the newest month. */
  newestParts: number;
  newestSegments: number;
  /** Of all months. */
  indexSegments: number;
  /** As of a few seconds ago at most. */
  snapshots: number;
  /** Forced writes of files, and the seconds they took together. */
  fsyncCalls: number;
  fsyncSeconds: number;
  /** Series counted in the present hour and day; 0 where there is no limit. */
  hourlySeries: number;
  dailySeries: number;
}

export function describe(from: DescribedParts): StorageDescription {
  const { maintenance } = from;
  const partitions = maintenance.sortedPartitions();
  const scheduled = maintenance.merging.scheduledByRules;
  const description: StorageDescription = {
    headRows: 0,
    headBytes: 0,
    headSeries: from.registry.size,
    registryBytes: 0,
    linkBytes: 0,
    activeMerges: maintenance.merging.active,
    activeMergeRows: maintenance.merging.rowsDone,
    partRows: 0,
    partBytes: 0,
    parts: 0,
    blocks: 0,
    partitions: partitions.length,
    quarantinedParts: 0,
    partitionsScheduledByRules: scheduled.partitions,
    bytesScheduledByRules: scheduled.bytes,
    indexSeries: 0,
    indexBytes: 0,
    indexResidentBytes: 0,
    indexCacheBytes: from.indexCache.bytes,
    indexCacheBytesMax: from.indexCache.bytesMax,
    indexCachePages: from.indexCache.count,
    indexCacheRequests: from.indexCache.counters.requests,
    indexCacheMisses: from.indexCache.counters.misses,
    partCacheBytes: from.partCaches.bytes,
    partCacheBytesMax: from.partCaches.bytesMax,
    walBytes: from.wal.counters.bytes,
    walWrites: from.wal.counters.writes,
    walSyncs: from.wal.counters.syncs,
    walFailures: from.wal.counters.failures,
    freeDiskBytes: from.space.freeBytes,
    totalDiskBytes: from.space.totalBytes,
    minFreeDiskBytes: from.space.limitBytes,
    isReadOnly: from.space.isReadOnly,
    wasUnclean: from.lock.wasAbandoned,
    activeFlushes: from.head.flushing === null ? 0 : 1,
    newestParts: 0,
    newestSegments: 0,
    indexSegments: 0,
    snapshots: from.snapshotCount,
    fsyncCalls: from.space.disk.syncCounters?.calls ?? 0,
    fsyncSeconds: from.space.disk.syncCounters?.seconds ?? 0,
    hourlySeries: from.limits.hourlySeries,
    dailySeries: from.limits.dailySeries,
  };
  const registries = new Set(from.head.generations().map(({ registry }) => registry));
  for (const registry of registries) description.registryBytes += registry.usedBytes;
  for (const { rows, store } of from.head.generations()) {
    description.headRows += rows;
    description.headBytes += store.usedBytes;
  }
  for (const partition of partitions) {
    description.quarantinedParts +=
      partition.quarantined.length + partition.damagedParts.size + partition.damagedSegments.size;
    description.indexSeries += partition.nextSeriesId;
    description.linkBytes += partition.linkBytes;
    for (const segment of partition.segments) {
      description.indexSegments++;
      description.indexBytes += segment.bytes;
      description.indexResidentBytes += segment.residentBytes;
    }
    for (const { info } of partition.parts) {
      description.parts++;
      description.blocks += info.blocks;
      description.partRows += info.rows;
      description.partBytes += info.bytes;
    }
  }
  const newest = partitions.at(-1);
  description.newestParts = newest?.parts.length ?? 0;
  description.newestSegments = newest?.segments.length ?? 0;
  return description;
}
