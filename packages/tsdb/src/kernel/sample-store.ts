/**
 * The head's samples, in a wasm memory of their own: per-series chains of chunks, append-only (kernels/head.ts draws them).
 * Cheap to fill, quick to read back a series, and reset as a whole once a part holds it all.
 */
import { copyBits, type SampleColumns } from "../base/columns.ts";
import { createSharedMemory, type Kernel, type KernelExports, loadKernel } from "./wasm.ts";

interface HeadExports extends KernelExports {
  reset(scratchBytes: number): void;
  usedBytes(): number;
  append(slots: number, ends: number, seriesCount: number, times: number, values: number): number;
  stateAddress(slot: number): number;
  startRead(slot: number): void;
  read(minMs: number, maxMs: number, times: number, values: number, room: number): number;
}

/** Slot of a series whose samples are to be left out of an append. */
export const SKIPPED_SLOT = 0xffff_ffff;

/** Samples, and at most as many series, that cross into wasm at once. */
const PIECE_SAMPLES = 32_768;

/** No memory left for samples: wasm ends at 4 GiB, and the machine may end before. */
export class HeadFullError extends Error {
  readonly code: "HEAD_FULL" = "HEAD_FULL";
}

export class SampleStore {
  private readonly kernel: Kernel<HeadExports>;
  private readonly slotsAt: number;
  private readonly endsAt: number;
  private readonly timesAt: number;
  private readonly valuesAt: number;
  private readonly scratchEnd: number;

  constructor() {
    this.kernel = loadKernel<HeadExports>("head", { env: { memory: createSharedMemory(64) } });
    const { memory } = this.kernel;
    this.slotsAt = memory.base;
    this.endsAt = this.slotsAt + 4 * PIECE_SAMPLES;
    this.timesAt = this.endsAt + 4 * PIECE_SAMPLES;
    this.valuesAt = this.timesAt + 8 * PIECE_SAMPLES;
    this.scratchEnd = this.valuesAt + 8 * PIECE_SAMPLES;
    memory.reserve(this.scratchEnd);
    this.kernel.exports.reset(this.scratchEnd);
    memory.refresh();
  }

  /** Forgets all samples; the memory stays for the next ones. */
  reset(): void {
    this.kernel.exports.reset(this.scratchEnd);
    this.kernel.memory.refresh();
  }

  /** Bytes that samples and their bookkeeping take. */
  get usedBytes(): number {
    return this.kernel.exports.usedBytes() - this.scratchEnd;
  }

  /**
   * Appends a batch: series `i` goes to `slots[i]` (SKIPPED_SLOT: nowhere) with samples `[ends[i-1], ends[i])` of the two columns.
   * @throws HeadFullError; samples before the one that did not fit are in.
   */
  append(
    slots: Uint32Array,
    ends: Uint32Array,
    seriesCount: number,
    timestamps: Float64Array,
    values: Float64Array,
  ): void {
    let series = 0;
    let sample = 0;
    while (series < seriesCount) {
      const { u32, f64 } = this.kernel.memory;
      const from = sample;
      let taken = 0;
      // A piece ends with its series, unless one series alone is larger than a piece.
      while (series < seriesCount && taken < PIECE_SAMPLES) {
        const end = Math.min(ends[series] as number, from + PIECE_SAMPLES);
        if (end < (ends[series] as number) && taken > 0) break;
        u32[(this.slotsAt >> 2) + taken] = slots[series] as number;
        u32[(this.endsAt >> 2) + taken] = end - from;
        taken++;
        sample = end;
        if (end < (ends[series] as number)) break;
        series++;
      }
      f64.set(timestamps.subarray(from, sample), this.timesAt >> 3);
      copyBits(values, from, sample, f64, this.valuesAt >> 3);
      const appended = this.kernel.exports.append(this.slotsAt, this.endsAt, taken, this.timesAt, this.valuesAt);
      this.kernel.memory.refresh();
      if (appended < taken)
        throw new HeadFullError("no memory left for new samples: they come in faster than parts are written");
    }
  }

  /** Samples of a series. */
  count(slot: number): number {
    const state = this.kernel.exports.stateAddress(slot);
    return state === 0 ? 0 : (this.kernel.memory.u32[(state >>> 2) + 2] as number);
  }

  /** True if a series' samples came in order of time, and no two at one time. */
  isOrdered(slot: number): boolean {
    const state = this.kernel.exports.stateAddress(slot);
    return state === 0 || this.kernel.memory.u32[(state >>> 2) + 3] === 0;
  }

  /** Smallest and largest time of a series, null if it has no samples. */
  range(slot: number): { minMs: number; maxMs: number } | null {
    const state = this.kernel.exports.stateAddress(slot);
    if (state === 0) return null;
    const { f64 } = this.kernel.memory;
    return { minMs: f64[(state >>> 3) + 2] as number, maxMs: f64[(state >>> 3) + 3] as number };
  }

  /** True if a series has a sample in the range. */
  hasSamples(slot: number, minMs: number, maxMs: number): boolean {
    this.kernel.exports.startRead(slot);
    return this.kernel.exports.read(minMs, maxMs, this.timesAt, this.valuesAt, 1) > 0;
  }

  /** True if a series has samples whose times may lie in the range. */
  overlaps(slot: number, minMs: number, maxMs: number): boolean {
    const state = this.kernel.exports.stateAddress(slot);
    if (state === 0) return false;
    const { f64 } = this.kernel.memory;
    return (f64[(state >>> 3) + 2] as number) <= maxMs && (f64[(state >>> 3) + 3] as number) >= minMs;
  }

  /** Adds the series' samples with `minMs <= time <= maxMs` to `target`, in order of arrival. Returns how many. */
  read(slot: number, minMs: number, maxMs: number, target: SampleColumns): number {
    const { exports, memory } = this.kernel;
    const start = target.length;
    exports.startRead(slot);
    for (;;) {
      const count = exports.read(minMs, maxMs, this.timesAt, this.valuesAt, PIECE_SAMPLES);
      target.reserve(target.length + count);
      copyBits(memory.f64, this.timesAt >> 3, (this.timesAt >> 3) + count, target.timestamps, target.length);
      copyBits(memory.f64, this.valuesAt >> 3, (this.valuesAt >> 3) + count, target.values, target.length);
      target.length += count;
      if (count < PIECE_SAMPLES) return target.length - start;
    }
  }
}
