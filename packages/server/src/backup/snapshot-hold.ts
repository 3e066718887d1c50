/**
 * Whose snapshot it is: a backup that makes one of its own locks the snapshot's folder, as a database is locked, until both are gone.
 *
 *   snapshots/20261123015840-19E8A3C0F21/flock.lock        process, start time, heartbeat: see the engine's lock
 *
 * A snapshot whose lock's owner is dead was left by a backup that was killed: the next one deletes it. One without a lock is somebody's own.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Lock, lockFolder } from "@nyanza/tsdb";

const LOCK_FILE = "flock.lock";

/** Null where the folder cannot be written to: a snapshot left there goes when it is old. */
export async function holdSnapshot(folder: string): Promise<Lock | null> {
  return await lockFolder(folder).catch(() => null);
}

/** Names of the snapshots in the data folder that a killed backup has left. They are locked until `release`. */
export async function takeAbandoned(data: string): Promise<{ names: string[]; release(): Promise<void> }> {
  const names: string[] = [];
  const locks: Lock[] = [];
  for (const name of await readdir(join(data, "snapshots")).catch(() => [])) {
    const folder = join(data, "snapshots", name);
    // Without a lock nobody says whose it is; locking it to find out would leave one.
    if ((await stat(join(folder, LOCK_FILE)).catch(() => null)) === null) continue;
    const lock = await holdSnapshot(folder);
    if (lock === null) continue;
    locks.push(lock);
    if (lock.wasAbandoned) names.push(name);
  }
  return {
    names,
    release: async () => {
      for (const lock of locks) await lock.release();
    },
  };
}
