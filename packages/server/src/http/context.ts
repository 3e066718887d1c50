/** What a handler gets of a request, and what it may say back. */
import type { Tenant } from "@nyanza/tsdb";
import type { ActiveRequest } from "./active-requests.ts";
import type { RequestArguments } from "./arguments.ts";
import type { HttpRequest, HttpResponse } from "./exchange.ts";
import type { HandlerName, Route } from "./routes.ts";

export interface RequestContext {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly route: Route;
  /** Decoded, without -http.pathPrefix. */
  readonly path: string;
  /** What `{name}` or `/*` of the route's path stood for. */
  readonly rest: string;
  readonly args: RequestArguments;
  readonly tenant: Tenant;
  /** When the request came, milliseconds. */
  readonly startMs: number;
  /**
   * Aborted when the client goes away, when the time for requests at shutdown is up, and by `abort`. The connection's next
   * request may get the same one: who listens stops when the work is done.
   */
  readonly signal: AbortSignal;
  /** What others can see of it; null for requests that are not listed: those without a queue. */
  readonly active: ActiveRequest | null;
  /** Aborts the signal. One signal a request: AbortSignal.any leaks on Node 20 when one of them lives long. */
  abort(reason: Error): void;
}

/** Answers the request, or throws: an InputError or OverloadError becomes its status, anything else 500. */
export type Handler = (context: RequestContext) => Promise<void> | void;

export type Handlers = Readonly<Record<HandlerName, Handler>>;
