/** -search.logSlowQueryDuration: requests that read data and take longer are logged and counted. */
import { quote } from "../http/arguments.ts";
import type { Handler, RequestContext } from "../http/context.ts";
import type { Logger } from "../process/logger.ts";

export interface SlowQueriesOptions {
  /** 0 logs none. */
  readonly slowMs: number;
  readonly logger: Logger;
  readonly onSlow: () => void;
}

/** The same handlers, watched. The time runs from when the request came, its wait for a turn included. */
export function watchSlowQueries<Name extends string>(
  handlers: Readonly<Record<Name, Handler>>,
  options: SlowQueriesOptions,
): Record<Name, Handler> {
  if (options.slowMs === 0) return handlers;
  const watched: [string, Handler][] = Object.entries<Handler>(handlers).map(([name, handler]) => [
    name,
    async (context) => {
      try {
        await handler(context);
      } finally {
        const elapsedMs = Date.now() - context.startMs;
        if (elapsedMs >= options.slowMs) log(context, elapsedMs, options);
      }
    },
  ]);
  return Object.fromEntries(watched) as Record<Name, Handler>;
}

function log({ args, path, request }: RequestContext, elapsedMs: number, options: SlowQueriesOptions): void {
  options.onSlow();
  const matches = args.getAll("match[]");
  options.logger.warn(
    `slow query according to -search.logSlowQueryDuration=${options.slowMs / 1000}s: ` +
      `remoteAddr=${quote(request.socket.remoteAddress ?? "")}, duration=${(elapsedMs / 1000).toFixed(3)} seconds; ` +
      `path=${path}, query=${quote(args.get("query"))}${matches.length === 0 ? "" : `, match[]=${quote(matches.join(" or "))}`}`,
  );
}
