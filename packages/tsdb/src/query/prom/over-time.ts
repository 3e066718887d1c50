/**
 * Functions of the values in a window: `*_over_time`. All take the samples in (start, end]. A window without samples is never shown to them.
 *
 * NaN is a value: it makes sums, means and deviations NaN; `min` and `max` take it only if there is nothing else.
 */
import type { PromCall, PromType } from "../../promql/ast.ts";
import { formatShort } from "../number-text.ts";
import { absentOverTime } from "./absent.ts";
import { warn } from "./annotate.ts";
import type { PromContext } from "./context.ts";
import { meanOf, sumOf, varianceOf } from "./kahan.ts";
import { copyWindow, quantileOf } from "./quantile.ts";
import { quickAverage, quickMax, quickMin, quickSum } from "./quick.ts";
import type { EvaluateWindow, RangeFunction, RangeWindow } from "./tables.ts";

const MATRIX: readonly PromType[] = ["matrix"];

export const overTimeFunctions: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  /**
   * sum_over_time(range): sum of the samples, compensated, so that large ones that cancel each other leave the small
   * ones.
   */
  [
    "sum_over_time",
    { args: MATRIX, evaluate: sumIn, slide: () => slideWholeSum((sum) => sum, sumIn), quick: quickSum },
  ],
  /** avg_over_time(range): mean, right even where the sum would be infinite. */
  [
    "avg_over_time",
    { args: MATRIX, evaluate: meanIn, slide: () => slideWholeSum((sum, n) => sum / n, meanIn), quick: quickAverage },
  ],
  /** count_over_time(range): how many samples. */
  ["count_over_time", { args: MATRIX, evaluate: ({ lo, hi }) => hi - lo }],
  /** min_over_time(range): the smallest sample. */
  ["min_over_time", { args: MATRIX, evaluate: extremeIn(isLess), slide: () => slideExtreme(isLess), quick: quickMin }],
  /** max_over_time(range): the largest sample. */
  [
    "max_over_time",
    { args: MATRIX, evaluate: extremeIn(isGreater), slide: () => slideExtreme(isGreater), quick: quickMax },
  ],
  /** first_over_time(range): the oldest sample. */
  ["first_over_time", { args: MATRIX, keepsName: true, evaluate: ({ values, lo }) => values[lo] as number }],
  /** last_over_time(range): the newest sample. */
  ["last_over_time", { args: MATRIX, keepsName: true, evaluate: ({ values, hi }) => values[hi - 1] as number }],
  /** ts_of_first_over_time(range): when the oldest sample was taken, seconds since 1970. */
  ["ts_of_first_over_time", { args: MATRIX, evaluate: ({ timestamps, lo }) => (timestamps[lo] as number) / 1000 }],
  /** ts_of_last_over_time(range): when the newest sample was taken, seconds since 1970. */
  ["ts_of_last_over_time", { args: MATRIX, evaluate: ({ timestamps, hi }) => (timestamps[hi - 1] as number) / 1000 }],
  /** ts_of_min_over_time(range): when the smallest sample was taken, seconds since 1970; of equal ones the last. */
  ["ts_of_min_over_time", { args: MATRIX, evaluate: timeOfExtreme((value, best) => value <= best) }],
  /** ts_of_max_over_time(range): when the largest sample was taken, seconds since 1970; of equal ones the last. */
  ["ts_of_max_over_time", { args: MATRIX, evaluate: timeOfExtreme((value, best) => value >= best) }],
  /** present_over_time(range): 1 where there are samples. */
  ["present_over_time", { args: MATRIX, evaluate: () => 1 }],
  /** absent_over_time(range): 1 where no series has a sample, with the labels that the selector's `=` says. */
  ["absent_over_time", { args: MATRIX, evaluate: () => 1, finish: absentOverTime }],
  /** stddev_over_time(range): population standard deviation. */
  ["stddev_over_time", { args: MATRIX, evaluate: ({ values, lo, hi }) => Math.sqrt(varianceOf(values, lo, hi)) }],
  /** stdvar_over_time(range): population variance. */
  ["stdvar_over_time", { args: MATRIX, evaluate: ({ values, lo, hi }) => varianceOf(values, lo, hi) }],
  /**
   * quantile_over_time(φ, range): the value below which a share φ of the samples lies, between two of them in
   * proportion. -Inf for φ < 0, +Inf for φ > 1, NaN for NaN, each with a warning. NaN samples are the smallest.
   */
  ["quantile_over_time", { args: ["scalar", "matrix"], evaluate: quantileIn, slide: () => slideQuantile() }],
  /**
   * mad_over_time(range): median absolute deviation, the median of the distances from the median; NaN if any sample is.
   */
  ["mad_over_time", { args: MATRIX, evaluate: medianDeviationIn }],
]);

function sumIn({ values, lo, hi }: RangeWindow): number {
  return sumOf(values, lo, hi);
}

function meanIn({ values, lo, hi }: RangeWindow): number {
  return meanOf(values, lo, hi);
}

/**
 * Sums of whole numbers, which most samples are, have nothing to compensate as long as they stay below 2^53: in whatever order they are
 * added, and taken away again, the sum is exact. Windows with anything else in them are summed as a whole.
 */
function slideWholeSum(finish: (sum: number, count: number) => number, evaluate: EvaluateWindow): EvaluateWindow {
  /** Values beyond it could add up to more than 2^53. */
  let valueMax = -1;
  let from = 0;
  let to = 0;
  let sum = 0;
  /** Values in [from, to) that are not whole or too large. */
  let others = 0;
  return (window, scalars) => {
    const { values, lo, hi } = window;
    if (valueMax < 0) valueMax = 2 ** 53 / values.length;
    if (lo >= to) {
      from = lo;
      to = lo;
      sum = 0;
      others = 0;
    }
    for (; from < lo; from++) {
      const value = values[from] as number;
      if (Number.isInteger(value) && Math.abs(value) <= valueMax) sum -= value;
      else others--;
    }
    for (; to < hi; to++) {
      const value = values[to] as number;
      if (Number.isInteger(value) && Math.abs(value) <= valueMax) sum += value;
      else others++;
    }
    return others === 0 ? finish(sum, hi - lo) : evaluate(window, scalars);
  };
}

type Order = (value: number, best: number) => boolean;

function isLess(value: number, best: number): boolean {
  return value < best;
}

function isGreater(value: number, best: number): boolean {
  return value > best;
}

/** The first of the best values. */
function extremeIn(isBetter: Order): EvaluateWindow {
  return ({ values, lo, hi }) => {
    let best = values[lo] as number;
    for (let i = lo + 1; i < hi; i++) {
      const value = values[i] as number;
      if (isBetter(value, best) || best !== best) best = value;
    }
    return best;
  };
}

/** A queue of the places of values that are best from there to the end of the window; each is better than the next or as good. */
function slideExtreme(isBetter: Order): EvaluateWindow {
  let queue: number[] = [];
  let head = 0;
  let seen = 0;
  return ({ values, lo, hi }) => {
    for (let i = Math.max(seen, lo); i < hi; i++) {
      const value = values[i] as number;
      if (value !== value) continue;
      while (queue.length > head && isBetter(value, values[queue[queue.length - 1] as number] as number)) queue.pop();
      queue.push(i);
    }
    seen = Math.max(seen, hi);
    while (head < queue.length && (queue[head] as number) < lo) head++;
    // What has left the window is let go of once it is most of the queue.
    if (head > 64 && 2 * head > queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
    return head < queue.length ? (values[queue[head] as number] as number) : Number.NaN;
  };
}

function timeOfExtreme(isBetter: Order): EvaluateWindow {
  return ({ timestamps, values, lo, hi }) => {
    let best = lo;
    for (let i = lo; i < hi; i++) {
      const value = values[best] as number;
      if (isBetter(values[i] as number, value) || value !== value) best = i;
    }
    return (timestamps[best] as number) / 1000;
  };
}

function quantileIn({ values, lo, hi, context, call }: RangeWindow, scalars: readonly number[]): number {
  const phi = scalars[0] as number;
  warnOfShare(phi, context, call);
  return quantileOf(phi, copyWindow(values, lo, hi), hi - lo);
}

/** Warns once for a share, not once for a window: making the text takes longer than most quantiles. */
function slideQuantile(): EvaluateWindow {
  let warnedOf = 0;
  return ({ values, lo, hi, context, call }, scalars) => {
    const phi = scalars[0] as number;
    if (!Object.is(phi, warnedOf)) warnOfShare(phi, context, call);
    warnedOf = phi;
    return quantileOf(phi, copyWindow(values, lo, hi), hi - lo);
  };
}

function warnOfShare(phi: number, context: PromContext, call: PromCall): void {
  if (phi >= 0 && phi <= 1) return;
  const pos = call.args[0]?.pos ?? call.pos;
  warn(context, `quantile value should be between 0 and 1, got ${formatShort(phi)}`, pos);
}

function medianDeviationIn({ values, lo, hi }: RangeWindow): number {
  for (let i = lo; i < hi; i++) if (values[i] !== values[i]) return Number.NaN;
  const column = copyWindow(values, lo, hi);
  const median = quantileOf(0.5, column, hi - lo);
  for (let i = 0; i < hi - lo; i++) column[i] = Math.abs((column[i] as number) - median);
  return quantileOf(0.5, column, hi - lo);
}
