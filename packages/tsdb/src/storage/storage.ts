/**
 * The storage engine: where samples go in, and what keeps them.
 *
 *   append ──► registry (which series?) ──► log ──► head ──► acknowledged
 *                                                    │ full, or old
 *                                                    ▼
 *                                   flush: parts and index segments, then the manifest, then the log is cut
 *                                                    │ several of a size
 *                                                    ▼
 *                                                  merge
 *
 * One instance owns a folder. Everything here runs on one thread, a few milliseconds at a time; only large merges have one of their own if they may.
 */
import type { CorruptionError } from "../base/errors.ts";
import type { Disk, Lock } from "../disk/disk.ts";
import { RealDisk } from "../disk/real-disk.ts";
import { PageCache } from "../index/page-cache.ts";
import type { IndexSegment } from "../index/segment-reader.ts";
import { printRawLabels } from "../index/series-key.ts";
import type { WriteBatch } from "../ingest/batch.ts";
import { HeadFullError, type SampleStore, SKIPPED_SLOT } from "../kernel/sample-store.ts";
import { ChangeLog } from "./changes/change-log.ts";
import type { DeleteOutcome, Deletion } from "./deletes/deletion.ts";
import { describe, type StorageDescription } from "./description.ts";
import { DiskSpace, isNoSpace, RESERVE_FILE, SPACE_CHECK_MS } from "./disk-space.ts";
import { type Generation, Head } from "./head.ts";
import { LogUnavailableError, nextSegmentNumber, replayLog, WriteAheadLog } from "./log/wal.ts";
import type { LoggedSamples } from "./log/wal-record.ts";
import { Maintenance, type MaintenanceCounters } from "./maintenance.ts";
import { readManifest } from "./manifest.ts";
import { newManifest, openPartitions, ReplayProgress, replayer } from "./opening.ts";
import type { StorageOptions } from "./options.ts";
import { LookAhead } from "./parts/look-ahead.ts";
import { limitPartCaches, type PartCaches } from "./parts/part-caches.ts";
import type { Partition } from "./parts/partition.ts";
import { PartitionIndex } from "./parts/partition-index.ts";
import type { Origin } from "./reading/snapshot-message.ts";
import { RetentionClock } from "./retention-clock.ts";
import type { PartMark } from "./rules/merge-rules.ts";
import type { RuleBook } from "./rules/sample-rules.ts";
import { type AppendOutcome, addOverLimit, NONE_INVALID, selectSamples } from "./sample-selection.ts";
import { searchHeadTexts } from "./search/label-search.ts";
import { SearchCursor, type Snapshot, type SnapshotPartition, type StorageSearch } from "./search/search.ts";
import { NewSeriesLog } from "./series/new-series-log.ts";
import { type Refusal, SeriesRegistry } from "./series/registry.ts";
import { isOverLimit, OVER_LIMITS, type OverLimit, SeriesLimits } from "./series/series-limits.ts";
import type { Snapshots } from "./snapshots.ts";

/** What was asked of a database that is closed. */
export class ClosedError extends Error {
  readonly code: "CLOSED" = "CLOSED";
}

/** Whoever keeps something of the storage for others, on another thread. */
export interface Watcher {
  /** Files, months or stores of the head have gone out of use. */
  onOutOfUse(): void;
  /** No new snapshots from now on. */
  onClosing(): void;
}

/** Running totals since the start. */
export interface AppendCounters {
  rowsAdded: number;
  rowsTooOld: number;
  rowsTooNew: number;
  rowsInvalidLabels: number;
  /** By the limit their series was over. */
  rowsOverLimit: Readonly<Record<OverLimit, number>>;
  newSeries: number;
  /** Of the log as it was found at the start: bytes that are no records, damaged places, and samples whose series is lost. */
  walBytesLost: number;
  walCorruptRecords: number;
  walRowsUnnamed: number;
  /** Samples that rules took from answers. */
  rowsDeduplicatedBySearches: number;
}

export type StorageCounters = AppendCounters & MaintenanceCounters;

const TICK_MS = 5_000;
/** Of the labels of a refused series, for messages. */
const REFUSED_CHARS_MAX = 200;
/** The end of the year 9999: months have names of four digits and two. */
const LATEST_MS = Date.UTC(10_000, 0) - 1;
/** Beyond this many times `headBytes` in the head, writers wait for the flush. */
const HEAD_PRESSURE = 2;
/** As large were both generations together when the process ended: a replay that stays below needs no more memory than the process had, and writes no parts. */
const REPLAY_PRESSURE = 2 * HEAD_PRESSURE;
/** A batch more than `HEAD_PRESSURE` fits into a store that is kept. */
const SPARE_SLACK = 1.25;

export class Storage {
  private readonly totals: AppendCounters & { rowsOverLimit: Record<OverLimit, number> } = {
    rowsAdded: 0,
    rowsTooOld: 0,
    rowsTooNew: 0,
    rowsInvalidLabels: 0,
    rowsOverLimit: Object.fromEntries(OVER_LIMITS.map((reason) => [reason, 0])) as Record<OverLimit, number>,
    newSeries: 0,
    walBytesLost: 0,
    walCorruptRecords: 0,
    walRowsUnnamed: 0,
    rowsDeduplicatedBySearches: 0,
  };
  private readonly options: StorageOptions;
  private readonly lock: Lock;
  private readonly wal: WriteAheadLog;
  private readonly head: Head;
  private readonly partitions: ReadonlyMap<string, Partition>;
  private readonly maintenance: Maintenance;
  /** Null if there are no rules. */
  private readonly rules: RuleBook | null;
  private readonly indexCache: PageCache;
  private readonly partCaches: PartCaches;
  private readonly space: DiskSpace;
  private readonly limits: SeriesLimits;
  private readonly newSeriesLog: NewSeriesLog;
  private readonly lookAhead: LookAhead = new LookAhead(() => this.snapshot(0, Number.MAX_SAFE_INTEGER));
  private snapshotCount = 0;
  private readonly watchers: Set<Watcher> = new Set();
  /** Whether answers still hold that somebody keeps. */
  readonly changes: ChangeLog;
  /** What readers on other threads have to know before all else; null on a disk that they cannot open by its name. */
  readonly origin: Origin | null;
  private isFlushScheduled = false;
  private readonly stopTicking: () => void;
  /** Set when closing has begun. */
  private closing: Promise<void> | null = null;
  private slots: Uint32Array = new Uint32Array(1024);
  private undefinedSlots: Uint32Array = new Uint32Array(1024);

  private constructor(
    options: StorageOptions,
    lock: Lock,
    state: {
      disk: Disk;
      wal: WriteAheadLog;
      head: Head;
      partitions: ReadonlyMap<string, Partition>;
      maintenance: Maintenance;
      space: DiskSpace;
      indexCache: PageCache;
      partCaches: PartCaches;
    },
  ) {
    this.options = options;
    this.lock = lock;
    this.wal = state.wal;
    this.head = state.head;
    this.partitions = state.partitions;
    this.maintenance = state.maintenance;
    this.rules = state.maintenance.book.isEmpty ? null : state.maintenance.book;
    this.space = state.space;
    this.newSeriesLog = new NewSeriesLog(options.clock, options.logger);
    this.indexCache = state.indexCache;
    this.partCaches = state.partCaches;
    const { rules, retentionMs, settleMs } = options;
    this.changes = new ChangeLog(settleMs);
    this.changes.advance(options.clock.nowMs());
    const changes = this.changes.memory;
    this.origin =
      state.disk instanceof RealDisk ? { root: state.disk.root, rules, retentionMs, settleMs, changes } : null;
    this.maintenance.onOutOfUse = () => {
      for (const watcher of this.watchers) watcher.onOutOfUse();
    };
    this.limits = new SeriesLimits(options.seriesLimits, options.clock, options.logger.warn);
    const timers = [options.clock.setRepeatingTimer(() => this.tick(), TICK_MS)];
    if (options.minFreeDiskBytes > 0) {
      timers.push(options.clock.setRepeatingTimer(() => void this.space.look(), SPACE_CHECK_MS));
    }
    this.stopTicking = () => {
      for (const timer of timers) timer.cancel();
    };
  }

  /**
   * Opens the folder, replays the log, and removes what unfinished attempts left.
   * @throws LockedError, NewerFormatError, CorruptionError (of the manifest; damaged parts are set aside instead), the reason of `options.signal`
   */
  static async open(disk: Disk, options: StorageOptions): Promise<Storage> {
    await disk.makeFolder("");
    const lock = await lockWithReserve(disk);
    const partitions = new Map<string, Partition>();
    let storage: Storage | null = null;
    let wal: WriteAheadLog | null = null;
    let isEpochWritten = true;
    const space = new DiskSpace({
      disk,
      limitBytes: options.minFreeDiskBytes,
      logger: options.logger,
      onReadOnly: () => storage?.scheduleFlush(),
      beforeWritable: async () => {
        if (isEpochWritten) return;
        await storage?.maintenance.run(() => (storage as Storage).maintenance.recommit());
        isEpochWritten = true;
      },
    });
    try {
      await space.begin();
      const present = await readManifest(disk);
      const manifest = present ?? (await newManifest(disk));
      const epoch = manifest.epoch + 1;
      const indexCache = new PageCache(options.indexCacheBytes);
      const partCaches = limitPartCaches(disk, options.partCacheBytes);
      await openPartitions(disk, manifest, partitions, indexCache, options.logger);
      const registry = new SeriesRegistry(epoch);
      const head = new Head(registry, options.clock.nowMs(), options.headBytes * HEAD_PRESSURE * SPARE_SLACK);
      const retentionClock = new RetentionClock(options.clock, manifest.retentionNowMs ?? null);
      const { fsync, fsyncIntervalMs, clock } = options;
      const onDoubt = (): void => {
        options.logger.error("the log could not be synced: what is in memory is written out at once");
        storage?.scheduleFlush();
      };
      const nextSegment = await nextSegmentNumber(disk, manifest.walFloor);
      wal = new WriteAheadLog(disk, nextSegment, { fsync, fsyncIntervalMs, clock, onDoubt });
      const state = { disk, options, wal, head, partitions, manifest, indexCache, retentionClock, space };
      const maintenance = new Maintenance(state);
      const progress = new ReplayProgress(clock, options.logger);
      let unnamed = 0;
      const apply = replayer(
        registry,
        head,
        (samples) => {
          unnamed += samples;
        },
        (samples) => {
          progress.addSamples(samples);
          const isFull = head.active.store.usedBytes > options.headBytes * REPLAY_PRESSURE;
          return isFull ? maintenance.flushReplayed() : undefined;
        },
      );
      const replay = await replayLog(disk, manifest.walFloor, apply, options.logger, {
        onProgress: (done, all) => progress.addSegment(done, all),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      if (unnamed > 0)
        options.logger.error(`${unnamed} samples of the log are lost: the records that name their series are damaged`);
      try {
        await space.withReserve(() => maintenance.recommit());
      } catch (error) {
        if (!isNoSpace(error)) throw error;
        if (present === null) throw noRoom(error, "to begin a database");
        // Reading needs no manifest of this epoch, and nothing is logged under it as long as the storage is read-only.
        space.beginReadOnly();
        isEpochWritten = false;
      }
      storage = new Storage(options, lock, { disk, wal, head, partitions, maintenance, space, indexCache, partCaches });
      maintenance.replayedBelow = nextSegment;
      storage.totals.walBytesLost = replay.bytesLost;
      storage.totals.walCorruptRecords = replay.corruptRecords;
      storage.totals.walRowsUnnamed = unnamed;
      await maintenance.tidyLog(manifest.walFloor);
      await maintenance.snapshots.removeUnfinished();
      if (head.active.store.usedBytes > options.headBytes || storage.isHeadLargerThanDisk) storage.scheduleFlush();
      if (progress.samples > 0) {
        options.logger.info(
          `replayed ${progress.samples} samples of ${registry.size} series from ${replay.segments} log segments in ${progress.seconds} seconds`,
        );
      }
      return storage;
    } catch (error) {
      await wal?.close().catch(() => {});
      for (const partition of partitions.values()) partition.retire();
      await lock.release();
      throw error;
    }
  }

  /**
   * Adds a batch. Resolves once the log has it (see FsyncMode); queries see it at once. The batch is read before this returns: its memory
   * may be reused afterwards.
   * @throws LogUnavailableError, HeadFullError, ReadOnlyError: nothing of the batch is acknowledged
   */
  async append(batch: WriteBatch): Promise<AppendOutcome> {
    if (this.closing !== null) throw new LogUnavailableError("the database is closed");
    this.space.checkWritable();
    this.wal.checkRoom();
    const outcome = this.appendNow(batch);
    try {
      await this.wal.commit();
    } catch (error) {
      if (isNoSpace(error)) this.space.reportFull();
      throw error;
    }
    const isUnderPressure =
      this.head.active.store.usedBytes > this.options.headBytes * HEAD_PRESSURE ||
      this.maintenance.seriesBudget.isFarOver(this.registry);
    if (isUnderPressure) await this.maintenance.idle;
    return outcome;
  }

  /** The series of new samples: another one after an epoch has ended. */
  private get registry(): SeriesRegistry {
    return this.head.registry;
  }

  private appendNow(batch: WriteBatch): AppendOutcome {
    const { seriesCount } = batch;
    const outcome: AppendOutcome = { stored: 0, tooOld: 0, tooNew: 0, invalidLabels: 0, ...NONE_INVALID };
    if (this.slots.length < seriesCount) {
      this.slots = new Uint32Array(seriesCount * 2);
      this.undefinedSlots = new Uint32Array(seriesCount * 2);
    }
    const { slots } = this;
    const known = this.registry.size;
    const refuse = (i: number, reason: Refusal): void => this.refuse(batch, i, reason, outcome);
    this.limits.beginBatch(this.registry.epoch);
    this.registry.resolve(batch, slots, this.limits, refuse);
    if (this.limits.isCounting) {
      for (let i = 0; i < seriesCount; i++) {
        if (slots[i] === SKIPPED_SLOT) continue;
        const reason = this.limits.admit(slots[i] as number, batch.hashes, i * 4);
        if (reason === null) continue;
        slots[i] = SKIPPED_SLOT;
        refuse(i, reason);
      }
    }
    this.totals.newSeries += this.registry.size - known;
    this.lookAhead.wake(this.registry);
    if (this.newSeriesLog.isOn) this.newSeriesLog.add(this.registry, known);

    const kept = selectSamples(batch, slots, this.maintenance.oldestKeptMs(), this.newestMs(), outcome);
    outcome.stored = kept.sampleCount;
    this.totals.rowsAdded += outcome.stored;
    this.totals.rowsTooOld += outcome.tooOld;
    this.totals.rowsTooNew += outcome.tooNew;
    this.totals.rowsInvalidLabels += outcome.invalidLabels;
    if (kept.sampleCount === 0) return outcome;

    this.define(kept);
    this.wal.addSamples(this.registry.epoch, kept);
    const { active } = this.head;
    const nowMs = this.options.clock.nowMs();
    if (active.rows === 0) active.startedMs = nowMs;
    this.changes.advance(nowMs);
    try {
      this.changes.add(this.registry.epoch, kept, active.append(kept));
    } catch (error) {
      // Some of the batch may be in.
      this.changes.changeEverything();
      if (error instanceof HeadFullError) this.scheduleFlush();
      throw error;
    }
    const isFull = active.store.usedBytes > this.options.headBytes;
    if (isFull || this.maintenance.seriesBudget.isOver(this.registry)) this.scheduleFlush();
    return outcome;
  }

  /** Counts the samples of a series that is not taken, and keeps the first such labels for a message. */
  private refuse(batch: WriteBatch, i: number, reason: Refusal, outcome: AppendOutcome): void {
    const samples = (batch.sampleEnds[i] as number) - (i === 0 ? 0 : (batch.sampleEnds[i - 1] as number));
    const print = (): string => printRawLabels(batch.readLabels(i), REFUSED_CHARS_MAX);
    if (isOverLimit(reason)) {
      addOverLimit(outcome, reason, samples);
      this.totals.rowsOverLimit[reason] += samples;
      this.limits.log(reason, print);
      return;
    }
    outcome.invalidLabels += samples;
    if (outcome.firstInvalid !== null) return;
    outcome.firstInvalid = reason;
    outcome.firstInvalidLabels = print();
  }

  /** Tells the log of series that its present generation does not know. */
  private define({ seriesCount, slots }: LoggedSamples): void {
    const { registry, undefinedSlots } = this;
    const { number } = this.head.active;
    let count = 0;
    for (let i = 0; i < seriesCount; i++) {
      const slot = slots[i] as number;
      if (slot !== SKIPPED_SLOT && registry.markWritten(slot, number)) undefinedSlots[count++] = slot;
    }
    if (count === 0) return;
    let defined = 0;
    try {
      registry.store.define(undefinedSlots, count, (bytes, series) => {
        this.wal.addDefinitions(registry.epoch, bytes);
        defined += series;
      });
    } finally {
      // What could not be defined for want of memory must be the next time.
      for (let i = defined; i < count; i++) registry.markWritten(undefinedSlots[i] as number, 0);
    }
  }

  /** Tells the watcher what goes. Returns how to end that. @throws ClosedError */
  watch(watcher: Watcher): () => void {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** The head's series, if it may have samples in the range: those that a snapshot of it would have now. */
  headSeries(minMs: number, maxMs: number): SeriesRegistry | null {
    const range = this.rules?.readRange(minMs, maxMs, this.options.clock.nowMs()) ?? { minMs, maxMs };
    const isThere = this.head.generations().some((generation) => generation.overlaps(range.minMs, range.maxMs));
    return isThere ? this.registry : null;
  }

  /** By which samples are kept, and for how long. */
  get terms(): Pick<StorageOptions, "rules" | "retentionMs" | "settleMs"> {
    return this.options;
  }

  /** What may be told of to readers on other threads. */
  get inUse(): {
    readonly partitions: readonly Partition[];
    readonly stores: readonly SampleStore[];
    readonly generations: readonly Generation[];
  } {
    return {
      partitions: [...this.partitions.values()],
      stores: this.head.stores(),
      generations: this.head.generations(),
    };
  }

  /** Series that match, and their samples. @throws InputError 422 if more match than `maxSeries` */
  async search(search: StorageSearch): Promise<SearchCursor> {
    const minMs = Math.max(search.minMs, this.oldestShownMs());
    const snapshot = this.snapshot(minMs, search.maxMs);
    try {
      return await SearchCursor.open(snapshot, { ...search, minMs });
    } catch (error) {
      snapshot.release();
      throw error;
    }
  }

  /** What there is to read in a range, held until `release()`. @throws ClosedError */
  snapshot(minMs: number, maxMs: number): Snapshot {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    const nowMs = this.options.clock.nowMs();
    this.changes.advance(nowMs);
    const range = this.rules?.readRange(minMs, maxMs, nowMs) ?? { minMs, maxMs };
    const generations = this.head.generations().filter((generation) => generation.overlaps(range.minMs, range.maxMs));
    for (const generation of generations) generation.acquire();
    const partitions: SnapshotPartition[] = [];
    const onIndexCorruption = (segment: IndexSegment, error: CorruptionError): void => {
      snapshot.isPartial = true;
      this.maintenance.reportIndexCorruption(segment, error);
    };
    let isPartial = false;
    for (const partition of this.maintenance.sortedPartitions()) {
      if (partition.endMs <= range.minMs || partition.startMs > range.maxMs) continue;
      if (partition.quarantined.length > 0) isPartial = true;
      for (const part of partition.parts) part.acquire();
      const index = new PartitionIndex(partition.segments, onIndexCorruption);
      const { parts, tombstones, isSparse } = partition;
      partitions.push({ partition, parts, index, tombstones, isSparse });
    }
    let isReleased = false;
    const snapshot: Snapshot = {
      registry: this.registry,
      stores: generations.map((generation) => this.head.samplesOf(generation)),
      generations: generations.map((generation) => ({ generation, handover: this.head.handoverOf(generation) })),
      partitions,
      rules: this.rules,
      nowMs,
      oldestMs: this.oldestShownMs(),
      isPartial,
      headTexts: (search, query, known, pace) => searchHeadTexts(snapshot, search, query, known, pace),
      onCorruption: (part, error) => {
        snapshot.isPartial = true;
        this.maintenance.reportCorruption(part, error);
      },
      onDropped: (samples) => {
        this.totals.rowsDeduplicatedBySearches += samples;
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        for (const generation of generations) generation.release();
        for (const { parts, index } of partitions) {
          for (const part of parts) part.release();
          index.release();
        }
      },
    };
    return snapshot;
  }

  /** Writes the head out as parts. Resolves when they are part of the database and the log is cut. @throws ClosedError */
  async flush(): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.maintenance.run(() => this.maintenance.flushHead());
  }

  /**
   * Deletes samples: those acknowledged before the call, of matching series, in the range. What is appended once this has resolved is kept, also
   * for the same series and times; what is appended meanwhile is kept or deleted whole, batch by batch. Resolves when it survives a power cut.
   * The space comes back later, by merges. @throws ClosedError, InputError 422 if too many series match, and the disk's errors: nothing is deleted then
   */
  async deleteSamples(deletion: Deletion): Promise<DeleteOutcome> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    const outcome = await this.changing(() =>
      this.maintenance.deleteSamples(deletion, () => this.snapshot(deletion.minMs, deletion.maxMs)),
    );
    if (outcome.series > 0) this.maintenance.merging.mergeWhatIsDue();
    return outcome;
  }

  /** Resolves when the merges that flushes and deletes have given rise to so far are done. Nobody needs to wait for them; tests do. */
  async whenMerged(): Promise<void> {
    await this.maintenance.idle;
    await this.maintenance.merging.idle;
  }

  /** Resolves when new series have been looked for in the indexes, as far as that has begun. Nobody needs to wait for it; tests do. */
  get lookedAhead(): Promise<void> {
    return this.lookAhead.idle;
  }

  /** Flushes, then merges the parts and the index segments of every partition into one each. @throws ClosedError */
  async merge(partitionPrefix = ""): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.flush();
    await this.maintenance.merging.mergeEverything(partitionPrefix);
  }

  /**
   * Makes a snapshot of every sample acknowledged before the call: a folder `snapshots/<name>` that opens as a database. Resolves with the name
   * once it survives a power cut. @throws ClosedError, and the disk's errors: then there is none
   */
  async createSnapshot(): Promise<string> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    return await this.maintenance.run(() => this.maintenance.createSnapshot());
  }

  get snapshots(): Pick<Snapshots, "list" | "remove"> {
    return this.maintenance.snapshots;
  }

  /** Tells the logger of every new series for so long; 0 ends it. */
  logNewSeries(durationMs: number): void {
    this.newSeriesLog.start(durationMs);
  }

  /** Merges the months that rules are due for, as the background does one by one. @throws ClosedError */
  async applyRules(): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.maintenance.merging.mergeAllByRules();
  }

  /** Gives what was appended since the last call parts of its own, which went through what the mark says. For repairs of databases. @throws ClosedError */
  async finishParts(mark: PartMark | null): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.maintenance.finishParts(mark);
  }

  /** Drops what is out of retention by age or size, as the background does. @throws ClosedError */
  async applyRetention(): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.changing(() => this.maintenance.dropOutdated());
  }

  /** Flushes and lets go of the folder. Samples that could not be flushed stay in the log. */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    for (const watcher of [...this.watchers]) watcher.onClosing();
    this.stopTicking();
    await this.lookAhead.stop();
    await this.space.end();
    await this.maintenance.merging.stop();
    await this.maintenance
      .run(() => this.maintenance.flushHead())
      .catch((error: Error) => {
        this.options.logger.error(`flush on close: ${error.message}; the samples stay in the log`);
      });
    try {
      await this.wal.close();
    } finally {
      for (const partition of this.partitions.values()) partition.retire();
      await this.lock.release();
    }
  }

  get counters(): StorageCounters {
    return { ...this.totals, rowsOverLimit: { ...this.totals.rowsOverLimit }, ...this.maintenance.counters };
  }

  /** Figures for metrics pages. */
  describe(): StorageDescription {
    const { registry, head, maintenance, wal, lock, limits, space, indexCache, partCaches, snapshotCount } = this;
    return describe({
      registry,
      head,
      maintenance,
      wal,
      lock,
      limits,
      space,
      indexCache,
      partCaches,
      snapshotCount,
    });
  }

  /** What is before this is out of retention for searches. */
  oldestShownMs(): number {
    return Math.max(0, this.options.clock.nowMs() - this.options.retentionMs);
  }

  /** Has work done after which the past is another one, however far it comes. */
  private async changing<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.maintenance.run(work);
    } finally {
      this.changes.changeEverything();
    }
  }

  private newestMs(): number {
    return Math.min(LATEST_MS, this.options.clock.nowMs() + this.options.futureRetentionMs);
  }

  private tick(): void {
    if (this.options.minFreeDiskBytes === 0) void this.space.look();
    this.countSnapshots();
    this.changes.advance(this.options.clock.nowMs());
    const { active, flushing } = this.head;
    const isOld = active.rows > 0 && this.options.clock.nowMs() - active.startedMs > this.options.headAgeMs;
    if (isOld || flushing !== null || this.isHeadLargerThanDisk) this.scheduleFlush();
    const { snapshotsMaxAgeMs, logger } = this.options;
    if (snapshotsMaxAgeMs > 0) {
      const { snapshots, retentionClock } = this.maintenance;
      snapshots.removeBefore(retentionClock.nowMs() - snapshotsMaxAgeMs).catch((error: Error) => {
        logger.error(`delete old snapshots: ${error.message}; tried again in ${TICK_MS / 1000} s`);
      });
    }
    this.lookAhead.wake(this.registry);
    this.maintenance.merging.tick();
    if (this.maintenance.isAnythingOutdated) {
      this.changing(() => this.maintenance.dropOutdated()).catch((error: Error) => {
        this.options.logger.error(
          `drop what is out of retention: ${error.message}; tried again in ${TICK_MS / 1000} s`,
        );
      });
    }
  }

  /** Anybody may remove a snapshot's folder: they are counted on the disk. */
  private countSnapshots(): void {
    this.snapshots.list().then(
      (names) => {
        this.snapshotCount = names.length;
      },
      () => {}, // Counted again at the next tick.
    );
  }

  /** What the log holds would soon fill the disk: written out, it takes a fraction. Later there might be no room even for that. */
  private get isHeadLargerThanDisk(): boolean {
    return this.head.active.store.usedBytes > this.space.freeBytes - this.space.limitBytes;
  }

  private scheduleFlush(): void {
    if (this.isFlushScheduled || this.closing !== null) return;
    this.isFlushScheduled = true;
    this.maintenance
      .run(async () => {
        this.isFlushScheduled = false;
        await this.maintenance.flushHead();
        this.lookAhead.wake(this.registry);
        this.maintenance.merging.mergeWhatIsDue();
      })
      .catch(() => {}); // Counted and logged where it failed; the next tick tries again.
  }
}

/** The lock is a small file, too: on a disk without room for it the reserve goes first. */
async function lockWithReserve(disk: Disk): Promise<Lock> {
  try {
    return await disk.lock("");
  } catch (error) {
    if (!isNoSpace(error)) throw error;
    try {
      await disk.remove(RESERVE_FILE);
      return await disk.lock("");
    } catch (again) {
      throw isNoSpace(again) ? noRoom(again, "for the lock") : again;
    }
  }
}

function noRoom(cause: unknown, what: string): Error {
  return new Error(
    `no room on the disk ${what}: ${(cause as Error).message}; make some, and let -storage.minFreeDiskSpaceBytes keep it`,
    { cause },
  );
}
