/**
 * What a binary expression may become once both sides are known: a constant, or the same comparison the other way round.
 */
import type { BinaryExpr, Expr } from "./ast.ts";
import { isComparison, reverseComparison } from "./operators.ts";

/**
 * Folds an operator between two constants, and turns `const cmp vector` into `vector cmp const`: without `bool`
 * a comparison answers its left side, and `1.5 < m` is meant to answer `m`.
 */
export function simplifyBinary(expr: BinaryExpr): Expr {
  return foldConstants(expr) ?? flipComparison(expr);
}

/** Value of a number or of a duration that does not depend on the step (in seconds); null for everything else. */
export function constantOf(expr: Expr): number | null {
  if (expr.kind === "number") return expr.value;
  return expr.kind === "duration" && expr.steps === 0 ? expr.ms / 1000 : null;
}

/**
 * The members of `(1, 2, 3)` in `q == (1, 2, 3)` and `q != (1, 2, 3)`, which test membership point by point; null if
 * `expr` is not such a comparison. It is written in the tree as a comparison with `union(1, 2, 3)` on its right side.
 */
export function setMembersOf(expr: BinaryExpr): number[] | null {
  return expr.op === "==" || expr.op === "!=" ? constantsOf(expr.right) : null;
}

/**
 * `left op right` for two numbers by MetricsQL's rules, comparisons included: without `bool` they answer `left` or NaN.
 * NaN equals NaN here, and everything else differs from it.
 */
export function evalConstant(op: string, isBool: boolean, left: number, right: number): number {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
    case "^":
      return power(left, right);
    case "atan2":
      return Math.atan2(left, right);
    case "and":
    case "if":
      return Number.isNaN(right) ? Number.NaN : left;
    case "unless":
    case "ifnot":
      return Number.isNaN(right) ? left : Number.NaN;
    case "or":
    case "default":
      return Number.isNaN(left) ? right : left;
    default: {
      const isTrue = compare(op, left, right);
      return isBool ? Number(isTrue) : isTrue ? left : Number.NaN;
    }
  }
}

function foldConstants(expr: BinaryExpr): Expr | null {
  const { pos, op, left, right, isBool } = expr;
  if (expr.matching !== null || expr.join !== null || expr.fillLeft !== null || expr.fillRight !== null) return null;
  if (left.kind === "string" && right.kind === "string") {
    if (op === "+") return { kind: "string", pos, value: left.value + right.value };
    if (!isComparison(op)) return null;
    const isTrue = compareStrings(op, left.value, right.value);
    return { kind: "number", pos, value: isTrue ? 1 : isBool ? 0 : Number.NaN };
  }
  const a = constantOf(left);
  const b = constantOf(right);
  if (a === null || b === null) return null;
  return { kind: "number", pos, value: evalConstant(op, isBool, a, b) };
}

function flipComparison(expr: BinaryExpr): BinaryExpr {
  const { left, right, join } = expr;
  if (!isComparison(expr.op) || constancyOf(left, expr.op) <= constancyOf(right, expr.op)) return expr;
  return {
    ...expr,
    op: reverseComparison(expr.op),
    left: right,
    right: left,
    join: join === null ? null : { ...join, op: join.op === "group_left" ? "group_right" : "group_left" },
    fillLeft: expr.fillRight,
    fillRight: expr.fillLeft,
  };
}

/** The side with the higher rank belongs on the right: series, then the time, then numbers, then a set of numbers. */
function constancyOf(expr: Expr, op: string): number {
  if (expr.kind === "number" || expr.kind === "duration") return 2;
  if (expr.kind !== "function") return 0;
  if (expr.name === "time") return 1;
  return (op === "==" || op === "!=") && constantsOf(expr) !== null ? 3 : 0;
}

/** Numbers of `(1, 2, 3)`: a union of at least two constants. */
function constantsOf(expr: Expr): number[] | null {
  if (expr.kind !== "function" || expr.name !== "union" || expr.args.length < 2) return null;
  const constants: number[] = [];
  for (const arg of expr.args) {
    const constant = constantOf(arg);
    if (constant === null) return null;
    constants.push(constant);
  }
  return constants;
}

/** Go's power: ±1 to whatever is 1, where JavaScript knows no answer; but nothing makes a number out of NaN. */
function power(base: number, exponent: number): number {
  if (Number.isNaN(base)) return Number.NaN;
  if (base === 1 || (base === -1 && Math.abs(exponent) === Infinity)) return 1;
  return base ** exponent;
}

function compare(op: string, left: number, right: number): boolean {
  switch (op) {
    case "==":
      return left === right || (Number.isNaN(left) && Number.isNaN(right));
    case "!=":
      return left !== right && !(Number.isNaN(left) && Number.isNaN(right));
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "<=":
      return left <= right;
    default:
      return left >= right;
  }
}

function compareStrings(op: string, left: string, right: string): boolean {
  switch (op) {
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "<=":
      return left <= right;
    default:
      return left >= right;
  }
}
