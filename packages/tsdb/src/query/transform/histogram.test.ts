/** Histograms of both kinds: cumulative `le` buckets and VictoriaMetrics' ranges. */
import { test } from "node:test";
import { expectations } from "../testing/expectations.test.support.ts";
import { harness } from "../testing/harness.ts";

const at = harness(`
  b{le="1"}     2 0
  b{le="2"}     6 0
  b{le="4"}     8 0
  b{le="+Inf"}  10 0
  broken{le="1"}    5 5
  broken{le="2"}    3 9
  broken{le="+Inf"} 6 10
  twice{le="5"}     1 1
  twice{le="5.0"}   1 1
  twice{le="+Inf"}  4 4
  odd{le="abc"}     1 1
  r{vmrange="1.000e+00...2.000e+00"} 4 4
  r{vmrange="3.000e+00...4.000e+00"} 4 4
`);
const { same } = expectations(at);

test("quantiles interpolate inside the bucket of the rank", async () => {
  await same("histogram_quantile(0.1, b)", "{} 0.5 _");
  await same("histogram_quantile(0.2, b)", "{} 1 _");
  await same("histogram_quantile(0.5, b)", "{} 1.75 _");
  await same("histogram_quantile(0.8, b)", "{} 4 _");
  await same("histogram_quantile(0.95, b)", "{} 4 _");
  await same("histogram_quantile(-1, b)", "{} -Inf _");
  await same("histogram_quantile(2, b)", "{} +Inf _");
  await same("histogram_quantile(NaN, b)");
  await same('histogram_quantile(0.5, b, "bound")', "{} 1.75 _", '{bound="lower"} 1 _', '{bound="upper"} 2 _');
  await same('histogram_quantiles("phi", 0.1, 0.5, b)', '{phi="0.1"} 0.5 _', '{phi="0.5"} 1.75 _');
});

test("counts that shrink are raised, equal bounds added, others ignored", async () => {
  await same("histogram_quantile(1, broken)", "{} 2 2");
  await same("histogram_quantile(0.5, twice)", "{} 5 5");
  await same("histogram_quantile(0.5, odd)");
  await same("histogram_quantile(0.5, nowhere)");
});

test("shares and moments", async () => {
  await same("histogram_share(2, b)", "{} 0.6 _");
  await same("histogram_share(3, b)", "{} 0.7 _");
  await same("histogram_share(-1, b)", "{} 0 0");
  await same("histogram_share(100, b)", "{} 0.8 _");
  await same("histogram_fraction(1, 2, b)", "{} 0.4 _");
  await same("histogram_avg(b)", "{} 1.625 _");
  await same("histogram_stdvar(b)", "{} 0.796875 _");
});

test("ranges become cumulative buckets", async () => {
  await same(
    "prometheus_buckets(r)",
    'r{le="+Inf"} 8 8',
    'r{le="1.000e+00"} 0 0',
    'r{le="2.000e+00"} 4 4',
    'r{le="3.000e+00"} 4 4',
    'r{le="4.000e+00"} 8 8',
  );
  await same("histogram_quantile(0.25, r)", "{} 1.5 1.5");
  // Empty buckets at the edges go first.
  await same("buckets_limit(3, r)", 'r{le="2.000e+00"} 4 4', 'r{le="3.000e+00"} 4 4', 'r{le="4.000e+00"} 8 8');
});
