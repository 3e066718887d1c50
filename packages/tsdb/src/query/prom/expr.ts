/** One node of the tree on one grid: which part of the evaluator takes it. */
import { InputError } from "../../base/errors.ts";
import {
  chainOf,
  type PromAggregate,
  type PromBinary,
  type PromCall,
  type PromExpr,
  type PromSelector,
  type PromUnary,
} from "../../promql/ast.ts";
import { printPromql } from "../../promql/printer.ts";
import { POINTWISE } from "../cache/functions.ts";
import type { QueryRun } from "../context.ts";
import { printExtent, printTimeRange } from "../trace.ts";
import { aggregateFunctions } from "./aggregates.ts";
import { withoutParens } from "./arguments.ts";
import { evaluateBinary } from "./binary.ts";
import type { PromContext } from "./context.ts";
import { histogramFunctions } from "./histogram.ts";
import { evaluateInfo } from "./info.ts";
import { instantFunctions } from "./instant-functions.ts";
import { findInvariant } from "./invariant.ts";
import { evaluateFromKept } from "./kept.ts";
import { dropMetadataOfAll } from "./label-sets.ts";
import { rangeFunctions } from "./range-functions.ts";
import { countPoints, type SampleCount } from "./sample-count.ts";
import { evaluateSelector, type SampleAspect, streamSelector } from "./selectors.ts";
import type { SeriesSink } from "./series-sink.ts";
import type { EvaluateExpr } from "./subquery.ts";
import type { PromSeries, PromValue } from "./value.ts";
import { evaluateRangeCall, streamRangeCall } from "./windows.ts";

/** Evaluates nodes of one tree on any grid. The values are the caller's to change. */
export function evaluatorOf(tree: PromExpr): EvaluateExpr {
  const invariant = findInvariant(tree);

  async function evaluate(context: PromContext, expr: PromExpr): Promise<PromValue> {
    if (context.samples !== null) return await evaluateCounted(context, context.samples, expr);
    if (expr.kind === "number" || expr.kind === "string") return await evaluateNode(context, expr);
    return await traced(context, expr, (inner) => evaluateNode(inner, expr), printOutcome);
  }

  async function evaluateCounted(context: PromContext, samples: SampleCount, expr: PromExpr): Promise<PromValue> {
    const before = samples.held;
    const value = await traced(context, expr, (inner) => evaluateNode(inner, expr), printOutcome);
    const made = countPoints(value, context.grid.points);
    // While these are applied, arguments and results are there together; the others count their results themselves, or change what they got.
    if (expr.kind === "binary" || (expr.kind === "call" && !rangeFunctions.has(expr.name))) samples.peek(made);
    samples.settle(before, made);
    return value;
  }

  async function evaluateNode(context: PromContext, expr: PromExpr): Promise<PromValue> {
    const { grid } = context;
    if (grid.run.isDue()) await grid.run.breathe();
    if (grid.points > 1 && invariant.has(expr) && expr.kind !== "number" && expr.kind !== "string") {
      const samples = context.samples?.inner(1) ?? null;
      const once = await evaluateNode(
        { ...context, samples, grid: grid.onGrid(grid.startMs, grid.startMs, grid.stepMs) },
        expr,
      );
      if (samples !== null) context.samples?.addEverywhere(samples.total);
      return await repeat(context, once);
    }
    switch (expr.kind) {
      case "number":
        return { kind: "scalar", values: new Float64Array(grid.points).fill(expr.value) };
      case "string":
        return { kind: "string", value: expr.value };
      case "selector":
        return { kind: "vector", series: await selectorSeries(context, expr, "value") };
      case "parens":
        return await evaluate(context, expr.expr);
      case "unary":
        return await evaluateUnary(grid.run, expr, await evaluate(context, expr.expr));
      case "binary":
        return await evaluateChain(context, expr);
      case "aggregate":
        return await evaluateAggregate(context, expr);
      case "call":
        return await evaluateCall(context, expr);
      default:
        throw new InputError(`a range vector has no value at a point of time: ${expr.kind} outside of a function`, 422);
    }
  }

  /** Operators from the first to the last: a long chain costs no stack. What is the same at all points is a value of its own. */
  async function evaluateChain(context: PromContext, top: PromBinary): Promise<PromValue> {
    const { grid } = context;
    const { run, points } = grid;
    const links = chainOf(top, (link) => points === 1 || !invariant.has(link));
    let value = await evaluate(context, (links.at(-1) as PromBinary).left);
    for (const link of links.reverse()) {
      const heldLeft = run.holdColumns(seriesCount(value), points);
      const right = await evaluate(context, link.right);
      const heldRight = run.holdColumns(seriesCount(right), points);
      const step = grid.trace?.begin(`binary op "${link.op}": left ${printValue(value)}, right ${printValue(right)}`);
      value = await evaluateBinary(context, link, value, right);
      step?.end(printValue(value));
      run.release(heldLeft + heldRight);
    }
    return value;
  }

  async function selectorSeries(context: PromContext, expr: PromSelector, aspect: SampleAspect): Promise<PromSeries[]> {
    const kept = await evaluateFromKept(context, { expr, aspect, aggregate: null }, evaluate);
    return kept ?? (await evaluateSelector(context, expr, aspect));
  }

  async function evaluateAggregate(context: PromContext, node: PromAggregate): Promise<PromValue> {
    const entry = aggregateFunctions.get(node.op);
    if (entry === undefined) throw new InputError(`unknown aggregation ${JSON.stringify(node.op)}`);
    const bare = withoutParens(node.expr);
    if ((bare.kind === "selector" || bare.kind === "call") && !invariant.has(bare)) {
      const kept = await evaluateFromKept(context, { expr: bare, aspect: "value", aggregate: node }, evaluate);
      if (kept !== null) return { kind: "vector", series: kept };
    }
    const param = node.param === null ? null : await evaluate(context, node.param);
    const aggregation = entry(context, node, param);
    const isLeaf = (bare.kind === "selector" || bare.kind === "call") && !invariant.has(bare);
    // What wants every value takes them from what is kept of the series.
    const kept =
      isLeaf && !POINTWISE.has(node.op) && node.op !== "limitk"
        ? await evaluateFromKept(context, { expr: bare, aspect: "value", aggregate: null }, evaluate)
        : null;
    if (kept === null) await stream(context, bare, aggregation);
    else await addAll(context, kept, aggregation);
    const step = context.grid.trace?.begin(`aggregate ${node.op}()`);
    const series = await aggregation.finish();
    step?.end(`series=${series.length}`);
    return { kind: "vector", series };
  }

  /** Hands the series of a vector to the sink: as they are computed where they come one by one, else once all are there. */
  async function stream(context: PromContext, expr: PromExpr, sink: SeriesSink): Promise<void> {
    const { points } = context.grid;
    const isOnce = points > 1 && invariant.has(expr);
    if (expr.kind === "selector" && !isOnce) {
      await traced(context, expr, (inner) => streamSelector(inner, expr, sink), printStreamed);
      return;
    }
    if (expr.kind === "call" && !isOnce) {
      const range = rangeFunctions.get(expr.name);
      if (range !== undefined && range.finish === undefined) {
        await traced(context, expr, (inner) => streamRangeCall(inner, expr, range, evaluate, sink), printStreamed);
        return;
      }
    }
    const value = await evaluate(context, expr);
    if (value.kind === "vector") await addAll(context, value.series, sink);
  }

  async function evaluateCall(context: PromContext, call: PromCall): Promise<PromValue> {
    const range = rangeFunctions.get(call.name);
    if (range !== undefined) {
      const kept = await evaluateFromKept(context, { expr: call, aspect: "value", aggregate: null }, evaluate);
      return { kind: "vector", series: kept ?? (await evaluateRangeCall(context, call, range, evaluate)) };
    }
    if (call.name === "info") return { kind: "vector", series: await evaluateInfo(context, call, evaluate) };
    const entry = instantFunctions.get(call.name) ?? histogramFunctions.get(call.name);
    if (entry === undefined) throw new InputError(`unknown function with name ${JSON.stringify(call.name)}`);
    const { run, points } = context.grid;
    const args: PromValue[] = [];
    let held = 0;
    for (const arg of call.args) {
      const bare = withoutParens(arg);
      let value: PromValue;
      if (entry.wantsSampleTimes === true && bare.kind === "selector") {
        value = { kind: "vector", series: await selectorSeries(context, bare, "time") };
      } else value = await evaluate(context, bare);
      args.push(value);
      held += run.holdColumns(seriesCount(value), points);
    }
    const step = context.grid.trace?.begin(`call ${call.name}()`);
    const answer = await entry.evaluate(context, call, args);
    step?.end();
    run.release(held);
    return answer;
  }

  return evaluate;
}

async function addAll({ grid }: PromContext, series: readonly PromSeries[], sink: SeriesSink): Promise<void> {
  for (const { labels, values, present } of series) {
    sink.add(labels, values, present);
    if (grid.run.isDue()) await grid.run.breathe();
  }
}

/** Columns that a value takes. */
function seriesCount(value: PromValue): number {
  return value.kind === "vector" ? value.series.length : value.kind === "scalar" ? 1 : 0;
}

/** `+` changes nothing, not even names. */
async function evaluateUnary(run: QueryRun, node: PromUnary, value: PromValue): Promise<PromValue> {
  if (node.op === "+") return value;
  if (value.kind === "scalar") negate(value.values);
  if (value.kind !== "vector") return value;
  for (const series of value.series) {
    negate(series.values);
    if (run.isDue()) await run.breathe();
  }
  return { kind: "vector", series: await dropMetadataOfAll(run, value.series) };
}

function negate(values: Float64Array): void {
  for (let k = 0; k < values.length; k++) values[k] = -(values[k] as number);
}

/** Work on a node as a step of the trace, if there is one. */
async function traced<T>(
  context: PromContext,
  expr: PromExpr,
  work: (context: PromContext) => Promise<T>,
  outcomeOf: (value: T) => string,
): Promise<T> {
  const { grid } = context;
  const { endMs, startMs, stepMs, trace } = grid;
  if (trace === null) return await work(context);
  const step = trace.begin(
    `eval: query=${trace.text(() => printPromql(expr))}, timeRange=${printTimeRange(startMs, endMs)}, step=${stepMs}`,
  );
  const value = await work({ ...context, grid: grid.traced(step) });
  step.end(outcomeOf(value));
  return value;
}

function printOutcome(value: PromValue): string {
  return value.kind === "vector" ? printExtent(value.series) : value.kind;
}

function printStreamed(): string {
  return "handed on series by series";
}

function printValue(value: PromValue): string {
  return value.kind === "vector" ? `series=${value.series.length}` : value.kind;
}

/** The value of one point at every point of the grid. */
async function repeat(context: PromContext, once: PromValue): Promise<PromValue> {
  const { run, points } = context.grid;
  if (once.kind === "string") return once;
  if (once.kind === "scalar")
    return { kind: "scalar", values: new Float64Array(points).fill(once.values[0] as number) };
  run.reserveColumns(once.series.length, points);
  const series: PromSeries[] = [];
  for (const { labels, values, present } of once.series) {
    if (present !== null && present[0] === 0) continue;
    series.push({ labels, values: new Float64Array(points).fill(values[0] as number), present: null });
    if (run.isDue()) await run.breathe();
  }
  return { kind: "vector", series };
}
