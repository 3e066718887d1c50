/**
 * The set most applications use, and its methods as plain functions:
 *
 *     import { counter, writePrometheus } from "@nyanza/metrics";
 *
 *     const served = counter("http_requests_total", { help: "Requests served.", labelNames: ["path"] });
 *     served.inc({ path: "/" });
 *     response.end(writePrometheus({ processMetrics: true }));
 */
import type { Counter } from "./counter.ts";
import type {
  CounterFamily,
  FloatCounterFamily,
  GaugeFamily,
  HistogramFamily,
  PrometheusHistogramFamily,
  SummaryFamily,
} from "./families.ts";
import type { FloatCounter } from "./float-counter.ts";
import type { Gauge } from "./gauge.ts";
import type { Histogram } from "./histogram.ts";
import {
  type FamilySource,
  type GaugeFamilyOptions,
  type HistogramFamilyOptions,
  MetricSet,
  type PrometheusHistogramFamilyOptions,
  type PrometheusHistogramOptions,
  type SummaryFamilyOptions,
  type WriteOptions,
} from "./metric-set.ts";
import type { PrometheusHistogram } from "./prometheus-histogram.ts";
import type { Description } from "./registry.ts";
import type { SeriesOptions } from "./series-family.ts";
import type { Summary, SummaryOptions } from "./summary.ts";

/** The set behind the functions of this file. A library that wants to be left alone makes its own. */
export const defaultSet: MetricSet = new MetricSet();

/** {@link MetricSet.counter} of the default set. */
export function counter<L extends string = never>(name: string, options: SeriesOptions<L>): CounterFamily<L> {
  return defaultSet.counter(name, options);
}

/** {@link MetricSet.floatCounter} of the default set. */
export function floatCounter<L extends string = never>(name: string, options: SeriesOptions<L>): FloatCounterFamily<L> {
  return defaultSet.floatCounter(name, options);
}

/** {@link MetricSet.gauge} of the default set. */
export function gauge<L extends string = never>(name: string, options: GaugeFamilyOptions<L>): GaugeFamily<L> {
  return defaultSet.gauge(name, options);
}

/** {@link MetricSet.histogram} of the default set. */
export function histogram<L extends string = never>(
  name: string,
  options: PrometheusHistogramFamilyOptions<L>,
): PrometheusHistogramFamily<L>;
export function histogram<L extends string = never>(
  name: string,
  options: HistogramFamilyOptions<L>,
): HistogramFamily<L>;
export function histogram<L extends string = never>(
  name: string,
  options: HistogramFamilyOptions<L> | PrometheusHistogramFamilyOptions<L>,
): HistogramFamily<L> | PrometheusHistogramFamily<L> {
  return defaultSet.histogram(name, options as HistogramFamilyOptions<L>);
}

/** {@link MetricSet.summary} of the default set. */
export function summary<L extends string = never>(name: string, options: SummaryFamilyOptions<L>): SummaryFamily<L> {
  return defaultSet.summary(name, options);
}

/** {@link MetricSet.createCounter} of the default set. */
export function createCounter(name: string): Counter {
  return defaultSet.createCounter(name);
}

/** {@link MetricSet.getOrCreateCounter} of the default set. */
export function getOrCreateCounter(name: string): Counter {
  return defaultSet.getOrCreateCounter(name);
}

/** {@link MetricSet.createFloatCounter} of the default set. */
export function createFloatCounter(name: string): FloatCounter {
  return defaultSet.createFloatCounter(name);
}

/** {@link MetricSet.getOrCreateFloatCounter} of the default set. */
export function getOrCreateFloatCounter(name: string): FloatCounter {
  return defaultSet.getOrCreateFloatCounter(name);
}

/** {@link MetricSet.createGauge} of the default set. */
export function createGauge(name: string, callback?: () => number): Gauge {
  return defaultSet.createGauge(name, callback);
}

/** {@link MetricSet.getOrCreateGauge} of the default set. */
export function getOrCreateGauge(name: string, callback?: () => number): Gauge {
  return defaultSet.getOrCreateGauge(name, callback);
}

/** {@link MetricSet.createHistogram} of the default set. */
export function createHistogram(name: string): Histogram {
  return defaultSet.createHistogram(name);
}

/** {@link MetricSet.getOrCreateHistogram} of the default set. */
export function getOrCreateHistogram(name: string): Histogram {
  return defaultSet.getOrCreateHistogram(name);
}

/** {@link MetricSet.createPrometheusHistogram} of the default set. */
export function createPrometheusHistogram(name: string, options?: PrometheusHistogramOptions): PrometheusHistogram {
  return defaultSet.createPrometheusHistogram(name, options);
}

/** {@link MetricSet.getOrCreatePrometheusHistogram} of the default set. */
export function getOrCreatePrometheusHistogram(
  name: string,
  options?: PrometheusHistogramOptions,
): PrometheusHistogram {
  return defaultSet.getOrCreatePrometheusHistogram(name, options);
}

/** {@link MetricSet.createSummary} of the default set. */
export function createSummary(name: string, options?: SummaryOptions): Summary {
  return defaultSet.createSummary(name, options);
}

/** {@link MetricSet.getOrCreateSummary} of the default set. */
export function getOrCreateSummary(name: string, options?: SummaryOptions): Summary {
  return defaultSet.getOrCreateSummary(name, options);
}

/** {@link MetricSet.describe} of the default set. */
export function describe(family: string, description: Description): void {
  defaultSet.describe(family, description);
}

/** {@link MetricSet.unregister} of the default set. */
export function unregister(name: string): boolean {
  return defaultSet.unregister(name);
}

/** {@link MetricSet.unregisterAll} of the default set. */
export function unregisterAll(): void {
  defaultSet.unregisterAll();
}

/** {@link MetricSet.registerSet} of the default set. */
export function registerSet(source: FamilySource): void {
  defaultSet.registerSet(source);
}

/** {@link MetricSet.unregisterSet} of the default set. */
export function unregisterSet(source: FamilySource): boolean {
  return defaultSet.unregisterSet(source);
}

/** {@link MetricSet.listMetricNames} of the default set. */
export function listMetricNames(): string[] {
  return defaultSet.listMetricNames();
}

/** {@link MetricSet.writePrometheus} of the default set. */
export function writePrometheus(options?: WriteOptions): string {
  return defaultSet.writePrometheus(options);
}
