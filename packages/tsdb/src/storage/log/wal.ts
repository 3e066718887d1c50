/**
 * The write-ahead log: what was acknowledged is here until parts hold it.
 *
 *   append ──► record buffer ──► one write at a time ──► [fdatasync] ──► everyone whose records were in it goes on
 *
 * While one write is under way the next records gather, so a busy log writes few and large pieces; with fsync `always` that is group commit.
 * Segments are numbered files; a new one is begun with each head generation and all of a generation's are dropped together, so a
 * generation's segments define every series their samples name.
 *
 * The last record of a segment says that it is complete; without it the segment ends where a crash or a failure ended it.
 *
 * After a failed write nobody may trust the segment's end: the unwritten records go to a new segment before anything else does. After a failed sync
 * nobody may trust anything that was written since the last good one, although it was acknowledged (modes `interval` and `never` promise
 * no more): the owner hears of it and writes what it has in memory into parts.
 */
import type { Clock } from "../../base/clock.ts";
import { CorruptionError } from "../../base/errors.ts";
import { checkHeader, encodeHeader, type FileKind, HEADER_BYTES } from "../../codec/pages.ts";
import { type AppendFile, type Disk, readWhole } from "../../disk/disk.ts";
import type { Logger } from "../options.ts";
import { Pacer } from "../pacer.ts";
import { IntervalSync } from "./interval-sync.ts";
import { type LoggedSamples, type LogRecord, RecordBuffer } from "./wal-record.ts";
import { scanSegment } from "./wal-scan.ts";

export const WAL_FILE: FileKind = { magic: "NYZWALOG", version: 2, oldest: 2 };
export const WAL_FOLDER = "wal";

/** `always`: acknowledged means synced. `interval`: all but the last interval is (interval-sync.ts). `never`: left to the operating system. */
export type FsyncMode = "always" | "interval" | "never";

/** More than this waiting for a log that cannot be written: refuse new records instead of filling memory. */
const BACKLOG_BYTES_MAX = 64 << 20;
/** A segment that reaches this ends: a replay reads two at a time into memory. */
const SEGMENT_BYTES_MAX = 32 << 20;
/** A written buffer that grew larger than this is not kept. */
const SPARE_BYTES_MAX = 8 << 20;

export interface WalOptions {
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  readonly clock: Clock;
  /** Acknowledged records may not be on the disk and never come there: keep them another way. */
  readonly onDoubt?: () => void;
}

export interface WalCounters {
  writes: number;
  bytes: number;
  syncs: number;
  failures: number;
}

/** The log cannot be written now. Nothing is acknowledged until it can be. */
export class LogUnavailableError extends Error {
  readonly code: "LOG_UNAVAILABLE" = "LOG_UNAVAILABLE";
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Records on their way to the disk. With `sealed` they are the last of their segment. */
interface QueuedRecords {
  readonly records: RecordBuffer;
  readonly sealed: ((nextSegment: number) => void) | null;
}

export class WriteAheadLog {
  readonly counters: WalCounters = { writes: 0, bytes: 0, syncs: 0, failures: 0 };
  private readonly disk: Disk;
  private readonly options: WalOptions;
  private segment: number;
  private file: AppendFile | null = null;
  /** Of the current segment: good records, and where the last of them ends. */
  private records = 0;
  private goodBytes = 0;
  private filling: RecordBuffer = new RecordBuffer();
  /** A written buffer, to be filled again. */
  private spare: RecordBuffer | null = null;
  private readonly queue: QueuedRecords[] = [];
  private queuedBytes = 0;
  private waiters: Waiter[] = [];
  private pump: Promise<void> | null = null;
  /** The last segment being synced and closed. */
  private sealing: Promise<void> = Promise.resolve();
  /** Why the last segment that ended may not be on the disk; null again once its samples are in parts. */
  private sealFailure: { readonly segment: number; readonly error: Error } | null = null;
  private isUnsynced = false;
  private isClosed = false;
  /** Null but in mode `interval`. */
  private readonly intervalSync: IntervalSync | null;

  /** The first record opens segment number `segment`. */
  constructor(disk: Disk, segment: number, options: WalOptions) {
    this.disk = disk;
    this.segment = segment;
    this.options = options;
    const { fsync, fsyncIntervalMs, clock } = options;
    this.intervalSync = fsync === "interval" ? new IntervalSync(clock, fsyncIntervalMs, () => this.syncNow()) : null;
  }

  /** Records go to memory here; `commit()` says when the disk has them. */
  addDefinitions(epoch: number, definitions: Uint8Array): void {
    this.filling.addDefinitions(epoch, definitions);
  }

  addSamples(epoch: number, samples: LoggedSamples): void {
    this.filling.addSamples(epoch, samples);
  }

  /** @throws LogUnavailableError if so much waits to be written that no more should be added. */
  checkRoom(): void {
    if (this.isClosed) throw new LogUnavailableError("the database is closed");
    if (this.filling.length + this.queuedBytes > BACKLOG_BYTES_MAX) {
      throw new LogUnavailableError("the log cannot keep up or cannot be written: try again later");
    }
  }

  /** Resolves once every record added so far is as safe as the fsync mode promises. @throws LogUnavailableError */
  commit(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.pump ??= this.writeAll();
    });
  }

  /**
   * Ends the segment behind the records added so far; those added from now on go to a new one. Resolves with its number once the old one is
   * complete and, as far as the disk lets it, synced. It is `commit()` that makes this happen: as long as that rejects, this waits.
   */
  async rotate(): Promise<number> {
    const segment = await new Promise<number>((resolve) => this.enqueue(resolve));
    await this.sealing;
    return segment;
  }

  /** Removes segments that are no longer needed: all with a number below `floor`. */
  async removeBelow(floor: number): Promise<void> {
    if (this.sealFailure !== null && this.sealFailure.segment < floor) this.sealFailure = null;
    for (const { number, path } of await listSegments(this.disk)) if (number < floor) await this.disk.remove(path);
  }

  /** Writes and syncs what is there. @throws LogUnavailableError if it cannot be written; the log is closed all the same. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    try {
      await this.commit();
    } finally {
      await this.pump;
      this.intervalSync?.rest();
      this.sealSegment();
      await this.sealing;
    }
    if (this.sealFailure !== null) {
      const { error } = this.sealFailure;
      throw new LogUnavailableError(`the log cannot be synced: ${error.message}`, { cause: error });
    }
  }

  private enqueue(sealed: QueuedRecords["sealed"]): void {
    this.queue.push({ records: this.filling, sealed });
    this.queuedBytes += this.filling.length;
    this.filling = this.spare ?? new RecordBuffer();
    this.spare = null;
  }

  /** Writes what gathered, again and again, until nobody waits. */
  private async writeAll(): Promise<void> {
    // Requests that arrive together should be written together.
    await Promise.resolve();
    while (this.waiters.length > 0) {
      const waiters = this.waiters;
      this.waiters = [];
      if (this.filling.length > 0) this.enqueue(null);
      try {
        await this.writeQueue();
        for (const waiter of waiters) waiter.resolve();
      } catch (error) {
        this.counters.failures++;
        const reason = new LogUnavailableError(`the log cannot be written: ${(error as Error).message}`, {
          cause: error,
        });
        for (const waiter of waiters) waiter.reject(reason);
      }
    }
    this.pump = null;
  }

  private async writeQueue(): Promise<void> {
    while (this.queue.length > 0) {
      const { records, sealed } = this.queue[0] as QueuedRecords;
      if (records.length > 0) await this.writeRecords(records);
      this.queue.shift();
      this.queuedBytes -= records.length;
      if (sealed === null && this.goodBytes >= SEGMENT_BYTES_MAX) this.sealSegment(this.options.onDoubt);
      const isSmall = records.length <= SPARE_BYTES_MAX;
      records.clear();
      if (isSmall) this.spare = records;
      if (sealed !== null) {
        this.sealSegment();
        sealed(this.segment);
      }
    }
    if (this.options.fsync === "always") await this.sync();
    await this.intervalSync?.catchUp();
  }

  private async writeRecords(records: RecordBuffer): Promise<void> {
    try {
      const file = this.file ?? (await this.beginSegment());
      this.isUnsynced = true;
      records.stamp(this.segment, this.goodBytes);
      await file.append(records.bytes());
      // A sync that began meanwhile may have come too early.
      this.isUnsynced = true;
      this.intervalSync?.wrote();
      if (this.options.fsync === "always") await this.sync();
      this.goodBytes += records.length;
      this.records += records.count;
    } catch (error) {
      // Half a record may be at the end now, or a sync may have lost what it was to keep: this segment is over, and these records go to the next.
      await this.abandonSegment();
      throw error;
    }
    this.counters.writes++;
    this.counters.bytes += records.length;
  }

  private async beginSegment(): Promise<AppendFile> {
    await this.disk.makeFolder(WAL_FOLDER);
    // A file of this number is left from an attempt that failed: nothing in it was acknowledged.
    const path = segmentPath(this.segment);
    await this.disk.remove(path);
    const file = new SegmentFile(this.disk, await this.disk.create(path));
    try {
      await file.append(encodeHeader(WAL_FILE, this.segment));
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    this.file = file;
    this.records = 0;
    this.goodBytes = HEADER_BYTES;
    return file;
  }

  /** Goes on in a new segment after a failure in this one, which may hold acknowledged records that were not synced yet. */
  private async abandonSegment(): Promise<void> {
    const { file } = this;
    if (file === null) return;
    this.file = null;
    const path = segmentPath(this.segment++);
    const mustSync = this.options.fsync === "interval" && this.isUnsynced;
    this.isUnsynced = false;
    this.intervalSync?.rest();
    try {
      if (mustSync) await file.sync();
    } catch {
      this.options.onDoubt?.();
    } finally {
      await file.close().catch(() => {});
      // Nobody was told that the rest is there. Left where it is, it would look like damage one day.
      await this.disk.truncate(path, this.goodBytes).catch(() => {});
    }
  }

  /** Takes the segment out of use; it is completed, synced and closed behind the writers' back. */
  private sealSegment(onFailure?: () => void): void {
    const { file, goodBytes } = this;
    const end = new RecordBuffer();
    end.addEnd(0, this.records);
    end.stamp(this.segment, goodBytes);
    const segment = this.segment++;
    const path = segmentPath(segment);
    this.file = null;
    if (file === null) return;
    this.isUnsynced = false;
    this.sealing = this.sealing.then(async () => {
      this.sealFailure = null;
      try {
        await file.append(end.bytes());
      } catch {
        // Its records are there all the same, it only does not say that they are all.
        await this.disk.truncate(path, goodBytes).catch(() => {});
      }
      try {
        if (this.options.fsync === "never") return;
        await file.sync();
        this.counters.syncs++;
      } catch (error) {
        this.counters.failures++;
        // The part being written from memory is what keeps these samples now; if there is none:
        this.sealFailure = { segment, error: error as Error };
        onFailure?.();
      } finally {
        await file.close().catch(() => {});
      }
    });
    this.intervalSync?.begun(this.sealing);
  }

  private async sync(): Promise<void> {
    const { file } = this;
    if (file === null || !this.isUnsynced) return;
    this.isUnsynced = false;
    const synced = file.sync();
    this.intervalSync?.begun(synced);
    try {
      await synced;
      this.counters.syncs++;
    } catch (error) {
      this.isUnsynced = true;
      throw error;
    }
  }

  /** The regular sync of mode `interval`. */
  private async syncNow(): Promise<void> {
    const { file } = this;
    try {
      await this.sync();
    } catch {
      this.counters.failures++;
      // The system may have dropped what it could not write, and call the next sync a success: never sync this file again.
      this.options.onDoubt?.();
      if (this.file !== file || file === null) return;
      this.file = null;
      this.segment++;
      this.isUnsynced = false;
      await file.close().catch(() => {});
    }
  }
}

/**
 * A segment whose first sync makes its name durable, too. Not its creation: that would wait for all that the file system has to write, the segment
 * before above all, and so would everyone whose records are to come into this one.
 */
class SegmentFile implements AppendFile {
  private readonly disk: Disk;
  private readonly file: AppendFile;
  private isNamed = false;

  constructor(disk: Disk, file: AppendFile) {
    this.disk = disk;
    this.file = file;
  }

  get bytes(): number {
    return this.file.bytes;
  }

  append(bytes: Uint8Array): Promise<void> {
    return this.file.append(bytes);
  }

  async sync(): Promise<void> {
    await this.file.sync();
    if (this.isNamed) return;
    await this.disk.syncFolder(WAL_FOLDER);
    this.isNamed = true;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

export interface ReplayOptions {
  /** Is told after each segment how many of how many are done. */
  readonly onProgress?: (segments: number, all: number) => void;
  /** Ends the replay with its reason; what was replayed is then good for nothing. */
  readonly signal?: AbortSignal;
}

export interface ReplayReport {
  segments: number;
  records: number;
  /** Bytes passed over because no whole, good record stood there: cut tails and damage. */
  bytesLost: number;
  /** Places where damage was found: each cost one record at least. */
  corruptRecords: number;
}

/**
 * Feeds every good record of the segments from `floor` on to `apply`, in order. A tail that is no record is what a crash leaves: it is told, counted and cut off. Bad bytes
 * before good records, or in a segment that was completed or that one that was completed follows, are damage: an error, counted, and left in place.
 * Two segments are in memory at a time, and others get their turn every few milliseconds.
 * @throws NewerFormatError, OlderFormatError
 */
export async function replayLog(
  disk: Disk,
  floor: number,
  apply: (record: LogRecord) => Promise<void> | undefined,
  logger: Pick<Logger, "warn" | "error">,
  { onProgress, signal }: ReplayOptions = {},
): Promise<ReplayReport> {
  const pacer = new Pacer(signal);
  const report = { segments: 0, records: 0, bytesLost: 0, corruptRecords: 0 };
  const segments = (await listSegments(disk)).filter(({ number }) => number >= floor);
  const readNext = (i: number): Promise<Uint8Array> => {
    const next = segments[i];
    const reading = next === undefined ? Promise.resolve(new Uint8Array()) : readWhole(disk, next.path);
    reading.catch(() => {}); // Whoever waits for it hears of it.
    return reading;
  };
  const tails: { readonly path: string; readonly from: number; readonly bytes: number }[] = [];
  const reportDamage = (path: string, from: number, bytes: number): void => {
    report.corruptRecords++;
    report.bytesLost += bytes;
    logger.error(
      `${path}: damaged at byte ${from}: ${bytes} bytes are no records; samples are lost, those behind them are not`,
    );
  };
  // The next segment is read while one is replayed.
  let reading = readNext(0);
  for (const [i, { number, path }] of segments.entries()) {
    report.segments++;
    const bytes = await reading;
    reading = readNext(i + 1);
    if (bytes.length < HEADER_BYTES) {
      // Created, but the crash came before its header: no record was acknowledged from it.
      report.bytesLost += bytes.length;
      continue;
    }
    try {
      checkHeader(bytes, WAL_FILE, number, path);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      // Records have checksums of their own: those that are good are good whatever stands before them.
      logger.warn(`${error.message}; its records are looked at all the same`);
      report.bytesLost += HEADER_BYTES;
    }
    const { records, damage, isSealed, tail } = await scanSegment(bytes, number, apply, pacer);
    onProgress?.(report.segments, segments.length);
    report.records += records;
    if (isSealed) for (const { path, from, bytes } of tails.splice(0)) reportDamage(path, from, bytes);
    for (const { from, to } of damage) reportDamage(path, from, to - from);
    if (tail < bytes.length) tails.push({ path, from: tail, bytes: bytes.length - tail });
  }
  for (const { path, from, bytes } of tails) {
    report.bytesLost += bytes;
    logger.warn(`${path}: cut at byte ${from}, ${bytes} bytes behind it are not a whole record`);
    await disk.truncate(path, from);
  }
  return report;
}

/** Number for a log's next segment, of which none below `floor` is left or needed. */
export async function nextSegmentNumber(disk: Disk, floor: number): Promise<number> {
  return Math.max(floor, ...(await listSegments(disk)).map(({ number }) => number + 1));
}

/** The log's segments, oldest first. */
export async function listSegments(disk: Disk): Promise<{ number: number; path: string }[]> {
  const names = (await disk.list(WAL_FOLDER)).filter((name) => /^\d{10}\.log$/.test(name));
  return names.map((name) => ({ number: Number(name.slice(0, 10)), path: `${WAL_FOLDER}/${name}` }));
}

function segmentPath(number: number): string {
  return `${WAL_FOLDER}/${String(number).padStart(10, "0")}.log`;
}
