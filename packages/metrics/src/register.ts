/**
 * Metrics without a line of code:
 *
 *     node --import @nyanza/metrics/register app.js
 *
 * Starts what the environment says (`OTEL_*`, listed in otel/settings.ts) before the application's first module is loaded, so that every
 * `metrics.getMeter` of @opentelemetry/api finds it. What cannot be started is a warning, and the application runs
 * without. Worker threads are left alone: they would want the same port. With NYANZA_METRICS_DIR set, the processes that share that
 * directory are a group, and whichever has the port answers for all.
 */
import { isMainThread } from "node:worker_threads";
import { EndpointError } from "./exposition/endpoint.ts";
import { type MetricsOptions, startMetrics } from "./otel/start-metrics.ts";

/** The same failure every minute is told once, and no flood of different ones fills a log. */
const WARNINGS_MAX = 20;
const isGrouped = Boolean(process.env["NYANZA_METRICS_DIR"]);
const told = new Set<string>();

function warn(error: Error): void {
  if (told.has(error.message) || told.size >= WARNINGS_MAX) return;
  told.add(error.message);
  process.emitWarning(error.message, "MetricsWarning");
}

async function start(options: MetricsOptions): Promise<void> {
  try {
    await startMetrics({ shutdownOnSignal: true, processGroup: isGrouped, onError: warn, ...options });
  } catch (error) {
    warn(explain(error));
    // A second process on the same machine can still push.
    if (error instanceof EndpointError && options.prometheus === undefined) await start({ prometheus: false });
  }
}

function explain(error: unknown): Error {
  if (!(error instanceof EndpointError)) return error instanceof Error ? error : new Error(String(error));
  if (error.code !== "EADDRINUSE" || isGrouped) return error;
  return new Error(
    `${error.message}; several processes of one application share an endpoint if NYANZA_METRICS_DIR is set`,
  );
}

if (isMainThread) await start({});
