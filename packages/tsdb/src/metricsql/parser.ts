/**
 * Query text → tree as written (raw.ts). Recursive descent for what nests, and one loop with an explicit stack for chains
 * of operators, so that a long chain costs no stack.
 *
 * `parse` in parse.ts is what the rest of the world calls: it expands and folds what comes out of here.
 */

import { truncateMs } from "../base/duration.ts";
import { AGGREGATE_NAMES } from "./aggregates.ts";
import type { DurationExpr, FilterOp } from "./ast.ts";
import { type Token, tokenize } from "./lexer.ts";
import { MAX_DEPTH } from "./limits.ts";
import { isComparison, isRightAssociative, isSetOperator, precedenceOf } from "./operators.ts";
import type {
  RawDuration,
  RawExpr,
  RawFilter,
  RawLabel,
  RawOperator,
  RawSelector,
  RawStringPart,
  RawTemplate,
} from "./raw.ts";
import { shown, syntaxError } from "./syntax-error.ts";

/** @throws InputError with line and column. */
export function parseRaw(query: string): RawExpr {
  const parser = new Parser(query);
  const expr = parser.parseExpr();
  parser.expectEnd();
  return expr;
}

/** An operator that waits for its right side. `isSign` is the minus in front of an operand: `0 - operand`. */
interface Pending {
  readonly operator: RawOperator;
  readonly precedence: number;
  readonly isSign: boolean;
}

const NO_LABELS: readonly RawLabel[] = [];

class Parser {
  private readonly query: string;
  private readonly tokens: readonly Token[];
  private at = 0;
  private depth = 0;

  constructor(query: string) {
    this.query = query;
    this.tokens = tokenize(query);
  }

  // ── chains of operators ────────────────────────────────────────────────────────────────────────────────────────────

  parseExpr(): RawExpr {
    this.enter();
    const operands: RawExpr[] = [];
    const pending: Pending[] = [];
    let keepCount = 0;
    for (;;) {
      this.readSigns(operands, pending);
      operands.push(this.parseSuffixed());
      // After the right side of an operator; behind a function it already belongs to the function.
      const last = pending.findLast(({ isSign }) => !isSign);
      if (last !== undefined && this.skipKeyword("keep_metric_names")) {
        last.operator.keepMetricNames = true;
        // Each is printed in parentheses of its own.
        this.checkDepth(this.depth + ++keepCount);
      }
      const op = this.token().text.toLowerCase();
      const precedence = precedenceOf(op);
      if (precedence === 0) break;
      reduce(operands, pending, precedence, isRightAssociative(op));
      pending.push({ operator: this.readOperator(op), precedence, isSign: false });
      this.checkDepth(pending.length);
    }
    reduce(operands, pending, 0, false);
    this.leave();
    return operands[0] as RawExpr;
  }

  /** `-x` is `0 - x`, binding like the binary minus, but never looser than the operator it stands behind. `+x` is `x`. */
  private readSigns(operands: RawExpr[], pending: Pending[]): void {
    for (let token = this.token(); token.kind === "sign"; token = this.token()) {
      if (token.text === "-") {
        const operator = plainOperator(token.pos, "-");
        const precedence = Math.max(precedenceOf("-"), pending.at(-1)?.precedence ?? 0);
        operands.push({ kind: "number", pos: token.pos, value: 0 });
        pending.push({ operator, precedence, isSign: true });
        this.checkDepth(pending.length);
      } else if (token.text !== "+") {
        return;
      }
      this.at++;
    }
  }

  /** The operator at hand with `bool`, `on`, `group_left`, `fill` and what else may follow it. */
  private readOperator(op: string): RawOperator {
    const { pos } = this.next();
    const isBool = this.isKeyword("bool");
    if (isBool) {
      if (!isComparison(op)) throw this.error(`bool: want a comparison before it, got ${shown(op)}`);
      this.at++;
    }
    const matchingOp = this.readKeyword("on", "ignoring");
    const matching = matchingOp === null ? null : { op: matchingOp, labels: this.readLabels() };
    const join = this.readJoin(op);
    let fillLeft: number | null = null;
    let fillRight: number | null = null;
    for (;;) {
      const fillPos = this.token().pos;
      const fillOp = this.isSignNext("(") ? this.readKeyword("fill", "fill_left", "fill_right") : null;
      if (fillOp === null) break;
      if (isSetOperator(op)) throw this.errorAt(fillPos, `${fillOp}: cannot be applied to ${shown(op)}`);
      const value = this.readFillValue();
      const isRepeated =
        (fillOp !== "fill_right" && fillLeft !== null) || (fillOp !== "fill_left" && fillRight !== null);
      if (isRepeated) throw this.errorAt(fillPos, `${fillOp}: this side has its fill value already`);
      if (fillOp !== "fill_right") fillLeft = value;
      if (fillOp !== "fill_left") fillRight = value;
    }
    return { pos, op, isBool, matching, join, fillLeft, fillRight, keepMetricNames: false };
  }

  private readJoin(op: string): RawOperator["join"] {
    const { pos } = this.token();
    const joinOp = this.readKeyword("group_left", "group_right");
    if (joinOp === null) return null;
    if (isSetOperator(op)) throw this.errorAt(pos, `${joinOp}: cannot be applied to ${shown(op)}`);
    let isAll = false;
    let labels = NO_LABELS;
    if (this.isSign("(")) {
      if (this.isSignNext("*")) {
        this.at += 2;
        this.expect(")");
        isAll = true;
      } else {
        labels = this.readLabels();
      }
    }
    let prefix = "";
    if (this.isKeyword("prefix") && this.peek().kind === "string") {
      prefix = this.peek().value;
      this.at += 2;
    }
    return { op: joinOp, labels, isAll, prefix };
  }

  private readFillValue(): number {
    this.expect("(");
    const isNegative = this.skip("-");
    const token = this.token();
    const value = token.kind === "number" ? token.number : namedNumber(token);
    if (value === null) throw this.wanted("a number");
    this.at++;
    this.expect(")");
    return isNegative ? 0 - value : value;
  }

  // ── operands ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `atom[window:step] @ at offset o` */
  private parseSuffixed(): RawExpr {
    if (this.isWithStart()) return this.parseWith();
    const { pos } = this.token();
    const expr = this.parseAtom();
    let window: RawDuration | null = null;
    let step: RawDuration | null = null;
    let inheritsStep = false;
    if (this.isSign("[")) ({ window, step, inheritsStep } = this.readWindow());
    let at: RawExpr | null = this.isSign("@") ? this.readAt() : null;
    const offset = this.readOffset();
    if (at === null && this.isSign("@")) at = this.readAt();
    if (window === null && step === null && !inheritsStep && offset === null && at === null) return expr;
    return { kind: "rawRollup", pos, expr, window, step, inheritsStep, offset, at };
  }

  private parseAtom(): RawExpr {
    const token = this.token();
    switch (token.kind) {
      case "number":
        this.at++;
        return { kind: "number", pos: token.pos, value: token.number };
      case "duration":
        this.at++;
        return durationOf(token);
      case "string":
        this.at++;
        return { kind: "string", pos: token.pos, value: token.value };
      case "word":
        return this.parseNamed(token);
      case "sign":
        if (token.text === "(") return this.parseParens();
        if (token.text === "{") return this.parseSelector("", token.pos);
    }
    throw this.wanted("an expression");
  }

  private parseNamed(token: Token): RawExpr {
    const number = namedNumber(token);
    if (number !== null) {
      this.at++;
      return { kind: "number", pos: token.pos, value: number };
    }
    const next = this.peek();
    const isCall = next.kind === "sign" && next.text === "(";
    if (AGGREGATE_NAMES.has(token.value.toLowerCase())) {
      const keyword = next.text.toLowerCase();
      if (isCall || keyword === "by" || keyword === "without") return this.parseAggregate();
    }
    this.at++;
    if (!isCall) return this.parseSelector(token.value, token.pos);
    const args = this.readArgs();
    const keepMetricNames = this.skipKeyword("keep_metric_names");
    return {
      kind: "rawCall",
      pos: token.pos,
      name: token.value,
      args,
      keepMetricNames,
      isAggregate: false,
      modifier: null,
      limit: 0,
    };
  }

  private parseAggregate(): RawExpr {
    const { pos, value: name } = this.next();
    let modifier = this.readAggregateModifier();
    const args = this.readArgs();
    if (modifier === null) modifier = this.readAggregateModifier();
    let limit = 0;
    if (this.skipKeyword("limit")) {
      const token = this.token();
      if (token.kind !== "number" || !/^[0-9]{1,9}$/.test(token.text))
        throw this.wanted("a whole number of groups after limit");
      limit = Number(token.text);
      this.at++;
    }
    return { kind: "rawCall", pos, name, args, keepMetricNames: false, isAggregate: true, modifier, limit };
  }

  private readAggregateModifier(): { op: "by" | "without"; labels: readonly RawLabel[] } | null {
    const op = this.readKeyword("by", "without");
    return op === null ? null : { op, labels: this.readLabels() };
  }

  private parseParens(): RawExpr {
    const { pos } = this.token();
    const items = this.readArgs();
    // Behind anything but a binary expression it belongs to the operator in front, if there is one: `a + (b) keep_…`.
    const isBinaryInside = items.length === 1 && isBinary(items[0] as RawExpr);
    const keepMetricNames = isBinaryInside && this.skipKeyword("keep_metric_names");
    return { kind: "rawParens", pos, items, keepMetricNames };
  }

  /** `( expr, expr, )` */
  private readArgs(): RawExpr[] {
    return this.readList("(", ")", "an expression", () => this.parseExpr());
  }

  // ── selectors ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private parseSelector(name: string, pos: number): RawSelector {
    if (!this.isSign("{")) return { kind: "rawSelector", pos, name, groups: [], hasBraces: false };
    this.at++;
    const groups: RawFilter[][] = [];
    if (!this.skip("}")) {
      let group: RawFilter[] = [];
      groups.push(group);
      for (;;) {
        group.push(this.readFilter());
        const hasComma = this.skip(",");
        if (this.skip("}")) break;
        if (this.isKeyword("or") && !isFilterOp(this.peek().text)) {
          this.at++;
          group = [];
          groups.push(group);
        } else if (!hasComma) {
          throw this.wanted(`",", "or" or "}"`);
        }
      }
    }
    return { kind: "rawSelector", pos, name, groups, hasBraces: true };
  }

  private readFilter(): RawFilter {
    const token = this.token();
    const { pos } = token;
    if (token.kind !== "word" && token.kind !== "string") throw this.wanted("a label name");
    this.at++;
    if (token.value === "") throw this.errorAt(pos, "want a label name, got an empty string");
    const op = this.token().text;
    if (isFilterOp(op)) {
      this.at++;
      return { kind: "filter", pos, label: token.value, op, value: this.readStringParts() };
    }
    if (token.kind === "word") {
      if (!this.isSign(",") && !this.isSign("}") && !this.isKeyword("or")) {
        throw this.wanted(`"=", "!=", "=~", "!~", ",", "or" or "}"`);
      }
      return { kind: "template", pos, name: token.value };
    }
    const value = [{ pos, isName: false, text: token.value }];
    return { kind: "filter", pos, label: "__name__", op: "=", value };
  }

  /** `"text" + name + "text"` */
  private readStringParts(): RawStringPart[] {
    const parts: RawStringPart[] = [];
    do {
      const token = this.token();
      if (token.kind !== "string" && token.kind !== "word") throw this.wanted("a string");
      this.at++;
      parts.push({ pos: token.pos, isName: token.kind === "word", text: token.value });
    } while (this.skip("+"));
    return parts;
  }

  // ── windows, offsets, times ────────────────────────────────────────────────────────────────────────────────────────

  private readWindow(): { window: RawDuration | null; step: RawDuration | null; inheritsStep: boolean } {
    this.expect("[");
    let window: RawDuration | null = null;
    let step: RawDuration | null = null;
    let inheritsStep = false;
    // Grafana leaves the variable in place when it has no interval: the query then means its default window.
    const isVariable = this.token().text === "$__interval" && this.peek().text === "]";
    if (isVariable) this.at++;
    else if (!this.isSign(":")) window = this.readDuration("window");
    if (this.skip(":")) {
      if (this.isSign("]")) inheritsStep = true;
      else step = this.readDuration("step");
    }
    this.expect("]");
    return { window, step, inheritsStep };
  }

  private readOffset(): RawDuration | null {
    if (!this.skipKeyword("offset")) return null;
    const isNegative = this.skip("-");
    const duration = this.readDuration("offset");
    if (!isNegative) return duration;
    if (duration.kind === "rawDurationName") return { ...duration, isNegative };
    return { ...duration, ms: 0 - duration.ms, steps: 0 - duration.steps };
  }

  /** A duration, a number of seconds, or the name of a template that is one of them. */
  private readDuration(what: string): RawDuration {
    const token = this.token();
    if (token.kind === "number") {
      this.at++;
      if (/m$/i.test(token.text))
        throw this.errorAt(token.pos, `${what}: minutes are written in lower case, got ${shown(token.text)}`);
      return this.secondsOf(token.pos, token.number);
    }
    if (token.kind === "word") {
      this.at++;
      return { kind: "rawDurationName", pos: token.pos, name: token.value, isNegative: false };
    }
    if (token.kind !== "duration") throw this.wanted(`a duration as ${what}`);
    this.at++;
    return durationOf(token);
  }

  private secondsOf(pos: number, seconds: number): DurationExpr {
    const ms = truncateMs(seconds * 1000);
    if (ms > Number.MAX_SAFE_INTEGER) throw this.errorAt(pos, "duration: want at most 2^53 milliseconds");
    return { kind: "duration", pos, ms, steps: 0 };
  }

  private readAt(): RawExpr {
    this.expect("@");
    const token = this.token();
    if (token.text !== "-" && token.text !== "+") return this.parseAtom();
    // `@ -x`: a sign takes a whole suffixed operand.
    this.enter();
    this.at++;
    const operand = this.isSign("-") || this.isSign("+") ? this.signedOperand() : this.parseSuffixed();
    this.leave();
    return token.text === "-" ? negate(operand, token.pos) : operand;
  }

  private signedOperand(): RawExpr {
    let minusCount = 0;
    const { pos } = this.token();
    for (; this.isSign("-") || this.isSign("+"); this.at++) if (this.isSign("-")) minusCount++;
    this.checkDepth(minusCount);
    let operand = this.parseSuffixed();
    for (; minusCount > 0; minusCount--) operand = negate(operand, pos);
    return operand;
  }

  // ── templates ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private isWithStart(): boolean {
    return this.isKeyword("with") && this.isSignNext("(");
  }

  private parseWith(): RawExpr {
    const { pos } = this.next();
    const names = new Set<string>();
    const templates = this.readList("(", ")", "a template", () => {
      const template = this.readTemplate();
      if (names.has(template.name))
        throw this.errorAt(template.pos, `template ${shown(template.name)} is defined twice`);
      names.add(template.name);
      return template;
    });
    return { kind: "rawWith", pos, templates, body: this.parseExpr() };
  }

  private readTemplate(): RawTemplate {
    const { pos, value: name } = this.expectWord("the name of a template");
    let params: string[] | null = null;
    if (this.isSign("(")) {
      const seen = new Set<string>();
      params = this.readList("(", ")", "the name of an argument", () => {
        const param = this.expectWord("the name of an argument");
        if (seen.has(param.value)) {
          throw this.errorAt(param.pos, `template ${shown(name)} has two arguments called ${shown(param.value)}`);
        }
        seen.add(param.value);
        return param.value;
      });
    }
    this.expect("=");
    return { pos, name, params, body: this.parseExpr() };
  }

  // ── small parts ────────────────────────────────────────────────────────────────────────────────────────────────────

  private readLabels(): RawLabel[] {
    return this.readList("(", ")", "a label name", () => {
      const token = this.token();
      if ((token.kind !== "word" && token.kind !== "string") || token.value === "") throw this.wanted("a label name");
      this.at++;
      return { pos: token.pos, name: token.value, isQuoted: token.kind === "string" };
    });
  }

  /** A list with commas between its items and perhaps one behind the last. */
  private readList<T>(open: string, close: string, what: string, readItem: () => T): T[] {
    this.expect(open);
    const items: T[] = [];
    while (!this.skip(close)) {
      if (this.token().kind === "end") throw this.wanted(`${what} or "${close}"`);
      items.push(readItem());
      if (!this.skip(",") && !this.isSign(close)) throw this.wanted(`"," or "${close}"`);
    }
    return items;
  }

  expectEnd(): void {
    if (this.token().kind !== "end") throw this.wanted("an operator or the end of the query");
  }

  private token(): Token {
    return this.tokens[this.at] as Token;
  }

  /** The token after the one at hand. */
  private peek(): Token {
    return this.tokens[Math.min(this.at + 1, this.tokens.length - 1)] as Token;
  }

  private next(): Token {
    return this.tokens[this.at++] as Token;
  }

  private isSign(text: string): boolean {
    const token = this.token();
    return token.kind === "sign" && token.text === text;
  }

  private isSignNext(text: string): boolean {
    const token = this.peek();
    return token.kind === "sign" && token.text === text;
  }

  private skip(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.at++;
    return true;
  }

  private isKeyword(keyword: string): boolean {
    const token = this.token();
    return token.kind === "word" && token.text.length === keyword.length && token.text.toLowerCase() === keyword;
  }

  private skipKeyword(keyword: string): boolean {
    if (!this.isKeyword(keyword)) return false;
    this.at++;
    return true;
  }

  private readKeyword<T extends string>(...keywords: readonly T[]): T | null {
    for (const keyword of keywords) if (this.skipKeyword(keyword)) return keyword;
    return null;
  }

  private expect(text: string): void {
    if (!this.skip(text)) throw this.wanted(`"${text}"`);
  }

  private expectWord(what: string): Token {
    if (this.token().kind !== "word") throw this.wanted(what);
    return this.next();
  }

  private enter(): void {
    this.checkDepth(++this.depth);
  }

  private leave(): void {
    this.depth--;
  }

  private checkDepth(depth: number): void {
    if (depth > MAX_DEPTH) throw this.error(`want at most ${MAX_DEPTH} levels of nesting`);
  }

  private wanted(what: string): Error {
    if (this.isKeyword("keep_metric_names")) {
      return this.error("keep_metric_names: want a function or a binary expression before it");
    }
    const token = this.token();
    return this.error(`want ${what}, got ${token.kind === "end" ? "the end of the query" : shown(token.text)}`);
  }

  private error(message: string): Error {
    return this.errorAt(this.token().pos, message);
  }

  private errorAt(pos: number, message: string): Error {
    return syntaxError(this.query, pos, message);
  }
}

/** Completes the operators that bind tighter than the one to come (or as tight, if it is left-associative). */
function reduce(operands: RawExpr[], pending: Pending[], precedence: number, isRight: boolean): void {
  for (;;) {
    const top = pending.at(-1);
    if (top === undefined || top.precedence < precedence || (isRight && top.precedence === precedence)) return;
    pending.pop();
    const right = operands.pop() as RawExpr;
    const left = operands.pop() as RawExpr;
    operands.push({ kind: "rawBinary", pos: left.pos, operator: top.operator, left, right });
  }
}

function plainOperator(pos: number, op: string): RawOperator {
  return {
    pos,
    op,
    isBool: false,
    matching: null,
    join: null,
    fillLeft: null,
    fillRight: null,
    keepMetricNames: false,
  };
}

function negate(operand: RawExpr, pos: number): RawExpr {
  return {
    kind: "rawBinary",
    pos,
    operator: plainOperator(pos, "-"),
    left: { kind: "number", pos, value: 0 },
    right: operand,
  };
}

function isBinary(expr: RawExpr): boolean {
  let inner = expr;
  while (inner.kind === "rawParens" && inner.items.length === 1) inner = inner.items[0] as RawExpr;
  return inner.kind === "rawBinary";
}

function isFilterOp(text: string): text is FilterOp {
  return text === "=" || text === "!=" || text === "=~" || text === "!~";
}

function durationOf(token: Token): DurationExpr {
  const { ms, steps } = token.duration as { ms: number; steps: number };
  return { kind: "duration", pos: token.pos, ms, steps };
}

/** `Inf` and `NaN` in any case. */
function namedNumber(token: Token): number | null {
  if (token.kind !== "word" || token.text.length !== 3) return null;
  const lower = token.text.toLowerCase();
  return lower === "inf" ? Infinity : lower === "nan" ? Number.NaN : null;
}
