import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diceOf } from "../base/random.ts";
import type { Expr } from "./ast.ts";
import { parse } from "./parse.ts";
import { printExpr } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

test("printExpr is canonical", () => {
  const same = (query: string, text = query) => assert.equal(printExpr(parse(query)), text, query);
  same("up");
  same('up{job="node"}');
  same("up{ job = 'node', }", 'up{job="node"}');
  same('{"my.metric",job="x"}', 'my.metric{job="x"}');
  same('{__name__=~"a|b"}');
  same('up{a="1" or b="2"}');
  same('{__name__="up",a="1" or b="2"}', 'up{a="1" or b="2"}');
  same('{a="1" or b="2"}');
  same("{}");
  same('{"foo-bar"}', "foo\\-bar");
  same('{"inf"}', "\\inf");
  same('{"1 ж"}', "\\1\\ ж");
  same('SUM(up) BY (job, "a-b") LIMIT 3', "sum(up) by (job, a\\-b) limit 3");
  same("sum by (job) (Rate(m[5m]))", "sum(rate(m[5m])) by (job)");
  same("a + b * c ^ d ^ e");
  same("(a + b) * c");
  same("a - (b - c)");
  same("(a ^ b) ^ c");
  same("a ^ (b ^ c)", "a ^ b ^ c");
  same("-a * b", "0 - a * b");
  same("(-2) ^ m");
  same("-2 + m");
  same("m > -2");
  same("m ^ -2");
  same("(0 * -1) + m");
  same("(a + b) keep_metric_names");
  same("a + b keep_metric_names", "(a + b) keep_metric_names");
  same("rate(m[5m]) keep_metric_names");
  same("a == bool on(x) group_left(y) prefix 'p' b", 'a == bool on (x) group_left (y) prefix "p" b');
  same("a * ignoring(x) group_right(*) fill_left(1) b", "a * ignoring (x) group_right (*) fill_left (1) b");
  same("a - fill(-1) b", "a - fill (-1) b");
  same("m[90s]", "m[1m30s]");
  same("m[300]", "m[5m]");
  same("m[1i:0.5i] @ end() offset -5m");
  same("m offset 5m @ (end() - 10m)", "m @ (end() - 10m) offset 5m");
  same("m[5m:]");
  same("m[:30s]");
  same("(a + b)[5m:1m]");
  same("(up offset 5m) offset 5m");
  same("q == (1, 2)");
  same("()", "()");
  same("union(a)");
  same("1i + m", "1i + m");
  same('"a\\n\\"\\x01ж"', '"a\\n\\"\\u0001ж"');
  same("1e21 + m", "1e+21 + m");
});

test("parse reads what printExpr wrote", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const query = randomQuery(diceOf(seed));
      const expr = parse(query);
      const text = printExpr(expr);
      const again = parse(text);
      assert.deepEqual(withoutPositions(again), withoutPositions(expr), `${query}\n→ ${text}`);
      assert.equal(printExpr(again), text, query);
    }),
    { seed: 20240105, numRuns: 1000 },
  );
});

function withoutPositions(expr: Expr): unknown {
  return JSON.parse(JSON.stringify(expr, (key, value: unknown) => (key === "pos" ? undefined : plain(value))));
}

/** JSON knows neither NaN nor -0. */
function plain(value: unknown): unknown {
  return typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${String(value)} ${1 / value}`
    : value;
}
