import {
  type BatchObservableCallback,
  type Counter,
  type Histogram,
  type Meter,
  type ObservableGauge,
  type UpDownCounter,
  ValueType,
} from "@opentelemetry/api";
import { CpuUsage } from "./cpu-usage.ts";
import { DroppedValues, isQuantity, pickMeter } from "./dropped-values.ts";
import { RequestAttributes } from "./request-attributes.ts";

/** Of {@link AppMetrics}. */
export interface AppMetricsOptions {
  /** Where the instruments are made; the global meter provider's `@nyanza/metrics` if left out. */
  readonly meter?: Meter;
  /** Paths that get series of their own, 500 if left out. Requests to later ones are counted under `other`. */
  readonly pathsMax?: number;
}

/** One request that was answered. */
export interface RequestRecord {
  /** `GET` …; a method no standard knows is recorded as `_OTHER`. */
  readonly method: string;
  /** The *route*, not the URL: `/users/:id`. Cut after 200 characters. */
  readonly path: string;
  /** 100–999, else recorded as 0. */
  readonly statusCode: number;
  /** Milliseconds; recorded in seconds. */
  readonly durationMs: number;
  /** Bytes of the request's body. Left out: not known, and not recorded. */
  readonly sizeBytes?: number | undefined;
}

const SECONDS_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BYTES_BOUNDS: readonly number[] = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

/**
 * What nearly every service wants to know of itself, in seven instruments:
 *
 * | instrument | kind | labels |
 * |---|---|---|
 * | `http_requests_total` | counter | `method`, `path`, `status_code` |
 * | `http_errors_total`: answers of status 400 and above | counter | the same |
 * | `http_request_duration_seconds` | histogram, 5 ms … 10 s | the same |
 * | `http_request_size_bytes` | histogram, 100 B … 10 MB | the same |
 * | `active_users` | up-down counter | |
 * | `process_memory_bytes`: resident memory | gauge | |
 * | `process_cpu_usage`: 1 = one core busy | gauge | |
 *
 * Make it after `startMetrics()`: instruments are made here and now, and without a meter provider they record nothing, ever. One instance
 * serves the whole process; the middleware of `@nyanza/metrics/http` fills in the requests.
 *
 * No method throws, whatever it is given. Durations and sizes that are negative, NaN or infinite are left out and counted in
 * `metrics_dropped_values_total{instrument}`; the request itself still counts.
 *
 * @example
 * const app = new AppMetrics();
 * app.recordRequest({ method: "GET", path: "/users/:id", statusCode: 200, durationMs: 12.5, sizeBytes: 0 });
 * app.recordUserLogin();
 */
export class AppMetrics {
  /** Where the instruments are. */
  readonly meter: Meter;
  readonly #requests: Counter;
  readonly #errors: Counter;
  readonly #durations: Histogram;
  readonly #sizes: Histogram;
  readonly #users: UpDownCounter;
  readonly #dropped: DroppedValues;
  readonly #attributes: RequestAttributes;
  readonly #gauges: ObservableGauge[];
  readonly #observe: BatchObservableCallback;
  #closed = false;

  constructor(options: AppMetricsOptions = {}) {
    const meter = pickMeter(options.meter, "AppMetrics");
    this.meter = meter;
    this.#attributes = new RequestAttributes(options.pathsMax ?? 500);
    this.#dropped = new DroppedValues(meter);
    this.#requests = meter.createCounter("http_requests_total", {
      description: "Total number of HTTP requests",
      unit: "{requests}",
      valueType: ValueType.INT,
    });
    this.#errors = meter.createCounter("http_errors_total", {
      description: "Total number of HTTP errors",
      unit: "{errors}",
      valueType: ValueType.INT,
    });
    this.#durations = meter.createHistogram("http_request_duration_seconds", {
      description: "HTTP request duration in seconds",
      unit: "s",
      advice: { explicitBucketBoundaries: [...SECONDS_BOUNDS] },
    });
    this.#sizes = meter.createHistogram("http_request_size_bytes", {
      description: "HTTP request size in bytes",
      unit: "By",
      valueType: ValueType.INT,
      advice: { explicitBucketBoundaries: [...BYTES_BOUNDS] },
    });
    this.#users = meter.createUpDownCounter("active_users", {
      description: "Number of active users",
      unit: "{users}",
      valueType: ValueType.INT,
    });
    const memory = meter.createObservableGauge("process_memory_bytes", {
      description: "Process memory usage in bytes",
      unit: "By",
      valueType: ValueType.INT,
    });
    const cpu = meter.createObservableGauge("process_cpu_usage", {
      description: "Process CPU usage, 1 is one core busy",
      unit: "1",
    });
    const cpuUsage = new CpuUsage();
    this.#gauges = [memory, cpu];
    this.#observe = (result) => {
      result.observe(memory, process.memoryUsage.rss());
      result.observe(cpu, cpuUsage.read());
    };
    meter.addBatchObservableCallback(this.#observe, this.#gauges);
  }

  /** Counts a request and, from status 400 on, an error; records its duration and, if known, its size. */
  recordRequest(request: RequestRecord): void {
    if (typeof request !== "object" || request === null) {
      this.#dropped.count("http_requests_total");
      return;
    }
    const { durationMs, sizeBytes } = request;
    const attributes = this.#attributes.get(request.method, request.path, request.statusCode);
    this.#requests.add(1, attributes);
    if ((attributes["status_code"] as number) >= 400) this.#errors.add(1, attributes);
    if (isQuantity(durationMs)) this.#durations.record(durationMs / 1000, attributes);
    else this.#dropped.count("http_request_duration_seconds");
    if (isQuantity(sizeBytes)) this.#sizes.record(Math.round(sizeBytes), attributes);
    else if (sizeBytes !== undefined) this.#dropped.count("http_request_size_bytes");
  }

  /** Whether requests to `path` have series of their own already. */
  knowsPath(path: string): boolean {
    return this.#attributes.knows(path);
  }

  recordUserLogin(): void {
    this.#users.add(1);
  }

  /** One process may see more logouts than logins; the sum over processes is right. */
  recordUserLogout(): void {
    this.#users.add(-1);
  }

  /** Stops observing memory and CPU. What was recorded stays, and recording goes on working. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.meter.removeBatchObservableCallback(this.#observe, this.#gauges);
  }
}
