/**
 * The frequent rollups by the `rollup` kernel (kernel/rollup.ts). Each is one of sliding.ts, equal to the bit, which does the
 * work where the kernel cannot: no wasm, more samples or points than it holds.
 *
 * Rollups between two samples are spans to the kernel: which sample each point ends with and which it starts from. They
 * follow from the times alone, so they are found once for all series with the same times. This file is where the rules
 * about previous samples are turned into spans.
 */
import {
  areSpans,
  areValues,
  areWindows,
  NO_PAST,
  putValues,
  putWindows,
  runOperation,
  type SpanOperation,
  spans,
  takeSpans,
  type WindowOperation,
} from "../../kernel/rollup.ts";
import type { RollupKernel, RollupRun } from "./run.ts";
import * as slide from "./sliding.ts";

export const quickSum: RollupKernel = overWindows("sums", slide.slideSum);
export const quickAverage: RollupKernel = overWindows("averages", slide.slideAverage);
export const quickMin: RollupKernel = overWindows("least", slide.slideMin);
export const quickMax: RollupKernel = overWindows("most", slide.slideMax);
export const quickLast: RollupKernel = overSpans("picks", pickLast, slide.slideLast);
export const quickFirst: RollupKernel = overSpans("picks", pickFirst, slide.slideFirst);
export const quickRate: RollupKernel = overSpans("rates", spanRate, slide.slideRate);
export const quickDelta: RollupKernel = overSpans("deltas", spanDelta, slide.slideDelta);
export const quickPureIncrease: RollupKernel = overSpans("deltas", spanPureIncrease, slide.slidePureIncrease);

function overWindows(operation: WindowOperation, twin: RollupKernel): RollupKernel {
  return (run, out, at) => {
    if (holdsValues(run) && holdsWindows(run)) runOperation(operation, run.points, run.hi, out, at);
    else twin(run, out, at);
  };
}

/** Writes the span of every point. */
type FindSpans = (run: RollupRun) => void;

function overSpans(operation: SpanOperation, find: FindSpans, twin: RollupKernel): RollupKernel {
  const needsWindows = operation === "deltas";
  return (run, out, at) => {
    if (holdsValues(run) && (!needsWindows || holdsWindows(run)) && holdsSpans(run, find)) {
      runOperation(operation, run.points, run.hi, out, at);
    } else {
      twin(run, out, at);
    }
  };
}

function holdsValues(run: RollupRun): boolean {
  if (!areValues(run.valuesTicket)) run.valuesTicket = putValues(run.values);
  return run.valuesTicket !== 0;
}

function holdsWindows(run: RollupRun): boolean {
  if (!areWindows(run.windowsTicket)) run.windowsTicket = putWindows(run.firsts, run.ends);
  return run.windowsTicket !== 0;
}

function holdsSpans(run: RollupRun, find: FindSpans): boolean {
  if (areSpans(run.spansTicket) && run.spansBy === find) return true;
  run.spansTicket = takeSpans(run.points);
  if (run.spansTicket === 0) return false;
  find(run);
  run.spansBy = find;
  return true;
}

function pickLast(run: RollupRun): void {
  const { firsts, ends, points } = run;
  const { lasts, nothing } = spans;
  for (let k = 0; k < points; k++) {
    const end = ends[k] as number;
    lasts[k] = end > (firsts[k] as number) ? end - 1 : nothing;
  }
}

function pickFirst(run: RollupRun): void {
  const { firsts, ends, points } = run;
  const { lasts, nothing } = spans;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    lasts[k] = (ends[k] as number) > first ? first : nothing;
  }
}

function spanRate(run: RollupRun): void {
  const { timestamps, firsts, ends, points } = run;
  const { lasts, bases, seconds, zero, nothing } = spans;
  for (let k = 0; k < points; k++) {
    const first = firsts[k] as number;
    const last = (ends[k] as number) - 1;
    let base = run.previous(k);
    if (base < 0 && last > first) base = first;
    if (base < 0 || last < first) {
      lasts[k] = zero;
      // An empty window of a series that goes on: no change.
      bases[k] = base < 0 ? nothing : zero;
      seconds[k] = 1;
    } else {
      lasts[k] = last;
      bases[k] = base;
      seconds[k] = ((timestamps[last] as number) - (timestamps[base] as number)) / 1000;
    }
  }
}

function spanDelta(run: RollupRun): void {
  spanChange(run, NO_PAST);
}

function spanPureIncrease(run: RollupRun): void {
  spanChange(run, spans.zero);
}

function spanChange(run: RollupRun, noPast: number): void {
  const { firsts, ends, points } = run;
  const { lasts, bases, zero, nothing } = spans;
  for (let k = 0; k < points; k++) {
    const end = ends[k] as number;
    let base = run.previous(k);
    if (end <= (firsts[k] as number)) {
      lasts[k] = zero;
      bases[k] = base < 0 ? nothing : zero;
      continue;
    }
    if (base < 0) base = run.realPrevious(k);
    lasts[k] = end - 1;
    bases[k] = base < 0 ? noPast : base;
  }
}
