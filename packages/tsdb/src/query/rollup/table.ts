/**
 * Every rollup function, one entry each. Reading an entry:
 *
 *   name: one(kernel, { … })     takes m[d]; `with…` entries say what else they take
 *   keepsName   the metric name stays (all others lose it unless keep_metric_names is written)
 *   previous    looks at the sample before the window, so 5 more minutes are read
 *   widens      a window that is not written grows to the scrape interval
 *   resets      the input is a counter: resets are removed first
 *
 * Unless the comment says otherwise an empty window gives no value and times are in seconds. Rules: VictoriaMetrics'
 * MetricsQL manual, "Rollup functions"; where manual and server differ, what the server does.
 */
import { InputError } from "../../base/errors.ts";
import * as quick from "./quick.ts";
import type { RollupKernel } from "./run.ts";
import * as slide from "./sliding.ts";
import type { RollupSpread } from "./spread.ts";
import { spreadHistogram, spreadQuantiles, spreadValues } from "./spread.ts";
import * as at from "./windows.ts";

/** `scalars`: at least one. `tag`: an optional string. `strings`: one, or several in a union. */
export type RollupArg = "series" | "scalar" | "scalars" | "string" | "strings" | "tag";

/** Arguments as evaluated, without the series; scalars are columns over the query's grid. */
export interface RollupArgs {
  readonly scalars: readonly Float64Array[];
  readonly strings: readonly string[];
}

export interface RollupFlags {
  readonly keepsName?: boolean;
  readonly previous?: boolean;
  readonly widens?: boolean;
  readonly resets?: boolean;
  /** Staleness markers stay among the samples, as NaN. */
  readonly markers?: boolean;
  /** Values are replaced by what happens between neighbours, after resets are removed. */
  readonly between?: "changes" | "rates" | "seconds";
}

export interface RollupOutput {
  readonly kernel: RollupKernel;
  /** The same for one point, where the kernel looks at whole windows: much work may then be divided. */
  readonly compute?: at.WindowFunction;
  /** Value of the `rollup` label; "" for none. */
  readonly tag: string;
}

export interface RollupPlan {
  readonly outputs: readonly RollupOutput[];
  readonly spread: RollupSpread | null;
  readonly resets: boolean;
}

export interface RollupEntry {
  readonly args: readonly RollupArg[];
  readonly flags: RollupFlags;
  /** @throws InputError 422 about an argument. */
  plan(args: RollupArgs): RollupPlan;
}

/** f(m[d]) */
function one(kernel: RollupKernel, flags: RollupFlags = {}): RollupEntry {
  return single({ kernel, tag: "" }, flags);
}

function single(output: RollupOutput, flags: RollupFlags): RollupEntry {
  const plan: RollupPlan = { outputs: [output], spread: null, resets: flags.resets === true };
  return { args: ["series"], flags, plan: () => plan };
}

function windowed(compute: at.WindowFunction, tag = ""): RollupOutput {
  return { kernel: at.eachWindow(compute), compute, tag };
}

/** f(m[d]) from a function of one window */
function each(compute: at.WindowFunction, flags: RollupFlags = {}): RollupEntry {
  return single(windowed(compute), flags);
}

/** With scalar arguments before or after the series. */
function withScalars(
  args: readonly RollupArg[],
  build: (...scalars: Float64Array[]) => at.WindowFunction,
  flags: RollupFlags = {},
): RollupEntry {
  return {
    args,
    flags,
    plan: ({ scalars }) => ({
      outputs: [windowed(build(...scalars))],
      spread: null,
      resets: flags.resets === true,
    }),
  };
}

/** With several output series named by what is found. */
function spreading(
  args: readonly RollupArg[],
  build: (args: RollupArgs) => RollupSpread,
  flags: RollupFlags = {},
): RollupEntry {
  return { args, flags, plan: (given) => ({ outputs: [], spread: build(given), resets: false }) };
}

const EXTREMES: readonly RollupOutput[] = [
  { kernel: quick.quickMin, tag: "min" },
  { kernel: quick.quickMax, tag: "max" },
  { kernel: quick.quickAverage, tag: "avg" },
];

/** The same over what happens between samples, which is NaN between two equal infinities and for a lone sample's distance. */
const EXTREMES_BETWEEN: readonly RollupOutput[] = [
  { kernel: withNaN(quick.quickMin, at.least), tag: "min" },
  { kernel: withNaN(quick.quickMax, at.most), tag: "max" },
  { kernel: withNaN(quick.quickAverage, at.mean), tag: "avg" },
];

/** Sliding kernels know no NaN: columns that have one are computed window by window. */
function withNaN(kernel: RollupKernel, compute: at.WindowFunction): RollupKernel {
  const careful = at.eachWindow(compute);
  return (run, out, from) => (hasNaN(run.values) ? careful : kernel)(run, out, from);
}

function hasNaN(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== values[i]) return true;
  return false;
}

/** f(m[d] [, "min" | "max" | "avg"]): three series labelled rollup, or the one asked for, without the label. */
function extremes(flags: RollupFlags): RollupEntry {
  const all = flags.between === undefined ? EXTREMES : EXTREMES_BETWEEN;
  return {
    args: ["series", "tag"],
    flags,
    plan: ({ strings }) => ({
      outputs: strings.length === 0 ? all : [{ ...pick(all, strings[0] as string), tag: "" }],
      spread: null,
      resets: flags.resets === true,
    }),
  };
}

const CANDLES: readonly RollupOutput[] = (["open", "close", "low", "high"] as const).map((part) =>
  windowed(at.candle(part), part),
);

function pick(outputs: readonly RollupOutput[], tag: string): RollupOutput {
  const found = outputs.find((output) => output.tag === tag);
  if (found === undefined)
    throw new InputError(
      `rollup: want ${outputs.map((o) => `"${o.tag}"`).join(", ")} as the last argument, got "${tag}"`,
      422,
    );
  return found;
}

const ENTRIES: Record<string, RollupEntry> = {
  /**
   * absent_over_time(m[d]): 1 at the points where no matching series has a sample in the window, nothing elsewhere. One
   * series, with the labels that the selector's `=` filters say.
   */
  absent_over_time: one(slide.slideAbsent),
  /**
   * aggr_over_time("f" | ("f", "g"), m[d]): rollups of one argument by name, each a series labelled `rollup="f"`. If
   * one of them removes counter resets, all get their samples that way.
   */
  aggr_over_time: {
    args: ["strings", "series"],
    flags: {},
    plan: ({ strings }) => planSeveral(strings),
  },
  /** ascent_over_time(m[d]): sum of all rises, from the previous sample on. Empty: 0 after a recent sample. */
  ascent_over_time: each(at.sumSteps(1), { previous: true }),
  /** avg_over_time(m[d]): mean of the samples, their sum by their number: infinite where the sum is. */
  avg_over_time: one(quick.quickAverage, { keepsName: true }),
  /**
   * changes(m[d]): how often the value changed, from the previous sample on; a series without a past changed by
   * appearing. Less than 10^-12 of the value is no change. Empty: 0 after a recent sample.
   */
  changes: each(at.changes, { previous: true }),
  /** changes_prometheus(m[d]): changes of value between the samples of the window, as Prometheus counts them. */
  changes_prometheus: each(at.innerChanges),
  /** count_eq_over_time(m[d], x): how many samples equal x. */
  count_eq_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "eq", x)),
  /** count_gt_over_time(m[d], x): how many samples are above x. */
  count_gt_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "gt", x)),
  /** count_le_over_time(m[d], x): how many samples are at most x. */
  count_le_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "le", x)),
  /** count_ne_over_time(m[d], x): how many samples differ from x. */
  count_ne_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "ne", x)),
  /** count_over_time(m[d]): how many samples. */
  count_over_time: one(slide.slideCount),
  /**
   * count_values_over_time("label", m[d]): a series for each different value, written in the label, that counts its
   * samples.
   */
  count_values_over_time: spreading(["string", "series"], ({ strings }) => spreadValues(strings[0] as string)),
  /**
   * decreases_over_time(m[d]): how often the value fell, from the previous sample on. Empty: 0 after a recent sample.
   */
  decreases_over_time: each(at.countSteps(-1), { previous: true }),
  /** default_rollup(m[d]): the last sample, nothing if that is a staleness marker. What a bare selector is. */
  default_rollup: one(quick.quickLast, { keepsName: true, previous: true, widens: true, markers: true }),
  /**
   * delta(m[d]): last value less the one the window starts from, which is the previous sample or any before. A new
   * series starts from 0 if its first value is small beside its first change, else from that value. No extrapolation.
   * Empty: 0 after a recent sample.
   */
  delta: one(quick.quickDelta, { previous: true }),
  /** delta_prometheus(m[d]): last sample less the first; nothing for fewer than two. No extrapolation. */
  delta_prometheus: each(at.innerDelta),
  /** deriv(m[d]): slope per second of the least-squares line through the samples; 0 for a single one. */
  deriv: each(at.deriv, { widens: true }),
  /**
   * deriv_fast(m[d]): slope per second from the previous sample, or else the first of the window, to the last. Nothing
   * for a lone sample; empty: 0 after a recent sample.
   */
  deriv_fast: one(quick.quickRate, { previous: true, widens: true }),
  /**
   * descent_over_time(m[d]): sum of all falls as a positive number, from the previous sample on. Empty: 0 after a
   * recent sample.
   */
  descent_over_time: each(at.sumSteps(-1), { previous: true }),
  /** distinct_over_time(m[d]): how many different values. */
  distinct_over_time: each(at.distinct),
  /**
   * duration_over_time(m[d], max): seconds covered by samples: distances between neighbours, those above `max` seconds
   * left out.
   */
  duration_over_time: withScalars(["series", "scalar"], at.durationOverTime),
  /** first_over_time(m[d]): the first sample. */
  first_over_time: one(quick.quickFirst, { keepsName: true }),
  /** geomean_over_time(m[d]): geometric mean, the n-th root of the product of n samples. */
  geomean_over_time: each(at.geometricMean, { keepsName: true }),
  /**
   * histogram_over_time(m[d]): how many samples fall into each `vmrange` bucket, a series for each that is not empty.
   * Negative samples fall into none.
   */
  histogram_over_time: spreading(["series"], spreadHistogram),
  /**
   * hoeffding_bound_lower(phi, m[d]): the mean less (max - min)·sqrt(ln(1/(1-phi))/2n): with probability phi the true
   * mean is above (Hoeffding's inequality). The mean itself for a single sample.
   */
  hoeffding_bound_lower: withScalars(["scalar", "series"], (phi) => at.hoeffdingBound(-1, phi), { keepsName: true }),
  /** hoeffding_bound_upper(phi, m[d]): the mean plus what hoeffding_bound_lower takes off it. */
  hoeffding_bound_upper: withScalars(["scalar", "series"], (phi) => at.hoeffdingBound(1, phi), { keepsName: true }),
  /**
   * holt_winters(m[d], sf, tf): last level of double exponential smoothing, begun at the previous sample, with factor
   * sf for the level and tf for the trend. Nothing if a factor is outside [0, 1].
   */
  holt_winters: withScalars(["series", "scalar", "scalar"], at.holtWinters, { keepsName: true }),
  /**
   * idelta(m[d]): last sample less the one before; a lone one less the previous, or itself if there is none. Empty: 0
   * after a recent sample.
   */
  idelta: each(at.idelta, { previous: true }),
  /** ideriv(m[d]): slope per second of the last two samples, of which one may be the previous; nothing for fewer. */
  ideriv: each(at.ideriv, { previous: true, widens: true }),
  /**
   * increase(m[d]): `delta` of a counter, resets removed over all that was read: growth since the previous sample,
   * whole numbers for whole counters. No extrapolation. Empty: 0 after a recent sample.
   */
  increase: one(quick.quickDelta, { previous: true, resets: true }),
  /**
   * increase_prometheus(m[d]): growth of a counter from the first sample of the window to its last; nothing for fewer
   * than two. No extrapolation.
   */
  increase_prometheus: each(at.innerDelta, { resets: true }),
  /**
   * increase_pure(m[d]): `increase` that takes every new counter to have started from 0, whatever its first value.
   * Empty: 0 after a recent sample.
   */
  increase_pure: one(quick.quickPureIncrease, { previous: true, resets: true }),
  /**
   * increases_over_time(m[d]): how often the value rose, from the previous sample on. Empty: 0 after a recent sample.
   */
  increases_over_time: each(at.countSteps(1), { previous: true }),
  /**
   * integrate(m[d]): area under the series in value·seconds, each value held until the next sample; nothing accrues
   * after a series' last one.
   */
  integrate: each(at.integrate, { previous: true }),
  /** irate(m[d]): `ideriv` of a counter: growth per second between the last two samples, resets removed. */
  irate: each(at.ideriv, { previous: true, widens: true, resets: true }),
  /** lag(m[d]): seconds from the last sample to the output time; from the previous sample if the window is empty. */
  lag: each(at.lag, { previous: true }),
  /** last_over_time(m[d]): the last sample, whatever staleness markers say. */
  last_over_time: one(quick.quickLast, { keepsName: true }),
  /**
   * lifetime(m[d]): seconds from the previous sample, or else the first of the window, to the last one; nothing for one
   * alone.
   */
  lifetime: each(at.lifetime, { previous: true }),
  /** mad_over_time(m[d]): median absolute deviation, the median of the distances from the median. */
  mad_over_time: each(at.medianAbsoluteDeviation),
  /** max_over_time(m[d]): the largest sample. */
  max_over_time: one(quick.quickMax, { keepsName: true }),
  /** median_over_time(m[d]): the median, half way between the middle two of an even number. */
  median_over_time: each(at.median, { keepsName: true }),
  /** min_over_time(m[d]): the smallest sample. */
  min_over_time: one(quick.quickMin, { keepsName: true }),
  /** mode_over_time(m[d]): the most frequent value, the previous sample counted too; the smallest of equals. */
  mode_over_time: each(at.mode, { keepsName: true }),
  /**
   * outlier_iqr_over_time(m[d]): the last sample if it lies more than 1.5 interquartile ranges outside the quartiles of
   * the window, else nothing. `iqr_over_time` in aggr_over_time.
   */
  outlier_iqr_over_time: each(at.interquartileOutlier),
  /**
   * predict_linear(m[d], s): where the least-squares line is s seconds after the output time; the value itself for a
   * single sample.
   */
  predict_linear: withScalars(["series", "scalar"], at.predictLinear, { keepsName: true }),
  /** present_over_time(m[d]): 1 where the window has samples. */
  present_over_time: one(slide.slidePresent),
  /**
   * quantile_over_time(phi, m[d]): phi-quantile, 0 ≤ phi ≤ 1, between two samples in proportion; -Inf below, +Inf
   * above.
   */
  quantile_over_time: withScalars(["scalar", "series"], at.quantileOverTime, { keepsName: true }),
  /**
   * quantiles_over_time("label", phi, …, m[d]): quantile_over_time of each phi, which stands in the label. Each phi is
   * read at the first point.
   */
  quantiles_over_time: spreading(
    ["string", "scalars", "series"],
    ({ strings, scalars }) =>
      spreadQuantiles(
        strings[0] as string,
        scalars.map((phi) => phi[0] as number),
      ),
    { keepsName: true },
  ),
  /** range_over_time(m[d]): largest less smallest sample. */
  range_over_time: each(at.range),
  /**
   * rate(m[d]): growth of a counter per second, resets removed, from the previous sample, or else the first of the
   * window, to its last; over the time between these two. No extrapolation. Nothing for a lone sample; empty: 0 after a
   * recent sample.
   */
  rate: one(quick.quickRate, { previous: true, widens: true, resets: true }),
  /** rate_over_sum(m[d]): sum of the samples by the seconds of the window: for values that are increments. */
  rate_over_sum: one(slide.slideRateOfSum, { widens: true }),
  /** rate_prometheus(m[d]): increase_prometheus by the seconds of the window. No extrapolation. */
  rate_prometheus: each(at.innerRate, { resets: true }),
  /** resets(m[d]): how often a counter fell, from the previous sample on. Empty: 0 after a recent sample. */
  resets: each(at.countSteps(-1), { previous: true }),
  /**
   * rollup(m[d] [, "min" | "max" | "avg"]): three series, labelled `rollup`, with the least, largest and mean sample;
   * only the one asked for, without the label, if one is.
   */
  rollup: extremes({ keepsName: true, previous: true, widens: true }),
  /**
   * rollup_candlestick(m[d] [, "open" | "close" | "low" | "high"]): four series, labelled `rollup`, or the one asked
   * for, label and all: of the samples of the step that begins at the output time. The previous sample opens if it is
   * no older than a window.
   */
  rollup_candlestick: {
    args: ["series", "tag"],
    flags: { keepsName: true, previous: true, widens: true },
    plan: ({ strings }) => ({
      outputs: strings.length === 0 ? CANDLES : [pick(CANDLES, strings[0] as string)],
      spread: null,
      resets: false,
    }),
  },
  /** rollup_delta(m[d] [, "min" | "max" | "avg"]): `rollup` of the differences between neighbouring samples. */
  rollup_delta: extremes({ previous: true, between: "changes" }),
  /** rollup_deriv(m[d] [, "min" | "max" | "avg"]): `rollup` of the slopes per second between neighbouring samples. */
  rollup_deriv: extremes({ previous: true, widens: true, between: "rates" }),
  /** rollup_increase(m[d] [, "min" | "max" | "avg"]): `rollup_delta` of a counter, resets removed. */
  rollup_increase: extremes({ previous: true, resets: true, between: "changes" }),
  /**
   * rollup_rate(m[d] [, "min" | "max" | "avg"]): `rollup_deriv` of a counter, resets removed: least, largest and mean
   * rate between neighbouring samples. Not a moving average.
   */
  rollup_rate: extremes({ previous: true, widens: true, resets: true, between: "rates" }),
  /** rollup_scrape_interval(m[d] [, "min" | "max" | "avg"]): `rollup` of the seconds between neighbouring samples. */
  rollup_scrape_interval: extremes({ previous: true, widens: true, between: "seconds" }),
  /** scrape_interval(m[d]): mean seconds between samples, the previous one included; nothing for one alone. */
  scrape_interval: each(at.scrapeInterval, { previous: true, widens: true }),
  /** share_eq_over_time(m[d], x): part of the samples that equals x, from 0 to 1. */
  share_eq_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("share", "eq", x)),
  /** share_gt_over_time(m[d], x): part of the samples above x. */
  share_gt_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("share", "gt", x)),
  /** share_le_over_time(m[d], x): part of the samples that is at most x. */
  share_le_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("share", "le", x)),
  /** stale_samples_over_time(m[d]): how many staleness markers; 0 if there are other samples only. */
  stale_samples_over_time: each(at.staleSamples, { markers: true }),
  /** stddev_over_time(m[d]): population standard deviation; 0 for a single sample. */
  stddev_over_time: one(slide.slideDeviation),
  /** stdvar_over_time(m[d]): population variance. */
  stdvar_over_time: one(slide.slideVariance),
  /** sum_eq_over_time(m[d], x): sum of the samples that equal x. */
  sum_eq_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("sum", "eq", x)),
  /** sum_gt_over_time(m[d], x): sum of the samples above x. */
  sum_gt_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("sum", "gt", x)),
  /** sum_le_over_time(m[d], x): sum of the samples that are at most x. */
  sum_le_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("sum", "le", x)),
  /** sum_over_time(m[d]): sum of the samples. */
  sum_over_time: one(quick.quickSum),
  /** sum2_over_time(m[d]): sum of the samples' squares. */
  sum2_over_time: one(slide.slideSquares),
  /** tfirst_over_time(m[d]): when the first sample was taken, seconds since 1970. */
  tfirst_over_time: each(at.firstTime),
  /** timestamp(m[d]): when the last sample was taken, seconds since 1970. */
  timestamp: each(at.lastTime, { widens: true }),
  /** timestamp_with_name(m[d]): tlast_over_time that keeps the name. */
  timestamp_with_name: each(at.lastTime, { keepsName: true }),
  /**
   * tlast_change_over_time(m[d]): when the value became what it is, seconds since 1970; nothing if it was so before the
   * window.
   */
  tlast_change_over_time: each(at.lastChangeTime, { previous: true }),
  /**
   * tlast_over_time(m[d]): when the last sample was taken, seconds since 1970. Unlike timestamp's, a window that is not
   * written is one step.
   */
  tlast_over_time: each(at.lastTime),
  /** tmax_over_time(m[d]): when the largest sample was taken, seconds since 1970; the last of equals. */
  tmax_over_time: each(at.extremeTime(1)),
  /** tmin_over_time(m[d]): when the smallest sample was taken, seconds since 1970; the last of equals. */
  tmin_over_time: each(at.extremeTime(-1)),
  /**
   * zscore_over_time(m[d]): distance of the last sample from the mean in standard deviations, 0 if equal; nothing when
   * the next sample is overdue.
   */
  zscore_over_time: each(at.zscore),
};

/** By lower-case name. A Map: names come from query texts. */
export const ROLLUPS: ReadonlyMap<string, RollupEntry> = new Map(Object.entries(ENTRIES));

function planSeveral(names: readonly string[]): RollupPlan {
  let resets = false;
  const outputs = names.map((name) => {
    const entry = ROLLUPS.get(name === "iqr_over_time" ? "outlier_iqr_over_time" : name);
    const plan = entry !== undefined && entry.args.length === 1 ? entry.plan({ scalars: [], strings: [] }) : null;
    if (plan === null || plan.outputs.length !== 1)
      throw new InputError(`aggr_over_time: want names of one-argument rollup functions, got "${name}"`, 422);
    resets ||= plan.resets;
    return { ...(plan.outputs[0] as RollupOutput), tag: name };
  });
  return { outputs, spread: null, resets };
}
