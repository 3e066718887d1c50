/**
 * The series that were written lately: from the bytes that name one on the wire to a small number, its slot.
 *
 *   raw hash (what the sender wrote) ──► slot          one lookup for a known series, no label is looked at
 *   labels, sorted, as numbers       ──► slot          when a sender names a series in a way not met before: see kernel/label-store.ts
 *
 * Slots are dense and live as long as the registry; with the registry's epoch in front they are the 64-bit ids of the log. A series is bytes here and
 * no object: its labels become text when a query asks for them.
 */
import type { Labels } from "../../base/labels.ts";
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { Tenant } from "../../base/tenant.ts";
import { MemoryIndex } from "../../index/memory-index.ts";
import { encodeSeriesKey, type InvalidLabels } from "../../index/series-key.ts";
import { SeriesTable, UNKNOWN_SERIES } from "../../index/series-table.ts";
import type { LabelPlace, WriteBatch } from "../../ingest/batch.ts";
import { hashRowKeys } from "../../kernel/ingest-kernel.ts";
import { DUPLICATE_NAME, EMPTY_NAME, LABELS_AS_KEY, LabelStore, UNSORTED } from "../../kernel/label-store.ts";
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

/** Why a series of a batch is not taken. */
export type Refusal = InvalidLabels | OverLimit;

export class SeriesRegistry {
  readonly epoch: number;
  /** Labels and series as numbers. */
  readonly store: LabelStore = new LabelStore();
  private readonly byRawHash: SeriesTable = new SeriesTable();
  /** Number of the generation that got a series' last sample. */
  private readonly writtenIn: PagedNumbers = new PagedNumbers();
  /** Told of a series' first sample in each generation. */
  onFirstWritten: ((slot: number) => void) | null = null;
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
    return this.store.usedBytes + this.byRawHash.usedBytes + this.writtenIn.usedBytes;
  }

  labelsOf(slot: number): Labels {
    return this.store.labelsOf(slot);
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
    this.store.beginBatch();
    this.byRawHash.findAll(hashes, seriesCount, target);
    for (let i = 0; i < seriesCount; i++) {
      let slot = target[i] as number;
      if (slot < REFUSED) continue;
      let reason: Refusal | null = null;
      if (slot === UNKNOWN_SERIES) {
        // The same new bytes may come twice in a batch: the first time added them.
        slot = this.byRawHash.find(hashes, i * 4);
        if (slot === UNKNOWN_SERIES) {
          reason = limits.mayBegin(batch, i);
          if (reason === null) {
            const found = this.register(batch, i);
            if (typeof found === "string") reason = found;
            else slot = found;
          }
          const refusal = reason === null ? -1 : REFUSALS.indexOf(reason);
          if (refusal >= 0) slot = REFUSED + refusal;
          // What is only too many now is not kept: it may have its turn in the next hour, and a flood must cost no memory.
          if (slot !== UNKNOWN_SERIES) this.byRawHash.add(hashes, i * 4, slot);
        }
      }
      if (slot >= REFUSED) {
        refuse(i, reason ?? (REFUSALS[slot - REFUSED] as Refusal));
        slot = SKIPPED_SLOT;
      }
      target[i] = slot;
    }
  }

  private register(batch: WriteBatch, i: number): number | InvalidLabels {
    if (batch.locateLabels !== undefined) {
      const { place } = this;
      batch.locateLabels(i, place);
      const tenant = this.store.tenantNumber(batch.tenant);
      const slot = this.store.registerOfBatch(tenant, place.bytes, place.lo, place.hi, place.form);
      if (slot >= 0) return slot;
      if (slot !== UNSORTED) {
        return slot === DUPLICATE_NAME
          ? "duplicate_label_name"
          : slot === EMPTY_NAME
            ? "empty_label_name"
            : "no_labels";
      }
    }
    const key = encodeSeriesKey(batch.readLabels(i));
    return typeof key === "string" ? key : this.slotOf(batch.tenant, key);
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
    if (this.byRawHash.find(words, at) === UNKNOWN_SERIES) this.byRawHash.add(words, at, slot);
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
