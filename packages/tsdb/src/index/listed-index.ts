/** An index that has everything in memory, as the asynchronous index that searches want. */
import type { SeriesIndex, ValueBatch } from "./filter-search.ts";
import { IdArray, IdCollector, type IdList } from "./id-list.ts";
import type { Postings } from "./postings.ts";

/** What an index in memory can list. */
export interface ListedIndex {
  /** All series. */
  all(): Postings;
  /** Series with `label` = `value`; empty if there are none. */
  postings(label: string, value: string): Postings;
  /** Values of a label, in any order. */
  values(label: string): Iterable<string>;
  /** Names of all labels, in any order, `__name__` included. */
  names(): Iterable<string>;
}

/** Values handed out together. */
const BATCH_VALUES = 256;

/** The index is looked at while it is asked and may grow meanwhile: ids that are new are found or not. */
export function asSeriesIndex(index: ListedIndex): SeriesIndex {
  return {
    all: () => new IdArray(index.all()),
    withLabel(label): IdList {
      const collector = new IdCollector();
      for (const value of index.values(label)) collector.add(index.postings(label, value));
      return collector.list();
    },
    withValue: (label, value) => new IdArray(index.postings(label, value)),
    async *values(label) {
      let texts: string[] = [];
      for (const value of index.values(label)) {
        if (texts.push(value) < BATCH_VALUES) continue;
        yield batchOf(index, label, texts);
        texts = [];
      }
      if (texts.length > 0) yield batchOf(index, label, texts);
    },
    hasOrder: false,
    names: () => index.names(),
    // Not known, and without `valuesOf` not needed.
    countValues: () => 0,
  };
}

function batchOf(index: ListedIndex, label: string, texts: readonly string[]): ValueBatch {
  return {
    count: texts.length,
    text: (position) => texts[position] as string,
    ids: (position) => new IdArray(index.postings(label, texts[position] as string)),
  };
}
