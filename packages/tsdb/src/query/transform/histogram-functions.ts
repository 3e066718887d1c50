/**
 * Functions of buckets: `le` and `vmrange` (buckets.ts reads both, histogram.ts computes).
 */
import { InputError } from "../../base/errors.ts";
import type { QueryRun } from "../context.ts";
import { withLabel } from "../label-edit.ts";
import { formatShort } from "../number-text.ts";
import type { Series } from "../series.ts";
import { bucketsFromRanges, limitBuckets } from "./buckets.ts";
import { entry, MANY, type TransformEntry } from "./entry.ts";
import { histogramFraction, histogramMoment, histogramQuantile, histogramShare } from "./histogram.ts";

/** Columns of their own. */
async function copyList(run: QueryRun, list: readonly Series[]): Promise<Series[]> {
  run.reserveColumns(list.length, list[0]?.values.length ?? 0);
  const copies: Series[] = [];
  for (const { labels, values } of list) {
    copies.push({ labels, values: values.slice() });
    if (run.isDue()) await run.breathe();
  }
  return copies;
}

export const histogramFunctions: Readonly<Record<string, TransformEntry>> = {
  /**
   * buckets_limit(limit, buckets): merges the `le` buckets of each histogram until `limit` are left, at least 3, those
   * with the fewest observations first. An error for limit ≤ 0. Keeps the name.
   */
  buckets_limit: entry(2, 2, (call) => {
    const limit = call.whole(0);
    if (limit <= 0) throw new InputError(`buckets_limit: want a positive number of buckets, got ${limit}`, 422);
    return limitBuckets(call.context.run, call.list(1), Math.max(limit, 3));
  }),
  /**
   * histogram_avg(buckets): mean of the observations, each taken to lie in the middle of its bucket; those beyond the
   * last finite bound do not count.
   */
  histogram_avg: entry(1, 1, (call) => histogramMoment(call.context.run, call.list(0), "avg")),
  /**
   * histogram_fraction(low, high, buckets): part of the observations between two values, in proportion within a bucket.
   * An error unless low < high at the first point.
   */
  histogram_fraction: entry(3, 3, (call) => {
    if (call.first(0) >= call.first(1)) {
      throw new InputError(`histogram_fraction: want low < high, got ${call.first(0)} and ${call.first(1)}`, 422);
    }
    return histogramFraction(call.context.run, call.list(2), call.scalar(0), call.scalar(1));
  }),
  /**
   * histogram_quantile(phi, buckets [, "bound"]): phi-quantile, 0 ≤ phi ≤ 1, in proportion within a bucket, the first
   * of which starts at 0; the last finite bound for those beyond. Takes `le` and `vmrange` buckets; nothing without
   * observations. With a third argument also the bucket's bounds, labelled so "lower" and "upper".
   */
  histogram_quantile: entry(2, 3, (call) =>
    histogramQuantile(call.context.run, call.list(1), call.scalar(0), call.optionalText(2)),
  ),
  /** histogram_quantiles("label", phi, …, buckets): histogram_quantile of each phi, which stands in the label. */
  histogram_quantiles: entry(3, MANY, async (call) => {
    const label = call.text(0);
    const last = call.count - 1;
    const { run, points } = call.context;
    let held = 0;
    const result: Series[] = [];
    for (let i = 1; i < last; i++) {
      const text = formatShort(call.first(i));
      const copies = await copyList(run, call.list(last));
      const found = await histogramQuantile(run, copies, call.scalar(i), "");
      held += run.holdColumns(found.length, points);
      for (const series of found) {
        series.labels = withLabel(series.labels, label, text);
        result.push(series);
      }
      if (run.isDue()) await run.breathe();
    }
    run.release(held);
    return result;
  }),
  /**
   * histogram_share(le, buckets [, "bound"]): part of the observations that is at most le, in proportion within a
   * bucket: the inverse of histogram_quantile.
   */
  histogram_share: entry(2, 3, (call) =>
    histogramShare(call.context.run, call.list(1), call.scalar(0), call.optionalText(2)),
  ),
  /**
   * histogram_stddev(buckets): standard deviation of the observations, each taken to lie in the middle of its bucket.
   */
  histogram_stddev: entry(1, 1, (call) => histogramMoment(call.context.run, call.list(0), "stddev")),
  /** histogram_stdvar(buckets): variance, likewise. */
  histogram_stdvar: entry(1, 1, (call) => histogramMoment(call.context.run, call.list(0), "stdvar")),
  /**
   * prometheus_buckets(buckets): `vmrange` buckets as cumulative `le` ones, which stay as they are; without other
   * series. Keeps the name.
   */
  prometheus_buckets: entry(1, 1, (call) => bucketsFromRanges(call.context.run, call.list(0))),
};
