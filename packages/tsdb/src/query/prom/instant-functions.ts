/** The functions of values on the grid, by name. Those of histograms are in histogram.ts. */
import { Labels } from "../../base/labels.ts";
import { absent } from "./absent.ts";
import { scalarOf, seriesOf } from "./arguments.ts";
import { labelFunctions } from "./label-functions.ts";
import { mathFunctions } from "./math-functions.ts";
import { sortFunctions } from "./sorting.ts";
import type { InstantFunction } from "./tables.ts";
import { timeFunctions } from "./time-functions.ts";
import type { PromSeries } from "./value.ts";

/** What turns one kind of value into another. */
const conversions: readonly (readonly [string, InstantFunction])[] = [
  /** scalar(v): at each point the value of the only series that has one; NaN if none has, or several. */
  [
    "scalar",
    {
      args: ["vector"],
      returns: "scalar",
      evaluate: (context, _call, args) => ({
        kind: "scalar",
        values: onlyValues(seriesOf(args, 0), context.grid.points),
      }),
    },
  ],
  /** vector(s): one series without labels. */
  [
    "vector",
    {
      args: ["scalar"],
      returns: "vector",
      evaluate: (_context, _call, args) => ({
        kind: "vector",
        series: [{ labels: Labels.empty, values: scalarOf(args, 0), present: null }],
      }),
    },
  ],
  /** pi(): 3.14159… */
  [
    "pi",
    {
      args: [],
      returns: "scalar",
      evaluate: ({ grid }) => ({ kind: "scalar", values: new Float64Array(grid.points).fill(Math.PI) }),
    },
  ],
];

export const instantFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  ...conversions,
  /**
   * absent(v): 1 at the points where no series of v has a value. One series, with the labels that the selector's `=`
   * says.
   */
  ["absent", absent],
  ...mathFunctions,
  ...sortFunctions,
  ...labelFunctions,
  ...timeFunctions,
]);

function onlyValues(list: readonly PromSeries[], points: number): Float64Array {
  const values = new Float64Array(points).fill(Number.NaN);
  const counts = new Uint8Array(points);
  for (const series of list) {
    for (let k = 0; k < points; k++) {
      if (series.present !== null && series.present[k] === 0) continue;
      values[k] = counts[k] === 0 ? (series.values[k] as number) : Number.NaN;
      counts[k] = 1;
    }
  }
  return values;
}
