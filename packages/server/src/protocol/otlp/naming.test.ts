import assert from "node:assert/strict";
import { test } from "node:test";
import { type MetricKind, toPrometheusLabelName, toPrometheusMetricName } from "./naming.ts";

test("toPrometheusMetricName", () => {
  const same = (name: string, unit: string, kind: MetricKind, wanted: string) =>
    assert.equal(toPrometheusMetricName(name, unit, kind), wanted);
  same("my-gauge", "", "gauge", "my_gauge");
  same("my-gauge", "ms", "gauge", "my_gauge_milliseconds");
  same("my-gauge-milliseconds", "ms", "gauge", "my_gauge_milliseconds");
  same("my-gauge-milliseconds", "1", "gauge", "my_gauge_milliseconds_ratio");
  same("my-sum", "ms", "counter", "my_sum_milliseconds_total");
  same("my-total-sum", "ms", "counter", "my_sum_milliseconds_total");
  same("test-histogram", "m/s", "histogram", "test_histogram_meters_per_second");
  same("cpu", "{cpu}", "gauge", "cpu");
  same("rate", "{packet}/s", "gauge", "rate_per_second");
  same("net", "By/{packet}", "gauge", "net_bytes");
  same("odd", "furlong/fortnight", "gauge", "odd_furlong_per_fortnight");
  same("a//b  c:d", " s ", "gauge", "a_b_c_d_seconds");
  same("", "", "gauge", "");
  same("x", "%", "gauge", "x_percent");
});

test("toPrometheusLabelName", () => {
  const same = (name: string, wanted: string, isUnderscoreSanitized = true) =>
    assert.equal(toPrometheusLabelName(name, isUnderscoreSanitized), wanted);
  same("http.method", "http_method");
  same("1st", "key_1st");
  same("_x", "key_x");
  same("_x", "_x", false);
  same("__x", "__x");
  same("é😀", "__");
  same("", "");
});
