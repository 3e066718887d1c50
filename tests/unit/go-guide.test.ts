/** docs/kit/FROM-THE-GO-GUIDE.md leaves out nothing of the guide: each name its Go blocks declare and each of its queries has a place and a snippet. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const page = readFileSync(new URL("../../../docs/kit/FROM-THE-GO-GUIDE.md", import.meta.url), "utf8");

/** Section of the page → what the Go block it is about declares: types, fields, functions, methods, constants; of the native client also what it calls. */
const declared: Readonly<Record<string, string>> = {
  "The exporter":
    "VMConfig ServiceName ServiceVersion Environment MetricsPath MetricsPort DefaultVMConfig VMExporter config meterProvider promExporter server NewVMExporter Shutdown GetMeter",
  "Application metrics":
    "meter AppMetrics requestCounter errorCounter requestDuration payloadSize activeUsers memoryUsage cpuUsage NewAppMetrics RecordRequest RecordUserLogin RecordUserLogout main",
  "Business and cache metrics":
    "BusinessMetrics meter orderTotal orderAmount orderDuration inventoryLevel cartSize currentInventory inventoryMu NewBusinessMetrics RecordOrder RecordCartSize UpdateInventory CacheMetrics hits misses evictions latency NewCacheMetrics RecordHit RecordMiss RecordEviction RecordLatency",
  "The native client":
    "VMNativeMetrics requestCounter activeConnections requestDuration payloadSize NewVMNativeMetrics RecordRequest SetActiveConnections ServeMetrics ExampleVMNative metrics.Counter metrics.Gauge metrics.Summary metrics.Histogram metrics.NewCounter metrics.NewGauge metrics.NewSummary metrics.NewHistogram metrics.WritePrometheus Inc Update Set",
  "The querier":
    "VMQuerier baseURL client NewVMQuerier QueryResult Status Data ResultType Result Metric Value Values Query QueryRange ExampleMetricsQL",
  Aggregation: "MetricsAggregator counter buffer mu interval done NewMetricsAggregator Increment flush Close",
  "Label optimizer": "LabelOptimizer cache NewLabelOptimizer GetAttributes ExampleLabelOptimizer",
  Sampling: "MetricsSampler rate counter NewMetricsSampler ShouldSample CounterSampler interval NewCounterSampler",
  Names:
    "MetricRequestsTotal MetricErrorsTotal MetricActiveConnections MetricMemoryBytes MetricRequestDurationSeconds MetricRequestSizeBytes MetricResponseTimeSeconds LabelMethod LabelPath LabelStatusCode LabelService LabelEnvironment",
  Cardinality: "CardinalityController maxCardinality buckets NewCardinalityController NormalizeLabel NormalizeURL",
};

const queries: Readonly<Record<string, readonly string[]>> = {
  Queries: [
    "rate(http_requests_total[5m])",
    "sum(rate(http_requests_total[5m])) by (service)",
    "histogram_quantile(0.99, rate(http_request_duration_seconds_bucket[5m]))",
    "predict_linear(http_requests_total[1h], 3600)",
    "mad(rate(http_requests_total[5m])) > 3 * mad(rate(http_requests_total[1h]))",
    "rollup_rate(http_requests_total[1h])",
    "avg_over_time(http_request_duration_seconds[24h])",
    `label_replace(http_requests_total, "env", "production", "", "")`,
    "sum(rate(http_errors_total[5m])) / sum(rate(http_requests_total[5m])) * 100",
    "max_over_time((rate(http_requests_total[5m]))[1h:5m])",
  ],
  "Aggregating queries": [
    "sum(rate(http_requests_total[5m])) by (service)",
    "sum(rate(http_errors_total[5m])) by (status_code) / sum(rate(http_requests_total[5m]))",
    "rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])",
    "topk(5, avg(rate(http_request_duration_seconds_sum[5m])) by (service))",
  ],
};

/** A section's rows, each as its cells, and its snippets. */
function readSection(title: string): { rows: string[][]; snippets: string } {
  const from = page.indexOf(`\n## ${title}\n`);
  assert.ok(from >= 0, `no section ${title}`);
  const end = page.indexOf("\n## ", from + 1);
  const section = page.slice(from, end < 0 ? undefined : end);
  return {
    rows: section.split("\n").flatMap((line) => (line.startsWith("| ") ? [line.slice(1, -1).split("|")] : [])),
    snippets: [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]).join("\n"),
  };
}

test("the Go guide: each name of its Go blocks is in the first column of its section's table", () => {
  for (const [title, names] of Object.entries(declared)) {
    const { rows, snippets } = readSection(title);
    const words = new Set(
      rows.flatMap(([first = ""]) => [...first.matchAll(/`([\w.]+)`/g)].map((match) => match[1] as string)),
    );
    assert.deepEqual(
      names.split(" ").filter((name) => !words.has(name)),
      [],
      title,
    );
    assert.notEqual(snippets, "", `${title} has no snippet`);
    for (const [go, here = ""] of rows) assert.notEqual(here.trim(), "", `${go} has nothing here`);
  }
});

test("the Go guide: each of its queries is in a table, and asked in a snippet", () => {
  for (const [title, expressions] of Object.entries(queries)) {
    const { rows, snippets } = readSection(title);
    const cells = new Set(rows.flat().map((cell) => cell.trim()));
    for (const expression of expressions) {
      assert.ok(cells.has(`\`${expression}\``), `${title}: ${expression} is in no table`);
      assert.ok(/ask\(["`]/.test(snippets) && snippets.includes(expression), `${expression} is not asked`);
    }
  }
});
