/** `trace=1`: answers that say what was done for them. */
import { QueryTrace } from "@nyanza/tsdb";
import type { RequestContext } from "../http/context.ts";
import { VERSION } from "../process/version.ts";
import type { JsonWriter } from "./json-writer.ts";

/** A trace that began when the request came; null if none is asked for, or with -denyQueryTracing. */
export function startTrace(context: RequestContext, isDenied: boolean): QueryTrace | null {
  if (isDenied || !context.args.getBool("trace")) return null;
  const waitedMs = Math.max(0, Date.now() - context.startMs);
  const trace = new QueryTrace(`nyanza ${VERSION}: ${context.path}`, waitedMs);
  if (waitedMs > 0) trace.add("wait for a turn among -search.maxConcurrentRequests", waitedMs);
  return trace;
}

/** `,"trace":{…}`, the last member of an answer. */
export function writeTrace(json: JsonWriter, trace: QueryTrace | null): void {
  if (trace === null) return;
  json.raw(',"trace":');
  // Only strings hold `<`: no browser takes the answer for a page.
  json.text(JSON.stringify(trace).replaceAll("<", "\\u003c"));
}
