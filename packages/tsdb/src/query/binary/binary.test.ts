/** Binary operators: arithmetic, comparison, matching, sets. One line a case. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectations } from "../testing/expectations.test.support.ts";
import { harness } from "../testing/harness.ts";
import { power } from "./operators.ts";

const at = harness(`
  a{k="1"}            1 2 3 4
  a{k="2"}            5 6 7 8
  b{k="1"}            10 20 30 40
  b{k="3"}            1 1 1 1
  many{k="1",z="x"}   1 1 1 1
  many{k="1",z="y"}   2 2 2 2
  info{k="1",v="one"} 1 1 1 1
  gap{k="1"}          1 _ _ 4
`);
const { same, refused } = expectations(at);
const GAP = "last_over_time(gap[15s])";

test("arithmetic drops the name and matches by labels", async () => {
  await same("a + b", '{k="1"} 11 22 33 44');
  await same("a - 1", '{k="1"} 0 1 2 3', '{k="2"} 4 5 6 7');
  await same("1 - a", '{k="1"} 0 -1 -2 -3', '{k="2"} -4 -5 -6 -7');
  await same("a{k='1'} % 3", '{k="1"} 1 2 0 1');
  await same("a{k='1'} ^ 2", '{k="1"} 1 4 9 16');
  await same("a{k='1'} / 0", '{k="1"} +Inf +Inf +Inf +Inf');
  await same("a{k='1'} atan2 a{k='1'}", '{k="1"} 0.785398163397 0.785398163397 0.785398163397 0.785398163397');
  await same("(a + b) keep_metric_names");
  await same("(a + on(k) b) keep_metric_names", 'a{k="1"} 11 22 33 44');
  await same("(a * 2) keep_metric_names", 'a{k="1"} 2 4 6 8', 'a{k="2"} 10 12 14 16');
  await same("-a{k='1'}", '{k="1"} -1 -2 -3 -4');
  await same("a + nowhere");
  await same("nowhere + a");
});

test("power follows C, and nothing stays nothing", () => {
  assert.equal(power(1, NaN), 1);
  assert.equal(power(-1, Infinity), 1);
  assert.ok(Number.isNaN(power(NaN, 0)));
  assert.equal(power(2, 10), 1024);
  assert.ok(Number.isNaN(power(-8, 1 / 3)));
});

test("comparison filters, or answers 1 and 0 with bool", async () => {
  await same("a > 5", 'a{k="2"} _ 6 7 8');
  await same("5 < a", 'a{k="2"} _ 6 7 8');
  await same("a > bool 5", '{k="1"} 0 0 0 0', '{k="2"} 0 1 1 1');
  await same("a == b");
  await same("a != b", 'a{k="1"} 1 2 3 4');
  await same("a < on(k) b", '{k="1"} 1 2 3 4');
  await same("a == (2, 6, 8)", 'a{k="1"} _ 2 _ _', 'a{k="2"} _ 6 _ 8');
  await same("a != (2, 6, 8)", 'a{k="1"} 1 _ 3 4', 'a{k="2"} 5 _ 7 _');
  await same(`${GAP} == NaN`);
  await same(`${GAP} != NaN`, 'gap{k="1"} 1 _ _ 4');
  await same(`${GAP} >bool 2`, '{k="1"} 0 _ _ 1');
  await same("a{k='1'} < (b > 10)", 'a{k="1"} _ 2 3 4');
  await same("a{k='1'} != (b > 10)", 'a{k="1"} _ 2 3 4');
});

test("on, ignoring, group_left and group_right", async () => {
  await same("a * on(k) b", '{k="1"} 10 40 90 160');
  await same("many * on(k) group_left a", '{k="1",z="x"} 1 2 3 4', '{k="1",z="y"} 2 4 6 8');
  await same("a * on(k) group_right many", '{k="1",z="x"} 1 2 3 4', '{k="1",z="y"} 2 4 6 8');
  await same("many * ignoring(z) group_left a", '{k="1",z="x"} 1 2 3 4', '{k="1",z="y"} 2 4 6 8');
  await same("a * on(k) group_left(v) info", '{k="1",v="one"} 1 2 3 4');
  await same("a * on(k) group_left(*) info", '{k="1",v="one"} 1 2 3 4');
  await same('a * on(k) group_left(*) prefix "i_" info', '{i_v="one",k="1"} 1 2 3 4');
  await refused("many * ignoring(z, v) group_left(z) info", /duplicate output timeseries/);
  await refused("a * on(k) many", /duplicate time series on the right side of "\*" on \(k\)/);
  await refused("many * on(k) a", /duplicate time series on the left side/);
});

test("sets", async () => {
  await same("a and b", 'a{k="1"} 1 2 3 4');
  await same("a unless b", 'a{k="2"} 5 6 7 8');
  await same("a or b", 'a{k="1"} 1 2 3 4', 'a{k="2"} 5 6 7 8', 'b{k="3"} 1 1 1 1');
  await same("a and on() nowhere");
  await same("a and on() (b > 25)", 'a{k="1"} _ _ 3 4', 'a{k="2"} _ _ 7 8');
  await same("a if b", 'a{k="1"} 1 2 3 4');
  await same("a ifnot b", 'a{k="2"} 5 6 7 8');
  await same("a if (time() > 1704067215)", 'a{k="1"} _ _ 3 4', 'a{k="2"} _ _ 7 8');
  await same(`${GAP} default b`, 'gap{k="1"} 1 20 30 4');
  await same(`${GAP} default 9`, 'gap{k="1"} 1 9 9 4');
  await same("nowhere default 9", "{} 9 9 9 9");
  await same(`${GAP} or a`, 'gap{k="1"} 1 _ _ 4', 'a{k="1"} _ 2 3 _', 'a{k="2"} 5 6 7 8');
});

test("fill stands in for the side that is missing", async () => {
  await same("a - fill_right(0) b", '{k="1"} -9 -18 -27 -36', '{k="2"} 5 6 7 8');
  await same("a - fill_left(0) b", '{k="1"} -9 -18 -27 -36', '{k="3"} -1 -1 -1 -1');
  await same("a + fill(0) b", '{k="1"} 11 22 33 44', '{k="2"} 5 6 7 8', '{k="3"} 1 1 1 1');
});

test("series that hardly overlap are one", async () => {
  const moved = harness(`
    old{k="1",pod="x"} 1 2 3 _ _ _ _ _
    old{k="1",pod="y"} _ _ _ _ 5 6 7 8
    one{k="1"}         1 1 1 1 1 1 1 1
  `);
  assert.deepEqual(await moved.range("one * on(k) last_over_time(old[15s])"), ['{k="1"} 1 2 3 _ 5 6 7 8']);
});
