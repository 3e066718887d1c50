/**
 * Backups in a folder: `fs:///absolute/path`. Every object is a file that was written under another name, synced and renamed. Nothing is ever
 * linked to the database: a backup that shares its bytes with the original is lost with it.
 */
import { constants } from "node:fs";
import { copyFile, type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { lockFolder } from "@nyanza/tsdb";
import { syncFolder, writeAt } from "./files.ts";
import { type LargeWrite, type ObjectStore, StoreError } from "./object-store.ts";

/** Ends the names of files that are being written. */
const UNFINISHED = ".unfinished";
const LOCK_PREFIX = "flock.lock";

export class FolderStore implements ObjectStore {
  readonly place: string;
  private readonly root: string;
  /** Folders known to exist. */
  private readonly folders = new Set<string>();

  /** `root` is absolute. */
  constructor(root: string) {
    this.root = root;
    this.place = `fs://${root}`;
  }

  async claim(): Promise<{ release(): Promise<void> }> {
    await mkdir(this.root, { recursive: true });
    return await lockFolder(this.root);
  }

  async list(): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for await (const { key, bytes } of this.walk("")) if (!key.endsWith(UNFINISHED)) found.set(key, bytes);
    return found;
  }

  async readWhole(key: string, bytesMax: number): Promise<Uint8Array | null> {
    let handle: FileHandle;
    try {
      handle = await open(join(this.root, key), "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
    try {
      const { size } = await handle.stat();
      if (size > bytesMax)
        throw new StoreError(`${this.place}/${key}: want at most ${bytesMax} bytes, there are ${size}`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  }

  async read(key: string, offset: number, bytes: number): Promise<Uint8Array> {
    let handle: FileHandle;
    try {
      handle = await open(join(this.root, key), "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new StoreError(`${this.place}/${key} is missing`);
      throw error;
    }
    try {
      const target = new Uint8Array(bytes);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await handle.read(target, done, bytes - done, offset + done);
        if (bytesRead === 0) {
          throw new StoreError(
            `${this.place}/${key}: want ${bytes} bytes at ${offset}, the file ends at ${offset + done}`,
          );
        }
        done += bytesRead;
      }
      return target;
    } finally {
      await handle.close();
    }
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    const large = await this.writeLarge(key, bytes.length, bytes.length);
    try {
      await large.write(0, bytes);
      await large.complete();
    } catch (error) {
      await large.abandon();
      throw error;
    }
  }

  async writeLarge(key: string, _bytes: number, pieceBytes: number): Promise<LargeWrite> {
    const path = join(this.root, key);
    await this.makeFolder(dirname(path));
    const handle = await open(`${path}${UNFINISHED}`, "w");
    return {
      write: async (index, piece) => {
        await writeAt(handle, index * pieceBytes, piece);
        return true;
      },
      complete: async () => {
        await handle.sync();
        await handle.close();
        await rename(`${path}${UNFINISHED}`, path);
        await syncFolder(dirname(path));
      },
      abandon: () => handle.close().catch(() => {}),
    };
  }

  async copyFrom(origin: ObjectStore, key: string): Promise<boolean> {
    if (!(origin instanceof FolderStore)) return false;
    const path = join(this.root, key);
    await this.makeFolder(dirname(path));
    // Where the file system can share blocks until one of the two is written to, this takes no time and no space.
    await copyFile(join(origin.root, key), `${path}${UNFINISHED}`, constants.COPYFILE_FICLONE);
    const handle = await open(`${path}${UNFINISHED}`, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}${UNFINISHED}`, path);
    await syncFolder(dirname(path));
    return true;
  }

  async remove(keys: readonly string[]): Promise<void> {
    const emptied = new Set<string>();
    for (const key of keys) {
      await rm(join(this.root, key), { force: true });
      emptied.add(dirname(join(this.root, key)));
    }
    for (const folder of emptied) await this.removeIfEmpty(folder);
  }

  async sweep(): Promise<void> {
    const keys: string[] = [];
    for await (const { key } of this.walk("")) if (key.endsWith(UNFINISHED)) keys.push(key);
    await this.remove(keys);
  }

  private async *walk(folder: string): AsyncIterable<{ key: string; bytes: number }> {
    const entries = await readdir(join(this.root, folder), { withFileTypes: true }).catch((error) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    });
    for (const entry of entries) {
      const key = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) yield* this.walk(key);
      else if (entry.isFile() && !key.startsWith(LOCK_PREFIX)) {
        yield { key, bytes: (await stat(join(this.root, key))).size };
      }
    }
  }

  private async makeFolder(folder: string): Promise<void> {
    if (this.folders.has(folder) || folder.length < this.root.length) return;
    await this.makeFolder(dirname(folder));
    await mkdir(folder, { recursive: true });
    await syncFolder(dirname(folder));
    this.folders.add(folder);
  }

  private async removeIfEmpty(folder: string): Promise<void> {
    if (folder.length <= this.root.length) return;
    try {
      await rmdir(folder);
    } catch {
      return; // Something is in it, or it is gone.
    }
    this.folders.delete(folder);
    await this.removeIfEmpty(dirname(folder));
  }
}
