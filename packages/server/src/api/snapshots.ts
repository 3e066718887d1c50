/** /snapshot/create, list, delete and delete_all, and Prometheus' /api/v1/admin/tsdb/snapshot. Answers are VictoriaMetrics'. */
import type { Handler, RequestContext } from "../http/context.ts";
import { sendBody } from "../http/response.ts";
import type { Logger } from "../process/logger.ts";
import type { ServedDatabase } from "./database.ts";

export interface SnapshotOptions {
  readonly database: Pick<ServedDatabase, "snapshot" | "snapshots" | "deleteSnapshot">;
  readonly logger: Logger;
}

export interface SnapshotHandlers {
  readonly createSnapshot: Handler;
  readonly createPrometheusSnapshot: Handler;
  readonly listSnapshots: Handler;
  readonly deleteSnapshot: Handler;
  readonly deleteSnapshots: Handler;
}

const JSON_TYPE = { contentType: "application/json" };

export function createSnapshotHandlers({ database, logger }: SnapshotOptions): SnapshotHandlers {
  /** Failures come as JSON with status 500, also those a caller could mend: so vmbackup knows them. */
  const answering =
    (work: (context: RequestContext) => Promise<string | null>): Handler =>
    async (context) => {
      const { request, response } = context;
      try {
        const body = await work(context);
        if (body !== null) sendBody(request, response, JSON_TYPE, body);
      } catch (error) {
        const { message } = error as Error;
        logger.error(`${context.path}: ${message}`);
        sendBody(
          request,
          response,
          { ...JSON_TYPE, status: 500 },
          `{"status":"error","msg":${JSON.stringify(message)}}`,
        );
      }
    };
  const creating = (body: (name: string) => string): Handler =>
    answering(async ({ signal }) => {
      const name = await database.snapshot();
      if (!signal.aborted) return body(name);
      // Nobody knows its name: it would keep removed files for nothing.
      logger.info(`deleting snapshot ${name} because the client has gone away`);
      await database.deleteSnapshot(name);
      return null;
    });
  const remove = async (name: string): Promise<void> => {
    if (!(await database.deleteSnapshot(name))) throw new Error(`cannot find snapshot ${JSON.stringify(name)}`);
  };
  return {
    createSnapshot: creating((name) => `{"status":"ok","snapshot":${JSON.stringify(name)}}`),
    createPrometheusSnapshot: creating((name) => `{"status":"success","data":{"name":${JSON.stringify(name)}}}`),
    listSnapshots: answering(async () => {
      const names = await database.snapshots();
      const lines = names.map((name) => `\n${JSON.stringify(name)}`).join(",");
      return `{"status":"ok","snapshots":[${lines}${names.length > 0 ? "\n" : ""}]}`;
    }),
    deleteSnapshot: answering(async ({ args }) => {
      await remove(args.get("snapshot"));
      return '{"status":"ok"}';
    }),
    deleteSnapshots: answering(async () => {
      // One that has gone meanwhile is as wanted.
      for (const name of await database.snapshots()) await database.deleteSnapshot(name);
      return '{"status":"ok"}';
    }),
  };
}
