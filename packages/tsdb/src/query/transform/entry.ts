/**
 * What an entry of the transform tables is made of: a call with its arguments evaluated, and the shapes that most functions have, each
 * a builder of entries. Functions take evaluated lists and own them, so most change columns and labels in place.
 *
 *   points     f(q) value by value            the name goes unless keep_metric_names is written
 *   columns    f(q, …) column by column       likewise
 *   keeping    f(q, …) column by column       the name stays
 *   dropping   f(q) column by column          the name goes whatever is asked
 *   relabeling f(q, …) labels only
 */
import type { Labels } from "../../base/labels.ts";
import type { FunctionExpr } from "../../metricsql/ast.ts";
import { readCount, readScalar, readString } from "../arguments.ts";
import type { EvalContext } from "../context.ts";
import { withoutName } from "../label-edit.ts";
import { filterPaced } from "../pace.ts";
import { constantSeries, isBlank, type Series } from "../series.ts";

/** A call with its arguments evaluated. Readers throw InputError 422 when an argument is not what is wanted. */
export class TransformCall {
  readonly context: EvalContext;
  readonly expr: FunctionExpr;
  readonly args: readonly Series[][];

  constructor(context: EvalContext, expr: FunctionExpr, args: readonly Series[][]) {
    this.context = context;
    this.expr = expr;
    this.args = args;
  }

  get count(): number {
    return this.args.length;
  }

  list(i: number): Series[] {
    return this.args[i] as Series[];
  }

  scalar(i: number): Float64Array {
    return readScalar(this.list(i), this.expr.name, i + 1);
  }

  /** A scalar's first point. */
  first(i: number): number {
    return this.scalar(i)[0] as number;
  }

  /** A scalar's first point as a whole number. */
  whole(i: number): number {
    return readCount(this.list(i), this.expr.name, i + 1);
  }

  text(i: number): string {
    return readString(this.list(i), this.expr.name, i + 1);
  }

  /** "" when the argument was not given. */
  optionalText(i: number): string {
    return i < this.count ? this.text(i) : "";
  }

  texts(from: number): string[] {
    return this.args.slice(from).map((_, i) => this.text(from + i));
  }

  constant(value: number): Series[] {
    return [constantSeries(this.context.points, value)];
  }
}

export interface TransformEntry {
  /** Fewest and most arguments. */
  readonly min: number;
  readonly max: number;
  apply(call: TransformCall): Series[] | Promise<Series[]>;
}

export const MANY: number = Number.POSITIVE_INFINITY;

export function entry(
  min: number,
  max: number,
  apply: (call: TransformCall) => Series[] | Promise<Series[]>,
): TransformEntry {
  return { min, max, apply };
}

/** f(q) point by point; NaN comes out as whatever `compute` makes of it. */
export function points(compute: (v: number) => number): TransformEntry {
  return columns(1, 1, () => (values) => {
    for (let k = 0; k < values.length; k++) values[k] = compute(values[k] as number);
  });
}

/** f(q, …) column by column; the name goes unless asked to stay. */
export function columns(
  min: number,
  max: number,
  prepare: (call: TransformCall) => (values: Float64Array) => void,
): TransformEntry {
  return entry(min, max, (call) => eachColumn(call, call.list(0), prepare(call), "asked"));
}

/** The same, name kept. `at` is the position of q. */
export function keeping(
  min: number,
  max: number,
  prepare: (call: TransformCall) => (values: Float64Array) => void,
  at = 0,
): TransformEntry {
  return entry(min, max, (call) => eachColumn(call, call.list(at), prepare(call), "kept"));
}

/** The same, name dropped whatever is asked. */
export function dropping(prepare: (call: TransformCall) => (values: Float64Array) => void): TransformEntry {
  return entry(1, 1, (call) => eachColumn(call, call.list(0), prepare(call), "dropped"));
}

export async function eachColumn(
  call: TransformCall,
  list: Series[],
  change: (values: Float64Array) => void,
  name: "kept" | "asked" | "dropped",
): Promise<Series[]> {
  const isKept = name === "kept" || (name === "asked" && call.expr.keepMetricNames);
  for (const series of list) {
    if (!isKept) series.labels = withoutName(series.labels);
    change(series.values);
    if (call.context.run.isDue()) await call.context.run.breathe();
  }
  return list;
}

/** f(q, …) that changes labels only. */
export function relabeling(
  min: number,
  max: number,
  prepare: (call: TransformCall) => (labels: Labels) => Labels,
): TransformEntry {
  return entry(min, max, async (call) => {
    const { run } = call.context;
    const change = prepare(call);
    for (const series of call.list(0)) {
      const before = series.labels;
      series.labels = change(before);
      run.countLabels(before, series.labels);
      if (run.isDue()) await run.breathe();
    }
    return call.list(0);
  });
}

/** Argument i without the series that have no value at any point. */
export function dropBlankPaced(call: TransformCall, i: number): Promise<Series[]> {
  return filterPaced(call.context.run, call.list(i), ({ values }) => !isBlank(values));
}
