/**
 * Which process a pid meant. Pids are used again; a pid with the time its process started is not.
 */
import { readFileSync } from "node:fs";

export interface ProcessIdentity {
  readonly pid: number;
  /** In the kernel's ticks since boot; "" where the system does not say (only Linux does, in /proc). */
  readonly startTime: string;
}

/** `pid` as of now. */
export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startTime: readStat(pid)?.startTime ?? "" };
}

/**
 * True if that process has surely ended, a zombie included. False does not prove that it lives: where start times are unknown its pid may
 * have another owner by now.
 */
export function isProcessGone({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  if (stat !== null) return stat.isDead || (startTime !== "" && stat.startTime !== startTime);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Fields 3 and 22 of /proc/<pid>/stat, counted from behind the command, which may hold anything. */
function readStat(pid: number): { readonly isDead: boolean; readonly startTime: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state = ""] = fields;
    return { isDead: state === "Z" || state === "X", startTime: fields[19] ?? "" };
  } catch {
    return null;
  }
}
