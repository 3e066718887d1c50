/** What the tables of functions and aggregates hold. A function is one entry; who evaluates arguments and windows is elsewhere. */
import type { PromAggregate, PromCall, PromType } from "../../promql/ast.ts";
import type { PromContext } from "./context.ts";
import type { QuickFunction } from "./quick.ts";
import type { SeriesSink } from "./series-sink.ts";
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
  /** The point of the grid the window belongs to: `endMs` unless the selector or subquery has an offset or an `@`. */
  timeMs: number;
  /** The series' labels with its name, for annotations. */
  readonly labels: PromSeries["labels"];
  readonly context: PromContext;
  /** The call, for the places of annotations. */
  readonly call: PromCall;
  /** Set to false by a function that has no value for this window; true before each call. */
  hasValue: boolean;
}

/** The value of one window. `scalars` are the scalar arguments at this point, in order, without the matrix. */
export type EvaluateWindow = (window: RangeWindow, scalars: readonly number[]) => number;

/** A function of a window, such as `rate`. */
export interface RangeFunction {
  readonly args: readonly PromType[];
  readonly keepsName?: boolean;
  readonly evaluate: EvaluateWindow;
  /**
   * Makes a quicker `evaluate` for one series: it is given the windows of that series in order, over the same columns, `lo` and `hi`
   * never falling, and remembers what neighbours share. Windows may be left out. Its values are those of `evaluate`, bit for bit:
   * what a query answers at a time does not depend on which other times it asks for.
   */
  readonly slide?: () => EvaluateWindow;
  /** Quicker still for whole series, where it serves: its values are the same too. */
  readonly quick?: QuickFunction;
  /** Called once for a series that got at least one value, after its last window: what can be said of the series as a whole. */
  readonly afterSeries?: (window: RangeWindow) => void;
  /** Replaces the function's result, all series of it, names dropped already: `absent_over_time` is about what is not there. */
  readonly finish?: (context: PromContext, call: PromCall, series: PromSeries[]) => PromSeries[];
}

/** A function of values on the grid, such as `abs`, `label_replace`, `histogram_quantile`. `args` are evaluated. */
export interface InstantFunction {
  readonly args: readonly PromType[];
  /** How many of `args` may be left out, from the end; -1: the last one may be repeated. */
  readonly optional?: number;
  readonly returns: PromType;
  /**
   * When an argument is a selector, bare or in parentheses, its values must be the times of the samples it found, in seconds, in the
   * samples' place. `timestamp` only.
   */
  readonly wantsSampleTimes?: boolean;
  readonly evaluate: (
    context: PromContext,
    call: PromCall,
    args: readonly PromValue[],
  ) => PromValue | Promise<PromValue>;
}

/** An aggregation at work: takes series as they come, in the order that decides about roundings and ties. */
export interface Aggregation extends SeriesSink {
  /** Ends it, pausing where that takes long. Nothing is to be added any more. */
  finish(): Promise<PromSeries[]>;
}

/** Begins an aggregation over groups. `param` is the evaluated k, φ or label. @throws InputError 422 for an impossible one. */
export type AggregateFunction = (context: PromContext, node: PromAggregate, param: PromValue | null) => Aggregation;
