/**
 * MetricsQL's rollups as their rules read: one window, one line or a few, nothing shared between windows. What the tables and kernels of
 * this folder compute must be what this file says; it is the specification that tests hold them to (rules.test.ts, sliding.test.ts).
 *
 *   samples  ·  ·   ·    ·  ·   ·  ·      ·
 *               │        └── v, t ─┘      └ next
 *               └ before  (now - window, now]
 */
import { formatShort } from "../number-text.ts";
import { VMRANGES, vmrangeIndex } from "../vmrange.ts";

export interface Sample {
  readonly v: number;
  readonly ms: number;
}

/** One window of one series, as a rule sees it. */
export interface Window {
  readonly v: readonly number[];
  /** Milliseconds. */
  readonly t: readonly number[];
  /** The sample before the window, if it is recent and the series goes on: the value the window starts from. */
  readonly previous: Sample | null;
  /** The sample before the window, however old. */
  readonly realPrevious: Sample | null;
  /** The first sample after the window of those that were read. */
  readonly next: Sample | null;
  readonly nowMs: number;
  readonly windowMs: number;
}

/** `x` and `y` are the scalar arguments. NaN for no value. */
export type Rule = (w: Window, x: number, y: number) => number;

// ---- Small words ----

const isEmpty = (w: Window): boolean => w.v.length === 0;
const first = <T>(list: readonly T[]): T => list[0] as T;
const last = <T>(list: readonly T[]): T => list[list.length - 1] as T;
const sum = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0);
const mean = (v: readonly number[]): number => sum(v) / v.length;
const sorted = (v: readonly number[]): number[] => [...v].sort((a, b) => a - b || 0);
const seconds = (ms: number): number => ms / 1000;

/** Nothing for an empty window. */
const filled =
  (rule: Rule): Rule =>
  (w, x, y) =>
    isEmpty(w) ? NaN : rule(w, x, y);

/** 0 for an empty window of a series that goes on: nothing changed. */
const heldFlat =
  (rule: Rule): Rule =>
  (w, x, y) =>
    isEmpty(w) ? (w.previous === null ? NaN : 0) : rule(w, x, y);

/** Values of the window behind the one it starts from. */
const valuesFrom = (w: Window): number[] => (w.previous === null ? [...w.v] : [w.previous.v, ...w.v]);
const timesFrom = (w: Window): number[] => (w.previous === null ? [...w.t] : [w.previous.ms, ...w.t]);

/** Differences of neighbours. */
const steps = (v: readonly number[]): number[] => v.slice(1).map((x, i) => x - (v[i] as number));

/** Linear between the two values around rank phi·(n-1). */
export function quantile(phi: number, v: readonly number[]): number {
  if (v.length === 0 || Number.isNaN(phi)) return NaN;
  if (phi < 0 || phi > 1) return phi < 0 ? -Infinity : Infinity;
  const rank = phi * (v.length - 1);
  const below = Math.floor(rank);
  const [a, b] = [sorted(v)[below] as number, sorted(v)[Math.min(below + 1, v.length - 1)] as number];
  return a * (1 - (rank - below)) + b * (rank - below);
}

function variance(v: readonly number[]): number {
  return v.length === 1 ? 0 : mean(v.map((x) => (x - mean(v)) ** 2));
}

/** A difference of less than 10⁻¹² of the value is decimal noise. */
const isNoise = (change: number, v: number): boolean => Math.abs(change) < 1e-12 * Math.abs(v);

/** How often the value left the one that was last counted. */
function countChanges(v: readonly number[]): number {
  let [count, current] = [0, first(v)];
  for (const x of v.slice(1)) {
    if (x === current || isNoise(x - current, x)) continue;
    [count, current] = [count + 1, x];
  }
  return count;
}

const countSteps = (sign: number, v: readonly number[]): number =>
  steps(v).filter((step, i) => step * sign > 0 && !isNoise(step, v[i + 1] as number)).length;

const isConstant = (v: readonly number[]): boolean => v.every((x) => x === v[0]);

/** Least squares over seconds from now: slope, and the value at now. */
function line(w: Window): { slope: number; atNow: number } {
  if (isConstant(w.v)) return { slope: 0, atNow: first(w.v) };
  const t = w.t.map((ms) => seconds(ms - w.nowMs));
  const spread = sum(t.map((x) => (x - mean(t)) ** 2));
  const slope = spread < 1e-6 ? 0 : sum(t.map((x, i) => (x - mean(t)) * ((w.v[i] as number) - mean(w.v)))) / spread;
  return { slope, atNow: mean(w.v) - slope * mean(t) };
}

/** Longest run of equal values in `v`; of equally long ones the first. */
function longestRun(v: readonly number[]): number {
  let [best, bestLength, length] = [NaN, 0, 0];
  v.forEach((x, i) => {
    length = i > 0 && x === v[i - 1] ? length + 1 : 1;
    if (length > bestLength) [best, bestLength] = [x, length];
  });
  return best;
}

/** Mean ± range·√(ln(1/(1-φ)) / 2n). */
const hoeffding =
  (sign: number): Rule =>
  (w, phi) => {
    const range = Math.max(...w.v) - Math.min(...w.v);
    if (isEmpty(w) || w.v.length === 1 || range <= 0 || phi <= 0) return mean(w.v);
    if (phi >= 1) return sign * Infinity;
    return mean(w.v) + sign * range * Math.sqrt(Math.log(1 / (1 - phi)) / (2 * w.v.length));
  };

/** Change per second from the value the window starts from, or else its first sample, to its last. */
const rate: Rule = heldFlat((w) => {
  const [v, t] = [valuesFrom(w), timesFrom(w)];
  return v.length < 2 ? NaN : (last(v) - first(v)) / seconds(last(t) - first(t));
});

/** The same over the last two samples. */
const lastSlope: Rule = filled((w) => {
  const [v, t] = [valuesFrom(w), timesFrom(w)];
  return v.length < 2 ? NaN : (last(v) - (v.at(-2) as number)) / seconds(last(t) - (t.at(-2) as number));
});

/**
 * From the value the window starts from to its last. A series that begins in the window started from 0 if its first value is small beside
 * its next step, else it was there before anybody looked.
 */
const delta: Rule = heldFlat((w) => {
  const base = w.previous ?? w.realPrevious;
  if (base !== null) return last(w.v) - base.v;
  const [v0, v1] = [first(w.v), w.v.length > 1 ? w.v[1] : w.next?.v];
  const step = v1 === undefined ? 0 : v1 - v0;
  if (Math.abs(v0) < 10 * (Math.abs(step) + 1)) return last(w.v);
  return w.v.length === 1 ? 0 : last(w.v) - v0;
});

const innerDelta: Rule = (w) => (w.v.length < 2 ? NaN : last(w.v) - first(w.v));

/** count_, share_ and sum_…_over_time over the samples that pass. */
const passing = (
  passes: (v: number, x: number) => boolean,
  answer: (v: readonly number[], of: number) => number,
): Rule =>
  filled((w, x) =>
    answer(
      w.v.filter((v) => passes(v, x)),
      w.v.length,
    ),
  );
const [eq, ne, gt, le] = [
  (v: number, x: number) => v === x,
  (v: number, x: number) => v !== x,
  (v: number, x: number) => v > x,
  (v: number, x: number) => v <= x,
];
const count = (v: readonly number[]): number => v.length;
const share = (v: readonly number[], of: number): number => v.length / of;

const meanDistance: Rule = filled((w) => {
  const t = timesFrom(w);
  return t.length < 2 ? NaN : seconds(last(t) - first(t)) / (t.length - 1);
});

const lag: Rule = (w) => (timesFrom(w).length === 0 ? NaN : seconds(w.nowMs - last(timesFrom(w))));

/** By name; the rules of rollups with one output. Counters come without their resets. */
export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["absent_over_time", (w) => (isEmpty(w) ? 1 : NaN)],
  ["ascent_over_time", (w) => (timesFrom(w).length === 0 ? NaN : sum(steps(valuesFrom(w)).filter((step) => step > 0)))],
  ["avg_over_time", (w) => mean(w.v)],
  [
    "changes",
    (w) => {
      const base = w.previous ?? (isEmpty(w) ? null : w.realPrevious);
      if (base !== null) return countChanges([base.v, ...w.v]);
      return isEmpty(w) ? NaN : 1 + countChanges(w.v);
    },
  ],
  ["changes_prometheus", filled((w) => countChanges(w.v))],
  ["count_eq_over_time", passing(eq, count)],
  ["count_gt_over_time", passing(gt, count)],
  ["count_le_over_time", passing(le, count)],
  ["count_ne_over_time", passing(ne, count)],
  ["count_over_time", filled((w) => w.v.length)],
  ["decreases_over_time", heldFlat((w) => countSteps(-1, valuesFrom(w)))],
  ["default_rollup", filled((w) => last(w.v))],
  ["delta", delta],
  ["delta_prometheus", innerDelta],
  ["deriv", filled((w) => line(w).slope)],
  ["deriv_fast", rate],
  [
    "descent_over_time",
    (w) => (timesFrom(w).length === 0 ? NaN : -sum(steps(valuesFrom(w)).filter((step) => step < 0))),
  ],
  ["distinct_over_time", filled((w) => new Set(w.v).size)],
  [
    "duration_over_time",
    filled((w, x) => seconds(sum(steps(w.t).filter((distanceMs) => distanceMs <= Math.trunc(x * 1000))))),
  ],
  ["first_over_time", filled((w) => first(w.v))],
  ["geomean_over_time", filled((w) => w.v.reduce((a, b) => a * b, 1) ** (1 / w.v.length))],
  ["hoeffding_bound_lower", hoeffding(-1)],
  ["hoeffding_bound_upper", hoeffding(1)],
  [
    "holt_winters",
    filled((w, sf, tf) => {
      if (sf < 0 || sf > 1 || tf < 0 || tf > 1) return NaN;
      const v = valuesFrom(w);
      let [level, trend] = [first(v), v.length > 1 ? (v[1] as number) - first(v) : 0];
      for (const x of v.slice(1)) {
        const next = sf * x + (1 - sf) * (level + trend);
        [level, trend] = [next, tf * (next - level) + (1 - tf) * trend];
      }
      return level;
    }),
  ],
  ["idelta", heldFlat((w) => last(w.v) - (valuesFrom(w).at(-2) ?? 0))],
  ["ideriv", lastSlope],
  ["increase", delta],
  ["increase_prometheus", innerDelta],
  ["increase_pure", heldFlat((w) => last(w.v) - ((w.previous ?? w.realPrevious)?.v ?? 0))],
  ["increases_over_time", heldFlat((w) => countSteps(1, valuesFrom(w)))],
  [
    // Each value holds until the next sample; the one the window starts from holds from its start, the last one to now if the series goes on.
    "integrate",
    (w) => {
      const v = valuesFrom(w);
      if (v.length === 0) return NaN;
      const t = w.previous === null ? [...w.t] : [w.nowMs - w.windowMs, ...w.t];
      if (w.next !== null) t.push(w.nowMs);
      return sum(t.slice(1).map((ms, i) => (v[i] as number) * seconds(ms - (t[i] as number))));
    },
  ],
  ["irate", lastSlope],
  ["lag", lag],
  ["last_over_time", filled((w) => last(w.v))],
  ["lifetime", filled((w) => (timesFrom(w).length < 2 ? NaN : seconds(last(w.t) - first(timesFrom(w)))))],
  [
    "mad_over_time",
    (w) =>
      quantile(
        0.5,
        w.v.map((x) => Math.abs(x - quantile(0.5, w.v))),
      ),
  ],
  ["max_over_time", filled((w) => Math.max(...w.v))],
  ["median_over_time", (w) => quantile(0.5, w.v)],
  ["min_over_time", filled((w) => Math.min(...w.v))],
  // The value the window starts from is a run of its own unless it continues in the smallest.
  ["mode_over_time", (w) => longestRun(w.previous === null ? sorted(w.v) : [w.previous.v, ...sorted(w.v)])],
  [
    "outlier_iqr_over_time",
    (w) => {
      if (w.v.length < 2) return NaN;
      const [q1, q3] = [quantile(0.25, w.v), quantile(0.75, w.v)];
      return last(w.v) > q3 + 1.5 * (q3 - q1) || last(w.v) < q1 - 1.5 * (q3 - q1) ? last(w.v) : NaN;
    },
  ],
  // A constant stays what it is, however far ahead.
  ["predict_linear", filled((w, x) => (isConstant(w.v) ? first(w.v) : line(w).atNow + line(w).slope * x))],
  ["present_over_time", filled(() => 1)],
  ["quantile_over_time", (w, phi) => quantile(phi, w.v)],
  ["range_over_time", filled((w) => Math.max(...w.v) - Math.min(...w.v))],
  ["rate", rate],
  ["rate_over_sum", filled((w) => sum(w.v) / seconds(w.windowMs))],
  ["rate_prometheus", (w, x, y) => innerDelta(w, x, y) / seconds(w.windowMs)],
  ["resets", heldFlat((w) => countSteps(-1, valuesFrom(w)))],
  ["scrape_interval", meanDistance],
  ["share_eq_over_time", passing(eq, share)],
  ["share_gt_over_time", passing(gt, share)],
  ["share_le_over_time", passing(le, share)],
  ["stale_samples_over_time", filled((w) => w.v.filter(Number.isNaN).length)],
  ["stddev_over_time", filled((w) => Math.sqrt(variance(w.v)))],
  ["stdvar_over_time", filled((w) => variance(w.v))],
  ["sum2_over_time", filled((w) => sum(w.v.map((x) => x * x)))],
  ["sum_eq_over_time", passing(eq, sum)],
  ["sum_gt_over_time", passing(gt, sum)],
  ["sum_le_over_time", passing(le, sum)],
  ["sum_over_time", filled((w) => sum(w.v))],
  ["tfirst_over_time", filled((w) => seconds(first(w.t)))],
  ["timestamp", filled((w) => seconds(last(w.t)))],
  ["timestamp_with_name", filled((w) => seconds(last(w.t)))],
  [
    "tlast_change_over_time",
    filled((w) => {
      const since = w.v.findLastIndex((x) => x !== last(w.v)) + 1;
      return since === 0 && w.previous?.v === last(w.v) ? NaN : seconds(w.t[since] as number);
    }),
  ],
  ["tlast_over_time", filled((w) => seconds(last(w.t)))],
  ["tmax_over_time", filled((w) => seconds(w.t[w.v.lastIndexOf(Math.max(...w.v))] as number))],
  ["tmin_over_time", filled((w) => seconds(w.t[w.v.lastIndexOf(Math.min(...w.v))] as number))],
  [
    "zscore_over_time",
    (w, x, y) => {
      if (isEmpty(w) || !(lag(w, x, y) <= meanDistance(w, x, y))) return NaN;
      const distance = last(w.v) - mean(w.v);
      return distance === 0 ? 0 : distance / Math.sqrt(variance(w.v));
    },
  ],
]);

/** Rollups over values or over what happens between them, by their last argument. The first value if that is NaN, like every comparison with it. */
export const EXTREMES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["min", filled((w) => w.v.reduce((a, b) => (b < a ? b : a)))],
  ["max", filled((w) => w.v.reduce((a, b) => (b > a ? b : a)))],
  ["avg", (w) => mean(w.v)],
]);

/** rollup_candlestick's parts: of the samples before now, and of the one before the window if it is not older than a window. */
export const CANDLES: ReadonlyMap<string, Rule> = new Map<string, Rule>(
  Object.entries({
    open: first<number>,
    close: last<number>,
    low: (v: readonly number[]) => Math.min(...v),
    high: (v: readonly number[]) => Math.max(...v),
  }).map(([part, choose]): [string, Rule] => [
    part,
    (w) => {
      const v = w.v.filter((_, i) => (w.t[i] as number) < w.nowMs);
      const isOpened = w.previous !== null && w.previous.ms >= w.nowMs - w.windowMs;
      // A candle closes with a sample of its own if it has one.
      const all = isOpened ? [(w.previous as Sample).v, ...v] : v;
      return all.length === 0 ? NaN : choose(all);
    },
  ]),
);

/** Rollups with a series for what is found: values by label value. */
export const SPREADS: ReadonlyMap<string, (w: Window) => Map<string, number>> = new Map([
  [
    "count_values_over_time",
    (w: Window) => new Map([...new Set(w.v)].map((x) => [formatShort(x), w.v.filter((v) => v === x).length])),
  ],
  [
    "histogram_over_time",
    (w: Window) => {
      const counts = new Map<string, number>();
      for (const x of w.v.filter((v) => v >= 0)) {
        const range = VMRANGES[vmrangeIndex(x)] as string;
        counts.set(range, (counts.get(range) ?? 0) + 1);
      }
      return counts;
    },
  ],
  ["quantiles_over_time", (w: Window) => new Map([0.25, 1].map((phi) => [String(phi), quantile(phi, w.v)]))],
]);

// ---- What is done to the samples before windows are looked at ----

/**
 * A counter never falls: a fall is a restart from 0, and what was reached is added to all that follows; a fall by less than an eighth is a
 * correction, of which only the fall is added. `gapMaxMs` > 0: a longer distance between samples forgets what was added.
 */
export function withoutResets(samples: readonly Sample[], gapMaxMs: number): Sample[] {
  const raised: Sample[] = [];
  let added = 0;
  samples.forEach(({ v, ms }, i) => {
    const before = samples[i - 1];
    if (before !== undefined && v < before.v) added += (before.v - v) * 8 < before.v ? before.v - v : before.v;
    const isApart = before !== undefined && gapMaxMs > 0 && ms - before.ms > gapMaxMs;
    if (isApart) added = 0;
    const reached = isApart ? -Infinity : (raised.at(-1)?.v ?? -Infinity);
    raised.push({ v: Math.max(reached, v + added), ms });
  });
  return raised;
}

/** Each sample's value becomes what happens until the next one (or, for `seconds`, since the one before). */
export function between(what: "changes" | "rates" | "seconds", samples: readonly Sample[]): Sample[] {
  return samples.map(({ ms }, i) => {
    if (what === "seconds") {
      const at = Math.max(i, 1);
      return { ms, v: samples.length < 2 ? NaN : seconds((samples[at] as Sample).ms - (samples[at - 1] as Sample).ms) };
    }
    // The last one has no next: it repeats what happened before it.
    const [a, b] = i + 1 < samples.length ? samples.slice(i, i + 2) : samples.slice(-2);
    if (a === undefined || b === undefined) return { ms, v: 0 };
    return { ms, v: what === "changes" ? b.v - a.v : (b.v - a.v) / seconds(b.ms - a.ms) };
  });
}

// ---- Windows ----

/** What decides which samples a window has and which one is its previous. */
export interface WindowRules {
  readonly startMs: number;
  readonly stepMs: number;
  readonly points: number;
  /** 0: none was written. */
  readonly windowMs: number;
  readonly mayWiden: boolean;
  readonly isDefaultRollup: boolean;
  readonly lookbackMs: number;
  readonly minStalenessMs: number;
}

/** The 0.6-quantile of the last 20 distances, whole milliseconds; the step if there is none. */
function scrapeIntervalMs(samples: readonly Sample[], stepMs: number): number {
  const distances = steps(samples.slice(-21).map(({ ms }) => ms));
  return Math.trunc(quantile(0.6, distances)) || stepMs;
}

/** How far before a window a sample may be and still be previous: an interval, and more for jitter, relatively more for short ones. */
function previousMaxMs(samples: readonly Sample[], rules: WindowRules): number {
  const { stepMs, lookbackMs, minStalenessMs } = rules;
  const intervalMs = scrapeIntervalMs(samples, stepMs);
  const jitter = [
    [2_000, 4],
    [4_000, 2],
    [8_000, 1],
    [16_000, 1 / 2],
    [32_000, 1 / 4],
    [Infinity, 1 / 8],
  ].find(([limitMs]) => intervalMs <= (limitMs as number)) as [number, number];
  let maxMs = rules.points === 1 ? stepMs : intervalMs + Math.floor(intervalMs * jitter[1]);
  if (lookbackMs > 0) maxMs = Math.min(maxMs, lookbackMs);
  return Math.max(maxMs, minStalenessMs);
}

/** The windows of all points over `samples`, which are in order of time. */
export function windowsOf(samples: readonly Sample[], rules: WindowRules): Window[] {
  const previousMs = previousMaxMs(samples, rules);
  let { windowMs } = rules;
  if (windowMs === 0) {
    windowMs = rules.mayWiden ? Math.max(rules.stepMs, previousMs) : rules.stepMs;
    if (rules.isDefaultRollup && rules.lookbackMs > 0) windowMs = Math.min(windowMs, rules.lookbackMs);
  }
  return Array.from({ length: rules.points }, (_, k) => windowAt(samples, rules, k, windowMs, previousMs));
}

/** Point k's window of a length that is decided. */
export function windowAt(
  samples: readonly Sample[],
  { startMs, stepMs, lookbackMs }: Pick<WindowRules, "startMs" | "stepMs" | "lookbackMs">,
  k: number,
  windowMs: number,
  previousMs: number,
): Window {
  const nowMs = startMs + k * stepMs;
  const fromMs = nowMs - windowMs;
  const inside = samples.filter(({ ms }) => ms > fromMs && ms <= nowMs);
  const before = samples.findLast(({ ms }) => ms <= fromMs) ?? null;
  const goesOn = samples.some(({ ms }) => ms > fromMs);
  const isRecent = before !== null && goesOn && before.ms > fromMs - previousMs;
  const isForgotten = before !== null && lookbackMs > 0 && (inside[0]?.ms ?? fromMs) - before.ms >= lookbackMs;
  return {
    v: inside.map(({ v }) => v),
    t: inside.map(({ ms }) => ms),
    previous: isRecent ? before : null,
    realPrevious: isForgotten ? null : before,
    next: samples.find(({ ms }) => ms > nowMs) ?? null,
    nowMs,
    windowMs,
  };
}
