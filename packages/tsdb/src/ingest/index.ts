/** Door `@nyanza/tsdb/ingest`: wire bytes → batches. */
export type * from "./batch.ts";
export { RowBatch } from "./row-batch.ts";
export { encodeStaleMarker, isStaleMarker, STALE_NAN_BYTES, STALE_NAN_HIGH, STALE_NAN_LOW } from "./stale-marker.ts";
export { decodeLabelBytes, encodeLabelText, labelTextByteLength, writeLabelText } from "../base/label-bytes.ts";
