/**
 * Collects the blocks of some series from several parts, fetches their bytes in few large reads, and decodes them in order of time.
 *
 *   find     index pages of each part  →  which blocks belong to which position
 *   load     their byte ranges, near ones joined  →  one buffer a run
 *   decode   position by position into columns
 *
 * A position is the caller's number for a series: 0, 1, 2, … All arrays are reused from batch to batch.
 */
import { copyBits, type SampleColumns } from "../../base/columns.ts";
import { CorruptionError } from "../../base/errors.ts";
import { hidesAll, hidesSome, type PartMask } from "../deletes/tombstones.ts";
import type { BlockEntries, PartReader } from "./part-reader.ts";
import { COLUMN_HEADER_BYTES } from "./part-writer.ts";
import { ReadScratch } from "./read-scratch.ts";

/** Byte ranges closer than this are read as one. */
const GAP_BYTES_MAX = 16 << 10;
/** Longest single read. */
const RUN_BYTES_MAX = 4 << 20;
/** Decoded columns of times kept because later series of the batch share them, in samples. */
const SHARED_SAMPLES_MAX = 1 << 18;

export interface FoundBlock {
  readonly position: number;
  /** The part's number in the batch. */
  readonly part: number;
  readonly entries: BlockEntries;
  readonly entry: number;
  /** Deleted times of it, as PartMask has them; null if none. */
  readonly hidden: Float64Array | null;
}

/** A column of times that was decoded before, in the scratch's `times`. */
interface SharedTimes {
  readonly times: Float64Array;
  readonly ascends: boolean;
}

/** A stretch of a part's file. */
interface Range {
  readonly lo: number;
  hi: number;
}

/** A stretch of a part's file in memory. */
interface Run {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class BlockGatherer {
  private parts: PartReader[] = [];
  private blocks: FoundBlock[] = [];
  private runs: Run[][] = [];
  /** Blocks of position p are `blocks[starts[p]..starts[p+1])`, once `load` has sorted them. */
  private starts: Uint32Array = new Uint32Array(0);
  private readonly scratch: ReadScratch;
  /** By offset, of each part. */
  private sharedTimes: Map<number, SharedTimes>[] = [];
  private sharedSamples = 0;
  private positionCount = 0;
  /** Bytes of all batches. */
  bytesRead = 0;
  /** A block of this batch could not be read. */
  private isDamaged = false;
  private readonly onCorruption: (part: PartReader, error: CorruptionError) => void;

  /** `onCorruption` hears of every block that could not be read; the others are served. The scratch is used from `load` on. */
  constructor(
    onCorruption: (part: PartReader, error: CorruptionError) => void,
    scratch: ReadScratch = new ReadScratch(),
  ) {
    this.onCorruption = onCorruption;
    this.scratch = scratch;
  }

  /** Forgets the last batch. */
  begin(): void {
    this.parts = [];
    this.blocks = [];
    this.runs = [];
    this.sharedTimes = [];
    this.sharedSamples = 0;
    this.isDamaged = false;
    this.scratch.forgetBytes();
  }

  /**
   * Adds the blocks of one part that overlap `[minMs, maxMs]`: series `ids[i]` (ascending) is at `positions[i]`. What `mask` hides is not there: blocks
   * that are hidden altogether are not even read.
   */
  async find(
    part: PartReader,
    ids: Uint32Array,
    positions: Uint32Array,
    minMs: number,
    maxMs: number,
    mask: PartMask | null = null,
  ): Promise<void> {
    if (part.info.minMs > maxMs || part.info.maxMs < minMs || ids.length === 0) return;
    const index = this.parts.length;
    this.parts.push(part);
    const { blocks } = this;
    try {
      await part.find(ids, minMs, maxMs, (i, entries, entry) => {
        let hidden = mask?.rangesOf(ids[i] as number) ?? null;
        if (hidden !== null) {
          const lo = Math.max(entries.minMs[entry] as number, minMs);
          const hi = Math.min(entries.maxMs[entry] as number, maxMs);
          if (hidesAll(hidden, lo, hi)) return;
          if (!hidesSome(hidden, lo, hi)) hidden = null;
        }
        blocks.push({ position: positions[i] as number, part: index, entries, entry, hidden });
      });
    } catch (error) {
      this.report(part, error);
    }
  }

  /** Samples in the blocks found for all positions; an upper bound for those in the range. */
  get sampleCount(): number {
    let count = 0;
    for (const { entries, entry } of this.blocks) count += entries.counts[entry] as number;
    return count;
  }

  /** Sorts the blocks by position and time and reads their bytes. */
  async load(positionCount: number): Promise<void> {
    this.sortBlocks(positionCount);
    this.positionCount = positionCount;
    for (let index = 0; index < this.parts.length; index++) {
      this.sharedTimes.push(new Map());
      const part = this.parts[index] as PartReader;
      const ranges: Range[] = [];
      // Columns of values mostly stand one behind the other, and so do those of times, which many blocks share.
      let values: Range | null = null;
      let times: Range | null = null;
      for (const { part: owner, entries, entry } of this.blocks) {
        if (owner !== index) continue;
        values = withColumn(
          ranges,
          values,
          entries.valuesOffsets[entry] as number,
          entries.valuesLengths[entry] as number,
        );
        times = withColumn(ranges, times, entries.timesOffsets[entry] as number, entries.timesLengths[entry] as number);
      }
      const runs = await readRuns(part, ranges, this.scratch);
      for (const { bytes } of runs) this.bytesRead += bytes.length;
      this.runs.push(runs);
    }
  }

  /**
   * Appends the samples of a position's blocks that lie in `[minMs, maxMs]` to `target`, block by block in order of their first time; of some parts
   * only, if `isWanted` is given. True if they are in order, no two of one time.
   */
  decode(
    position: number,
    minMs: number,
    maxMs: number,
    target: SampleColumns,
    isWanted: ((part: PartReader) => boolean) | null = null,
  ): boolean {
    const hi = this.starts[position + 1] as number;
    let room = target.length;
    for (let i = this.starts[position] as number; i < hi; i++) {
      const { entries, entry } = this.blocks[i] as FoundBlock;
      room += entries.counts[entry] as number;
    }
    // At once: growing block by block would copy a long series several times.
    target.reserve(room);
    let ascends = true;
    let lastMs = -Infinity;
    for (let i = this.starts[position] as number; i < hi; i++) {
      const block = this.blocks[i] as FoundBlock;
      if (isWanted !== null && !isWanted(this.parts[block.part] as PartReader)) continue;
      const start = target.length;
      try {
        if (!this.decodeOne(block, minMs, maxMs, target)) ascends = false;
      } catch (error) {
        this.report(this.parts[block.part] as PartReader, error);
      }
      if (target.length === start) continue;
      if ((target.timestamps[start] as number) <= lastMs) ascends = false;
      lastMs = target.timestamps[target.length - 1] as number;
    }
    return ascends;
  }

  /** A position's blocks, in order of their first time. */
  blocksOf(position: number): readonly FoundBlock[] {
    return this.blocks.slice(this.starts[position] as number, this.starts[position + 1] as number);
  }

  /** The same as `decode` for one block: true if its times are in order, no two the same. @throws CorruptionError */
  decodeOne(block: FoundBlock, minMs: number, maxMs: number, target: SampleColumns): boolean {
    const start = target.length;
    const ascends = this.decodeBlock(block, minMs, maxMs, target);
    if (block.hidden !== null) dropHidden(block.hidden, target, start);
    return ascends;
  }

  /** A block's values as they stand in the file. @throws CorruptionError if their checksum does not fit */
  encodedValues({ part, entries, entry }: FoundBlock): Uint8Array {
    return this.encoded(part, entries.valuesOffsets[entry] as number, entries.valuesLengths[entry] as number);
  }

  /** A block's times as they stand in the file. @throws CorruptionError if their checksum does not fit */
  encodedTimes({ part, entries, entry }: FoundBlock): Uint8Array {
    return this.encoded(part, entries.timesOffsets[entry] as number, entries.timesLengths[entry] as number);
  }

  private encoded(part: number, offset: number, length: number): Uint8Array {
    const { bytes, offset: start } = this.runAt(part, offset);
    return (this.parts[part] as PartReader).encoded(bytes, offset - start, offset, length);
  }

  /** True if the blocks of both positions use the same columns of times: then so do their samples. */
  haveSameTimes(a: number, b: number): boolean {
    if (this.isDamaged) return false;
    const { blocks, starts } = this;
    const startA = starts[a] as number;
    const startB = starts[b] as number;
    const count = (starts[a + 1] as number) - startA;
    if ((starts[b + 1] as number) - startB !== count) return false;
    for (let i = 0; i < count; i++) {
      const x = blocks[startA + i] as FoundBlock;
      const y = blocks[startB + i] as FoundBlock;
      if (x.hidden !== null || y.hidden !== null) return false;
      if (x.part !== y.part || x.entries.timesOffsets[x.entry] !== y.entries.timesOffsets[y.entry]) return false;
    }
    return true;
  }

  private decodeBlock(block: FoundBlock, minMs: number, maxMs: number, target: SampleColumns): boolean {
    const { entries, entry } = block;
    const count = entries.counts[entry] as number;
    const isInside = (entries.minMs[entry] as number) >= minMs && (entries.maxMs[entry] as number) <= maxMs;
    if (isInside) {
      target.reserve(target.length + count);
      const ascends = this.decodeColumns(block, count, target.timestamps, target.values, target.length);
      target.length += count;
      return ascends;
    }
    const { partial } = this.scratch;
    partial.reserve(count);
    const ascends = this.decodeColumns(block, count, partial.timestamps, partial.values, 0);
    const lo = firstAtLeast(partial.timestamps, count, minMs);
    const hi = firstAtLeast(partial.timestamps, count, maxMs + 1);
    target.reserve(target.length + hi - lo);
    target.timestamps.set(partial.timestamps.subarray(lo, hi), target.length);
    copyBits(partial.values, lo, hi, target.values, target.length);
    target.length += hi - lo;
    return ascends;
  }

  /** True if the times are in order, no two the same. */
  private decodeColumns(
    block: FoundBlock,
    count: number,
    timestamps: Float64Array,
    values: Float64Array,
    lo: number,
  ): boolean {
    const ascends = this.decodeTimes(block, count, timestamps, lo);
    const { entries, entry } = block;
    const part = this.parts[block.part] as PartReader;
    const valuesOffset = entries.valuesOffsets[entry] as number;
    const run = this.runAt(block.part, valuesOffset);
    const length = entries.valuesLengths[entry] as number;
    part.decodeValues(run.bytes, valuesOffset - run.offset, valuesOffset, length, count, values, lo);
    return ascends;
  }

  private decodeTimes({ part, entries, entry }: FoundBlock, count: number, target: Float64Array, lo: number): boolean {
    const offset = entries.timesOffsets[entry] as number;
    const shared = this.sharedTimes[part] as Map<number, SharedTimes>;
    const { scratch } = this;
    const known = shared.get(offset);
    if (known !== undefined && known.times.length === count) {
      target.set(known.times, lo);
      return known.ascends;
    }
    const length = entries.timesLengths[entry] as number;
    const run = this.runAt(part, offset);
    const reader = this.parts[part] as PartReader;
    const ascends = reader.decodeTimes(run.bytes, offset - run.offset, offset, length, count, target, lo);
    const at = this.sharedSamples;
    // A lone series shares its times with nobody.
    if (this.positionCount > 1 && at + count <= SHARED_SAMPLES_MAX) {
      scratch.reserveTimes(at + count);
      // Stays what it is if the scratch moves to make room for more.
      const times = scratch.times.subarray(at, at + count);
      times.set(target.subarray(lo, lo + count));
      shared.set(offset, { times, ascends });
      this.sharedSamples = at + count;
    }
    return ascends;
  }

  /** The run that holds the column at this offset. */
  private runAt(part: number, offset: number): Run {
    const runs = this.runs[part] as Run[];
    let lo = 0;
    let hi = runs.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((runs[mid] as Run).offset <= offset) lo = mid + 1;
      else hi = mid;
    }
    return runs[lo - 1] as Run;
  }

  private sortBlocks(positionCount: number): void {
    const { blocks } = this;
    const starts = new Uint32Array(positionCount + 1);
    for (const { position } of blocks) starts[position + 1] = (starts[position + 1] as number) + 1;
    for (let p = 0; p < positionCount; p++) starts[p + 1] = (starts[p + 1] as number) + (starts[p] as number);
    const next = starts.slice();
    const sorted: FoundBlock[] = new Array(blocks.length);
    for (const block of blocks) {
      const at = next[block.position] as number;
      next[block.position] = at + 1;
      sorted[at] = block;
    }
    // Blocks of one part are in order of time already; only several parts need a look.
    if (this.parts.length > 1) {
      for (let p = 0; p < positionCount; p++) sortByTime(sorted, starts[p] as number, starts[p + 1] as number);
    }
    this.blocks = sorted;
    this.starts = starts;
  }

  private report(part: PartReader, error: unknown): void {
    if (!(error instanceof CorruptionError)) throw error;
    this.isDamaged = true;
    this.onCorruption(part, error);
  }
}

/** Takes samples `[lo, target.length)`, which are in order of time, out of `target` where they are hidden. */
function dropHidden(hidden: Float64Array, target: SampleColumns, lo: number): void {
  const { timestamps, values } = target;
  let kept = lo;
  let from = lo;
  for (let range = 0; range < hidden.length; range += 2) {
    const start = firstAtLeast(timestamps, target.length, hidden[range] as number, from);
    const end = firstAtLeast(timestamps, target.length, (hidden[range + 1] as number) + 1, start);
    timestamps.copyWithin(kept, from, start);
    copyBits(values, from, start, values, kept);
    kept += start - from;
    from = end;
  }
  timestamps.copyWithin(kept, from, target.length);
  copyBits(values, from, target.length, values, kept);
  target.length = kept + target.length - from;
}

/** Insertion sort: a series has few blocks, and they are nearly sorted. */
function sortByTime(blocks: FoundBlock[], lo: number, hi: number): void {
  for (let i = lo + 1; i < hi; i++) {
    const block = blocks[i] as FoundBlock;
    const ms = startMs(block);
    let k = i;
    while (k > lo && startMs(blocks[k - 1] as FoundBlock) > ms) {
      blocks[k] = blocks[k - 1] as FoundBlock;
      k--;
    }
    blocks[k] = block;
  }
}

function startMs({ entries, entry }: FoundBlock): number {
  return entries.minMs[entry] as number;
}

/** The column and the checksum in front of it as part of `last` if it is near enough, else as a range of its own. Returns where it is. */
function withColumn(ranges: Range[], last: Range | null, offset: number, length: number): Range {
  const lo = offset - COLUMN_HEADER_BYTES;
  const hi = offset + length;
  if (last !== null && lo >= last.lo) {
    if (hi <= last.hi) return last;
    if (lo <= last.hi + GAP_BYTES_MAX && hi - last.lo <= RUN_BYTES_MAX) {
      last.hi = hi;
      return last;
    }
  }
  const range = { lo, hi };
  ranges.push(range);
  return range;
}

async function readRuns(part: PartReader, ranges: Range[], scratch: ReadScratch): Promise<Run[]> {
  ranges.sort((a, b) => a.lo - b.lo);
  const runs: Run[] = [];
  for (let i = 0; i < ranges.length; ) {
    const { lo } = ranges[i] as { lo: number };
    let hi = lo;
    for (; i < ranges.length; i++) {
      const range = ranges[i] as Range;
      if (range.lo > hi + GAP_BYTES_MAX || (range.hi - lo > RUN_BYTES_MAX && hi > lo && range.hi > hi)) break;
      if (range.hi > hi) hi = range.hi;
    }
    runs.push({ offset: lo, bytes: part.cached(lo, hi - lo) ?? (await part.read(lo, hi - lo, scratch)) });
  }
  return runs;
}

/** First index of sorted `column[from..count)` whose time is at least `ms`. */
function firstAtLeast(column: Float64Array, count: number, ms: number, from = 0): number {
  let lo = from;
  let hi = count;
  while (lo < hi) {
    const mid = (lo + hi) >>> 1;
    if ((column[mid] as number) < ms) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
