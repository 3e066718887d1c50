/** absent() and absent_over_time(): a series where there is none, with the labels that were asked for. */
import { Labels } from "../../base/labels.ts";
import type { PromCall, PromExpr } from "../../promql/ast.ts";
import { seriesOf, withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import type { InstantFunction } from "./tables.ts";
import type { PromSeries } from "./value.ts";

/** absent(vector): 1 at the points where no series of the vector has a value. */
export const absent: InstantFunction = {
  args: ["vector"],
  returns: "vector",
  evaluate: (context, call, args) => ({ kind: "vector", series: complement(context, call, seriesOf(args, 0)) }),
};

/** absent_over_time(range), from the series of 1 where there are samples. */
export function absentOverTime(context: PromContext, call: PromCall, series: PromSeries[]): PromSeries[] {
  return complement(context, call, series);
}

function complement(context: PromContext, call: PromCall, series: readonly PromSeries[]): PromSeries[] {
  const present = new Uint8Array(context.grid.points).fill(1);
  for (const one of series) {
    if (one.present === null) return [];
    for (let k = 0; k < present.length; k++) if (one.present[k] === 1) present[k] = 0;
  }
  if (!present.includes(1)) return [];
  const values = new Float64Array(context.grid.points).fill(1);
  return [{ labels: labelsOfAbsent(call.args[0]), values, present: present.includes(0) ? present : null }];
}

/**
 * What `=` says of each label of the selector. A label with more than one condition is left out, even if the first one was `=` (and one that
 * comes first and is not `=` gives way to a later `=`): Prometheus' rule, kept for those who count on it.
 */
function labelsOfAbsent(arg: PromExpr | undefined): Labels {
  const expr = withoutParens(arg);
  const selector = expr?.kind === "matrix" ? expr.selector : expr;
  if (selector?.kind !== "selector") return Labels.empty;
  const values = new Map<string, string>();
  const seen = new Set<string>();
  for (const { label, op, value } of selector.filters) {
    if (label === "__name__") continue;
    if (op === "=" && !seen.has(label)) {
      values.set(label, value);
      seen.add(label);
    } else {
      values.delete(label);
    }
  }
  return Labels.from(values);
}
