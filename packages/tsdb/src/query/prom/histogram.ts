/**
 * The functions of classic histograms: series that differ in `le` alone are the buckets of one. The label goes, and the name with it.
 *
 * Those of native histograms are refused: such histograms are not stored.
 */
import { InputError } from "../../base/errors.ts";
import type { Labels } from "../../base/labels.ts";
import type { PromCall, PromExpr } from "../../promql/ast.ts";
import { labelsKey, withLabel } from "../label-edit.ts";
import { formatShort, readNumber } from "../number-text.ts";
import { sortPaced } from "../pace.ts";
import { inform, warn } from "./annotate.ts";
import { scalarOf, seriesOf, textOf } from "./arguments.ts";
import { Buckets, bucketFraction, bucketQuantile, MonotonicityFixes } from "./classic-buckets.ts";
import type { PromContext } from "./context.ts";
import { dropMetadata, mergeSameLabels } from "./label-sets.ts";
import { isLabelName, quote } from "./label-text.ts";
import { hasPoint, unite } from "./presence.ts";
import type { InstantFunction } from "./tables.ts";
import type { PromSeries } from "./value.ts";

export const histogramFunctions: ReadonlyMap<string, InstantFunction> = new Map<string, InstantFunction>([
  /**
   * histogram_quantile(φ, buckets): the value below which a share φ of the observations lies, in proportion within a bucket,
   * the first of which starts at 0 if its bound is positive. φ may change from point to point; outside 0 to 1 it gives
   * ±Inf and a warning. Nothing for a point without buckets, NaN for one without observations or without `le="+Inf"`.
   * Counts that fall from one bucket to the next are mended with an info; series without a number in `le` are left out
   * with a warning.
   */
  [
    "histogram_quantile",
    {
      args: ["scalar", "vector"],
      returns: "vector",
      evaluate: async (context, call, args) => ({
        kind: "vector",
        series: await quantiles(context, call, seriesOf(args, 1), 1, null, [{ at: 0, values: scalarOf(args, 0) }]),
      }),
    },
  ],
  /**
   * histogram_quantiles(buckets, "label", φ, …): histogram_quantile for up to ten φ at once, each in the label as OpenMetrics
   * writes it: `0.5`, `1.0`. Two equal φ, or a label the histograms are told apart by, are an error.
   */
  [
    "histogram_quantiles",
    {
      args: ["vector", "string", "scalar"],
      optional: -1,
      returns: "vector",
      evaluate: async (context, call, args) => {
        const label = textOf(args, 1);
        if (!isLabelName(label)) throw new InputError(`invalid label name ${quote(label)}`, 422);
        const phis = args.slice(2).map((_, i) => ({ at: i + 2, values: scalarOf(args, i + 2) }));
        return { kind: "vector", series: await quantiles(context, call, seriesOf(args, 0), 0, label, phis) };
      },
    },
  ],
  /**
   * histogram_fraction(lower, upper, buckets): the share of the observations between two values, in proportion within a
   * bucket. Nothing for a point without buckets, NaN for one without observations, without `le="+Inf"` or with a NaN
   * limit.
   */
  [
    "histogram_fraction",
    {
      args: ["scalar", "scalar", "vector"],
      returns: "vector",
      evaluate: async (context, call, args) => ({
        kind: "vector",
        series: await fractions(context, call, scalarOf(args, 0), scalarOf(args, 1), seriesOf(args, 2)),
      }),
    },
  ],
  /** histogram_avg(h): refused, as it takes native histograms, which are not stored. Write `m_sum / m_count`. */
  ["histogram_avg", refused("histogram_avg")],
  /** histogram_count(h): refused likewise. Of a classic histogram: `m_count`. */
  ["histogram_count", refused("histogram_count")],
  /** histogram_sum(h): refused likewise. Of a classic histogram: `m_sum`. */
  ["histogram_sum", refused("histogram_sum")],
  /** histogram_stddev(h): refused likewise. MetricsQL's takes classic buckets. */
  ["histogram_stddev", refused("histogram_stddev")],
  /** histogram_stdvar(h): refused likewise. MetricsQL's takes classic buckets. */
  ["histogram_stdvar", refused("histogram_stdvar")],
]);

function refused(name: string): InstantFunction {
  const evaluate = (): never => {
    throw new InputError(`${name}: takes native histograms, which are not supported`, 422);
  };
  return { args: ["vector"], returns: "vector", evaluate };
}

/** One of the φ of a call: its place among the arguments, and a value a point. */
interface Phi {
  readonly at: number;
  readonly values: Float64Array;
}

async function quantiles(
  context: PromContext,
  call: PromCall,
  series: readonly PromSeries[],
  bucketsAt: number,
  label: string | null,
  phis: readonly Phi[],
): Promise<PromSeries[]> {
  for (const { at, values } of phis) {
    for (let k = 0; k < values.length; k++) {
      if ((values[k] >= 0 && values[k] <= 1) || (k > 0 && Object.is(values[k], values[k - 1]))) continue;
      const message = `quantile value should be between 0 and 1, got ${formatShort(values[k])}`;
      warn(context, message, (call.args[at] as PromExpr).pos);
    }
  }
  const { pos } = call.args[bucketsAt] as PromExpr;
  const texts = label === null ? null : phis.map(({ values }) => textsOf(values));
  const results: PromSeries[] = [];
  const fixesByName = new Map<string, MonotonicityFixes>();
  for (const histogram of await histogramsOf(context, series, pos)) {
    const fixes = fixesByName.get(histogram.name) ?? new MonotonicityFixes();
    fixesByName.set(histogram.name, fixes);
    const made = new Results(context, histogram.labels, label, results);
    await forEachPoint(context, histogram, (k, buckets, timeMs) => {
      for (let i = 0; i < phis.length; i++) {
        const value = bucketQuantile(phis[i].values[k], buckets, fixes, timeMs);
        made.set(i, texts === null ? "" : texts[i][k], k, value);
      }
    });
  }
  for (const [name, fixes] of fixesByName) if (fixes.count > 0) inform(context, describe(fixes, name), pos);
  return await mergeSameLabels(context.grid.run, results);
}

/** The series of one histogram's answers: one for each φ, or several if it changes and goes into a label. */
class Results {
  readonly #context: PromContext;
  readonly #labels: Labels;
  readonly #label: string | null;
  readonly #all: PromSeries[];
  readonly #byText: Map<string, { values: Float64Array; present: Uint8Array }>[] = [];

  constructor(context: PromContext, labels: Labels, label: string | null, all: PromSeries[]) {
    this.#context = context;
    this.#labels = labels;
    this.#label = label;
    this.#all = all;
  }

  set(phi: number, text: string, k: number, value: number): void {
    const byText = this.#byText[phi] ?? (this.#byText[phi] = new Map());
    let series = byText.get(text);
    if (series === undefined) {
      const { run, points } = this.#context.grid;
      run.reserveColumns(this.#all.length + 1, points);
      const labels = this.#label === null ? this.#labels : withLabel(this.#labels, this.#label, text);
      series = { values: new Float64Array(points), present: new Uint8Array(points) };
      byText.set(text, series);
      this.#all.push({ labels, ...series });
    }
    series.values[k] = value;
    series.present[k] = 1;
  }
}

async function fractions(
  context: PromContext,
  call: PromCall,
  lowers: Float64Array,
  uppers: Float64Array,
  series: readonly PromSeries[],
): Promise<PromSeries[]> {
  const results: PromSeries[] = [];
  for (const histogram of await histogramsOf(context, series, (call.args[2] as PromExpr).pos)) {
    const values = new Float64Array(context.grid.points);
    await forEachPoint(context, histogram, (k, buckets) => {
      values[k] = bucketFraction(lowers[k], uppers[k], buckets);
    });
    const present = unite(histogram.buckets, values.length);
    results.push({ labels: histogram.labels, values, present: present === null ? null : present.slice() });
  }
  return await mergeSameLabels(context.grid.run, results);
}

interface Histogram {
  /** The metric's name, for annotations. */
  readonly name: string;
  /** Of the answer. */
  readonly labels: Labels;
  /** By bound, ascending; several may have the same, written differently. */
  readonly buckets: Bucket[];
}

interface Bucket extends PromSeries {
  readonly bound: number;
}

async function histogramsOf(context: PromContext, series: readonly PromSeries[], pos: number): Promise<Histogram[]> {
  const { run } = context.grid;
  const histograms = new Map<string, Histogram>();
  for (const { labels, values, present } of series) {
    if (run.isDue()) await run.breathe();
    const le = labels.get("le");
    const bound = readNumber(le);
    if (bound !== bound) {
      if (!hasPoint(present)) continue;
      const metric = labels.name === "" ? "" : ` for metric name ${quote(labels.name)}`;
      warn(context, `bucket label "le" is missing or has a malformed value of ${quote(le)}${metric}`, pos);
      continue;
    }
    const rest = withLabel(labels, "le", "");
    const key = labelsKey(rest);
    let histogram = histograms.get(key);
    if (histogram === undefined) {
      histogram = { name: labels.name, labels: dropMetadata(rest), buckets: [] };
      histograms.set(key, histogram);
    }
    histogram.buckets.push({ bound, labels, values, present });
  }
  const list = [...histograms.values()];
  // Infinite bounds are equal, not NaN apart.
  for (const { buckets } of list) {
    await sortPaced(run, buckets, (a, b) => (a.bound === b.bound ? 0 : a.bound - b.bound));
    if (run.isDue()) await run.breathe();
  }
  return list;
}

/** Calls back for each point at which some bucket has a value. */
async function forEachPoint(
  context: PromContext,
  histogram: Histogram,
  visit: (k: number, buckets: Buckets, timeMs: number) => void,
): Promise<void> {
  const { run } = context.grid;
  const scratch = new Buckets(histogram.buckets.length);
  const timestamps = context.grid.timestamps();
  for (let k = 0; k < timestamps.length; k++) {
    scratch.size = 0;
    for (const { bound, values, present } of histogram.buckets) {
      if (present === null || present[k] === 1) scratch.add(bound, values[k]);
    }
    if (scratch.size > 0) visit(k, scratch, timestamps[k]);
    if (run.isDue()) await run.breathe();
  }
}

/** As OpenMetrics writes floats: with a point or an exponent in any case. */
function textsOf(phis: Float64Array): string[] {
  const texts: string[] = new Array(phis.length);
  for (let k = 0; k < phis.length; k++) {
    if (k > 0 && Object.is(phis[k], phis[k - 1])) {
      texts[k] = texts[k - 1];
      continue;
    }
    const text = formatShort(phis[k] === 0 ? 0 : phis[k]);
    texts[k] = Number.isFinite(phis[k]) && !text.includes(".") && !text.includes("e") ? `${text}.0` : text;
  }
  return texts;
}

function describe(fixes: MonotonicityFixes, name: string): string {
  const metric = name === "" ? "" : ` for metric name ${quote(name)}`;
  return (
    "input to histogram_quantile needed to be fixed for monotonicity (see " +
    `https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)${metric}, from buckets ` +
    `${formatShort(fixes.leastBound)} to ${formatShort(fixes.greatestBound)}, with a max diff of ` +
    `${formatTwoDigits(fixes.greatestDrop)}, over ${fixes.count} samples from ${timeText(fixes.firstMs)} to ${timeText(fixes.lastMs)}`
  );
}

/** `%.2g` */
function formatTwoDigits(value: number): string {
  const rounded = Number(value.toPrecision(2));
  if (!(Math.abs(rounded) >= 100 && rounded < Infinity)) return formatShort(rounded);
  const [mantissa, exponent] = rounded.toExponential().split("e+") as [string, string];
  return `${mantissa}e+${exponent.padStart(2, "0")}`;
}

/** RFC 3339, whole seconds. */
function timeText(timeMs: number): string {
  const date = new Date(Math.trunc(timeMs / 1000) * 1000);
  return Number.isNaN(date.getTime()) ? `${timeMs}` : date.toISOString().replace(".000Z", "Z");
}
