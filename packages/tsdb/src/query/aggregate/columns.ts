/** Aggregates that look at all values of a group's point at once. They keep the columns of all series. */
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import { formatFloat } from "../../base/number-format.ts";
import { withLabel } from "../label-edit.ts";
import { formatShort } from "../number-text.ts";
import type { Series } from "../series.ts";
import { countDistinct, medianDeviation, modeOf, quantileSorted, sortColumn } from "../statistics.ts";
import { bucketsFromRanges } from "../transform/buckets.ts";
import { VMRANGES, vmrangeIndex } from "../vmrange.ts";
import type { Group } from "./grouping.ts";

/** From the values of one point, in scratch: `column[0..count)`, none of them NaN, to be reordered at will. */
export type PointFunction = (column: Float64Array, count: number, k: number) => number;

export const pointQuantile = (phis: Float64Array): PointFunction => {
  return (column, count, k) => {
    sortColumn(column, count);
    return quantileSorted(phis[k] as number, column, count);
  };
};

export const pointMedian: PointFunction = (column, count) => {
  sortColumn(column, count);
  return quantileSorted(0.5, column, count);
};

export const pointMode: PointFunction = (column, count) => modeOf(Number.NaN, column, count);

export const pointDistinct: PointFunction = (column, count) =>
  count === 0 ? Number.NaN : countDistinct(column, count);

export const pointDeviation: PointFunction = (column, count) => medianDeviation(column, count);

/** One series a group, computed point by point into the first series' column. */
export function reducePoints(group: Group, compute: PointFunction): Series[] {
  return [{ labels: group.labels, values: pointColumn(group.series, compute) }];
}

function pointColumn(list: readonly Series[], compute: PointFunction): Float64Array {
  const points = (list[0] as Series).values.length;
  const result = new Float64Array(points);
  const column = new Float64Array(list.length);
  for (let k = 0; k < points; k++) result[k] = compute(column, gather(list, k, column), k);
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
export function spreadQuantiles(group: Group, label: string, phis: readonly number[]): Series[] {
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
  }
  return result;
}

/** count_values("label", q): one series a distinct value. @throws InputError 422 beyond `seriesMax` of them. */
export function countValues(group: Group, label: string, seriesMax: number): Series[] {
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
        series = {
          labels: withLabel(group.labels, label, formatFloat(v)),
          values: new Float64Array(points).fill(Number.NaN),
        };
        found.set(v, series);
      }
      const count = series.values[k] as number;
      series.values[k] = count === count ? count + 1 : 1;
    }
  }
  return [...found.values()];
}

/** histogram(q): the group's values by bucket, cumulative, labelled `le`. */
export function histogram(group: Group): Series[] {
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
  }
  return bucketsFromRanges([...buckets.values()]);
}

/** share(q): each value's part of the sum of the point's non-negative values; negative ones get none. */
export function share(group: Group): Series[] {
  const { series } = group;
  const points = (series[0] as Series).values.length;
  for (let k = 0; k < points; k++) {
    let sum = 0;
    for (const { values } of series) if ((values[k] as number) >= 0) sum += values[k] as number;
    for (const { values } of series) {
      const v = values[k] as number;
      values[k] = v >= 0 ? v / sum : Number.NaN;
    }
  }
  return series;
}

/** zscore(q): distance from the point's average in standard deviations. */
export function zscores(group: Group): Series[] {
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
  }
  return series;
}

/** outliers_iqr(q): series that are somewhere beyond 1.5 interquartile ranges outside the quartiles. */
export function interquartileOutliers(group: Group): Series[] {
  const low = pointColumn(group.series, (column, count) => fence(column, count, -1));
  const high = pointColumn(group.series, (column, count) => fence(column, count, 1));
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
export function deviationOutliers(group: Group, tolerances: Float64Array): Series[] {
  const medians = pointColumn(group.series, pointMedian);
  const deviations = pointColumn(group.series, pointDeviation);
  return group.series.filter(({ values }) => {
    for (let k = 0; k < values.length; k++) {
      const distance = Math.abs((values[k] as number) - (medians[k] as number));
      if (distance > (deviations[k] as number) * (tolerances[k] as number)) return true;
    }
    return false;
  });
}

/** Median of the group's values at every point. */
export function medians(group: Group): Float64Array {
  return pointColumn(group.series, pointMedian);
}
