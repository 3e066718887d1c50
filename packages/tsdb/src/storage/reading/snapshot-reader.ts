/**
 * Snapshots of a database that is open on another thread, made of their descriptions (snapshot-writer.ts): the same view that searches have there, over
 * files that are opened here and the head's memory, which is shared.
 */
import { BugError, type CorruptionError } from "../../base/errors.ts";
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { Disk } from "../../disk/disk.ts";
import { ThreadDisk } from "../../disk/thread-disk.ts";
import { PageCache } from "../../index/page-cache.ts";
import { IndexSegment } from "../../index/segment-reader.ts";
import { TextRun } from "../../index/text-run.ts";
import { SharedSamples } from "../../kernel/shared-samples.ts";
import { Tombstones } from "../deletes/tombstones.ts";
import { limitPartCaches, type PartCaches } from "../parts/part-caches.ts";
import { PartReader } from "../parts/part-reader.ts";
import { PartitionIndex } from "../parts/partition-index.ts";
import { RuleBook } from "../rules/sample-rules.ts";
import type { PartitionView, SearchView } from "../search/search.ts";
import { type StoredSamples, underSlots } from "../series/registry-epoch.ts";
import { AskedSeries, type FoundSlots, type HeadQuestions, LabelsOfSlots } from "./asked-series.ts";
import { MonthFiles, OpenFiles, type OpenMonth } from "./open-files.ts";
import type {
  InUse,
  Origin,
  PartitionFiles,
  PartitionMessage,
  SnapshotMessage,
  StoreMessage,
} from "./snapshot-message.ts";

/** What whoever asked for a snapshot does with what becomes of it. */
export interface SnapshotOwner {
  readonly questions: HeadQuestions;
  /** Damage in a file of the snapshot. */
  onDamage(fileNumber: number, error: CorruptionError): void;
  /** Nothing of the snapshot is read any more; rules have taken so many samples from what was. Called once. */
  onReleased(dropped: number): void;
}

export interface SnapshotReaderOptions {
  readonly indexCacheBytes: number;
  readonly partCacheBytes: number;
}

/** A month as it was described last. */
interface KnownPartition {
  files: PartitionFiles;
  /** Null until a snapshot needs them. */
  month: MonthFiles | null;
  tombstones: Tombstones | null;
  epoch: number;
  slotById: PagedNumbers;
}

interface KnownStore {
  readonly samples: SharedSamples;
  generation: number;
  oldSlots: PagedNumbers | null;
}

/** A month of a snapshot while its files are opened. */
interface OpeningPartition extends Omit<PartitionView, "parts" | "index"> {
  readonly month: MonthFiles;
}

/** A snapshot whose files need not be open yet. */
export interface TakenSnapshot {
  readonly message: SnapshotMessage;
  readonly stores: readonly StoredSamples[];
  readonly opening: readonly OpeningPartition[];
}

export class SnapshotReader {
  readonly indexCache: PageCache;
  readonly partCaches: PartCaches;
  private readonly disk: Disk;
  private readonly rules: RuleBook | null;
  private readonly parts: OpenFiles<PartReader> = new OpenFiles();
  private readonly segments: OpenFiles<IndexSegment> = new OpenFiles();
  private readonly partitions: Map<string, KnownPartition> = new Map();
  private readonly stores: Map<number, KnownStore> = new Map();
  private readonly labels: LabelsOfSlots;

  constructor({ root, rules, retentionMs }: Origin, { indexCacheBytes, partCacheBytes }: SnapshotReaderOptions) {
    this.disk = new ThreadDisk(root);
    this.indexCache = new PageCache(indexCacheBytes);
    this.partCaches = limitPartCaches(this.disk, partCacheBytes);
    this.labels = new LabelsOfSlots(this.indexCache);
    const book = new RuleBook(rules, retentionMs);
    this.rules = book.isEmpty ? null : book;
  }

  /** Files that are open. */
  get openFiles(): number {
    return this.parts.count + this.segments.count;
  }

  /** Takes in what a message says: at once, in the order in which messages were written. What it returns is to be opened, or released. */
  take(message: SnapshotMessage): TakenSnapshot {
    const stores = message.stores.map((store) => this.takeStore(store));
    return { message, stores, opening: message.partitions.map((partition) => this.takePartition(partition)) };
  }

  /** Gives back what was taken in and not opened. */
  release({ opening }: TakenSnapshot): void {
    for (const { month } of opening) month.release();
  }

  /**
   * Resolves with the snapshot when its files are open. Damage that keeps one from being opened is told, and the snapshot is partial; other errors of
   * the disk reject, and the owner has it back. Among them is ENOENT for a file that went while the message was on its way: another snapshot is to be asked for then.
   */
  async open(taken: TakenSnapshot, owner: SnapshotOwner, found: FoundSlots | null): Promise<SearchView> {
    const { message, stores, opening } = taken;
    const { nowMs, oldestMs, epoch, size } = message;
    const indexes: PartitionIndex[] = [];
    let dropped = 0;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      for (const index of indexes) index.release();
      this.release(taken);
      owner.onReleased(dropped);
    };
    // All of them settle before anything is given back: nobody opens a file that has gone meanwhile.
    const opened = await Promise.allSettled(opening.map(({ month }) => month.opened));
    const failure = opened.find((result) => result.status === "rejected");
    if (failure !== undefined) {
      release();
      throw failure.reason;
    }
    const onDamage = (fileNumber: number, error: CorruptionError): void => {
      view.isPartial = true;
      owner.onDamage(fileNumber, error);
    };
    const partitions = opening.map(({ month: _, ...entry }, i): PartitionView => {
      const { parts, segments } = (opened[i] as PromiseFulfilledResult<OpenMonth>).value;
      const index = new PartitionIndex(segments, (segment, error) => onDamage(segment.fileNumber, error));
      indexes.push(index);
      return { ...entry, parts, index };
    });
    const view: SearchView = {
      registry: new AskedSeries(epoch, size, owner.questions, this.labels, found),
      stores,
      partitions,
      rules: this.rules,
      nowMs,
      oldestMs,
      isPartial: message.isPartial,
      headTexts: async ({ tenant, groups, minMs, maxMs }, { label }) =>
        TextRun.ofColumns(await owner.questions.findTexts({ tenant, groups, minMs, maxMs, label })),
      onCorruption: (part, error) => onDamage(part.fileNumber, error),
      onDropped: (samples) => {
        dropped += samples;
      },
      release,
    };
    for (const result of opened) {
      const { unreadable } = (result as PromiseFulfilledResult<OpenMonth>).value;
      for (const { fileNumber, error } of unreadable) onDamage(fileNumber, error);
    }
    return view;
  }

  /** Closes all files but those of open snapshots. */
  close(): void {
    this.forget({ partitions: [], files: [], stores: [] });
  }

  /** Lets go of what is no longer there; what open snapshots have, when they are released. */
  forget({ partitions, files, stores }: InUse): void {
    const kept = new Set(files);
    for (const [name, known] of this.partitions) {
      const isThere = partitions.includes(name);
      if (!isThere) this.partitions.delete(name);
      if (isThere && (known.month === null || known.month.isWithin(kept))) continue;
      known.month?.release();
      known.month = null;
    }
    for (const store of this.stores.keys()) if (!stores.includes(store)) this.stores.delete(store);
  }

  private takeStore(message: StoreMessage): StoredSamples {
    let known = this.stores.get(message.store);
    if (known === undefined) {
      if (message.memory === null) throw new BugError("a store that was never described");
      known = { samples: new SharedSamples(message.memory), generation: -1, oldSlots: null };
      this.stores.set(message.store, known);
    }
    if (known.generation !== message.generation) {
      known.samples.begin(message.columnsAt);
      known.generation = message.generation;
      known.oldSlots = null;
    }
    known.samples.show(message);
    if (message.oldSlots !== null) {
      known.oldSlots = new PagedNumbers();
      known.oldSlots.adopt(message.oldSlots);
    }
    return message.isMoved && known.oldSlots !== null ? underSlots(known.samples, known.oldSlots) : known.samples;
  }

  private takePartition({ name, files, links }: PartitionMessage): OpeningPartition {
    let known = this.partitions.get(name);
    if (files !== null) {
      const tombstones = files.tombstones === null ? null : Tombstones.ofColumns(files.tombstones);
      const before = known?.month ?? null;
      // What both have stays open: the new one is there before the old one goes.
      const month = this.monthOf(files);
      if (known === undefined) {
        known = { files, month, tombstones, epoch: -1, slotById: new PagedNumbers() };
        this.partitions.set(name, known);
      } else {
        known.files = files;
        known.month = month;
        known.tombstones = tombstones;
      }
      before?.release();
    }
    if (known === undefined) throw new BugError("a month that was never described");
    if (links !== null) {
      if (links.isNew) known.slotById = new PagedNumbers();
      known.epoch = links.epoch;
      known.slotById.adopt(links.pages);
    }
    known.month ??= this.monthOf(known.files);
    const { month, slotById, epoch: linkedEpoch, tombstones } = known;
    month.acquire();
    // What could not be opened is tried again by the next snapshot.
    const own = known;
    month.opened.catch(() => {
      if (own.month !== month) return;
      own.month = null;
      month.release();
    });
    const { startMs, endMs, isSparse } = known.files;
    const slotOf: PartitionView["partition"]["slotOf"] = ({ epoch }, id) =>
      epoch === linkedEpoch ? slotById.get(id) - 1 : -1;
    return { partition: { startMs, endMs, slotOf }, month, tombstones, isSparse };
  }

  private monthOf({ parts, segments }: PartitionFiles): MonthFiles {
    const { disk, indexCache } = this;
    return new MonthFiles(this.parts, this.segments, {
      parts: new Map(
        parts.map(({ path, fileNumber, mark }) => [
          fileNumber,
          async () => {
            const part = await PartReader.open(disk, path, fileNumber);
            part.mark = mark;
            return part;
          },
        ]),
      ),
      segments: new Map(
        segments.map(({ path, fileNumber }) => [
          fileNumber,
          () => IndexSegment.open(disk, path, fileNumber, indexCache),
        ]),
      ),
    });
  }
}
