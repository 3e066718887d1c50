/**
 * The blocks of a series from several parts → its blocks in one part. Decoding and encoding are most of a merge's work, so a block that can stay as it
 * is goes over byte by byte, its checksum apart, which tells of its place.
 *
 *   part 1   ████████████████ ████                ██ ██
 *   part 2                         ███  ████        ██
 *            └──── copied ──┘ └── joined ──┘     └ overlap: joined always
 *
 * A block is encoded anew only in company that is at least as long as itself. So a sample is encoded once more each time its block doubles, from one
 * sample to a full block 13 times at the most, usually three or four times; and what is left beside each other in a part are blocks of which each next one is
 * shorter than the half: few.
 */
import { SampleColumns } from "../../base/columns.ts";
import { BLOCK_SAMPLES_MAX } from "../../codec/block.ts";
import type { BlockGatherer, FoundBlock } from "../parts/block-gatherer.ts";
import type { PartWriter } from "../parts/part-writer.ts";
import { orderSamples } from "../search/sample-order.ts";

/** Blocks from this length on are as good as full. */
const LONG_SAMPLES = BLOCK_SAMPLES_MAX / 2;
/** More than any part has bytes, so that part and offset make one key. */
export const PART_KEY: number = 2 ** 44;

/** Blocks that stay together whatever is decided: one, or several that overlap. */
interface Unit {
  readonly blocks: FoundBlock[];
  samples: number;
  maxMs: number;
  mustDecode: boolean;
}

export class BlockJoiner {
  private readonly gatherer: BlockGatherer;
  private readonly writer: PartWriter;
  private readonly minMs: number;
  private readonly columns: SampleColumns = new SampleColumns(1 << 14);

  /** Samples before `minMs` are left out. Batches of the gatherer must all be of the same parts: their numbers then mean the same. */
  constructor(gatherer: BlockGatherer, writer: PartWriter, minMs: number) {
    this.gatherer = gatherer;
    this.writer = writer;
    this.minMs = minMs;
  }

  /** Writes the series at this position of the gatherer's batch. @throws CorruptionError */
  addSeries(position: number, id: number): void {
    const units = this.unitsOf(this.gatherer.blocksOf(position));
    let lo = 0;
    for (const hi of joinedRuns(units)) {
      const unit = units[lo] as Unit;
      if (hi - lo === 1 && !unit.mustDecode) this.copy(id, unit.blocks[0] as FoundBlock);
      else this.encode(id, units.slice(lo, hi));
      lo = hi;
    }
  }

  private unitsOf(blocks: readonly FoundBlock[]): Unit[] {
    const units: Unit[] = [];
    for (const block of blocks) {
      const { entries, entry } = block;
      const minMs = entries.minMs[entry] as number;
      const maxMs = entries.maxMs[entry] as number;
      const samples = entries.counts[entry] as number;
      const mustDecode = minMs < this.minMs || block.hidden !== null;
      const last = units[units.length - 1];
      if (last !== undefined && minMs <= last.maxMs) {
        last.blocks.push(block);
        last.samples += samples;
        last.maxMs = Math.max(last.maxMs, maxMs);
        last.mustDecode = true;
      } else {
        units.push({ blocks: [block], samples, maxMs, mustDecode });
      }
    }
    return units;
  }

  private copy(id: number, block: FoundBlock): void {
    const { entries, entry, part } = block;
    const { gatherer } = this;
    const copied = {
      count: entries.counts[entry] as number,
      minMs: entries.minMs[entry] as number,
      maxMs: entries.maxMs[entry] as number,
      values: gatherer.encodedValues(block),
      times: () => gatherer.encodedTimes(block),
    };
    this.writer.copy(id, copied, part * PART_KEY + (entries.timesOffsets[entry] as number));
  }

  private encode(id: number, units: readonly Unit[]): void {
    const { columns } = this;
    columns.length = 0;
    for (const { blocks } of units) {
      for (const block of blocks) this.gatherer.decodeOne(block, this.minMs, Number.MAX_SAFE_INTEGER, columns);
    }
    if (columns.length === 0) return;
    orderSamples(columns, 0);
    this.writer.add(id, columns.timestamps, columns.values, 0, columns.length);
  }
}

/**
 * Which neighbours become one: the ends of runs, in order. A run of one is left as it is.
 * In any stretch without a long block, either all of it is at least twice its longest block and becomes one, or that block stays and both sides of it
 * are looked at by themselves. Each side is then less than half as long, so this is soon done.
 */
export function joinedRuns(blocks: readonly { readonly samples: number }[]): number[] {
  const ends: number[] = [];
  let lo = 0;
  for (let i = 0; i <= blocks.length; i++) {
    if (i < blocks.length && (blocks[i] as { samples: number }).samples < LONG_SAMPLES) continue;
    splitRun(blocks, lo, i, ends);
    if (i < blocks.length) ends.push(i + 1);
    lo = i + 1;
  }
  return ends;
}

function splitRun(blocks: readonly { readonly samples: number }[], lo: number, hi: number, ends: number[]): void {
  if (lo >= hi) return;
  let sum = 0;
  let longest = lo;
  let most = -1;
  for (let i = lo; i < hi; i++) {
    const { samples } = blocks[i] as { samples: number };
    sum += samples;
    if (samples <= most) continue;
    most = samples;
    longest = i;
  }
  if (hi - lo === 1 || sum >= 2 * most) {
    ends.push(hi);
    return;
  }
  splitRun(blocks, lo, longest, ends);
  ends.push(longest + 1);
  splitRun(blocks, longest + 1, hi, ends);
}
