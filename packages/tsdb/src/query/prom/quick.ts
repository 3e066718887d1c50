/**
 * The frequent functions of windows by the `rollup` kernel (kernel/rollup.ts): a whole series at once, equal to the bit to the functions
 * in rates.ts and over-time.ts, which do the work where this answers false: no wasm, more samples or points than the
 * kernel holds, NaN or whatever else it takes a closer look for.
 */
import {
  compensatedSums,
  extrapolate,
  HAS_DROP,
  HAS_NAN,
  HAS_NEGATIVE_ZERO,
  HAS_UNEVEN,
  isOutFinite,
  putValues,
  runOperation,
  surveyClosely,
  surveyValues,
  type WindowOperation,
} from "../../kernel/rollup.ts";
import type { AlikeWindows } from "./alike-windows.ts";

/** All windows of a series at once. */
export interface QuickFunction {
  /** A window with fewer samples has no value. */
  readonly samplesMin: number;
  /**
   * Writes the value of each window over `values` to `target`, anything where there is none. False if this series is not for it; what is in
   * `target` then means nothing.
   */
  readonly evaluate: (windows: AlikeWindows, values: Float64Array, target: Float64Array) => boolean;
}

export const quickRate: QuickFunction = growth(true, true);
export const quickIncrease: QuickFunction = growth(true, false);
export const quickDelta: QuickFunction = growth(false, false);
export const quickSum: QuickFunction = total(false);
export const quickAverage: QuickFunction = total(true);
export const quickMin: QuickFunction = extreme("least");
export const quickMax: QuickFunction = extreme("most");

/** Without falls, the growth of a counter is the difference of the window's ends. */
function growth(isCounter: boolean, isRate: boolean): QuickFunction {
  const odd = isCounter ? HAS_NAN | HAS_DROP : HAS_NAN;
  return {
    samplesMin: 2,
    evaluate(windows, values, target) {
      if (!windows.hasWholeTimes()) return false;
      if (putValues(values) === 0 || (surveyValues(values.length) & odd) !== 0 || !windows.areSpansOnDesk())
        return false;
      extrapolate(windows.points, isRate ? windows.rangeMs / 1000 : 1, isCounter, target);
      return true;
    },
  };
}

/** Whole numbers add up without roundings in any order, so that windows may share their sums; others are added window by window. */
function total(isMean: boolean): QuickFunction {
  return {
    samplesMin: 1,
    evaluate(windows, values, target) {
      if (putValues(values) === 0 || !windows.areOnDesk()) return false;
      const found = surveyClosely(values.length);
      if ((found & HAS_UNEVEN) === 0) {
        runOperation(isMean ? "averages" : "sums", windows.points, values.length, target, 0);
        return true;
      }
      if ((found & HAS_NAN) !== 0 || !windows.isShort()) return false;
      compensatedSums(windows.points, isMean, target);
      return isFiniteWhere(windows, target);
    },
  };
}

/** What is infinite on the way has no rounding errors, and a mean has other ways around it. */
function isFiniteWhere({ firsts, ends }: AlikeWindows, column: Float64Array): boolean {
  if (isOutFinite(column.length)) return true;
  for (let k = 0; k < column.length; k++) {
    const value = column[k] as number;
    if (value - value !== 0 && (ends[k] as number) > (firsts[k] as number)) return false;
  }
  return true;
}

/** Of 0 and -0 the first one counts, which is more than the kernel knows. */
function extreme(operation: WindowOperation): QuickFunction {
  return {
    samplesMin: 1,
    evaluate(windows, values, target) {
      if (putValues(values) === 0 || !windows.areOnDesk()) return false;
      if ((surveyClosely(values.length) & (HAS_NAN | HAS_NEGATIVE_ZERO)) !== 0) return false;
      runOperation(operation, windows.points, values.length, target, 0);
      return true;
    },
  };
}
