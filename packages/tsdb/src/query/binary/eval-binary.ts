/**
 * `left op right`: evaluates the left, then what it leaves to be asked of the right (common-values.ts), finds which series meet, and applies the operator point by point into the columns of the side
 * whose labels the result has.
 */
import { type BinaryExpr, chainOf, type Expr } from "../../metricsql/ast.ts";
import { isUnion } from "../../metricsql/optimize.ts";
import type { EvalContext, QueryRun } from "../context.ts";
import { labelsKey, withoutName } from "../label-edit.ts";
import type { Evaluate } from "../rollup/eval-rollup.ts";
import { dropBlank, isScalarList, type Series } from "../series.ts";
import { mayServeAll, narrowRight } from "./common-values.ts";
import { joinLabels, Matcher, mergeApart } from "./matching.ts";
import { ARITHMETIC, COMPARISONS } from "./operators.ts";
import { SET_OPERATORS } from "./sets.ts";

/** The operators of a chain one after the other: a long one costs no stack. */
export async function evaluateBinary(context: EvalContext, expr: BinaryExpr, evaluate: Evaluate): Promise<Series[]> {
  const links = chainOf(expr).reverse();
  let list = await evaluate(context, (links[0] as BinaryExpr).left);
  for (const link of links) {
    list = await applyOperator(context, link, list, evaluate);
    if (context.run.isDue()) await context.run.breathe();
  }
  return list;
}

async function applyOperator(
  context: EvalContext,
  expr: BinaryExpr,
  left: Series[],
  evaluate: Evaluate,
): Promise<Series[]> {
  const { run, points } = context;
  // Nothing on the left leaves nothing, whatever the right is. It need not be read.
  if (left.length === 0 && expr.op !== "or" && expr.op !== "default" && expr.fillLeft === null) return [];
  const heldLeft = run.holdColumns(left.length, points);
  const narrowed = narrowRight(expr, left, run.limits.maxBinaryOpPushdownLabelValues);
  let right = await evaluate(context, narrowed);
  if (right.length === 0 && narrowed !== expr.right && mayServeAll(expr)) right = await evaluate(context, expr.right);
  const heldRight = run.holdColumns(right.length, points);
  const step = context.trace?.begin(`binary op "${expr.op}": left series=${left.length}, right series=${right.length}`);
  const result = await combine(context, expr, left, right);
  step?.end(`series=${result.length}`);
  run.release(heldLeft + heldRight);
  return result;
}

async function combine(context: EvalContext, expr: BinaryExpr, left: Series[], right: Series[]): Promise<Series[]> {
  const choose = SET_OPERATORS.get(expr.op);
  if (choose !== undefined) return choose(context.run, expr, left, right);
  const members = await setMembership(context.run, expr, left, right);
  if (members !== null) return members;
  return applyPointwise(context, expr, left, right);
}

/** `q == (1, 2, 3)` and `q != (1, 2)`: points that are, or are not, among the values. Null for any other expression. */
async function setMembership(
  run: QueryRun,
  expr: BinaryExpr,
  left: Series[],
  right: Series[],
): Promise<Series[] | null> {
  if (expr.op !== "==" && expr.op !== "!=") return null;
  const isSwapped = isUnion(expr.left);
  if (!isSwapped && !isUnion(expr.right)) return null;
  const tested = isSwapped ? right : left;
  const members = isSwapped ? left : right;
  if (members.length === 0) return expr.op === "!=" ? tested : [];
  for (const { values } of tested) {
    for (let k = 0; k < values.length; k++) {
      const isMember = members.some((member) => member.values[k] === values[k]);
      if (isMember !== (expr.op === "==")) values[k] = Number.NaN;
      if ((k & 127) === 0 && run.isDue()) await run.breathe();
    }
  }
  return tested;
}

/** Series that meet, with the labels of what comes of them. */
interface Pair {
  left: Series;
  right: Series;
  /** The column the result goes to: nobody reads it after. */
  target: Series;
}

async function applyPointwise(
  context: EvalContext,
  expr: BinaryExpr,
  left: Series[],
  right: Series[],
): Promise<Series[]> {
  const { run } = context;
  const compare = COMPARISONS.get(expr.op);
  if (compare === undefined) {
    // A blank series may yet match a label set twice. Comparisons keep them: `(m > 5) default 0` is to fill them.
    left = dropBlank(left);
    right = dropBlank(right);
  }
  if (left.length === 0 && (expr.fillLeft === null || right.length === 0)) return [];
  if (right.length === 0 && expr.fillRight === null) return [];
  const pairs = await pairUp(context, expr, left, right);
  const operate = compare === undefined ? ARITHMETIC.get(expr.op) : comparisonOf(expr, compare);
  if (operate === undefined) throw run.fail(expr, `unknown operator "${expr.op}"`);
  const { fillLeft, fillRight } = expr;
  const dropsRight = compare !== undefined && fillRight === null && isFiltered(expr.right);
  const result: Series[] = [];
  for (const pair of pairs) {
    const a = pair.left.values;
    const b = pair.right.values;
    const target = pair.target.values;
    for (let k = 0; k < target.length; k++) {
      let x = a[k] as number;
      let y = b[k] as number;
      if (x === x || y === y) {
        if (y !== y) {
          if (dropsRight) {
            target[k] = Number.NaN;
            continue;
          }
          if (fillRight !== null) y = fillRight;
        } else if (x !== x && fillLeft !== null) x = fillLeft;
      }
      target[k] = operate(x, y);
    }
    result.push(pair.target);
    if (run.isDue()) await run.breathe();
  }
  return result;
}

/** Without `bool` the left value or nothing, with it 1 or 0, and nothing where the left has nothing. */
function comparisonOf(expr: BinaryExpr, compare: (a: number, b: number) => boolean): (a: number, b: number) => number {
  if (expr.isBool) return (a, b) => (a !== a ? Number.NaN : compare(a, b) ? 1 : 0);
  return (a, b) => (compare(a, b) ? a : Number.NaN);
}

/** True if NaN on this side means "filtered out by a comparison" rather than a value nobody has. */
function isFiltered(expr: Expr): boolean {
  if (expr.kind === "rollup" && expr.window === null) return isFiltered(expr.expr);
  return expr.kind === "binary" && COMPARISONS.has(expr.op) && !(isScalarLike(expr.left) && isScalarLike(expr.right));
}

const SCALAR_FUNCTIONS: ReadonlySet<string> = new Set([
  "now",
  "pi",
  "scalar",
  "start",
  "end",
  "step",
  "time",
  "timezone_offset",
]);

function isScalarLike(root: Expr): boolean {
  const open = [root];
  for (let expr = open.pop(); expr !== undefined; expr = open.pop()) {
    if (expr.kind === "binary") open.push(expr.left, expr.right);
    else if (
      expr.kind === "function" ? !SCALAR_FUNCTIONS.has(expr.name) : expr.kind !== "number" && expr.kind !== "duration"
    )
      return false;
  }
  return true;
}

async function pairUp(context: EvalContext, expr: BinaryExpr, left: Series[], right: Series[]): Promise<Pair[]> {
  const { run } = context;
  const dropsName = !expr.keepMetricNames && (expr.isBool || !COMPARISONS.has(expr.op));
  const named = (series: Series): Series => {
    if (dropsName) series.labels = withoutName(series.labels);
    return series;
  };
  if (expr.matching === null && expr.join === null) {
    const [onlyLeft, onlyRight] = [left[0] as Series, right[0] as Series];
    if (isScalarList(left)) return right.map((series) => ({ left: onlyLeft, right: series, target: named(series) }));
    if (isScalarList(right)) return left.map((series) => ({ left: series, right: onlyRight, target: named(series) }));
  }
  const matcher = new Matcher(expr);
  const leftGroups = await matcher.group(run, left);
  const rightGroups = await matcher.group(run, right);
  if (expr.fillLeft !== null) {
    for (const key of rightGroups.keys()) if (!leftGroups.has(key)) leftGroups.set(key, []);
  }
  const absent = (like: Series): Series => ({
    labels: matcher.matched(expr.keepMetricNames ? like.labels : withoutName(like.labels)),
    values: new Float64Array(context.points).fill(Number.NaN),
  });
  const pairs: Pair[] = [];
  for (const [key, foundLeft] of leftGroups) {
    if (run.isDue()) await run.breathe();
    const foundRight = rightGroups.get(key) ?? [];
    if (foundRight.length === 0 && expr.fillRight === null) continue;
    const lefts = foundLeft.length > 0 ? foundLeft : [absent(foundRight[0] as Series)];
    const rights = foundRight.length > 0 ? foundRight : [absent(foundLeft[0] as Series)];
    if (expr.join?.op === "group_left") {
      for (const [many, one] of await joinMany(context, expr, lefts, rights, "right", named)) {
        pairs.push({ left: many, right: one, target: many });
      }
    } else if (expr.join?.op === "group_right") {
      for (const [many, one] of await joinMany(context, expr, rights, lefts, "left", named)) {
        pairs.push({ left: one, right: many, target: many });
      }
    } else {
      const one = await mustBeOne(context, expr, lefts, "left");
      const other = await mustBeOne(context, expr, rights, "right");
      const target = named(one);
      target.labels = matcher.matched(target.labels);
      pairs.push({ left: one, right: other, target });
    }
  }
  return pairs;
}

async function mustBeOne(
  context: EvalContext,
  expr: BinaryExpr,
  list: readonly Series[],
  side: string,
): Promise<Series> {
  const one = list[0] as Series;
  for (let i = list.length - 1; i > 0; i--) {
    const other = list[i] as Series;
    if (!mergeApart(one, other)) throw duplicate(context, expr, side, one, other);
    if (context.run.isDue()) await context.run.breathe();
  }
  return one;
}

/** Every "many" series with its "one"; several are fine if the labels taken from them make the results differ. */
async function joinMany(
  context: EvalContext,
  expr: BinaryExpr,
  many: readonly Series[],
  ones: readonly Series[],
  oneSide: string,
  named: (series: Series) => Series,
): Promise<[Series, Series][]> {
  const { run } = context;
  const joined: [Series, Series][] = [];
  if (ones.length > 1) run.reserveColumns(many.length * ones.length, context.points);
  for (const series of many) {
    if (run.isDue()) await run.breathe();
    named(series);
    const only = ones[0] as Series;
    if (ones.length === 1) {
      const before = series.labels;
      series.labels = joinLabels(expr, before, only.labels);
      run.countLabels(before, series.labels);
      joined.push([series, only]);
      continue;
    }
    const byLabels = new Map<string, [Series, Series]>();
    for (const one of ones) {
      if (run.isDue()) await run.breathe();
      const labels = joinLabels(expr, series.labels, one.labels);
      run.countLabels(series.labels, labels);
      const key = labelsKey(labels);
      const earlier = byLabels.get(key);
      if (earlier === undefined) {
        byLabels.set(key, [{ labels, values: series.values.slice() }, one]);
        continue;
      }
      // Merged into a copy: other "many" series may meet these two as well.
      const merged = { labels: earlier[1].labels, values: earlier[1].values.slice() };
      if (!mergeApart(merged, one)) throw duplicate(context, expr, oneSide, earlier[1], one);
      earlier[1] = merged;
    }
    for (const pair of byLabels.values()) joined.push(pair);
  }
  return joined;
}

function duplicate(context: EvalContext, expr: BinaryExpr, side: string, a: Series, b: Series): Error {
  const { matching } = expr;
  const by = matching === null ? "" : ` ${matching.op} (${matching.labels.join(", ")})`;
  return context.run.fail(
    expr,
    `duplicate time series on the ${side} side of "${expr.op}"${by}: want one series per label set, got ${a.labels} and ${b.labels}`,
  );
}
