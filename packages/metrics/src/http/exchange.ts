/**
 * One request and its answer, from the moment the server handed them over until the answer is out or the connection gone: recorded exactly
 * once, then. All middleware of this room ends up here; what differs is who knows the route.
 *
 * An Exchange only listens. It reads nothing from the request and holds nothing up: that the answer is out is told by the
 * response's own events.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { diag } from "@opentelemetry/api";
import { UNMATCHED } from "../app/request-attributes.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** Closed before there was an answer, by whichever side: nginx's number, for HTTP has none. */
const STATUS_CLOSED = 499;

/**
 * Says the route of a request when its answer is out. `context` is what the middleware left with the exchange, so that a request costs no closure.
 * `undefined` is a request that matched none.
 */
export type RouteOf<Context> = (context: Context, status: number, metrics: ServerMetrics) => string | undefined;

const exchangeKey = Symbol("nyanza.exchange");

type Marked = ServerResponse & { [exchangeKey]?: Exchange | undefined };

/**
 * Begins to follow a request. A second middleware on the same metrics adds no second record; if it `knowsRoutes` (a router's middleware behind
 * `instrumentServer`) it is the one that says the route. Never throws.
 */
export function followExchange<Context>(
  metrics: ServerMetrics,
  request: IncomingMessage,
  response: ServerResponse,
  routeOf: RouteOf<Context>,
  context: Context,
  knowsRoutes: boolean,
): void {
  try {
    const marked = response as Marked;
    let exchange = marked[exchangeKey];
    while (exchange !== undefined && exchange.metrics !== metrics) exchange = exchange.outer;
    if (exchange === undefined) {
      marked[exchangeKey] = new Exchange(metrics, request, marked, routeOf as RouteOf<unknown>, context, knowsRoutes);
      // Over before we were asked, by a middleware that waited: its events have been.
      if (response.destroyed || response.writableFinished) onClose.call(marked);
    } else if (knowsRoutes && !exchange.knowsRoutes) {
      exchange.knowsRoutes = true;
      exchange.routeOf = routeOf as RouteOf<unknown>;
      exchange.context = context;
    }
  } catch (error) {
    diag.error("HTTP metrics: a request was not recorded", error);
  }
}

class Exchange {
  readonly metrics: ServerMetrics;
  /** One that follows the same response for other metrics. */
  readonly outer: Exchange | undefined;
  routeOf: RouteOf<unknown>;
  context: unknown;
  knowsRoutes: boolean;
  readonly #request: IncomingMessage;
  readonly #bodyBytes: (() => number) | null;
  readonly #startMs: number = performance.now();
  #isDone = false;

  constructor(
    metrics: ServerMetrics,
    request: IncomingMessage,
    response: Marked,
    routeOf: RouteOf<unknown>,
    context: unknown,
    knowsRoutes: boolean,
  ) {
    this.metrics = metrics;
    this.outer = response[exchangeKey];
    this.routeOf = routeOf;
    this.context = context;
    this.knowsRoutes = knowsRoutes;
    this.#request = request;
    this.#bodyBytes = hasUnknownLength(request) ? countBody(request) : null;
    metrics.activeRequests++;
    if (this.outer === undefined) response.once("finish", onFinish).once("close", onClose);
  }

  finish(status: number): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.metrics.activeRequests--;
    try {
      this.metrics.app.recordRequest({
        method: this.#request.method as string,
        path: this.#route(status),
        statusCode: status,
        durationMs: performance.now() - this.#startMs,
        sizeBytes: this.#size(),
      });
    } catch (error) {
      diag.error("HTTP metrics: a request was not recorded", error);
    }
  }

  #route(status: number): string {
    try {
      return this.routeOf(this.context, status, this.metrics) || UNMATCHED;
    } catch (error) {
      this.metrics.countCallbackError("route", error);
      return UNMATCHED;
    }
  }

  /** Of a body that has not come whole nothing is known: a sender can promise any length. */
  #size(): number | undefined {
    if (!this.#request.complete) return undefined;
    if (this.#bodyBytes !== null) return this.#bodyBytes();
    const length = this.#request.headers["content-length"];
    return length === undefined ? 0 : Number(length);
  }
}

function onFinish(this: Marked): void {
  finishAll(this, this.statusCode);
}

/** Comes after `finish` too, and alone if the connection broke. */
function onClose(this: Marked): void {
  finishAll(this, this.headersSent ? this.statusCode : STATUS_CLOSED);
}

function finishAll(response: Marked, status: number): void {
  for (let exchange = response[exchangeKey]; exchange !== undefined; exchange = exchange.outer) exchange.finish(status);
}

/** Chunked, or HTTP/2, where a length is optional. */
function hasUnknownLength(request: IncomingMessage): boolean {
  const { headers } = request;
  if (headers["transfer-encoding"] !== undefined) return true;
  return request.httpVersionMajor >= 2 && headers["content-length"] === undefined;
}

/**
 * Counts a body as the parser hands it over. A `data` listener would set the stream flowing and take the body from
 * whoever wants it; so the request's own `push` is stood in for, and nothing else changes.
 */
function countBody(request: IncomingMessage): () => number {
  let bytes = 0;
  const push = request.push;
  request.push = function (this: IncomingMessage, chunk: unknown, encoding?: BufferEncoding): boolean {
    if (typeof chunk === "string") bytes += Buffer.byteLength(chunk, encoding);
    else if (chunk instanceof Uint8Array) bytes += chunk.byteLength;
    return push.call(this, chunk, encoding);
  };
  return () => bytes;
}

/** Asks an `ignore` option; a failure is counted and the request recorded. */
export function isIgnored<Request>(
  metrics: ServerMetrics,
  ignore: ((request: Request) => boolean) | undefined,
  request: Request,
): boolean {
  if (ignore === undefined) return false;
  try {
    return ignore(request) === true;
  } catch (error) {
    metrics.countCallbackError("ignore", error);
    return false;
  }
}
