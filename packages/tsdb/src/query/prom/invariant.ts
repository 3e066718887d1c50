/**
 * What has the same value at every point of a grid, because each of its selectors is pinned by `@`: it is evaluated once, whatever the number of
 * points.
 */
import { chainOf, type PromBinary, type PromExpr } from "../../promql/ast.ts";

/** Functions of the time they are evaluated at, when called without arguments. */
const CLOCKS: ReadonlySet<string> = new Set([
  "time",
  "minute",
  "hour",
  "day_of_week",
  "day_of_month",
  "day_of_year",
  "days_in_month",
  "month",
  "year",
]);

/** The nodes of a tree that do not change from point to point. */
export function findInvariant(expr: PromExpr): ReadonlySet<PromExpr> {
  const found = new Set<PromExpr>();
  visit(expr, found);
  return found;
}

/** All children are visited, whatever the first of them says: each has its own answer. */
function visit(expr: PromExpr, found: Set<PromExpr>): boolean {
  const isInvariant = ask(expr, found);
  if (isInvariant) found.add(expr);
  return isInvariant;
}

function ask(expr: PromExpr, found: Set<PromExpr>): boolean {
  switch (expr.kind) {
    case "number":
    case "string":
      return true;
    case "selector":
      return expr.at !== null;
    case "matrix":
      return expr.selector.at !== null;
    case "subquery":
      visit(expr.expr, found);
      return expr.at !== null;
    case "parens":
    case "unary":
      return visit(expr.expr, found);
    case "aggregate": {
      const isParam = expr.param === null || visit(expr.param, found);
      return visit(expr.expr, found) && isParam;
    }
    case "binary": {
      const links = chainOf(expr).reverse();
      let isInvariant = visit((links[0] as PromBinary).left, found);
      for (const link of links) {
        if (!visit(link.right, found)) isInvariant = false;
        if (isInvariant) found.add(link);
      }
      return isInvariant;
    }
    case "call": {
      const { name, args } = expr;
      let isInvariant = args.length > 0 || !CLOCKS.has(name);
      for (const arg of args) if (!visit(arg, found)) isInvariant = false;
      if (name === "predict_linear") return false;
      // The time of a sample is pinned with it; the time of anything else is that of the evaluation.
      if (name === "timestamp") return isInvariant && isBareSelector(args[0]);
      return isInvariant;
    }
  }
}

function isBareSelector(expr: PromExpr | undefined): boolean {
  let bare = expr;
  while (bare?.kind === "parens") bare = bare.expr;
  return bare?.kind === "selector";
}
