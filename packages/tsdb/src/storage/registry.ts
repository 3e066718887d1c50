/**
 * The series that were written lately: from the bytes that name one on the wire to a small number, its slot.
 *
 *   raw hash (what the sender wrote) ──► slot          one lookup for a known series, no label is looked at
 *   key hash (tenant + sorted labels) ──► slot         when a sender names a known series in a new way
 *   slot ──► key, labels, index                        when it is new: labels are decoded, once
 *
 * Slots are dense and live as long as the registry; with the registry's epoch in front they are the 64-bit ids of the log.
 */
import type { Labels } from "../base/labels.ts";
import { formatTenant, type Tenant } from "../base/tenant.ts";
import { MemoryIndex } from "../index/memory-index.ts";
import { decodeSeriesKey, encodeSeriesKey, type InvalidLabels } from "../index/series-key.ts";
import { SeriesTable, UNKNOWN_SERIES } from "../index/series-table.ts";
import type { WriteBatch } from "../ingest/batch.ts";
import { hashRowKeys } from "../kernel/ingest-kernel.ts";
import { SKIPPED_SLOT } from "../kernel/sample-store.ts";
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

export interface RegisteredSeries {
  readonly tenant: Tenant;
  readonly key: Uint8Array;
  readonly labels: Labels;
}

export class SeriesRegistry {
  readonly epoch: number;
  private readonly series: RegisteredSeries[] = [];
  private readonly byRawHash: SeriesTable = new SeriesTable();
  private readonly byKeyHash: SeriesTable = new SeriesTable();
  private readonly indexes: Map<string, MemoryIndex> = new Map();
  /** One instance of every label text, however many series carry it. */
  private readonly texts: Map<string, string> = new Map();
  private readonly hash: Uint32Array = new Uint32Array(4);

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get size(): number {
    return this.series.length;
  }

  get(slot: number): RegisteredSeries {
    return this.series[slot] as RegisteredSeries;
  }

  /** The tenant's series as an index over slots; null if it has none. */
  indexOf(tenant: Tenant): MemoryIndex | null {
    return this.indexes.get(formatTenant(tenant)) ?? null;
  }

  /**
   * Slots of a batch's series into `target[0..seriesCount)`; SKIPPED_SLOT where labels name no series or `limits` leave it out, which `refuse`
   * is then told, for every such series of the batch.
   */
  resolve(
    batch: WriteBatch,
    target: Uint32Array,
    limits: SeriesLimits,
    refuse: (seriesIndex: number, reason: Refusal) => void,
  ): void {
    const { hashes, seriesCount } = batch;
    this.byRawHash.findAll(hashes, seriesCount, target);
    for (let i = 0; i < seriesCount; i++) {
      let slot = target[i] as number;
      if (slot < REFUSED) continue;
      let reason: Refusal | null = null;
      if (slot === UNKNOWN_SERIES) {
        // The same new bytes may come twice in a batch: the first time added them.
        slot = this.byRawHash.find(hashes, i * 4);
        if (slot === UNKNOWN_SERIES) {
          reason = limits.mayBegin(() => batch.readLabels(i), hashes, i * 4);
          if (reason === null) {
            const key = encodeSeriesKey(batch.readLabels(i));
            if (typeof key === "string") reason = key;
            else slot = this.slotOf(batch.tenant, key);
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

  /** Slot of the series with this key, which becomes known if it was not. The key must be one of encodeSeriesKey. */
  slotOf(tenant: Tenant, key: Uint8Array): number {
    hashSeriesKey(tenant, key, this.hash);
    const known = this.byKeyHash.find(this.hash, 0);
    if (known !== UNKNOWN_SERIES) return known;
    const slot = this.series.length;
    const labels = decodeSeriesKey(key, (text) => this.intern(text));
    this.series.push({ tenant, key, labels });
    this.byKeyHash.add(this.hash, 0, slot);
    const name = formatTenant(tenant);
    let index = this.indexes.get(name);
    if (index === undefined) {
      index = new MemoryIndex();
      this.indexes.set(name, index);
    }
    index.add(slot, labels);
    return slot;
  }

  private intern(text: string): string {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    this.texts.set(text, text);
    return text;
  }
}

/** The 128-bit hash of tenant and key, keyed per process, four words into `target`. */
export function hashSeriesKey(tenant: Tenant, key: Uint8Array, target: Uint32Array): void {
  oneEnd[0] = key.length;
  hashRowKeys(tenant, key, oneEnd, 0, 1, target);
}

const oneEnd: Uint32Array = new Uint32Array(1);
