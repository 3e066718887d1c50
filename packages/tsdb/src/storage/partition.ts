/**
 * One UTC month: its parts, and its own index with dense ids. Retention drops data and index together, and churn stays in its month.
 *
 *   data/2026_11/parts/0000000017.part       samples by series id
 *   data/2026_11/index/0000000016.idx        label sets of a run of ids
 *
 * Ids are given in order of metric name, job, instance and the rest, flush by flush, so related series stand together in parts that are
 * simply ordered by id.
 */
import type { CorruptionError } from "../base/errors.ts";
import type { Labels } from "../base/labels.ts";
import type { Tenant } from "../base/tenant.ts";
import type { Disk } from "../disk/disk.ts";
import type { IndexSegment } from "../index/segment-reader.ts";
import { seriesKeyOf } from "../index/series-key.ts";
import { SeriesTable, UNKNOWN_SERIES } from "../index/series-table.ts";
import type { PartitionEntry } from "./manifest.ts";
import type { PartReader } from "./part-reader.ts";
import { hashSeriesKey, type RegisteredSeries, type SeriesRegistry } from "./registry.ts";

export const DATA_FOLDER = "data";

/** A series that has an id but stands in no index segment yet. */
export interface NewSeries {
  readonly id: number;
  readonly tenant: Tenant;
  readonly labels: Labels;
}

export class Partition {
  readonly name: string;
  /** First millisecond, and first of the next month. */
  readonly startMs: number;
  readonly endMs: number;
  parts: PartReader[] = [];
  segments: IndexSegment[] = [];
  /** Parts with a damaged block: read, never merged. */
  readonly damagedParts: Set<PartReader> = new Set();
  /** Index segments with a damaged page: read where they are whole, never merged. */
  readonly damagedSegments: Set<IndexSegment> = new Set();
  /** Files that could not even be opened: answers from this month are partial. */
  readonly quarantined: { readonly path: string; readonly error: CorruptionError }[] = [];
  /** Their numbers, which stay in the manifest although nothing reads them. */
  readonly unreadable: { readonly parts: number[]; readonly indexes: number[] } = { parts: [], indexes: [] };
  nextSeriesId: number;
  /** Filled by `idsOf`, emptied when a segment with them is part of the database. */
  unindexed: NewSeries[] = [];
  /** Registry slot → id + 1 and back; 0 where there is no link. */
  private idBySlot: Uint32Array = new Uint32Array(0);
  private slotById: Uint32Array = new Uint32Array(0);
  private linkedEpoch = -1;
  private byKey: SeriesTable | null = null;

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

  partPath(fileNumber: number): string {
    return `${this.partsFolder}/${fileName(fileNumber)}.part`;
  }

  indexPath(fileNumber: number): string {
    return `${this.indexFolder}/${fileName(fileNumber)}.idx`;
  }

  /** Folders of its files. */
  foldersOf(): string[] {
    return [this.partsFolder, this.indexFolder];
  }

  /** Paths of the files that a manifest's entry for it names. */
  filesOf({ parts, indexes }: PartitionEntry): string[] {
    return [...parts.map((number) => this.partPath(number)), ...indexes.map((number) => this.indexPath(number))];
  }

  async makeFolders(disk: Disk): Promise<void> {
    await disk.makeFolder(this.partsFolder);
    await disk.makeFolder(this.indexFolder);
    // The folders themselves must survive a power cut, too.
    await disk.syncFolder(`${DATA_FOLDER}/${this.name}`);
    await disk.syncFolder(DATA_FOLDER);
    await disk.syncFolder("");
  }

  /** Parts that a merge may replace. */
  mergeableParts(): PartReader[] {
    return this.parts.filter((part) => !this.damagedParts.has(part));
  }

  /** Slot of the series with this id in the registry, or -1 if no flush has linked them. */
  slotOf(registry: SeriesRegistry, id: number): number {
    if (this.linkedEpoch !== registry.epoch) return -1;
    return id < this.slotById.length ? (this.slotById[id] as number) - 1 : -1;
  }

  /** True if every slot below `count` that has samples here is linked; then a search need not compare labels. */
  isLinked(registry: SeriesRegistry, slot: number): boolean {
    return this.linkedEpoch === registry.epoch && slot < this.idBySlot.length && this.idBySlot[slot] !== 0;
  }

  /** Ids of the series in these slots; those without get one, in label order. */
  idsOf(registry: SeriesRegistry, slots: Uint32Array): Uint32Array {
    this.prepareLinks(registry);
    const ids = new Uint32Array(slots.length);
    const unknown: number[] = [];
    const byKey = this.keyTable();
    const hash = new Uint32Array(4);
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] as number;
      if (this.idBySlot[slot] === 0) {
        const { tenant, key } = registry.get(slot);
        hashSeriesKey(tenant, key, hash);
        const id = byKey.find(hash, 0);
        if (id === UNKNOWN_SERIES) unknown.push(slot);
        else this.link(slot, id);
      }
    }
    unknown.sort((a, b) => compareForLocality(registry.get(a), registry.get(b)));
    for (const slot of unknown) {
      const { tenant, key, labels } = registry.get(slot);
      const id = this.nextSeriesId++;
      hashSeriesKey(tenant, key, hash);
      byKey.add(hash, 0, id);
      this.unindexed.push({ id, tenant, labels });
      this.link(slot, id);
    }
    for (let i = 0; i < slots.length; i++) ids[i] = (this.idBySlot[slots[i] as number] as number) - 1;
    return ids;
  }

  private prepareLinks(registry: SeriesRegistry): void {
    if (this.linkedEpoch !== registry.epoch) {
      this.idBySlot = new Uint32Array(0);
      this.slotById = new Uint32Array(0);
      this.linkedEpoch = registry.epoch;
    }
    this.idBySlot = grown(this.idBySlot, registry.size);
    this.slotById = grown(this.slotById, this.nextSeriesId + registry.size);
  }

  private link(slot: number, id: number): void {
    this.idBySlot[slot] = id + 1;
    this.slotById[id] = slot + 1;
  }

  /** Hash of every series here → id. Made when first needed after a start: most months are never written again. */
  private keyTable(): SeriesTable {
    if (this.byKey === null) {
      this.byKey = new SeriesTable(this.nextSeriesId);
      const hash = new Uint32Array(4);
      for (const segment of this.segments) {
        for (const own of segment.all()) {
          for (const { id, labels } of own.series()) {
            hashSeriesKey(own.tenant, seriesKeyOf(labels), hash);
            this.byKey.add(hash, 0, id);
          }
        }
      }
    }
    return this.byKey;
  }
}

/** Metric name, then job, then instance, then the rest: series that are read together stand together. */
function compareForLocality(a: RegisteredSeries, b: RegisteredSeries): number {
  if (a.labels.name !== b.labels.name) return a.labels.name < b.labels.name ? -1 : 1;
  for (const label of ["job", "instance"]) {
    const x = a.labels.get(label);
    const y = b.labels.get(label);
    if (x !== y) return x < y ? -1 : 1;
  }
  return Buffer.compare(a.key, b.key);
}

function grown(array: Uint32Array, length: number): Uint32Array {
  if (length <= array.length) return array;
  const larger = new Uint32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
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
