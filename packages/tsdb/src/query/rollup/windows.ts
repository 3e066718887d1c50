/**
 * Rollups that look at the whole window at every step, or at a fixed few of its samples. Each is a function of a run and a point
 * `k`; `eachWindow` makes a kernel of it. Scalar arguments are columns over the query's grid, read at point k.
 *
 * The rules are in the manual's words: "previous" is the recent sample before the window, see `RollupRun.previous`.
 */
import { countDistinct, medianDeviation, modeOf, quantileOfColumn, quantileSorted, sortColumn } from "../statistics.ts";
import type { RollupKernel, RollupRun } from "./run.ts";

export type WindowFunction = (run: RollupRun, k: number) => number;

export function eachWindow(compute: WindowFunction): RollupKernel {
  return (run, out, at) => {
    for (let k = 0; k < run.points; k++) out[at + k] = compute(run, k);
  };
}

/** Copies window k into scratch, which the caller may reorder, and returns the count. */
function copyWindow(run: RollupRun, k: number, target: Float64Array): number {
  const { values, firsts, ends } = run;
  const first = firsts[k] as number;
  const count = (ends[k] as number) - first;
  for (let i = 0; i < count; i++) target[i] = values[first + i] as number;
  return count;
}

// ---- Differences of neighbours ----

/** Last value minus the one before it; a lone sample counts from the previous one, or from 0. */
export const idelta: WindowFunction = (run, k) => {
  const { values } = run;
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  const previous = run.previous(k);
  if (first === end) return previous >= 0 ? 0 : NaN;
  const last = values[end - 1] as number;
  if (end - first > 1) return last - (values[end - 2] as number);
  return previous >= 0 ? last - (values[previous] as number) : last;
};

/** ideriv and irate: slope per second of the last two samples. */
export const ideriv: WindowFunction = (run, k) => {
  const { timestamps, values } = run;
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  const base = end - first > 1 ? end - 2 : run.previous(k);
  if (base < 0) return NaN;
  const seconds = ((timestamps[end - 1] as number) - (timestamps[base] as number)) / 1000;
  return ((values[end - 1] as number) - (values[base] as number)) / seconds;
};

/** Last minus first of at least two samples: delta_prometheus, increase_prometheus. */
export const innerDelta: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  return end - first < 2 ? NaN : (run.values[end - 1] as number) - (run.values[first] as number);
};

export const innerRate: WindowFunction = (run, k) => innerDelta(run, k) / (run.windowMs / 1000);

/** Decimal noise is no change (VictoriaMetrics' threshold). */
function isNoise(change: number, v: number): boolean {
  return Math.abs(change) < 1e-12 * Math.abs(v);
}

/** Changes of value, counting the appearance of a new series as one. */
export const changes: WindowFunction = (run, k) => {
  const { values } = run;
  const end = run.ends[k] as number;
  let i = run.firsts[k] as number;
  let base = run.previous(k);
  if (base < 0) {
    if (i === end) return NaN;
    base = run.realPrevious(k);
  }
  let count = 0;
  if (base < 0) {
    base = i++;
    count = 1;
  }
  return count + countChanges(values, values[base] as number, i, end);
};

/** Changes of value inside the window. */
export const innerChanges: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  return first === end ? NaN : countChanges(run.values, run.values[first] as number, first + 1, end);
};

function countChanges(values: Float64Array, from: number, lo: number, hi: number): number {
  let count = 0;
  let current = from;
  for (let i = lo; i < hi; i++) {
    const v = values[i] as number;
    if (v !== current && !isNoise(v - current, v)) {
      count++;
      current = v;
    }
  }
  return count;
}

/** Steps up (sign 1) or down (sign -1): increases_over_time; decreases_over_time and resets. */
export function countSteps(sign: 1 | -1): WindowFunction {
  return (run, k) => {
    const { values } = run;
    const end = run.ends[k] as number;
    let i = run.firsts[k] as number;
    const base = run.previous(k);
    if (i === end) return base >= 0 ? 0 : NaN;
    let previous = values[base >= 0 ? base : i++] as number;
    let count = 0;
    for (; i < end; i++) {
      const v = values[i] as number;
      if ((v - previous) * sign > 0 && !isNoise(v - previous, v)) count++;
      previous = v;
    }
    return count;
  };
}

/** Sum of steps up (sign 1) or of the sizes of steps down (sign -1): ascent_over_time, descent_over_time. */
export function sumSteps(sign: 1 | -1): WindowFunction {
  return (run, k) => {
    const { values } = run;
    const end = run.ends[k] as number;
    let i = run.firsts[k] as number;
    const base = run.previous(k);
    if (base < 0 && i === end) return NaN;
    let previous = values[base >= 0 ? base : i++] as number;
    let sum = 0;
    for (; i < end; i++) {
      const v = values[i] as number;
      const step = (v - previous) * sign;
      if (step > 0) sum += step;
      previous = v;
    }
    return sum;
  };
}

// ---- Lines ----

/** Least-squares slope per second; 0 for a constant, a lone sample included. */
export const deriv: WindowFunction = (run, k) => fitLine(run, k, 0, true);

/** The same line's value `seconds[k]` after the output time. */
export function predictLinear(seconds: Float64Array): WindowFunction {
  return (run, k) => fitLine(run, k, seconds[k] as number, false);
}

/** Times count from the output time in seconds: small numbers, and the intercept is the value there. */
function fitLine(run: RollupRun, k: number, aheadSeconds: number, wantsSlope: boolean): number {
  const { timestamps, values } = run;
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  const nowMs = run.startMs + k * run.stepMs;
  const start = values[first] as number;
  let isConstant = true;
  let sumV = 0;
  let sumT = 0;
  let sumTV = 0;
  let sumTT = 0;
  for (let i = first; i < end; i++) {
    const v = values[i] as number;
    if (v !== start) isConstant = false;
    const t = ((timestamps[i] as number) - nowMs) / 1000;
    sumV += v;
    sumT += t;
    sumTV += t * v;
    sumTT += t * t;
  }
  if (isConstant) return wantsSlope ? 0 : start;
  const n = end - first;
  const spread = sumTT - (sumT * sumT) / n;
  const slope = Math.abs(spread) >= 1e-6 ? (sumTV - (sumT * sumV) / n) / spread : 0;
  return wantsSlope ? slope : sumV / n - (slope * sumT) / n + slope * aheadSeconds;
}

/** Double exponential smoothing with factors for level and trend, both in [0, 1]. */
export function holtWinters(levelFactors: Float64Array, trendFactors: Float64Array): WindowFunction {
  return (run, k) => {
    const { values } = run;
    const end = run.ends[k] as number;
    let i = run.firsts[k] as number;
    const sf = levelFactors[k] as number;
    const tf = trendFactors[k] as number;
    if (i === end || sf < 0 || sf > 1 || tf < 0 || tf > 1) return NaN;
    const base = run.previous(k);
    let level = values[base >= 0 ? base : i++] as number;
    if (i === end) return level;
    let trend = (values[i] as number) - level;
    for (; i < end; i++) {
      const next = sf * (values[i] as number) + (1 - sf) * (level + trend);
      trend = tf * (next - level) + (1 - tf) * trend;
      level = next;
    }
    return level;
  };
}

/** Area under the series in value·seconds, each value held until the next sample. */
export const integrate: WindowFunction = (run, k) => {
  const { timestamps, values, hi } = run;
  const end = run.ends[k] as number;
  let i = run.firsts[k] as number;
  const nowMs = run.startMs + k * run.stepMs;
  const base = run.previous(k);
  if (base < 0 && i === end) return NaN;
  let fromMs = base >= 0 ? nowMs - run.windowMs : (timestamps[i] as number);
  let held = values[base >= 0 ? base : i++] as number;
  let area = 0;
  for (; i < end; i++) {
    area += (held * ((timestamps[i] as number) - fromMs)) / 1000;
    fromMs = timestamps[i] as number;
    held = values[i] as number;
  }
  // After its last sample a series has ended: nothing more accrues.
  return end < hi ? area + (held * (nowMs - fromMs)) / 1000 : area;
};

// ---- Order and frequency ----

export function quantileOverTime(phis: Float64Array): WindowFunction {
  return (run, k) => {
    const values = run.scratchA();
    return quantileOfColumn(phis[k] as number, values, copyWindow(run, k, values));
  };
}

export const median: WindowFunction = (run, k) => {
  const values = run.scratchA();
  return quantileOfColumn(0.5, values, copyWindow(run, k, values));
};

export const medianAbsoluteDeviation: WindowFunction = (run, k) => {
  const column = run.scratchA();
  return medianDeviation(column, copyWindow(run, k, column));
};

/** The last value if it lies more than 1.5 interquartile ranges outside the quartiles. */
export const interquartileOutlier: WindowFunction = (run, k) => {
  const sorted = run.scratchA();
  const count = copyWindow(run, k, sorted);
  if (count < 2) return NaN;
  const last = sorted[count - 1] as number;
  sortColumn(sorted, count);
  const low = quantileSorted(0.25, sorted, count);
  const high = quantileSorted(0.75, sorted, count);
  const fence = 1.5 * (high - low);
  return last > high + fence || last < low - fence ? last : NaN;
};

export const mode: WindowFunction = (run, k) => {
  const column = run.scratchA();
  const count = copyWindow(run, k, column);
  const previous = run.previous(k);
  return modeOf(previous >= 0 ? (run.values[previous] as number) : NaN, column, count);
};

export const distinct: WindowFunction = (run, k) => {
  const column = run.scratchA();
  const count = copyWindow(run, k, column);
  return count === 0 ? NaN : countDistinct(column, count);
};

// ---- Values of the window against a number ----

export type Comparison = "eq" | "ne" | "gt" | "le";

/** count_*, share_* and sum_*_over_time: how many samples pass, which part, and what they add up to. */
export function compareOverTime(
  what: "count" | "share" | "sum",
  comparison: Comparison,
  limits: Float64Array,
): WindowFunction {
  return (run, k) => {
    const { values } = run;
    const first = run.firsts[k] as number;
    const end = run.ends[k] as number;
    if (first === end) return NaN;
    const limit = limits[k] as number;
    let count = 0;
    let sum = 0;
    for (let i = first; i < end; i++) {
      const v = values[i] as number;
      const passes =
        comparison === "eq"
          ? v === limit
          : comparison === "ne"
            ? v !== limit
            : comparison === "gt"
              ? v > limit
              : v <= limit;
      if (passes) {
        count++;
        sum += v;
      }
    }
    return what === "count" ? count : what === "share" ? count / (end - first) : sum;
  };
}

// ---- Shapes ----

export const range: WindowFunction = (run, k) => extreme(run, k, 1) - extreme(run, k, -1);

export const geometricMean: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  let product = 1;
  for (let i = first; i < end; i++) product *= run.values[i] as number;
  return product ** (1 / (end - first));
};

/** avg ∓ (max - min)·sqrt(ln(1/(1-phi)) / 2n), Hoeffding's inequality. */
export function hoeffdingBound(sign: 1 | -1, phis: Float64Array): WindowFunction {
  return (run, k) => {
    const average = mean(run, k);
    const count = (run.ends[k] as number) - (run.firsts[k] as number);
    if (count < 2) return average;
    const spread = range(run, k);
    const phi = phis[k] as number;
    if (spread <= 0 || phi <= 0) return average;
    if (phi >= 1) return sign * Infinity;
    return average + sign * spread * Math.sqrt(Math.log(1 / (1 - phi)) / (2 * count));
  };
}

/** How many standard deviations the last value is from the average; nothing when it is overdue. */
export const zscore: WindowFunction = (run, k) => {
  const interval = scrapeInterval(run, k);
  const behind = lag(run, k);
  if (interval !== interval || behind !== behind || behind > interval) return NaN;
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  const average = mean(run, k);
  const distance = (run.values[end - 1] as number) - average;
  if (distance === 0) return 0;
  let deviation = 0;
  let running = 0;
  for (let i = first; i < end; i++) {
    const v = run.values[i] as number;
    const delta = v - running;
    running += delta / (i - first + 1);
    deviation += delta * (v - running);
  }
  return distance / Math.sqrt(deviation / (end - first));
};

export function mean(run: RollupRun, k: number): number {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  let sum = 0;
  for (let i = first; i < end; i++) sum += run.values[i] as number;
  return sum / (end - first);
}

/** The first sample if that is NaN, like every comparison with it; NaN further on counts for nothing. */
export const least: WindowFunction = (run, k) => extreme(run, k, -1);
export const most: WindowFunction = (run, k) => extreme(run, k, 1);

function extreme(run: RollupRun, k: number, sign: 1 | -1): number {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  let best = run.values[first] as number;
  for (let i = first + 1; i < end; i++) {
    const v = run.values[i] as number;
    if (v * sign > best * sign) best = v;
  }
  return best;
}

// ---- Times, in seconds ----

export const firstTime: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  return first === run.ends[k] ? NaN : (run.timestamps[first] as number) / 1000;
};

export const lastTime: WindowFunction = (run, k) => {
  const end = run.ends[k] as number;
  return end === run.firsts[k] ? NaN : (run.timestamps[end - 1] as number) / 1000;
};

/** Time of the last of the largest (sign 1) or smallest (sign -1) values. */
export function extremeTime(sign: 1 | -1): WindowFunction {
  return (run, k) => {
    const first = run.firsts[k] as number;
    const end = run.ends[k] as number;
    if (first === end) return NaN;
    let best = first;
    for (let i = first + 1; i < end; i++) {
      if ((run.values[i] as number) * sign >= (run.values[best] as number) * sign) best = i;
    }
    return (run.timestamps[best] as number) / 1000;
  };
}

/** Time at which the last value began; nothing if it was there before the window. */
export const lastChangeTime: WindowFunction = (run, k) => {
  const { timestamps, values } = run;
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  const last = values[end - 1] as number;
  let i = end - 1;
  while (i > first && values[i - 1] === last) i--;
  if (i === first) {
    const previous = run.previous(k);
    if (previous >= 0 && values[previous] === last) return NaN;
  }
  return (timestamps[i] as number) / 1000;
};

/** From the previous (or first) sample to the last one. */
export const lifetime: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  const previous = run.previous(k);
  if (end - first < (previous >= 0 ? 1 : 2)) return NaN;
  return ((run.timestamps[end - 1] as number) - (run.timestamps[previous >= 0 ? previous : first] as number)) / 1000;
};

/** Age of the last sample. */
export const lag: WindowFunction = (run, k) => {
  const end = run.ends[k] as number;
  const last = end > (run.firsts[k] as number) ? end - 1 : run.previous(k);
  return last < 0 ? NaN : (run.startMs + k * run.stepMs - (run.timestamps[last] as number)) / 1000;
};

/** Mean distance of samples, the one from the previous sample included. */
export const scrapeInterval: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  const previous = run.previous(k);
  const from = previous >= 0 ? previous : first;
  const distances = end - 1 - from;
  if (end === first || distances < 1) return NaN;
  return ((run.timestamps[end - 1] as number) - (run.timestamps[from] as number)) / 1000 / distances;
};

/** Sum of the distances between samples that are at most `limits[k]` seconds. */
export function durationOverTime(limits: Float64Array): WindowFunction {
  return (run, k) => {
    const { timestamps } = run;
    const first = run.firsts[k] as number;
    const end = run.ends[k] as number;
    if (first === end) return NaN;
    const limitMs = Math.trunc((limits[k] as number) * 1000);
    let sumMs = 0;
    for (let i = first + 1; i < end; i++) {
      const distanceMs = (timestamps[i] as number) - (timestamps[i - 1] as number);
      if (distanceMs <= limitMs) sumMs += distanceMs;
    }
    return sumMs / 1000;
  };
}

/** Staleness markers, which are the only NaNs that reach a rollup. */
export const staleSamples: WindowFunction = (run, k) => {
  const first = run.firsts[k] as number;
  const end = run.ends[k] as number;
  if (first === end) return NaN;
  let count = 0;
  for (let i = first; i < end; i++) if (run.values[i] !== run.values[i]) count++;
  return count;
};

// ---- Candles: samples strictly before the output time; see rollup_candlestick in table.ts ----

export type CandlePart = "open" | "close" | "low" | "high";

export function candle(part: CandlePart): WindowFunction {
  return (run, k) => {
    const { timestamps, values } = run;
    const nowMs = run.startMs + k * run.stepMs;
    const first = run.firsts[k] as number;
    let end = run.ends[k] as number;
    while (end > first && (timestamps[end - 1] as number) >= nowMs) end--;
    // The sample before opens the candle if it is not older than a window.
    let opening = run.previous(k);
    if (opening >= 0 && (timestamps[opening] as number) + run.windowMs < nowMs) opening = -1;
    if (opening < 0 && first === end) return NaN;
    if (part === "open") return values[opening >= 0 ? opening : first] as number;
    if (part === "close") return values[end > first ? end - 1 : opening] as number;
    let best = values[opening >= 0 ? opening : first] as number;
    for (let i = first; i < end; i++) {
      const v = values[i] as number;
      if (part === "low" ? v < best : v > best) best = v;
    }
    return best;
  };
}
