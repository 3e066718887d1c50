/**
 * A disk that is never written to, and does not show: what is written, replaced or removed goes to memory above it. So a damaged folder can be opened as it
 * is, with everything that opening mends and sweeps up, and still be the same afterwards.
 */
import type { AppendFile, Disk, Lock, ReadFile } from "./disk.ts";
import { readWhole } from "./disk.ts";
import { MemoryDisk } from "./memory-disk.ts";

export class OverlayDisk implements Disk {
  readonly root: string;
  private readonly lower: Disk;
  private readonly upper: MemoryDisk = new MemoryDisk();
  /** Files and folders that the lower disk may have and that are gone here. */
  private readonly removed: Set<string> = new Set();

  constructor(lower: Disk) {
    this.lower = lower;
    this.root = lower.root;
  }

  async makeFolder(_path: string): Promise<void> {}

  async list(path: string): Promise<string[]> {
    const below = this.isRemoved(path) ? [] : await this.lower.list(path);
    const kept = below.filter((name) => !this.isRemoved(path === "" ? name : `${path}/${name}`));
    return [...new Set([...kept, ...(await this.upper.list(path))])].sort();
  }

  async create(path: string): Promise<AppendFile> {
    if (await this.isBelow(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: "EEXIST" });
    return await this.upper.create(path);
  }

  async open(path: string): Promise<ReadFile> {
    if (this.upper.has(path) || this.isRemoved(path)) return await this.upper.open(path);
    return await this.lower.open(path);
  }

  async rename(source: string, target: string): Promise<void> {
    await this.lift(source);
    await this.upper.rename(source, target);
    this.removed.add(source);
  }

  async link(source: string, target: string): Promise<boolean> {
    await this.lift(source);
    return await this.upper.link(source, target);
  }

  async remove(path: string): Promise<void> {
    await this.upper.remove(path);
    this.removed.add(path);
  }

  async truncate(path: string, bytes: number): Promise<void> {
    await this.lift(path);
    await this.upper.truncate(path, bytes);
  }

  async syncFolder(_path: string): Promise<void> {}

  lock(path: string): Promise<Lock> {
    return this.upper.lock(path);
  }

  space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.upper.space();
  }

  /** Brings a file up, to be changed. */
  private async lift(path: string): Promise<void> {
    if (this.upper.has(path) || !(await this.isBelow(path))) return;
    const file = await this.upper.create(path);
    await file.append(await readWhole(this.lower, path));
  }

  private async isBelow(path: string): Promise<boolean> {
    if (this.isRemoved(path)) return false;
    const slash = path.lastIndexOf("/");
    const names = await this.lower.list(path.slice(0, Math.max(0, slash)));
    return names.includes(path.slice(slash + 1));
  }

  private isRemoved(path: string): boolean {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (this.removed.has(path.slice(0, end))) return true;
    }
    return false;
  }
}
