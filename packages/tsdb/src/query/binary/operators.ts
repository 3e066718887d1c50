/**
 * The arithmetic and comparison operators, one entry each: `apply(left, right)` per point. A point without a value is NaN on
 * both sides, so NaN in means what IEEE says unless noted.
 */

/** Value of `left op right`. */
export type Arithmetic = (left: number, right: number) => number;

export const ARITHMETIC: ReadonlyMap<string, Arithmetic> = new Map<string, Arithmetic>([
  /** a + b: sum. */
  ["+", (a, b) => a + b],
  /** a - b: difference. */
  ["-", (a, b) => a - b],
  /** a * b: product. */
  ["*", (a, b) => a * b],
  /** a / b: quotient. x / 0 is ±Inf, 0 / 0 nothing. */
  ["/", (a, b) => a / b],
  /** a % b: remainder, with the sign of the left side. x % 0 is nothing. */
  ["%", (a, b) => a % b],
  /** a ^ b: power. 1 ^ y is 1, nothing to any power, even to 0, is nothing. */
  ["^", power],
  /** a atan2 b: angle in radians of the point (b, a). */
  ["atan2", (a, b) => Math.atan2(a, b)],
]);

/** Whether `left op right` holds. */
export type Comparison = (left: number, right: number) => boolean;

export const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  /**
   * a == b: equal. NaN equals NaN, so `m == NaN` keeps the points that have no value; anything else differs from it.
   */
  ["==", (a, b) => a === b || (a !== a && b !== b)],
  /** a != b: different. `m != NaN` keeps every value. */
  ["!=", (a, b) => (a !== a ? b === b : a !== b)],
  /** a > b: above. */
  [">", (a, b) => a > b],
  /** a < b: below. */
  ["<", (a, b) => a < b],
  /** a >= b: not below. */
  [">=", (a, b) => a >= b],
  /** a <= b: not above. */
  ["<=", (a, b) => a <= b],
]);

/** C's pow where JavaScript differs, `1 ^ y` and `±1 ^ ±Inf` being 1; but nothing stays nothing, even `NaN ^ 0`. */
export function power(base: number, exponent: number): number {
  if (base !== base || exponent !== exponent) return base === 1 ? 1 : Number.NaN;
  if (base === 1 || (base === -1 && !Number.isFinite(exponent))) return 1;
  return base ** exponent;
}
