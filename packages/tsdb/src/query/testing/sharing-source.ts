/**
 * A source in memory whose searches come in shares. Those with odd numbers are evaluated as another thread would: all it is told, and all it answers, is plain data.
 */
import type { Labels } from "../../base/labels.ts";
import { evaluateShare, memoryOf } from "../shares/evaluate.ts";
import type { FinishedShare, SharedSearch } from "../shares/share.ts";
import type { Answer, LabelsRequest, SampleCursor, SearchRequest, Source } from "../source.ts";
import type { MemorySource } from "./memory-source.ts";

export class SharingSource implements Source {
  /** Shares that were evaluated. */
  own = 0;
  others = 0;
  readonly #source: MemorySource;
  readonly #shareCount: number;

  constructor(source: MemorySource, shareCount: number) {
    this.#source = source;
    this.#shareCount = shareCount;
  }

  async search(request: SearchRequest): Promise<SampleCursor> {
    return await this.#source.search(request);
  }

  async searchInShares(request: SearchRequest): Promise<SharedSearch> {
    const { seriesCount } = await this.#source.search(request);
    const count = this.#shareCount;
    const search = (index: number): Promise<SampleCursor> => this.#source.search(request, { index, count });
    return {
      seriesCount,
      shareCount: count,
      run: async (task, work, take) => {
        const finished: FinishedShare[] = [];
        // The last one first: who is done when must not matter.
        for (let index = count - 1; index >= 0; index--) {
          const cursor = await search(index);
          if (index % 2 === 0) {
            this.own++;
            finished[index] = { outcome: await work(cursor, index), usage: null };
          } else {
            this.others++;
            const signal = request.signal ?? new AbortController().signal;
            const share = await evaluateShare(structuredClone(task), cursor, request.tenant, signal);
            finished[index] = structuredClone(share, { transfer: memoryOf(share.outcome) });
          }
        }
        finished.forEach((share, index) => {
          take(share, index);
        });
      },
      whole: () => this.#source.search(request),
      close: () => {},
    };
  }

  async series(request: LabelsRequest): Promise<Answer<Labels>> {
    return await this.#source.series(request);
  }

  async labelNames(request: LabelsRequest): Promise<Answer<string>> {
    return await this.#source.labelNames(request);
  }

  async labelValues(label: string, request: LabelsRequest): Promise<Answer<string>> {
    return await this.#source.labelValues(label, request);
  }
}
