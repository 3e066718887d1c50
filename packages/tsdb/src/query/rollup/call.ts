/** From a node of the tree to a rollup that can be run: which function, which argument is rolled up, what the others say. */
import type { Expr, FunctionExpr, RollupExpr } from "../../metricsql/ast.ts";
import { readScalar, readString, readStrings, wantArguments } from "../arguments.ts";
import type { EvalContext } from "../context.ts";
import type { Evaluate, RollupCall } from "./eval-rollup.ts";
import { ROLLUPS, type RollupArgs, type RollupEntry } from "./table.ts";

/**
 * The rollup that `expr` is, its other arguments evaluated; null if it is none. Selectors and `expr[window] offset …` outside a
 * rollup function are default_rollup's.
 */
export async function rollupCallOf(context: EvalContext, expr: Expr, evaluate: Evaluate): Promise<RollupCall | null> {
  if (expr.kind === "selector" || expr.kind === "rollup") {
    const entry = ROLLUPS.get("default_rollup") as RollupEntry;
    const args: RollupArgs = { scalars: [], strings: [] };
    return { name: "default_rollup", entry, args, plan: entry.plan(args), rollup: asRollup(expr), keepsName: false };
  }
  if (expr.kind !== "function") return null;
  const entry = ROLLUPS.get(expr.name);
  if (entry === undefined) return null;
  return functionCall(context, expr, entry, evaluate);
}

async function functionCall(
  context: EvalContext,
  expr: FunctionExpr,
  entry: RollupEntry,
  evaluate: Evaluate,
): Promise<RollupCall> {
  const { args: kinds } = entry;
  const { args, name } = expr;
  const isOpen = kinds.includes("scalars");
  wantArguments(name, args.length, kinds.filter((kind) => kind !== "tag").length, isOpen ? Infinity : kinds.length);
  const seriesAt = isOpen ? args.length - 1 : kinds.indexOf("series");
  const scalars: Float64Array[] = [];
  const strings: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (i === seriesAt) continue;
    const list = await evaluate(context, args[i] as Expr);
    const kind = isOpen && i > 0 ? "scalars" : kinds[i];
    if (kind === "scalar" || kind === "scalars") scalars.push(readScalar(list, name, i + 1));
    else if (kind === "strings") strings.push(...readStrings(list, name, i + 1));
    else strings.push(readString(list, name, i + 1));
  }
  return {
    name,
    entry,
    args: { scalars, strings },
    plan: entry.plan({ scalars, strings }),
    rollup: asRollup(args[seriesAt] as Expr),
    keepsName: expr.keepMetricNames,
  };
}

function asRollup(expr: Expr): RollupExpr {
  if (expr.kind === "rollup") return expr;
  return {
    kind: "rollup",
    pos: expr.pos,
    expr,
    window: null,
    step: null,
    inheritsStep: false,
    offset: null,
    at: null,
  };
}
