/**
 * Vectors as text, for tests of what works on evaluated operands:
 *
 *   vector(`a{x="1"} 1 _ NaN`)       `_` for no value
 *   show(series)                     ['a{x="1"} 1 _ NaN']
 */
import { Labels } from "../../../base/labels.ts";
import { formatFloat } from "../../../base/number-format.ts";
import { EvalContext, QueryRun } from "../../context.ts";
import { DEFAULT_LIMITS, type QueryLimits } from "../../limits.ts";
import { MemorySource } from "../../testing/memory-source.ts";
import type { PromContext } from "../context.ts";
import { Annotations, type PromSeries, type PromValue } from "../value.ts";

/** A grid of so many points, one minute apart, from 0. `text` is the query that places refer to. */
export function contextOf(points: number, text = "", limits: Partial<QueryLimits> = {}): PromContext {
  const run = new QueryRun({
    source: new MemorySource(),
    tenant: { accountId: 0, projectId: 0 },
    limits: { ...DEFAULT_LIMITS, ...limits },
    lookbackMs: 0,
    nowMs: 0,
    text,
    extraFilters: null,
    signal: null,
  });
  const endMs = (points - 1) * 60_000;
  return {
    grid: new EvalContext(run, 0, endMs, 60_000),
    annotations: new Annotations(),
    lookbackMs: 300_000,
    queryStartMs: 0,
    queryEndMs: endMs,
    queryStepMs: 60_000,
    subqueryStepMs: 60_000,
    samples: null,
  };
}

/** One series a line. */
export function seriesOf(text: string): PromSeries[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map(readSeries);
}

export function vectorOf(text: string): PromValue {
  return { kind: "vector", series: seriesOf(text) };
}

export function scalarOf(...values: number[]): PromValue {
  return { kind: "scalar", values: Float64Array.from(values) };
}

export function stringOf(value: string): PromValue {
  return { kind: "string", value };
}

/** Lines in the order of the series, numbers rounded to 12 digits. */
export function show(series: readonly PromSeries[]): string[] {
  return series.map(({ labels, values, present }) => {
    const points = [...values].map((value, k) => (present !== null && present[k] === 0 ? "_" : showNumber(value)));
    return `${labels} ${points.join(" ")}`;
  });
}

export function showValue(value: PromValue): string[] {
  if (value.kind === "vector") return show(value.series);
  return value.kind === "string" ? [value.value] : [[...value.values].map(showNumber).join(" ")];
}

function showNumber(value: number): string {
  return formatFloat(Number.isFinite(value) ? Number(value.toPrecision(12)) : value);
}

function readSeries(line: string): PromSeries {
  const match = /^(\w*)(?:\{(.*)\})?\s+(.*)$/.exec(line);
  if (match === null) throw new Error(`want "name{label="value"} points", got ${line}`);
  const [, name, list, samples] = match as unknown as [string, string, string | undefined, string];
  const labels: [string, string][] = [["__name__", name]];
  for (const [, label, value] of (list ?? "").matchAll(/(\w+)="([^"]*)"/g))
    labels.push([label as string, value as string]);
  const points = samples.split(" ");
  const present = Uint8Array.from(points, (point) => (point === "_" ? 0 : 1));
  return {
    labels: Labels.from(labels),
    values: Float64Array.from(points, (point) => (point === "_" ? 42 : Number(point.replace("Inf", "Infinity")))),
    present: present.includes(0) ? present : null,
  };
}
