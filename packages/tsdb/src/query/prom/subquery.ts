/**
 * Subqueries `expr[range:step]`: the inside is evaluated on a grid of its own, at multiples of the step whatever the query's times are, so that
 * neighbouring evaluations see the same points.
 *
 *   query                    t0            t1
 *   range             (───────]     (───────]
 *   inner grid    |    |    |    |    |    |        from the first multiple after t0 - range on
 */
import { InputError } from "../../base/errors.ts";
import type { PromExpr, PromSubquery } from "../../promql/ast.ts";
import type { PromContext } from "./context.ts";
import { positiveMs } from "./durations.ts";
import { sightOf } from "./selectors.ts";
import type { PromSeries, PromValue } from "./value.ts";

export type EvaluateExpr = (context: PromContext, expr: PromExpr) => Promise<PromValue>;

export interface SubqueryResult {
  /** Times of the inner grid, milliseconds; may be none. */
  readonly timestamps: Float64Array;
  readonly series: PromSeries[];
  /** Samples looked at for them, if somebody asked. */
  readonly samples: number;
}

/** The inside at every point that a window of the grid may want. */
export async function evaluateSubquery(
  context: PromContext,
  node: PromSubquery,
  evaluate: EvaluateExpr,
): Promise<SubqueryResult> {
  const { run } = context.grid;
  const rangeMs = positiveMs(context, node.range);
  const stepMs = node.step === null ? context.subqueryStepMs : positiveMs(context, node.step);
  const sight = sightOf(context, node.at, node.offset);
  const startMs = (Math.floor((sight.startMs - rangeMs) / stepMs) + 1) * stepMs;
  if (startMs > sight.endMs) return { timestamps: new Float64Array(0), series: [], samples: 0 };
  const points = Math.floor((sight.endMs - startMs) / stepMs) + 1;
  if (points > run.limits.maxPointsSubqueryPerTimeseries) {
    throw new InputError(
      `subquery: needs ${points} points a series, more than -search.maxPointsSubqueryPerTimeseries=` +
        `${run.limits.maxPointsSubqueryPerTimeseries}; use a larger step or a shorter range`,
      422,
    );
  }
  const grid = context.grid.onGrid(startMs, sight.endMs, stepMs);
  const samples = context.samples?.inner(points) ?? null;
  const value = await evaluate({ ...context, grid, samples }, node.expr);
  return {
    timestamps: grid.timestamps(),
    series: value.kind === "vector" ? value.series : [],
    samples: samples?.total ?? 0,
  };
}
