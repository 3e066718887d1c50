/**
 * The head's samples, in a wasm memory of their own: per-series chains of chunks, append-only (kernels/head.ts draws them).
 * Cheap to fill, quick to read back a series, and reset as a whole once a part holds it all.
 */
import { copyBits, type SampleColumns } from "../base/columns.ts";
import { createSharedMemory, type Kernel, type KernelExports, loadKernel, type WasmMemory } from "./wasm.ts";

export interface HeadExports extends KernelExports {
  reset(scratchBytes: number): void;
  attach(scratchBytes: number, bytes: number): void;
  setAside(bytes: number): number;
  usedBytes(): number;
  append(slots: number, ends: number, seriesCount: number, times: number, values: number): number;
  readonly minMs: { readonly value: number };
  readonly maxMs: { readonly value: number };
  findBounds(slot: number): number;
  placeOf(slot: number, minMs: number, maxMs: number): number;
  overlaps(slot: number, minMs: number, maxMs: number): number;
  isOrdered(slot: number): number;
  startRead(slot: number): void;
  read(minMs: number, maxMs: number, times: number, values: number, room: number): number;
}

/** Slot of a series whose samples are to be left out of an append. */
export const SKIPPED_SLOT = 0xffff_ffff;

/** What `placeOf` answers. */
export const NO_SAMPLES = 0;
export const ALL_INSIDE = 1;
export const SOME_OUTSIDE = 2;

/** Samples, and at most as many series, that cross into wasm at once. */
const PIECE_SAMPLES = 32_768;
/** The same for a reader on another thread. */
export const READER_SAMPLES = 2_048;

/** No memory left for samples: wasm ends at 4 GiB, and the machine may end before. */
export class HeadFullError extends Error {
  readonly code: "HEAD_FULL" = "HEAD_FULL";
}

/** What a reader on another thread gets of a store. */
export interface StoreView {
  /** Shared, and the same for as long as the store lives. */
  readonly memory: WasmMemory;
  /** Where the store's own scratch ends. */
  readonly scratchEnd: number;
  /** How far the memory is filled. */
  readonly end: number;
}

/** Reading, as the store itself does it and those who look at its memory. */
export class SampleReader {
  protected readonly kernel: Kernel<HeadExports>;
  /** Two columns of `room` samples for what the kernel reads. */
  protected timesAt = 0;
  protected valuesAt = 0;
  protected room = 0;

  protected constructor(memory: WasmMemory) {
    this.kernel = loadKernel<HeadExports>("head", { env: { memory } });
  }

  /** True if a series has samples whose times may lie in the range. */
  overlaps(slot: number, minMs: number, maxMs: number): boolean {
    return this.kernel.exports.overlaps(slot, minMs, maxMs) !== 0;
  }

  /** Adds the series' samples with `minMs <= time <= maxMs` to `target`, in order of arrival. Returns how many. */
  read(slot: number, minMs: number, maxMs: number, target: SampleColumns): number {
    const { room } = this;
    const { exports, memory } = this.kernel;
    const start = target.length;
    exports.startRead(slot);
    for (;;) {
      const count = exports.read(minMs, maxMs, this.timesAt, this.valuesAt, room);
      target.reserve(target.length + count);
      copyBits(memory.f64, this.timesAt >>> 3, (this.timesAt >>> 3) + count, target.timestamps, target.length);
      copyBits(memory.f64, this.valuesAt >>> 3, (this.valuesAt >>> 3) + count, target.values, target.length);
      target.length += count;
      if (count < room) return target.length - start;
    }
  }
}

export class SampleStore extends SampleReader {
  private readonly shared: WasmMemory;
  private readonly slotsAt: number;
  private readonly endsAt: number;
  private readonly scratchEnd: number;
  /** Set aside for readers that are gone. */
  private freeColumns: number[] = [];

  constructor() {
    const shared = createSharedMemory(64);
    super(shared);
    this.shared = shared;
    this.room = PIECE_SAMPLES;
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
    this.freeColumns = [];
    this.kernel.exports.reset(this.scratchEnd);
    this.kernel.memory.refresh();
  }

  /** Bytes that samples and their bookkeeping take. */
  get usedBytes(): number {
    return (this.kernel.exports.usedBytes() >>> 0) - this.scratchEnd;
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

  /** What there is now, for readers on other threads. It must not be reset while they read. */
  get view(): StoreView {
    return { memory: this.shared, scratchEnd: this.scratchEnd, end: this.kernel.exports.usedBytes() >>> 0 };
  }

  /** Room for the columns of one reader on another thread, until it is given back or the store is reset. @throws HeadFullError */
  takeColumns(): number {
    const known = this.freeColumns.pop();
    if (known !== undefined) return known;
    const at = this.kernel.exports.setAside(16 * READER_SAMPLES) >>> 0;
    this.kernel.memory.refresh();
    if (at === 0) throw new HeadFullError("no memory left for another reader of the head");
    return at;
  }

  giveBackColumns(at: number): void {
    this.freeColumns.push(at);
  }

  /** True if a series' samples came in order of time, and no two at one time. */
  isOrdered(slot: number): boolean {
    return this.kernel.exports.isOrdered(slot) !== 0;
  }

  /** Smallest and largest time of a series, null if it has no samples. */
  range(slot: number): { minMs: number; maxMs: number } | null {
    const { exports } = this.kernel;
    return exports.findBounds(slot) === 0 ? null : { minMs: exports.minMs.value, maxMs: exports.maxMs.value };
  }

  /** True if a series has samples. */
  hasAny(slot: number): boolean {
    return this.kernel.exports.findBounds(slot) !== 0;
  }

  /** NO_SAMPLES, or whether all samples of a series lie in the range (ALL_INSIDE) or others as well (SOME_OUTSIDE). */
  placeOf(slot: number, minMs: number, maxMs: number): number {
    return this.kernel.exports.placeOf(slot, minMs, maxMs);
  }

  /** True if a series has a sample in the range. */
  hasSamples(slot: number, minMs: number, maxMs: number): boolean {
    this.kernel.exports.startRead(slot);
    return this.kernel.exports.read(minMs, maxMs, this.timesAt, this.valuesAt, 1) > 0;
  }
}
