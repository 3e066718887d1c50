/** The package's door: a native metrics client that depends on nothing. Start reading at metric-set.ts. */
export type { Counter } from "./counter.ts";
export {
  counter,
  defaultSet,
  floatCounter,
  gauge,
  histogram,
  listMetricNames,
  summary,
  unregister,
  writePrometheus,
} from "./default-set.ts";
export type { FloatCounter } from "./float-counter.ts";
export type { Gauge } from "./gauge.ts";
export type { Histogram } from "./histogram.ts";
export { formatMetricName, MetricNameError } from "./metric-name.ts";
export { MetricSet, type MetricSetOptions, type WriteOptions } from "./metric-set.ts";
export { startProcessMetrics, writeProcessMetrics } from "./process-metrics.ts";
export type { Summary, SummaryOptions } from "./summary.ts";
