/**
 * /api/v1/status/active_queries: VictoriaMetrics' list of what is being evaluated, and beside it what waits for a turn and
 * what else reads data; and the way to end one of them.
 */
import { InputError } from "@nyanza/tsdb";
import type { ActiveRequest, ActiveRequests } from "../http/active-requests.ts";
import { quote } from "../http/arguments.ts";
import type { Handlers } from "../http/context.ts";
import { CancelledError } from "../http/errors.ts";
import { jsonString } from "../http/json-string.ts";
import { sendBody } from "../http/response.ts";
import type { Logger } from "../process/logger.ts";

export interface ActiveQueriesOptions {
  readonly requests: ActiveRequests;
  readonly logger: Logger;
}

/** Shown of a query's text: as much as -search.maxQueryLen allows. What waits has not been measured against that yet. */
const QUERY_CHARS_MAX = 16_384;

export function createActiveQueriesHandlers(
  options: ActiveQueriesOptions,
): Pick<Handlers, "activeQueries" | "cancelQuery"> {
  const { logger, requests } = options;
  return {
    activeQueries: ({ request, response }) => {
      const body = `{"status":"ok","data":[${requests.list().map(print).join(",")}]}`;
      sendBody(request, response, { contentType: "application/json" }, body);
    },
    cancelQuery: ({ args, request, response }) => {
      const id = args.get("id");
      if (id === "") throw new InputError("missing `id` arg: want that of a query at /api/v1/status/active_queries");
      if (!/^[0-9a-fA-F]{16}$/.test(id))
        throw new InputError(`argument id: want 16 hexadecimal digits, got ${quote(id)}`);
      const cancelled = requests.cancel(id, new CancelledError());
      if (cancelled === null) throw new InputError(`no active query has the id ${quote(id)}: it may have ended`, 404);
      const { path } = cancelled.request;
      const by = quote(request.socket.remoteAddress ?? "");
      logger.info(`cancelled by ${by}: path=${path}, query=${quote(textOf(cancelled))}, id=${cancelled.id}`);
      sendBody(request, response, { contentType: "application/json" }, `{"status":"ok","data":${print(cancelled)}}`);
    },
  };
}

/** Members as VictoriaMetrics has them; the last three are ours. */
function print(active: ActiveRequest): string {
  const { path, remoteAddress } = active.request;
  const { startMs, endMs, stepMs } = active.range ?? { startMs: 0, endMs: 0, stepMs: 0 };
  return [
    `{"duration":"${printSeconds(active.workedMs)}"`,
    `"id":"${active.id}"`,
    `"remote_addr":${jsonString(remoteAddress)}`,
    `"query":${jsonString(textOf(active))}`,
    `"start":${startMs}`,
    `"end":${endMs}`,
    `"step":${stepMs}`,
    `"path":${jsonString(path)}`,
    `"state":"${active.isWaiting ? "waiting" : "running"}"`,
    `"waited":"${printSeconds(active.waitedMs)}"}`,
  ].join(",");
}

/** The query, or the selectors of what is none. */
function textOf({ request }: ActiveRequest): string {
  const text = request.args.get("query") || request.args.getAll("match[]").join(" or ");
  return text.length > QUERY_CHARS_MAX ? `${text.slice(0, QUERY_CHARS_MAX)}…` : text;
}

function printSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)}s`;
}
