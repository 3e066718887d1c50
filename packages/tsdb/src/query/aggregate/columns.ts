/**
 * Aggregates that look at all values of a group's point at once. They keep the columns of all series, and a group may be everything
 * there is, so they pause between points when the run says so.
 */
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import { formatFloat } from "../../base/number-format.ts";
import type { QueryRun } from "../context.ts";
import { withLabel } from "../label-edit.ts";
import { formatShort } from "../number-text.ts";
import type { Series } from "../series.ts";
import { countDistinct, medianDeviation, modeOf, quantileOfColumn, quantileSorted, sortColumn } from "../statistics.ts";
import { bucketsFromRanges } from "../transform/buckets.ts";
import { VMRANGES, vmrangeIndex } from "../vmrange.ts";
import type { Group } from "./grouping.ts";

/** From the values of one point, in scratch: `column[0..count)`, none of them NaN, to be reordered at will. */
export type PointFunction = (column: Float64Array, count: number, k: number) => number;

export const pointQuantile = (phis: Float64Array): PointFunction => {
  return (column, count, k) => quantileOfColumn(phis[k] as number, column, count);
};

export const pointMedian: PointFunction = (column, count) => quantileOfColumn(0.5, column, count);

export const pointMode: PointFunction = (column, count) => modeOf(Number.NaN, column, count);

export const pointDistinct: PointFunction = (column, count) =>
  count === 0 ? Number.NaN : countDistinct(column, count);

export const pointDeviation: PointFunction = (column, count) => medianDeviation(column, count);

/** One series a group, computed point by point into the first series' column. */
export async function reducePoints(group: Group, run: QueryRun, compute: PointFunction): Promise<Series[]> {
  return [{ labels: group.labels, values: await pointColumn(group.series, run, compute) }];
}

/** Points whose values are gathered together: a cache line of each series. */
const TILE_POINTS = 8;

async function pointColumn(list: readonly Series[], run: QueryRun, compute: PointFunction): Promise<Float64Array> {
  const points = (list[0] as Series).values.length;
  const result = new Float64Array(points);
  const tile = Array.from({ length: Math.min(TILE_POINTS, points) }, () => new Float64Array(list.length));
  const counts = new Int32Array(tile.length);
  for (let from = 0; from < points; from += tile.length) {
    const to = Math.min(points, from + tile.length);
    counts.fill(0);
    for (let i = 0; i < list.length; i++) {
      const { values } = list[i] as Series;
      for (let k = from; k < to; k++) {
        const v = values[k] as number;
        if (v !== v) continue;
        const at = counts[k - from] as number;
        (tile[k - from] as Float64Array)[at] = v;
        counts[k - from] = at + 1;
      }
    }
    for (let k = from; k < to; k++) {
      result[k] = compute(tile[k - from] as Float64Array, counts[k - from] as number, k);
      if (run.isDue()) await run.breathe();
    }
  }
  return result;
}

function gather(list: readonly Series[], k: number, column: Float64Array): number {
  let count = 0;
  for (let i = 0; i < list.length; i++) {
    const v = (list[i] as Series).values[k] as number;
    if (v === v) column[count++] = v;
  }
  return count;
}

/** quantiles("label", phi…, q): one series a phi. */
export async function spreadQuantiles(
  group: Group,
  run: QueryRun,
  label: string,
  phis: readonly number[],
): Promise<Series[]> {
  const points = (group.series[0] as Series).values.length;
  const column = new Float64Array(group.series.length);
  const result = phis.map((phi) => ({
    labels: withLabel(group.labels, label, formatShort(phi)),
    values: new Float64Array(points),
  }));
  for (let k = 0; k < points; k++) {
    const count = gather(group.series, k, column);
    sortColumn(column, count);
    for (let p = 0; p < phis.length; p++) {
      (result[p] as Series).values[k] = quantileSorted(phis[p] as number, column, count);
    }
    if (run.isDue()) await run.breathe();
  }
  return result;
}

/** count_values("label", q): one series a distinct value. @throws InputError 422 for too many of them. */
export async function countValues(group: Group, run: QueryRun, label: string): Promise<Series[]> {
  const seriesMax = run.limits.maxSeriesPerAggrFunc;
  const points = (group.series[0] as Series).values.length;
  const found = new Map<number, Series>();
  for (const { values } of group.series) {
    for (let k = 0; k < points; k++) {
      const v = values[k] as number;
      if (v !== v) continue;
      let series = found.get(v);
      if (series === undefined) {
        if (found.size >= seriesMax) {
          throw new InputError(`count_values: makes more than -search.maxSeriesPerAggrFunc=${seriesMax} series`, 422);
        }
        if ((found.size & 1023) === 0) run.reserveColumns(found.size, points);
        series = {
          labels: withLabel(group.labels, label, formatFloat(v)),
          values: new Float64Array(points).fill(Number.NaN),
        };
        found.set(v, series);
      }
      const count = series.values[k] as number;
      series.values[k] = count === count ? count + 1 : 1;
    }
    if (run.isDue()) await run.breathe();
  }
  return [...found.values()];
}

/** histogram(q): the group's values by bucket, cumulative, labelled `le`. */
export async function histogram(group: Group, run: QueryRun): Promise<Series[]> {
  const points = (group.series[0] as Series).values.length;
  const buckets = new Map<number, Series>();
  for (const { values } of group.series) {
    for (let k = 0; k < points; k++) {
      const index = vmrangeIndex(values[k] as number);
      if (index < 0) continue;
      let bucket = buckets.get(index);
      if (bucket === undefined) {
        const labels: Labels = withLabel(group.labels, "vmrange", VMRANGES[index] as string);
        bucket = { labels, values: new Float64Array(points) };
        buckets.set(index, bucket);
      }
      bucket.values[k] = (bucket.values[k] as number) + 1;
    }
    if (run.isDue()) await run.breathe();
  }
  return await bucketsFromRanges(run, [...buckets.values()]);
}

/** share(q): each value's part of the sum of the point's non-negative values; negative ones get none. */
export async function share(group: Group, run: QueryRun): Promise<Series[]> {
  const { series } = group;
  const points = (series[0] as Series).values.length;
  for (let k = 0; k < points; k++) {
    let sum = 0;
    for (const { values } of series) if ((values[k] as number) >= 0) sum += values[k] as number;
    for (const { values } of series) {
      const v = values[k] as number;
      values[k] = v >= 0 ? v / sum : Number.NaN;
    }
    if (run.isDue()) await run.breathe();
  }
  return series;
}

/** zscore(q): distance from the point's average in standard deviations. */
export async function zscores(group: Group, run: QueryRun): Promise<Series[]> {
  const { series } = group;
  const points = (series[0] as Series).values.length;
  for (let k = 0; k < points; k++) {
    let count = 0;
    let mean = 0;
    let deviation = 0;
    for (const { values } of series) {
      const v = values[k] as number;
      if (v !== v) continue;
      count++;
      const delta = v - mean;
      mean += delta / count;
      deviation += delta * (v - mean);
    }
    const sigma = Math.sqrt(deviation / count);
    for (const { values } of series) values[k] = ((values[k] as number) - mean) / sigma;
    if (run.isDue()) await run.breathe();
  }
  return series;
}

/** outliers_iqr(q): series that are somewhere beyond 1.5 interquartile ranges outside the quartiles. */
export async function interquartileOutliers(group: Group, run: QueryRun): Promise<Series[]> {
  const low = await pointColumn(group.series, run, (column, count) => fence(column, count, -1));
  const high = await pointColumn(group.series, run, (column, count) => fence(column, count, 1));
  return group.series.filter(({ values }) => {
    for (let k = 0; k < values.length; k++) {
      const v = values[k] as number;
      if (v > (high[k] as number) || v < (low[k] as number)) return true;
    }
    return false;
  });
}

function fence(column: Float64Array, count: number, sign: 1 | -1): number {
  sortColumn(column, count);
  const q25 = quantileSorted(0.25, column, count);
  const q75 = quantileSorted(0.75, column, count);
  return sign > 0 ? q75 + 1.5 * (q75 - q25) : q25 - 1.5 * (q75 - q25);
}

/** outliers_mad(tolerance, q): series that are somewhere farther from the median than tolerance median deviations. */
export async function deviationOutliers(group: Group, run: QueryRun, tolerances: Float64Array): Promise<Series[]> {
  const medians = await pointColumn(group.series, run, pointMedian);
  const deviations = await pointColumn(group.series, run, pointDeviation);
  return group.series.filter(({ values }) => {
    for (let k = 0; k < values.length; k++) {
      const distance = Math.abs((values[k] as number) - (medians[k] as number));
      if (distance > (deviations[k] as number) * (tolerances[k] as number)) return true;
    }
    return false;
  });
}

/** Median of the group's values at every point. */
export function medians(group: Group, run: QueryRun): Promise<Float64Array> {
  return pointColumn(group.series, run, pointMedian);
}
