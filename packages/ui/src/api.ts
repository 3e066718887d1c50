/**
 * Requests to the server the page came from. Addresses are relative to the page (`…/vmui/` → `…/api/v1/`), so it works
 * behind any path prefix.
 */
import { type Answer, findPlace, readAnswer } from "./model/answer.ts";
import type { Interval } from "./model/time-range.ts";

/** The server said no, or could not be reached. `line` and `column` are 1-based and in the query; 0 when unknown. */
export class QueryError extends Error {
  readonly title: string;
  readonly line: number;
  readonly column: number;

  constructor(title: string, message: string, line = 0, column = 0) {
    super(message);
    this.title = title;
    this.line = line;
    this.column = column;
  }
}

export interface Reply {
  readonly answer: Answer;
  /** The body as it came. */
  readonly body: unknown;
  readonly tookMs: number;
  readonly address: string;
}

/** @throws QueryError, or the signal's reason */
export async function queryRange(
  query: string,
  interval: Interval,
  stepMs: number,
  signal: AbortSignal,
): Promise<Reply> {
  const { fromMs, toMs } = interval;
  const params = { query, start: seconds(fromMs), end: seconds(toMs), step: `${stepMs / 1000}s` };
  return ask("query_range", params, signal);
}

/**
 * Without `stepMs` the server looks back as far as it does by default; a step is for an instant how far to look back.
 *
 * @throws QueryError, or the signal's reason
 */
export async function queryInstant(
  query: string,
  timeMs: number,
  stepMs: number | null,
  signal: AbortSignal,
): Promise<Reply> {
  const step: Record<string, string> = stepMs === null ? {} : { step: `${stepMs / 1000}s` };
  return ask("query", { query, time: seconds(timeMs), ...step }, signal);
}

/** Names of all metrics, sorted. Empty if they cannot be had: nobody waits for a suggestion. */
export async function listMetricNames(): Promise<string[]> {
  try {
    const response = await fetch(addressOf("label/__name__/values", { limit: "20000" }));
    const body = (await response.json()) as { data?: unknown };
    return Array.isArray(body.data) ? body.data.filter((name) => typeof name === "string") : [];
  } catch {
    return [];
  }
}

async function ask(path: string, params: Record<string, string>, signal: AbortSignal): Promise<Reply> {
  const address = addressOf(path, params);
  const startMs = performance.now();
  let response: Response;
  let text: string;
  try {
    // A long query does not fit into every proxy's idea of a URL.
    const isLong = address.length > 4000;
    const body = isLong ? new URLSearchParams(params) : null;
    response = await fetch(isLong ? addressOf(path, {}) : address, { method: isLong ? "POST" : "GET", body, signal });
    text = await response.text();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new QueryError("The server cannot be reached", error instanceof Error ? error.message : String(error));
  }
  const body = parseJson(text);
  if (!response.ok) throw readError(response, body, text);
  try {
    return { answer: readAnswer(body), body, tookMs: performance.now() - startMs, address };
  } catch (error) {
    throw new QueryError("The answer makes no sense", `${(error as Error).message}: ${text.slice(0, 300)}`);
  }
}

function readError(response: Response, body: unknown, text: string): QueryError {
  const fields = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const message = typeof fields["error"] === "string" ? fields["error"] : text.slice(0, 1000).trim();
  const place = findPlace(message);
  return new QueryError(
    response.status < 500 ? "The query was refused" : "The server failed",
    message === "" ? `status ${response.status} ${response.statusText}` : message,
    place?.line,
    place?.column,
  );
}

function addressOf(path: string, params: Record<string, string>): string {
  const url = new URL(`../api/v1/${path}`, document.baseURI.split("#")[0]);
  url.search = new URLSearchParams(params).toString();
  return url.href;
}

function seconds(ms: number): string {
  return String(ms / 1000);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
