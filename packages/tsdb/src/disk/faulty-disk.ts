/**
 * A disk whose Nth writing call fails, or every one that a test says should: with an error before anything happened, or after half of it
 * did. Everything else goes to the disk behind it.
 */
import type { AppendFile, Disk, Lock, ReadFile } from "./disk.ts";

export class FaultyDisk implements Disk {
  readonly root: string;
  /** Writing calls so far: create, append, sync, rename, link, remove, truncate, syncFolder. */
  calls = 0;
  private readonly inner: Disk;
  private readonly mustFail: (call: number, what: string) => boolean;
  private readonly errorCode: string;
  /** Half of an append reaches the disk before it fails. */
  private readonly isShort: boolean;

  /** `failAt` is the number of the call to fail, or says so of each call: "append to wal/0000000001.log", "sync folder data". */
  constructor(
    inner: Disk,
    failAt: number | ((call: number, what: string) => boolean),
    errorCode: "EIO" | "ENOSPC" = "EIO",
    isShort = false,
  ) {
    this.inner = inner;
    this.root = inner.root;
    this.mustFail = typeof failAt === "number" ? (call) => call === failAt : failAt;
    this.errorCode = errorCode;
    this.isShort = isShort;
  }

  /** Counts a call. @throws the error to inject */
  private step(what: string): void {
    if (this.mustFail(++this.calls, what)) {
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
        try {
          this.step(`append to ${path}`);
        } catch (error) {
          if (this.isShort) await file.append(bytes.subarray(0, bytes.length >> 1));
          throw error;
        }
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

  async link(source: string, target: string): Promise<boolean> {
    this.step(`link ${source}`);
    return await this.inner.link(source, target);
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
