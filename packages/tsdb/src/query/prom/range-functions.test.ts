import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rangeFunctions } from "./range-functions.ts";
import { contextOf } from "./testing/by-hand.ts";
import { type Rollup, rollUp, rollUpSamples, rollupText, samplesOf } from "./testing/windows.ts";

const MINUTE = 60_000;

/** One window that ends at `timeMs`. */
function at(name: string, text: string, stepMs: number, rangeMs: number, timeMs: number, more: Partial<Rollup> = {}) {
  return rollUp(name, text, { stepMs, rangeMs, timesMs: [timeMs], ...more })[0] ?? null;
}

function close(got: number | null, want: number | null, message?: string): void {
  if (got === null || want === null || !Number.isFinite(want)) assert.equal(got, want, message);
  else assert.ok(Math.abs(got - want) <= 1e-12 * Math.max(1, Math.abs(want)), `${message}: want ${want}, got ${got}`);
}

test("increase extends to both ends, but a counter never to before its zero", () => {
  const increase = (text: string, rangeMs: number) => at("increase", text, 5 * MINUTE, rangeMs, 50 * MINUTE);
  close(increase("0+10x10", 50 * MINUTE), 100);
  close(increase("0+18x5 0+18x5", 50 * MINUTE), 160);
  close(increase("0+10x10", 100 * MINUTE), 100, "starts at 0");
  close(increase("0+18x5 0+18x5", 100 * MINUTE), 162);
  close(increase("10+10x10", 100 * MINUTE), 105, "half an interval back");
  close(increase("1+10x10", 100 * MINUTE), 101, "30 s back");
  close(increase("_ _ _ _ _ _ _ _ _ _ 5", 100 * MINUTE), null, "one sample is no rate");
});

test("rate is increase a second; delta goes down, resets and all", () => {
  close(at("rate", "0+80x10", 5 * MINUTE, 50 * MINUTE, 50 * MINUTE), 80 / 300);
  close(at("rate", "0+10x10", 5 * MINUTE, 10 * MINUTE, 50 * MINUTE, { offsetMs: 5 * MINUTE }), 10 / 300);
  close(at("delta", "0 50 100 150 200", 5 * MINUTE, 20 * MINUTE, 20 * MINUTE), 200);
  close(at("delta", "200 150 100 50 0", 5 * MINUTE, 20 * MINUTE, 20 * MINUTE), -200);
  close(at("rate", "1 NaN 3", MINUTE, 5 * MINUTE, 2 * MINUTE), at("rate", "1 2 3", MINUTE, 5 * MINUTE, 2 * MINUTE));
});

test("the start of a window is outside of it, its end inside", () => {
  assert.equal(at("count_over_time", "0 0 0 0", 10_000, 20_000, 20_000), 2);
  assert.equal(at("count_over_time", "0 0 0 0", 10_000, 10_000, 25_000), 1);
  assert.equal(at("count_over_time", "0 _ _ 0", 10_000, 10_000, 20_000), null);
});

test("rates of names that do not look like counters get an info, once", () => {
  const infosOf = (name: string, text: string, metric: string) => {
    const context = contextOf(1, rollupText(name));
    rollUp(name, text, { stepMs: MINUTE, rangeMs: 5 * MINUTE, timesMs: [2 * MINUTE], name: metric, context });
    return [...context.annotations.infos];
  };
  const text =
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "http_requests" (1:6)';
  assert.deepEqual(infosOf("rate", "0 1 2", "http_requests"), [text]);
  assert.deepEqual(infosOf("rate", "0", "http_requests"), [], "no value, no info");
  assert.deepEqual(infosOf("increase", "0 1 2", "x_bucket"), []);
  assert.deepEqual(infosOf("deriv", "0 1 2", "http_requests"), []);
  assert.deepEqual(infosOf("rate", "0 1 2", "{}"), []);
});

test("irate and idelta: the last two samples", () => {
  const last = (name: string, text: string) => at(name, text, 5 * MINUTE, 51 * MINUTE, 50 * MINUTE);
  close(last("irate", "0+10x10"), 10 / 300);
  close(last("irate", "0+10x5 0+10x3 5"), 5 / 300, "after a fall it is the value itself");
  close(last("irate", "1 NaN NaN 5 11"), 0.02);
  close(last("irate", "1 NaN"), Number.NaN);
  close(last("irate", "1"), null);
  close(last("idelta", "0 50 100 150"), 50);
  close(last("idelta", "0 50 100 50"), -50);
  close(last("idelta", "0"), null);
});

test("deriv and predict_linear: the line of least squares", () => {
  const series = "0+10x4 0+10x5";
  close(at("deriv", series, 5 * MINUTE, 55 * MINUTE, 50 * MINUTE), 0.010606060606060607);
  const predict = (timeMs: number, offsetMs: number, rangeMs = 55 * MINUTE) =>
    at("predict_linear", series, 5 * MINUTE, rangeMs, timeMs, { scalars: [3600], offsetMs });
  close(predict(50 * MINUTE, 0, 50 * MINUTE), 70);
  close(predict(50 * MINUTE, 0), 76.81818181818181);
  close(predict(10 * MINUTE, -40 * MINUTE), 51.36363636363637, "from the time of evaluation, whatever @ says");
  close(predict(70 * MINUTE, 20 * MINUTE), 89.54545454545455);
  const constant = (text: string) => at("deriv", text, MINUTE, 10 * MINUTE, 5 * MINUTE);
  assert.equal(constant("0.1 0.1 0.1 0.1"), 0);
  assert.equal(constant("Inf Inf"), Number.NaN);
  assert.equal(constant("NaN NaN"), Number.NaN);
  assert.equal(constant("1"), null);
  // Times near now, where squares of milliseconds have no digits left.
  const now = samplesOf("0+10x4", MINUTE);
  const shifted = { ...now, timestamps: now.timestamps.map((timestampMs) => timestampMs + 1_800_000_000_000) };
  const timesMs = [1_800_000_000_000 + 5 * MINUTE];
  close(rollUpSamples("deriv", shifted, { stepMs: MINUTE, rangeMs: 10 * MINUTE, timesMs })[0] ?? null, 1 / 6);
});

test("changes and resets", () => {
  const count = (name: string, text: string, minutes: number) =>
    at(name, text, 5 * MINUTE, minutes * MINUTE, 50 * MINUTE);
  const foo = "1 2 3 0 1 0 0 1 2 0";
  assert.equal(count("resets", foo, 5), null);
  assert.equal(count("resets", foo, 10), 0);
  assert.equal(count("resets", foo, 20), 1);
  assert.equal(count("resets", foo, 30), 1);
  assert.equal(count("resets", foo, 32), 2);
  assert.equal(count("resets", foo, 50), 3);
  assert.equal(count("changes", foo, 6), 0);
  assert.equal(count("changes", foo, 20), 2);
  assert.equal(count("changes", "NaN NaN NaN", 100), 0);
  assert.equal(count("changes", "0 NaN 0", 100), 2);
});

test("double_exponential_smoothing", () => {
  const smooth = (text: string, scalars: number[]) =>
    at("double_exponential_smoothing", text, 10_000, MINUTE, 8_000_000, { scalars });
  close(smooth("0+10x1000", [0.01, 0.1]), 8000);
  close(smooth("8000-10x1000", [0.01, 0.1]), 0);
  close(smooth("1", [0.01, 0.1]), null);
  assert.throws(() => smooth("0+10x1000", [0, 0.1]), /^Error: invalid smoothing factor. Expected: 0 < sf < 1, got: 0/);
  assert.throws(() => smooth("0+10x1000", [0.1, 1]), /invalid trend factor. Expected: 0 < tf < 1, got: 1/);
});

test("sum_over_time and avg_over_time: compensated, and without overflow", () => {
  const both = (text: string) => [
    at("sum_over_time", text, 10_000, 200_000, 100_000),
    at("avg_over_time", text, 10_000, 200_000, 100_000),
  ];
  assert.deepEqual(both("1 2 3 4 5"), [15, 3]);
  assert.deepEqual(both("1 2 3 4 Inf"), [Infinity, Infinity]);
  assert.deepEqual(both("1 2 3 Inf -Inf"), [Number.NaN, Number.NaN]);
  assert.deepEqual(both("Inf 0 Inf"), [Infinity, Infinity]);
  assert.deepEqual(both("-Inf 0 -Inf"), [-Infinity, -Infinity]);
  assert.deepEqual(both("Inf Inf Inf -Inf"), [Number.NaN, Number.NaN]);
  assert.deepEqual(both("1 2 3 NaN NaN"), [Number.NaN, Number.NaN]);
  assert.deepEqual(both("9.988465674311579e+307 9.988465674311579e+307"), [Infinity, 9.988465674311579e307]);
  assert.deepEqual(both("1 1e100 1 -1e100"), [2, 0.5]);
  const mean = (text: string) => at("avg_over_time", text, 5000, MINUTE, 55_000);
  close(mean("1e10 1e-6 1e-6 1e-6 1e-6 1e-6"), 1.6666666666666675e9);
  close(
    mean("5.30921651659898 0.961118537914768 1.62091361305318 0.865089463758091 0.323055185914577 0.951811357687154"),
    1.67186744582113,
  );
  close(
    mean("-1.78264E+215 0.76342771 1.9592258 2.258E+220 7.69805412 1.78264E+215 -458.90154"),
    3.225714285714286e219,
  );
  const cancelling =
    "-2.258E+220 -1.78264E+219 0.76342771 1.9592258 2.3757689E+217 -2.3757689E+217 2.258E+220 7.69805412 1.78264E+219 -458.90154";
  assert.equal(mean(cancelling), 0, "even compensation has its limits");
  assert.equal(at("avg_over_time", "52+0x100", 10_000, 130_000, 600_000), 52);
});

test("min_over_time and max_over_time: NaN only if there is nothing else", () => {
  const both = (text: string) => [
    at("min_over_time", text, 10_000, 200_000, MINUTE),
    at("max_over_time", text, 10_000, 200_000, MINUTE),
  ];
  assert.deepEqual(both("2 0 3"), [0, 3]);
  assert.deepEqual(both("2 0 NaN"), [0, 2]);
  assert.deepEqual(both("NaN 0 1"), [0, 1]);
  assert.deepEqual(both("NaN NaN NaN"), [Number.NaN, Number.NaN]);
  assert.deepEqual(both("_ 5 2 _ 4 _"), [2, 5]);
});

test("when the first, last, smallest and largest samples were taken", () => {
  const when = (name: string, text: string) => at(`ts_of_${name}_over_time`, text, 10_053, 90_000, 89_000);
  assert.equal(when("first", "_ _ 1 2 3"), 20.106);
  assert.equal(when("last", "_ _ 1 2 3"), 40.212);
  assert.equal(when("max", "1 3 3 2"), 20.106);
  assert.equal(when("min", "1 3 1 2"), 20.106);
  assert.equal(when("max", "NaN 3 NaN"), 10.053);
  assert.equal(when("max", "NaN NaN"), 10.053);
});

test("stddev_over_time, stdvar_over_time, mad_over_time", () => {
  const of = (name: string, text: string) => at(name, text, 10_000, 70_000, 70_000 - 10_000);
  close(of("stdvar_over_time", "0 8 8 2 3"), 10.56);
  close(of("stddev_over_time", "0 8 8 2 3"), 3.249615361854384);
  close(of("stdvar_over_time", "1.5990505637277868 1.5990505637277868 1.5990505637277868"), 0);
  assert.equal(of("stddev_over_time", "1 Inf"), Number.NaN);
  assert.equal(of("mad_over_time", "4 6 2 1 999 1 2"), 1);
  assert.equal(of("mad_over_time", "1 2 3 4 5"), 1);
  assert.equal(of("mad_over_time", "7 7 7 7 7"), 0);
  assert.equal(of("mad_over_time", "5"), 0);
  assert.equal(of("mad_over_time", "1 2 NaN 4"), Number.NaN);
});

test("quantile_over_time", () => {
  const quantile = (phi: number, text: string) =>
    at("quantile_over_time", text, 10_000, 120_000, MINUTE, { scalars: [phi] });
  close(quantile(0.8, "0 1"), 0.8);
  close(quantile(0.8, "0 1 2"), 1.6);
  close(quantile(0.8, "4 0 1"), 2.8);
  close(quantile(1, "4 0 1"), 4);
  assert.equal(quantile(-1, "0 1"), -Infinity);
  assert.equal(quantile(2, "0 1"), Infinity);
  assert.equal(quantile(Number.NaN, "0 1"), Number.NaN);
  assert.equal(quantile(0, "0 NaN 1"), Number.NaN, "NaN is the smallest");
  assert.equal(quantile(1, "0 NaN 1"), 1);
  const long = Array.from({ length: 60 }, (_, i) => (i % 7 === 0 ? "NaN" : `${(i * 37) % 60}`)).join(" ");
  assert.equal(at("quantile_over_time", long, 1000, 120_000, MINUTE, { scalars: [1] }), 59);
  assert.equal(at("quantile_over_time", long, 1000, 120_000, MINUTE, { scalars: [9 / 59] }), 1);
});

test("a quantile that is none gets one warning", () => {
  for (const slides of [false, true]) {
    const context = contextOf(3, rollupText("quantile_over_time"));
    const timesMs = [MINUTE, 2 * MINUTE, 3 * MINUTE];
    rollUp("quantile_over_time", "0 1 2 3", {
      stepMs: MINUTE,
      rangeMs: MINUTE,
      timesMs,
      scalars: [2],
      slides,
      context,
    });
    assert.deepEqual(
      [...context.annotations.warnings],
      ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)"],
    );
  }
});

test("what slides says what the windows say one by one, bit for bit", () => {
  const value = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -5, max: 5 }) },
    { weight: 2, arbitrary: fc.double() },
    { weight: 1, arbitrary: fc.constantFrom(-0, Number.NaN, Infinity, -Infinity, 2 ** 53, 1e300, -1e300) },
  );
  const sliding = [...rangeFunctions].filter(([, entry]) => entry.slide !== undefined).map(([name]) => name);
  assert.ok(sliding.length >= 9);
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 60 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 60, maxLength: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(...sliding),
      (values, gaps, rangeSteps, stride, name) => {
        let timestampMs = 0;
        const samples = {
          values: Float64Array.from(values),
          timestamps: Float64Array.from(values, (_, i) => {
            timestampMs += 1000 * (gaps[i] as number);
            return timestampMs;
          }),
        };
        const timesMs = Array.from({ length: 40 }, (_, k) => k * stride * 500);
        const rollup = { stepMs: 0, rangeMs: rangeSteps * 1000, timesMs, scalars: [0.3] };
        assert.deepEqual(
          rollUpSamples(name, samples, { ...rollup, slides: true }),
          rollUpSamples(name, samples, rollup),
        );
      },
    ),
    { numRuns: 1500 },
  );
});
