/** Operators, aggregations and words with a meaning of their own. All are compared in lower case. */

const PRECEDENCES: ReadonlyMap<string, number> = new Map([
  ["or", 1],
  ["and", 2],
  ["unless", 2],
  ...["==", "!=", "<", ">", "<=", ">="].map((op) => [op, 3] as const),
  ["+", 4],
  ["-", 4],
  ["*", 5],
  ["/", 5],
  ["%", 5],
  ["atan2", 5],
  ["^", 6],
]);

/** A sign in front of an operand binds like `*`: `-1^2` is `-(1^2)`, `-a*b` is `(-a)*b`. */
export const SIGN_PRECEDENCE = 5;

/** 0: no binary operator. */
export function precedenceOf(op: string): number {
  return PRECEDENCES.get(op) ?? 0;
}

export function isRightAssociative(op: string): boolean {
  return op === "^";
}

export function isComparison(op: string): boolean {
  return PRECEDENCES.get(op) === 3;
}

export function isSetOperator(op: string): boolean {
  return op === "and" || op === "or" || op === "unless";
}

/** What an aggregation takes in front of the expression: null is nothing. */
export const AGGREGATE_PARAMS: ReadonlyMap<string, "scalar" | "string" | null> = new Map([
  ...["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"].map((op) => [op, null] as const),
  ...["topk", "bottomk", "quantile", "limitk", "limit_ratio"].map((op) => [op, "scalar"] as const),
  ["count_values", "string"],
]);

/** Words that cannot name a metric without quotes: what stands in an operand's place must be told from them. */
const NO_METRIC_NAMES: ReadonlySet<string> = new Set([
  ...["atan2", "bool", "group_left", "group_right", "ignoring", "on", "inf", "nan"],
]);

/** True if the word, as an operand, is a metric's name. Some words are not if a parenthesis follows. */
export function canNameMetric(keyword: string): boolean {
  return !NO_METRIC_NAMES.has(keyword);
}
