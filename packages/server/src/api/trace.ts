/** `trace=1`: answers that say what was done for them. */
import { QueryTrace } from "@nyanza/tsdb";
import type { RequestContext } from "../http/context.ts";
import type { StreamedAnswer } from "../http/response.ts";
import { VERSION } from "../process/version.ts";
import type { JsonWriter } from "./json-writer.ts";

const WAIT_MS_MIN = 0.1;

/** A trace that began when the request came; null if none is asked for, or with -denyQueryTracing. */
export function startTrace(context: RequestContext, isDenied: boolean): QueryTrace | null {
  if (isDenied || !context.args.getBool("trace")) return null;
  const waitedMs = context.active?.waitedMs ?? 0;
  const trace = new QueryTrace(`nyanza ${VERSION}: ${context.path}`, waitedMs + (context.active?.workedMs ?? 0));
  // Who finds a place free has waited some microseconds.
  if (waitedMs >= WAIT_MS_MIN) trace.add("wait for a turn among -search.maxConcurrentRequests", waitedMs);
  return trace;
}

/** Ends the step that wrote an answer: how much it was, and how long its reader kept it waiting. */
export function endWriting(step: QueryTrace | undefined, answer: StreamedAnswer, outcome: string): void {
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
