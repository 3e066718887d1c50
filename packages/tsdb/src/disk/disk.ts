/**
 * What storage asks of a disk. The only seam to the file system: a real one (real-disk.ts), one in memory that can lose
 * what was not synced (memory-disk.ts), and one that fails on demand (faulty-disk.ts) all look like this.
 *
 * Paths are relative to the database folder and use `/`. All errors of the operating system come through as they are
 * (`code` is ENOSPC, EIO, …); a missing file is ENOENT on every disk.
 */
export interface Disk {
  /** For messages: where this disk is. */
  readonly root: string;
  /** Creates the folder and its parents, which then survive a power cut; fine if it exists. */
  makeFolder(path: string): Promise<void>;
  /** Names in a folder, sorted; empty if the folder does not exist. */
  list(path: string): Promise<string[]>;
  /** Creates a file for appending; fails with EEXIST if there is one. */
  create(path: string): Promise<AppendFile>;
  /** Opens a file for reading. */
  open(path: string): Promise<ReadFile>;
  /** Atomically replaces `target` by `source`. */
  rename(source: string, target: string): Promise<void>;
  /**
   * Gives a file a second name, at once and without copying: each name keeps the bytes while it is there. False, with nothing done, where the file
   * system has no such thing; EEXIST if there is a `target`. As durable as its folder.
   */
  link(source: string, target: string): Promise<boolean>;
  /** Removes a file or a folder with all in it; fine if it does not exist. */
  remove(path: string): Promise<void>;
  /** Cuts a file to `bytes`. */
  truncate(path: string, bytes: number): Promise<void>;
  /** Makes creations, renames and removals in this folder survive a power cut. */
  syncFolder(path: string): Promise<void>;
  /** Takes the folder for this process, see lock.ts. @throws LockedError */
  lock(path: string): Promise<Lock>;
  /** Forced writes of files so far and how long they took; a disk that is not real has none. */
  readonly syncCounters?: { readonly calls: number; readonly seconds: number };
  /** Bytes free for us and in all. */
  space(): Promise<{ freeBytes: number; totalBytes: number }>;
}

export interface AppendFile {
  /** Bytes handed to `append` so far. */
  readonly bytes: number;
  /** Appends everything or rejects; afterwards the operating system has the bytes (they survive `kill -9`). */
  append(bytes: Uint8Array): Promise<void>;
  /** Afterwards the disk has the bytes (they survive a power cut). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface ReadFile {
  readonly bytes: number;
  /** Fills `target` from `offset` on; rejects if the file ends before. */
  read(offset: number, target: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface Lock {
  /** True if the one who had it before ended without giving it back: killed, or the power failed. */
  readonly wasAbandoned: boolean;
  release(): Promise<void>;
}

/** Another process holds the folder. */
export class LockedError extends Error {
  readonly code: "LOCKED" = "LOCKED";
}

/** A whole file as bytes. */
export async function readWhole(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path);
  try {
    const bytes = new Uint8Array(file.bytes);
    await file.read(0, bytes);
    return bytes;
  } finally {
    await file.close();
  }
}

/** Copies a file, which is complete, and syncs the copy. Its folder is the caller's to sync. */
export async function copyFile(disk: Disk, source: string, target: string): Promise<void> {
  const from = await disk.open(source);
  try {
    const to = await disk.create(target);
    try {
      for (let at = 0; at < from.bytes; at += COPY_BYTES) {
        const piece = new Uint8Array(Math.min(COPY_BYTES, from.bytes - at));
        await from.read(at, piece);
        await to.append(piece);
      }
      await to.sync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

const COPY_BYTES = 1 << 20;

/** Puts a file in place at once and durably: after a crash there is the old one or the new one, whole. */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const slash = path.lastIndexOf("/");
  const temporary = `${path}.tmp`;
  await disk.remove(temporary);
  const file = await disk.create(temporary);
  try {
    await file.append(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(slash < 0 ? "" : path.slice(0, slash));
}
