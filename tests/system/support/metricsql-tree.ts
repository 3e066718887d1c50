/** Reading and changing trees of MetricsQL, and what of the language is in one. */
import type { Expr, SelectorExpr } from "@nyanza/tsdb/metricsql";

export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "rollup":
      return expr.at === null ? [expr.expr] : [expr.expr, expr.at];
    case "function":
    case "aggregate":
      return expr.args;
    case "binary":
      return [expr.left, expr.right];
    default:
      return [];
  }
}

/** The expression and everything below it. */
export function* walk(expr: Expr): Generator<Expr> {
  yield expr;
  for (const child of childrenOf(expr)) yield* walk(child);
}

export function someNode(expr: Expr, holds: (node: Expr) => boolean): boolean {
  for (const node of walk(expr)) if (holds(node)) return true;
  return false;
}

/** A tree whose nodes are what `change` makes of them, innermost first; but what `whole` has an answer to is that. */
export function changeTree(
  expr: Expr,
  change: (node: Expr) => Expr,
  whole: (node: Expr) => Expr | null = () => null,
): Expr {
  const replaced = whole(expr);
  if (replaced !== null) return replaced;
  const inner = (child: Expr): Expr => changeTree(child, change, whole);
  switch (expr.kind) {
    case "rollup":
      return change({ ...expr, expr: inner(expr.expr), at: expr.at === null ? null : inner(expr.at) });
    case "function":
    case "aggregate":
      return change({ ...expr, args: expr.args.map(inner) });
    case "binary":
      return change({ ...expr, left: inner(expr.left), right: inner(expr.right) });
    default:
      return change(expr);
  }
}

/** f(expr) */
export function callOf(name: string, ...args: Expr[]): Expr {
  return { kind: "function", pos: 0, name, args, keepMetricNames: false };
}

/** The selector that a rollup's samples come from, whatever its window; null for a subquery. */
export function selectorOf(expr: Expr): SelectorExpr | null {
  if (expr.kind === "rollup" && expr.step === null && !expr.inheritsStep) return selectorOf(expr.expr);
  return expr.kind === "selector" ? expr : null;
}

/** What the name of all a selector's series is, or null. */
export function nameOf(expr: Expr): string | null {
  const selector = selectorOf(expr);
  if (selector?.groups.length !== 1) return null;
  return selector.groups[0]?.find(({ label, op }) => label === "__name__" && op === "=")?.value ?? null;
}

/** Functions by name, operators, modifiers and forms, each as often as it is there. */
export function* featuresOf(root: Expr): Generator<string> {
  for (const expr of walk(root)) {
    if (expr.kind === "function") {
      yield expr.name;
      if (expr.keepMetricNames) yield "keep_metric_names";
    } else if (expr.kind === "aggregate") {
      yield `${expr.name} by group`;
      if (expr.modifier !== null) yield expr.modifier.op;
      if (expr.limit > 0) yield "limit";
    } else if (expr.kind === "rollup") {
      if (expr.window !== null) yield "[window]";
      if (expr.step !== null) yield "[window:step]";
      if (expr.inheritsStep) yield "[window:]";
      if (expr.offset !== null) yield "offset";
      if (expr.at !== null) yield "@";
      if ([expr.window, expr.step, expr.offset].some((duration) => (duration?.steps ?? 0) !== 0)) yield "1i";
    } else if (expr.kind === "binary") {
      yield expr.op;
      if (expr.isBool) yield "bool";
      if (expr.keepMetricNames) yield "(binary) keep_metric_names";
      if (expr.matching !== null) yield expr.matching.op;
      if (expr.join !== null) yield expr.join.op;
      if (expr.join !== null && expr.join.labels.length > 0) yield "group_* (labels)";
      if (expr.join?.isAll === true) yield "group_*(*)";
      if (expr.join !== null && expr.join.prefix !== "") yield "prefix";
      if (expr.fillLeft !== null) yield "fill_left";
      if (expr.fillRight !== null) yield "fill_right";
    } else if (expr.kind === "selector") {
      if (expr.groups.length > 1) yield "{… or …}";
      for (const group of expr.groups) for (const { op } of group) yield `{${op}}`;
    } else if (expr.kind === "duration" && expr.steps !== 0) yield "1i";
  }
}

/** Functions that are templates: the parser puts what they stand for into the tree. */
export const PREDEFINED: readonly string[] = ["alias", "range_median", "ru", "ttf"];

export function predefinedOf(text: string): string[] {
  return PREDEFINED.filter((name) => text.includes(`${name}(`));
}

/** Those that are no function and no operator of the tables. */
export const MODIFIERS: readonly string[] = [
  ...["bool", "on", "ignoring", "group_left", "group_right", "group_* (labels)", "group_*(*)", "prefix"],
  ...["fill_left", "fill_right", "keep_metric_names", "(binary) keep_metric_names", "by", "without", "limit"],
  ...["[window]", "[window:step]", "[window:]", "offset", "@", "1i"],
  ...["{=}", "{!=}", "{=~}", "{!~}", "{… or …}"],
];
