import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../base/errors.ts";
import { assertWithin } from "../base/patience.test.support.ts";
import { chainOf, type Expr } from "./ast.ts";
import { MAX_DEPTH } from "./limits.ts";
import { parse } from "./parse.ts";
import { printExpr } from "./printer.ts";
import { setMembersOf } from "./simplify.ts";

/** The query is canonical. */
const same = (query: string) => another(query, query);

/** The query means what `want` says. */
const another = (query: string, want: string) => assert.equal(printExpr(parse(query)), want, query);

/** The query is refused with this message at this place. */
const fails = (query: string, message: string, line?: number, column?: number) =>
  assert.throws(
    () => parse(query),
    (error: unknown) => {
      assert.ok(error instanceof InputError, `${query}: ${String(error)}`);
      assert.ok(error.message.includes(message), `${query}: want ${message}, got ${error.message}`);
      assert.equal(error.status, 400);
      assert.ok(error.line > 0 && error.column > 0, query);
      if (line !== undefined)
        assert.deepEqual([error.line, error.column], [line, column], `${query}: ${error.message}`);
      return true;
    },
  );

test("selectors", () => {
  same("up");
  same('up{job="node"}');
  same('up{job!="node",instance=~"node-.*",a!~"b"}');
  another("up{}", "up");
  another('{__name__="up"}', "up");
  another("{'up', job='x',}", 'up{job="x"}');
  another('up{job="a",job="a"}', 'up{job="a"}');
  another('rate(m{method="GET" or status="500",}[5m])', 'rate(m{method="GET" or status="500"}[5m])');
  another('{"a",x="1" or y="2"}', 'a{x="1" or y="2"}');
  same('{__name__="a",x="1" or __name__="b"}');
  same('{x="1" or __name__=~"b"}');
  another('{"a" or __name__=~"b"}', '{__name__="a" or __name__=~"b"}');
  another('{"quoted label"="x"}', '{quoted\\ label="x"}');
  another("foo\\-bar{baz\\=aa='b'}", 'foo\\-bar{baz\\=aa="b"}');
  another("\\u0436\\x41", "жA");
  another('{or="x" or or="y"}', '{or="x" or or="y"}');
  another('UP{Job="X"}', 'UP{Job="X"}');
  same("{}");
  same('температура{місто="Київ"}');
  assert.deepEqual(parse("{}"), { kind: "selector", pos: 0, groups: [] });
  assert.deepEqual(parse(' up{a="b"}'), {
    kind: "selector",
    pos: 1,
    groups: [
      [
        { label: "__name__", op: "=", value: "up" },
        { label: "a", op: "=", value: "b" },
      ],
    ],
  });
  fails("up{", "want a label name, got the end of the query", 1, 4);
  fails("up}", 'want an operator or the end of the query, got "}"', 1, 3);
  fails("up{job=web}", 'got "web", which is no template', 1, 8);
  fails('up{="web"}', 'want a label name, got "="', 1, 4);
  fails("up{job}", 'got "job", which is no template', 1, 4);
  fails('up{job=="web"}', 'want "=", "!=", "=~", "!~"', 1, 7);
  fails('up{job="web" instance="x"}', 'want ",", "or" or "}", got "instance"', 1, 14);
  fails('up{job=~"("}', "missing closing )", 1, 9);
  fails('up{job=~"x","\\u0061"!~"[a"}', "missing closing ]", 1, 23);
  fails('up{job="web"}{a="b"}', 'got "{"', 1, 14);
  fails('up{a="b" or }', "want a label name", 1, 13);
  fails('{or a="b"}', "want", 1, 5);
  fails('up{"down"}', 'want one metric name, got "up" and "down"');
  fails('{"a","b"}', "want one metric name");
  fails('{""}', "want a label name, got an empty string");
  fails("up{,}", "want a label name");
});

test("numbers", () => {
  const value = (query: string, want: number) => {
    const expr = parse(query);
    assert.ok(expr.kind === "number" && Object.is(expr.value, want), `${query}: ${JSON.stringify(expr)}`);
  };
  value("5", 5);
  value("5.", 5);
  value(".5", 0.5);
  value("1e3", 1000);
  value("1E+2", 100);
  value("1e-2", 0.01);
  value("0x1F", 31);
  value("0b101", 5);
  value("0o17", 15);
  value("017", 15);
  value("1_234_567", 1234567);
  value("1_0.2_5", 10.25);
  value("inf", Infinity);
  value("-INF", -Infinity);
  value("NaN", Number.NaN);
  value("8K", 8000);
  value("1.2ki", 1228.8);
  value("8KB", 8000);
  value("1.5KiB", 1536);
  value("5M", 5e6);
  value("5mb", 5e6);
  value("2Gi", 2 * 1024 ** 3);
  value("1t", 1e12);
  value("9007199254740993", 9007199254740992);
  fails("1e400", "1.8e308");
  fails("1e", "want digits after its exponent sign", 1, 1);
  fails("0xzz", "want digits of base 16", 1, 1);
  fails("08", "want digits of base 8");
  fails("0b12", "want digits of base 2");
  fails("0xffffffffffffffff", "less than 2^63");
  fails("1..2", 'got ".2"', 1, 3);
  fails("1__0", 'got "__0"');
  fails("1_", 'got "_"');
});

test("strings", () => {
  const value = (query: string, want: string) =>
    assert.deepEqual(parse(query), { kind: "string", pos: 0, value: want });
  value('"a"', "a");
  value("'it\\'s \"x\"'", 'it\'s "x"');
  value("`raw\\n\n`", "raw\\n\n");
  value('"\\a\\b\\f\\n\\r\\t\\v\\\\"', "\x07\b\f\n\r\t\v\\");
  value('"\\x41\\u0436\\U0001F71A\\101"', "Aж🜚A");
  value('"\\xd0\\xb6"', "ж");
  value('"\\xe9"', "\udce9");
  value('"a" + "b" + `c`', "abc");
  fails('"unterminated', 'want its closing "', 1, 1);
  fails("up{job='web\"}", "want its closing '", 1, 8);
  fails('"a\nb"', "got the end of the line");
  fails('"\\q"', "want an escape such as", 1, 2);
  fails('"\\x4"', "want an escape such as");
  fails('"\\u00e"', "want an escape such as");
  fails('"\\', "want an escape such as");
  fails("`", "want its closing `");
  fails("\\", "want a printable character after a backslash");
});

test("durations, windows, offsets and times", () => {
  another("m[300]", "m[5m]");
  another("m[1.5]", "m[1s500ms]");
  another("m[2h-5m]", "m[1h55m]");
  another("m[$__interval]", "m");
  another("m[$__rate_interval]", "m[1i]");
  another("m[$__interval:]", "m[1i:]");
  another("m offset $__interval", "m offset 1i");
  another("1h / $__interval", "1h / 1i");
  another("m[ 5m : 1m ]", "m[5m:1m]");
  another("m[:1m]", "m[:1m]");
  another("m[:]", "m[:]");
  another("m offset -1m @ start()", "m @ start() offset -1m");
  another("rate(m[5m] @ 5 OFFSET 1h)", "rate(m[5m] @ 5 offset 1h)");
  another("sum(x) offset 1h", "sum(x) offset 1h");
  another("-up offset 1m", "0 - up offset 1m");
  another("up @ -5", "up @ (-5)");
  another("up @ - - x offset 5m", "up @ (0 - (0 - x offset 5m))");
  another("5m - 30s", "270");
  another("1.5d", "1d12h");
  another("(m[5m])[1h:]", "(m[5m])[1h:]");
  assert.deepEqual(parse("m[5m:]"), {
    kind: "rollup",
    pos: 0,
    expr: { kind: "selector", pos: 0, groups: [[{ label: "__name__", op: "=", value: "m" }]] },
    window: { kind: "duration", pos: 2, ms: 300_000, steps: 0 },
    step: null,
    inheritsStep: true,
    offset: null,
    at: null,
  });
  fails("up[5m", 'want "]", got the end of the query', 1, 6);
  fails("up[]", 'want a duration as window, got "]"', 1, 4);
  fails("up[5x]", 'want "]", got "x"', 1, 5);
  fails("up[foo]", 'got "foo", which is no template', 1, 4);
  fails("up[5M]", "minutes are written in lower case", 1, 4);
  fails("up offset 1M", "minutes are written in lower case", 1, 11);
  fails("up[-5m]", "want a duration as window");
  fails("up[5m:0s]", "step: want a positive duration", 1, 7);
  fails("up[1h-2h]", "window: want a positive duration", 1, 4);
  fails("up[5m][5m]", 'got "["', 1, 7);
  fails("up offset", "want a duration as offset, got the end of the query", 1, 10);
  fails("up offset 5m offset 10m", 'got "offset"', 1, 14);
  fails("up @ 1 @ 2", 'got "@"', 1, 8);
  fails("up[1e9y:1s]", 'got "y"');
  fails("up offset 1000000000000000000s", "2^53");
  fails("up[1000000000000000000]", "2^53");
});

test("operators and their precedence", () => {
  another("1 + 2 * 3 ^ 2 ^ 0.5", String(1 + 2 * 3 ** (2 ** 0.5)));
  another("-2 ^ 2", "-4");
  another("(-2) ^ m", "(-2) ^ m");
  another("-a * b", "0 - a * b");
  another("-a + b", "0 - a + b");
  another("a * -b * c", "a * (0 - b) * c");
  another("a / -b ^ c", "a / (0 - b ^ c)");
  another("a ^ -b ^ c", "a ^ (0 - b ^ c)");
  another("a ^ -b * c", "a ^ (0 - b) * c");
  another("a == -b * c", "a == 0 - b * c");
  another("+ + up", "up");
  another("a default b if c or d and e == f + g * h ^ i", "a default b if c or d and e == f + g * h ^ i");
  another("a ^ b * c + d == e unless f or g ifnot h default i", "a ^ b * c + d == e unless f or g ifnot h default i");
  another("(a default b) ^ c", "(a default b) ^ c");
  another("a AND b Atan2 c", "a and b atan2 c");
  another("a-b", "a - b");
  another("series_a * on(k,) group_left series_d", "series_a * on (k) group_left () series_d");
  another("a * on() group_left(*) prefix 'ns_' b", 'a * on () group_left (*) prefix "ns_" b');
  another("a * on() group_left() prefix", "a * on () group_left () \\prefix");
  another("a - fill_right(-1) fill_left(Inf) b", "a - fill_left (Inf) fill_right (-1) b");
  another("a + fill(1) b", "a + fill (1) b");
  another("fill(a) + fill", "\\fill(a) + \\fill");
  another("(a + b) keep_metric_names", "(a + b) keep_metric_names");
  another("a + b keep_metric_names", "(a + b) keep_metric_names");
  another("a + (b) keep_metric_names", "(a + b) keep_metric_names");
  another("a + rate(b) keep_metric_names", "a + rate(b) keep_metric_names");
  another("a * b + c keep_metric_names", "(a * b + c) keep_metric_names");
  another("a + b * c keep_metric_names", "a + (b * c) keep_metric_names");
  another("((a + b)) keep_metric_names", "(a + b) keep_metric_names");
  fails("1 +", "want an expression, got the end of the query", 1, 4);
  fails("* up", 'want an expression, got "*"', 1, 1);
  fails("up > > 1", 'want an expression, got ">"', 1, 6);
  fails("up + bool 1", "bool: want a comparison before it", 1, 6);
  fails("up and bool up", "bool: want a comparison before it", 1, 8);
  fails("up and on(job) group_left(x) up", 'group_left: cannot be applied to "and"', 1, 16);
  fails("up or fill(1) up", 'fill: cannot be applied to "or"', 1, 7);
  fails("a + fill(1) fill_left(2) b", "has its fill value already", 1, 13);
  fails("a + fill(x) b", "want a number", 1, 10);
  fails("up + on(job) group_left(x up", 'want "," or ")", got "up"', 1, 27);
  fails("up || up", 'got "|"', 1, 4);
  fails("up =~ 'x'", 'got "=~"', 1, 4);
  fails("sum(up) keep_metric_names", "keep_metric_names: want a function or a binary expression before it", 1, 9);
  fails("up keep_metric_names", "keep_metric_names: want a function or a binary expression before it", 1, 4);
  fails("(up) keep_metric_names", "keep_metric_names: want a function or a binary expression before it", 1, 6);
  fails("", "want an expression, got the end of the query", 1, 1);
  fails("up)", 'got ")"', 1, 3);
  fails("a b", 'got "b"', 1, 3);
});

test("functions and aggregates", () => {
  same("rate(m[5m])");
  another("RATE(m, )", "rate(m)");
  another("time()", "time()");
  another("sum by (job,) (up)", "sum(up) by (job)");
  another("SUM(up) WITHOUT ('a', b) LIMIT 2", "sum(up) without (a, b) limit 2");
  another("sum by (__name__, job) (a, b) limit 7", "sum(a, b) by (__name__, job) limit 7");
  another("sum", "sum");
  another("sum or avg{a='b'}", 'sum or avg{a="b"}');
  another("()", "()");
  another("((a))", "a");
  another("(a, b,)", "(a, b)");
  another("union(a, b)", "(a, b)");
  assert.equal(parse("(a, b)").kind, "function");
  assert.deepEqual(parse("count(up) by (job) limit 3"), {
    kind: "aggregate",
    pos: 0,
    name: "count",
    args: [{ kind: "selector", pos: 6, groups: [[{ label: "__name__", op: "=", value: "up" }]] }],
    modifier: { op: "by", labels: ["job"] },
    limit: 3,
  });
  fails("rate up[5m])", 'got "up"', 1, 6);
  fails("sum(up) by", 'want "(", got the end of the query', 1, 11);
  fails("sum(up) by job", 'want "(", got "job"', 1, 12);
  fails("sum by (job (up)", 'want "," or ")", got "("', 1, 13);
  fails("sum by (a) (up) by (b)", 'got "by"', 1, 17);
  fails("sum(up) limit x", 'want a whole number of groups after limit, got "x"', 1, 15);
  fails("sum(up) limit 1.5", "want a whole number");
  fails("sum(up", 'want "," or ")", got the end of the query', 1, 7);
  fails("sum(,)", 'want an expression, got ","', 1, 5);
  fails("f(a b)", 'want "," or ")", got "b"', 1, 5);
});

test("WITH templates", () => {
  another("WITH (x = up) x", "up");
  another("with (x = node_load1, y = x * 2) x + y", "node_load1 + node_load1 * 2");
  another("WITH (f(a, b) = a + b,) f(1, 2,)", "3");
  another("WITH (f(a) = a * 2) f(m)", "m * 2");
  another("WITH () 1", "1");
  another("WITH (x = 1) WITH (x = x + 1) x", "2");
  another("WITH (x = a, f(y) = x + y) WITH (x = b) f(x)", "a + b");
  another("WITH (f(x) = WITH (x = x + 1) x) f(m)", "m + 1");
  another("WITH (f(a) = a + a, g(a) = f(a) * f(2)) g(m)", "(m + m) * 4");
  another("WITH (sum(a, b) = a + b + 1) sum(2, 3)", "6");
  another("WITH (f(a) = a) f", "f");
  another("1 + WITH (x = 2) x + 3", "6");
  another("WITH (a = 1) WITH (b = a) (b + m)", "1 + m");
  another("WITH (y = x, x = 1) y", "x");
  another("WITH (x = x) x", "x");
  another("WITH (up = down) {__name__='up'}", "up");
});

test("WITH templates in selectors", () => {
  another('WITH (cpu = node_cpu{mode="idle"}) rate(cpu{job="x"}[5m])', 'rate(node_cpu{mode="idle",job="x"}[5m])');
  another('WITH (cpu = node_cpu{mode="idle"}) cpu{mode="idle"}', 'node_cpu{mode="idle"}');
  another('WITH (x = up[5m]) rate(x{a="b"})', 'rate(up{a="b"}[5m])');
  another('WITH (cf = {job="node"}) up{cf}', 'up{job="node"}');
  another('WITH (cf = {a="b"}) up{x="y", cf, c="d"}', 'up{x="y",a="b",c="d"}');
  another('WITH (cf = {a="b" or c="d"}) up{cf, x="y"}', 'up{a="b",x="y" or c="d",x="y"}');
  another('WITH (x = up{a="b" or c="d"}) x{e="f"}', 'up{a="b",e="f" or c="d",e="f"}');
  another('WITH (x = up{e="f"}) x{a="b" or c="d"}', 'up{e="f",a="b" or e="f",c="d"}');
  another('WITH (cf = {a="b"}) {cf or c="d"}', '{a="b" or c="d"}');
  another('WITH (cf = {}) up{cf, a="b"}', 'up{a="b"}');
  another('WITH (a = {x="1"}, b = {a, y="2"}) up{b}', 'up{x="1",y="2"}');
  another('WITH (f(q) = q{job="web"}) f(up)', 'up{job="web"}');
  another('WITH (p = "mem_") {__name__=p+"free"} / {__name__="x"+p}', "mem_free / xmem_");
  another('WITH (s = "a" + "b") up{job=s}', 'up{job="ab"}');
  another('WITH (f(re) = up{job=~re+".*"}) f("w")', 'up{job=~"w.*"}');
  fails('WITH (cf = {a="b" or c="d"}) up{cf or x="y"}', 'want "or" either in a template or around it');
  fails('WITH (x = up{a="1" or b="2"}) x{c="3" or d="4"}', 'want "or" on one side only', 1, 31);
  fails("WITH (x = 5) x{a='b'}", 'want a selector in front of "{", got a number', 1, 14);
  fails("WITH (f = 5) up{f}", "want a template made of filters, got a number", 1, 17);
  fails("WITH (f = down{a='b'}) up{f}", "want a template made of filters");
  fails("WITH (s = up) up{job=s}", 'want a string, got a selector in template "s"', 1, 22);
  fails("WITH (x = y{cf}) x", 'got "cf", which is no template', 1, 13);
  fails('WITH (re = "(") up{a=~re}', "missing closing )", 1, 23);
});

test("WITH templates in windows and lists of labels", () => {
  another("WITH (w = 5m) rate(m[w])", "rate(m[5m])");
  another("WITH (w = 5m, s = w / 5) m[w:s] offset w", "m[5m:1m] offset 5m");
  another("WITH (w = 300) m[w] offset -w", "m[5m] offset -5m");
  another("WITH (f(w) = m[w:]) f(1i)", "m[1i:]");
  another("WITH (f(g) = sum(up) by (g)) f((instance, job))", "sum(up) by (instance, job)");
  another("WITH (f(g) = sum(up) by (g)) f(job)", "sum(up) by (job)");
  another("WITH (f(g) = a + on(g, x) b) f((c, d))", "a + on (c, d, x) b");
  another("WITH (f(g) = a * on(x) group_left(g) b) f((c, d))", "a * on (x) group_left (c, d) b");
  another("WITH (h(k) = sum(up) by (k), f(g) = h(g)) f((a, b))", "sum(up) by (a, b)");
  another('WITH (g = job) sum(up) by (g, "g")', "sum(up) by (job, g)");
  fails("WITH (w = up) m[w]", 'window: want a duration, got a selector in template "w"', 1, 17);
  fails("WITH (w = NaN) m[w]", "want a duration, got a number");
  fails("WITH (f(g) = sum(up) by (g)) f(a + b)", 'want a label name, got the template "g"', 1, 26);
});

test("WITH templates: wrong uses", () => {
  fails("WITH (f(a, a) = a) f(1, 2)", 'two arguments called "a"', 1, 12);
  fails("WITH (f(a) = a) f(1, 2)", 'template "f": want 1 arguments, got 2', 1, 17);
  fails("WITH (f(a) = a) f()", 'template "f": want 1 arguments, got 0', 1, 17);
  fails("WITH (a = 1, a = 2) a", 'template "a" is defined twice', 1, 14);
  fails("WITH (x) up", 'want "=", got ")"', 1, 8);
  fails("WITH (1 = 2) 3", "want the name of a template", 1, 7);
  fails("WITH (x = 1", 'want "," or ")", got the end of the query', 1, 12);
  fails("WITH (x = 1)", "want an expression, got the end of the query", 1, 13);
  fails("WITH (sum(a) = a) sum(up) by (x)", "belong to aggregates", 1, 19);
  fails("WITH (f(a) = sum(a)) f(up) keep_metric_names", "keep_metric_names: want a function");
});

test("predefined templates", () => {
  another("ru(f, m)", "clamp_min(m - clamp_min(f, 0), 0) / clamp_min(m, 0) * 100");
  another(
    "ttf(f)",
    "smooth_exponential(clamp_max(clamp_max(0 - f, 0) / clamp_max(deriv_fast(f), 0), 31536000), clamp_max(step() / 300, 1))",
  );
  another("range_median(m)", "range_quantile(0.5, m)");
  another('alias(m, "x")', 'label_set(m, "__name__", "x")');
  another("WITH (ru = 5) ru", "5");
  another("ru", "ru");
  fails("1 + ru(a)", 'template "ru": want 2 arguments, got 1', 1, 5);
  fails('ru(a, b{x=~"["})', "missing closing ]", 1, 12);
  // What comes out of a predefined template stands where it was called.
  const positions: number[] = [];
  JSON.stringify(parse(" ru(a, b)"), (key, value: unknown) => {
    if (key === "pos") positions.push(value as number);
    return value;
  });
  assert.deepEqual(new Set(positions), new Set([1, 4, 7]));
});

test("constants are folded", () => {
  const value = (query: string, want: number) => {
    const expr = parse(query);
    assert.ok(expr.kind === "number" && Object.is(expr.value, want), `${query}: ${JSON.stringify(expr)}`);
  };
  value("1 > 2", Number.NaN);
  value("3 > 2", 3);
  value("1 < bool 2", 1);
  value("2 < bool 1", 0);
  value('"a" < "b"', 1);
  value('"b" < "a"', Number.NaN);
  value('"a" == bool "b"', 0);
  value("NaN == NaN", Number.NaN);
  value("NaN == bool NaN", 1);
  value("NaN != bool 1", 1);
  value("1 != NaN", 1);
  value("NaN ^ 0", Number.NaN);
  value("1 ^ NaN", 1);
  value("(-1) ^ Inf", 1);
  value("5 % 0", Number.NaN);
  value("-5 % 3", -2);
  value("1 / 0", Infinity);
  value("1 atan2 1", Math.PI / 4);
  value("1 and NaN", Number.NaN);
  value("NaN or 2", 2);
  value("1 unless NaN", 1);
  value("1 if 2", 1);
  value("1 ifnot 2", Number.NaN);
  value("NaN default 3", 3);
  value("5m + 1", 301);
  value("0 * -1", -0);
  value("-0", 0);
  another("1 + on() 2", "1 + on () 2");
  another("1i * 2", "1i * 2");
  another("sum(1 + 2 * 3)", "sum(7)");
  another("1 + 2 + m + 3 * 4", "3 + m + 12");
});

test("comparisons are turned so that series are on the left", () => {
  another("1.5 < m", "m > 1.5");
  another("1.5 >= bool m", "m <= bool 1.5");
  another("1 == m", "m == 1");
  another("5m != m", "m != 5m");
  another("time() > m", "m < time()");
  another("5 < time()", "time() > 5");
  another("time() > 5", "time() > 5");
  another("m > 1", "m > 1");
  another("1 < on() group_left() m", "m > on () group_right () 1");
  another("1 < fill_left(2) m", "m > fill_right (2) 1");
  another("(200, 404) == m", "m == (200, 404)");
  another("(a, 404) == m", "(a, 404) == m");
  another("(200, 404) < m", "(200, 404) < m");
});

test("setMembersOf", () => {
  const members = (query: string, want: number[] | null) => {
    const expr = parse(query);
    assert.ok(expr.kind === "binary");
    assert.deepEqual(setMembersOf(expr), want, query);
  };
  members("q == (1, 2, 3)", [1, 2, 3]);
  members("q != (404, 5m)", [404, 300]);
  members("(404, 500) == q", [404, 500]);
  members("q == (1, m)", null);
  members("q == 1", null);
  members("q > (1, 2)", null);
});

test("comments and blank", () => {
  another("# leading\nsum(up) # trailing\n/ # mid\r\ncount(up)", "sum(up) / count(up)");
  another("\t\v\f\r\n up \n", "up");
  another('{a="#"}', '{a="#"}');
  fails("up # comment\n +\n  }", 'want an expression, got "}"', 3, 3);
  fails("# only", "want an expression", 1, 7);
});

test("messages show the place", () => {
  fails("sum(up) by job", 'query, line 1, column 12: want "(", got "job", at: sum(up) by ▸job');
  fails(`${"a".repeat(50)} b ${"c".repeat(50)}`, "at: …aaaaaaaaaaaaaaaaaaaaaaa ▸b cccccccccccccccccccccc…");
});

test("hostile texts are refused in time and without a stack overflow", () => {
  const doubling = (count: number, first: string) =>
    `WITH (x0 = ${first}${Array.from({ length: count }, (_, i) => `, x${i + 1} = x${i} + x${i}`).join("")}) x${count}`;
  const hostile = [
    "(".repeat(100_000),
    `${"(".repeat(MAX_DEPTH + 1)}1${")".repeat(MAX_DEPTH + 1)}`,
    "-".repeat(100_000),
    `a${"+a".repeat(25_000)}`,
    `a${"+a keep_metric_names".repeat(1000)}`,
    `a${"^a".repeat(10_000)}`,
    `${"a@".repeat(10_000)}1`,
    `a@${"-".repeat(10_000)}1`,
    `${"f(".repeat(10_000)}`,
    `${"with(a=".repeat(3000)}`,
    `${"WITH(x=1)".repeat(2000)}x`,
    `${"sum by (a)(".repeat(2000)}`,
    doubling(30, "m"),
    doubling(30, '"text"'),
    `WITH (s = "${"x".repeat(8000)}"${Array.from({ length: 300 }, (_, i) => `, s${i + 1} = s${i === 0 ? "" : i} + s`).join("")}) s300`,
    `WITH (cf = {${Array.from({ length: 500 }, (_, i) => `a="${i}"`).join(" or ")}}) {cf, ${Array.from({ length: 500 }, (_, i) => `b="${i}"`).join(",")}}`,
    `WITH (f(g) = sum(up) by (${"g,".repeat(3000)})) f((${"a,".repeat(3000)}))`,
    `{${Array.from({ length: 700 }, (_, i) => `a=~".{900}x${i}"`).join(",")}}`,
    `WITH (f(x) = x + x) ${"f(".repeat(60)}m${")".repeat(60)}`,
  ];
  for (const query of hostile) {
    // 10 to 30 ms on a quiet machine: what grows with the square of a text takes seconds.
    assertWithin(100, () => assert.throws(() => parse(query), InputError, query.slice(0, 60)), query);
  }
});

test("what is long but harmless is accepted", () => {
  const fine = [
    `${"(".repeat(MAX_DEPTH - 1)}1${")".repeat(MAX_DEPTH - 1)}`,
    `a${"+a".repeat(8000)}`,
    `a${" or b > bool c".repeat(1000)}`,
    `{job=~"${Array.from({ length: 3000 }, (_, i) => `j${i}`).join("|")}"}`,
    `sum(${"a,".repeat(8000)})`,
  ];
  for (const query of fine) assert.ok(heightOf(parse(query)) <= MAX_DEPTH, query.slice(0, 20));
});

/** Nodes on the longest way down; a chain of operators is one. */
function heightOf(expr: Expr): number {
  switch (expr.kind) {
    case "rollup":
      return 1 + heightOf(expr.expr);
    case "function":
    case "aggregate":
      return 1 + expr.args.reduce((height, arg) => Math.max(height, heightOf(arg)), 0);
    case "binary":
      return 1 + chainOf(expr).reduce((height, link) => Math.max(height, heightOf(link.right)), 1);
    default:
      return 1;
  }
}
