/**
 * Aggregations over groups of series, one entry each. Rules: Prometheus' `aggregation`, `aggregationK` and `aggregationCountValues`.
 *
 * Those that fold values take the series of a group one after the other, a column at a time; those that compare the values of one
 * point (quantile here, topk and bottomk in ranking.ts) take a group point by point. A group has a value where any of its
 * series has one. k, φ and r may differ from point to point.
 */
import type { PromAggregate, PromExpr } from "../../promql/ast.ts";
import { formatShort } from "../number-text.ts";
import { warn } from "./annotate.ts";
import type { PromContext } from "./context.ts";
import { countValues } from "./count-values.ts";
import { groupSeries, type PromGroup } from "./grouping.ts";
import { scalarParam } from "./parameters.ts";
import { unite } from "./presence.ts";
import { quantileOf } from "./quantile.ts";
import { bottomk, topk } from "./ranking.ts";
import { limitk, limitRatio } from "./sampling.ts";
import type { AggregateFunction } from "./tables.ts";
import type { PromSeries, PromValue } from "./value.ts";

export const aggregateFunctions: ReadonlyMap<string, AggregateFunction> = new Map<string, AggregateFunction>([
  /** sum(v): compensated for rounding: 1 + 1e100 + 1 - 1e100 is 2. */
  ["sum", perGroup(sumInto)],
  /**
   * avg(v): arithmetic mean, compensated; where the sum would be infinite, a mean that moves towards each value by its
   * share.
   */
  ["avg", perGroup(meanInto)],
  /** count(v): how many series have a value, NaN included. */
  ["count", perGroup(countInto)],
  /** group(v): 1 where there is any value. */
  ["group", perGroup((_, target) => target.fill(1))],
  /** min(v): least value; NaN only where all are NaN. */
  ["min", perGroup((group, target) => extremeInto(group, target, -1))],
  /** max(v): greatest value; NaN only where all are NaN. */
  ["max", perGroup((group, target) => extremeInto(group, target, 1))],
  /** stddev(v): population standard deviation; NaN where a value is infinite or NaN. */
  [
    "stddev",
    perGroup((group, target) => {
      varianceInto(group, target);
      for (let k = 0; k < target.length; k++) target[k] = Math.sqrt(target[k]);
    }),
  ],
  /** stdvar(v): population variance; NaN where a value is infinite or NaN. */
  ["stdvar", perGroup(varianceInto)],
  /**
   * quantile(φ, v): the value below which a share φ of the values lies, between two of them in proportion; NaN is the
   * smallest value. -Inf for φ < 0, +Inf for φ > 1, NaN for NaN, each with a warning.
   */
  ["quantile", quantile],
  /** topk(k, v): the series with the k greatest values at each point, name and labels kept; NaN last. */
  ["topk", topk],
  /** bottomk(k, v): the series with the k least values at each point, name and labels kept; NaN last. */
  ["bottomk", bottomk],
  /** limitk(k, v): k series of each group, the first ones, name and labels kept. */
  ["limitk", limitk],
  /**
   * limit_ratio(r, v): about a share r of all series, chosen by their labels, which they keep; the ones that
   * `limit_ratio(r - 1, v)` leaves out. r beyond ±1 is ±1, with a warning.
   */
  ["limit_ratio", limitRatio],
  /** count_values("label", v): how many series have each value, one series a value, the value in the label. */
  ["count_values", countValues],
]);

/** Fills `target`, which is zero, at the points where the group has values; the rest may be anything. */
type FoldGroup = (group: readonly PromSeries[], target: Float64Array) => void;

function perGroup(fold: FoldGroup): AggregateFunction {
  return (context, node, series) => {
    const groups = groupSeries(node, series);
    return groups.map((group) => {
      const values = new Float64Array(context.grid.points);
      fold(group.series, values);
      return resultOf(group, values);
    });
  };
}

function resultOf(group: PromGroup, values: Float64Array): PromSeries {
  const present = unite(group.series, values.length);
  return { labels: group.labels, values, present };
}

/** Neumaier's sum a point: `target` is what plain addition gives, `lost` what it has lost. See kahan.ts. */
function sumInto(group: readonly PromSeries[], target: Float64Array): void {
  const lost = new Float64Array(target.length);
  for (const { values, present } of group) {
    for (let k = 0; k < target.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const sum = target[k];
      const next = sum + value;
      if (next === Infinity || next === -Infinity) lost[k] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) lost[k] += sum - next + value;
      else lost[k] += value - next + sum;
      target[k] = next;
    }
  }
  for (let k = 0; k < target.length; k++) target[k] += lost[k];
}

function meanInto(group: readonly PromSeries[], target: Float64Array): void {
  const points = target.length;
  const counts = new Float64Array(points);
  const lost = new Float64Array(points);
  // Where the sum has overflowed, `target` is the mean so far instead.
  const isMoving = new Uint8Array(points);
  for (const { values, present } of group) {
    for (let k = 0; k < points; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const count = ++counts[k];
      if (count === 1) {
        target[k] = value;
        continue;
      }
      let base = target[k];
      let added = value;
      let next = base + value;
      if (isMoving[k] === 1 || next === Infinity || next === -Infinity) {
        if (isMoving[k] === 0) {
          isMoving[k] = 1;
          base /= count - 1;
          lost[k] /= count - 1;
        }
        const weight = (count - 1) / count;
        base *= weight;
        lost[k] *= weight;
        added = value / count;
        next = base + added;
      }
      if (next === Infinity || next === -Infinity) lost[k] = 0;
      else if (Math.abs(base) >= Math.abs(added)) lost[k] += base - next + added;
      else lost[k] += added - next + base;
      target[k] = next;
    }
  }
  for (let k = 0; k < points; k++) {
    target[k] = isMoving[k] === 1 ? target[k] + lost[k] : target[k] / counts[k] + lost[k] / counts[k];
  }
}

function countInto(group: readonly PromSeries[], target: Float64Array): void {
  for (const { present } of group) {
    if (present === null) for (let k = 0; k < target.length; k++) target[k]++;
    else for (let k = 0; k < target.length; k++) target[k] += present[k];
  }
}

/** The greatest value of each point, or with sign -1 the least; NaN gives way to anything. */
function extremeInto(group: readonly PromSeries[], target: Float64Array, sign: number): void {
  target.fill(Number.NaN);
  for (const { values, present } of group) {
    for (let k = 0; k < target.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const best = target[k];
      if (best !== best || sign * value > sign * best) target[k] = value;
    }
  }
}

/** Welford's way: the mean so far, and the squared distances from it. An infinity makes both NaN, a lone one too. */
function varianceInto(group: readonly PromSeries[], target: Float64Array): void {
  const counts = new Float64Array(target.length);
  const means = new Float64Array(target.length);
  for (const { values, present } of group) {
    for (let k = 0; k < target.length; k++) {
      if (present !== null && present[k] === 0) continue;
      const value = values[k];
      const count = ++counts[k];
      const delta = count === 1 ? value - value : value - means[k];
      means[k] = count === 1 ? value : means[k] + delta / count;
      target[k] += delta * (value - means[k]);
    }
  }
  for (let k = 0; k < target.length; k++) target[k] /= counts[k];
}

function quantile(
  context: PromContext,
  node: PromAggregate,
  series: PromSeries[],
  param: PromValue | null,
): PromSeries[] {
  const phis = scalarParam(param);
  let least = Infinity;
  let greatest = -Infinity;
  let hasNaN = false;
  for (const phi of phis) {
    if (phi !== phi) hasNaN = true;
    else {
      if (phi < least) least = phi;
      if (phi > greatest) greatest = phi;
    }
  }
  const refuse = (phi: number): void =>
    warn(context, `quantile value should be between 0 and 1, got ${formatShort(phi)}`, (node.param as PromExpr).pos);
  if (hasNaN) refuse(Number.NaN);
  if (greatest > 1) refuse(greatest);
  if (least < 0) refuse(least);
  const groups = groupSeries(node, series);
  const scratch = new Float64Array(groups.reduce((most, group) => Math.max(most, group.series.length), 0));
  return groups.map((group) => {
    const values = new Float64Array(context.grid.points);
    for (let k = 0; k < values.length; k++) {
      let count = 0;
      for (let i = 0; i < group.series.length; i++) {
        const one = group.series[i];
        if (one.present === null || one.present[k] === 1) scratch[count++] = one.values[k];
      }
      values[k] = quantileOf(phis[k], scratch, count);
    }
    return resultOf(group, values);
  });
}
