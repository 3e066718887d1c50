/** Binary operators of PromQL on columns. One line a case; cases of operators.test, fill-modifier.test and collision.test among them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PromBinary, PromExpr } from "../../promql/ast.ts";
import { evaluateBinary } from "./binary.ts";
import { power } from "./column-operators.ts";
import { contextOf, scalarOf, showValue, vectorOf } from "./testing/by-hand.ts";
import type { PromValue } from "./value.ts";

type Matching = NonNullable<PromBinary["matching"]>;
type Options = Partial<Omit<Matching, "card">> & { card?: Matching["card"]; isBool?: boolean };

const NOWHERE = { pos: 0, end: 0 };
const ONE: PromExpr = { ...NOWHERE, kind: "number", type: "scalar", value: 1 };

async function evaluate(left: PromValue, op: string, right: PromValue, options: Options = {}): Promise<string[]> {
  const { isBool = false, ...rest } = options;
  const isSet = op === "and" || op === "or" || op === "unless";
  const matching: Matching = {
    card: isSet ? "many-to-many" : "one-to-one",
    isOn: false,
    labels: [],
    include: [],
    fillLeft: null,
    fillRight: null,
    ...rest,
  };
  const isVector = left.kind === "vector" && right.kind === "vector";
  const node: PromBinary = {
    ...NOWHERE,
    kind: "binary",
    type: left.kind === "scalar" && right.kind === "scalar" ? "scalar" : "vector",
    op,
    isBool,
    left: ONE,
    right: ONE,
    matching: isVector ? matching : null,
  };
  const points = pointsOf(left) ?? pointsOf(right) ?? 1;
  return showValue(await evaluateBinary(contextOf(points), node, left, right));
}

function pointsOf(value: PromValue): number | undefined {
  return value.kind === "vector"
    ? value.series[0]?.values.length
    : value.kind === "scalar"
      ? value.values.length
      : undefined;
}

async function same(left: string, op: string, right: string, options: Options, ...lines: string[]): Promise<void> {
  assert.deepEqual(await evaluate(vectorOf(left), op, vectorOf(right), options), lines, `${left} ${op} ${right}`);
}

async function refused(left: string, op: string, right: string, options: Options, message: string): Promise<void> {
  await assert.rejects(
    evaluate(vectorOf(left), op, vectorOf(right), options),
    (error: { code?: string; status?: number; message: string }) => {
      assert.deepEqual([error.code, error.status, error.message], ["INPUT", 422, message]);
      return true;
    },
  );
}

const on = (...labels: string[]): Options => ({ isOn: true, labels });
const ignoring = (...labels: string[]): Options => ({ labels });
const groupLeft = (...include: string[]): Options => ({ card: "many-to-one", include });
const groupRight = (...include: string[]): Options => ({ card: "one-to-many", include });
const MANY_TO_ONE = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";

test("scalars: arithmetic, and comparisons that are 1 or 0", async () => {
  const is = async (a: number, op: string, b: number, want: string): Promise<void> =>
    assert.deepEqual(await evaluate(scalarOf(a), op, scalarOf(b), { isBool: true }), [want], `${a} ${op} ${b}`);
  await is(10, "atan2", 20, "0.463647609001");
  await is(0, "==", 1, "0");
  await is(NaN, "==", NaN, "0");
  await is(NaN, "!=", NaN, "1");
  await is(-7, "%", 3, "-1");
  await is(7, "%", 0, "NaN");
  await is(1, "/", 0, "+Inf");
  await is(NaN, "^", 0, "1");
  await is(1, "^", NaN, "1");
});

test("power is C's", () => {
  assert.equal(power(1, NaN), 1);
  assert.equal(power(NaN, 0), 1);
  assert.equal(power(-1, -Infinity), 1);
  assert.equal(power(2, 10), 1024);
  assert.ok(Number.isNaN(power(-8, 1 / 3)));
});

test("a scalar meets every series, point by point", async () => {
  const v = (op: string, scalar: PromValue, options: Options = {}): Promise<string[]> =>
    evaluate(vectorOf('m{a="1"} 1 _ 3 NaN'), op, scalar, options);
  const s = (op: string, scalar: PromValue, options: Options = {}): Promise<string[]> =>
    evaluate(scalar, op, vectorOf('m{a="1"} 1 _ 3 NaN'), options);
  assert.deepEqual(await v("+", scalarOf(1, 2, 3, 4)), ['{a="1"} 2 _ 6 NaN']);
  assert.deepEqual(await s("-", scalarOf(1, 2, 3, 4)), ['{a="1"} 0 _ 0 NaN']);
  assert.deepEqual(await v(">", scalarOf(0, 0, 5, 0)), ['m{a="1"} 1 _ _ _']);
  assert.deepEqual(await s("<", scalarOf(0, 0, 5, 0)), ['m{a="1"} 1 _ _ _']);
  assert.deepEqual(await s("==", scalarOf(3, 3, 3, 3)), ['m{a="1"} _ _ 3 _']);
  assert.deepEqual(await v("!=", scalarOf(3, 3, 3, 3)), ['m{a="1"} 1 _ _ NaN']);
  assert.deepEqual(await v("==", scalarOf(3, 3, 3, 3), { isBool: true }), ['{a="1"} 0 _ 1 0']);
  assert.deepEqual(await s(">=", scalarOf(2, 2, 2, 2), { isBool: true }), ['{a="1"} 1 _ 0 0']);
  assert.deepEqual(await v(">", scalarOf(9, 9, 9, 9)), []);
});

test("names that go may leave equal labels: an error only where points meet", async () => {
  const add = (text: string): Promise<string[]> => evaluate(vectorOf(text), "+", scalarOf(1, 1, 1));
  assert.deepEqual(await add("a 1 _ _\nb _ 2 _"), ["{} 2 3 _"]);
  await assert.rejects(add("a 1 1 _\nb _ 2 _"), /^Error: vector cannot contain metrics with the same labelset$/);
});

test("one-to-one", async () => {
  await same('a{l="x"} 1\na{l="y"} 2', "+", 'b{l="x"} 10\nb{l="z"} 3', {}, '{l="x"} 11');
  await same('a{g="c",i="0"} 300', "/", 'a{g="p",i="0"} 100', on("i"), '{i="0"} 3');
  await same('a{g="c",i="0"} 300', "/", 'a{g="p",i="0"} 100', ignoring("g"), '{i="0"} 3');
  await same('random{foo="bar"} 2', "+", 'a{baz="meh"} 3', on(), "{} 5");
  await same('a{baz="meh"} 3', "+", 'b{baz="meh"} 4', ignoring(), '{baz="meh"} 7');
  await same("a 1", "+", "", {});
  await same("", "+", "a 1", {});
  // The name stays only where nothing is computed and no label is picked.
  await same('t{i="l"} 50', ">", 's{i="l"} 10', {}, 't{i="l"} 50');
  await same('t{i="l"} 50', ">", 's{i="l"} 10', on("i"), '{i="l"} 50');
  await same('t{i="l"} 50', ">", 's{i="l"} 10', { isBool: true }, '{i="l"} 1');
  await same("t 50", "==", "t 50", on("__name__"), "t 50");
  await same("t 50", "+", "t 50", on("__name__"), "{} 100");
  await same(
    't{__type__="gauge",__unit__="s",a="1"} 50',
    "+",
    'u{__type__="gauge",__unit__="s",a="1"} 1',
    {},
    '{a="1"} 51',
  );
  await same(
    "left_floats 1 2 _ _ 3 _ 4 5 NaN Inf -Inf",
    "!=",
    "right_floats 4 _ _ 5 3 7 -1 20 NaN Inf -Inf",
    {},
    "left_floats 1 _ _ _ _ _ 4 5 NaN _ _",
  );
  await same(
    "left_floats 1 2 _ _ 3 _ 4 5 NaN Inf -Inf",
    ">",
    "right_floats 4 _ _ 5 3 7 -1 20 NaN Inf -Inf",
    { isBool: true },
    "{} 0 _ _ _ 0 _ 1 0 0 0 0",
  );
});

test("ambiguity is about points", async () => {
  // Two of a side are one as long as they take turns.
  await same('a{i="1"} 1 _ 3\na{i="2"} _ 2 _', "+", "b 10 10 10", ignoring("i"), "{} 11 12 13");
  await same("a 1 2 3", "+", 'b{i="1"} 10 _ _\nb{i="2"} _ 20 _', ignoring("i"), "{} 11 22 _");
  await refused('a{i="1"} 1 1\na{i="2"} _ 2', "+", "b 10 10", ignoring("i"), MANY_TO_ONE);
  await same('a{i="1"} 1 1\na{i="2"} _ 2', "+", "b 10 _", ignoring("i"), "{} 11 _");
  // A comparison that would keep at most one of them is no way out.
  for (const op of [">", ">=", "<="]) {
    await refused('m{l="f",j="t"} 0\nm{l="b",j="t"} 1', op, 'one{j="t"} 1', on("j"), MANY_TO_ONE);
  }
  const duplicate =
    'found duplicate series for the match group {l="x"} on the right hand-side of the operation: ' +
    '[{__name__="b", i="1", l="x"}, {__name__="b", i="2", l="x"}];many-to-many matching not allowed: matching labels must be unique on one side';
  const twins = 'b{l="x",i="2"} 1\nb{l="x",i="1"} 1';
  await refused('a{l="x"} 1', "+", twins, on("l"), duplicate);
  // Even if nothing on the left is in that group; but not if the left is empty.
  await refused('a{l="y"} 1', "+", twins, on("l"), duplicate);
  await same('a{l="y"} _', "+", twins, on("l"));
  await refused('a{l="y"} _', "+", twins, { ...on("l"), fillRight: 0 }, duplicate);
  await refused(twins, "+", 'a{l="x"} 1', { ...on("l"), ...groupRight() }, duplicate.replace("right", "left"));
});

test("many-to-one", async () => {
  const cpu = 'cpu{i="abc",m="idle"} 3\ncpu{i="abc",m="user"} 1\ncpu{i="def",m="idle"} 8';
  const role = 'role{i="abc",role="p"} 1';
  const both = ['{i="abc",m="idle",role="p"} 3', '{i="abc",m="user",role="p"} 1'];
  await same(cpu, "*", role, { ...ignoring("role", "m"), ...groupLeft("role") }, ...both);
  await same(cpu, "*", role, { ...on("i"), ...groupLeft("role") }, ...both);
  await same(role, "*", cpu, { ...on("i"), ...groupRight("role") }, ...both);
  await same(cpu, "*", role, { ...on("i"), ...groupLeft() }, '{i="abc",m="idle"} 3', '{i="abc",m="user"} 1');
  await same(role, "-", 'c{i="abc",m="x"} 5', { ...on("i"), ...groupRight() }, '{i="abc",m="x"} -4');
  // The value kept is the left one, the labels are the many side's.
  await same(role, "<", 'c{i="abc",m="x"} 5', { ...on("i"), ...groupRight() }, 'c{i="abc",m="x"} 1');
  // A label of the one side that is absent deletes.
  await same('a{i="1",v="x"} 1', "+", 'b{i="1"} 1', { ...on("i"), ...groupLeft("v") }, '{i="1"} 2');
  // Ones that take turns and give different labels.
  const info = 'info{i="1",v="a"} 1 _\ninfo{i="1",v="b"} _ 1';
  await same('m{i="1"} 5 6', "*", info, { ...on("i"), ...groupLeft("v") }, '{i="1",v="a"} 5 _', '{i="1",v="b"} _ 6');
  await same('m{i="1"} 5 6', "*", info, { ...on("i"), ...groupLeft() }, '{i="1"} 5 6');
  await refused(
    'a{i="1"} 1\nb{i="1"} 1',
    "*",
    "c{} 1",
    { ...on("x"), ...groupLeft() },
    "multiple matches for labels: grouping labels must ensure unique matches",
  );
  await same('a{i="1"} 1 _\nb{i="1"} _ 2', "*", "c{} 1 1", { ...on("x"), ...groupLeft() }, '{i="1"} 1 2');
  // Across groups it is the result that is refused.
  await refused(
    'a{i="1"} 1\nb{i="1"} 1',
    "*",
    "a 1\nb 1",
    { ...on("__name__"), ...groupLeft() },
    "vector cannot contain metrics with the same labelset",
  );
});

test("fill", async () => {
  const left = 'l{x="a"} 10\nl{x="b"} 20\nl{x="c"} 30';
  const right = 'r{x="a"} 100\nr{x="b"} 200\nr{x="d"} 400';
  const fill = (value: number): Options => ({ fillLeft: value, fillRight: value });
  await same(left, "+", right, fill(NaN), '{x="a"} 110', '{x="b"} 220', '{x="c"} NaN', '{x="d"} NaN');
  await same(left, "+", right, { fillRight: 0 }, '{x="a"} 110', '{x="b"} 220', '{x="c"} 30');
  await same(left, "+", right, { fillLeft: 0 }, '{x="a"} 110', '{x="b"} 220', '{x="d"} 400');
  await same(left, "==", right, { ...fill(30), isBool: true }, '{x="a"} 0', '{x="b"} 0', '{x="c"} 1', '{x="d"} 0');
  await same(left, "==", right, fill(30), 'l{x="c"} 30');
  await same("", "+", right, fill(1), '{x="a"} 101', '{x="b"} 201', '{x="d"} 401');
  await same("", "+", right, { fillRight: 1 });
  await same(
    'l{j="f",i="a"} 10\nl{j="f",i="b"} 20\nl{j="b",i="a"} 30',
    "+",
    'r{j="f",i="a"} 100\nr{j="f",i="c"} 300',
    { ...ignoring("j"), ...groupLeft(), ...fill(0) },
    '{i="a",j="f"} 110',
    '{i="b",j="f"} 20',
    '{i="a",j="b"} 130',
    '{i="c"} 300',
  );
  const meta = 'node{i="a"} 100\nnode{i="c"} 300';
  const info = 'cpu{c="0",i="a"} 1\ncpu{c="1",i="a"} 1\ncpu{c="0",i="b"} 1';
  await same(
    meta,
    "*",
    info,
    { ...on("i"), ...groupRight(), fillLeft: 1 },
    '{c="0",i="a"} 100',
    '{c="1",i="a"} 100',
    '{i="c"} 300',
  );
  await same(
    meta,
    "*",
    info,
    { ...on("i"), ...groupRight(), fillRight: 0 },
    '{c="0",i="a"} 100',
    '{c="1",i="a"} 100',
    '{c="0",i="b"} 0',
  );
  // Series that come and go are filled point by point.
  const comes = 'l{x="a"} 1 _ 3 _ 5\nl{x="b"} _ 20 _ 40 _';
  const goes = 'r{x="a"} _ 200 _ 400 _\nr{x="b"} 100 _ 300 _ 500\nr{x="c"} 1000 _ _ 4000 5000';
  await same(
    comes,
    "+",
    goes,
    { fillLeft: 0 },
    '{x="a"} _ 200 _ 400 _',
    '{x="b"} 100 _ 300 _ 500',
    '{x="c"} 1000 _ _ 4000 5000',
  );
  await same(
    'l{k="a"} 1 _ 3',
    "+",
    'r{k="a"} 10 20 30\nr{k="b"} 100 200 300',
    { ...on("k"), ...groupLeft(), fillLeft: 0 },
    '{k="a"} 11 20 33',
    '{k="b"} 100 200 300',
  );
});

test("sets", async () => {
  const canary = 'm{g="c",i="0"} 1 2 3\nm{g="c",i="1"} 4 5 6';
  const first = 'm{g="p",i="0"} 9 _ 9';
  await same(canary, "and", first, ignoring("g"), 'm{g="c",i="0"} 1 _ 3');
  await same(canary, "unless", first, ignoring("g"), 'm{g="c",i="0"} _ 2 _', 'm{g="c",i="1"} 4 5 6');
  await same(canary, "unless", first, on("nothing"), 'm{g="c",i="0"} _ 2 _', 'm{g="c",i="1"} _ 5 _');
  await same(canary, "and", "{} 1 1 1", on("nothing"), 'm{g="c",i="0"} 1 2 3', 'm{g="c",i="1"} 4 5 6');
  await same(canary, "and", "", {});
  await same(canary, "or", first, ignoring("g"), 'm{g="c",i="0"} 1 2 3', 'm{g="c",i="1"} 4 5 6');
  await same(
    first,
    "or",
    canary,
    ignoring("g"),
    'm{g="p",i="0"} 9 _ 9',
    'm{g="c",i="0"} _ 2 _',
    'm{g="c",i="1"} 4 5 6',
  );
  // One series on both sides is one series.
  await same("a 1 _ _", "or", "a 5 6 _", {}, "a 1 6 _");
  await same("a 1 _ _", "or", "b 5 6 _", {}, "a 1 _ _", "b _ 6 _");
});

test("results are changed in place without changing each other", async () => {
  const context = contextOf(2);
  const node = { ...NOWHERE, kind: "binary", type: "vector", op: "and", isBool: false, left: ONE, right: ONE } as const;
  const matching = {
    card: "many-to-many",
    isOn: true,
    labels: [],
    include: [],
    fillLeft: null,
    fillRight: null,
  } as const;
  const result = await evaluateBinary(context, { ...node, matching }, vectorOf("a 1 2\nb 3 4"), vectorOf("c 1 _"));
  assert.ok(result.kind === "vector");
  const [a, b] = result.series;
  a?.present?.fill(1);
  assert.deepEqual([...(b?.present ?? [])], [1, 0]);
});
