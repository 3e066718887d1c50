/**
 * `and`, `or`, `unless`: points are chosen, not computed. "Has a point" means that some series of the match group has a value there;
 * labels, names included, stay as they are.
 */
import type { PromBinary } from "../../promql/ast.ts";
import type { QueryRun } from "../context.ts";
import { filterPaced } from "../pace.ts";
import type { PromContext } from "./context.ts";
import { mergeSameLabels } from "./label-sets.ts";
import { LabelMatcher, type MatchGroup, matchingOf } from "./match-groups.ts";
import { addPresence, hasPoint, intersect, type Presence, subtract } from "./presence.ts";
import type { PromSeries } from "./value.ts";

type SetOperator = (
  context: PromContext,
  node: PromBinary,
  left: PromSeries[],
  right: PromSeries[],
) => Promise<PromSeries[]>;

export const SET_OPERATORS: ReadonlyMap<string, SetOperator> = new Map<string, SetOperator>([
  /** a and b: left points where the right has one. */
  [
    "and",
    async ({ grid: { run, points } }, node, left, right) => {
      for (const group of await new LabelMatcher(matchingOf(node)).group(run, left, right)) {
        const there = await presenceOf(run, right, group.right, points);
        await narrow(run, left, group.left, (present) => intersect(present, there));
      }
      return await filterPaced(run, left, (series) => hasPoint(series.present));
    },
  ],
  /** a unless b: left points where the right has none. */
  [
    "unless",
    async ({ grid: { run, points } }, node, left, right) => {
      for (const group of await new LabelMatcher(matchingOf(node)).group(run, left, right)) {
        if (group.right.length === 0) continue;
        const there = await presenceOf(run, right, group.right, points);
        await narrow(run, left, group.left, (present) => subtract(present, there, points));
      }
      return await filterPaced(run, left, (series) => hasPoint(series.present));
    },
  ],
  /** a or b: all left points, then the right ones where the left has none. */
  [
    "or",
    async ({ grid: { run, points } }, node, left, right) => {
      for (const group of await new LabelMatcher(matchingOf(node)).group(run, left, right)) {
        if (group.left.length === 0) continue;
        const there = await presenceOf(run, left, group.left, points);
        await narrow(run, right, group.right, (present) => subtract(present, there, points));
      }
      // A series of both sides is one series of the answer.
      const shown = await filterPaced(run, left.concat(right), (series) => hasPoint(series.present));
      return await mergeSameLabels(run, shown);
    },
  ],
]);

/** Where some series of the group has a value. */
async function presenceOf(
  run: QueryRun,
  list: readonly PromSeries[],
  indices: MatchGroup["left"],
  points: number,
): Promise<Presence> {
  if (run.isDue()) await run.breathe();
  if (indices.length === 1) return (list[indices[0] as number] as PromSeries).present;
  const union = new Uint8Array(points);
  for (const i of indices) {
    const { present } = list[i] as PromSeries;
    if (present === null) return null;
    addPresence(union, present);
    if (run.isDue()) await run.breathe();
  }
  return union;
}

async function narrow(
  run: QueryRun,
  list: readonly PromSeries[],
  indices: MatchGroup["left"],
  change: (present: Presence) => Presence,
): Promise<void> {
  for (const i of indices) {
    const series = list[i] as PromSeries;
    series.present = change(series.present);
    if (run.isDue()) await run.breathe();
  }
}
