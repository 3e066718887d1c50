/**
 * Rollups over what is no selector and has no window: `rate(sum(m))` is read as `rate(sum(m)[1i:1i])`, the growth of a sum from
 * one point of the graph to the next, which is hardly ever meant. A server may refuse them, or tell of them.
 */
import type { Expr, FunctionExpr } from "../metricsql/ast.ts";
import type { QueryRun } from "./context.ts";
import { ROLLUPS } from "./rollup/table.ts";

export interface ImplicitRules {
  readonly refusesImplicit?: boolean | undefined;
  /** Hears of the first of them in the tree, with its place. */
  readonly onImplicit?: ((message: string) => void) | undefined;
}

/** @throws InputError 400 for the first of them in the tree if they are refused */
export function checkImplicit(run: QueryRun, root: Expr, { refusesImplicit = false, onImplicit }: ImplicitRules): void {
  if (!refusesImplicit && onImplicit === undefined) return;
  const found = findImplicit(root);
  if (found === null) return;
  const { name } = found;
  const said = `${name} over an expression without a window: want one in square brackets, as in ${name}(q[5m:1m])`;
  if (refusesImplicit) throw run.fail(found, `${said}; see -search.disableImplicitConversion`, 400);
  onImplicit?.(run.fail(found, said).message);
}

function findImplicit(root: Expr): FunctionExpr | null {
  const open: Expr[] = [root];
  for (let expr = open.pop(); expr !== undefined; expr = open.pop()) {
    if (expr.kind === "function") {
      if (isImplicit(expr)) return expr;
      open.push(...expr.args);
    } else if (expr.kind === "aggregate") open.push(...expr.args);
    else if (expr.kind === "binary") open.push(expr.left, expr.right);
    else if (expr.kind === "rollup") {
      open.push(expr.expr);
      if (expr.at !== null) open.push(expr.at);
    }
  }
  return null;
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
