/**
 * The table of everything the server answers: path → methods, who may call it, whose data it touches, who handles it.
 * This file knows names only; `main.ts` brings the handlers. Nothing is reachable that is not listed here.
 *
 * Paths as in VictoriaMetrics: those with `hasPrometheusAlias` also live under `/prometheus`, `{name}` stands for one
 * non-empty segment, `/*` at the end for the rest of the path.
 */
import type { Lane } from "./queue.ts";

/** How a caller proves to be one: not at all, by -httpAuth.*, or by an authKey that replaces -httpAuth.* when it is set. */
export type AuthClass =
  | "public"
  | "basic"
  | "metricsAuthKey"
  | "flagsAuthKey"
  | "forceFlushAuthKey"
  | "forceMergeAuthKey"
  | "logNewSeriesAuthKey"
  | "snapshotAuthKey"
  | "pprofAuthKey"
  | "deleteAuthKey"
  | "search.resetCacheAuthKey";

/** `default`: the data of tenant 0:0. `none`: no tenant's data. */
export type TenantRule = "default" | "none";

/** What a body is: none is read, or a form that carries arguments, or bytes that the handler reads itself. */
export type BodyRule = "none" | "form" | "bytes";

/** Errors as Prometheus' JSON, or as a line of text. */
export type ErrorStyle = "json" | "text";

/**
 * In which lane it waits for a place among -search.maxConcurrentRequests (queue.ts), if in any: by what is asked, not by what
 * it will cost, which nobody knows before. Instant queries, which rules and alerts are, and what pages ask for their menus
 * are light; ranges, exports and counts over the whole index are heavy. Inserts have a queue too, but take a place in it only
 * once their body is there: a slow sender must not keep the others out.
 */
export type QueueClass = "none" | Lane;

export type HandlerName =
  | "writeRemote"
  | "writeOtlp"
  | "importJson"
  | "importText"
  | "importBlocks"
  | "importNative"
  | "query"
  | "queryRange"
  | "series"
  | "labels"
  | "labelValues"
  | "export"
  | "exportBlocks"
  | "exportCsv"
  | "exportNative"
  | "federate"
  | "tsdbStatus"
  | "seriesCount"
  | "activeQueries"
  | "cancelQuery"
  | "topQueries"
  | "prettifyQuery"
  | "expandWithExprs"
  | "formatQuery"
  | "parseQuery"
  | "buildInfo"
  | "metadata"
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
  | "profiles"
  | "cpuProfile"
  | "heapSnapshot"
  | "forceFlush"
  | "forceMerge"
  | "resetRollupCache"
  | "deleteSeries"
  | "logNewSeries"
  | "createSnapshot"
  | "createPrometheusSnapshot"
  | "listSnapshots"
  | "deleteSnapshot"
  | "deleteSnapshots"
  | "robots"
  | "favicon"
  | "ping"
  | "landing"
  | "pageRedirect"
  | "page";

export interface Route {
  readonly path: string;
  readonly methods: readonly string[];
  readonly auth: AuthClass;
  readonly tenant: TenantRule;
  readonly body: BodyRule;
  readonly errors: ErrorStyle;
  readonly queue: QueueClass;
  readonly hasPrometheusAlias: boolean;
  readonly handler: HandlerName;
}

const READ = ["GET", "HEAD"];
const READ_OR_POST = ["GET", "HEAD", "POST"];
const WRITE = ["POST", "PUT"];

function insert(path: string, handler: HandlerName, hasPrometheusAlias = true): Route {
  return {
    path,
    // The handshake of VictoriaMetrics' own remote write asks by GET.
    methods: handler === "writeRemote" ? ["GET", ...WRITE] : WRITE,
    auth: "basic",
    tenant: "default",
    body: "bytes",
    errors: "text",
    queue: "none",
    hasPrometheusAlias,
    handler,
  };
}

function select(path: string, handler: HandlerName, options: Partial<Route> = {}): Route {
  return {
    path,
    methods: READ_OR_POST,
    auth: "basic",
    tenant: "default",
    body: "form",
    errors: "json",
    queue: "light",
    hasPrometheusAlias: true,
    handler,
    ...options,
  };
}

function status(path: string, handler: HandlerName, options: Partial<Route> = {}): Route {
  return {
    path,
    methods: READ,
    auth: "public",
    tenant: "none",
    body: "none",
    errors: "text",
    queue: "none",
    hasPrometheusAlias: false,
    handler,
    ...options,
  };
}

const COMMAND: Partial<Route> = { methods: READ_OR_POST, tenant: "default" };
/** VictoriaMetrics takes any method here, and backup tools ask by GET. HEAD changes nothing. */
const SNAPSHOT: Partial<Route> = { auth: "snapshotAuthKey", methods: ["GET", "POST"], tenant: "default", body: "form" };
const PLACEHOLDER: Partial<Route> = {
  auth: "basic",
  methods: READ_OR_POST,
  body: "form",
  errors: "json",
  hasPrometheusAlias: true,
};

export const ROUTES: readonly Route[] = [
  insert("/api/v1/write", "writeRemote"),
  insert("/api/v1/push", "writeRemote"),
  insert("/opentelemetry/v1/metrics", "writeOtlp", false),
  insert("/opentelemetry/api/v1/push", "writeOtlp", false),
  insert("/v1/metrics", "writeOtlp", false),
  insert("/api/v1/import", "importJson"),
  insert("/api/v1/import/blocks", "importBlocks"),
  insert("/api/v1/import/native", "importNative"),
  insert("/api/v1/import/prometheus", "importText"),
  insert("/api/v1/import/prometheus/metrics/*", "importText"),

  select("/api/v1/query", "query"),
  select("/api/v1/query_range", "queryRange", { queue: "heavy" }),
  select("/api/v1/series", "series"),
  select("/api/v1/labels", "labels"),
  select("/api/v1/label/{name}/values", "labelValues"),
  select("/api/v1/status/tsdb", "tsdbStatus", { queue: "heavy" }),
  select("/api/v1/series/count", "seriesCount", { queue: "heavy" }),
  select("/api/v1/export", "export", { errors: "text", queue: "heavy" }),
  select("/api/v1/export/blocks", "exportBlocks", { errors: "text" }),
  select("/api/v1/export/csv", "exportCsv", { errors: "text" }),
  select("/api/v1/export/native", "exportNative", { errors: "text", queue: "none" }),
  select("/federate", "federate", { errors: "text", queue: "heavy" }),
  select("/api/v1/admin/tsdb/delete_series", "deleteSeries", {
    auth: "deleteAuthKey",
    methods: ["POST"],
    errors: "text",
    queue: "none",
  }),
  // Asked when the server is busy: they wait for nothing.
  select("/api/v1/status/active_queries", "activeQueries", { queue: "none" }),
  select("/api/v1/status/active_queries/cancel", "cancelQuery", { methods: ["POST"], tenant: "none", queue: "none" }),
  select("/api/v1/status/top_queries", "topQueries", { queue: "none" }),
  // They read no data: a busy database does not keep them waiting.
  select("/prettify-query", "prettifyQuery", { tenant: "none", queue: "none" }),
  select("/expand-with-exprs", "expandWithExprs", { tenant: "none", queue: "none" }),
  select("/api/v1/format_query", "formatQuery", { tenant: "none", queue: "none" }),
  select("/api/v1/parse_query", "parseQuery", { tenant: "none", queue: "none" }),

  status("/api/v1/status/buildinfo", "buildInfo", PLACEHOLDER),
  status("/api/v1/metadata", "metadata", PLACEHOLDER),
  status("/api/v1/query_exemplars", "queryExemplars", PLACEHOLDER),
  status("/api/v1/rules", "rules", PLACEHOLDER),
  status("/rules", "rules", PLACEHOLDER),
  status("/api/v1/alerts", "alerts", PLACEHOLDER),
  status("/alerts", "alerts", PLACEHOLDER),
  status("/api/v1/notifiers", "notifiers", PLACEHOLDER),
  status("/notifiers", "notifiers", PLACEHOLDER),

  status("/health", "health"),
  status("/-/healthy", "healthy", { hasPrometheusAlias: true }),
  status("/-/ready", "ready", { hasPrometheusAlias: true }),
  status("/ready", "readyWord", { hasPrometheusAlias: true }),
  status("/ping", "ping", { methods: READ_OR_POST }),
  status("/robots.txt", "robots"),
  status("/favicon.ico", "favicon"),
  status("/metrics", "metrics", { auth: "metricsAuthKey" }),
  status("/flags", "flags", { auth: "flagsAuthKey" }),
  status("/internal/force_flush", "forceFlush", { ...COMMAND, auth: "forceFlushAuthKey" }),
  status("/internal/force_merge", "forceMerge", { ...COMMAND, auth: "forceMergeAuthKey" }),
  status("/internal/resetRollupResultCache", "resetRollupCache", { ...COMMAND, auth: "search.resetCacheAuthKey" }),
  status("/internal/log_new_series", "logNewSeries", { ...COMMAND, auth: "logNewSeriesAuthKey" }),

  status("/debug/pprof/", "profiles", { auth: "pprofAuthKey" }),
  status("/debug/pprof/profile", "cpuProfile", { auth: "pprofAuthKey", methods: ["GET"] }),
  status("/debug/pprof/heap", "heapSnapshot", { auth: "pprofAuthKey", methods: ["GET"] }),

  status("/snapshot/create", "createSnapshot", SNAPSHOT),
  status("/api/v1/admin/tsdb/snapshot", "createPrometheusSnapshot", SNAPSHOT),
  status("/snapshot/list", "listSnapshots", { ...SNAPSHOT, methods: READ_OR_POST }),
  status("/snapshot/delete", "deleteSnapshot", SNAPSHOT),
  status("/snapshot/delete_all", "deleteSnapshots", SNAPSHOT),

  status("/", "landing", { auth: "basic" }),
  status("/vmui", "pageRedirect", { auth: "basic", hasPrometheusAlias: true }),
  status("/graph", "pageRedirect", { auth: "basic", hasPrometheusAlias: true }),
  status("/vmui/*", "page", { auth: "basic", hasPrometheusAlias: true }),
  status("/graph/*", "page", { auth: "basic", hasPrometheusAlias: true }),
];

export interface RouteMatch {
  readonly route: Route;
  /** What `{name}` or `/*` stood for, decoded; "" for routes without one. */
  readonly rest: string;
}

/** Finds routes by exact path first, then by pattern in table order. */
export class Router {
  readonly routes: readonly Route[];
  readonly #exact = new Map<string, Route>();
  readonly #patterns: { readonly before: string; readonly after: string; readonly route: Route }[] = [];

  constructor(routes: readonly Route[] = ROUTES) {
    this.routes = routes;
    for (const route of routes) {
      this.#add(route.path, route);
      if (route.hasPrometheusAlias) this.#add(`/prometheus${route.path}`, route);
    }
  }

  /** `path` is decoded and normalised (normalizePath). */
  find(path: string): RouteMatch | null {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { route: exact, rest: "" };
    for (const { before, after, route } of this.#patterns) {
      if (!path.startsWith(before) || !path.endsWith(after)) continue;
      const rest = path.slice(before.length, path.length - after.length);
      if (path.length < before.length + after.length) continue;
      // One segment for `{name}`; label names with slashes arrive as %2F and are decoded before they get here.
      if (after !== "" && rest === "") continue;
      return { route, rest };
    }
    return null;
  }

  #add(path: string, route: Route): void {
    const open = path.indexOf("{");
    if (path.endsWith("/*")) this.#patterns.push({ before: path.slice(0, -1), after: "", route });
    else if (open >= 0) {
      this.#patterns.push({ before: path.slice(0, open), after: path.slice(path.indexOf("}") + 1), route });
    } else this.#exact.set(path, route);
  }
}

/** Decodes %-escapes and collapses repeated slashes, as VictoriaMetrics does; null if an escape is malformed. */
export function normalizePath(rawPath: string): string | null {
  try {
    return decodeURIComponent(rawPath).replace(/\/{2,}/g, "/");
  } catch {
    return null;
  }
}

/** `/prefix/x` → `/x`; null if the path lies outside the prefix. */
export function stripPathPrefix(path: string, prefix: string): string | null {
  if (prefix === "") return path;
  const trimmed = `/${prefix.replace(/^\/+|\/+$/g, "")}`;
  if (trimmed === "/") return path;
  if (path === trimmed) return "/";
  return path.startsWith(`${trimmed}/`) ? path.slice(trimmed.length) : null;
}
