/** One node of the tree on one grid: which part of the evaluator takes it. */
import { Labels } from "../base/labels.ts";
import type { Expr, FunctionExpr } from "../metricsql/ast.ts";
import { printExpr } from "../metricsql/printer.ts";
import { evaluateAggregate } from "./aggregate/eval-aggregate.ts";
import { AGGREGATES } from "./aggregate/table.ts";
import { wantArguments } from "./arguments.ts";
import { evaluateBinary } from "./binary/eval-binary.ts";
import type { EvalContext } from "./context.ts";
import { unknownFunction } from "./names.ts";
import { rollupCallOf } from "./rollup/call.ts";
import { durationMs, evaluateRollup } from "./rollup/eval-rollup.ts";
import { constantSeries, type Series } from "./series.ts";
import { printExtent, printTimeRange } from "./trace.ts";
import { TransformCall } from "./transform/entry.ts";
import { TRANSFORMS } from "./transform/table.ts";

/**
 * Evaluates `expr` at every point of the context's grid. The list is the caller's to change.
 *
 * @throws InputError 422 for what cannot be carried out; the signal's reason when cancelled.
 */
export async function evaluate(outer: EvalContext, expr: Expr): Promise<Series[]> {
  if (outer.trace === null || isConstant(expr)) return evaluateNode(outer, expr);
  const { startMs, endMs, stepMs, trace } = outer;
  const step = trace.begin(
    `eval: query=${trace.text(() => printExpr(expr))}, timeRange=${printTimeRange(startMs, endMs)}, step=${stepMs}`,
  );
  const list = await evaluateNode(outer.traced(step), expr);
  step.end(printExtent(list));
  return list;
}

/** Nothing to tell about. */
function isConstant({ kind }: Expr): boolean {
  return kind === "number" || kind === "duration" || kind === "string";
}

async function evaluateNode(outer: EvalContext, expr: Expr): Promise<Series[]> {
  const context = outer.deeper(expr);
  switch (expr.kind) {
    case "number":
      return [constantSeries(context.points, expr.value)];
    case "duration":
      return [constantSeries(context.points, durationMs(expr, context.stepMs) / 1000)];
    case "string":
      return [{ labels: new Labels(expr.value, []), values: new Float64Array(context.points).fill(Number.NaN) }];
    case "binary":
      return evaluateBinary(context, expr, evaluate);
    case "aggregate": {
      const entry = AGGREGATES.get(expr.name);
      if (entry === undefined) throw unknownFunction(context, expr);
      return evaluateAggregate(context, expr, entry, evaluate);
    }
    default: {
      const call = await rollupCallOf(context, expr, evaluate);
      return call === null ? evaluateTransform(context, expr as FunctionExpr) : evaluateRollup(context, call, evaluate);
    }
  }
}

async function evaluateTransform(context: EvalContext, expr: FunctionExpr): Promise<Series[]> {
  const entry = TRANSFORMS.get(expr.name);
  if (entry === undefined) throw unknownFunction(context, expr);
  wantArguments(expr.name, expr.args.length, entry.min, entry.max);
  const { run, points } = context;
  // Of a long list of numbers it is known beforehand what it takes.
  run.reserveColumns(expr.args.filter(isConstant).length, points);
  const args: Series[][] = [];
  let held = 0;
  for (const arg of expr.args) {
    const list = await evaluate(context, arg);
    held += run.holdColumns(list.length, points);
    args.push(list);
    if (run.isDue()) await run.breathe();
  }
  const step = context.trace?.begin(`transform ${expr.name}()`);
  const list = await entry.apply(new TransformCall(context, expr, args));
  step?.end();
  run.release(held);
  return list;
}
