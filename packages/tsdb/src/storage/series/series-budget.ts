/**
 * How much memory the series of the head may take, and which of them are forgotten so that they keep to it.
 *
 * Two reasons end an epoch (registry-epoch.ts). Without need, when most series have had no sample for long: memory comes back after a churn. And when
 * series take more than their share, sooner: those written last stay, as many as fit well. What is forgotten too early costs a look into the indexes
 * when it is written again, no more.
 */
import type { Generation } from "../head.ts";
import type { Pacer } from "../pacer.ts";
import type { SeriesRegistry } from "./registry.ts";

/** Of their share, the part that is filled again when a new epoch begins. The rest is for what comes until the next one. */
const KEPT_SHARE = 2 / 3;
/** An epoch must free at least this part of the series: moving the others has its price. */
const FREED_MIN = 1 / 4;
/** What cannot shrink is looked at again when it has grown by this much. */
const RETRY_GROWTH = 1.25;
/** From here on writers wait for the flush that makes room. */
const PRESSURE = 1.5;
/** Generations that are told apart by age; older ones are one. */
const AGES = 64;
/** Series counted between two looks at the clock. */
const COUNTED_AT_ONCE = 4096;

/** When series are forgotten. */
export interface ForgettingRule {
  /** Series without a sample since this generation are idle. */
  readonly since: number;
  /** So many idle ones, and at least half of all, are forgotten. */
  readonly idleSeriesMin: number;
}

export class SeriesBudget {
  readonly bytesMax: number;
  /** Above `bytesMax` while it is known that nothing can be forgotten. */
  private limit: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    this.limit = bytesMax;
  }

  /** True if a flush should see what can be forgotten. */
  isOver(registry: SeriesRegistry): boolean {
    return registry.usedBytes > this.limit;
  }

  /** True if it grows faster than flushes forget. */
  isFarOver(registry: SeriesRegistry): boolean {
    return registry.usedBytes > this.limit * PRESSURE;
  }

  /**
   * The generation from which on series stay in memory; null if all do. Series written in `active` always stay. Long work.
   */
  async firstKept(
    registry: SeriesRegistry,
    active: Generation,
    { since, idleSeriesMin }: ForgettingRule,
    pacer: Pacer,
  ): Promise<number | null> {
    const count = registry.size;
    const isOver = this.isOver(registry);
    this.limit = this.bytesMax;
    if (count === 0 || (count < idleSeriesMin && !isOver)) return null;
    const byAge = await countByAge(registry, active, pacer);
    const keptSince = (generation: number): number =>
      byAge.subarray(0, Math.max(0, active.number - generation + 1)).reduce((sum, of) => sum + of, 0);
    const idle = count - keptSince(since);
    if (idle >= idleSeriesMin && idle * 2 > count) return since;
    if (!isOver) return null;
    const keptMax = (count * this.bytesMax * KEPT_SHARE) / registry.usedBytes;
    let first = active.number;
    while (active.number - first < AGES - 2 && keptSince(first - 1) <= keptMax) first--;
    if (count - keptSince(first) >= count * FREED_MIN) return first;
    this.limit = Math.max(this.bytesMax, registry.usedBytes * RETRY_GROWTH);
    return null;
  }
}

/** True if a series has a sample in this generation or a later one. */
export function isWritten(registry: SeriesRegistry, active: Generation, since: number, slot: number): boolean {
  // What a replay brought is known to the store alone.
  return registry.lastWritten(slot) >= since || active.store.hasAny(slot);
}

/** How many series have had their last sample so many generations ago; the last entry has all that are older. */
async function countByAge(registry: SeriesRegistry, active: Generation, pacer: Pacer): Promise<Uint32Array> {
  const counts = new Uint32Array(AGES);
  const count = registry.size;
  for (let from = 0; from < count; from += COUNTED_AT_ONCE) {
    countSlots(registry, active, from, Math.min(from + COUNTED_AT_ONCE, count), counts);
    if (pacer.isDue) await pacer.pause();
  }
  return counts;
}

/** A loop of its own: it becomes machine code long before one that is left and entered again with every pause. */
function countSlots(registry: SeriesRegistry, active: Generation, from: number, to: number, counts: Uint32Array): void {
  for (let slot = from; slot < to; slot++) {
    const written = registry.lastWritten(slot);
    const age = written >= active.number || active.store.hasAny(slot) ? 0 : active.number - written;
    counts[Math.min(age, AGES - 1)]!++;
  }
}
