/** Evaluated arguments of a call. Their types were checked when the query was parsed: another one here is our mistake. */
import { BugError } from "../../base/errors.ts";
import type { PromExpr } from "../../promql/ast.ts";
import type { PromSeries, PromValue } from "./value.ts";

/** Series of a vector. The list and its columns are the caller's to change. */
export function seriesOf(args: readonly PromValue[], index: number): PromSeries[] {
  const arg = args[index];
  if (arg?.kind !== "vector") throw new BugError("PromQL function: want a vector here");
  return arg.series;
}

/** One number a point. */
export function scalarOf(args: readonly PromValue[], index: number): Float64Array {
  const arg = args[index];
  if (arg?.kind !== "scalar") throw new BugError("PromQL function: want a scalar here");
  return arg.values;
}

export function textOf(args: readonly PromValue[], index: number): string {
  const arg = args[index];
  if (arg?.kind !== "string") throw new BugError("PromQL function: want a string here");
  return arg.value;
}

/** All arguments from `index` on. */
export function textsFrom(args: readonly PromValue[], index: number): string[] {
  return args.slice(index).map((_, i) => textOf(args, index + i));
}

/** What an expression is without the parentheses around it. */
export function withoutParens(expr: PromExpr): PromExpr;
export function withoutParens(expr: PromExpr | undefined): PromExpr | undefined;
export function withoutParens(expr: PromExpr | undefined): PromExpr | undefined {
  let inner = expr;
  while (inner?.kind === "parens") inner = inner.expr;
  return inner;
}
