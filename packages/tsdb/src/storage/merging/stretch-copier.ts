/**
 * Stretches of a merge in which one part alone has series: their blocks go over one after the other as they are, index page by index page, and no series is
 * looked up in the other parts. What a few new series cost in a merge with a million old ones is then little more than to copy those.
 *
 *   part 1   │ page ││ page ││ page ││ page │            ids ──►
 *   part 2                     ██                █ ██
 *            └── copied ──────┘      └ copied ┘          all else: block-joiner.ts
 *
 * A part's own blocks are not joined here: whoever wrote it has left none that ought to be.
 */

import { lowerBound } from "../../index/postings.ts";
import type { Pace } from "../pacer.ts";
import type { BlockEntries, PartReader } from "../parts/part-reader.ts";
import { COLUMN_HEADER_BYTES, type PartWriter } from "../parts/part-writer.ts";
import { PART_KEY } from "./block-joiner.ts";

/** Bytes read together. */
const RUN_BYTES = 1 << 20;
/** Times that stand no farther before values are read with them. */
const NEAR_BYTES = 1 << 16;

/** An index page of which no other part has a series. */
export interface LonePage {
  /** Its part's place among the sources. */
  readonly source: number;
  readonly page: number;
  readonly firstId: number;
  readonly lastId: number;
}

/**
 * Pages that may be copied as they are, by ascending ids. `ids[s]` are those of source `s`; of sources that are not `isWhole` every block must be looked at.
 */
export function findLonePages(
  sources: readonly PartReader[],
  ids: readonly Uint32Array[],
  isWhole: readonly boolean[],
): LonePage[] {
  const lone: LonePage[] = [];
  for (const [source, part] of sources.entries()) {
    if (!isWhole[source]) continue;
    for (let page = 0; page < part.pageCount; page++) {
      const { first, last } = part.pageIds(page);
      // Blocks of one series may stand on two pages: these stay together.
      if (page > 0 && part.pageIds(page - 1).last === first) continue;
      if (page + 1 < part.pageCount && part.pageIds(page + 1).first === last) continue;
      const isAlone = ids.every((own, other) => {
        if (other === source) return true;
        const at = lowerBound(own, first);
        return at === own.length || (own[at] as number) > last;
      });
      if (isAlone) lone.push({ source, page, firstId: first, lastId: last });
    }
  }
  return lone.sort((a, b) => a.firstId - b.firstId);
}

export class StretchCopier {
  private readonly sources: readonly PartReader[];
  private readonly writer: PartWriter;
  private readonly buffer: Uint8Array = new Uint8Array(RUN_BYTES);
  /** What is read of which source: bytes of its file from `offset` on. */
  private source = -1;
  private offset = 0;
  private run: Uint8Array = new Uint8Array(0);

  constructor(sources: readonly PartReader[], writer: PartWriter) {
    this.sources = sources;
    this.writer = writer;
  }

  /** Copies all blocks of a page. @throws CorruptionError */
  async copy({ source, page }: LonePage, pace: Pace): Promise<void> {
    const part = this.sources[source] as PartReader;
    const entries = await part.entriesOnce(page);
    if (source !== this.source) {
      this.source = source;
      this.run = this.buffer.subarray(0, 0);
    }
    for (let from = 0; from < entries.ids.length; ) {
      from = this.copyRead(part, entries, from);
      if (from < entries.ids.length) await this.readFor(part, entries, from);
      if (this.writer.isFull) await this.writer.flush();
      if (pace.isDue) await pace.pause(this.writer.rows);
    }
  }

  /** Copies blocks from `from` on that are read already. Returns the first that is not. */
  private copyRead(part: PartReader, entries: BlockEntries, from: number): number {
    const { writer, run, offset } = this;
    const { ids, counts, minMs, maxMs, valuesOffsets, valuesLengths, timesOffsets, timesLengths } = entries;
    const end = offset + run.length;
    // Gatherers number parts from 0 on.
    const keys = (this.sources.length + this.source) * PART_KEY;
    for (let i = from; i < ids.length; i++) {
      if (writer.isFull) return i;
      const values = valuesOffsets[i] as number;
      const length = valuesLengths[i] as number;
      if (values - COLUMN_HEADER_BYTES < offset || values + length > end) return i;
      const times = timesOffsets[i] as number;
      const timesKey = keys + times;
      if (!writer.hasTimes(timesKey)) {
        const timesLength = timesLengths[i] as number;
        if (times - COLUMN_HEADER_BYTES < offset || times + timesLength > end) return i;
        part.check(run, times - offset, times, timesLength);
        writer.copyTimes(timesKey, run, times - offset, times - offset + timesLength);
      }
      part.check(run, values - offset, values, length);
      const at = values - offset;
      writer.copyValues(
        ids[i] as number,
        counts[i] as number,
        minMs[i] as number,
        maxMs[i] as number,
        timesKey,
        run,
        at,
        at + length,
      );
    }
    return ids.length;
  }

  /** Reads what block `i` needs, and what stands behind it; copies its times if they stand elsewhere. */
  private async readFor(part: PartReader, entries: BlockEntries, i: number): Promise<void> {
    const values = entries.valuesOffsets[i] as number;
    const times = entries.timesOffsets[i] as number;
    const end = values + (entries.valuesLengths[i] as number);
    if (this.writer.isFull && this.covers(values, end)) return;
    const timesKey = (this.sources.length + this.source) * PART_KEY + times;
    const isNear = times + (entries.timesLengths[i] as number) <= values && values - times <= NEAR_BYTES;
    if (!isNear && !this.writer.hasTimes(timesKey)) {
      const length = entries.timesLengths[i] as number;
      const bytes = new Uint8Array(COLUMN_HEADER_BYTES + length);
      await part.readInto(times - COLUMN_HEADER_BYTES, bytes);
      part.check(bytes, COLUMN_HEADER_BYTES, times, length);
      this.writer.copyTimes(timesKey, bytes, COLUMN_HEADER_BYTES, bytes.length);
      if (this.covers(values, end)) return;
    }
    const lo = (isNear ? times : values) - COLUMN_HEADER_BYTES;
    const length = Math.max(end - lo, Math.min(RUN_BYTES, part.info.bytes - lo));
    const bytes = length <= RUN_BYTES ? this.buffer.subarray(0, length) : new Uint8Array(length);
    await part.readInto(lo, bytes);
    this.offset = lo;
    this.run = bytes;
  }

  private covers(values: number, end: number): boolean {
    return values - COLUMN_HEADER_BYTES >= this.offset && end <= this.offset + this.run.length;
  }
}
