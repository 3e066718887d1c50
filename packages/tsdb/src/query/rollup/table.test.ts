/** Rollup functions by what they answer: one line a case, checked by hand against the rules in metricsql's manual. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectations } from "../testing/expectations.test.support.ts";
import { harness } from "../testing/harness.ts";
import { ROLLUPS } from "./table.ts";

/** Samples 15 s apart; `g` is a gauge, `c` a counter with a restart, `gap` misses some, `stale` ends. */
const at = harness(`
  g            1 4 2 2 8 5
  c            10 20 30 5 15 25
  gap          1 _ _ _ _ 6
  big          1000 1001 1002 1003 1004 1005
  gone         1 2 3 stale _ _
  two{a="x"}   1 2 3 4 5 6
  two{a="y"}   6 5 4 3 2 1
`);
const { same } = expectations(at);

test("windows are open on the left and closed on the right", async () => {
  await same("count_over_time(g[15s])", "{} 1 1 1 1 1 1");
  await same("count_over_time(g[30s])", "{} 1 2 2 2 2 2");
  await same("count_over_time(g[31s])", "{} 1 2 3 3 3 3");
  await same("count_over_time(g[29s])", "{} 1 2 2 2 2 2");
  await same("sum_over_time(g[45s] offset 15s)", "{} _ 1 5 7 8 12");
});

test("plain statistics of the window", async () => {
  await same("avg_over_time(g[30s])", "g 1 2.5 3 2 5 6.5");
  await same("sum_over_time(g[30s])", "{} 1 5 6 4 10 13");
  await same("sum2_over_time(g[30s])", "{} 1 17 20 8 68 89");
  await same("min_over_time(g[45s])", "g 1 1 1 2 2 2");
  await same("max_over_time(g[45s])", "g 1 4 4 4 8 8");
  await same("range_over_time(g[45s])", "{} 0 3 3 2 6 6");
  await same("first_over_time(g[45s])", "g 1 1 1 4 2 2");
  await same("last_over_time(g[45s])", "g 1 4 2 2 8 5");
  await same("present_over_time(gap[30s])", "{} 1 1 _ _ _ 1");
  await same("stddev_over_time(g[30s])", "{} 0 1.5 1 0 3 1.5");
  await same("stdvar_over_time(g[30s])", "{} 0 2.25 1 0 9 2.25");
  await same("geomean_over_time(g[30s])", "g 1 2 2.82842712475 2 4 6.32455532034");
  await same(
    "rate_over_sum(g[30s])",
    "{} 0.0333333333333 0.166666666667 0.2 0.133333333333 0.333333333333 0.433333333333",
  );
});

test("what happens between samples may be nothing: from infinity to infinity, before a lone sample", async () => {
  const { range } = harness("e Inf Inf 1 2 _ _\nlone _ _ 3 _ _ _");
  const is = async (query: string, ...lines: string[]) => assert.deepEqual(await range(query), lines, query);
  // Changes to the next sample: NaN, -Inf, 1 and 1 again.
  await is('rollup_delta(e[45s], "min")', "{} _ _ _ -Inf 1 1");
  await is('rollup_delta(e[45s], "max")', "{} _ _ _ 1 1 1");
  await is('rollup_delta(e[45s], "avg")', "{} _ _ _ -Inf 1 1");
  await is(
    "rollup_deriv(e[15s])",
    ...["avg", "max", "min"].map((tag) => `{rollup="${tag}"} _ -Inf 0.0666666666667 0.0666666666667 _ _`),
  );
  await is("rollup_scrape_interval(lone[45s])");
  await is('rollup_increase(lone[45s], "max")', "{} _ _ 0 0 0 _");
});

test("order statistics", async () => {
  await same("median_over_time(g[45s])", "g 1 2.5 2 2 2 5");
  await same("quantile_over_time(0.25, g[45s])", "g 1 1.75 1.5 2 2 3.5");
  await same("quantile_over_time(2, g[15s])", "g +Inf +Inf +Inf +Inf +Inf +Inf");
  await same("quantile_over_time(-1, g[15s])", "g -Inf -Inf -Inf -Inf -Inf -Inf");
  await same("quantile_over_time(NaN, g[15s])");
  await same('quantiles_over_time("phi", 0, 1, g[45s])', 'g{phi="0"} 1 1 1 2 2 2', 'g{phi="1"} 1 4 4 4 8 8');
  await same("mode_over_time(g[60s])", "g 1 1 1 2 2 2");
  await same("distinct_over_time(g[60s])", "{} 1 2 3 3 3 3");
  await same("mad_over_time(g[45s])", "{} 0 1.5 1 0 0 3");
});

test("rate, increase and delta start from the sample before the window", async () => {
  await same("increase(c[30s])", "{} 10 20 20 15 15 20");
  await same("delta(g[30s])", "{} 1 4 1 -2 6 3");
  await same("rate(c[30s])", "{} _ 0.666666666667 0.666666666667 0.5 0.5 0.666666666667");
  await same("deriv_fast(g[30s])", "{} _ 0.2 0.0333333333333 -0.0666666666667 0.2 0.1");
  await same("irate(c[30s])", "{} _ 0.666666666667 0.666666666667 0.333333333333 0.666666666667 0.666666666667");
  await same("idelta(g[30s])", "{} 1 3 -2 0 6 -3");
  await same("ideriv(g[30s])", "{} _ 0.2 -0.133333333333 0 0.4 -0.2");
  await same("increase_prometheus(c[30s])", "{} _ 10 10 5 10 10");
  await same("delta_prometheus(g[30s])", "{} _ 3 -2 0 6 -3");
  await same(
    "rate_prometheus(c[30s])",
    "{} _ 0.333333333333 0.333333333333 0.166666666667 0.333333333333 0.333333333333",
  );
});

test("a series without a past started at 0 if its first value is small", async () => {
  await same("increase(big[30s])", "{} 0 1 2 2 2 2");
  await same("increase_pure(big[30s])", "{} 1000 1001 2 2 2 2");
  await same("delta(big[30s])", "{} 0 1 2 2 2 2");
});

test("after a gap the last value before it counts; after the end nothing does", async () => {
  // Scrape interval 75 s: the sample before is previous for 75 s · 9/8 before the window.
  await same("delta(gap[15s])", "{} 1 0 0 0 0 5");
  await same("changes(gap[15s])", "{} 1 0 0 0 0 1");
  await same("increase(gone[15s])", "{} 1 1 1 _ _ _");
  await same("rate(gone[15s])", "{} _ 0.0666666666667 0.0666666666667 _ _ _");
});

test("counts of changes", async () => {
  await same("changes(g[45s])", "{} 1 2 3 2 2 2");
  await same("changes_prometheus(g[45s])", "{} 0 1 2 1 1 2");
  await same("resets(c[45s])", "{} 0 0 0 1 1 1");
  await same("increases_over_time(g[45s])", "{} 0 1 1 1 1 1");
  await same("decreases_over_time(g[45s])", "{} 0 0 1 1 1 1");
  await same("ascent_over_time(g[45s])", "{} 0 3 3 3 6 6");
  await same("descent_over_time(g[45s])", "{} 0 0 2 2 2 3");
});

test("lines", async () => {
  await same(
    'deriv(two{a="x"}[45s])',
    '{a="x"} 0 0.0666666666667 0.0666666666667 0.0666666666667 0.0666666666667 0.0666666666667',
  );
  await same('predict_linear(two{a="x"}[45s], 30)', 'two{a="x"} 1 4 5 6 7 8');
  await same("deriv(g[15s])", "{} 0 0 0 0 0 0");
  await same('integrate(two{a="x"}[30s])', '{a="x"} 0 15 45 75 105 135');
  await same('holt_winters(two{a="x"}[60s], 0.5, 0.5)', 'two{a="x"} 1 2 3 4 5 6');
  await same('holt_winters(two{a="x"}[60s], 2, 0.5)');
});

test("times are seconds", async () => {
  const start = 1_704_067_200;
  await same("timestamp(gap)", `{} ${start} ${start} ${start} ${start} ${start} ${start + 75}`);
  await same("tfirst_over_time(g[30s])", `{} ${[0, 0, 15, 30, 45, 60].map((s) => start + s).join(" ")}`);
  await same("tmax_over_time(g[45s])", `{} ${[0, 15, 15, 15, 60, 60].map((s) => start + s).join(" ")}`);
  await same("tmin_over_time(g[45s])", `{} ${[0, 0, 0, 45, 45, 45].map((s) => start + s).join(" ")}`);
  await same("lag(gap[15s])", "{} 0 15 30 45 60 0");
  await same("lifetime(g[45s])", "{} _ 15 30 45 45 45");
  await same("scrape_interval(g[45s])", "{} _ 15 15 15 15 15");
  await same("duration_over_time(g[45s], 20)", "{} 0 15 30 30 30 30");
  await same("tlast_change_over_time(g[30s])", `{} ${[0, 15, 30, 30, 60, 75].map((s) => start + s).join(" ")}`);
});

test("comparisons with a number", async () => {
  await same("count_gt_over_time(g[45s], 2)", "{} 0 1 1 1 1 2");
  await same("count_le_over_time(g[45s], 2)", "{} 1 1 2 2 2 1");
  await same("count_eq_over_time(g[45s], 2)", "{} 0 0 1 2 2 1");
  await same("count_ne_over_time(g[45s], 2)", "{} 1 2 2 1 1 2");
  await same("share_gt_over_time(g[30s], 2)", "{} 0 0.5 0.5 0 0.5 1");
  await same("sum_gt_over_time(g[30s], 2)", "{} 0 4 4 0 8 13");
});

test("staleness markers end a plain selector, others ignore them", async () => {
  await same("gone", "gone 1 2 3 _ _ _");
  await same("last_over_time(gone[60s])", "gone 1 2 3 3 3 3");
  await same("count_over_time(gone[60s])", "{} 1 2 3 3 2 1");
  await same("stale_samples_over_time(gone[30s])", "{} 0 0 0 1 1 _");
});

test("absent_over_time answers one series for all", async () => {
  await same("absent_over_time(gap[15s])", "{} _ 1 1 1 1 _");
  await same("absent_over_time(two[15s])");
  await same('absent_over_time(nowhere{a="b",c=~"d"}[15s])', '{a="b"} 1 1 1 1 1 1');
  await same("sum(absent_over_time(gap[15s]))", "{} _ 1 1 1 1 _");
});

test("several series of one", async () => {
  await same(
    "rollup(g[30s])",
    'g{rollup="avg"} 1 2.5 3 2 5 6.5',
    'g{rollup="max"} 1 4 4 2 8 8',
    'g{rollup="min"} 1 1 2 2 2 5',
  );
  await same('rollup(g[30s], "max")', "g 1 4 4 2 8 8");
  await same('rollup_increase(c[30s], "max")', "{} 10 10 10 10 10 10");
  await same('rollup_delta(g[30s], "min")', "{} 3 -2 -2 0 -3 -3");
  await same('rollup_rate(c[30s], "avg")', "{} 0.666666666667 0.666666666667 0.5 0.5 0.666666666667 0.666666666667");
  await same('aggr_over_time("max_over_time", g[30s])', '{rollup="max_over_time"} 1 4 4 2 8 8');
  await same(
    'aggr_over_time(("first_over_time", "count_over_time"), g[30s])',
    '{rollup="count_over_time"} 1 2 2 2 2 2',
    '{rollup="first_over_time"} 1 1 4 2 2 8',
  );
  await same('count_values_over_time("v", gap[30s])', '{v="1"} 1 1 _ _ _ _', '{v="6"} _ _ _ _ _ 1');
  await same(
    "histogram_over_time(gap[15s])",
    '{vmrange="5.995e+00...6.813e+00"} _ _ _ _ _ 1',
    '{vmrange="8.799e-01...1.000e+00"} 1 _ _ _ _ _',
  );
});

test("names stay where the value still is the metric's", async () => {
  await same("count_over_time(g[15s]) keep_metric_names", "g 1 1 1 1 1 1");
  for (const name of ["avg", "min", "max", "median", "mode", "first", "last", "geomean"]) {
    assert.ok((await at.range(`${name}_over_time(g[15s])`))[0]?.startsWith("g "), name);
  }
});

test("subqueries sample the inside on multiples of their step", async () => {
  await same("max_over_time(g[30s:15s])", "g 1 4 4 2 8 8");
  await same("sum_over_time((g > 2)[45s:15s])", "{} _ 4 4 4 8 13");
  await same("count_over_time(g[1m:5s])", "{} 1 4 7 10 12 12");
  await same("avg_over_time(sum(two)[30s:15s])", "{} 7 7 7 7 7 7");
});

test("offset and @", async () => {
  await same("g offset 30s", "g _ _ 1 4 2 2");
  await same("g offset -30s", "g 2 2 8 5 5 _");
  await same("g @ 1704067260", "g 8 8 8 8 8 8");
  await same("g @ end()", "g 5 5 5 5 5 5");
  await same("sum(two) offset 15s", "{} _ 7 7 7 7 7");
  await same("increase(c[30s] @ start() offset -30s)", "{} 20 20 20 20 20 20");
});

test("wrong arguments are the caller's mistake", async () => {
  const refused = async (query: string, message: RegExp): Promise<void> => {
    await assert.rejects(at.range(query), (error: { code?: string; status?: number; message: string }) => {
      assert.equal(error.code, "INPUT", query);
      assert.match(error.message, message, query);
      return true;
    });
  };
  await refused("rate()", /rate: want 1 argument, got 0/);
  await refused("rate(g, 1)", /rate: want 1 argument, got 2/);
  await refused("quantile_over_time(two, g[1m])", /argument 1 must be a scalar, got 2 series/);
  await refused("count_values_over_time(1, g[1m])", /argument 1 must be a string/);
  await refused('rollup(g[1m], "nope")', /want "min", "max", "avg" as the last argument, got "nope"/);
  await refused('aggr_over_time("nope", g[1m])', /one-argument rollup functions, got "nope"/);
  await refused("rat(g)", /unknown function "rat"; did you mean "rate"\?/);
  await refused("g @ two", /want one series with the time in seconds, got 2/);
  await refused("rate(g[-1m])", /window|duration/);
});

test("every rollup answers something over a gauge", async () => {
  const extra: Record<string, string> = {
    aggr_over_time: '("rate", "avg_over_time"), g[1m]',
    count_values_over_time: '"v", g[1m]',
    holt_winters: "g[1m], 0.5, 0.5",
    hoeffding_bound_lower: "0.5, g[1m]",
    hoeffding_bound_upper: "0.5, g[1m]",
    quantile_over_time: "0.5, g[1m]",
    quantiles_over_time: '"phi", 0.5, g[1m]',
  };
  const empty = new Set(["absent_over_time", "outlier_iqr_over_time"]);
  for (const [name, { args }] of ROLLUPS) {
    const given = extra[name] ?? (args.includes("scalar") ? "g[1m], 2" : "g[1m]");
    const lines = await at.range(`${name}(${given})`);
    assert.equal(lines.length === 0, empty.has(name), name);
  }
});
