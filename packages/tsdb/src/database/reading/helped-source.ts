/** What a query reads from whose series are worked on in shares: by whoever has time, or by its own thread alone. */
import type { Labels } from "../../base/labels.ts";
import type { SharedSearch } from "../../query/shares/share.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, Source, SourceChanges } from "../../query/source.ts";
import type { Peer } from "./peer.ts";

/** Can divide what it finds. */
export interface DivisibleSource extends Source {
  /** As `search`, in shares if there are enough series for that. Helpers are asked when the work begins. */
  divide(request: SearchRequest, helpers: readonly Peer[]): Promise<SampleCursor | SharedSearch>;
}

/** A source for one query. Helpers may come and go while it runs: they are looked at anew for each selector. */
export class HelpedSource implements Source {
  private readonly source: DivisibleSource;
  private readonly helpers: readonly Peer[];

  constructor(source: DivisibleSource, helpers: readonly Peer[]) {
    this.source = source;
    this.helpers = helpers;
  }

  get changes(): SourceChanges | null {
    return this.source.changes ?? null;
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    return await this.source.search(request);
  }

  async searchInShares(request: SearchRequest, isExact: boolean): Promise<SampleCursor | SharedSearch> {
    const mayShare = !isExact || this.helpers.some(({ isFree }) => isFree);
    return mayShare ? await this.source.divide(request, this.helpers) : await this.source.search(request);
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.source.series(request);
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.source.labelNames(request);
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.source.labelValues(label, request);
  }
}
