/**
 * The tree a MetricsQL text becomes. WITH templates are already expanded, single parentheses dropped,
 * `(a, b)` is `union(a, b)`, and constant sub-expressions are folded.
 *
 * `pos` is the offset in UTF-16 units of the expression's first character in the query text.
 */
import type { FilterGroups } from "../base/label-filter.ts";

export type { FilterGroups, FilterOp, LabelFilter } from "../base/label-filter.ts";

export type Expr =
  | NumberExpr
  | DurationExpr
  | StringExpr
  | SelectorExpr
  | RollupExpr
  | FunctionExpr
  | AggregateExpr
  | BinaryExpr;

export interface NumberExpr {
  readonly kind: "number";
  readonly pos: number;
  readonly value: number;
}

/** `ms + steps × step`. In a place for a number it means seconds. */
export interface DurationExpr {
  readonly kind: "duration";
  readonly pos: number;
  /** Constant part, milliseconds. */
  readonly ms: number;
  /** Multiples of the current step (`1i`, `$__interval`). */
  readonly steps: number;
}

export interface StringExpr {
  readonly kind: "string";
  readonly pos: number;
  readonly value: string;
}

export interface SelectorExpr {
  readonly kind: "selector";
  readonly pos: number;
  readonly groups: FilterGroups;
}

/** `expr[window:step] @ at offset o`; present only if at least one of them is. */
export interface RollupExpr {
  readonly kind: "rollup";
  readonly pos: number;
  readonly expr: Expr;
  readonly window: DurationExpr | null;
  /** Subquery step. */
  readonly step: DurationExpr | null;
  /** `[w:]`: a subquery whose step is the query's. */
  readonly inheritsStep: boolean;
  readonly offset: DurationExpr | null;
  readonly at: Expr | null;
}

/** A rollup, transform or label function: which one is for the evaluator's tables to say. */
export interface FunctionExpr {
  readonly kind: "function";
  readonly pos: number;
  /** Lower case. */
  readonly name: string;
  readonly args: readonly Expr[];
  readonly keepMetricNames: boolean;
}

export interface AggregateExpr {
  readonly kind: "aggregate";
  readonly pos: number;
  /** Lower case. */
  readonly name: string;
  readonly args: readonly Expr[];
  readonly modifier: { readonly op: "by" | "without"; readonly labels: readonly string[] } | null;
  /** At most this many groups; 0 means no limit. */
  readonly limit: number;
}

export interface BinaryExpr {
  readonly kind: "binary";
  readonly pos: number;
  /** Lower case: `+ - * / % ^ atan2 == != < > <= >= and or unless if ifnot default`. */
  readonly op: string;
  readonly isBool: boolean;
  readonly left: Expr;
  readonly right: Expr;
  readonly matching: { readonly op: "on" | "ignoring"; readonly labels: readonly string[] } | null;
  readonly join: {
    readonly op: "group_left" | "group_right";
    readonly labels: readonly string[];
    /** `group_left(*)` */
    readonly isAll: boolean;
    readonly prefix: string;
  } | null;
  /** `fill(x)`, `fill_left(x)`, `fill_right(x)`. */
  readonly fillLeft: number | null;
  readonly fillRight: number | null;
  readonly keepMetricNames: boolean;
}

/**
 * A chain `a + b - c` is a tree that leans to the left, as deep as it is long: whoever walks trees by calls walks these nodes, from the top
 * down, in a loop. The left side of the last one is where the chain begins.
 */
export function chainOf(top: BinaryExpr): BinaryExpr[] {
  const links = [top];
  for (let first = top.left; first.kind === "binary"; first = first.left) links.push(first);
  return links;
}
