/**
 * Which samples a point of a rollup depends on. Only functions that are listed are kept; about others nobody has asked that question, or the answer is that they depend on samples
 * after the point as well (`integrate`, and all that look at what lies between two neighbours).
 *
 *   window     the samples of the window, and nothing else
 *   previous   the sample before it, too, if that is near: RollupRun.previous
 *   history    where there is none near, any sample before: RollupRun.realPrevious; and where there is none at all, the second sample of the series
 */
export type Sight = "window" | "previous" | "history";

const SIGHTS: Readonly<Record<Sight, readonly string[]>> = {
  window: [
    "avg_over_time",
    "changes_prometheus",
    "count_eq_over_time",
    "count_gt_over_time",
    "count_le_over_time",
    "count_ne_over_time",
    "count_over_time",
    "default_rollup",
    "delta_prometheus",
    "deriv",
    "distinct_over_time",
    "duration_over_time",
    "first_over_time",
    "geomean_over_time",
    "hoeffding_bound_lower",
    "hoeffding_bound_upper",
    "increase_prometheus",
    "last_over_time",
    "mad_over_time",
    "max_over_time",
    "median_over_time",
    "min_over_time",
    "outlier_iqr_over_time",
    "predict_linear",
    "present_over_time",
    "quantile_over_time",
    "range_over_time",
    "rate_prometheus",
    "rollup",
    "share_eq_over_time",
    "share_gt_over_time",
    "share_le_over_time",
    "stale_samples_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "sum2_over_time",
    "sum_eq_over_time",
    "sum_gt_over_time",
    "sum_le_over_time",
    "sum_over_time",
    "tfirst_over_time",
    "timestamp",
    "timestamp_with_name",
    "tlast_over_time",
    "tmax_over_time",
    "tmin_over_time",
  ],
  previous: [
    "ascent_over_time",
    "decreases_over_time",
    "deriv_fast",
    "descent_over_time",
    "idelta",
    "ideriv",
    "increases_over_time",
    "irate",
    "lag",
    "lifetime",
    "rate",
    "resets",
    "scrape_interval",
    "tlast_change_over_time",
  ],
  history: ["changes", "delta", "increase", "increase_pure"],
};

export const ROLLUP_SIGHTS: ReadonlyMap<string, Sight> = new Map(
  (Object.keys(SIGHTS) as Sight[]).flatMap((sight) => SIGHTS[sight].map((name) => [name, sight])),
);

/** Aggregates whose value at a point follows from the values of the series at that point. */
export const POINTWISE: ReadonlySet<string> = new Set([
  "avg",
  "count",
  "geomean",
  "group",
  "max",
  "min",
  "stddev",
  "stdvar",
  "sum",
  "sum2",
]);
