/**
 * The tree a PromQL text becomes (Prometheus 3's language). Types are checked: `type` says what an expression evaluates to, and every argument
 * has the type its place wants.
 *
 * `pos` and `end` are offsets in UTF-16 units of the expression's text in the query.
 */
import type { LabelFilter } from "../base/label-filter.ts";

export type PromType = "scalar" | "vector" | "matrix" | "string";

export type PromExpr =
  | PromNumber
  | PromString
  | PromSelector
  | PromMatrix
  | PromSubquery
  | PromCall
  | PromAggregate
  | PromBinary
  | PromUnary
  | PromParens;

interface Node<T extends PromType> {
  readonly pos: number;
  readonly end: number;
  readonly type: T;
}

/** A duration in a number's place is a number of seconds. A sign in front of a literal is part of it. */
export interface PromNumber extends Node<"scalar"> {
  readonly kind: "number";
  readonly value: number;
  /** Written as `5m`, not as `300`. Only printers want to know. */
  readonly isDuration?: boolean;
}

export interface PromString extends Node<"string"> {
  readonly kind: "string";
  readonly value: string;
}

/** `@ 1609746000`, `@ start()`, `@ end()`. */
export type PromAt =
  | { readonly kind: "time"; readonly timeMs: number }
  | { readonly kind: "start" }
  | { readonly kind: "end" };

/**
 * A duration that may depend on the query's step and range. An operation calculates in seconds.
 *
 * One that does not depend on them is folded by the parser: the whole of it is a `constant`, so constants inside an operation only occur
 * beside a step or a range (and inside `written`).
 */
export type PromDuration =
  | PromConstantDuration
  | { readonly kind: "step" }
  | { readonly kind: "range" }
  | {
      readonly kind: "operation";
      /** `+ - * / % ^ min max`; without a left side `-`, and `+`, which stands for parentheses. */
      readonly op: string;
      readonly left: PromDuration | null;
      readonly right: PromDuration;
    };

export interface PromConstantDuration {
  readonly kind: "constant";
  /** Whole milliseconds, fractions cut off. */
  readonly ms: number;
  /** Exactly; what an operation calculates with. */
  readonly seconds: number;
  /** Written as `300`, not as `5m`. Printers want to know. */
  readonly isNumber: boolean;
  /** The arithmetic it was folded from; null: it was written as one literal. */
  readonly written: PromDuration | null;
}

export interface PromSelector extends Node<"vector"> {
  readonly kind: "selector";
  /** The name as written in front of the braces, or ""; `filters` has it too, as the first one. */
  readonly name: string;
  /** ANDed. At least one of them does not match "", except in the second argument of `info`. */
  readonly filters: readonly LabelFilter[];
  readonly offset: PromDuration | null;
  readonly at: PromAt | null;
}

/** `selector[range]`: offset and `@` are the selector's, wherever they are written. */
export interface PromMatrix extends Node<"matrix"> {
  readonly kind: "matrix";
  readonly selector: PromSelector;
  readonly range: PromDuration;
}

/** `expr[range:step]`. */
export interface PromSubquery extends Node<"matrix"> {
  readonly kind: "subquery";
  readonly expr: PromExpr;
  readonly range: PromDuration;
  /** null: one minute, which is Prometheus' evaluation interval unless it is configured; the query's step is not it. */
  readonly step: PromDuration | null;
  readonly offset: PromDuration | null;
  readonly at: PromAt | null;
}

export interface PromCall extends Node<PromType> {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly PromExpr[];
}

export interface PromAggregate extends Node<"vector"> {
  readonly kind: "aggregate";
  /** Lower case. */
  readonly op: string;
  readonly expr: PromExpr;
  /** k, φ or the label of count_values. */
  readonly param: PromExpr | null;
  /** Without `by` and `without`: false, and no labels. */
  readonly isWithout: boolean;
  readonly grouping: readonly string[];
}

export interface PromBinary extends Node<"scalar" | "vector"> {
  readonly kind: "binary";
  /** Lower case: `+ - * / % ^ atan2 == != < > <= >= and or unless`. */
  readonly op: string;
  readonly isBool: boolean;
  readonly left: PromExpr;
  readonly right: PromExpr;
  /** null unless both sides are vectors. */
  readonly matching: {
    readonly card: "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";
    readonly isOn: boolean;
    readonly labels: readonly string[];
    /** Labels of `group_left(…)`. */
    readonly include: readonly string[];
    readonly fillLeft: number | null;
    readonly fillRight: number | null;
  } | null;
}

export interface PromUnary extends Node<"scalar" | "vector"> {
  readonly kind: "unary";
  readonly op: "-" | "+";
  readonly expr: PromExpr;
}

export interface PromParens extends Node<PromType> {
  readonly kind: "parens";
  readonly expr: PromExpr;
}

/**
 * A chain `a + b - c` is a tree that leans to the left, as deep as it is long: whoever walks trees by calls walks these nodes, from the top
 * down, in a loop. The left side of the last one is where the chain begins. `isLink` may end it earlier.
 */
export function chainOf(top: PromBinary, isLink: (node: PromBinary) => boolean = () => true): PromBinary[] {
  const links = [top];
  for (let first = top.left; first.kind === "binary" && isLink(first); first = first.left) links.push(first);
  return links;
}
