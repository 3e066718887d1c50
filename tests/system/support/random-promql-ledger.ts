/** What may differ between our answers to random PromQL, which are Prometheus 3's, and those of 2.42, each with its reason. */
import { has, type PromNode } from "./promql-tree.ts";

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
      problem.includes("NaN], theirs") && has(tree, ({ name, args }) => CALENDAR.has(name ?? "") && args?.length === 1),
  },
  {
    reason: "2.42 averages step by step: the last digits differ, and are what is left of a large number in remainders",
    fits: (tree, problem) =>
      isOfValues(problem) && has(tree, ({ op }) => op === "%") && has(tree, (node) => isAverage(node)),
  },
];

const CALENDAR: ReadonlySet<string> = new Set([
  ...["days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"],
]);

function isAverage({ kind, op, name }: PromNode): boolean {
  return (kind === "aggregate" && op === "avg") || (kind === "call" && name === "avg_over_time");
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
