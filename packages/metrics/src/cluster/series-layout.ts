/**
 * Where the members of each series of a histogram or summary stand in their family. Worked out once a shape: shapes change
 * rarely, values always.
 */
import { splitMemberLabel } from "./label-text.ts";
import type { ShapeFamily } from "./snapshot.ts";

export interface SeriesLayout {
  /** Without `le`, `vmrange` and `quantile`. */
  readonly labels: string;
  /** Ascending, no two bounds equal. */
  readonly buckets: readonly BucketPlace[];
  readonly ranges: readonly Place[];
  readonly quantiles: readonly Place[];
  /** More than one where the sum is stored in parts. */
  readonly sums: readonly number[];
  readonly counts: readonly number[];
  readonly sampleCount: number;
}

export interface Place {
  /** Text of `vmrange` or `quantile`. */
  readonly value: string;
  /** Index among the family's samples. */
  readonly at: number;
}

export interface BucketPlace {
  readonly bound: number;
  /** The bound as it is spelled. */
  readonly text: string;
  readonly at: readonly number[];
}

const layouts = new WeakMap<ShapeFamily, readonly SeriesLayout[]>();

/** In the order of first appearance. Samples that belong to no histogram or summary are left out. */
export function layoutSeries(family: ShapeFamily): readonly SeriesLayout[] {
  let layout = layouts.get(family);
  if (layout === undefined) {
    layout = makeLayout(family);
    layouts.set(family, layout);
  }
  return layout;
}

interface LayoutDraft {
  readonly labels: string;
  readonly buckets: BucketPlace[];
  readonly ranges: Place[];
  readonly quantiles: Place[];
  readonly sums: number[];
  readonly counts: number[];
  sampleCount: number;
}

function makeLayout({ labels, suffixes }: ShapeFamily): readonly SeriesLayout[] {
  const series = new Map<string, LayoutDraft>();
  const of = (text: string): LayoutDraft => {
    let draft = series.get(text);
    if (draft === undefined) {
      draft = { labels: text, buckets: [], ranges: [], quantiles: [], sums: [], counts: [], sampleCount: 0 };
      series.set(text, draft);
    }
    draft.sampleCount++;
    return draft;
  };
  for (let at = 0; at < labels.length; at++) {
    const text = labels[at] as string;
    const suffix = suffixes[at];
    if (suffix === "_sum") of(text).sums.push(at);
    else if (suffix === "_count") of(text).counts.push(at);
    else if (suffix === "_bucket") {
      const le = splitMemberLabel(text, "le");
      const vmrange = le === null ? splitMemberLabel(text, "vmrange") : null;
      if (le !== null) addBucket(of(le.series).buckets, le.value, at);
      else if (vmrange !== null) of(vmrange.series).ranges.push({ value: vmrange.value, at });
    } else {
      const quantile = splitMemberLabel(text, "quantile");
      if (quantile !== null) of(quantile.series).quantiles.push({ value: quantile.value, at });
    }
  }
  return Array.from(series.values(), (draft) => ({ ...draft, buckets: orderBuckets(draft.buckets) }));
}

function addBucket(buckets: BucketPlace[], text: string, at: number): void {
  const bound = text === "+Inf" ? Number.POSITIVE_INFINITY : Number.parseFloat(text);
  if (!Number.isNaN(bound)) buckets.push({ bound, text, at: [at] });
}

/** Ascending; what stands more than once, as the parts of one sum do, in one place. */
function orderBuckets(buckets: BucketPlace[]): BucketPlace[] {
  const ordered: BucketPlace[] = [];
  for (const bucket of buckets.sort((a, b) => a.bound - b.bound)) {
    const last = ordered.at(-1);
    if (last?.bound === bucket.bound) ordered[ordered.length - 1] = { ...last, at: [...last.at, ...bucket.at] };
    else ordered.push(bucket);
  }
  return ordered;
}
