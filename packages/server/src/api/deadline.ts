/** Runs a request's work under a time limit: the flag's, or the `timeout` argument's if that is shorter. */
import type { RequestContext } from "../http/context.ts";
import { ClientGoneError, DeadlineError } from "../http/errors.ts";
import { getDuration } from "./time-arguments.ts";

/** Longer timers fire at once in Node. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * `work` gets a signal that is aborted when time is up, when the client goes away and at shutdown.
 * @throws DeadlineError when time was up, whatever `work` threw then
 */
export async function withDeadline<T>(
  context: RequestContext,
  maxMs: number,
  flag: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limitMs = Math.min(getDuration(context.args, "timeout", maxMs), maxMs, TIMER_MAX_MS);
  const expired = new AbortController();
  const timer = setTimeout(() => expired.abort(new DeadlineError(limitMs, flag)), limitMs);
  try {
    return await work(AbortSignal.any([context.signal, expired.signal]));
  } catch (error) {
    if (expired.signal.aborted) throw expired.signal.reason;
    if (context.signal.aborted && context.signal.reason instanceof ClientGoneError) throw context.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
