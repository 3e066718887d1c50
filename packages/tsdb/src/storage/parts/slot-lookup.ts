/**
 * Series of the registry looked for in index segments: by the hash of their keys, which filters tell apart from those of a segment, and then by the keys
 * themselves. Millions of new series cost no key at all.
 */
import { CorruptionError } from "../../base/errors.ts";
import type { Tenant } from "../../base/tenant.ts";
import type { Pace } from "../../index/filter-search.ts";
import type { HashKey } from "../../index/key-hash.ts";
import { type IndexSegment, NO_ID } from "../../index/segment-reader.ts";
import type { LabelStore } from "../../kernel/label-store.ts";
import { RunKeys } from "../series/run-keys.ts";

/** Keys that are looked up together: the more, the fewer pages of hashes are read twice. */
const KEYS_MAX = 1 << 14;

/** Slots of one tenant that were looked for. */
export interface LookedUp {
  readonly tenant: Tenant;
  readonly slots: Uint32Array;
  /** Id of each, NO_ID where no segment has the series. */
  readonly ids: Uint32Array;
  /** False if a segment could not say which series it has. */
  readonly isSure: boolean;
}

export interface LookupListener {
  /** Damage that costs a series: nobody finds it any more. */
  onDamage(segment: IndexSegment, error: CorruptionError): void;
  /** Damage that keeps a segment from saying which series it has. */
  onUnreadable(segment: IndexSegment, error: CorruptionError): void;
}

/** Looks for the series in these slots, run by run of one tenant. Long work. */
export async function* lookUpSlots(
  segments: readonly IndexSegment[],
  store: LabelStore,
  slots: Uint32Array,
  pacer: Pace,
  { onDamage, onUnreadable }: LookupListener,
): AsyncGenerator<LookedUp> {
  for (let from = 0; from < slots.length; ) {
    const { tenant, count } = store.tenantRun(slots, from, KEYS_MAX);
    const run = slots.subarray(from, from + count);
    const ids = new Uint32Array(count).fill(NO_ID);
    const keys = new RunKeys(store, run);
    const keyAt = (i: number): Uint8Array => keys.at(i);
    const hashes = new Uint32Array(count);
    let hashKey: HashKey | null = null;
    let isSure = true;
    for (const segment of segments) {
      const found = segment.of(tenant);
      if (found === null) continue;
      if (hashKey === null || hashKey.some((word, i) => word !== segment.hashKey[i])) {
        hashKey = segment.hashKey;
        store.hashKeys(hashKey, run, count, hashes, 0);
      }
      try {
        await found.findHashed(hashes, keyAt, ids, pacer, (error) => onDamage(segment, error));
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        onUnreadable(segment, error);
        isSure = false;
      }
      if (pacer.isDue) await pacer.pause();
    }
    yield { tenant, slots: run, ids, isSure };
    from += count;
    if (pacer.isDue) await pacer.pause();
  }
}
