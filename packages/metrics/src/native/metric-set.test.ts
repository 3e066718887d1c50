import assert from "node:assert/strict";
import { test } from "node:test";
import { getOrCreateCounter as defaultCounter, defaultSet, unregister, writePrometheus } from "./default-set.ts";
import { MetricSet } from "./metric-set.ts";

test("asking again gives the same metric, in any spelling", () => {
  const set = new MetricSet();
  const rows = set.getOrCreateCounter(`rows_total{type="a",job="b"}`);
  assert.equal(set.getOrCreateCounter(`rows_total{type="a",job="b"}`), rows);
  assert.equal(set.getOrCreateCounter(`rows_total{job="b", type="a"}`), rows);
  assert.notEqual(set.getOrCreateCounter(`rows_total{type="b",job="b"}`), rows);
  assert.equal(set.listMetricNames().length, 2);
});

test("a name belongs to one kind", () => {
  const set = new MetricSet();
  set.getOrCreateCounter("x");
  assert.throws(() => set.getOrCreateGauge("x"), /metric x: want a Gauge, but the name already belongs to a Counter/);
  assert.throws(() => set.getOrCreateFloatCounter("x"), TypeError);
  // Asked a second time: the spelling must not have been remembered as a gauge.
  assert.throws(() => set.getOrCreateGauge("x"), TypeError);
});

test("what is written: families together, sorted, floats as the format spells them", () => {
  const set = new MetricSet();
  set.getOrCreateCounter(`a{l="2"}`).add(2);
  set.getOrCreateCounter("a_b").inc();
  set.getOrCreateCounter(`a{l="1"}`).add(1);
  set.getOrCreateFloatCounter("f").add(0.1);
  set.getOrCreateGauge("g_inf").set(Number.POSITIVE_INFINITY);
  set.getOrCreateGauge("g_minus").set(Number.NEGATIVE_INFINITY);
  set.getOrCreateGauge("g_nan").set(Number.NaN);
  set.getOrCreateGauge("g_small").set(1e-320);
  set.getOrCreateGauge("g_live", () => 7);
  assert.equal(
    set.writePrometheus(),
    [
      `a{l="1"} 1`,
      `a{l="2"} 2`,
      "a_b 1",
      "f 0.1",
      "g_inf +Inf",
      "g_live 7",
      "g_minus -Inf",
      "g_nan NaN",
      "g_small 1e-320",
      "",
    ].join("\n"),
  );
  const typed = set.writePrometheus({ metadata: true });
  assert.equal(typed.match(/^# TYPE a counter$/gm)?.length, 1);
  assert.match(typed, /^# TYPE g_nan gauge$/m);
  assert.equal(new MetricSet().writePrometheus(), "");
});

test("counters only go up, whatever they are given", () => {
  const set = new MetricSet();
  const whole = set.getOrCreateCounter("whole");
  for (const delta of [1, 2, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, undefined as unknown as number])
    whole.add(delta);
  assert.equal(whole.get(), 3);
  whole.set(10);
  whole.set(-1);
  assert.equal(whole.get(), 10);
  const fraction = set.getOrCreateFloatCounter("fraction");
  for (const delta of [0.5, 0.25, -1, Number.NaN, Number.POSITIVE_INFINITY]) fraction.add(delta);
  assert.equal(fraction.get(), 0.75);
});

test("a gauge moves both ways", () => {
  const gauge = new MetricSet().getOrCreateGauge("g");
  gauge.set(5);
  gauge.inc();
  gauge.dec();
  gauge.add(-7);
  assert.equal(gauge.get(), -2);
});

test("a callback that fails costs its own line and is counted", () => {
  const set = new MetricSet();
  set.getOrCreateGauge("bad", () => {
    throw new Error("no");
  });
  set.getOrCreateGauge("odd", () => undefined as unknown as number);
  set.getOrCreateGauge("good", () => 1);
  assert.equal(set.writePrometheus(), "good 1\nmetrics_callback_errors_total 2\n");
  assert.equal(set.writePrometheus(), "good 1\nmetrics_callback_errors_total 4\n");
});

test("unregister forgets a metric in all its spellings", () => {
  const set = new MetricSet();
  const first = set.getOrCreateCounter(`x{a="1",b="2"}`);
  set.getOrCreateCounter(`x{b="2",a="1"}`).inc();
  assert.equal(set.unregister(`x{b="2", a="1"}`), true);
  assert.equal(set.unregister(`x{b="2", a="1"}`), false);
  assert.equal(set.writePrometheus(), "");
  assert.notEqual(set.getOrCreateCounter(`x{a="1",b="2"}`), first);
});

test("the default set is a set like any other", () => {
  defaultCounter("default_set_test_total").inc();
  assert.match(writePrometheus(), /^default_set_test_total 1$/m);
  assert.ok(defaultSet.listMetricNames().includes("default_set_test_total"));
  assert.equal(unregister("default_set_test_total"), true);
});

test("a set appends the process's own metrics on demand", () => {
  const set = new MetricSet();
  set.getOrCreateCounter("own_total").inc();
  assert.doesNotMatch(set.writePrometheus(), /^process_/m);
  const text = set.writePrometheus({ processMetrics: true });
  assert.match(text, /^own_total 1$/m);
  assert.match(text, /^process_cpu_seconds_total /m);
});
