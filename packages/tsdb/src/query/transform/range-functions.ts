/**
 * Functions of the course of a series: all points of the answer are looked at, not samples. ranges.ts computes.
 */
import { filterPaced } from "../pace.ts";
import { dropping, entry, keeping, MANY, type TransformEntry } from "./entry.ts";
import * as ranges from "./ranges.ts";

/** range_*: one number over the whole range, at every point. */
function wholeRange(compute: (values: Float64Array) => number): TransformEntry {
  return keeping(1, 1, () => (values) => {
    values.fill(compute(values));
  });
}

function rangeBy(values: Float64Array, step: ranges.Step): void {
  ranges.runOn(values, step);
  ranges.spreadLast(values);
}

export const rangeFunctions: Readonly<Record<string, TransformEntry>> = {
  /**
   * interpolate(q): straight lines across gaps between two values; nothing before the first and after the last. Keeps
   * the name.
   */
  interpolate: keeping(1, 1, () => ranges.interpolate),
  /** keep_last_value(q): gaps repeat the value before them. Keeps the name. */
  keep_last_value: keeping(1, 1, () => ranges.keepLast),
  /** keep_next_value(q): gaps take the value behind them. Keeps the name. */
  keep_next_value: keeping(1, 1, () => ranges.keepNext),
  /** range_avg(q): mean of all points at every point. Drops the name, even with keep_metric_names. */
  range_avg: dropping(() => (values) => rangeBy(values, ranges.STEPS.avg)),
  /** range_first(q): the first value at every point. Keeps the name. */
  range_first: keeping(1, 1, () => ranges.spreadFirst),
  /** range_last(q): the last value at every point. Keeps the name. */
  range_last: keeping(1, 1, () => ranges.spreadLast),
  /** range_linear_regression(q): the least-squares line through all points, at every point. Keeps the name. */
  range_linear_regression: keeping(1, 1, (call) => (values) => ranges.fitRange(values, call.context.stepMs)),
  /** range_mad(q): median absolute deviation of all points. Keeps the name. */
  range_mad: wholeRange(ranges.rangeMad),
  /** range_max(q): the largest of all points at every point. Drops the name, even with keep_metric_names. */
  range_max: dropping(() => (values) => rangeBy(values, ranges.STEPS.max)),
  /** range_median(q): the median of all points at every point. Keeps the name. */
  range_median: wholeRange((values) => ranges.rangeQuantile(values, 0.5)),
  /** range_min(q): the smallest of all points at every point. Drops the name, even with keep_metric_names. */
  range_min: dropping(() => (values) => rangeBy(values, ranges.STEPS.min)),
  /**
   * range_normalize(q, …): from 0, the series' least value, to 1, its largest; series with infinite values go. Keeps
   * the name.
   */
  range_normalize: entry(1, MANY, (call) =>
    filterPaced(call.context.run, call.args.flat(), (series) => ranges.normalize(series.values)),
  ),
  /** range_quantile(phi, q): phi-quantile of all points at every point. phi is read at the first. Keeps the name. */
  range_quantile: keeping(
    2,
    2,
    (call) => {
      const phi = call.first(0);
      return (values) => {
        values.fill(ranges.rangeQuantile(values, phi));
      };
    },
    1,
  ),
  /** range_stddev(q): population standard deviation of all points. Keeps the name. */
  range_stddev: wholeRange((values) => Math.sqrt(ranges.rangeVariance(values))),
  /** range_stdvar(q): population variance of all points. Keeps the name. */
  range_stdvar: wholeRange(ranges.rangeVariance),
  /** range_sum(q): sum of all points at every point. Drops the name, even with keep_metric_names. */
  range_sum: dropping(() => (values) => rangeBy(values, ranges.STEPS.sum)),
  /**
   * range_trim_outliers(k, q): without points farther from the series' median than k median deviations. Keeps the name.
   */
  range_trim_outliers: keeping(
    2,
    2,
    (call) => {
      const k = call.first(0);
      return (values) => ranges.trimAround(values, ranges.rangeQuantile(values, 0.5), k * ranges.rangeMad(values));
    },
    1,
  ),
  /**
   * range_trim_spikes(phi, q): without the part phi of the points, half of them the largest, half the smallest. Keeps
   * the name.
   */
  range_trim_spikes: keeping(
    2,
    2,
    (call) => {
      const half = call.first(0) / 2;
      return (values) =>
        ranges.trim(values, ranges.rangeQuantile(values, half), ranges.rangeQuantile(values, 1 - half));
    },
    1,
  ),
  /** range_trim_zscore(z, q): without points more than z standard deviations from the series' mean. Keeps the name. */
  range_trim_zscore: keeping(
    2,
    2,
    (call) => {
      const z = Math.abs(call.first(0));
      return (values) =>
        ranges.trimAround(values, ranges.rangeMean(values), z * Math.sqrt(ranges.rangeVariance(values)));
    },
    1,
  ),
  /** range_zscore(q): distance from the series' mean in its standard deviations. Keeps the name. */
  range_zscore: keeping(1, 1, () => (values) => {
    const mean = ranges.rangeMean(values);
    const sigma = Math.sqrt(ranges.rangeVariance(values));
    for (let k = 0; k < values.length; k++) values[k] = ((values[k] as number) - mean) / sigma;
  }),
  /** remove_resets(q): a counter that never falls: what was lost at each reset is added. Keeps the name. */
  remove_resets: keeping(1, 1, () => ranges.removeColumnResets),
  /**
   * running_avg(q): mean from the first value up to each point; a gap counts as a point. Drops the name, even with
   * keep_metric_names.
   */
  running_avg: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.avg)),
  /** running_max(q): the largest value up to each point. Drops the name, even with keep_metric_names. */
  running_max: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.max)),
  /** running_min(q): the smallest value up to each point. Drops the name, even with keep_metric_names. */
  running_min: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.min)),
  /** running_sum(q): the sum up to each point; gaps repeat it. Drops the name, even with keep_metric_names. */
  running_sum: dropping(() => (values) => ranges.runOn(values, ranges.STEPS.sum)),
  /**
   * smooth_exponential(q, factor): exponential moving average; a factor near 0 smooths most, 1 not at all. Keeps the
   * name.
   */
  smooth_exponential: keeping(2, 2, (call) => {
    const factors = call.scalar(1);
    return (values) => ranges.smooth(values, factors);
  }),
};
