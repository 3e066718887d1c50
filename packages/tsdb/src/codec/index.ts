/** Door `@nyanza/tsdb/codec`: columns of samples ⇄ bytes, and what formats made of them need. */
export { ByteReader, ByteWriter } from "../base/bytes.ts";
export { crc32c } from "../kernel/crc.ts";
export {
  BLOCK_SAMPLES_MAX,
  BlockError,
  decodeTimestamps,
  decodeValues,
  encodeTimestamps,
  encodeValues,
} from "./block.ts";
