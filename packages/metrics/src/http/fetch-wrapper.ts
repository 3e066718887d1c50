import { diag } from "@opentelemetry/api";
import { ClientMetrics, type ClientMetricsOptions, type ClientRequest, parseContentLength } from "./client-metrics.ts";

/** Anything that is called as `fetch` is. */
export type FetchLike = (input: never, init?: never) => Promise<unknown>;

/**
 * A `fetch` that records what is sent through it; for where {@link instrumentFetch} would see too much, or `fetch` is not undici's.
 *
 * A call is one request, whatever redirects it follows, and takes until the answer's headers are there: the body is the caller's. Its
 * size is what the answer's `content-length` says.
 *
 * @example
 * const fetchOrders = fetchWithMetrics(fetch, { path: () => "/orders/:id" });
 * const response = await fetchOrders("https://shop.example/orders/17");
 */
export function fetchWithMetrics<Fetch extends FetchLike>(fetch: Fetch, options: ClientMetricsOptions = {}): Fetch {
  const metrics = new ClientMetrics(options);
  const call = fetch as unknown as (input: unknown, init?: unknown) => Promise<unknown>;
  const wrapped = (input: unknown, init?: unknown): Promise<unknown> => {
    const request = describeRequest(input, init);
    if (metrics.isIgnored(request)) return call(input, init);
    const sentBytes = bodyBytes(init);
    const startMs = performance.now();
    const record = (status: number, error: unknown, receivedBytes: number | undefined): void => {
      try {
        metrics.record(request, { status, error, durationMs: performance.now() - startMs, sentBytes, receivedBytes });
      } catch (failure) {
        diag.error("HTTP client metrics: a request was not recorded", failure);
      }
    };
    return call(input, init).then(
      (response) => {
        const { status, headers } = (response ?? {}) as { status?: number; headers?: { get?(name: string): unknown } };
        record(status ?? 0, undefined, parseContentLength(headers?.get?.("content-length")));
        return response;
      },
      (error: unknown) => {
        record(0, error ?? new Error("unknown"), undefined);
        throw error;
      },
    );
  };
  return wrapped as unknown as Fetch;
}

/** What can be told from the arguments of `fetch`. A URL that is none is for `fetch` to complain about. */
function describeRequest(input: unknown, init: unknown): ClientRequest {
  try {
    const request = typeof input === "object" && input !== null ? (input as { url?: unknown; method?: unknown }) : {};
    const { method = request.method ?? "GET" } = (init ?? {}) as { method?: unknown };
    const { host, pathname, search } = new URL(typeof request.url === "string" ? request.url : String(input));
    return { method: String(method), host, path: pathname + search };
  } catch {
    return { method: "GET", host: "(invalid)", path: "/" };
  }
}

/** Bytes of a body whose length shows without reading it. */
function bodyBytes(init: unknown): number | undefined {
  if (typeof init !== "object" || init === null) return undefined;
  const { body } = init as { body?: unknown };
  if (body === undefined || body === null) return 0;
  if (typeof body === "string") return Buffer.byteLength(body);
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  return body instanceof Blob ? body.size : undefined;
}
