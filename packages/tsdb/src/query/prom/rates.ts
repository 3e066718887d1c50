/**
 * Functions of how a series moves within a window: rates, differences, resets, trends.
 *
 * The rules are Prometheus 3's (promql/functions.go). `rate`, `increase` and `delta` look at the samples in (start, end] and extend what
 * happened between the first and the last of them to the whole window, as long as the samples reach close to its ends.
 */
import { InputError } from "../../base/errors.ts";
import type { PromType } from "../../promql/ast.ts";
import { inform } from "./annotate.ts";
import { KahanSum } from "./kahan.ts";
import { quickDelta, quickIncrease, quickRate } from "./quick.ts";
import type { EvaluateWindow, RangeFunction, RangeWindow } from "./tables.ts";

const MATRIX: readonly PromType[] = ["matrix"];

export const rateFunctions: ReadonlyMap<string, RangeFunction> = new Map<string, RangeFunction>([
  /**
   * rate(range): how fast a counter grows, per second, extended to the ends of the window. Falls are resets: the
   * counter is taken to have started again from 0. No value with less than two samples.
   */
  [
    "rate",
    {
      args: MATRIX,
      evaluate: (window) => extrapolate(window, growthIn(window), true, secondsOf(window)),
      slide: () => slideGrowth((window, growth) => extrapolate(window, growth, true, secondsOf(window))),
      quick: quickRate,
      afterSeries: informOfCounterName,
    },
  ],
  /** increase(range): `rate` times the seconds of the window, so fractions of a whole counter are to be expected. */
  [
    "increase",
    {
      args: MATRIX,
      evaluate: (window) => extrapolate(window, growthIn(window), true, 1),
      slide: () => slideGrowth((window, growth) => extrapolate(window, growth, true, 1)),
      quick: quickIncrease,
      afterSeries: informOfCounterName,
    },
  ],
  /**
   * delta(range): how much a gauge has changed over the window, extended to its ends. No value with less than two
   * samples.
   */
  [
    "delta",
    { args: MATRIX, evaluate: (window) => extrapolate(window, differenceIn(window), false, 1), quick: quickDelta },
  ],
  /**
   * irate(range): growth of a counter per second between the last two samples; after a fall, from 0 to the last one. No
   * value with less than two.
   */
  [
    "irate",
    {
      args: MATRIX,
      evaluate: (window) => {
        const elapsedMs = elapsedOfLastTwo(window);
        if (!window.hasValue) return 0;
        const last = window.values[window.hi - 1] as number;
        const previous = window.values[window.hi - 2] as number;
        return (last < previous ? last : last - previous) / (elapsedMs / 1000);
      },
    },
  ],
  /** idelta(range): the last sample less the one before. No value with less than two samples. */
  [
    "idelta",
    {
      args: MATRIX,
      evaluate: (window) => {
        elapsedOfLastTwo(window);
        return window.hasValue
          ? (window.values[window.hi - 1] as number) - (window.values[window.hi - 2] as number)
          : 0;
      },
    },
  ],
  /**
   * deriv(range): slope per second of the line that fits the samples best (least squares). No value with less than two
   * samples.
   */
  [
    "deriv",
    {
      args: MATRIX,
      // Times count from the first sample: squares of milliseconds since 1970 would leave no digits for the slope.
      evaluate: (window) => (fitLine(window, window.timestamps[window.lo] as number) ? line.slope : 0),
    },
  ],
  /**
   * predict_linear(range, t): where that line is t seconds after the time of evaluation, which `offset` and `@` do not
   * move. No value with less than two samples.
   */
  [
    "predict_linear",
    {
      args: ["matrix", "scalar"],
      evaluate: (window, scalars) =>
        fitLine(window, window.timeMs) ? line.slope * (scalars[0] as number) + line.intercept : 0,
    },
  ],
  /** changes(range): how often a sample differs from the one before it in the window. NaN after NaN is no change. */
  ["changes", { args: MATRIX, evaluate: countPairs(isChange), slide: () => slidePairs(isChange) }],
  /** resets(range): how often a sample is below the one before it in the window. */
  ["resets", { args: MATRIX, evaluate: countPairs(isReset), slide: () => slidePairs(isReset) }],
  /**
   * double_exponential_smoothing(range, sf, tf): the last value of the series smoothed with factor sf and its trend
   * with factor tf, both in (0, 1), else an error. No value with less than two samples. Prometheus 2 and MetricsQL call
   * it holt_winters.
   */
  ["double_exponential_smoothing", { args: ["matrix", "scalar", "scalar"], evaluate: smooth }],
]);

/**
 * `change` is what happened between the first and the last sample; the result is what happened in the whole window, divided by `seconds`.
 *
 *   start ----•======•==•======•==•-- end     both gaps shorter than 1.1 average intervals: extended to the ends
 *   start ------------•==•=====•==•-- end     the left one longer: extended by half an average interval
 *
 * A counter is never extended to before it was 0.
 */
function extrapolate(window: RangeWindow, change: number, isCounter: boolean, seconds: number): number {
  const { timestamps, values, lo, hi } = window;
  if (hi - lo < 2) return noValue(window);
  const firstMs = timestamps[lo] as number;
  const lastMs = timestamps[hi - 1] as number;
  const first = values[lo] as number;

  const sampledSeconds = (lastMs - firstMs) / 1000;
  if (sampledSeconds === 0) return change / seconds;
  const averageSeconds = sampledSeconds / (hi - lo - 1);
  const thresholdSeconds = averageSeconds * 1.1;
  let beforeSeconds = (firstMs - window.startMs) / 1000;
  let afterSeconds = (window.endMs - lastMs) / 1000;
  if (beforeSeconds >= thresholdSeconds) beforeSeconds = averageSeconds / 2;
  if (isCounter && change > 0 && first >= 0) {
    const sinceZeroSeconds = sampledSeconds * (first / change);
    if (sinceZeroSeconds < beforeSeconds) beforeSeconds = sinceZeroSeconds;
  }
  if (afterSeconds >= thresholdSeconds) afterSeconds = averageSeconds / 2;
  return change * ((sampledSeconds + beforeSeconds + afterSeconds) / sampledSeconds / seconds);
}

function secondsOf(window: RangeWindow): number {
  return (window.endMs - window.startMs) / 1000;
}

function differenceIn({ values, lo, hi }: RangeWindow): number {
  return (values[hi - 1] as number) - (values[lo] as number);
}

/** The difference, plus what the counter had reached before each of its falls. */
function growthIn(window: RangeWindow): number {
  const { values, lo, hi } = window;
  let growth = differenceIn(window);
  for (let i = lo + 1; i < hi; i++) {
    const previous = values[i - 1] as number;
    if ((values[i] as number) < previous) growth += previous;
  }
  return growth;
}

/**
 * Falls are few: their places are remembered while they are in the window, and added anew for each window, so that nothing drifts. A
 * window without any costs what came in.
 */
function slideGrowth(finish: (window: RangeWindow, growth: number) => number): EvaluateWindow {
  let falls: number[] = [];
  let head = 0;
  let seen = 0;
  return (window) => {
    const { values, lo, hi } = window;
    for (let i = Math.max(seen, lo + 1); i < hi; i++) {
      if ((values[i] as number) < (values[i - 1] as number)) falls.push(i);
    }
    seen = Math.max(seen, hi);
    while (head < falls.length && (falls[head] as number) <= lo) head++;
    if (head > 0 && head === falls.length) {
      falls = [];
      head = 0;
    }
    let growth = differenceIn(window);
    for (let f = head; f < falls.length; f++) growth += values[(falls[f] as number) - 1] as number;
    return finish(window, growth);
  };
}

/** Milliseconds between the last two samples; no value when there are not two. */
function elapsedOfLastTwo(window: RangeWindow): number {
  const { timestamps, lo, hi } = window;
  const elapsedMs = hi - lo < 2 ? 0 : (timestamps[hi - 1] as number) - (timestamps[hi - 2] as number);
  if (elapsedMs === 0) window.hasValue = false;
  return elapsedMs;
}

/** What `fitLine` found. */
const line = { slope: 0, intercept: 0 };

/** Least squares over the window; the intercept is the line's value at `originMs`. False (and no value) with less than two samples. */
function fitLine(window: RangeWindow, originMs: number): boolean {
  const { timestamps, values, lo, hi } = window;
  const n = hi - lo;
  if (n < 2) {
    window.hasValue = false;
    return false;
  }
  const first = values[lo] as number;
  let isConstant = true;
  const sumX = new KahanSum();
  const sumY = new KahanSum();
  const sumXY = new KahanSum();
  const sumXX = new KahanSum();
  for (let i = lo; i < hi; i++) {
    const x = ((timestamps[i] as number) - originMs) / 1000;
    const y = values[i] as number;
    if (i > lo && y !== first) isConstant = false;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumXX.add(x * x);
  }
  if (isConstant) {
    // Rounding must not tilt a flat line.
    const isFlat = Number.isFinite(first);
    line.slope = isFlat ? 0 : Number.NaN;
    line.intercept = isFlat ? first : Number.NaN;
    return true;
  }
  const x = sumX.sum + sumX.lost;
  const y = sumY.sum + sumY.lost;
  const covariance = sumXY.sum + sumXY.lost - (x * y) / n;
  const variance = sumXX.sum + sumXX.lost - (x * x) / n;
  line.slope = covariance / variance;
  line.intercept = y / n - (line.slope * x) / n;
  return true;
}

type PairTest = (value: number, previous: number) => boolean;

function isChange(value: number, previous: number): boolean {
  return value !== previous && (value === value || previous === previous);
}

function isReset(value: number, previous: number): boolean {
  return value < previous;
}

/** How many neighbours in the window pass the test. */
function countPairs(test: PairTest): EvaluateWindow {
  return ({ values, lo, hi }) => {
    let count = 0;
    for (let i = lo + 1; i < hi; i++) if (test(values[i] as number, values[i - 1] as number)) count++;
    return count;
  };
}

/** The same, counting pairs in and out as the window moves. */
function slidePairs(test: PairTest): EvaluateWindow {
  let count = 0;
  /** Pairs (i-1, i) of i in (from, to) are counted. */
  let from = 0;
  let to = 1;
  return ({ values, lo, hi }) => {
    if (lo >= to) {
      count = 0;
      from = lo;
      to = lo + 1;
    }
    for (; to < hi; to++) if (test(values[to] as number, values[to - 1] as number)) count++;
    for (; from < lo; from++) if (test(values[from + 1] as number, values[from] as number)) count--;
    return count;
  };
}

function smooth(window: RangeWindow, scalars: readonly number[]): number {
  const smoothing = factorOf(scalars[0] as number, "smoothing");
  const trendFactor = factorOf(scalars[1] as number, "trend");
  const { values, lo, hi } = window;
  if (hi - lo < 2) return noValue(window);
  let previous = 0;
  let smoothed = values[lo] as number;
  let trend = (values[lo + 1] as number) - smoothed;
  for (let i = lo + 1; i < hi; i++) {
    if (i > lo + 1) trend = trendFactor * (smoothed - previous) + (1 - trendFactor) * trend;
    const next = smoothing * (values[i] as number) + (1 - smoothing) * (smoothed + trend);
    previous = smoothed;
    smoothed = next;
  }
  return smoothed;
}

function factorOf(value: number, name: "smoothing" | "trend"): number {
  // NaN goes through and makes the result NaN, as in Prometheus.
  if (value <= 0 || value >= 1) {
    throw new InputError(
      `invalid ${name} factor. Expected: 0 < ${name === "smoothing" ? "sf" : "tf"} < 1, got: ${value.toFixed(6)}`,
      422,
    );
  }
  return value;
}

function noValue(window: RangeWindow): number {
  window.hasValue = false;
  return 0;
}

const COUNTER_SUFFIXES: readonly string[] = ["_total", "_sum", "_count", "_bucket"];

/** Rates of gauges are a frequent mistake, and names are all there is to tell them by. */
function informOfCounterName({ context, call, labels: { name } }: RangeWindow): void {
  if (name === "" || COUNTER_SUFFIXES.some((suffix) => name.endsWith(suffix))) return;
  inform(
    context,
    `metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${JSON.stringify(name)}`,
    call.args[0]?.pos ?? call.pos,
  );
}
