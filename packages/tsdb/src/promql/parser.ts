/**
 * Tokens → tree. Recursive descent for what nests, a stack for chains of operators. Types are checked where nodes are made
 * (typing.ts), so the tree that comes out is a valid one.
 */

import { InputError } from "../base/errors.ts";
import type { LabelFilter } from "../base/label-filter.ts";
import { compileRegex } from "../base/regex.ts";
import type { PromAt, PromBinary, PromExpr, PromMatrix, PromSelector, PromSubquery } from "./ast.ts";
import { Cursor, tooDeep } from "./cursor.ts";
import { readBracketDuration, readOffsetDuration } from "./durations.ts";
import type { Token } from "./lexer.ts";
import { type PromLimits, REGEX_SIZE_MAX } from "./limits.ts";
import { OperatorStack } from "./operator-stack.ts";
import { AGGREGATE_PARAMS, canNameMetric, precedenceOf } from "./operators.ts";
import { shown } from "./syntax-error.ts";
import { checkAggregateArgs, checkCall, makeBinary, type OperatorText, signatureOf, typeText } from "./typing.ts";

/** @throws InputError with line and column. */
export function parseTokens(query: string, limits: PromLimits): PromExpr {
  return new Parser(new Cursor(query, limits)).parse();
}

/** Nodes that `offset` and `@` may follow. */
type Shiftable = PromSelector | PromMatrix | PromSubquery;

class Parser {
  private readonly cursor: Cursor;
  /** Selectors that match series without any label; all are errors in the end, but for those of `info`. */
  private readonly emptySelectors = new Set<PromExpr>();
  private readonly regexes = new Set<string>();
  private regexSize = 0;

  constructor(cursor: Cursor) {
    this.cursor = cursor;
  }

  parse(): PromExpr {
    const { cursor } = this;
    if (cursor.token().kind === "end") throw cursor.errorAt(cursor.token().pos, "no expression found in input");
    const expr = this.parseExpr();
    if (cursor.token().kind !== "end") throw cursor.unexpected("", "");
    this.checkHeight(expr);
    for (const { pos } of this.emptySelectors) {
      throw cursor.errorAt(pos, "vector selector must contain at least one non-empty matcher");
    }
    return expr;
  }

  // ── chains of operators ────────────────────────────────────────────────────────────────────────────────────────────

  private parseExpr(): PromExpr {
    const { cursor } = this;
    cursor.enter();
    const stack = new OperatorStack<PromExpr, OperatorText>((left, operator, right) =>
      left === null ? this.applySign(operator, right) : makeBinary(cursor.query, left, operator, right),
    );
    for (;;) {
      while (cursor.isSign("-") || cursor.isSign("+")) stack.pushSign(plainOperator(cursor.next()));
      stack.pushOperand(this.parsePostfixed());
      const token = cursor.token();
      if (token.text === "</" || token.text === ">/") {
        throw cursor.errorAt(
          token.pos,
          `operator ${shown(token.text)} is one of native histograms, which are not supported`,
        );
      }
      if (precedenceOf(token.kind === "sign" ? token.text : token.keyword) === 0) break;
      stack.pushOperator(this.readOperator());
    }
    cursor.leave();
    return stack.finish();
  }

  /** A sign in front of a literal is part of it. */
  private applySign({ op, pos }: OperatorText, expr: PromExpr): PromExpr {
    if (expr.kind === "number") return { ...expr, pos, value: op === "-" ? -expr.value : expr.value };
    if (expr.type !== "scalar" && expr.type !== "vector") {
      throw this.cursor.errorAt(
        pos,
        `unary expression only allowed on expressions of type scalar or instant vector, got ${shown(typeText(expr.type))}`,
      );
    }
    return { kind: "unary", pos, end: expr.end, type: expr.type, op: op === "-" ? "-" : "+", expr };
  }

  /** The operator at hand with `bool`, `on`, `group_left`, `fill` and what else may follow it. */
  private readOperator(): OperatorText {
    const { cursor } = this;
    const plain = plainOperator(cursor.next());
    const isBool = cursor.readKeyword("bool") !== null;
    const matchingWord = cursor.readKeyword("on", "ignoring");
    const labels = matchingWord === null ? [] : this.readLabels();
    const groupWord = matchingWord === null ? null : cursor.readKeyword("group_left", "group_right");
    const include = groupWord !== null && cursor.isSign("(") ? this.readLabels() : [];
    const card =
      groupWord === null ? "one-to-one" : groupWord === "group_left" ? ("many-to-one" as const) : "one-to-many";
    const matching = { card, isOn: matchingWord === "on", labels, include, ...this.readFill() } as const;
    return { ...plain, isBool, matching };
  }

  /** `fill(x)`, or `fill_left(x)` and `fill_right(y)` in either order. Without a parenthesis these are names of metrics. */
  private readFill(): { fillLeft: number | null; fillRight: number | null } {
    const { cursor } = this;
    let fillLeft: number | null = null;
    let fillRight: number | null = null;
    while (cursor.isFollowedBy("(")) {
      const { pos } = cursor.token();
      const word = cursor.readKeyword("fill", "fill_left", "fill_right");
      if (word === null) break;
      const isRepeated = (word !== "fill_right" && fillLeft !== null) || (word !== "fill_left" && fillRight !== null);
      if (isRepeated) throw cursor.errorAt(pos, `${word} may not be set multiple times`);
      const value = this.readFillValue();
      if (word !== "fill_right") fillLeft = value;
      if (word !== "fill_left") fillRight = value;
    }
    return { fillLeft, fillRight };
  }

  private readFillValue(): number {
    const { cursor } = this;
    cursor.expect("(", "fill");
    const value = this.readSignedNumber("fill", "number");
    cursor.expect(")", "fill");
    return value;
  }

  private readSignedNumber(context: string, expected: string): number {
    const { cursor } = this;
    const sign = cursor.isSign("-") || cursor.isSign("+") ? cursor.next().text : "";
    const value = numberOf(cursor.token());
    if (value === null) throw cursor.unexpected(context, expected);
    cursor.next();
    return sign === "-" ? -value : value;
  }

  // ── operands ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** An operand with what may follow it: `[…]`, `offset`, `@`. */
  private parsePostfixed(): PromExpr {
    const { cursor } = this;
    let expr = this.parseOperand();
    for (;;) {
      const token = cursor.token();
      if (cursor.isSign("[")) expr = this.parseBrackets(expr);
      else if (cursor.isSign("@")) expr = this.parseAt(expr);
      else if (token.keyword === "offset") expr = this.parseOffset(expr);
      else if (token.keyword === "anchored" || token.keyword === "smoothed") {
        const fault = `modifier ${shown(token.keyword)} is not supported: a range is the samples in it, nothing is added at its ends`;
        throw cursor.errorAt(token.pos, fault);
      } else return expr;
    }
  }

  private parseOperand(): PromExpr {
    const { cursor } = this;
    const token = cursor.token();
    const { pos, end } = token;
    const number = numberOf(token);
    if (number !== null) {
      cursor.next();
      return { kind: "number", pos, end, type: "scalar", value: number, isDuration: token.kind === "duration" };
    }
    if (token.kind === "string") {
      cursor.next();
      return { kind: "string", pos, end, type: "string", value: token.value };
    }
    if (token.text === "(") return this.parseParens();
    if (token.text === "{") return this.parseSelector("");
    if (token.kind !== "word" || !canNameMetric(token.keyword)) throw cursor.unexpected("", "");
    const isCalled = cursor.isFollowedBy("(");
    if (AGGREGATE_PARAMS.has(token.keyword)) {
      const behind = cursor.following().keyword;
      if (isCalled || behind === "by" || behind === "without") return this.parseAggregate();
    }
    return isCalled ? this.parseCall() : this.parseSelector(token.text);
  }

  private parseParens(): PromExpr {
    const { cursor } = this;
    const { pos } = cursor.next();
    const expr = this.parseExpr();
    const { end } = cursor.expect(")", "parentheses");
    return { kind: "parens", pos, end, type: expr.type, expr };
  }

  private parseCall(): PromExpr {
    const { cursor } = this;
    const { pos, text: name } = cursor.next();
    const signature = signatureOf(cursor.query, name, pos);
    const args = this.readArgs();
    const call = { kind: "call", pos, end: cursor.lastEnd, type: signature.returns, name, args } as const;
    checkCall(cursor.query, call, signature);
    if (name === "info" && args[1] !== undefined) this.emptySelectors.delete(args[1]);
    return call;
  }

  private parseAggregate(): PromExpr {
    const { cursor } = this;
    const { pos, keyword: op } = cursor.next();
    const before = this.readGrouping();
    const args = this.readArgs();
    const { isWithout, grouping } = before ?? this.readGrouping() ?? { isWithout: false, grouping: [] };
    const { expr, param } = checkAggregateArgs(cursor.query, op, pos, args);
    return { kind: "aggregate", pos, end: cursor.lastEnd, type: "vector", op, expr, param, isWithout, grouping };
  }

  private readGrouping(): { isWithout: boolean; grouping: readonly string[] } | null {
    const word = this.cursor.readKeyword("by", "without");
    return word === null ? null : { isWithout: word === "without", grouping: this.readLabels() };
  }

  /** `( expr, expr )` */
  private readArgs(): PromExpr[] {
    const { cursor } = this;
    cursor.expect("(", "aggregation");
    const args: PromExpr[] = [];
    if (cursor.skip(")")) return args;
    for (;;) {
      args.push(this.parseExpr());
      if (cursor.skip(")")) return args;
      const { pos } = cursor.token();
      if (!cursor.skip(",")) throw cursor.unexpected("function call", `"," or ")"`);
      if (cursor.isSign(")")) throw cursor.errorAt(pos, "trailing commas not allowed in function call args");
    }
  }

  /** `( label, "quoted label", )` */
  private readLabels(): string[] {
    const { cursor } = this;
    const context = "grouping opts";
    cursor.expect("(", context);
    const labels: string[] = [];
    while (!cursor.skip(")")) {
      const { kind, text, value, pos } = cursor.token();
      if (kind !== "word" && kind !== "string") throw cursor.unexpected(context, "label");
      const label = kind === "word" ? text : value;
      if (label === "") throw cursor.errorAt(pos, `invalid label name for grouping: ""`);
      labels.push(label);
      cursor.next();
      if (cursor.skip(",") || cursor.isSign(")")) continue;
      throw cursor.unexpected(context, `"," or ")"`);
    }
    return labels;
  }

  // ── selectors ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private parseSelector(name: string): PromSelector {
    const { cursor } = this;
    const { pos } = cursor.token();
    const filters: LabelFilter[] = [];
    if (name !== "") {
      cursor.next();
      filters.push({ label: "__name__", op: "=", value: name });
    }
    if (cursor.skip("{")) this.readFilters(filters);
    if (name !== "") {
      const other = filters.find(({ label }, i) => i > 0 && label === "__name__");
      if (other !== undefined) {
        throw cursor.errorAt(pos, `metric name must not be set twice: ${shown(name)} or ${shown(other.value)}`);
      }
    }
    const end = cursor.lastEnd;
    const selector: PromSelector = {
      kind: "selector",
      pos,
      end,
      type: "vector",
      name,
      filters,
      offset: null,
      at: null,
    };
    if (filters.every(matchesEmpty)) this.emptySelectors.add(selector);
    return selector;
  }

  private readFilters(filters: LabelFilter[]): void {
    const { cursor } = this;
    const context = "label matching";
    while (!cursor.skip("}")) {
      filters.push(this.readFilter(context));
      if (cursor.skip(",") || cursor.isSign("}")) continue;
      throw cursor.unexpected(context, `"," or "}"`);
    }
  }

  private readFilter(context: string): LabelFilter {
    const { cursor } = this;
    const { kind, text, value: quoted, pos } = cursor.token();
    if (kind !== "word" && kind !== "string") throw cursor.unexpected(context, `identifier or "}"`);
    cursor.next();
    const op = cursor.token().text;
    if (cursor.token().kind !== "sign" || !isFilterOp(op)) {
      // A name that needs quotes stands between the braces.
      if (kind === "string") return { label: "__name__", op: "=", value: quoted };
      throw cursor.unexpected(context, "label matching operator");
    }
    cursor.next();
    const { kind: valueKind, value, pos: valuePos } = cursor.token();
    if (valueKind !== "string") throw cursor.unexpected(context, "string");
    cursor.next();
    const label = kind === "word" ? text : quoted;
    if (label === "") throw cursor.errorAt(pos, "invalid label name: an empty string");
    if (op === "=~" || op === "!~") this.checkRegex(value, valuePos);
    return { label, op, value };
  }

  private checkRegex(pattern: string, pos: number): void {
    const { cursor } = this;
    if (this.regexes.has(pattern)) return;
    this.regexes.add(pattern);
    try {
      this.regexSize += compileRegex(pattern).size;
    } catch (error) {
      if (error instanceof InputError) throw cursor.errorAt(pos, error.message);
      throw error;
    }
    if (this.regexSize > REGEX_SIZE_MAX) throw cursor.errorAt(pos, "the regexes of the query are too large together");
  }

  // ── ranges, offsets, times ─────────────────────────────────────────────────────────────────────────────────────────

  private parseBrackets(expr: PromExpr): PromMatrix | PromSubquery {
    const { cursor } = this;
    const { pos: bracketPos } = cursor.next();
    const range = readBracketDuration(cursor, "subquery or range selector");
    if (cursor.skip(":")) {
      const step = cursor.isSign("]") ? null : readBracketDuration(cursor, "subquery selector");
      const { end } = cursor.expect("]", "subquery selector");
      if (expr.type !== "vector") {
        throw cursor.errorAt(expr.pos, `subquery is only allowed on instant vector, got ${expr.type} instead`);
      }
      return { kind: "subquery", pos: expr.pos, end, type: "matrix", expr, range, step, offset: null, at: null };
    }
    if (!cursor.isSign("]")) throw cursor.unexpected("subquery or range", `":" or "]"`);
    const { end } = cursor.next();
    if (expr.kind !== "selector") throw cursor.errorAt(bracketPos, "ranges only allowed for vector selectors");
    if (expr.offset !== null) throw cursor.errorAt(bracketPos, "no offset modifiers allowed before range");
    if (expr.at !== null) throw cursor.errorAt(bracketPos, "no @ modifiers allowed before range");
    return { kind: "matrix", pos: expr.pos, end, type: "matrix", selector: expr, range };
  }

  private parseOffset(expr: PromExpr): PromExpr {
    const { cursor } = this;
    cursor.next();
    const offset = readOffsetDuration(cursor);
    const target = this.shiftable(expr, "offset");
    if (shiftOf(target).offset !== null) throw cursor.errorAt(expr.pos, "offset may not be set multiple times");
    return this.shift(target, { offset });
  }

  private parseAt(expr: PromExpr): PromExpr {
    const { cursor } = this;
    cursor.next();
    const token = cursor.token();
    let at: PromAt;
    if ((token.keyword === "start" || token.keyword === "end") && cursor.isFollowedBy("(")) {
      cursor.next();
      cursor.next();
      cursor.expect(")", "@");
      at = { kind: token.keyword };
    } else if (token.keyword === "st") {
      throw cursor.errorAt(token.pos, "start timestamps are not stored: @st is not supported");
    } else {
      const timeMs = Math.round(this.readSignedNumber("@", "timestamp") * 1000);
      if (!Number.isSafeInteger(timeMs)) throw cursor.errorAt(token.pos, "timestamp out of bounds for @ modifier");
      at = { kind: "time", timeMs: timeMs === 0 ? 0 : timeMs };
    }
    const target = this.shiftable(expr, "@");
    if (shiftOf(target).at !== null) throw cursor.errorAt(expr.pos, "@ <timestamp> may not be set multiple times");
    return this.shift(target, { at });
  }

  private shiftable(expr: PromExpr, modifier: string): Shiftable {
    if (expr.kind === "selector" || expr.kind === "matrix" || expr.kind === "subquery") return expr;
    throw this.cursor.errorAt(
      expr.pos,
      `${modifier} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  }

  private shift(expr: Shiftable, change: Partial<Pick<PromSelector, "offset" | "at">>): PromExpr {
    const end = this.cursor.lastEnd;
    const shifted: Shiftable =
      expr.kind === "matrix"
        ? { ...expr, end, selector: { ...expr.selector, ...change } }
        : { ...expr, end, ...change };
    const selectorOf = (node: Shiftable) => (node.kind === "matrix" ? node.selector : node);
    if (this.emptySelectors.delete(selectorOf(expr))) this.emptySelectors.add(selectorOf(shifted));
    return shifted;
  }

  /** Before anybody walks the tree by calls. */
  private checkHeight(root: PromExpr): void {
    const { depthMax, chainMax } = this.cursor;
    const open: Place[] = [{ expr: root, depth: 1, chain: 0 }];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const { expr, depth, chain } = place;
      if (depth > depthMax) throw this.cursor.errorAt(root.pos, tooDeep(depthMax));
      if (chain > chainMax) throw this.cursor.errorAt(root.pos, `query has a chain of more than ${chainMax} operators`);
      if (expr.kind === "binary") {
        open.push({ expr: expr.left, depth, chain: chain + 1 }, { expr: expr.right, depth: depth + 1, chain });
      } else for (const child of childrenOf(expr)) open.push({ expr: child, depth: depth + 1, chain });
    }
  }
}

/** A node, and how it is reached: levels of nesting, and steps to the left in chains. */
interface Place {
  readonly expr: PromExpr;
  readonly depth: number;
  readonly chain: number;
}

const NO_MATCHING: NonNullable<PromBinary["matching"]> = {
  ...({ card: "one-to-one", isOn: false, labels: [], include: [] } as const),
  ...{ fillLeft: null, fillRight: null },
};

function plainOperator({ kind, text, keyword, pos }: Token): OperatorText {
  return { pos, op: kind === "sign" ? text : keyword, isBool: false, matching: NO_MATCHING };
}

function shiftOf(expr: Shiftable): Pick<PromSelector, "offset" | "at"> {
  return expr.kind === "matrix" ? expr.selector : expr;
}

/** Of all but operators. */
function childrenOf(expr: Exclude<PromExpr, PromBinary>): readonly PromExpr[] {
  switch (expr.kind) {
    case "call":
      return expr.args;
    case "aggregate":
      return expr.param === null ? [expr.expr] : [expr.param, expr.expr];
    case "subquery":
    case "unary":
    case "parens":
      return [expr.expr];
    case "matrix":
      return [expr.selector];
    default:
      return [];
  }
}

/** Of `Inf` and `NaN`, too; null if the token is no number. */
function numberOf({ kind, keyword, number }: Token): number | null {
  if (kind === "number" || kind === "duration") return number;
  if (keyword === "inf") return Infinity;
  return keyword === "nan" ? Number.NaN : null;
}

function isFilterOp(text: string): text is LabelFilter["op"] {
  return text === "=" || text === "!=" || text === "=~" || text === "!~";
}

/** True if the filter is fulfilled by a series that lacks the label. */
function matchesEmpty({ op, value }: LabelFilter): boolean {
  switch (op) {
    case "=":
      return value === "";
    case "!=":
      return value !== "";
    case "=~":
      return compileRegex(value).matchesEmpty;
    case "!~":
      return !compileRegex(value).matchesEmpty;
  }
}
