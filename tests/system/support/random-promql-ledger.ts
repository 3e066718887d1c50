/** What may differ between our answers to random PromQL, which are Prometheus 3's, and those of 2.42, each with its reason. */
import { childrenOf, has, type PromNode } from "./promql-tree.ts";

export interface KnownDifference {
  readonly reason: string;
  /** Of the query's tree, and of what is said to differ. */
  fits(tree: PromNode, problem: string): boolean;
}

export const PROMQL_DIFFERENCES: readonly KnownDifference[] = [
  {
    reason: "2.42 leaves the metric's name to atan2, as to no other arithmetic; v2.45 does not",
    fits: (tree) => has(tree, ({ op }) => op === "atan2"),
  },
  {
    reason: "2.42 loses samples of a window with @ if another argument, or predict_linear's origin, moves",
    fits: (tree) =>
      has(tree, (node) => {
        if (node.kind !== "call") return false;
        const args = node.args ?? [];
        return args.some(isPinned) && (node.name === "predict_linear" || args.some(isMovingScalar));
      }),
  },
  {
    reason:
      "rates reach half an interval to the left of a first sample that is far from the edge; 2.42 to where the counter was 0 (v2.51)",
    fits: (tree, problem) =>
      isOfValues(problem) && has(tree, ({ kind, name }) => kind === "call" && (name === "rate" || name === "increase")),
  },
  {
    reason: "deviations of NaN and infinities are NaN; 2.42 takes the first for 0 (v3.0)",
    fits: (tree) => has(tree, ({ op }) => op === "stddev" || op === "stdvar"),
  },
  {
    reason: "what NaN and infinities are as a whole number of seconds depends on the processor; here they have no date",
    fits: (tree, problem) =>
      isOfValues(problem) && has(tree, ({ name, args }) => CALENDAR.has(name ?? "") && args?.length === 1),
  },
  {
    reason: "last digits decide: what remains of computed numbers, sines of large ones, slopes of averages",
    fits: (tree, problem) =>
      isOfValues(problem) &&
      has(tree, (node) => (node.op === "%" || MAGNIFYING.has(node.name ?? "")) && childrenOf(node).some(isComputed)),
  },
  {
    reason: "sums of products that become infinite stay so; 2.42 makes them NaN as it makes up for lost digits (v2.54)",
    fits: (tree, problem) =>
      isOfValues(problem) &&
      has(
        tree,
        (node) => SQUARING.has(node.name ?? "") && has(node, ({ op, name }) => op === "^" || GROWING.has(name ?? "")),
      ),
  },
  {
    reason:
      "Prometheus, 3.14 too, forgets the offset beside @ in timestamp(); the documentation knows no such exception",
    fits: (tree) =>
      has(
        tree,
        ({ kind, name, args }) =>
          kind === "call" &&
          name === "timestamp" &&
          has(args?.[0] as PromNode, (arg) => arg.kind === "selector" && arg.at != null && arg.offset != null),
      ),
  },
  {
    reason:
      "behind a sign, series that are equal without their names and never there at once are one; 2.42 refuses them",
    fits: (tree, problem) =>
      problem.startsWith("they refuse: vector cannot contain metrics with the same labelset") &&
      has(tree, ({ kind }) => kind === "unary"),
  },
  {
    reason: "several matches are refused whatever they compare to; by 2.42 only if two of them pass the comparison",
    fits: (tree, problem) =>
      problem.startsWith("we refuse: multiple matches for labels") &&
      has(tree, ({ op, isBool }) => isBool !== true && COMPARISONS.has(op ?? "")),
  },
];

const CALENDAR: ReadonlySet<string> = new Set([
  ...["days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"],
]);

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", ">", "<=", ">="]);
const MAGNIFYING: ReadonlySet<string> = new Set(["sin", "cos", "tan", "deriv", "predict_linear"]);

const SQUARING: ReadonlySet<string> = new Set(["stddev_over_time", "stdvar_over_time", "deriv", "predict_linear"]);
const GROWING: ReadonlySet<string> = new Set(["exp", "sinh", "cosh"]);

function isComputed(node: PromNode): boolean {
  return has(
    node,
    ({ kind, op, args }) => kind === "aggregate" || (kind === "call" && args?.length !== 0) || op === "/" || op === "^",
  );
}

function isPinned(arg: PromNode): boolean {
  return (arg.kind === "matrix" || arg.kind === "subquery") && (arg.selector ?? arg).at != null;
}

function isMovingScalar(arg: PromNode): boolean {
  return arg.kind !== "matrix" && arg.kind !== "subquery" && arg.kind !== "number";
}

/** Not of series or points that one has and the other has not. */
function isOfValues(problem: string): boolean {
  return problem.includes("], theirs [");
}

/** The reason that may explain it, or null. */
export function explainDifference(tree: PromNode | null, problem: string): string | null {
  if (tree === null) return null;
  return PROMQL_DIFFERENCES.find((one) => one.fits(tree, problem))?.reason ?? null;
}
