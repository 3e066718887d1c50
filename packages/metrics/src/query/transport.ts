/**
 * One request, from arguments to an open answer: URL or form, credentials, time limit, retries. What comes back has a status of 2xx;
 * all else is thrown, as QueryError or as the reason of the caller's signal.
 */
import { Deadline } from "./deadline.ts";
import { excerpt, QueryError, type QueryErrorCode, type QueryErrorFields, readErrorBody } from "./query-error.ts";
import { isRetriedStatus, parseRetryAfter, type RetryPolicy, retryDelayMs } from "./retry.ts";

export interface TransportOptions {
  readonly fetch: typeof globalThis.fetch;
  /** Sent with every request; names in lower case, values checked. */
  readonly headers: ReadonlyMap<string, string>;
  /** The value of Authorization, asked for before every request; null for none. */
  readonly authorization: (() => string | Promise<string>) | null;
  readonly retries: RetryPolicy;
  readonly maxResponseBytes: number;
}

export interface Call {
  /** What is being done, for messages: `query`, `labels` … */
  readonly action: string;
  /** Without arguments. */
  readonly url: string;
  readonly params: URLSearchParams;
  readonly query: string | null;
  /** `form`: a POST with `params` as body. `body`: a POST with them in the URL. */
  readonly method: "GET" | "form" | "body";
  readonly body?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether making it twice is as good as once: then it is made again after a broken connection. */
  readonly isRepeatable: boolean;
  /** True: no retries at all. */
  readonly isOnce?: boolean;
  /** For the error: what earlier requests of an import had delivered. */
  readonly linesTaken?: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
}

/** Of an answer that is an error, no more is read. */
const ERROR_BODY_BYTES_MAX = 65_536;
/** Of a server's message in ours; `detail` has more. */
const MESSAGE_CHARS_MAX = 1_000;

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** @throws QueryError; the reason of `call.signal` */
  async open(call: Call): Promise<OpenAnswer> {
    const deadline = new Deadline(call.timeoutMs, call.signal);
    try {
      for (let attempts = 1; ; attempts++) {
        const outcome = await this.#attempt(call, deadline, attempts);
        if (outcome instanceof OpenAnswer) return outcome;
        const { error, isRetried } = outcome;
        const delayMs =
          isRetried && call.isOnce !== true ? retryDelayMs(this.#options.retries, attempts, error.retryAfterMs) : null;
        // The error says more than a timeout while waiting would.
        if (delayMs === null || delayMs >= deadline.leftMs) throw error;
        await deadline.sleep(delayMs);
      }
    } catch (error) {
      deadline.end(true);
      if (deadline.isOver && !(error instanceof QueryError)) throw timeoutError(call, deadline);
      throw error;
    }
  }

  /** Opens, reads the whole answer, closes. @throws like {@link open} */
  async read(call: Call): Promise<Buffer> {
    const answer = await this.open(call);
    return answer.readAll();
  }

  async #attempt(
    call: Call,
    deadline: Deadline,
    attempts: number,
  ): Promise<OpenAnswer | { readonly error: QueryError; readonly isRetried: boolean }> {
    let response: Response;
    const [input, init] = await this.#prepare(call, deadline.signal);
    deadline.signal.throwIfAborted();
    try {
      response = await this.#options.fetch(input, init);
    } catch (cause) {
      deadline.signal.throwIfAborted();
      if (isOwnTimeout(cause)) throw fail("TIMEOUT", call, OWN_TIMEOUT, { attempts, cause });
      const error = fail("NETWORK", call, `no answer: ${describeCause(cause)}`, { attempts, cause });
      return { error, isRetried: call.isRepeatable };
    }
    const { status } = response;
    const answer = new OpenAnswer(call, response, deadline, attempts, this.#options.maxResponseBytes);
    if (response.ok) return answer;
    if (response.type === "opaqueredirect" || (status >= 300 && status < 400)) {
      await answer.discard();
      const target = describeTarget(response.headers.get("location"), call.url);
      const message = `redirected${target}; the client does not follow: give the final address as base URL`;
      return { error: fail("REDIRECT", call, message, { status, attempts }), isRetried: false };
    }
    const { errorType, detail } = readErrorBody(await answer.readStart(ERROR_BODY_BYTES_MAX));
    deadline.signal.throwIfAborted();
    const { headers } = response;
    const retryAfterMs = parseRetryAfter(headers.get("retry-after"), headers.get("date"), Date.now());
    const said = detail === "" ? response.statusText || "no message" : excerpt(detail, MESSAGE_CHARS_MAX);
    const message = `status ${status}, ${errorType === null || errorType === String(status) ? "" : `${errorType}: `}${said}`;
    const error = fail("SERVER", call, message, { status, errorType, detail, retryAfterMs, attempts });
    return { error, isRetried: isRetriedStatus(status, errorType, call.isRepeatable) };
  }

  async #prepare(call: Call, signal: AbortSignal): Promise<[input: string, init: RequestInit]> {
    const { authorization } = this.#options;
    const headers = new Map(this.#options.headers);
    if (authorization !== null) headers.set("authorization", checkHeader("authorization", await authorization()));
    for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
    if (call.method === "form") headers.set("content-type", "application/x-www-form-urlencoded");
    const params = call.params.toString();
    const input = call.method === "form" || params === "" ? call.url : `${call.url}?${params}`;
    const init: RequestInit = { method: "GET", headers: [...headers], signal, redirect: "manual" };
    if (call.method === "GET") return [input, init];
    const body = call.method === "form" ? params : call.body;
    return [input, { ...init, method: "POST", body: body ?? "" } as RequestInit];
  }
}

/** An answer whose body is still to be read, once. */
export class OpenAnswer {
  readonly response: Response;
  readonly #call: Call;
  readonly #deadline: Deadline;
  readonly #attempts: number;
  readonly #bytesMax: number;

  constructor(call: Call, response: Response, deadline: Deadline, attempts: number, bytesMax: number) {
    this.#call = call;
    this.response = response;
    this.#deadline = deadline;
    this.#attempts = attempts;
    this.#bytesMax = bytesMax;
  }

  /** @throws QueryError also when there is more than `bytesMax` of the constructor */
  async readAll(): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of this.pieces()) {
      bytes += chunk.length;
      if (bytes > this.#bytesMax) throw this.fail("TOO_LARGE", `the answer is longer than ${this.#bytesMax} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, bytes);
  }

  /**
   * The body as it comes. With `idleMs` the time limit holds for each wait, and not while the caller works on a piece;
   * else it goes on as it was. Leaving the loop early ends the request.
   */
  async *pieces(idleMs: number | null = null): AsyncGenerator<Uint8Array, void> {
    const reader = this.response.body?.getReader();
    let isWhole = false;
    try {
      while (reader !== undefined) {
        if (idleMs !== null) this.#deadline.restart(idleMs);
        const { done, value } = await reader.read();
        if (idleMs !== null) this.#deadline.pause();
        if (done) break;
        yield value as Uint8Array;
      }
      isWhole = true;
    } catch (cause) {
      if (this.#deadline.isOver) throw timeoutError(this.#call, this.#deadline);
      this.#deadline.signal.throwIfAborted();
      if (isOwnTimeout(cause)) throw this.fail("TIMEOUT", OWN_TIMEOUT, cause);
      throw this.fail("NETWORK", `the answer broke off: ${describeCause(cause)}`, cause);
    } finally {
      this.#deadline.end(!isWhole);
      if (!isWhole) reader?.cancel().catch(ignore);
    }
  }

  /** The first `bytesMax` bytes of an error's body, as far as they come. Leaves the time limit running. */
  async readStart(bytesMax: number): Promise<string> {
    const reader = this.response.body?.getReader();
    const chunks: Uint8Array[] = [];
    try {
      for (let bytes = 0; reader !== undefined && bytes < bytesMax; ) {
        const { done, value } = await reader.read();
        if (done) break;
        chunks.push(value);
        bytes += value.length;
      }
    } catch {
      // The status says enough.
    }
    reader?.cancel().catch(ignore);
    return Buffer.concat(chunks).toString("utf8", 0, bytesMax);
  }

  async discard(): Promise<void> {
    await this.response.body?.cancel().catch(ignore);
  }

  /** An error about this answer. */
  fail(
    code: QueryErrorCode,
    message: string,
    cause?: unknown,
    fields: Partial<Pick<QueryErrorFields, "errorType" | "detail">> = {},
  ): QueryError {
    return fail(code, this.#call, message, {
      ...fields,
      status: this.response.status,
      attempts: this.#attempts,
      cause,
    });
  }
}

/** A value that may stand in a header. @throws TypeError that does not quote it, as fetch's own would */
export function checkHeader(name: string, value: string): string {
  if (typeof value !== "string" || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    throw new TypeError(`header ${name}: its value has characters that a header cannot carry`);
  }
  return value;
}

function fail(
  code: QueryErrorCode,
  { action, url, query, linesTaken = 0 }: Call,
  message: string,
  fields: Omit<QueryErrorFields, "url" | "query" | "linesTaken">,
): QueryError {
  return new QueryError(code, `${action} ${url}: ${message}`, { ...fields, url, query, linesTaken });
}

function timeoutError(call: Call, deadline: Deadline): QueryError {
  return fail("TIMEOUT", call, `no answer within ${deadline.limitMs} ms`, { cause: deadline.signal.reason });
}

const OWN_TIMEOUT =
  "fetch waited as long as it does, 5 minutes in Node; for more give a fetch whose agent waits longer";

/** Node's fetch has limits of its own. A query that ran into them would do so again. */
function isOwnTimeout(error: unknown): boolean {
  const code = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined;
  return code === "UND_ERR_HEADERS_TIMEOUT" || code === "UND_ERR_BODY_TIMEOUT";
}

/** fetch says "fetch failed" and keeps the reason in `cause`, which for a name with two addresses has several. */
function describeCause(error: unknown): string {
  let deepest: unknown = error;
  for (let depth = 0; depth < 5 && deepest instanceof Error; depth++) {
    const next = deepest instanceof AggregateError ? (deepest.errors[0] as unknown) : deepest.cause;
    if (!(next instanceof Error)) break;
    deepest = next;
  }
  if (!(deepest instanceof Error)) return excerpt(String(deepest));
  const { code } = deepest as NodeJS.ErrnoException;
  return excerpt(deepest.message || code || deepest.name);
}

/** Where a redirect leads, without credentials and arguments. */
function describeTarget(location: string | null, url: string): string {
  if (location === null) return "";
  try {
    const target = new URL(location, url);
    return ` to ${excerpt(target.origin + target.pathname)}`;
  } catch {
    return "";
  }
}

function ignore(): void {}
