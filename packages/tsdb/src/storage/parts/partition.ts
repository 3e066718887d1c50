/**
 * One UTC month: its parts, and its own index with dense ids. Retention drops data and index together, and churn stays in its month.
 *
 *   data/2026_11/parts/0000000017.part       samples by series id
 *   data/2026_11/index/0000000016.idx        label sets of a run of ids
 *
 * Ids are given in order of metric name, job, instance and the rest, flush by flush, so related series stand together in parts that are
 * simply ordered by id.
 */
import type { CorruptionError } from "../../base/errors.ts";
import { NumberList } from "../../base/number-list.ts";
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { Tenant } from "../../base/tenant.ts";
import type { Disk } from "../../disk/disk.ts";
import { type HashKey, newHashKey } from "../../index/key-hash.ts";
import { sortByNumber } from "../../index/number-sort.ts";
import { haveSameHashKey } from "../../index/segment-merge.ts";
import { type IndexSegment, NO_ID } from "../../index/segment-reader.ts";
import type { Tombstones } from "../deletes/tombstones.ts";
import type { PartitionEntry } from "../manifest.ts";
import type { Pacer } from "../pacer.ts";
import type { SeriesRegistry } from "../series/registry.ts";
import { type NewSeries, orderSeries } from "../series/series-order.ts";
import type { PartReader } from "./part-reader.ts";
import type { OnIndexCorruption } from "./partition-index.ts";
import { type LookupListener, lookUpSlots } from "./slot-lookup.ts";

export const DATA_FOLDER = "data";

/** What `idOf` says of series without an id. */
export const NOT_KNOWN: number = -1;
export const NOT_HERE: number = -2;

/** In the place of an id + 1: no segment has the series. */
const ABSENT = 0xffff_ffff;
/** Slots between two looks at the pacer. */
const UNPACED = 4096;

/** Slots in order of the ids of their series. */
export interface SlotRun {
  readonly count: number;
  slotAt(i: number): number;
  idAt(i: number): number;
}

/** Whose slots are meant. */
export type Epoch = Pick<SeriesRegistry, "epoch">;

export class Partition {
  readonly name: string;
  /** First millisecond, and first of the next month. */
  readonly startMs: number;
  readonly endMs: number;
  parts: PartReader[] = [];
  segments: IndexSegment[] = [];
  /** Parts with a damaged block: read, never merged. */
  readonly damagedParts: Set<PartReader> = new Set();
  /** Parts that a repair is done with: their mark says what they hold, and they are not to be mixed with others. */
  readonly finishedParts: Set<PartReader> = new Set();
  /** Index segments with a damaged page: read where they are whole, never merged. */
  readonly damagedSegments: Set<IndexSegment> = new Set();
  /** Files that could not even be opened: answers from this month are partial. */
  readonly quarantined: { readonly path: string; readonly error: CorruptionError }[] = [];
  /** Their numbers, which stay in the manifest although nothing reads them. */
  readonly unreadable: { readonly parts: number[]; readonly indexes: number[]; readonly deletes: number[] } = {
    parts: [],
    indexes: [],
    deletes: [],
  };
  /** What is deleted of the parts and still in them. */
  tombstones: Tombstones | null = null;
  /** Something was deleted at some time, or merges took what was out of retention: there may be series in the index that no part has any more. */
  isSparse = false;
  /** Parts may hold much that is deleted. */
  mustReclaim = false;
  nextSeriesId: number;
  /** Series that have ids but stand in no index segment yet: filled by `orderById`, emptied when a segment with them is part of the database. */
  unindexed: NewSeries[] = [];
  /** Registry slot → id + 1 and back; 0 where nothing is known, ABSENT where it is known that there is no id. */
  private idBySlot: PagedNumbers = new PagedNumbers();
  private slotById: PagedNumbers = new PagedNumbers(true);
  private linkedEpoch = -1;
  private newHashKey: HashKey | null = null;

  constructor(name: string, nextSeriesId: number) {
    this.name = name;
    this.startMs = monthStartMs(name);
    this.endMs = nextMonthMs(this.startMs);
    this.nextSeriesId = nextSeriesId;
  }

  get partsFolder(): string {
    return `${DATA_FOLDER}/${this.name}/parts`;
  }

  get indexFolder(): string {
    return `${DATA_FOLDER}/${this.name}/index`;
  }

  get deletesFolder(): string {
    return `${DATA_FOLDER}/${this.name}/deletes`;
  }

  deletesPath(fileNumber: number): string {
    return `${this.deletesFolder}/${fileName(fileNumber)}.del`;
  }

  partPath(fileNumber: number): string {
    return `${this.partsFolder}/${fileName(fileNumber)}.part`;
  }

  indexPath(fileNumber: number): string {
    return `${this.indexFolder}/${fileName(fileNumber)}.idx`;
  }

  /** Folders of its files. */
  foldersOf(): string[] {
    return [this.partsFolder, this.indexFolder, this.deletesFolder];
  }

  /** Paths of the files that a manifest's entry for it names. */
  filesOf({ parts, indexes, deletes = [] }: PartitionEntry): string[] {
    return [
      ...parts.map((number) => this.partPath(number)),
      ...indexes.map((number) => this.indexPath(number)),
      ...deletes.map((number) => this.deletesPath(number)),
    ];
  }

  async makeFolders(disk: Disk): Promise<void> {
    await disk.makeFolder(this.partsFolder);
    await disk.makeFolder(this.indexFolder);
    // The folders themselves must survive a power cut, too.
    await disk.syncFolder(`${DATA_FOLDER}/${this.name}`);
    await disk.syncFolder(DATA_FOLDER);
    await disk.syncFolder("");
  }

  /** The tombstones that are still needed when these are its parts. */
  tombstonesFor(parts: readonly PartReader[], tombstones: Tombstones | null = this.tombstones): Tombstones | null {
    const numbers = [...parts.map((part) => part.fileNumber), ...this.unreadable.parts];
    return tombstones !== null && numbers.some((number) => tombstones.appliesTo(number)) ? tombstones : null;
  }

  /** Parts that a merge may replace. */
  mergeableParts(): PartReader[] {
    // What unreadable tombstones hide would come back for good in a part that they do not apply to.
    if (this.unreadable.deletes.length > 0) return [];
    return this.parts.filter((part) => !this.damagedParts.has(part) && !this.finishedParts.has(part));
  }

  /** Its files are no longer in use, but for those who acquired them before. */
  retire(): void {
    for (const part of this.parts) part.retire();
    for (const segment of this.segments) segment.retire();
  }

  /** Slot of the series with this id in the registry, or -1 if no flush has linked them. */
  slotOf(registry: Epoch, id: number): number {
    return this.linkedEpoch === registry.epoch ? this.slotById.get(id) - 1 : -1;
  }

  /** The slots by id as `slotOf` has them, for readers on other threads. Links are added to it; what is no longer true makes another one. */
  get slots(): { readonly epoch: number; readonly byId: PagedNumbers } {
    return { epoch: this.linkedEpoch, byId: this.slotById };
  }

  /** Bytes that links between slots and ids take. */
  get linkBytes(): number {
    return this.idBySlot.usedBytes + this.slotById.usedBytes;
  }

  /**
   * Its links go over to another registry, whose slots had the numbers `oldSlot(slot)` before, -1 if none. No flush may run meanwhile; searches may:
   * they see the links of the one or of the other.
   */
  async relink(
    from: SeriesRegistry,
    to: SeriesRegistry,
    oldSlot: (slot: number) => number,
    pacer: Pacer,
  ): Promise<void> {
    if (this.linkedEpoch !== from.epoch) return;
    const idBySlot = new PagedNumbers();
    const slotById = new PagedNumbers(true);
    const count = to.size;
    for (let slot = 0; slot < count; slot++) {
      if (slot % 1024 === 1023 && pacer.isDue) await pacer.pause();
      const old = oldSlot(slot);
      const linked = old < 0 ? 0 : this.idBySlot.get(old);
      if (linked === 0) continue;
      idBySlot.set(slot, linked);
      if (linked !== ABSENT) slotById.set(linked - 1, slot + 1);
    }
    this.idBySlot = idBySlot;
    this.slotById = slotById;
    this.linkedEpoch = to.epoch;
  }

  /** Id of the series in this slot of the registry; NOT_HERE if it is known to have none, NOT_KNOWN if nobody has looked. */
  idOf(registry: SeriesRegistry, slot: number): number {
    if (this.linkedEpoch !== registry.epoch) return NOT_KNOWN;
    const linked = this.idBySlot.get(slot);
    return linked === ABSENT ? NOT_HERE : linked === 0 ? NOT_KNOWN : linked - 1;
  }

  /** True if what is found out about the registry's slots can be remembered: not while another registry takes over. */
  mayRemember(registry: SeriesRegistry): boolean {
    if (this.linkedEpoch < 0) this.linkedEpoch = registry.epoch;
    return this.linkedEpoch === registry.epoch;
  }

  /**
   * Remembers the ids of slots that were looked up in all its segments, NO_ID for those that have none. It holds until a flush gives them ids: nothing else
   * adds a series.
   */
  remember(registry: SeriesRegistry, slots: Uint32Array, ids: Uint32Array): void {
    if (!this.mayRemember(registry)) return;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      // A flush may have been quicker.
      if (this.idBySlot.get(slot) !== 0) continue;
      if (ids[i] === NO_ID) this.idBySlot.set(slot, ABSENT);
      else this.link(slot, ids[i] as number);
    }
  }

  /** Index segments that may become one: the newest, as far back as nothing is in the way. */
  mergeableSegments(): IndexSegment[] {
    const { segments, damagedSegments } = this;
    let from = segments.length;
    while (from > 0) {
      const older = segments[from - 1] as IndexSegment;
      if (damagedSegments.has(older) || !haveSameHashKey([older, segments[segments.length - 1] as IndexSegment])) break;
      from--;
    }
    return segments.slice(from);
  }

  /** What keys of this month's new segments are hashed with: as those that are there, so that they can be merged. */
  get hashKey(): HashKey {
    this.newHashKey ??= this.segments[this.segments.length - 1]?.hashKey ?? newHashKey();
    return this.newHashKey;
  }

  /**
   * These slots in order of the ids of their series, in runs of which each follows the one before; series without get an id, tenant by tenant in label order.
   * Long work: other work has its turn meanwhile. Takes `slots`, whose order is void. Damage is told to `onCorruption`. A series whose labels cannot be read
   * gets a new id, and a segment that cannot say which series it has is set aside: nobody can meet a series twice.
   */
  async orderById(
    registry: SeriesRegistry,
    slots: Uint32Array,
    pacer: Pacer,
    onCorruption: OnIndexCorruption,
  ): Promise<SlotRun[]> {
    if (this.linkedEpoch !== registry.epoch) {
      this.idBySlot = new PagedNumbers();
      this.slotById = new PagedNumbers(true);
      this.linkedEpoch = registry.epoch;
    }
    if (this.segments.length > 0) await this.linkKnown(registry, slots, pacer, onCorruption);
    const known = await this.takeLinked(slots, pacer);
    const runs: SlotRun[] = [];
    if (known > 0) runs.push(await this.orderKnown(slots.subarray(0, known), pacer));
    for (const [tenant, unknown] of await byTenant(registry, slots.subarray(known), pacer)) {
      // What may fail comes first: an id that is given must be linked, or the series would get another.
      const ordered = await orderSeries(registry, unknown, pacer);
      const firstId = this.nextSeriesId;
      this.nextSeriesId += ordered.slots.length;
      this.unindexed.push({ tenant, registry, firstId, ...ordered });
      for (let i = 0; i < ordered.slots.length; i++) {
        this.link(ordered.slots[i] as number, firstId + i);
        // Whoever meets a slot that has no link yet gives it no other id: flushes come one after the other.
        if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
      }
      runs.push({
        count: ordered.slots.length,
        slotAt: (i) => ordered.slots[i] as number,
        idAt: (i) => firstId + i,
      });
    }
    return runs;
  }

  /** Links those of the slots that nobody has looked up yet and whose series stand in a segment. */
  private async linkKnown(
    registry: SeriesRegistry,
    slots: Uint32Array,
    pacer: Pacer,
    onCorruption: OnIndexCorruption,
  ): Promise<void> {
    const unlinked = new NumberList();
    for (let i = 0; i < slots.length; i++) {
      if (this.idBySlot.get(slots[i] as number) === 0) unlinked.push(slots[i] as number);
      if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
    }
    const listener: LookupListener = {
      onDamage: onCorruption,
      onUnreadable: (segment, error) => {
        onCorruption(segment, error);
        this.setAside(segment, error);
      },
    };
    for await (const { slots: run, ids } of lookUpSlots(
      this.segments,
      registry.store,
      unlinked.all(),
      pacer,
      listener,
    )) {
      for (let i = 0; i < run.length; i++) if (ids[i] !== NO_ID) this.link(run[i] as number, ids[i] as number);
    }
  }

  /** Puts slots with an id in front of the others. Returns where those begin. */
  private async takeLinked(slots: Uint32Array, pacer: Pacer): Promise<number> {
    let end = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      const linked = this.idBySlot.get(slot);
      if (linked !== 0 && linked !== ABSENT) {
        slots[i] = slots[end] as number;
        slots[end++] = slot;
      }
      if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
    }
    return end;
  }

  /** Slots with an id, in order of their ids. */
  private async orderKnown(slots: Uint32Array, pacer: Pacer): Promise<SlotRun> {
    const ids = new Uint32Array(slots.length);
    const places = new Uint32Array(slots.length);
    for (let i = 0; i < slots.length; i++) {
      ids[i] = this.idBySlot.get(slots[i] as number) - 1;
      places[i] = i;
      if (i % UNPACED === UNPACED - 1 && pacer.isDue) await pacer.pause();
    }
    const order = await sortByNumber(places, ids, this.nextSeriesId, pacer);
    return {
      count: slots.length,
      slotAt: (i) => slots[order[i] as number] as number,
      idAt: (i) => ids[order[i] as number] as number,
    };
  }

  private setAside(segment: IndexSegment, error: CorruptionError): void {
    this.segments = this.segments.filter((other) => other !== segment);
    this.quarantined.push({ path: segment.file.path, error });
    this.unreadable.indexes.push(segment.fileNumber);
    segment.retire();
  }

  private link(slot: number, id: number): void {
    this.idBySlot.set(slot, id + 1);
    this.slotById.set(id, slot + 1);
  }
}

/** Slots by tenant. */
async function byTenant(
  { store }: SeriesRegistry,
  slots: Uint32Array,
  pacer: Pacer,
): Promise<Map<Tenant, Uint32Array>> {
  // Nearly always.
  if (store.allTenants().length === 1 && slots.length > 0) return new Map([[store.allTenants()[0] as Tenant, slots]]);
  const lists = new Map<Tenant, NumberList>();
  for (let from = 0; from < slots.length; ) {
    const { tenant, count } = store.tenantRun(slots, from, UNPACED);
    let own = lists.get(tenant);
    if (own === undefined) {
      own = new NumberList();
      lists.set(tenant, own);
    }
    for (const end = from + count; from < end; from++) own.push(slots[from] as number);
    if (pacer.isDue) await pacer.pause();
  }
  return new Map([...lists].map(([tenant, list]) => [tenant, list.all()]));
}

function fileName(number: number): string {
  return String(number).padStart(10, "0");
}

/** `YYYY_MM` of a time, UTC. */
export function monthName(ms: number): string {
  const date = new Date(ms);
  return `${String(date.getUTCFullYear()).padStart(4, "0")}_${String(date.getUTCMonth() + 1).padStart(2, "0")}`;
}

export function monthStartMs(name: string): number {
  return Date.UTC(Number(name.slice(0, 4)), Number(name.slice(5)) - 1);
}

export function nextMonthMs(startMs: number): number {
  const date = new Date(startMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
