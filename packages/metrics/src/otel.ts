/** The OpenTelemetry door: instruments ready to use. Start reading at app/app-metrics.ts. */
export { AppMetrics, type AppMetricsOptions, type RequestRecord } from "./app/app-metrics.ts";
export { BusinessMetrics, type BusinessMetricsOptions, type OrderRecord } from "./app/business-metrics.ts";
export { CacheMetrics, type CacheMetricsOptions } from "./app/cache-metrics.ts";
export { type CacheLike, type InstrumentCacheOptions, instrumentCache } from "./app/instrumented-cache.ts";
