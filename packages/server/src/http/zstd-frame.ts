/**
 * How large a zstd body becomes, from its frame and block headers alone (RFC 8878 section 3.1), nothing decoded.
 *
 *   magic 28 b5 2f fd │ descriptor │ window? │ dictionary id? │ content size? │ blocks … │ checksum?
 *   block: 3 bytes, little endian: bit 0 last, bits 1–2 type (raw, repeat, compressed), bits 3–23 size
 */
import { InputError } from "@nyanza/tsdb";

export interface ZstdMeasure {
  /** Sum of the sizes the frames declare; null if one does not say. */
  readonly contentBytes: number | null;
  /** The frames cannot decode to more than this. */
  readonly boundBytes: number;
}

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** No block decodes to more, whatever the window. */
const BLOCK_BYTES_MAX = 128 << 10;

/** @throws InputError 400 for bytes that are no zstd frames or are cut short */
export function measureZstd(body: Uint8Array): ZstdMeasure {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let contentBytes: number | null = 0;
  let boundBytes = 0;
  let at = 0;
  if (body.length === 0) throw notZstd(0);
  while (at < body.length) {
    if (at + 8 > body.length) throw notZstd(at);
    const magic = view.getUint32(at, true);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== FRAME_MAGIC) throw notZstd(at);
    const descriptor = body[at + 4] as number;
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    at += 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
    const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
    if (at + sizeBytes > body.length) throw notZstd(at);
    let declared: number | null = null;
    if (sizeBytes === 1) declared = body[at] as number;
    else if (sizeBytes === 2) declared = view.getUint16(at, true) + 256;
    else if (sizeBytes === 4) declared = view.getUint32(at, true);
    else if (sizeBytes === 8) declared = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    contentBytes = contentBytes === null || declared === null ? null : contentBytes + declared;
    at += sizeBytes;

    let isLast = false;
    while (!isLast) {
      if (at + 3 > body.length) throw notZstd(at);
      const header = view.getUint16(at, true) | ((body[at + 2] as number) << 16);
      isLast = (header & 1) !== 0;
      const type = (header >> 1) & 3;
      const size = header >> 3;
      if (type === 3) throw notZstd(at);
      boundBytes += type === 2 ? BLOCK_BYTES_MAX : size;
      at += 3 + (type === 1 ? 1 : size);
      if (at > body.length) throw notZstd(body.length);
    }
    if ((descriptor & 4) !== 0) at += 4;
    if (at > body.length) throw notZstd(body.length);
  }
  return { contentBytes, boundBytes };
}

function notZstd(at: number): InputError {
  return new InputError(
    `cannot decode the zstd body: want a frame or block at byte ${at}, got something else or the end`,
  );
}
