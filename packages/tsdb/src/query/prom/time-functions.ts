/** Functions of times: of the points of the grid, of samples, of values that are seconds since the epoch, and of the query as a whole. */

import { Labels } from "../../base/labels.ts";
import { DATE_PARTS, type DatePartName, replaceByDatePart } from "../transform/time.ts";
import { seriesOf, withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import { dropMetadataOfAll } from "./label-sets.ts";
import type { InstantFunction } from "./tables.ts";

export const timeFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  /** time(): the time of evaluation, seconds since the epoch. */
  ["time", { args: [], returns: "scalar", evaluate: (context) => ({ kind: "scalar", values: gridSeconds(context) }) }],
  /**
   * timestamp(v): when the samples of a selector were taken, seconds since the epoch; of anything else than a bare selector, the time of
   * evaluation, because that is when its values came to be.
   *
   * `wantsSampleTimes` makes the evaluator put the times in the values' place, so that only the second case has something to do.
   */
  [
    "timestamp",
    {
      args: ["vector"],
      returns: "vector",
      wantsSampleTimes: true,
      evaluate: (context, call, args) => {
        const list = seriesOf(args, 0);
        if (withoutParens(call.args[0])?.kind !== "selector") {
          const seconds = gridSeconds(context);
          for (const { values } of list) values.set(seconds);
        }
        return { kind: "vector", series: dropMetadataOfAll(list) };
      },
    },
  ],
  /** start(), end(), range(), step(): of the whole query, in seconds, in subqueries too. An instant query has a step of 0. */
  ["start", ofQuery(({ queryStartMs }) => queryStartMs)],
  ["end", ofQuery(({ queryEndMs }) => queryEndMs)],
  ["range", ofQuery(({ queryStartMs, queryEndMs }) => queryEndMs - queryStartMs)],
  ["step", ofQuery(({ queryStartMs, queryEndMs, queryStepMs }) => (queryStartMs === queryEndMs ? 0 : queryStepMs))],

  /** minute(v = vector(time())): 0 to 59, of the date in UTC; NaN for NaN and for times beyond what dates can say. So are the others. */
  ["minute", datePart("minute")],
  /** 0 to 23. */
  ["hour", datePart("hour")],
  /** 0 is Sunday. */
  ["day_of_week", datePart("day_of_week")],
  /** From 1. */
  ["day_of_month", datePart("day_of_month")],
  /** From 1. */
  ["day_of_year", datePart("day_of_year")],
  /** 28 to 31. */
  ["days_in_month", datePart("days_in_month")],
  /** From 1. */
  ["month", datePart("month")],
  ["year", datePart("year")],
]);

function gridSeconds({ grid }: PromContext): Float64Array {
  return grid.timestamps().map((timestampMs) => timestampMs / 1000);
}

function ofQuery(timeMs: (context: PromContext) => number): InstantFunction {
  return {
    args: [],
    returns: "scalar",
    evaluate: (context) => ({
      kind: "scalar",
      values: new Float64Array(context.grid.points).fill(timeMs(context) / 1000),
    }),
  };
}

function datePart(name: DatePartName): InstantFunction {
  const part = DATE_PARTS[name];
  return {
    args: ["vector"],
    optional: 1,
    returns: "vector",
    evaluate: (context, _call, args) => {
      const list =
        args.length > 0 ? seriesOf(args, 0) : [{ labels: Labels.empty, values: gridSeconds(context), present: null }];
      for (const { values } of list) replaceByDatePart(values, part);
      return { kind: "vector", series: dropMetadataOfAll(list) };
    },
  };
}
