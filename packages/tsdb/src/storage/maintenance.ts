/**
 * What changes the files of a database, one step after the other: flushes, deletes, retention, and the last step of each merge (merging.ts). Each makes
 * new files first, then the manifest that names them, then shows them to readers, then removes what they replace; a crash anywhere in between leaves the old state or the new one.
 */
import type { CorruptionError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import type { PageCache } from "../index/page-cache.ts";
import { mergeSegments } from "../index/segment-merge.ts";
import { IndexSegment } from "../index/segment-reader.ts";
import { type DeleteOutcome, type Deletion, writeTombstones } from "./deletes/deletion.ts";
import type { Tombstones } from "./deletes/tombstones.ts";
import type { DiskSpace } from "./disk-space.ts";
import { type FlushContext, flushStore } from "./flush.ts";
import type { Generation, Head } from "./head.ts";
import type { WriteAheadLog } from "./log/wal.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import { ThreadMerger } from "./merging/merge-thread.ts";
import { SlicedMerger } from "./merging/merger.ts";
import { type MergedParts, Merging } from "./merging/merging.ts";
import type { StorageOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
import type { PartReader } from "./parts/part-reader.ts";
import { DATA_FOLDER, Partition } from "./parts/partition.ts";
import type { RetentionClock } from "./retention-clock.ts";
import type { PartMark } from "./rules/merge-rules.ts";
import { RuleBook } from "./rules/sample-rules.ts";
import { bytesOf, chooseOldest, type Outdated } from "./rules/size-retention.ts";
import type { Snapshot } from "./search/search.ts";
import { SeriesRegistry } from "./series/registry.ts";
import { Handover } from "./series/registry-epoch.ts";
import { SeriesBudget } from "./series/series-budget.ts";
import { Snapshots } from "./snapshots.ts";

/** A change of what a partition consists of. */
interface PartitionEdit {
  readonly partition: Partition;
  readonly partsOut?: readonly PartReader[];
  readonly partsIn?: readonly PartReader[];
  readonly segmentsOut?: readonly IndexSegment[];
  readonly segmentsIn?: readonly IndexSegment[];
  readonly tombstones?: Tombstones;
}

/** Running totals since the start. */
export interface MaintenanceCounters {
  flushes: number;
  flushFailures: number;
  merges: number;
  rowsMerged: number;
  /** Samples that rules took in merges. */
  rowsDeduplicatedByMerges: number;
  /** Bytes of parts and months that went because there were too many. */
  bytesDroppedBySize: number;
  corruptBlocks: number;
}

export interface MaintenanceState {
  readonly disk: Disk;
  readonly options: StorageOptions;
  readonly wal: WriteAheadLog;
  readonly head: Head;
  readonly partitions: Map<string, Partition>;
  readonly manifest: Manifest;
  readonly indexCache: PageCache;
  readonly retentionClock: RetentionClock;
  readonly space: DiskSpace;
}

export class Maintenance {
  readonly counters: MaintenanceCounters = {
    flushes: 0,
    flushFailures: 0,
    merges: 0,
    rowsMerged: 0,
    rowsDeduplicatedByMerges: 0,
    bytesDroppedBySize: 0,
    corruptBlocks: 0,
  };
  /** What is done to samples in merges and by readers. */
  readonly book: RuleBook;
  readonly snapshots: Snapshots;
  readonly merging: Merging;
  readonly seriesBudget: SeriesBudget;
  /** Told when files or a generation of the head have gone out of use. */
  onOutOfUse: () => void = () => {};
  private readonly disk: Disk;
  private readonly options: StorageOptions;
  private readonly wal: WriteAheadLog;
  private readonly head: Head;
  private readonly partitions: Map<string, Partition>;
  readonly retentionClock: RetentionClock;
  private readonly space: DiskSpace;
  private readonly indexCache: PageCache;
  private nextFile: number;
  private walFloor: number;
  /** Log segments below this were replayed when the database was opened. */
  replayedBelow = 0;
  /** Settles when the work handed to `run` so far is done. */
  idle: Promise<void> = Promise.resolve();
  /** Of the registry, or of the one that is about to take over: what the manifest has is never given out again. */
  private epoch: number;
  /** The rotation of the log that belongs to the flushing generation. */
  private sealed: Promise<number> | null = null;

  constructor(state: MaintenanceState) {
    this.disk = state.disk;
    this.book = new RuleBook(state.options.rules, state.options.retentionMs);
    this.options = state.options;
    this.wal = state.wal;
    this.epoch = state.head.registry.epoch;
    this.head = state.head;
    this.partitions = state.partitions;
    this.retentionClock = state.retentionClock;
    this.snapshots = new Snapshots(state.disk, state.options.clock, state.options.logger);
    this.seriesBudget = new SeriesBudget(state.options.seriesBytes);
    this.space = state.space;
    this.indexCache = state.indexCache;
    this.nextFile = state.manifest.nextFileNumber;
    this.walFloor = state.manifest.walFloor;
    this.merging = new Merging({
      options: this.options,
      space: this.space,
      book: this.book,
      retentionClock: this.retentionClock,
      merger: this.options.mergesOnThread ? new ThreadMerger(this.disk) : new SlicedMerger(this.disk),
      run: (work) => this.run(work),
      sortedPartitions: () => this.sortedPartitions(),
      nextFileNumber: () => this.nextFile++,
      oldestKeptMs: () => this.oldestKeptMs(),
      replaceParts: (merged) => this.replaceParts(merged),
      buildSegment: (partition, sources, fileNumber, signal) =>
        this.buildSegment(partition, sources, fileNumber, signal),
      replaceSegments: (partition, sources, merged) => this.replaceSegments(partition, sources, merged),
      reportIndexCorruption: (segment, error) => this.reportIndexCorruption(segment, error),
      reportCorruption: (part, error) => this.reportCorruption(part, error),
      removeUnused: (path) => this.removeUnused(path),
    });
  }

  /** Does the work when all that was handed in before is done; a second time if the disk had no room and now has the reserve's. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.idle.then(() => this.space.withReserve(work));
    this.idle = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  /** Writes everything in the head out as parts and cuts the log behind them. */
  async flushHead(): Promise<void> {
    const { head, options } = this;
    // What an attempt that failed has left comes first.
    if (head.flushing !== null) await this.flushGeneration(head.flushing);
    if (head.active.rows === 0) return await this.cutReplayed();
    const handover = this.merging.isStopping ? null : await this.beginEpoch();
    handover?.finish();
    const generation = head.rotate(options.clock.nowMs(), handover);
    this.sealed = this.wal.rotate();
    await this.flushGeneration(generation);
  }

  /** Cuts the log that was replayed, if all of it went into parts meanwhile: replayed once more it would bring back what is deleted by then. */
  private async cutReplayed(): Promise<void> {
    if (this.replayedBelow <= this.walFloor) return;
    await this.commitEdits([], this.replayedBelow);
    await this.tidyLog(this.walFloor);
  }

  /**
   * Writes what has been replayed so far out as parts when it fills the head. The log stays until the next flush, and no delete comes before that:
   * should it be replayed again, these samples are what they are already. A failure is logged, and the samples stay in the head.
   */
  async flushReplayed(): Promise<void> {
    if (this.head.flushing !== null) return;
    const generation = this.head.rotate(this.options.clock.nowMs());
    await this.flushGeneration(generation).then(
      () => this.head.refill(generation),
      () => {},
    );
  }

  /** Moves series to a new registry if enough others are to be forgotten; null if not. */
  private async beginEpoch(): Promise<Handover | null> {
    const { head, options } = this;
    const { registry, active } = head;
    const pacer = new Pacer();
    const idleSince = head.firstSince(options.clock.nowMs(), options.headAgeMs);
    const rule = { since: idleSince, idleSeriesMin: options.idleSeriesMin };
    const since = await this.seriesBudget.firstKept(registry, active, rule, pacer);
    if (since === null) return null;
    const handover = new Handover(registry, new SeriesRegistry(this.epoch + 1));
    try {
      this.epoch++;
      await this.recommit();
      await handover.carry(active, since, pacer);
    } catch (error) {
      handover.abandon();
      options.logger.warn(`forget series that are no longer written: ${(error as Error).message}; tried again later`);
      return null;
    }
    options.logger.info(`${handover.to.size} of ${registry.size} series stay in memory; the others are forgotten`);
    return handover;
  }

  private async flushGeneration({ store, registry }: Generation): Promise<void> {
    let handover: Handover | null;
    try {
      await this.wal.commit();
      // What a replay put into the head stays in its segments until all of them may go.
      const floor = this.sealed === null ? this.walFloor : await this.sealed;
      const flushed = await flushStore({ ...this.flushContext(), store, registry });
      try {
        const edits = flushed.map(({ partition, part, segments }) => ({
          partition,
          partsIn: [part],
          segmentsIn: segments,
        }));
        await this.commitEdits(edits, floor);
      } catch (error) {
        // The files stay: a failed attempt may have put the manifest that names them in place.
        for (const { part, segments } of flushed) for (const file of [part, ...segments]) file.retire();
        throw error;
      }
      for (const { partition } of flushed) partition.unindexed = [];
      this.sealed = null;
      handover = this.head.drop();
      this.onOutOfUse();
      this.counters.flushes++;
    } catch (error) {
      this.counters.flushFailures++;
      this.options.logger.error(`flush: ${(error as Error).message}; the samples stay in the log and in memory`);
      throw error;
    }
    await handover?.relink(this.partitions.values(), new Pacer());
    await this.tidyLog(this.walFloor);
  }

  private flushContext(): Omit<FlushContext, "store" | "registry"> {
    return {
      disk: this.disk,
      pacer: new Pacer(),
      dedupMs: this.options.rules.dedupMs,
      indexCache: this.indexCache,
      onIndexCorruption: (segment, error) => this.reportIndexCorruption(segment, error),
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

  /** Hides what the deletion matches from all who ask from now on. `takeSnapshot` is called when all of it is in parts. */
  async deleteSamples(deletion: Deletion, takeSnapshot: () => Snapshot): Promise<DeleteOutcome> {
    await this.flushHead();
    const snapshot = takeSnapshot();
    try {
      const { edits, series } = await writeTombstones(this.disk, snapshot, deletion, () => this.nextFile++);
      if (edits.length > 0) await this.commitEdits(edits, this.walFloor);
      for (const { partition } of edits) partition.mustReclaim = true;
      return { series, isPartial: snapshot.isPartial };
    } finally {
      snapshot.release();
    }
  }

  /** Puts what a merge made in the place of its sources. */
  private async replaceParts({ partition, sources, part, dropped }: MergedParts): Promise<void> {
    try {
      await this.disk.syncFolder(partition.partsFolder);
      const edit = { partition, partsOut: sources, partsIn: part === null ? [] : [part] };
      await this.commitEdits([edit], this.walFloor);
    } catch (error) {
      part?.retire();
      throw error;
    }
    this.counters.merges++;
    this.counters.rowsMerged += part?.info.rows ?? 0;
    this.counters.rowsDeduplicatedByMerges += dropped;
    for (const source of sources) source.retire();
    for (const source of sources) await this.removeUnused(source.path);
  }

  private async buildSegment(
    partition: Partition,
    sources: readonly IndexSegment[],
    fileNumber: number,
    signal: AbortSignal,
  ): Promise<IndexSegment> {
    const path = partition.indexPath(fileNumber);
    await mergeSegments(this.disk, sources, path, fileNumber, new Pacer(signal));
    return await IndexSegment.open(this.disk, path, fileNumber, this.indexCache);
  }

  private async replaceSegments(
    partition: Partition,
    sources: readonly IndexSegment[],
    merged: IndexSegment,
  ): Promise<void> {
    try {
      await this.disk.syncFolder(partition.indexFolder);
      await this.commitEdits([{ partition, segmentsOut: sources, segmentsIn: [merged] }], this.walFloor);
    } catch (error) {
      merged.retire();
      throw error;
    }
    for (const segment of sources) segment.retire();
    for (const segment of sources) await this.removeUnused(segment.file.path);
  }

  /** Drops partitions that ended before the retention, and the oldest of what is too much for the disk. */
  async dropOutdated(): Promise<void> {
    await this.dropPartitions(this.partitionsOutOfRetention(), "out of retention");
    const { partitions, parts } = this.oldestOverSize();
    const reason = `more than ${this.options.maxDiskBytes} bytes of data`;
    this.counters.bytesDroppedBySize += partitions.reduce((sum, partition) => sum + bytesOf(partition), 0);
    await this.dropPartitions(partitions, reason);
    for (const [partition, partsOut] of parts) {
      partition.isSparse = true;
      await this.commitEdits([{ partition, partsOut }], this.walFloor);
      for (const part of partsOut) {
        part.retire();
        await this.removeUnused(part.path);
        this.counters.bytesDroppedBySize += part.info.bytes;
        this.options.logger.info(`dropped ${part.path}, up to ${new Date(part.info.maxMs).toISOString()}: ${reason}`);
      }
    }
  }

  /** True if `dropOutdated` has something to do. */
  get isAnythingOutdated(): boolean {
    if (this.partitionsOutOfRetention().length > 0) return true;
    const { partitions, parts } = this.oldestOverSize();
    return partitions.length > 0 || parts.size > 0;
  }

  private partitionsOutOfRetention(): Partition[] {
    const firstMs = this.oldestKeptMs();
    return this.sortedPartitions().filter(({ endMs }) => endMs <= firstMs);
  }

  private oldestOverSize(): Outdated<PartReader, Partition> {
    const { maxDiskBytes } = this.options;
    return chooseOldest(this.sortedPartitions(), maxDiskBytes || Number.POSITIVE_INFINITY, this.retentionClock.nowMs());
  }

  private async dropPartitions(dropped: readonly Partition[], reason: string): Promise<void> {
    if (dropped.length === 0) return;
    await this.commitEdits([], this.walFloor, dropped);
    for (const partition of dropped) {
      partition.retire();
      await this.removeUnused(`${DATA_FOLDER}/${partition.name}`);
      this.options.logger.info(`dropped ${partition.name}: ${reason}`);
    }
  }

  /** A snapshot with every sample that was acknowledged before this runs. Nothing is removed while its files are linked. */
  async createSnapshot(): Promise<string> {
    await this.flushHead();
    return await this.snapshots.create(this.manifestWith([], this.walFloor, []));
  }

  /** Removes log segments that are in parts. */
  async tidyLog(floor: number): Promise<void> {
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
    await writeManifest(this.disk, this.manifestWith(edits, walFloor, dropped));
    this.walFloor = walFloor;
    for (const { name } of dropped) this.partitions.delete(name);
    const outOfUse: string[] = [];
    for (const { partition, partsOut, partsIn, segmentsOut, segmentsIn, tombstones } of edits) {
      partition.parts = replaced(partition.parts, partsOut, partsIn);
      const before = partition.tombstones;
      partition.tombstones = partition.tombstonesFor(partition.parts, tombstones);
      if (tombstones !== undefined) partition.isSparse = true;
      if (before !== null && before !== partition.tombstones)
        outOfUse.push(...before.files.map((number) => partition.deletesPath(number)));
      partition.segments = replaced(partition.segments, segmentsOut, segmentsIn);
      for (const part of partsOut ?? []) partition.damagedParts.delete(part);
    }
    this.onOutOfUse();
    for (const path of outOfUse) await this.removeUnused(path);
  }

  /** What the manifest says once the edits are done. */
  private manifestWith(edits: readonly PartitionEdit[], walFloor: number, dropped: readonly Partition[]): Manifest {
    const editOf = (partition: Partition): PartitionEdit =>
      edits.find((edit) => edit.partition === partition) ?? { partition };
    return {
      epoch: this.epoch,
      nextFileNumber: this.nextFile,
      walFloor,
      retentionNowMs: this.retentionClock.nowMs(),
      partitions: this.sortedPartitions()
        .filter((partition) => !dropped.includes(partition))
        .map((partition) => {
          const { partsOut, partsIn, segmentsOut, segmentsIn, tombstones } = editOf(partition);
          const { name, nextSeriesId, segments, unreadable } = partition;
          const parts = replaced(partition.parts, partsOut, partsIn);
          const deletes = [...(partition.tombstonesFor(parts, tombstones)?.files ?? []), ...unreadable.deletes];
          const marks = parts.flatMap(({ fileNumber, mark }) => (mark === null ? [] : [{ ...mark, part: fileNumber }]));
          return {
            name,
            nextSeriesId,
            ...(marks.length === 0 ? {} : { marks }),
            parts: [...parts.map((part) => part.fileNumber), ...unreadable.parts],
            indexes: [
              ...replaced(segments, segmentsOut, segmentsIn).map((segment) => segment.fileNumber),
              ...unreadable.indexes,
            ],
            ...(deletes.length > 0 ? { deletes } : {}),
            ...(partition.isSparse || tombstones !== undefined ? { isSparse: true } : {}),
          };
        }),
    };
  }

  /** What is older may go, for good. Never later than what searches leave out: see retention-clock.ts. */
  oldestKeptMs(): number {
    return Math.max(0, this.retentionClock.nowMs() - this.options.retentionMs);
  }

  /** Writes the manifest once more: it could not be written when the database was opened. */
  async recommit(): Promise<void> {
    await this.commitEdits([], this.walFloor);
  }

  /** Gives what was appended since the last call parts of its own, one a month, with this mark: no merge joins them with others. For repairs. */
  async finishParts(mark: PartMark | null): Promise<void> {
    await this.run(() => this.flushHead());
    await this.merging.mergeEverything();
    await this.run(async () => {
      for (const partition of this.partitions.values()) {
        for (const part of partition.mergeableParts()) {
          part.mark = mark;
          partition.finishedParts.add(part);
        }
      }
      await this.recommit();
    });
  }

  /** Oldest month first. */
  sortedPartitions(): Partition[] {
    return [...this.partitions.values()].sort((a, b) => a.startMs - b.startMs);
  }

  /** A damaged block costs itself: what is whole in its part stays readable, but the part is never merged again. */
  reportCorruption(part: PartReader, error: CorruptionError): void {
    this.counters.corruptBlocks++;
    for (const partition of this.partitions.values()) {
      if (!partition.parts.includes(part) || partition.damagedParts.has(part)) continue;
      partition.damagedParts.add(part);
      this.options.logger.error(`${error.message}; it is left out of answers, which are marked as partial`);
    }
  }

  /** The same for a page of an index segment. */
  reportIndexCorruption(segment: IndexSegment, error: CorruptionError): void {
    this.counters.corruptBlocks++;
    for (const partition of this.partitions.values()) {
      if (!partition.segments.includes(segment) || partition.damagedSegments.has(segment)) continue;
      partition.damagedSegments.add(segment);
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
