/** The file system. */
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat, statfs, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AppendFile, Disk, Lock, ReadFile } from "./disk.ts";
import { lockFolder } from "./lock.ts";

/** Node refuses single reads of 2 GiB and more. */
export const READ_BYTES_MAX: number = 1 << 30;
/** What a file system answers that has no second names, or no more of them for this file. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EMLINK"]);

export class RealDisk implements Disk {
  readonly root: string;
  readonly syncCounters: { calls: number; seconds: number } = { calls: 0, seconds: 0 };

  constructor(root: string) {
    this.root = root;
  }

  async makeFolder(path: string): Promise<void> {
    await makeFolders(join(this.root, path));
  }

  async list(path: string): Promise<string[]> {
    try {
      return (await readdir(join(this.root, path))).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  async create(path: string): Promise<AppendFile> {
    return new RealAppendFile(await open(join(this.root, path), "ax"), this.syncCounters);
  }

  async open(path: string): Promise<ReadFile> {
    const handle = await open(join(this.root, path), "r");
    try {
      const { size } = await handle.stat();
      return new RealReadFile(handle, size, join(this.root, path));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async rename(source: string, target: string): Promise<void> {
    await rename(join(this.root, source), join(this.root, target));
  }

  async link(source: string, target: string): Promise<boolean> {
    try {
      await link(join(this.root, source), join(this.root, target));
      return true;
    } catch (error) {
      if (NO_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) return false;
      throw error;
    }
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.root, path), { recursive: true, force: true });
  }

  async truncate(path: string, bytes: number): Promise<void> {
    await truncate(join(this.root, path), bytes);
  }

  async syncFolder(path: string): Promise<void> {
    await syncDirectory(join(this.root, path));
  }

  lock(path: string): Promise<Lock> {
    return lockFolder(join(this.root, path));
  }

  async space(): Promise<{ freeBytes: number; totalBytes: number }> {
    const stats = await statfs(this.root);
    return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize };
  }
}

/** Not `recursive: true`: Node goes round for ever where no folder can be made although the parent is there, as in /proc. */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || (await isThere(dirname(path)))) throw error;
    await makeFolders(dirname(path));
    await mkdir(path);
  }
  // What is in a new folder is only as durable as the folder's own name in its parent.
  await syncDirectory(dirname(path));
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open folders; there the file system's own journal has to do.
  if (process.platform === "win32") return;
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

class RealAppendFile implements AppendFile {
  bytes = 0;
  private readonly handle: FileHandle;
  private readonly counters: { calls: number; seconds: number };

  constructor(handle: FileHandle, counters: { calls: number; seconds: number }) {
    this.handle = handle;
    this.counters = counters;
  }

  async append(bytes: Uint8Array): Promise<void> {
    // write(2) may take less than offered (a full disk does so first): go on until it took all or says why not.
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, null);
      done += bytesWritten;
    }
    this.bytes += bytes.length;
  }

  async sync(): Promise<void> {
    const startMs = performance.now();
    try {
      await this.handle.datasync();
    } finally {
      this.counters.calls++;
      this.counters.seconds += (performance.now() - startMs) / 1000;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

class RealReadFile implements ReadFile {
  readonly bytes: number;
  private readonly handle: FileHandle;
  private readonly path: string;

  constructor(handle: FileHandle, bytes: number, path: string) {
    this.handle = handle;
    this.bytes = bytes;
    this.path = path;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    let done = 0;
    while (done < target.length) {
      const { bytesRead } = await this.handle.read(
        target,
        done,
        Math.min(target.length - done, READ_BYTES_MAX),
        offset + done,
      );
      if (bytesRead === 0) {
        throw new RangeError(
          `${this.path}: want ${target.length} bytes at ${offset}, the file ends at ${offset + done}`,
        );
      }
      done += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
