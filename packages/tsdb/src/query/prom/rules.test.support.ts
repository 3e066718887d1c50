/**
 * PromQL's functions of windows as Prometheus defines them, one window at a time: the specification that rates.ts and over-time.ts, sliding or
 * not, are held to. The window holds the samples of (end - range, end]; NaN is a value, staleness markers are no samples.
 */

export interface Window {
  readonly v: readonly number[];
  /** Milliseconds. */
  readonly t: readonly number[];
  readonly endMs: number;
  readonly rangeMs: number;
  /** The time of evaluation, which `offset` does not move. */
  readonly timeMs: number;
}

/** null for no value. `x` and `y` are the scalar arguments; the window is not empty. */
export type Rule = (w: Window, x: number, y: number) => number | null;

const first = (v: readonly number[]): number => v[0] as number;
const last = (v: readonly number[]): number => v[v.length - 1] as number;
const sum = (v: readonly number[]): number => v.reduce((a, b) => a + b, 0);
const mean = (v: readonly number[]): number => sum(v) / v.length;
const seconds = (ms: number): number => ms / 1000;
const isNumber = (x: number): boolean => !Number.isNaN(x);

const variance = (v: readonly number[]): number => mean(v.map((x) => (x - mean(v)) ** 2));

/** Linear between the two values around rank phi·(n-1); NaN is the smallest value. */
function quantile(phi: number, v: readonly number[]): number {
  if (Number.isNaN(phi)) return NaN;
  if (phi < 0 || phi > 1) return phi < 0 ? -Infinity : Infinity;
  const sorted = [...v.filter(Number.isNaN), ...v.filter(isNumber).sort((a, b) => a - b || 0)];
  const rank = phi * (v.length - 1);
  const below = Math.floor(rank);
  const above = Math.min(below + 1, v.length - 1);
  return (sorted[below] as number) * (1 - (rank - below)) + (sorted[above] as number) * (rank - below);
}

/** Needs two samples. */
const ofTwo =
  (rule: Rule): Rule =>
  (w, x, y) =>
    w.v.length < 2 ? null : rule(w, x, y);

/** Pairs of neighbours, the earlier one first. */
const pairs = (v: readonly number[]): [number, number][] =>
  v.slice(1).map((x, i): [number, number] => [v[i] as number, x]);

/** Last minus first; a counter that falls has started again from 0 and keeps what it had. */
function changeOf(v: readonly number[], isCounter: boolean): number {
  const lost = isCounter ? sum(pairs(v).map(([a, b]) => (b < a ? a : 0))) : 0;
  return last(v) - first(v) + lost;
}

/**
 * The change between the first and the last sample extended to the ends of the window: all the way where a sample is nearer to the end than
 * 1.1 mean distances, else by half a mean distance; a counter never to before it was 0.
 */
const extrapolated = (isCounter: boolean): Rule =>
  ofTwo(({ v, t, endMs, rangeMs }) => {
    const change = changeOf(v, isCounter);
    const covered = seconds(last(t) - first(t));
    const distance = covered / (v.length - 1);
    const reach = (gap: number): number => (gap < 1.1 * distance ? gap : distance / 2);
    let before = reach(seconds(first(t) - (endMs - rangeMs)));
    if (isCounter && change > 0 && first(v) >= 0) before = Math.min(before, covered * (first(v) / change));
    return (change * (covered + before + reach(seconds(endMs - last(t))))) / covered;
  });

/** Least squares over seconds from `originMs`: slope, and the value there. A constant is flat. */
function line({ v, t }: Window, originMs: number): { slope: number; atOrigin: number } {
  if (v.every((x) => x === first(v))) return { slope: 0, atOrigin: first(v) };
  const x = t.map((ms) => seconds(ms - originMs));
  const slope =
    sum(x.map((s, i) => (s - mean(x)) * ((v[i] as number) - mean(v)))) / sum(x.map((s) => (s - mean(x)) ** 2));
  return { slope, atOrigin: mean(v) - slope * mean(x) };
}

/** Index of the last extreme; numbers go before NaN. */
const lastIndexOf = (w: Window, choose: (...v: number[]) => number): number => {
  const numbers = w.v.filter(isNumber);
  return numbers.length === 0 ? w.v.length - 1 : w.v.lastIndexOf(choose(...numbers));
};

export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["absent_over_time", () => null],
  ["avg_over_time", (w) => mean(w.v)],
  ["changes", (w) => pairs(w.v).filter(([a, b]) => a !== b && (isNumber(a) || isNumber(b))).length],
  ["count_over_time", (w) => w.v.length],
  ["delta", extrapolated(false)],
  ["deriv", ofTwo((w) => line(w, first(w.t)).slope)],
  [
    // The level, and what it gains a sample; the first gain is the one from the first sample to the second.
    "double_exponential_smoothing",
    ofTwo(({ v }, sf, tf) => {
      let [level, trend] = [first(v), (v[1] as number) - first(v)];
      for (const x of v.slice(1)) {
        const next = sf * x + (1 - sf) * (level + trend);
        [level, trend] = [next, tf * (next - level) + (1 - tf) * trend];
      }
      return level;
    }),
  ],
  ["first_over_time", (w) => first(w.v)],
  ["idelta", ofTwo((w) => last(w.v) - (w.v.at(-2) as number))],
  ["increase", extrapolated(true)],
  [
    // After a fall all of the last value is new.
    "irate",
    ofTwo(({ v, t }) => {
      const [a, b] = [v.at(-2) as number, last(v)];
      return (b < a ? b : b - a) / seconds(last(t) - (t.at(-2) as number));
    }),
  ],
  ["last_over_time", (w) => last(w.v)],
  [
    "mad_over_time",
    (w) =>
      w.v.every(isNumber)
        ? quantile(
            0.5,
            w.v.map((x) => Math.abs(x - quantile(0.5, w.v))),
          )
        : NaN,
  ],
  ["max_over_time", (w) => w.v[lastIndexOf(w, Math.max)] as number],
  ["min_over_time", (w) => w.v[lastIndexOf(w, Math.min)] as number],
  ["predict_linear", ofTwo((w, x) => line(w, w.timeMs).atOrigin + line(w, w.timeMs).slope * x)],
  ["present_over_time", () => 1],
  ["quantile_over_time", (w, phi) => quantile(phi, w.v)],
  ["rate", (w, x, y) => divided(extrapolated(true)(w, x, y), seconds(w.rangeMs))],
  ["resets", (w) => pairs(w.v).filter(([a, b]) => b < a).length],
  ["stddev_over_time", (w) => Math.sqrt(variance(w.v))],
  ["stdvar_over_time", (w) => variance(w.v)],
  ["sum_over_time", (w) => sum(w.v)],
  ["ts_of_first_over_time", (w) => seconds(first(w.t))],
  ["ts_of_last_over_time", (w) => seconds(last(w.t))],
  ["ts_of_max_over_time", (w) => seconds(w.t[lastIndexOf(w, Math.max)] as number)],
  ["ts_of_min_over_time", (w) => seconds(w.t[lastIndexOf(w, Math.min)] as number)],
]);

function divided(value: number | null, by: number): number | null {
  return value === null ? null : value / by;
}
