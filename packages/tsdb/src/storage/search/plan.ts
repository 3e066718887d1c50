/**
 * What a search is going to read: which series match, in which places, and which of these are one.
 *
 *   findRows     numbers alone, while links tell which id is which slot; with labels where series have to be joined by them
 *   planRows     the labels of some rows: of all of them, or of a share that is read here while others are read elsewhere
 */
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import { NO_POSTINGS, type Postings } from "../../index/postings.ts";
import { presence } from "../deletes/presence.ts";
import { Pacer } from "../pacer.ts";
import { RowLabels } from "./row-labels.ts";
import type { PartitionView, SearchView, StorageSearch } from "./search.ts";

/** Series whose labels are read together. */
const LABELS_MAX = 4_096;
/** Stands for "not there". */
export const NONE = 0xffff_ffff;

/**
 * Series that were found, a row each: its slot in the head and its id in each of the snapshot's partitions, NONE where it is not. Plain data: with a view of the same
 * snapshot another thread can read any of the rows.
 */
export interface FoundRows {
  readonly slots: Uint32Array;
  readonly ids: readonly Uint32Array[];
  /** Null while nobody has read them, or nobody has kept them. */
  readonly labels: readonly Labels[] | null;
}

/** Rows with their labels. */
export interface Plan extends FoundRows {
  readonly labels: readonly Labels[];
}

/** Rows `[lo, hi)`. */
export function sliceRows({ slots, ids, labels }: FoundRows, lo: number, hi: number): FoundRows {
  return {
    slots: slots.subarray(lo, hi),
    ids: ids.map((column) => column.subarray(lo, hi)),
    labels: labels?.slice(lo, hi) ?? null,
  };
}

/** Finds the matching series everywhere and joins those that are one; without labels, unless they were needed to find out. @throws InputError 422 for too many */
export async function findRows(snapshot: SearchView, search: StorageSearch): Promise<FoundRows> {
  return (await findSeries(snapshot, search)).rows;
}

/** The same, and slots of all series of the head that match, with samples in the range or without; null where nobody asked for them. */
export async function findSeries(
  snapshot: SearchView,
  search: StorageSearch,
): Promise<{ readonly rows: FoundRows; readonly matched: Postings | null }> {
  const { registry, partitions } = snapshot;
  const pacer = new Pacer(search.signal);
  const found: Postings[] = [];
  for (const entry of partitions) {
    const ids = await entry.index.search(search.tenant, search.groups, pacer);
    // What is deleted counts towards no limit.
    const present = entry.isSparse ? presence(entry, search.minMs, search.maxMs, snapshot) : null;
    found.push(present === null ? ids : await present.keep(ids, pacer));
    // Series of one month are all different: too many of them need no look at the others to be refused.
    refuseOver(search, (found.at(-1) as Postings).length);
  }
  // Without a generation in the range nothing is asked of the head, and groups that are none match nothing.
  const matched =
    snapshot.stores.length === 0 || search.groups.length === 0
      ? null
      : await registry.findSlots(search.tenant, search.groups, pacer);
  const joining = new Joining(snapshot, search, found, matched ?? NO_POSTINGS, pacer);
  return { rows: (await joining.bySlots()) ?? (await joining.byLabels()), matched };
}

/** Reads labels of rows that were found in this snapshot. Rows whose labels cannot be read are left out. */
export async function planRows(snapshot: SearchView, search: StorageSearch, rows: FoundRows): Promise<Plan> {
  if (rows.labels !== null) return rows as Plan;
  const { registry, partitions } = snapshot;
  const pacer = new Pacer(search.signal);
  const count = rows.slots.length;
  const labels = new Array<Labels | null>(count).fill(null);
  let missing = count;
  for (let p = 0; p < partitions.length && missing > 0; p++) {
    const wanted = missingRows(labels, rows.ids[p] as Uint32Array, missing);
    const ids = wanted.map((row) => (rows.ids[p] as Uint32Array)[row] as number);
    const texts = await (partitions[p] as PartitionView).index.labelsOf(search.tenant, ids, pacer);
    for (let i = 0; i < wanted.length; i++) {
      const text = texts[i] as Labels | null;
      if (text === null) continue;
      labels[wanted[i] as number] = text;
      missing--;
    }
  }
  const wanted = missing === 0 ? NO_POSTINGS : missingRows(labels, rows.slots, missing);
  for (let lo = 0; lo < wanted.length; lo += LABELS_MAX) {
    const some = wanted.subarray(lo, Math.min(wanted.length, lo + LABELS_MAX));
    const texts = await registry.readLabels(
      some.map((row) => rows.slots[row] as number),
      pacer,
    );
    for (let i = 0; i < some.length; i++) labels[some[i] as number] = texts[i] as Labels;
    missing -= some.length;
    if (pacer.isDue) await pacer.pause();
  }
  return missing === 0 ? { slots: rows.slots, ids: rows.ids, labels: labels as Labels[] } : withLabels(rows, labels);
}

/** Rows without labels that are in a place, in order of their numbers there. */
function missingRows(labels: readonly (Labels | null)[], column: Uint32Array, most: number): Uint32Array {
  const rows = new Uint32Array(most);
  let count = 0;
  let isSorted = true;
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] !== null || column[row] === NONE) continue;
    if (count > 0 && (column[rows[count - 1] as number] as number) > (column[row] as number)) isSorted = false;
    rows[count++] = row;
  }
  const found = rows.subarray(0, count);
  return isSorted ? found : found.sort((a, b) => (column[a] as number) - (column[b] as number));
}

/** Those that have labels. */
function withLabels({ slots, ids }: FoundRows, labels: readonly (Labels | null)[]): Plan {
  const hasLabels = (_: number, row: number): boolean => labels[row] !== null;
  return {
    slots: slots.filter(hasLabels),
    ids: ids.map((column) => column.filter(hasLabels)),
    labels: labels.filter((own) => own !== null),
  };
}

/** Series that were found in the head and in months become rows: once for each way of joining. */
class Joining {
  private readonly snapshot: SearchView;
  private readonly search: StorageSearch;
  private readonly found: readonly Postings[];
  private readonly slots: Postings;
  private readonly pacer: Pacer;
  /** Rows there can be. */
  private readonly room: number;
  private rowSlots: Uint32Array = NO_POSTINGS;
  private rowIds: Uint32Array[] = [];
  private rowBySlot: SlotMap = new SlotMap(0, 0);

  constructor(snapshot: SearchView, search: StorageSearch, found: readonly Postings[], slots: Postings, pacer: Pacer) {
    this.snapshot = snapshot;
    this.search = search;
    this.found = found;
    this.slots = slots;
    this.pacer = pacer;
    this.room = found.reduce((sum, ids) => sum + ids.length, slots.length);
  }

  /** Null if that does not tell all: some id has no slot, and may be a series that is somewhere else, too. */
  async bySlots(): Promise<FoundRows | null> {
    const { snapshot, found, pacer } = this;
    this.begin();
    const months = found.filter((ids) => ids.length > 0).length;
    let rows = 0;
    let isUnlinked = false;
    for (let p = 0; p < found.length; p++) {
      const { partition } = snapshot.partitions[p] as PartitionView;
      const ids = found[p] as Postings;
      const column = this.rowIds[p] as Uint32Array;
      for (let i = 0; i < ids.length; i++) {
        if ((i & 1023) === 1023 && pacer.isDue) await pacer.pause();
        const id = ids[i] as number;
        const slot = partition.slotOf(snapshot.registry, id);
        if (slot < 0) {
          if (months > 1) return null;
          isUnlinked = true;
        }
        let row = slot >= 0 ? this.rowBySlot.get(slot) : -1;
        if (row < 0) row = rows++;
        column[row] = id;
        if (slot >= 0) this.link(slot, row);
      }
    }
    const unmet = await this.unmetSlots();
    if (isUnlinked && unmet.length > 0) return null;
    this.rowSlots.set(unmet, rows);
    return this.finish(rows + unmet.length, null);
  }

  async byLabels(): Promise<FoundRows> {
    const { snapshot, search, found, pacer } = this;
    this.begin();
    const known = new RowLabels(search.tenant, this.room);
    for (let p = 0; p < found.length; p++) {
      const { partition, index } = snapshot.partitions[p] as PartitionView;
      const ids = found[p] as Postings;
      for (let lo = 0; lo < ids.length; lo += LABELS_MAX) {
        const some = ids.subarray(lo, Math.min(ids.length, lo + LABELS_MAX));
        const texts = await index.labelsOf(search.tenant, some, pacer);
        for (let i = 0; i < some.length; i++) {
          const id = some[i] as number;
          const text = texts[i] as Labels | null;
          if (text === null) continue;
          const slot = partition.slotOf(snapshot.registry, id);
          let row = slot >= 0 ? this.rowBySlot.get(slot) : -1;
          // Series of one month are all different.
          if (row < 0 && p > 0) row = known.find(text);
          if (row < 0) row = known.add(text);
          (this.rowIds[p] as Uint32Array)[row] = id;
          if (slot >= 0) this.link(slot, row);
        }
        if (pacer.isDue) await pacer.pause();
      }
    }
    const inPartitions = known.count;
    const unmet = await this.unmetSlots();
    for (let lo = 0; lo < unmet.length; lo += LABELS_MAX) {
      const slice = unmet.subarray(lo, Math.min(unmet.length, lo + LABELS_MAX));
      const texts = await snapshot.registry.readLabels(slice, pacer);
      for (let i = 0; i < slice.length; i++) {
        const text = texts[i] as Labels;
        // Series that only the head has cannot meet each other here: one series has one slot.
        let row = inPartitions > 0 ? known.find(text) : -1;
        if (row < 0) row = known.addUnasked(text);
        this.rowSlots[row] = slice[i] as number;
      }
      if (pacer.isDue) await pacer.pause();
    }
    return this.finish(known.count, known.kept);
  }

  private begin(): void {
    const { snapshot, slots, room } = this;
    this.rowSlots = new Uint32Array(room).fill(NONE);
    this.rowIds = snapshot.partitions.map(() => new Uint32Array(room).fill(NONE));
    this.rowBySlot = new SlotMap(snapshot.registry.size, room - slots.length);
  }

  private link(slot: number, row: number): void {
    this.rowBySlot.set(slot, row);
    this.rowSlots[row] = slot;
  }

  /** Slots that no month's link has led to, with samples in the range. @throws InputError 422 for too many */
  private async unmetSlots(): Promise<Uint32Array> {
    const { slots, search, pacer } = this;
    const { stores } = this.snapshot;
    const { maxMs, minMs } = search;
    const unmet = new Uint32Array(slots.length);
    let count = 0;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if ((i & 1023) === 1023 && pacer.isDue) await pacer.pause();
      if (this.rowBySlot.get(slot) >= 0) continue;
      for (const store of stores) {
        if (!store.overlaps(slot, minMs, maxMs)) continue;
        unmet[count++] = slot;
        break;
      }
    }
    // Series of the head alone are all different: too many of them need no labels to be refused.
    refuseOver(search, count);
    return unmet.subarray(0, count);
  }

  private finish(rows: number, labels: readonly Labels[] | null): FoundRows {
    refuseOver(this.search, rows);
    return sliceRows({ slots: this.rowSlots, ids: this.rowIds, labels }, 0, rows);
  }
}

/** @throws InputError 422 for more series than the limit; 0 is none */
function refuseOver(
  { maxSeries: limit = 0, maxSeriesFlag = "search.maxUniqueTimeseries" }: StorageSearch,
  series: number,
): void {
  if (limit > 0 && series > limit) {
    throw new InputError(
      `the selector matches ${series} series and at most ${limit} are allowed: narrow it, shorten the time range, or raise -${maxSeriesFlag}`,
      422,
    );
  }
}

/** Row by slot, for slots that were met through a partition's link: an array when many are expected, a Map when few. */
class SlotMap {
  /** Row + 1. A slot that is newer than this map has no place in it. */
  private readonly array: Uint32Array | null;
  private map: Map<number, number> | null = null;

  constructor(slotCount: number, expected: number) {
    this.array = expected * 16 > slotCount ? new Uint32Array(slotCount) : null;
  }

  /** -1 if the slot was not met. */
  get(slot: number): number {
    return this.array === null ? (this.map?.get(slot) ?? -1) : (this.array[slot] ?? 0) - 1;
  }

  set(slot: number, row: number): void {
    if (this.array !== null) this.array[slot] = row + 1;
    else {
      this.map ??= new Map();
      this.map.set(slot, row);
    }
  }
}
