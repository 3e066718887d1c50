import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assertWithin } from "../base/patience.test.support.ts";
import { diceOf } from "../base/random.ts";
import { optimize } from "./optimize.ts";
import { parse } from "./parse.ts";
import { printExpr } from "./printer.ts";
import { randomQuery } from "./random-query.ts";

const another = (query: string, want: string) => assert.equal(printExpr(optimize(parse(query))), want, query);
const same = (query: string) => another(query, query);

test("filters go to both sides of an operator", () => {
  another('a{x="1"} / b', 'a{x="1"} / b{x="1"}');
  another('a{x="1"} + b{y=~"2|3"}', 'a{x="1",y=~"2|3"} + b{y=~"2|3",x="1"}');
  another('a{x="1"} > b{x="1"}', 'a{x="1"} > b{x="1"}');
  another('a + b + c{x="1"}', 'a{x="1"} + b{x="1"} + c{x="1"}');
  another('(a + b{y="2"}) * c{x="1"}', '(a{x="1",y="2"} + b{y="2",x="1"}) * c{x="1",y="2"}');
  another('rate(a{x="1"}[5m]) / (b offset 1h)', 'rate(a{x="1"}[5m]) / b{x="1"} offset 1h');
  another('a{x="1" or x="2",y="3"} * b', 'a{x="1" or x="2",y="3"} * b');
  another('a{x="1",y="3" or x="2",y="3"} * b', 'a{x="1",y="3" or x="2",y="3"} * b{y="3"}');
  another('a{x="1"} * b{c="d" or e="f"}', 'a{x="1"} * b{c="d",x="1" or e="f",x="1"}');
  another('2 * a{x="1"} + b', '2 * a{x="1"} + b{x="1"}');
  another('{__name__=~"a|b",x="1"} * c', '{__name__=~"a|b",x="1"} * c{x="1"}');
  same("a + b");
  same('{} + a{x="1"}');
  same('"s" + a{x="1"}');
});

test("matching lets only its labels through", () => {
  another('a{x="1",y="2"} * on(x) b{z="3"}', 'a{x="1",y="2"} * on (x) b{z="3",x="1"}');
  another('a{x="1",y="2"} * ignoring(x) b{z="3"}', 'a{x="1",y="2",z="3"} * ignoring (x) b{z="3",y="2"}');
  another('a{x="1"} * on(x) group_left(y) b', 'a{x="1"} * on (x) group_left (y) b{x="1"}');
  another('(a * on(x) b) + c{x="1",y="2"}', 'a{x="1"} * on (x) b{x="1"} + c{x="1",y="2"}');
  same('a{x="1"} * on () b');
  same('a{x="1"} + fill (0) b');
  same('(a + fill (0) b) * c{x="1"}');
});

test("sets and defaults", () => {
  another('a{x="1"} and b{y="2"}', 'a{x="1",y="2"} and b{y="2",x="1"}');
  another('a{x="1"} and on(x) b{y="2"}', 'a{x="1"} and on (x) b{y="2",x="1"}');
  another('a{x="1"} unless b{y="2"}', 'a{x="1"} unless b{y="2",x="1"}');
  another('a{x="1"} ifnot on(x) b', 'a{x="1"} ifnot on (x) b{x="1"}');
  same('a{x="1"} if b');
  same('a{x="1"} == (b, c)');
  same('(b, c) != a{x="1"}');
  same('(a == (b, c)) * d{x="1"}');
  another('a{x="1"} * (b, c)', 'a{x="1"} * (b{x="1"}, c{x="1"})');
  same('a{x="1"} or b{y="2"}');
  same('a{x="1"} default b');
  another('(a{x="1"} or b{x="1",y="2"}) * c', '(a{x="1"} or b{x="1",y="2"}) * c{x="1"}');
  another('(a or b) * c{x="1"}', '(a{x="1"} or b{x="1"}) * c{x="1"}');
  another('(a or on(y) b) * c{x="1"}', '(a or on (y) b{x="1"}) * c{x="1"}');
  another('(a{x="1"} default b{x="1"}) * c', '(a{x="1"} default b{x="1"}) * c{x="1"}');
  same('(a default b) * c{x="1"}');
  another('(a, b) * c{x="1"}', '(a{x="1"}, b{x="1"}) * c{x="1"}');
});

test("functions and aggregates let through what they keep", () => {
  another('sum(a) by (x) / b{x="1",y="2"}', 'sum(a{x="1"}) by (x) / b{x="1",y="2"}');
  another('sum(a{x="1",y="2"}) by (x) / sum(b) by (x)', 'sum(a{x="1",y="2"}) by (x) / sum(b{x="1"}) by (x)');
  another('sum(a) without (x) / b{x="1",y="2"}', 'sum(a{y="2"}) without (x) / b{x="1",y="2"}');
  another('topk(3, a{x="1"}) * b', 'topk(3, a{x="1"}) * b{x="1"}');
  another('topk(3, a) by (x) * b{x="1"}', 'topk(3, a{x="1"}) by (x) * b{x="1"}');
  another('histogram_quantile(0.9, a) * b{x="1",le="2"}', 'histogram_quantile(0.9, a{x="1"}) * b{x="1",le="2"}');
  another('quantile_over_time(0.9, a[5m]) * b{x="1"}', 'quantile_over_time(0.9, a{x="1"}[5m]) * b{x="1"}');
  another('abs(a) - abs(b{x="1"})', 'abs(a{x="1"}) - abs(b{x="1"})');
  another('absent(a / b{x="1"})', 'absent(a{x="1"} / b{x="1"})');
  another('label_set(a / b{x="1"}, "x", "2") * c{y="3"}', 'label_set(a{x="1"} / b{x="1"}, "x", "2") * c{y="3"}');
  same('topk(3, a) * b{x="1"}');
  same('sum(a) / b{x="1"}');
  same('sum(a) by (x) limit 3 / b{x="1"}');
  same('count_values("x", a) by (x) * b{x="1"}');
  same('topk_max(1, a, "x=rest") by (x) * b{x="1"}');
  same('label_set(a, "x", "1") * b{x="1"}');
  same('absent(a) * b{x="1"}');
  same('limit_offset(1, 2, a) * b{x="1"}');
  same('rollup(a[5m]) * b{rollup="min"}');
  same('scalar(a) * b{x="1"}');
});

test("the given tree stays as it is, and again changes nothing", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const query = randomQuery(diceOf(seed));
      const expr = parse(query);
      const before = printExpr(expr);
      const once = optimize(expr);
      assert.equal(printExpr(expr), before);
      assert.equal(printExpr(parse(printExpr(once))), printExpr(once));
    }),
    { seed: 20240106, numRuns: 1000 },
  );
});

test("long chains with many filters stay cheap", () => {
  const query = Array.from({ length: 400 }, (_, i) => `m{l${i}="${i}"}`).join(" + ");
  assertWithin(200, () => optimize(parse(query)), query);
});
