/**
 * The file system for a thread of its own, which may be ended at any moment. All of it is done at once, while the thread waits:
 *
 *   - Opening or closing a file that is under way on another thread of the pool just when this one ends would leave it open for as long as the process lasts.
 *   - What is read is mostly in the system's memory already, and a trip to the pool and back takes several times what the copy does.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
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
  private isClosed = false;

  constructor(file: number, bytes: number, path: string) {
    this.file = file;
    this.bytes = bytes;
    this.path = path;
  }

  async read(offset: number, target: Uint8Array): Promise<void> {
    // Its number may be that of another file by now.
    if (this.isClosed) throw new Error(`${this.path}: read after it was closed`);
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.file, target, done, Math.min(target.length - done, READ_BYTES_MAX), offset + done);
      if (count === 0) {
        throw new RangeError(
          `${this.path}: want ${target.length} bytes at ${offset}, the file ends at ${offset + done}`,
        );
      }
      done += count;
    }
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    closeSync(this.file);
  }
}
