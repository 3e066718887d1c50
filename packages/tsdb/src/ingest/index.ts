/** Door `@nyanza/tsdb/ingest`: wire bytes → batches, and batches' bytes for those who send. */
export { decodeLabelBytes, encodeLabelText, labelTextByteLength, writeLabelText } from "../base/label-bytes.ts";
export type * from "./batch.ts";
export {
  type RawMetadata,
  RemoteWriteBatch,
  type RemoteWriteOptions,
  RemoteWriteParser,
} from "./remote-write.ts";
export { encodeWriteRequest, type MetadataToWrite, type SeriesToWrite } from "./remote-write-encoder.ts";
export { RowBatch } from "./row-batch.ts";
export { encodeSnappy } from "./snappy-encoder.ts";
export { encodeStaleMarker, isStaleMarker, STALE_NAN_BYTES, STALE_NAN_HIGH, STALE_NAN_LOW } from "./stale-marker.ts";
