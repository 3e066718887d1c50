/**
 * A disk in memory that remembers what was synced. `crash()` gives the disk as it may look after a power cut: unsynced bytes and
 * unsynced folder entries are gone, or, given random numbers, some of them.
 */
import type { Random } from "../base/random.ts";
import type { AppendFile, Disk, Lock, ReadFile } from "./disk.ts";
import { LockedError } from "./disk.ts";

interface MemoryFile {
  content: Uint8Array;
  length: number;
  syncedLength: number;
  /** Bytes from here on are on no platter, whatever later syncs say. */
  lostFrom: number;
}

export class MemoryDisk implements Disk {
  readonly root: string = "memory:";
  /** Tests take the links away. */
  hasLinks = true;
  private files: Map<string, MemoryFile> = new Map();
  /** What the folders look like on the platter. */
  private durable: Map<string, MemoryFile> = new Map();
  private isLocked = false;
  /** Bytes that fit in; writes beyond that fail with ENOSPC after what still fitted. Tests change it. */
  capacityBytes = 1e12;

  /**
   * The disk after a power cut: what was synced and nothing else. With `luck`, what was not synced has survived here and there: part of a file's last
   * bytes, a new name, an old one.
   */
  crash(luck: Random | null = null): MemoryDisk {
    const after = new MemoryDisk();
    const paths = luck === null ? this.durable.keys() : new Set([...this.durable.keys(), ...this.files.keys()]);
    for (const path of paths) {
      const file = (luck?.chance(0.5) === true ? this.files : this.durable).get(path);
      if (file === undefined) continue;
      const writtenLength = Math.min(file.length, file.lostFrom);
      const length = file.syncedLength + (luck?.below(writtenLength - file.syncedLength + 1) ?? 0);
      const content = file.content.slice(0, length);
      const copy = { content, length, syncedLength: length, lostFrom: Number.POSITIVE_INFINITY };
      after.files.set(path, copy);
      after.durable.set(path, copy);
    }
    return after;
  }

  /** The disk after `kill -9`: everything the operating system was given is there. */
  kill(): MemoryDisk {
    const after = new MemoryDisk();
    for (const [path, file] of this.files) {
      const content = file.content.slice(0, file.length);
      const { length } = content;
      const copy = { content, length, syncedLength: length, lostFrom: Number.POSITIVE_INFINITY };
      after.files.set(path, copy);
      after.durable.set(path, copy);
    }
    return after;
  }

  /** What is in a folder as a disk of its own. */
  async copyFolder(folder: string): Promise<MemoryDisk> {
    const copy = new MemoryDisk();
    for (const path of this.files.keys()) {
      if (!path.startsWith(`${folder}/`)) continue;
      const file = await copy.create(path.slice(folder.length + 1));
      await file.append(this.bytesOf(path));
    }
    return copy.kill();
  }

  /** What a failed fsync does on Linux: the unsynced bytes count as written, and a later sync that succeeds leaves them out. */
  loseUnsynced(path: string): void {
    const file = this.find(path);
    if (file.lostFrom === Number.POSITIVE_INFINITY) file.lostFrom = file.syncedLength;
  }

  /** The bytes of a file, live: tests damage them. */
  bytesOf(path: string): Uint8Array {
    return this.find(path).content.subarray(0, this.find(path).length);
  }

  has(path: string): boolean {
    return this.files.has(path);
  }

  paths(): string[] {
    return [...this.files.keys()].sort();
  }

  async makeFolder(_path: string): Promise<void> {}

  async list(path: string): Promise<string[]> {
    const prefix = path === "" ? "" : `${path}/`;
    const names = new Set<string>();
    for (const file of this.files.keys()) {
      if (file.startsWith(prefix)) names.add(file.slice(prefix.length).split("/")[0] as string);
    }
    return [...names].sort();
  }

  async create(path: string): Promise<AppendFile> {
    if (this.files.has(path)) throw systemError("EEXIST", path);
    const file: MemoryFile = {
      content: new Uint8Array(256),
      length: 0,
      syncedLength: 0,
      lostFrom: Number.POSITIVE_INFINITY,
    };
    this.files.set(path, file);
    const write = (bytes: Uint8Array): void => {
      if (file.length + bytes.length > file.content.length) {
        const larger = new Uint8Array(Math.max(file.content.length * 2, file.length + bytes.length));
        larger.set(file.content.subarray(0, file.length));
        file.content = larger;
      }
      file.content.set(bytes, file.length);
      file.length += bytes.length;
    };
    const freeBytes = (): number => this.freeBytes();
    return {
      get bytes() {
        return file.length;
      },
      async append(bytes: Uint8Array) {
        const room = freeBytes();
        write(bytes.subarray(0, room));
        if (bytes.length > room) throw systemError("ENOSPC", path);
      },
      async sync() {
        file.syncedLength = Math.min(file.length, file.lostFrom);
      },
      async close() {},
    };
  }

  async open(path: string): Promise<ReadFile> {
    const file = this.find(path);
    return {
      bytes: file.length,
      async read(offset: number, target: Uint8Array) {
        if (offset + target.length > file.length) throw new RangeError(`${path}: read past the end`);
        target.set(file.content.subarray(offset, offset + target.length));
      },
      async close() {},
    };
  }

  async rename(source: string, target: string): Promise<void> {
    const file = this.find(source);
    this.files.delete(source);
    this.files.set(target, file);
  }

  async link(source: string, target: string): Promise<boolean> {
    const file = this.find(source);
    if (this.files.has(target)) throw systemError("EEXIST", target);
    if (this.hasLinks) this.files.set(target, file);
    return this.hasLinks;
  }

  async remove(path: string): Promise<void> {
    for (const file of [...this.files.keys()]) {
      if (file === path || file.startsWith(`${path}/`)) this.files.delete(file);
    }
  }

  async truncate(path: string, bytes: number): Promise<void> {
    const file = this.find(path);
    file.length = bytes;
    file.syncedLength = Math.min(file.syncedLength, bytes);
  }

  async syncFolder(path: string): Promise<void> {
    const isHere = (file: string): boolean => file.slice(0, Math.max(0, file.lastIndexOf("/"))) === path;
    for (const file of [...this.durable.keys()]) if (isHere(file) && !this.files.has(file)) this.durable.delete(file);
    for (const [name, file] of this.files) if (isHere(name)) this.durable.set(name, file);
  }

  async lock(_path: string): Promise<Lock> {
    if (this.isLocked) throw new LockedError("memory: already open");
    this.isLocked = true;
    return {
      wasAbandoned: false,
      release: async () => {
        this.isLocked = false;
      },
    };
  }

  async space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return { freeBytes: this.freeBytes(), totalBytes: this.capacityBytes };
  }

  private freeBytes(): number {
    if (this.capacityBytes === 1e12) return 1e12;
    let used = 0;
    for (const file of this.files.values()) used += file.length;
    return Math.max(0, this.capacityBytes - used);
  }

  private find(path: string): MemoryFile {
    const file = this.files.get(path);
    if (file === undefined) throw systemError("ENOENT", path);
    return file;
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
