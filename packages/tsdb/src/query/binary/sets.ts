/**
 * The operators that choose points rather than compute them: and, or, unless, if, ifnot, default. All work per key of
 * matching labels; "has a point" means some series of that key has a value there.
 */
import { compareLabels } from "../../base/labels.ts";
import type { BinaryExpr } from "../../metricsql/ast.ts";
import { labelsKey } from "../label-edit.ts";
import { dropBlank, isScalarList, type Series } from "../series.ts";
import { Matcher } from "./matching.ts";

export type SetOperator = (expr: BinaryExpr, left: Series[], right: Series[]) => Series[];

export const SET_OPERATORS: ReadonlyMap<string, SetOperator> = new Map<string, SetOperator>([
  /** Left points where the right has one. */
  ["and", (expr, left, right) => keepPoints(expr, left, right, true, false)],
  /** Like `and`; a label-less single right series serves every key. */
  ["if", (expr, left, right) => keepPoints(expr, left, right, true, true)],
  /** Left points where the right has none. */
  ["unless", (expr, left, right) => keepPoints(expr, left, right, false, false)],
  ["ifnot", (expr, left, right) => keepPoints(expr, left, right, false, true)],
  ["or", unite],
  ["default", fillGaps],
]);

function keepPoints(
  expr: BinaryExpr,
  left: Series[],
  right: Series[],
  wantsPoint: boolean,
  servesAll: boolean,
): Series[] {
  const matcher = new Matcher(expr);
  const rightGroups = matcher.group(right);
  const result: Series[] = [];
  for (const [key, group] of matcher.group(left)) {
    const others = servesAll ? groupOrScalar(rightGroups, key) : rightGroups.get(key);
    if (others === undefined) {
      if (!wantsPoint) result.push(...group);
      continue;
    }
    for (const series of group) {
      const { values } = series;
      for (let k = 0; k < values.length; k++) {
        if (hasPoint(others, k) !== wantsPoint) values[k] = Number.NaN;
      }
    }
    result.push(...dropBlank(group));
  }
  return result;
}

function hasPoint(list: readonly Series[], k: number): boolean {
  for (let i = 0; i < list.length; i++) {
    const v = (list[i] as Series).values[k] as number;
    if (v === v) return true;
  }
  return false;
}

function groupOrScalar(groups: ReadonlyMap<string, Series[]>, key: string): Series[] | undefined {
  const found = groups.get(key);
  if (found !== undefined || groups.size !== 1) return found;
  const [only] = groups.values() as Iterable<Series[]> as [Series[]];
  return isScalarList(only) ? only : undefined;
}

/** Gaps of the left get the right's values; an empty left is the right. */
function fillGaps(expr: BinaryExpr, left: Series[], right: Series[]): Series[] {
  if (left.length === 0) return right;
  const matcher = new Matcher(expr);
  const rightGroups = matcher.group(right);
  for (const [key, group] of matcher.group(left)) {
    const others = groupOrScalar(rightGroups, key);
    if (others === undefined) continue;
    for (const { values } of group) {
      for (let k = 0; k < values.length; k++) {
        if (values[k] === values[k]) continue;
        for (const other of others) {
          const v = other.values[k] as number;
          if (v === v) {
            values[k] = v;
            break;
          }
        }
      }
    }
  }
  return left;
}

/**
 * Left series, then what the right adds: keys the left lacks, and on shared keys the points where all left ones are missing. A
 * right series with the very labels of a left one fills its gaps instead.
 */
function unite(expr: BinaryExpr, left: Series[], right: Series[]): Series[] {
  const matcher = new Matcher(expr);
  const leftGroups = matcher.group(dropBlank(left));
  const added: Series[] = [];
  for (const [key, others] of matcher.group(right)) {
    const group = leftGroups.get(key);
    if (group === undefined) {
      added.push(...others);
      continue;
    }
    const keys = group.map((series) => labelsKey(series.labels));
    for (const other of others) {
      const otherKey = labelsKey(other.labels);
      for (let g = 0; g < group.length; g++) {
        const { values } = group[g] as Series;
        const isSame = keys[g] === otherKey;
        for (let k = 0; k < values.length; k++) {
          const isGap = values[k] !== values[k];
          if (isGap && isSame) values[k] = other.values[k] as number;
          if (!isGap || isSame) other.values[k] = Number.NaN;
        }
      }
    }
    added.push(...dropBlank(others));
  }
  const byLabels = (a: Series, b: Series): number => compareLabels(a.labels, b.labels);
  return [...[...leftGroups.values()].flat().sort(byLabels), ...added.sort(byLabels)];
}
