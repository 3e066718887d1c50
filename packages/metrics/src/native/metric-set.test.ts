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
  assert.throws(() => set.createCounter("x{}"), /metric x: want a new one, but there is a Counter of that name/);
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

test("counters and sums at the end of their range stay well-formed", () => {
  const set = new MetricSet();
  const whole = set.getOrCreateCounter("whole_total");
  whole.add(2 ** 53);
  whole.inc();
  whole.add(2);
  const sum = set.getOrCreateFloatCounter("sum_total");
  for (let i = 0; i < 2; i++) sum.add(Number.MAX_VALUE);
  const histogram = set.getOrCreatePrometheusHistogram("h", { buckets: [1] });
  for (const value of [-0, Number.MAX_VALUE, Number.MAX_VALUE]) histogram.update(value);
  assert.equal(
    set.writePrometheus(),
    [
      'h_bucket{le="1"} 1',
      'h_bucket{le="+Inf"} 3',
      "h_sum +Inf",
      "h_count 3",
      "sum_total +Inf",
      `whole_total ${2 ** 53 + 2}`,
      "",
    ].join("\n"),
  );
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

test("an async callback costs its line, and not the process", async () => {
  const set = new MetricSet();
  set.createGauge("late", (async () => {
    throw new Error("no");
  }) as unknown as () => number);
  set.registerSet({
    collect: (async () => {
      throw new Error("no");
    }) as never,
  });
  const rejections: unknown[] = [];
  const note = (reason: unknown): number => rejections.push(reason);
  process.on("unhandledRejection", note);
  assert.equal(set.writePrometheus(), "metrics_callback_errors_total 2\n");
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  assert.deepEqual(rejections, []);
});

test("a callback may do to the set what it likes", () => {
  const set = new MetricSet();
  const family = set.gauge("b", { help: "Watched.", labelNames: ["i"] });
  const disturb = (): number => {
    family.clear();
    return set.collect().length;
  };
  for (const i of [1, 2, 3]) family.watch(disturb, { i });
  set.createGauge("a", () => {
    set.unregisterAll();
    set.createCounter("c_total").inc();
    set.writePrometheus();
    return 1;
  });
  assert.equal(set.writePrometheus(), 'a 1\nb{i="1"} 0\nb{i="2"} 0\nb{i="3"} 0\n');
  assert.equal(set.writePrometheus(), "c_total 1\n");
});

test("of a source that is no set only whole families are taken", () => {
  const sample = { suffix: "", labels: 'a="b"', value: 1 };
  const good = { name: "good", type: "gauge", samples: [sample] };
  const thrower = {
    get name(): string {
      throw new Error("no");
    },
  };
  const bad: unknown[] = [
    ...[undefined, null, 5, "text", [], {}, thrower, Symbol("s"), Object.create(null)],
    ...["", "a b", 'a{b="c"}', "a\n", 5, undefined].map((name) => ({ ...good, name })),
    ...["untyped", "", 5, undefined, "__proto__"].map((type) => ({ ...good, type })),
    ...[5, null].map((help) => ({ ...good, help })),
    ...[undefined, {}, "x", [null], [undefined], ["x"]].map((samples) => ({ ...good, samples })),
    ...["x", 'a="b', 'a="b",', 'a="b\n"', "a=b", 'a="b"} 1\nevil{a="c"', 5].map((labels) => ({
      ...good,
      samples: [{ ...sample, labels }],
    })),
    ...["1", 1n, undefined, {}].map((value) => ({ ...good, samples: [{ ...sample, value }] })),
    ...["_total", "_bucket", " "].map((suffix) => ({ ...good, samples: [{ ...sample, suffix }] })),
  ];
  for (const family of bad) {
    const set = new MetricSet();
    set.createCounter("own_total").inc();
    set.registerSet({ collect: () => [family] as never });
    assert.equal(set.writePrometheus(), "metrics_callback_errors_total 1\nown_total 1\n");
  }
  for (const families of [undefined, null, 5, {}, thrower]) {
    const set = new MetricSet();
    set.registerSet({ collect: () => families as never });
    assert.equal(set.writePrometheus(), "metrics_callback_errors_total 1\n");
  }
  const set = new MetricSet();
  set.registerSet({ collect: () => [good, good, ...bad, good] as never });
  const text = set.writePrometheus({ metadata: true });
  assert.match(text, /^# TYPE good gauge\ngood\{a="b"\} 1$/m);
  for (const source of [undefined, null, 5, {}, { collect: 1 }]) {
    assert.throws(() => set.registerSet(source as never), TypeError);
  }
});

test("forgetting one of many metrics does not look at all of them", () => {
  const set = new MetricSet();
  const count = 20_000;
  for (let i = 0; i < count; i++) {
    set.getOrCreateCounter(`x_total{a="${i}",b="c"}`);
    if (i % 100 === 0) set.getOrCreateCounter(`x_total{b="c",a="${i}"}`);
  }
  const startMs = performance.now();
  for (let i = 0; i < count; i++) assert.ok(set.unregister(`x_total{b="c",a="${i}"}`));
  // About 40 ms; as many times as many would be 20 s.
  assert.ok(performance.now() - startMs < 5000);
  assert.equal(set.writePrometheus(), "");
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

test("names that meet in what is written are refused", () => {
  const set = new MetricSet();
  set.createHistogram("h");
  const refused = (make: () => unknown, message: RegExp) => assert.throws(make, message);
  refused(() => set.createCounter("h_count"), /a counter writes h_count, which belongs to the vmrange histogram h/);
  refused(() => set.createGauge(`h_bucket{a="b"}`), /h_bucket/);
  refused(() => set.createGauge(`h{a="b"}`), /metric h: want a gauge, but h is a vmrange histogram already/);
  refused(() => set.createPrometheusHistogram(`h{a="b"}`), /want a le histogram, but h is a vmrange histogram already/);
  set.createGauge("s_sum");
  refused(() => set.createSummary("s"), /a summary writes s_sum, which belongs to the gauge s_sum/);
  refused(() => set.gauge("metrics_ignored_updates_total", { help: "Mine." }), /want a gauge/);
  refused(() => set.createFloatCounter("metrics_label_corrections_total"), /a counter already|belongs/);
  set.createFloatCounter(`c{a="1"}`);
  set.createCounter(`c{a="2"}`);
  assert.equal(set.unregister("h"), true);
  set.createCounter("h_count").inc();
  assert.equal(set.unregister("s_sum"), true);
  set.createSummary("s").update(1);
  const names = [...set.writePrometheus({ metadata: true }).matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
  assert.deepEqual(names, ["c", "h_count", "s"]);
});

test("ignored updates are counted by what was wrong", () => {
  const set = new MetricSet();
  const wrong = ["1", 1n, undefined, null, Object.create(null), Number.NaN] as number[];
  const counter = set.createCounter("c_total");
  const fraction = set.createFloatCounter("f_total");
  const gauge = set.createGauge("g");
  const watched = set.createGauge("w", () => 1);
  const metrics = [set.createHistogram("h"), set.createPrometheusHistogram("p"), set.createSummary("s")];
  for (const value of wrong) {
    counter.add(value);
    counter.set(value);
    fraction.add(value);
    fraction.set(value);
    if (!Number.isNaN(value)) gauge.add(value);
    if (!Number.isNaN(value)) gauge.set(value);
    for (const metric of metrics) metric.update(value);
    for (const metric of metrics) metric.updateDuration(value);
  }
  counter.add(-1);
  counter.add(0.5);
  counter.add(Number.POSITIVE_INFINITY);
  watched.inc();
  for (const metric of metrics) metric.update(-1);
  assert.deepEqual(
    set
      .writePrometheus()
      .match(/^(?!p_bucket|s\{).*/gm)
      ?.filter((line) => line !== ""),
    [
      "c_total 0",
      "f_total 0",
      "g 0",
      `metrics_ignored_updates_total{metric="c_total",reason="not_a_number"} 12`,
      `metrics_ignored_updates_total{metric="c_total",reason="negative"} 1`,
      `metrics_ignored_updates_total{metric="c_total",reason="fraction"} 1`,
      `metrics_ignored_updates_total{metric="c_total",reason="infinite"} 1`,
      `metrics_ignored_updates_total{metric="f_total",reason="not_a_number"} 12`,
      `metrics_ignored_updates_total{metric="g",reason="not_a_number"} 10`,
      `metrics_ignored_updates_total{metric="h",reason="not_a_number"} 12`,
      `metrics_ignored_updates_total{metric="h",reason="negative"} 1`,
      `metrics_ignored_updates_total{metric="p",reason="not_a_number"} 12`,
      `metrics_ignored_updates_total{metric="p",reason="negative"} 1`,
      `metrics_ignored_updates_total{metric="s",reason="not_a_number"} 12`,
      `metrics_ignored_updates_total{metric="w",reason="has_callback"} 1`,
      "p_sum 0",
      "p_count 0",
      "s_sum -1",
      "s_count 1",
      "w 1",
    ],
  );
});

test("a name of megabytes is refused with a short message", () => {
  const set = new MetricSet();
  const long = "x".repeat(10_000_000);
  for (const name of [long, `a{b="${long}"}`, `a{${long}="b"}`]) {
    assert.throws(
      () => set.getOrCreateCounter(name),
      (error: Error) => error.message.length < 500 && /want at most 65536 UTF-16 units/.test(error.message),
    );
  }
  set.getOrCreateCounter(`a{b="${"x".repeat(60_000)}"}`);
});

test("what JavaScript callers pass for names and options is refused with a short message", () => {
  const set = new MetricSet();
  const long = "x".repeat(1_000_000);
  set.counter("known_total", { help: "Two labels.", labelNames: ["a", "b"] });
  const refuses = (make: () => unknown) =>
    assert.throws(make, (error: Error) => error.message.length < 500 && /^(metric|gauge|summary) /.test(error.message));
  for (const name of [undefined, null, 5, 5n, Symbol("s"), {}, [], "", "a b", long] as string[]) {
    refuses(() => set.getOrCreateGauge(name));
    refuses(() => set.gauge(name, { help: "" }));
    refuses(() => set.gauge(name, undefined as never));
    refuses(() => set.describe(name, {}));
  }
  for (const options of [undefined, null, "help", 5, {}, { help: 5 }, { help: long }]) {
    refuses(() => set.counter("new_total", options as never));
  }
  for (const labelNames of ["a", null, 5, {}, ["a b"], [""], [Symbol("s")], [long], ["a", "a"], ["__name__"]]) {
    refuses(() => set.counter("new_total", { help: "", labelNames } as never));
    refuses(() => set.counter("known_total", { help: "", labelNames } as never));
  }
  refuses(() => set.counter("known_total", { help: "", labelNames: ["a,b"] }));
  refuses(() => set.counter("known_total", { help: "", labelNames: Array.from({ length: 999 }, (_, i) => `l${i}`) }));
  for (const label of ["le", "quantile", "vmrange"]) {
    refuses(() => set.createHistogram(`h{${label}="1"}`));
    refuses(() => set.createPrometheusHistogram(`h{${label}="1"}`));
    refuses(() => set.summary("s", { help: "", labelNames: [label] }));
  }
  refuses(() => set.createGauge("g", 5 as never));
  refuses(() => set.describe("g", { help: long }));
  for (const windowMs of [5n, "5", Number.NaN, 0]) refuses(() => set.createSummary("s", { windowMs: windowMs as 5 }));
  for (const quantiles of ["0.5", [1.5], ["0.5"], [0n]]) refuses(() => set.createSummary("s", { quantiles } as never));
  assert.deepEqual(set.listMetricNames(), []);
});

test("describe gives metrics made by name their help, whenever it is called", () => {
  const set = new MetricSet();
  set.describe("b_seconds", { help: "Before\nit.", unit: "seconds" });
  set.createGauge(`b_seconds{a="1"}`);
  set.createGauge("a").set(1);
  set.describe("a", { help: "After." });
  set.describe("a", { aggregation: "max" });
  assert.equal(
    set.writePrometheus({ metadata: true }),
    [
      "# HELP a After.",
      "# TYPE a gauge",
      "a 1",
      "# HELP b_seconds Before\\nit.",
      "# TYPE b_seconds gauge",
      `b_seconds{a="1"} 0`,
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    set.collect().map(({ unit, aggregation }) => [unit, aggregation]),
    [
      ["", "max"],
      ["seconds", "sum"],
    ],
  );
  assert.throws(() => set.describe("a b", {}), TypeError);
  assert.throws(() => set.describe("a", { unit: "bytes" }), /its name must end with it/);
  assert.throws(() => set.describe("a", { aggregation: "median" as "max" }), /want an aggregation/);
});

test("a registered set is written with the one it is registered in", () => {
  const [set, library] = [new MetricSet(), new MetricSet()];
  set.createCounter("a_total").inc();
  set.createCounter("shared_total").inc();
  library.createCounter("b_total").inc();
  library.createCounter("shared_total").add(5);
  set.registerSet(library);
  set.registerSet(library);
  // The first who says something is heard, and what was left out is said.
  assert.equal(set.writePrometheus(), "a_total 1\nb_total 1\nmetrics_dropped_samples 1\nshared_total 1\n");
  library.registerSet(set);
  set.registerSet(set);
  assert.match(set.writePrometheus(), /^a_total 1\nb_total 1\n/);
  assert.equal(set.unregisterSet(library), true);
  assert.equal(set.unregisterSet(library), false);
  assert.equal(set.writePrometheus(), "a_total 1\nshared_total 1\n");
  set.registerSet({ collect: () => assert.fail() });
  assert.match(set.writePrometheus(), /^shared_total 1$/m);
  assert.match(set.writePrometheus(), /^metrics_callback_errors_total [12]$/m);
  set.unregisterAll();
  assert.deepEqual(set.listMetricNames(), []);
});
