/** Door `@nyanza/tsdb/ingest`: wire bytes → batches. */
export type * from "./batch.ts";
