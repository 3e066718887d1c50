/**
 * Filters → series ids, over any index that can list values and their series (the head's in memory, a partition's on disk).
 *
 * A missing label equals "", so a filter that "" fulfils (`a=""`, `a!="x"`, `a=~".*"`) also wants the series without the label: it is answered
 * by what it excludes. Filters that include are intersected first, shortest list first; those that exclude are subtracted after. Only the
 * shortest list is read whole: the others are asked which ids of it they have.
 *
 * An index on disk answers from pages. What is in memory already is answered at once, so most methods return `T | Promise<T>`: `await` costs
 * little once a filter, and loops over values look before they wait.
 */

import type { FilterGroups, LabelFilter } from "../base/label-filter.ts";
import { compileRegex } from "../base/regex.ts";
import { IdCollector, type IdList, NO_IDS } from "./id-list.ts";
import { NO_POSTINGS, type Postings, subtract, unite } from "./postings.ts";

/** Some values of a label with their series, as a page has them. Valid for as long as it is held. */
export interface ValueBatch {
  readonly count: number;
  text(position: number): string;
  ids(position: number): IdList;
}

/** What a search needs of an index. Names are as people write them: `__name__` is a label like others. */
export interface SeriesIndex {
  /** All series. */
  all(): IdList | Promise<IdList>;
  /** Series that have the label, whatever its value. */
  withLabel(label: string): IdList | Promise<IdList>;
  /** Series with `label` = `value`. */
  withValue(label: string, value: string): IdList | Promise<IdList>;
  /** Values of a label in any order, each once; those that do not start with `prefix` may be left out. */
  values(label: string, prefix?: string): AsyncIterable<ValueBatch>;
  /** Names of all labels, in any order, `__name__` included. */
  names(): Iterable<string>;
}

/** Lets long work share its thread and be stopped. */
export interface Pace {
  /** True when the slice of time is used up: `await pause()` then. */
  readonly isDue: boolean;
  /** Lets others have their turn. Rejects if the work is no longer wanted. */
  pause(): Promise<void>;
}

/** Series that fulfil every filter of at least one group. No groups means none. */
export async function searchSeries(index: SeriesIndex, groups: FilterGroups, pace: Pace): Promise<Postings> {
  if (groups.length === 1) return await searchGroup(index, groups[0] as readonly LabelFilter[], pace);
  const found: Postings[] = [];
  for (const group of groups) found.push(await searchGroup(index, group, pace));
  return unite(found);
}

async function searchGroup(index: SeriesIndex, filters: readonly LabelFilter[], pace: Pace): Promise<Postings> {
  if (filters.length === 0) return NO_POSTINGS;
  const included: IdList[] = [];
  const excluded: IdList[] = [];
  for (const filter of filters) {
    const { ids, isExclusion } = await planFilter(index, filter, pace);
    if (isExclusion) excluded.push(ids);
    else if (ids.count === 0) return NO_POSTINGS;
    else included.push(ids);
  }
  included.sort((a, b) => a.count - b.count);
  let found = await (included[0] ?? (await index.all())).read();
  for (let i = 1; i < included.length && found.length > 0; i++) found = await (included[i] as IdList).retain(found);
  for (const ids of excluded) {
    if (found.length > 0 && ids.count > 0) found = subtract(found, await ids.retain(found));
  }
  return found;
}

interface FilterPlan {
  readonly ids: IdList;
  /** `ids` are those to leave out, not those to keep. */
  readonly isExclusion: boolean;
}

async function planFilter(index: SeriesIndex, filter: LabelFilter, pace: Pace): Promise<FilterPlan> {
  const { label, op, value } = filter;
  if (op === "=" || op === "!=") {
    const ids = await (value === "" ? index.withLabel(label) : index.withValue(label, value));
    // `a=""` leaves out those that have the label, `a!=""` keeps them.
    return { ids, isExclusion: (op === "!=") !== (value === "") };
  }
  const matcher = compileRegex(value);
  const isNegated = op === "!~";
  if (matcher.matchesEmpty !== isNegated) {
    // Series without the label belong to the answer: list those with a value that does not fit.
    const ids = await withMatching(index, label, "", (text) => matcher.matches(text) === isNegated, pace);
    return { ids, isExclusion: true };
  }
  if (isNegated) {
    return { ids: await withMatching(index, label, "", (text) => !matcher.matches(text), pace), isExclusion: false };
  }
  if (matcher.literals !== null) {
    const { literals } = matcher;
    if (literals.length === 1) {
      return { ids: await index.withValue(label, literals[0] as string), isExclusion: false };
    }
    const collector = new IdCollector();
    for (const literal of literals) collector.add(await (await index.withValue(label, literal)).read());
    return { ids: collector.list(), isExclusion: false };
  }
  const ids = await withMatching(index, label, matcher.prefix, (text) => matcher.matches(text), pace);
  return { ids, isExclusion: false };
}

/** Series with a value of the label that is wanted, page of values by page. */
async function withMatching(
  index: SeriesIndex,
  label: string,
  prefix: string,
  isWanted: (value: string) => boolean,
  pace: Pace,
): Promise<IdList> {
  const collector = new IdCollector();
  for await (const batch of index.values(label, prefix)) {
    for (let i = 0; i < batch.count; i++) {
      if (!isWanted(batch.text(i))) continue;
      const ids = batch.ids(i).read();
      collector.add(ids instanceof Promise ? await ids : ids);
    }
    if (pace.isDue) await pace.pause();
  }
  return collector.isEmpty ? NO_IDS : collector.list();
}
