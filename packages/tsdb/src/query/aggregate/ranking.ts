/** Aggregates that pick series: topk and bottomk per point, their relatives over the whole range, limitk, any. */
import { compareLabels } from "../../base/labels.ts";
import type { QueryRun } from "../context.ts";
import { labelsKey, withLabel } from "../label-edit.ts";
import { sortPaced } from "../pace.ts";
import { dropBlank, type Series } from "../series.ts";
import { quantileSorted, sortColumn } from "../statistics.ts";
import type { Group, Grouping } from "./grouping.ts";

/** k as a number of series: truncated, at most `most`, none for NaN and negatives. */
function countOf(k: number, most: number): number {
  return k >= 1 ? Math.min(Math.trunc(k), most) : 0;
}

/** Up to so many best values a point are kept in order while the series pass by; more of them are found by sorting the point. */
const KEPT_MAX = 16;

/**
 * topk (sign 1), bottomk (sign -1): at every point the k best keep their value, the others lose it. Of equal values the
 * series first by labels stays, so answers repeat. Best at the last point comes first.
 */
export async function rankPoints(group: Group, run: QueryRun, ks: Float64Array, sign: 1 | -1): Promise<Series[]> {
  const series = await sortPaced(run, [...group.series], (a, b) => compareLabels(a.labels, b.labels));
  const points = (series[0] as Series).values.length;
  const kept = Int32Array.from({ length: points }, (_, k) => countOf(ks[k] as number, series.length));
  const most = kept.reduce((a, b) => Math.max(a, b), 0);
  if (most <= KEPT_MAX) await keepFew(series, run, kept, most, sign);
  else await keepSorted(series, run, kept, sign);
  return await orderBy(run, dropBlank(series), ({ values }) => values[points - 1] as number, sign);
}

/** Series by series, so that columns are read from front to back: first what the worst value is that each point keeps, then who has a worse one. */
async function keepFew(
  series: readonly Series[],
  run: QueryRun,
  kept: Int32Array,
  most: number,
  sign: 1 | -1,
): Promise<void> {
  const points = kept.length;
  /** The best values of point k, best first: `best[k * most .. k * most + sizes[k])`. */
  const best = new Float64Array(points * most);
  const sizes = new Int32Array(points);
  /** Where point k has as many as it keeps: the worst of them. */
  const worst = new Float64Array(points).fill(-Infinity);
  for (const { values } of series) {
    if (run.isDue()) await run.breathe();
    for (let k = 0; k < points; k++) {
      const v = (values[k] as number) * sign;
      // Most are worse than the worst; -Infinity may be one of the first, and changes nothing after them.
      if (v > (worst[k] as number) || (v === -Infinity && (sizes[k] as number) < (kept[k] as number))) {
        const limit = kept[k] as number;
        const size = sizes[k] as number;
        if (limit === 0) continue;
        const base = k * most;
        let i = base + (size < limit ? size : limit - 1);
        for (; i > base && (best[i - 1] as number) < v; i--) best[i] = best[i - 1] as number;
        best[i] = v;
        if (size < limit) sizes[k] = size + 1;
        if (size + 1 >= limit) worst[k] = best[base + limit - 1] as number;
      }
    }
  }
  /** How many of those equal to the worst stay. */
  const ties = sizes;
  for (let k = 0; k < points; k++) {
    const base = k * most;
    let better = 0;
    while (better < (sizes[k] as number) && (best[base + better] as number) > (worst[k] as number)) better++;
    ties[k] = (kept[k] as number) - better;
    // Better than this is nothing: a point that keeps none.
    if (kept[k] === 0) worst[k] = Infinity;
  }
  for (const { values } of series) {
    if (run.isDue()) await run.breathe();
    for (let k = 0; k < points; k++) {
      const v = (values[k] as number) * sign;
      if (v > (worst[k] as number)) continue;
      if (v === worst[k] && (ties[k] as number) > 0) ties[k] = (ties[k] as number) - 1;
      else values[k] = Number.NaN;
    }
  }
}

/** Point by point. */
async function keepSorted(series: readonly Series[], run: QueryRun, kept: Int32Array, sign: 1 | -1): Promise<void> {
  const column = new Float64Array(series.length);
  for (let k = 0; k < kept.length; k++) {
    if (run.isDue()) await run.breathe();
    let count = 0;
    for (const { values } of series) {
      const v = values[k] as number;
      if (v === v) column[count++] = v * sign;
    }
    const most = kept[k] as number;
    if (most >= count) continue;
    if (most === 0) {
      for (const { values } of series) values[k] = Number.NaN;
      continue;
    }
    sortColumn(column, count);
    const worst = column[count - most] as number;
    let better = 0;
    for (let i = count - 1; i >= 0 && (column[i] as number) > worst; i--) better++;
    let ties = most - better;
    for (const { values } of series) {
      const v = (values[k] as number) * sign;
      if (v < worst || (v === worst && ties-- <= 0)) values[k] = Number.NaN;
    }
  }
}

/** Best first, series without a value last; equal ones keep their order. */
async function orderBy(
  run: QueryRun,
  list: Series[],
  rate: (series: Series) => number,
  sign: 1 | -1,
): Promise<Series[]> {
  const ranked: { readonly series: Series; readonly rank: number }[] = [];
  for (const series of list) {
    ranked.push({ series, rank: rate(series) * sign });
    if (run.isDue()) await run.breathe();
  }
  await sortPaced(run, ranked, (a, b) => {
    if (a.rank !== a.rank || b.rank !== b.rank) return Number(a.rank !== a.rank) - Number(b.rank !== b.rank);
    return a.rank === b.rank ? 0 : a.rank < b.rank ? 1 : -1;
  });
  return ranked.map((entry) => entry.series);
}

/**
 * topk_avg and its like: k whole series by one number each. k may change from point to point, then each point keeps its own
 * number of them. `rest` ("label=value", or both in one word) adds the sum of the others.
 */
export async function rankSeries(
  group: Group,
  run: QueryRun,
  ks: Float64Array,
  rate: (values: Float64Array) => number,
  sign: 1 | -1,
  rest: string,
  grouping: Grouping,
): Promise<Series[]> {
  const sorted = await sortPaced(run, [...group.series], (a, b) => compareLabels(a.labels, b.labels));
  const series = await orderBy(run, sorted, ({ values }) => rate(values), sign);
  const points = ks.length;
  let remainder: Series | null = null;
  if (rest !== "") {
    const at = rest.indexOf("=");
    const label = at < 0 ? rest : rest.slice(0, at);
    const labels = withLabel(grouping.labels((series[0] as Series).labels), label, rest.slice(at + 1));
    remainder = { labels, values: new Float64Array(points).fill(Number.NaN) };
  }
  for (let k = 0; k < points; k++) {
    if (run.isDue()) await run.breathe();
    for (let i = countOf(ks[k] as number, series.length); i < series.length; i++) {
      const { values } = series[i] as Series;
      const v = values[k] as number;
      if (v === v && remainder !== null) {
        const sum = remainder.values[k] as number;
        remainder.values[k] = sum === sum ? sum + v : v;
      }
      values[k] = Number.NaN;
    }
  }
  return dropBlank(remainder === null ? series : [remainder, ...series]);
}

/** The statistics of topk_* and bottomk_*, over the points that have a value; NaN if none has. */
export const STATISTICS = {
  avg(values: Float64Array): number {
    let sum = 0;
    let count = 0;
    for (const v of values) {
      if (v !== v) continue;
      sum += v;
      count++;
    }
    return sum / count;
  },
  max(values: Float64Array): number {
    let best = Number.NaN;
    for (const v of values) if (v > best || best !== best) best = v;
    return best;
  },
  min(values: Float64Array): number {
    let best = Number.NaN;
    for (const v of values) if (v < best || best !== best) best = v;
    return best;
  },
  median(values: Float64Array): number {
    const sorted = values.filter((v) => v === v);
    sortColumn(sorted, sorted.length);
    return quantileSorted(0.5, sorted, sorted.length);
  },
  last(values: Float64Array): number {
    for (let k = values.length - 1; k >= 0; k--) if (values[k] === values[k]) return values[k] as number;
    return Number.NaN;
  },
} as const;

/** Σ of squared distances from the per-point medians: outliersk's rank. A series with gaps has none. */
export function squaredDistance(values: Float64Array, from: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) {
    const distance = (values[k] as number) - (from[k] as number);
    sum += distance * distance;
  }
  return sum;
}

/** limitk: k series a group, the same ones in every query, chosen by a hash so that none is favoured. */
export async function limitSeries(group: Group, run: QueryRun, k: number): Promise<Series[]> {
  const hashed: { readonly series: Series; readonly hash: number }[] = [];
  for (const series of group.series) {
    hashed.push({ series, hash: hashText(labelsKey(series.labels)) });
    if (run.isDue()) await run.breathe();
  }
  await sortPaced(run, hashed, (a, b) => a.hash - b.hash || compareLabels(a.series.labels, b.series.labels));
  return hashed.slice(0, Math.max(0, k)).map((entry) => entry.series);
}

/** FNV-1a over UTF-16 units. It only has to scatter: nobody gains by steering it. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
