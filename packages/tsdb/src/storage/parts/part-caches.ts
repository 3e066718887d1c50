/** What is kept in memory of the part files on a disk: pieces of them, and index pages as columns. Bounded together; each open database has a Disk of its own. */
import type { Disk } from "../../disk/disk.ts";
import { PageCache } from "../../index/page-cache.ts";
import { WindowCache } from "./window-cache.ts";

const STANDARD_BYTES = 32 << 20;

export class PartCaches {
  readonly windows: WindowCache;
  readonly pages: PageCache;
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    this.windows = new WindowCache(Math.floor(bytesMax / 2));
    this.pages = new PageCache(Math.floor(bytesMax / 2));
  }

  /** Bytes of what is kept. */
  get bytes(): number {
    return this.windows.bytes + this.pages.bytes;
  }
}

const caches: WeakMap<Disk, PartCaches> = new WeakMap();

export function partCachesOf(disk: Disk): PartCaches {
  let own = caches.get(disk);
  if (own === undefined) {
    own = new PartCaches(STANDARD_BYTES);
    caches.set(disk, own);
  }
  return own;
}

/** Decides how much is kept for parts that are opened from now on. */
export function limitPartCaches(disk: Disk, bytesMax: number): PartCaches {
  const own = new PartCaches(bytesMax);
  caches.set(disk, own);
  return own;
}
