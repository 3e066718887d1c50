import { type Attributes, type Counter, diag, type Histogram, type Meter, ValueType } from "@opentelemetry/api";
import { BoundedTable } from "../app/bounded-table.ts";
import { isQuantity, pickMeter } from "../app/dropped-values.ts";
import { foldMethod, foldStatus, UNMATCHED } from "../app/request-attributes.ts";
import { normalizeUrl } from "../tuning/normalize-url.ts";

/** A request that is about to be sent. */
export interface ClientRequest {
  /** As the caller wrote it. */
  readonly method: string;
  /** With the port, unless it is the scheme's own: `api.example.com`, `127.0.0.1:8428`. */
  readonly host: string;
  /** With the query. */
  readonly path: string;
}

/** What is recorded of requests to others. */
export interface ClientMetricsOptions {
  /** Where the instruments are made; the global meter provider's `@nyanza/metrics` if left out. */
  readonly meter?: Meter;
  /** Requests for which this answers true are not recorded: those that push the metrics themselves. If it throws, they are. */
  readonly ignore?: (request: ClientRequest) => boolean;
  /**
   * Adds the label `path`: `true` for the path with its ids taken out, or a function that says it (`undefined`, or throwing: `(unmatched)`). Left
   * out: no such label. Paths after the first 200 are `other`.
   */
  readonly path?: boolean | ((request: ClientRequest) => string | undefined);
}

/** How a request ended. */
export interface ClientOutcome {
  /** 0 if there was no answer. */
  readonly status: number;
  /** What it failed with, or `undefined`. */
  readonly error?: unknown;
  readonly durationMs: number;
  /** Bytes of the bodies; `undefined` if not known. */
  readonly sentBytes: number | undefined;
  readonly receivedBytes: number | undefined;
}

const HOSTS_MAX = 100;
const PATHS_MAX = 200;
const ERROR_TYPES_MAX = 30;
const SECONDS_BOUNDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BYTES_BOUNDS: readonly number[] = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

/**
 * What requests to others leave behind:
 *
 * | instrument | kind | labels |
 * |---|---|---|
 * | `http_client_requests_total` | counter | `method`, `host`, `status_code` (0: no answer), `path` if asked for |
 * | `http_client_errors_total`: status 400 and above, or no answer | counter | the same and `error_type` |
 * | `http_client_request_duration_seconds` | histogram, 5 ms … 30 s | as the requests |
 * | `http_client_request_size_bytes`, `http_client_response_size_bytes` | histograms, 100 B … 10 MB | as the requests |
 *
 * `error_type` is `status`, or the code or name of what was thrown: `ECONNREFUSED`, `AbortError`. Hosts after the first 100 are `other`.
 */
export class ClientMetrics {
  readonly #instruments: ClientInstruments;
  readonly #path: ((request: ClientRequest) => string | undefined) | null;
  readonly #ignore: ((request: ClientRequest) => boolean) | undefined;

  constructor(options: ClientMetricsOptions) {
    this.#instruments = instrumentsOf(pickMeter(options.meter, "HTTP client metrics"));
    this.#ignore = options.ignore;
    const { path = false } = options;
    this.#path = path === true ? (request) => normalizeUrl(request.path) : path === false ? null : path;
  }

  isIgnored(request: ClientRequest): boolean {
    try {
      return this.#ignore?.(request) === true;
    } catch (error) {
      this.#countCallbackError("ignore", error);
      return false;
    }
  }

  record(request: ClientRequest, outcome: ClientOutcome): void {
    const { requests, errors, durations, sent, received, hosts, errorTypes } = this.#instruments;
    const attributes: Attributes = {
      method: foldMethod(request.method),
      host: hosts.get(request.host),
      status_code: foldStatus(outcome.status),
    };
    if (this.#path !== null) attributes["path"] = this.#pathOf(request, this.#path);
    requests.add(1, attributes);
    if (outcome.error !== undefined) {
      errors.add(1, { ...attributes, error_type: errorTypes.get(errorType(outcome.error)) });
    } else if (outcome.status >= 400) {
      errors.add(1, { ...attributes, error_type: "status" });
    }
    if (isQuantity(outcome.durationMs)) durations.record(outcome.durationMs / 1000, attributes);
    if (isQuantity(outcome.sentBytes)) sent.record(outcome.sentBytes, attributes);
    if (isQuantity(outcome.receivedBytes)) received.record(outcome.receivedBytes, attributes);
  }

  #pathOf(request: ClientRequest, path: (request: ClientRequest) => string | undefined): string {
    let chosen: string | undefined;
    try {
      chosen = path(request);
    } catch (error) {
      this.#countCallbackError("path", error);
    }
    return chosen === undefined ? UNMATCHED : this.#instruments.paths.get(chosen);
  }

  #countCallbackError(callback: "ignore" | "path", error: unknown): void {
    this.#instruments.callbackErrors.add(1, { callback });
    diag.warn(`HTTP client metrics: the ${callback} option threw`, error);
  }
}

interface ClientInstruments {
  readonly requests: Counter;
  readonly errors: Counter;
  readonly callbackErrors: Counter;
  readonly durations: Histogram;
  readonly sent: Histogram;
  readonly received: Histogram;
  readonly hosts: BoundedTable<string>;
  readonly paths: BoundedTable<string>;
  readonly errorTypes: BoundedTable<string>;
}

/** By meter, so that the bounds hold for all hooks on it together. */
const instrumentsByMeter = new WeakMap<Meter, ClientInstruments>();

function instrumentsOf(meter: Meter): ClientInstruments {
  const known = instrumentsByMeter.get(meter);
  if (known !== undefined) return known;
  const counter = (name: string, description: string, unit: string): Counter =>
    meter.createCounter(name, { description, unit, valueType: ValueType.INT });
  const bytes = (name: string, description: string): Histogram =>
    meter.createHistogram(name, {
      description,
      unit: "By",
      valueType: ValueType.INT,
      advice: { explicitBucketBoundaries: [...BYTES_BOUNDS] },
    });
  const instruments: ClientInstruments = {
    requests: counter("http_client_requests_total", "HTTP requests sent", "{requests}"),
    errors: counter("http_client_errors_total", "HTTP requests that failed or were answered with an error", "{errors}"),
    callbackErrors: counter(
      "metrics_callback_errors_total",
      "Callbacks given to the instrumentation that threw",
      "{errors}",
    ),
    durations: meter.createHistogram("http_client_request_duration_seconds", {
      description: "Duration of HTTP requests sent",
      unit: "s",
      advice: { explicitBucketBoundaries: [...SECONDS_BOUNDS] },
    }),
    sent: bytes("http_client_request_size_bytes", "Body size of HTTP requests sent"),
    received: bytes("http_client_response_size_bytes", "Body size of the answers, as transferred"),
    hosts: new BoundedTable(HOSTS_MAX, (host) => host),
    paths: new BoundedTable(PATHS_MAX, (path) => path),
    errorTypes: new BoundedTable(ERROR_TYPES_MAX, (type) => type),
  };
  instrumentsByMeter.set(meter, instruments);
  return instruments;
}

/** `ECONNREFUSED`, `UND_ERR_CONNECT_TIMEOUT`, `AbortError`, `TypeError`: the code if there is one, else the name. */
function errorType(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return "error";
  const { code, name, cause } = error as { code?: unknown; name?: unknown; cause?: unknown };
  if (typeof code === "string" && code !== "") return code;
  // fetch says "TypeError: fetch failed" of everything, and why in its cause.
  const causeCode = typeof cause === "object" && cause !== null ? (cause as { code?: unknown }).code : undefined;
  if (typeof causeCode === "string" && causeCode !== "") return causeCode;
  return typeof name === "string" && name !== "" ? name : "error";
}

/** The length a `content-length` promises, or `undefined`. */
export function parseContentLength(text: unknown): number | undefined {
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
