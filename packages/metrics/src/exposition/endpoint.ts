/**
 * The address a scraper reads. `startEndpoint` opens a server for it, `answerScrape` answers within a server that exists:
 *
 *     const endpoint = await startEndpoint(() => set.collect(), { port: 9464 });
 *     endpoint.url; // http://127.0.0.1:9464/metrics
 *
 *     http.createServer((request, response) => {
 *       if (request.url === "/metrics") void answerScrape(request, response, () => set.collect());
 *     });
 *
 * Strangers may reach it, so everything is bounded: connections, one scrape at a time on each, headers, the time a request and its
 * answer may take. A source that throws costs one scrape an answer 500, one that does not answer a 503, and nothing else.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Family } from "./family.ts";
import { acceptsGzip, chooseFormat } from "./negotiation.ts";
import { OPENMETRICS_CONTENT_TYPE, writeOpenMetrics } from "./openmetrics.ts";
import { TEXT_CONTENT_TYPE, writeText } from "./text-format.ts";

/** Asked at each scrape. Each name at most once among the families; {@link joinFamilies} makes that so. */
export type Collect = () => readonly Family[] | Promise<readonly Family[]>;

export interface EndpointOptions {
  /** Default: all addresses of the machine, as exporters do; `127.0.0.1` keeps it to this machine. */
  readonly host?: string;
  /** 0 takes a free one. Default: 9464, OpenTelemetry's. */
  readonly port?: number;
  /** Default: `/metrics`. */
  readonly path?: string;
}

/** An endpoint that listens. */
export interface Endpoint {
  /** What to write into a scraper's configuration, path included. */
  readonly url: string;
  readonly port: number;
  /** Ends idle connections at once, waits for scrapes under way (5 s at most). Calling again is harmless. */
  close(): Promise<void>;
}

/** The endpoint could not be opened; the message says what to do. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
  /** The system's: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND` … */
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const DEFAULT_PORT = 9464;
const DEFAULT_PATH = "/metrics";
/** Scrapers are few. More connections than that are closed as they come. */
const CONNECTIONS_MAX = 128;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Above the longest usual scrape interval, so that a scraper's connection lives from scrape to scrape. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A source that has not answered by then never will; scrapers give up sooner. */
const COLLECT_TIMEOUT_MS = 30_000;
/** A reader who takes nothing for so long is gone. */
const SILENCE_TIMEOUT_MS = 60_000;
/** From the request to the last byte: who reads a byte a minute is not waited for. */
const ANSWER_TIMEOUT_MS = 120_000;
const CLOSE_GRACE_MS = 5_000;
/** Below that the headers outweigh what is saved. */
const GZIP_BYTES_MIN = 1024;

const compress = promisify(gzip);

/**
 * Opens a server that answers scrapes at `path`. It does not keep a process alive that has nothing else to do.
 * @throws EndpointError if the address cannot be had; TypeError or RangeError for a path or port that makes no sense
 */
export async function startEndpoint(collect: Collect, options: EndpointOptions = {}): Promise<Endpoint> {
  const { host, port = DEFAULT_PORT, path = DEFAULT_PATH } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`metrics endpoint: want a port from 0 to 65535, got ${port}`);
  }
  if (!/^\/[!-"$->@-~]*$/.test(path)) {
    throw new TypeError(
      `metrics endpoint: want a path that begins with "/" and has no spaces, "?" or "#", got ${JSON.stringify(path)}`,
    );
  }
  const underWay = new Map<Socket, ServerResponse>();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 5_000,
    },
    (request, response) => {
      const { socket } = request;
      if (underWay.has(socket)) {
        refusePipelined(request, response);
        return;
      }
      underWay.set(socket, response);
      const deadline = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT_MS);
      deadline.unref();
      response.once("close", () => {
        clearTimeout(deadline);
        underWay.delete(socket);
      });
      route(request, response, collect, path);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = SILENCE_TIMEOUT_MS;
  server.on("connection", (socket: Socket) => socket.unref());
  await listen(server, host, port);
  // Late failures of a listener (out of descriptors) cost a connection, never the application.
  server.on("error", () => {});
  const bound = (server.address() as AddressInfo).port;
  let closed: Promise<void> | null = null;
  return {
    url: `http://${formatHost(host)}:${bound}${path}`,
    port: bound,
    close: () => {
      closed ??= closeServer(server, underWay);
      return closed;
    },
  };
}

/**
 * Answers one scrape: GET or HEAD, OpenMetrics or text as the scraper prefers, compressed if it asks. Any other method
 * gets 405, a source that throws 500 with its message. Never rejects.
 */
export async function answerScrape(
  request: IncomingMessage,
  response: ServerResponse,
  collect: Collect,
): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    // What the sender goes on sending is not read.
    response.setHeader("connection", "close");
    sendText(request, response, 405, "metrics endpoint: want GET or HEAD\n");
    return;
  }
  try {
    const families = await withinTime(collect());
    const isOpenMetrics = chooseFormat(request.headers.accept) === "openmetrics";
    const text = isOpenMetrics ? writeOpenMetrics(families) : writeText(families, { metadata: true });
    let body: Buffer = Buffer.from(text, "utf8");
    if (response.destroyed || response.headersSent) return;
    response.setHeader("vary", "Accept, Accept-Encoding");
    if (body.length >= GZIP_BYTES_MIN && acceptsGzip(request.headers["accept-encoding"])) {
      // The fastest level: on exposition text it is within a fifth of the best one's size.
      body = await compress(body, { level: 1 });
      if (response.destroyed || response.headersSent) return;
      response.setHeader("content-encoding", "gzip");
    }
    send(request, response, 200, isOpenMetrics ? OPENMETRICS_CONTENT_TYPE : TEXT_CONTENT_TYPE, body);
  } catch (error) {
    if (error === TIME_IS_UP) {
      const problem = `collecting took longer than ${COLLECT_TIMEOUT_MS / 1000} s`;
      sendText(request, response, 503, `metrics endpoint: ${problem}\n`);
      return;
    }
    sendText(request, response, 500, `metrics endpoint: collecting failed: ${firstLine(error)}\n`);
  }
}

const TIME_IS_UP = Symbol("time is up");

/** What `collected` gives, if it comes in time; else throws {@link TIME_IS_UP}. */
async function withinTime(collected: ReturnType<Collect>): Promise<readonly Family[]> {
  let timer: NodeJS.Timeout | undefined;
  const timeIsUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(TIME_IS_UP), COLLECT_TIMEOUT_MS);
    timer.unref();
  });
  try {
    return await Promise.race([collected, timeIsUp]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A request that comes before the one before it is answered. No scraper does that; a packet of a thousand of them would have a thousand
 * collections, and their texts, at once.
 */
function refusePipelined(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("connection", "close");
  sendText(request, response, 503, "metrics endpoint: want one request at a time on a connection\n");
}

function route(request: IncomingMessage, response: ServerResponse, collect: Collect, path: string): void {
  const asked = (request.url ?? "").split("?", 1)[0];
  if (asked === path) void answerScrape(request, response, collect);
  else if (asked === "/") {
    const link = `<!doctype html><title>metrics</title><a href="${escapeAttribute(path)}">metrics</a>\n`;
    send(request, response, 200, "text/html; charset=utf-8", Buffer.from(link));
  } else sendText(request, response, 404, `metrics endpoint: nothing here, the metrics are at ${path}\n`);
}

function sendText(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  send(request, response, status, "text/plain; charset=utf-8", Buffer.from(text));
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, body: Buffer): void {
  if (response.destroyed || response.headersSent) return;
  response.statusCode = status;
  response.setHeader("content-type", type);
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("content-length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
}

function listen(server: Server, host: string | undefined, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.removeAllListeners("error");
      server.unref();
      resolve();
    });
  });
}

function explain(error: NodeJS.ErrnoException, host: string | undefined, port: number): EndpointError {
  const code = error.code ?? "UNKNOWN";
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: "is taken (EADDRINUSE): choose another port or end the process that listens there",
    EACCES: "is not allowed (EACCES): choose a port from 1024 on, or give the process the right to bind it",
    EADDRNOTAVAIL: "is no address of this machine (EADDRNOTAVAIL): choose one it has, or no host for all of them",
    ENOTFOUND: "has no address (ENOTFOUND): check the host's spelling",
  };
  const address = `${host === undefined ? "*" : bracket(host)}:${port}`;
  const said = Object.hasOwn(advice, code) ? advice[code] : `cannot be opened (${code}): ${error.message}`;
  return new EndpointError(`metrics endpoint: ${address} ${said}`, code, error);
}

async function closeServer(server: Server, underWay: ReadonlyMap<Socket, ServerResponse>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await settle(underWay);
  // Also those that have connected and said nothing, which Node does not count as idle.
  server.closeAllConnections();
  await closed;
}

/** Resolves when the last answer is out, or the time for it is over. */
function settle(underWay: ReadonlyMap<Socket, ServerResponse>): Promise<void> {
  if (underWay.size === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_GRACE_MS);
    const check = (): void => {
      if (underWay.size > 0) return;
      clearTimeout(timer);
      resolve();
    };
    // The server's own listener, added first, has taken the response out by then.
    for (const response of underWay.values()) response.once("close", check);
  });
}

/** Where this machine reaches it: all addresses include the local one. */
function formatHost(host: string | undefined): string {
  if (host === undefined || host === "" || host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "[::1]" : bracket(host);
}

function bracket(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function escapeAttribute(text: string): string {
  return text.replace(/[&"<>]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Enough to find the place; no stack, which would tell a stranger about the machine. */
function firstLine(error: unknown): string {
  // Anything can be thrown, also what has no text.
  const message =
    error instanceof Error ? String(error.message) : typeof error === "string" ? error : "no Error thrown";
  return (message.split("\n", 1)[0] as string).slice(0, 200);
}
