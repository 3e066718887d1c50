/** What may stand where: the types of arguments and operands, and the modifiers an operator knows. Each check throws, with Prometheus' words. */
import type { PromAggregate, PromBinary, PromCall, PromExpr, PromType } from "./ast.ts";
import { type PromSignature, promFunctions } from "./functions.ts";
import { AGGREGATE_PARAMS, isComparison, isSetOperator } from "./operators.ts";
import { shown, syntaxError } from "./syntax-error.ts";

/** A type as the documentation calls it. */
export function typeText(type: PromType): string {
  return type === "vector" ? "instant vector" : type === "matrix" ? "range vector" : type;
}

export function signatureOf(query: string, name: string, pos: number): PromSignature {
  const signature = promFunctions.get(name);
  if (signature === undefined) throw syntaxError(query, pos, `unknown function with name ${shown(name)}`);
  return signature;
}

export function checkCall(query: string, call: PromCall, signature: PromSignature): void {
  const { args, name, pos } = call;
  const fail = (want: string) =>
    syntaxError(query, pos, `expected ${want} argument(s) in call to ${shown(name)}, got ${args.length}`);
  const { variadic } = signature;
  const wanted = signature.args.length;
  if (variadic === 0 && args.length !== wanted) throw fail(`${wanted}`);
  if (variadic !== 0 && args.length < wanted - 1) throw fail(`at least ${wanted - 1}`);
  if (variadic > 0 && args.length > wanted - 1 + variadic) throw fail(`at most ${wanted - 1 + variadic}`);
  for (let i = 0; i < args.length; i++) {
    const want = signature.args[Math.min(i, wanted - 1)] as PromType;
    expectType(query, args[i] as PromExpr, want, `call to function ${shown(name)}`);
  }
  const labels = name === "info" ? args[1] : undefined;
  if (labels !== undefined && (labels.kind !== "selector" || labels.name !== "")) {
    const got = labels.kind === "selector" ? ", got vector selector instead" : "";
    throw syntaxError(query, labels.pos, `expected label selectors only${got}`);
  }
}

/** Splits what stood between the parentheses of an aggregation into its parameter and its expression. */
export function checkAggregateArgs(
  query: string,
  op: string,
  pos: number,
  args: readonly PromExpr[],
): Pick<PromAggregate, "expr" | "param"> {
  if (args.length === 0) throw syntaxError(query, pos, "no arguments for aggregate expression provided");
  const paramType = AGGREGATE_PARAMS.get(op) ?? null;
  const wanted = paramType === null ? 1 : 2;
  if (args.length !== wanted) {
    throw syntaxError(
      query,
      pos,
      `wrong number of arguments for aggregate expression provided, expected ${wanted}, got ${args.length}`,
    );
  }
  const expr = args[wanted - 1] as PromExpr;
  expectType(query, expr, "vector", "aggregation expression");
  if (paramType === null) return { expr, param: null };
  const param = args[0] as PromExpr;
  expectType(query, param, paramType, "aggregation parameter");
  return { expr, param };
}

/** An operator with everything that is written behind it. */
export interface OperatorText {
  readonly pos: number;
  /** Lower case. */
  readonly op: string;
  readonly isBool: boolean;
  readonly matching: NonNullable<PromBinary["matching"]>;
}

/** The node, its matching as both sides allow it. */
export function makeBinary(query: string, left: PromExpr, operator: OperatorText, right: PromExpr): PromBinary {
  const { op, isBool, matching } = operator;
  const fail = (message: string, pos: number) => syntaxError(query, pos, message);
  for (const { type, pos } of [left, right]) {
    if (type !== "scalar" && type !== "vector") {
      throw fail("binary expression must contain only scalar and instant vector types", pos);
    }
  }
  if (isBool && !isComparison(op)) throw fail("bool modifier can only be used on comparison operators", operator.pos);
  const isScalar = left.type === "scalar" && right.type === "scalar";
  if (isScalar && isComparison(op) && !isBool) {
    throw fail("comparisons between scalars must use BOOL modifier", operator.pos);
  }
  const { pos } = left;
  const { end } = right;
  const isFilled = matching.fillLeft !== null || matching.fillRight !== null;
  if (left.type === "scalar" || right.type === "scalar") {
    if (matching.labels.length > 0) throw fail("vector matching only allowed between instant vectors", pos);
    if (isFilled) throw fail("filling in missing series only allowed between instant vectors", pos);
    if (isSetOperator(op)) throw fail(`set operator ${shown(op)} not allowed in binary scalar expression`, pos);
    const type = isScalar ? "scalar" : "vector";
    return { kind: "binary", pos, end, type, op, isBool, left, right, matching: null };
  }
  const twice = matching.isOn ? matching.labels.find((label) => matching.include.includes(label)) : undefined;
  if (twice !== undefined) {
    throw fail(`label ${shown(twice)} must not occur in ON and GROUP clause at once`, operator.pos);
  }
  if (!isSetOperator(op)) return { kind: "binary", pos, end, type: "vector", op, isBool, left, right, matching };
  if (matching.card !== "one-to-one") throw fail(`no grouping allowed for ${shown(op)} operation`, pos);
  if (isFilled) throw fail("filling in missing series not allowed for set operators", pos);
  const manyToMany = { ...matching, card: "many-to-many" } as const;
  return { kind: "binary", pos, end, type: "vector", op, isBool, left, right, matching: manyToMany };
}

function expectType(query: string, expr: PromExpr, want: PromType, context: string): void {
  if (expr.type === want) return;
  throw syntaxError(query, expr.pos, `expected type ${typeText(want)} in ${context}, got ${typeText(expr.type)}`);
}
