import type { IncomingMessage, ServerResponse } from "node:http";
import { followExchange, isIgnored, type RouteOf } from "./exchange.ts";
import type { RouteOptions } from "./options.ts";
import { sharedServerMetrics } from "./server-metrics.ts";

/** What of a Fastify request is looked at. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  readonly method?: string;
  /** With the query. */
  readonly url?: string;
  readonly is404?: boolean;
  readonly routeOptions?: { readonly url?: string | undefined };
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
}

/** What of a Fastify instance is used. */
export interface FastifyLike {
  addHook(
    name: "onRequest",
    hook: (request: FastifyRequestLike, reply: FastifyReplyLike, done: () => void) => void,
  ): unknown;
}

/**
 * A Fastify 4 or 5 plugin: `app.register(fastifyMetrics)`. Sees the routes of the instance it is registered on and of all inside
 * it, also those declared before it. The path is the route's `url`, prefix included; `(unmatched)` where none matched. What Fastify answers before any hook,
 * a URL that cannot be decoded, is only seen with `instrumentServer(app.server)` beside it; nothing is recorded twice then.
 *
 * @example
 * const app = fastify();
 * app.register(fastifyMetrics, { ignore: (request) => request.raw.url === "/healthz" });
 */
export const fastifyMetrics: (
  instance: FastifyLike,
  options: RouteOptions<FastifyRequestLike>,
  done: () => void,
) => void = (instance, options, done) => {
  const metrics = sharedServerMetrics(options);
  const { ignore, route } = options;
  const routeOf: RouteOf<FastifyRequestLike> = (request) =>
    route?.(request) ?? (request.is404 === true ? undefined : request.routeOptions?.url);
  instance.addHook("onRequest", (request, reply, next) => {
    if (!isIgnored(metrics, ignore, request)) {
      followExchange(metrics, request.raw, reply.raw, routeOf, request, true);
    }
    next();
  });
  done();
};

// What the package fastify-plugin sets: the hook belongs to the instance around, not to a scope of its own.
Object.assign(fastifyMetrics, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "nyanza-metrics",
});
