/**
 * Rollups over what is no selector and has no window: `rate(sum(m))` is read as `rate(sum(m)[1i:1i])`, the growth of a sum from
 * one point of the graph to the next, which is hardly ever meant. A server may refuse them.
 */
import type { Expr, FunctionExpr } from "../metricsql/ast.ts";
import type { QueryRun } from "./context.ts";
import { ROLLUPS } from "./rollup/table.ts";

/** @throws InputError 422 for the first of them in the tree */
export function refuseImplicit(run: QueryRun, root: Expr): void {
  const open: Expr[] = [root];
  for (let expr = open.pop(); expr !== undefined; expr = open.pop()) {
    if (expr.kind === "function") {
      if (isImplicit(expr)) {
        throw run.fail(
          expr,
          `${expr.name} over an expression without a window: want one in square brackets, as in ${expr.name}(q[5m:1m]); ` +
            "see -search.disableImplicitConversion",
        );
      }
      open.push(...expr.args);
    } else if (expr.kind === "aggregate") open.push(...expr.args);
    else if (expr.kind === "binary") open.push(expr.left, expr.right);
    else if (expr.kind === "rollup") {
      open.push(expr.expr);
      if (expr.at !== null) open.push(expr.at);
    }
  }
}

function isImplicit({ name, args }: FunctionExpr): boolean {
  const entry = ROLLUPS.get(name);
  // Prometheus' timestamp() takes any expression.
  if (entry === undefined || name === "timestamp") return false;
  const seriesAt = entry.args.includes("scalars") ? args.length - 1 : entry.args.indexOf("series");
  const arg = args[seriesAt];
  if (arg === undefined || arg.kind === "selector") return false;
  return arg.kind !== "rollup" || (arg.expr.kind !== "selector" && arg.window === null);
}
