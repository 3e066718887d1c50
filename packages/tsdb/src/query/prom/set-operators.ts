/**
 * `and`, `or`, `unless`: points are chosen, not computed. "Has a point" means that some series of the match group has a value there;
 * labels, names included, stay as they are.
 */
import type { PromBinary } from "../../promql/ast.ts";
import type { PromContext } from "./context.ts";
import { mergeSameLabels } from "./label-sets.ts";
import { LabelMatcher, type MatchGroup, matchingOf } from "./match-groups.ts";
import { hasPoint, intersect, type Presence, subtract, unite } from "./presence.ts";
import type { PromSeries } from "./value.ts";

type SetOperator = (context: PromContext, node: PromBinary, left: PromSeries[], right: PromSeries[]) => PromSeries[];

export const SET_OPERATORS: ReadonlyMap<string, SetOperator> = new Map<string, SetOperator>([
  /** a and b: left points where the right has one. */
  [
    "and",
    (context, node, left, right) => {
      const { points } = context.grid;
      for (const group of new LabelMatcher(matchingOf(node)).group(left, right)) {
        const there = presenceOf(right, group.right, points);
        narrow(left, group.left, (present) => intersect(present, there));
      }
      return left.filter((series) => hasPoint(series.present));
    },
  ],
  /** a unless b: left points where the right has none. */
  [
    "unless",
    (context, node, left, right) => {
      const { points } = context.grid;
      for (const group of new LabelMatcher(matchingOf(node)).group(left, right)) {
        if (group.right.length === 0) continue;
        const there = presenceOf(right, group.right, points);
        narrow(left, group.left, (present) => subtract(present, there, points));
      }
      return left.filter((series) => hasPoint(series.present));
    },
  ],
  /** a or b: all left points, then the right ones where the left has none. */
  [
    "or",
    (context, node, left, right) => {
      const { points } = context.grid;
      for (const group of new LabelMatcher(matchingOf(node)).group(left, right)) {
        if (group.left.length === 0) continue;
        const there = presenceOf(left, group.left, points);
        narrow(right, group.right, (present) => subtract(present, there, points));
      }
      // A series of both sides is one series of the answer.
      return mergeSameLabels([...left, ...right].filter((series) => hasPoint(series.present)));
    },
  ],
]);

function presenceOf(list: readonly PromSeries[], indices: MatchGroup["left"], points: number): Presence {
  return unite(
    indices.map((i) => list[i] as PromSeries),
    points,
  );
}

function narrow(
  list: readonly PromSeries[],
  indices: MatchGroup["left"],
  change: (present: Presence) => Presence,
): void {
  for (const i of indices) {
    const series = list[i] as PromSeries;
    series.present = change(series.present);
  }
}
