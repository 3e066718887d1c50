/**
 * A disk whose Nth writing call fails, or every one that a test says should: with an error before anything happened, or after half of it
 * did. Everything else goes to the disk behind it.
 */
import type { AppendFile, Disk, Lock, ReadFile } from "./disk.ts";

/** How a call fails: before anything happened, after half of an append, or after all of it. */
export interface Fault {
  readonly code: "EIO" | "ENOSPC";
  readonly when: "before" | "half" | "after";
}

export class FaultyDisk implements Disk {
  readonly root: string;
  /** Writing calls so far: create, append, sync, rename, link, remove, truncate, syncFolder. */
  calls = 0;
  private readonly inner: Disk;
  private readonly mustFail: (call: number, what: string) => boolean | Fault;
  private readonly fault: Fault;

  /**
   * `failAt` is the number of the call to fail, or says so of each call, or how: "append to wal/0000000001.log", "sync folder data". With
   * `isShort` half of an append reaches the disk before it fails.
   */
  constructor(
    inner: Disk,
    failAt: number | ((call: number, what: string) => boolean | Fault),
    code: "EIO" | "ENOSPC" = "EIO",
    isShort = false,
  ) {
    this.inner = inner;
    this.root = inner.root;
    this.mustFail = typeof failAt === "number" ? (call) => call === failAt : failAt;
    this.fault = { code, when: isShort ? "half" : "before" };
  }

  /** Counts a call and makes it, or fails; `half` makes half of it. @throws the error to inject */
  private async step<T>(what: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    const verdict = this.mustFail(++this.calls, what);
    if (verdict === false) return await work();
    const { code, when } = verdict === true ? this.fault : verdict;
    if (when === "half") await half?.();
    if (when === "after") await work();
    throw Object.assign(new Error(`${code}: injected in ${what}`), { code });
  }

  makeFolder(path: string): Promise<void> {
    return this.inner.makeFolder(path);
  }

  list(path: string): Promise<string[]> {
    return this.inner.list(path);
  }

  async create(path: string): Promise<AppendFile> {
    const file = await this.step(`create ${path}`, () => this.inner.create(path));
    return {
      get bytes() {
        return file.bytes;
      },
      append: (bytes: Uint8Array) =>
        this.step(
          `append to ${path}`,
          () => file.append(bytes),
          () => file.append(bytes.subarray(0, bytes.length >> 1)),
        ),
      sync: () => this.step(`sync ${path}`, () => file.sync()),
      close: () => file.close(),
    };
  }

  open(path: string): Promise<ReadFile> {
    return this.inner.open(path);
  }

  rename(source: string, target: string): Promise<void> {
    return this.step(`rename ${source}`, () => this.inner.rename(source, target));
  }

  link(source: string, target: string): Promise<boolean> {
    return this.step(`link ${source}`, () => this.inner.link(source, target));
  }

  remove(path: string): Promise<void> {
    return this.step(`remove ${path}`, () => this.inner.remove(path));
  }

  truncate(path: string, bytes: number): Promise<void> {
    return this.step(`truncate ${path}`, () => this.inner.truncate(path, bytes));
  }

  syncFolder(path: string): Promise<void> {
    return this.step(`sync folder ${path}`, () => this.inner.syncFolder(path));
  }

  lock(path: string): Promise<Lock> {
    return this.inner.lock(path);
  }

  space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.inner.space();
  }
}
