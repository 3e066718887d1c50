/**
 * Functions of windows that 2.42 has no words for, worked out from the samples it answers to `selector[range]`, as plainly as their
 * documentation says it.
 */
import type { Grid, WindowTask } from "./random-promql.ts";
import type { Kind } from "./random-queries.ts";
import type { Series } from "./twins.ts";

type Sample = readonly [seconds: number, value: number];

const FUNCTIONS: ReadonlyMap<
  string,
  { readonly keepsName?: true; readonly of: (samples: readonly Sample[]) => number }
> = new Map([
  ["first_over_time", { keepsName: true, of: (samples) => (samples[0] as Sample)[1] }],
  ["ts_of_first_over_time", { of: (samples) => (samples[0] as Sample)[0] }],
  ["ts_of_last_over_time", { of: (samples) => (samples.at(-1) as Sample)[0] }],
  ["ts_of_min_over_time", { of: (samples) => lastOfBest(samples, (a, b) => a < b) }],
  ["ts_of_max_over_time", { of: (samples) => lastOfBest(samples, (a, b) => a > b) }],
  [
    "mad_over_time",
    {
      of: (samples) => {
        const values = samples.map(([, value]) => value);
        if (values.some(Number.isNaN)) return Number.NaN;
        const middle = median(values);
        return median(values.map((value) => Math.abs(value - middle)));
      },
    },
  ],
]);

/** When the best value was seen last. NaN is worse than anything; of nothing else, the last. */
function lastOfBest(samples: readonly Sample[], isBetter: (a: number, b: number) => boolean): number {
  const numbers = samples.filter(([, value]) => !Number.isNaN(value));
  if (numbers.length === 0) return (samples.at(-1) as Sample)[0];
  const best = numbers.reduce((a, b) => (isBetter(b[1], a[1]) ? b : a));
  return (numbers.filter(([, value]) => value === best[1]).at(-1) as Sample)[0];
}

/** In the middle between two values, or one; NaN is the smallest, and infinities beside the middle make it NaN, as in all quantiles. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b));
  const low = Math.floor((sorted.length - 1) / 2);
  const share = (sorted.length - 1) / 2 - low;
  return (sorted[low] as number) * (1 - share) + (sorted[Math.min(low + 1, sorted.length - 1)] as number) * share;
}

/** The one query whose answer has all samples of all windows. */
export function samplesQuery(
  selector: string,
  { rangeSeconds, offsetSeconds }: WindowTask,
  { start, end }: Grid,
): { readonly query: string; readonly time: number } {
  return { query: `${selector}[${Math.ceil(end - start) + rangeSeconds + 1}s]`, time: end - offsetSeconds };
}

/** What the function answers at the times of the grid, or at its end; null, a refusal, if series become equal without their names. */
export function rollWindows(
  matrix: readonly Series[],
  { name, rangeSeconds, offsetSeconds }: WindowTask,
  { start, end, step }: Grid,
  kind: Kind,
): Series[] | null {
  const { of, keepsName } = FUNCTIONS.get(name) as { keepsName?: true; of: (samples: readonly Sample[]) => number };
  const times: number[] = [];
  for (let i = 0; start + i * step <= end + 1e-6; i++) times.push(Math.round((start + i * step) * 1000) / 1000);
  const answer: Series[] = [];
  const keys = new Set<string>();
  for (const { metric, values = [] } of matrix) {
    const samples = values.map(([seconds, text]): Sample => [seconds, readValue(text)]);
    const points: [number, string][] = [];
    for (const time of kind === "instant" ? [end] : times) {
      const last = time - offsetSeconds;
      const window = samples.filter(([seconds]) => seconds > last - rangeSeconds && seconds <= last);
      if (window.length > 0) points.push([time, showValue(of(window))]);
    }
    if (points.length === 0) continue;
    const { __name__, ...others } = metric;
    const labels = keepsName && __name__ !== undefined ? { __name__, ...others } : others;
    const key = JSON.stringify(Object.entries(labels).sort());
    if (keys.has(key)) return null;
    keys.add(key);
    answer.push(
      kind === "instant"
        ? { metric: labels, value: points[0] as [number, string] }
        : { metric: labels, values: points },
    );
  }
  return answer;
}

function readValue(text: string): number {
  return Number(text.replace("Inf", "Infinity"));
}

function showValue(value: number): string {
  return String(value).replace("Infinity", "Inf").replace(/^Inf/, "+Inf");
}
