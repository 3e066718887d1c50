/**
 * One process a database folder. Node has no flock(2), so the lock is a file that says who made it:
 *
 *   {"pid":1,"startTicks":"8812345","bootId":"…","pidNamespace":"pid:[4026531836]"}
 *
 * A process number alone proves nothing: in a container every server is pid 1, and after a reboot numbers come again. The start
 * time in clock ticks since boot tells two processes of one number apart. Where the maker cannot be seen at all (another pid
 * namespace, another machine over a network disk, no /proc) the file's modification time is watched: a living owner touches
 * it every two seconds, and five seconds of silence end its claim.
 */
import { open, readFile, readlink, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Lock, LockedError } from "./disk.ts";

export const LOCK_FILE = "flock.lock";
const HEARTBEAT_MS = 2_000;
const SILENCE_MS = 5_000;
const ATTEMPTS = 5;

interface Owner {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
  readonly pidNamespace: string;
}

/** Locks inside this very process, which the file alone could not tell from our own. */
const heldHere = new Set<string>();

/** @throws LockedError if a living process has the folder. */
export async function lockFolder(folder: string): Promise<Lock> {
  const path = join(folder, LOCK_FILE);
  if (heldHere.has(path)) throw new LockedError(`${folder}: already open in this process`);
  heldHere.add(path);
  try {
    await takeFile(folder, path);
  } catch (error) {
    heldHere.delete(path);
    throw error;
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // The folder may be on its way out; the next open judges.
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      await rm(path, { force: true });
      heldHere.delete(path);
    },
  };
}

async function takeFile(folder: string, path: string): Promise<void> {
  const self = await describeProcess(process.pid);
  const text = `${JSON.stringify(self)}\n`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const handle = await open(path, "wx");
      await handle.writeFile(text);
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const found = await readOwner(path);
    if (found === null) continue; // Released just now.
    if (await isAlive(found.owner, self, path)) {
      const who = found.owner === null ? "another process" : `process ${found.owner.pid}`;
      throw new LockedError(`${folder}: in use by ${who} (${LOCK_FILE}); stop it first or choose another folder`);
    }
    // Of several processes that see the same stale file only one succeeds in moving it away.
    const aside = `${path}.stale-${process.pid}`;
    try {
      await rename(path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
      throw error;
    }
    const moved = await readFile(aside, "utf8").catch(() => "");
    if (moved !== found.text) {
      // Someone else took the stale file and made a new one in between: that was theirs. Give it back.
      await rename(aside, path);
      continue;
    }
    await rm(aside, { force: true });
  }
  throw new LockedError(`${folder}: other processes keep taking it`);
}

async function readOwner(path: string): Promise<{ text: string; owner: Owner | null } | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    if (typeof owner.pid === "number" && typeof owner.startTicks === "string") {
      return { text, owner: { bootId: "", pidNamespace: "", ...owner } as Owner };
    }
  } catch {
    // Half-written: its maker died between creating and filling it, or is about to fill it.
  }
  return { text, owner: null };
}

async function isAlive(owner: Owner | null, self: Owner, path: string): Promise<boolean> {
  if (owner !== null && owner.bootId !== "" && owner.bootId === self.bootId && owner.pidNamespace === self.pidNamespace) {
    const there = await describeProcess(owner.pid);
    return there.startTicks !== "" && there.startTicks === owner.startTicks;
  }
  return await hasHeartbeat(path);
}

async function hasHeartbeat(path: string): Promise<boolean> {
  const touched = async (): Promise<number> => (await stat(path).catch(() => null))?.mtimeMs ?? 0;
  const first = await touched();
  const deadline = Date.now() + SILENCE_MS;
  while (Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const now = await touched();
    if (now === 0) return false;
    if (now !== first) return true;
  }
  return false;
}

/** What /proc says of a process; empty strings where it says nothing. */
async function describeProcess(pid: number): Promise<Owner> {
  const read = async (path: string): Promise<string> => (await readFile(path, "utf8").catch(() => "")).trim();
  const statLine = await read(`/proc/${pid}/stat`);
  // The command name is in parentheses and may contain anything; field 22 is counted from behind it.
  const startTicks = statLine === "" ? "" : (statLine.slice(statLine.lastIndexOf(")") + 2).split(" ")[19] ?? "");
  return {
    pid,
    startTicks,
    bootId: await read("/proc/sys/kernel/random/boot_id"),
    pidNamespace: await readlink(`/proc/${pid}/ns/pid`).catch(() => ""),
  };
}
