import type { IncomingMessage, ServerResponse } from "node:http";
import { followExchange, isIgnored, type RouteOf } from "./exchange.ts";
import type { RouteOptions } from "./options.ts";
import { sharedServerMetrics } from "./server-metrics.ts";

/** What of a Koa context is looked at. `_matchedRoute` and `matched` are @koa/router's. */
export interface KoaContextLike {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly _matchedRoute?: unknown;
  readonly matched?: unknown;
}

/**
 * Middleware to be put first: `app.use(koaMetrics())`. What is in front of it and throws is not seen. Routes are those of @koa/router, prefixes and
 * nested routers included; without it, or where no route matched, the path is `(unmatched)`.
 *
 * @example
 * const app = new Koa();
 * app.use(koaMetrics());
 * app.use(router.routes());
 */
export function koaMetrics<Context extends KoaContextLike = KoaContextLike>(
  options: RouteOptions<Context> = {},
): (context: Context, next: () => Promise<unknown>) => Promise<unknown> {
  const metrics = sharedServerMetrics(options);
  const { ignore, route } = options;
  const routeOf: RouteOf<Context> = (context) => route?.(context) ?? matchedRoute(context);
  return (context, next) => {
    if (!isIgnored(metrics, ignore, context)) {
      followExchange(metrics, context.req, context.res, routeOf, context, true);
    }
    return next();
  };
}

/**
 * The path of the last layer that takes the method: a middleware of the router that refused the request is a layer too, without methods, and
 * would leave its own path in `_matchedRoute`.
 */
function matchedRoute(context: KoaContextLike): string | undefined {
  const { _matchedRoute: route, matched } = context;
  if (route === undefined) return undefined;
  if (Array.isArray(matched)) {
    for (let i = matched.length - 1; i >= 0; i--) {
      const layer = matched[i] as { readonly path?: unknown; readonly methods?: unknown } | null;
      if (Array.isArray(layer?.methods) && layer.methods.includes(context.req.method)) return pathText(layer.path);
    }
  }
  return pathText(route);
}

function pathText(path: unknown): string | undefined {
  if (path instanceof RegExp) return path.source;
  return typeof path === "string" ? path || "/" : undefined;
}
