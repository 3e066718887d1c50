/**
 * Tree → canonical text: `parse(printExpr(e))` is `e` again (positions apart), and two spellings of one query print alike.
 *
 * Parentheses stand only where precedence needs them; functions and operators are in lower case; strings in double
 * quotes; durations in days and smaller units.
 */
import { formatDuration } from "../base/duration.ts";
import {
  type AggregateExpr,
  type BinaryExpr,
  chainOf,
  type DurationExpr,
  type Expr,
  type FunctionExpr,
  type LabelFilter,
  type RollupExpr,
  type SelectorExpr,
} from "./ast.ts";
import { escapeWord } from "./lexer.ts";
import { isRightAssociative, precedenceOf } from "./operators.ts";
import { quoteString } from "./quoting.ts";

/** The text of an expression. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return printNumber(expr.value);
    case "duration":
      return printDurationOperand(expr);
    case "string":
      return quoteString(expr.value);
    case "selector":
      return printSelector(expr);
    case "rollup":
      return printRollup(expr);
    case "function":
      return printFunction(expr);
    case "aggregate":
      return printAggregate(expr);
    case "binary":
      return printChain(expr);
  }
}

/** A selector's filters as people write them: `name{label="value"}`. */
export function printSelector(expr: SelectorExpr): string {
  const { groups } = expr;
  const name = sharedName(expr);
  if (name === "") return `{${groups.map((group) => group.map(printFilter).join(",")).join(" or ")}}`;
  const rests = groups.map((group) => group.slice(1).map(printFilter).join(","));
  return rests.length === 1 && rests[0] === "" ? printWord(name) : `${printWord(name)}{${rests.join(" or ")}}`;
}

/** The name that may stand in front: first in every group, with something behind it if there are several. */
function sharedName({ groups }: SelectorExpr): string {
  const name = groups[0]?.[0];
  if (name?.label !== "__name__" || name.op !== "=") return "";
  for (const group of groups) {
    const first = group[0];
    if (first?.label !== "__name__" || first.op !== "=" || first.value !== name.value) return "";
    if (groups.length > 1 && group.length === 1) return "";
  }
  return name.value;
}

function printFilter({ label, op, value }: LabelFilter): string {
  return `${escapeWord(label)}${op}${quoteString(value)}`;
}

function printFunction({ name, args, keepMetricNames }: FunctionExpr): string {
  if (keepMetricNames) return `${printWord(name)}(${printList(args)}) keep_metric_names`;
  return `${name === "union" && args.length !== 1 ? "" : printWord(name)}(${printList(args)})`;
}

function printAggregate(expr: AggregateExpr): string {
  const { modifier, limit } = expr;
  const by = modifier === null ? "" : ` ${modifier.op} (${printLabels(modifier.labels)})`;
  return `${printWord(expr.name)}(${printList(expr.args)})${by}${limit === 0 ? "" : ` limit ${limit}`}`;
}

function printRollup(expr: RollupExpr): string {
  const { window, step, inheritsStep, offset, at } = expr;
  let text = printAtom(expr.expr);
  if (window !== null || step !== null || inheritsStep) {
    const stepText = step !== null ? `:${formatDuration(step)}` : inheritsStep ? ":" : "";
    text += `[${window === null ? "" : formatDuration(window)}${stepText}]`;
  }
  if (at !== null) text += ` @ ${printAtom(at)}`;
  if (offset !== null) text += ` offset ${formatDuration(offset)}`;
  return text;
}

/** An operand that a window, an offset or a time may follow. */
function printAtom(expr: Expr): string {
  const text = printExpr(expr);
  return expr.kind === "binary" || expr.kind === "rollup" || isNegative(expr) ? `(${text})` : text;
}

function printChain(top: BinaryExpr): string {
  const links = chainOf(top).reverse();
  let text = printExpr((links[0] as BinaryExpr).left);
  for (const link of links) {
    text = printLink(link, text);
    if (link.keepMetricNames) text = `(${text}) keep_metric_names`;
  }
  return text;
}

/** `left` is the text of the left side. */
function printLink(expr: BinaryExpr, left: string): string {
  const { op, matching, join } = expr;
  const words = [op];
  if (expr.isBool) words.push("bool");
  if (matching !== null) words.push(`${matching.op} (${printLabels(matching.labels)})`);
  if (join !== null) {
    words.push(`${join.op} (${join.isAll ? "*" : printLabels(join.labels)})`);
    if (join.prefix !== "") words.push(`prefix ${quoteString(join.prefix)}`);
  }
  const { fillLeft, fillRight } = expr;
  if (fillLeft !== null && Object.is(fillLeft, fillRight)) {
    words.push(`fill (${printNumber(fillLeft)})`);
  } else {
    if (fillLeft !== null) words.push(`fill_left (${printNumber(fillLeft)})`);
    if (fillRight !== null) words.push(`fill_right (${printNumber(fillRight)})`);
  }
  words.push(wrapSide(expr.right, printExpr(expr.right), op, "right"));
  // Appended, not joined: the left side of a long chain is not copied for each of its links.
  return `${wrapSide(expr.left, left, op, "left")} ${words.join(" ")}`;
}

/** The text of an operand as it stands beside the operator: in parentheses where it needs them. */
function wrapSide(expr: Expr, text: string, op: string, side: "left" | "right"): string {
  if (expr.kind === "binary") {
    // Behind `keep_metric_names` stand parentheses already.
    if (expr.keepMetricNames) return text;
    const difference = precedenceOf(expr.op) - precedenceOf(op);
    const isInOrder = difference > 0 || (difference === 0 && isRightAssociative(op) === (side === "right"));
    return isInOrder ? text : `(${text})`;
  }
  // A minus in front binds like the binary one: in `-2 ^ m` it would take the whole power.
  const isMisread = side === "left" && isNegative(expr) && precedenceOf(op) > precedenceOf("-");
  return isMisread || isNegativeZero(expr) ? `(${text})` : text;
}

function isNegative(expr: Expr): boolean {
  return expr.kind === "number" && (expr.value < 0 || isNegativeZero(expr));
}

function isNegativeZero(expr: Expr): boolean {
  return expr.kind === "number" && Object.is(expr.value, -0);
}

export function printNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "Inf";
  if (value === -Infinity) return "-Inf";
  // `-0` is `0 - 0`, which is not the same.
  return Object.is(value, -0) ? "0 * -1" : String(value);
}

/** A negative duration starts with zero seconds: a minus in front would make it an expression. */
function printDurationOperand(expr: DurationExpr): string {
  const text = formatDuration(expr);
  return text.startsWith("-") ? `0s${text}` : text;
}

function printList(exprs: readonly Expr[]): string {
  return exprs.map(printExpr).join(", ");
}

function printLabels(labels: readonly string[]): string {
  return labels.map(printWord).join(", ");
}

/** Words that mean something where a name may stand; escaped, they are names. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...["and", "or", "unless", "if", "ifnot", "default", "atan2", "bool", "on", "ignoring", "group_left", "group_right"],
  ...["fill", "fill_left", "fill_right", "prefix", "by", "without", "limit", "offset", "keep_metric_names", "with"],
  ...["inf", "nan"],
]);

export function printWord(word: string): string {
  return KEYWORDS.has(word.toLowerCase()) ? `\\${word}` : escapeWord(word);
}
