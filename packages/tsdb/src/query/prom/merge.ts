/**
 * Series that have come to share their labels, as `-{__name__=~"a|b"}` makes them: one series if no point has two values, else an error.
 */
import { labelsKey } from "../label-edit.ts";
import type { PromContext } from "./context.ts";
import { sameLabelset } from "./report.ts";
import type { PromSeries } from "./value.ts";

/**
 * Joins series of equal labels, in the order of their first appearance. The list and its series are changed in place.
 * @throws InputError 422 if two of them have a value at the same point
 */
export function mergeEqualLabels(
  context: PromContext,
  node: { readonly pos: number },
  list: PromSeries[],
): PromSeries[] {
  if (list.length < 2) return list;
  const byKey = new Map<string, PromSeries>();
  let kept = 0;
  for (const series of list) {
    const key = labelsKey(series.labels);
    const first = byKey.get(key);
    if (first === undefined) {
      byKey.set(key, series);
      list[kept++] = series;
    } else if (!mergeInto(first, series)) {
      throw sameLabelset(context, node);
    }
  }
  list.length = kept;
  return list;
}

/** Adds the points of `source` to `target`; false if they have one in common. */
function mergeInto(target: PromSeries, source: PromSeries): boolean {
  // A series has a point somewhere: with one that has them all it shares one.
  if (target.present === null || source.present === null) return false;
  const { present, values } = target;
  for (let k = 0; k < present.length; k++) {
    if (source.present[k] === 0) continue;
    if (present[k] === 1) return false;
    present[k] = 1;
    values[k] = source.values[k] as number;
  }
  return true;
}
