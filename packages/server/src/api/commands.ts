/** What an operator tells the storage to do: flush, merge, say which series are new. */
import type { Handlers } from "../http/context.ts";
import { sendStatus } from "../http/response.ts";
import type { Logger } from "../process/logger.ts";
import type { ServedDatabase } from "./database.ts";

export interface CommandOptions {
  readonly database: Pick<ServedDatabase, "flush" | "merge" | "logNewSeries">;
  readonly logger: Logger;
}

type CommandHandlers = Pick<Handlers, "forceFlush" | "forceMerge" | "logNewSeries">;

/** As long as VictoriaMetrics logs new series when it is not told. */
const LOG_SECONDS = 60;
const LOG_SECONDS_MAX = 86_400;

export function createCommandHandlers(options: CommandOptions): CommandHandlers {
  const { database, logger } = options;
  /** By partition prefix: asking twice for the same waits for one. */
  const merging = new Map<string, Promise<void>>();
  return {
    forceFlush: async ({ response }) => {
      logger.info("flushing the storage as asked by /internal/force_flush");
      await database.flush();
      sendStatus(response, 200);
    },
    forceMerge: async ({ args, response }) => {
      const prefix = args.get("partition_prefix") ?? "";
      // A merge may take hours: it goes on in the background unless the caller wants to see its end.
      let merge = merging.get(prefix);
      if (merge === undefined) {
        merge = runMerge(options, prefix).finally(() => merging.delete(prefix));
        merging.set(prefix, merge);
      }
      if (args.getBool("wait")) await merge;
      sendStatus(response, 200);
    },
    logNewSeries: ({ args, response }) => {
      const seconds = Math.min(Math.max(args.getInteger("seconds", LOG_SECONDS), 0), LOG_SECONDS_MAX);
      logger.info(`logging new series for ${seconds} seconds as asked by /internal/log_new_series`);
      database.logNewSeries(seconds * 1000);
      sendStatus(response, 200);
    },
  };
}

/** Never rejects: nobody may be waiting. */
async function runMerge({ database, logger }: CommandOptions, prefix: string): Promise<void> {
  const startMs = Date.now();
  const what = `forced merge of the partitions that start with ${JSON.stringify(prefix)}`;
  logger.info(`${what} has been started`);
  try {
    await database.merge(prefix);
    logger.info(`${what} has been finished in ${((Date.now() - startMs) / 1000).toFixed(3)} seconds`);
  } catch (error) {
    logger.error(`${what} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
