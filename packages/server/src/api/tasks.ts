/**
 * What requests that read data come down to: a task, plain data, which is carried out here or on another thread.
 *
 *   handler: arguments, limits, deadline ──task──▶ runner ──▶ runTask: reads, prints ──pieces──▶ answer
 *                                                  (this thread, or workers/)
 *
 * Whoever runs it, the bytes of the answer are made by the same code.
 */

import { type ExportTask, runExport } from "./export.ts";
import { type BlocksTask, runBlocks } from "./export-blocks.ts";
import { type CsvTask, runCsv } from "./export-csv.ts";
import { type FederationTask, runFederation } from "./federate.ts";
import { type LabelsTask, runLabels } from "./labels.ts";
import { type QueryTask, runQuery } from "./query-task.ts";
import type { Desk, ReadableDatabase } from "./task-runner.ts";

export type ReadTask = QueryTask | LabelsTask | ExportTask | CsvTask | BlocksTask | FederationTask;

/** Carries a task out. @throws InputError, what the signal was aborted with, and faults */
export async function runTask(task: ReadTask, database: ReadableDatabase, desk: Desk): Promise<void> {
  switch (task.kind) {
    case "query":
      return await runQuery(task, database, desk);
    case "labels":
      return await runLabels(task, database, desk);
    case "export":
      return await runExport(task, database, desk);
    case "csv":
      return await runCsv(task, database, desk);
    case "blocks":
      return await runBlocks(task, database, desk);
    case "federation":
      return await runFederation(task, database, desk);
  }
}
