import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../base/errors.ts";
import { assertWithin } from "../base/patience.test.support.ts";
import type { PromCall, PromExpr, PromMatrix, PromSelector } from "./ast.ts";
import { evaluatePromDuration } from "./durations.ts";
import { DEFAULT_PROM_LIMITS } from "./limits.ts";
import { parsePromql } from "./parse.ts";
import { printPromql } from "./printer.ts";

/** The query is understood as `want` says; the query itself if it is not given. */
const reads = (query: string, want = query) => assert.equal(printPromql(parsePromql(query)), want, query);

/** How operands belong together, with parentheses round every operator. */
const groups = (query: string, want: string) => assert.equal(grouped(parsePromql(query)), want, query);

/** The query is refused with this message at this column of line 1, or at `[line, column]`. */
const fails = (query: string, place: number | [number, number], message: string) => {
  const [line, column] = typeof place === "number" ? [1, place] : place;
  assert.throws(
    () => parsePromql(query),
    (error: unknown) => {
      assert.ok(error instanceof InputError, `${query}: ${String(error)}`);
      assert.equal(error.message, `${line}:${column}: parse error: ${message}`, query);
      assert.deepEqual([error.status, error.line, error.column], [400, line, column], query);
      return true;
    },
  );
};

function grouped(expr: PromExpr): string {
  switch (expr.kind) {
    case "binary":
      return `(${grouped(expr.left)} ${expr.op} ${grouped(expr.right)})`;
    case "unary":
      return `(${expr.op}${grouped(expr.expr)})`;
    case "parens":
      return grouped(expr.expr);
    default:
      return printPromql(expr);
  }
}

test("numbers", () => {
  const is = (query: string, want: number) => {
    const expr = parsePromql(query);
    assert.ok(expr.kind === "number", query);
    assert.equal(expr.value, want, query);
  };
  is("1", 1);
  is(".5", 0.5);
  is("5.", 5);
  is("-5e-3", -0.005);
  is("0x1F", 31);
  is("017", 15);
  is("08", 8);
  is("1_000_000.5", 1000000.5);
  is("00_1_23_4.56_7_8", 1234.5678);
  is("0x_1_2", 18);
  is("inf", Infinity);
  is("-INF", -Infinity);
  is("NaN", Number.NaN);
  is("5m", 300);
  is("-1h30m", -5400);
  is("1y2w3d4h5m6s7ms", 33_019_506.007);
  is("--1", 1);
  fails("1__0", 1, 'bad number or duration syntax: "1__0"');
  fails("1e", 1, 'bad number or duration syntax: "1e"');
  fails("0b1", 1, 'bad number or duration syntax: "0b1"');
  fails("1m1h", 1, 'bad number or duration syntax: "1m1h"');
  fails("1.5h", 1, 'bad number or duration syntax: "1.5h"');
  fails("1e999", 1, 'error parsing number: "1e999": value out of range');
  fails("293y", 1, "duration out of range");
});

test("strings", () => {
  const is = (query: string, want: string) => {
    const expr = parsePromql(query);
    assert.ok(expr.kind === "string", query);
    assert.equal(expr.value, want, query);
  };
  is(`"a\\n\\t\\"'"`, "a\n\t\"'");
  is(`'a\\'"'`, "a'\"");
  is("`a\\n\n`", "a\\n\n");
  is('"\\u00e9\\U0001F600\\x41\\101"', "é😀AA");
  is('"\\xc3\\xa9"', "é");
  is('"a\\xc5z"', "a\udcc5z");
  reads('"a\\xc5z\\x00\\u200b"');
  fails('"a\ud800"', 1, "invalid UTF-8 rune");
  fails('"a', 1, "unterminated quoted string");
  fails('"a\n"', 1, "unterminated quoted string");
  fails("`a", 1, "unterminated raw string");
  fails('"\\c"', 2, 'unknown escape sequence "\\\\c"');
  fails(`"\\'"`, 2, `unknown escape sequence "\\\\'"`);
  fails('"\\ud800"', 2, "escape sequence is an invalid Unicode code point");
  fails('"\\x4', 4, "escape sequence not terminated");
});

test("selectors", () => {
  reads("up");
  reads("a:b:c");
  reads('up{job="node",x!="",y=~"a|b",z!~"c"}');
  reads("up { job = 'node' , }", 'up{job="node"}');
  reads("up{}", "up");
  reads('{"my.metric", "my label"="x"}', '{__name__="my.metric","my label"="x"}');
  reads('{__name__="up"}');
  reads('{a="b","up",__name__!="x"}', '{a="b",__name__="up",__name__!="x"}');
  reads("sum + avg{by=`x`,on='y',inf='z'}", 'sum + avg{by="x",on="y",inf="z"}');
  reads("and and or or unless unless offset offset 5m", "and and or or unless unless offset offset 5m");
  reads("fill + fill");
  assert.deepEqual(parsePromql(' up{a="b"} '), {
    ...{ kind: "selector", pos: 1, end: 10, type: "vector", name: "up" },
    filters: [
      { label: "__name__", op: "=", value: "up" },
      { label: "a", op: "=", value: "b" },
    ],
    ...{ offset: null, at: null },
  });
  const empty = "vector selector must contain at least one non-empty matcher";
  fails("{}", 1, empty);
  fails('sum({x="",y=~".*",z!="a"} offset 5m)', 5, empty);
  fails('rate({x!~"a"}[5m])', 6, empty);
  reads('{x=~".+"}');
  fails('up{__name__="x"}', 1, 'metric name must not be set twice: "up" or "x"');
  fails('up{"x"}', 1, 'metric name must not be set twice: "up" or "x"');
  fails("on", 1, 'unexpected identifier "on"');
  fails("up{a}", 5, 'unexpected "}" in label matching, expected label matching operator');
  fails("up{a=b}", 6, 'unexpected identifier "b" in label matching, expected string');
  fails('up{a="b" c="d"}', 10, 'unexpected identifier "c" in label matching, expected "," or "}"');
  fails('up{a="b"', 9, "unexpected end of input inside braces");
  fails('up{a:b="c"}', 5, "unexpected character inside braces: ':'");
  fails('up{a=~"("}', 7, 'regex "(": missing closing ); want RE2 syntax');
  fails("a =~ b", 3, "unexpected character after '=': '~'");
  fails("ü", 1, "unexpected character: 'ü'");
});

test("ranges, offsets, times", () => {
  reads("up[5m]");
  reads("up[300]");
  reads("up[1h30m] offset -5m @ start()", "up[1h30m] @ start() offset -5m");
  reads("up @ end() offset 1w", "up @ end() offset 1w");
  reads("up offset 5m @ 1609746000.5", "up @ 1609746000.500 offset 5m");
  reads("up @ -1h", "up @ -3600.000");
  reads("up[5m:1m]");
  reads("rate(up[5m])[1h:] offset 1m");
  reads("(a + b)[1h:5m] @ 0", "(a + b)[1h:5m] @ 0.000");
  reads("-up offset 5m");
  const matrix = parsePromql("up[5m] @ 1.0004 offset 5m") as PromMatrix;
  assert.deepEqual([matrix.pos, matrix.end, matrix.selector.end], [0, 25, 2]);
  assert.deepEqual(matrix.selector.at, { kind: "time", timeMs: 1000 });
  fails("up offset 5m offset 5m", 1, "offset may not be set multiple times");
  fails("up @ 1 @ start()", 1, "@ <timestamp> may not be set multiple times");
  const shifted = "modifier must be preceded by an instant vector selector or range vector selector or a subquery";
  fails("(up) offset 5m", 1, `offset ${shifted}`);
  fails("1 @ 5", 1, `@ ${shifted}`);
  fails("up offset 5m[5m]", 13, "no offset modifiers allowed before range");
  fails("up @ 1 [5m]", 8, "no @ modifiers allowed before range");
  fails("(up)[5m]", 5, "ranges only allowed for vector selectors");
  fails("up[5m][5m]", 7, "ranges only allowed for vector selectors");
  fails("up[5m][5m:]", 1, "subquery is only allowed on instant vector, got matrix instead");
  fails("1[5m:]", 1, "subquery is only allowed on instant vector, got scalar instead");
  fails("up[0]", 4, "duration must be greater than 0");
  fails("up[5m:0s]", 7, "duration must be greater than 0");
  fails("up[]", 4, 'unexpected "]" in subquery or range selector, expected number, duration, step(), or range()');
  fails("up[5m", 6, "unclosed left bracket");
  fails("up @ foo", 6, 'unexpected identifier "foo" in @, expected timestamp');
  fails("up @ Inf", 6, "timestamp out of bounds for @ modifier");
  fails("up offset x", 11, 'unexpected identifier "x" in offset, expected number, duration, step(), or range()');
  const addsNothing = "is not supported: a range is the samples in it, nothing is added at its ends";
  fails("up[5m] anchored", 8, `modifier "anchored" ${addsNothing}`);
  fails("rate(up[5m] smoothed)", 13, `modifier "smoothed" ${addsNothing}`);
  fails("up @st", 5, "start timestamps are not stored: @st is not supported");
  fails("up smoothed", 4, `modifier "smoothed" ${addsNothing}`);
});

test("duration expressions", () => {
  const times = { stepMs: 10_000, rangeMs: 60_000 };
  const lasts = (text: string, wantMs: number) => {
    const { offset } = parsePromql(`up offset (${text})`) as PromSelector;
    assert.ok(offset !== null);
    assert.equal(evaluatePromDuration(offset, times, false), wantMs, text);
  };
  lasts("60*30", 1_800_000);
  lasts("24m+((1.5*2m)+2m)", 1_740_000);
  lasts("1h30m % 1h", 1_800_000);
  lasts("-1^2", -1000);
  lasts("2^3^2", 512_000);
  lasts("step()+1ms", 10_001);
  lasts("-STEP()*2", -20_000);
  lasts("range()/step()", 6000);
  lasts("max_of(3s, min_of(step(), 1s)) + 8000", 8_003_000);
  lasts("min(step(), 1s)", 1000);
  lasts("0.001", 1);
  reads("up[60*30]", "up[60 * 30]");
  reads("up[step() + 1m:range() - 1]");
  reads("up offset (step()) * 2");
  assert.equal((parsePromql("up[2m*15]") as PromMatrix).range.kind, "constant");
  // Without parentheses the offset ends with its first operand.
  groups("up offset 100 + 2", "(up offset 100 + 2)");
  groups("up offset -step()*2", "(up offset -step() * 2)");
  groups("up offset -(5)^2", "(up offset -(5) ^ 2)");
  fails("up[1h/0]", 6, "division by zero");
  fails("up[1h/(5-5)]", 4, "division by zero");
  fails("up[1h%0]", 6, "modulo by zero");
  fails("up[5m-5m]", 4, "duration must be greater than 0");
  fails("up offset (9e9*9e9)", 11, "duration out of range");
  fails("up offset (10^999)", 11, "duration is NaN or infinite");
  fails(
    "up[foo]",
    4,
    'unexpected identifier "foo" in subquery or range selector, expected number, duration, step(), or range()',
  );
  const { range } = parsePromql("up[10s - step()]") as PromMatrix;
  assert.throws(() => evaluatePromDuration(range, times, true), /duration must be greater than 0/);
  const byZero = parsePromql("up[1m / (step() - 10s)]") as PromMatrix;
  assert.throws(() => evaluatePromDuration(byZero.range, times, true), /^Error: division by zero$/);
});

test("precedence", () => {
  groups("-1^2", "(-(1 ^ 2))");
  groups("-a*b", "((-a) * b)");
  reads("Inf ^ 2 + +Inf ^ -Inf", "Inf ^ 2 + +Inf ^ -Inf");
  groups("2^-3*4", "((2 ^ -3) * 4)");
  groups("2^-x^2", "(2 ^ (-(x ^ 2)))");
  groups("2^3^2", "(2 ^ (3 ^ 2))");
  groups("1+2*3-4", "((1 + (2 * 3)) - 4)");
  groups("a or b and c unless d == e + f atan2 g", "(a or ((b and c) unless (d == (e + (f atan2 g)))))");
  groups("a % b / c", "((a % b) / c)");
  groups("a == b != c", "((a == b) != c)");
});

test("operators", () => {
  reads("a + ignoring () b", "a + b");
  reads("a + on () b");
  reads("a * on (x, `y z`,) group_left b", 'a * on (x, "y z") group_left () b');
  reads("a / ignoring (x) group_right (y) b");
  reads("a == BOOL on (x) b", "a == bool on (x) b");
  reads("a + fill (0) b");
  reads("a + on (x) fill_right(5m) fill_left(-Inf) b", "a + on (x) fill_left (-Inf) fill_right (300) b");
  reads("a + fill_left(0) fill_right(0) b", "a + fill (0) b");
  reads("1 > bool 2");
  reads("a ATAN2 b", "a atan2 b");
  fails("1 > 2", 3, "comparisons between scalars must use BOOL modifier");
  fails("a + bool b", 3, "bool modifier can only be used on comparison operators");
  fails("a and 1", 1, 'set operator "and" not allowed in binary scalar expression');
  fails("a + on (x) 1", 1, "vector matching only allowed between instant vectors");
  fails("a + fill (0) 1", 1, "filling in missing series only allowed between instant vectors");
  fails("a and fill (0) b", 1, "filling in missing series not allowed for set operators");
  fails("a or on (x) group_left () b", 1, 'no grouping allowed for "or" operation');
  fails("a * on (x) group_left (x) b", 3, 'label "x" must not occur in ON and GROUP clause at once');
  fails("a + group_left () b", 5, 'unexpected identifier "group_left"');
  fails("a + fill (0) fill_left (1) b", 14, "fill_left may not be set multiple times");
  fails("a + up[5m]", 5, "binary expression must contain only scalar and instant vector types");
  fails('-"a"', 1, 'unary expression only allowed on expressions of type scalar or instant vector, got "string"');
  fails("a </ 5", 3, 'operator "</" is one of native histograms, which are not supported');
  fails("a = b", 3, 'unexpected "="');
  fails("1 +", 4, "unexpected end of input");
});

test("functions and aggregations", () => {
  reads("time()");
  reads("round(up, 5)");
  reads("hour()");
  reads('label_join(up, "a", ",")');
  reads('label_join(up, "a", ",", "b", "c", "d")');
  reads("info(up)");
  reads('info(up, {x=""})');
  reads("info(up, {})");
  reads("(vector(step()))");
  reads("sum(up)");
  reads("sum(up) BY (a, b,)", "sum by (a, b) (up)");
  reads("SUM WITHOUT () (up)", "sum without () (up)");
  reads("sum by () (up)", "sum(up)");
  reads('count_values("v", up)');
  reads("quantile(0.9, up) by (`x y`)", 'quantile by ("x y") (0.9, up)');
  reads("limit_ratio(-0.5, up)");
  const call = parsePromql("scalar( up )") as PromCall;
  assert.deepEqual([call.pos, call.end, call.type], [0, 12, "scalar"]);
  fails("foo(1)", 1, 'unknown function with name "foo"');
  fails("Rate(up[5m])", 1, 'unknown function with name "Rate"');
  fails("__proto__(1)", 1, 'unknown function with name "__proto__"');
  fails("time(1)", 1, 'expected 0 argument(s) in call to "time", got 1');
  fails("clamp(up, 1)", 1, 'expected 3 argument(s) in call to "clamp", got 2');
  fails("round()", 1, 'expected at least 1 argument(s) in call to "round", got 0');
  fails("round(up, 1, 2)", 1, 'expected at most 2 argument(s) in call to "round", got 3');
  fails("rate(up)", 6, 'expected type range vector in call to function "rate", got instant vector');
  fails("abs(1)", 5, 'expected type instant vector in call to function "abs", got scalar');
  fails("abs(up,)", 7, "trailing commas not allowed in function call args");
  fails('info(up, x{a="b"})', 10, "expected label selectors only, got vector selector instead");
  fails("sum()", 1, "no arguments for aggregate expression provided");
  fails("topk(up)", 1, "wrong number of arguments for aggregate expression provided, expected 2, got 1");
  fails("sum(1)", 5, "expected type instant vector in aggregation expression, got scalar");
  fails("topk(up, up)", 6, "expected type scalar in aggregation parameter, got instant vector");
  fails("count_values(1, up)", 14, "expected type string in aggregation parameter, got scalar");
  fails("sum by (a (up)", 11, 'unexpected "(" in grouping opts, expected "," or ")"');
  fails("sum(up", 7, "unclosed left parenthesis");
  fails("sum(up) by (a) by (b)", 16, 'unexpected identifier "by"');
});

test("white space and comments", () => {
  reads("# what\n sum ( # of\r\n\tup # series )\n)", "sum(up)");
  fails("", 1, "no expression found in input");
  fails(
    "sum(\n  up,\n  down)",
    [1, 1],
    "wrong number of arguments for aggregate expression provided, expected 1, got 2",
  );
  fails("sum(up)\n+ foo(1)", [2, 3], 'unknown function with name "foo"');
  fails("a\n\n  b", [3, 3], 'unexpected identifier "b"');
});

test("hostile texts are refused at once", () => {
  const { lengthMax, depthMax } = DEFAULT_PROM_LIMITS;
  const refuseAll = (): void => {
    fails("a+".repeat(1_000_000), 1, `query of 2000000 characters is too long: want at most ${lengthMax}`);
    const tooDeep = `query is nested too deeply: more than ${depthMax} levels`;
    const deep = (query: string) => assert.throws(() => parsePromql(query), new RegExp(tooDeep));
    deep("(".repeat(lengthMax));
    deep(`${"(".repeat(5000)}1${")".repeat(5000)}`);
    deep("abs(".repeat(4000));
    deep(`up${"+(up".repeat(5000)}${")".repeat(5000)}`);
    deep(`1${"^1".repeat(5000)}`);
    deep(`${"-".repeat(10_000)}up`);
    deep(`up[${"(".repeat(5000)}`);
    deep(`up[1m${"+1m".repeat(5000)}]`);
    deep(`up offset ${"-".repeat(10_000)}step()`);
    deep(`up[${"min_of(1,".repeat(1500)}`);
  };
  assertWithin(500, refuseAll, "eleven of them");
  assert.equal(parsePromql(`${"(".repeat(depthMax - 1)}1${")".repeat(depthMax - 1)}`).kind, "parens");
  assert.throws(() => parsePromql("up", { limits: { lengthMax: 1 } }), /too long/);
  const chain = `up${" + up".repeat(5000)}`;
  assert.equal(printPromql(parsePromql(chain)), chain);
  assert.throws(() => parsePromql(chain, { limits: { chainMax: 4999 } }), /a chain of more than 4999 operators/);
  const regexes = Array.from({ length: 40 }, (_, i) => `l${i}=~"(a${i}|[b-y]{2,30}){20}"`).join(",");
  assert.throws(() => parsePromql(`{${regexes}}`), /regex/);
});
