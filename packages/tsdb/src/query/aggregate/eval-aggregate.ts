/**
 * An aggregate over its arguments. Where it can take series one by one and its argument is a rollup of a selector, samples go straight
 * through: no more than one column a group and one for the series at hand exist at any time.
 */
import type { AggregateExpr, Expr } from "../../metricsql/ast.ts";
import { readScalar, readString, wantArguments } from "../arguments.ts";
import type { EvalContext } from "../context.ts";
import { rollupCallOf } from "../rollup/call.ts";
import { type Evaluate, evaluateRollup } from "../rollup/eval-rollup.ts";
import { isBlank, type Series } from "../series.ts";
import { GroupSink } from "./group-sink.ts";
import { Grouping, groupSeries } from "./grouping.ts";
import type { AggregateArgs, AggregateEntry } from "./table.ts";

export async function evaluateAggregate(
  context: EvalContext,
  expr: AggregateExpr,
  entry: AggregateEntry,
  evaluate: Evaluate,
): Promise<Series[]> {
  checkCount(expr, entry);
  const { accumulate } = entry;
  if (accumulate !== null && expr.args.length === 1) {
    const call = await rollupCallOf(context, expr.args[0] as Expr, evaluate);
    if (call !== null && call.rollup.expr.kind === "selector" && call.name !== "absent_over_time") {
      const makeSink = (points: number): GroupSink => new GroupSink(points, expr, accumulate, context.run);
      return evaluateRollup(context, call, evaluate, makeSink);
    }
  }
  const scalars: Float64Array[] = [];
  const strings: string[] = [];
  const pool: Series[] = [];
  const { run, points } = context;
  let held = 0;
  for (let i = 0; i < expr.args.length; i++) {
    const list = await evaluate(context, expr.args[i] as Expr);
    held += run.holdColumns(list.length, points);
    const kind = kindOf(entry, i, expr.args.length);
    if (kind === "scalar" || kind === "scalars") scalars.push(readScalar(list, expr.name, i + 1));
    else if (kind === "string" || kind === "string?") strings.push(readString(list, expr.name, i + 1));
    else for (const series of list) if (!isBlank(series.values)) pool.push(series);
    if (run.isDue()) await run.breathe();
  }
  const step = context.trace?.begin(`aggregate ${expr.name}() over ${pool.length} series`);
  const list = await aggregateList(context, expr, entry, pool, scalars, strings);
  run.release(held);
  step?.end(`series=${list.length}`);
  return list;
}

async function aggregateList(
  context: EvalContext,
  expr: AggregateExpr,
  entry: AggregateEntry,
  pool: readonly Series[],
  scalars: Float64Array[],
  strings: string[],
): Promise<Series[]> {
  const { run } = context;
  if (entry.accumulate !== null) {
    const sink = new GroupSink(context.points, expr, entry.accumulate, run);
    for (const series of pool) {
      sink.accept(series.labels, series.values, 0);
      if (run.isDue()) await run.breathe();
    }
    return sink.finish();
  }
  const grouping = new Grouping(entry.makesLabel ? withoutMade(expr.modifier, strings[0] as string) : expr.modifier);
  const args: AggregateArgs = { scalars, strings, grouping, run };
  const result: Series[] = [];
  for (const group of await groupSeries(run, pool, grouping, expr.limit)) {
    for (const series of (await entry.compute?.(group, args)) ?? []) result.push(series);
    if (result.length > run.limits.maxSeriesPerAggrFunc) {
      throw run.fail(
        expr,
        `${expr.name}: makes more than -search.maxSeriesPerAggrFunc=${run.limits.maxSeriesPerAggrFunc} series`,
      );
    }
    if (run.isDue()) await run.breathe();
  }
  return result;
}

/** The modifier as if the label that the function makes were not there to group by. */
function withoutMade(modifier: AggregateExpr["modifier"], label: string): AggregateExpr["modifier"] {
  if (modifier === null) return null;
  if (modifier.op === "without") return { op: "without", labels: [...modifier.labels, label] };
  return { op: "by", labels: modifier.labels.filter((other) => other !== label) };
}

function checkCount(expr: AggregateExpr, entry: AggregateEntry): void {
  const isOpen = entry.args.includes("pool") || entry.args.includes("scalars");
  const max = isOpen ? Number.POSITIVE_INFINITY : entry.args.length;
  const min = entry.args.filter((kind) => kind !== "string?").length;
  wantArguments(expr.name, expr.args.length, min, max);
}

function kindOf(entry: AggregateEntry, i: number, count: number): string {
  const { args } = entry;
  if (args[0] === "pool") return "pool";
  if (args.includes("scalars") && i > 0) return i === count - 1 ? "series" : "scalars";
  return args[i] as string;
}
