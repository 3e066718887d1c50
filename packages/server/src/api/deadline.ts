/** Runs a request's work under a time limit: the flag's, or the `timeout` argument's if that is shorter. */
import type { RequestContext } from "../http/context.ts";
import { DeadlineError } from "../http/errors.ts";
import { getDuration } from "./time-arguments.ts";

/** Longer timers fire at once in Node. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * `work` gets a signal that is aborted when time is up, when the client goes away and at shutdown.
 * The time runs from when the request came, its wait for a turn included, as in VictoriaMetrics.
 * `askedMs` is the time that the request itself allows, for those who read its arguments otherwise.
 * @throws what the signal was aborted with, whatever `work` threw then
 */
export async function withDeadline<T>(
  context: RequestContext,
  maxMs: number,
  flag: string,
  work: (signal: AbortSignal) => Promise<T>,
  askedMs: number = getDuration(context.args, "timeout", maxMs),
): Promise<T> {
  const limitMs = Math.min(askedMs, maxMs, TIMER_MAX_MS);
  const leftMs = limitMs - (Date.now() - context.startMs);
  if (leftMs <= 0) throw new DeadlineError(Math.max(0, limitMs), flag);
  const timer = setTimeout(() => context.abort(new DeadlineError(limitMs, flag)), leftMs);
  try {
    return await work(context.signal);
  } catch (error) {
    throw context.signal.aborted ? context.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}
