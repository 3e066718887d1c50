/** The embedded database as the server runs it: its counters under VictoriaMetrics' names, its refusals as answers. */
import { formatMetricName } from "@nyanza/metrics";
import { type DatabaseStats, HeadFullError, LogUnavailableError, openDatabase, ReadOnlyError } from "@nyanza/tsdb";
import { OverloadError } from "./http/errors.ts";
import type { DatabaseSettings, OwnedDatabase } from "./start.ts";

/** Senders come back soon: writing resumes within two seconds of room on the disk. */
const READ_ONLY_RETRY_S = 5;

export async function openServedDatabase(settings: DatabaseSettings): Promise<OwnedDatabase> {
  const { logsNewSeries, memory, path, ...options } = settings;
  const { logger } = settings;
  const database = await openDatabase(path, {
    ...options,
    mergesOnThread: true,
    headBytes: memory.headBytes,
    seriesBytes: memory.seriesBytes,
    partCacheBytes: memory.partCacheBytes,
    indexCacheBytes: memory.indexCacheBytes,
    rollupCacheBytes: memory.rollupCacheBytes,
  });
  if (logsNewSeries) database.logNewSeries(Number.POSITIVE_INFINITY);
  return {
    appendBatch: async (batch) => {
      try {
        return await database.appendBatch(batch);
      } catch (error) {
        // Logged when it begins and when it ends, not with every request.
        if (error instanceof ReadOnlyError) throw new OverloadError(503, error.message, READ_ONLY_RETRY_S);
        if (!(error instanceof HeadFullError || error instanceof LogUnavailableError)) throw error;
        logger.error(`cannot store samples: ${error.message}`);
        throw new OverloadError(503, `cannot store samples: ${error.message}`);
      }
    },
    query: (text, options) => database.query(text, options),
    queryRange: (text, options) => database.queryRange(text, options),
    series: (request) => database.series(request),
    labelNames: (request) => database.labelNames(request),
    labelValues: (label, request) => database.labelValues(label, request),
    cardinality: (request) => database.cardinality(request),
    seriesCount: (request) => database.seriesCount(request),
    export: (request) => database.export(request),
    delete: (request) => needingRoom("delete", () => database.delete(request)),
    snapshot: () => needingRoom("snapshot", () => database.snapshot()),
    snapshots: () => database.snapshots(),
    deleteSnapshot: (name) => database.deleteSnapshot(name),
    flush: () => database.flush(),
    merge: (partitionPrefix) => database.merge(partitionPrefix),
    logNewSeries: (durationMs) => database.logNewSeries(durationMs),
    metrics: () => toMetrics(database.stats(), settings),
    close: () => database.close(),
    serveReader: (port) => database.serveReader(port),
    rollupCache: () => database.rollupCache,
    resetRollupCache: () => database.resetRollupCache(),
  };
}

/** Work for which a full disk has no room, or that waits for a log that cannot be written, is refused as writes are: with 503, to be tried again. */
async function needingRoom<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isFull = (error as NodeJS.ErrnoException).code === "ENOSPC";
    if (!isFull && !(error instanceof LogUnavailableError)) throw error;
    throw new OverloadError(503, `${what}: ${(error as Error).message}`, READ_ONLY_RETRY_S);
  }
}

function toMetrics(
  stats: DatabaseStats,
  { path, seriesLimits, maxDiskBytes }: DatabaseSettings,
): ReadonlyMap<string, number> {
  const where = [["path", path]] as const;
  const metrics = new Map([
    ['vm_rows{type="storage/inmemory"}', stats.headRows],
    ['vm_rows{type="storage/small"}', stats.partRows],
    ['vm_data_size_bytes{type="storage/inmemory"}', stats.headBytes],
    ['vm_data_size_bytes{type="storage/small"}', stats.partBytes],
    ['vm_data_size_bytes{type="indexdb/file"}', stats.indexBytes],
    ['vm_data_size_bytes{type="wal"}', stats.walBytes],
    ['vm_parts{type="storage/small"}', stats.parts],
    ['vm_blocks{type="storage/small"}', stats.blocks],
    ["vm_partitions", stats.partitions],
    ["vm_quarantined_parts", stats.quarantinedParts],
    ['vm_cache_entries{type="storage/hour_metric_ids"}', stats.headSeries],
    ['vm_cache_entries{type="indexdb/dataBlocks"}', stats.indexCachePages],
    ['vm_cache_size_bytes{type="indexdb/dataBlocks"}', stats.indexCacheBytes],
    ['vm_cache_size_max_bytes{type="indexdb/dataBlocks"}', stats.indexCacheBytesMax],
    ['vm_cache_requests_total{type="indexdb/dataBlocks"}', stats.indexCacheRequests],
    ['vm_cache_misses_total{type="indexdb/dataBlocks"}', stats.indexCacheMisses],
    ["vm_index_resident_bytes", stats.indexResidentBytes],
    ['vm_memory_used_bytes{for="head"}', stats.headBytes],
    ['vm_memory_used_bytes{for="series"}', stats.registryBytes + stats.linkBytes],
    ['vm_memory_used_bytes{for="indexCache"}', stats.indexCacheBytes],
    ['vm_memory_used_bytes{for="partCache"}', stats.partCacheBytes],
    ['vm_memory_used_bytes{for="index"}', stats.indexResidentBytes],
    ["vm_index_series", stats.indexSeries],
    ["vm_rows_added_to_storage_total", stats.rowsAdded],
    ["vm_new_timeseries_created_total", stats.newSeries],
    ["vm_flushes_total", stats.flushes],
    ["vm_flush_failures_total", stats.flushFailures],
    ['vm_merges_total{type="storage/small"}', stats.merges],
    ['vm_rows_merged_total{type="storage/small"}', stats.rowsMerged],
    ['vm_deduplicated_samples_total{type="merge"}', stats.rowsDeduplicatedByMerges],
    ['vm_deduplicated_samples_total{type="select"}', stats.rowsDeduplicatedBySearches],
    ["vm_downsampling_partitions_scheduled", stats.partitionsScheduledByRules],
    ["vm_downsampling_partitions_scheduled_size_bytes", stats.bytesScheduledByRules],
    ["vm_retention_size_dropped_bytes_total", stats.bytesDroppedBySize],
    [formatMetricName("vm_max_disk_space_usage_bytes", where), maxDiskBytes],
    ['vm_active_merges{type="storage/small"}', stats.activeMerges],
    ['vm_active_merge_rows{type="storage/small"}', stats.activeMergeRows],
    ["vm_corrupt_blocks_total", stats.corruptBlocks],
    ["vm_wal_writes_total", stats.walWrites],
    ["vm_wal_syncs_total", stats.walSyncs],
    ["vm_wal_failures_total", stats.walFailures],
    ["vm_wal_bytes_lost_total", stats.walBytesLost],
    ["vm_corrupted_wal_records_total", stats.walCorruptRecords],
    ["vm_wal_unnamed_rows_total", stats.walRowsUnnamed],
    // In VictoriaMetrics these wait to be seen; here samples are seen at once.
    ['vm_pending_rows{type="storage"}', 0],
    ['vm_pending_rows{type="indexdb"}', 0],
    ['vm_rows{type="indexdb/file"}', stats.indexSeries],
    ['vm_parts{type="indexdb/file"}', stats.indexSegments],
    ['vm_last_partition_parts{type="storage/small"}', stats.newestParts],
    ['vm_last_partition_parts{type="indexdb/file"}', stats.newestSegments],
    ['vm_active_merges{type="storage/inmemory"}', stats.activeFlushes],
    // No writer ever merges.
    ['vm_assisted_merges_total{type="storage/small"}', 0],
    // A series is slow once: when it is not known in memory.
    ["vm_slow_row_inserts_total", stats.newSeries],
    ["vm_rows_received_by_storage_total", stats.rowsAdded + stats.rowsTooOld + stats.rowsTooNew],
    ["vm_snapshots", stats.snapshots],
    ["vm_filestream_fsync_calls_total", stats.fsyncCalls],
    ["vm_filestream_fsync_duration_seconds_total", stats.fsyncSeconds],
    ["vm_app_prev_shutdown_unclean", stats.wasUnclean ? 1 : 0],
    [formatMetricName("vm_storage_is_read_only", where), stats.isReadOnly ? 1 : 0],
    [formatMetricName("vm_free_disk_space_bytes", where), stats.freeDiskBytes],
    [formatMetricName("vm_free_disk_space_limit_bytes", where), stats.minFreeDiskBytes],
    [formatMetricName("vm_total_disk_space_bytes", where), stats.totalDiskBytes],
    ['vm_rows_ignored_total{reason="small_timestamp"}', stats.rowsTooOld],
    ['vm_rows_ignored_total{reason="big_timestamp"}', stats.rowsTooNew],
  ]);
  for (const [reason, rows] of Object.entries(stats.rowsOverLimit)) {
    metrics.set(`vm_rows_ignored_total{reason="${reason}"}`, rows);
  }
  for (const [window, max, current, dropped] of [
    ["hourly", seriesLimits.maxHourlySeries, stats.hourlySeries, stats.rowsOverLimit.hourly_limit_exceeded],
    ["daily", seriesLimits.maxDailySeries, stats.dailySeries, stats.rowsOverLimit.daily_limit_exceeded],
  ] as const) {
    // Only with a limit, as in VictoriaMetrics: alerts divide by it.
    if (max === 0) continue;
    metrics.set(`vm_${window}_series_limit_current_series`, current);
    metrics.set(`vm_${window}_series_limit_max_series`, max);
    metrics.set(`vm_${window}_series_limit_rows_dropped_total`, dropped);
  }
  return metrics;
}
