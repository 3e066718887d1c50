/** Looking after a database folder that nobody has open: is it whole, and what can be saved of it if not. */
import { InputError } from "../base/errors.ts";
import type { Disk, Lock } from "../disk/disk.ts";
import { RealDisk } from "../disk/real-disk.ts";
import { type RepairOptions, type RepairReport, repairDatabase } from "../storage/care/repair.ts";
import { type VerifyOptions, type VerifyReport, verifyDatabase } from "../storage/care/verify.ts";

/**
 * Reads everything in a database folder, or in a snapshot's, and tells of each file whether it is what was written. Changes nothing.
 * @throws LockedError if the folder is in use (a snapshot of it can be read), NewerFormatError, InputError if there is no database, and the file
 *   system's errors
 */
export async function verifyFolder(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const disk = await existing(path);
  return await withLock(disk, () => verifyDatabase(disk, options));
}

/**
 * Salvages what is whole of the database in `source` into a new one in `target`, a folder that is empty or is made. `source` stays as it is.
 * @throws LockedError if `source` is in use, NewerFormatError, InputError, and the file system's errors: `target` is then unfinished
 */
export async function repairFolder(source: string, target: string, options: RepairOptions = {}): Promise<RepairReport> {
  const from = await existing(source);
  const to = new RealDisk(target);
  if ((await to.list("")).length > 0) throw new InputError(`${target}: want an empty folder to repair to`);
  return await withLock(from, () => repairDatabase(from, to, options));
}

async function existing(path: string): Promise<Disk> {
  const disk = new RealDisk(path);
  const names = await disk.list("");
  if (!["MANIFEST", "data", "wal"].some((name) => names.includes(name))) {
    throw new InputError(`${path}: there is no database here`);
  }
  return disk;
}

/** Nobody writes while `work` reads. On a read-only file system nobody can. */
async function withLock<T>(disk: Disk, work: () => Promise<T>): Promise<T> {
  let lock: Lock | null = null;
  try {
    lock = await disk.lock("");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EROFS") throw error;
  }
  try {
    return await work();
  } finally {
    await lock?.release();
  }
}
