/** `trace=1`: answers that say what was done for them. */
import { QueryTrace } from "@nyanza/tsdb";
import type { RequestContext } from "../http/context.ts";
import type { AnswerSink } from "../http/response.ts";
import { VERSION } from "../process/version.ts";
import type { JsonWriter } from "./json-writer.ts";

const WAIT_MS_MIN = 0.1;

/** What a trace begins with, as plain data: the trace itself is kept where the work is done. */
export interface TraceStart {
  readonly message: string;
  /** When the request came, by `clockMs`. */
  readonly arrivedMs: number;
  /** How long it waited for its turn. */
  readonly waitedMs: number;
}

/** The same on all threads, and with parts of milliseconds. */
function clockMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Null if no trace is asked for, or with -denyQueryTracing. */
export function askTrace(context: RequestContext, isDenied: boolean): TraceStart | null {
  if (isDenied || !context.args.getBool("trace")) return null;
  const waitedMs = context.active?.waitedMs ?? 0;
  return {
    message: `nyanza ${VERSION}: ${context.path}`,
    arrivedMs: clockMs() - waitedMs - (context.active?.workedMs ?? 0),
    waitedMs,
  };
}

/** A trace that began when the request came. */
export function startTrace(start: TraceStart | null): QueryTrace | null {
  if (start === null) return null;
  const trace = new QueryTrace(start.message, clockMs() - start.arrivedMs);
  // Who finds a place free has waited some microseconds.
  if (start.waitedMs >= WAIT_MS_MIN) trace.add("wait for a turn among -search.maxConcurrentRequests", start.waitedMs);
  return trace;
}

/** Ends the step that wrote an answer: how much it was, and how long its reader kept it waiting. */
export function endWriting(step: QueryTrace | undefined, answer: AnswerSink, outcome: string): void {
  if (step === undefined) return;
  if (answer.waitedMs > 0) step.add("wait until the client has read", answer.waitedMs);
  step.end(outcome);
}

/** `,"trace":{…}`, the last member of an answer. */
export function writeTrace(json: JsonWriter, trace: QueryTrace | null): void {
  if (trace === null) return;
  json.raw(',"trace":');
  // Only strings hold `<`: no browser takes the answer for a page.
  json.text(JSON.stringify(trace).replaceAll("<", "\\u003c"));
}
