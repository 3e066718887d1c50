/**
 * The file system for a thread that may be ended at any moment. Opening or closing a file that is under way on another thread of the pool just then would leave it open
 * for as long as the process lasts; done at once, it is done or not begun, and what is open then Node closes. Reading is as it is elsewhere.
 */
import { closeSync, fstatSync, openSync, read } from "node:fs";
import { join } from "node:path";
import type { ReadFile } from "./disk.ts";
import { READ_BYTES_MAX, RealDisk } from "./real-disk.ts";

export class ThreadDisk extends RealDisk {
  override async open(path: string): Promise<ReadFile> {
    const own = join(this.root, path);
    const file = openSync(own, "r");
    try {
      return new ThreadFile(file, fstatSync(file).size, own);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }
}

class ThreadFile implements ReadFile {
  readonly bytes: number;
  private readonly file: number;
  private readonly path: string;
  /** Reads under way: closed under them, its number could be that of another file. */
  private reads = 0;
  private isClosing = false;

  constructor(file: number, bytes: number, path: string) {
    this.file = file;
    this.bytes = bytes;
    this.path = path;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    if (this.isClosing) throw new Error(`${this.path}: read after it was closed`);
    this.reads++;
    try {
      for (let done = 0; done < target.length; ) {
        const count = await this.readSome(target, done, offset + done);
        if (count === 0) {
          throw new RangeError(
            `${this.path}: want ${target.length} bytes at ${offset}, the file ends at ${offset + done}`,
          );
        }
        done += count;
      }
    } finally {
      this.reads--;
      if (this.isClosing && this.reads === 0) closeSync(this.file);
    }
  }

  private async readSome(target: Uint8Array, at: number, offset: number): Promise<number> {
    return await new Promise((resolve, reject) => {
      read(this.file, target, at, Math.min(target.length - at, READ_BYTES_MAX), offset, (error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  async close(): Promise<void> {
    if (this.isClosing) return;
    this.isClosing = true;
    if (this.reads === 0) closeSync(this.file);
  }
}
