/** Functions of histograms. Each histogram gives one series, without name and `le`; counts are cumulative by rising `le`. */
import type { QueryRun } from "../context.ts";
import { withLabel } from "../label-edit.ts";
import type { Series } from "../series.ts";
import { type Bucket, mendCounts, readHistograms } from "./buckets.ts";

/** A value and the bounds it surely lies between. Reused from point to point. */
interface Estimate {
  value: number;
  lower: number;
  upper: number;
}

/**
 * histogram_quantile: linear interpolation inside the bucket that holds the rank, from 0 in the first one. Beyond the last finite
 * bound that bound; ±Inf for phi outside [0, 1]; nothing for an empty histogram. With a bounds label, also the bucket's bounds.
 */
export function histogramQuantile(
  run: QueryRun,
  list: readonly Series[],
  phis: Float64Array,
  boundsLabel: string,
): Promise<Series[]> {
  return estimate(run, list, boundsLabel, (buckets, k, out) => estimateQuantile(buckets, k, phis[k] as number, out));
}

/** histogram_share: the part of the observations that is at most `le`. The inverse of the quantile. */
export function histogramShare(
  run: QueryRun,
  list: readonly Series[],
  les: Float64Array,
  boundsLabel: string,
): Promise<Series[]> {
  return estimate(run, list, boundsLabel, (buckets, k, out) => estimateShare(buckets, k, les[k] as number, out));
}

/** histogram_fraction: the part between two values. */
export function histogramFraction(
  run: QueryRun,
  list: readonly Series[],
  lows: Float64Array,
  highs: Float64Array,
): Promise<Series[]> {
  return estimate(run, list, "", (buckets, k, out) => {
    estimateShare(buckets, k, lows[k] as number, out);
    const below = out.value;
    estimateShare(buckets, k, highs[k] as number, out);
    out.value -= below;
  });
}

async function estimate(
  run: QueryRun,
  list: readonly Series[],
  boundsLabel: string,
  compute: (buckets: readonly Bucket[], k: number, out: Estimate) => void,
): Promise<Series[]> {
  const result: Series[] = [];
  const out: Estimate = { value: NaN, lower: NaN, upper: NaN };
  const histograms = await readHistograms(run, list);
  run.reserveColumns(histograms.length * (boundsLabel === "" ? 1 : 3), list[0]?.values.length ?? 0);
  for (const { labels, buckets } of histograms) {
    const points = (buckets[0] as Bucket).values.length;
    const middle = new Float64Array(points);
    const lower = new Float64Array(boundsLabel === "" ? 0 : points);
    const upper = new Float64Array(boundsLabel === "" ? 0 : points);
    for (let k = 0; k < points; k++) {
      compute(buckets, k, out);
      middle[k] = out.value;
      if (run.isDue()) await run.breathe();
      if (boundsLabel === "") continue;
      lower[k] = out.lower;
      upper[k] = out.upper;
    }
    if (run.isDue()) await run.breathe();
    result.push({ labels, values: middle });
    if (boundsLabel === "") continue;
    result.push({ labels: withLabel(labels, boundsLabel, "lower"), values: lower });
    result.push({ labels: withLabel(labels, boundsLabel, "upper"), values: upper });
  }
  return result;
}

function set(out: Estimate, value: number, lower: number, upper: number): void {
  out.value = value;
  out.lower = lower;
  out.upper = upper;
}

function estimateQuantile(buckets: readonly Bucket[], k: number, phi: number, out: Estimate): void {
  mendCounts(buckets, k);
  const total = (buckets[buckets.length - 1] as Bucket).values[k] as number;
  if (phi !== phi || total === 0) {
    set(out, NaN, NaN, NaN);
    return;
  }
  if (phi < 0) {
    set(out, -Infinity, -Infinity, (buckets[0] as Bucket).values[k] as number);
    return;
  }
  if (phi > 1) {
    set(out, Infinity, total, Infinity);
    return;
  }
  const rank = total * phi;
  let below = 0;
  let lowerBound = 0;
  for (const { le, values } of buckets) {
    const count = values[k] as number;
    if (count <= 0) {
      lowerBound = le;
      continue;
    }
    if (count < rank) {
      below = count;
      lowerBound = le;
      continue;
    }
    if (!Number.isFinite(le)) break;
    if (count === below) {
      set(out, lowerBound, lowerBound, count);
      return;
    }
    set(out, lowerBound + ((le - lowerBound) * (rank - below)) / (count - below), lowerBound, le);
    return;
  }
  let last = NaN;
  for (const { le } of buckets) if (Number.isFinite(le)) last = le;
  set(out, last, last, Infinity);
}

function estimateShare(buckets: readonly Bucket[], k: number, wanted: number, out: Estimate): void {
  if (wanted !== wanted) {
    set(out, NaN, NaN, NaN);
    return;
  }
  if (wanted < 0) {
    set(out, 0, 0, 0);
    return;
  }
  if (wanted === Infinity) {
    set(out, 1, 1, 1);
    return;
  }
  mendCounts(buckets, k);
  const total = (buckets[buckets.length - 1] as Bucket).values[k] as number;
  let below = 0;
  let lowerBound = 0;
  for (const { le, values } of buckets) {
    const count = values[k] as number;
    if (wanted >= le) {
      below = count;
      lowerBound = le;
      continue;
    }
    const lower = below / total;
    if (le === Infinity) {
      set(out, lower, lower, 1);
      return;
    }
    if (lowerBound === wanted) {
      set(out, lower, lower, lower);
      return;
    }
    const inside = (((count - below) / total) * (wanted - lowerBound)) / (le - lowerBound);
    set(out, lower + inside, lower, count / total);
    return;
  }
  set(out, 1, 1, 1);
}

/** histogram_avg, histogram_stdvar, histogram_stddev: of the middles of the finite buckets. */
export async function histogramMoment(
  run: QueryRun,
  list: readonly Series[],
  moment: "avg" | "stdvar" | "stddev",
): Promise<Series[]> {
  const result: Series[] = [];
  for (const { labels, buckets } of await readHistograms(run, list, false)) {
    const values = new Float64Array((buckets[0] as Bucket).values.length);
    for (let k = 0; k < values.length; k++) {
      values[k] = momentAt(buckets, k, moment);
      if (run.isDue()) await run.breathe();
    }
    result.push({ labels, values });
    if (run.isDue()) await run.breathe();
  }
  return result;
}

function momentAt(buckets: readonly Bucket[], k: number, moment: "avg" | "stdvar" | "stddev"): number {
  let lowerBound = 0;
  let below = 0;
  let total = 0;
  let sum = 0;
  let squares = 0;
  for (const { le, values } of buckets) {
    if (!Number.isFinite(le)) continue;
    const middle = (le + lowerBound) / 2;
    const count = (values[k] as number) - below;
    sum += middle * count;
    squares += middle * middle * count;
    total += count;
    lowerBound = le;
    below = values[k] as number;
  }
  if (total === 0) return NaN;
  const mean = sum / total;
  if (moment === "avg") return mean;
  const variance = Math.max(0, squares / total - mean * mean);
  return moment === "stdvar" ? variance : Math.sqrt(variance);
}
