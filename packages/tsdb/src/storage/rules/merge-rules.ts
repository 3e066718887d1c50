/**
 * The rules as a merge needs them: plain data that needs neither labels nor indexes, so that it can be handed to another thread.
 *
 * Series that are treated alike are a class; series are told apart by their id in the partition. What a part went through is its mark, which stands in
 * the manifest: whether it is due again, and where it holds results of an aggregation rather than samples, follows from that.
 */
import { CorruptionError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { DEFAULT_TENANT, type Tenant } from "../../base/tenant.ts";
import type { PartReader } from "../parts/part-reader.ts";
import type { Partition } from "../parts/partition.ts";
import { closedRange, isAggregating, type TimeRange } from "./rule-application.ts";
import { type DownsamplingStep, RuleBook, type SampleRules, type SeriesRules } from "./sample-rules.ts";

/** What a part's merge has done to its samples. */
export interface PartMark {
  readonly rules: SampleRules;
  /** The time for which that was done, ms. */
  readonly nowMs: number;
  /** True if all parts of the month were at hand, so that aggregates were made. */
  readonly isAggregated: boolean;
}

/** How some series of a partition are merged. */
export interface SeriesClass {
  readonly rules: SeriesRules;
  /** By source: the times at which it holds results of the same aggregate, null if it does not. */
  readonly results: readonly (TimeRange | null)[];
}

export interface MergeRules {
  readonly nowMs: number;
  /** The month: intervals that are not within it as a whole are not aggregated by merges. */
  readonly bounds: TimeRange;
  /** True if all parts of the month are merged. */
  readonly isFinal: boolean;
  readonly classes: readonly SeriesClass[];
  /** Class by series id; null: all are of the first. What is not in an index is of the first, too, which then changes nothing. */
  readonly classOf: Uint16Array | null;
}

const CLASSES_MAX = 0xffff;

/** The rules for merging these parts of a partition, null if there is nothing to apply. */
export async function mergeRulesOf(
  partition: Partition,
  sources: readonly PartReader[],
  book: RuleBook,
  nowMs: number,
  isFinal: boolean,
): Promise<MergeRules | null> {
  if (book.isEmpty) return null;
  const bounds = boundsOf(partition);
  const classOfSeries = (tenant: Tenant, labels: Labels): SeriesClass => {
    const rules = book.forSeries(tenant, labels);
    const results = sources.map((part) => (isFinal ? resultsOf(part.mark, rules, tenant, labels, bounds) : null));
    return { rules, results };
  };
  const looksAtLabels =
    book.hasFilters ||
    (isFinal && sources.some(({ mark }) => mark?.isAggregated === true && bookOf(mark.rules).hasFilters));
  const common = { nowMs, bounds, isFinal };
  if (!looksAtLabels) {
    return { ...common, classes: [classOfSeries(DEFAULT_TENANT, Labels.empty)], classOf: null };
  }
  const untouched: SeriesRules = { retentionMs: Number.POSITIVE_INFINITY, dedupMs: 0, aggregate: "last", steps: [] };
  const classes: SeriesClass[] = [{ rules: untouched, results: sources.map(() => null) }];
  const known = new Map<string, number>();
  const classOf = new Uint16Array(partition.nextSeriesId);
  for (const segment of partition.segments) {
    for (const own of segment.all()) {
      try {
        for await (const { id, labels } of own.series()) {
          const found = classOfSeries(own.tenant, labels);
          const key = JSON.stringify(found);
          let at = known.get(key);
          if (at === undefined && classes.length <= CLASSES_MAX) {
            at = classes.push(found) - 1;
            known.set(key, at);
          }
          classOf[id] = at ?? 0;
        }
      } catch (error) {
        // Searches cannot find these series either, and report it.
        if (!(error instanceof CorruptionError)) throw error;
      }
    }
  }
  return { ...common, classes, classOf };
}

/** The times at which a part holds results of the aggregate these rules make, null if there are none. */
export function resultsOf(
  mark: PartMark | null,
  { aggregate }: SeriesRules,
  tenant: Tenant,
  labels: Labels,
  bounds: TimeRange,
): TimeRange | null {
  if (mark === null || !mark.isAggregated) return null;
  const then = bookOf(mark.rules).forSeries(tenant, labels);
  if (!isAggregating(then) || then.aggregate !== aggregate) return null;
  return closedRange(then.steps[0] as DownsamplingStep, mark.nowMs, bounds);
}

/** A partition's times. */
export function boundsOf({ startMs, endMs }: Pick<Partition, "startMs" | "endMs">): TimeRange {
  return { minMs: startMs, maxMs: endMs - 1 };
}

const books: WeakMap<SampleRules, RuleBook> = new WeakMap();

/** The book of rules that a mark tells of; how long samples are kept was not theirs to say. */
function bookOf(rules: SampleRules): RuleBook {
  let book = books.get(rules);
  if (book === undefined) {
    book = new RuleBook(rules, Number.POSITIVE_INFINITY);
    books.set(rules, book);
  }
  return book;
}

/** A part as far as the schedule is concerned. */
interface Markable {
  readonly mark: PartMark | null;
  readonly info: { readonly bytes: number };
}

/** Parts that are due weigh at least this share of their month, or they are not worth rewriting the rest of it. */
const DUE_SHARE = 1 / 8;

/**
 * Which parts of a partition are to be merged because of the rules: once when the whole month has passed an age at which they change something, and when
 * the rules are others than before. What came late is merged by itself as long as it is little. Null if nothing is due.
 */
export function choosePartsByRules<T extends Markable>(
  parts: readonly T[],
  endMs: number,
  book: RuleBook,
  nowMs: number,
): { readonly parts: T[]; readonly isFinal: boolean } | null {
  let reachedMs = Number.NEGATIVE_INFINITY;
  for (const ageMs of book.ages()) if (endMs + ageMs <= nowMs) reachedMs = endMs + ageMs;
  if (reachedMs === Number.NEGATIVE_INFINITY || parts.length === 0) return null;
  const wasVisited = ({ mark }: T): boolean =>
    mark !== null && mark.nowMs >= reachedMs && JSON.stringify(mark.rules) === book.text;
  const isDone = (part: T): boolean => wasVisited(part) && (!book.hasAggregates || part.mark?.isAggregated === true);
  const due = parts.filter((part) => !isDone(part));
  const bytesOf = (list: readonly T[]): number => list.reduce((sum, { info }) => sum + info.bytes, 0);
  if (due.length === 0) return null;
  if (bytesOf(due) >= bytesOf(parts) * DUE_SHARE) return { parts: [...parts], isFinal: true };
  const late = due.filter((part) => !wasVisited(part));
  return late.length === 0 ? null : { parts: late, isFinal: false };
}
