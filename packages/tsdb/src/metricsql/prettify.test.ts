import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../base/errors.ts";
import { diceOf } from "../base/random.ts";
import { parse } from "./parse.ts";
import { prettify } from "./prettify.ts";
import { printExpr } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

test("what fits stays on one line, as it was written", () => {
  const same = (query: string, text = query) => assert.equal(prettify(query), text, query);
  same("up");
  same("  up # comment", "up");
  same("m[90s] offset -1w", "m[90s] offset -1w");
  same("m[300:0.5i] @ end() offset 5m-10m", "m[300:0.5i] offset 5m-10m @ end()");
  same("m[5m:]");
  same("m @ -x");
  same("{'foo-bar',a!~`\\d+`,}", "{'foo-bar',a!~`\\d+`}");
  same('foo{a="1" or b="2"}');
  same("foo{}", "foo{}");
  same("0x1F+1_000*5KiB", "0x1F + 1_000 * 5KiB");
  same("SUM BY(job,'a-b')(Rate(m[5m]))LIMIT 3", "SUM(Rate(m[5m])) by (job, 'a-b') limit 3");
  same("((a)+(((b))))*c", "((a) + (b)) * c");
  same("- -a*+b", "- -a * b");
  same("a==BOOL ON(x)GROUP_LEFT(y)prefix'p'b", 'a == bool on (x) group_left (y) prefix "p" b');
  same("a*on()group_right(*)fill_left(-1)b", "a * on () group_right (*) fill_left (-1) b");
  same("a - fill(Inf) b", "a - fill (Inf) b");
  same("a + b keep_metric_names", "(a + b) keep_metric_names");
  same("(a + rate(b) keep_metric_names)keep_metric_names", "(a + rate(b) keep_metric_names) keep_metric_names");
  same("with(x={a='b'},f(y)=y*2,)f(x{c=\"d\"+e})", "WITH (x = {a='b'}, f(y) = y * 2) f(x{c=\"d\" + e})");
  same("with()\\or", "WITH () \\or");
  same("unknown_template(x)[w:s]", "unknown_template(x)[w:s]");
});

test("what does not fit is broken at its outermost brackets and operators", () => {
  const check = (query: string, lines: readonly string[]) => {
    assert.deepEqual(prettify(query).split("\n"), lines);
    assert.equal(prettify(prettify(query)), prettify(query));
  };
  check(
    'sum by(x) (rate(process_cpu_seconds_total{instance="foo",job="bar"}[5m] offset 1h @ start())) / on(x) group_right(y) sum(rate(node_cpu_seconds_total{mode!="idle"}[5m]))',
    [
      "sum(",
      "  rate(",
      '    process_cpu_seconds_total{instance="foo",job="bar"}[5m] offset 1h @ start()',
      "  )",
      ") by (x)",
      "  / on (x) group_right (y)",
      'sum(rate(node_cpu_seconds_total{mode!="idle"}[5m]))',
    ],
  );
  check(
    'process_cpu_seconds_total{instance="foobar-baz",job="job1234567" or instance="lkjlkjlkjlkjl",job="lkjlj",some_very_long_label="very_very_very_long_value_12397787"}[5m:3s]',
    [
      "process_cpu_seconds_total{",
      '  instance="foobar-baz",job="job1234567"',
      "    or",
      '  instance="lkjlkjlkjlkjl",',
      '  job="lkjlj",',
      '  some_very_long_label="very_very_very_long_value_12397787"',
      "}[5m:3s]",
    ],
  );
  check(
    'with (f(a)=foo{a,qw="ert"}, x = process_cpu_seconds_total{aaaaaaaaaaaaaaaaaaaaaaaaa="bbbb",cccccc="dddd",ppppp=~"xxxxxxx"}, y=f({ab="cde"})) x + sum(y)',
    [
      "WITH (",
      '  f(a) = foo{a,qw="ert"},',
      "  x = (",
      "    process_cpu_seconds_total{",
      '      aaaaaaaaaaaaaaaaaaaaaaaaa="bbbb",cccccc="dddd",ppppp=~"xxxxxxx"',
      "    }",
      "  ),",
      '  y = f({ab="cde"}),',
      ")",
      "x + sum(y)",
    ],
  );
  const [a, b, c] = ["a", "b", "c"].map((name) => `${name.repeat(40)}{}`) as [string, string, string];
  check(`${a}+${b}-${c}`, [a, "  +", b, "  -", c]);
  check(`-${a}+${b}*${c}`, [`-${a}`, "  +", "(", `  ${b}`, "    *", `  ${c}`, ")"]);
  check(`${a} + ${b} keep_metric_names`, ["(", `  ${a}`, "    +", `  ${b}`, ") keep_metric_names"]);
  check(`(${a},${b})`, ["(", `  ${a},`, `  ${b}`, ")"]);
});

test("prettify changes nothing of what a query means, and nothing more the second time", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const query = randomQuery(diceOf(seed));
      const text = prettify(query);
      assert.equal(printExpr(parse(text)), printExpr(parse(query)), `${query}\n→\n${text}`);
      assert.equal(prettify(text), text, query);
    }),
    { seed: 20260901, numRuns: 1000 },
  );
});

test("white space does not grow with the square of the query", () => {
  const query = `${"f(".repeat(400)}${"x,".repeat(7000)}${")".repeat(400)}`;
  assert.ok(prettify(query).length < 50 * query.length);
});

test("a chain is laid out whatever its length", () => {
  const links = ` + ${"a".repeat(40)}`.repeat(300);
  assert.equal(prettify(`a${links}`).split("\n").length, 601);
  const kept = `a${" + b keep_metric_names".repeat(200)}`;
  assert.equal(prettify(prettify(kept)), prettify(kept));
});

test("prettify refuses what is no query, and what is too deep", () => {
  for (const query of [
    "",
    "foo{",
    "a b",
    "a +",
    `a${" ^ a".repeat(2000)}`,
    `a${" + b keep_metric_names".repeat(700)}`,
    "(".repeat(10_000),
  ]) {
    assert.throws(
      () => prettify(query),
      (error) => error instanceof InputError && error.line > 0 && error.column > 0,
    );
  }
});
