/**
 * Looks for new series in the indexes before anybody asks: the next flush must know which of them have ids, and so must whoever counts series, and
 * neither should wait for a million look-ups. What is found is remembered where flushes look first (Partition.idOf), so the work is done once.
 *
 *   new slots since the last look, in pieces ──► months they have samples of ──► Partition.remember
 */
import { NumberList } from "../../base/number-list.ts";
import { Pacer } from "../pacer.ts";
import type { Snapshot } from "../search/search.ts";
import type { SeriesRegistry } from "../series/registry.ts";
import { NOT_KNOWN } from "./partition.ts";

/** Slots looked for together: fewer are left to whoever needs to know, for whom they are soon done. */
const PIECE_SLOTS = 1 << 13;
/** Slots between two looks at the pacer. */
const UNPACED = 1024;

export class LookAhead {
  private readonly takeSnapshot: () => Snapshot;
  /** Slots of this epoch's registry below this have been looked for. */
  private done = 0;
  private epoch = -1;
  private running: Promise<void> | null = null;
  private isStopped = false;

  /** `takeSnapshot` is of everything. */
  constructor(takeSnapshot: () => Snapshot) {
    this.takeSnapshot = takeSnapshot;
  }

  /** Settles when what was begun is done. */
  get idle(): Promise<void> {
    return this.running ?? Promise.resolve();
  }

  /** Sees whether the registry has enough new series. Costs next to nothing. */
  wake(registry: SeriesRegistry): void {
    if (registry.epoch !== this.epoch) {
      this.epoch = registry.epoch;
      this.done = 0;
    }
    if (this.isStopped || this.running !== null || registry.size - this.done < PIECE_SLOTS) return;
    this.running = this.run()
      // What a look-up meets, flushes meet again and tell.
      .catch(() => {})
      .finally(() => {
        this.running = null;
      });
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    // The batch that woke it goes first.
    const pacer = new Pacer();
    await pacer.pause();
    while (!this.isStopped) {
      const snapshot = this.takeSnapshot();
      try {
        if (!(await this.lookAt(snapshot, pacer))) return;
      } finally {
        snapshot.release();
      }
    }
  }

  /** True if a piece was looked at and there may be another. */
  private async lookAt({ registry, partitions, stores }: Snapshot, pacer: Pacer): Promise<boolean> {
    const from = registry.epoch === this.epoch ? this.done : 0;
    const end = from + PIECE_SLOTS;
    // A flush looks its own series up, and two at once would keep writers waiting longer: there is another time when it is done.
    if (stores.length > 1) return false;
    // While another registry takes over nothing is remembered.
    if (registry.size < end || !partitions.every(({ partition }) => partition.mayRemember(registry))) return false;
    for (const { partition, index } of partitions) {
      const slots = new NumberList();
      for (let slot = from; slot < end; slot++) {
        if (slot % UNPACED === 0 && pacer.isDue) await pacer.pause();
        if (partition.idOf(registry, slot) !== NOT_KNOWN) continue;
        if (stores.some((store) => store.overlaps(slot, partition.startMs, partition.endMs - 1))) slots.push(slot);
      }
      if (slots.length === 0) continue;
      for await (const { slots: found, ids, isSure } of index.lookUp(registry.store, slots.all(), pacer)) {
        if (isSure) partition.remember(registry, found, ids);
      }
    }
    if (registry.epoch !== this.epoch) return false;
    this.done = end;
    return true;
  }
}
