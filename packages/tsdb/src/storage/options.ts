/** What a database's owner decides about its storage. */
import { type Clock, systemClock } from "../base/clock.ts";
import type { FsyncMode } from "./log/wal.ts";
import { NO_RULES, type SampleRules } from "./rules/sample-rules.ts";
import { NO_SERIES_LIMITS, type SeriesLimitOptions } from "./series/series-limits.ts";

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface StorageOptions {
  /** Samples older than this are refused and in time removed. */
  readonly retentionMs: number;
  /** Samples further in the future than this are refused. */
  readonly futureRetentionMs: number;
  /** Which of the samples within the retention are kept. */
  readonly rules: SampleRules;
  /** When parts and indexes have more bytes than this, the oldest go; 0: they may have any number. */
  readonly maxDiskBytes: number;
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  /** Bytes of samples in the head that start a flush. */
  readonly headBytes: number;
  /** Age of the head's first sample's arrival that starts a flush. */
  readonly headAgeMs: number;
  /** So many series without a sample for `headAgeMs`, and at least half of all, are forgotten at the next flush: memory of them is given back. */
  readonly idleSeriesMin: number;
  /** With series in memory that take more bytes, those not written for longest are forgotten early; all that are written are kept all the same. */
  readonly seriesBytes: number;
  /** Bytes of pages of indexes kept in memory. */
  readonly indexCacheBytes: number;
  /** Bytes of pieces and index pages of parts kept in memory. */
  readonly partCacheBytes: number;
  /** Snapshots older than this are deleted; 0 keeps them. */
  readonly snapshotsMaxAgeMs: number;
  /** Samples older than this when they come are late: answers that were kept of their times no longer hold. */
  readonly settleMs: number;
  /** Bytes that must stay free on the disk: with less, appends are refused (disk-space.ts). 0: only a failed write is. */
  readonly minFreeDiskBytes: number;
  readonly seriesLimits: SeriesLimitOptions;
  /** Larger merges are done on another thread, which opens the disk's root as a folder of the file system. */
  readonly mergesOnThread: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends an opening that replays a long log. */
  readonly signal?: AbortSignal;
}

const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

export const defaultStorageOptions: StorageOptions = {
  retentionMs: 31 * 86_400_000,
  futureRetentionMs: 2 * 86_400_000,
  rules: NO_RULES,
  maxDiskBytes: 0,
  fsync: "interval",
  fsyncIntervalMs: 1_000,
  headBytes: 64 << 20,
  headAgeMs: 3_600_000,
  idleSeriesMin: 100_000,
  seriesBytes: 512 << 20,
  indexCacheBytes: 64 << 20,
  partCacheBytes: 32 << 20,
  snapshotsMaxAgeMs: 0,
  settleMs: 60_000,
  minFreeDiskBytes: 0,
  seriesLimits: NO_SERIES_LIMITS,
  mergesOnThread: false,
  clock: systemClock,
  logger: silent,
};
