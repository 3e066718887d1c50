/**
 * Functions of windows on one series written as in Prometheus' test scripts, without an evaluator:
 *
 *   rollUp("rate", "0 10 20 _ 5", { stepMs: 60_000, rangeMs: 300_000, timeMs: [240_000] })
 */
import type { Labels } from "../../../base/labels.ts";
import type { PromCall } from "../../../promql/ast.ts";
import { parsePromql } from "../../../promql/parse.ts";
import type { PromContext } from "../context.ts";
import { rangeFunctions } from "../range-functions.ts";
import type { EvaluateWindow, RangeWindow } from "../tables.ts";
import { contextOf, seriesOf } from "./by-hand.ts";

export interface Rollup {
  /** Where the first sample is, and the distance between samples. */
  readonly stepMs: number;
  readonly rangeMs: number;
  readonly timesMs: readonly number[];
  readonly scalars?: readonly number[];
  /** Of windows: earlier than the times by so much. */
  readonly offsetMs?: number;
  readonly name?: string;
  /** With the sliding form, if the function has one. */
  readonly slides?: boolean;
  readonly context?: PromContext;
}

export interface Samples {
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** `1 2 _ 0+10x3`: a sample a step, `_` for none. */
export function samplesOf(text: string, stepMs: number): Samples {
  const values: number[] = [];
  for (const item of text.trim().split(/\s+/)) {
    const run = /^(-?[\d.e]+)([+-][\d.]+)x(\d+)$/.exec(item);
    if (run === null) values.push(item === "_" ? 42.5 : Number(item.replace("Inf", "Infinity")));
    else for (let i = 0; i <= Number(run[3]); i++) values.push(Number(run[1]) + i * Number(run[2]));
  }
  const kept = values.map((_, i) => i).filter((i) => values[i] !== 42.5);
  return {
    timestamps: Float64Array.from(kept, (i) => i * stepMs),
    values: Float64Array.from(kept, (i) => values[i] as number),
  };
}

/** A query that calls the function, for the places of annotations. */
export function rollupText(name: string): string {
  const { args = [] } = rangeFunctions.get(name) ?? {};
  return `${name}(${args.map((type) => (type === "matrix" ? "m[5m]" : "2")).join(", ")})`;
}

/** A value a time; null where there is none. */
export function rollUp(name: string, text: string, options: Rollup): (number | null)[] {
  return rollUpSamples(name, samplesOf(text, options.stepMs), options);
}

export function rollUpSamples(name: string, samples: Samples, options: Rollup): (number | null)[] {
  const entry = rangeFunctions.get(name);
  if (entry === undefined) throw new Error(`no function ${name}`);
  const evaluate: EvaluateWindow =
    options.slides === true && entry.slide !== undefined ? entry.slide() : entry.evaluate;
  const labels = seriesOf(`${options.name ?? "m_total"} 0`)[0]?.labels as Labels;
  const context = options.context ?? contextOf(1, rollupText(name));
  const window: RangeWindow = {
    ...samples,
    lo: 0,
    hi: 0,
    startMs: 0,
    endMs: 0,
    timeMs: 0,
    labels,
    context,
    call: callOf(rollupText(name)),
    hasValue: true,
  };
  let count = 0;
  const answers = options.timesMs.map((timeMs) => {
    window.timeMs = timeMs;
    window.endMs = timeMs - (options.offsetMs ?? 0);
    window.startMs = window.endMs - options.rangeMs;
    window.lo = samples.timestamps.filter((timestampMs) => timestampMs <= window.startMs).length;
    window.hi = samples.timestamps.filter((timestampMs) => timestampMs <= window.endMs).length;
    if (window.lo === window.hi) return null;
    window.hasValue = true;
    const value = evaluate(window, options.scalars ?? []);
    if (!window.hasValue) return null;
    count++;
    return value;
  });
  if (count > 0) entry.afterSeries?.(window);
  return answers;
}

/** The call a text is. */
export function callOf(text: string): PromCall {
  const call = parsePromql(text);
  if (call.kind !== "call") throw new Error(`want a call, got ${text}`);
  return call;
}
