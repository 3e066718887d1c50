/**
 * When a request is made again, and after how long.
 *
 *     429, 503     always: the server says that it did nothing. Not if it says so about this very query, which ran out of time.
 *     502, broken connection, no connection    calls that may be repeated; a proxy's 502 is its broken connection
 *
 * The wait is the server's Retry-After, else it doubles from `baseMs` up to `maxMs`; both with jitter, so that many
 * clients that were refused together do not come back together. Who asks for more than `maxMs` is not waited for.
 */

export interface RetryPolicy {
  /** Requests after the first. */
  readonly count: number;
  readonly baseMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Prometheus answers 503 to a query that took too long, too: once more would be once too often. */
const FINAL_ERROR_TYPES: readonly (string | null)[] = ["timeout", "canceled"];

export function isRetriedStatus(status: number, errorType: string | null, isRepeatable: boolean): boolean {
  if (status === 429) return true;
  if (status === 503) return !FINAL_ERROR_TYPES.includes(errorType);
  return status === 502 && isRepeatable;
}

/** How long to wait after `attempts` requests; null: give up. */
export function retryDelayMs(policy: RetryPolicy, attempts: number, retryAfterMs: number | null): number | null {
  if (attempts > policy.count) return null;
  if (retryAfterMs !== null) {
    if (retryAfterMs > policy.maxMs) return null;
    return Math.min(retryAfterMs + policy.random() * policy.baseMs, Math.max(policy.maxMs, retryAfterMs));
  }
  const fullMs = Math.min(policy.baseMs * 2 ** (attempts - 1), policy.maxMs);
  return fullMs * (0.5 + policy.random() / 2);
}

/**
 * ms of a Retry-After header, which is a number of seconds or a date; null for none or nonsense. A date is compared with
 * the answer's own Date, so that two clocks need not agree.
 */
export function parseRetryAfter(text: string | null, date: string | null, nowMs: number): number | null {
  if (text === null) return null;
  const trimmed = text.trim();
  if (/^\d{1,9}$/.test(trimmed)) return Number(trimmed) * 1000;
  // Date.parse takes far more than HTTP's dates, "5.5" and "-1" among it.
  if (!/^[A-Z][a-z]+,? /.test(trimmed)) return null;
  const atMs = Date.parse(trimmed);
  if (Number.isNaN(atMs)) return null;
  const serverMs = date === null ? Number.NaN : Date.parse(date);
  return Math.max(0, atMs - (Number.isNaN(serverMs) ? nowMs : serverMs));
}
