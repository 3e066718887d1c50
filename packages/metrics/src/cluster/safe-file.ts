/** Reading files that others have written. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

export interface FileContent {
  readonly bytes: Buffer;
  /** Unix time of the last change. */
  readonly changedMs: number;
}

/** Not every system has these two. A pipe put in a file's place must not block, a link must not lead out of the directory. */
const OPEN_FLAGS: number = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The whole file, "missing" if there is none, "refused" if it is no plain file, longer than `bytesMax`, or cannot be read. Follows no link
 * and never throws.
 */
export function readFileSafely(path: string, bytesMax: number): FileContent | "missing" | "refused" {
  let fd: number;
  try {
    fd = openSync(path, OPEN_FLAGS);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "missing" : "refused";
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > bytesMax) return "refused";
    const bytes = Buffer.allocUnsafe(stat.size);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(fd, bytes, length, bytes.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return { bytes: bytes.subarray(0, length), changedMs: stat.mtimeMs };
  } catch {
    return "refused";
  } finally {
    closeSync(fd);
  }
}
