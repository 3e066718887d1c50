/**
 * The operators of PromQL, a column at a time: one loop an operator, so that no call is made per point. What stands where no value is
 * present is computed with and means nothing.
 *
 * Rules: Prometheus' `vectorElemBinop` and Go's `math`. NaN is a value here: it equals nothing, not even itself.
 */

/** `target[k] = a[k] op b[k]`. `target` may be `a` or `b`. */
export type ColumnOperator = (a: Float64Array, b: Float64Array, target: Float64Array) => void;

export const ARITHMETIC: ReadonlyMap<string, ColumnOperator> = new Map<string, ColumnOperator>([
  /** a + b: sum. */
  [
    "+",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = a[k] + b[k];
    },
  ],
  /** a - b: difference. */
  [
    "-",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = a[k] - b[k];
    },
  ],
  /** a * b: product. */
  [
    "*",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = a[k] * b[k];
    },
  ],
  /** a / b: quotient. x / 0 is ±Inf, 0 / 0 NaN. */
  [
    "/",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = a[k] / b[k];
    },
  ],
  /** a % b: remainder, with the sign of the left side. x % 0 is NaN. */
  [
    "%",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = a[k] % b[k];
    },
  ],
  /** a ^ b: power. 1 ^ y and x ^ 0 are 1, even for NaN. */
  [
    "^",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = power(a[k], b[k]);
    },
  ],
  /** a atan2 b: angle in radians of the point (b, a). */
  [
    "atan2",
    (a, b, target) => {
      for (let k = 0; k < target.length; k++) target[k] = Math.atan2(a[k], b[k]);
    },
  ],
]);

/** C's pow, which JavaScript's differs from where it says NaN: 1 to any power, and ±1 to ±Inf, are 1. */
export function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && (exponent === Infinity || exponent === -Infinity))) return 1;
  return base ** exponent;
}

/** `holds[k]` is 1 where the comparison holds, else 0. */
export type ColumnComparison = (a: Float64Array, b: Float64Array, holds: Uint8Array) => void;

export const COMPARISONS: ReadonlyMap<string, ColumnComparison> = new Map<string, ColumnComparison>([
  /** a == b: equal. NaN equals nothing. */
  [
    "==",
    (a, b, holds) => {
      for (let k = 0; k < holds.length; k++) holds[k] = a[k] === b[k] ? 1 : 0;
    },
  ],
  /** a != b: different. NaN differs from everything, itself too. */
  [
    "!=",
    (a, b, holds) => {
      for (let k = 0; k < holds.length; k++) holds[k] = a[k] !== b[k] ? 1 : 0;
    },
  ],
  /** a > b: above. */
  [
    ">",
    (a, b, holds) => {
      for (let k = 0; k < holds.length; k++) holds[k] = a[k] > b[k] ? 1 : 0;
    },
  ],
  /** a < b: below. */
  [
    "<",
    (a, b, holds) => {
      for (let k = 0; k < holds.length; k++) holds[k] = a[k] < b[k] ? 1 : 0;
    },
  ],
  /** a >= b: not below. */
  [
    ">=",
    (a, b, holds) => {
      for (let k = 0; k < holds.length; k++) holds[k] = a[k] >= b[k] ? 1 : 0;
    },
  ],
  /** a <= b: not above. */
  [
    "<=",
    (a, b, holds) => {
      for (let k = 0; k < holds.length; k++) holds[k] = a[k] <= b[k] ? 1 : 0;
    },
  ],
]);
