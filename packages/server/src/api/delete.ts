/** /api/v1/admin/tsdb/delete_series: VictoriaMetrics' answers, and `start` and `end`, which it refuses. */
import { InputError } from "@nyanza/tsdb";
import type { Handler } from "../http/context.ts";
import { sendStatus } from "../http/response.ts";
import type { Logger } from "../process/logger.ts";
import type { ServedDatabase } from "./database.ts";
import { withDeadline } from "./deadline.ts";
import { getMatchGroups } from "./selectors.ts";
import { getTime } from "./time-arguments.ts";

export interface DeleteOptions {
  readonly database: Pick<ServedDatabase, "delete">;
  readonly maxDurationMs: number;
  readonly maxSeries: number;
  readonly logger: Logger;
}

export function createDeleteHandler(options: DeleteOptions): Handler {
  return (context) =>
    withDeadline(context, options.maxDurationMs, "search.maxDeleteDuration", async (signal) => {
      const { args, startMs: nowMs, tenant } = context;
      const minMs = getTime(args, "start", 0, nowMs);
      const maxMs = args.get("end") === "" ? Number.MAX_SAFE_INTEGER : getTime(args, "end", nowMs, nowMs);
      // Elsewhere such a range is read kindly. Here a slip would cost data.
      if (minMs > maxMs) throw new InputError("argument end: want a time that is not before start");
      const groups = getMatchGroups(args, true);
      const { series } = await options.database.delete({
        tenant,
        groups,
        minMs,
        maxMs,
        maxSeries: options.maxSeries,
        signal,
      });
      const what = args.getAll("match[]").join(" or ");
      options.logger.info(`deleted samples of ${series} series: match[]=${what}, from ${minMs} to ${maxMs} ms`);
      sendStatus(context.response, 204);
    });
}
