/**
 * Durations: literals, `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)` and arithmetic on them, in `[…]` and behind `offset`.
 *
 * A literal without a unit is seconds, and so is every result: `[60*30]` is half an hour. What depends on neither step nor range is
 * folded here; the rest is for `evaluatePromDuration`, once the query's times are known.
 */

import { truncateMs } from "../base/duration.ts";
import { InputError } from "../base/errors.ts";
import type { PromConstantDuration, PromDuration } from "./ast.ts";
import { type Cursor, tooDeep } from "./cursor.ts";
import { DURATION_SECONDS_MAX } from "./literals.ts";
import { OperatorStack } from "./operator-stack.ts";

/** The times of a query that a duration may depend on, milliseconds. */
export interface DurationTimes {
  readonly stepMs: number;
  /** From the first evaluation to the last; 0 for instant queries. */
  readonly rangeMs: number;
}

/**
 * Whole milliseconds of a duration.
 * @throws InputError if something is divided by zero, if it is not finite or does not fit into 2^63 nanoseconds, or is not above 0 although `mustBePositive`.
 */
export function evaluatePromDuration(duration: PromDuration, times: DurationTimes, mustBePositive: boolean): number {
  if (duration.kind === "constant") return duration.ms;
  const seconds = secondsOf(duration, times);
  const ms = truncateMs(seconds * 1000);
  const fault = faultOf(seconds, ms, mustBePositive);
  if (fault !== null) throw new InputError(fault);
  return ms;
}

/** The range or step between brackets: above 0. */
export function readBracketDuration(cursor: Cursor, context: string): PromDuration {
  const { pos } = cursor.token();
  return fold(cursor, pos, readExpression(cursor, `${context}, expected number, duration, step(), or range()`), true);
}

/**
 * The duration behind `offset`. Without parentheses it ends with its first operand, so `a offset 5m + b` is a sum; parentheses may
 * be followed by more: `offset (step()) * 2`.
 */
export function readOffsetDuration(cursor: Cursor): PromDuration {
  const context = "offset, expected number, duration, step(), or range()";
  const { pos } = cursor.token();
  if (cursor.isSign("(")) return fold(cursor, pos, readExpression(cursor, context), false);
  let minusCount = 0;
  while (cursor.isSign("-") || cursor.isSign("+")) if (cursor.next().text === "-") minusCount++;
  let operand = readOperand(cursor, context);
  for (; minusCount > 0; minusCount--) operand = negate(operand);
  return fold(cursor, pos, operand, false);
}

function literalDuration(seconds: number, isNumber: boolean): PromConstantDuration {
  return { kind: "constant", ms: truncateMs(seconds * 1000), seconds, isNumber, written: null };
}

interface Operator {
  readonly op: string;
  readonly pos: number;
}

const BINARY_SIGNS = "+-*/%^";

function readExpression(cursor: Cursor, context: string): PromDuration {
  const stack = new OperatorStack<PromDuration, Operator>((left, { op, pos }, right) => {
    if (left === null) return op === "-" ? negate(right) : right;
    if (right.kind === "constant" && right.seconds === 0) {
      if (op === "/") throw cursor.errorAt(pos, "division by zero");
      if (op === "%") throw cursor.errorAt(pos, "modulo by zero");
    }
    return { kind: "operation", op, left, right };
  });
  for (;;) {
    while (cursor.isSign("-") || cursor.isSign("+")) {
      const { text, pos } = cursor.next();
      stack.pushSign({ op: text, pos });
    }
    stack.pushOperand(readOperand(cursor, context));
    const token = cursor.token();
    if (token.kind !== "sign" || !BINARY_SIGNS.includes(token.text)) break;
    cursor.next();
    stack.pushOperator({ op: token.text, pos: token.pos });
  }
  return stack.finish();
}

function readOperand(cursor: Cursor, context: string): PromDuration {
  const token = cursor.token();
  if (token.kind === "number" || token.kind === "duration") {
    cursor.next();
    if (token.number > DURATION_SECONDS_MAX) throw cursor.errorAt(token.pos, "duration out of range");
    return literalDuration(token.number, token.kind === "number");
  }
  if (token.text === "(") {
    cursor.next();
    cursor.enter();
    const right = readExpression(cursor, context);
    cursor.leave();
    cursor.expect(")", "duration expression");
    return { kind: "operation", op: "+", left: null, right };
  }
  if (token.kind !== "word" || !cursor.isFollowedBy("(")) throw cursor.unexpected(context, "");
  switch (token.keyword) {
    case "step":
    case "range":
      cursor.next();
      cursor.next();
      cursor.expect(")", "duration expression");
      return { kind: token.keyword };
    // The names without `_of` are those of the first releases that had them.
    case "min_of":
    case "min":
      return readPair(cursor, "min", context);
    case "max_of":
    case "max":
      return readPair(cursor, "max", context);
    default:
      throw cursor.unexpected(context, "");
  }
}

function readPair(cursor: Cursor, op: "min" | "max", context: string): PromDuration {
  cursor.next();
  cursor.next();
  cursor.enter();
  const left = readExpression(cursor, context);
  cursor.expect(",", "duration expression");
  const right = readExpression(cursor, context);
  cursor.leave();
  cursor.expect(")", "duration expression");
  return { kind: "operation", op, left, right };
}

/** A sign in front of a literal is part of it. */
function negate(duration: PromDuration): PromDuration {
  if (duration.kind === "constant") return literalDuration(0 - duration.seconds, duration.isNumber);
  return { kind: "operation", op: "-", left: null, right: duration };
}

/** The whole as one constant, if it is one; what it was written as is kept for printers. */
function fold(cursor: Cursor, pos: number, duration: PromDuration, mustBePositive: boolean): PromDuration {
  if (dependsOnQuery(cursor, pos, duration)) return duration;
  const seconds = placed(cursor, pos, () => secondsOf(duration, { stepMs: 0, rangeMs: 0 }));
  const ms = truncateMs(seconds * 1000);
  const fault = faultOf(seconds, ms, mustBePositive);
  if (fault !== null) throw cursor.errorAt(pos, fault);
  const isLiteral = duration.kind === "constant";
  return {
    kind: "constant",
    ms,
    seconds,
    isNumber: isLiteral && duration.isNumber,
    written: isLiteral ? null : duration,
  };
}

/** Gives a fault of the calculation its place. */
function placed<T>(cursor: Cursor, pos: number, calculation: () => T): T {
  try {
    return calculation();
  } catch (error) {
    if (error instanceof InputError) throw cursor.errorAt(pos, error.message);
    throw error;
  }
}

/** Walks with a list of its own: until the height is known, a call a level could be too many. */
function dependsOnQuery(cursor: Cursor, pos: number, root: PromDuration): boolean {
  let depends = false;
  let level: PromDuration[] = [root];
  for (let height = 1; level.length > 0; height++) {
    if (height > cursor.depthMax) throw cursor.errorAt(pos, tooDeep(cursor.depthMax));
    const below: PromDuration[] = [];
    for (const node of level) {
      if (node.kind === "step" || node.kind === "range") depends = true;
      if (node.kind !== "operation") continue;
      if (node.left !== null) below.push(node.left);
      below.push(node.right);
    }
    level = below;
  }
  return depends;
}

/** `ms` are the whole milliseconds of it: what is shorter than one is no range. */
function faultOf(seconds: number, ms: number, mustBePositive: boolean): string | null {
  if (!Number.isFinite(seconds)) return "duration is NaN or infinite";
  if (mustBePositive && ms <= 0) return "duration must be greater than 0";
  return Math.abs(seconds) > DURATION_SECONDS_MAX ? "duration out of range" : null;
}

function secondsOf(duration: PromDuration, times: DurationTimes): number {
  switch (duration.kind) {
    case "constant":
      return duration.seconds;
    case "step":
      return times.stepMs / 1000;
    case "range":
      return times.rangeMs / 1000;
    case "operation": {
      const right = secondsOf(duration.right, times);
      if (duration.left === null) return duration.op === "-" ? 0 - right : right;
      return calculate(duration.op, secondsOf(duration.left, times), right);
    }
  }
}

function calculate(op: string, left: number, right: number): number {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      if (right === 0) throw new InputError("division by zero");
      return left / right;
    case "%":
      if (right === 0) throw new InputError("modulo by zero");
      return left % right;
    case "^":
      return left ** right;
    default:
      return op === "min" ? Math.min(left, right) : Math.max(left, right);
  }
}
