/**
 * Forgetting series: a registry only grows, so when most of its series are no longer written a new one takes over with those that are, and
 * the old one's memory goes with it.
 *
 *   old registry ── series that are written, slice by slice ──► new registry     writers go on with the old one meanwhile
 *        │                                                          │
 *   head generation N, on its way into parts                   generation N + 1, whose log records carry the new epoch
 *
 * Which series these are is decided by series-budget.ts. Whatever generation N has samples of is in the new registry when that takes over, so searches ask the new one alone and read the
 * old generation through the numbers its series had.
 */
import { PagedNumbers } from "../../base/paged-numbers.ts";
import type { SampleStore } from "../../kernel/sample-store.ts";
import type { Generation } from "../head.ts";
import type { Pacer } from "../pacer.ts";
import type { Partition } from "../parts/partition.ts";
import type { SeriesRegistry } from "./registry.ts";
import { isWritten } from "./series-budget.ts";

/** Series first written since the last look that may be moved at once, without a pause. */
const LATE_MAX = 256;

/** What a search reads of a store. */
export type StoredSamples = Pick<SampleStore, "overlaps" | "read">;

export class Handover {
  readonly from: SeriesRegistry;
  readonly to: SeriesRegistry;
  /** Slot of the one → slot + 1 of the other. */
  private readonly newSlots: PagedNumbers = new PagedNumbers();
  private readonly oldSlots: PagedNumbers = new PagedNumbers(true);
  /** Written for the first time in the active generation while others were moved. */
  private readonly late: number[] = [];

  constructor(from: SeriesRegistry, to: SeriesRegistry) {
    this.from = from;
    this.to = to;
  }

  /** Moves series that are written; after it `finish()` is quick as long as nothing else has its turn in between. @throws RegistryFullError */
  async carry(active: Generation, since: number, pacer: Pacer): Promise<void> {
    const { from, to } = this;
    from.onFirstWritten = (slot) => this.late.push(slot);
    for (let slot = 0; slot < from.size; slot++) {
      if (isWritten(from, active, since, slot)) this.move(slot);
      if (slot % 64 === 63 && pacer.isDue) await pacer.pause();
    }
    // Bytes that senders name them with: without them each would be taken apart again.
    // A segment that splits meanwhile gives half of it to one that comes later.
    for (let segment = 0; segment < from.rawHashSegments; segment++) {
      from.forEachRawHash(segment, (words, at, slot) => {
        const moved = this.newSlots.get(slot);
        if (moved > 0) to.addRawHash(words, at, moved - 1);
      });
      if (pacer.isDue) await pacer.pause();
    }
    while (this.late.length > LATE_MAX) {
      for (const slot of this.late.splice(0, LATE_MAX)) this.move(slot);
      if (pacer.isDue) await pacer.pause();
    }
  }

  /** Moves what came last: from here on the old registry gets no more samples. @throws RegistryFullError */
  finish(): void {
    this.from.onFirstWritten = null;
    for (const slot of this.late.splice(0)) this.move(slot);
  }

  /** The old registry goes on. */
  abandon(): void {
    this.from.onFirstWritten = null;
  }

  /** Lets partitions that know series by the old registry's slots know them by the new one's: nothing has to be looked up in an index for that. */
  async relink(partitions: Iterable<Partition>, pacer: Pacer): Promise<void> {
    const oldSlot = (slot: number): number => this.oldSlots.get(slot) - 1;
    for (const partition of partitions) await partition.relink(this.from, this.to, oldSlot, pacer);
  }

  /** A store of the old registry's slots, asked by the new one's. */
  view(store: SampleStore): StoredSamples {
    return underSlots(store, this.oldSlots);
  }

  /** Slot of the new registry → slot + 1 of the old one. Final once `finish()` was called. */
  get slotsBefore(): PagedNumbers {
    return this.oldSlots;
  }

  private move(slot: number): void {
    if (this.newSlots.get(slot) !== 0) return;
    const { from, to } = this;
    const { tenant, bytes } = from.store.keysOf(one(slot), 0);
    const moved = to.slotOf(tenant, bytes);
    to.markWritten(moved, from.lastWritten(slot));
    this.newSlots.set(slot, moved + 1);
    this.oldSlots.set(moved, slot + 1);
  }
}

/** A store whose slots had other numbers: `oldSlots` has them, plus 1. */
export function underSlots(store: StoredSamples, oldSlots: PagedNumbers): StoredSamples {
  return {
    overlaps(slot, minMs, maxMs) {
      const old = oldSlots.get(slot);
      return old > 0 && store.overlaps(old - 1, minMs, maxMs);
    },
    read(slot, minMs, maxMs, target) {
      const old = oldSlots.get(slot);
      return old > 0 ? store.read(old - 1, minMs, maxMs, target) : 0;
    },
  };
}

const oneSlot: Uint32Array = new Uint32Array(1);

function one(slot: number): Uint32Array {
  oneSlot[0] = slot;
  return oneSlot;
}
