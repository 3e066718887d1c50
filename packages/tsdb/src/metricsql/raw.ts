/**
 * The tree as it was written, before templates are expanded: names are not yet resolved, parentheses are still there.
 * It stays inside this room; everyone else sees ast.ts.
 */
import type { DurationExpr, FilterOp, NumberExpr, StringExpr } from "./ast.ts";

export type RawExpr =
  | NumberExpr
  | DurationExpr
  | StringExpr
  | RawSelector
  | RawRollup
  | RawCall
  | RawBinary
  | RawParens
  | RawWith;

/** `name`, `name{…}` or `{…}`; a name may turn out to be a template. */
export interface RawSelector {
  readonly kind: "rawSelector";
  readonly pos: number;
  /** "" when there is none. */
  readonly name: string;
  /** Groups joined by `or`; empty for a bare name and for `{}`. */
  readonly groups: readonly (readonly RawFilter[])[];
  readonly hasBraces: boolean;
}

export type RawFilter =
  | {
      readonly kind: "filter";
      readonly pos: number;
      readonly label: string;
      readonly op: FilterOp;
      readonly value: readonly RawStringPart[];
    }
  /** A bare name between braces: a template made of filters. */
  | { readonly kind: "template"; readonly pos: number; readonly name: string };

/** A piece of `"a" + b + "c"`: text, or the name of a template that is a string. */
export interface RawStringPart {
  readonly pos: number;
  readonly isName: boolean;
  readonly text: string;
}

/** A duration, or the name of a template that is one. */
export interface RawDurationName {
  readonly kind: "rawDurationName";
  readonly pos: number;
  readonly name: string;
  readonly isNegative: boolean;
}

export type RawDuration = DurationExpr | RawDurationName;

export interface RawRollup {
  readonly kind: "rawRollup";
  readonly pos: number;
  readonly expr: RawExpr;
  readonly window: RawDuration | null;
  readonly step: RawDuration | null;
  readonly inheritsStep: boolean;
  readonly offset: RawDuration | null;
  readonly at: RawExpr | null;
}

/** A call of a function, an aggregate or a template. */
export interface RawCall {
  readonly kind: "rawCall";
  readonly pos: number;
  /** As written, without escapes: templates are case-sensitive. */
  readonly name: string;
  readonly args: readonly RawExpr[];
  readonly keepMetricNames: boolean;
  readonly isAggregate: boolean;
  readonly modifier: { readonly op: "by" | "without"; readonly labels: readonly RawLabel[] } | null;
  readonly limit: number;
}

/** A label in `by (…)`, `on (…)` and the like. Unquoted, it may be a template's argument. */
export interface RawLabel {
  readonly pos: number;
  readonly name: string;
  readonly isQuoted: boolean;
}

export interface RawBinary {
  readonly kind: "rawBinary";
  readonly pos: number;
  readonly operator: RawOperator;
  readonly left: RawExpr;
  readonly right: RawExpr;
}

/** An operator with everything that is written behind it. */
export interface RawOperator {
  readonly pos: number;
  /** Lower case. */
  readonly op: string;
  readonly isBool: boolean;
  readonly matching: { readonly op: "on" | "ignoring"; readonly labels: readonly RawLabel[] } | null;
  readonly join: {
    readonly op: "group_left" | "group_right";
    readonly labels: readonly RawLabel[];
    readonly isAll: boolean;
    readonly prefix: string;
  } | null;
  readonly fillLeft: number | null;
  readonly fillRight: number | null;
  /** Set by `keep_metric_names` behind the right side. */
  keepMetricNames: boolean;
}

/** The operators of a chain from the last to the first: see `chainOf`. */
export function rawChainOf(top: RawBinary): RawBinary[] {
  const links = [top];
  for (let first = top.left; first.kind === "rawBinary"; first = first.left) links.push(first);
  return links;
}

export interface RawParens {
  readonly kind: "rawParens";
  readonly pos: number;
  readonly items: readonly RawExpr[];
  readonly keepMetricNames: boolean;
}

export interface RawWith {
  readonly kind: "rawWith";
  readonly pos: number;
  readonly templates: readonly RawTemplate[];
  readonly body: RawExpr;
}

export interface RawTemplate {
  readonly pos: number;
  readonly name: string;
  /** null: defined without parentheses. */
  readonly params: readonly string[] | null;
  readonly body: RawExpr;
}
