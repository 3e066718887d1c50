/**
 * The database as a program sees it: open a folder, append samples, ask MetricsQL or PromQL. In this process, with no server, no port, no worker
 * and no native addon.
 *
 * ```ts
 * import { openDatabase } from "@nyanza/tsdb";
 *
 * const db = await openDatabase("data");
 * await db.appendRow({ __name__: "temperature_celsius", room: "kitchen" }, Date.now(), 21.5);
 * const { series } = await db.query("max(temperature_celsius) by (room)");
 * console.log(series[0]?.labels.get("room"), series[0]?.values[0]);
 * await db.close();
 * ```
 */
import type { MessagePort } from "node:worker_threads";
import type { Clock } from "../base/clock.ts";
import { systemClock } from "../base/clock.ts";
import { InputError } from "../base/errors.ts";
import { Labels } from "../base/labels.ts";
import { DEFAULT_TENANT, type Tenant } from "../base/tenant.ts";
import type { Disk } from "../disk/disk.ts";
import { RealDisk } from "../disk/real-disk.ts";
import type { WriteBatch } from "../ingest/batch.ts";
import { RowBatch } from "../ingest/row-batch.ts";
import type { FilterGroups } from "../metricsql/ast.ts";
import type { Answer } from "../query/source.ts";
import type { DeleteOutcome } from "../storage/deletes/deletion.ts";
import type { StorageDescription } from "../storage/description.ts";
import type { FsyncMode } from "../storage/log/wal.ts";
import { defaultStorageOptions, type Logger } from "../storage/options.ts";
import { type AppendOutcome, addOverLimit, NONE_INVALID } from "../storage/sample-selection.ts";
import type { Cardinality } from "../storage/search/cardinality.ts";
import { NO_SERIES_LIMITS, type SeriesLimitOptions } from "../storage/series/series-limits.ts";
import { Storage, type StorageCounters } from "../storage/storage.ts";
import { type LabelsOptions, labelsRequest, Queries, traced } from "./queries.ts";
import { HeldSnapshots } from "./reading/held-snapshots.ts";
import { ReaderHost, type ServedReader } from "./reading/host.ts";
import { parseRules } from "./rule-texts.ts";
import { StorageSource } from "./storage-source.ts";

const DAY_MS = 86_400_000;
/** Samples collected before they are handed to storage. */
const APPEND_SAMPLES = 50_000;

export interface DatabaseOptions {
  /** Samples older than this are refused and in time removed. Milliseconds; 100 years by default. */
  readonly retentionMs?: number;
  /** Samples further in the future are refused. Milliseconds; 2 days by default. */
  readonly futureRetentionMs?: number;
  /** Of each interval of this length a series keeps the last sample. Milliseconds; 0, the default: all are kept. */
  readonly dedupIntervalMs?: number;
  /**
   * `[filter:]offset:interval[:aggregate]`: of intervals that ended `offset` ago one sample is left, `last` (the default), `min`, `max`, `avg`, `sum` or
   * `count` of its samples. Several of one filter are steps, with longer intervals for longer offsets; of several filters the first that matches counts.
   */
  readonly downsampling?: readonly string[];
  /** `filter:duration`: samples of matching series go after this time; of several the shortest counts. */
  readonly retentionFilters?: readonly string[];
  /** When parts and indexes have more bytes than this, the oldest go; 0, the default: they may have any number. */
  readonly maxDiskBytes?: number;
  /**
   * When an append resolves: `interval` (default) once the operating system has it, synced every `fsyncIntervalMs`; `always` once the disk has it;
   * `never` as `interval` without the syncing.
   */
  readonly fsync?: FsyncMode;
  /** Milliseconds, 1000 by default. */
  readonly fsyncIntervalMs?: number;
  /** Memory for samples that are not in parts yet. Bytes, 64 MiB by default; about twice as much is used while they are written out. */
  readonly headBytes?: number;
  /** Merge large parts on a thread of their own, which takes its memory while it lasts. False by default: all work is done in slices of a few milliseconds. */
  readonly mergesOnThread?: boolean;
  /**
   * Memory for series in memory, about 130 bytes each. Those not written for longest are forgotten when it does not do; those that are written are
   * kept all the same. Bytes, 512 MiB by default.
   */
  readonly seriesBytes?: number;
  /** Memory for pages of indexes that were read. Bytes, 64 MiB by default. */
  readonly indexCacheBytes?: number;
  /** Memory for pieces and index pages of parts that were read. Bytes, 32 MiB by default. */
  readonly partCacheBytes?: number;
  /**
   * Memory for columns that range queries have computed: the next query of the same selectors, functions and step computes what is new. Answers are the same with and without, whatever
   * comes late or is deleted; sums may differ in their last digits. Bytes; 0, the default: nothing is kept. Not with rules that remove or aggregate samples.
   */
  readonly rollupCacheBytes?: number;
  /** Snapshots older than this are deleted. Milliseconds; 0, the default, keeps them. */
  readonly snapshotsMaxAgeMs?: number;
  /**
   * Samples older than this when they come are late. Answers that are kept (rollupCacheBytes) hold points up to as long before now; late samples make those of their series and times
   * be computed anew. Milliseconds, a minute by default.
   */
  readonly settleMs?: number;
  /** Bytes that must stay free on the disk: with less, appends are refused with ReadOnlyError until there is more. 0, off, by default. */
  readonly minFreeDiskBytes?: number;
  /** Sizes of series and how many there may be in an hour and a day: samples of what is over are left out and counted. None by default. */
  readonly seriesLimits?: Partial<SeriesLimitOptions>;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Ends the opening, while a long log is replayed, with its reason. */
  readonly signal?: AbortSignal;
  /** Where the folder is kept; the file system by default. */
  readonly disk?: Disk;
}

/** Labels of a series, metric name under `__name__`: a Map, pairs, a Labels, or an object of own string properties. */
export type LabelsInput = Labels | Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

/** One series' samples as columns of the same length. */
export interface SeriesRows {
  readonly labels: LabelsInput;
  /** Milliseconds since the Unix epoch, whole numbers, in any order. */
  readonly timestamps: ArrayLike<number>;
  /** Stored bit-exact when given as a Float64Array. */
  readonly values: ArrayLike<number>;
}

export interface DeleteOptions {
  readonly tenant?: Tenant;
  /** Or-ed groups of filters, as `@nyanza/tsdb/metricsql` parses selectors. */
  readonly groups: FilterGroups;
  /** Milliseconds, inclusive; all time by default. */
  readonly minMs?: number;
  readonly maxMs?: number;
  /** Series of a month that may match; no limit by default. */
  readonly maxSeries?: number;
  readonly signal?: AbortSignal;
}

export interface CardinalityOptions extends LabelsOptions {
  /** Whose values are counted apart; none by default. */
  readonly focusLabel?: string;
  /** Entries of each list, 10 by default. */
  readonly topN?: number;
}

export type DatabaseStats = StorageDescription & StorageCounters;

/**
 * Opens the database in a folder, which is made if it does not exist.
 * @throws LockedError if another process has it open, NewerFormatError if a newer release wrote it, CorruptionError if its manifest is damaged or lost,
 *   and the file system's own errors; InputError for rules that cannot be understood
 */
export async function openDatabase(path: string, options: DatabaseOptions = {}): Promise<Database> {
  const clock = options.clock ?? systemClock;
  const retentionMs = options.retentionMs ?? 36_500 * DAY_MS;
  const { dedupIntervalMs: dedupMs, downsampling, retentionFilters } = options;
  const rules = parseRules({ dedupMs, downsampling, retentionFilters }, retentionMs);
  const storage = await Storage.open(options.disk ?? new RealDisk(path), {
    ...defaultStorageOptions,
    retentionMs,
    rules,
    maxDiskBytes: options.maxDiskBytes ?? defaultStorageOptions.maxDiskBytes,
    futureRetentionMs: options.futureRetentionMs ?? defaultStorageOptions.futureRetentionMs,
    fsync: options.fsync ?? defaultStorageOptions.fsync,
    fsyncIntervalMs: options.fsyncIntervalMs ?? defaultStorageOptions.fsyncIntervalMs,
    headBytes: options.headBytes ?? defaultStorageOptions.headBytes,
    // A disk of the caller's own is not one that a thread could open by its name.
    mergesOnThread: options.disk === undefined && (options.mergesOnThread ?? defaultStorageOptions.mergesOnThread),
    seriesBytes: options.seriesBytes ?? defaultStorageOptions.seriesBytes,
    indexCacheBytes: options.indexCacheBytes ?? defaultStorageOptions.indexCacheBytes,
    partCacheBytes: options.partCacheBytes ?? defaultStorageOptions.partCacheBytes,
    snapshotsMaxAgeMs: options.snapshotsMaxAgeMs ?? defaultStorageOptions.snapshotsMaxAgeMs,
    settleMs: options.settleMs ?? defaultStorageOptions.settleMs,
    minFreeDiskBytes: options.minFreeDiskBytes ?? defaultStorageOptions.minFreeDiskBytes,
    seriesLimits: { ...NO_SERIES_LIMITS, ...options.seriesLimits },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    clock,
    logger: options.logger ?? defaultStorageOptions.logger,
  });
  return new Database(storage, clock, options.rollupCacheBytes ?? 0);
}

/** An open database. Appends and queries may run at the same time; queries see every append that resolved. */
export class Database extends Queries<StorageSource> {
  private readonly storage: Storage;
  private readonly heldByReaders: HeldSnapshots = new HeldSnapshots();

  /** Use openDatabase. */
  constructor(storage: Storage, clock: Clock, rollupCacheBytes: number) {
    super(new StorageSource(storage), clock, rollupCacheBytes);
    this.storage = storage;
  }

  /**
   * Appends samples, given as columns a series. Resolves once all are logged.
   * @throws InputError if a series has no labels, columns of different lengths, or times that are not whole milliseconds
   */
  async append(series: Iterable<SeriesRows>, tenant: Tenant = DEFAULT_TENANT): Promise<AppendOutcome> {
    const total: AppendOutcome = { stored: 0, tooOld: 0, tooNew: 0, invalidLabels: 0, ...NONE_INVALID };
    const batch = new RowBatch();
    const flush = async (): Promise<void> => {
      if (batch.seriesCount === 0) return;
      const outcome = await this.storage.append(batch);
      total.stored += outcome.stored;
      total.tooOld += outcome.tooOld;
      total.tooNew += outcome.tooNew;
      total.invalidLabels += outcome.invalidLabels;
      if (total.firstInvalid === null) {
        total.firstInvalid = outcome.firstInvalid;
        total.firstInvalidLabels = outcome.firstInvalidLabels;
      }
      for (const [reason, samples] of outcome.overLimit ?? []) addOverLimit(total, reason, samples);
      batch.reset(tenant);
    };
    batch.reset(tenant);
    for (const rows of series) {
      addRows(batch, rows);
      if (batch.sampleCount >= APPEND_SAMPLES) await flush();
    }
    await flush();
    return total;
  }

  /** Appends one sample. For many, `append` is far cheaper. */
  async appendRow(
    labels: LabelsInput,
    timestampMs: number,
    value: number,
    tenant: Tenant = DEFAULT_TENANT,
  ): Promise<AppendOutcome> {
    return await this.append([{ labels, timestamps: [timestampMs], values: [value] }], tenant);
  }

  /** Appends what a parser of `@nyanza/tsdb/ingest` made. The batch may be reused once this has resolved. */
  async appendBatch(batch: WriteBatch): Promise<AppendOutcome> {
    return await this.storage.append(batch);
  }

  /**
   * Where the series with samples in the range come from: counts by metric name, label name, pair of both, and values of `focusLabel`, the `topN`
   * (10) largest of each. The answer has one item.
   */
  async cardinality(options: CardinalityOptions = {}): Promise<Answer<Cardinality>> {
    const { focusLabel = "", topN = 10, ...rest } = options;
    return await traced(rest, "count series by label", () =>
      this.source.cardinality(labelsRequest(rest), focusLabel, topN),
    );
  }

  /** How many series have samples in the range: an answer of one item. */
  async seriesCount(options: LabelsOptions = {}): Promise<Answer<number>> {
    return await traced(options, "count series", () => this.source.seriesCount(labelsRequest(options)));
  }

  /**
   * Lets a reader on another thread read this database: `connectReader` at the other end of the port. Any number of them may be served; what one has is given back when its port is closed,
   * also because its thread has ended. The port keeps no process alive. docs/decisions/0011-query-workers.md tells what this thread does for it.
   * @throws InputError for a database on a disk that is not a folder, ClosedError
   */
  serveReader(port: MessagePort): ServedReader {
    return new ReaderHost(port, this.storage, this.heldByReaders);
  }

  /** Writes everything in memory out as parts. Queries do not need it: samples are visible at once. */
  async flush(): Promise<void> {
    await this.storage.flush();
  }

  /** Flushes and merges all parts of each month into one; only of months `YYYY_MM` that start with the prefix, if there is one. */
  async merge(partitionPrefix = ""): Promise<void> {
    await this.storage.merge(partitionPrefix);
  }

  /**
   * Does at once what the background does month by month: merges of all months that the rules for deduplication, downsampling and retention are due for, and
   * drops what is out of retention. Queries do not need it: their answers are the same before.
   */
  async applyRules(): Promise<void> {
    await this.storage.applyRules();
    await this.storage.applyRetention();
  }

  /** Tells the logger of every new series for so long, in milliseconds; 0 ends it. */
  logNewSeries(durationMs: number): void {
    this.storage.logNewSeries(durationMs);
  }

  /**
   * Deletes samples: those appended before the call, of matching series, in the range. What is appended once this has resolved is kept, also for the same
   * series and times. It survives a power cut then; the space comes back later, by merges. Tells how many series lost samples, a series once
   * for each month.
   * @throws InputError without a filter (400) or when more than `maxSeries` of a month match (422), ClosedError, and the file system's errors: nothing
   *   is deleted then
   */
  async delete(options: DeleteOptions): Promise<DeleteOutcome> {
    const { groups, tenant = DEFAULT_TENANT, minMs = 0, maxMs = Number.MAX_SAFE_INTEGER, maxSeries, signal } = options;
    if (!groups.some((group) => group.length > 0)) throw new InputError("delete: want at least one filter");
    return await this.storage.deleteSamples({ tenant, groups, minMs, maxMs, maxSeries, signal });
  }

  /**
   * Makes a snapshot with every sample that was acknowledged before the call, of hard links, in a moment. Resolves with its name: the folder
   * `snapshots/<name>` of the database is then a database of its own, to be copied away or opened. It stays until it is deleted.
   * @throws ClosedError, and the file system's errors: then there is none
   */
  async snapshot(): Promise<string> {
    return await this.storage.createSnapshot();
  }

  /** Names of all snapshots, `YYYYMMDDhhmmss-HEX`, oldest first. */
  async snapshots(): Promise<string[]> {
    return await this.storage.snapshots.list();
  }

  /** Deletes a snapshot. False if there is none of this name. */
  async deleteSnapshot(name: string): Promise<boolean> {
    return await this.storage.snapshots.remove(name);
  }

  stats(): DatabaseStats {
    return { ...this.storage.describe(), ...this.storage.counters };
  }

  /** Writes everything out and lets go of the folder. */
  async close(): Promise<void> {
    await this.storage.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function addRows(batch: RowBatch, { labels, timestamps, values }: SeriesRows): void {
  if (timestamps.length !== values.length) {
    throw new InputError(`append: want as many values as timestamps, got ${values.length} and ${timestamps.length}`);
  }
  batch.beginSeries();
  let count = 0;
  for (const [name, value] of labelEntries(labels)) {
    if (typeof name !== "string" || typeof value !== "string") {
      throw new InputError(`append: want label names and values as strings, got ${typeof name} and ${typeof value}`);
    }
    batch.addLabel(name, value);
    count++;
  }
  if (count === 0) throw new InputError("append: a series needs at least one label");
  batch.endLabels();
  const bits =
    values instanceof Float64Array ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : null;
  for (let i = 0; i < timestamps.length; i++) {
    const ms = timestamps[i] as number;
    if (!Number.isInteger(ms)) throw new InputError(`append: want whole milliseconds as timestamps, got ${ms}`);
    if (bits === null) batch.addSample(ms, values[i] as number);
    else batch.addSampleBits(ms, bits, 8 * i);
  }
}

function labelEntries(labels: LabelsInput): Iterable<readonly [string, string]> {
  if (labels instanceof Labels) return labels.entries();
  if (Symbol.iterator in labels) return labels as Iterable<readonly [string, string]>;
  return Object.entries(labels as Readonly<Record<string, string>>);
}
