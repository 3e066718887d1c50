/**
 * Prometheus' words for what went wrong, for its dialect and its endpoints:
 *
 *   400 bad_data      arguments and queries that cannot be understood
 *   422 execution     queries that cannot be carried out, or need more than the flags allow
 *   499 canceled      ended at /api/v1/status/active_queries/cancel
 *   503 timeout       out of time
 *   503 unavailable   too busy, or about to stop; Prometheus has no such limit of its own
 *   500 internal      our fault
 */
import { InputError } from "@nyanza/tsdb";
import { CancelledError, ClientGoneError, DeadlineError, NamedError, OverloadError } from "../http/errors.ts";

/** @throws NamedError for whatever `work` threw, but for what is no answer */
export async function inPromWords<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw nameOf(error);
  }
}

function nameOf(error: unknown): unknown {
  if (error instanceof InputError) {
    if (error.status === 400) return new NamedError(400, "bad_data", error, sayWhere(error));
    return error.status === 422 ? new NamedError(422, "execution", error) : error;
  }
  if (error instanceof DeadlineError) {
    return new NamedError(503, "timeout", error, `query timed out in expression evaluation: ${error.message}`);
  }
  if (error instanceof CancelledError) {
    return new NamedError(499, "canceled", error, `query was canceled in expression evaluation: ${error.message}`);
  }
  if (error instanceof OverloadError) return new NamedError(error.status, "unavailable", error);
  // Aborts are told from faults by the server, which knows whether the client is still there.
  if (!(error instanceof Error) || error instanceof ClientGoneError || error.name === "AbortError") return error;
  return new NamedError(500, "internal", error);
}

/** What has a place in a text is about the query; other messages name their argument themselves. */
function sayWhere({ line, message }: InputError): string {
  return line > 0 && !message.startsWith("invalid parameter ") ? `invalid parameter "query": ${message}` : message;
}
