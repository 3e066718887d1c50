import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { UNMATCHED } from "../app/request-attributes.ts";
import { type NormalizeUrlOptions, normalizeUrl } from "../tuning/normalize-url.ts";
import { followExchange, isIgnored, type RouteOf } from "./exchange.ts";
import type { RouteOptions } from "./options.ts";
import { type ServerMetrics, sharedServerMetrics } from "./server-metrics.ts";

/** What a server without a router takes. */
export interface NodeServerOptions extends RouteOptions<IncomingMessage> {
  /** How URLs become paths where `route` says nothing: custom patterns, limits. */
  readonly normalize?: NormalizeUrlOptions;
}

/** Ends what was begun. May be called again. */
export interface Instrumentation {
  close(): void;
}

/** A handler of `node:http`, or of the compatible side of `node:http2`. */
export type NodeHandler<Self> = (this: Self, request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Records every request that `server` answers (`http`, `https`, `http2` with its compatible API) and its open connections.
 *
 * The path is what `route` answers or else the URL with its ids taken out ({@link normalizeUrl}). A URL seen for the first time with an answer of 400
 * to 499 is `(unmatched)`: whoever tries out URLs would otherwise use up the paths that get series of their own.
 *
 * An upgrade that the application takes over (an `upgrade` listener) has no answer that could be seen, and is not recorded.
 * Requests that are not HTTP (`clientError`) are not either.
 *
 * @example
 * const server = http.createServer(handler);
 * const instrumentation = instrumentServer(server, { route: (request) => (request.url === "/" ? "/" : undefined) });
 */
export function instrumentServer(server: EventEmitter, options: NodeServerOptions = {}): Instrumentation {
  const metrics = sharedServerMetrics(options);
  const follow = follower(metrics, options);
  metrics.expectConnections();
  const onConnection = (socket: Socket): void => metrics.followConnection(socket);
  // First of all listeners: a handler that answers at once would be over before.
  server.prependListener("request", follow);
  server.prependListener("connection", onConnection);
  return {
    close() {
      server.removeListener("request", follow);
      server.removeListener("connection", onConnection);
    },
  };
}

/**
 * A handler that does what `handler` does and records it; for where there is no server at hand.
 *
 * @example
 * http.createServer(httpMetrics((request, response) => response.end("hello")));
 */
export function httpMetrics<Self>(handler: NodeHandler<Self>, options: NodeServerOptions = {}): NodeHandler<Self> {
  const follow = follower(sharedServerMetrics(options), options);
  return function (this: Self, request, response): unknown {
    follow(request, response);
    return handler.call(this, request, response);
  };
}

function follower(
  metrics: ServerMetrics,
  options: NodeServerOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { ignore, route, normalize } = options;
  // Options that make no sense are refused now, not at the first request.
  normalizeUrl("/", normalize);
  const routeOf: RouteOf<IncomingMessage> = (request, status) => {
    const chosen = route?.(request);
    if (chosen !== undefined) return chosen;
    const path = normalizeUrl(request.url ?? "", normalize);
    const isProbe = status >= 400 && status < 500 && !metrics.app.knowsPath(path);
    return isProbe ? UNMATCHED : path;
  };
  return (request, response) => {
    if (isIgnored(metrics, ignore, request)) return;
    followExchange(metrics, request, response, routeOf, request, route !== undefined);
  };
}
