/**
 * A disk that fails its Nth writing call: with an error before anything happened, or after half of it did. Everything else goes to the disk
 * behind it. For tests that fail each call once.
 */
import type { AppendFile, Disk, Lock, ReadFile } from "./disk.ts";

export class FaultyDisk implements Disk {
  readonly root: string;
  /** Writing calls so far: create, append, sync, rename, remove, truncate, syncFolder. */
  calls = 0;
  private readonly inner: Disk;
  private readonly failAt: number;
  private readonly errorCode: string;
  /** Half of an append reaches the disk before it fails. */
  private readonly isShort: boolean;

  constructor(inner: Disk, failAt: number, errorCode: "EIO" | "ENOSPC" = "EIO", isShort = false) {
    this.inner = inner;
    this.root = inner.root;
    this.failAt = failAt;
    this.errorCode = errorCode;
    this.isShort = isShort;
  }

  private step(what: string): void {
    if (++this.calls === this.failAt) {
      throw Object.assign(new Error(`${this.errorCode}: injected in ${what}`), { code: this.errorCode });
    }
  }

  makeFolder(path: string): Promise<void> {
    return this.inner.makeFolder(path);
  }

  list(path: string): Promise<string[]> {
    return this.inner.list(path);
  }

  async create(path: string): Promise<AppendFile> {
    this.step(`create ${path}`);
    const file = await this.inner.create(path);
    return {
      get bytes() {
        return file.bytes;
      },
      append: async (bytes: Uint8Array) => {
        if (this.isShort && this.calls + 1 === this.failAt) await file.append(bytes.subarray(0, bytes.length >> 1));
        this.step(`append to ${path}`);
        await file.append(bytes);
      },
      sync: async () => {
        this.step(`sync ${path}`);
        await file.sync();
      },
      close: () => file.close(),
    };
  }

  open(path: string): Promise<ReadFile> {
    return this.inner.open(path);
  }

  async rename(source: string, target: string): Promise<void> {
    this.step(`rename ${source}`);
    await this.inner.rename(source, target);
  }

  async remove(path: string): Promise<void> {
    this.step(`remove ${path}`);
    await this.inner.remove(path);
  }

  async truncate(path: string, bytes: number): Promise<void> {
    this.step(`truncate ${path}`);
    await this.inner.truncate(path, bytes);
  }

  async syncFolder(path: string): Promise<void> {
    this.step(`sync folder ${path}`);
    await this.inner.syncFolder(path);
  }

  lock(path: string): Promise<Lock> {
    return this.inner.lock(path);
  }

  space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.inner.space();
  }
}
