/** The package's main door: the native client, which depends on nothing. Start reading at native/metric-set.ts. */
export { answerScrape, type Collect, type Endpoint, EndpointError, startEndpoint } from "./exposition/endpoint.ts";
export type { Family, FamilyType, ProcessAggregation, Sample } from "./exposition/family.ts";
export { joinFamilies } from "./exposition/join.ts";
export { writeOpenMetrics } from "./exposition/openmetrics.ts";
export { writeText } from "./exposition/text-format.ts";
export type { Counter } from "./native/counter.ts";
export {
  counter,
  createCounter,
  createFloatCounter,
  createGauge,
  createHistogram,
  createPrometheusHistogram,
  createSummary,
  defaultSet,
  describe,
  floatCounter,
  gauge,
  getOrCreateCounter,
  getOrCreateFloatCounter,
  getOrCreateGauge,
  getOrCreateHistogram,
  getOrCreatePrometheusHistogram,
  getOrCreateSummary,
  histogram,
  listMetricNames,
  registerSet,
  summary,
  unregister,
  unregisterAll,
  unregisterSet,
  writePrometheus,
} from "./native/default-set.ts";
export type {
  CounterFamily,
  FloatCounterFamily,
  GaugeFamily,
  HistogramFamily,
  PrometheusHistogramFamily,
  SummaryFamily,
} from "./native/families.ts";
export type { FloatCounter } from "./native/float-counter.ts";
export type { Gauge } from "./native/gauge.ts";
export type { Histogram } from "./native/histogram.ts";
export { formatMetricName, MetricNameError } from "./native/metric-name.ts";
export {
  type FamilySource,
  type GaugeFamilyOptions,
  type HistogramFamilyOptions,
  MetricSet,
  type MetricSetOptions,
  type PrometheusHistogramFamilyOptions,
  type PrometheusHistogramOptions,
  type SummaryFamilyOptions,
  type WriteOptions,
} from "./native/metric-set.ts";
export {
  DEFAULT_BUCKETS,
  exponentialBuckets,
  linearBuckets,
  type PrometheusHistogram,
} from "./native/prometheus-histogram.ts";
export { type PushClock, type Pusher, type PushOptions, pushMetrics } from "./native/push.ts";
export { PushError } from "./native/push-request.ts";
export type { Description } from "./native/registry.ts";
export type { Labels, LabelValue, SeriesOptions } from "./native/series-family.ts";
export { type ServeOptions, serveMetrics } from "./native/serve.ts";
export type { Summary, SummaryOptions } from "./native/summary.ts";
export { startProcessMetrics, writeProcessMetrics } from "./process/process-metrics.ts";
export type {
  CallOptions,
  ExportOptions,
  ExtraParams,
  ImportOptions,
  ImportResult,
  ImportTextOptions,
  ListOptions,
  MatchOptions,
  MetadataOptions,
  MetricMetadata,
  QueryClientOptions,
  QueryOptions,
  QueryRangeOptions,
} from "./query/client-options.ts";
export type { ExportedSeries } from "./query/export-lines.ts";
export type {
  ImportPiece,
  ImportSource,
  LabelsInput,
  SeriesInput,
  TextPiece,
  TextSource,
} from "./query/import-batches.ts";
export type {
  AnswerInfo,
  HistogramPoint,
  LabelSet,
  ListAnswer,
  MatrixAnswer,
  MatrixSeries,
  QueryAnswer,
  ScalarAnswer,
  StringAnswer,
  VectorAnswer,
  VectorSample,
} from "./query/query-answer.ts";
export { QueryClient } from "./query/query-client.ts";
export { QueryError, type QueryErrorCode, type QueryErrorFields } from "./query/query-error.ts";
export type { StepInput, TimeInput } from "./query/wire-time.ts";
export { Aggregator, type AggregatorOptions, type AggregatorStats } from "./tuning/aggregator.ts";
export { AttributeCache, type AttributeCacheOptions, type AttributeCacheStats } from "./tuning/attribute-cache.ts";
export type { AddingCounter, Attributes, AttributeValue } from "./tuning/attributes.ts";
export {
  CardinalityLimiter,
  type CardinalityLimiterOptions,
  type CardinalityStats,
  type Overflow,
} from "./tuning/cardinality-limiter.ts";
export { LabelLimits } from "./tuning/label-limits.ts";
export { labelNames, metricNames } from "./tuning/metric-names.ts";
export {
  checkLabelName,
  checkMetricName,
  type MetricNameOptions,
  type NameRule,
  type NameWarning,
} from "./tuning/name-check.ts";
export { type NormalizeUrlOptions, normalizeUrl, type UrlPattern } from "./tuning/normalize-url.ts";
export {
  NthSampler,
  ProbabilitySampler,
  type SamplerOptions,
  WeightedSampler,
  type WeightedSamplerOptions,
} from "./tuning/samplers.ts";
