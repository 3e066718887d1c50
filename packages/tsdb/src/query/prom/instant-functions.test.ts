import assert from "node:assert/strict";
import { test } from "node:test";
import type { PromCall } from "../../promql/ast.ts";
import { promFunctions } from "../../promql/functions.ts";
import type { PromContext } from "./context.ts";
import { instantFunctions } from "./instant-functions.ts";
import { rangeFunctions } from "./range-functions.ts";
import { contextOf, scalarOf, seriesOf, showValue, stringOf, vectorOf } from "./testing/by-hand.ts";
import { callOf } from "./testing/windows.ts";
import type { PromValue } from "./value.ts";

type Arg = string | number[] | { text: string };

/** Arguments: a vector's lines, a scalar's values, a string. The answer's lines. */
async function apply(
  name: string,
  args: Arg[],
  context: PromContext = contextOf(1),
  call: PromCall = callOf("time()"),
): Promise<string[]> {
  const values = args.map((arg): PromValue => {
    if (typeof arg === "string") return vectorOf(arg);
    return Array.isArray(arg) ? scalarOf(...arg) : stringOf(arg.text);
  });
  const entry = instantFunctions.get(name);
  if (entry === undefined) throw new Error(`no function ${name}`);
  const answer = await entry.evaluate(context, call, values);
  assert.equal(answer.kind, entry.returns);
  return showValue(answer);
}

const text = (value: string): Arg => ({ text: value });

/** Without labels and braces: the numbers of one series. */
async function numbers(name: string, points: string, ...more: number[]): Promise<string> {
  const count = points.split(" ").length;
  const scalars = more.map((value) => new Array<number>(count).fill(value));
  return ((await apply(name, [`m ${points}`, ...scalars], contextOf(count)))[0] ?? "").replace(/^\{\} /, "");
}

test("each function has the arguments that the parser checks", async () => {
  for (const [name, { args, optional = 0, returns }] of instantFunctions) {
    const signature = promFunctions.get(name);
    assert.deepEqual(
      signature && [signature.args, signature.variadic, signature.returns],
      [args, optional, returns],
      name,
    );
  }
  for (const [name, { args }] of rangeFunctions) assert.deepEqual(promFunctions.get(name)?.args, args, name);
  for (const name of promFunctions.keys()) {
    if (name.startsWith("histogram_") || name === "info") continue;
    assert.ok(instantFunctions.has(name) !== rangeFunctions.has(name), name);
  }
});

test("functions of one number", async () => {
  assert.equal(await numbers("abs", "-1.5 2 -Inf NaN _"), "1.5 2 +Inf NaN _");
  assert.equal(await numbers("ceil", "2.5 -2.5 -0.5"), "3 -2 0");
  assert.equal(await numbers("floor", "2.5 -2.5"), "2 -3");
  assert.equal(await numbers("exp", "0 1"), "1 2.71828182846");
  assert.equal(await numbers("ln", "1 0 -1"), "0 -Inf NaN");
  assert.equal(await numbers("log2", "8 0 -10"), "3 -Inf NaN");
  assert.equal(await numbers("log10", "10 20"), "1 1.30102999566");
  assert.equal(await numbers("sqrt", "10 20 -1"), "3.16227766017 4.472135955 NaN");
  assert.equal(await numbers("sgn", "-Inf Inf NaN -50 0 100"), "-1 1 NaN -1 0 1");
  assert.equal(await numbers("sin", "10 20 NaN"), "-0.544021110889 0.912945250728 NaN");
  assert.equal(await numbers("tan", "10 20"), "0.648360827459 2.23716094422");
  assert.equal(await numbers("asin", "-0.1 9.9"), "-0.100167421162 NaN");
  assert.equal(await numbers("acosh", "1 0"), "0 NaN");
  assert.equal(await numbers("rad", "10 -10 NaN"), "0.174532925199 -0.174532925199 NaN");
  assert.equal(await numbers("deg", "10 -10 NaN"), "572.957795131 -572.957795131 NaN");
});

test("round goes up from half way", async () => {
  assert.equal(await numbers("round", "2.5 2 -2.5 -2 0 Inf -Inf NaN"), "3 2 -2 -2 0 +Inf -Inf NaN");
  assert.equal(await numbers("round", "2.25 -7 0.3", 5), "0 -5 0");
  assert.equal(await numbers("round", "0.3 0.25", 0.1), "0.3 0.3");
  assert.equal(await numbers("round", "1", 0), "NaN");
});

test("clamp", async () => {
  assert.equal(await numbers("clamp", "-50 0 100 NaN", -25, 75), "-25 0 75 NaN");
  assert.equal(await numbers("clamp_min", "-50 0 100 NaN", -25), "-25 0 100 NaN");
  assert.equal(await numbers("clamp_max", "-50 0 100 NaN", 75), "-50 0 75 NaN");
  assert.equal(await numbers("clamp", "-50 0 100", Number.NaN, 0), "NaN NaN NaN");
  assert.equal(await numbers("clamp", "-50 0 100", 5, -5), "");
  const crossing = await apply("clamp", ["m 1 1 _", [0, 5, 0], [2, -5, 2]], contextOf(3));
  assert.deepEqual(crossing, ["{} 1 _ _"], "only where max is below min");
});

test("min_of and max_of", async () => {
  assert.deepEqual(await apply("min_of", [[3], [5]]), ["3"]);
  assert.deepEqual(await apply("max_of", [[-2], [-5]]), ["-2"]);
  assert.deepEqual(await apply("max_of", [[3], [Number.NaN]]), ["NaN"]);
  assert.deepEqual(await apply("min_of", [[-Infinity], [Number.NaN]]), ["-Inf"]);
});

test("the metric's name, type and unit go, and what becomes equal is one series or an error", async () => {
  const labeled = 'm{__type__="gauge",__unit__="s",a="1"} 1';
  assert.deepEqual(await apply("abs", [labeled]), ['{a="1"} 1']);
  const both = 'm{a="1"} 1 _\nn{a="1"} _ -2';
  assert.deepEqual(await apply("abs", [both], contextOf(2)), ['{a="1"} 1 2']);
  await assert.rejects(
    apply("abs", ['m{a="1"} 1\nn{a="1"} 2']),
    /^Error: vector cannot contain metrics with the same labelset$/,
  );
});

test("scalar and vector", async () => {
  const list = 'a{x="1"} 1 1 _ _\na{x="2"} _ 2 2 _\na{x="3"} _ 3 _ _';
  assert.deepEqual(await apply("scalar", [list], contextOf(4)), ["1 NaN 2 NaN"]);
  assert.deepEqual(await apply("scalar", [""], contextOf(2)), ["NaN NaN"]);
  assert.deepEqual(await apply("vector", [[1, Number.NaN]], contextOf(2)), ["{} 1 NaN"]);
  assert.deepEqual(await apply("pi", []), ["3.14159265359"]);
});

test("absent: the labels that are asked for with =, once", async () => {
  const labels = (filters: string) => apply("absent", [""], contextOf(1), callOf(`absent((m{${filters}}))`));
  assert.deepEqual(await labels(""), ["{} 1"]);
  assert.deepEqual(await labels('job="testjob",instance="testinstance",foo=~".+"'), [
    '{instance="testinstance",job="testjob"} 1',
  ]);
  assert.deepEqual(await labels('job="testjob",job="testjob2",job="three",foo="bar"'), ['{foo="bar"} 1']);
  assert.deepEqual(await labels('job="testjob",job=~"testjob2",foo="bar"'), ['{foo="bar"} 1']);
  assert.deepEqual(await labels('job=~"testjob2",job="testjob",foo!="bar"'), ['{job="testjob"} 1']);
  assert.deepEqual(await labels('job=""'), ["{} 1"]);
  assert.deepEqual(await apply("absent", [""], contextOf(1), callOf('absent(sum(m{a="1"}))')), ["{} 1"]);
});

test("absent: only where nothing is", async () => {
  const call = callOf('absent(m{a="1"})');
  assert.deepEqual(await apply("absent", ["m 1 NaN _\nn _ 1 _"], contextOf(3), call), ['{a="1"} _ _ 1']);
  assert.deepEqual(await apply("absent", ["m 1 _\nn _ 1"], contextOf(2), call), []);
  assert.deepEqual(await apply("absent", ["m 1 1"], contextOf(2), call), []);
  const finish = rangeFunctions.get("absent_over_time")?.finish;
  const rest = finish?.(contextOf(2), callOf('absent_over_time(m{a="1"}[5m])'), seriesOf("{} _ 1"));
  assert.deepEqual(showValue({ kind: "vector", series: rest ?? [] }), ['{a="1"} 1 _']);
});

test("sort: NaN last both ways; over a range it only warns", async () => {
  const list = 'm{i="1"} 3\nm{i="2"} NaN\nm{i="3"} -Inf\nm{i="4"} 1';
  const order = (lines: string[]) => lines.map((line) => line.slice(5, 6)).join("");
  assert.equal(order(await apply("sort", [list])), "3412");
  assert.equal(order(await apply("sort_desc", [list])), "1432");
  const context = contextOf(2, "sort(series)");
  assert.equal(order(await apply("sort", ['m{i="1"} 3 3\nm{i="2"} 1 1'], context)), "12");
  assert.deepEqual(
    [...context.annotations.warnings],
    ["PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)"],
  );
});

test("sort_by_label: as people sort, the whole label set deciding last", async () => {
  const values = (label: string, list: string[]) => list.map((value) => `m{${label}="${value}"} 1`).join("\n");
  const sorted = async (name: string, label: string, list: string[]) =>
    (await apply(name, [values(label, list), text(label)])).map((line) => line.split('"')[1]);
  const cpus = ["0", "1", "2", "3", "10", "11", "12", "20", "21", "100"];
  assert.deepEqual(await sorted("sort_by_label", "cpu", [...cpus].sort()), cpus);
  assert.deepEqual(await sorted("sort_by_label_desc", "cpu", [...cpus].sort()), [...cpus].reverse());
  assert.deepEqual(await sorted("sort_by_label", "i", ["4m600", "4m5", "4m1000"]), ["4m5", "4m600", "4m1000"]);
  assert.deepEqual(await sorted("sort_by_label", "i", ["1.2.3", "1.11.3", "1.111.3"]), ["1.2.3", "1.11.3", "1.111.3"]);
  assert.deepEqual(await sorted("sort_by_label", "i", ["a01", "a1", "b", "a", "99999999999999999999", "9"]), [
    "9",
    "99999999999999999999",
    "a",
    "a01",
    "a1",
    "b",
  ]);
  const list = 'm{a="1",b="2"} 1\nm{a="1",b="1"} 1\nm{b="0"} 1\nm{A="z",a="1",b="3"} 1';
  assert.deepEqual(await apply("sort_by_label", [list, text("a")]), [
    'm{b="0"} 1',
    'm{A="z",a="1",b="3"} 1',
    'm{a="1",b="1"} 1',
    'm{a="1",b="2"} 1',
  ]);
});

test("label_replace: the whole value or nothing", async () => {
  const replace = (list: string, ...rest: string[]) => apply("label_replace", [list, ...rest.map(text)], contextOf(2));
  const list = 'm{src="source-value-10",dst="old"} 0 0\nm{src="source-value-20",dst="old"} 1 1';
  assert.deepEqual(await replace(list, "dst", "destination-value-$1", "src", "source-value-(.*)"), [
    'm{dst="destination-value-10",src="source-value-10"} 0 0',
    'm{dst="destination-value-20",src="source-value-20"} 1 1',
  ]);
  assert.deepEqual(
    (await replace(list, "dst", "x$1", "src", "value-(.*)"))[0],
    'm{dst="old",src="source-value-10"} 0 0',
  );
  assert.deepEqual(await replace('m{a="1"} 0 0', "b", "$x-$y$$", "a", "(?P<x>.)"), ['m{a="1",b="1-$"} 0 0']);
  assert.deepEqual(await replace('m{a="1"} 0 0', "a", "", "a", ".*"), ["m 0 0"], "an empty value is no label");
  assert.deepEqual(await replace('m{a="1"} 0 0', "__name__", "n_$1", "a", "(.*)"), ['n_1{a="1"} 0 0']);
  assert.deepEqual(await replace("m 0 0", "b", "none", "a", ""), ['m{b="none"} 0 0'], "a missing label is empty");
  assert.deepEqual(await replace('m{a="1"} 1 _\nm{a="2"} _ 2', "a", "3", "", ".*"), ['m{a="3"} 1 2']);
  await assert.rejects(replace('m{a="1"} 1 1\nm{a="2"} 2 2', "a", "3", "", ".*"), /same labelset/);
  await assert.rejects(replace("m 0 0", "", "x", "a", ".*"), /invalid destination label name in label_replace/);
  await assert.rejects(replace("m 0 0", "b", "x", "a", "("), /invalid regular expression in label_replace\(\)/);
});

test("label_join", async () => {
  const join = (list: string, ...rest: string[]) => apply("label_join", [list, ...rest.map(text)], contextOf(2));
  const list = 'm{src="a",src1="b",src2="c",dst="old"} 0 0';
  assert.deepEqual(await join(list, "dst", "-", "src", "src1", "src2"), [
    'm{dst="a-b-c",src="a",src1="b",src2="c"} 0 0',
  ]);
  assert.deepEqual(await join(list, "dst", "-", "src", "src3", "src1"), [
    'm{dst="a--b",src="a",src1="b",src2="c"} 0 0',
  ]);
  assert.deepEqual(await join(list, "dst", "-"), ['m{src="a",src1="b",src2="c"} 0 0']);
  assert.deepEqual(await join('m{l="a",i="1"} 2 _\nm{l="a",i="2"} _ 4', "i", ",", "l", "l"), ['m{i="a,a",l="a"} 2 4']);
  await assert.rejects(join('m{i="1"} 2 2\nm{i="2"} 4 4', "i", "-"), /same labelset/);
  await assert.rejects(join(list, "dst", "-", ""), /invalid source label name in label_join/);
});

test("times of the grid, of samples, of the query", async () => {
  const context = contextOf(2);
  assert.deepEqual(await apply("time", [], context), ["0 60"]);
  assert.deepEqual(
    await apply("timestamp", ["m 5 _"], context, callOf("timestamp((m))")),
    ["{} 5 _"],
    "a sample's own",
  );
  assert.deepEqual(await apply("timestamp", ["m 5 5"], context, callOf("timestamp(abs(m))")), ["{} 0 60"]);
  const query = { ...context, queryStartMs: 10_000, queryEndMs: 50_000, queryStepMs: 5000 };
  const seconds = ["start", "end", "range", "step"].map(async (name) => (await apply(name, [], query))[0]);
  assert.deepEqual(await Promise.all(seconds), ["10 10", "50 50", "40 40", "5 5"]);
  assert.deepEqual(await apply("step", [], { ...query, queryEndMs: 10_000 }), ["0 0"]);
});

test("parts of dates", async () => {
  const part = async (name: string, seconds: number) => (await apply(name, [`m ${seconds}`]))[0];
  const parts = "year month day_of_month day_of_year day_of_week hour minute days_in_month".split(" ");
  assert.deepEqual(await Promise.all(parts.map((name) => part(name, 1136239445))), [
    "{} 2006",
    "{} 1",
    "{} 2",
    "{} 2",
    "{} 1",
    "{} 22",
    "{} 4",
    "{} 31",
  ]);
  assert.equal(await part("day_of_year", 1483191420), "{} 366");
  assert.equal(await part("day_of_year", 1672493820), "{} 365");
  assert.equal(await part("days_in_month", 1454284800), "{} 29");
  assert.equal(await part("hour", -1), "{} 23");
  assert.equal(await part("year", Number.NaN), "{} NaN");
  assert.equal(await part("year", Number.POSITIVE_INFINITY), "{} NaN");
  assert.equal(await part("hour", 2 ** 63), "{} NaN", "no int64");
  // As Go's calendar has it, which reaches as far as an int64 of seconds.
  const far = async (seconds: number) => (await Promise.all(parts.map((name) => part(name, seconds)))).join(" ");
  assert.equal(await far(1e18), "{} 31688740476 {} 10 {} 23 {} 297 {} 5 {} 1 {} 46 {} 31");
  assert.equal(await far(-1e18), "{} -31688736537 {} 3 {} 10 {} 69 {} 2 {} 22 {} 13 {} 31");
  assert.deepEqual(await apply("day_of_week", []), ["{} 4"], "the epoch was a Thursday");
  assert.deepEqual(await apply("minute", [], contextOf(2)), ["{} 0 1"]);
});
