/** sort() and its like: an instant answer keeps the order; the answers of ranges are ordered by labels whatever they do. */
import type { PromCall } from "../../promql/ast.ts";
import { sortPaced } from "../pace.ts";
import { warn } from "./annotate.ts";
import { seriesOf } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import type { InstantFunction } from "./tables.ts";
import type { PromSeries, PromValue } from "./value.ts";

export const sortFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  /**
   * sort(v): by value, the smallest first, NaN last. Of instant queries only: ranges are ordered by labels. Keeps the
   * name.
   */
  ["sort", sortByValue(1)],
  /** sort_desc(v): the largest first, NaN last too. Keeps the name. */
  ["sort_desc", sortByValue(-1)],
]);

function sortByValue(sign: 1 | -1): InstantFunction {
  return {
    args: ["vector"],
    returns: "vector",
    evaluate: (context, call, args) =>
      sortSeries(context, call, seriesOf(args, 0), (x, y) => {
        const a = x.values[0] as number;
        const b = y.values[0] as number;
        if (a !== a || b !== b) return Number(a !== a) - Number(b !== b);
        return a === b ? 0 : a < b ? -sign : sign;
      }),
  };
}

/** Sorts in place; over more than one point there is no one order, so it only warns. */
export async function sortSeries(
  context: PromContext,
  call: PromCall,
  list: PromSeries[],
  compare: (a: PromSeries, b: PromSeries) => number,
): Promise<PromValue> {
  if (context.grid.isInstant()) await sortPaced(context.grid.run, list, compare);
  else warn(context, "sort is ineffective for range queries since results are always ordered by labels", call.pos);
  return { kind: "vector", series: list };
}
