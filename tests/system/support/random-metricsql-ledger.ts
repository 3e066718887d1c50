/**
 * Where our answers to random queries may differ from those of VictoriaMetrics 1.79.5: mistakes of 1.79.5, and what later releases
 * changed. A rule is about a part of the tree; and it says what the answer must be all the same: that of 1.79.5 to the query in
 * other words, or its own answer corrected. Only a rule that has neither excuses whatever the answer is.
 *
 * Rules are looked at when answers differ, all that are about the query together; none can hide a difference that it does not explain.
 */
import {
  type AggregateExpr,
  type BinaryExpr,
  type Expr,
  type FunctionExpr,
  parse,
  printExpr,
} from "@nyanza/tsdb/metricsql";
import { COMPARISONS, ROLLUPS, SET_OPERATORS } from "./metricsql-tables.ts";
import { callOf, changeTree, selectorOf, someNode } from "./metricsql-tree.ts";
import { IRREGULAR } from "./random-metricsql-words.ts";
import type { Asked, Reply } from "./random-queries.ts";
import { compareReplies } from "./random-queries.ts";
import type { Series } from "./twins.ts";

export interface KnownDifference {
  readonly reason: string;
  /** Whether it is about this node. */
  readonly about: (node: Expr) => boolean;
  /** What to ask 1.79.5 instead of the node. */
  readonly instead?: (node: Expr) => Expr;
  /** It is about us, too: we may be asked the same instead. */
  readonly isShared?: boolean;
  /** What the answer of 1.79.5 should have been. */
  readonly corrected?: (reply: Reply) => Reply;
}

export const RANDOM_DIFFERENCES: readonly KnownDifference[] = [
  {
    reason: "1.79.5 loses further arguments of a rollup without window inside an aggregate",
    about: (node) => node.kind === "aggregate" && node.args.some(isBareRollup),
    instead: apartFromAggregate,
  },
  {
    reason: "1.79.5 takes an aggregate of absent_over_time for absent_over_time itself",
    about: (node) => node.kind === "aggregate" && node.args.some((arg) => isCall(arg, "absent_over_time")),
    instead: apartFromAggregate,
  },
  {
    reason: "1.79.5 leaves labels that functions have emptied in answers",
    about: (node) => node.kind === "function" && node.name.startsWith("label_"),
    corrected: (reply) => ({ ...reply, series: reply.series.map(withoutEmptyLabels) }),
  },
  {
    reason: "1.79.5 spreads range_* over the points that have a value; all points have it since v1.104.0",
    about: (node) => node.kind === "function" && /^range_(first|last|median|quantile|avg|min|max|sum)$/.test(node.name),
    instead: (node) => callOf("keep_next_value", callOf("keep_last_value", node)),
  },
  {
    reason:
      "VictoriaMetrics reads only those series of one side whose labels the other has, as we do, so that points vanish where these labels are none of the series' own; which functions let the filters through differs, and 1.79.5 has them with `default` and `ifnot`, too (until v1.113.0)",
    about: (node) => node.kind === "binary",
    instead: apart,
    isShared: true,
  },
  {
    reason: "what of the right side of `or` is shown where a left series has the same labels, but no value (v1.104.0)",
    about: (node) => node.kind === "binary" && node.op === "or",
    instead: unionWithRest,
  },
  {
    reason: "a series that has ended grows no more: 1.79.5 answers 0 for increase_pure, and integrates on (v1.145.0)",
    about: (node) => (isCall(node, "increase_pure") || isCall(node, "integrate")) && mayEnd(node.args[0] as Expr),
  },
  {
    reason: "1.79.5 shows bounds of 0 where there is no quantile or share",
    about: (node) =>
      node.kind === "function" && /^histogram_(quantile|share)$/.test(node.name) && node.args.length === 3,
    instead: whereItIs,
  },
  {
    reason: "last digits: a deviation of times is some ten digits smaller than they are",
    about: (node) => node.kind === "aggregate" && /^std(dev|var)$/.test(node.name) && someNode(node, isTime),
  },
  {
    reason:
      "what resets are removed from does not fall by now: not below 0, nor by the last digit of a fraction (v1.97.0)",
    about: (node) => removesResets(node) && isAbout(node, ["negative_gauge", ...FRACTIONS]),
  },
  {
    reason:
      "1.79.5 estimates the distance of samples from the first 20, now from the last 20; in instant queries, and at the one time of @, the step counts now (v1.108.1)",
    about: (node) =>
      isFunction(node, looksBack) &&
      (isAbout(node, [...IRREGULAR, "late_gauge", "late_counter_total"]) ||
        someNode(node, (inner) => inner !== node && hasGaps(inner))),
  },
];

/** Trees of a query: as it was written, and in the words of 1.79.5. */
export interface Trees {
  readonly ours: Expr;
  readonly theirs: Expr;
}

/** Which rules explain that `asked` differs, or null: `ask` asks one of the two. */
export async function explainDifference(
  trees: Trees,
  { ours, theirs }: Pick<Asked<unknown>, "ours" | "theirs">,
  ask: (who: keyof Trees, tree: Expr) => Promise<Reply | null>,
): Promise<string | null> {
  const rules = RANDOM_DIFFERENCES.filter(({ about }) => someNode(trees.theirs, about));
  const reworded = rules.filter(({ instead }) => instead !== undefined);
  const candidates = [...reworded.map((rule) => [rule]), reworded].filter(({ length }) => length > 0);
  for (const chosen of [[], ...candidates]) {
    const their = chosen.length === 0 ? theirs : await ask("theirs", reword(trees.theirs, chosen));
    if (their === null) continue;
    if (chosen.length > 0 && compareReplies(ours, their) === null) return reasonOf(chosen);
    for (const rule of rules) {
      if (rule.corrected !== undefined && compareReplies(ours, rule.corrected(their)) === null) {
        return reasonOf([...chosen, rule]);
      }
    }
    const shared = chosen.filter(({ isShared }) => isShared === true);
    const our = shared.length === 0 ? null : await ask("ours", reword(trees.ours, shared));
    if (our !== null && compareReplies(our, their) === null) return reasonOf(chosen);
  }
  const opaque = rules.find(({ instead, corrected }) => instead === undefined && corrected === undefined);
  return opaque === undefined ? null : reasonOf([opaque]);
}

function reasonOf(rules: readonly KnownDifference[]): string {
  return rules.map(({ reason }) => reason).join("; ");
}

function reword(tree: Expr, rules: readonly KnownDifference[]): Expr {
  return changeTree(tree, (node) => {
    let result = node;
    for (const { about, instead } of rules) if (instead !== undefined && about(node)) result = instead(result);
    return result;
  });
}

/** Gauges that have them. */
const FRACTIONS = ["node_load1", "temperature_celsius"];

function removesResets(node: Expr): boolean {
  return isCall(node, "remove_resets") || isFunction(node, ({ flags }) => flags.resets === true);
}

function isCall(expr: Expr, name: string): expr is FunctionExpr {
  return expr.kind === "function" && expr.name === name;
}

function isFunction(
  expr: Expr,
  holds: (entry: {
    readonly flags: { readonly resets?: boolean; readonly previous?: boolean; readonly widens?: boolean };
  }) => boolean,
): boolean {
  const entry = expr.kind === "function" ? ROLLUPS.get(expr.name) : undefined;
  return entry !== undefined && holds(entry);
}

function isAbout(expr: Expr, names: readonly string[]): boolean {
  return someNode(expr, (node) => node.kind === "selector" && names.includes(printExpr(node)));
}

/** What keeps some points of a series only. */
function hasGaps(node: Expr): boolean {
  if (node.kind === "function") return /^range_trim|^outlier|^absent/.test(node.name);
  return node.kind === "binary" && !node.isBool && (COMPARISONS.has(node.op) || SET_OPERATORS.has(node.op));
}

function isTime(node: Expr): boolean {
  return node.kind === "function" && /^t(min|max|first|last|last_change)_over_time$|^timestamp/.test(node.name);
}

function looksBack({ flags }: { readonly flags: { readonly previous?: boolean; readonly widens?: boolean } }): boolean {
  return flags.previous === true || flags.widens === true;
}

/** f(m, x): a rollup of several arguments over a selector without window. To 1.79.5 a median is a quantile. */
function isBareRollup(expr: Expr): boolean {
  if (expr.kind !== "function" || !ROLLUPS.has(expr.name)) return false;
  return (expr.args.length > 1 || expr.name === "median_over_time") && expr.args.some(isSelector);
}

function isSelector(expr: Expr): boolean {
  return selectorOf(expr) !== null;
}

/** An aggregate of what it does not know to be a rollup. */
function apartFromAggregate(node: Expr): Expr {
  const { args } = node as AggregateExpr;
  return {
    ...(node as AggregateExpr),
    args: args.map((arg) => (arg.kind === "function" ? callOf("union", arg) : arg)),
  };
}

/** No filter gets through label_set. */
function apart(node: Expr): Expr {
  const binary = node as BinaryExpr;
  return { ...binary, left: callOf("label_set", binary.left), right: callOf("label_set", binary.right) };
}

/** a or b, as a and what of b is where a has no value */
function unionWithRest(node: Expr): Expr {
  const binary = node as BinaryExpr;
  return callOf("union", binary.left, { ...binary, op: "unless", left: binary.right, right: binary.left });
}

/** The bounds of a number only where there is the number. */
function whereItIs(node: Expr): Expr {
  const call = node as FunctionExpr;
  const number = { ...call, args: call.args.slice(0, 2) };
  const label = call.args[2]?.kind === "string" ? call.args[2].value : "";
  return parse(`${printExpr(call)} if ignoring (${label}) ${printExpr(number)}`);
}

/** Samples that may come to an end before the query does. */
function mayEnd(samples: Expr): boolean {
  return selectorOf(samples) === null || isAbout(samples, ["short_lived_gauge"]) || someNode(samples, isShifted);
}

function isShifted(node: Expr): boolean {
  return node.kind === "rollup" && (node.offset !== null || node.at !== null);
}

function withoutEmptyLabels(series: Series): Series {
  return { ...series, metric: Object.fromEntries(Object.entries(series.metric).filter(([, value]) => value !== "")) };
}
