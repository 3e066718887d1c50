/** Aggregates by what they answer: one line a case. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectations } from "../testing/expectations.test.support.ts";
import { harness } from "../testing/harness.ts";
import { AGGREGATES } from "./table.ts";

const at = harness(`
  m{dc="a",host="1"}  1 2 _ 4
  m{dc="a",host="2"}  3 4 5 _
  m{dc="b",host="3"}  10 _ _ 40
  m{dc="b",host="4"}  10 20 _ 20
  m{host="5"}         7 7 7 7
`);
const { same } = expectations(at);

/** `m` itself fills gaps of one scrape; its samples alone are what the tables above say. */
const M = "last_over_time(m[15s])";

test("one number a group and point, missing points not counted", async () => {
  await same(`sum(${M}) by (dc)`, "{} 7 7 7 7", '{dc="a"} 4 6 5 4', '{dc="b"} 20 20 _ 60');
  await same(`avg(${M}) by (dc)`, "{} 7 7 7 7", '{dc="a"} 2 3 5 4', '{dc="b"} 10 20 _ 30');
  await same(`min(${M})`, "{} 1 2 5 4");
  await same(`max(${M})`, "{} 10 20 7 40");
  await same(`count(${M})`, "{} 5 4 2 4");
  await same(`group(${M}) by (dc)`, "{} 1 1 1 1", '{dc="a"} 1 1 1 1', '{dc="b"} 1 1 _ 1');
  await same(`stddev(${M}) by (dc)`, "{} 0 0 0 0", '{dc="a"} 1 1 0 0', '{dc="b"} 0 0 _ 10');
  await same(`stdvar(${M}) by (dc)`, "{} 0 0 0 0", '{dc="a"} 1 1 0 0', '{dc="b"} 0 0 _ 100');
  await same(`sum2(${M}) by (dc)`, "{} 49 49 49 49", '{dc="a"} 10 20 25 16', '{dc="b"} 200 400 _ 2000');
  await same(
    `geomean(${M}) by (dc)`,
    "{} 7 7 7 7",
    '{dc="a"} 1.73205080757 2.82842712475 5 4',
    '{dc="b"} 10 20 _ 28.2842712475',
  );
  await same(`median(${M})`, "{} 7 5.5 6 13.5");
  await same(`quantile(0.25, ${M})`, "{} 3 3.5 5.5 6.25");
  await same(`quantile(2, ${M})`, "{} +Inf +Inf +Inf +Inf");
  await same(`distinct(${M})`, "{} 4 4 2 4");
  await same(`mode(${M})`, "{} 10 2 5 4");
  await same(`mad(${M})`, "{} 3 2.5 1 8");
});

test("by, without and limit", async () => {
  await same(`count(${M}) without (host)`, "{} 1 1 1 1", '{dc="a"} 2 2 1 1', '{dc="b"} 2 1 _ 2');
  await same(`count(${M}) by (dc, host) limit 2`, '{dc="a",host="1"} 1 1 _ 1', '{dc="a",host="2"} 1 1 1 _');
  await same(`sum(${M}) by (__name__)`, "m 31 33 12 71");
  await same(`sum(${M}) by (nowhere)`, "{} 31 33 12 71");
  await same(`sum(count_over_time(m[15s])) by (__name__)`, "{} 5 4 2 4");
  await same(`sum(count_over_time(m[15s]) keep_metric_names) by (__name__)`, "m 5 4 2 4");
});

test("arguments are pooled", async () => {
  await same(`sum(last_over_time(m{dc="a"}[15s]), 100)`, "{} 104 106 105 104");
  await same("sum(1, 2)", "{} 3 3 3 3");
});

test("a streamed aggregate equals the same over a list", async () => {
  for (const name of ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "sum2", "geomean"]) {
    for (const by of ["", "by (dc)", "without (dc)"]) {
      assert.deepEqual(
        await at.range(`${name}(${M}) ${by}`),
        await at.range(`${name}(${M} + 0) ${by}`),
        `${name} ${by}`,
      );
    }
  }
});

test("aggregates under offset and @", async () => {
  await same("sum(last_over_time(m[15s] offset 15s))", "{} _ 31 33 12");
  await same("sum(last_over_time(m[15s] @ start()))", "{} 31 31 31 31");
});

test("topk and bottomk keep values per point", async () => {
  await same(`topk(1, ${M})`, 'm{dc="b",host="3"} 10 _ _ 40', 'm{dc="b",host="4"} _ 20 _ _', 'm{host="5"} _ _ 7 _');
  await same(`bottomk(1, ${M})`, 'm{dc="a",host="1"} 1 2 _ 4', 'm{dc="a",host="2"} _ _ 5 _');
});

test("topk orders by the last point", async () => {
  const at2 = harness('v{n="a"} 3 1\nv{n="b"} 2 2\nv{n="c"} 1 3');
  assert.deepEqual(await at2.range("topk(2, v)"), ['v{n="c"} _ 3', 'v{n="b"} 2 2', 'v{n="a"} 3 _']);
  assert.deepEqual(await at2.range("bottomk(2, v)"), ['v{n="a"} _ 1', 'v{n="b"} 2 2', 'v{n="c"} 1 _']);
  assert.deepEqual(await at2.range("topk(0, v)"), []);
  assert.deepEqual(await at2.range("topk(NaN, v)"), []);
  assert.deepEqual((await at2.range("topk(Inf, v)")).length, 3);
  assert.deepEqual(await at2.range("topk(1.9, v)"), ['v{n="c"} _ 3', 'v{n="a"} 3 _']);
  assert.deepEqual(await at2.range("topk_max(1, v)"), ['v{n="a"} 3 1']);
  assert.deepEqual(await at2.range("bottomk_last(1, v)"), ['v{n="a"} 3 1']);
  assert.deepEqual(await at2.range('topk_last(1, v, "n=rest")'), ['{n="rest"} 5 3', 'v{n="c"} 1 3']);
  assert.deepEqual(await at2.range('topk_avg(3, v, "rest")'), ['v{n="a"} 3 1', 'v{n="b"} 2 2', 'v{n="c"} 1 3']);
  assert.deepEqual((await at2.range("limitk(2, v)")).length, 2);
  assert.deepEqual(await at2.range("limitk(2, v)"), await at2.range("limitk(2, v)"));
  assert.deepEqual((await at2.range("any(v)")).length, 1);
});

test("series from values", async () => {
  const at2 = harness('v{n="a"} 1 1\nv{n="b"} 2 1\nv{n="c"} 1e-7 1e21');
  assert.deepEqual(await at2.range('count_values("x", v)'), [
    '{x="0.0000001"} 1 _',
    '{x="1"} 1 2',
    '{x="1000000000000000000000"} _ 1',
    '{x="2"} 1 _',
  ]);
  assert.deepEqual(await at2.range('count_values("n", v{n="a"}) by (n)'), ['{n="1"} 1 1']);
  assert.deepEqual(await at2.range('quantiles("q", 0, 0.5, 1, v{n!="c"})'), [
    '{q="0"} 1 1',
    '{q="0.5"} 1.5 1',
    '{q="1"} 2 1',
  ]);
  assert.deepEqual(await at2.range('histogram(v{n!="c"})'), [
    '{le="+Inf"} 2 2',
    '{le="1.000e+00"} 1 2',
    '{le="1.896e+00"} 1 2',
    '{le="2.154e+00"} 2 2',
    '{le="8.799e-01"} 0 0',
  ]);
});

test("outliers, shares and scores", async () => {
  const at2 = harness('v{n="a"} 1 1\nv{n="b"} 2 1\nv{n="c"} 3 1\nv{n="d"} 94 -1\nv{n="e"} 2 1');
  assert.deepEqual(await at2.range("outliersk(1, v)"), ['v{n="d"} 94 -1']);
  assert.deepEqual(await at2.range("outliers_mad(5, v)"), ['v{n="d"} 94 -1']);
  assert.deepEqual(await at2.range("outliers_iqr(v)"), ['v{n="d"} 94 -1']);
  assert.deepEqual(await at2.range('share(v{n=~"b|d"})'), ['v{n="b"} 0.0208333333333 1', 'v{n="d"} 0.979166666667 _']);
  assert.deepEqual(await at2.range('zscore(v{n=~"a|c"})'), ['v{n="a"} -1 _', 'v{n="c"} 1 _']);
});

test("nothing in, nothing out", async () => {
  for (const name of AGGREGATES.keys()) {
    const before = /^(topk|bottomk|limitk|outliersk|outliers_mad|quantile$)/.test(name) ? "1, " : "";
    const strings = name === "count_values" ? '"x", ' : name === "quantiles" ? '"x", 1, ' : "";
    assert.deepEqual(await at.range(`${name}(${before}${strings}nowhere)`), [], name);
  }
});

test("wrong arguments are the caller's mistake", async () => {
  const refused = async (query: string, message: RegExp): Promise<void> => {
    await assert.rejects(at.range(query), (error: { code?: string; message: string }) => {
      assert.equal(error.code, "INPUT", query);
      assert.match(error.message, message, query);
      return true;
    });
  };
  await refused("topk(m)", /topk: want 2 arguments, got 1/);
  await refused("topk(m, m)", /topk: argument 1 must be a scalar, got 5 series/);
  await refused("count_values(m, m)", /must be a string/);
  await refused("quantiles(m)", /want at least 3 arguments/);
  await refused("sum()", /want at least 1 argument|sum/);
});
