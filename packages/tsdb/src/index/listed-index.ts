/** An index that has everything in memory, as the asynchronous index that searches want. */
import type { SeriesIndex, ValueBatch } from "./filter-search.ts";
import { IdArray, type IdList } from "./id-list.ts";
import type { Postings } from "./postings.ts";

/** What an index in memory can list. */
export interface ListedIndex {
  /** All series. */
  all(): Postings;
  /** Series with `label` = `value`; empty if there are none. */
  postings(label: string, value: string): Postings;
  /** The same, to be asked before they are read. */
  idsOf(label: string, value: string): IdList;
  /** Series that have a label. */
  idsWith(label: string): IdList;
  /** How many values a label has. */
  countValues(label: string): number;
  /** Adds the values of one label of some series, "" for none, to `target`. */
  addValuesOf(ids: Postings, label: string, target: string[]): void;
  /** Values of a label, in any order; those that do not contain `needle` may be left out. */
  values(label: string, needle?: string): Iterable<ValueBatch>;
  /** Names of all labels, in any order, `__name__` included. */
  names(): Iterable<string>;
}

/** Series whose values are asked for between two looks at the pacer. */
const BATCH_SERIES = 256;

/** The index is looked at while it is asked and may grow meanwhile: ids that are new are found or not. */
export function asSeriesIndex(index: ListedIndex): SeriesIndex {
  return {
    all: () => new IdArray(index.all()),
    withLabel: (label) => index.idsWith(label),
    withValue: (label, value) => index.idsOf(label, value),
    async *values(label, _prefix, needle) {
      yield* index.values(label, needle);
    },
    hasOrder: false,
    names: () => index.names(),
    countValues: (label) => index.countValues(label),
    async valuesOf(ids, label, target, pace) {
      for (let from = 0; from < ids.length; from += BATCH_SERIES) {
        index.addValuesOf(ids.subarray(from, from + BATCH_SERIES), label, target);
        if (pace.isDue) await pace.pause();
      }
    },
  };
}
