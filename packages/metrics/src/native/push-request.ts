/** One request of a pusher: where it goes, what it carries, and what its answer means. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";

export interface PushRequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly gzip?: boolean;
  readonly method?: "POST" | "PUT";
}

/** A push failed, after its retries. Neither message nor cause holds the URL's password or query. */
export class PushError extends Error {
  override readonly name = "PushError";
  readonly code = "PUSH";
  /** The HTTP status of the last answer; null if there was none. */
  readonly status: number | null;
  /** Whether trying again can help: no answer, 429, 5xx. */
  readonly isTemporary: boolean;
  /** What the receiver asked for; 0 if it did not. */
  readonly retryAfterMs: number;

  constructor(message: string, status: number | null, isTemporary: boolean, retryAfterMs: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.isTemporary = isTemporary;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Longer than that nobody is kept waiting, whatever the receiver says. */
const RETRY_AFTER_MS_MAX = 300_000;
/** Of an answer's body no more is read. */
const ANSWER_BYTES_MAX = 64 * 1024;

const compress = promisify(gzip);

export class PushRequest {
  /** Without user, password and query: fit for labels and messages. */
  readonly shownUrl: string;
  readonly #url: URL;
  readonly #headers: Headers;
  readonly #gzip: boolean;
  readonly #method: string;
  readonly #fetch: typeof fetch;

  /** @throws TypeError if the URL or a header is malformed */
  constructor(url: string | URL, options: PushRequestOptions, fetcher: typeof fetch) {
    this.#url = parseUrl(url);
    this.shownUrl = `${this.#url.origin}${this.#url.pathname}`;
    this.#headers = new Headers({ "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    this.#gzip = options.gzip ?? true;
    this.#method = options.method ?? "POST";
    this.#fetch = fetcher;
    const { username, password } = this.#url;
    if (username !== "" || password !== "") {
      // fetch refuses URLs that hold a password.
      const credentials = Buffer.from(`${decode(username)}:${decode(password)}`, "utf8").toString("base64");
      this.#headers.set("authorization", `Basic ${credentials}`);
      this.#url.username = "";
      this.#url.password = "";
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      try {
        this.#headers.set(name, value);
      } catch {
        // The engine's own message would show the value, which may be a token.
        throw new TypeError(`push to ${this.shownUrl}: header ${JSON.stringify(name)} or its value is malformed`);
      }
    }
    if (this.#gzip) this.#headers.set("content-encoding", "gzip");
  }

  /** The bytes to send for `text`. */
  async encode(text: string): Promise<Uint8Array> {
    return this.#gzip ? compress(text, { level: 1 }) : new TextEncoder().encode(text);
  }

  /** @throws PushError unless the answer is 2xx */
  async send(body: Uint8Array, signal: AbortSignal): Promise<void> {
    let response: Response;
    try {
      // A redirect is an answer like any other: followed, it might carry the password elsewhere.
      response = await this.#fetch(this.#url, {
        method: this.#method,
        headers: this.#headers,
        // Named in a signature this type would shut out TypeScript before 5.7.
        body: body as Uint8Array<ArrayBuffer>,
        signal,
        redirect: "manual",
      });
    } catch (error) {
      throw new PushError(`push to ${this.shownUrl}: ${describe(error)}`, null, true, 0, error);
    }
    const answer = await readStart(response);
    if (response.ok) return;
    const said = answer === "" ? "" : `: ${answer}`;
    const message = `push to ${this.shownUrl}: want a status 2xx, got ${response.status}${said}`;
    const isTemporary = response.status === 429 || response.status >= 500;
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), Date.now());
    throw new PushError(message, response.status, isTemporary, retryAfterMs);
  }
}

/** Milliseconds to wait by a Retry-After header, seconds or a date; 0 if it says nothing, five minutes at most. */
export function parseRetryAfter(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(waitMs) ? 0 : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}

function parseUrl(text: string | URL): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // What stands before an @ may be a password also in a URL that cannot be read.
    const shown = JSON.stringify(
      String(text)
        .replace(/^.*@/s, "…@")
        .replace(/[?#].*$/s, "?…"),
    );
    throw new TypeError(`push: want a URL like "http://host:8428/api/v1/import/prometheus", got ${shown}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`push: want a URL of http or https, got ${JSON.stringify(url.protocol)}`);
  }
  return url;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** fetch hides what happened behind "fetch failed"; its cause says it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const { code } = cause as NodeJS.ErrnoException;
  // Of several addresses tried the cause's message is empty, and its code is the last one's.
  return cause.message === "" ? (code ?? error.message) : cause.message;
}

/** The first line of the answer, cut. The rest is read, up to a bound, so that the connection can be used again. */
async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > ANSWER_BYTES_MAX) break;
    }
  } catch {
    // The status has been said; how the answer ended changes nothing.
  }
  return (Buffer.concat(chunks).toString("utf8").split("\n", 1)[0] as string).trim().slice(0, 200);
}
