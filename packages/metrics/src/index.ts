/** The package's main door: the native client, which depends on nothing. Start reading at native/metric-set.ts. */
export { answerScrape, type Collect, type Endpoint, EndpointError, startEndpoint } from "./exposition/endpoint.ts";
export type { Family, FamilyType, ProcessAggregation, Sample } from "./exposition/family.ts";
export type { Counter } from "./native/counter.ts";
export {
  defaultSet,
  getOrCreateCounter,
  getOrCreateFloatCounter,
  getOrCreateGauge,
  getOrCreateHistogram,
  getOrCreateSummary,
  listMetricNames,
  unregister,
  writePrometheus,
} from "./native/default-set.ts";
export type { FloatCounter } from "./native/float-counter.ts";
export type { Gauge } from "./native/gauge.ts";
export type { Histogram } from "./native/histogram.ts";
export { formatMetricName, MetricNameError } from "./native/metric-name.ts";
export { MetricSet, type MetricSetOptions, type WriteOptions } from "./native/metric-set.ts";
export { type PushClock, type Pusher, type PushOptions, pushMetrics } from "./native/push.ts";
export { PushError } from "./native/push-request.ts";
export { type ServeOptions, serveMetrics } from "./native/serve.ts";
export type { Summary, SummaryOptions } from "./native/summary.ts";
export { startProcessMetrics, writeProcessMetrics } from "./process/process-metrics.ts";
