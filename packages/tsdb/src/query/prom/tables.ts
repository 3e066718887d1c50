/** What the tables of functions and aggregates hold. A function is one entry; who evaluates arguments and windows is elsewhere. */
import type { PromAggregate, PromCall, PromType } from "../../promql/ast.ts";
import type { PromContext } from "./context.ts";
import type { PromSeries, PromValue } from "./value.ts";

/**
 * The samples of one series in one window (startMs, endMs], staleness markers left out: `timestamps[lo..hi)` and `values[lo..hi)`,
 * never empty. The same object is used for all windows of a series.
 */
export interface RangeWindow {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
  lo: number;
  hi: number;
  /** Exclusive; endMs - range. */
  startMs: number;
  endMs: number;
  /** The series' labels with its name, for annotations. */
  readonly labels: PromSeries["labels"];
  readonly context: PromContext;
  /** Set to false by a function that has no value for this window; true before each call. */
  hasValue: boolean;
}

/** A function of a window, such as `rate`. */
export interface RangeFunction {
  readonly args: readonly PromType[];
  readonly keepsName?: boolean;
  /** The scalar arguments at this point, in order, without the matrix. */
  readonly evaluate: (window: RangeWindow, scalars: readonly number[]) => number;
}

/** A function of values on the grid, such as `abs`, `label_replace`, `histogram_quantile`. `args` are evaluated. */
export interface InstantFunction {
  readonly args: readonly PromType[];
  /** How many of `args` may be left out, from the end; -1: the last one may be repeated. */
  readonly optional?: number;
  readonly returns: PromType;
  readonly evaluate: (context: PromContext, call: PromCall, args: readonly PromValue[]) => PromValue;
}

/** An aggregation over groups. `series` is what the expression evaluated to; `param` the evaluated k, φ or label. */
export type AggregateFunction = (
  context: PromContext,
  node: PromAggregate,
  series: PromSeries[],
  param: PromValue | null,
) => PromSeries[];
