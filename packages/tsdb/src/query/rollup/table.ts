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
  const plan: RollupPlan = { outputs: [{ kernel, tag: "" }], spread: null, resets: flags.resets === true };
  return { args: ["series"], flags, plan: () => plan };
}

/** f(m[d]) from a function of one window */
function each(compute: at.WindowFunction, flags: RollupFlags = {}): RollupEntry {
  return one(at.eachWindow(compute), flags);
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
      outputs: [{ kernel: at.eachWindow(build(...scalars)), tag: "" }],
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
      outputs: strings.length === 0 ? all : [{ kernel: pick(all, strings[0] as string).kernel, tag: "" }],
      spread: null,
      resets: flags.resets === true,
    }),
  };
}

const CANDLES: readonly RollupOutput[] = (["open", "close", "low", "high"] as const).map((part) => ({
  kernel: at.eachWindow(at.candle(part)),
  tag: part,
}));

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
  /** 1 where no matching series has samples; labels from the selector's `=` filters. One series (see eval-rollup.ts). */
  absent_over_time: one(slide.slideAbsent),
  /** aggr_over_time("f" | ("f", "g"), m[d]): one-argument rollups by name, label rollup="f". If one of them wants resets removed, all get it so. */
  aggr_over_time: {
    args: ["strings", "series"],
    flags: {},
    plan: ({ strings }) => planSeveral(strings),
  },
  /** Σ of increases, from the previous sample on. */
  ascent_over_time: each(at.sumSteps(1), { previous: true }),
  avg_over_time: one(quick.quickAverage, { keepsName: true }),
  /** Changes of value; a series without a past changed by appearing. Empty: 0 after a recent sample. */
  changes: each(at.changes, { previous: true }),
  /** Changes inside the window only, as Prometheus counts. */
  changes_prometheus: each(at.innerChanges),
  /** count_eq_over_time(m[d], x): samples equal to x. */
  count_eq_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "eq", x)),
  count_gt_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "gt", x)),
  count_le_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "le", x)),
  count_ne_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("count", "ne", x)),
  count_over_time: one(slide.slideCount),
  /** count_values_over_time("label", m[d]): a series a distinct value. */
  count_values_over_time: spreading(["string", "series"], ({ strings }) => spreadValues(strings[0] as string)),
  /** Steps down. Empty: 0 after a recent sample. */
  decreases_over_time: each(at.countSteps(-1), { previous: true }),
  /** What a bare selector is: the last sample, nothing if that is a staleness marker. */
  default_rollup: one(quick.quickLast, { keepsName: true, previous: true, widens: true, markers: true }),
  /** Last value minus the value the window starts from; no extrapolation. Empty: 0 after a recent sample. */
  delta: one(quick.quickDelta, { previous: true }),
  /** Last minus first of two samples or more. */
  delta_prometheus: each(at.innerDelta),
  /** Least-squares slope per second; 0 for one sample. */
  deriv: each(at.deriv, { widens: true }),
  /** Slope per second from the value the window starts from to the last. Empty: 0 after a recent sample. */
  deriv_fast: one(quick.quickRate, { previous: true, widens: true }),
  /** Σ of decreases, from the previous sample on. */
  descent_over_time: each(at.sumSteps(-1), { previous: true }),
  /** Different values. */
  distinct_over_time: each(at.distinct),
  /** duration_over_time(m[d], max): seconds covered by samples at most max seconds apart. */
  duration_over_time: withScalars(["series", "scalar"], at.durationOverTime),
  first_over_time: one(quick.quickFirst, { keepsName: true }),
  geomean_over_time: each(at.geometricMean, { keepsName: true }),
  /** Samples by vmrange bucket. */
  histogram_over_time: spreading(["series"], spreadHistogram),
  /** hoeffding_bound_lower(phi, m[d]) */
  hoeffding_bound_lower: withScalars(["scalar", "series"], (phi) => at.hoeffdingBound(-1, phi), { keepsName: true }),
  hoeffding_bound_upper: withScalars(["scalar", "series"], (phi) => at.hoeffdingBound(1, phi), { keepsName: true }),
  /** holt_winters(m[d], sf, tf): nothing if a factor is outside [0, 1]. */
  holt_winters: withScalars(["series", "scalar", "scalar"], at.holtWinters, { keepsName: true }),
  /** Last value minus the one before. Empty: 0 after a recent sample. */
  idelta: each(at.idelta, { previous: true }),
  /** Slope per second of the last two samples. */
  ideriv: each(at.ideriv, { previous: true, widens: true }),
  /** Growth of a counter from the value the window starts from; no extrapolation. Empty: 0 after a recent sample. */
  increase: one(quick.quickDelta, { previous: true, resets: true }),
  increase_prometheus: each(at.innerDelta, { resets: true }),
  /** Like increase, and every new counter started from 0. */
  increase_pure: one(quick.quickPureIncrease, { previous: true, resets: true }),
  /** Steps up. Empty: 0 after a recent sample. */
  increases_over_time: each(at.countSteps(1), { previous: true }),
  /** Area under the series, value·seconds. */
  integrate: each(at.integrate, { previous: true }),
  /** Growth per second of a counter over its last two samples. */
  irate: each(at.ideriv, { previous: true, widens: true, resets: true }),
  /** Age of the last sample. */
  lag: each(at.lag, { previous: true }),
  last_over_time: one(quick.quickLast, { keepsName: true }),
  /** From the first to the last sample, the previous one included. */
  lifetime: each(at.lifetime, { previous: true }),
  /** Median absolute deviation. */
  mad_over_time: each(at.medianAbsoluteDeviation),
  max_over_time: one(quick.quickMax, { keepsName: true }),
  median_over_time: each(at.median, { keepsName: true }),
  min_over_time: one(quick.quickMin, { keepsName: true }),
  /** Most frequent value, the previous sample included; smallest of equals. */
  mode_over_time: each(at.mode, { keepsName: true }),
  /** Last value if outside the quartile fences. */
  outlier_iqr_over_time: each(at.interquartileOutlier),
  /** predict_linear(m[d], seconds): the least-squares line that long after the output time. */
  predict_linear: withScalars(["series", "scalar"], at.predictLinear, { keepsName: true }),
  /** 1 where there are samples. */
  present_over_time: one(slide.slidePresent),
  /** quantile_over_time(phi, m[d]): linear interpolation; ±Inf for phi outside [0, 1]. */
  quantile_over_time: withScalars(["scalar", "series"], at.quantileOverTime, { keepsName: true }),
  /** quantiles_over_time("label", phi…, m[d]): a series a phi, phis read at the first point. */
  quantiles_over_time: spreading(
    ["string", "scalars", "series"],
    ({ strings, scalars }) =>
      spreadQuantiles(
        strings[0] as string,
        scalars.map((phi) => phi[0] as number),
      ),
    { keepsName: true },
  ),
  /** max - min */
  range_over_time: each(at.range),
  /** Growth of a counter per second, from the value the window starts from to its last sample. Empty: 0 after a recent sample. */
  rate: one(quick.quickRate, { previous: true, widens: true, resets: true }),
  /** Σv / window. */
  rate_over_sum: one(slide.slideRateOfSum, { widens: true }),
  /** Last minus first of a counter, per second of window. */
  rate_prometheus: each(at.innerRate, { resets: true }),
  /** Steps down of a counter. Empty: 0 after a recent sample. */
  resets: each(at.countSteps(-1), { previous: true }),
  rollup: extremes({ keepsName: true, previous: true, widens: true }),
  /** rollup_candlestick(m[d] [, part]): open, close, low, high of the samples before T, evaluated one step ahead. */
  rollup_candlestick: {
    args: ["series", "tag"],
    flags: { keepsName: true, previous: true, widens: true },
    plan: ({ strings }) => ({
      outputs: strings.length === 0 ? CANDLES : [pick(CANDLES, strings[0] as string)],
      spread: null,
      resets: false,
    }),
  },
  rollup_delta: extremes({ previous: true, between: "changes" }),
  rollup_deriv: extremes({ previous: true, widens: true, between: "rates" }),
  rollup_increase: extremes({ previous: true, resets: true, between: "changes" }),
  rollup_rate: extremes({ previous: true, widens: true, resets: true, between: "rates" }),
  rollup_scrape_interval: extremes({ previous: true, widens: true, between: "seconds" }),
  /** Mean distance of samples. */
  scrape_interval: each(at.scrapeInterval, { previous: true, widens: true }),
  share_eq_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("share", "eq", x)),
  share_gt_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("share", "gt", x)),
  share_le_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("share", "le", x)),
  /** Staleness markers in the window; 0 when it has other samples only. */
  stale_samples_over_time: each(at.staleSamples, { markers: true }),
  /** Population standard deviation. */
  stddev_over_time: one(slide.slideDeviation),
  stdvar_over_time: one(slide.slideVariance),
  sum_eq_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("sum", "eq", x)),
  sum_gt_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("sum", "gt", x)),
  sum_le_over_time: withScalars(["series", "scalar"], (x) => at.compareOverTime("sum", "le", x)),
  sum_over_time: one(quick.quickSum),
  /** Σv² */
  sum2_over_time: one(slide.slideSquares),
  tfirst_over_time: each(at.firstTime),
  /** Time of the last sample. */
  timestamp: each(at.lastTime, { widens: true }),
  timestamp_with_name: each(at.lastTime, { keepsName: true }),
  /** Time at which the last value began; nothing if before the window. */
  tlast_change_over_time: each(at.lastChangeTime, { previous: true }),
  tlast_over_time: each(at.lastTime),
  /** Time of the last maximum. */
  tmax_over_time: each(at.extremeTime(1)),
  tmin_over_time: each(at.extremeTime(-1)),
  /** Standard deviations between last value and average; nothing when the series is overdue, 0 when equal. */
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
    return { kernel: (plan.outputs[0] as RollupOutput).kernel, tag: name };
  });
  return { outputs, spread: null, resets };
}
