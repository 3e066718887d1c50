/**
 * A file of pages with checksums (codec/pages.ts) that is open to be read: an index segment, a part. Several read it at a time and it may go out of use meanwhile, so it stays
 * open, and on the disk, for as long as one of them does.
 */
import { CorruptionError } from "../base/errors.ts";
import {
  checkHeader,
  decodeDirectory,
  decodeTail,
  type FileKind,
  HEADER_BYTES,
  type Page,
  TAIL_BYTES,
} from "../codec/pages.ts";
import type { Disk, ReadFile } from "../disk/disk.ts";

export abstract class PagedFile {
  readonly path: string;
  readonly fileNumber: number;
  protected readonly file: ReadFile;
  private users = 0;
  private isRetired = false;

  protected constructor({ path, fileNumber, file }: OpenedPages) {
    this.path = path;
    this.fileNumber = fileNumber;
    this.file = file;
  }

  /** Keeps the file open until `release()`, also if it is retired meanwhile. */
  acquire(): void {
    this.users++;
  }

  release(): void {
    this.users--;
    if (this.isRetired && this.users === 0) this.close();
  }

  /** The file is no longer in use, but for those who acquired it before. */
  retire(): void {
    if (this.isRetired) return;
    this.isRetired = true;
    if (this.users === 0) this.close();
  }

  private close(): void {
    this.forget();
    void this.file.close().catch(() => {});
  }

  /** Nobody reads it any more: what caches have of it is of no use. */
  protected abstract forget(): void;
}

/** What stands at the two ends of such a file. */
export interface OpenedPages {
  readonly path: string;
  readonly fileNumber: number;
  readonly file: ReadFile;
  readonly pages: readonly Page[];
  /** What its kind has to say of itself; see docs/format. */
  readonly root: Uint8Array;
}

/**
 * Opens a file, `what` in messages, and hands what it found to `make`, which reads the root.
 * @throws CorruptionError, NewerFormatError, and the disk's errors: the file is closed then
 */
export async function openPages<T>(
  disk: Disk,
  path: string,
  kind: FileKind,
  fileNumber: number,
  what: string,
  make: (opened: OpenedPages) => T,
): Promise<T> {
  const file = await disk.open(path);
  try {
    if (file.bytes < HEADER_BYTES + TAIL_BYTES) {
      throw new CorruptionError(path, 0, `want ${what}, got ${file.bytes} bytes`);
    }
    const header = new Uint8Array(HEADER_BYTES);
    await file.read(0, header);
    checkHeader(header, kind, fileNumber, path);
    const tail = new Uint8Array(TAIL_BYTES);
    await file.read(file.bytes - TAIL_BYTES, tail);
    const place = decodeTail(tail, kind, file.bytes, path);
    const directory = new Uint8Array(place.length);
    await file.read(place.offset, directory);
    return make({ path, fileNumber, file, ...decodeDirectory(directory, place, fileNumber, path) });
  } catch (error) {
    await file.close();
    // Whatever is written in it leads out of it.
    throw error instanceof RangeError ? new CorruptionError(path, 0, error.message) : error;
  }
}
