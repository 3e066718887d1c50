/**
 * The set most applications use, and its methods as plain functions:
 *
 *     import { counter, writePrometheus } from "@nyanza/metrics";
 *
 *     const served = counter(`http_requests_total{path="/"}`);
 *     served.inc();
 *     response.end(writePrometheus({ processMetrics: true }));
 */
import type { Counter } from "./counter.ts";
import type { FloatCounter } from "./float-counter.ts";
import type { Gauge } from "./gauge.ts";
import type { Histogram } from "./histogram.ts";
import { MetricSet, type WriteOptions } from "./metric-set.ts";
import type { Summary, SummaryOptions } from "./summary.ts";

/** The set behind the functions of this file. A library that wants to be left alone makes its own. */
export const defaultSet: MetricSet = new MetricSet();

/** {@link MetricSet.getOrCreateCounter} of the default set. */
export function getOrCreateCounter(name: string): Counter {
  return defaultSet.getOrCreateCounter(name);
}

/** {@link MetricSet.getOrCreateFloatCounter} of the default set. */
export function getOrCreateFloatCounter(name: string): FloatCounter {
  return defaultSet.getOrCreateFloatCounter(name);
}

/** {@link MetricSet.getOrCreateGauge} of the default set. */
export function getOrCreateGauge(name: string, callback?: () => number): Gauge {
  return defaultSet.getOrCreateGauge(name, callback);
}

/** {@link MetricSet.getOrCreateHistogram} of the default set. */
export function getOrCreateHistogram(name: string): Histogram {
  return defaultSet.getOrCreateHistogram(name);
}

/** {@link MetricSet.getOrCreateSummary} of the default set. */
export function getOrCreateSummary(name: string, options?: SummaryOptions): Summary {
  return defaultSet.getOrCreateSummary(name, options);
}

/** {@link MetricSet.unregister} of the default set. */
export function unregister(name: string): boolean {
  return defaultSet.unregister(name);
}

/** {@link MetricSet.listMetricNames} of the default set. */
export function listMetricNames(): string[] {
  return defaultSet.listMetricNames();
}

/** {@link MetricSet.writePrometheus} of the default set. */
export function writePrometheus(options?: WriteOptions): string {
  return defaultSet.writePrometheus(options);
}
