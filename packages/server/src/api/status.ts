/** What the server says of itself, and the empty but well-formed answers Grafana asks for. */
import type { Handler, Handlers, RequestContext } from "../http/context.ts";
import { OverloadError } from "../http/errors.ts";
import { sendBody, sendStatus } from "../http/response.ts";

export interface StatusOptions {
  readonly isDraining: () => boolean;
  /** Own metrics in Prometheus' text format. */
  readonly writeMetrics: () => string;
  /** Texts of the flags that were given, secrets masked. */
  readonly flagTexts: ReadonlyMap<string, string>;
  readonly version: string;
}

type StatusHandlers = Pick<
  Handlers,
  | "buildInfo"
  | "queryExemplars"
  | "rules"
  | "alerts"
  | "notifiers"
  | "health"
  | "healthy"
  | "ready"
  | "readyWord"
  | "metrics"
  | "flags"
  | "robots"
  | "favicon"
  | "ping"
  | "landing"
>;

const TEXT = { contentType: "text/plain; charset=utf-8" };
const JSON_TYPE = { contentType: "application/json" };

/** Grafana chooses what to ask by this version of Prometheus. */
const PROMETHEUS_VERSION = "2.24.0";

export function createStatusHandlers(options: StatusOptions): StatusHandlers {
  const text =
    (body: string): Handler =>
    ({ request, response }) =>
      sendBody(request, response, TEXT, body);
  const success =
    (data: string): Handler =>
    ({ request, response }) =>
      sendBody(request, response, JSON_TYPE, `{"status":"success","data":${data}}`);
  return {
    buildInfo: success(`{"version":"${PROMETHEUS_VERSION}","application":"nyanza ${options.version}"}`),
    queryExemplars: success("[]"),
    rules: success('{"groups":[]}'),
    alerts: success('{"alerts":[]}'),
    notifiers: success('{"notifiers":[]}'),
    health: ({ request, response }) => {
      if (options.isDraining()) throw new OverloadError(503, "the server is shutting down", 1);
      sendBody(request, response, TEXT, "OK");
    },
    healthy: text("VictoriaMetrics is Healthy.\n"),
    ready: text("VictoriaMetrics is Ready.\n"),
    readyWord: text("OK"),
    robots: text("User-agent: *\nDisallow: /\n"),
    favicon: ({ response }) => {
      // Browsers ask for it beside every page.
      response.setHeader("Cache-Control", "max-age=3600");
      sendStatus(response, 204);
    },
    ping: ({ args, response }) => sendStatus(response, args.getBool("verbose") ? 200 : 204),
    metrics: ({ request, response }) => sendBody(request, response, TEXT, options.writeMetrics()),
    flags: ({ request, response }) => {
      const lines = [...options.flagTexts].sort(([a], [b]) => (a < b ? -1 : 1));
      const body = lines.map(([name, value]) => `-${name}=${JSON.stringify(value)}\n`).join("");
      sendBody(request, response, TEXT, body);
    },
    landing: (context) => sendLanding(context, options.version),
  };
}

const LINKS: readonly (readonly [string, string])[] = [
  ["vmui/", "web page: query and draw"],
  ["expand-with-exprs", "WITH templates of MetricsQL: what a query expands to"],
  ["metrics", "own metrics"],
  ["api/v1/status/active_queries", "queries that run and wait"],
  ["api/v1/status/top_queries", "the latest queries by number, time and memory"],
  ["debug/pprof/", "profiles of this process"],
  ["flags", "flags that were given"],
  ["health", "health"],
];

function sendLanding({ request, response }: RequestContext, version: string): void {
  const links = LINKS.map(([path, what]) => `<li><a href="${path}">${path}</a> – ${what}</li>`).join("");
  const answer = {
    contentType: "text/html; charset=utf-8",
    headers: { "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'" },
  };
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Nyanza</title><h1>Nyanza ${version}</h1><ul>${links}</ul></html>\n`;
  sendBody(request, response, answer, body);
}
