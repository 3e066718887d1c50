/**
 * The head's samples as another thread reads them: a second instance of the kernel over the same memory, which the owner goes on filling
 * (docs/decisions/0002-head-sharing.md).
 *
 * It is told how far the memory was filled at some time and sees what was in by then, and perhaps some of what came later. What it reads is copied
 * to columns that the owner has set aside for it in the same memory. The owner must not reset the store meanwhile.
 */
import type { StoreView } from "./sample-store.ts";
import { READER_SAMPLES, SampleReader } from "./sample-store.ts";
import type { WasmMemory } from "./wasm.ts";

export class SharedSamples extends SampleReader {
  private readonly shared: WasmMemory;
  private end = 0;

  constructor(memory: WasmMemory) {
    super(memory);
    this.shared = memory;
    this.room = READER_SAMPLES;
  }

  /** The store was reset and filled again: another view of the same memory, with columns from `columnsAt` on. */
  begin(columnsAt: number): void {
    this.timesAt = columnsAt;
    this.valuesAt = columnsAt + 8 * READER_SAMPLES;
    this.end = 0;
  }

  /** Shows what a view shows, and what earlier ones did. */
  show({ scratchEnd, end }: Omit<StoreView, "memory">): void {
    if (end <= this.end) return;
    this.end = end;
    // How large the memory is may have come to nobody's notice on this thread.
    if (this.shared.buffer.byteLength < end) this.shared.grow(0);
    this.kernel.memory.refresh();
    this.kernel.exports.attach(scratchEnd, end);
  }
}
