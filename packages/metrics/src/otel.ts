/** OpenTelemetry made easy. Start reading at otel/start-metrics.ts. */
export { AppMetrics, type AppMetricsOptions, type RequestRecord } from "./app/app-metrics.ts";
export { BusinessMetrics, type BusinessMetricsOptions, type OrderRecord } from "./app/business-metrics.ts";
export { CacheMetrics, type CacheMetricsOptions } from "./app/cache-metrics.ts";
export { type CacheLike, type InstrumentCacheOptions, instrumentCache } from "./app/instrumented-cache.ts";
export { EndpointError } from "./exposition/endpoint.ts";
export { MissingPeerError } from "./otel/peers.ts";
export type { FamilyOptions } from "./otel/prometheus-families.ts";
export type {
  OtlpCompression,
  OtlpOptions,
  OtlpProtocol,
  OtlpTemporality,
  PrometheusOptions,
  ResourceOptions,
} from "./otel/settings.ts";
export { type MetricsKit, type MetricsOptions, startMetrics } from "./otel/start-metrics.ts";
