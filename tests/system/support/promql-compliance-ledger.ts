/**
 * Queries of Prometheus' compliance suite that our two dialects answer otherwise than the Debian programs do, each with its reason.
 * promql-compliance.test.ts runs them; docs/COMPATIBILITY.md shows them.
 */
export interface ComplianceDifference {
  readonly reason: string;
  /** Text by the id that the corpus gives it. */
  readonly queries: ReadonlyMap<number, string>;
}

/** The promql dialect against prometheus 2.42. */
export const PROMETHEUS_DIFFERENCES: readonly ComplianceDifference[] = [
  {
    reason: "any UTF-8 text may name a label since Prometheus 3.0; 2.42 refuses ~invalid",
    queries: new Map([
      [456, 'label_replace(demo_num_cpus, "~invalid", "", "src", "(.*)")'],
      [461, 'label_join(demo_num_cpus, "~invalid", "-", "instance")'],
    ]),
  },
];

/** The metricsql dialect against victoria-metrics 1.79.5. */
export const VICTORIA_METRICS_DIFFERENCES: readonly ComplianceDifference[] = [
  {
    reason: "1.79.5 makes -6.3 ^ x of (-6.3) ^ x, which is -(6.3 ^ x); prometheus answers as we do",
    queries: new Map([[163, "(1 * 2 + 4 / 6 - (10%7)^2) ^ demo_memory_usage_bytes"]]),
  },
  {
    reason: "a window that is written is used as it is since v1.85.3; 1.79.5 widens it to two scrapes",
    queries: new Map([
      [435, "deriv(demo_disk_usage_bytes[1s])"],
      [496, "irate(demo_cpu_usage_seconds_total[1s])"],
    ]),
  },
  {
    reason: "1.79.5 makes no more series than it was given, or 768; now -search.maxSeriesPerAggrFunc says how many",
    queries: new Map([[534, 'count_values("value", demo_api_request_duration_seconds_bucket)']]),
  },
];
