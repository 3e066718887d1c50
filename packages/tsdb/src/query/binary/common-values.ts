/**
 * What one side of a binary operator has to say to the other before it is read: `up{job="x"} * on (instance) m` needs the series of m whose
 * instance is one of those of up, and no others.
 *
 *   left's answer ──▸ labels that all its series have, few values each ──▸ filters ──▸ the selectors of the right
 *
 * Answers must not depend on it. So only labels that the sides are matched by count, filters stop at whatever does not keep labels
 * (metricsql/optimize.ts) and at other binary operators, and where a right side that is empty may be one series without labels
 * that meets every series of the left, it is read again as it was written.
 */
import { quoteRegex } from "../../base/regex.ts";
import type { BinaryExpr, Expr, LabelFilter } from "../../metricsql/ast.ts";
import { comparesWithUnion, pushFilters, throughMatching } from "../../metricsql/optimize.ts";
import type { Series } from "../series.ts";

/** Longer lists of values cost more to look up than they save. */
const PATTERN_MAX = 16 * 1024;

/** The right side as it is to be read, given the left's answer: `expr.right` itself if nothing is known to help. */
export function narrowRight(expr: BinaryExpr, left: readonly Series[], valuesMax: number): Expr {
  if (valuesMax <= 0 || left.length === 0 || !countsMatchesOnly(expr)) return expr.right;
  const filters = throughMatching(expr, commonValues(left, valuesMax));
  return filters.length === 0 ? expr.right : pushFilters(expr.right, filters);
}

/** True if a right side that is not empty leaves no doubt: otherwise one without labels may count for every series of the left. */
export function mayServeAll(expr: BinaryExpr): boolean {
  if (expr.op === "if" || expr.op === "ifnot") return true;
  return expr.op !== "and" && expr.op !== "unless" && expr.matching === null && expr.join === null;
}

/** True if right series that match none of the left change nothing. */
function countsMatchesOnly(expr: BinaryExpr): boolean {
  if (expr.op === "or" || expr.op === "default" || expr.fillLeft !== null || expr.fillRight !== null) return false;
  return !comparesWithUnion(expr);
}

/** A filter for each label that all series have, with no more than `valuesMax` values among them. Never on `__name__`. */
export function commonValues(list: readonly Series[], valuesMax: number): LabelFilter[] {
  const [first] = list;
  if (first === undefined) return [];
  const { pairs } = first.labels;
  const valuesOf = new Map<string, Set<string>>();
  for (let i = 0; i < pairs.length; i += 2) valuesOf.set(pairs[i] as string, new Set());
  for (const { labels } of list) {
    for (const [label, values] of valuesOf) {
      const value = labels.get(label);
      if (value === "" || values.add(value).size > valuesMax) valuesOf.delete(label);
    }
    if (valuesOf.size === 0) break;
  }
  const filters: LabelFilter[] = [];
  for (const [label, values] of valuesOf) {
    const list = [...values];
    if (list.length === 1) filters.push({ label, op: "=", value: list[0] as string });
    else {
      const value = list.map(quoteRegex).join("|");
      if (value.length <= PATTERN_MAX) filters.push({ label, op: "=~", value });
    }
  }
  return filters;
}
