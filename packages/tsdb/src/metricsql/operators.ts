/** Precedence and kinds of binary operators. Names are lower case. */

/** Higher binds tighter. All are left-associative except `^`. */
const PRECEDENCES: ReadonlyMap<string, number> = new Map([
  ["default", 1],
  ["if", 2],
  ["ifnot", 2],
  ["or", 3],
  ["and", 4],
  ["unless", 4],
  ["==", 5],
  ["!=", 5],
  ["<", 5],
  [">", 5],
  ["<=", 5],
  [">=", 5],
  ["+", 6],
  ["-", 6],
  ["*", 7],
  ["/", 7],
  ["%", 7],
  ["atan2", 7],
  ["^", 8],
]);

/** 0 if `op` is no binary operator. */
export function precedenceOf(op: string): number {
  return PRECEDENCES.get(op) ?? 0;
}

export function isRightAssociative(op: string): boolean {
  return op === "^";
}

export function isComparison(op: string): boolean {
  return PRECEDENCES.get(op) === 5;
}

/** `and`, `or`, `unless`: they join sets of series, so `group_*` and `fill` make no sense with them. */
export function isSetOperator(op: string): boolean {
  return op === "and" || op === "or" || op === "unless";
}

/** `a < b` is `b > a`. */
export function reverseComparison(op: string): string {
  switch (op) {
    case "<":
      return ">";
    case ">":
      return "<";
    case "<=":
      return ">=";
    case ">=":
      return "<=";
    default:
      return op;
  }
}
