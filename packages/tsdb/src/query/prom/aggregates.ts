/**
 * The table of aggregations, one entry each. Rules: Prometheus' `aggregation`, `aggregationK` and `aggregationCountValues`.
 *
 * An aggregation takes series as they come and holds as little of them as its rule allows: those that fold values a state a group
 * (accumulators.ts), topk and bottomk the k best values a point (ranking.ts), quantile all there is. A group has a value where
 * any of its series has one. k, φ and r may differ from point to point.
 */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate, PromExpr } from "../../promql/ast.ts";
import { formatShort } from "../number-text.ts";
import {
  CountAccumulator,
  DeviationAccumulator,
  GroupAccumulator,
  MaxAccumulator,
  MeanAccumulator,
  MinAccumulator,
  SumAccumulator,
  VarianceAccumulator,
} from "./accumulators.ts";
import { warn } from "./annotate.ts";
import type { PromContext } from "./context.ts";
import { countValues } from "./count-values.ts";
import { fold } from "./fold.ts";
import { Groups } from "./grouping.ts";
import { scalarParam } from "./parameters.ts";
import { type Presence, unite } from "./presence.ts";
import { quantileOf } from "./quantile.ts";
import { bottomk, topk } from "./ranking.ts";
import { limitk, limitRatio } from "./sampling.ts";
import type { AggregateFunction, Aggregation } from "./tables.ts";
import type { PromSeries } from "./value.ts";

export const aggregateFunctions: ReadonlyMap<string, AggregateFunction> = new Map<string, AggregateFunction>([
  /** sum(v): compensated for rounding: 1 + 1e100 + 1 - 1e100 is 2. */
  ["sum", fold(SumAccumulator)],
  /**
   * avg(v): arithmetic mean, compensated; where the sum would be infinite, a mean that moves towards each value by its
   * share.
   */
  ["avg", fold(MeanAccumulator)],
  /** count(v): how many series have a value, NaN included. */
  ["count", fold(CountAccumulator)],
  /** group(v): 1 where there is any value. */
  ["group", fold(GroupAccumulator)],
  /** min(v): least value; NaN only where all are NaN. */
  ["min", fold(MinAccumulator)],
  /** max(v): greatest value; NaN only where all are NaN. */
  ["max", fold(MaxAccumulator)],
  /** stddev(v): population standard deviation; NaN where a value is infinite or NaN. */
  ["stddev", fold(DeviationAccumulator)],
  /** stdvar(v): population variance; NaN where a value is infinite or NaN. */
  ["stdvar", fold(VarianceAccumulator)],
  /**
   * quantile(φ, v): the value below which a share φ of the values lies, between two of them in proportion; NaN is the
   * smallest value. -Inf for φ < 0, +Inf for φ > 1, NaN for NaN, each with a warning.
   */
  ["quantile", quantile],
  /** topk(k, v): the series with the k greatest values at each point, name and labels kept; NaN last. */
  ["topk", topk],
  /** bottomk(k, v): the series with the k least values at each point, name and labels kept; NaN last. */
  ["bottomk", bottomk],
  /** limitk(k, v): the first k series of each group, name and labels kept. */
  ["limitk", limitk],
  /**
   * limit_ratio(r, v): about a share r of all series, chosen by their labels, which they keep; the ones that
   * `limit_ratio(r - 1, v)` leaves out. r beyond ±1 is ±1, with a warning.
   */
  ["limit_ratio", limitRatio],
  /** count_values("label", v): how many series have each value, one series a value, the value in the label. */
  ["count_values", countValues],
]);

function quantile(context: PromContext, node: PromAggregate, param: Parameters<AggregateFunction>[2]): Aggregation {
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
  return new Quantile(context, node, phis);
}

interface WholeGroup {
  readonly labels: Labels;
  readonly series: { readonly values: Float64Array; readonly present: Presence }[];
}

/** Keeps all columns: any value may turn out to be the one. */
class Quantile implements Aggregation {
  readonly keepsColumns = true;
  readonly #context: PromContext;
  readonly #phis: Float64Array;
  readonly #groups: Groups<WholeGroup>;

  constructor(context: PromContext, node: PromAggregate, phis: Float64Array) {
    this.#context = context;
    this.#phis = phis;
    this.#groups = new Groups(node, (labels) => ({ labels, series: [] }));
  }

  add(labels: Labels, values: Float64Array, present: Presence): boolean {
    this.#groups.of(labels).series.push({ values, present: present === null ? null : present.slice() });
    return true;
  }

  async finish(): Promise<PromSeries[]> {
    const { run, points } = this.#context.grid;
    const list: PromSeries[] = [];
    let column = new Float64Array(0);
    for (const { labels, series } of this.#groups.all()) {
      if (column.length < series.length) column = new Float64Array(series.length);
      const values = new Float64Array(points);
      for (let k = 0; k < points; k++) {
        let count = 0;
        for (let i = 0; i < series.length; i++) {
          const one = series[i];
          if (one.present === null || one.present[k] === 1) column[count++] = one.values[k];
        }
        values[k] = quantileOf(this.#phis[k], column, count);
        if (run.isDue()) await run.breathe();
      }
      list.push({ labels, values, present: unite(series, points) });
    }
    return list;
  }
}
