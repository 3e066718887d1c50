import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { labelNames, metricNames } from "./metric-names.ts";
import { checkLabelName, checkMetricName, type MetricNameOptions, type NameRule } from "./name-check.ts";

/** `warnings` are `rule suggestion`. */
function says(name: string, options: MetricNameOptions, ...warnings: string[]): void {
  assert.deepEqual(
    checkMetricName(name, options).map(({ rule, suggestion }) => `${rule} ${suggestion}`),
    warnings,
    name,
  );
}

test("the constants are good names", () => {
  for (const name of Object.values(metricNames)) {
    const type = name.endsWith("_total") ? "counter" : /duration|time|request_size/.test(name) ? "histogram" : "gauge";
    says(name, { type });
  }
  for (const name of Object.values(labelNames)) assert.deepEqual(checkLabelName(name), []);
});

test("names that are as they should be", () => {
  says("process_cpu_seconds_total", { type: "counter", unit: "s" });
  says("process_start_time_seconds", { type: "gauge" });
  says("nodejs_eventloop_lag_p99_seconds", { type: "gauge" });
  says("nodejs_version_info", { type: "gauge" });
  says("process_open_fds", { type: "gauge" });
  says("jobs_total", { type: "counter", unit: "{jobs}" });
  says("disk_usage_ratio", { type: "gauge", unit: "1" });
  says("request_duration_seconds_bucket", {});
  says("queue_size", { type: "gauge" });
  says("temperature_min_celsius", { type: "gauge" });
});

test("counters and their suffixes", () => {
  says("http_requests", { type: "counter" }, "counter-total http_requests_total");
  says("http_requests", {});
  says("requests_total_seconds", { type: "counter" }, "counter-total requests_seconds_total");
  says("queue_total", { type: "gauge" }, "total-not-counter queue");
  says("jobs_count", { type: "gauge" }, "reserved-suffix jobs");
  says("jobs_count", { type: "counter" }, "counter-total jobs_total", "reserved-suffix jobs");
  says("total", { type: "gauge" });
});

test("units", () => {
  says("latency_milliseconds", { type: "histogram" }, "base-unit latency_seconds");
  says("sent_kilobytes_total", { type: "counter" }, "base-unit sent_bytes_total");
  says("cpu_percent", { type: "gauge" }, "base-unit cpu_ratio");
  says("days_since_backup", { type: "gauge" }, "base-unit seconds_since_backup");
  says("latency_ms", { type: "histogram" }, "abbreviated-unit latency_seconds");
  says("heap_mb", { type: "gauge" }, "abbreviated-unit heap_bytes");
  says("http_seconds_wait", { type: "gauge" }, "unit-not-last http_wait_seconds");
  says("http_bytes_sent_total", { type: "counter" }, "unit-not-last http_sent_bytes_total");
  says("request_duration", { type: "histogram" }, "unit-missing request_duration_seconds");
  says("request_size", { type: "histogram", unit: "By" }, "unit-missing request_size_bytes");
  says("wait", { type: "gauge", unit: "seconds" }, "unit-missing wait_seconds");
  says("wait", { type: "gauge", unit: "ms" }, "base-unit null", "unit-missing wait_seconds");
  says("wait_seconds", { type: "gauge", unit: "By" }, "unit-differs wait_bytes");
});

test("characters", () => {
  says("http.server.requests", {}, "characters http_server_requests");
  says("http-requests", {}, "characters http_requests");
  says("2xx", {}, "characters _2xx");
  says("", {}, "characters null");
  says("☃", {}, "characters null");
  says("__name", {}, "reserved-prefix name");
  says("job:requests:rate5m", {}, "colon job_requests_rate5m");
  says("requestHTTPCount", {}, "snake-case request_http_count");
  says("HTTP_requests", {}, "snake-case http_requests");
});

test("what the type and the labels already say", () => {
  says("requests_counter_total", { type: "counter" }, "type-in-name requests_total");
  says("latency_histogram_seconds", { type: "histogram" }, "type-in-name latency_seconds");
  says("gauge_readings", { type: "gauge" });
  says("requests_by_path_total", { type: "counter" }, "label-in-name requests_total");
  says("requests_by_status_code", { type: "gauge" }, "label-in-name requests");
});

test("labels", () => {
  const warns = (name: string, ...rules: NameRule[]) =>
    assert.deepEqual(
      checkLabelName(name).map(({ rule }) => rule),
      rules,
      name,
    );
  warns("method");
  warns("statusCode", "snake-case");
  warns("status-code", "characters");
  warns("a:b", "characters");
  warns("__name__", "reserved-prefix");
  warns("le", "reserved-label");
  warns("vmrange", "reserved-label");
  warns("quantile", "reserved-label");
  warns("instance", "target-label");
  warns("user_id", "unbounded-label");
  warns("userId", "snake-case", "unbounded-label");
  warns("email", "unbounded-label");
  warns("grid");
  assert.equal(checkLabelName("status-code")[0]?.suggestion, "status_code");
});

const word = fc.constantFrom(
  ..."total count sum bucket seconds ms bytes kilobytes percent by path counter gauge days s requests HTTPServer duration".split(
    " ",
  ),
  ..."__ . - : é 9 userId".split(" "),
  "",
);
const anyName = fc.oneof(
  fc.array(word, { maxLength: 6 }).map((words) => words.join("_")),
  fc.string({ unit: "binary" }),
);
const anyOptions: fc.Arbitrary<MetricNameOptions> = fc.record(
  {
    type: fc.constantFrom("counter", "gauge", "histogram", "summary"),
    unit: fc.constantFrom("s", "By", "ms", "1", "{jobs}", "seconds", "kilobytes", "?", "__proto__"),
  },
  { requiredKeys: [] },
);

test("any name: following the suggestions ends, and what is left no suggestion mends", () => {
  fc.assert(
    fc.property(anyName, anyOptions, (name, options) => {
      let mended = name;
      for (let steps = 0; steps < 30; steps++) {
        const next = checkMetricName(mended, options).find(({ suggestion }) => suggestion !== null);
        if (next === undefined) return;
        assert.notEqual(next.suggestion, mended, next.rule);
        mended = next.suggestion as string;
      }
      assert.fail(`${JSON.stringify(name)} became ${JSON.stringify(mended)} and is not done`);
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(anyName, (name) => {
      for (const { suggestion } of checkLabelName(name)) assert.notEqual(suggestion, name);
    }),
  );
});

test("what is no name, or much too long, is one warning at once", () => {
  const long = `a-${"_".repeat(1_000_000)}a`;
  for (const name of [undefined, null, 5, 5n, Symbol("s"), {}, Object.create(null), long] as string[]) {
    for (const warnings of [checkMetricName(name, { type: "counter" }), checkLabelName(name)]) {
      assert.deepEqual(
        warnings.map(({ rule, suggestion }) => [rule, suggestion]),
        [["characters", null]],
      );
      assert.match((warnings[0] as { message: string }).message, /^want a name of at most 1000 characters, got \w+/);
    }
  }
});
