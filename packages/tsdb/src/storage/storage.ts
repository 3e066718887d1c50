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
import { SKIPPED_SLOT } from "../kernel/sample-store.ts";
import { flushStore, type FlushContext, writeSegment } from "./flush.ts";
import { Head } from "./head.ts";
import { type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { chooseMerge, mergeParts } from "./merge.ts";
import { Pacer } from "./pacer.ts";
import { PartReader } from "./part-reader.ts";
import { DATA_FOLDER, type NewSeries, Partition } from "./partition.ts";
import { SeriesRegistry } from "./registry.ts";
import { SearchCursor, type Snapshot, type StorageSearch } from "./search.ts";
import { type FsyncMode, replayLog, WriteAheadLog } from "./wal.ts";
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
  private isClosed = false;
  private slots: Uint32Array = new Uint32Array(1024);

  private constructor(
    disk: Disk,
    options: StorageOptions,
    lock: Lock,
    state: { wal: WriteAheadLog; registry: SeriesRegistry; head: Head; partitions: Map<string, Partition>; manifest: Manifest },
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
    try {
      const found = await readManifest(disk);
      const manifest: Manifest = found ?? { epoch: 0, nextFileNumber: 1, walFloor: 1, partitions: [] };
      const epoch = manifest.epoch + 1;
      const partitions = await openPartitions(disk, manifest, options.logger);
      const registry = new SeriesRegistry(epoch);
      const head = new Head(options.clock.nowMs());
      const replay = await replayLog(disk, manifest.walFloor, replayer(registry, head), options.logger.warn);
      await writeManifest(disk, { ...manifest, epoch });
      const wal = new WriteAheadLog(disk, replay.nextSegment, options);
      const storage = new Storage(disk, options, lock, { wal, registry, head, partitions, manifest });
      storage.counters.walBytesLost = replay.bytesLost;
      await wal.removeBelow(manifest.walFloor);
      if (head.active.rows > 0) {
        options.logger.info(`replayed ${head.active.rows} samples of ${registry.size} series from ${replay.segments} log segments`);
      }
      return storage;
    } catch (error) {
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
      if (!this.head.mustDefine(slot)) continue;
      const { tenant, key } = this.registry.get(slot);
      definitions.push({ slot, accountId: tenant.accountId, projectId: tenant.projectId, key });
    }
    if (definitions.length > 0) this.wal.addSeries(this.registry.epoch, definitions);
    this.wal.addSamples(this.registry.epoch, kept);
    const { active } = this.head;
    active.store.append(kept.slots, kept.ends, kept.seriesCount, kept.timestamps, kept.values);
    active.rows += kept.sampleCount;
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

  /** What there is to read in a range, held until `release()`. */
  snapshot(minMs: number, maxMs: number): Snapshot {
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
    return {
      registry: this.registry,
      stores: generations.map(({ store }) => store),
      partitions,
      isPartial,
      onCorruption: (part, error) => this.reportCorruption(part, error),
      release: () => {
        if (isReleased) return;
        isReleased = true;
        for (const generation of generations) generation.release();
        for (const { parts } of partitions) for (const part of parts) part.release();
      },
    };
  }

  /** Writes the head out as parts. Resolves when they are part of the database and the log is cut. */
  flush(): Promise<void> {
    return this.run(() => this.flushHead());
  }

  /** Flushes, then merges the parts and the index segments of every partition into one each. */
  merge(): Promise<void> {
    return this.run(async () => {
      await this.flushHead();
      for (const partition of this.sortedPartitions()) {
        if (partition.parts.length > 1) await this.mergeRange(partition, 0, partition.parts.length);
        if (partition.segments.length > 1) await this.mergeSegments(partition, 0, partition.segments.length);
      }
    });
  }

  /** Flushes and lets go of the folder. Samples that could not be flushed stay in the log. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
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
      description.quarantinedParts += partition.quarantined.length;
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
    return this.options.clock.nowMs() + this.options.futureRetentionMs;
  }

  private tick(): void {
    const { active, flushing } = this.head;
    const isOld = active.rows > 0 && this.options.clock.nowMs() - active.startedMs > this.options.headAgeMs;
    if (isOld || flushing !== null) this.scheduleFlush();
    const oldestMs = this.oldestMs();
    if ([...this.partitions.values()].some(({ endMs }) => endMs <= oldestMs)) void this.run(() => this.dropOutdated());
  }

  private scheduleFlush(): void {
    if (this.isFlushScheduled || this.isClosed) return;
    this.isFlushScheduled = true;
    void this.run(async () => {
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
    if (head.flushing === null) {
      if (head.active.rows === 0) return;
      head.rotate(options.clock.nowMs());
    } else {
      // The last attempt failed after rotating: its samples first; the active generation has its turn next time.
    }
    const generation = head.flushing;
    if (generation === null) return;
    try {
      this.sealed ??= this.wal.rotate();
      const floor = await this.sealed;
      const flushed = await flushStore({ ...this.flushContext(), store: generation.store });
      for (const { partition, part, segment } of flushed) {
        partition.parts = [...partition.parts, part];
        if (segment !== null) partition.segments = [...partition.segments, segment];
      }
      try {
        await this.writeManifest(floor);
      } catch (error) {
        for (const { partition, part, segment } of flushed) {
          partition.parts = partition.parts.filter((other) => other !== part);
          partition.segments = partition.segments.filter((other) => other !== segment);
          part.retire();
        }
        throw error;
      }
      for (const { partition } of flushed) partition.unindexed = [];
      this.sealed = null;
      head.drop();
      this.counters.flushes++;
      await this.wal.removeBelow(floor);
    } catch (error) {
      this.counters.flushFailures++;
      options.logger.error(`flush: ${(error as Error).message}; the samples stay in the log and in memory`);
      throw error;
    }
  }

  /** The rotation of the log that belongs to the flushing generation. */
  private sealed: Promise<number> | null = null;

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
      for (;;) {
        const range = chooseMerge(partition.parts);
        if (range === null || this.isClosed) break;
        await this.mergeRange(partition, range.from, range.to);
      }
      const segments = chooseMerge(partition.segments.map((segment) => ({ info: segment })));
      if (segments !== null && !this.isClosed) await this.mergeSegments(partition, segments.from, segments.to);
    }
  }

  private async mergeRange(partition: Partition, from: number, to: number): Promise<void> {
    const sources = partition.parts.slice(from, to);
    const fileNumber = this.nextFile++;
    const path = partition.partPath(fileNumber);
    for (const part of sources) part.acquire();
    let merged: PartReader | null;
    try {
      merged = await mergeParts(this.disk, sources, path, fileNumber, this.oldestMs(), new Pacer());
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.quarantine(partition, error);
      return;
    } finally {
      for (const part of sources) part.release();
    }
    await this.disk.syncFolder(partition.partsFolder);
    const before = partition.parts;
    partition.parts = [...before.slice(0, from), ...(merged === null ? [] : [merged]), ...before.slice(to)];
    try {
      await this.writeManifest(this.walFloor);
    } catch (error) {
      partition.parts = before;
      merged?.retire();
      throw error;
    }
    this.counters.merges++;
    this.counters.rowsMerged += merged?.info.rows ?? 0;
    for (const part of sources) {
      part.retire();
      await this.disk.remove(part.path);
    }
  }

  private async mergeSegments(partition: Partition, from: number, to: number): Promise<void> {
    const sources = partition.segments.slice(from, to);
    const series: NewSeries[] = [];
    for (const segment of sources) {
      for (const own of segment.all()) {
        for (const { id, labels } of own.series()) series.push({ id, tenant: own.tenant, labels });
      }
    }
    series.sort((a, b) => a.id - b.id);
    const merged = await writeSegment(this.flushContext(), partition, series);
    if (merged === null) return;
    const before = partition.segments;
    partition.segments = [...before.slice(0, from), merged, ...before.slice(to)];
    try {
      await this.writeManifest(this.walFloor);
    } catch (error) {
      partition.segments = before;
      throw error;
    }
    for (const segment of sources) await this.disk.remove(partition.indexPath(segment.fileNumber));
  }

  /** Drops partitions that ended before the retention. */
  private async dropOutdated(): Promise<void> {
    const oldestMs = this.oldestMs();
    const outdated = this.sortedPartitions().filter(({ endMs }) => endMs <= oldestMs);
    for (const { name } of outdated) this.partitions.delete(name);
    await this.writeManifest(this.walFloor);
    for (const partition of outdated) {
      for (const part of partition.parts) part.retire();
      await this.disk.remove(`${DATA_FOLDER}/${partition.name}`);
      this.options.logger.info(`dropped ${partition.name}: out of retention`);
    }
  }

  private async writeManifest(walFloor: number): Promise<void> {
    await writeManifest(this.disk, {
      epoch: this.registry.epoch,
      nextFileNumber: this.nextFile,
      walFloor,
      partitions: this.sortedPartitions().map((partition) => ({
        name: partition.name,
        nextSeriesId: partition.nextSeriesId,
        parts: [...partition.parts.map((part) => part.fileNumber), ...partition.damaged.parts],
        indexes: [...partition.segments.map((segment) => segment.fileNumber), ...partition.damaged.indexes],
      })),
    });
    this.walFloor = walFloor;
  }

  private sortedPartitions(): Partition[] {
    return [...this.partitions.values()].sort((a, b) => a.startMs - b.startMs);
  }

  private reportCorruption(part: PartReader, error: CorruptionError): void {
    this.counters.corruptBlocks++;
    for (const partition of this.partitions.values()) {
      if (partition.parts.includes(part)) this.quarantine(partition, error);
    }
  }

  /** Takes a damaged part out of use. Its file stays where it is and in the manifest, for those who repair. */
  private quarantine(partition: Partition, error: CorruptionError): void {
    const part = partition.parts.find(({ path }) => path === error.path);
    if (part === undefined) return;
    partition.parts = partition.parts.filter((other) => other !== part);
    partition.quarantined.push({ path: error.path, error });
    partition.damaged.parts.push(part.fileNumber);
    part.retire();
    this.options.logger.error(`${error.message}; the part is left out of answers, which are marked as partial`);
  }
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
    isWhole = ms >= oldestMs && ms <= newestMs;
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
        keptTimes[count] = ms;
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

async function openPartitions(disk: Disk, manifest: Manifest, logger: Logger): Promise<Map<string, Partition>> {
  const partitions = new Map<string, Partition>();
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
  return partitions;
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
  partition.damaged[kind].push(number);
  logger.error(`${damage.message}; it is left out of answers, which are marked as partial`);
}

/** Files that no manifest names: attempts that did not finish before the process ended. */
async function removeLeftovers(disk: Disk, partitions: ReadonlyMap<string, Partition>): Promise<void> {
  for (const name of await disk.list(DATA_FOLDER)) {
    const partition = partitions.get(name);
    if (partition === undefined) {
      await disk.remove(`${DATA_FOLDER}/${name}`);
      continue;
    }
    const kept = new Set<string>([
      ...partition.parts.map((part) => part.path),
      ...partition.damaged.parts.map((number) => partition.partPath(number)),
      ...partition.segments.map((segment) => partition.indexPath(segment.fileNumber)),
      ...partition.damaged.indexes.map((number) => partition.indexPath(number)),
    ]);
    for (const folder of [partition.partsFolder, partition.indexFolder]) {
      for (const file of await disk.list(folder)) {
        const path = `${folder}/${file}`;
        if (!kept.has(path)) await disk.remove(path);
      }
    }
  }
}

