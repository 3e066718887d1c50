import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { MetricSet } from "./metric-set.ts";
import type { LabelValue, SeriesOptions } from "./series-family.ts";

const help = "For a test.";

/** Samples of one family, read by a parser that takes nothing but well-formed lines: value by labels, the labels as sorted pairs. */
function readSeries(set: MetricSet, name: string): Map<string, number> {
  const series = new Map<string, number>();
  for (const line of set.writePrometheus().split("\n").slice(0, -1)) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+\w.]+)$/su.exec(line);
    assert.ok(match, line);
    if (match[1] !== name) continue;
    const labels: [string, string][] = [];
    let rest = match[2] ?? "";
    while (rest !== "") {
      const pair = /^(\w+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=.)|$)/su.exec(rest);
      assert.ok(pair, rest);
      labels.push([
        pair[1] as string,
        (pair[2] as string).replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char)),
      ]);
      rest = rest.slice(pair[0].length);
    }
    const key = JSON.stringify(labels);
    assert.ok(!series.has(key), `${line} twice`);
    series.set(key, Number(match[3]));
  }
  return series;
}

test("a family binds labels once, and finds them each time", () => {
  const set = new MetricSet();
  const requests = set.counter("requests_total", { help: "Requests.", labelNames: ["method", "status"] });
  const ok = requests.with({ method: "GET", status: 200 });
  ok.inc();
  requests.inc({ status: "200", method: "GET" });
  requests.add(5, { method: "PUT" });
  requests.inc();
  assert.equal(requests.with({ method: "GET", status: "200" }), ok);
  assert.equal(requests.with({ method: "GET", status: 200n }), ok);
  assert.equal(requests.with({ method: "PUT", status: "" }), requests.with({ method: "PUT", status: undefined }));
  assert.equal(
    set.writePrometheus({ metadata: true }),
    [
      "# HELP requests_total Requests.",
      "# TYPE requests_total counter",
      "requests_total 1",
      `requests_total{method="GET",status="200"} 2`,
      `requests_total{method="PUT"} 5`,
      "",
    ].join("\n"),
  );
  assert.deepEqual(set.listMetricNames(), [
    "requests_total",
    `requests_total{method="GET",status="200"}`,
    `requests_total{method="PUT"}`,
  ]);
});

test("a misspelt label does not compile", () => {
  const set = new MetricSet();
  const requests = set.counter<"method" | "status">("a_total", { help, labelNames: ["method", "status"] });
  // @ts-expect-error
  requests.inc({ methud: "GET" });
  // @ts-expect-error
  requests.with({ method: "GET", statuz: 200 });
  // @ts-expect-error
  requests.inc({ method: {} });
  const inferred = set.gauge("b", { help, labelNames: ["queue"] });
  inferred.set(1, { queue: "mail" });
  // @ts-expect-error
  inferred.set(1, { queu: "mail" });
  const plain = set.counter("c_total", { help });
  plain.inc();
  plain.inc({});
  // @ts-expect-error
  plain.inc({ any: "1" });
  // @ts-expect-error
  const shape: NonNullable<SeriesOptions<"a">["shape"]> = { b: (value: string) => value };
  assert.throws(() => set.counter("d_total", { help, labelNames: ["a"], shape }), /none of its labels a/);
});

test("any values read back as they were given, and updates add up", () => {
  const value = fc.oneof(
    fc.constantFrom("", "a", "__proto__", "constructor", "\n", "\\n", '"', "\\", ",", '",b="', "other", "\ud800", "💥"),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.bigInt(),
    fc.constant(undefined),
  );
  const update = fc.record({ labels: fc.record({ a: value, constructor: value }), delta: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(update, { maxLength: 30 }), (updates) => {
      const set = new MetricSet();
      const family = set.counter("x_total", { help, labelNames: ["constructor", "a"] });
      const plain = set.counter("y_total", { help, labelNames: ["b", "a"] });
      const expected = new Map<string, number>();
      const expectedPlain = new Map<string, number>();
      for (const { labels, delta } of updates) {
        family.add(delta, labels);
        plain.add(delta, { a: labels.a, b: labels.constructor });
        const count = (counts: Map<string, number>, pairs: [string, LabelValue | undefined][]) => {
          const key = JSON.stringify(
            pairs
              .map(([name, raw]) => [name, String(raw ?? "").replace(/\p{Surrogate}/gu, "\ufffd")])
              .filter(([, text]) => text !== ""),
          );
          counts.set(key, (counts.get(key) ?? 0) + delta);
        };
        count(expected, Object.entries({ a: labels.a, constructor: labels.constructor }));
        count(expectedPlain, Object.entries({ a: labels.a, b: labels.constructor }));
      }
      assert.deepEqual(readSeries(set, "x_total"), new Map([...expected].sort()));
      assert.deepEqual(readSeries(set, "y_total"), new Map([...expectedPlain].sort()));
    }),
  );
});

test("label sets beyond maxSeries share one series", () => {
  const set = new MetricSet();
  const family = set.counter("x_total", { help, labelNames: ["user", "kind"], maxSeries: 3 });
  const first = family.with({ user: 0, kind: "a" });
  for (let user = 0; user < 100; user++) family.inc({ user, kind: "a" });
  assert.equal(family.size, 4);
  assert.equal(family.with({ user: 0, kind: "a" }), first);
  assert.equal(family.with({ user: 50 }), family.with({ user: "other", kind: "other" }));
  const series = readSeries(set, "x_total");
  assert.equal(series.get(`[["kind","other"],["user","other"]]`), 97);
  assert.equal(
    [...series.values()].reduce((sum, value) => sum + value),
    100,
  );
  assert.match(set.writePrometheus(), /^metrics_label_corrections_total\{metric="x_total",reason="folded"\} 98$/m);
});

test("any number of distinct values keeps no more than maxSeries", () => {
  const family = new MetricSet().counter("x_total", { help, labelNames: ["id"], maxSeries: 100 });
  for (let id = 0; id < 100_000; id++) family.inc({ id });
  assert.equal(family.size, 101);
  assert.equal(family.with({ id: "other" }).get(), 99_900);
});

test("long values are cut between code points, and counted", () => {
  const set = new MetricSet();
  const family = set.counter("x_total", { help, labelNames: ["v"] });
  family.inc({ v: "a".repeat(1024) });
  family.inc({ v: "a".repeat(1025) });
  family.inc({ v: `${"b".repeat(1023)}💥` });
  family.inc({ v: "c".repeat(10_000_000) });
  assert.deepEqual(
    readSeries(set, "x_total"),
    new Map([
      [JSON.stringify([["v", "a".repeat(1024)]]), 2],
      [JSON.stringify([["v", "b".repeat(1023)]]), 1],
      [JSON.stringify([["v", "c".repeat(1024)]]), 1],
    ]),
  );
  assert.match(set.writePrometheus(), /^metrics_label_corrections_total\{metric="x_total",reason="cut"\} 3$/m);
});

test("a value cut out of a long text does not keep the text alive", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  const family = new MetricSet().counter("x_total", { help, labelNames: ["id"] });
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 20; i++) {
    const body = `${"x".repeat(500_000)} number ${i} ${"y".repeat(500_000)}`;
    family.inc({ id: body.slice(499_980, 500_020) });
  }
  collectGarbage();
  const keptBytes = process.memoryUsage().heapUsed - before;
  assert.equal(family.size, 20);
  assert.ok(keptBytes < 5e6, `${keptBytes} bytes of 20 MB`);
});

test("a shape changes values before they are looked up; one that fails costs its value", () => {
  const set = new MetricSet();
  const shape = {
    path: (path: string) => {
      if (path === "/throw") throw new Error("no");
      if (path === "/odd") return undefined as unknown as string;
      return path.replace(/\d+/g, ":id");
    },
  };
  const family = set.counter("x_total", { help, labelNames: ["path", "method"], shape });
  for (const path of ["/a/1", "/a/2", "/throw", "/odd", ""]) family.inc({ path, method: "GET" });
  assert.deepEqual(
    readSeries(set, "x_total"),
    new Map([
      [`[["method","GET"]]`, 1],
      [`[["method","GET"],["path","/a/:id"]]`, 2],
      [`[["method","GET"],["path","other"]]`, 2],
    ]),
  );
  assert.match(set.writePrometheus(), /reason="shape_failed"\} 2$/m);
  assert.equal(family.remove({ path: "/a/77", method: "GET" }), true);
});

test("labels of the wrong kind never throw", () => {
  const set = new MetricSet();
  const family = set.counter("x_total", { help, labelNames: ["a"] });
  const hostile = (labels: unknown) => family.inc(labels as { a: string });
  hostile(null);
  hostile(7);
  hostile("text");
  hostile({ a: null });
  hostile({ a: { toString: () => assert.fail() } });
  hostile({ a: Symbol("s") });
  hostile({ b: "1", a: "new" });
  hostile(Object.defineProperty({}, "a", { get: () => assert.fail() }));
  hostile(new Proxy({}, { get: () => assert.fail() }));
  hostile(JSON.parse(`{"__proto__":"x"}`));
  assert.deepEqual(
    readSeries(set, "x_total"),
    new Map([
      ["[]", 5],
      [`[["a","new"]]`, 1],
      [`[["a","other"]]`, 4],
    ]),
  );
  const text = set.writePrometheus();
  assert.match(text, /reason="not_a_scalar"\} 2$/m);
  assert.match(text, /reason="unreadable"\} 2$/m);
  assert.match(text, /reason="unknown_label"\} 1$/m);
});

test("labels named like what objects inherit", () => {
  const set = new MetricSet();
  const family = set.counter("x_total", { help, labelNames: ["__proto__", "constructor", "toString"] });
  family.inc();
  family.inc({});
  family.inc(JSON.parse(`{"__proto__":"p","constructor":"c"}`));
  family.inc({ ["__proto__"]: "p", constructor: "c" } as never);
  assert.deepEqual(
    readSeries(set, "x_total"),
    new Map([
      ["[]", 2],
      [`[["__proto__","p"],["constructor","c"]]`, 2],
    ]),
  );
});

test("series go one by one or all at once", () => {
  const set = new MetricSet();
  const family = set.counter("x_total", { help, labelNames: ["a", "b"] });
  const gone = family.with({ a: "1", b: "1" });
  family.inc({ a: "1", b: "2" });
  assert.equal(family.remove({ a: "1", b: "1" }), true);
  assert.equal(family.remove({ a: "1", b: "1" }), false);
  assert.equal(family.remove({ a: "2" }), false);
  gone.inc();
  assert.deepEqual([...readSeries(set, "x_total")], [[`[["a","1"],["b","2"]]`, 1]]);
  assert.notEqual(family.with({ a: "1", b: "1" }), gone);
  family.clear();
  assert.equal(set.writePrometheus(), "");
  const single = set.gauge("g", { help });
  single.set(5);
  assert.equal(single.remove(), true);
  assert.equal(single.with().get(), 0);
});

test("each kind of family", () => {
  const set = new MetricSet({ nowMs: () => 0 });
  set.floatCounter("work_seconds_total", { help, unit: "seconds", labelNames: ["a"] }).add(0.5, { a: "1" });
  const items = set.gauge("items", { help, labelNames: ["a"], aggregation: "max" });
  items.set(3, { a: "1" });
  items.dec({ a: "1" });
  items.add(2.5, { a: "1" });
  items.watch(() => 7, { a: "watched" });
  set.histogram("size_bytes", { help, labelNames: ["a"] }).update(2, { a: "1" });
  set.histogram("le_seconds", { help, labelNames: ["a"], buckets: [1, 2] }).update(1.5, { a: "1" });
  set.summary("s_seconds", { help, labelNames: ["a"], quantiles: [0.5] }).update(4, { a: "1" });
  assert.equal(
    set.writePrometheus(),
    [
      `items{a="1"} 4.5`,
      `items{a="watched"} 7`,
      `le_seconds_bucket{a="1",le="1"} 0`,
      `le_seconds_bucket{a="1",le="2"} 1`,
      `le_seconds_bucket{a="1",le="+Inf"} 1`,
      `le_seconds_sum{a="1"} 1.5`,
      `le_seconds_count{a="1"} 1`,
      `s_seconds{a="1",quantile="0.5"} 4`,
      `s_seconds_sum{a="1"} 4`,
      `s_seconds_count{a="1"} 1`,
      `size_bytes_bucket{a="1",vmrange="1.896e+00...2.154e+00"} 1`,
      `size_bytes_sum{a="1"} 2`,
      `size_bytes_count{a="1"} 1`,
      `work_seconds_total{a="1"} 0.5`,
      "",
    ].join("\n"),
  );
  const [family] = set.collect();
  assert.equal(family?.aggregation, "max");
  assert.equal(set.collect().find(({ name }) => name === "work_seconds_total")?.unit, "seconds");
});

test("asking for a family again", () => {
  const set = new MetricSet();
  const first = set.counter("x_total", { help, labelNames: ["a", "b"] });
  assert.equal(set.counter("x_total", { help: "Else.", labelNames: ["a", "b"] }), first);
  assert.throws(
    () => set.counter("x_total", { help, labelNames: ["a"] }),
    /metric x_total: want labels \[a\], but the family has \[a, b\]/,
  );
  assert.throws(() => set.floatCounter("x_total", { help }), /want a FloatCounterFamily, but there is a CounterFamily/);
  assert.throws(() => set.getOrCreateCounter("x_total"), /x_total is a typed family/);
  assert.throws(() => set.createCounter(`x_total{c="1"}`), /x_total is a typed family/);
  set.createCounter(`y_total{a="1"}`);
  assert.throws(
    () => set.counter("y_total", { help }),
    /want a typed family, but y_total\{a="1"\} was made by its name/,
  );
  assert.equal(set.unregister("x_total"), true);
  set.gauge("x_total", { help }).set(1);
  assert.match(set.writePrometheus(), /^x_total 1$/m);
});

test("options that make no sense are refused", () => {
  const refused = (name: string, options: object, message: RegExp) =>
    assert.throws(() => new MetricSet().counter(name, { help, ...options }), message, name);
  refused("a b", {}, /position 1: want a metric name/);
  refused("", {}, /want a metric name/);
  refused(`a{b="c"}`, {}, /position 1/);
  refused("x".repeat(10_000_000), {}, /^MetricNameError: metric name "x{200}…".{0,100}$/);
  refused("a", { labelNames: ["b c"] }, /want label names .* got "b c"/);
  refused("a", { labelNames: [""] }, /want label names .* got ""/);
  refused("a", { labelNames: ["b", "b"] }, /label "b" occurs twice/);
  refused("a", { labelNames: ["__name__"] }, /__name__/);
  refused("a", { labelNames: [7] }, /strings, got number/);
  refused("a", { maxSeries: 0 }, /maxSeries, 1 or more, got 0/);
  refused("a", { unit: "seconds" }, /its name must end with it/);
  refused("a_seconds_total", { unit: "bytes" }, /its name must end with it/);
  refused("a", { help: undefined }, /want a help text, got undefined/);
  refused("a", { labelNames: ["b"], shape: { b: 7 } }, /the shape of "b" is no function/);
  assert.throws(() => new MetricSet().histogram("a", { help, labelNames: ["le"], buckets: [1] }), /label "le"/);
  assert.throws(() => new MetricSet().summary("a", { help, labelNames: ["quantile"] }), /label "quantile"/);
  const set = new MetricSet();
  assert.throws(() => set.histogram("a", { help, buckets: [2, 1] }), RangeError);
  assert.throws(() => set.summary("a", { help, quantiles: [2] }), RangeError);
  // What was refused has left no trace.
  set.gauge("a", { help }).set(1);
});
