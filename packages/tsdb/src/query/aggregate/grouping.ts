/** Which group a series falls into: by the listed labels, or by all but the listed ones. */
import { Labels } from "../../base/labels.ts";
import type { AggregateExpr } from "../../metricsql/ast.ts";
import type { QueryRun } from "../context.ts";
import { dropLabels, keepLabels, labelsKey } from "../label-edit.ts";
import type { Series } from "../series.ts";

export class Grouping {
  readonly #isBy: boolean;
  readonly #listed: ReadonlySet<string>;
  /** The listed labels when there are few and it is `by`: their values alone make the key. */
  readonly #by: readonly string[];

  constructor(modifier: AggregateExpr["modifier"]) {
    this.#isBy = modifier?.op !== "without";
    this.#by = [...new Set(modifier?.labels ?? [])];
    // `without` always drops the name, as Prometheus does.
    this.#listed = new Set(this.#isBy ? this.#by : [...this.#by, "__name__"]);
  }

  /** Equal for series of one group, different for others. */
  key(labels: Labels): string {
    if (!this.#isBy) return labelsKey(this.labels(labels));
    const by = this.#by;
    if (by.length === 0) return "";
    if (by.length === 1) return labels.get(by[0] as string);
    let key = "";
    for (let i = 0; i < by.length; i++) {
      const value = labels.get(by[i] as string);
      key += `${value.length}:${value}`;
    }
    return key;
  }

  /** What the group's series have in common and the result is named by. */
  labels(labels: Labels): Labels {
    if (!this.#isBy) return dropLabels(labels, this.#listed);
    return this.#by.length === 0 ? Labels.empty : keepLabels(labels, this.#listed);
  }
}

export interface Group {
  readonly labels: Labels;
  readonly series: Series[];
}

/** Groups in order of appearance; series beyond the first `limit` groups are left out (0: no limit). */
export async function groupSeries(
  run: QueryRun,
  list: readonly Series[],
  grouping: Grouping,
  limit: number,
): Promise<Group[]> {
  const groups = new Map<string, Group>();
  for (const series of list) {
    if (run.isDue()) await run.breathe();
    const key = grouping.key(series.labels);
    let group = groups.get(key);
    if (group === undefined) {
      if (limit > 0 && groups.size >= limit) continue;
      group = { labels: grouping.labels(series.labels), series: [] };
      groups.set(key, group);
    }
    group.series.push(series);
  }
  return [...groups.values()];
}
