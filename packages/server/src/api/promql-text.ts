/**
 * /api/v1/format_query and /api/v1/parse_query: what a PromQL query looks like, and what it says. Neither reads data. Shapes are those of
 * Prometheus, whose page draws trees from the second.
 */
import { formatFloat } from "@nyanza/tsdb/metricsql";
import {
  type PromBinary,
  type PromDuration,
  type PromExpr,
  type PromSelector,
  type PromSubquery,
  parsePromql,
  printPromql,
  promFunctions,
} from "@nyanza/tsdb/promql";
import type { Handlers, RequestContext } from "../http/context.ts";
import { sendBody } from "../http/response.ts";
import { inPromWords } from "./prom-errors.ts";
import { wantShortQuery } from "./query-argument.ts";

export interface PromqlTextOptions {
  readonly maxQueryBytes: number;
}

/** Operators of a chain whose tree is answered: that is as deep as the chain is long, for whoever reads the JSON too. */
const CHAIN_MAX = 500;

export function createPromqlTextHandlers({
  maxQueryBytes,
}: PromqlTextOptions): Pick<Handlers, "formatQuery" | "parseQuery"> {
  const parse = ({ args }: RequestContext, chainMax = Infinity): PromExpr => {
    const query = args.get("query");
    wantShortQuery(query, maxQueryBytes);
    return parsePromql(query, { limits: { lengthMax: maxQueryBytes, chainMax } });
  };
  return {
    formatQuery: (context) => inPromWords(() => sendData(context, printPromql(parse(context), { pretty: true }))),
    parseQuery: (context) => inPromWords(() => sendData(context, treeOf(parse(context, CHAIN_MAX)))),
  };
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

function sendData({ request, response }: RequestContext, data: Json): void {
  // Only strings hold `<`: no browser takes the answer for a page.
  const text = JSON.stringify(data).replaceAll("<", "\\u003c");
  sendBody(request, response, { contentType: "application/json" }, `{"status":"success","data":${text}}`);
}

function treeOf(expr: PromExpr): Json {
  switch (expr.kind) {
    case "number":
      return { type: "numberLiteral", val: formatFloat(expr.value) };
    case "string":
      return { type: "stringLiteral", val: expr.value };
    case "parens":
      return { type: "parenExpr", expr: treeOf(expr.expr) };
    case "unary":
      return { type: "unaryExpr", op: expr.op, expr: treeOf(expr.expr) };
    case "binary": {
      const { op, isBool, left, right } = expr;
      return {
        type: "binaryExpr",
        ...{ op, bool: isBool, lhs: treeOf(left), rhs: treeOf(right), matching: matchingOf(expr.matching) },
      };
    }
    case "call":
      return { type: "call", func: functionOf(expr.name), args: expr.args.map(treeOf) };
    case "aggregate": {
      const { op, grouping, isWithout } = expr;
      const param = expr.param === null ? null : treeOf(expr.param);
      return { type: "aggregation", op, expr: treeOf(expr.expr), param, grouping, without: isWithout };
    }
    case "selector":
      return { type: "vectorSelector", ...selectorOf(expr) };
    case "matrix":
      return { type: "matrixSelector", ...durationOf("range", expr.range), ...selectorOf(expr.selector) };
    case "subquery":
      return {
        type: "subquery",
        expr: treeOf(expr.expr),
        ...durationOf("range", expr.range),
        ...durationOf("step", expr.step),
        ...shiftOf(expr),
      };
  }
}

function matchingOf(matching: PromBinary["matching"]): Json {
  if (matching === null) return null;
  const { card, labels, isOn, include, fillLeft, fillRight } = matching;
  return { card, labels, on: isOn, include, fillValues: { lhs: jsonNumber(fillLeft), rhs: jsonNumber(fillRight) } };
}

/** JSON has no word for them. */
function jsonNumber(value: number | null): Json {
  return value === null || Number.isFinite(value) ? value : formatFloat(value);
}

function functionOf(name: string): Json {
  const signature = promFunctions.get(name);
  const { args, variadic, returns } = signature ?? { args: [], variadic: 0, returns: "vector" };
  return { name, argTypes: args, variadic, returnType: returns };
}

function selectorOf(selector: PromSelector): { readonly [name: string]: Json } {
  const { name, filters } = selector;
  // The name in front of the braces is the last of the matchers there, the first one here.
  const ordered = name === "" ? filters : [...filters.slice(1), ...filters.slice(0, 1)];
  const matchers = ordered.map(({ label, op, value }) => ({ name: label, type: op, value }));
  return { name, matchers, ...shiftOf(selector), anchored: false, smoothed: false };
}

function shiftOf({ at, offset }: PromSelector | PromSubquery): { readonly [name: string]: Json } {
  return {
    ...durationOf("offset", offset),
    timestamp: at?.kind === "time" ? at.timeMs : null,
    startOrEnd: at === null || at.kind === "time" ? null : at.kind,
  };
}

/** `range`, milliseconds, 0 if there is none or it depends on the query's times; and `rangeExpr`, what it is calculated from. */
function durationOf(name: string, duration: PromDuration | null): { readonly [name: string]: Json } {
  const isConstant = duration?.kind === "constant";
  const source = isConstant ? duration.written : duration;
  return {
    [name]: isConstant ? duration.ms : 0,
    [`${name}Expr`]: source === null ? null : durationTreeOf(source, false),
  };
}

function durationTreeOf(duration: PromDuration, isWrapped: boolean): Json {
  const node = (op: string, lhs: Json, rhs: Json): Json => ({ type: "durationExpr", op, lhs, rhs, wrapped: isWrapped });
  if (duration.kind === "constant") {
    return { type: "numberLiteral", val: formatFloat(duration.seconds), duration: !duration.isNumber };
  }
  if (duration.kind !== "operation") return node(duration.kind, null, null);
  const { op, left, right } = duration;
  if (left !== null) {
    const name = op === "min" || op === "max" ? `${op}_of` : op;
    return node(name, durationTreeOf(left, false), durationTreeOf(right, false));
  }
  if (op === "-") return node(op, null, durationTreeOf(right, false));
  // Parentheses are a mark on what is inside; a literal has none and gets a plus.
  if (right.kind !== "constant") return durationTreeOf(right, true);
  return { type: "durationExpr", op, lhs: null, rhs: durationTreeOf(right, false), wrapped: true };
}
