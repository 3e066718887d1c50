/**
 * Filters → series ids, over any index that can list values and postings (the head's in memory, a partition's on disk).
 *
 * A missing label equals "", so a filter that "" fulfils (`a=""`, `a!="x"`, `a=~".*"`) also wants the series without the label: it is answered
 * by what it excludes. Filters that include are intersected first, cheapest first; those that exclude are subtracted after.
 */

import type { FilterGroups, LabelFilter } from "../base/label-filter.ts";
import { compileRegex, type StringMatcher } from "../base/regex.ts";
import { intersect, NO_POSTINGS, type Postings, subtract, unite } from "./postings.ts";

/** What a search needs of an index. Label "" stands for `__name__` nowhere here: names are as people write them. */
export interface SeriesIndex {
  /** All series. */
  all(): Postings;
  /** Series with `label` = `value`; empty if there are none. */
  postings(label: string, value: string): Postings;
  /** True if one of the series with `label` = `value` is wanted: asked in order of id, no further than the first that is. */
  some(label: string, value: string, isWanted: (id: number) => boolean): boolean;
  /** Values of a label, in any order. */
  values(label: string): Iterable<string>;
  /** Names of all labels, in any order, `__name__` included. */
  names(): Iterable<string>;
}

/** Series that fulfil every filter of at least one group. No groups means none. */
export function searchSeries(index: SeriesIndex, groups: FilterGroups): Postings {
  return unite(groups.map((group) => searchGroup(index, group)));
}

function searchGroup(index: SeriesIndex, filters: readonly LabelFilter[]): Postings {
  if (filters.length === 0) return NO_POSTINGS;
  const included: Postings[] = [];
  const excluded: Postings[] = [];
  for (const filter of filters) {
    const plan = planFilter(index, filter);
    if (plan.isExclusion) excluded.push(plan.series);
    else if (plan.series.length === 0) return NO_POSTINGS;
    else included.push(plan.series);
  }
  included.sort((a, b) => a.length - b.length);
  let found = included[0] ?? index.all();
  for (let i = 1; i < included.length && found.length > 0; i++) found = intersect(found, included[i] as Postings);
  for (const series of excluded) found = subtract(found, series);
  return found;
}

interface FilterPlan {
  readonly series: Postings;
  /** `series` are those to leave out, not those to keep. */
  readonly isExclusion: boolean;
}

function planFilter(index: SeriesIndex, filter: LabelFilter): FilterPlan {
  const { label, op, value } = filter;
  if (op === "=") {
    if (value === "") return { series: withLabel(index, label, () => true), isExclusion: true };
    return { series: index.postings(label, value), isExclusion: false };
  }
  if (op === "!=") {
    if (value === "") return { series: withLabel(index, label, () => true), isExclusion: false };
    return { series: index.postings(label, value), isExclusion: true };
  }
  const matcher = compileRegex(value);
  const isNegated = op === "!~";
  if (matcher.matches("") !== isNegated) {
    // Series without the label belong to the answer: list those with a value that does not fit.
    return { series: withLabel(index, label, (text) => matcher.matches(text) === isNegated), isExclusion: true };
  }
  if (isNegated) return { series: withLabel(index, label, (text) => !matcher.matches(text)), isExclusion: false };
  return { series: withMatching(index, label, matcher), isExclusion: false };
}

function withMatching(index: SeriesIndex, label: string, matcher: StringMatcher): Postings {
  if (matcher.literals !== null) return unite(matcher.literals.map((literal) => index.postings(label, literal)));
  return withLabel(index, label, (text) => matcher.matches(text));
}

function withLabel(index: SeriesIndex, label: string, wanted: (value: string) => boolean): Postings {
  const sets: Postings[] = [];
  for (const value of index.values(label)) if (wanted(value)) sets.push(index.postings(label, value));
  return unite(sets);
}
