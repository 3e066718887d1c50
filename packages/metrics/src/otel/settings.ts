/**
 * What `startMetrics` is to do: an option wins over the environment, the environment over the default.
 *
 *     option                     environment                                            default
 *     serviceName                OTEL_SERVICE_NAME, service.name of OTEL_RESOURCE_ATTRIBUTES   my-service
 *     serviceVersion             service.version of OTEL_RESOURCE_ATTRIBUTES            1.0.0
 *     environment                deployment.environment.name of the same                production
 *     prometheus, otlp           OTEL_METRICS_EXPORTER (prometheus, otlp, none, a list) prometheus; otlp if an endpoint is set
 *     prometheus.host, .port     OTEL_EXPORTER_PROMETHEUS_HOST, _PORT                   every address, 9090
 *     otlp.url                   OTEL_EXPORTER_OTLP_METRICS_ENDPOINT as it is,
 *                                OTEL_EXPORTER_OTLP_ENDPOINT and /v1/metrics            http://localhost:4318/v1/metrics
 *     otlp.protocol, .compression, .timeoutMs   OTEL_EXPORTER_OTLP_[METRICS_]{PROTOCOL,COMPRESSION,TIMEOUT}
 *                                                                                       http/protobuf, none, 10000
 *     otlp.intervalMs            OTEL_METRIC_EXPORT_INTERVAL (and _TIMEOUT, 30000)      60000
 *     otlp.temporality           OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE      cumulative
 *
 * Headers and certificates of the environment (`…_HEADERS`, `…_CERTIFICATE`, `…_CLIENT_KEY`) are read by the official exporters.
 */
import { randomUUID } from "node:crypto";
import type { Attributes } from "@opentelemetry/api";
import { Environment, isHttpUrl, type Variables } from "./environment.ts";
import type { FamilyOptions } from "./prometheus-families.ts";

/** Who it is that measures. */
export interface ResourceOptions {
  /** Default: my-service. */
  readonly serviceName?: string;
  /** Default: 1.0.0. */
  readonly serviceVersion?: string;
  /** `deployment.environment.name`: production, staging … Default: production. */
  readonly environment?: string;
  /** Further attributes of the resource, such as `cloud.region`. */
  readonly attributes?: Attributes;
}

/** The address scrapers read. */
export interface PrometheusOptions extends FamilyOptions {
  /** Default: every address of the machine. */
  readonly host?: string;
  /** Default: 9090. 0 takes a free one; `url` of the kit then says which. */
  readonly port?: number;
  /** Default: /metrics. */
  readonly path?: string;
}

const PROTOCOLS = ["http/protobuf", "http/json", "grpc"] as const;
const COMPRESSIONS = ["none", "gzip"] as const;
const TEMPORALITIES = ["cumulative", "delta", "lowmemory"] as const;

/** How a push is encoded and sent. */
export type OtlpProtocol = (typeof PROTOCOLS)[number];
/** How the bodies of pushes are compressed. */
export type OtlpCompression = (typeof COMPRESSIONS)[number];
/** Sums since the start (`cumulative`) or since the last push (`delta`); `lowmemory`: delta for what is counted, cumulative for what is observed. */
export type OtlpTemporality = (typeof TEMPORALITIES)[number];

/** Where and how metrics are pushed. */
export interface OtlpOptions {
  /**
   * Where to push. A base URL is enough: `http://127.0.0.1:8428` becomes `…/opentelemetry/v1/metrics`, as Nyanza and
   * VictoriaMetrics have it (at port 4318, that of OpenTelemetry's collector, `…/v1/metrics`). A path is left alone unless it ends with
   * `/opentelemetry`. For grpc: `http://127.0.0.1:4317`.
   */
  readonly url?: string;
  /** Default: http/protobuf. Each needs its exporter installed; the error names it. */
  readonly protocol?: OtlpProtocol;
  /** Sent with each push, beside those of the environment. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: none. */
  readonly compression?: OtlpCompression;
  /** Ms between two pushes. Default: 60000. */
  readonly intervalMs?: number;
  /** How long one push may take with its retries, in ms; no longer than the interval. Default: 10000. */
  readonly timeoutMs?: number;
  /** VictoriaMetrics, Prometheus and Nyanza want cumulative values, which is the default. */
  readonly temporality?: OtlpTemporality;
}

export interface PrometheusSettings extends FamilyOptions {
  /** Undefined: every address. */
  readonly host: string | undefined;
  readonly port: number;
  readonly path: string;
}

export interface OtlpSettings {
  readonly url: string;
  readonly protocol: OtlpProtocol;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: OtlpCompression;
  readonly intervalMs: number;
  /** Of one push over the network. */
  readonly timeoutMs: number;
  /** Of one push with the collecting before it. */
  readonly exportTimeoutMs: number;
  readonly temporality: OtlpTemporality;
}

export interface Settings {
  readonly resource: Attributes;
  /** Null: no endpoint. */
  readonly prometheus: PrometheusSettings | null;
  /** Null: nothing is pushed. */
  readonly otlp: OtlpSettings | null;
}

export interface SettingsOptions extends ResourceOptions {
  readonly prometheus?: PrometheusOptions | boolean;
  readonly otlp?: OtlpOptions | boolean;
}

const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/**
 * `warn` gets a message for each variable that makes no sense. Null when OTEL_SDK_DISABLED says so.
 * @throws TypeError, RangeError for an option that makes no sense
 */
export function readSettings(
  options: SettingsOptions,
  variables: Variables,
  warn: (message: string) => void,
): Settings | null {
  const env = new Environment(variables, warn);
  if (env.flag("OTEL_SDK_DISABLED")) return null;
  const exporters = env.wordList("OTEL_METRICS_EXPORTER", ["prometheus", "otlp", "none"]);
  const isEndpointSet =
    env.text("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") !== undefined ||
    env.text("OTEL_EXPORTER_OTLP_ENDPOINT") !== undefined;
  const prometheus = options.prometheus ?? exporters?.includes("prometheus") ?? true;
  const otlp = options.otlp ?? exporters?.includes("otlp") ?? isEndpointSet;
  return {
    resource: readResource(options, env),
    prometheus: prometheus === false ? null : readPrometheus(prometheus === true ? {} : prometheus, env),
    otlp: otlp === false ? null : readOtlp(otlp === true ? {} : otlp, env),
  };
}

function readResource(options: ResourceOptions, env: Environment): Attributes {
  const attributes = new Map<string, Attributes[string]>(env.pairs("OTEL_RESOURCE_ATTRIBUTES"));
  const serviceName = env.text("OTEL_SERVICE_NAME");
  if (serviceName !== undefined) attributes.set("service.name", serviceName);
  for (const [key, value] of Object.entries(options.attributes ?? {})) attributes.set(key, value);
  const settle = (key: string, option: string | undefined, standard: () => Attributes[string]): void => {
    if (option) attributes.set(key, option);
    else if (!attributes.get(key)) attributes.set(key, standard());
  };
  settle("service.name", options.serviceName, () => "my-service");
  settle("service.version", options.serviceVersion, () => "1.0.0");
  // The older name of the attribute is still what many deployments set.
  const environment = attributes.get("deployment.environment");
  settle("deployment.environment.name", options.environment, () => environment ?? "production");
  // Two processes of one service that push must not write the same series.
  settle("service.instance.id", undefined, randomUUID);
  return Object.fromEntries(attributes);
}

function readPrometheus(options: PrometheusOptions, env: Environment): PrometheusSettings {
  return {
    ...options,
    host: options.host ?? env.text("OTEL_EXPORTER_PROMETHEUS_HOST"),
    port: options.port ?? env.integer("OTEL_EXPORTER_PROMETHEUS_PORT", 0, 65_535) ?? 9090,
    path: options.path ?? "/metrics",
  };
}

function readOtlp(options: OtlpOptions, env: Environment): OtlpSettings {
  const protocol =
    checkWord("otlp.protocol", options.protocol, PROTOCOLS) ??
    env.word("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", PROTOCOLS) ??
    env.word("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOLS) ??
    "http/protobuf";
  const intervalMs =
    checkMs("otlp.intervalMs", options.intervalMs) ??
    env.integer("OTEL_METRIC_EXPORT_INTERVAL", 1, TIMEOUT_MS_MAX) ??
    60_000;
  const timeoutMs =
    checkMs("otlp.timeoutMs", options.timeoutMs) ??
    env.integer("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", 1, TIMEOUT_MS_MAX) ??
    env.integer("OTEL_EXPORTER_OTLP_TIMEOUT", 1, TIMEOUT_MS_MAX) ??
    10_000;
  const exportTimeoutMs = Math.min(
    env.integer("OTEL_METRIC_EXPORT_TIMEOUT", 1, TIMEOUT_MS_MAX) ?? Math.max(30_000, timeoutMs),
    intervalMs,
  );
  return {
    url: options.url === undefined ? readUrl(protocol, env) : completeUrl(options.url, protocol),
    protocol,
    headers: options.headers ?? {},
    compression:
      checkWord("otlp.compression", options.compression, COMPRESSIONS) ??
      env.word("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", COMPRESSIONS) ??
      env.word("OTEL_EXPORTER_OTLP_COMPRESSION", COMPRESSIONS) ??
      "none",
    intervalMs,
    timeoutMs: Math.min(timeoutMs, exportTimeoutMs),
    exportTimeoutMs,
    temporality:
      checkWord("otlp.temporality", options.temporality, TEMPORALITIES) ??
      env.word("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", TEMPORALITIES) ??
      "cumulative",
  };
}

/** By OpenTelemetry's rule: the endpoint for metrics is used as it is, the one for everything is a base. */
function readUrl(protocol: OtlpProtocol, env: Environment): string {
  if (protocol === "grpc") {
    // May be `host:port`, without a scheme: then TLS.
    return (
      env.text("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") ??
      env.text("OTEL_EXPORTER_OTLP_ENDPOINT") ??
      "http://localhost:4317"
    );
  }
  const own = env.url("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
  if (own !== undefined) return new URL(own).href;
  const base = env.url("OTEL_EXPORTER_OTLP_ENDPOINT") ?? "http://localhost:4318";
  return `${base}${base.endsWith("/") ? "" : "/"}v1/metrics`;
}

/**
 * The whole URL for one that may be a base.
 * @throws TypeError if it is no http or https URL
 */
export function completeUrl(url: string, protocol: OtlpProtocol): string {
  if (protocol === "grpc") {
    if (/^[^/\s]+:\d+$/.test(url) || isHttpUrl(url)) return url;
    throw new TypeError(`startMetrics: want otlp.url such as http://127.0.0.1:4317, got ${JSON.stringify(url)}`);
  }
  if (!isHttpUrl(url)) {
    throw new TypeError(`startMetrics: want otlp.url such as http://127.0.0.1:8428, got ${JSON.stringify(url)}`);
  }
  const whole = new URL(url);
  if (whole.pathname === "/") whole.pathname = whole.port === "4318" ? "/v1/metrics" : "/opentelemetry/v1/metrics";
  else if (/\/opentelemetry\/?$/.test(whole.pathname)) {
    whole.pathname = `${whole.pathname.replace(/\/$/, "")}/v1/metrics`;
  }
  return whole.href;
}

function checkWord<W extends string>(name: string, value: W | undefined, words: readonly W[]): W | undefined {
  if (value === undefined || words.includes(value)) return value;
  throw new TypeError(`startMetrics: want ${name} to be one of ${words.join(", ")}, got ${JSON.stringify(value)}`);
}

function checkMs(name: string, value: number | undefined): number | undefined {
  if (value === undefined || (value >= 1 && value <= TIMEOUT_MS_MAX)) return value;
  throw new RangeError(`startMetrics: want ${name} from 1 to ${TIMEOUT_MS_MAX} ms, got ${value}`);
}
