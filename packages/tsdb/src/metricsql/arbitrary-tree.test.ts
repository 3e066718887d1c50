/**
 * Any tree, printed on one line or laid out, is read as the same tree: names, labels and strings of any characters, numbers and durations of any
 * size, every kind of node with every modifier, nested in every way. (printer.test.ts starts from texts; this starts from trees.)
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BinaryExpr, DurationExpr, Expr, LabelFilter, SelectorExpr } from "./ast.ts";
import { isComparison, isSetOperator } from "./operators.ts";
import { parse } from "./parse.ts";
import { prettify } from "./prettify.ts";
import { printExpr } from "./printer.ts";
import { simplifyBinary } from "./simplify.ts";

const pos = 0;
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom("", "a", "\u0000\n\"'`\\", "{}", "#"),
);
const word = fc.oneof(
  fc.constantFrom("a", "up", "or", "by", "inf", "NaN", "offset", "with", "a:b", "x.y", "$y", "1st", "sum", "toString"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
);
const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double());
const duration: fc.Arbitrary<DurationExpr> = fc
  .record({
    ms: fc.oneof(fc.constantFrom(0, 1, 300_000), fc.integer({ min: -1e10, max: 1e10 })),
    steps: fc.constantFrom(0, 0, 0, 1, 0.5, 2),
  })
  // Both parts of one text have one sign.
  .map(({ ms, steps }) => ({ kind: "duration", pos, ms: ms === 0 ? 0 : ms, steps: ms < 0 ? 0 - steps : steps }));
/** Of a window or a step: above 0. */
const length = duration.map(
  (d): DurationExpr => ({ ...d, ms: Math.abs(d.ms) || (d.steps === 0 ? 1 : 0), steps: Math.abs(d.steps) }),
);

const filter: fc.Arbitrary<LabelFilter> = fc.oneof(
  fc.record({ label: word, op: fc.constantFrom("=" as const, "!=" as const), value: text }),
  fc.record({
    label: word,
    op: fc.constantFrom("=~" as const, "!~" as const),
    value: fc.constantFrom("a|b", "[0-9]+x", "ж.+"),
  }),
);
/** The parser leaves out what is said twice. */
const group = fc.uniqueArray(filter, { minLength: 1, maxLength: 3, selector: (one) => JSON.stringify(one) });
const selector: fc.Arbitrary<SelectorExpr> = fc
  .tuple(fc.option(word, { nil: null }), fc.array(group, { minLength: 1, maxLength: 2 }))
  .map(([name, groups]) => ({
    kind: "selector",
    pos,
    groups: name === null ? groups : groups.map((filters) => [{ label: "__name__", op: "=", value: name }, ...filters]),
  }));
const bare = word.map(
  (name): SelectorExpr => ({ kind: "selector", pos, groups: [[{ label: "__name__", op: "=", value: name }]] }),
);

const labels = fc.array(word, { maxLength: 3 });
const functions = fc.constantFrom("rate", "label_set", "union", "abs", "time", "ж", "or", "with", "a b", "inf");
const aggregates = fc.constantFrom("sum", "topk", "count_values", "quantile");
const operators = fc.constantFrom(
  ...[
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
    "if",
    "ifnot",
    "default",
  ],
);
/** `fill (-0)` is read as 0. */
const fill = fc.option(
  number.map((value) => value + 0),
  { nil: null },
);

function binary(side: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> {
  const join = fc.record({
    op: fc.constantFrom("group_left" as const, "group_right" as const),
    labels,
    isAll: fc.boolean(),
    prefix: text,
  });
  return fc
    .record({
      op: operators,
      left: side,
      right: side,
      isBool: fc.boolean(),
      matching: fc.option(fc.record({ op: fc.constantFrom("on" as const, "ignoring" as const), labels }), {
        nil: null,
      }),
      join: fc.option(join, { nil: null }),
      fillLeft: fill,
      fillRight: fill,
      keepMetricNames: fc.boolean(),
    })
    .map((parts) => {
      const expr: BinaryExpr = { kind: "binary", pos, ...parts, isBool: parts.isBool && isComparison(parts.op) };
      const joined = expr.join === null || !expr.join.isAll ? expr.join : { ...expr.join, labels: [] };
      const plain = isSetOperator(expr.op) ? { join: null, fillLeft: null, fillRight: null } : { join: joined };
      return simplifyBinary({ ...expr, ...plain });
    });
}

const { tree } = fc.letrec<{ tree: Expr }>((tie) => {
  const args = fc.array(tie("tree"), { maxLength: 3 });
  return {
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      selector,
      bare,
      number.map((value): Expr => ({ kind: "number", pos, value })),
      text.map((value): Expr => ({ kind: "string", pos, value })),
      duration,
      fc
        .record({
          expr: tie("tree"),
          window: fc.option(length, { nil: null }),
          step: fc.option(length, { nil: null }),
          inheritsStep: fc.boolean(),
          offset: fc.option(duration, { nil: null }),
          at: fc.option(tie("tree"), { nil: null }),
        })
        .map((parts): Expr => {
          const isNone = parts.window === null && parts.step === null && parts.offset === null && parts.at === null;
          const inheritsStep = parts.step === null && (parts.inheritsStep || isNone);
          return { kind: "rollup", pos, ...parts, inheritsStep };
        }),
      fc
        .record({ name: functions, args, keepMetricNames: fc.boolean() })
        .map((parts): Expr => ({ kind: "function", pos, ...parts })),
      fc
        .record({
          name: aggregates,
          args,
          modifier: fc.option(fc.record({ op: fc.constantFrom("by" as const, "without" as const), labels }), {
            nil: null,
          }),
          limit: fc.nat(9),
        })
        .map((parts): Expr => ({ kind: "aggregate", pos, ...parts })),
      binary(tie("tree")),
      binary(tie("tree")),
    ),
  };
});

test("any tree is what its text is read as, printed or laid out", () => {
  fc.assert(
    fc.property(tree, (expr) => {
      const line = printExpr(expr);
      assert.deepEqual(plain(parse(line)), plain(expr), line);
      const laidOut = prettify(line);
      assert.deepEqual(plain(parse(laidOut)), plain(expr), laidOut);
    }),
    { seed: 20240111, numRuns: 500 },
  );
});

/** Without positions; fast-check's objects have no prototype, parsed ones do. */
function plain(expr: Expr): unknown {
  return JSON.parse(
    JSON.stringify(expr, (key, value: unknown) =>
      key === "pos" ? undefined : typeof value === "number" ? (Object.is(value, -0) ? "-0" : String(value)) : value,
    ),
  );
}
