/** Transform and label functions by what they answer: one line a case. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectations } from "../testing/expectations.test.support.ts";
import { harness } from "../testing/harness.ts";

const at = harness(`
  v            -1.5 0 2.5 4
  gap          1 _ _ 4
  up{job="web",instance="a:80"}   1 1 1 1
  up{job="db",instance="b:81"}    0 0 1 1
  c            1 5 2 3
`);
const { same, refused } = expectations(at);

test("point by point", async () => {
  await same("abs(v)", "{} 1.5 0 2.5 4");
  await same("abs(v) keep_metric_names", "v 1.5 0 2.5 4");
  await same("ceil(v)", "v -1 0 3 4");
  await same("floor(v)", "v -2 0 2 4");
  await same("sgn(v)", "{} -1 0 1 1");
  await same("sqrt(v)", "{} _ 0 1.58113883008 2");
  await same("ln(v)", "{} _ -Inf 0.916290731874 1.38629436112");
  await same("log2(v)", "{} _ -Inf 1.32192809489 2");
  await same("log10(v)", "{} _ -Inf 0.397940008672 0.602059991328");
  await same("exp(v)", "{} 0.223130160148 1 12.1824939607 54.5981500331");
  await same("deg(pi())", "{} 180 180 180 180");
  await same("rad(180)", "{} 3.14159265359 3.14159265359 3.14159265359 3.14159265359");
  await same("cos(v * 0)", "{} 1 1 1 1");
  await same("bitmap_and(7, 5)", "{} 5 5 5 5");
  await same("bitmap_or(8, 5)", "{} 13 13 13 13");
  await same("bitmap_xor(2 ^ 30, 1)", "{} 1073741825 1073741825 1073741825 1073741825");
});

test("round goes half away from zero", async () => {
  await same("round(v)", "v -2 0 3 4");
  await same("round(v, 10)", "v 0 0 0 0");
  // 0.25 is 0.1 · 2.5 less a bit, in floats and in VictoriaMetrics.
  await same("round(v / 10, 0.1)", "{} -0.2 0 0.2 0.4");
  await same("round(2.46, 0.1)", "{} 2.5 2.5 2.5 2.5");
});

test("clamp looks at the upper bound first", async () => {
  await same("clamp(v, 0, 3)", "v 0 0 2.5 3");
  await same("clamp(v, 3, 0)", "v 3 3 0 0");
  await same("clamp_min(v, 1)", "v 1 1 2.5 4");
  await same("clamp_max(v, scalar(gap))", "v -1.5 0 1 4");
});

test("time", async () => {
  const start = 1_704_067_200;
  await same("time()", `{} ${start} ${start + 15} ${start + 30} ${start + 45}`);
  await same("start()", `{} ${start} ${start} ${start} ${start}`);
  await same("end() - start()", "{} 45 45 45 45");
  await same("step()", "{} 15 15 15 15");
  await same("year()", "{} 2024 2024 2024 2024");
  await same("month(1709164800)", "{} 2 2 2 2");
  await same("days_in_month(1709164800)", "{} 29 29 29 29");
  await same("day_of_month(1709164800)", "{} 29 29 29 29");
  await same("day_of_year(1709164800)", "{} 60 60 60 60");
  await same("day_of_week(1709164800)", "{} 4 4 4 4");
  await same("hour(3661)", "{} 1 1 1 1");
  await same("minute(3661)", "{} 1 1 1 1");
  await same('timezone_offset("Asia/Kathmandu")', "{} 20700 20700 20700 20700");
  await same('timezone_offset("America/New_York")', "{} -18000 -18000 -18000 -18000");
  await refused('timezone_offset("Nowhere/Here")', /want a time zone/);
});

test("absent, scalar, vector, union", async () => {
  await same("absent(last_over_time(gap[15s]))", "{} _ 1 1 _");
  await same('absent(nowhere{a="b",a="c",d=~"e"})', '{a="c"} 1 1 1 1');
  await same("absent(up)");
  await same("scalar(v)", "{} -1.5 0 2.5 4");
  await same("scalar(up)");
  await same('scalar("1.5")', "{} 1.5 1.5 1.5 1.5");
  await same("vector(3)", "{} 3 3 3 3");
  await same("(v, c, v)", "c 1 5 2 3", "v -1.5 0 2.5 4");
  await same("()");
});

test("gaps", async () => {
  const gap = "last_over_time(gap[15s])";
  await same(gap, "gap 1 _ _ 4");
  await same(`keep_last_value(${gap})`, "gap 1 1 1 4");
  await same(`keep_next_value(${gap})`, "gap 1 4 4 4");
  await same(`interpolate(${gap})`, "gap 1 2 3 4");
  await same(`${gap} default 0`, "gap 1 0 0 4");
  await same("drop_empty_series(v > 100) default 7", "{} 7 7 7 7");
  await same("(v > 100) default 7", "v 7 7 7 7");
});

test("the whole range", async () => {
  await same("range_sum(v)", "{} 5 5 5 5");
  await same("range_avg(v)", "{} 1.25 1.25 1.25 1.25");
  await same("range_min(v)", "{} -1.5 -1.5 -1.5 -1.5");
  await same("range_max(v)", "{} 4 4 4 4");
  await same("range_first(v)", "v -1.5 -1.5 -1.5 -1.5");
  await same("range_last(v)", "v 4 4 4 4");
  await same("range_median(v)", "v 1.25 1.25 1.25 1.25");
  await same("range_quantile(0, v)", "v -1.5 -1.5 -1.5 -1.5");
  await same("range_stdvar(c)", "c 2.1875 2.1875 2.1875 2.1875");
  await same("range_normalize(c)", "c 0 1 0.25 0.5");
  await same("range_linear_regression(c)", "c 2.3 2.6 2.9 3.2");
  await same("range_trim_spikes(0.5, c)", "c _ _ 2 3");
  await same("range_mad(c)", "c 1 1 1 1");
  await same("running_sum(v)", "{} -1.5 -1.5 1 5");
  await same("running_max(c)", "{} 1 5 5 5");
  await same("running_min(c)", "{} 1 1 1 1");
  await same("running_avg(c)", "{} 1 3 2.66666666667 2.75");
  await same("remove_resets(c)", "c 1 5 7 8");
  await same("smooth_exponential(c, 0.5)", "c 1 3 2.5 2.75");
});

test("labels", async () => {
  const web = 'up{job="web"}';
  await same(`label_set(${web}, "x", "y", "job", "")`, 'up{instance="a:80",x="y"} 1 1 1 1');
  await same(`label_del(${web}, "__name__", "job")`, '{instance="a:80"} 1 1 1 1');
  await same(`label_keep(${web}, "job")`, '{job="web"} 1 1 1 1');
  await same(`label_copy(${web}, "job", "copy", "nowhere", "job")`, 'up{copy="web",instance="a:80",job="web"} 1 1 1 1');
  await same(`label_move(${web}, "job", "moved")`, 'up{instance="a:80",moved="web"} 1 1 1 1');
  await same(
    `label_join(${web}, "id", "/", "job", "instance", "nowhere")`,
    'up{id="web/a:80/",instance="a:80",job="web"} 1 1 1 1',
  );
  await same(
    `label_replace(${web}, "host", "$1", "instance", "(.*):.*")`,
    'up{host="a",instance="a:80",job="web"} 1 1 1 1',
  );
  await same(
    `label_replace(${web}, "host", "\${port}-$1x", "instance", "(.*):(?P<port>.*)")`,
    'up{host="80-",instance="a:80",job="web"} 1 1 1 1',
  );
  await same(`label_replace(${web}, "host", "no", "instance", "a")`, 'up{instance="a:80",job="web"} 1 1 1 1');
  await same(`label_transform(${web}, "instance", "[0-9]", "<$0>")`, 'up{instance="a:<8><0>",job="web"} 1 1 1 1');
  await same(`label_map(${web}, "job", "web", "front")`, 'up{instance="a:80",job="front"} 1 1 1 1');
  await same(`label_uppercase(${web}, "job")`, 'up{instance="a:80",job="WEB"} 1 1 1 1');
  await same(`label_value(label_set(${web}, "n", "12"), "n")`, '{instance="a:80",job="web",n="12"} 12 12 12 12');
  await same('label_match(up, "job", "w.*")', 'up{instance="a:80",job="web"} 1 1 1 1');
  await same('label_mismatch(up, "job", "w.*")', 'up{instance="b:81",job="db"} 0 0 1 1');
  await same('labels_equal(label_set(up, "x", "db"), "x", "job")', 'up{instance="b:81",job="db",x="db"} 0 0 1 1');
  await same("drop_common_labels(up)", '{instance="a:80",job="web"} 1 1 1 1', '{instance="b:81",job="db"} 0 0 1 1');
  await same('label_graphite_group(alias(v, "a.b.c"), 2, 0, 9)', "c.a. -1.5 0 2.5 4");
  await same('label_set(v, "__proto__", "x")', 'v{__proto__="x"} -1.5 0 2.5 4');
  await refused('label_replace(v, "a", "b", "c", "(")', /label_replace: cannot read regex/);
  await refused('label_set(v, "a")', /want pairs of strings, got 1/);
});

test("order", async () => {
  const order = async (query: string): Promise<string[]> =>
    (await at.range(query)).map((line) => line.split(" ")[0] as string);
  assert.deepEqual(await order("sort((v, c, gap))"), ["c", "gap", "v"]);
  assert.deepEqual(await order("sort_desc((c, v))"), ["v", "c"]);
  assert.deepEqual(await order('sort_by_label(up, "job")'), [
    'up{instance="b:81",job="db"}',
    'up{instance="a:80",job="web"}',
  ]);
  assert.deepEqual(await order('sort_by_label_desc(up, "job")'), [
    'up{instance="a:80",job="web"}',
    'up{instance="b:81",job="db"}',
  ]);
  const versions = '(label_set(1, "v", "1.10"), label_set(2, "v", "1.9"), label_set(3, "v", "1.9b"))';
  assert.deepEqual(await order(`sort_by_label_numeric(${versions}, "v")`), ['{v="1.10"}', '{v="1.9"}', '{v="1.9b"}']);
  const hosts = '(label_set(1, "h", "n10"), label_set(2, "h", "n9"))';
  assert.deepEqual(await order(`sort_by_label_numeric(${hosts}, "h")`), ['{h="n9"}', '{h="n10"}']);
  assert.deepEqual(await order(`sort_by_label_numeric_desc(${hosts}, "h")`), ['{h="n10"}', '{h="n9"}']);
  assert.deepEqual(await order("limit_offset(1, 1, sort_desc((c, v)))"), ["c"]);
});

test("random numbers repeat by seed", async () => {
  assert.deepEqual(await at.range("rand(1)"), await at.range("rand(1)"));
  for (const name of ["rand", "rand_normal", "rand_exponential"])
    assert.equal((await at.range(`${name}(1)`)).length, 1);
});
