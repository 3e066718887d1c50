/** Durations of the tree as milliseconds: `[5m]`, `offset -1h`, and those that depend on the query, such as `[step() * 2]`. */
import { InputError } from "../../base/errors.ts";
import type { PromDuration } from "../../promql/ast.ts";
import type { PromContext } from "./context.ts";

/** Seconds that an int64 of nanoseconds can say. */
const SECONDS_MAX = 2 ** 63 / 1e9;

/** A range or a subquery's step: above zero, at least a millisecond. @throws InputError 400 */
export function positiveMs(context: PromContext, duration: PromDuration): number {
  const ms = signedMs(context, duration);
  if (ms <= 0) throw new InputError("duration must be greater than 0");
  return ms;
}

/** An offset, or 0 for none: whole milliseconds of either sign. @throws InputError 400 */
export function offsetMs(context: PromContext, duration: PromDuration | null): number {
  return duration === null ? 0 : signedMs(context, duration);
}

function signedMs(context: PromContext, duration: PromDuration): number {
  if (duration.kind === "constant") return duration.ms;
  const seconds = secondsOf(context, duration);
  if (!Number.isFinite(seconds)) throw new InputError("duration is NaN or infinite");
  if (Math.abs(seconds) > SECONDS_MAX) throw new InputError("duration is out of range");
  return Math.trunc(seconds * 1000);
}

function secondsOf(context: PromContext, duration: PromDuration): number {
  switch (duration.kind) {
    case "constant":
      return duration.ms / 1000;
    case "step":
      return context.queryStepMs / 1000;
    case "range":
      return (context.queryEndMs - context.queryStartMs) / 1000;
    default: {
      const left = duration.left === null ? null : secondsOf(context, duration.left);
      return operate(duration.op, left, secondsOf(context, duration.right));
    }
  }
}

/** `left` is null for a sign. */
function operate(op: string, left: number | null, right: number): number {
  switch (op) {
    case "+":
      return (left ?? 0) + right;
    case "-":
      return (left ?? 0) - right;
    case "*":
      return (left ?? 0) * right;
    case "/":
      if (right === 0) throw new InputError("division by zero");
      return (left ?? 0) / right;
    case "%":
      if (right === 0) throw new InputError("modulo by zero");
      return (left ?? 0) % right;
    case "^":
      return (left ?? 0) ** right;
    case "min":
      return Math.min(left ?? 0, right);
    case "max":
      return Math.max(left ?? 0, right);
    default:
      throw new InputError(`unexpected duration expression operator ${JSON.stringify(op)}`);
  }
}
