/** Functions of times: of the points of the grid, of samples, of values that are seconds since the epoch, and of the query as a whole. */

import { InputError } from "../../base/errors.ts";
import { Labels } from "../../base/labels.ts";
import { DATE_PARTS, type DatePartName, replaceByDatePart } from "../transform/time.ts";
import { seriesOf, withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import { dropMetadataOfAll } from "./label-sets.ts";
import type { InstantFunction } from "./tables.ts";

export const timeFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  /** time(): the time of evaluation, seconds since 1970. */
  ["time", { args: [], returns: "scalar", evaluate: (context) => ({ kind: "scalar", values: gridSeconds(context) }) }],
  /**
   * timestamp(v): when the samples of a selector were taken, seconds since 1970; of anything else than a bare selector,
   * the time of evaluation, because that is when its values came to be.
   */
  [
    "timestamp",
    {
      args: ["vector"],
      returns: "vector",
      // The evaluator puts the times in the values' place, so that only the second case has something to do.
      wantsSampleTimes: true,
      evaluate: async (context, call, args) => {
        const list = seriesOf(args, 0);
        if (withoutParens(call.args[0])?.kind !== "selector") {
          const seconds = gridSeconds(context);
          for (const { values } of list) values.set(seconds);
        }
        return { kind: "vector", series: await dropMetadataOfAll(context.grid.run, list) };
      },
    },
  ],
  /** start(): first time of the whole query, in subqueries too, in seconds since 1970. */
  ["start", ofQuery(({ queryStartMs }) => queryStartMs)],
  /** end(): last time of the whole query, in seconds since 1970. */
  ["end", ofQuery(({ queryEndMs }) => queryEndMs)],
  /** range(): end() less start(), in seconds. */
  ["range", ofQuery(({ queryStartMs, queryEndMs }) => queryEndMs - queryStartMs)],
  /** step(): distance of the query's points in seconds, in subqueries too; 0 for an instant query. */
  ["step", ofQuery(({ queryStartMs, queryEndMs, queryStepMs }) => (queryStartMs === queryEndMs ? 0 : queryStepMs))],

  /**
   * minute([v]): 0 to 59, of v as seconds since 1970, in UTC; of the time of evaluation without v. NaN for NaN and for
   * what is no int64.
   */
  ["minute", datePart("minute")],
  /** hour([v]): 0 to 23. */
  ["hour", datePart("hour")],
  /** day_of_week([v]): 0, Sunday, to 6. */
  ["day_of_week", datePart("day_of_week")],
  /** day_of_month([v]): 1 to 31. */
  ["day_of_month", datePart("day_of_month")],
  /** day_of_year([v]): 1 to 366. */
  ["day_of_year", datePart("day_of_year")],
  /** days_in_month([v]): 28 to 31. */
  ["days_in_month", datePart("days_in_month")],
  /** month([v]): 1 to 12. */
  ["month", datePart("month")],
  /** year([v]): such as 2024. */
  ["year", datePart("year")],

  /** start_timestamp(v): refused, as the times at which counters started are not stored. */
  [
    "start_timestamp",
    {
      args: ["vector"],
      returns: "vector",
      evaluate: () => {
        throw new InputError("start_timestamp: not supported, start timestamps are not stored", 422);
      },
    },
  ],
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
    evaluate: async (context, _call, args) => {
      const { run } = context.grid;
      const list =
        args.length > 0 ? seriesOf(args, 0) : [{ labels: Labels.empty, values: gridSeconds(context), present: null }];
      for (const { values } of list) {
        replaceByDatePart(values, part);
        if (run.isDue()) await run.breathe();
      }
      return { kind: "vector", series: await dropMetadataOfAll(context.grid.run, list) };
    },
  };
}
