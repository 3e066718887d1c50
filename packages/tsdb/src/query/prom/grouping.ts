/** The groups of an aggregation: by the listed labels, or by all but the listed ones and the name. */
import type { Labels } from "../../base/labels.ts";
import type { PromAggregate } from "../../promql/ast.ts";
import { Grouping } from "../aggregate/grouping.ts";
import type { PromSeries } from "./value.ts";

export interface PromGroup {
  /** What the result of the group is called. */
  readonly labels: Labels;
  /** At least one, in order of appearance. */
  readonly series: PromSeries[];
}

/** In order of appearance. */
export function groupSeries(node: PromAggregate, list: readonly PromSeries[]): PromGroup[] {
  const grouping = groupingOf(node.isWithout, node.grouping);
  const groups = new Map<string, PromGroup>();
  for (const series of list) {
    const key = grouping.key(series.labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { labels: grouping.labels(series.labels), series: [series] });
    else group.series.push(series);
  }
  return [...groups.values()];
}

export function groupingOf(isWithout: boolean, labels: readonly string[]): Grouping {
  return new Grouping({ op: isWithout ? "without" : "by", labels: [...labels] });
}
