/**
 * Merges in the background, one after the other, beside flushes and everything else that changes files.
 *
 *   choose ──► merger: sources → a new file ──► in turn with flushes: is all as it was? then the manifest, then readers, then the sources go
 *              (takes as long as it takes,          └── else the new file goes
 *               nobody waits for it)
 *
 * The sources are held open and stay part of the database until the very end, so a merge can be given up at any time.
 */
import { CorruptionError } from "../../base/errors.ts";
import type { IndexSegment } from "../../index/segment-reader.ts";
import { isWorthReclaiming } from "../deletes/deletion.ts";
import { isNoSpace } from "../disk-space.ts";
import type { StorageOptions } from "../options.ts";
import { Pacer } from "../pacer.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { Partition } from "../parts/partition.ts";
import type { RetentionClock } from "../retention-clock.ts";
import { choosePartsByRules, mergeRulesOf } from "../rules/merge-rules.ts";
import type { RuleBook } from "../rules/sample-rules.ts";
import { type IndexMergeHost, mergeIndex } from "./index-merging.ts";
import { chooseAll, chooseRun, type MergedPart } from "./merge.ts";
import { chooseDue, chooseQuiet, LoadGauge, weigh } from "./merge-plan.ts";
import { MergeCancelledError, type Merger } from "./merger.ts";

/** After a merge that failed the next one waits this long. */
const RETRY_MS = 60_000;
/** How often months are looked at for rules that are due. */
const RULES_CHECK_MS = 60_000;
/** After a merge for the rules that could not be, the next one waits this long. */
const RULES_RETRY_MS = 3_600_000;

/** What a merge made of which parts. */
export interface MergedParts extends MergedPart {
  readonly partition: Partition;
  readonly sources: readonly PartReader[];
}

/** What merges ask of the rest of maintenance. */
export interface MergeHost extends IndexMergeHost {
  readonly options: StorageOptions;
  readonly merger: Merger;
  /** What is done to samples in merges. */
  readonly book: RuleBook;
  readonly retentionClock: RetentionClock;
  /** Samples before this may go, ms. */
  oldestKeptMs(): number;
  /** Puts the merged part in the place of its sources, on disk and for readers, and removes them. */
  replaceParts(merged: MergedParts): Promise<void>;
  reportCorruption(part: PartReader, error: CorruptionError): void;
}

export class Merging {
  /** Merges that have begun and not ended: 0 or 1. */
  active = 0;
  private readonly host: MergeHost;
  private readonly load: LoadGauge = new LoadGauge();
  /** Settles when the merges handed in so far are done. */
  idle: Promise<unknown> = Promise.resolve();
  private isDueScheduled = false;
  /** Set when the database is closing. */
  isStopping = false;
  private readonly stopping: AbortController = new AbortController();
  private notBeforeMs = 0;
  private rulesNotBeforeMs = 0;
  /** When each month got its last part, as far as this process knows. */
  private readonly lastParts: WeakMap<Partition, { readonly newest: number; readonly ms: number }> = new WeakMap();

  constructor(host: MergeHost) {
    this.host = host;
  }

  /** Samples the merge under way has written. */
  get rowsDone(): number {
    return this.host.merger.rowsDone;
  }

  /** Merges the parts of every month (whose name begins so) into one, and its index segments but for a large one beside few new series. Other merges come before or after. */
  async mergeEverything(partitionPrefix = ""): Promise<void> {
    await this.inTurn(async () => {
      for (const partition of this.host.sortedPartitions()) {
        if (this.isStopping) return;
        if (!partition.name.startsWith(partitionPrefix)) continue;
        const parts = partition.mergeableParts();
        // With rules or deletes, one part may be worth it, too.
        const isDue = parts.length > 1 || !this.host.book.isEmpty || partition.tombstonesFor(parts) !== null;
        if (isDue && parts.length > 0) await this.mergeThese(partition, parts, true);
        await this.mergeSegments(partition, chooseAll);
      }
    });
  }

  /** Begins the merges that are due after a flush, if it has not been told so already. */
  mergeWhatIsDue(): void {
    if (this.isDueScheduled || this.isStopping || this.host.options.clock.nowMs() < this.notBeforeMs) return;
    this.isDueScheduled = true;
    this.inBackground(async () => {
      this.isDueScheduled = false;
      for (const partition of this.host.sortedPartitions()) {
        await this.reclaim(partition);
        for (;;) {
          const due = chooseDue(this.freeParts(partition), this.load.isBusy);
          if (due === null || this.isStopping || !(await this.mergeThese(partition, due))) break;
        }
        await this.mergeSegments(partition, chooseRun);
      }
    });
  }

  /** To be called every few seconds: merges that were put off, and months that are over and quiet. */
  tick(): void {
    this.load.look();
    const { clock } = this.host.options;
    const nowMs = clock.nowMs();
    if (this.active > 0 || this.isDueScheduled || this.isStopping || nowMs < this.notBeforeMs) return;
    for (const partition of this.host.sortedPartitions()) {
      const parts = this.freeParts(partition);
      const lastPartMs = this.lastPartMs(partition, nowMs);
      if (chooseDue(parts, this.load.isBusy) !== null) {
        this.mergeWhatIsDue();
        return;
      }
      const quiet = this.load.isBusy ? null : chooseQuiet(parts, { endMs: partition.endMs, lastPartMs }, nowMs);
      if (quiet === null || !this.hasRoomFor(quiet)) continue;
      this.inBackground(async () => {
        await this.mergeThese(partition, quiet);
        await this.mergeSegments(partition, chooseAll);
      });
      return;
    }
    this.scheduleByRules();
  }

  /** All months that rules are due for, at once. */
  async mergeAllByRules(): Promise<void> {
    await this.inTurn(async () => {
      while (await this.mergeNextByRules());
    });
  }

  /** Gives up the merge under way, and begins no other. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.stopping.abort(new MergeCancelledError("the database is closing"));
    await this.host.merger.cancel();
    await this.idle;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.idle.then(work);
    this.idle = done.catch(() => {});
    return done;
  }

  private inBackground(work: () => Promise<void>): void {
    this.inTurn(work).catch((error: Error) => {
      const { clock, logger } = this.host.options;
      this.notBeforeMs = clock.nowMs() + RETRY_MS;
      logger.error(`merge: ${error.message}; the parts stay as they are, and it is tried again in a minute`);
    });
  }

  /** When the month's newest part came, to this process' knowledge. */
  private lastPartMs(partition: Partition, nowMs: number): number {
    const newest = newestPart(partition);
    const known = this.lastParts.get(partition);
    if (known?.newest === newest) return known.ms;
    this.lastParts.set(partition, { newest, ms: nowMs });
    return nowMs;
  }

  /** Writes parts anew of which much is deleted, and drops those of which all is. */
  private async reclaim(partition: Partition): Promise<void> {
    if (!partition.mustReclaim) return;
    partition.mustReclaim = false;
    for (const part of partition.mergeableParts()) {
      const mask = partition.tombstones?.maskFor(part.fileNumber) ?? null;
      if (mask === null) continue;
      part.acquire();
      try {
        if (!(await isWorthReclaiming(part, mask, new Pacer()))) continue;
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        this.host.reportCorruption(part, error);
        continue;
      } finally {
        part.release();
      }
      if (this.isStopping || !this.hasRoomFor([part])) {
        partition.mustReclaim = true;
        return;
      }
      await this.mergeThese(partition, [part]);
    }
  }

  /** Aggregates are made with all parts of a month at hand: those who hold them wait for that. */
  private freeParts(partition: Partition): PartReader[] {
    const { hasAggregates } = this.host.book;
    return partition.mergeableParts().filter(({ mark }) => !hasAggregates || !mark?.isAggregated);
  }

  /**
   * Begins the merge of one month that rules have something to say about, as nothing else is to be merged. What was done is in the manifest, so that
   * it is done once.
   */
  private scheduleByRules(): void {
    const { book, retentionClock, options } = this.host;
    const nowMs = retentionClock.nowMs();
    if (book.isEmpty || nowMs < this.rulesNotBeforeMs) return;
    this.rulesNotBeforeMs = nowMs + RULES_CHECK_MS;
    if (!this.host.sortedPartitions().some((partition) => this.dueByRules(partition) !== null)) return;
    this.inTurn(() => this.mergeNextByRules()).then(
      (isDone) => {
        // The next month at the next tick, so that others can come between.
        this.rulesNotBeforeMs = nowMs + (isDone ? 0 : RULES_RETRY_MS);
      },
      (error: Error) => {
        this.rulesNotBeforeMs = nowMs + RULES_RETRY_MS;
        options.logger.error(`merge for rules: ${error.message}; tried again in an hour`);
      },
    );
  }

  /** False if no month was due, or the one that was could not be merged. */
  private async mergeNextByRules(): Promise<boolean> {
    if (this.isStopping) return false;
    for (const partition of this.host.sortedPartitions()) {
      const due = this.dueByRules(partition);
      if (due === null || !this.hasRoomFor(due.parts)) continue;
      if (!(await this.mergeThese(partition, due.parts, due.isFinal))) return false;
      this.host.options.logger.info(`applied deduplication, downsampling and retention to ${partition.name}`);
      return true;
    }
    return false;
  }

  /** Months that wait for a merge because of rules, and the bytes of the parts to be merged. */
  get scheduledByRules(): { readonly partitions: number; readonly bytes: number } {
    const due = this.host.sortedPartitions().flatMap((partition) => this.dueByRules(partition) ?? []);
    const parts = due.flatMap((entry) => entry.parts);
    return { partitions: due.length, bytes: parts.reduce((sum, { info }) => sum + info.bytes, 0) };
  }

  private dueByRules(partition: Partition): ReturnType<typeof choosePartsByRules<PartReader>> {
    const { book, retentionClock } = this.host;
    return choosePartsByRules(partition.mergeableParts(), partition.endMs, book, retentionClock.nowMs());
  }

  /** A part that a merge made brings nothing new. */
  private keepLastPart(partition: Partition, fileNumber: number): void {
    const known = this.lastParts.get(partition);
    if (known !== undefined && newestPart(partition) === fileNumber) {
      this.lastParts.set(partition, { newest: fileNumber, ms: known.ms });
    }
  }

  /**
   * Replaces parts by one with what deletes and rules leave of their samples. False if nothing came of it: there is no room, or there is damage, or
   * the database is closing.
   */
  private async mergeThese(partition: Partition, parts: readonly PartReader[], isWhole = false): Promise<boolean> {
    const { host } = this;
    const { book } = host;
    // What holds results is merged with the whole month only, while there is a rule that makes them.
    const isFinal = isWhole || (book.hasAggregates && parts.some(({ mark }) => mark?.isAggregated === true));
    const sources = isFinal ? partition.mergeableParts() : parts;
    if (!this.hasRoomFor(sources)) return false;
    for (const part of sources) part.acquire();
    this.active++;
    try {
      const nowMs = host.retentionClock.nowMs();
      const minMs = host.oldestKeptMs();
      // In turn with deletes: each either is seen here or has a higher number than the new file and so applies to it.
      const { fileNumber, tombstones, rules } = await host.run(async () => ({
        fileNumber: host.nextFileNumber(),
        tombstones: partition.tombstones,
        rules: await mergeRulesOf(partition, sources, book, nowMs, isFinal),
      }));
      if (this.isStopping || !isCurrent(host, partition, sources)) return false;
      const path = partition.partPath(fileNumber);
      const made = await host.merger.merge({ sources, path, fileNumber, minMs, tombstones, rules });
      if (made.part !== null && !book.isEmpty) {
        made.part.mark = { rules: book.rules, nowMs, isAggregated: isFinal && book.hasAggregates };
      }
      return await host.run(async () => {
        if (!isCurrent(host, partition, sources)) {
          made.part?.retire();
          await host.removeUnused(path);
          return false;
        }
        if (minMs > partition.startMs || book.rules.retentions.length > 0) partition.isSparse = true;
        await host.replaceParts({ partition, sources, ...made });
        this.keepLastPart(partition, fileNumber);
        return true;
      });
    } catch (error) {
      return this.explain(error, partition, sources);
    } finally {
      this.active--;
      for (const part of sources) part.release();
    }
  }

  /** What is no failure of ours is told and done with. Returns false or throws. */
  private explain(error: unknown, partition: Partition, sources: readonly PartReader[]): false {
    if (error instanceof MergeCancelledError) return false;
    if (isNoSpace(error)) {
      this.host.options.logger.warn(`merge: ${(error as Error).message}; the parts stay as they are`);
      return false;
    }
    if (error instanceof CorruptionError) {
      const damaged = sources.find((part) => part.path === error.path);
      if (damaged !== undefined) this.host.reportCorruption(damaged, error);
      return false;
    }
    // The month was dropped, and its folder with it.
    if (!isCurrent(this.host, partition, sources)) return false;
    throw error;
  }

  private async mergeSegments(
    partition: Partition,
    choose: (segments: readonly IndexSegment[]) => readonly IndexSegment[] | null,
  ): Promise<void> {
    await mergeIndex(this.host, partition, choose, this.stopping.signal);
  }

  /** A merge's result is at most about as large as what it merges. */
  private hasRoomFor(sources: readonly PartReader[]): boolean {
    return this.host.space.hasRoomFor(weigh(sources));
  }
}

function newestPart(partition: Partition): number {
  return partition.parts.reduce((most, { fileNumber }) => Math.max(most, fileNumber), 0);
}

/** True if all these parts are still in the database. */
function isCurrent(host: MergeHost, partition: Partition, sources: readonly PartReader[]): boolean {
  return host.sortedPartitions().includes(partition) && sources.every((part) => partition.parts.includes(part));
}
