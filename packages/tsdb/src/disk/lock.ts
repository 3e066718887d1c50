/**
 * One process a database folder. Node has no flock(2), so the lock is a file that says who made it:
 *
 *   {"pid":1,"startTicks":"8812345","bootId":"…","pidNamespace":"pid:[4026531836]","token":"…"}
 *
 * A process number alone proves nothing: in a container every server is pid 1, and after a reboot numbers come again. The start
 * time in clock ticks since boot tells two processes of one number apart. Where the maker cannot be seen at all (another pid
 * namespace, another machine over a network disk, no /proc) the file's modification time is watched: a living owner touches
 * it every two seconds, and five seconds of silence end its claim. The token makes every lock's text its own.
 */
import { randomUUID } from "node:crypto";
import { open, readFile, readlink, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type Lock, LockedError } from "./disk.ts";

export const LOCK_FILE = "flock.lock";

export interface LockTiming {
  /** How often an owner shows that it lives. */
  readonly heartbeatMs: number;
  /** Silence after which an owner that cannot be seen is taken for dead. */
  readonly silenceMs: number;
  /** How often a waiting opener looks. */
  readonly pollMs: number;
}

const TIMING: LockTiming = { heartbeatMs: 2_000, silenceMs: 5_000, pollMs: 100 };

interface Owner {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
  readonly pidNamespace: string;
}

/** Locks inside this very process, which the file alone could not tell from our own. */
const heldHere = new Set<string>();

/** @throws LockedError if a living process has the folder. */
export async function lockFolder(folder: string, timing: LockTiming = TIMING): Promise<Lock> {
  const path = join(folder, LOCK_FILE);
  if (heldHere.has(path)) throw new LockedError(`${folder}: already open in this process`);
  heldHere.add(path);
  let taken: { readonly text: string; readonly wasAbandoned: boolean };
  try {
    taken = await takeFile(folder, path, timing);
  } catch (error) {
    heldHere.delete(path);
    throw error;
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // The folder may be on its way out; the next open judges.
  }, timing.heartbeatMs);
  heartbeat.unref();
  const { text, wasAbandoned } = taken;
  return {
    wasAbandoned,
    async release() {
      clearInterval(heartbeat);
      // A process that was suspended for long may have been taken for dead: the file is the successor's then.
      if ((await readText(path)) === text) await rm(path, { force: true });
      heldHere.delete(path);
    },
  };
}

/** Returns the text that is now in the file, and whether a dead owner's was there. */
async function takeFile(
  folder: string,
  path: string,
  timing: LockTiming,
): Promise<{ text: string; wasAbandoned: boolean }> {
  const self = await describeProcess(process.pid);
  const text = `${JSON.stringify({ ...self, token: randomUUID() })}\n`;
  const deadline = Date.now() + 3 * timing.silenceMs;
  do {
    if (await createFile(path, text)) return { text, wasAbandoned: false };
    const found = await readOwner(path);
    if (found === null) continue; // Released just now.
    if (await isAlive(found.owner, self, path, timing)) {
      const who = found.owner === null ? "another process" : `process ${found.owner.pid}`;
      throw new LockedError(`${folder}: in use by ${who} (${LOCK_FILE}); stop it first or choose another folder`);
    }
    if (await takeOver(path, found.text, text, timing)) return { text, wasAbandoned: true };
  } while (Date.now() < deadline);
  throw new LockedError(`${folder}: other processes keep taking it`);
}

/** False if there is such a file already. */
async function createFile(path: string, text: string): Promise<boolean> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
  try {
    await handle.writeFile(text);
    // After a power cut an empty file would keep the next opener waiting for a heartbeat.
    await handle.datasync();
  } catch (error) {
    await rm(path, { force: true }); // Half a lock file would keep the next opener waiting.
    throw error;
  } finally {
    await handle.close();
  }
  return true;
}

/**
 * Replaces the file of a dead owner. Several processes may have found it dead: they take turns by a second file, and whoever comes later sees that
 * the text is no longer the one it judged.
 */
async function takeOver(path: string, staleText: string, text: string, timing: LockTiming): Promise<boolean> {
  const turn = `${path}.takeover`;
  if (!(await createFile(turn, text))) {
    await sleep(timing.pollMs);
    const { mtimeMs } = (await stat(turn).catch(() => null)) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    // Taking over takes milliseconds: this one died at it.
    if (Date.now() - mtimeMs > timing.silenceMs) await rm(turn, { force: true });
    return false;
  }
  try {
    if ((await readText(path)) !== staleText) return false;
    const whole = `${path}.new`;
    await rm(whole, { force: true });
    await createFile(whole, text);
    await rename(whole, path);
    return true;
  } finally {
    await rm(turn, { force: true });
  }
}

async function readOwner(path: string): Promise<{ text: string; owner: Owner | null } | null> {
  const text = await readText(path);
  if (text === null) return null;
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

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function isAlive(owner: Owner | null, self: Owner, path: string, timing: LockTiming): Promise<boolean> {
  if (
    owner !== null &&
    owner.bootId !== "" &&
    owner.bootId === self.bootId &&
    owner.pidNamespace === self.pidNamespace
  ) {
    const there = await describeProcess(owner.pid);
    return there.startTicks !== "" && there.startTicks === owner.startTicks;
  }
  return await hasHeartbeat(path, timing);
}

async function hasHeartbeat(path: string, timing: LockTiming): Promise<boolean> {
  const touched = async (): Promise<number> => (await stat(path).catch(() => null))?.mtimeMs ?? 0;
  const first = await touched();
  const deadline = Date.now() + timing.silenceMs;
  while (Date.now() < deadline) {
    await sleep(timing.pollMs);
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
  const fields = statLine.slice(statLine.lastIndexOf(")") + 2).split(" ");
  // A zombie is dead, although its parent may leave it there for ever (pid 1 of many containers does).
  const isDead = fields[0] === "Z" || fields[0] === "X";
  const startTicks = isDead ? "" : (fields[19] ?? "");
  return {
    pid,
    startTicks,
    bootId: await read("/proc/sys/kernel/random/boot_id"),
    pidNamespace: await readlink(`/proc/${pid}/ns/pid`).catch(() => ""),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
