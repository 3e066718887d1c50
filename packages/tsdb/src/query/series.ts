/**
 * What every expression evaluates to: a list of series that share one grid of timestamps. A point without a value is NaN.
 *
 * Whoever is handed a list owns it: the objects, their `labels` fields and their columns may be changed in place.
 */
import { Labels } from "../base/labels.ts";

export interface Series {
  labels: Labels;
  /** One value a point of the grid, NaN where there is none. */
  values: Float64Array;
}

/** True if no point has a value. */
export function isBlank(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (v === v) return false;
  }
  return true;
}

export function dropBlank(list: readonly Series[]): Series[] {
  return list.filter((series) => !isBlank(series.values));
}

/** VictoriaMetrics' notion of a scalar: exactly one series, without name and labels. */
export function isScalarList(list: readonly Series[]): boolean {
  return list.length === 1 && isNameless((list[0] as Series).labels);
}

function isNameless(labels: Labels): boolean {
  return labels.name === "" && labels.pairs.length === 0;
}

/** A label-less series with the same value at every point. */
export function constantSeries(points: number, value: number): Series {
  return { labels: Labels.empty, values: new Float64Array(points).fill(value) };
}
