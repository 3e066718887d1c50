/** The embedded engine as what queries read from: the storage room behind the query room's port. */
import type { Labels } from "../base/labels.ts";
import type { FilterGroups } from "../metricsql/ast.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, Source } from "../query/source.ts";
import { collectTexts, searchLabels } from "../storage/label-search.ts";
import type { Snapshot } from "../storage/search.ts";
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
    return await this.withSnapshot(request, (snapshot) => searchLabels(snapshot, withFilter(request), request.limit ?? 0));
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.texts(
      request,
      (index) => index.names(),
      (labels, names) => {
        for (const [name] of labels.entries()) names.add(name);
      },
    );
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.texts(
      request,
      (index) => index.values(label),
      (labels, values) => {
        const value = labels.get(label);
        if (value !== "") values.add(value);
      },
    );
  }

  private async texts(
    request: LabelsRequest,
    ofIndex: Parameters<typeof collectTexts>[3],
    ofSeries: Parameters<typeof collectTexts>[4],
  ): Promise<Answer<string>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const found = await collectTexts(snapshot, withFilter(request), request.groups.length > 0, ofIndex, ofSeries);
      const list = [...found].sort();
      const limit = request.limit ?? 0;
      return limit > 0 ? list.slice(0, limit) : list;
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
}

function withFilter(request: LabelsRequest): LabelsRequest {
  return request.groups.length === 0 ? { ...request, groups: EVERYTHING } : request;
}
