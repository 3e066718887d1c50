/**
 * The listener: takes a request from the socket to its handler and turns what the handler throws into an answer.
 *
 *   socket → lane.ts, or node:http → limits → path → routes.ts → method → auth → arguments → queue → handler
 *
 * Nothing a client sends ends in a 5xx: those are for our own faults (500, logged with their stack) and overload.
 * Slow senders are cut off: 5 seconds for the headers, checked every second; bodies see body.ts.
 */
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Counter, MetricSet, Summary } from "@nyanza/metrics";
import { DEFAULT_TENANT, InputError } from "@nyanza/tsdb";
import type { Logger } from "../process/logger.ts";
import type { ActiveRequest, ActiveRequests } from "./active-requests.ts";
import { quote, RequestArguments } from "./arguments.ts";
import { type AuthOptions, checkAuth } from "./auth.ts";
import { type BodyContext, type BodyLimits, withBody } from "./body.ts";
import type { Handlers, RequestContext } from "./context.ts";
import { CancelledError, ClientGoneError, DeadlineError, NamedError, OverloadError } from "./errors.ts";
import { bodyOf, type HttpRequest, type HttpResponse } from "./exchange.ts";
import { jsonString } from "./json-string.ts";
import { Lane } from "./lane.ts";
import { parseListenAddress } from "./listen-address.ts";
import type { RequestQueue } from "./queue.ts";
import { NO_COMPRESSION, sendBody } from "./response.ts";
import { normalizePath, type Route, Router, stripPathPrefix } from "./routes.ts";

export interface HttpServerOptions {
  readonly addresses: readonly string[];
  readonly isIpv6Enabled: boolean;
  readonly pathPrefix: string;
  readonly maxConnections: number;
  readonly connTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxShutdownMs: number;
  readonly isCompressionEnabled: boolean;
  readonly isCorsEnabled: boolean;
  readonly auth: AuthOptions;
  readonly body: BodyContext;
  readonly queryQueue: RequestQueue;
  /** Where the requests of that queue are listed. */
  readonly activeRequests: ActiveRequests;
  /** Those that answer from the start; `open` brings the rest. */
  readonly handlers: Partial<Handlers>;
  readonly metrics: MetricSet;
  readonly logger: Logger;
  readonly now?: () => number;
  /** Whether simple requests have a lane of their own (lane.ts), as by default; for tests, which compare. */
  readonly hasLane?: boolean;
}

/** What is remembered of one. */
interface Connection {
  readonly bornMs: number;
  /**
   * Of its last request, when that is over, for its next: making one costs as much as all else HTTP does for a small
   * answer. Taken away while in use, so requests that are pipelined do not share one.
   */
  spareAbort: AbortController | null;
}

/** Arguments in a form body, as many as Go's net/http takes. */
const FORM_LIMITS: BodyLimits = { maxBytes: 10 << 20, flag: "search.maxQueryLen" };

const HEADERS_TIMEOUT_MS = 5000;
/** The most Go's net/http takes: the longest query allowed, %-escaped in a URL, is longer than Node's 16 KiB. */
const HEADER_BYTES_MAX = 1 << 20;
const CHECK_INTERVAL_MS = 1000;
/** Idle connections are kept this much longer than is said: less than the second that would be said, too. */
const KEPT_LONGER_MS = 999;
/** What is still read of a refused body so that its sender gets to read the answer. */
const LINGER_MS = 2000;
/** How long handlers may take to notice that their request was aborted. */
const NOTICE_MS = 1000;

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #router: Router = new Router();
  readonly #servers: Server[] = [];
  readonly #lanes: Lane[] = [];
  /** Of the requests under way. */
  readonly #aborts = new Set<AbortController>();
  readonly #counters = new Map<Route, { requests: Counter; errors: Counter }>();
  readonly #now: () => number;
  #handlers: Partial<Handlers>;
  #isDraining = false;
  readonly #connections = new Map<Socket, Connection>();
  /** Of connections that are closed. */
  #closedBytesRead = 0;
  #closedBytesWritten = 0;
  readonly #requestsTotal: Counter;
  readonly #durations = new Map<Route, Summary>();
  /** Requests whose handlers have not come to an end, with or without a client. */
  #serving = 0;
  #onIdle: (() => void) | null = null;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#handlers = options.handlers;
    this.#now = options.now ?? Date.now;
    const { metrics } = options;
    this.#requestsTotal = metrics.getOrCreateCounter("vm_http_requests_all_total");
    metrics.getOrCreateGauge("vm_tcplistener_conns", () => this.#connections.size);
    metrics.getOrCreateGauge("vm_tcplistener_read_bytes_total", () => this.#sum("bytesRead", this.#closedBytesRead));
    metrics.getOrCreateGauge("vm_tcplistener_written_bytes_total", () =>
      this.#sum("bytesWritten", this.#closedBytesWritten),
    );
    for (const route of this.#router.routes) {
      // As VictoriaMetrics writes a path with something in it.
      const path = route.path.replace(/\{.*\}/, "{}");
      if (route.queue !== "none") {
        this.#durations.set(route, metrics.getOrCreateSummary(`vm_request_duration_seconds{path="${path}"}`));
      }
      this.#counters.set(route, {
        requests: metrics.getOrCreateCounter(`vm_http_requests_total{path="${path}"}`),
        errors: metrics.getOrCreateCounter(`vm_http_request_errors_total{path="${path}"}`),
      });
    }
  }

  /** True from the first signal on: /health then tells load balancers to go elsewhere. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Listens at all addresses; resolves with the real ones. @throws the system's error, such as EADDRINUSE */
  async listen(): Promise<string[]> {
    for (const text of this.#options.addresses) {
      const { host, port } = parseListenAddress(text);
      const server = this.#createServer();
      const anyHost = this.#options.isIpv6Enabled ? "::" : "0.0.0.0";
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host: host === "" ? anyHost : host, port }, () => {
          server.off("error", reject);
          resolve();
        });
      });
      server.on("error", (error) => this.#options.logger.error(`listener at ${text}: ${error.message}`));
      this.#servers.push(server);
    }
    return this.#servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === "string") return String(address);
      return address.family === "IPv6" ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
    });
  }

  /** From now on everything is answered. Until then what has no handler gets a 503. */
  open(handlers: Handlers): void {
    this.#handlers = handlers;
  }

  startDraining(): void {
    this.#isDraining = true;
  }

  /**
   * Takes no more requests, lets those under way finish, then closes what is left and waits until their handlers have noticed: what they
   * work on may be closed after that. Never throws.
   */
  async close(): Promise<void> {
    this.#isDraining = true;
    const closed = Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
    for (const server of this.#servers) server.closeIdleConnections();
    for (const lane of this.#lanes) lane.close();
    // Aborted a little before the end, so that those who listen can still answer.
    const graceMs = this.#options.maxShutdownMs;
    const abortTimer = setTimeout(
      () => {
        const reason = new OverloadError(503, "the server is shutting down", 1);
        for (const abort of this.#aborts) abort.abort(reason);
      },
      graceMs - Math.min(graceMs / 5, 2000),
    );
    const closeTimer = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
      for (const lane of this.#lanes) lane.destroy();
    }, graceMs);
    await closed;
    clearTimeout(abortTimer);
    clearTimeout(closeTimer);
    // A connection counts as closed before its request hears of it.
    for (const abort of this.#aborts) abort.abort(new ClientGoneError());
    await this.#idle();
  }

  async #idle(): Promise<void> {
    if (this.#serving === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, NOTICE_MS);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #createServer(): Server {
    const { idleTimeoutMs } = this.#options;
    const server = createServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        maxHeaderSize: HEADER_BYTES_MAX,
        // Bodies have their own clock: an import may rightly take hours, as long as it moves.
        requestTimeout: 0,
        // The answer's Keep-Alive header says whole seconds, rounded down: who goes by it never meets a connection that is just being closed.
        keepAliveTimeout: idleTimeoutMs === 0 ? 0 : idleTimeoutMs + KEPT_LONGER_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
        noDelay: true,
      },
      (request, response) => {
        // Reset connections are news to nobody.
        request.on("error", () => {});
        response.on("error", () => {});
        void this.#serve(request, response);
      },
    );
    server.maxConnections = this.#options.maxConnections;
    server.on("connection", (socket: Socket) => {
      this.#connections.set(socket, { bornMs: this.#now(), spareAbort: null });
      socket.once("close", () => {
        this.#connections.delete(socket);
        this.#closedBytesRead += socket.bytesRead;
        this.#closedBytesWritten += socket.bytesWritten;
      });
      this.#options.metrics.getOrCreateCounter("vm_tcplistener_accepts_total").inc();
    });
    if (this.#options.hasLane !== false) this.#addLane(server);
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      this.#countError("malformed");
      if (!socket.writable || error.code === "ECONNRESET") {
        socket.destroy();
        return;
      }
      const status =
        error.code === "HPE_HEADER_OVERFLOW"
          ? "431 Request Header Fields Too Large"
          : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
            ? "408 Request Timeout"
            : "400 Bad Request";
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    });
    return server;
  }

  /** Puts a lane before the server's own reading of connections. */
  #addLane(server: Server): void {
    const [readByServer] = server.listeners("connection") as ((socket: Socket) => void)[];
    if (readByServer === undefined) throw new Error("node:http does not listen to its connections");
    server.off("connection", readByServer);
    const lane = new Lane({
      serve: (request, response) => void this.#serve(request, response),
      handOver: (socket) => readByServer.call(server, socket),
      refuseLate: (socket) => server.emit("clientError", lateError(), socket),
      firstByteMs: HEADERS_TIMEOUT_MS,
      idleMs: this.#options.idleTimeoutMs,
      checkMs: CHECK_INTERVAL_MS,
    });
    this.#lanes.push(lane);
    server.on("connection", (socket: Socket) => lane.take(socket));
  }

  async #serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    this.#serving += 1;
    try {
      await this.#respond(request, response);
    } finally {
      this.#serving -= 1;
      if (this.#serving === 0) this.#onIdle?.();
    }
  }

  async #respond(request: HttpRequest, response: HttpResponse): Promise<void> {
    this.#requestsTotal.inc();
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (!this.#options.isCompressionEnabled) Object.assign(response, { [NO_COMPRESSION]: true });
    // One that is closed has no more requests whose controller could be wanted.
    const connection = this.#connections.get(request.socket) ?? { bornMs: this.#now(), spareAbort: null };
    this.#closeOldConnection(connection, response);

    const abort = connection.spareAbort ?? new AbortController();
    connection.spareAbort = null;
    this.#aborts.add(abort);
    // A small answer may be on its way before its handler is done, or the other way round.
    let isServed = false;
    let isClosed = false;
    response.once("close", () => {
      isClosed = true;
      this.#aborts.delete(abort);
      if (!response.writableFinished) abort.abort(new ClientGoneError());
      else if (isServed) keepAbort(connection, abort);
    });
    let route: Route | null = null;
    try {
      const { rawPath, search } = splitTarget(request.url ?? "/");
      const path = normalizePath(rawPath);
      if (path === null) throw new InputError(`cannot decode the path ${quote(rawPath)}: bad % escape`);
      const inner = stripPathPrefix(path, this.#options.pathPrefix);
      if (inner === null) {
        throw new InputError(`missing -http.pathPrefix=${this.#options.pathPrefix} in the path ${quote(path)}`);
      }
      const match = this.#router.find(inner);
      if (match === null) {
        this.#countError("unsupported");
        throw new InputError(`unsupported path requested: ${quote(path)}`);
      }
      route = match.route;
      this.#counters.get(route)?.requests.inc();
      if (this.#options.isCorsEnabled && route.tenant !== "none") allowOtherOrigins(response);
      if (request.method === "OPTIONS") {
        response.statusCode = 204;
        response.setHeader("Allow", route.methods.join(", "));
        response.end();
        return;
      }
      if (!route.methods.includes(request.method as string)) {
        response.setHeader("Allow", route.methods.join(", "));
        throw new InputError(`want ${route.methods.join(" or ")}, got ${request.method} ${quote(path)}`, 405);
      }
      await this.#answer(request, response, match.route, inner, match.rest, search, abort);
    } catch (error) {
      await this.#answerError(request, response, route, error);
    }
    isServed = true;
    if (isClosed) keepAbort(connection, abort);
  }

  async #answer(
    request: HttpRequest,
    response: HttpResponse,
    route: Route,
    path: string,
    rest: string,
    search: string,
    abort: AbortController,
  ): Promise<void> {
    const url = new URLSearchParams(search);
    // Strangers do not get to send a body: keys are taken from the URL before it is read.
    const urlArgs = new RequestArguments(url);
    const verdict = checkAuth(route.auth, request, urlArgs, this.#options.auth);
    if (verdict !== "ok") {
      this.#countError(verdict === "wrong basic auth" ? "wrong_basic_auth" : "wrong_auth_key");
      if (verdict === "wrong basic auth") response.setHeader("WWW-Authenticate", 'Basic realm="Nyanza"');
      throw new InputError(
        verdict === "wrong basic auth"
          ? "want the user name and password of -httpAuth.*"
          : `want the value of -${route.auth} as argument authKey`,
        401,
      );
    }
    const isForm =
      route.body === "form" &&
      /^application\/x-www-form-urlencoded\b/i.test(request.headers["content-type"] ?? "") &&
      request.method !== "GET" &&
      request.method !== "HEAD";
    const form = isForm
      ? await withBody(request, FORM_LIMITS, this.#options.body, async (body) => new URLSearchParams(decodeText(body)))
      : null;
    const args = form === null ? urlArgs : new RequestArguments(url, form);
    const handle = this.#handlers[route.handler];
    if (handle === undefined) throw new OverloadError(503, "the storage is being opened: try again soon", 1);
    const { activeRequests } = this.#options;
    const active =
      route.queue === "none"
        ? null
        : activeRequests.add({ path, args, abort, remoteAddress: remoteAddressOf(request) });
    const context: RequestContext = {
      request,
      response,
      route,
      path,
      rest,
      args,
      tenant: DEFAULT_TENANT,
      startMs: this.#now(),
      signal: abort.signal,
      active,
      abort: (reason) => abort.abort(reason),
    };
    if (active === null || route.queue === "none") {
      await handle(context);
      return;
    }
    const work = (): Promise<void> | void => {
      active.begin();
      return handle(context);
    };
    try {
      await this.#options.queryQueue.run(abort.signal, work, route.queue);
    } finally {
      activeRequests.remove(active);
      this.#count(route, active, abort.signal);
    }
  }

  #count(route: Route, active: ActiveRequest, signal: AbortSignal): void {
    // Failures count, refusals do not: those would make an overload look fast.
    if (!active.isWaiting) this.#durations.get(route)?.update((active.waitedMs + active.workedMs) / 1000);
    const { reason } = signal;
    const by = reason instanceof ClientGoneError ? "client" : reason instanceof CancelledError ? "command" : null;
    if (by !== null) this.#options.metrics.getOrCreateCounter(`vm_cancelled_queries_total{by="${by}"}`).inc();
  }

  async #answerError(request: HttpRequest, response: HttpResponse, route: Route | null, error: unknown): Promise<void> {
    const { logger } = this.#options;
    if (error instanceof ClientGoneError || (response.destroyed && isAbort(error))) {
      response.destroy();
      return;
    }
    const fault = error instanceof NamedError ? error.cause : error;
    const status = statusOf(error);
    const reason = error instanceof Error ? error.message : String(error);
    const where = `remoteAddr: ${quote(request.socket.remoteAddress ?? "")}; requestURI: ${hideKeys(request.url ?? "")}`;
    if (status === 500) logger.error(`${where}; ${fault instanceof Error ? (fault.stack ?? reason) : reason}`);
    else logger.warn(`${where}; ${reason}`);
    if (route !== null) this.#counters.get(route)?.errors.inc();

    if (response.headersSent) {
      // Too late for a status: a broken connection tells the client that the answer is not whole.
      response.destroy();
      return;
    }
    response.removeHeader("Content-Encoding");
    if (fault instanceof OverloadError) response.setHeader("Retry-After", String(fault.retryAfterSeconds));
    const message = status === 500 ? "internal error; see the server's log" : reason;
    const isJson = route?.errors === "json";
    const contentType = isJson ? "application/json" : "text/plain; charset=utf-8";
    const errorType = error instanceof NamedError ? error.errorType : String(status);
    const body = isJson
      ? `{"status":"error","errorType":"${errorType}","error":${jsonString(message)}}`
      : status === 401
        ? ""
        : `${message}\n`;
    if (request.complete || !hasBody(request)) sendBody(request, response, { status, contentType }, body);
    else await refuseBody(request, response, { status, contentType }, body);
  }

  /** After -http.connTimeout the client is asked to connect anew, which spreads load behind a balancer. */
  #closeOldConnection({ bornMs }: Connection, response: HttpResponse): void {
    const { connTimeoutMs } = this.#options;
    if (this.#isDraining || (connTimeoutMs > 0 && this.#now() - bornMs > connTimeoutMs)) {
      response.setHeader("Connection", "close");
      if (!this.#isDraining) this.#options.metrics.getOrCreateCounter("vm_http_conn_timeout_closed_conns_total").inc();
    }
  }

  #sum(what: "bytesRead" | "bytesWritten", closed: number): number {
    let sum = closed;
    for (const socket of this.#connections.keys()) sum += socket[what];
    return sum;
  }

  /** Of requests that belong to no route. */
  #countError(reason: string): void {
    this.#options.metrics.getOrCreateCounter(`vm_http_request_errors_total{path="*",reason="${reason}"}`).inc();
  }
}

function keepAbort(connection: Connection, abort: AbortController): void {
  if (!abort.signal.aborted) connection.spareAbort = abort;
}

/** As node:http reports a client that takes too long. */
function lateError(): Error {
  return Object.assign(new Error("no request came"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
}

/** Origin form (`/a?b`) or absolute form (`http://host/a?b`), which proxies send. */
function splitTarget(target: string): { rawPath: string; search: string } {
  const absolute = /^https?:\/\/[^/?#]*/i.exec(target);
  const origin = absolute === null ? target : target.slice(absolute[0].length);
  const mark = origin.indexOf("?");
  const rawPath = mark < 0 ? origin : origin.slice(0, mark);
  return { rawPath: rawPath === "" ? "/" : rawPath, search: mark < 0 ? "" : origin.slice(mark + 1) };
}

/** Bytes that are not UTF-8 become U+FFFD, as in a URL. */
function decodeText(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
}

function allowOtherOrigins(response: HttpResponse): void {
  response.setHeader("Access-Control-Allow-Origin", "*");
  response.setHeader("Access-Control-Allow-Methods", "*");
  response.setHeader("Access-Control-Allow-Headers", "*");
}

function hasBody(request: HttpRequest): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

/**
 * Answers at once, then reads and drops what the refused sender still sends, for a while: a connection closed over unread
 * bytes is reset, and the reset would overtake the answer.
 */
async function refuseBody(
  request: HttpRequest,
  response: HttpResponse,
  answer: { readonly status: number; readonly contentType: string },
  body: string,
): Promise<void> {
  const bytes = Buffer.from(body);
  const incoming = bodyOf(request);
  response.statusCode = answer.status;
  response.setHeader("Connection", "close");
  response.setHeader("Content-Length", bytes.length);
  response.setHeader("Content-Type", answer.contentType);
  response.write(bytes);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, LINGER_MS);
    incoming.once("end", done).once("close", done);
    incoming.unpipe();
    incoming.resume();
  });
  response.end();
}

/** What is none of the errors that say their status is a fault of ours. */
function statusOf(error: unknown): number {
  const isSaid =
    error instanceof InputError ||
    error instanceof OverloadError ||
    error instanceof DeadlineError ||
    error instanceof CancelledError ||
    error instanceof NamedError;
  if (isSaid) return error.status;
  return isAbort(error) ? 503 : 500;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error instanceof ClientGoneError);
}

/** `10.1.2.3:45678`, as VictoriaMetrics with what proxies say of those behind it. */
function remoteAddressOf({ headers, socket }: HttpRequest): string {
  const address = `${socket.remoteAddress ?? ""}:${socket.remotePort ?? ""}`;
  const forwarded = headers["x-forwarded-for"];
  return forwarded === undefined ? address : `${address}, X-Forwarded-For: ${String(forwarded).slice(0, 200)}`;
}

function hideKeys(url: string): string {
  return url.replace(/(authKey=)[^&]*/gi, "$1secret");
}
