/** The embedded engine as what queries read from: the storage room behind the query room's port. */
import type { Labels } from "../base/labels.ts";
import type { SharedSearch } from "../query/shares/share.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, SourceChanges } from "../query/source.ts";
import { type Cardinality, countSeries, searchCardinality } from "../storage/search/cardinality.ts";
import { LABEL_NAMES, searchLabels, searchTexts, type TextQuery, valuesOf } from "../storage/search/label-search.ts";
import type { Snapshot } from "../storage/search/search.ts";
import type { Storage } from "../storage/storage.ts";
import { FoundTexts } from "./found-texts.ts";
import { divideSearch } from "./reading/divided-search.ts";
import type { DivisibleSource } from "./reading/helped-source.ts";
import { changesFor } from "./settled-changes.ts";

/** No reader can join a snapshot that was not handed to one. */
const HELD_BY_NONE = 0;

export class StorageSource implements DivisibleSource {
  readonly changes: SourceChanges | null;
  private readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
    this.changes = changesFor(storage.changes, storage.terms);
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    return await this.storage.search(request);
  }

  /** Helped by nobody: shares keep sums the same to the bit wherever they are made. */
  async divide(request: SearchRequest): Promise<SampleCursor | SharedSearch> {
    const snapshot = this.storage.snapshot(Math.max(request.minMs, this.storage.oldestShownMs()), request.maxMs);
    try {
      return await divideSearch(snapshot, HELD_BY_NONE, request, []);
    } catch (error) {
      snapshot.release();
      throw error;
    }
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const items = await searchLabels(snapshot, request, request.limit ?? 0);
      return { items, isPartial: snapshot.isPartial };
    });
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.texts(request, LABEL_NAMES);
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.texts(request, valuesOf(label));
  }

  /** One item. */
  async cardinality(request: LabelsRequest, focusLabel: string, topN: number): Promise<Answer<Cardinality>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const found = await searchCardinality(snapshot, { ...request, focusLabel, topN });
      return { items: [found], isPartial: snapshot.isPartial };
    });
  }

  /** One item. */
  async seriesCount(request: LabelsRequest): Promise<Answer<number>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const count = await countSeries(snapshot, request);
      return { items: [count], isPartial: snapshot.isPartial };
    });
  }

  private async texts(request: LabelsRequest, query: TextQuery): Promise<Answer<string>> {
    return await this.withSnapshot(request, async (snapshot) => {
      const run = await searchTexts(snapshot, request, query, request.limit ?? 0);
      return new FoundTexts(run, snapshot.isPartial);
    });
  }

  private async withSnapshot<A>(request: LabelsRequest, read: (snapshot: Snapshot) => Promise<A>): Promise<A> {
    const snapshot = this.storage.snapshot(request.minMs, request.maxMs);
    try {
      return await read(snapshot);
    } finally {
      snapshot.release();
    }
  }
}
