/**
 * Every request of undici, which is also what the global `fetch` is made of: it announces on diagnostics channels what happens to a request, and we
 * listen. Nothing is wrapped, so nobody can notice; whoever imported `fetch` before is seen too.
 *
 *     create → (bodyChunkSent …) → headers → (bodyChunkReceived …) → trailers        or, at any point, error
 *
 * The chunk channels are newer than Node 20; without them sizes are those that the headers promise.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { diag, type Meter, metrics } from "@opentelemetry/api";
import { METER_NAME } from "../app/dropped-values.ts";
import { ClientMetrics, type ClientMetricsOptions, type ClientRequest, parseContentLength } from "./client-metrics.ts";
import type { Instrumentation } from "./node-server.ts";

/** What of undici's request is looked at; everything in it is undici's own business and may change. */
interface UndiciRequest {
  readonly method?: unknown;
  readonly origin?: unknown;
  readonly path?: unknown;
  readonly body?: unknown;
  readonly contentLength?: unknown;
}

interface Message {
  readonly request: UndiciRequest;
  readonly response?: { readonly statusCode?: unknown; readonly headers?: unknown };
  readonly error?: unknown;
  readonly chunk?: unknown;
}

/** One hook a meter: a second would count everything twice. */
const hooks = new WeakMap<Meter, { readonly hook: UndiciHook; users: number }>();

/**
 * Records the requests that `fetch` and undici send, until closed: requests, errors, durations until the whole answer has been read, sizes; labelled by method, host and
 * status ({@link ClientMetrics} has the table). Each hop of a redirect is a request. One whose answer nobody reads to its end or cancels
 * is never over and not recorded.
 *
 * Asked for again on the same meter, this gives the same hook, with the options of the first; it ends when all have closed it.
 *
 * @example
 * const instrumentation = instrumentFetch({ ignore: ({ host }) => host === "metrics.internal:8428" });
 */
export function instrumentFetch(options: ClientMetricsOptions = {}): Instrumentation {
  const meter = options.meter ?? metrics.getMeter(METER_NAME);
  let entry = hooks.get(meter);
  if (entry === undefined) hooks.set(meter, (entry = { hook: new UndiciHook({ ...options, meter }), users: 0 }));
  const shared = entry;
  shared.users++;
  let isClosed = false;
  return {
    close() {
      if (isClosed) return;
      isClosed = true;
      if (--shared.users > 0) return;
      shared.hook.close();
      hooks.delete(meter);
    },
  };
}

/** A request that is under way. */
interface Pending {
  readonly request: ClientRequest;
  readonly startMs: number;
  status: number;
  promisedBytes: number | undefined;
  sentBytes: number;
  receivedBytes: number;
}

class UndiciHook {
  readonly #metrics: ClientMetrics;
  /** Weak: a request that undici gives up on without a word must not stay. */
  readonly #pending = new WeakMap<object, Pending>();
  readonly #subscriptions: readonly (readonly [string, (message: unknown) => void])[];

  constructor(options: ClientMetricsOptions) {
    this.#metrics = new ClientMetrics(options);
    const on = (event: string, handle: (message: Message) => void): readonly [string, (message: unknown) => void] => [
      `undici:request:${event}`,
      (message) => {
        try {
          handle(message as Message);
        } catch (error) {
          // From a channel it would come out as an uncaught exception.
          diag.error("HTTP client metrics: a request was not recorded", error);
        }
      },
    ];
    this.#subscriptions = [
      on("create", (message) => this.#create(message.request)),
      on("bodyChunkSent", (message) => this.#chunk(message, "sentBytes")),
      on("headers", (message) => this.#headers(message)),
      on("bodyChunkReceived", (message) => this.#chunk(message, "receivedBytes")),
      on("trailers", (message) => this.#finish(message.request, undefined)),
      on("error", (message) => this.#finish(message.request, message.error ?? new Error("unknown"))),
    ];
    for (const [channel, listener] of this.#subscriptions) subscribe(channel, listener);
  }

  close(): void {
    for (const [channel, listener] of this.#subscriptions) unsubscribe(channel, listener);
  }

  #create(source: UndiciRequest): void {
    const request = { method: String(source.method), host: hostOf(source.origin), path: String(source.path) };
    if (this.#metrics.isIgnored(request)) return;
    const startMs = performance.now();
    this.#pending.set(source, {
      request,
      startMs,
      status: 0,
      promisedBytes: undefined,
      sentBytes: 0,
      receivedBytes: 0,
    });
  }

  #chunk(message: Message, direction: "sentBytes" | "receivedBytes"): void {
    const pending = this.#pending.get(message.request);
    if (pending === undefined) return;
    const { chunk } = message;
    if (chunk instanceof Uint8Array) pending[direction] += chunk.byteLength;
    else if (typeof chunk === "string") pending[direction] += Buffer.byteLength(chunk);
  }

  #headers({ request, response }: Message): void {
    const pending = this.#pending.get(request);
    if (pending === undefined || typeof response?.statusCode !== "number") return;
    pending.status = response.statusCode;
    pending.promisedBytes = findContentLength(response.headers);
    // What follows is no answer any more but another protocol, and older versions say nothing of its end.
    if (pending.status === 101) this.#finish(request, undefined);
  }

  #finish(source: UndiciRequest, error: unknown): void {
    const pending = this.#pending.get(source);
    if (pending === undefined) return;
    this.#pending.delete(source);
    const { request, status, startMs, receivedBytes } = pending;
    const isBodiless = request.method === "HEAD" || status === 304 || status === 204 || status === 101;
    this.#metrics.record(request, {
      status,
      error,
      durationMs: performance.now() - startMs,
      sentBytes: error === undefined ? sentBytesOf(source, pending) : undefined,
      receivedBytes: error !== undefined ? undefined : isBodiless ? 0 : receivedBytes || pending.promisedBytes,
    });
  }
}

/** What was counted, or what is known of the body from the start; `undefined` for a stream that nobody counted. */
function sentBytesOf(source: UndiciRequest, pending: Pending): number | undefined {
  if (pending.sentBytes > 0) return pending.sentBytes;
  if (typeof source.contentLength === "number") return source.contentLength;
  if (source.body === null || source.body === undefined) return 0;
  return source.body instanceof Uint8Array ? source.body.byteLength : undefined;
}

/** `https://user:pass@host:8443` is `host:8443`. */
export function hostOf(origin: unknown): string {
  if (origin instanceof URL) return origin.host;
  if (typeof origin !== "string") return "(invalid)";
  const begin = origin.indexOf("://") + 3;
  if (begin < 3) return "(invalid)";
  const slash = origin.indexOf("/", begin);
  const authority = slash < 0 ? origin.slice(begin) : origin.slice(begin, slash);
  return authority.slice(authority.lastIndexOf("@") + 1).toLowerCase();
}

/** Headers come flat, name and value in turn, as bytes or as text. */
function findContentLength(headers: unknown): number | undefined {
  if (!Array.isArray(headers)) return undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name: unknown = headers[i];
    if ((typeof name !== "string" && !(name instanceof Uint8Array)) || name.length !== 14) continue;
    if (headerText(name).toLowerCase() === "content-length") return parseContentLength(headerText(headers[i + 1]));
  }
  return undefined;
}

function headerText(value: unknown): string {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1")
    : String(value);
}
