/**
 * Pieces of part files in memory, for small reads: a dashboard asks for the same few blocks again and again, and a trip through the
 * thread pool costs more than decoding them. Large reads pass it by. Bounded; what was not used for longest goes first.
 */
export const WINDOW_BYTES: number = 32 << 10;

export class WindowCache {
  private readonly bytesMax: number;
  /** Bytes of all windows that are kept. */
  bytes = 0;
  /** In order of use, oldest first. File numbers are never used twice, so nothing in here can be outdated. */
  private readonly windows: Map<number, Uint8Array> = new Map();

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Window `index` of a file, or null. */
  get(fileNumber: number, index: number): Uint8Array | null {
    const key = keyOf(fileNumber, index);
    const window = this.windows.get(key);
    if (window === undefined) return null;
    this.windows.delete(key);
    this.windows.set(key, window);
    return window;
  }

  put(fileNumber: number, index: number, window: Uint8Array): void {
    const key = keyOf(fileNumber, index);
    if (this.windows.has(key)) return;
    this.windows.set(key, window);
    this.bytes += window.length;
    for (const [oldest, { length }] of this.windows) {
      if (this.bytes <= this.bytesMax) break;
      this.windows.delete(oldest);
      this.bytes -= length;
    }
  }
}

/** Files are shorter than 2^24 windows, and there are fewer than 2^29 of them in a database's life. */
function keyOf(fileNumber: number, index: number): number {
  return fileNumber * 0x100_0000 + index;
}
