import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { measureOf } from "./measure.ts";

test("names of series say what is measured", () => {
  const same = (names: string[], unit: string) => {
    const sets = names.map((name) => [["__name__", name]] as const);
    assert.equal(measureOf("anything", sets).unit, unit, names.join());
  };
  same(["a_bytes", "b_bytes"], "bytes");
  same(["a_bytes", "b_seconds"], "number");
  same(["bytes_total"], "number");
  same(["nodejs_eventloop_lag_seconds"], "seconds");
  same(["process_start_time_seconds"], "number");
  same(["scrape_timestamp_seconds"], "number");
  assert.equal(measureOf("sum(a_bytes)", [[["job", "b"]]]).unit, "bytes");
  assert.equal(measureOf("sum(a_bytes)", []).unit, "bytes");
});

test("a query says what is measured", () => {
  const same = (query: string, unit: string, noun = "") =>
    assert.deepEqual(measureOf(query, [[]]), { unit, noun }, query);
  same("sum(rate(http_requests_total[1m])) by (path)", "number", "requests/s");
  same('sum by (job_bytes) (irate(http_errors_total{path="/a_bytes"}[5m:10s] offset 1h))', "number", "errors/s");
  same("rate(node_network_receive_bytes_total[1m])", "bytes", "/s");
  same("rate(process_cpu_seconds_total[1m])", "number");
  same("rate(http_request_duration_seconds_count[1m])", "number");
  same("histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket[1m])) by (le))", "seconds");
  same("histogram_quantile(.5, sum(rate(http_request_size_bytes_bucket)) by (le))", "bytes");
  same("max(process_resident_memory_bytes)", "bytes");
  same("a_bytes + b_bytes offset 1e3s", "bytes");
  same("a_bytes + b_seconds", "number");
  same("a_bytes / b_bytes", "number");
  same("count(a_bytes)", "number");
  same('label_replace(a_seconds, "to", "$1_bytes", "from", "(.*)")', "seconds");
  same("increase(a_total[1m])", "number");
  same("rate(total)", "number");
  same("1 + 2", "number");
  same("", "number");
});

test("any text has a measure", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (query) => measureOf(query, []).noun.length < 1000));
});
