/** What is kept of range queries' answers, as operators see it: its figures, and a way to be rid of it. */
import type { MetricSet } from "@nyanza/metrics";
import type { RollupCacheStats } from "@nyanza/tsdb";
import type { Handlers } from "../http/context.ts";
import { sendStatus } from "../http/response.ts";
import type { Logger } from "../process/logger.ts";

export interface RollupCacheOptions {
  /** Those of all threads together. */
  readonly stats: () => RollupCacheStats;
  readonly reset: () => void;
  readonly maxBytes: number;
  readonly metrics: MetricSet;
  readonly logger: Logger;
}

export const NO_ROLLUP_STATS: RollupCacheStats = { fullHits: 0, partialHits: 0, misses: 0, entries: 0, bytes: 0 };

export function createRollupCacheHandlers(options: RollupCacheOptions): Pick<Handlers, "resetRollupCache"> {
  const { logger, maxBytes, metrics, reset, stats } = options;
  const resets = metrics.getOrCreateCounter("vm_rollup_result_cache_resets_total");
  const show = (name: string, read: (stats: RollupCacheStats) => number): void => {
    metrics.getOrCreateGauge(name, () => read(stats()));
  };
  show("vm_rollup_result_cache_full_hits_total", ({ fullHits }) => fullHits);
  show("vm_rollup_result_cache_partial_hits_total", ({ partialHits }) => partialHits);
  show("vm_rollup_result_cache_miss_total", ({ misses }) => misses);
  show("vm_rollup_result_cache_requests_total", requestsOf);
  show('vm_cache_requests_total{type="promql/rollupResult"}', requestsOf);
  show('vm_cache_misses_total{type="promql/rollupResult"}', ({ misses }) => misses);
  show('vm_cache_entries{type="promql/rollupResult"}', ({ entries }) => entries);
  show('vm_cache_size_bytes{type="promql/rollupResult"}', ({ bytes }) => bytes);
  show('vm_cache_size_max_bytes{type="promql/rollupResult"}', () => maxBytes);
  show('vm_memory_used_bytes{for="rollupCache"}', ({ bytes }) => bytes);
  return {
    resetRollupCache: ({ response }) => {
      logger.info("forgetting what is kept of answers as asked by /internal/resetRollupResultCache");
      reset();
      resets.inc();
      sendStatus(response, 200);
    },
  };
}

function requestsOf({ fullHits, misses, partialHits }: RollupCacheStats): number {
  return fullHits + partialHits + misses;
}

export function addRollupStats(a: RollupCacheStats, b: RollupCacheStats): RollupCacheStats {
  return {
    fullHits: a.fullHits + b.fullHits,
    partialHits: a.partialHits + b.partialHits,
    misses: a.misses + b.misses,
    entries: a.entries + b.entries,
    bytes: a.bytes + b.bytes,
  };
}
