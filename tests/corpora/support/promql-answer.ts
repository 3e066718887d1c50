/** What a query answered, wherever it was asked, and whether that is what a script wants. */
import type { Eval, Wanted } from "./promql-script.ts";
import type { LabelPair, NotedSeries } from "./series-notation.ts";

export interface AnswerSeries {
  readonly labels: readonly LabelPair[];
  /** ms */
  readonly timestamps: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export interface Answer {
  readonly kind: "scalar" | "string" | "vector" | "matrix";
  /** Of a string. */
  readonly text: string;
  /** A scalar is one series without labels. */
  readonly series: readonly AnswerSeries[];
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** What differs first, or null. */
export function compareAnswer(wanted: Eval, got: Answer): string | null {
  return compareResult(wanted, got) ?? compareAnnotations(wanted, got);
}

export function compareResult(wanted: Eval, got: Answer): string | null {
  const { answer } = wanted;
  if (got.kind === "matrix" && wanted.isRange) {
    const unsorted = findUnsorted(got.series);
    if (unsorted !== null) return unsorted;
  }
  if (answer.kind === "string") {
    return got.kind === "string" && got.text === answer.text
      ? null
      : `want the string ${JSON.stringify(answer.text)}, got ${describe(got)}`;
  }
  if (answer.kind === "scalar") {
    const value = got.series[0]?.values[0];
    return got.kind === "scalar" && value !== undefined && isClose(value, answer.value)
      ? null
      : `want the scalar ${answer.value}, got ${describe(got)}`;
  }
  const kind = answer.kind === "raw" || wanted.isRange ? "matrix" : "vector";
  if (got.kind !== kind) return `want a ${kind}, got ${describe(got)}`;
  const times = answer.kind === "raw" ? answer : wanted;
  return compareSeries(wanted, got.series, answer.series, (step) => times.startMs + step * times.stepMs);
}

function compareSeries(
  { isOrdered }: Eval,
  got: readonly AnswerSeries[],
  wanted: readonly NotedSeries[],
  timeOf: (step: number) => number,
): string | null {
  const byLabels = new Map(got.map((series, position) => [labelsKey(series.labels), { series, position }]));
  if (byLabels.size !== got.length) return "the same labels twice";
  for (const [position, { labels, steps }] of wanted.entries()) {
    const key = labelsKey(labels);
    const found = byLabels.get(key);
    if (found === undefined) return `no series ${showLabels(labels)}, got ${showSeries(got)}`;
    byLabels.delete(key);
    if (isOrdered && found.position !== position) {
      return `${showLabels(labels)}: want it at place ${position}, got ${found.position}`;
    }
    const problem = comparePoints(found.series, steps, timeOf);
    if (problem !== null) return `${showLabels(labels)}: ${problem}`;
  }
  return byLabels.size === 0 ? null : `too many: ${showSeries([...byLabels.values()].map(({ series }) => series))}`;
}

function comparePoints(
  { timestamps, values }: AnswerSeries,
  steps: NotedSeries["steps"],
  timeOf: (step: number) => number,
): string | null {
  let at = 0;
  for (const [k, step] of steps.entries()) {
    if (step === "gap") continue;
    if (typeof step !== "number") return `want a ${step} point at ${timeOf(k)} ms`;
    const got = timestamps[at] === timeOf(k) ? (values[at] as number) : undefined;
    if (got === undefined) return `want ${step} at ${timeOf(k)} ms, got ${showPoints(timestamps, values)}`;
    if (!isClose(got, step)) return `want ${step} at ${timeOf(k)} ms, got ${got}`;
    at++;
  }
  return at === values.length ? null : `want ${at} points, got ${showPoints(timestamps, values)}`;
}

/** Prometheus' own rule: relative to the sum of both, and exact beside a zero. */
function isClose(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (a === 0 || b === 0) return Math.abs(a - b) < 1e-300;
  return Math.abs(a - b) / Math.min(Math.abs(a) + Math.abs(b), Number.MAX_VALUE) < 1e-6;
}

/** Every wanted text must be among those that came, and none else may. */
function compareAnnotations(wanted: Eval, got: Answer): string | null {
  return (
    compareTexts("warning", wanted.warnings, wanted.wantsNoWarnings, got.warnings) ??
    compareTexts("info", wanted.infos, wanted.wantsNoInfos, got.infos)
  );
}

function compareTexts(
  kind: string,
  wanted: readonly Wanted[],
  wantsNone: boolean,
  got: readonly string[],
): string | null {
  if (wantsNone && got.length > 0) return `want no ${kind}, got ${JSON.stringify(got)}`;
  for (const one of wanted) {
    if (!got.some((text) => isWanted(one, text))) return `want a ${kind} ${show(one)}, got ${JSON.stringify(got)}`;
  }
  const other = wanted.length === 0 ? undefined : got.find((text) => !wanted.some((one) => isWanted(one, text)));
  return other === undefined ? null : `${kind} that nobody wants: ${other}`;
}

export function isWanted(wanted: Wanted, text: string): boolean {
  if (wanted.kind === "any") return true;
  return wanted.kind === "text" ? text === wanted.text : wanted.regex.test(text);
}

export function show(wanted: Wanted): string {
  return wanted.kind === "any" ? "of any text" : wanted.kind === "text" ? wanted.text : `${wanted.regex}`;
}

function describe(got: Answer): string {
  if (got.kind === "string") return `the string ${JSON.stringify(got.text)}`;
  if (got.kind === "scalar") return `the scalar ${got.series[0]?.values[0]}`;
  return `a ${got.kind} of ${showSeries(got.series)}`;
}

function showSeries(list: readonly AnswerSeries[]): string {
  const shown = list
    .slice(0, 3)
    .map(({ labels, timestamps, values }) => `${showLabels(labels)} ${showPoints(timestamps, values)}`);
  return list.length === 0 ? "no series" : `${list.length} series: ${shown.join(", ")}`;
}

function showPoints(timestamps: ArrayLike<number>, values: ArrayLike<number>): string {
  const shown = Array.from({ length: Math.min(values.length, 6) }, (_, i) => `${values[i]} @${timestamps[i]}`);
  return `[${shown.join(" ")}${values.length > 6 ? " …" : ""}]`;
}

/** The same for equal label sets in any order. */
export function labelsKey(labels: readonly LabelPair[]): string {
  return JSON.stringify(labels.filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : 1)));
}

function showLabels(labels: readonly LabelPair[]): string {
  return `{${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}`;
}

/** Range answers come by labels: names and values pair by pair in the order of names, `__name__` one of them. */
function findUnsorted(list: readonly AnswerSeries[]): string | null {
  const keys = list.map(({ labels }) => [...labels].sort(([a], [b]) => (a < b ? -1 : 1)).flat());
  for (let i = 1; i < keys.length; i++) {
    const [before, after] = [keys[i - 1] as string[], keys[i] as string[]];
    const at = before.findIndex((text, k) => text !== after[k]);
    if (at >= 0 && (after[at] === undefined || (before[at] as string) > after[at])) {
      return `not in order: ${before.join()} before ${after.join()}`;
    }
  }
  return null;
}
