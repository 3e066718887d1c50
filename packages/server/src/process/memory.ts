/**
 * How much memory the server may plan with: a share of what the machine or the cgroup (v1 or v2) gives the process.
 * Node asks libuv, which reads the cgroup's files, its parents' included.
 */
import { totalmem } from "node:os";

/** Memory the process can have at most, bytes. */
export function availableMemoryBytes(): number {
  // 0 or undefined: no limit is known. Cgroup v1 without a limit answers with a number larger than any machine.
  const constrained = process.constrainedMemory() ?? 0;
  const total = totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

/** What -memory.allowedBytes and -memory.allowedPercent allow of `availableBytes`. */
export function allowedMemoryBytes(allowedBytes: number, allowedPercent: number, availableBytes: number): number {
  return allowedBytes > 0 ? allowedBytes : Math.floor((availableBytes * allowedPercent) / 100);
}

/**
 * What of the memory allowed is for whom. What each has in use is `vm_memory_used_bytes{for="…"}` on the metrics page, beside its share in
 * `vm_memory_share_bytes`; what is left is for the program itself, what indexes keep of each series, and the system's page cache.
 */
export interface MemoryShares {
  /** Samples that are not in parts yet. About as much again is in use while they are written out. */
  readonly headBytes: number;
  /**
   * Series that are written. With more, those not written for longest are forgotten; those that are written all the time stay all the same. Half as
   * much again is in use while some are forgotten.
   */
  readonly seriesBytes: number;
  /** Pages of indexes. */
  readonly indexCacheBytes: number;
  /** Pieces and index pages of parts. */
  readonly partCacheBytes: number;
  /** What is kept of range queries' answers, of all query workers together. */
  readonly rollupCacheBytes: number;
  /** Series of one expression of a query. */
  readonly queryBytes: number;
  /** JavaScript's heap of one query worker: labels, texts, trees. Columns of samples are outside of it. */
  readonly workerHeapBytes: number;
  /** Bodies of requests that are being received and unpacked, all together. */
  readonly bodyBytes: number;
}

/** Part of the memory allowed, at least, at most. The least is what keeps a small machine working, if slowly. */
const SHARES: Readonly<Record<keyof MemoryShares, readonly [part: number, min: number, max: number]>> = {
  headBytes: [1 / 32, 16 << 20, 64 << 20],
  seriesBytes: [1 / 5, 16 << 20, 3 * 2 ** 30],
  indexCacheBytes: [1 / 12, 8 << 20, 512 << 20],
  partCacheBytes: [1 / 32, 8 << 20, 256 << 20],
  rollupCacheBytes: [1 / 24, 8 << 20, 2 ** 30],
  queryBytes: [1 / 4, 0, Number.MAX_SAFE_INTEGER],
  workerHeapBytes: [1 / 4, 128 << 20, 4 * 2 ** 30],
  bodyBytes: [1 / 8, 0, Number.MAX_SAFE_INTEGER],
};

/** @param requestBytes the largest body a request may have: as sent and unpacked, it has room, and so have those of a few small ones */
export function divideMemory(allowedBytes: number, requestBytes = 0): MemoryShares {
  const share = (name: keyof MemoryShares): number => {
    const [part, min, max] = SHARES[name];
    return Math.round(Math.min(Math.max(allowedBytes * part, min), max));
  };
  return {
    headBytes: share("headBytes"),
    seriesBytes: share("seriesBytes"),
    indexCacheBytes: share("indexCacheBytes"),
    partCacheBytes: share("partCacheBytes"),
    rollupCacheBytes: share("rollupCacheBytes"),
    queryBytes: share("queryBytes"),
    workerHeapBytes: share("workerHeapBytes"),
    bodyBytes: Math.max(share("bodyBytes"), 2 * requestBytes + SMALL_BODIES_BYTES),
  };
}

/** Caches of the main thread and of each query worker, out of one share: half is the main thread's, which looks every new series up. */
export function divideCache(
  bytes: number,
  workers: number,
): { readonly mainBytes: number; readonly workerBytes: number } {
  if (workers === 0) return { mainBytes: bytes, workerBytes: 0 };
  return { mainBytes: Math.ceil(bytes / 2), workerBytes: Math.floor(bytes / 2 / workers) };
}

const SMALL_BODIES_BYTES = 16 << 20;
