/**
 * Finds every good record of a log segment, also behind bad ones.
 *
 *   header ── record ── record ── ▒▒▒▒▒▒▒ ── record ── record ── end
 *                                 damage: what stands here was written and is lost
 *   header ── record ── record ── ▒▒▒
 *                                 a tail: what a crash cut off before it was acknowledged
 *
 * Records stand on multiples of 8, and a checksum covers a record's place, so the next one after damage is found by trying: bytes that happen to
 * look like a record, or that a sender made look like one, are none where they stand.
 */
import { HEADER_BYTES } from "../../codec/pages.ts";
import type { Pacer } from "../pacer.ts";
import { decodeRecord, type LogRecord, RECORD_END, RECORD_HEADER_BYTES, RECORD_SERIES } from "./wal-record.ts";

/** Looking for the next record reads this many times the segment's bytes at most: enough for anything but what was made to be slow. */
const EFFORT_MAX = 16;

export interface Damage {
  readonly from: number;
  readonly to: number;
}

export interface SegmentScan {
  records: number;
  /** It was completed: a record says so. */
  isSealed: boolean;
  /** Stretches before good records, or anywhere in a segment that was completed. */
  readonly damage: Damage[];
  /** Where the tail starts; the segment's length if there is none. */
  tail: number;
}

/**
 * Feeds the records of segment number `segment` to `apply`, in order, one at a time: when it returns a promise, the next one waits. Gives way to
 * others when the pacer says so. The header is the caller's to check.
 */
export async function scanSegment(
  bytes: Uint8Array,
  segment: number,
  apply: (record: LogRecord) => Promise<void> | undefined,
  pacer: Pacer,
): Promise<SegmentScan> {
  const scan: SegmentScan = { records: 0, isSealed: false, damage: [], tail: bytes.length };
  const search = { bytesLeft: bytes.length * EFFORT_MAX };
  let wanted = -1;
  for (let offset = HEADER_BYTES; offset < bytes.length; ) {
    const found = decodeRecord(bytes, offset, segment);
    if (found === null) {
      const next = findRecord(bytes, offset + 8, segment, search);
      if (next < 0) {
        scan.tail = offset;
        break;
      }
      scan.damage.push({ from: offset, to: next });
      offset = next;
      continue;
    }
    if (found.record.type === "end") {
      scan.isSealed = true;
      wanted = found.record.records;
    } else {
      const applied = apply(found.record);
      if (applied !== undefined) await applied;
      scan.records++;
      if (pacer.isDue) await pacer.pause();
    }
    offset = found.next;
  }
  if (scan.isSealed && scan.tail < bytes.length) {
    // Nothing is ever written behind the end.
    scan.damage.push({ from: scan.tail, to: bytes.length });
    scan.tail = bytes.length;
  }
  // Damage that looked like nothing at all, which no checksum could tell of.
  if (scan.isSealed && wanted !== scan.records && scan.damage.length === 0) {
    scan.damage.push({ from: bytes.length, to: bytes.length });
  }
  return scan;
}

/** Place of the first good record at `from` or behind; -1 if there is none. */
function findRecord(bytes: Uint8Array, from: number, segment: number, search: { bytesLeft: number }): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = from; offset + RECORD_HEADER_BYTES <= bytes.length; offset += 8) {
    // Type, shard and what is 0, in one look.
    const kind = view.getUint32(offset + 8, true);
    if (kind < RECORD_SERIES || kind > RECORD_END) continue;
    const length = view.getUint32(offset, true);
    if (length < RECORD_HEADER_BYTES || length % 8 !== 0 || length > bytes.length - offset) continue;
    search.bytesLeft -= length;
    if (search.bytesLeft < 0) return -1;
    if (decodeRecord(bytes, offset, segment) !== null) return offset;
  }
  return -1;
}
