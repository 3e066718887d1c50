/**
 * Names of metrics and labels that many applications have, so that they are spelled alike everywhere.
 *
 * Counters end with `_total`; what has a unit ends with it, in base units; gauges of things counted have neither.
 */

/** Names of metrics that many applications have. */
export const metricNames = {
  requestsTotal: "http_requests_total",
  errorsTotal: "http_errors_total",
  activeConnections: "http_active_connections",
  memoryBytes: "process_memory_bytes",
  requestDurationSeconds: "http_request_duration_seconds",
  requestSizeBytes: "http_request_size_bytes",
  responseTimeSeconds: "http_response_time_seconds",
} as const;

/** Names of labels that many metrics have. */
export const labelNames = {
  /** HTTP method. */
  method: "method",
  /** The route's template (`/users/:id`), or the path as normalizeUrl writes it. Never the path as it came. */
  path: "path",
  /** HTTP status code. */
  statusCode: "status_code",
  service: "service",
  environment: "env",
} as const;
