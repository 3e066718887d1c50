/**
 * Binary operators: which values meet which.
 *
 *   scalar op scalar    a scalar; comparisons are 1 or 0
 *   vector op scalar    every series with the scalar's column (here)
 *   vector op vector    series that agree in the matching labels (vector-matching.ts, set-operators.ts)
 *
 * Everything works on whole columns: which series meet is settled once, from labels; at which points they meet, by masks.
 */
import { BugError } from "../../base/errors.ts";
import type { PromBinary } from "../../promql/ast.ts";
import type { QueryRun } from "../context.ts";
import { ARITHMETIC, COMPARISONS } from "./column-operators.ts";
import type { PromContext } from "./context.ts";
import { dropMetadataOfAll } from "./label-sets.ts";
import { hasPoint, intersect } from "./presence.ts";
import { SET_OPERATORS } from "./set-operators.ts";
import type { PromSeries, PromValue } from "./value.ts";
import { operateOnVectors } from "./vector-matching.ts";

/**
 * Value of `left op right`. Takes over both operands.
 * @throws InputError 422 when the matching is ambiguous, with Prometheus' message.
 */
export async function evaluateBinary(
  context: PromContext,
  node: PromBinary,
  left: PromValue,
  right: PromValue,
): Promise<PromValue> {
  const { run } = context.grid;
  if (left.kind === "scalar" && right.kind === "scalar") {
    return { kind: "scalar", values: operateOnScalars(node, left.values, right.values) };
  }
  if (left.kind === "vector" && right.kind === "scalar") {
    return { kind: "vector", series: await operateWithScalar(run, node, left.series, right.values, false) };
  }
  if (left.kind === "scalar" && right.kind === "vector") {
    return { kind: "vector", series: await operateWithScalar(run, node, right.series, left.values, true) };
  }
  if (left.kind !== "vector" || right.kind !== "vector")
    throw new BugError("binary operators take scalars and vectors");
  const operateOnSets = SET_OPERATORS.get(node.op);
  const series =
    operateOnSets === undefined
      ? await operateOnVectors(context, node, left.series, right.series)
      : await operateOnSets(context, node, left.series, right.series);
  return { kind: "vector", series };
}

function operateOnScalars(node: PromBinary, left: Float64Array, right: Float64Array): Float64Array {
  const arithmetic = ARITHMETIC.get(node.op);
  const target = new Float64Array(left.length);
  if (arithmetic !== undefined) arithmetic(left, right, target);
  else {
    const holds = new Uint8Array(left.length);
    comparisonOf(node)(left, right, holds);
    target.set(holds);
  }
  return target;
}

/** Without `bool` a comparison keeps the series' values where it holds, whichever side the scalar is on. */
async function operateWithScalar(
  run: QueryRun,
  node: PromBinary,
  series: PromSeries[],
  scalar: Float64Array,
  isScalarLeft: boolean,
): Promise<PromSeries[]> {
  const arithmetic = ARITHMETIC.get(node.op);
  if (arithmetic !== undefined) {
    for (const { values } of series) {
      if (isScalarLeft) arithmetic(scalar, values, values);
      else arithmetic(values, scalar, values);
      if (run.isDue()) await run.breathe();
    }
    return await dropMetadataOfAll(run, series);
  }
  const compare = comparisonOf(node);
  const kept: PromSeries[] = [];
  for (const one of series) {
    if (run.isDue()) await run.breathe();
    const { values } = one;
    const holds = new Uint8Array(values.length);
    if (isScalarLeft) compare(scalar, values, holds);
    else compare(values, scalar, holds);
    if (node.isBool) values.set(holds);
    else {
      one.present = one.present === null ? holds : intersect(one.present, holds);
      if (hasPoint(one.present)) kept.push(one);
    }
  }
  return node.isBool ? await dropMetadataOfAll(run, series) : kept;
}

function comparisonOf(node: PromBinary): (a: Float64Array, b: Float64Array, holds: Uint8Array) => void {
  const compare = COMPARISONS.get(node.op);
  if (compare === undefined) throw new BugError("an operator the parser knows and the evaluator does not");
  return compare;
}
