/**
 * The set most applications use, and its methods as plain functions:
 *
 *     import { counter, writePrometheus } from "@nyanza/metrics";
 *
 *     const served = counter(`http_requests_total{path="/"}`);
 *     served.inc();
 *     response.end(writePrometheus({ isProcessMetricsIncluded: true }));
 */
import type { Counter } from "./counter.ts";
import type { FloatCounter } from "./float-counter.ts";
import type { Gauge } from "./gauge.ts";
import type { Histogram } from "./histogram.ts";
import { MetricSet, type WriteOptions } from "./metric-set.ts";
import type { Summary, SummaryOptions } from "./summary.ts";

/** The set behind the functions of this file. A library that wants to be left alone makes its own. */
export const defaultSet: MetricSet = new MetricSet();

/** {@link MetricSet.counter} of the default set. */
export function counter(name: string): Counter {
  return defaultSet.counter(name);
}

/** {@link MetricSet.floatCounter} of the default set. */
export function floatCounter(name: string): FloatCounter {
  return defaultSet.floatCounter(name);
}

/** {@link MetricSet.gauge} of the default set. */
export function gauge(name: string, callback?: () => number): Gauge {
  return defaultSet.gauge(name, callback);
}

/** {@link MetricSet.histogram} of the default set. */
export function histogram(name: string): Histogram {
  return defaultSet.histogram(name);
}

/** {@link MetricSet.summary} of the default set. */
export function summary(name: string, options?: SummaryOptions): Summary {
  return defaultSet.summary(name, options);
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
