/**
 * The operators that choose points rather than compute them: and, or, unless, if, ifnot, default. All work per key of
 * matching labels; "has a point" means some series of that key has a value there.
 */
import { compareLabels } from "../../base/labels.ts";
import type { BinaryExpr } from "../../metricsql/ast.ts";
import type { QueryRun } from "../context.ts";
import { labelsKey } from "../label-edit.ts";
import { sortPaced } from "../pace.ts";
import { dropBlank, isBlank, isScalarList, type Series } from "../series.ts";
import { Matcher } from "./matching.ts";

export type SetOperator = (run: QueryRun, expr: BinaryExpr, left: Series[], right: Series[]) => Promise<Series[]>;

export const SET_OPERATORS: ReadonlyMap<string, SetOperator> = new Map<string, SetOperator>([
  /** a and b: left points where the right has one. */
  ["and", (run, expr, left, right) => keepPoints(run, expr, left, right, true, false)],
  /** a if b: like `and`, and a right side that is one series without labels serves every left one. */
  ["if", (run, expr, left, right) => keepPoints(run, expr, left, right, true, true)],
  /** a unless b: left points where the right has none. */
  ["unless", (run, expr, left, right) => keepPoints(run, expr, left, right, false, false)],
  /** a ifnot b: like `unless`, and a right side that is one series without labels serves every left one. */
  ["ifnot", (run, expr, left, right) => keepPoints(run, expr, left, right, false, true)],
  /** a or b: left points, then the right ones where no left series with the same labels has any. */
  ["or", unite],
  /**
   * a default b: gaps of left series filled from the right one with the same labels, or from the only one if that has
   * none; the right side if the left is empty.
   */
  ["default", fillGaps],
]);

async function keepPoints(
  run: QueryRun,
  expr: BinaryExpr,
  left: Series[],
  right: Series[],
  wantsPoint: boolean,
  servesAll: boolean,
): Promise<Series[]> {
  const matcher = new Matcher(expr);
  const rightGroups = await matcher.group(run, right);
  const result: Series[] = [];
  for (const [key, group] of await matcher.group(run, left)) {
    if (run.isDue()) await run.breathe();
    const others = servesAll ? groupOrScalar(rightGroups, key) : rightGroups.get(key);
    if (others === undefined) {
      if (!wantsPoint) for (const series of group) result.push(series);
      continue;
    }
    const found = await firstValues(run, others);
    for (const series of group) {
      const { values } = series;
      for (let k = 0; k < values.length; k++) {
        const hasPoint = found[k] === found[k];
        if (hasPoint !== wantsPoint) values[k] = Number.NaN;
      }
      if (!isBlank(values)) result.push(series);
      if (run.isDue()) await run.breathe();
    }
  }
  return result;
}

/**
 * At every point the value of the first series that has one. Made once a key: comparing each series of one side with each of the
 * other would be quadratic where `on()` throws all of them into one.
 */
async function firstValues(run: QueryRun, list: readonly Series[]): Promise<Float64Array> {
  const found = (list[0] as Series).values.slice();
  for (let i = 1; i < list.length; i++) {
    const { values } = list[i] as Series;
    for (let k = 0; k < found.length; k++) if (found[k] !== found[k]) found[k] = values[k] as number;
    if (run.isDue()) await run.breathe();
  }
  return found;
}

function groupOrScalar(groups: ReadonlyMap<string, Series[]>, key: string): Series[] | undefined {
  const found = groups.get(key);
  if (found !== undefined || groups.size !== 1) return found;
  const [only] = groups.values() as Iterable<Series[]> as [Series[]];
  return isScalarList(only) ? only : undefined;
}

/** Gaps of the left get the right's values; an empty left is the right. */
async function fillGaps(run: QueryRun, expr: BinaryExpr, left: Series[], right: Series[]): Promise<Series[]> {
  if (left.length === 0) return right;
  const matcher = new Matcher(expr);
  const rightGroups = await matcher.group(run, right);
  for (const [key, group] of await matcher.group(run, left)) {
    if (run.isDue()) await run.breathe();
    const others = groupOrScalar(rightGroups, key);
    if (others === undefined) continue;
    const found = await firstValues(run, others);
    for (const { values } of group) {
      for (let k = 0; k < values.length; k++) if (values[k] !== values[k]) values[k] = found[k] as number;
      if (run.isDue()) await run.breathe();
    }
  }
  return left;
}

/**
 * Left series, then what the right adds: keys the left lacks, and on shared keys the points where all left ones are missing. A
 * right series with the very labels of a left one fills its gaps instead.
 */
async function unite(run: QueryRun, expr: BinaryExpr, left: Series[], right: Series[]): Promise<Series[]> {
  const matcher = new Matcher(expr);
  const shown = dropBlank(left);
  const leftGroups = await matcher.group(run, shown);
  const added: Series[] = [];
  for (const [key, others] of await matcher.group(run, right)) {
    if (run.isDue()) await run.breathe();
    const group = leftGroups.get(key);
    if (group === undefined) {
      for (const other of others) added.push(other);
      continue;
    }
    const taken = await firstValues(run, group);
    const byLabels = new Map<string, Float64Array>();
    for (const { labels, values } of group) {
      byLabels.set(labelsKey(labels), values);
      if (run.isDue()) await run.breathe();
    }
    for (const other of others) {
      if (run.isDue()) await run.breathe();
      const same = byLabels.get(labelsKey(other.labels));
      if (same !== undefined) {
        for (let k = 0; k < same.length; k++) if (same[k] !== same[k]) same[k] = other.values[k] as number;
        continue;
      }
      for (let k = 0; k < taken.length; k++) if (taken[k] === taken[k]) other.values[k] = Number.NaN;
      if (!isBlank(other.values)) added.push(other);
      if (run.isDue()) await run.breathe();
    }
  }
  const byLabels = (a: Series, b: Series): number => compareLabels(a.labels, b.labels);
  return (await sortPaced(run, shown, byLabels)).concat(await sortPaced(run, added, byLabels));
}
