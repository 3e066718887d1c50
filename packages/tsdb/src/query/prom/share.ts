/** A share of a PromQL leaf, evaluated where the query does not run (shares/evaluate.ts). */
import { InputError } from "../../base/errors.ts";
import type { PromAggregate, PromCall, PromExpr, PromNumber } from "../../promql/ast.ts";
import type { EvalContext } from "../context.ts";
import type { SampleCursor } from "../source.ts";
import { aggregateFunctions } from "./aggregates.ts";
import type { PromContext } from "./context.ts";
import { rangeFunctions } from "./range-functions.ts";
import { lookingVisitor, visitSeries } from "./selectors.ts";
import { PackedList, type PackingSink } from "./series-sink.ts";
import { outcomeOf, type PromOutcome, type PromTask } from "./sharing.ts";
import { Annotations } from "./value.ts";
import { rollingVisitor } from "./windows.ts";

export async function evaluatePromShare(
  grid: EvalContext,
  { times, leaf, aggregate, wantsHashes }: PromTask,
  cursor: SampleCursor,
): Promise<PromOutcome> {
  const context: PromContext = { ...times, grid, annotations: new Annotations(), samples: null };
  const sink = aggregate === null ? new PackedList(cursor.seriesCount, grid.points) : foldOf(context, aggregate);
  if (sink.keepsColumns) grid.run.reserveColumns(cursor.seriesCount, grid.points);
  if (leaf.kind === "selector") {
    await visitSeries(grid, cursor, null, lookingVisitor(context, leaf.sight, leaf.aspect, sink));
    return outcomeOf(sink.pack(), context, null, null);
  }
  const entry = rangeFunctions.get(leaf.name);
  if (entry === undefined) throw new InputError(`a share of ${leaf.name}()`);
  const call: PromCall = {
    kind: "call",
    type: "vector",
    pos: leaf.pos,
    end: leaf.pos,
    name: leaf.name,
    args: [nothingAt(leaf.argPos)],
  };
  const hashes = wantsHashes ? [] : null;
  const { visit, distinct } = rollingVisitor(context, call, entry, leaf, sink, hashes);
  await visitSeries(grid, cursor, null, visit);
  return outcomeOf(sink.pack(), context, distinct, hashes);
}

function foldOf(context: PromContext, aggregate: Exclude<PromTask["aggregate"], null>): PackingSink {
  const node: PromAggregate = {
    kind: "aggregate",
    type: "vector",
    pos: 0,
    end: 0,
    expr: nothingAt(0),
    param: null,
    ...aggregate,
  };
  const sink = aggregateFunctions.get(aggregate.op)?.(context, node, null).parts?.begin(0);
  if (sink === undefined) throw new InputError(`a share of ${aggregate.op}()`);
  return sink;
}

/** Stands for an argument whose place alone matters. */
function nothingAt(pos: number): PromExpr {
  const nothing: PromNumber = { kind: "number", type: "scalar", pos, end: pos, value: 0 };
  return nothing;
}
