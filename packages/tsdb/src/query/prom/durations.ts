/** Durations of the tree as milliseconds: `[5m]`, `offset -1h`, and those that depend on the query, such as `[step() * 2]`. */
import type { PromDuration } from "../../promql/ast.ts";
import { evaluatePromDuration } from "../../promql/durations.ts";
import type { PromContext } from "./context.ts";

/** A range or a subquery's step: above zero, at least a millisecond. @throws InputError 400 */
export function positiveMs(context: PromContext, duration: PromDuration): number {
  return evaluatePromDuration(duration, timesOf(context), true);
}

/** An offset, or 0 for none: whole milliseconds of either sign. @throws InputError 400 */
export function offsetMs(context: PromContext, duration: PromDuration | null): number {
  return duration === null ? 0 : evaluatePromDuration(duration, timesOf(context), false);
}

function timesOf({ queryStartMs, queryEndMs, queryStepMs }: PromContext): { stepMs: number; rangeMs: number } {
  return { stepMs: queryStepMs, rangeMs: queryEndMs - queryStartMs };
}
