/**
 * PromQL's leaves from what is kept of earlier answers (query/cache). Here a point depends on the samples of its window and on nothing else, but for two things: series that lose their
 * names may become equal, which is an error wherever in the range they have values; and remarks are about the whole range.
 */
import type { FilterGroups } from "../../metricsql/ast.ts";
import type { PromAggregate, PromCall, PromExpr, PromSelector } from "../../promql/ast.ts";
import { printPromql } from "../../promql/printer.ts";
import { POINTWISE } from "../cache/functions.ts";
import { evaluateKept, type Leaf, type LeafReading } from "../cache/kept-leaf.ts";
import type { LeafSeries } from "../cache/rollup-cache.ts";
import { aggregateFunctions } from "./aggregates.ts";
import { withoutParens } from "./arguments.ts";
import type { PromContext } from "./context.ts";
import { offsetMs, positiveMs } from "./durations.ts";
import { rangeFunctions } from "./range-functions.ts";
import { lookUpInto, type SampleAspect, sightOf } from "./selectors.ts";
import { SeriesList, type SeriesSink } from "./series-sink.ts";
import type { EvaluateExpr } from "./subquery.ts";
import { Annotations, type PromSeries } from "./value.ts";
import { streamRangeCall } from "./windows.ts";

/** A selector or a function of windows over one, and what is made of its series. */
export interface KeptExpr {
  readonly expr: PromSelector | PromCall;
  readonly aspect: SampleAspect;
  /** Null where all series are wanted. */
  readonly aggregate: PromAggregate | null;
}

/** Its series; null if they are to be computed as if there were no cache. */
export async function evaluateFromKept(
  context: PromContext,
  asked: KeptExpr,
  evaluate: EvaluateExpr,
): Promise<PromSeries[] | null> {
  if (context.grid.run.cache === null || context.samples !== null) return null;
  const leaf = leafOf(context, asked, evaluate);
  if (leaf === null) return null;
  const kept = await evaluateKept(context.grid, leaf);
  if (kept === null) return null;
  for (const note of kept.notes) context.annotations.infos.add(note);
  return kept.series.map(({ labels, values, present }) => ({ labels, values, present }));
}

function leafOf(context: PromContext, { expr, aspect, aggregate }: KeptExpr, evaluate: EvaluateExpr): Leaf | null {
  if (aggregate !== null && (aggregate.param !== null || !POINTWISE.has(aggregate.op))) return null;
  const selector = expr.kind === "selector" ? expr : selectorOf(expr);
  if (selector === null || selector.at !== null) return null;
  const isOfOneMetric = selector.filters.some(({ label, op }) => label === "__name__" && op === "=");
  if (expr.kind === "call" && !isOfOneMetric) return null;
  const { grid, lookbackMs } = context;
  const { run } = grid;
  const backMs = expr.kind === "selector" ? lookbackMs : rangeOf(context, expr);
  const shiftMs = offsetMs(context, selector.offset);
  const what = [
    "promql",
    printPromql(expr),
    // Where remarks say they are about.
    expr.kind === "call"
      ? run.text
          .slice(0, expr.args[0]?.pos ?? expr.pos)
          .split("\n")
          .map(({ length }) => length)
      : aspect,
    backMs,
    shiftMs,
    run.extraFilters as FilterGroups | null,
    aggregate === null ? null : [aggregate.op, aggregate.isWithout, aggregate.grouping],
  ];
  return {
    text: JSON.stringify(what),
    backMs,
    shiftMs,
    watching: null,
    wantsBlank: false,
    evaluate: async (inner, reading) => {
      const innerContext: PromContext = { ...context, grid: inner, annotations: new Annotations() };
      const aggregation =
        aggregate === null ? null : (aggregateFunctions.get(aggregate.op)?.(innerContext, aggregate, null) ?? null);
      const list = new SeriesList(inner.points);
      const sink = aggregation ?? list;
      if (!(await stream(innerContext, expr, aspect, sink, evaluate, reading))) return null;
      const { warnings, infos } = innerContext.annotations;
      // What a warning is about may be one point of many.
      if (warnings.size > 0 || (infos.size > 0 && !isOfOneMetric)) return null;
      for (const info of infos) reading.notes.add(info);
      const series = aggregation === null ? list.list : await aggregation.finish();
      return series.map(({ labels, values, present }): LeafSeries => ({ labels, values, present, lastMs: 0 }));
    },
  };
}

async function stream(
  context: PromContext,
  expr: PromSelector | PromCall,
  aspect: SampleAspect,
  sink: SeriesSink,
  evaluate: EvaluateExpr,
  reading: LeafReading,
): Promise<boolean> {
  if (expr.kind === "selector") {
    return await lookUpInto(sink, context, expr.filters, sightOf(context, null, expr.offset), aspect, reading);
  }
  const entry = rangeFunctions.get(expr.name);
  return entry !== undefined && (await streamRangeCall(context, expr, entry, evaluate, sink, reading));
}

/** The selector of a function of windows whose other arguments are numbers; null for anything else. */
function selectorOf(call: PromCall): PromSelector | null {
  const entry = rangeFunctions.get(call.name);
  if (entry === undefined || entry.finish !== undefined) return null;
  let selector: PromSelector | null = null;
  for (const arg of call.args) {
    const bare = withoutParens(arg);
    if (bare.kind === "matrix") selector = bare.selector;
    else if (!isNumber(bare)) return null;
  }
  return selector;
}

function isNumber(expr: PromExpr): boolean {
  return expr.kind === "number" || (expr.kind === "unary" && expr.expr.kind === "number");
}

function rangeOf(context: PromContext, call: PromCall): number {
  for (const arg of call.args) {
    const bare = withoutParens(arg);
    if (bare.kind === "matrix") return positiveMs(context, bare.range);
  }
  return 0;
}
