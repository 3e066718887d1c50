/**
 * Memory that reading needs while it lasts: the bytes of blocks, columns decoded from them, times that several series share. A month of one
 * series is megabytes of it, and made anew for every query it would cost more than decoding: fresh pages, and collections of what is dropped.
 *
 * So what a reader leaves behind is kept for the next one of this thread, up to a bound. Nobody clears it: a reader writes before it reads.
 */
import { SampleColumns } from "../../base/columns.ts";

/** Of what is kept for later readers, in all. */
const KEPT_BYTES_MAX = 12 << 20;
const FIRST_BYTES = 1 << 16;

export class ReadScratch {
  /** What is handed out. */
  readonly columns: SampleColumns = new SampleColumns(0);
  /** Results of aggregations that parts hold. */
  readonly results: SampleColumns = new SampleColumns(0);
  /** Blocks that lie in the range only in part are decoded here. */
  readonly partial: SampleColumns = new SampleColumns(0);
  /** Columns of times, one behind the other. */
  times: Float64Array = new Float64Array(0);
  private buffer: Uint8Array = new Uint8Array(0);
  private used = 0;

  get byteLength(): number {
    const { columns, results, partial, times, buffer } = this;
    const samples = columns.timestamps.length + results.timestamps.length + partial.timestamps.length;
    return 16 * samples + times.byteLength + buffer.length;
  }

  /** `length` bytes of any content, the caller's until `forgetBytes`. */
  takeBytes(length: number): Uint8Array {
    if (this.used + length > this.buffer.length) {
      // The buffer before stays with those who have a piece of it.
      this.buffer = new Uint8Array(Math.max(length, 2 * this.buffer.length, FIRST_BYTES));
      this.used = 0;
    }
    this.used += length;
    return this.buffer.subarray(this.used - length, this.used);
  }

  forgetBytes(): void {
    this.used = 0;
  }

  /** Makes room for `count` times in all; what is there stays. */
  reserveTimes(count: number): void {
    if (count <= this.times.length) return;
    const times = new Float64Array(Math.max(count, 2 * this.times.length));
    times.set(this.times);
    this.times = times;
  }
}

const kept: ReadScratch[] = [];
let keptBytes = 0;

/** The caller's until it gives it back, or for ever. */
export function takeScratch(): ReadScratch {
  const scratch = kept.pop();
  if (scratch === undefined) return new ReadScratch();
  keptBytes -= scratch.byteLength;
  return scratch;
}

/** The caller, and whoever it has shown columns to, must not use any of it from now on. */
export function giveBackScratch(scratch: ReadScratch): void {
  scratch.forgetBytes();
  const bytes = scratch.byteLength;
  if (keptBytes + bytes > KEPT_BYTES_MAX) return;
  keptBytes += bytes;
  kept.push(scratch);
}
