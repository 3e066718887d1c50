/** The embedded engine as what queries read from: the storage room behind the query room's port. */
import type { Labels } from "../base/labels.ts";
import type { SeriesIndex } from "../index/filter-search.ts";
import { NO_POSTINGS } from "../index/postings.ts";
import type { FilterGroups } from "../metricsql/ast.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, Source } from "../query/source.ts";
import { searchLabels, type Snapshot } from "../storage/search.ts";
import type { Storage } from "../storage/storage.ts";

/** What "no filter" means as a filter: every series. */
const EVERYTHING: FilterGroups = [[{ label: "__name__", op: "!=", value: "\u0000" }]];

export class StorageSource implements Source {
  private readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    return this.storage.search(request);
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.withSnapshot(request, (snapshot) => this.matching(snapshot, request, request.limit ?? 0));
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.collect(
      request,
      (index) => index.names(),
      (labels, names) => {
        for (const [name] of labels.entries()) names.add(name);
      },
    );
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.collect(
      request,
      (index) => index.values(label),
      (labels, values) => {
        const value = labels.get(label);
        if (value !== "") values.add(value);
      },
    );
  }

  /**
   * Texts of all series in the request's range. An index answers for all its series at once (`ofIndex`) where there is no filter and all of them
   * have samples in the range; otherwise series are looked at one by one (`ofSeries`).
   */
  private async collect(
    request: LabelsRequest,
    ofIndex: (index: SeriesIndex) => Iterable<string>,
    ofSeries: (labels: Labels, found: Set<string>) => void,
  ): Promise<Answer<string>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const found = new Set<string>();
      const { minMs, maxMs, tenant } = request;
      const areWhole = snapshot.partitions.every(({ parts }) => parts.every((part) => isInside(part.info, minMs, maxMs)));
      if (request.groups.length > 0 || !areWhole) {
        for (const labels of await this.matching(snapshot, request, 0)) ofSeries(labels, found);
      } else {
        for (const { partition } of snapshot.partitions) {
          for (const index of partition.indexes(tenant)) for (const text of ofIndex(index)) found.add(text);
        }
        const head = snapshot.registry.indexOf(tenant);
        const slots = head?.all() ?? NO_POSTINGS;
        const present = slots.filter((slot) => snapshot.stores.some((store) => store.overlaps(slot, minMs, maxMs)));
        if (head !== null && present.length === slots.length) for (const text of ofIndex(head)) found.add(text);
        else for (const slot of present) ofSeries(snapshot.registry.get(slot).labels, found);
      }
      return sorted(found, request.limit);
    });
  }

  private async withSnapshot<T>(request: LabelsRequest, read: (snapshot: Snapshot) => Promise<T[]>): Promise<Answer<T>> {
    const snapshot = this.storage.snapshot(request.minMs, request.maxMs);
    try {
      return { items: await read(snapshot), isPartial: snapshot.isPartial };
    } finally {
      snapshot.release();
    }
  }

  private matching(snapshot: Snapshot, request: LabelsRequest, limit: number): Promise<Labels[]> {
    const groups = request.groups.length === 0 ? EVERYTHING : request.groups;
    return searchLabels(snapshot, { ...request, groups }, limit);
  }
}

function isInside(info: { readonly minMs: number; readonly maxMs: number }, minMs: number, maxMs: number): boolean {
  return info.minMs >= minMs && info.maxMs <= maxMs;
}

function sorted(texts: Iterable<string>, limit = 0): string[] {
  const list = [...texts].sort();
  return limit > 0 ? list.slice(0, limit) : list;
}
