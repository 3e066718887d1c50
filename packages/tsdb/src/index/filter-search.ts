/**
 * Filters → series ids, over any index that can list values and their series (the head's in memory, a partition's on disk).
 *
 * A missing label equals "", so a filter that "" fulfils (`a=""`, `a!="x"`, `a=~".*"`) also wants the series without the label: it is answered
 * by what it excludes. Filters that include are intersected first, shortest list first; those that exclude are subtracted after. Only the
 * shortest list is read whole: the others are asked which ids of it they have. Patterns come last: where few series are left, only their values are
 * matched, not all the label has.
 *
 * An index on disk answers from pages. What is in memory already is answered at once, so most methods return `T | Promise<T>`: `await` costs
 * little once a filter, and loops over values look before they wait.
 */

import type { FilterGroups, LabelFilter } from "../base/label-filter.ts";
import { compileSelectorRegex, type StringMatcher } from "../base/regex.ts";
import { IdCollector, type IdList, NO_IDS } from "./id-list.ts";
import { NO_POSTINGS, type Postings, subtract, unite } from "./postings.ts";
import type { TextRun } from "./text-run.ts";

/** Some values of a label with their series, as a page has them. Valid for as long as it is held. */
export interface ValueBatch {
  readonly count: number;
  text(position: number): string;
  ids(position: number): IdList;
  /** Adds the bytes of one value. */
  addTo(target: TextRun, position: number): void;
  /** Adds the bytes of the first `count` values, where that costs less than one by one. */
  addAllTo?(target: TextRun, count: number): void;
}

/** What a search needs of an index. Names are as people write them: `__name__` is a label like others. */
export interface SeriesIndex {
  /** All series. */
  all(): IdList | Promise<IdList>;
  /** Series that have the label, whatever its value. */
  withLabel(label: string): IdList | Promise<IdList>;
  /** Series with `label` = `value`. */
  withValue(label: string, value: string): IdList | Promise<IdList>;
  /** True if `values` come in order of their bytes. */
  readonly hasOrder: boolean;
  /** Values of a label, each once; those that do not start with `prefix` or do not contain `needle` may be left out. */
  values(label: string, prefix?: string, needle?: string): AsyncIterable<ValueBatch>;
  /** Names of all labels, in any order, `__name__` included. */
  names(): Iterable<string>;
  /** About how many values a label has that start with the prefix. */
  countValues(label: string, prefix?: string): number;
  /** Adds the values of one label of some series, "" for none, to `target`. Only where that is cheap. */
  valuesOf?(ids: Postings, label: string, target: string[], pace: Pace): Promise<void>;
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
  const patterns: Pattern[] = [];
  for (const filter of filters) {
    const plan = await planFilter(index, filter);
    if (plan.matcher !== null) patterns.push({ label: filter.label, ...plan });
    else if (plan.isExclusion) excluded.push(plan.ids);
    else if (plan.ids.count === 0) return NO_POSTINGS;
    else included.push(plan.ids);
  }
  let found = await intersectAll(included);
  if (found !== null) found = await subtractAll(found, excluded);
  for (const pattern of patterns) {
    if (found?.length === 0) return NO_POSTINGS;
    // Of a few series it is cheaper to look at their own values than at all that may match.
    if (found !== null && index.valuesOf !== undefined && isCheaper(index, found, pattern)) {
      found = await keepMatching(index, found, pattern, pace);
      continue;
    }
    const ids = await withMatching(index, pattern, pace);
    if (found !== null) found = pattern.isExclusion ? await subtractAll(found, [ids]) : await ids.retain(found);
    else if (pattern.isExclusion) excluded.push(ids);
    else found = await subtractAll(await ids.read(), excluded);
  }
  return found ?? (await subtractAll(await (await index.all()).read(), excluded));
}

/** Null for no lists. */
async function intersectAll(lists: IdList[]): Promise<Postings | null> {
  const [shortest, ...others] = lists.sort((a, b) => a.count - b.count);
  if (shortest === undefined) return null;
  let found = await shortest.read();
  for (const ids of others) if (found.length > 0) found = await ids.retain(found);
  return found;
}

async function subtractAll(ids: Postings, lists: readonly IdList[]): Promise<Postings> {
  let left = ids;
  for (const list of lists) if (left.length > 0 && list.count > 0) left = subtract(left, await list.retain(left));
  return left;
}

/** A regex that has to be matched with values. */
interface Pattern {
  readonly label: string;
  readonly matcher: StringMatcher;
  readonly isNegated: boolean;
  /** Series without the label belong to the answer: it is found by those with a value that does not fit. */
  readonly isExclusion: boolean;
}

type FilterPlan =
  | {
      readonly ids: IdList;
      /** `ids` are those to leave out, not those to keep. */
      readonly isExclusion: boolean;
      readonly matcher: null;
    }
  | Omit<Pattern, "label">;

async function planFilter(index: SeriesIndex, { label, op, value }: LabelFilter): Promise<FilterPlan> {
  if (op === "=" || op === "!=") {
    const ids = await (value === "" ? index.withLabel(label) : index.withValue(label, value));
    // `a=""` leaves out those that have the label, `a!=""` keeps them.
    return { ids, isExclusion: (op === "!=") !== (value === ""), matcher: null };
  }
  const matcher = compileSelectorRegex(value);
  const isNegated = op === "!~";
  const { literals, matchesEmpty } = matcher;
  const isExclusion = matchesEmpty !== isNegated;
  if (literals === null || matchesEmpty) return { matcher, isNegated, isExclusion };
  if (literals.length === 1) {
    return { ids: await index.withValue(label, literals[0] as string), isExclusion: isNegated, matcher: null };
  }
  const collector = new IdCollector();
  for (const literal of literals) collector.add(await (await index.withValue(label, literal)).read());
  return { ids: collector.list(), isExclusion: isNegated, matcher: null };
}

/** What finding the value of one series costs, in values of a label that are gone through. */
const SERIES_COST = 16;

/** True if the values of these series are found sooner than the series of values that match. */
function isCheaper(index: SeriesIndex, { length }: Postings, { label, matcher, ...pattern }: Pattern): boolean {
  const prefix = pattern.isNegated === pattern.isExclusion ? matcher.prefix : "";
  return length * SERIES_COST <= index.countValues(label, prefix);
}

/** Those of the series whose value of the label fulfils the pattern. */
async function keepMatching(
  index: SeriesIndex,
  ids: Postings,
  { label, matcher, isNegated }: Pattern,
  pace: Pace,
): Promise<Postings> {
  const texts: string[] = [];
  await index.valuesOf?.(ids, label, texts, pace);
  const known = new Map<string, boolean>();
  const kept = new Uint32Array(ids.length);
  let count = 0;
  for (let i = 0; i < ids.length; i++) {
    const text = texts[i] as string;
    let isWanted = known.get(text);
    if (isWanted === undefined) {
      isWanted = matcher.matches(text) !== isNegated;
      known.set(text, isWanted);
      if (pace.isDue) await pace.pause();
    }
    if (isWanted) kept[count++] = ids[i] as number;
  }
  return kept.subarray(0, count);
}

/** Series to keep or leave out because of a pattern, page of values by page. */
async function withMatching(index: SeriesIndex, pattern: Pattern, pace: Pace): Promise<IdList> {
  const { label, matcher, isNegated, isExclusion } = pattern;
  // Kept are those that match and are not negated, or the other way round; an exclusion lists the others.
  const wanted = isNegated === isExclusion;
  const collector = new IdCollector();
  const { prefix, needle } = wanted ? matcher : { prefix: "", needle: "" };
  for await (const batch of index.values(label, prefix, needle)) {
    for (let i = 0; i < batch.count; i++) {
      if (matcher.matches(batch.text(i)) !== wanted) continue;
      const ids = batch.ids(i).read();
      collector.add(ids instanceof Promise ? await ids : ids);
    }
    if (pace.isDue) await pace.pause();
  }
  return collector.isEmpty ? NO_IDS : collector.list();
}
