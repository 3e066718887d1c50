/** Names of functions: all there are, and the one that was probably meant. */
import type { InputError } from "../base/errors.ts";
import type { AggregateExpr, Expr, FunctionExpr } from "../metricsql/ast.ts";
import { AGGREGATES } from "./aggregate/table.ts";
import type { EvalContext } from "./context.ts";
import { ROLLUPS } from "./rollup/table.ts";
import { TRANSFORMS } from "./transform/table.ts";

export function unknownFunction(context: EvalContext, expr: FunctionExpr | AggregateExpr): InputError {
  const near = nearestName(expr.name, [...ROLLUPS.keys(), ...TRANSFORMS.keys(), ...AGGREGATES.keys()]);
  const hint = near === null ? "" : `; did you mean "${near}"?`;
  return context.run.fail(expr, `unknown function ${JSON.stringify(expr.name)}${hint}`);
}

/** Throws for the first unknown function anywhere in the tree, before any data is read. */
export function checkNames(context: EvalContext, root: Expr): void {
  const open: Expr[] = [root];
  for (let expr = open.pop(); expr !== undefined; expr = open.pop()) {
    if (expr.kind === "function" || expr.kind === "aggregate") {
      const { name } = expr;
      const isKnown = expr.kind === "aggregate" ? AGGREGATES.has(name) : ROLLUPS.has(name) || TRANSFORMS.has(name);
      if (!isKnown) throw unknownFunction(context, expr);
      open.push(...expr.args);
    } else if (expr.kind === "binary") open.push(expr.left, expr.right);
    else if (expr.kind === "rollup") {
      open.push(expr.expr);
      if (expr.at !== null) open.push(expr.at);
    }
  }
}

/** The name with the fewest edits from `text`, if few enough to be a slip: a third of its length. */
export function nearestName(text: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let fewest = Math.floor(Math.min(text.length, 60) / 3) + 1;
  for (const name of names) {
    if (Math.abs(name.length - text.length) >= fewest) continue;
    const edits = countEdits(text, name);
    if (edits < fewest) {
      fewest = edits;
      best = name;
    }
  }
  return best;
}

/** Insertions, deletions, replacements (Levenshtein). */
function countEdits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
