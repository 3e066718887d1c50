/**
 * Query text → the same query laid out for people. Unlike `printExpr` it leaves alone what was written: templates, spelling
 * of numbers, durations and strings, parentheses. Only white space changes, keywords' case, and parentheses where a line is
 * broken. Comments go.
 *
 *   sum(                                    What fits into a line stays on one; what does not is broken
 *     rate(m{job="x"}[5m])                  at its outermost brackets or operators first.
 *   ) by (job)
 *     /
 *   count(n)
 */
import { type Token, tokenize } from "./lexer.ts";
import { MAX_DEPTH } from "./limits.ts";
import { precedenceOf } from "./operators.ts";
import { parseRaw } from "./parser.ts";
import { printNumber, printWord } from "./printer.ts";
import { quoteString } from "./quoting.ts";
import {
  type RawBinary,
  type RawCall,
  type RawDuration,
  type RawExpr,
  type RawFilter,
  type RawLabel,
  type RawOperator,
  type RawRollup,
  type RawSelector,
  type RawTemplate,
  rawChainOf,
} from "./raw.ts";
import { syntaxError } from "./syntax-error.ts";

/** Characters a line may have, its indentation included, before it is broken. A single long word still exceeds it. */
const LINE_LENGTH_MAX = 80;
const INDENT = "  ";
/** Deeper levels are indented no further, or white space would grow with the square of the query. */
const INDENTS_MAX = 20;

/**
 * Names are not resolved: unknown templates and functions pass. Prettifying twice changes nothing more.
 *
 * @example prettify("sum by(job)(up)") // "sum(up) by (job)"
 * @throws InputError (400) with line and column.
 */
export function prettify(query: string): string {
  const raw = parseRaw(query);
  return new Prettifier(query).print(raw);
}

class Prettifier {
  readonly #query: string;
  readonly #tokens = new Map<number, Token>();
  /** Every expression is asked for its one-line text again by all that it stands in. */
  readonly #flat = new Map<RawExpr, string>();
  readonly #lines: string[] = [];
  /** Of what is being written; beyond the greatest it goes on one line, whatever its length. */
  #level = 0;

  constructor(query: string) {
    this.#query = query;
    for (const token of tokenize(query)) this.#tokens.set(token.pos, token);
  }

  /** The query's text. Asked once. */
  print(raw: RawExpr): string {
    this.flat(raw, 0);
    this.#write(raw, 0, "", "");
    return this.#lines.join("\n");
  }

  // ── on several lines ───────────────────────────────────────────────────────────────────────────────────────────────

  #line(indent: number, text: string): void {
    this.#lines.push(INDENT.repeat(Math.min(indent, INDENTS_MAX)) + text);
  }

  #fits(expr: RawExpr, indent: number): boolean {
    return Math.min(indent, INDENTS_MAX) * INDENT.length + this.flat(expr, 0).length <= LINE_LENGTH_MAX;
  }

  /** Lines of the expression, one if that is short enough or cannot be broken; `head` and `tail` go around it. */
  #write(expr: RawExpr, indent: number, head: string, tail: string): void {
    this.#level++;
    this.#writeParts(expr, indent, head, tail);
    this.#level--;
  }

  #writeParts(expr: RawExpr, indent: number, head: string, tail: string): void {
    if (this.#fits(expr, indent) || this.#level > MAX_DEPTH) {
      this.#line(indent, head + this.flat(expr, 0) + tail);
      return;
    }
    switch (expr.kind) {
      case "rawRollup":
        this.#write(expr.expr, indent, head, this.#suffix(expr, 0) + tail);
        return;
      case "rawCall":
        if (expr.args.length === 0) break;
        this.#writeList(`${head}${this.#word(expr.pos)}(`, expr.args, indent, `)${this.#callTail(expr)}${tail}`);
        return;
      case "rawParens": {
        if (expr.items.length === 0) break;
        this.#writeList(`${head}(`, expr.items, indent, `)${keepTail(expr.keepMetricNames)}${tail}`);
        return;
      }
      case "rawSelector":
        if (expr.groups.length === 0) break;
        this.#writeSelector(expr, indent, head, tail);
        return;
      case "rawBinary":
        this.#writeBinary(expr, indent, head, tail);
        return;
      case "rawWith":
        if (expr.templates.length === 0) this.#line(indent, `${head}WITH ()`);
        else {
          this.#line(indent, `${head}WITH (`);
          for (const template of expr.templates) this.#writeTemplate(template, indent + 1);
          this.#line(indent, ")");
        }
        this.#write(expr.body, indent, "", tail);
        return;
    }
    this.#line(indent, head + this.flat(expr, 0) + tail);
  }

  /** Brackets on lines of their own, between them an expression a line or more. */
  #writeList(open: string, exprs: readonly RawExpr[], indent: number, close: string): void {
    this.#line(indent, open);
    for (const [i, expr] of exprs.entries()) this.#write(expr, indent + 1, "", i + 1 < exprs.length ? "," : "");
    this.#line(indent, close);
  }

  #writeTemplate(template: RawTemplate, indent: number): void {
    const head = `${this.#templateHead(template)} = `;
    const flat = this.flat(template.body, 0);
    const isShort = indent * INDENT.length + head.length + flat.length < LINE_LENGTH_MAX;
    if (isShort) this.#line(indent, `${head}${flat},`);
    else this.#writeList(`${head}(`, [unwrapped(template.body)], indent, "),");
  }

  /** The operator stands on a line of its own, deeper than its sides. */
  #writeBinary(expr: RawBinary, indent: number, head: string, tail: string): void {
    const { op, keepMetricNames } = expr.operator;
    if (keepMetricNames) {
      const bare = { ...expr, operator: { ...expr.operator, keepMetricNames: false } };
      this.#writeList(`${head}(`, [bare], indent, `)${keepTail(true)}${tail}`);
      return;
    }
    if (this.#isSign(expr)) {
      const { right } = expr;
      const isSigned = right.kind === "rawBinary" && this.#isSign(right);
      if (isSigned) {
        this.#write(right, indent, `${head}- `, tail);
        return;
      }
      this.#writeOperand(right, "-", indent, `${head}-`, tail);
      return;
    }
    // A chain such as a + b + c leans to the left: walked, not descended.
    const chain: RawBinary[] = [];
    let first: RawExpr = expr;
    while (first.kind === "rawBinary" && !this.#isSign(first) && (first === expr || !first.operator.keepMetricNames)) {
      if (precedenceOf(first.operator.op) !== precedenceOf(op)) break;
      chain.push(first);
      first = first.left;
    }
    this.#writeOperand(first, op, indent, head, "");
    for (let i = chain.length - 1; i >= 0; i--) {
      const link = chain[i] as RawBinary;
      this.#line(indent + 1, this.#operator(link.operator));
      this.#writeOperand(link.right, op, indent, "", i === 0 ? tail : "");
    }
  }

  /** What binds otherwise than its operator gets parentheses when it takes several lines, or nobody sees where it ends. */
  #writeOperand(expr: RawExpr, op: string, indent: number, head: string, tail: string): void {
    const isOther = expr.kind === "rawBinary" && !expr.operator.keepMetricNames && !this.#fits(expr, indent);
    const isUnclear = isOther && !(op === "^" && expr.operator.op === "^");
    this.#write(expr.kind === "rawWith" || isUnclear ? inParens(expr) : expr, indent, head, tail);
  }

  #writeSelector(expr: RawSelector, indent: number, head: string, tail: string): void {
    this.#line(indent, `${head}${expr.name === "" ? "" : this.#word(expr.pos)}{`);
    for (const [i, group] of expr.groups.entries()) {
      if (i > 0) this.#line(indent + 2, "or");
      const filters = group.map((filter) => this.#filter(filter));
      const one = filters.join(",");
      if ((indent + 1) * INDENT.length + one.length <= LINE_LENGTH_MAX) this.#line(indent + 1, one);
      else
        for (const [k, text] of filters.entries()) this.#line(indent + 1, k + 1 < filters.length ? `${text},` : text);
    }
    this.#line(indent, `}${tail}`);
  }

  // ── on one line ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The expression on one line. */
  flat(expr: RawExpr, depth: number): string {
    let text = this.#flat.get(expr);
    if (text === undefined) {
      // From the first link up, so that each finds its left side known: a chain costs no stack.
      if (expr.kind === "rawBinary" && expr.left.kind === "rawBinary" && !this.#flat.has(expr.left)) {
        for (const link of rawChainOf(expr.left).reverse()) this.flat(link, depth);
      }
      if (depth > MAX_DEPTH) throw syntaxError(this.#query, expr.pos, `want at most ${MAX_DEPTH} levels of nesting`);
      text = this.#makeFlat(expr, depth + 1);
      this.#flat.set(expr, text);
    }
    return text;
  }

  #makeFlat(expr: RawExpr, depth: number): string {
    switch (expr.kind) {
      case "number":
      case "duration":
      case "string":
        return this.#word(expr.pos);
      case "rawSelector": {
        const name = expr.name === "" ? "" : this.#word(expr.pos);
        if (!expr.hasBraces) return name;
        return `${name}{${expr.groups.map((group) => group.map((filter) => this.#filter(filter)).join(",")).join(" or ")}}`;
      }
      case "rawRollup":
        return this.flat(expr.expr, depth) + this.#suffix(expr, depth);
      case "rawCall":
        return `${this.#word(expr.pos)}(${this.#flatList(expr.args, depth)})${this.#callTail(expr)}`;
      case "rawParens": {
        const inner = expr.items[0];
        // Doubled parentheses say nothing more.
        const isDoubled = expr.items.length === 1 && inner?.kind === "rawParens" && !inner.keepMetricNames;
        if (isDoubled && !expr.keepMetricNames) return this.flat(inner, depth);
        return `(${this.#flatList(expr.items, depth)})${keepTail(expr.keepMetricNames)}`;
      }
      case "rawBinary": {
        const text = this.#flatBinary(expr, depth);
        return expr.operator.keepMetricNames ? `(${text})${keepTail(true)}` : text;
      }
      case "rawWith": {
        const templates = expr.templates.map((one) => `${this.#templateHead(one)} = ${this.flat(one.body, depth)}`);
        return `WITH (${templates.join(", ")}) ${this.flat(expr.body, depth)}`;
      }
    }
  }

  #flatBinary(expr: RawBinary, depth: number): string {
    const right = this.#flatOperand(expr.right, depth);
    if (this.#isSign(expr)) return `-${right.startsWith("-") ? " " : ""}${right}`;
    return `${this.#flatOperand(expr.left, depth)} ${this.#operator(expr.operator)} ${right}`;
  }

  /** A template's body goes on as far as it can: what ended it before (`keep_metric_names`) may have moved. */
  #flatOperand(expr: RawExpr, depth: number): string {
    const text = this.flat(expr, depth);
    return expr.kind === "rawWith" ? `(${text})` : text;
  }

  #flatList(exprs: readonly RawExpr[], depth: number): string {
    return exprs.map((expr) => this.flat(expr, depth)).join(", ");
  }

  // ── small parts ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `-x` is read as `0 - x`; its zero has the place of the sign. */
  #isSign(expr: RawBinary): boolean {
    return expr.left.kind === "number" && this.#tokens.get(expr.left.pos)?.kind === "sign";
  }

  /** The token that stands there, as it was written. */
  #word(pos: number): string {
    return (this.#tokens.get(pos) as Token).text;
  }

  #operator(operator: RawOperator): string {
    const { op, isBool, matching, join, fillLeft, fillRight } = operator;
    const words = [isBool ? `${op} bool` : op];
    if (matching !== null) words.push(`${matching.op} (${this.#labels(matching.labels)})`);
    if (join !== null) {
      words.push(`${join.op} (${join.isAll ? "*" : this.#labels(join.labels)})`);
      if (join.prefix !== "") words.push(`prefix ${quoteString(join.prefix)}`);
    }
    if (fillLeft !== null && Object.is(fillLeft, fillRight)) words.push(`fill (${printNumber(fillLeft)})`);
    else {
      if (fillLeft !== null) words.push(`fill_left (${printNumber(fillLeft)})`);
      if (fillRight !== null) words.push(`fill_right (${printNumber(fillRight)})`);
    }
    return words.join(" ");
  }

  #callTail(expr: RawCall): string {
    const { modifier, limit } = expr;
    const by = modifier === null ? "" : ` ${modifier.op} (${this.#labels(modifier.labels)})`;
    return `${by}${limit === 0 ? "" : ` limit ${limit}`}${keepTail(expr.keepMetricNames)}`;
  }

  #labels(labels: readonly RawLabel[]): string {
    return labels.map(({ pos }) => this.#word(pos)).join(", ");
  }

  #filter(filter: RawFilter): string {
    if (filter.kind === "template") return this.#word(filter.pos);
    const value = filter.value.map(({ pos }) => this.#word(pos)).join(" + ");
    // A bare string is the metric name.
    return filter.value[0]?.pos === filter.pos ? value : `${this.#word(filter.pos)}${filter.op}${value}`;
  }

  /** `[window:step] offset o @ at` */
  #suffix(expr: RawRollup, depth: number): string {
    const { window, step, inheritsStep, offset, at } = expr;
    let text = "";
    if (window !== null || step !== null || inheritsStep) {
      const stepText = step !== null ? `:${this.#duration(step)}` : inheritsStep ? ":" : "";
      text += `[${window === null ? "" : this.#duration(window)}${stepText}]`;
    }
    if (offset !== null) text += ` offset ${this.#duration(offset)}`;
    if (at !== null) text += ` @ ${this.flat(at, depth)}`;
    return text;
  }

  #duration(duration: RawDuration): string {
    const text = this.#word(duration.pos);
    if (duration.kind === "rawDurationName") return duration.isNegative ? `-${text}` : text;
    const token = this.#tokens.get(duration.pos) as Token;
    // A minus in front of the token has turned both parts round.
    const written = token.duration ?? { ms: token.number, steps: 0 };
    const isNegated =
      Math.sign(written.ms) === -Math.sign(duration.ms) && Math.sign(written.steps) === -Math.sign(duration.steps);
    return isNegated && (duration.ms !== 0 || duration.steps !== 0) ? `-${text}` : text;
  }

  #templateHead({ pos, params }: RawTemplate): string {
    const name = this.#word(pos);
    return params === null ? name : `${name}(${params.map(printWord).join(", ")})`;
  }
}

function keepTail(keepMetricNames: boolean): string {
  return keepMetricNames ? " keep_metric_names" : "";
}

function inParens(expr: RawExpr): RawExpr {
  return { kind: "rawParens", pos: expr.pos, items: [expr], keepMetricNames: false };
}

/** Without parentheses around the whole of it: the caller puts its own there. */
function unwrapped(expr: RawExpr): RawExpr {
  let inner = expr;
  while (inner.kind === "rawParens" && inner.items.length === 1 && !inner.keepMetricNames)
    inner = inner.items[0] as RawExpr;
  return inner;
}
