/**
 * Every aggregate, one entry each. `accumulate` ones take series one by one and keep a column a group; `compute` ones get
 * whole groups. Unless noted: arguments `(q1, q2, …)` whose series are pooled, series without any value ignored, points
 * without a value ignored, and a group's point without values has none. Rules: MetricsQL manual, "Aggregate functions".
 */
import type { QueryRun } from "../context.ts";
import type { Series } from "../series.ts";
import * as accumulators from "./accumulators.ts";
import * as columns from "./columns.ts";
import type { Group, Grouping } from "./grouping.ts";
import * as ranking from "./ranking.ts";

/** "pool": one list or several. "scalars": at least one. "string?": may be left out. */
export type AggregateArg = "pool" | "series" | "scalar" | "scalars" | "string" | "string?";

export interface AggregateArgs {
  /** Columns over the grid. */
  readonly scalars: readonly Float64Array[];
  readonly strings: readonly string[];
  readonly grouping: Grouping;
  readonly run: QueryRun;
}

export interface AggregateEntry {
  readonly args: readonly AggregateArg[];
  readonly accumulate: ((points: number) => accumulators.Accumulator) | null;
  readonly compute: ((group: Group, args: AggregateArgs) => Series[] | Promise<Series[]>) | null;
  /** The string argument is a label the function makes: it cannot be grouped by. */
  readonly makesLabel: boolean;
}

function streaming(accumulate: (points: number) => accumulators.Accumulator): AggregateEntry {
  return { args: ["pool"], accumulate, compute: null, makesLabel: false };
}

function grouped(
  args: readonly AggregateArg[],
  compute: (group: Group, args: AggregateArgs) => Series[] | Promise<Series[]>,
  makesLabel = false,
): AggregateEntry {
  return { args, accumulate: null, compute, makesLabel };
}

function perPoint(compute: columns.PointFunction): AggregateEntry {
  return grouped(["pool"], (group, { run }) => columns.reducePoints(group, run, compute));
}

/** topk_avg(k, q [, "label=value"]) and its like: whole series by a statistic, and the sum of the rest if asked for. */
function ranked(statistic: keyof typeof ranking.STATISTICS, sign: 1 | -1): AggregateEntry {
  return grouped(["scalar", "series", "string?"], (group, { run, scalars, strings, grouping }) =>
    ranking.rankSeries(
      group,
      run,
      scalars[0] as Float64Array,
      ranking.STATISTICS[statistic],
      sign,
      strings[0] ?? "",
      grouping,
    ),
  );
}

const ENTRIES: Record<string, AggregateEntry> = {
  /** any(q, …): one of the group's series as it is, name and labels kept. */
  any: grouped(["pool"], (group) => group.series.slice(0, 1)),
  /** avg(q, …): mean of the values, their sum by their number. */
  avg: streaming((points) => new accumulators.AverageAccumulator(points)),
  /**
   * bottomk(k, q): at each point the k smallest values stay where they are, the others go. Names and labels stay. None
   * for k < 1. More than k series may appear in a graph: it is not the same k everywhere.
   */
  bottomk: grouped(["scalar", "series"], (group, { run, scalars }) =>
    ranking.rankPoints(group, run, scalars[0] as Float64Array, -1),
  ),
  /**
   * bottomk_avg(k, q [, "label=value"]): the k whole series of the least mean; the sum of the others with that label if
   * one is given. Names and labels stay.
   */
  bottomk_avg: ranked("avg", -1),
  /**
   * bottomk_last(k, q [, "label=value"]): the k whole series of the least last value; the sum of the others with that
   * label if one is given. Names and labels stay.
   */
  bottomk_last: ranked("last", -1),
  /**
   * bottomk_max(k, q [, "label=value"]): the k whole series of the least maximum; the sum of the others with that label
   * if one is given. Names and labels stay.
   */
  bottomk_max: ranked("max", -1),
  /**
   * bottomk_median(k, q [, "label=value"]): the k whole series of the least median; the sum of the others with that
   * label if one is given. Names and labels stay.
   */
  bottomk_median: ranked("median", -1),
  /**
   * bottomk_min(k, q [, "label=value"]): the k whole series of the least minimum; the sum of the others with that label
   * if one is given. Names and labels stay.
   */
  bottomk_min: ranked("min", -1),
  /** count(q, …): how many series have a value. */
  count: streaming((points) => new accumulators.CountAccumulator(points)),
  /**
   * count_values("label", q): a series for each different value, written in the label, that counts the series with it.
   * The label cannot be grouped by.
   */
  count_values: grouped(
    ["string", "series"],
    (group, { run, strings }) => columns.countValues(group, run, strings[0] as string),
    true,
  ),
  /** distinct(q, …): how many different values. */
  distinct: perPoint(columns.pointDistinct),
  /** geomean(q, …): geometric mean, the n-th root of the product of n values. */
  geomean: streaming((points) => new accumulators.GeometricMeanAccumulator(points)),
  /** group(q, …): 1 where any series has a value. */
  group: streaming((points) => new accumulators.PresenceAccumulator(points)),
  /**
   * histogram(q, …): the values of a group by bucket, cumulative, labelled `le`: what histogram_quantile takes.
   * Negative values are left out.
   */
  histogram: grouped(["pool"], (group, { run }) => columns.histogram(group, run)),
  /**
   * limitk(k, q): whole series, k of each group, always the same ones, as a hash of their labels chooses. k is read at
   * the first point. Names and labels stay.
   */
  limitk: grouped(["scalar", "series"], (group, { run, scalars }) =>
    ranking.limitSeries(group, run, Math.trunc((scalars[0] as Float64Array)[0] as number) || 0),
  ),
  /**
   * mad(q, …): median absolute deviation, the median of the values' distances from their median. How far series are
   * apart, not how a series behaves: see mad_over_time.
   */
  mad: perPoint(columns.pointDeviation),
  /** max(q, …): largest value. */
  max: streaming((points) => new accumulators.MaxAccumulator(points)),
  /** median(q, …): the median, half way between the middle two of an even number. */
  median: perPoint(columns.pointMedian),
  /** min(q, …): smallest value. */
  min: streaming((points) => new accumulators.MinAccumulator(points)),
  /** mode(q, …): the most frequent value, the smallest of equals. */
  mode: perPoint(columns.pointMode),
  /**
   * outliers_iqr(q, …): whole series, name kept, that are more than 1.5 interquartile ranges outside the group's
   * quartiles at some point.
   */
  outliers_iqr: grouped(["pool"], (group, { run }) => columns.interquartileOutliers(group, run)),
  /**
   * outliers_mad(tolerance, q): whole series, name kept, that are farther from the group's median than `tolerance`
   * median deviations at some point.
   */
  outliers_mad: grouped(["scalar", "series"], (group, { run, scalars }) =>
    columns.deviationOutliers(group, run, scalars[0] as Float64Array),
  ),
  /**
   * outliersk(k, q): the k whole series, name kept, that are farthest from the group's median: largest sum of squared
   * distances.
   */
  outliersk: grouped(["scalar", "series"], async (group, { run, scalars, grouping }) => {
    const from = await columns.medians(group, run);
    const rate = (values: Float64Array): number => ranking.squaredDistance(values, from);
    return ranking.rankSeries(group, run, scalars[0] as Float64Array, rate, 1, "", grouping);
  }),
  /**
   * quantile(phi, q): phi-quantile of the values, 0 ≤ phi ≤ 1, between two of them in proportion; -Inf below, +Inf
   * above.
   */
  quantile: grouped(["scalar", "series"], (group, { run, scalars }) =>
    columns.reducePoints(group, run, columns.pointQuantile(scalars[0] as Float64Array)),
  ),
  /**
   * quantiles("label", phi, …, q): quantile of each phi, which stands in the label. Each phi is read at the first
   * point.
   */
  quantiles: grouped(["string", "scalars", "series"], (group, { run, strings, scalars }) =>
    columns.spreadQuantiles(
      group,
      run,
      strings[0] as string,
      scalars.map((phi) => phi[0] as number),
    ),
  ),
  /**
   * share(q, …): each value's part of the sum of the group's values at that point, from 0 to 1. Negative values count
   * for nothing and get nothing. Name and labels stay.
   */
  share: grouped(["pool"], (group, { run }) => columns.share(group, run)),
  /** stddev(q, …): population standard deviation; 0 for a single value. */
  stddev: streaming((points) => new accumulators.DeviationAccumulator(points)),
  /** stdvar(q, …): population variance. */
  stdvar: streaming((points) => new accumulators.VarianceAccumulator(points)),
  /** sum(q, …): sum of the values. */
  sum: streaming((points) => new accumulators.SumAccumulator(points)),
  /** sum2(q, …): sum of their squares. */
  sum2: streaming((points) => new accumulators.SquaresAccumulator(points)),
  /**
   * topk(k, q): at each point the k largest values stay where they are, the others go. Names and labels stay. None for
   * k < 1. More than k series may appear in a graph: it is not the same k everywhere. See topk_max.
   */
  topk: grouped(["scalar", "series"], (group, { run, scalars }) =>
    ranking.rankPoints(group, run, scalars[0] as Float64Array, 1),
  ),
  /**
   * topk_avg(k, q [, "label=value"]): the k whole series of the largest mean; the sum of the others with that label if
   * one is given. Names and labels stay.
   */
  topk_avg: ranked("avg", 1),
  /**
   * topk_last(k, q [, "label=value"]): the k whole series of the largest last value; the sum of the others with that
   * label if one is given. Names and labels stay.
   */
  topk_last: ranked("last", 1),
  /**
   * topk_max(k, q [, "label=value"]): the k whole series of the largest maximum; the sum of the others with that label
   * if one is given. Names and labels stay.
   */
  topk_max: ranked("max", 1),
  /**
   * topk_median(k, q [, "label=value"]): the k whole series of the largest median; the sum of the others with that
   * label if one is given. Names and labels stay.
   */
  topk_median: ranked("median", 1),
  /**
   * topk_min(k, q [, "label=value"]): the k whole series of the largest minimum; the sum of the others with that label
   * if one is given. Names and labels stay.
   */
  topk_min: ranked("min", 1),
  /** zscore(q, …): each value's distance from the mean of its point in standard deviations. Name and labels stay. */
  zscore: grouped(["pool"], (group, { run }) => columns.zscores(group, run)),
};

/** By lower-case name. */
export const AGGREGATES: ReadonlyMap<string, AggregateEntry> = new Map(Object.entries(ENTRIES));

/** Aggregates whose answer is already in the order it is to have. */
export function isRanking(name: string): boolean {
  return /^(topk|bottomk|outliersk)/.test(name);
}
