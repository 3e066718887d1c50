/**
 * The series that were written lately: from the bytes that name one on the wire to a small number, its slot.
 *
 *   raw hash (what the sender wrote) ──► slot          one lookup for a known series, no label is looked at
 *   labels, sorted, as numbers       ──► slot          when a sender names a series in a way not met before: see kernel/label-store.ts
 *
 * Slots are dense and live as long as the registry; with the registry's epoch in front they are the 64-bit ids of the log. A series is bytes here and
 * no object: its labels become text when a query asks for them.
 */
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { Tenant } from "../../base/tenant.ts";
import { type Pace, searchSeries } from "../../index/filter-search.ts";
import { asSeriesIndex } from "../../index/listed-index.ts";
import { MemoryIndex } from "../../index/memory-index.ts";
import { NO_POSTINGS, type Postings } from "../../index/postings.ts";
import { encodeSeriesKey, type InvalidLabels } from "../../index/series-key.ts";
import { SeriesSequence } from "../../index/series-sequence.ts";
import { SeriesTable, UNKNOWN_SERIES } from "../../index/series-table.ts";
import type { LabelPlace, WriteBatch } from "../../ingest/batch.ts";
import { hashRowKeys } from "../../kernel/ingest-kernel.ts";
import {
  DUPLICATE_NAME,
  EMPTY_NAME,
  GROUP_BYTES_MAX,
  GROUP_SERIES,
  LABELS_AS_KEY,
  LabelStore,
  TOO_LARGE,
  UNSORTED,
} from "../../kernel/label-store.ts";
import { SKIPPED_SLOT } from "../../kernel/sample-store.ts";
import type { OverLimit, SeriesLimits } from "./series-limits.ts";

/** Why the raw table's bytes are no series: their senders repeat them, and repeating must stay cheap. REFUSED + the place in this list. */
const REFUSALS: readonly Refusal[] = [
  "no_labels",
  "duplicate_label_name",
  "empty_label_name",
  "too_many_labels",
  "too_long_label_name",
  "too_long_label_value",
];
const REFUSED = 0xffff_ff00;

/** Series that are looked up together: misses of the processor's cache overlap, and what they brought is still near when new ones are added. */
const LOOKED_UP_TOGETHER = 256;

/** Why a series of a batch is not taken. */
export type Refusal = InvalidLabels | OverLimit;

/** A batch on its way to slots. */
interface Resolution {
  readonly batch: WriteBatch;
  readonly target: Uint32Array;
  readonly limits: SeriesLimits;
  readonly refuse: (seriesIndex: number, reason: Refusal) => void;
}

export class SeriesRegistry {
  readonly epoch: number;
  /** Labels and series as numbers. */
  readonly store: LabelStore = new LabelStore();
  private readonly byRawHash: SeriesTable = new SeriesTable();
  private readonly inSequence: SeriesSequence = new SeriesSequence(this.byRawHash);
  /** Number of the generation that got a series' last sample. */
  private readonly writtenIn: PagedNumbers = new PagedNumbers();
  /** Told of a series' first sample in each generation. */
  onFirstWritten: ((slot: number) => void) | null = null;
  /** Series that are to be registered together: how many, which of the batch, and where their labels stand, in the place's bytes. */
  private gathered = 0;
  private readonly indices: Uint32Array = new Uint32Array(GROUP_SERIES);
  private readonly ranges: Uint32Array = new Uint32Array(2 * GROUP_SERIES);
  private readonly found: Int32Array = new Int32Array(GROUP_SERIES);
  private readonly place: LabelPlace = { bytes: new Uint8Array(0), lo: 0, hi: 0, form: 0 };

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** Series there are: slots are below. */
  get size(): number {
    return this.store.seriesCount;
  }

  /** Bytes that it takes. */
  get usedBytes(): number {
    return this.store.usedBytes + this.byRawHash.usedBytes + this.inSequence.usedBytes + this.writtenIn.usedBytes;
  }

  labelsOf(slot: number): Labels {
    return this.store.labelsOf(slot);
  }

  /** Slots of the tenant's series that match some filters, ascending; of all of them without groups. */
  async findSlots(tenant: Tenant, groups: FilterGroups, pace: Pace): Promise<Postings> {
    const head = this.indexOf(tenant);
    if (head === null) return NO_POSTINGS;
    return groups.length === 0 ? head.all() : await searchSeries(asSeriesIndex(head), groups, pace);
  }

  async readLabels(slots: Postings, pace: Pace): Promise<readonly Labels[]> {
    const labels: Labels[] = [];
    for (let i = 0; i < slots.length; i++) {
      labels.push(this.labelsOf(slots[i] as number));
      if ((i & 1023) === 1023 && pace.isDue) await pace.pause();
    }
    return labels;
  }

  /** The tenant's series as an index over slots; null if it has none. */
  indexOf(tenant: Tenant): MemoryIndex | null {
    const number = this.store.findTenant(tenant);
    return number < 0 ? null : new MemoryIndex(this.store, number);
  }

  /**
   * Slots of a batch's series into `target[0..seriesCount)`; SKIPPED_SLOT where labels name no series or `limits` leave it out, which `refuse`
   * is then told, for every such series of the batch.
   * @throws RegistryFullError
   */
  resolve(
    batch: WriteBatch,
    target: Uint32Array,
    limits: SeriesLimits,
    refuse: (seriesIndex: number, reason: Refusal) => void,
  ): void {
    const { hashes, seriesCount } = batch;
    const resolution: Resolution = { batch, target, limits, refuse };
    this.gathered = 0;
    this.store.beginBatch();
    this.store.setSizes(limits.options.maxLabels, limits.options.maxLabelNameBytes, limits.options.maxLabelValueBytes);
    for (let i = 0; i < seriesCount; i++) {
      if (i % LOOKED_UP_TOGETHER === 0) {
        this.inSequence.findAll(hashes, i, Math.min(i + LOOKED_UP_TOGETHER, seriesCount), target);
      }
      let slot = target[i] as number;
      if (slot < REFUSED) continue;
      if (slot === UNKNOWN_SERIES && limits.isCounting) {
        // The same new bytes may come twice in a batch, and count once: the first time must have added them.
        this.registerGathered(resolution);
        slot = this.byRawHash.find(hashes, i * 4);
      }
      const reason = slot === UNKNOWN_SERIES && limits.isCounting ? limits.mayBegin(hashes, i * 4) : null;
      if (slot === UNKNOWN_SERIES && reason === null) this.gather(resolution, i);
      else {
        this.registerGathered(resolution);
        this.settle(resolution, i, reason ?? (slot < REFUSED ? slot : (REFUSALS[slot - REFUSED] as Refusal)));
      }
    }
    this.registerGathered(resolution);
  }

  /** Puts a series to those that are registered together next, after those gathered before if it does not fit to them. */
  private gather(resolution: Resolution, i: number): void {
    const { place, ranges, gathered } = this;
    const { batch } = resolution;
    if (batch.locateLabels === undefined) {
      this.settleNew(resolution, i, this.registerByKey(resolution, i));
      return;
    }
    const { bytes, form } = place;
    batch.locateLabels(i, place);
    if (gathered > 0) {
      const isNear =
        place.lo >= (ranges[2 * gathered - 1] as number) && place.hi - (ranges[0] as number) <= GROUP_BYTES_MAX;
      if (gathered === GROUP_SERIES || !isNear || place.bytes !== bytes || place.form !== form) {
        place.bytes = bytes;
        place.form = form;
        this.registerGathered(resolution);
        batch.locateLabels(i, place);
      }
    }
    const at = this.gathered++;
    this.indices[at] = i;
    ranges[2 * at] = place.lo;
    ranges[2 * at + 1] = place.hi;
  }

  private registerGathered(resolution: Resolution): void {
    const { place, indices, ranges, found, gathered } = this;
    if (gathered === 0) return;
    this.gathered = 0;
    const { batch } = resolution;
    const tenant = this.store.tenantNumber(batch.tenant);
    this.store.registerGroup(tenant, place.bytes, ranges, gathered, place.form, found);
    for (let k = 0; k < gathered; k++) {
      const i = indices[k] as number;
      const slot = found[k] as number;
      this.settleNew(
        resolution,
        i,
        slot >= 0
          ? slot
          : slot === UNSORTED || slot === TOO_LARGE
            ? this.registerByKey(resolution, i)
            : slot === DUPLICATE_NAME
              ? "duplicate_label_name"
              : slot === EMPTY_NAME
                ? "empty_label_name"
                : "no_labels",
      );
    }
  }

  private registerByKey({ batch, limits }: Resolution, i: number): number | Refusal {
    const labels = batch.readLabels(i);
    const reason = limits.judgeSizes(labels);
    if (reason !== null) return reason;
    const key = encodeSeriesKey(labels);
    return typeof key === "string" ? key : this.slotOf(batch.tenant, key);
  }

  private settleNew(resolution: Resolution, i: number, found: number | Refusal): void {
    if (typeof found !== "number") resolution.limits.withdraw();
    this.settle(resolution, i, found);
  }

  /** Writes down what came of a series' bytes, for the batch and for the next time they come. */
  private settle({ batch, target, refuse }: Resolution, i: number, found: number | Refusal): void {
    if (typeof found === "number") {
      this.addRawHash(batch.hashes, i * 4, found);
      target[i] = found;
      return;
    }
    const refusal = REFUSALS.indexOf(found);
    // What is only too many now is not kept: it may have its turn in the next hour, and a flood must cost no memory.
    if (refusal >= 0) this.addRawHash(batch.hashes, i * 4, REFUSED + refusal);
    target[i] = SKIPPED_SLOT;
    refuse(i, found);
  }

  /** Slot of the series with this key, which becomes known if it was not. The key must be one of encodeSeriesKey. @throws RegistryFullError */
  slotOf(tenant: Tenant, key: Uint8Array): number {
    return this.store.register(this.store.tenantNumber(tenant), key, 0, key.length, LABELS_AS_KEY);
  }

  /** Notes that a series has a sample in this generation; true the first time. */
  markWritten(slot: number, generation: number): boolean {
    if (this.writtenIn.get(slot) === generation) return false;
    this.writtenIn.set(slot, generation);
    this.onFirstWritten?.(slot);
    return true;
  }

  /** How many segments the hashes of bytes that name series stand in. It grows. */
  get rawHashSegments(): number {
    return this.byRawHash.segmentCount;
  }

  /** Shows the hashes of one segment, three words from `words[at]` on, and the slots they name. */
  forEachRawHash(segment: number, show: (words: Uint32Array, at: number, slot: number) => void): void {
    this.byRawHash.forEachOf(segment, (words, at, slot) => {
      if (slot < REFUSED) show(words, at, slot);
    });
  }

  /** Makes bytes with this hash name a series, unless they do already. */
  addRawHash(words: Uint32Array, at: number, slot: number): void {
    this.byRawHash.add(words, at, slot);
  }

  /** Number of the generation that got a series' last sample, 0 if none did. */
  lastWritten(slot: number): number {
    return this.writtenIn.get(slot);
  }
}

/** The 128-bit hash of tenant and key, keyed per process, four words into `target`. */
export function hashSeriesKey(tenant: Tenant, key: Uint8Array, target: Uint32Array): void {
  oneEnd[0] = key.length;
  hashRowKeys(tenant, key, oneEnd, 0, 1, target);
}

const oneEnd: Uint32Array = new Uint32Array(1);
