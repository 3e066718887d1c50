import type { Socket } from "node:net";
import { type Counter, diag, type Meter, ValueType } from "@opentelemetry/api";
import { AppMetrics } from "../app/app-metrics.ts";
import { pickMeter } from "../app/dropped-values.ts";

/**
 * What all servers and middleware on one {@link AppMetrics} share, besides it:
 *
 * | instrument | kind | labels |
 * |---|---|---|
 * | `http_active_requests`: begun and not finished | gauge | |
 * | `http_active_connections`: open TCP connections of instrumented servers | gauge | |
 * | `metrics_callback_errors_total`: `route` and `ignore` options that threw | counter | `callback` |
 */
export class ServerMetrics {
  readonly app: AppMetrics;
  activeRequests = 0;
  /** `null`, and not reported, until a server is instrumented whose connections can be seen. */
  #activeConnections: number | null = null;
  /** A server may be instrumented twice. */
  readonly #connections = new WeakSet<Socket>();
  readonly #callbackErrors: Counter;

  constructor(app: AppMetrics) {
    this.app = app;
    this.#callbackErrors = app.meter.createCounter("metrics_callback_errors_total", {
      description: "Callbacks given to the instrumentation that threw",
      unit: "{errors}",
      valueType: ValueType.INT,
    });
    const gauge = (name: string, description: string, unit: string, read: () => number | null): void =>
      app.meter.createObservableGauge(name, { description, unit, valueType: ValueType.INT }).addCallback((result) => {
        const value = read();
        if (value !== null) result.observe(value);
      });
    gauge("http_active_requests", "HTTP requests in progress", "{requests}", () => this.activeRequests);
    gauge("http_active_connections", "Open HTTP connections", "{connections}", () => this.#activeConnections);
  }

  /** From now on connections can be seen. */
  expectConnections(): void {
    this.#activeConnections ??= 0;
  }

  /** Counts `socket` as long as it is open; once, however often it is told of. */
  followConnection(socket: Socket): void {
    if (this.#connections.has(socket)) return;
    this.#connections.add(socket);
    this.#addConnections(1);
    socket.once("close", () => this.#addConnections(-1));
  }

  #addConnections(count: number): void {
    this.#activeConnections = (this.#activeConnections ?? 0) + count;
  }

  /** A callback of the application threw: that is counted, and its own business. */
  countCallbackError(callback: "route" | "ignore", error: unknown): void {
    this.#callbackErrors.add(1, { callback });
    diag.warn(`HTTP metrics: the ${callback} option threw`, error);
  }
}

const appsByMeter = new WeakMap<Meter, AppMetrics>();
const serverMetricsByApp = new WeakMap<AppMetrics, ServerMetrics>();

/** The same for the same AppMetrics or meter, so that a request that passes two middlewares is seen to be one. */
export function sharedServerMetrics(options: { readonly metrics?: AppMetrics; readonly meter?: Meter }): ServerMetrics {
  let app = options.metrics;
  if (app === undefined) {
    const meter = pickMeter(options.meter, "HTTP metrics");
    app = appsByMeter.get(meter);
    if (app === undefined) appsByMeter.set(meter, (app = new AppMetrics({ meter })));
  }
  let shared = serverMetricsByApp.get(app);
  if (shared === undefined) serverMetricsByApp.set(app, (shared = new ServerMetrics(app)));
  return shared;
}
