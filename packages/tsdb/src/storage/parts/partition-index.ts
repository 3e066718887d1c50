/**
 * The index segments of a partition as one index, for one search, which holds them until `release()`. Segments stand in order of their ids, so what they answer is simply put one behind
 * the other. A damaged segment answers nothing: that is reported, and the rest is served.
 */
import { CorruptionError } from "../../base/errors.ts";
import type { FilterGroups } from "../../base/label-filter.ts";
import type { Labels } from "../../base/labels.ts";
import type { Tenant } from "../../base/tenant.ts";
import { type Pace, searchSeries } from "../../index/filter-search.ts";
import { lowerBound, NO_POSTINGS, type Postings, unite } from "../../index/postings.ts";
import type { IndexSegment, TenantSegment } from "../../index/segment-reader.ts";
import type { LabelStore } from "../../kernel/label-store.ts";
import { type LookedUp, lookUpSlots } from "./slot-lookup.ts";

export type OnIndexCorruption = (segment: IndexSegment, error: CorruptionError) => void;

export class PartitionIndex {
  readonly segments: readonly IndexSegment[];
  private readonly onCorruption: OnIndexCorruption;

  constructor(segments: readonly IndexSegment[], onCorruption: OnIndexCorruption) {
    this.segments = segments;
    this.onCorruption = onCorruption;
    for (const segment of segments) segment.acquire();
  }

  /** Gives the segments back. */
  release(): void {
    for (const segment of this.segments) segment.release();
  }

  /** Ids of the tenant's series that match, ascending. */
  async search(tenant: Tenant, groups: FilterGroups, pace: Pace): Promise<Postings> {
    const found: Postings[] = [];
    for (const own of this.of(tenant)) {
      const ids = await this.guarded(own, () => searchSeries(own, groups, pace));
      if (ids !== null) found.push(ids);
    }
    return unite(found);
  }

  /** Ids of all the tenant's series, ascending. */
  async all(tenant: Tenant): Promise<Postings> {
    const found: Postings[] = [];
    for (const own of this.of(tenant)) {
      found.push((await this.guarded(own, async () => await (await own.all()).read())) ?? NO_POSTINGS);
    }
    return unite(found);
  }

  /** The tenant's part of each segment that has one. */
  of(tenant: Tenant): TenantSegment[] {
    const found: TenantSegment[] = [];
    for (const segment of this.segments) {
      const own = segment.of(tenant);
      if (own !== null) found.push(own);
    }
    return found;
  }

  /** Labels of ascending ids of one tenant; null where they cannot be read. */
  async labelsOf(tenant: Tenant, ids: Postings, pace: Pace): Promise<(Labels | null)[]> {
    const labels: (Labels | null)[] = [];
    let at = 0;
    for (const own of this.of(tenant)) {
      const end = lowerBound(ids, own.lastId + 1, at);
      if (end > at) await own.readLabels(ids.subarray(at, end), labels, pace, (error) => this.report(own, error));
      at = end;
    }
    return labels;
  }

  /** Looks for series by their slots in a registry: see lookUpSlots. */
  lookUp(store: LabelStore, slots: Uint32Array, pace: Pace): AsyncGenerator<LookedUp> {
    const listener = { onDamage: this.onCorruption, onUnreadable: this.onCorruption };
    return lookUpSlots(this.segments, store, slots, pace, listener);
  }

  /** Reports damage that somebody else met in the file with this number, if it is one of these segments. */
  reportFile(fileNumber: number, error: CorruptionError): void {
    const segment = this.segments.find((other) => other.fileNumber === fileNumber);
    if (segment !== undefined) this.onCorruption(segment, error);
  }

  /** What `read` answers; null if the segment turns out to be damaged. */
  async guarded<T>(own: TenantSegment, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.report(own, error);
      return null;
    }
  }

  private report({ segment }: TenantSegment, error: CorruptionError): void {
    this.onCorruption(segment, error);
  }
}
