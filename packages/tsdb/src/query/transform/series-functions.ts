/**
 * Functions that make, choose, join and order series.
 */
import { Labels } from "../../base/labels.ts";
import { Random } from "../../base/random.ts";
import type { Expr } from "../../metricsql/ast.ts";
import { labelsKey } from "../label-edit.ts";
import { readNumber } from "../number-text.ts";
import { filterPaced, sortPaced } from "../pace.ts";
import { absentLabels } from "../rollup/eval-rollup.ts";
import { isScalarList } from "../series.ts";
import { dropBlankPaced, entry, MANY, type TransformEntry } from "./entry.ts";
import { sortByLabels } from "./labels.ts";

/** rand([seed]): without a seed the query's time is one. VictoriaMetrics' sequence is Go's and not repeated here. */
function randoms(draw: (random: Random) => number): TransformEntry {
  return entry(0, 1, (call) => {
    const seed = call.count === 1 ? Math.trunc(call.first(0)) : Math.floor(Math.random() * 2 ** 32);
    const random = new Random(seed | 0);
    const values = new Float64Array(call.context.points);
    for (let k = 0; k < values.length; k++) values[k] = draw(random);
    return [{ labels: Labels.empty, values }];
  });
}

/** sort, sort_desc: by the last point; where equal or missing in both, by the one before. Series without a value first. */
function sorting(sign: 1 | -1): TransformEntry {
  return entry(1, 1, (call) =>
    sortPaced(call.context.run, call.list(0), (a, b) => {
      for (let k = a.values.length - 1; k >= 0; k--) {
        const x = a.values[k] as number;
        const y = b.values[k] as number;
        if (x === x && y === y && x !== y) return x < y ? -sign : sign;
        if ((x === x) !== (y === y)) return x === x ? 1 : -1;
      }
      return 0;
    }),
  );
}

function sortingByLabel(isNumeric: boolean, sign: 1 | -1): TransformEntry {
  return entry(2, MANY, (call) => sortByLabels(call.context.run, call.list(0), call.texts(1), isNumeric, sign));
}

export const seriesFunctions: Readonly<Record<string, TransformEntry>> = {
  /**
   * absent(q): 1 at the points where no series of q has a value. One series, with the labels that `=` filters say if q
   * is a plain selector.
   */
  absent: entry(1, 1, async (call) => {
    const { run } = call.context;
    const arg = call.expr.args[0] as Expr;
    const values = new Float64Array(call.context.points).fill(1);
    for (const series of call.list(0)) {
      if (run.isDue()) await run.breathe();
      for (let k = 0; k < values.length; k++) if (series.values[k] === series.values[k]) values[k] = Number.NaN;
    }
    return [{ labels: arg.kind === "selector" ? absentLabels(arg) : Labels.empty, values }];
  }),
  /**
   * drop_empty_series(q): without series that have no value at any point; a `default` behind it then does not fill
   * them. Keeps the name.
   */
  drop_empty_series: entry(1, 1, (call) => dropBlankPaced(call, 0)),
  /**
   * limit_offset(limit, offset, q): at most `limit` series behind the first `offset`; those without any value do not
   * count. Keeps the name.
   */
  limit_offset: entry(3, 3, async (call) => {
    const offset = Math.max(0, call.whole(1));
    return (await dropBlankPaced(call, 2)).slice(offset, offset + Math.max(0, call.whole(0)));
  }),
  /**
   * rand([seed]): evenly from [0, 1), anew at each point; the same ones for the same seed, though not those of
   * VictoriaMetrics.
   */
  rand: randoms((random) => random.next()),
  /** rand_exponential([seed]): exponentially with mean 1. */
  rand_exponential: randoms((random) => -Math.log(1 - random.next())),
  /** rand_normal([seed]): normally with mean 0 and deviation 1 (Box and Muller's method). */
  rand_normal: randoms((random) => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())),
  /**
   * scalar(q): the one series of q without labels, nothing if there are none or several; a string is read as a number.
   */
  scalar: entry(1, 1, (call) => {
    const arg = call.expr.args[0] as Expr;
    if (arg.kind === "string") return call.constant(readNumber(arg.value));
    const only = call.list(0)[0];
    if (call.list(0).length !== 1 || only === undefined) return call.constant(Number.NaN);
    return [{ labels: Labels.empty, values: only.values }];
  }),
  /** sort(q): by the last value, smallest first; series without one before all. Keeps the name. */
  sort: sorting(1),
  /** sort_by_label(q, "label", …): by the first of the labels that differs, as texts. Keeps the name. */
  sort_by_label: sortingByLabel(false, 1),
  /** sort_by_label_desc(q, "label", …): the other way round. Keeps the name. */
  sort_by_label_desc: sortingByLabel(false, -1),
  /**
   * sort_by_label_numeric(q, "label", …): numbers within the values compare as numbers: 2 before 10. Keeps the name.
   */
  sort_by_label_numeric: sortingByLabel(true, 1),
  /** sort_by_label_numeric_desc(q, "label", …): the other way round. Keeps the name. */
  sort_by_label_numeric_desc: sortingByLabel(true, -1),
  /** sort_desc(q): by the last value, largest first; series without one before all. Keeps the name. */
  sort_desc: sorting(-1),
  /**
   * union(q, …): all series, also written `(q, …)`; of equal label sets the first. Scalars are all kept, for `q == (1,
   * 2)`. Nothing for (). Keeps the name.
   */
  union: entry(0, MANY, (call) => {
    if (call.args.every(isScalarList)) return call.args.flat();
    const seen = new Set<string>();
    return filterPaced(call.context.run, call.args.flat(), (series) => {
      const { size } = seen;
      return seen.add(labelsKey(series.labels)).size > size;
    });
  }),
  /** vector(q): the series as they are, since numbers are series here. Keeps the name. */
  vector: entry(1, 1, (call) => call.list(0)),
};
