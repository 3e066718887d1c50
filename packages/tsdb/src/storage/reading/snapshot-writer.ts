/** Describes snapshots to one receiver on another thread, who keeps what it was told (snapshot-reader.ts). */
import type { PagedNumbers } from "../../base/paged-numbers.ts";
import type { IndexSegment } from "../../index/segment-reader.ts";
import type { SampleStore } from "../../kernel/sample-store.ts";
import type { TombstoneColumns, Tombstones } from "../deletes/tombstones.ts";
import type { Generation } from "../head.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { Partition } from "../parts/partition.ts";
import type { Snapshot, SnapshotPartition } from "../search/search.ts";
import type { InUse, PartitionFiles, PartitionMessage, SnapshotMessage, StoreMessage } from "./snapshot-message.ts";

/** What a month consists of. Lists are replaced, never changed. */
interface Files {
  readonly parts: readonly PartReader[];
  readonly segments: readonly IndexSegment[];
  readonly tombstones: Tombstones | null;
  readonly isSparse: boolean;
}

/** What the receiver knows of a month. */
interface KnownPartition {
  readonly partition: Partition;
  /** Null if it is to be told again. */
  files: Files | null;
  byId: PagedNumbers | null;
  epoch: number;
  pages: number;
}

/** What it knows of a store. */
interface KnownStore {
  readonly number: number;
  generation: number;
  columnsAt: number;
  /** It has the slots of a handover. */
  isMoved: boolean;
}

export class SnapshotWriter {
  private readonly partitions: Map<string, KnownPartition> = new Map();
  private readonly stores: Map<SampleStore, KnownStore> = new Map();
  private lastStore = 0;

  /** The snapshot must be held until the receiver is done with it. @throws HeadFullError */
  write(number: number, snapshot: Snapshot): SnapshotMessage {
    const { registry, nowMs, oldestMs, isPartial } = snapshot;
    let stores: StoreMessage[];
    try {
      stores = snapshot.generations.map(({ generation, handover }) =>
        this.writeStore(generation, handover?.slotsBefore ?? null),
      );
    } catch (error) {
      // What was not sent is not known.
      this.forgetStores(snapshot.generations.map(({ generation }) => generation));
      throw error;
    }
    return {
      number,
      nowMs,
      oldestMs,
      isPartial,
      epoch: registry.epoch,
      size: registry.size,
      stores,
      partitions: snapshot.partitions.map((entry) => this.writePartition(entry)),
    };
  }

  private writeStore(generation: Generation, oldSlots: PagedNumbers | null): StoreMessage {
    const { store, number } = generation;
    let known = this.stores.get(store);
    const isNew = known === undefined;
    if (known === undefined) {
      known = { number: ++this.lastStore, generation: 0, columnsAt: 0, isMoved: false };
      this.stores.set(store, known);
    }
    if (known.generation !== number) {
      // Those of another generation went with it.
      known.generation = 0;
      known.columnsAt = store.takeColumns();
      known.generation = number;
      known.isMoved = false;
    }
    const { memory, scratchEnd, end } = store.view;
    const mustMove = oldSlots !== null && !known.isMoved;
    known.isMoved ||= mustMove;
    return {
      store: known.number,
      generation: number,
      memory: isNew ? memory : null,
      scratchEnd,
      end,
      columnsAt: known.columnsAt,
      isMoved: oldSlots !== null,
      oldSlots: mustMove ? oldSlots.pagesFrom(0) : null,
    };
  }

  private writePartition(entry: SnapshotPartition): PartitionMessage {
    const { partition } = entry;
    const { name } = partition;
    let known = this.partitions.get(name);
    if (known === undefined || known.partition !== partition) {
      known = { partition, files: null, byId: null, epoch: -1, pages: 0 };
      this.partitions.set(name, known);
    }
    const { parts, tombstones, isSparse } = entry;
    const files: Files = { parts, segments: entry.index.segments, tombstones, isSparse };
    const mustTell = known.files === null || !isSame(known.files, files);
    known.files = files;
    const { epoch, byId } = partition.slots;
    const isNew = known.byId !== byId || known.epoch !== epoch;
    const pages = byId.pagesFrom(isNew ? 0 : known.pages);
    known.byId = byId;
    known.epoch = epoch;
    known.pages = byId.pageCount;
    const told = mustTell ? placesOf(partition, files) : null;
    return { name, files: told, links: isNew || pages.length > 0 ? { epoch, isNew, pages } : null };
  }

  /** Forgets what is no longer there, and returns what is, so that the receiver does the same. */
  forget(partitions: readonly Partition[], stores: readonly SampleStore[]): InUse {
    for (const [name, known] of this.partitions) {
      const { partition, files } = known;
      if (!partitions.includes(partition)) this.partitions.delete(name);
      else if (files?.parts !== partition.parts || files.segments !== partition.segments) known.files = null;
    }
    for (const store of this.stores.keys()) if (!stores.includes(store)) this.stores.delete(store);
    return {
      partitions: [...this.partitions.keys()],
      files: partitions.flatMap(({ parts, segments }) => [...parts, ...segments].map(({ fileNumber }) => fileNumber)),
      stores: [...this.stores.values()].map(({ number }) => number),
    };
  }

  /** The receiver is gone: its columns in these generations are free for others. */
  end(generations: readonly Generation[]): void {
    this.forgetStores(generations);
    this.partitions.clear();
  }

  private forgetStores(generations: readonly Generation[]): void {
    for (const { store, number } of generations) {
      const known = this.stores.get(store);
      // Those of a generation that ended went with it.
      if (known?.generation === number) store.giveBackColumns(known.columnsAt);
    }
    this.stores.clear();
  }
}

function isSame(a: Files, b: Files): boolean {
  return a.parts === b.parts && a.segments === b.segments && a.tombstones === b.tombstones && a.isSparse === b.isSparse;
}

function placesOf({ startMs, endMs }: Partition, { parts, segments, tombstones, isSparse }: Files): PartitionFiles {
  return {
    startMs,
    endMs,
    parts: parts.map(({ fileNumber, path, mark }) => ({ fileNumber, path, mark })),
    segments: segments.map(({ fileNumber, file }) => ({ fileNumber, path: file.path })),
    tombstones: tombstones === null ? null : sharedColumns(tombstones),
    isSparse,
  };
}

const columnsOf: WeakMap<Tombstones, TombstoneColumns> = new WeakMap();

/** In memory that messages share: a delete may be of millions of series. Their file may go while somebody reads it. */
function sharedColumns(tombstones: Tombstones): TombstoneColumns {
  let columns = columnsOf.get(tombstones);
  if (columns === undefined) {
    const { fileNumber, ranges, ids, rangeOf } = tombstones.columns;
    columns = { fileNumber, ranges, ids: shared(ids), rangeOf: shared(rangeOf) };
    columnsOf.set(tombstones, columns);
  }
  return columns;
}

function shared(numbers: Uint32Array): Uint32Array {
  const copy = new Uint32Array(new SharedArrayBuffer(numbers.byteLength));
  copy.set(numbers);
  return copy;
}
