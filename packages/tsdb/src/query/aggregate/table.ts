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
  /** One of the group's series as it is, name and labels kept. */
  any: grouped(["pool"], (group) => group.series.slice(0, 1)),
  avg: streaming((points) => new accumulators.AverageAccumulator(points)),
  /** bottomk(k, q): at every point the k smallest keep their value. */
  bottomk: grouped(["scalar", "series"], (group, { run, scalars }) =>
    ranking.rankPoints(group, run, scalars[0] as Float64Array, -1),
  ),
  bottomk_avg: ranked("avg", -1),
  bottomk_last: ranked("last", -1),
  bottomk_max: ranked("max", -1),
  bottomk_median: ranked("median", -1),
  bottomk_min: ranked("min", -1),
  count: streaming((points) => new accumulators.CountAccumulator(points)),
  /** count_values("label", q): a series a distinct value, counting the series that have it. */
  count_values: grouped(
    ["string", "series"],
    (group, { run, strings }) => columns.countValues(group, run, strings[0] as string),
    true,
  ),
  /** Different values. */
  distinct: perPoint(columns.pointDistinct),
  geomean: streaming((points) => new accumulators.GeometricMeanAccumulator(points)),
  /** 1 for every group. */
  group: streaming((points) => new accumulators.PresenceAccumulator(points)),
  /** Cumulative `le` buckets of the group's values. */
  histogram: grouped(["pool"], (group, { run }) => columns.histogram(group, run)),
  /** limitk(k, q): k series a group, always the same. k is read at the first point. */
  limitk: grouped(["scalar", "series"], (group, { scalars }) =>
    ranking.limitSeries(group, Math.trunc((scalars[0] as Float64Array)[0] as number) || 0),
  ),
  /** Median absolute deviation. */
  mad: perPoint(columns.pointDeviation),
  max: streaming((points) => new accumulators.MaxAccumulator(points)),
  median: perPoint(columns.pointMedian),
  min: streaming((points) => new accumulators.MinAccumulator(points)),
  /** Most frequent value, smallest of equals. */
  mode: perPoint(columns.pointMode),
  /** Series beyond the quartile fences at some point. */
  outliers_iqr: grouped(["pool"], (group, { run }) => columns.interquartileOutliers(group, run)),
  /** outliers_mad(tolerance, q) */
  outliers_mad: grouped(["scalar", "series"], (group, { run, scalars }) =>
    columns.deviationOutliers(group, run, scalars[0] as Float64Array),
  ),
  /** outliersk(k, q): the k series farthest from the median. */
  outliersk: grouped(["scalar", "series"], async (group, { run, scalars, grouping }) => {
    const from = await columns.medians(group, run);
    const rate = (values: Float64Array): number => ranking.squaredDistance(values, from);
    return ranking.rankSeries(group, run, scalars[0] as Float64Array, rate, 1, "", grouping);
  }),
  /** quantile(phi, q): linear interpolation; ±Inf for phi outside [0, 1]. */
  quantile: grouped(["scalar", "series"], (group, { run, scalars }) =>
    columns.reducePoints(group, run, columns.pointQuantile(scalars[0] as Float64Array)),
  ),
  /** quantiles("label", phi…, q): a series a phi, phis read at the first point. */
  quantiles: grouped(["string", "scalars", "series"], (group, { run, strings, scalars }) =>
    columns.spreadQuantiles(
      group,
      run,
      strings[0] as string,
      scalars.map((phi) => phi[0] as number),
    ),
  ),
  /** Part of the point's sum; original series. */
  share: grouped(["pool"], (group, { run }) => columns.share(group, run)),
  /** Population standard deviation. */
  stddev: streaming((points) => new accumulators.DeviationAccumulator(points)),
  stdvar: streaming((points) => new accumulators.VarianceAccumulator(points)),
  sum: streaming((points) => new accumulators.SumAccumulator(points)),
  /** Σv² */
  sum2: streaming((points) => new accumulators.SquaresAccumulator(points)),
  /** topk(k, q): at every point the k largest keep their value. */
  topk: grouped(["scalar", "series"], (group, { run, scalars }) =>
    ranking.rankPoints(group, run, scalars[0] as Float64Array, 1),
  ),
  topk_avg: ranked("avg", 1),
  topk_last: ranked("last", 1),
  topk_max: ranked("max", 1),
  topk_median: ranked("median", 1),
  topk_min: ranked("min", 1),
  /** Distance from the point's average in standard deviations; original series. */
  zscore: grouped(["pool"], (group, { run }) => columns.zscores(group, run)),
};

/** By lower-case name. */
export const AGGREGATES: ReadonlyMap<string, AggregateEntry> = new Map(Object.entries(ENTRIES));

/** Aggregates whose answer is already in the order it is to have. */
export function isRanking(name: string): boolean {
  return /^(topk|bottomk|outliersk)/.test(name);
}
