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
 * One instance owns a folder. Everything here runs on one thread; flushes and merges do a few milliseconds at a time.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { CorruptionError } from "../base/errors.ts";
import { NewerFormatError } from "../codec/pages.ts";
import { type Disk, type Lock, readWhole } from "../disk/disk.ts";
import type { InvalidLabels } from "../index/series-key.ts";
import { IndexSegment } from "../index/segment-reader.ts";
import type { WriteBatch } from "../ingest/batch.ts";
import { HeadFullError, SKIPPED_SLOT } from "../kernel/sample-store.ts";
import { flushStore, type FlushContext, writeSegment } from "./flush.ts";
import { type Generation, Head } from "./head.ts";
import { MANIFEST_FILE, type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { chooseParts, chooseRun, mergeParts } from "./merge.ts";
import { Pacer } from "./pacer.ts";
import { PartReader } from "./part-reader.ts";
import { DATA_FOLDER, type NewSeries, Partition } from "./partition.ts";
import { SeriesRegistry } from "./registry.ts";
import { SearchCursor, type Snapshot, type StorageSearch } from "./search.ts";
import { type FsyncMode, LogUnavailableError, replayLog, WAL_FOLDER, WriteAheadLog } from "./wal.ts";
import type { LoggedSeries, LogRecord } from "./wal-record.ts";

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
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  /** Bytes of samples in the head that start a flush. */
  readonly headBytes: number;
  /** Age of the head's first sample's arrival that starts a flush. */
  readonly headAgeMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const silent: Logger = { info: () => {}, warn: () => {}, error: () => {} };

export const defaultStorageOptions: StorageOptions = {
  retentionMs: 31 * 86_400_000,
  futureRetentionMs: 2 * 86_400_000,
  fsync: "interval",
  fsyncIntervalMs: 1_000,
  headBytes: 64 << 20,
  headAgeMs: 3_600_000,
  clock: systemClock,
  logger: silent,
};

/** What became of a batch's samples. */
export interface AppendOutcome {
  stored: number;
  /** Older than the retention. */
  tooOld: number;
  /** Further in the future than allowed. */
  tooNew: number;
  /** Samples of series whose labels name no series. */
  invalidLabels: number;
  /** The first such reason seen in this batch. */
  firstInvalid: InvalidLabels | null;
}

/** What was asked of a database that is closed. */
export class ClosedError extends Error {
  readonly code: "CLOSED" = "CLOSED";
}

/** A change of what a partition consists of. */
interface PartitionEdit {
  readonly partition: Partition;
  readonly partsOut?: readonly PartReader[];
  readonly partsIn?: readonly PartReader[];
  readonly segmentsOut?: readonly IndexSegment[];
  readonly segmentsIn?: readonly IndexSegment[];
}

/** Running totals since the start. */
export interface StorageCounters {
  rowsAdded: number;
  rowsTooOld: number;
  rowsTooNew: number;
  rowsInvalidLabels: number;
  newSeries: number;
  flushes: number;
  flushFailures: number;
  merges: number;
  rowsMerged: number;
  corruptBlocks: number;
  walBytesLost: number;
}

const TICK_MS = 5_000;
/** The end of the year 9999: months have names of four digits and two. */
const LATEST_MS = Date.UTC(10_000, 0) - 1;
/** Beyond this many times `headBytes` in the head, writers wait for the flush. */
const HEAD_PRESSURE = 2;

export class Storage {
  readonly counters: StorageCounters = {
    rowsAdded: 0,
    rowsTooOld: 0,
    rowsTooNew: 0,
    rowsInvalidLabels: 0,
    newSeries: 0,
    flushes: 0,
    flushFailures: 0,
    merges: 0,
    rowsMerged: 0,
    corruptBlocks: 0,
    walBytesLost: 0,
  };
  private readonly disk: Disk;
  private readonly options: StorageOptions;
  private readonly lock: Lock;
  private readonly wal: WriteAheadLog;
  private readonly registry: SeriesRegistry;
  private readonly head: Head;
  private readonly partitions: Map<string, Partition>;
  private nextFile: number;
  private walFloor: number;
  /** Flushes, merges and retention run one after the other. */
  private maintenance: Promise<void> = Promise.resolve();
  private isFlushScheduled = false;
  private readonly stopTicking: () => void;
  /** Set when closing has begun. */
  private closing: Promise<void> | null = null;
  /** The rotation of the log that belongs to the flushing generation. */
  private sealed: Promise<number> | null = null;
  private slots: Uint32Array = new Uint32Array(1024);

  private constructor(
    disk: Disk,
    options: StorageOptions,
    lock: Lock,
    state: {
      wal: WriteAheadLog;
      registry: SeriesRegistry;
      head: Head;
      partitions: Map<string, Partition>;
      manifest: Manifest;
    },
  ) {
    this.disk = disk;
    this.options = options;
    this.lock = lock;
    this.wal = state.wal;
    this.registry = state.registry;
    this.head = state.head;
    this.partitions = state.partitions;
    this.nextFile = state.manifest.nextFileNumber;
    this.walFloor = state.manifest.walFloor;
    const timer = options.clock.setRepeatingTimer(() => this.tick(), TICK_MS);
    this.stopTicking = () => timer.cancel();
  }

  /**
   * Opens the folder, replays the log, and removes what unfinished attempts left.
   * @throws LockedError, NewerFormatError, CorruptionError (of the manifest; damaged parts are set aside instead)
   */
  static async open(disk: Disk, options: StorageOptions): Promise<Storage> {
    await disk.makeFolder("");
    const lock = await disk.lock("");
    const partitions = new Map<string, Partition>();
    try {
      const manifest = (await readManifest(disk)) ?? (await newManifest(disk));
      const epoch = manifest.epoch + 1;
      await openPartitions(disk, manifest, partitions, options.logger);
      const registry = new SeriesRegistry(epoch);
      const head = new Head(options.clock.nowMs());
      const replay = await replayLog(disk, manifest.walFloor, replayer(registry, head), options.logger.warn);
      await writeManifest(disk, { ...manifest, epoch });
      const { fsync, fsyncIntervalMs, clock } = options;
      const onDoubt = (): void => {
        options.logger.error("the log could not be synced: what is in memory is written out at once");
        storage.scheduleFlush();
      };
      const wal = new WriteAheadLog(disk, replay.nextSegment, { fsync, fsyncIntervalMs, clock, onDoubt });
      const storage = new Storage(disk, options, lock, { wal, registry, head, partitions, manifest });
      storage.counters.walBytesLost = replay.bytesLost;
      await storage.tidyLog(manifest.walFloor);
      if (head.active.rows > 0) {
        options.logger.info(
          `replayed ${head.active.rows} samples of ${registry.size} series from ${replay.segments} log segments`,
        );
      }
      return storage;
    } catch (error) {
      for (const { parts } of partitions.values()) for (const part of parts) part.retire();
      await lock.release();
      throw error;
    }
  }

  /**
   * Adds a batch. Resolves once the log has it (see FsyncMode); queries see it at once. The batch is read before this returns: its memory
   * may be reused afterwards.
   * @throws LogUnavailableError, HeadFullError: nothing of the batch is acknowledged
   */
  async append(batch: WriteBatch): Promise<AppendOutcome> {
    if (this.closing !== null) throw new LogUnavailableError("the database is closed");
    this.wal.checkRoom();
    const outcome = this.appendNow(batch);
    await this.wal.commit();
    if (this.head.active.store.usedBytes > this.options.headBytes * HEAD_PRESSURE) await this.maintenance;
    return outcome;
  }

  private appendNow(batch: WriteBatch): AppendOutcome {
    const { seriesCount } = batch;
    const outcome: AppendOutcome = { stored: 0, tooOld: 0, tooNew: 0, invalidLabels: 0, firstInvalid: null };
    if (this.slots.length < seriesCount) this.slots = new Uint32Array(seriesCount * 2);
    const { slots } = this;
    const known = this.registry.size;
    this.registry.resolve(batch, slots, (i, reason) => {
      const samples = (batch.sampleEnds[i] as number) - (i === 0 ? 0 : (batch.sampleEnds[i - 1] as number));
      outcome.invalidLabels += samples;
      outcome.firstInvalid ??= reason;
    });
    this.counters.newSeries += this.registry.size - known;

    const kept = selectSamples(batch, slots, this.oldestMs(), this.newestMs(), outcome);
    outcome.stored = kept.sampleCount;
    this.counters.rowsAdded += outcome.stored;
    this.counters.rowsTooOld += outcome.tooOld;
    this.counters.rowsTooNew += outcome.tooNew;
    this.counters.rowsInvalidLabels += outcome.invalidLabels;
    if (kept.sampleCount === 0) return outcome;

    const definitions: LoggedSeries[] = [];
    for (let i = 0; i < kept.seriesCount; i++) {
      const slot = kept.slots[i] as number;
      if (slot === SKIPPED_SLOT || !this.head.mustDefine(slot)) continue;
      const { tenant, key } = this.registry.get(slot);
      definitions.push({ slot, accountId: tenant.accountId, projectId: tenant.projectId, key });
    }
    if (definitions.length > 0) this.wal.addSeries(this.registry.epoch, definitions);
    this.wal.addSamples(this.registry.epoch, kept);
    const { active } = this.head;
    if (active.rows === 0) active.startedMs = this.options.clock.nowMs();
    active.rows += kept.sampleCount;
    try {
      active.store.append(kept.slots, kept.ends, kept.seriesCount, kept.timestamps, kept.values);
    } catch (error) {
      if (error instanceof HeadFullError) this.scheduleFlush();
      throw error;
    }
    if (active.store.usedBytes > this.options.headBytes) this.scheduleFlush();
    return outcome;
  }

  /** Series that match, and their samples. @throws InputError 422 if more match than `maxSeries` */
  search(search: StorageSearch): SearchCursor {
    const minMs = Math.max(search.minMs, this.oldestMs());
    const snapshot = this.snapshot(minMs, search.maxMs);
    try {
      return new SearchCursor(snapshot, { ...search, minMs });
    } catch (error) {
      snapshot.release();
      throw error;
    }
  }

  /** What there is to read in a range, held until `release()`. @throws ClosedError */
  snapshot(minMs: number, maxMs: number): Snapshot {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    const generations = this.head.generations();
    for (const generation of generations) generation.acquire();
    const partitions: { partition: Partition; parts: PartReader[] }[] = [];
    let isPartial = false;
    for (const partition of this.sortedPartitions()) {
      if (partition.endMs <= minMs || partition.startMs > maxMs) continue;
      if (partition.quarantined.length > 0) isPartial = true;
      for (const part of partition.parts) part.acquire();
      partitions.push({ partition, parts: partition.parts });
    }
    let isReleased = false;
    const snapshot: Snapshot = {
      registry: this.registry,
      stores: generations.map(({ store }) => store),
      partitions,
      isPartial,
      onCorruption: (part, error) => {
        snapshot.isPartial = true;
        this.reportCorruption(part, error);
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        for (const generation of generations) generation.release();
        for (const { parts } of partitions) for (const part of parts) part.release();
      },
    };
    return snapshot;
  }

  /** Writes the head out as parts. Resolves when they are part of the database and the log is cut. @throws ClosedError */
  async flush(): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.run(() => this.flushHead());
  }

  /** Flushes, then merges the parts and the index segments of every partition into one each. @throws ClosedError */
  async merge(): Promise<void> {
    if (this.closing !== null) throw new ClosedError("the database is closed");
    await this.run(async () => {
      await this.flushHead();
      for (const partition of this.sortedPartitions()) {
        if (this.closing !== null) return;
        const parts = partition.mergeableParts();
        if (parts.length > 1) await this.mergeThese(partition, parts);
        if (partition.segments.length > 1) await this.mergeSegments(partition, partition.segments);
      }
    });
  }

  /** Flushes and lets go of the folder. Samples that could not be flushed stay in the log. */
  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    this.stopTicking();
    await this.run(() => this.flushHead()).catch((error: Error) => {
      this.options.logger.error(`flush on close: ${error.message}; the samples stay in the log`);
    });
    try {
      await this.wal.close();
    } finally {
      for (const partition of this.partitions.values()) for (const part of partition.parts) part.retire();
      await this.lock.release();
    }
  }

  /** Figures for metrics pages. */
  describe(): StorageDescription {
    const description: StorageDescription = {
      headRows: 0,
      headBytes: 0,
      headSeries: this.registry.size,
      partRows: 0,
      partBytes: 0,
      parts: 0,
      blocks: 0,
      partitions: this.partitions.size,
      quarantinedParts: 0,
      indexSeries: 0,
      indexBytes: 0,
      walBytes: this.wal.counters.bytes,
      walWrites: this.wal.counters.writes,
      walSyncs: this.wal.counters.syncs,
      walFailures: this.wal.counters.failures,
    };
    for (const { rows, store } of this.head.generations()) {
      description.headRows += rows;
      description.headBytes += store.usedBytes;
    }
    for (const partition of this.partitions.values()) {
      description.quarantinedParts += partition.quarantined.length + partition.damagedParts.size;
      description.indexSeries += partition.nextSeriesId;
      for (const { bytes } of partition.segments) description.indexBytes += bytes;
      for (const { info } of partition.parts) {
        description.parts++;
        description.blocks += info.blocks;
        description.partRows += info.rows;
        description.partBytes += info.bytes;
      }
    }
    return description;
  }

  /** Samples before this are out of retention. The epoch is the earliest time there is. */
  private oldestMs(): number {
    return Math.max(0, this.options.clock.nowMs() - this.options.retentionMs);
  }

  private newestMs(): number {
    return Math.min(LATEST_MS, this.options.clock.nowMs() + this.options.futureRetentionMs);
  }

  private tick(): void {
    const { active, flushing } = this.head;
    const isOld = active.rows > 0 && this.options.clock.nowMs() - active.startedMs > this.options.headAgeMs;
    if (isOld || flushing !== null) this.scheduleFlush();
    const oldestMs = this.oldestMs();
    if ([...this.partitions.values()].some(({ endMs }) => endMs <= oldestMs)) {
      this.run(() => this.dropOutdated()).catch((error: Error) => {
        this.options.logger.error(
          `drop what is out of retention: ${error.message}; tried again in ${TICK_MS / 1000} s`,
        );
      });
    }
  }

  private scheduleFlush(): void {
    if (this.isFlushScheduled || this.closing !== null) return;
    this.isFlushScheduled = true;
    this.run(async () => {
      this.isFlushScheduled = false;
      await this.flushHead();
      await this.mergeWhatIsDue();
    }).catch(() => {}); // Counted and logged where it failed; the next tick tries again.
  }

  private run(work: () => Promise<void>): Promise<void> {
    const done = this.maintenance.then(work);
    this.maintenance = done.catch(() => {});
    return done;
  }

  private async flushHead(): Promise<void> {
    const { head, options } = this;
    // What an attempt that failed has left comes first.
    if (head.flushing !== null) await this.flushGeneration(head.flushing);
    if (head.active.rows === 0) return;
    const generation = head.rotate(options.clock.nowMs());
    this.sealed = this.wal.rotate();
    await this.flushGeneration(generation);
  }

  private async flushGeneration({ store }: Generation): Promise<void> {
    try {
      await this.wal.commit();
      const floor = await (this.sealed as Promise<number>);
      const flushed = await flushStore({ ...this.flushContext(), store });
      try {
        const edits = flushed.map(({ partition, part, segment }) => ({
          partition,
          partsIn: [part],
          segmentsIn: segment === null ? [] : [segment],
        }));
        await this.commitEdits(edits, floor);
      } catch (error) {
        // The files stay: a failed attempt may have put the manifest that names them in place.
        for (const { part } of flushed) part.retire();
        throw error;
      }
      for (const { partition } of flushed) partition.unindexed = [];
      this.sealed = null;
      this.head.drop();
      this.counters.flushes++;
    } catch (error) {
      this.counters.flushFailures++;
      this.options.logger.error(`flush: ${(error as Error).message}; the samples stay in the log and in memory`);
      throw error;
    }
    await this.tidyLog(this.walFloor);
  }

  private flushContext(): Omit<FlushContext, "store"> {
    return {
      disk: this.disk,
      registry: this.registry,
      pacer: new Pacer(),
      nextFileNumber: () => this.nextFile++,
      partition: async (name) => {
        let partition = this.partitions.get(name);
        if (partition === undefined) {
          partition = new Partition(name, 0);
          await partition.makeFolders(this.disk);
          this.partitions.set(name, partition);
        }
        return partition;
      },
    };
  }

  private async mergeWhatIsDue(): Promise<void> {
    for (const partition of this.sortedPartitions()) {
      while (this.closing === null) {
        const due = chooseParts(partition.mergeableParts());
        if (due === null || !(await this.mergeThese(partition, due))) break;
      }
      const segments = chooseRun(partition.segments);
      if (segments !== null && this.closing === null) await this.mergeSegments(partition, segments);
    }
  }

  /** Replaces parts by one with the same samples. False if damage was found: then there is nothing new. */
  private async mergeThese(partition: Partition, sources: readonly PartReader[]): Promise<boolean> {
    const fileNumber = this.nextFile++;
    const path = partition.partPath(fileNumber);
    for (const part of sources) part.acquire();
    let merged: PartReader | null;
    try {
      merged = await mergeParts(this.disk, sources, path, fileNumber, this.oldestMs(), new Pacer());
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      const damaged = sources.find((part) => part.path === error.path);
      if (damaged !== undefined) this.reportCorruption(damaged, error);
      return damaged !== undefined;
    } finally {
      for (const part of sources) part.release();
    }
    try {
      await this.disk.syncFolder(partition.partsFolder);
      await this.commitEdits(
        [{ partition, partsOut: sources, partsIn: merged === null ? [] : [merged] }],
        this.walFloor,
      );
    } catch (error) {
      merged?.retire();
      throw error;
    }
    this.counters.merges++;
    this.counters.rowsMerged += merged?.info.rows ?? 0;
    for (const part of sources) part.retire();
    for (const part of sources) await this.removeUnused(part.path);
    return true;
  }

  private async mergeSegments(partition: Partition, sources: readonly IndexSegment[]): Promise<void> {
    const series: NewSeries[] = [];
    for (const segment of sources) {
      for (const own of segment.all()) {
        for (const { id, labels } of own.series()) series.push({ id, tenant: own.tenant, labels });
      }
    }
    series.sort((a, b) => a.id - b.id);
    const merged = await writeSegment(this.flushContext(), partition, series);
    if (merged === null) return;
    await this.commitEdits([{ partition, segmentsOut: sources, segmentsIn: [merged] }], this.walFloor);
    for (const segment of sources) await this.removeUnused(partition.indexPath(segment.fileNumber));
  }

  /** Drops partitions that ended before the retention. */
  private async dropOutdated(): Promise<void> {
    const oldestMs = this.oldestMs();
    const outdated = this.sortedPartitions().filter(({ endMs }) => endMs <= oldestMs);
    if (outdated.length === 0) return;
    await this.commitEdits([], this.walFloor, outdated);
    for (const partition of outdated) {
      for (const part of partition.parts) part.retire();
      await this.removeUnused(`${DATA_FOLDER}/${partition.name}`);
      this.options.logger.info(`dropped ${partition.name}: out of retention`);
    }
  }

  /** Removes log segments that are in parts. */
  private async tidyLog(floor: number): Promise<void> {
    try {
      await this.wal.removeBelow(floor);
    } catch (error) {
      this.options.logger.warn(
        `remove old log segments: ${(error as Error).message}; tried again after the next flush`,
      );
    }
  }

  /** Removes what no manifest names any more. If that fails, the next start does it. */
  private async removeUnused(path: string): Promise<void> {
    try {
      await this.disk.remove(path);
    } catch (error) {
      this.options.logger.warn(`remove ${path}: ${(error as Error).message}; tried again at the next start`);
    }
  }

  /**
   * Changes what the database consists of: on disk first, then for readers. Rejects with nothing changed for readers; what the disk has
   * then is the old state or the new one, and the files of both must be left there.
   */
  private async commitEdits(
    edits: readonly PartitionEdit[],
    walFloor: number,
    dropped: readonly Partition[] = [],
  ): Promise<void> {
    const editOf = (partition: Partition): PartitionEdit =>
      edits.find((edit) => edit.partition === partition) ?? { partition };
    await writeManifest(this.disk, {
      epoch: this.registry.epoch,
      nextFileNumber: this.nextFile,
      walFloor,
      partitions: this.sortedPartitions()
        .filter((partition) => !dropped.includes(partition))
        .map((partition) => {
          const { partsOut, partsIn, segmentsOut, segmentsIn } = editOf(partition);
          const { name, nextSeriesId, parts, segments, unreadable } = partition;
          return {
            name,
            nextSeriesId,
            parts: [...replaced(parts, partsOut, partsIn).map((part) => part.fileNumber), ...unreadable.parts],
            indexes: [
              ...replaced(segments, segmentsOut, segmentsIn).map((segment) => segment.fileNumber),
              ...unreadable.indexes,
            ],
          };
        }),
    });
    this.walFloor = walFloor;
    for (const { name } of dropped) this.partitions.delete(name);
    for (const { partition, partsOut, partsIn, segmentsOut, segmentsIn } of edits) {
      partition.parts = replaced(partition.parts, partsOut, partsIn);
      partition.segments = replaced(partition.segments, segmentsOut, segmentsIn);
      for (const part of partsOut ?? []) partition.damagedParts.delete(part);
    }
  }

  private sortedPartitions(): Partition[] {
    return [...this.partitions.values()].sort((a, b) => a.startMs - b.startMs);
  }

  /** A damaged block costs itself: what is whole in its part stays readable, but the part is never merged again. */
  private reportCorruption(part: PartReader, error: CorruptionError): void {
    this.counters.corruptBlocks++;
    for (const partition of this.partitions.values()) {
      if (!partition.parts.includes(part) || partition.damagedParts.has(part)) continue;
      partition.damagedParts.add(part);
      this.options.logger.error(`${error.message}; it is left out of answers, which are marked as partial`);
    }
  }
}

/** The list with `added` in the place of `removed`, or at the end. */
function replaced<T>(list: readonly T[], removed: readonly T[] = [], added: readonly T[] = []): T[] {
  const kept = list.filter((item) => !removed.includes(item));
  const at = list.findIndex((item) => removed.includes(item));
  kept.splice(at < 0 ? kept.length : at, 0, ...added);
  return kept;
}

/** What describe() tells. */
export interface StorageDescription {
  headRows: number;
  headBytes: number;
  headSeries: number;
  partRows: number;
  partBytes: number;
  parts: number;
  blocks: number;
  partitions: number;
  quarantinedParts: number;
  indexSeries: number;
  indexBytes: number;
  walBytes: number;
  walWrites: number;
  walSyncs: number;
  walFailures: number;
}

interface KeptSamples {
  readonly seriesCount: number;
  readonly sampleCount: number;
  readonly slots: Uint32Array;
  readonly ends: Uint32Array;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** The batch without what is out of time or names no series; the batch's own columns if that is all of it. */
function selectSamples(
  batch: WriteBatch,
  slots: Uint32Array,
  oldestMs: number,
  newestMs: number,
  outcome: AppendOutcome,
): KeptSamples {
  const { seriesCount, sampleCount, sampleEnds, timestamps, values } = batch;
  let isWhole = outcome.invalidLabels === 0;
  for (let i = 0; i < sampleCount && isWhole; i++) {
    const ms = timestamps[i] as number;
    isWhole = ms >= oldestMs && ms <= newestMs && (ms !== 0 || !Object.is(ms, -0));
  }
  if (isWhole) return { seriesCount, sampleCount, slots, ends: sampleEnds, timestamps, values };

  const source = new Uint32Array(values.buffer, values.byteOffset, sampleCount * 2);
  const keptTimes = new Float64Array(sampleCount);
  const keptBits = new Uint32Array(sampleCount * 2);
  const keptSlots = new Uint32Array(seriesCount);
  const keptEnds = new Uint32Array(seriesCount);
  let series = 0;
  let count = 0;
  let i = 0;
  for (let s = 0; s < seriesCount; s++) {
    const end = sampleEnds[s] as number;
    if (slots[s] === SKIPPED_SLOT) {
      i = end;
      continue;
    }
    const before = count;
    for (; i < end; i++) {
      const ms = timestamps[i] as number;
      if (ms < oldestMs) outcome.tooOld++;
      else if (ms > newestMs) outcome.tooNew++;
      else {
        keptTimes[count] = ms + 0; // -0 becomes 0: one time has one form.
        keptBits[2 * count] = source[2 * i] as number;
        keptBits[2 * count + 1] = source[2 * i + 1] as number;
        count++;
      }
    }
    if (count === before) continue;
    keptSlots[series] = slots[s] as number;
    keptEnds[series++] = count;
  }
  return {
    seriesCount: series,
    sampleCount: count,
    slots: keptSlots,
    ends: keptEnds,
    timestamps: keptTimes,
    values: new Float64Array(keptBits.buffer),
  };
}

/** Applies log records to an empty head. Slots of the log are slots of an earlier registry: they are mapped by what they stood for. */
function replayer(registry: SeriesRegistry, head: Head): (record: LogRecord) => void {
  const slotsByEpoch = new Map<number, Map<number, number>>();
  return (record) => {
    let slots = slotsByEpoch.get(record.epoch);
    if (slots === undefined) {
      slots = new Map();
      slotsByEpoch.set(record.epoch, slots);
    }
    if (record.type === "series") {
      for (const { slot, accountId, projectId, key } of record.series) {
        slots.set(slot, registry.slotOf({ accountId, projectId }, key));
      }
      return;
    }
    const { samples } = record;
    for (let i = 0; i < samples.seriesCount; i++) {
      samples.slots[i] = slots.get(samples.slots[i] as number) ?? SKIPPED_SLOT;
    }
    head.active.store.append(samples.slots, samples.ends, samples.seriesCount, samples.timestamps, samples.values);
    head.active.rows += samples.sampleCount;
  };
}

/** The manifest of a folder that has none yet. @throws CorruptionError if it should have one */
async function newManifest(disk: Disk): Promise<Manifest> {
  // The first thing written is the manifest: data without it means that it was lost, and a new one would disown them.
  for (const folder of [DATA_FOLDER, WAL_FOLDER]) {
    if ((await disk.list(folder)).length > 0) {
      throw new CorruptionError(MANIFEST_FILE, 0, `the file is missing although there is something in ${folder}`);
    }
  }
  return { epoch: 0, nextFileNumber: 1, walFloor: 1, partitions: [] };
}

async function openPartitions(
  disk: Disk,
  manifest: Manifest,
  partitions: Map<string, Partition>,
  logger: Logger,
): Promise<void> {
  for (const entry of manifest.partitions) {
    const partition = new Partition(entry.name, entry.nextSeriesId);
    partitions.set(entry.name, partition);
    for (const number of entry.indexes) {
      const path = partition.indexPath(number);
      try {
        partition.segments.push(new IndexSegment(await readWhole(disk, path), number, path));
      } catch (error) {
        setAside(partition, path, number, "indexes", error, logger);
      }
    }
    for (const number of entry.parts) {
      const path = partition.partPath(number);
      try {
        partition.parts.push(await PartReader.open(disk, path, number));
      } catch (error) {
        setAside(partition, path, number, "parts", error, logger);
      }
    }
  }
  await removeLeftovers(disk, partitions);
}

function setAside(
  partition: Partition,
  path: string,
  number: number,
  kind: "parts" | "indexes",
  error: unknown,
  logger: Logger,
): void {
  if (error instanceof NewerFormatError) throw error;
  const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
  if (!isMissing && !(error instanceof CorruptionError)) throw error;
  const damage = error instanceof CorruptionError ? error : new CorruptionError(path, 0, "the file is missing");
  partition.quarantined.push({ path, error: damage });
  partition.unreadable[kind].push(number);
  logger.error(`${damage.message}; it is left out of answers, which are marked as partial`);
}

/** Files of ours that no manifest names: attempts that did not finish before the process ended. What has another name is not ours. */
async function removeLeftovers(disk: Disk, partitions: ReadonlyMap<string, Partition>): Promise<void> {
  for (const name of await disk.list(DATA_FOLDER)) {
    if (!/^\d{4}_\d{2}$/.test(name)) continue;
    const partition = partitions.get(name);
    if (partition === undefined) {
      await disk.remove(`${DATA_FOLDER}/${name}`);
      continue;
    }
    const kept = new Set<string>([
      ...partition.parts.map((part) => part.path),
      ...partition.unreadable.parts.map((number) => partition.partPath(number)),
      ...partition.segments.map((segment) => partition.indexPath(segment.fileNumber)),
      ...partition.unreadable.indexes.map((number) => partition.indexPath(number)),
    ]);
    for (const folder of [partition.partsFolder, partition.indexFolder]) {
      for (const file of await disk.list(folder)) {
        const path = `${folder}/${file}`;
        if (!kept.has(path) && /^\d{10}\.(part|idx)$/.test(file)) await disk.remove(path);
      }
    }
  }
}
