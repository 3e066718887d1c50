/**
 * The one error of the query client. `code` says what kind of failure, the rest what is known about it. Aborting by the
 * caller's own signal is no failure: that rejects with the signal's reason, as `fetch` does.
 */

/**
 * - `SERVER`: the server answered, and said no: see `status`, `errorType`, `detail`
 * - `NETWORK`: no answer, or it broke off
 * - `TIMEOUT`: `timeoutMs` passed first
 * - `MALFORMED`: an answer with status 2xx that is not what the API gives: HTML of a proxy, broken JSON, nothing
 * - `TOO_LARGE`: an answer or a line above its limit
 * - `REDIRECT`: the server sent us elsewhere; we do not follow, because credentials and bodies would
 */
export type QueryErrorCode = "SERVER" | "NETWORK" | "TIMEOUT" | "MALFORMED" | "TOO_LARGE" | "REDIRECT";

/** What a {@link QueryError} says besides its message. */
export interface QueryErrorFields {
  readonly url: string;
  /** The text of the query, if the call has one. */
  readonly query?: string | null;
  readonly status?: number | null;
  readonly errorType?: string | null;
  readonly detail?: string;
  readonly retryAfterMs?: number | null;
  readonly attempts?: number;
  readonly linesTaken?: number;
  readonly cause?: unknown;
}

/**
 * @example
 * try {
 *   await client.query("rate(");
 * } catch (error) {
 *   if (!(error instanceof QueryError)) throw error;
 *   error.message;   // query http://127.0.0.1:9090/api/v1/query: status 400, bad_data: invalid parameter "query": …
 *   error.status;    // 400
 *   error.errorType; // "bad_data"
 * }
 */
export class QueryError extends Error {
  override readonly name: string = "QueryError";
  readonly code: QueryErrorCode;
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  /** The server's word for the kind of error: `bad_data`, `execution`, `timeout` … in Prometheus, the status as text in VictoriaMetrics. */
  readonly errorType: string | null;
  /** The server's message as it came, at most 4,096 characters of it; "" when there was none. Text of a stranger: escape it where it is shown. */
  readonly detail: string;
  /** The query that was asked; null for calls that have none. */
  readonly query: string | null;
  /** Where, without credentials and arguments. */
  readonly url: string;
  /** How long the server wants to be left alone, if it said so. */
  readonly retryAfterMs: number | null;
  /** Requests that were made. */
  readonly attempts: number;
  /** Of `import` and `importText`: lines the server had taken in earlier requests; 0 elsewhere. */
  readonly linesTaken: number;

  constructor(code: QueryErrorCode, message: string, fields: QueryErrorFields) {
    super(message, fields.cause === undefined ? {} : { cause: fields.cause });
    this.code = code;
    this.status = fields.status ?? null;
    this.errorType = fields.errorType ?? null;
    this.detail = fields.detail ?? "";
    this.query = fields.query ?? null;
    this.url = fields.url;
    this.retryAfterMs = fields.retryAfterMs ?? null;
    this.attempts = fields.attempts ?? 1;
    this.linesTaken = fields.linesTaken ?? 0;
  }
}

const DETAIL_CHARS_MAX = 4_096;
const EXCERPT_CHARS_MAX = 200;

/** What a body says about an error: Prometheus' JSON, a line of text, or an HTML page's title. */
export function readErrorBody(text: string): { errorType: string | null; detail: string } {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) {
    try {
      const { errorType, error } = JSON.parse(trimmed) as { errorType?: unknown; error?: unknown };
      if (typeof error === "string") {
        return {
          errorType: typeof errorType === "string" ? errorType.slice(0, EXCERPT_CHARS_MAX) : null,
          detail: error.slice(0, DETAIL_CHARS_MAX),
        };
      }
    } catch {
      // Then it is text that happens to start with a brace.
    }
  }
  if (trimmed.startsWith("<")) return { errorType: null, detail: excerpt(trimmed) };
  return { errorType: null, detail: trimmed.slice(0, DETAIL_CHARS_MAX) };
}

/** One printable line of at most `charsMax` characters; of an HTML page what a reader would see of it. */
export function excerpt(text: string, charsMax: number = EXCERPT_CHARS_MAX): string {
  let shown = text.slice(0, 20_000);
  if (shown.trimStart().startsWith("<")) {
    const title = /<title[^>]{0,200}>([^<]{1,400})/i.exec(shown)?.[1];
    shown = `HTML: ${title ?? shown.replace(/<(script|style)\b[^<]*/gi, "").replace(/<[^<>]*>/g, " ")}`;
  }
  shown = shown.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  return shown.length > charsMax ? `${shown.slice(0, charsMax)}…` : shown;
}
