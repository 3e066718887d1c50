/**
 * Rollups in O(1) a step, whatever the window's length.
 *
 * Sums, extremes and variances are not kept by adding what enters and subtracting what leaves: that drifts, and an
 * infinity would never leave. Instead each window is the union of two halves around a split:
 *
 *      first        split          end
 *        |─ suffix ──|── tail ──────|
 *
 * For the left half the aggregate of every suffix is tabled; the right half is one running aggregate. When the
 * window's start passes the split, the whole window is tabled again. A sample is thus visited twice, nothing
 * is ever subtracted, and integers stay exact.
 */
import type { RollupKernel, RollupRun } from "./run.ts";

/** Σv over the window: sum_over_time. */
export const slideSum: RollupKernel = (run, out, at) => {
  sumWindows(run, run.values, out, at);
};

/** Σv²: sum2_over_time. */
export const slideSquares: RollupKernel = (run, out, at) => {
  const { values, hi } = run;
  const squares = run.scratchB();
  for (let i = 0; i < hi; i++) {
    const v = values[i] as number;
    squares[i] = v * v;
  }
  sumWindows(run, squares, out, at);
};

/** Σv / count: avg_over_time. */
export const slideAverage: RollupKernel = (run, out, at) => {
  sumWindows(run, run.values, out, at);
  const { firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    out[at + k] = (out[at + k] as number) / ((ends[k] as number) - (firsts[k] as number));
  }
};

/** Σv / window seconds: rate_over_sum. */
export const slideRateOfSum: RollupKernel = (run, out, at) => {
  sumWindows(run, run.values, out, at);
  const seconds = run.windowMs / 1000;
  for (let k = 0; k < run.points; k++) out[at + k] = (out[at + k] as number) / seconds;
};

/** `column[i]` is what sample i adds. */
function sumWindows(run: RollupRun, column: Float64Array, out: Float64Array, at: number): void {
  const { firsts, ends, points } = run;
  const suffix = run.scratchA();
  let split = 0;
  let tailEnd = 0;
  let tail = 0;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const end = ends[k] as number;
    if (first >= end) {
      out[at + k] = NaN;
      continue;
    }
    if (first >= split) {
      let sum = 0;
      for (let i = end - 1; i >= first; i--) {
        sum += column[i] as number;
        suffix[i] = sum;
      }
      split = end;
      tailEnd = end;
      tail = 0;
      out[at + k] = sum;
    } else {
      for (; tailEnd < end; tailEnd++) tail += column[tailEnd] as number;
      out[at + k] = (suffix[first] as number) + tail;
    }
  }
}

export const slideMin: RollupKernel = (run, out, at) => {
  const { values, firsts, ends, points } = run;
  const suffix = run.scratchA();
  let split = 0;
  let tailEnd = 0;
  let tail = Infinity;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const end = ends[k] as number;
    if (first >= end) {
      out[at + k] = NaN;
      continue;
    }
    if (first >= split) {
      let least = Infinity;
      for (let i = end - 1; i >= first; i--) {
        const v = values[i] as number;
        if (v < least) least = v;
        suffix[i] = least;
      }
      split = end;
      tailEnd = end;
      tail = Infinity;
      out[at + k] = least;
    } else {
      for (; tailEnd < end; tailEnd++) {
        const v = values[tailEnd] as number;
        if (v < tail) tail = v;
      }
      const head = suffix[first] as number;
      out[at + k] = tail < head ? tail : head;
    }
  }
};

export const slideMax: RollupKernel = (run, out, at) => {
  const { values, firsts, ends, points } = run;
  const suffix = run.scratchA();
  let split = 0;
  let tailEnd = 0;
  let tail = -Infinity;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const end = ends[k] as number;
    if (first >= end) {
      out[at + k] = NaN;
      continue;
    }
    if (first >= split) {
      let most = -Infinity;
      for (let i = end - 1; i >= first; i--) {
        const v = values[i] as number;
        if (v > most) most = v;
        suffix[i] = most;
      }
      split = end;
      tailEnd = end;
      tail = -Infinity;
      out[at + k] = most;
    } else {
      for (; tailEnd < end; tailEnd++) {
        const v = values[tailEnd] as number;
        if (v > tail) tail = v;
      }
      const head = suffix[first] as number;
      out[at + k] = tail > head ? tail : head;
    }
  }
};

/**
 * Population variance. Each half is a (count, mean, Σ squared deviations) triple built by Welford's method; two triples
 * merge by Chan's formula, so large means cost no more digits than they do in a plain pass.
 */
export const slideVariance: RollupKernel = (run, out, at) => {
  const { values, firsts, ends, points } = run;
  const means = run.scratchA();
  const deviations = run.scratchB();
  let split = 0;
  let tailEnd = 0;
  let tailCount = 0;
  let tailMean = 0;
  let tailDeviation = 0;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const end = ends[k] as number;
    if (first >= end) {
      out[at + k] = NaN;
      continue;
    }
    if (end - first === 1) {
      out[at + k] = 0;
      continue;
    }
    if (first >= split) {
      let mean = 0;
      let deviation = 0;
      for (let i = end - 1; i >= first; i--) {
        const v = values[i] as number;
        const delta = v - mean;
        mean += delta / (end - i);
        deviation += delta * (v - mean);
        means[i] = mean;
        deviations[i] = deviation;
      }
      split = end;
      tailEnd = end;
      tailCount = 0;
      tailMean = 0;
      tailDeviation = 0;
      out[at + k] = deviation / (end - first);
    } else {
      for (; tailEnd < end; tailEnd++) {
        const v = values[tailEnd] as number;
        const delta = v - tailMean;
        tailCount++;
        tailMean += delta / tailCount;
        tailDeviation += delta * (v - tailMean);
      }
      const count = end - first;
      const headCount = split - first;
      const headDeviation = deviations[first] as number;
      if (tailCount === 0) {
        out[at + k] = headDeviation / count;
        continue;
      }
      const apart = tailMean - (means[first] as number);
      out[at + k] = (headDeviation + tailDeviation + (apart * apart * headCount * tailCount) / count) / count;
    }
  }
};

export const slideDeviation: RollupKernel = (run, out, at) => {
  slideVariance(run, out, at);
  for (let k = 0; k < run.points; k++) out[at + k] = Math.sqrt(out[at + k] as number);
};

/** Samples in the window. */
export const slideCount: RollupKernel = (run, out, at) => {
  const { firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    const count = (ends[k] as number) - (firsts[k] as number);
    out[at + k] = count > 0 ? count : NaN;
  }
};

/** Last sample; a staleness marker in that place reads as no value, being NaN. */
export const slideLast: RollupKernel = (run, out, at) => {
  const { values, firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    const end = ends[k] as number;
    out[at + k] = end > (firsts[k] as number) ? (values[end - 1] as number) : NaN;
  }
};

export const slideFirst: RollupKernel = (run, out, at) => {
  const { values, firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    out[at + k] = (ends[k] as number) > first ? (values[first] as number) : NaN;
  }
};

/** 1 where the window holds a sample. */
export const slidePresent: RollupKernel = (run, out, at) => {
  const { firsts, ends, points } = run;
  for (let k = 0; k < points; k++) out[at + k] = (ends[k] as number) > (firsts[k] as number) ? 1 : NaN;
};

/** 1 where the window holds none. */
export const slideAbsent: RollupKernel = (run, out, at) => {
  const { firsts, ends, points } = run;
  for (let k = 0; k < points; k++) out[at + k] = (ends[k] as number) > (firsts[k] as number) ? NaN : 1;
};

/**
 * delta and (on counters freed of resets) increase: last value minus the value the window starts from. A series without
 * a past either started from 0 (small first value) or was there before we looked (large one).
 */
export const slideDelta: RollupKernel = (run, out, at) => {
  const { values, hi, firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const end = ends[k] as number;
    const previous = run.previous(k);
    if (first >= end) {
      out[at + k] = previous >= 0 ? 0 : NaN;
      continue;
    }
    const last = values[end - 1] as number;
    if (previous >= 0) {
      out[at + k] = last - (values[previous] as number);
      continue;
    }
    const older = run.realPrevious(k);
    if (older >= 0) {
      out[at + k] = last - (values[older] as number);
      continue;
    }
    const start = values[first] as number;
    // The window's second sample, or the first one after it when it holds just one.
    const change = first + 1 < hi ? (values[first + 1] as number) - start : 0;
    if (Math.abs(start) < 10 * (Math.abs(change) + 1)) out[at + k] = last;
    else out[at + k] = end - first > 1 ? last - start : 0;
  }
};

/** increase_pure: like increase, but a series without a past always started from 0. */
export const slidePureIncrease: RollupKernel = (run, out, at) => {
  const { values, firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    const end = ends[k] as number;
    let base = run.previous(k);
    if (end === firsts[k]) {
      out[at + k] = base >= 0 ? 0 : NaN;
      continue;
    }
    if (base < 0) base = run.realPrevious(k);
    out[at + k] = (values[end - 1] as number) - (base >= 0 ? (values[base] as number) : 0);
  }
};

/** rate and deriv_fast: change per second between the value the window starts from and its last sample. */
export const slideRate: RollupKernel = (run, out, at) => {
  const { timestamps, values, firsts, ends, points } = run;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const end = ends[k] as number;
    let base = run.previous(k);
    if (first >= end) {
      out[at + k] = base >= 0 ? 0 : NaN;
      continue;
    }
    if (base < 0) {
      if (end - first < 2) {
        out[at + k] = NaN;
        continue;
      }
      base = first;
    }
    const seconds = ((timestamps[end - 1] as number) - (timestamps[base] as number)) / 1000;
    out[at + k] = ((values[end - 1] as number) - (values[base] as number)) / seconds;
  }
};
