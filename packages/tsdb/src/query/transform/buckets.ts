/**
 * Histogram buckets. Two ways to label them exist: Prometheus' cumulative `le="0.5"` and VictoriaMetrics' `vmrange="0.4...0.5"`, each
 * bucket on its own. Everything here works on the former and converts the latter.
 */
import type { Labels } from "../../base/labels.ts";
import { mergeApart } from "../binary/matching.ts";
import type { QueryRun } from "../context.ts";
import { labelsKey, withLabel, withoutName } from "../label-edit.ts";
import { readNumber } from "../number-text.ts";
import { sortPaced } from "../pace.ts";
import type { Series } from "../series.ts";

export interface Bucket {
  /** Upper bound, inclusive; +Inf for the last one. */
  readonly le: number;
  readonly values: Float64Array;
}

/** Cumulative buckets of one histogram, by rising `le`. */
export interface Histogram {
  /** Without name and `le`. */
  readonly labels: Labels;
  readonly buckets: Bucket[];
}

/** Groups `le` series into histograms, `vmrange` ones converted; others are left out. Buckets of equal bound are added if `adds`. */
export async function readHistograms(run: QueryRun, list: readonly Series[], adds = true): Promise<Histogram[]> {
  const found = new Map<string, Histogram>();
  for (const { labels, values } of await bucketsFromRanges(run, list)) {
    if (run.isDue()) await run.breathe();
    const le = readNumber(labels.get("le"));
    if (le !== le) continue;
    const rest = withLabel(withoutName(labels), "le", "");
    const key = labelsKey(rest);
    let histogram = found.get(key);
    if (histogram === undefined) {
      histogram = { labels: rest, buckets: [] };
      found.set(key, histogram);
    }
    histogram.buckets.push({ le, values });
  }
  for (const { buckets } of found.values()) {
    await sortPaced(run, buckets, (a, b) => (a.le === b.le ? 0 : a.le - b.le));
    if (run.isDue()) await run.breathe();
    if (adds) addEqualBounds(buckets);
  }
  return [...found.values()];
}

function addEqualBounds(buckets: Bucket[]): void {
  let kept = 0;
  for (let i = 1; i < buckets.length; i++) {
    const bucket = buckets[i] as Bucket;
    const last = buckets[kept] as Bucket;
    if (bucket.le !== last.le) buckets[++kept] = bucket;
    else
      for (let k = 0; k < last.values.length; k++)
        last.values[k] = (last.values[k] as number) + (bucket.values[k] as number);
  }
  buckets.length = Math.min(buckets.length, kept + 1);
}

/** At point k: a bucket holds all that the ones below hold, so a missing or smaller count is taken from below. */
export function mendCounts(buckets: readonly Bucket[], k: number): void {
  if (buckets.length < 2) return;
  const lowest = buckets[0] as Bucket;
  if (lowest.values[k] !== lowest.values[k]) lowest.values[k] = 0;
  let below = lowest.values[k] as number;
  for (let i = 1; i < buckets.length; i++) {
    const { values } = buckets[i] as Bucket;
    const v = values[k] as number;
    if (v >= below) below = v;
    else values[k] = below;
  }
}

interface Range {
  readonly start: number;
  readonly startText: string;
  readonly end: number;
  readonly endText: string;
  readonly series: Series;
}

/**
 * `vmrange` series as cumulative `le` series: an empty bucket where a gap begins, and `+Inf` at the end. `le` series pass,
 * others are left out. Changes the columns it is given.
 */
export async function bucketsFromRanges(run: QueryRun, list: readonly Series[]): Promise<Series[]> {
  const result: Series[] = [];
  const groups = new Map<string, { labels: Labels; ranges: Range[] }>();
  for (const series of list) {
    if (run.isDue()) await run.breathe();
    const text = series.labels.get("vmrange");
    if (text === "") {
      if (series.labels.get("le") !== "") result.push(series);
      continue;
    }
    const dots = text.indexOf("...");
    const startText = text.slice(0, dots);
    const endText = text.slice(dots + 3);
    const start = readNumber(startText);
    const end = readNumber(endText);
    if (dots < 0 || start !== start || end !== end) continue;
    const labels = withLabel(withLabel(series.labels, "le", ""), "vmrange", "");
    const key = labelsKey(labels);
    let group = groups.get(key);
    if (group === undefined) {
      group = { labels, ranges: [] };
      groups.set(key, group);
    }
    group.ranges.push({ start, startText, end, endText, series });
  }
  for (const { labels, ranges } of groups.values()) {
    for (const { text, values } of await accumulate(run, ranges))
      result.push({ labels: withLabel(labels, "le", text), values });
  }
  return result;
}

async function accumulate(run: QueryRun, ranges: Range[]): Promise<{ text: string; values: Float64Array }[]> {
  await sortPaced(run, ranges, (a, b) => (a.end === b.end ? 0 : a.end - b.end));
  const bounds: { text: string; values: Float64Array }[] = [];
  const byText = new Map<string, Series>();
  let previousEnd = 0;
  let last: Range | null = null;
  for (const range of ranges) {
    if (run.isDue()) await run.breathe();
    const { values } = range.series;
    // Empty buckets merge into the gap before the next one that is not.
    if (!values.some((v) => v > 0)) continue;
    if (range.start !== previousEnd && !byText.has(range.startText)) {
      byText.set(range.startText, range.series);
      bounds.push({ text: range.startText, values: new Float64Array(values.length) });
    }
    const same = byText.get(range.endText);
    if (same !== undefined) mergeApart(same, range.series);
    else {
      bounds.push({ text: range.endText, values });
      byText.set(range.endText, range.series);
    }
    previousEnd = range.end;
    last = range;
  }
  if (last !== null && last.end !== Number.POSITIVE_INFINITY) {
    bounds.push({ text: "+Inf", values: new Float64Array(last.series.values.length) });
  }
  const points = bounds[0]?.values.length ?? 0;
  for (let k = 0; k < points; k++) {
    let count = 0;
    for (const { values } of bounds) {
      const v = values[k] as number;
      if (v > 0) count += v;
      values[k] = count;
    }
    if (run.isDue()) await run.breathe();
  }
  return bounds;
}

/** buckets_limit: at most `limit` `le` buckets a histogram, empty edges cut first, then the least filled merged upwards. */
export async function limitBuckets(run: QueryRun, list: readonly Series[], limit: number): Promise<Series[]> {
  const groups = new Map<string, { le: number; hits: number; series: Series }[]>();
  for (const series of await bucketsFromRanges(run, list)) {
    if (run.isDue()) await run.breathe();
    const le = readNumber(series.labels.get("le"));
    if (le !== le) continue;
    const key = labelsKey(withLabel(series.labels, "le", ""));
    const group = groups.get(key);
    const bucket = { le, hits: 0, series };
    if (group === undefined) groups.set(key, [bucket]);
    else group.push(bucket);
  }
  const result: Series[] = [];
  for (const group of groups.values()) {
    if (group.length > limit) await thinOut(run, group, limit);
    for (const { series } of group) result.push(series);
  }
  return result;
}

async function thinOut(
  run: QueryRun,
  group: { le: number; hits: number; series: Series }[],
  limit: number,
): Promise<void> {
  await sortPaced(run, group, (a, b) => (a.le === b.le ? 0 : a.le - b.le));
  const points = (group[0] as { series: Series }).series.values.length;
  for (let k = 0; k < points; k++) {
    let below = 0;
    for (const bucket of group) {
      const v = bucket.series.values[k] as number;
      bucket.hits += v - below;
      below = v;
    }
    if (run.isDue()) await run.breathe();
  }
  const isEmpty = (bucket: { hits: number } | undefined): boolean =>
    bucket !== undefined && Math.abs(bucket.hits) < 1e-9;
  while (group.length > limit && isEmpty(group[group.length - 1])) group.pop();
  let cut = 0;
  while (group.length - cut > limit && isEmpty(group[cut])) cut++;
  group.splice(0, cut);
  // The first and the last bucket stay: they say where the smallest and largest values are.
  while (group.length > limit) {
    let least = 1;
    let leastHits = Infinity;
    for (let i = 1; i <= group.length - 3; i++) {
      const hits = (group[i] as { hits: number }).hits + (group[i + 1] as { hits: number }).hits;
      if (hits < leastHits) {
        least = i;
        leastHits = hits;
      }
    }
    (group[least + 1] as { hits: number }).hits += (group[least] as { hits: number }).hits;
    group.splice(least, 1);
    if (run.isDue()) await run.breathe();
  }
}
