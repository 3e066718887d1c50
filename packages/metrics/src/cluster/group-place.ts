/**
 * Where the processes of a group meet: a directory that only their user can read, found by all of them without a word between
 * them.
 *
 *     <tmp>/nyanza-<uid>/<pid>-<start>-<hash>/          <pid>, <start>   the parent all have in common
 *                                                       <hash>           of the application's name
 *
 * | this process is | the parent in common |
 * |---|---|
 * | started by PM2 (cluster or fork mode) | PM2's daemon; the application's name tells its groups apart |
 * | a worker of node:cluster | the primary |
 * | the primary, or alone | itself: the same directory its workers will find |
 *
 * With a directory named by the application or by NYANZA_METRICS_DIR the processes that name it are the group, whoever their parents are.
 */
import cluster from "node:cluster";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { identifyProcess, isProcessGone, type ProcessIdentity } from "./process-identity.ts";

export interface GroupPlace {
  readonly directory: string;
  /** Holds the directories of this user's groups. */
  readonly base: string;
  /**
   * True if the directory is one primary's alone: what departed workers counted then stays while the primary lives, even when no worker
   * does. Otherwise a group that has lost its last process begins anew.
   */
  readonly isPrimarys: boolean;
  /** True if this process is the parent in common. */
  readonly isOwn: boolean;
}

export interface PlaceOptions {
  readonly directory?: string | undefined;
  readonly name?: string | undefined;
}

/** Says where; touches nothing. */
export function findPlace(options: PlaceOptions, env: NodeJS.ProcessEnv = process.env): GroupPlace {
  const given = options.directory ?? env["NYANZA_METRICS_DIR"] ?? "";
  const base = join(given === "" ? tmpdir() : given, `nyanza-${userKey()}`);
  const isPm2s = isStartedByPm2(env);
  const application = isPm2s ? `${env["namespace"] ?? ""}/${env["name"] ?? ""}` : "";
  const key = createHash("sha256")
    .update(JSON.stringify([application, options.name ?? ""]))
    .digest("hex")
    .slice(0, 8);
  if (given !== "") return { directory: join(base, `group-${key}`), base, isPrimarys: false, isOwn: false };
  const parentPid = isPm2s || cluster.isWorker ? process.ppid : process.pid;
  const parent = identifyProcess(parentPid);
  return {
    directory: join(base, `${parent.pid}-${parent.startTime}-${key}`),
    base,
    // Without its start time another primary may have had the same pid, and left its directory.
    isPrimarys: !isPm2s && parent.startTime !== "",
    isOwn: parentPid === process.pid,
  };
}

/** False too for what an application under PM2 starts itself, which only inherits its environment. */
export function isStartedByPm2(env: NodeJS.ProcessEnv): boolean {
  return env["pm_id"] !== undefined && env["exec_mode"] === (cluster.isWorker ? "cluster_mode" : "fork_mode");
}

/**
 * Makes the directory where it is missing.
 * @throws Error if it, or the one that holds it, is not this user's alone
 */
export function makePlace(place: GroupPlace): void {
  try {
    makeParents(place.base);
    makePrivate(place.base);
    makePrivate(place.directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new Error(`directory of the process group ${place.base}: cannot be made: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Not by `recursive`: on file systems that answer ENOENT to every new directory, such as /proc, Node 20 then tries for ever. */
function makeParents(path: string): void {
  const parent = dirname(path);
  if (parent === path || existsSync(parent)) return;
  makeParents(parent);
  try {
    mkdirSync(parent);
  } catch (error) {
    // Another process of the group was faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function makePrivate(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const stat = lstatSync(path);
  const wrong = (what: string): Error =>
    new Error(
      `directory of the process group ${path}: want a directory only its owner may enter, ${what}; name another one by NYANZA_METRICS_DIR`,
    );
  if (!stat.isDirectory()) throw wrong("got something else");
  // Windows has neither; its temporary directory is the user's own.
  const uid = process.getuid?.();
  if (uid === undefined) return;
  if (stat.uid !== uid) throw wrong(`got one of user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) throw wrong(`got mode ${(stat.mode & 0o777).toString(8)}`);
}

/** Removes directories whose parent in common has ended and that nobody has written to for a minute. Never throws. */
export function sweepPlaces({ base, directory }: GroupPlace, nowMs: number): void {
  for (const name of listDirectory(base).slice(0, SWEPT_MAX)) {
    const path = join(base, name);
    const parent = parseParent(name);
    if (parent === null || path === directory || !isProcessGone(parent)) continue;
    const isRecent = [path, ...listDirectory(path).map((file) => join(path, file))].some((file) => {
      return (lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > nowMs - SWEPT_AGE_MS;
    });
    if (!isRecent) removePlace(path);
  }
}

/** Removes a group's directory and all it holds; links are removed, not followed. Never throws. */
export function removePlace(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // Somebody else removes it, or will.
  }
}

/** Names in a directory; none if it cannot be read. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

const SWEPT_MAX = 200;
const SWEPT_AGE_MS = 60_000;

function parseParent(name: string): ProcessIdentity | null {
  const match = /^(\d{1,10})-(\d{0,20})-[0-9a-f]{8}$/.exec(name);
  return match === null ? null : { pid: Number(match[1]), startTime: match[2] as string };
}

function userKey(): string {
  const uid = process.getuid?.();
  if (uid !== undefined) return String(uid);
  return createHash("sha256").update(userInfo().username).digest("hex").slice(0, 8);
}
