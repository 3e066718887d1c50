/**
 * Any tree of the right types, printed on one line or laid out, is read as the same tree: names, labels and strings of any characters, numbers,
 * durations and times of any size, every kind of node with every modifier. (parse.fuzz.ts starts from texts; this starts from trees.)
 */
import { test } from "node:test";
import fc from "fast-check";
import { truncateMs } from "../base/duration.ts";
import type { LabelFilter } from "../base/label-filter.ts";
import type {
  PromAt,
  PromBinary,
  PromCall,
  PromConstantDuration,
  PromDuration,
  PromExpr,
  PromMatrix,
  PromSelector,
  PromSubquery,
  PromType,
} from "./ast.ts";
import { promFunctions } from "./functions.ts";
import { AGGREGATE_PARAMS, isComparison, isSetOperator } from "./operators.ts";
import { surviving } from "./parse.fuzz.ts";
import { printPromql } from "./printer.ts";

const place = { pos: 0, end: 0 };
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom("", "a", "\u0000\n\"'`\\", "{}", "#"),
);
const label = fc.oneof(
  fc.constantFrom("job", "on", "by", "__name", "inf", "1a", "a:b", "a b"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
);
const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double());

// ---- Durations ----

function constant(seconds: fc.Arbitrary<number>): fc.Arbitrary<PromConstantDuration> {
  return fc.tuple(seconds, fc.boolean()).map(([value, isNumber]) => {
    const ms = truncateMs(value * 1000);
    return { kind: "constant", ms, seconds: isNumber ? value : ms / 1000, isNumber, written: null };
  });
}
const positive = constant(
  fc.oneof(
    fc.integer({ min: 1, max: 1e8 }),
    fc.integer({ min: 1, max: 1e9 }).map((ms) => ms / 1000),
  ),
);
const ofQuery = fc.constantFrom<PromDuration>({ kind: "step" }, { kind: "range" });
const pair = fc
  .tuple(fc.constantFrom("min", "max"), ofQuery, positive)
  .map(([op, left, right]): PromDuration => ({ kind: "operation", op, left, right }));
const arithmetic = fc
  .tuple(fc.constantFrom("+", "-", "*", "/", "%", "^"), fc.oneof(ofQuery, pair), fc.oneof(positive, ofQuery))
  .map(([op, left, right]): PromDuration => ({ kind: "operation", op, left, right }));
const length = fc.oneof(positive, positive, ofQuery, pair, arithmetic);
/** An offset ends with its first operand: arithmetic stands in parentheses. */
const offset: fc.Arbitrary<PromDuration | null> = fc.oneof(
  fc.constant(null),
  fc.constant(null),
  constant(fc.integer({ min: -1e6, max: 1e6 })),
  ofQuery,
  pair,
  arithmetic.map((right): PromDuration => ({ kind: "operation", op: "+", left: null, right })),
);
const at: fc.Arbitrary<PromAt | null> = fc.oneof(
  fc.constant(null),
  fc.constantFrom<PromAt>({ kind: "start" }, { kind: "end" }),
  fc.integer({ min: -1e13, max: 1e13 }).map((timeMs): PromAt => ({ kind: "time", timeMs: timeMs + 0 })),
);

// ---- Leaves ----

const filter: fc.Arbitrary<LabelFilter> = fc.oneof(
  fc.record({ label, op: fc.constantFrom("=" as const, "!=" as const), value: text }),
  fc.record({
    label,
    op: fc.constantFrom("=~" as const, "!~" as const),
    value: fc.constantFrom("a|b", "[0-9]+x", "ж.*"),
  }),
);
/** One filter at least is not fulfilled by a series without labels. */
const selector: fc.Arbitrary<PromSelector> = fc
  .record({
    name: fc.constantFrom("up", "a:b", "sum", "and", ""),
    own: text,
    filters: fc.array(filter, { maxLength: 3 }),
    offset,
    at,
  })
  .map(({ name, own, filters, ...shift }) => {
    const first = { label: "__name__", op: "=" as const, value: name || own || "my metric" };
    return { kind: "selector", ...place, type: "vector", name, filters: [first, ...filters], ...shift };
  });

// ---- Nodes ----

const literal = fc.oneof(
  number.map((value): PromExpr => ({ kind: "number", ...place, type: "scalar", value, isDuration: false })),
  fc
    .integer({ min: 1, max: 1e9 })
    .map((ms): PromExpr => ({ kind: "number", ...place, type: "scalar", value: ms / 1000, isDuration: true })),
);

function parens(expr: PromExpr): PromExpr {
  return { kind: "parens", ...place, type: expr.type, expr };
}

/** As an operand: in parentheses, unless nothing could tear it apart. An operator behind an offset in parentheses would be the offset's. */
function operand(expr: PromExpr): PromExpr {
  const isOpen = expr.kind === "selector" && expr.offset?.kind === "operation" && expr.offset.left === null;
  const isWhole = expr.kind === "selector" || expr.kind === "call" || expr.kind === "aggregate";
  return isWhole && !isOpen ? expr : parens(expr);
}

function expression(type: PromType, depth: number): fc.Arbitrary<PromExpr> {
  if (type === "string") return text.map((value): PromExpr => ({ kind: "string", ...place, type: "string", value }));
  if (type === "matrix") return fc.oneof(matrix, subquery(depth));
  if (depth === 0) return type === "scalar" ? literal : selector;
  const inner = expression(type, depth - 1);
  const unary = fc
    .tuple(fc.constantFrom("-" as const, "+" as const), inner)
    .map(([op, expr]): PromExpr => ({ kind: "unary", ...place, type, op, expr: operand(expr) }));
  const choices = [inner, unary, inner.map(parens), call(type, depth), binary(type, depth)];
  return fc.oneof(...(type === "vector" ? [...choices, aggregate(depth)] : choices));
}

const matrix = fc
  .tuple(selector, length)
  .map(([one, range]): PromMatrix => ({ kind: "matrix", ...place, type: "matrix", selector: one, range }));

function subquery(depth: number): fc.Arbitrary<PromSubquery> {
  return fc
    .record({
      expr: expression("vector", Math.max(depth - 1, 0)),
      range: length,
      step: fc.option(length, { nil: null }),
      offset,
      at,
    })
    .map((parts) => ({ kind: "subquery", ...place, type: "matrix", ...parts, expr: operand(parts.expr) }));
}

function call(returns: PromType, depth: number): fc.Arbitrary<PromExpr> {
  const known = [...promFunctions].filter(([name, signature]) => signature.returns === returns && name !== "info");
  return fc.constantFrom(...known).chain(([name, { args, variadic }]) => {
    const types = variadic > 1 || variadic < 0 ? [...args, args.at(-1) as PromType] : args;
    return fc
      .tuple(fc.tuple(...types.map((one) => expression(one, depth - 1))), fc.nat(2))
      .map(([list, fewer]): PromCall => {
        const least = args.length - (variadic === 0 ? 0 : 1);
        return {
          kind: "call",
          ...place,
          type: returns,
          name,
          args: list.slice(0, Math.max(least, list.length - fewer)),
        };
      });
  });
}

function aggregate(depth: number): fc.Arbitrary<PromExpr> {
  return fc.constantFrom(...AGGREGATE_PARAMS).chain(([op, param]) =>
    fc
      .record({
        expr: expression("vector", depth - 1),
        param: param === null ? fc.constant(null) : expression(param, depth - 1),
        isWithout: fc.boolean(),
        grouping: fc.array(label, { maxLength: 3 }),
      })
      .map((parts): PromExpr => ({ kind: "aggregate", ...place, type: "vector", op, ...parts })),
  );
}

function binary(type: "scalar" | "vector", depth: number): fc.Arbitrary<PromExpr> {
  const side = expression(type, depth - 1);
  const fill = fc.option(number, { nil: null });
  const cards = fc.constantFrom("one-to-one" as const, "many-to-one" as const, "one-to-many" as const);
  return fc
    .record({
      op: fc.constantFrom(
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "atan2",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        ">=",
        "and",
        "or",
        "unless",
      ),
      isBool: fc.boolean(),
      left: side,
      right: side,
      matching: fc.record({
        ...{ card: cards, isOn: fc.boolean(), labels: fc.array(label, { maxLength: 2 }) },
        ...{ include: fc.array(label, { maxLength: 2 }), fillLeft: fill, fillRight: fill },
      }),
    })
    .filter(({ op }) => type === "vector" || !isSetOperator(op))
    .map(({ op, isBool, left, right, matching }): PromBinary => {
      const isSet = isSetOperator(op);
      const { card, isOn, labels, include } = matching;
      const isOne = card === "one-to-one";
      const joined = {
        ...matching,
        // A label cannot be both matched by and taken over.
        include: isOne ? [] : include.filter((one) => !(isOn && labels.includes(one))),
      };
      const set = { ...matching, card: "many-to-many" as const, include: [], fillLeft: null, fillRight: null };
      return {
        ...{ kind: "binary", ...place, type, op, left: operand(left), right: operand(right) },
        isBool: isComparison(op) && (isBool || type === "scalar"),
        matching: type === "scalar" ? null : isSet ? set : joined,
      };
    });
}

test("any tree is what its text is read as, printed or laid out", () => {
  const types = fc.constantFrom<PromType>("vector", "vector", "scalar", "matrix", "string");
  fc.assert(
    fc.property(
      types.chain((type) => expression(type, 3)),
      (tree) => surviving(tree, printPromql(tree)),
    ),
    { seed: 20240112, numRuns: 500 },
  );
});
