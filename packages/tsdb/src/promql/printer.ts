/**
 * Tree → text, on one line (`parsePromql` makes the same tree of it, positions apart) or as Prometheus formats queries.
 *
 * The tree has its parentheses: none are added here.
 */

import { labelTextByteLength } from "../base/label-bytes.ts";
import type { LabelFilter } from "../base/label-filter.ts";
import { formatFloat } from "../base/number-format.ts";
import {
  chainOf,
  type PromAggregate,
  type PromAt,
  type PromBinary,
  type PromDuration,
  type PromExpr,
  type PromSelector,
} from "./ast.ts";
import { isPlainLabel } from "./lexer.ts";
import { formatPromDuration } from "./literals.ts";
import { quoteString } from "./strings.ts";

/** The text of an expression. `pretty`: over several lines if it is long, matchers sorted, ranges in units of time. */
export function printPromql(expr: PromExpr, options: { readonly pretty?: boolean } = {}): string {
  return options.pretty === true ? new Layout().print(expr, 0) : new Line(false).print(expr);
}

/** Prints on one line. Texts are remembered by node: the layout asks for those of all levels. */
class Line {
  private readonly isNormal: boolean;
  private readonly texts = new Map<PromExpr, string>();

  /** `isNormal`: equal queries look equal, at the price of the tree's small print: order of matchers, `[300]` or `[5m]`. */
  constructor(isNormal: boolean) {
    this.isNormal = isNormal;
  }

  print(expr: PromExpr): string {
    const known = this.texts.get(expr);
    if (known !== undefined) return known;
    const text = this.write(expr);
    this.texts.set(expr, text);
    return text;
  }

  /** `[5m:1m] @ 1.000 offset 5m`, or what of it there is. */
  suffix(expr: PromExpr): string {
    switch (expr.kind) {
      case "selector":
        return this.shift(expr);
      case "matrix":
        return `[${this.duration(expr.range)}]${this.shift(expr.selector)}`;
      case "subquery":
        return `[${this.duration(expr.range)}:${expr.step === null ? "" : this.duration(expr.step)}]${this.shift(expr)}`;
      default:
        return "";
    }
  }

  private write(expr: PromExpr): string {
    switch (expr.kind) {
      case "number":
        return expr.isDuration ? formatPromDuration(Math.round(expr.value * 1000)) : formatFloat(expr.value);
      case "string":
        return quoteString(expr.value);
      case "selector":
        return this.matchers(expr) + this.suffix(expr);
      case "matrix":
        return this.matchers(expr.selector) + this.suffix(expr);
      case "subquery":
        return this.print(expr.expr) + this.suffix(expr);
      case "call":
        return `${expr.name}(${expr.args.map((arg) => this.print(arg)).join(", ")})`;
      case "aggregate": {
        const param = expr.param === null ? "" : `${this.print(expr.param)}, `;
        return `${aggregateHead(expr)}(${param}${this.print(expr.expr)})`;
      }
      case "binary": {
        const links = chainOf(expr);
        let text = this.print((links.at(-1) as PromBinary).left);
        for (const link of links.reverse()) {
          text = `${withoutPlus(link, text)} ${operatorText(link)} ${this.print(link.right)}`;
          this.texts.set(link, text);
        }
        return text;
      }
      case "unary":
        return expr.op + this.print(expr.expr);
      case "parens":
        return `(${this.print(expr.expr)})`;
    }
  }

  private matchers({ name, filters }: PromSelector): string {
    const texts = filters.slice(name === "" ? 0 : 1).map(printFilter);
    if (this.isNormal) texts.sort();
    return texts.length === 0 && name !== "" ? name : `${name}{${texts.join(",")}}`;
  }

  private shift({ at, offset }: { readonly at: PromAt | null; readonly offset: PromDuration | null }): string {
    const atText = at === null ? "" : at.kind === "time" ? ` @ ${(at.timeMs / 1000).toFixed(3)}` : ` @ ${at.kind}()`;
    const isNone = offset === null || (this.isNormal && offset.kind === "constant" && offset.ms === 0);
    if (isNone) return atText;
    const text = this.duration(offset);
    // An operator behind parentheses would be the offset's, and perhaps is none: the time stands between.
    return text.startsWith("(") ? ` offset ${text}${atText}` : `${atText} offset ${text}`;
  }

  private duration(duration: PromDuration): string {
    if (duration.kind !== "constant") return printDuration(duration);
    if (duration.written !== null) return printDuration(duration.written);
    return this.isNormal ? formatPromDuration(duration.ms) : printDuration(duration);
  }
}

/** Bytes of a line that is not broken. */
const LINE_MAX = 100;

/** Deeper levels are indented no further, or white space would grow with the square of the query. */
const INDENTS_MAX = 50;

function isLine(text: string): boolean {
  return text.length <= LINE_MAX && labelTextByteLength(text) <= LINE_MAX;
}

function indentOf(level: number): string {
  return "  ".repeat(Math.min(level, INDENTS_MAX));
}

/** Breaks what is longer than a line at its outermost node, and so on; Prometheus' layout. */
class Layout {
  private readonly line = new Line(true);

  /** The text of `expr`, each of its lines indented by `level` or more. */
  print(expr: PromExpr, level: number): string {
    const text = this.line.print(expr);
    const indent = indentOf(level);
    if (expr.kind !== "unary" && isLine(text)) return indent + text;
    switch (expr.kind) {
      case "call": {
        const args = expr.args.map((arg) => this.print(arg, level + 1)).join(",\n");
        return `${indent}${expr.name}(\n${args}\n${indent})`;
      }
      case "aggregate": {
        const param = expr.param === null ? "" : `${this.print(expr.param, level + 1)},\n`;
        return `${indent}${aggregateHead(expr)}(\n${param}${this.print(expr.expr, level + 1)}\n${indent})`;
      }
      case "binary": {
        const links = chainOf(expr, (link) => !isLine(this.line.print(link)));
        let laidOut = this.print((links.at(-1) as PromBinary).left, level + links.length);
        for (let i = links.length - 1; i >= 0; i--) {
          const link = links[i] as PromBinary;
          const operator = `${indentOf(level + i)}${operatorText(link)}`;
          laidOut = `${withoutPlus(link, laidOut)}\n${operator}\n${this.print(link.right, level + i + 1)}`;
        }
        return laidOut;
      }
      case "unary":
        return `${indent}${expr.op}${this.print(expr.expr, level).trim()}`;
      case "parens":
        return `${indent}(\n${this.print(expr.expr, level + 1)}\n${indent})`;
      case "subquery":
        return this.print(expr.expr, level) + this.line.suffix(expr);
      default:
        return indent + text;
    }
  }
}

/** `sum`, `sum by (job) `: everything in front of the parenthesis. */
function aggregateHead({ op, isWithout, grouping }: PromAggregate): string {
  if (isWithout) return `${op} without (${printLabels(grouping)}) `;
  return grouping.length === 0 ? op : `${op} by (${printLabels(grouping)}) `;
}

/** The operator with what is written behind it: `== bool`, `* on (job) group_left ()`. */
function operatorText({ op, isBool, matching }: PromBinary): string {
  let text = isBool ? `${op} bool` : op;
  if (matching === null) return text;
  const { card, isOn, labels, include, fillLeft, fillRight } = matching;
  const isGrouped = card === "many-to-one" || card === "one-to-many";
  if (isOn || isGrouped || labels.length > 0) text += ` ${isOn ? "on" : "ignoring"} (${printLabels(labels)})`;
  if (isGrouped) text += ` group_${card === "many-to-one" ? "left" : "right"} (${printLabels(include)})`;
  if (fillLeft !== null && Object.is(fillLeft, fillRight)) return `${text} fill (${formatFloat(fillLeft)})`;
  if (fillLeft !== null) text += ` fill_left (${formatFloat(fillLeft)})`;
  if (fillRight !== null) text += ` fill_right (${formatFloat(fillRight)})`;
  return text;
}

function printLabels(labels: readonly string[]): string {
  return labels.map(printLabel).join(", ");
}

function printLabel(label: string): string {
  return isPlainLabel(label) ? label : quoteString(label);
}

function printFilter({ label, op, value }: LabelFilter): string {
  return `${printLabel(label)}${op}${quoteString(value)}`;
}

function printDuration(duration: PromDuration): string {
  switch (duration.kind) {
    case "constant": {
      const { seconds, isNumber } = duration;
      return isNumber ? formatFloat(seconds) : formatPromDuration(Math.round(seconds * 1000));
    }
    case "step":
    case "range":
      return `${duration.kind}()`;
    case "operation": {
      const { op, left } = duration;
      const right = printDuration(duration.right);
      if (left === null) return op === "+" ? `(${right})` : `-${right}`;
      if (op === "min" || op === "max") return `${op}_of(${printDuration(left)}, ${right})`;
      return `${printDuration(left)} ${op} ${right}`;
    }
  }
}

/** The left side of a power, printed as `left`: the plus of `+Inf` would be a sign of the whole. */
function withoutPlus({ op, left: { kind } }: PromBinary, left: string): string {
  return op === "^" && kind === "number" ? left.replace("+", "") : left;
}
